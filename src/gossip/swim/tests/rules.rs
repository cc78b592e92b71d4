//! The rules for rumours one by one (`spec/gossip.md` 3.6-3.9), as tables: what is known, what is said, what follows.

use super::*;
use State::{Alive, Dead, Left, Suspect};

/// Member `m` at 127.0.0.2 is brought into a state with incarnation 5.
fn knows(state: State, change: impl FnOnce(&mut Config)) -> One {
    let mut one = One::new(change);
    one.meets("m", 2, 5);
    one.meets("n", 3, 1);
    match state {
        Alive => {}
        Suspect => one.hears(at(3), &suspect("m", 5, "n")),
        Dead => one.hears(at(3), &dead("m", 5, "n")),
        Left => one.hears(at(3), &dead("m", 5, "m")),
    }
    assert_eq!(one.state("m"), Some(state));
    one.notes.take();
    one.quiet();
    one
}

fn suspect<'a>(node: &'a str, incarnation: u32, from: &'a str) -> Message<'a> {
    Message::Suspect(wire::Suspect { incarnation, node, from })
}

fn dead<'a>(node: &'a str, incarnation: u32, from: &'a str) -> Message<'a> {
    Message::Dead(wire::Dead { incarnation, node, from })
}

#[test]
fn what_is_said_of_others_changes_what_we_believe() {
    let alive = |incarnation| alive("m", 2, incarnation);
    // known, said, believed then, told to the layer above, passed on
    type Case<'a> = (State, Message<'a>, State, &'a [&'a str], &'a [&'a str]);
    let cases: &[Case] = &[
        (Alive, alive(5), Alive, &[], &[]),
        (Alive, alive(6), Alive, &[], &["alive m 6"]),
        (Suspect, alive(5), Suspect, &[], &[]),
        (Suspect, alive(6), Alive, &[], &["alive m 6"]),
        (Dead, alive(5), Dead, &[], &[]),
        (Dead, alive(6), Alive, &["joined m"], &["alive m 6"]),
        (Left, alive(5), Left, &[], &[]),
        (Left, alive(6), Alive, &["joined m"], &["alive m 6"]),
        (Alive, suspect("m", 4, "n"), Alive, &[], &[]),
        (Alive, suspect("m", 5, "n"), Suspect, &[], &["suspect m 5 from n"]),
        (Alive, suspect("m", 9, "n"), Suspect, &[], &["suspect m 9 from n"]),
        (Suspect, suspect("m", 5, "n"), Suspect, &[], &[]),
        (Dead, suspect("m", 5, "n"), Dead, &[], &[]),
        (Left, suspect("m", 9, "n"), Left, &[], &[]),
        (Alive, dead("m", 4, "n"), Alive, &[], &[]),
        (Alive, dead("m", 5, "n"), Dead, &["dead m"], &["dead m 5 from n"]),
        (Suspect, dead("m", 5, "n"), Dead, &["dead m"], &["dead m 5 from n"]),
        (Suspect, dead("m", 4, "n"), Suspect, &[], &[]),
        (Alive, dead("m", 5, "m"), Left, &["left m"], &["dead m 5 from m"]),
        (Dead, dead("m", 6, "m"), Dead, &[], &[]),
        (Alive, suspect("stranger", 1, "n"), Alive, &[], &[]),
        (Alive, dead("stranger", 1, "n"), Alive, &[], &[]),
    ];
    for (known, said, believed, told, passed) in cases {
        let mut one = knows(*known, |_| {});
        one.hears(at(3), said);
        let case = format!("{known:?}, {said:?}");
        assert_eq!(one.state("m"), Some(*believed), "{case}");
        assert_eq!(one.notes.take(), *told, "{case}");
        assert_eq!(one.waiting(), *passed, "{case}");
    }
}

#[test]
fn what_is_said_of_ourselves_is_refuted() {
    let cases: &[(Message, &[&str], u32)] = &[
        (suspect("srv1", 1, "n"), &["alive srv1 2"], 1),
        (suspect("srv1", 7, "n"), &["alive srv1 8"], 1),
        (suspect("srv1", 0, "n"), &[], 0),
        (dead("srv1", 1, "n"), &["alive srv1 2"], 1),
        (dead("srv1", 1, "srv1"), &["alive srv1 2"], 1),
        (alive("srv1", 1, 1), &[], 0),
        (alive("srv1", 1, 4), &["alive srv1 5"], 1),
        (alive("srv1", 1, 0), &[], 0),
    ];
    for (said, passed, health) in cases {
        let mut one = knows(Alive, |_| {});
        one.hears(at(3), said);
        assert_eq!(one.state("srv1"), Some(Alive), "{said:?}");
        assert_eq!(one.waiting(), *passed, "{said:?}");
        assert_eq!(one.swim.health_score(), *health, "{said:?}");
    }
    // The same incarnation with other meta data is refuted, too: two of us are about.
    let mut one = knows(Alive, |_| {});
    let Message::Alive(mut other) = alive("srv1", 1, 1) else { unreachable!() };
    other.meta = b"other";
    one.hears(at(3), &Message::Alive(other));
    assert_eq!(one.waiting(), ["alive srv1 2"]);
}

#[test]
fn our_incarnation_only_grows() {
    let mut one = knows(Alive, |_| {});
    let mut last = 1;
    for accused in [3, 1, 0, 40, 39, 41, u32::MAX - 1, 5] {
        one.hears(at(3), &suspect("srv1", accused, "n"));
        one.swim.update_meta(one.now, &mut one.notes);
        let now = one.swim.local().incarnation;
        assert!(now >= last, "{now} after {last}");
        last = now;
    }
    assert_eq!(last, u32::MAX);
}

#[test]
fn a_name_with_another_address_is_a_conflict_until_it_may_be_taken() {
    let cases = [(Alive, 0, false), (Suspect, 0, false), (Left, 0, true), (Dead, 29, false), (Dead, 31, true)];
    for (known, seconds, taken) in cases {
        let mut one = knows(known, |_| {});
        one.swim.timers = Timers::default();
        one.passes(Duration::from_secs(seconds));
        one.quiet();
        one.meets("m", 4, 1);
        let case = format!("{known:?} for {seconds} s");
        let told = if taken { "joined m" } else { "conflict m 127.0.0.2:8301 127.0.0.4:8301" };
        assert_eq!(one.notes.take(), [told], "{case}");
        assert_eq!(one.swim.node("m").expect("known").address, at(if taken { 4 } else { 2 }), "{case}");
    }
    // Never, when the time is zero.
    let mut one = knows(Dead, |config| config.timing.dead_node_reclaim = Duration::ZERO);
    one.swim.timers = Timers::default();
    one.passes(Duration::from_secs(3600));
    one.meets("m", 4, 9);
    assert_eq!(one.notes.take(), ["conflict m 127.0.0.2:8301 127.0.0.4:8301"]);
}

#[test]
fn a_member_known_by_its_identity_comes_back_at_another_address() {
    let said = |number: u8, incarnation, meta| {
        let Message::Alive(said) = alive("k", number, incarnation) else { unreachable!() };
        Message::Alive(wire::Alive { meta, ..said })
    };
    for (dead_first, meta, address) in [(true, &b"id"[..], 5), (true, b"other", 4), (false, b"id", 4)] {
        let mut one = knows(Alive, |_| {});
        one.swim.timers = Timers::default();
        one.hears(at(4), &said(4, 7, b"id"));
        if dead_first {
            one.hears(at(3), &dead("k", 7, "n"));
        }
        one.hears(at(5), &said(5, 1, meta));
        assert_eq!(one.swim.node("k").expect("known").address, at(address), "dead: {dead_first}, {meta:?}");
    }
}

#[test]
fn a_member_that_moved_takes_its_name_when_its_old_address_is_given_up() {
    let said = |number: u8, incarnation, meta| {
        let Message::Alive(said) = alive("k", number, incarnation) else { unreachable!() };
        Message::Alive(wire::Alive { meta, ..said })
    };
    let begin = || {
        let mut one = knows(Alive, |_| {});
        one.swim.timers = Timers::default();
        one.hears(at(4), &said(4, 7, b"id"));
        one.hears(at(5), &said(5, 1, b"id"));
        one.notes.take();
        one
    };
    for (from, word) in [("n", "dead k"), ("k", "left k")] {
        let mut one = begin();
        one.hears(at(3), &suspect("k", 7, "n"));
        assert_eq!(one.swim.node("k").expect("known").address, at(4), "it may still answer");
        one.hears(at(3), &dead("k", 7, from));
        assert_eq!(one.notes.take(), [word, "joined k"]);
        assert_eq!((one.swim.node("k").expect("known").address, one.state("k")), (at(5), Some(Alive)));
    }
    // the old one is heard of after all
    let mut one = begin();
    one.hears(at(3), &suspect("k", 7, "n"));
    one.hears(at(4), &said(4, 8, b"id"));
    one.hears(at(3), &dead("k", 8, "n"));
    assert_eq!((one.swim.node("k").expect("known").address, one.state("k")), (at(4), Some(Dead)));
}

#[test]
fn members_that_cannot_be_are_ignored() {
    let valid =
        wire::Alive { incarnation: 1, node: "x", address: &[127, 0, 0, 5], port: 1, meta: &[], versions: &VERSIONS };
    let cases = [
        wire::Alive { versions: &[0, 5, 2, 2, 5, 4], ..valid.clone() },
        wire::Alive { versions: &[1, 0, 2, 2, 5, 4], ..valid.clone() },
        wire::Alive { versions: &[3, 2, 2, 2, 5, 4], ..valid.clone() },
        wire::Alive { versions: &[1, 5, 2], ..valid.clone() },
        wire::Alive { versions: &[], ..valid.clone() },
        wire::Alive { address: &[127, 0, 0], ..valid.clone() },
        wire::Alive { meta: &[0; 513], ..valid.clone() },
        wire::Alive { node: "", ..valid.clone() },
        wire::Alive { incarnation: 0, ..valid.clone() },
        wire::Alive { node: "unwanted", ..valid.clone() },
        wire::Alive { address: &[10, 0, 0, 1], ..valid.clone() },
    ];
    let mut one = One::new(|config| {
        config.allowed = vec![crate::config::Cidr { address: [127, 0, 0, 0].into(), bits: 8 }];
    });
    one.notes.unwanted = vec!["unwanted"];
    for case in cases {
        one.hears(at(3), &Message::Alive(case.clone()));
        assert_eq!(one.swim.member_count(), 1, "{case:?}");
    }
    one.hears(SocketAddr::from(([10, 0, 0, 1], 8301)), &Message::Alive(valid.clone()));
    assert_eq!(one.swim.member_count(), 1, "from outside of the allowed networks");
    one.hears(at(3), &Message::Alive(wire::Alive { port: 0, ..valid }));
    assert_eq!(one.swim.node("x").expect("welcome").address.port(), 8301, "the usual port");
}

#[test]
fn a_suspicion_ripens_sooner_when_others_share_it() {
    // Ten members: 4 s at least, 24 s at most, two confirmations wanted (`suspicion_remaining`).
    let cases: &[(&[&str], u64)] =
        &[(&[], 24_000), (&["p2"], 11_381), (&["p2", "p3"], 4_000), (&["p2", "p2", "n"], 11_381)];
    for (accusers, time) in cases {
        let mut one = One::new(|config| {
            config.timing.probe_interval = Duration::from_secs(1);
            config.timing.indirect_checks = 0;
            config.stream_pings = false;
        });
        // Probing is not what this is about.
        one.swim.timers = Timers::default();
        one.meets("m", 2, 5);
        for number in 3..11 {
            one.meets(["n", "p2", "p3", "p4", "p5", "p6", "p7", "p8"][usize::from(number) - 3], number, 1);
        }
        one.hears(at(3), &suspect("m", 5, "n"));
        one.quiet();
        one.notes.take();
        for accuser in *accusers {
            one.hears(at(4), &suspect("m", 5, accuser));
        }
        one.passes(ms(time - 1));
        assert_eq!((one.state("m"), one.notes.take()), (Some(Suspect), vec![]), "{accusers:?}");
        one.passes(ms(1));
        assert_eq!((one.state("m"), one.notes.take()), (Some(Dead), vec!["dead m".into()]), "{accusers:?}");
        assert_eq!(one.waiting()[0], "dead m 5 from srv1");
    }
}

#[test]
fn news_of_a_suspicion_are_passed_on_once_per_accuser() {
    let mut one = knows(Suspect, |_| {});
    for number in 4..9 {
        one.meets(["p4", "p5", "p6", "p7", "p8"][usize::from(number) - 4], number, 1);
    }
    // Only known after the pool grew: a new suspicion.
    one.meets("m", 2, 6);
    one.hears(at(3), &suspect("m", 6, "n"));
    one.quiet();
    for (accuser, passed) in [("n", 0), ("p4", 1), ("p4", 0), ("p5", 1), ("p6", 0)] {
        one.hears(at(4), &suspect("m", 6, accuser));
        assert_eq!(one.waiting().len(), passed, "{accuser}");
        one.quiet();
    }
}

#[test]
fn meta_data_travel_with_the_next_incarnation() {
    let mut one = knows(Alive, |_| {});
    one.notes.meta = b"new";
    let broadcast = one.swim.update_meta(one.now, &mut one.notes);
    assert!(one.swim.is_queued(broadcast));
    assert_eq!((one.waiting(), one.notes.take()), (vec!["alive srv1 2".to_owned()], vec!["updated srv1".to_owned()]));
    let Message::Alive(mut news) = alive("m", 2, 6) else { unreachable!() };
    news.meta = b"theirs";
    one.hears(at(2), &Message::Alive(news));
    assert_eq!(one.notes.take(), ["updated m"]);
}

#[test]
fn a_leave_is_done_when_it_was_told_often_enough() {
    let mut one = knows(Alive, |_| {});
    one.swim.leave(one.now, &mut one.notes);
    assert_eq!((one.state("srv1"), one.notes.take()), (Some(Left), vec!["left srv1".into()]));
    assert!(!one.swim.is_leave_done());
    one.hears(at(3), &alive("srv1", 1, 9));
    one.hears(at(3), &suspect("srv1", 9, "n"));
    assert_eq!(one.state("srv1"), Some(Left), "nothing is refuted any more");
    one.passes(ms(2000));
    assert!(one.swim.is_leave_done());
    assert!(one.packets().iter().any(|(_, message)| say(message).contains("dead srv1 1 from srv1")));

    let mut alone = One::new(|_| {});
    alone.swim.leave(alone.now, &mut alone.notes);
    assert!(alone.swim.is_leave_done(), "nobody to tell");
}

#[test]
fn a_problem_is_logged_once_per_source() {
    let mut one = One::new(|config| {
        config.keyring = Some(Arc::new(crate::gossip::keyring::Keyring::new(&[[1; 16]]).expect("a key")));
    });
    let plain = Message::User(b"hello").encode();
    for _ in 0..1000 {
        for number in [2, 3] {
            one.gets(at(number), &plain);
        }
    }
    let logs = one.logs();
    assert_eq!(logs.len(), 2, "{logs:?}");
    assert!(logs[0].contains("127.0.0.2:8301") && logs[0].contains("not encrypted"), "{logs:?}");
    one.passes(Duration::from_secs(3601));
    one.logs();
    one.gets(at(2), &plain);
    assert!(one.logs()[0].ends_with("(999 more like this)"));
    assert_eq!(one.notes.take(), Vec::<String>::new());
}

#[test]
fn a_pool_does_not_grow_without_end() {
    let mut one = One::new(|_| {});
    for number in 0..66_000 {
        one.meets(&format!("made-up-{number}"), 2, 1);
        one.swim.outputs.clear();
    }
    assert_eq!(one.swim.members.len(), 65_536);
    one.meets("made-up-1", 3, 2);
    one.quiet();
    one.meets("made-up-2", 2, 2);
    assert_eq!(one.waiting(), ["alive made-up-2 2"], "those who are in are heard");
}
