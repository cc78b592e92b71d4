//! User events (`spec/gossip.md` 4.4).

use super::super::message::UserEventMessage;
use super::*;

fn event(ltime: u64, name: &str) -> UserEventMessage {
    UserEventMessage { ltime, name: name.into(), payload: Bytes::new(), coalesce: false }
}

#[test]
fn events_are_delivered_once_and_passed_on() {
    let mut serf = with(&["a"]);
    serf.user_event("deploy", Bytes::from_static(b"v1"), true).unwrap();
    for _ in 0..2 {
        tell(&mut serf, SECOND, Kind::UserEvent, &event(9, "restart"));
    }
    tell(&mut serf, SECOND, Kind::UserEvent, &event(9, "restart again"));
    assert_eq!(told(&mut serf), ["event deploy at 1", "event restart at 9", "event restart again at 9"]);
    assert_eq!((serf.clocks().event, serf.queue_lengths()), (10, [0, 0, 3]));
}

#[test]
fn what_is_too_long_is_refused() {
    let limit = |limit, name: usize, payload: usize| {
        let mut serf = alone(Settings { event_size_limit: limit, ..settings("own") });
        serf.user_event(&"n".repeat(name), Bytes::from(vec![1; payload]), false)
    };
    let texts = [
        "user event exceeds configured limit of 512 bytes before encoding",
        "encoded user event exceeds configured limit of 512 bytes after encoding",
        "user event exceeds sane limit of 9216 bytes before encoding",
        "encoded user event exceeds sane limit of 9216 bytes after encoding",
    ];
    for (size_limit, name, payload, wanted) in [
        (512, 12, 501, Err(texts[0].to_owned())),
        (512, 12, 500, Err(texts[1].to_owned())),
        (512, 12, 467, Ok(())),
        (100_000, 12, 9205, Err(texts[2].to_owned())),
        (100_000, 12, 9204, Err(texts[3].to_owned())),
        (100_000, 12, 9000, Ok(())),
    ] {
        assert_eq!(limit(size_limit, name, payload), wanted, "{name} + {payload} of {size_limit}");
    }
}

#[test]
fn events_from_before_the_last_start_are_ignored() {
    let clocks = Clocks { member: 4, event: 20, query: 7 };
    let mut serf = Serf::new(settings("own"), clocks, Duration::ZERO, 1).unwrap();
    assert_eq!(serf.clocks(), Clocks { member: 5, event: 21, query: 8 });
    tell(&mut serf, SECOND, Kind::UserEvent, &event(20, "old"));
    tell(&mut serf, SECOND, Kind::UserEvent, &event(21, "new"));
    assert_eq!(told(&mut serf), ["event new at 21"]);
}

#[test]
fn intents_are_sent_before_queries_and_queries_before_events() {
    let mut serf = with(&["a"]);
    serf.user_event("deploy", Bytes::new(), false).unwrap();
    serf.query(SECOND, QueryRequest { name: "load".into(), ..QueryRequest::default() }).unwrap();
    serf.announce_join(SECOND);
    assert_eq!(broadcast_kinds(&mut serf), [Kind::Join as u8, Kind::Query as u8, Kind::UserEvent as u8]);
    let room = serf.broadcasts(SECOND, 3, 60);
    assert_eq!(room.iter().map(|message| message[0]).collect::<Vec<_>>(), [Kind::Join as u8, Kind::UserEvent as u8]);
}

#[test]
fn a_flood_of_messages_is_cut_at_once() {
    let mut serf = with(&["a"]);
    let depth = serf.settings.min_queue_depth;
    for number in 0..5 * depth {
        let ltime = 10 + number as u64 / 100;
        tell(&mut serf, SECOND, Kind::UserEvent, &event(ltime, &format!("flood {number}")));
        assert!(serf.queue_lengths()[2] <= 2 * depth);
    }
    let mut serf = with(&["a"]);
    for number in 0..8000 {
        let payload = Bytes::from(vec![number as u8; 9000]);
        let event = UserEventMessage { payload, ..event(10 + number / 100, &number.to_string()) };
        tell(&mut serf, SECOND, Kind::UserEvent, &event);
        assert!(serf.event_queue.bytes() <= 32 << 20);
    }
    let delivered = told(&mut serf).len();
    assert!((3000..4000).contains(&delivered), "{delivered} of 9 KB are remembered");
    let long = UserEventMessage { payload: Bytes::from(vec![0; 10_000]), ..event(5000, "long") };
    tell(&mut serf, SECOND, Kind::UserEvent, &long);
    assert!(told(&mut serf).is_empty());
}
