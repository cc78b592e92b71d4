//! Queries and the conflicts that they settle (`spec/gossip.md` 4.5).

use super::super::message::{MemberRecord, Query, QueryResponse, flags};
use super::*;

fn query(id: u32, name: &str) -> Query {
    Query {
        ltime: 3,
        id,
        addr: message::ip_bytes(address(0).ip()),
        port: 9000,
        source_node: "asker".into(),
        timeout: 5_000_000_000,
        name: name.into(),
        ..Query::default()
    }
}

fn answer(serf: &mut Serf, now: Duration, key: QueryKey, from: &str, flags: u32, payload: &'static [u8]) {
    let response = QueryResponse { ltime: key.0, id: key.1, from: from.into(), flags, payload: payload.into() };
    tell(serf, now, Kind::QueryResponse, &response);
}

fn ask(name: &str) -> QueryRequest {
    QueryRequest { name: name.into(), request_ack: true, ..QueryRequest::default() }
}

#[test]
fn a_query_is_confirmed_delivered_and_passed_on_once() {
    let mut serf = with(&["a"]);
    for id in [1, 1, 2] {
        tell(&mut serf, SECOND, Kind::Query, &Query { flags: flags::ACK, ..query(id, "load") });
    }
    tell(&mut serf, SECOND, Kind::Query, &Query { flags: flags::NO_BROADCAST, ..query(3, "quiet") });
    let one = ["send 5 to 9000", "query load of asker"];
    assert_eq!(told(&mut serf), [&one[..], &one[..], &["query quiet of asker"]].concat());
    assert_eq!((serf.clocks().query, serf.queue_lengths()), (4, [0, 2, 0]));
}

#[test]
fn a_query_for_others_is_only_passed_on() {
    let mut serf = with(&["a"]);
    let filters = super::super::filter::encode(&["a".to_owned()], &BTreeMap::new());
    tell(&mut serf, SECOND, Kind::Query, &Query { flags: flags::ACK, filters, ..query(1, "load") });
    tell(
        &mut serf,
        SECOND,
        Kind::Query,
        &Query { filters: Some(vec![Bytes::from_static(b"\x07")]), ..query(2, "load") },
    );
    assert_eq!(told(&mut serf), Vec::<String>::new());
    assert_eq!(serf.queue_lengths(), [0, 2, 0]);
}

#[test]
fn the_asker_hears_every_node_once_until_the_deadline() {
    let mut serf = with(&["a", "b"]);
    let (key, time) = serf.query(SECOND, ask("load")).unwrap();
    // Up to nine members, 200 ms of gossip: 3.2 s.
    assert_eq!((key.0, time), (1, Duration::from_millis(3200)));
    assert_eq!(told(&mut serf), ["send 5 to 7946", "query load of own"]);
    for from in ["a", "b", "a"] {
        answer(&mut serf, SECOND, key, from, flags::ACK, b"");
        answer(&mut serf, SECOND, key, from, 0, b"0.1");
    }
    answer(&mut serf, SECOND, (key.0, key.1 ^ 1), "a", 0, b"0.1");
    assert_eq!(told(&mut serf), ["ack a", "response a 0.1", "ack b", "response b 0.1"]);
    serf.tick(serf.next_tick());
    answer(&mut serf, 5 * SECOND, key, "own", 0, b"0.1");
    assert_eq!(told(&mut serf), ["query ended"]);
}

#[test]
fn acks_that_nobody_asked_for_are_ignored() {
    let mut serf = with(&["a"]);
    let (key, _) = serf.query(SECOND, QueryRequest { request_ack: false, ..ask("load") }).unwrap();
    answer(&mut serf, SECOND, key, "a", flags::ACK, b"");
    assert_eq!(told(&mut serf), ["query load of own"]);
}

#[test]
fn the_time_for_answers_grows_with_the_pool() {
    let names: Vec<String> = (0..120).map(|number| format!("n{number}")).collect();
    for (others, millis) in [(0, 3200), (8, 3200), (9, 6400), (98, 6400), (99, 9600)] {
        let names: Vec<&str> = names[..others].iter().map(String::as_str).collect();
        assert_eq!(with(&names).default_query_timeout(), Duration::from_millis(millis), "{others} others");
    }
}

#[test]
fn queries_and_answers_over_1024_bytes_are_refused() {
    let mut serf = with(&["a"]);
    let long = QueryRequest { payload: vec![1; 1000].into(), ..ask("load") };
    assert_eq!(serf.query(SECOND, long).unwrap_err(), "query exceeds limit of 1024 bytes");
    tell(&mut serf, SECOND, Kind::Query, &query(1, "load"));
    let Some(Output::Query(asked)) = serf.outputs().next() else { panic!("no query") };
    assert!(asked.encode(vec![1; 900].into()).is_ok());
    assert_eq!(asked.encode(vec![1; 1000].into()).unwrap_err(), "response exceeds limit of 1024 bytes");
}

#[test]
fn answers_are_also_sent_through_others() {
    let mut serf = with(&["a", "b", "c"]);
    serf.left(SECOND, &node("c", 8002, &[]));
    told(&mut serf);
    tell(&mut serf, SECOND, Kind::Query, &Query { relay_factor: 2, flags: flags::ACK, ..query(1, "_serf_ping") });
    let mut words = told(&mut serf);
    words.sort();
    assert_eq!(words, ["send 5 to 9000", "send 9 to 8000", "send 9 to 8001"]);
    tell(&mut serf, SECOND, Kind::Query, &Query { relay_factor: 4, flags: flags::ACK, ..query(2, "_serf_ping") });
    assert_eq!(told(&mut serf), ["send 5 to 9000"], "too few members for four copies");
}

#[test]
fn a_relay_is_passed_to_its_receiver() {
    let mut serf = with(&["a"]);
    let inner = message::encode(Kind::QueryResponse, &QueryResponse::default());
    serf.user_message(SECOND, &message::encode_relay(address(9123), "b", &inner));
    let outputs: Vec<Output> = serf.outputs().collect();
    assert!(matches!(&outputs[..], [Output::Send { to, message }] if *to == address(9123) && *message == inner));
}

#[test]
fn internal_queries_are_answered_inside() {
    let mut serf = with(&["a"]);
    for (id, name, payload, wanted) in [
        (1, "_serf_ping", "", vec![]),
        (2, "_serf_conflict", "own", vec![]),
        (3, "_serf_conflict", "a", vec!["send 5 to 9000"]),
        (4, "_serf_conflict", "nobody", vec!["send 5 to 9000"]),
        (5, "_serf_list-keys", "", vec!["keys list-keys"]),
        (6, "_serf_install-key", "", vec!["keys install-key"]),
        (7, "_serf_something", "", vec![]),
    ] {
        tell(&mut serf, SECOND, Kind::Query, &Query { payload: payload.into(), ..query(id, name) });
        assert_eq!(told(&mut serf), wanted, "{name} {payload}");
    }
}

/// The node `own`, with another that claims its name; returns the question that it asks the pool.
fn conflict(resolve: bool) -> (Serf, Option<QueryKey>) {
    let mut serf = alone(Settings { resolve_conflicts: resolve, ..settings("own") });
    for _ in 0..3 {
        serf.conflict(SECOND, &node("own", 7946, &[]), &node("own", 9999, &[]));
    }
    serf.conflict(SECOND, &node("a", 1, &[]), &node("a", 2, &[]));
    let key = serf.asked.keys().copied().next();
    assert_eq!(serf.asked.len(), usize::from(resolve));
    assert_eq!(told(&mut serf), Vec::<String>::new());
    (serf, key)
}

#[test]
fn the_pool_decides_who_keeps_a_name() {
    for (ours, theirs, wanted) in
        [(2, 1, vec![]), (1, 1, vec!["conflict lost"]), (1, 2, vec!["conflict lost"]), (0, 0, vec!["conflict lost"])]
    {
        let (mut serf, key) = conflict(true);
        let key = key.unwrap();
        for (voter, port) in (0..ours).map(|voter| (voter, 7946)).chain((0..theirs).map(|voter| (voter + 10, 9999))) {
            let record = MemberRecord { addr: message::ip_bytes(address(port).ip()), port, ..MemberRecord::default() };
            let payload = message::encode(Kind::ConflictResponse, &record);
            let response = QueryResponse { ltime: key.0, id: key.1, from: format!("voter-{voter}"), flags: 0, payload };
            tell(&mut serf, SECOND, Kind::QueryResponse, &response);
        }
        serf.tick(10 * SECOND);
        assert_eq!(told(&mut serf), wanted, "{ours} for us, {theirs} for the other");
    }
}

#[test]
fn without_resolution_a_conflict_is_only_logged() {
    assert_eq!(conflict(false).1, None);
}

#[test]
fn the_same_claim_is_news_once_a_minute() {
    let mut serf = with(&["a"]);
    let claims = |serf: &mut Serf, seconds: u32| {
        [9999, 9999, 9998].map(|port| serf.is_news(SECOND * seconds, &node("a", port, &[])))
    };
    assert_eq!(claims(&mut serf, 1), [true, false, true]);
    assert_eq!(claims(&mut serf, 60), [false; 3]);
    assert_eq!(claims(&mut serf, 61), [true, false, true]);
}
