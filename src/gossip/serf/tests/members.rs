//! Members and intents (`spec/gossip.md` 4.3).

use super::super::message::{JoinIntent, LeaveIntent};
use super::*;

fn leave(serf: &mut Serf, ltime: u64, name: &str) {
    tell(serf, SECOND, Kind::Leave, &LeaveIntent { ltime, node: name.into(), prune: false });
}

fn join(serf: &mut Serf, ltime: u64, name: &str) {
    tell(serf, SECOND, Kind::Join, &JoinIntent { ltime, node: name.into() });
}

#[test]
fn a_member_that_says_goodbye_left_and_one_that_does_not_failed() {
    let mut serf = with(&["a", "b", "c"]);
    leave(&mut serf, 5, "a");
    assert_eq!(status(&serf, "a"), MemberStatus::Leaving);
    serf.left(SECOND, &node("a", 8000, &[]));
    serf.left(SECOND, &node("b", 8001, &[]));
    serf.left(SECOND, &node("b", 8001, &[]));
    // its goodbye was lost, but not that it announced its own end
    serf.left(SECOND, &Node { state: State::Left, ..node("c", 8002, &[]) });
    let statuses = ["a", "b", "c"].map(|name| status(&serf, name));
    assert_eq!(statuses, [MemberStatus::Left, MemberStatus::Failed, MemberStatus::Left]);
    assert_eq!(told(&mut serf), ["leave a", "failed b", "leave c"]);
    assert_eq!(broadcast_kinds(&mut serf), [Kind::Leave as u8]);
    assert_eq!(serf.clocks().member, 6);
}

#[test]
fn a_member_that_comes_back_is_alive_with_its_new_tags() {
    let mut serf = with(&["a"]);
    serf.left(SECOND, &node("a", 8000, &[]));
    serf.joined(2 * SECOND, &node("a", 9000, &[("role", "db")]));
    serf.updated(3 * SECOND, &node("a", 9000, &[("role", "web")]));
    let member = serf.member("a").unwrap();
    assert_eq!((member.status, member.port, member.tag("role")), (MemberStatus::Alive, 9000, "web"));
    assert_eq!(told(&mut serf), ["failed a", "join a", "update a"]);
}

#[test]
fn intents_older_than_the_known_status_are_ignored() {
    let mut serf = with(&["a"]);
    for (ltime, stay, wanted, again) in [
        (5, false, MemberStatus::Leaving, 1),
        (5, true, MemberStatus::Leaving, 0),
        (6, true, MemberStatus::Alive, 1),
        (6, false, MemberStatus::Alive, 0),
        (4, false, MemberStatus::Alive, 0),
    ] {
        let queued = serf.queue_lengths()[0];
        if stay {
            join(&mut serf, ltime, "a")
        } else {
            leave(&mut serf, ltime, "a")
        }
        assert_eq!((status(&serf, "a"), serf.queue_lengths()[0] - queued), (wanted, again), "{ltime}");
    }
}

#[test]
fn the_newest_intent_of_an_unknown_node_waits_for_it_five_minutes() {
    let mut serf = with(&[]);
    join(&mut serf, 3, "a");
    leave(&mut serf, 7, "a");
    join(&mut serf, 5, "a");
    assert_eq!(serf.queue_lengths()[0], 2);
    serf.joined(SECOND, &node("a", 8000, &[]));
    assert_eq!(status(&serf, "a"), MemberStatus::Leaving);
    join(&mut serf, 7, "a");
    assert_eq!(status(&serf, "a"), MemberStatus::Leaving, "the intent's time stays with the member");

    leave(&mut serf, 9, "b");
    serf.reap(SECOND + 300 * SECOND);
    serf.reap(2 * SECOND + 300 * SECOND);
    serf.joined(SECOND, &node("b", 8001, &[]));
    assert_eq!(status(&serf, "b"), MemberStatus::Alive);
}

#[test]
fn strangers_cannot_fill_the_memory_with_intents() {
    let mut serf = with(&[]);
    for number in 0..40_000 {
        leave(&mut serf, 3, &format!("nobody-{number}"));
    }
    assert!(serf.intents.len() < 20_000);
}

#[test]
fn a_leave_in_our_name_is_refuted_unless_we_leave() {
    let mut serf = with(&["a"]);
    leave(&mut serf, 5, "own");
    assert_eq!(status(&serf, "own"), MemberStatus::Alive);
    assert_eq!(broadcast_kinds(&mut serf), [Kind::Join as u8]);
    join(&mut serf, 6, "own");
    assert_eq!(serf.clocks().member, 7, "the refutation used time 6, which is known now");

    let ticket = serf.begin_leave(SECOND);
    assert!(ticket.is_some());
    assert_eq!(status(&serf, "own"), MemberStatus::Leaving);
    serf.left(SECOND, &node("own", 7946, &[]));
    assert_eq!(told(&mut serf), ["leave own"]);
}

#[test]
fn leaving_alone_needs_no_broadcast() {
    let mut serf = with(&[]);
    assert_eq!(serf.begin_leave(SECOND), None);
    assert_eq!(status(&serf, "own"), MemberStatus::Leaving);
}

#[test]
fn a_ticket_is_done_when_the_intent_was_sent_often_enough() {
    let mut serf = with(&["a"]);
    serf.begin_leave(SECOND).unwrap();
    // Three nodes at most: 4 * ceil(log10(3)) = 4 times.
    for round in 0..4 {
        assert_eq!(told(&mut serf), Vec::<String>::new(), "round {round}");
        assert_eq!(broadcast_kinds(&mut serf), [Kind::Leave as u8]);
    }
    assert_eq!(told(&mut serf), ["sent"]);
    assert!(broadcast_kinds(&mut serf).is_empty());
}

#[test]
fn a_failed_member_can_be_made_to_have_left() {
    let mut serf = with(&["a", "b"]);
    serf.left(SECOND, &node("a", 8000, &[]));
    assert!(serf.force_leave(SECOND, "a".into(), false).is_some());
    assert_eq!(status(&serf, "a"), MemberStatus::Left);
    serf.force_leave(SECOND, "a".into(), true);
    assert_eq!(status(&serf, "a"), MemberStatus::None);
    assert_eq!(told(&mut serf), ["failed a", "leave a", "reap a"]);
}

#[test]
fn pruning_a_live_member_waits_for_its_leave() {
    let mut serf = with(&["a", "b"]);
    serf.force_leave(SECOND, "a".into(), true);
    serf.force_leave(SECOND, "b".into(), true);
    assert_eq!(status(&serf, "a"), MemberStatus::Leaving);
    serf.left(2 * SECOND, &node("a", 8000, &[]));
    assert_eq!(serf.next_tick(), 9 * SECOND);
    // b says that it stays, so it must not be forgotten.
    join(&mut serf, 50, "b");
    serf.tick(9 * SECOND);
    assert_eq!((status(&serf, "a"), status(&serf, "b")), (MemberStatus::None, MemberStatus::Alive));
    assert_eq!(told(&mut serf), ["leave a", "reap a"]);
}

#[test]
fn the_gone_are_forgotten_after_their_time_or_the_one_they_ask_for() {
    let mut serf = with(&["failed", "left"]);
    serf.joined(SECOND, &node("hasty", 8100, &[("rc_tm", "90s")]));
    leave(&mut serf, 5, "left");
    for name in ["failed", "left"] {
        serf.left(SECOND, &node(name, 8000, &[]));
    }
    serf.left(SECOND, &node("hasty", 8100, &[]));
    told(&mut serf);
    for (seconds, wanted) in [
        (91, vec![]),
        (92, vec!["reap hasty"]),
        (24 * 3600 + 2, vec!["reap left"]),
        (72 * 3600 + 2, vec!["reap failed"]),
    ] {
        serf.reap(Duration::from_secs(seconds));
        assert_eq!(told(&mut serf), wanted, "after {seconds} s");
    }
    serf.reap(Duration::from_secs(1_000_000));
    assert_eq!(status(&serf, "own"), MemberStatus::Alive);
}

#[test]
fn failed_members_are_tried_again_more_often_the_more_have_failed() {
    let mut serf = with(&["a", "b", "c", "d"]);
    serf.left(SECOND, &node("a", 8000, &[]));
    told(&mut serf);
    let mut tries = 0;
    for round in 1..=100 {
        serf.tick(round * 30 * SECOND);
        let words = told(&mut serf);
        assert!(words.iter().all(|word| word == "reconnect a/127.0.0.1:8000"), "{words:?}");
        tries += words.len();
    }
    // One failed, four alive: each round with a chance of a quarter.
    assert!((10..=45).contains(&tries), "{tries} tries");
    for name in ["b", "c", "d"] {
        serf.left(SECOND, &node(name, 8001, &[]));
    }
    told(&mut serf);
    serf.tick(101 * 30 * SECOND);
    assert_eq!(told(&mut serf).len(), 1, "more failed than alive: every round");
}

#[test]
fn members_that_the_check_refuses_are_refused() {
    let check: MergeCheck = Arc::new(|members| {
        let wrong = members.iter().find(|member| member.tag("dc") == "dc2" && member.status != MemberStatus::Left);
        wrong.map_or(Ok(()), |member| Err(format!("Member '{}' part of wrong datacenter 'dc2'", member.name)))
    });
    let serf = alone(Settings { merge_check: Some(check), ..settings("own") });
    let (ours, theirs) = (node("a", 1, &[("dc", "dc1")]), node("b", 2, &[("dc", "dc2")]));
    let refused = Err("Member 'b' part of wrong datacenter 'dc2'".to_owned());
    assert_eq!((serf.admit(&ours), serf.admit(&theirs)), (Ok(()), refused.clone()));
    assert_eq!(serf.admit_merge(&[ours.clone(), theirs.clone()]), refused);
    let gone = Node { state: State::Left, ..theirs };
    assert_eq!(serf.admit_merge(&[ours, gone]), Ok(()));
}

#[test]
fn long_queues_are_cut() {
    let mut serf = alone(Settings { min_queue_depth: 10, ..settings("own") });
    for number in 0..50 {
        leave(&mut serf, 3, &format!("nobody-{number}"));
    }
    serf.tick(30 * SECOND);
    assert_eq!(serf.queue_lengths(), [10, 0, 0]);
}

#[test]
fn a_node_is_itself_wherever_it_is() {
    let serf = with(&[]);
    for (known, claimed, same) in [
        (&[("id", "1")][..], &[("id", "1"), ("role", "db")][..], true),
        (&[("id", "1")], &[("id", "2")], false),
        (&[("id", "")], &[("id", "")], false),
        (&[], &[], false),
        (&[("id", "1")], &[], false),
    ] {
        assert_eq!(serf.same_identity(&node("a", 1, known), &node("a", 2, claimed)), same, "{known:?} {claimed:?}");
    }
}
