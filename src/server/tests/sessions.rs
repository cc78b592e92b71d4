//! Sessions: creation, renewal, expiry.

use super::*;
use crate::types::session::SessionOp;

fn create(fill: impl FnOnce(&mut Session)) -> SessionRequest {
    let mut session = Session { node: "n2".into(), ..Default::default() };
    fill(&mut session);
    SessionRequest { session, ..Default::default() }
}

#[tokio::test]
async fn create_refuses_in_the_words_of_the_reference() {
    let server = server().await;
    let text = async |fill: fn(&mut Session)| refusal(server.call::<SessionApply>(create(fill)).await);
    assert_eq!(text(|s| s.node.clear()).await, "Must provide Node");
    assert_eq!(text(|s| s.behavior = "x".into()).await, "Invalid Behavior setting 'x'");
    assert_eq!(text(|s| s.ttl = "5s".into()).await, "Invalid Session TTL '5000000000', must be between [10s=24h0m0s]");
    assert_eq!(text(|_| {}).await, "apply failed: Missing node registration");
    register(&server, |r| r.check = Some(check("mem", CheckStatus::Critical))).await.expect("registered");
    assert_eq!(
        text(|s| s.node_checks = Some(vec!["nope".into()])).await,
        "apply failed: Missing check 'nope' registration"
    );
    assert_eq!(
        text(|s| s.node_checks = Some(vec!["mem".into()])).await,
        "apply failed: Check 'mem' is in critical state"
    );
    let nameless = SessionRequest { op: SessionOp::Destroy, ..Default::default() };
    assert_eq!(refusal(server.call::<SessionApply>(nameless).await), "Must provide ID");
}

#[tokio::test]
async fn an_unrenewed_session_ends_and_releases_its_lock() {
    let (server, _) = server_with(|config| config.session_ttl_min = Duration::from_millis(1)).await;
    register(&server, |_| {}).await.expect("registered");
    let id = server.call::<SessionApply>(create(|s| s.ttl = "20ms".into())).await.expect("created");
    let other = server.call::<SessionApply>(create(|s| s.ttl = "1h".into())).await.expect("created");
    assert!(kv(&server, KvOp::Lock, "k", |entry| entry.session = id.clone()).await.expect("answered"));
    let free = until(&server, |state, watch| state.kv_get(watch, "k").1.filter(|entry| entry.session.is_empty())).await;
    assert_eq!(free.lock_index, 1);
    let left = server.call::<SessionList>(SessionSpecificRequest::default()).await.expect("listed").sessions;
    assert_eq!(left.iter().map(|session| session.id.as_str()).collect::<Vec<_>>(), [other.as_str()]);
}

#[tokio::test]
async fn renewing_answers_the_session_and_writes_nothing() {
    let server = server().await;
    register(&server, |_| {}).await.expect("registered");
    let id = server.call::<SessionApply>(create(|s| s.ttl = "10s".into())).await.expect("created");
    let renew = |id: &str| SessionSpecificRequest { session_id: id.into(), ..Default::default() };
    let reply = server.call::<SessionRenew>(renew(&id)).await.expect("renewed");
    assert_eq!((reply.sessions[0].id.as_str(), reply.sessions[0].behavior.as_str()), (id.as_str(), "release"));
    assert_eq!(reply.sessions[0].modify_index, reply.sessions[0].create_index);
    assert!(server.call::<SessionRenew>(renew(OTHER_ID)).await.expect("answered").sessions.is_empty());
}
