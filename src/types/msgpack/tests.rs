use super::*;
use crate::types::requests::{CoordinateUpdateRequest, IndexedDirEntries, KeyRequest};
use crate::types::txn::TxnRequest;
use crate::types::{Blob, DirEntry, GoDuration, KvOp, KvRequest, RegisterRequest, Session, StringMap};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex digits")).collect()
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../../tests/vectors/rpc-vectors.json")).expect("vectors are JSON")
}

/// Recorded bodies whose vector marks bytes that are no text cannot be compared as JSON.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.iter().all(|(key, value)| !key.starts_with('$') && is_plain(value)),
        Value::Array(items) => items.iter().all(is_plain),
        _ => true,
    }
}

#[test]
fn integers_take_the_shortest_form() {
    let cases: [(i64, &str); 12] = [
        (0, "00"),
        (127, "7f"),
        (128, "cc80"),
        (255, "ccff"),
        (256, "cd0100"),
        (65536, "ce00010000"),
        (1 << 32, "cf0000000100000000"),
        (-1, "ff"),
        (-32, "e0"),
        (-33, "d0df"),
        (-129, "d1ff7f"),
        (i64::MIN, "d38000000000000000"),
    ];
    for (number, bytes) in cases {
        assert_eq!(to_vec(&number).expect("encodes"), hex(bytes), "{number}");
        assert_eq!(from_slice::<i64>(&hex(bytes)).expect("decodes"), number);
    }
    assert!(from_slice::<u8>(&hex("cd0100")).is_err(), "256 does not fit a byte");
    assert_eq!(from_slice::<u16>(&hex("cf0000000000000005")).expect("wide form of a small number"), 5);
}

#[test]
fn strings_and_bytes_share_the_raw_family_and_every_newer_form_is_read() {
    assert_eq!(to_vec(&"a".repeat(40)).expect("encodes")[..3], hex("da0028"));
    assert_eq!(to_vec(&Blob::from("x")).expect("encodes"), hex("a178"));
    for bytes in ["a178", "d90178", "da000178", "db0000000178", "c40178", "c5000178"] {
        assert_eq!(from_slice::<String>(&hex(bytes)).expect(bytes), "x");
        assert_eq!(from_slice::<Blob>(&hex(bytes)).expect(bytes), Blob::from("x"));
    }
    assert_eq!(from_slice::<Blob>(&hex("a1ff")).expect("any bytes"), Blob::from(vec![0xff]));
    assert_eq!(from_slice::<String>(&hex("a1ff")).expect("replaced"), "\u{fffd}");
}

#[test]
fn nil_is_the_zero_of_any_type() {
    assert_eq!(from_slice::<String>(&[0xc0]).expect("string"), "");
    assert_eq!(from_slice::<u64>(&[0xc0]).expect("integer"), 0);
    assert!(!from_slice::<bool>(&[0xc0]).expect("bool"));
    assert_eq!(from_slice::<Vec<String>>(&[0xc0]).expect("slice"), Vec::<String>::new());
    assert_eq!(from_slice::<GoDuration>(&[0xc0]).expect("duration"), GoDuration::ZERO);
    assert_eq!(from_slice::<DirEntry>(&[0xc0]).expect("struct"), DirEntry::default());
    assert_eq!(from_slice::<StringMap>(&[0xc0]).expect("map"), None);
    let unused = from_slice::<Option<serde_json::Value>>(&[0xc1]);
    assert_eq!(unused.expect("a marker that no writer uses"), None);
    assert_eq!(from_slice::<StringMap>(&[0x80]).expect("map"), Some(BTreeMap::new()));
}

#[test]
fn struct_fields_are_sorted_and_flattened_parts_join_them() {
    let request = KeyRequest { key: "k".into(), ..Default::default() };
    let value: Value = from_slice(&to_vec(&request).expect("encodes")).expect("decodes");
    let names: Vec<_> = value.as_object().expect("a map").keys().cloned().collect();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!(names, sorted);
    assert!(names.contains(&"MinQueryIndex".to_string()) && names.contains(&"Key".to_string()));
    assert_eq!(from_slice::<KeyRequest>(&to_vec(&request).expect("encodes")).expect("decodes"), request);
}

#[test]
fn unknown_fields_are_passed_over_and_arrays_can_be_structs() {
    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Pair {
        left: i64,
        right: String,
    }
    let map = to_vec(&json!({"Left": 1, "Other": {"deep": [1, {"x": null}]}, "Right": "r"})).expect("encodes");
    assert_eq!(from_slice::<Pair>(&map).expect("map"), Pair { left: 1, right: "r".into() });
    assert_eq!(from_slice::<Pair>(&hex("9301a172c3")).expect("array"), Pair { left: 1, right: "r".into() });
}

#[test]
fn lengths_and_nesting_beyond_the_input_are_refused() {
    for bytes in ["dd7fffffff", "dfffffffff", "db7fffffff41", "c6ffffffff", "dc0005", "da", ""] {
        assert!(from_slice::<Value>(&hex(bytes)).is_err(), "{bytes}");
        assert!(value_len(&hex(bytes)).is_err(), "{bytes}");
        assert!(read_value(&mut hex(bytes).as_slice(), &mut Vec::new()).is_err(), "{bytes}");
    }
    let deep = [vec![0x91; MAX_DEPTH + 1], vec![0xc0]].concat();
    assert!(from_slice::<Value>(&deep).is_err());
    assert_eq!(value_len(&deep).expect("skipping needs no stack"), deep.len());
    assert!(from_slice::<u64>(&[1, 2]).is_err(), "bytes after the value");
}

#[test]
fn recorded_bodies_decode_to_their_expected_content_and_encode_to_the_same_bytes() {
    let vectors = vectors();
    let mut compared = 0;
    for call in vectors["calls"].as_array().expect("calls") {
        for (bytes, expected) in [("request_body_hex", "request"), ("response_body_hex", "response")] {
            let (Some(bytes), expected) = (call[bytes].as_str(), &call[expected]) else { continue };
            if bytes.is_empty() || !expected.is_object() || !is_plain(expected) {
                continue;
            }
            let bytes = hex(bytes);
            let value: Value = from_slice(&bytes).expect("decodes");
            // Through text, because the expectation lost the last bit of some floats there.
            let text: Value = serde_json::from_str(&value.to_string()).expect("JSON");
            assert_eq!(&text, expected, "{}", call["method"]);
            if call["from"].as_str().is_some_and(|from| from.starts_with("client agent")) {
                assert_eq!(to_vec(&value).expect("encodes"), bytes, "{}", call["method"]);
                compared += 1;
            }
            let mut copy = Vec::new();
            let mut stream = bytes.iter().copied().chain([1, 2, 3]).collect::<std::collections::VecDeque<u8>>();
            read_value(&mut stream, &mut copy).expect("reads");
            assert_eq!((copy, stream.len()), (bytes, 3), "exactly one value is taken");
        }
    }
    assert!(compared > 20, "{compared} bodies compared");
}

/// Decodes the recorded requests of a method and checks that what we write means the same.
fn typed<T: Serialize + for<'de> Deserialize<'de> + PartialEq + fmt::Debug>(method: &str) {
    let vectors = vectors();
    let calls = vectors["calls"].as_array().expect("calls").iter();
    let mut seen = 0;
    for call in calls.filter(|call| call["method"] == method && call["error"] == "") {
        let request: T = from_slice(&hex(call["request_body_hex"].as_str().expect("hex"))).expect(method);
        let again: T = from_slice(&to_vec(&request).expect("encodes")).expect("decodes");
        assert_eq!(request, again);
        seen += 1;
    }
    assert!(seen > 0, "no recorded call of {method}");
}

#[test]
fn recorded_requests_decode_into_our_types() {
    typed::<KvRequest>("KVS.Apply");
    typed::<KeyRequest>("KVS.Get");
    typed::<RegisterRequest>("Catalog.Register");
    typed::<TxnRequest>("Txn.Apply");
    typed::<crate::types::SessionRequest>("Session.Apply");
    typed::<CoordinateUpdateRequest>("Coordinate.Update");
}

fn entries() -> impl Strategy<Value = DirEntry> {
    (any::<u64>(), ".{0,40}", any::<u64>(), prop::collection::vec(any::<u8>(), 0..300), ".{0,3}", any::<u64>())
        .prop_map(|(lock_index, key, flags, value, session, index)| DirEntry {
            lock_index,
            key,
            flags,
            value: Blob::from(value),
            session,
            create_index: index / 2,
            modify_index: index,
        })
}

fn trees() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e300..1e300f64).prop_map(Value::from),
        ".{0,50}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 48, 20, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..20).prop_map(Value::from),
            prop::collection::btree_map(".{0,40}", inner, 0..20).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn typed_values_round_trip(rows in prop::collection::vec(entries(), 0..5), delay in any::<i64>()) {
        let reply = IndexedDirEntries { entries: Some(rows.iter().cloned().map(Into::into).collect()), ..Default::default() };
        prop_assert_eq!(from_slice::<IndexedDirEntries>(&to_vec(&reply).unwrap()).unwrap(), reply);
        let session = Session { lock_delay: GoDuration(delay), node_checks: Some(vec![]), ..Default::default() };
        prop_assert_eq!(from_slice::<Session>(&to_vec(&session).unwrap()).unwrap(), session);
        let request = KvRequest { op: KvOp::DeleteCas, dir_ent: rows.into_iter().next().unwrap_or_default(), ..Default::default() };
        prop_assert_eq!(from_slice::<KvRequest>(&to_vec(&request).unwrap()).unwrap(), request);
    }

    #[test]
    fn free_values_round_trip_and_their_length_is_known(value in trees()) {
        let bytes = to_vec(&value).unwrap();
        prop_assert_eq!(&from_slice::<Value>(&bytes).unwrap(), &value);
        prop_assert_eq!(value_len(&bytes).unwrap(), bytes.len());
    }

    #[test]
    fn any_bytes_are_read_or_refused_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let decoded = from_prefix::<Value>(&bytes).map(|(_, len)| len);
        if let Ok(len) = decoded {
            let mut copy = Vec::new();
            read_value(&mut bytes.as_slice(), &mut copy).unwrap();
            prop_assert_eq!(copy.len(), len);
        }
        let _ = from_prefix::<RegisterRequest>(&bytes);
    }
}
