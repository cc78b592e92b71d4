//! Key operations of one node (`spec/gossip.md` 4.5).

use super::super::keys::{KeyOperation, encode_response};
use super::super::message::{KeyResponse, QueryResponse};
use super::*;
use crate::gossip::keyring::Keyring;

fn key(byte: u8) -> Bytes {
    Bytes::from(vec![byte; 16])
}

fn asked() -> Answering {
    Answering {
        key: (1, 2),
        name: "_serf_list-keys".into(),
        payload: Bytes::new(),
        source: "asker".into(),
        to: address(9000),
        relay_factor: 0,
        timeout: SECOND,
        from: "own".into(),
    }
}

#[test]
fn an_operation_travels_as_a_query() {
    for operation in
        [KeyOperation::Install(key(1)), KeyOperation::Use(key(2)), KeyOperation::Remove(key(3)), KeyOperation::List]
    {
        let (name, payload) = operation.query();
        let internal = name.strip_prefix("_serf_").unwrap();
        assert_eq!(KeyOperation::parse(internal, &payload), Some(operation));
    }
    assert_eq!(KeyOperation::List.query().1[..], *b"\x07\x81\xa3Key\xa0");
    assert_eq!(KeyOperation::parse("ping", b""), None);
}

#[test]
fn a_node_changes_its_ring_and_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("local.keyring");
    let ring = Keyring::new(&[key(1).to_vec()]).unwrap();
    let run = |operation: KeyOperation| {
        let response = operation.apply(Some(&ring), Some(&file));
        (response.result, response.message)
    };
    let failed = |text: &str| (false, text.to_owned());
    let worked = (true, String::new());
    assert_eq!(run(KeyOperation::Use(key(2))), failed("Requested key is not in the keyring"));
    assert!(!file.exists(), "nothing changed");
    assert_eq!(run(KeyOperation::Install(key(2))), worked);
    assert_eq!(run(KeyOperation::Use(key(2))), worked);
    assert_eq!(run(KeyOperation::Remove(key(2))), failed("Removing the primary key is not allowed"));
    assert_eq!(run(KeyOperation::Remove(key(1))), worked);
    assert_eq!(run(KeyOperation::Remove(key(9))), worked, "an absent key is as good as removed");
    assert_eq!(ring.keys(), [key(2).to_vec()]);
    assert_eq!(Keyring::load(&file).unwrap().keys(), ring.keys());
    let listed = KeyOperation::List.apply(Some(&ring), None);
    assert_eq!((listed.keys.unwrap().len(), &*listed.primary_key), (1, "AgICAgICAgICAgICAgICAg=="));
}

#[test]
fn without_encryption_there_is_nothing_to_change() {
    for (operation, text) in [
        (KeyOperation::Install(key(1)), "No keyring to modify (encryption not enabled)"),
        (KeyOperation::List, "Keyring is empty (encryption not enabled)"),
    ] {
        let response = operation.apply(None, None);
        assert_eq!((response.result, &*response.message), (false, text));
    }
}

#[test]
fn a_list_that_is_too_long_loses_its_end() {
    let keys: Vec<String> = (0..60).map(|number| format!("{number:044}")).collect();
    let response = KeyResponse { result: true, keys: Some(keys.clone()), ..KeyResponse::default() };
    let encoded = encode_response(&asked(), response).unwrap();
    let answer: QueryResponse = message::decode(&encoded[1..]).unwrap();
    let shown: KeyResponse = message::decode(&answer.payload[1..]).unwrap();
    let count = shown.keys.as_ref().unwrap().len();
    assert!((15..60).contains(&count));
    assert_eq!(shown.keys.unwrap(), keys[..count]);
    assert_eq!(shown.message, format!("truncated key list response, showing first {count} of 60 keys"));
}
