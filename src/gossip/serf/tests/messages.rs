//! Messages of running reference nodes, and bytes of nobody.

use super::super::message::*;
use super::*;
use serde::de::DeserializeOwned;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// Reads a recorded message, writes it again, and returns what was read.
#[track_caller]
fn same<T: Serialize + DeserializeOwned>(kind: Kind, recorded: &str) -> T {
    let bytes = hex(recorded);
    assert_eq!(bytes[0], kind as u8);
    let message: T = decode(&bytes[1..]).unwrap();
    assert_eq!(encode(kind, &message)[..], bytes[..]);
    message
}

#[test]
fn intents_and_events_have_the_bytes_of_the_reference() {
    let leave: LeaveIntent = same(Kind::Leave, "0083a54c54696d6503a44e6f6465a26e32a55072756e65c2");
    assert_eq!(leave, LeaveIntent { ltime: 3, node: "n2".into(), prune: false });
    let join: JoinIntent = same(Kind::Join, "0182a54c54696d6501a44e6f6465a567616d6d61");
    assert_eq!(join, JoinIntent { ltime: 1, node: "gamma".into() });
    let event: UserEventMessage = same(
        Kind::UserEvent,
        "0384a24343c2a54c54696d6501a44e616d65a66465706c6f79a75061796c6f6164ab7061796c6f61642d313233",
    );
    assert_eq!((&*event.name, &event.payload[..], event.coalesce), ("deploy", &b"payload-123"[..], false));
    let event: UserEventMessage =
        same(Kind::UserEvent, "0384a24343c3a54c54696d6502a44e616d65a76465706c6f7932a75061796c6f6164c0");
    assert_eq!((&*event.name, event.payload.len(), event.coalesce), ("deploy2", 0, true));
}

#[test]
fn queries_and_answers_have_the_bytes_of_the_reference() {
    let query: Query = same(
        Kind::Query,
        "048ba441646472a47f000001a746696c74657273c0a5466c61677301a24944ce6ae86bffa54c54696d6501a44e616d65a46c6f6164a75061\
         796c6f6164a477686174a4506f7274cd620eab52656c6179466163746f7200aa536f757263654e6f6465a462657461a754696d656f7574ce\
         77359400",
    );
    assert_eq!((&*query.name, query.flags, query.timeout, query.filters), ("load", flags::ACK, 2_000_000_000, None));
    let query: Query = same(
        Kind::Query,
        "048ba441646472a47f000001a746696c7465727392a70091a473727631b90182a445787072a85e636f6e73756c24a3546167a4726f6c65a5\
         466c61677303a24944cd030ca54c54696d6506a44e616d65a8616e797468696e67a75061796c6f6164c0a4506f7274cd6400ab52656c6179\
         466163746f7200aa536f757263654e6f6465a566616b6531a754696d656f7574cf000000012a05f200",
    );
    assert_eq!(query.filters.map(|filters| filters.len()), Some(2));
    let ack: QueryResponse = same(
        Kind::QueryResponse,
        "0585a5466c61677301a446726f6da462657461a24944ce6ae86bffa54c54696d6501a75061796c6f6164c0",
    );
    assert_eq!((&*ack.from, ack.flags, ack.payload.len()), ("beta", flags::ACK, 0));
}

#[test]
fn the_answer_to_a_conflict_is_a_member() {
    let response: QueryResponse = same(
        Kind::QueryResponse,
        "0585a5466c61677300a446726f6da26e31a24944ce5b75eca7a54c54696d6502a75061796c6f6164da0078068ba441646472a47f000001ab\
         44656c656761746543757205ab44656c65676174654d617805ab44656c65676174654d696e02a44e616d65a26e32a4506f7274cd6222ab50\
         726f746f636f6c43757202ab50726f746f636f6c4d617805ab50726f746f636f6c4d696e01a653746174757301a45461677380",
    );
    let record: MemberRecord = decode(&response.payload[1..]).unwrap();
    assert!(record.is_at(address(25122)) && !record.is_at(address(25123)));
    assert_eq!((&*record.name, record.status()), ("n2", MemberStatus::Alive));
    assert_eq!(encode(Kind::ConflictResponse, &record), response.payload);
}

#[test]
fn a_relay_wraps_a_complete_message() {
    let recorded = hex(
        "0982a8446573744164647283a24950a47f000001a4506f7274cd6221a45a6f6e65a0a8446573744e616d65a26e310585a5466c61677301a4\
         46726f6da26e31a24944ce1902026ca54c54696d6501a75061796c6f6164c0",
    );
    let inner = recorded.iter().position(|byte| *byte == 5).unwrap();
    assert_eq!(encode_relay(address(25121), "n1", &recorded[inner..])[..], recorded[..]);
}

#[test]
fn a_fresh_nodes_state_has_512_empty_places() {
    let state = alone(settings("beta")).local_state(true);
    // spec/gossip.md 7, push/pull join, with the member clock of a node that was not told to join yet.
    let mut wanted = hex("0286aa4576656e744c54696d6501a64576656e7473dc0200");
    wanted.extend([0xc0; 512]);
    wanted.extend(hex(
        "a54c54696d6501ab4c6566744d656d6265727390aa51756572794c54696d6501ac5374617475734c54696d657381a46265746100",
    ));
    assert_eq!(state[..], wanted[..]);
}

#[test]
fn foreign_bytes_are_dropped_without_harm() {
    let mut serf = with(&["a"]);
    let long = vec![3; MAX_MESSAGE + 1];
    let array_of_everything = [4, 0xdd, 0xff, 0xff, 0xff, 0xff];
    for message in [
        &b""[..],
        b"\x00",
        b"\x01\xa1",
        b"\x03\x81",
        b"\x05\xa1",
        b"\x09\x80",
        b"\x63\x80",
        &long,
        &array_of_everything,
    ] {
        serf.user_message(SECOND, message);
        serf.merge_state(SECOND, message, true);
    }
    assert_eq!(told(&mut serf), Vec::<String>::new());
    assert!(broadcast_kinds(&mut serf).is_empty());
}
