//! Members, tags, events and queries of pools that run.

use super::*;
use crate::gossip::{PoolState, QueryReply, QueryRequest, Tags};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};

fn tags(role: &str) -> Tags {
    Tags::from([("role".to_owned(), role.to_owned())])
}

#[tokio::test]
async fn pools_that_join_know_each_other() {
    let a = start(PoolConfig { tags: tags("db"), ..config("a", "127.60.1.1") }).await;
    let b = start(PoolConfig { tags: tags("web"), ..config("b", "127.60.1.2") }).await;
    let mut events = a.subscribe();
    assert_eq!((a.alive_count(), a.members().len()), (1, 1));
    assert_eq!(b.join(&[format!("a/{}", a.address())]).await, Ok(1));
    let joined = event(&mut events, |event| match event {
        Event::Join(members) => Some(members),
        _ => None,
    });
    let joined = joined.await;
    assert_eq!((joined[0].name.as_str(), joined[0].tag("role"), joined[0].socket()), ("b", "web", b.address()));
    assert_eq!(joined[0].protocol, [1, 5, 2, 2, 5, 4]);
    until_status(&b, "a", MemberStatus::Alive).await;
    assert_eq!(b.member("a").unwrap().tag("role"), "db");
    assert_eq!((b.local().name.as_str(), b.alive_count(), b.state()), ("b", 2, PoolState::Alive));
    shutdown(&[a, b]).await;
}

#[tokio::test]
async fn new_tags_are_told_to_all() {
    let [a, b] = cluster("127.60.2.1", |config| PoolConfig { tags: tags("old"), ..config }).await;
    let mut events = a.subscribe();
    b.set_tags(tags("new")).await.unwrap();
    let updated = event(&mut events, |event| match event {
        Event::Update(members) => Some(members),
        _ => None,
    });
    assert_eq!(updated.await[0].tag("role"), "new");
    assert_eq!(b.local().tag("role"), "new");
    let long = b.set_tags(tags(&"x".repeat(600))).await.unwrap_err();
    assert_eq!(long.text, "Encoded length of tags exceeds limit of 512 bytes");
    shutdown(&[a, b]).await;
}

#[tokio::test]
async fn user_events_reach_everybody_in_order_of_their_clock() {
    let [a, b, c] = cluster("127.60.3.1", |config| config).await;
    let mut listeners = [a.subscribe(), b.subscribe(), c.subscribe()];
    a.user_event("deploy", Bytes::from_static(b"v1"), false).await.unwrap();
    b.user_event("restart", Bytes::new(), true).await.unwrap();
    for events in &mut listeners {
        let mut seen = BTreeMap::new();
        while seen.len() < 2 {
            let user = event(events, |event| match event {
                Event::User(user) => Some(user),
                _ => None,
            });
            let user = user.await;
            seen.insert(user.name, (user.payload, user.coalesce));
        }
        assert_eq!(seen["deploy"], (Bytes::from_static(b"v1"), false));
        assert_eq!(seen["restart"], (Bytes::new(), true));
    }
    let long = a.user_event("deploy", vec![0; 600].into(), false).await.unwrap_err();
    assert_eq!(long.text, "user event exceeds configured limit of 512 bytes before encoding");
    shutdown(&[a, b, c]).await;
}

/// Answers every query of a pool with its own name.
fn answer_all(pool: &Pool) {
    let (mut events, name) = (pool.subscribe(), pool.local().name.clone());
    tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if let Event::Query(query) = event {
                query.respond(name.clone()).unwrap();
                assert_eq!(query.respond("again").unwrap_err().text, "response already sent");
            }
        }
    });
}

async fn replies(pool: &Pool, request: QueryRequest, count: usize) -> BTreeSet<String> {
    let mut responses = pool.query(request).await.unwrap();
    let mut seen = BTreeSet::new();
    while seen.len() < count {
        seen.insert(match responses.next().await.expect("an answer before the deadline") {
            QueryReply::Ack { from } => format!("ack {from}"),
            QueryReply::Response { from, payload } => format!("{from}: {}", String::from_utf8_lossy(&payload)),
        });
    }
    seen
}

#[tokio::test]
async fn queries_are_answered_by_those_who_are_asked() {
    let [a, b, c] = cluster("127.60.4.1", |config| config).await;
    [&a, &b, &c].into_iter().for_each(answer_all);
    let request = QueryRequest { name: "who".into(), request_ack: true, timeout: PATIENCE, ..QueryRequest::default() };
    let all = ["a: a", "ack a", "ack b", "ack c", "b: b", "c: c"];
    assert_eq!(replies(&a, request.clone(), 6).await, all.map(str::to_owned).into());
    let only = QueryRequest { filter_nodes: vec!["b".into()], relay_factor: 1, ..request.clone() };
    assert_eq!(replies(&c, only, 2).await, ["ack b", "b: b"].map(str::to_owned).into());
    let nobody = QueryRequest {
        filter_tags: BTreeMap::from([("role".to_owned(), "x".to_owned())]),
        timeout: Duration::from_millis(200),
        ..request
    };
    let mut none = a.query(nobody).await.unwrap();
    assert_eq!((none.next().await, none.members()), (None, 3));
    shutdown(&[a, b, c]).await;
}

#[tokio::test]
async fn a_listener_that_sleeps_loses_events_but_holds_up_nobody() {
    let [a, b] = cluster("127.60.5.1", |config| PoolConfig { event_channel_size: 4, ..config }).await;
    let mut sleeping = a.subscribe();
    for number in 0..50 {
        b.user_event(&format!("event-{number}"), Bytes::new(), false).await.unwrap();
    }
    let all_told = async {
        while a.stats()["event_time"] != "51" {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, all_told).await.expect("the events arrive");
    let mut kept = 0;
    while sleeping.try_recv().is_ok() {
        kept += 1;
    }
    assert_eq!(kept, 4);
    shutdown(&[a, b]).await;
}

#[tokio::test]
async fn the_figures_are_those_of_info() {
    let [a, b] = cluster("127.60.6.1", |config| config).await;
    let names: Vec<String> = a.stats().into_keys().collect();
    let wanted = [
        "coordinate_resets",
        "encrypted",
        "event_queue",
        "event_time",
        "failed",
        "health_score",
        "intent_queue",
        "left",
        "member_time",
        "members",
        "query_queue",
        "query_time",
    ];
    assert_eq!(names, wanted);
    let stats = a.stats();
    assert_eq!((&*stats["members"], &*stats["failed"], &*stats["encrypted"]), ("2", "0", "false"));
    let measured = async {
        while a.coordinate_of("b").is_none() || a.coordinate_of("a").is_none() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, measured).await.expect("probes bring coordinates");
    assert!(a.coordinate().is_valid());
    assert_eq!(a.coordinate_of("nobody"), None);
    shutdown(&[a, b]).await;
}
