//! What real agents were told, and what they answered (`stimuli` of the vectors): ours answers the same.

use super::*;
use crate::gossip::keyring::Keyring;
use crate::gossip::wire::StreamMessage;

/// Ours in the place of the recorded one.
fn member(stimulus: &Value) -> One {
    let to = stimulus["to"].as_str().expect("a receiver");
    let mut member = One::new(|config| {
        config.compression = true;
        if to.contains("esrv") {
            config.name = "esrv".into();
            let long: Vec<u8> = (0..32).collect();
            let mut keys = vec![long.clone()];
            if to.contains("AES-128") {
                keys.push(long[..16].to_vec());
            }
            config.keyring = Some(Arc::new(Keyring::new(&keys).expect("keys")));
        }
    });
    member.notes.payload = b"coordinate";
    member
}

/// Answers of a member to a packet, taken apart.
fn packet_answers(member: &mut One, bytes: &[u8]) -> Vec<(SocketAddr, String)> {
    member.gets(at(9), bytes);
    let opened = member.packets().into_iter().map(|(to, message)| match &*message {
        [kind::COMPRESS, body @ ..] => (to, say(&wire::decompress(body, 10_000).expect("ours"))),
        message => (to, say(message)),
    });
    opened.collect()
}

/// Answer of a member to a stream: its bytes.
fn stream_answer(member: &mut One, bytes: &[u8]) -> Option<Vec<u8>> {
    let layers = member.swim.layers().clone();
    let message = layers.stream_reader(false).read(bytes).and_then(|message| message.ok_or(wire::Error::Short));
    let answer = member.swim.accept_stream(Duration::ZERO, at(9), message, &mut member.notes);
    answer.reply.map(|reply| layers.seal_stream(&reply, false))
}

fn error_in(member: &One, stream: &[u8]) -> String {
    match member.swim.layers().stream_reader(true).read(stream) {
        Ok(Some(StreamMessage::Failure(error))) => error,
        other => panic!("expected an error, got {other:?}"),
    }
}

#[test]
fn stimuli_are_answered_as_recorded() {
    let mut covered = 0;
    for stimulus in VECTORS["stimuli"].as_array().expect("stimuli") {
        let (name, expect) = (stimulus["name"].as_str().expect("one"), stimulus["expect"].as_str().expect("one"));
        let bytes = unhex(stimulus["hex"].as_str().expect("hex"));
        let mut member = member(stimulus);
        if stimulus["transport"] == "stream" {
            let answer = stream_answer(&mut member, &bytes);
            if let Some(error) = expect.split_once("err: ") {
                assert_eq!(error_in(&member, &answer.expect(name)), error.1, "{name}");
            } else if let Some(error) = stimulus["reply_decoded"]["Error"].as_str() {
                assert_eq!(error_in(&member, &answer.expect(name)), error, "{name}");
            } else if expect.contains("ack") {
                let answer = member.swim.layers().stream_reader(true).read(&answer.expect(name)).expect(name);
                assert!(matches!(answer, Some(StreamMessage::Ack { .. })), "{name}: {answer:?}");
            } else {
                assert_eq!(answer, None, "{name}");
            }
        } else if expect.starts_with("ack with the same SeqNo")
            || expect.starts_with("ack, encrypted")
            || expect.starts_with("ack encrypted")
        {
            let answers = packet_answers(&mut member, &bytes);
            let [(to, answer)] = &answers[..] else { panic!("{name}: {answers:?}") };
            assert!(answer.starts_with("ack #") && answer.ends_with(&hex(b"coordinate")), "{name}: {answer}");
            assert!(*to == at(9) || name.contains("str8"), "{name}: {to}");
        } else if expect.starts_with("ack with SeqNo 0") {
            assert_eq!(
                packet_answers(&mut member, &bytes),
                [(at(9), format!("ack #0 {}", hex(b"coordinate")))],
                "{name}"
            );
        } else if expect.starts_with("no reply") {
            assert_eq!(packet_answers(&mut member, &bytes), [], "{name}");
        } else {
            // What the layer above answers, and indirect pings, which have tests of their own.
            assert!(
                bytes[0] == kind::USER || bytes[0] == kind::INDIRECT_PING || name.contains("graceful leave"),
                "{name}"
            );
            continue;
        }
        covered += 1;
    }
    assert_eq!(covered, 25);
}

#[test]
fn an_indirect_ping_is_relayed_and_its_outcome_told() {
    // Recorded: nack 0b81a55365714e6fcd07d1 for seq 2001 after the probe timeout, ack with nil payload for seq 2002.
    for (seq, answered) in [(2001, false), (2002, true)] {
        let mut member = One::new(|_| {});
        let asked = wire::IndirectPing {
            seq,
            target: &[127, 0, 0, 3],
            port: 8301,
            node: "cli1",
            nack: true,
            ..Default::default()
        };
        member.hears(at(9), &Message::IndirectPing(asked));
        let packets = member.packets();
        let [(to, ping)] = &packets[..] else { panic!("{packets:?}") };
        assert_eq!((*to, say(ping)), (at(3), "ping cli1 #1".into()));
        if answered {
            member.hears(at(3), &Message::Ack(wire::Ack { seq: 1, payload: b"x" }));
            assert_eq!(hex(&member.packets()[0].1), "0282a75061796c6f6164c0a55365714e6fcd07d2");
        } else {
            member.passes(ms(499));
            assert_eq!(member.packets(), []);
            member.passes(ms(1));
            assert_eq!(member.packets(), [(at(9), unhex("0b81a55365714e6fcd07d1"))]);
        }
        member.hears(at(3), &Message::Ack(wire::Ack { seq: 1, payload: b"x" }));
        member.passes(ms(1000));
        assert_eq!(member.packets(), [], "one answer is enough");
    }
}

#[test]
fn a_graceful_leave_in_one_packet_is_understood() {
    let mut member = One::new(|_| {});
    member.meets("fake1", 9, 1);
    let leave = VECTORS["stimuli"].as_array().expect("stimuli").last().expect("one");
    member.gets(at(9), &unhex(leave["hex"].as_str().expect("hex")));
    assert_eq!(
        member.notes.take(),
        ["joined fake1", "user 0083a54c54696d6514a44e6f6465a566616b6531a55072756e65c2", "left fake1"]
    );
}
