//! Alias checks over views that a test sets.

use super::*;

fn view(status: &str) -> AliasView {
    let check = AliasedCheck {
        check_id: "c".into(),
        name: "c".into(),
        service_id: "web".into(),
        status: status.into(),
        output: "why".into(),
        ..AliasedCheck::default()
    };
    AliasView { index: 7, service_exists: true, checks: vec![check] }
}

#[tokio::test]
async fn local_changes_are_followed() {
    let (source, _remote) = views();
    let env = CheckEnv { alias: source.clone(), ..env() };
    for node in ["", "here"] {
        *source.local.lock() = AliasView::default();
        let mut check = run_in(&env, json!({"AliasService": "web", "AliasNode": node}));
        assert_eq!(check.next().await, result(Critical, format!("Service web could not be found on node {node}")));
        for (status, wanted) in [
            ("passing", result(Passing, "All checks passing.")),
            ("warning", result(Warning, "Aliased check \"c\" failing: why")),
            ("critical", result(Critical, "Aliased check \"c\" failing: why")),
        ] {
            *source.local.lock() = view(status);
            source.changes.send_modify(|version| *version += 1);
            assert_eq!(check.next().await, wanted);
        }
    }
}

#[tokio::test]
async fn other_nodes_are_asked() {
    let (source, remote) = views();
    let mut check = run_in(&CheckEnv { alias: source, ..env() }, json!({"AliasService": "web", "AliasNode": "there"}));
    remote.send(Ok(view("passing"))).expect("the check asks");
    assert_eq!(check.next().await, result(Passing, "All checks passing."));
    remote.send(Err(Error::no_leader())).expect("the check asks");
    assert_eq!(check.next().await, result(Critical, "Failure checking aliased node or service: No cluster leader"));
}
