//! Streams, probes step by step, and packets from strangers.

use super::*;
use crate::gossip::wire::{PushPull, StreamMessage};
use proptest::prelude::*;

/// A state as it arrives on a stream: member, number of its address, incarnation, state, versions.
fn state(join: bool, rows: &[(&str, u8, u32, State, Versions)], user: &[u8]) -> PushPull {
    let node = |&(name, number, incarnation, state, versions): &(&str, u8, u32, State, Versions)| Node {
        name: name.into(),
        address: at(number),
        meta: Bytes::new(),
        versions,
        incarnation,
        state,
        since: Duration::ZERO,
    };
    let nodes: Vec<Node> = rows.iter().map(node).collect();
    read(&wire::push_pull(join, nodes.iter(), user))
}

fn read(bytes: &[u8]) -> PushPull {
    match wire::Layers::plain().stream_reader(false).read(bytes) {
        Ok(Some(StreamMessage::PushPull(state))) => state,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_full_exchange_makes_two_pools_one() {
    let (mut one, mut two) =
        (One::new(|_| {}), One::new(|config| (config.name, config.advertise) = ("srv2".into(), at(2))));
    one.notes.state = b"\x01";
    one.meets("m", 3, 1);
    one.notes.take();
    let join = Exchange::PushPull { join: true };

    let request = two.swim.stream_request(&join, &mut two.notes);
    let answer = one.swim.accept_stream(one.now, at(2), Ok(StreamMessage::PushPull(read(&request))), &mut one.notes);
    assert_eq!(one.notes.take(), Vec::<String>::new(), "nothing is merged before the answer is written");
    let reply = Ok(StreamMessage::PushPull(read(&answer.reply.expect("our state"))));
    one.swim.merge(one.now, at(2), *answer.merge.expect("their state"), &mut one.notes).expect("welcome");
    two.swim.stream_reply(two.now, at(1), &join, reply, &mut two.notes).expect("welcome");

    assert_eq!(one.notes.take(), ["joined srv2"]);
    let mut told = two.notes.take();
    told.sort();
    assert_eq!(told, ["joined m", "joined srv1", "state 01 join=true"]);
}

fn srv2() -> One {
    One::new(|config| config.name = "srv1".into())
}

#[test]
fn rows_of_an_exchange_are_rumours_of_their_kind() {
    let mut one = srv2();
    for (name, number) in [("a", 2), ("b", 3), ("c", 4), ("d", 5)] {
        one.meets(name, number, 1);
    }
    one.notes.take();
    let rows = [
        ("a", 2, 1, State::Dead, VERSIONS),
        ("b", 3, 1, State::Left, VERSIONS),
        ("c", 4, 1, State::Suspect, VERSIONS),
        ("d", 5, 2, State::Alive, VERSIONS),
        ("e", 6, 1, State::Alive, VERSIONS),
        ("f", 7, 1, State::Dead, VERSIONS),
        ("srv1", 1, 1, State::Dead, VERSIONS),
    ];
    one.swim.merge(one.now, at(2), state(false, &rows, b""), &mut one.notes).expect("merged");
    let states: Vec<_> = ["a", "b", "c", "d", "e", "f", "srv1"].map(|name| one.state(name)).into();
    let (alive, suspect) = (Some(State::Alive), Some(State::Suspect));
    assert_eq!(states, [suspect, Some(State::Left), suspect, alive, alive, None, alive]);
    assert_eq!(one.notes.take(), ["left b", "joined e"]);
    assert_eq!(one.swim.local().incarnation, 2, "our own death is refuted");
}

#[test]
fn versions_and_the_layer_above_may_refuse_an_exchange() {
    let [old, new] = [[1, 1, 1, 2, 5, 4], [3, 5, 4, 2, 5, 4]];
    let delegate = [1, 5, 2, 5, 5, 5];
    type Case<'a> = (bool, &'a str, State, Versions, &'a str);
    let cases: &[Case] = &[
        (false, "x", State::Alive, old, "Node 'srv1' protocol version (2) is incompatible: [1, 1]"),
        (false, "x", State::Dead, [1, 5, 7, 2, 5, 4], "Node 'x' protocol version (7) is incompatible: [1, 5]"),
        (false, "x", State::Alive, new, "Node 'srv1' protocol version (2) is incompatible: [3, 5]"),
        (false, "x", State::Alive, delegate, "Node 'srv1' delegate protocol version (4) is incompatible: [5, 5]"),
        (true, "y", State::Alive, VERSIONS, "no y"),
        (false, "y", State::Alive, VERSIONS, ""),
        (true, "x", State::Alive, VERSIONS, ""),
    ];
    for (join, name, their_state, versions, error) in cases {
        let mut one = srv2();
        one.notes.unwanted = vec!["y"];
        let state = state(*join, &[(name, 2, 1, *their_state, *versions)], b"");
        let result = one.swim.merge(one.now, at(2), state, &mut one.notes);
        assert_eq!(result.err().unwrap_or_default(), *error);
        assert_eq!(one.swim.member_count(), 1 + usize::from(error.is_empty() && *name == "x"));
        let logs = one.logs();
        assert_eq!(
            logs.iter().any(|line| line.contains(&format!("Failed push/pull merge: {error} from=127.0.0.2"))),
            !error.is_empty()
        );
    }
}

#[test]
fn answers_that_do_not_fit_are_errors() {
    let (join, ping) = (Exchange::PushPull { join: true }, Exchange::Ping { seq: 4, node: "m".into() });
    let cases = [
        (
            &join,
            Err("dial tcp 127.0.0.2:8301: connection refused".to_owned()),
            "dial tcp 127.0.0.2:8301: connection refused",
        ),
        (&join, Ok(StreamMessage::Failure("no".into())), "remote error: no"),
        (&join, Ok(StreamMessage::Ack { seq: 1 }), "the answer is of another kind than the question"),
        (&ping, Ok(StreamMessage::Ack { seq: 5 }), "sequence number from ack (5) doesn't match ping (4)"),
    ];
    for (exchange, reply, error) in cases {
        let mut one = srv2();
        assert_eq!(one.swim.stream_reply(one.now, at(2), exchange, reply, &mut one.notes), Err(error.into()));
        assert_eq!(one.logs().len(), usize::from(exchange != &join), "a join tells its caller");
    }
}

/// A member with `n` peers, and a probe of one of them that has just begun.
fn probing(n: u8, change: impl FnOnce(&mut Config)) -> (One, SocketAddr, u32, String) {
    let mut one = One::new(|config| {
        config.timing.push_pull_interval = Duration::ZERO;
        config.timing.gossip_interval = Duration::ZERO;
        change(config);
    });
    const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];
    for number in 0..n {
        one.meets(NAMES[usize::from(number)], number + 2, 1);
    }
    one.quiet();
    one.notes.take();
    one.passes(one.swim.next_tick());
    let packets = one.packets();
    let [(to, ping)] = &packets[..] else { panic!("{packets:?}") };
    let Ok(Message::Ping(ping)) = Message::decode(ping) else { panic!("{packets:?}") };
    let (to, seq, name) = (*to, ping.seq, ping.node.to_owned());
    (one, to, seq, name)
}

fn ack(seq: u32) -> Message<'static> {
    Message::Ack(wire::Ack { seq, payload: b"here" })
}

#[test]
fn a_direct_answer_in_time_feeds_coordinates() {
    let (mut one, to, seq, name) = probing(4, |_| {});
    one.passes(ms(30));
    one.hears(to, &ack(seq));
    assert_eq!(one.notes.take(), [format!("ping {name} 30ms {}", hex(b"here"))]);
    one.hears(to, &ack(seq));
    assert_eq!(one.notes.take(), Vec::<String>::new(), "an answer counts once");
    one.passes(ms(700));
    assert_eq!(one.packets(), [], "nobody else is asked");
}

#[test]
fn a_late_probe_asks_others_and_tries_a_stream() {
    let (mut one, to, seq, name) = probing(5, |_| {});
    one.passes(ms(500));
    let outputs: Vec<Output> = one.swim.outputs().collect();
    let dials: Vec<_> =
        outputs.iter().filter_map(|output| if let Output::Dial(dial) = output { Some(dial) } else { None }).collect();
    let [dial] = &dials[..] else { panic!("{outputs:?}") };
    assert_eq!((dial.to, &dial.exchange), (to, &Exchange::Ping { seq, node: name.as_str().into() }));
    assert_eq!(dial.deadline, one.now + ms(500));
    let asked: Vec<_> = outputs
        .iter()
        .filter_map(|output| if let Output::Packet { to, bytes } = output { Some((*to, say(bytes))) } else { None })
        .collect();
    assert_eq!(asked.len(), 3);
    assert!(
        asked.iter().all(|(helper, message)| *helper != to && *message == format!("indirect {name} #{seq} nack=true")),
        "{asked:?}"
    );

    // An answer through a helper ends the probe, but tells nothing of the distance.
    one.hears(at(6), &ack(seq));
    one.passes(ms(499));
    assert_eq!((one.state(&name), one.notes.take()), (Some(State::Alive), vec![]));
}

#[test]
fn a_failed_probe_ends_in_suspicion_and_costs_health() {
    // peers, nacks that come, health then
    for (peers, nacks, health) in [(1, 0, 1), (5, 3, 0), (5, 1, 2), (5, 0, 3), (3, 2, 0), (3, 0, 2)] {
        let (mut one, _, seq, name) = probing(peers, |config| config.stream_pings = false);
        one.passes(ms(600));
        for _ in 0..nacks {
            one.hears(at(9), &Message::Nack(wire::Nack { seq }));
        }
        one.passes(ms(399));
        assert_eq!(one.state(&name), Some(State::Alive));
        one.passes(ms(1));
        assert_eq!(one.state(&name), Some(State::Suspect), "{peers} peers, {nacks} nacks");
        assert_eq!(one.swim.health_score(), health, "{peers} peers, {nacks} nacks");
        assert!(one.waiting().contains(&format!("suspect {name} 1 from srv1")));
    }
}

#[test]
fn a_stream_saves_a_member_that_packets_do_not_reach() {
    let (mut one, to, seq, name) = probing(1, |_| {});
    one.passes(ms(600));
    let exchange = Exchange::Ping { seq, node: name.as_str().into() };
    assert!(one.swim.stream_request(&exchange, &mut one.notes).starts_with(&[kind::PING]));
    one.swim.stream_reply(one.now, to, &exchange, Ok(StreamMessage::Ack { seq }), &mut one.notes).expect("answered");
    one.swim.outputs.clear();
    one.passes(ms(400));
    assert_eq!((one.state(&name), one.swim.health_score()), (Some(State::Alive), 0));
    assert!(one.logs()[0].contains("UDP probes failed"));
}

#[test]
fn a_suspect_is_told_when_it_is_probed() {
    let (mut one, to, _, name) = probing(1, |config| {
        config.stream_pings = false;
        config.awareness_max = 1;
    });
    one.passes(ms(1000));
    let packets: Vec<_> = one.packets().iter().map(|(to, message)| (*to, say(message))).collect();
    assert_eq!(packets, [(to, format!("ping {name} #2 + suspect {name} 1 from srv1"))]);
    // Old peers do not take streams, nacks and checksums.
    let mut old = One::new(|config| config.timing.gossip_interval = Duration::ZERO);
    old.hears(
        at(2),
        &Message::Alive(wire::Alive {
            incarnation: 1,
            node: "old",
            address: &[127, 0, 0, 2],
            port: 8301,
            meta: &[],
            versions: &[1, 2, 2, 2, 5, 4],
        }),
    );
    old.quiet();
    old.passes(ms(3000));
    assert_eq!(old.dials(), []);
}

#[test]
fn messages_of_the_layer_above_ride_behind_ours() {
    let mut one = One::new(|_| {});
    one.meets("m", 2, 1);
    one.swim.outputs.clear();
    one.notes.waiting = vec![Bytes::from(vec![7; 1000]), Bytes::from(vec![8; 400])];
    one.hears(at(2), &Message::Ping(wire::Ping { seq: 3, ..Default::default() }));
    let packets = one.packets();
    let [(_, packet)] = &packets[..] else { panic!("{packets:?}") };
    let parts: Vec<_> =
        wire::compound_parts(&packet[1..]).expect("a compound").map(|part| (part[0], part.len())).collect();
    assert_eq!(parts.len(), 3, "{parts:?}");
    assert_eq!((parts[0].0, parts[1].0, parts[2]), (kind::ACK, kind::ALIVE, (kind::USER, 1001)));
    assert!(packet.len() <= 1400);
    one.swim.send_user(at(5), b"direct");
    assert_eq!(one.packets(), [(at(5), b"\x08direct".to_vec())]);
}

#[test]
fn allowed_networks_bar_packets_and_streams() {
    let mut one = One::new(|config| {
        config.allowed = vec![crate::config::Cidr { address: [127, 0, 0, 0].into(), bits: 30 }];
    });
    let ping = Message::Ping(wire::Ping { seq: 3, ..Default::default() });
    for (number, answered) in [(2, true), (9, false)] {
        one.swim.outputs.clear();
        one.hears(at(number), &ping);
        assert_eq!(!one.packets().is_empty(), answered);
        let answer = one.swim.accept_stream(
            one.now,
            at(number),
            Ok(StreamMessage::Ping { seq: 1, node: String::new() }),
            &mut one.notes,
        );
        assert_eq!(answer.reply.is_some(), answered);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_arrives_a_member_lives_on(
        packets in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>(), 1u8..12), 1..40),
    ) {
        let captured = VECTORS["captured"].as_array().expect("packets");
        let mut one = One::new(|config| config.compression = true);
        for (which, place, value, from) in packets {
            let mut bytes = unhex(which.get(captured)["hex"].as_str().expect("hex"));
            one.gets(at(from), &bytes);
            *place.get_mut(&mut bytes) = value;
            one.gets(at(from), &bytes);
            let layers = one.swim.layers().clone();
            let message = layers.stream_reader(false).read(&bytes).transpose();
            if let Some(message) = message {
                let answer = one.swim.accept_stream(one.now, at(from), message, &mut one.notes);
                if let Some(state) = answer.merge {
                    let _ = one.swim.merge(one.now, at(from), *state, &mut one.notes);
                }
            }
            one.passes(ms(150));
            assert_eq!(one.state("srv1"), Some(State::Alive));
            assert!(one.swim.noise.len() <= 1024);
            let live = one.swim.members().filter(|node| !node.state.is_gone()).count();
            assert_eq!(one.swim.live_count(), live);
        }
    }
}
