//! Exchanges of whole states (`spec/gossip.md` 4.3).

use super::super::message::{LeaveIntent, PushPull};
use super::*;

/// Gives the state of one node to another.
fn pull(from: &mut Serf, to: &mut Serf) {
    let state = from.local_state(false);
    to.merge_state(SECOND, &state, true);
}

#[test]
fn clocks_statuses_and_events_cross_over() {
    let mut one = with(&["a", "b"]);
    tell(&mut one, SECOND, Kind::Leave, &LeaveIntent { ltime: 40, node: "a".into(), prune: false });
    one.left(SECOND, &node("a", 8000, &[]));
    for name in ["deploy", "restart"] {
        one.user_event(name, Bytes::new(), false).unwrap();
    }
    one.query(SECOND, QueryRequest { name: "load".into(), ..QueryRequest::default() }).unwrap();

    let mut two = with(&["a", "b"]);
    pull(&mut one, &mut two);
    pull(&mut one, &mut two);
    assert_eq!(told(&mut two), ["event deploy at 1", "event restart at 2"]);
    assert_eq!((status(&two, "a"), status(&two, "b")), (MemberStatus::Leaving, MemberStatus::Alive));
    // The leave gets one more than its time, because that itself may belong to the join before it.
    assert_eq!(two.clocks(), Clocks { member: 42, event: 3, query: 2 });
    assert_eq!(two.queue_lengths(), [0, 0, 0], "what came in an exchange is not broadcast");
}

#[test]
fn who_joins_can_leave_the_past_behind() {
    let mut one = with(&["a"]);
    one.user_event("deploy", Bytes::new(), false).unwrap();
    let mut two = with(&["a"]);
    two.ignore_old_events(true);
    two.ignore_old_events(true);
    two.ignore_old_events(false);
    pull(&mut one, &mut two);
    assert_eq!(told(&mut two), Vec::<String>::new());
    one.user_event("restart", Bytes::new(), false).unwrap();
    two.ignore_old_events(false);
    pull(&mut one, &mut two);
    assert_eq!(told(&mut two), ["event restart at 2"]);
}

#[test]
fn a_state_without_places_or_with_more_of_them_is_read() {
    for len in [0, 1, 512, 2048] {
        let mut serf = with(&["a"]);
        let state = PushPull { ltime: 9, events: message::EventRing { len, slots: Vec::new() }, ..PushPull::default() };
        serf.merge_state(SECOND, &message::encode(Kind::PushPull, &state), false);
        assert_eq!(serf.clocks().member, 9, "{len} places");
    }
}

#[test]
fn a_node_that_was_believed_gone_refutes_it_when_it_learns_so() {
    let mut one = with(&["a"]);
    tell(&mut one, SECOND, Kind::Leave, &LeaveIntent { ltime: 12, node: "a".into(), prune: false });
    one.left(SECOND, &node("a", 8000, &[]));
    let mut a = alone(settings("a"));
    pull(&mut one, &mut a);
    assert_eq!(status(&a, "a"), MemberStatus::Alive);
    assert_eq!(broadcast_kinds(&mut a), [Kind::Join as u8]);
    let refutation = a.own_state();
    one.joined(2 * SECOND, &node("a", 8000, &[]));
    one.merge_state(2 * SECOND, &refutation, false);
    assert_eq!(status(&one, "a"), MemberStatus::Alive);
}

#[test]
fn round_trips_of_probes_move_this_node() {
    let (mut one, mut two) = (with(&["two"]), with(&["one"]));
    for round in 1..=20 {
        let payload = two.ack_payload();
        one.ping_done(round * SECOND, &node("two", 8000, &[]), Duration::from_millis(20), &payload);
        let payload = one.ack_payload();
        two.ping_done(round * SECOND, &node("one", 8000, &[]), Duration::from_millis(20), &payload);
    }
    let distance = one.coordinates().unwrap().coordinate().distance_to(two.coordinates().unwrap().coordinate());
    assert!((0.015..0.025).contains(&distance), "{distance} s");
    one.outputs().for_each(drop);
    one.ping_done(SECOND, &node("two", 8000, &[]), SECOND, b"");
    one.ping_done(SECOND, &node("two", 8000, &[]), SECOND, b"\x02\x80");
    assert_eq!(told(&mut one), Vec::<String>::new());
    let silent = alone(Settings { disable_coordinates: true, ..settings("own") });
    assert!(silent.ack_payload().is_empty());
}
