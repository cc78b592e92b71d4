//! The read engine: what ends a blocking query and what does not (`spec/semantics.md` 4, 26).

use super::*;
use crate::server::reads::blocking::wait_time;
use futures::FutureExt;

/// A query that waits past this index; an hour, so that only a change can end it.
fn after<A: ReadRequest>(mut args: A, index: Index) -> A {
    args.options_mut().min_query_index = index;
    args.options_mut().max_query_time = GoDuration::secs(3600);
    args
}

#[tokio::test]
async fn a_watched_key_answers_when_it_changes() {
    let server = server().await;
    put(&server, "k", "1").await;
    let index = server.call::<KvsGet>(key("k")).await.expect("read").meta.index;
    let mut watcher = Box::pin(server.call::<KvsGet>(after(key("k"), index)));
    assert!(watcher.as_mut().now_or_never().is_none(), "nothing has changed");
    put(&server, "k", "1").await;
    assert!(watcher.as_mut().now_or_never().is_none(), "the same value is no change");
    put(&server, "k", "2").await;
    let reply = watcher.await.expect("answered");
    assert_eq!(reply.entries.expect("present")[0].value, Blob::from("2"));
    assert!(reply.meta.index > index);
}

#[tokio::test]
async fn a_watched_missing_key_ignores_its_siblings_and_answers_when_it_appears() {
    let server = server().await;
    put(&server, "dir/a", "1").await;
    let index = server.call::<KvsGet>(key("dir/k")).await.expect("read").meta.index;
    let encoding = Encoding { name: "json", encode: json };
    let mut watcher = Box::pin(server.call_encoded::<KvsGet>(after(key("dir/k"), index), &encoding));
    assert!(watcher.as_mut().now_or_never().is_none());
    for sibling in ["dir/b", "dir/c", "dir/ka"] {
        put(&server, sibling, "1").await;
        assert!(watcher.as_mut().now_or_never().is_none(), "{sibling} is another key");
    }
    put(&server, "dir/k", "1").await;
    let answer = watcher.await.expect("answered");
    assert!(!answer.not_found);
}

#[tokio::test]
async fn a_prefix_answers_when_a_key_under_it_is_deleted() {
    let server = server().await;
    put(&server, "p/a", "1").await;
    put(&server, "p/b", "1").await;
    let index = server.call::<KvsList>(key("p/")).await.expect("read").meta.index;
    let mut watcher = Box::pin(server.call::<KvsList>(after(key("p/"), index)));
    assert!(watcher.as_mut().now_or_never().is_none());
    kv(&server, KvOp::Delete, "p/a", |_| {}).await.expect("deleted");
    let reply = watcher.await.expect("answered");
    assert_eq!(reply.entries.expect("one left").len(), 1);
    assert!(reply.meta.index > index, "the tombstone moves the index");
}

#[tokio::test]
async fn a_health_query_sleeps_through_other_services() {
    let server = server().await;
    register(&server, |r| r.service = service("web")).await.expect("registered");
    let index = server.call::<HealthServiceNodes>(health("web")).await.expect("read").meta.index;
    let mut watcher = Box::pin(server.call::<HealthServiceNodes>(after(health("web"), index)));
    assert!(watcher.as_mut().now_or_never().is_none());
    let other = |r: &mut RegisterRequest| (r.node, r.service) = ("n5".into(), service("db"));
    register(&server, other).await.expect("registered");
    assert!(watcher.as_mut().now_or_never().is_none(), "another service on another node");
    register(&server, |r| r.check = Some(check("disk", CheckStatus::Warning))).await.expect("registered");
    let reply = watcher.await.expect("answered");
    assert!(reply.nodes[0].checks.iter().any(|check| check.check_id == "disk"));
}

#[tokio::test]
async fn a_deregistered_service_answers_with_the_index_of_its_extinction() {
    let server = server().await;
    register(&server, |r| r.service = service("web")).await.expect("registered");
    let index = server.call::<HealthServiceNodes>(health("web")).await.expect("read").meta.index;
    let mut watcher = Box::pin(server.call::<HealthServiceNodes>(after(health("web"), index)));
    assert!(watcher.as_mut().now_or_never().is_none());
    let request = DeregisterRequest { node: "n2".into(), service_id: "web".into(), ..Default::default() };
    server.call::<CatalogDeregister>(request).await.expect("deregistered");
    let reply = watcher.await.expect("answered");
    assert!(reply.nodes.is_empty());
    let unknown = server.call::<HealthServiceNodes>(health("never")).await.expect("read");
    assert_eq!(unknown.meta.index, reply.meta.index);
}

#[tokio::test]
async fn the_wait_ends_with_the_same_result() {
    let server = server().await;
    put(&server, "k", "1").await;
    let index = server.call::<KvsGet>(key("k")).await.expect("read").meta.index;
    let mut request = after(key("k"), index);
    request.query.max_query_time = GoDuration::millis(5);
    let reply = server.call::<KvsGet>(request).await.expect("answered");
    assert_eq!((reply.meta.index, reply.entries.expect("present").len()), (index, 1));
}

#[tokio::test]
async fn waits_are_capped_and_stretched_by_at_most_a_sixteenth() {
    let server = server().await;
    let between = |asked: u64, base: u64| {
        for _ in 0..100 {
            let wait = wait_time(server.config(), Duration::from_secs(asked));
            let base = Duration::from_secs(base);
            assert!(wait >= base && wait < base + base / 16, "{wait:?}");
        }
    };
    between(0, 300);
    between(10, 10);
    between(5000, 600);
}

#[tokio::test]
async fn an_empty_table_shows_index_one() {
    let server = server().await;
    let reply = server.call::<CoordinateListNodes>(DcRequest::default()).await.expect("read");
    assert_eq!(reply.meta.index, 1);
}

#[tokio::test]
async fn a_restore_wakes_every_watcher() {
    let server = server().await;
    put(&server, "k", "1").await;
    let archive = save(&server).await;
    put(&server, "k", "2").await;
    let index = server.call::<KvsGet>(key("k")).await.expect("read").meta.index;
    let watcher = tokio::spawn({
        let server = server.clone();
        async move { server.call::<KvsGet>(after(key("k"), index + 1000)).await }
    });
    while server.blocked_queries() == 0 {
        tokio::task::yield_now().await;
    }
    restore(&server, archive).await;
    watcher.await.expect("runs").expect("answered");
    let restored = server.call::<KvsGet>(key("k")).await.expect("read").entries.expect("present");
    assert_eq!(restored[0].value, Blob::from("1"));
}

#[tokio::test]
async fn without_a_leader_requests_wait_for_the_hold_time_and_stale_reads_too_before_first_contact() {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 8300));
    let members = Arc::new(StaticMembers::new(Vec::new()));
    let mut config = ServerConfig::new("dc1", "n1", NODE_ID, address);
    config.dev = true;
    config.rpc_hold_timeout = Duration::from_millis(20);
    let server = Server::start(config, Gossip::alone(members), None).await.expect("starts without a cluster");
    assert_eq!(refusal(server.call::<KvsGet>(key("k")).await), "No cluster leader");
    assert_eq!(refusal(kv(&server, KvOp::Set, "k", |_| {}).await), "No cluster leader");
    let mut stale = key("k");
    stale.query.allow_stale = true;
    assert_eq!(refusal(server.call::<KvsGet>(stale).await), "No cluster leader");
    assert_eq!(server.call::<StatusLeader>(DcRequest::default()).await.expect("answered"), "");
}

#[tokio::test]
async fn consistent_and_stale_reads_are_answered_by_the_leader() {
    let server = server().await;
    put(&server, "k", "1").await;
    let mut consistent = key("k");
    consistent.query.require_consistent = true;
    let mut stale = key("k");
    stale.query.allow_stale = true;
    for request in [consistent, stale] {
        let reply = server.call::<KvsGet>(request).await.expect("read");
        assert_eq!((reply.entries.expect("present").len(), reply.meta.last_contact), (1, GoDuration::ZERO));
    }
}
