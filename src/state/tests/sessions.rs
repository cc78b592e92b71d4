use super::*;
use crate::types::{CheckDefinition, Session};

fn holder(scene: &Scene, key: &str) -> Option<String> {
    scene.ask(|snapshot, ws| snapshot.kv_get(ws, key)).1.map(|row| row.session.clone())
}

fn exists(scene: &Scene, id: &str) -> bool {
    scene.ask(|snapshot, ws| snapshot.session(ws, id)).1.is_some()
}

fn locked(behavior: &str) -> Scene {
    let mut scene = Scene::new();
    scene.done(register(node("n")));
    scene.done(create(Session { behavior: behavior.into(), ..session("n", "s") }));
    scene.done(lock(KvOp::Lock, "k", "v", "s"));
    scene
}

#[test]
fn destroying_a_session_releases_its_keys_and_starts_the_lock_delay() {
    let mut scene = locked("");
    let destroyed = scene.done(destroy("s"));
    let row = scene.ask(|snapshot, ws| snapshot.kv_get(ws, "k")).1.expect("kept");
    assert_eq!((row.session.as_str(), row.lock_index, row.modify_index), ("", 1, destroyed));
    assert_eq!(row.value, "v".into());
    let left = scene.store.lock_delay("k").expect("a delay");
    assert!(left <= GoDuration::secs(15).to_std());
    assert_eq!(scene.store.lock_delay("other"), None);
}

#[test]
fn a_session_that_deletes_leaves_a_tombstone_and_a_lock_delay() {
    let mut scene = locked("delete");
    let destroyed = scene.done(destroy("s"));
    assert_eq!(holder(&scene, "k"), None);
    assert_eq!(scene.index_of(|snapshot, ws| snapshot.kv_list(ws, "k")), destroyed);
    assert!(scene.store.lock_delay("k").is_some());
}

#[test]
fn a_release_by_the_holder_starts_no_lock_delay() {
    let mut scene = locked("");
    scene.done(lock(KvOp::Unlock, "k", "", "s"));
    scene.done(destroy("s"));
    assert_eq!(scene.store.lock_delay("k"), None);
}

#[test]
fn creation_needs_the_node_and_checks_that_are_not_critical() {
    let mut scene = Scene::new();
    let with = |check: &str| create(Session { node_checks: Some(vec![check.into()]), ..session("n", "s") });
    assert_eq!(scene.apply(create(session("n", ""))), Outcome::Error("Missing session ID".into()));
    assert_eq!(scene.apply(with("serfHealth")), Outcome::Error("Missing node registration".into()));
    scene.done(register(node("n")));
    assert_eq!(scene.apply(with("serfHealth")), Outcome::Error("Missing check 'serfHealth' registration".into()));
    scene.done(with_check("n", check("n", "serfHealth", "critical")));
    assert_eq!(scene.apply(with("serfHealth")), Outcome::Error("Check 'serfHealth' is in critical state".into()));
    scene.done(with_check("n", check("n", "serfHealth", "passing")));
    assert_eq!(scene.apply(with("serfHealth")), Outcome::Session("s".into()));
    let bad = Session { behavior: "explode".into(), ..session("n", "t") };
    assert_eq!(scene.apply(create(bad)), Outcome::Error("Invalid session behavior: explode".into()));
}

#[test]
fn a_critical_check_ends_the_sessions_that_list_it_in_the_same_index() {
    let mut scene = Scene::new();
    scene.done(with_check("n", check("n", "serfHealth", "passing")));
    scene.done(create(Session { node_checks: Some(vec!["serfHealth".into()]), ..session("n", "s") }));
    scene.done(create(session("n", "free")));
    scene.done(lock(KvOp::Lock, "k", "", "s"));
    let failed = scene.done(with_check("n", check("N", "serfHealth", "critical")));
    assert!(!exists(&scene, "s") && exists(&scene, "free"));
    assert_eq!(scene.index_of(|snapshot, ws| snapshot.sessions(ws)), failed);
    assert_eq!(holder(&scene, "k"), Some(String::new()));
}

#[test]
fn a_repeated_critical_write_still_ends_sessions_though_the_row_stays() {
    let mut scene = Scene::new();
    let first = scene.done(with_check("n", check("n", "c", "critical")));
    // Only a check that follows sessions may be critical when a session lists it.
    let follows = HealthCheck { kind: "session".into(), ..check("n", "c", "critical") };
    scene.done(with_check("n", follows.clone()));
    scene.done(with_check("n", HealthCheck { kind: "session".into(), ..check("n", "d", "critical") }));
    scene.done(create(Session { node_checks: Some(vec!["d".into()]), ..session("n", "s") }));
    scene.done(with_check("n", HealthCheck { kind: "session".into(), ..check("n", "d", "critical") }));
    assert!(!exists(&scene, "s"));
    let checks = scene.ask(|snapshot, ws| snapshot.node_checks(ws, "n")).1;
    assert_eq!(checks[0].modify_index, first, "the type of a check is not compared");
}

#[test]
fn deleting_a_listed_check_its_service_or_the_node_ends_the_session() {
    for removal in [deregister("n", "", "c"), deregister("n", "web", ""), deregister("n", "", "")] {
        let mut scene = Scene::new();
        scene.done(with_service("n", service("web")));
        scene.done(with_check("n", HealthCheck { service_id: "web".into(), ..check("n", "c", "passing") }));
        scene.done(create(Session { checks: vec!["c".into()], ..session("n", "s") }));
        assert_eq!(scene.ask(|snapshot, ws| snapshot.node_sessions(ws, "N")).1.len(), 1);
        scene.done(removal);
        assert!(!exists(&scene, "s"));
        assert!(scene.ask(|snapshot, ws| snapshot.node_sessions(ws, "n")).1.is_empty());
    }
}

#[test]
fn checks_of_type_session_follow_the_session_of_their_name_and_keep_their_modify_index() {
    let mut scene = Scene::new();
    let definition = CheckDefinition { session_name: "leader".into(), ..Default::default() };
    let follower = HealthCheck { kind: "session".into(), definition, ..check("n", "c", "critical") };
    let first = scene.done(with_check("n", follower));
    let created = scene.done(create(Session { name: "leader".into(), ..session("n", "s") }));
    let (index, rows) = scene.ask(|snapshot, ws| snapshot.checks_in_state(ws, "passing", &MetaFilter::new()));
    assert_eq!((index, rows[0].modify_index), (created, first));
    assert_eq!(rows[0].output, "Session 's' in force");
    scene.done(destroy("s"));
    let rows = scene.ask(|snapshot, ws| snapshot.checks_in_state(ws, "critical", &MetaFilter::new())).1;
    assert_eq!(rows[0].output, "Session 's' is invalid");
}
