use super::*;
use crate::types::msgpack;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;

/// `state.bin` of a recorded archive, with the expected content of its records.
fn recorded(archive: &[u8], expected: &str) -> (Vec<u8>, Value) {
    let mut members = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let mut state = Vec::new();
    for member in members.entries().expect("a tar") {
        let mut member = member.expect("a member");
        if member.path().expect("a name").ends_with("state.bin") {
            member.read_to_end(&mut state).expect("whole");
        }
    }
    (state, serde_json::from_str(expected).expect("JSON"))
}

fn archives() -> [(Vec<u8>, Value); 2] {
    [
        recorded(
            include_bytes!("../../../tests/vectors/snapshot-acl.snap"),
            include_str!("../../../tests/vectors/snapshot-acl.expected.json"),
        ),
        recorded(
            include_bytes!("../../../tests/vectors/snapshot-connect.snap"),
            include_str!("../../../tests/vectors/snapshot-connect.expected.json"),
        ),
    ]
}

/// `state.bin` of the recorded archive with access control.
pub(super) fn acl_archive() -> Vec<u8> {
    archives()[0].0.clone()
}

/// The records of a dump as type byte and raw value, header left out.
fn split(state: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut rest = &state[msgpack::value_len(state).expect("header")..];
    let mut records = Vec::new();
    while let Some((kind, body)) = rest.split_first() {
        let len = msgpack::value_len(body).expect("record");
        records.push((*kind, body[..len].to_vec()));
        rest = &body[len..];
    }
    records
}

/// A record sorted and with everything that is zero left out, so that absent and zero fields are equal.
fn content(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<_, _> = map.iter().map(|(key, value)| (key.clone(), content(value))).collect();
            sorted.into_iter().filter(|(_, value)| !is_zero(value)).collect()
        }
        Value::Array(items) => items.iter().map(content).collect(),
        other => other.clone(),
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(value) => value.as_f64() == Some(0.0),
        Value::String(value) => value.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

fn restored(state: &[u8]) -> Store {
    let store = Store::new();
    store.restore(&mut &state[..]).expect("restores");
    store
}

fn dump(store: &Store) -> Vec<u8> {
    let mut bytes = Vec::new();
    store.snapshot().write_to(&mut bytes).expect("memory");
    bytes
}

/// Types that have a table here; all others must come back byte by byte.
const OWN: [u8; 17] = [
    kind::REGISTER,
    kind::KVS,
    kind::SESSION,
    kind::TOMBSTONE,
    kind::PREPARED_QUERY,
    kind::COORDINATES,
    kind::AUTOPILOT,
    kind::SYSTEM_METADATA,
    kind::INDEX,
    kind::ACL_TOKEN,
    kind::ACL_POLICY,
    kind::ACL_ROLE,
    kind::ACL_BINDING_RULE,
    kind::ACL_AUTH_METHOD,
    kind::CA,
    kind::CA_PROVIDER_STATE,
    kind::CA_CONFIG,
];

/// The content of the own records, in a comparable order.
fn own_records(state: &[u8]) -> Vec<(u8, String)> {
    let own = split(state).into_iter().filter(|(kind, _)| OWN.contains(kind));
    let mut records: Vec<_> = own
        .map(|(kind, body)| (kind, msgpack::from_slice::<Value>(&body).expect("decodes")))
        .map(|(kind, mut record)| {
            if kind == kind::ACL_TOKEN {
                // of the system before this one
                let record = record.as_object_mut().expect("a map");
                record.remove("Type");
                // the zone of an instant may be written in two ways
                for time in ["CreateTime", "ExpirationTime"] {
                    if let Some(Value::String(text)) = record.get_mut(time) {
                        text.truncate(text.trim_end_matches(['\0', '\u{fffd}']).len());
                    }
                }
            }
            (kind, content(&record).to_string())
        })
        .filter(|(kind, text)| *kind != kind::INDEX || !text.contains("peer.~:"))
        .collect();
    records.sort();
    records
}

#[test]
fn a_recorded_dump_restores_and_is_written_back_with_every_record() {
    for (state, _) in archives() {
        let store = restored(&state);
        let again = dump(&store);
        let (old, new) = (own_records(&state), own_records(&again));
        for record in &old {
            assert!(new.contains(record), "lost or changed: {record:?}");
        }
        for record in &new {
            let derived = record.0 == kind::INDEX
                && ["node.", "service", "last_ext", "kind-"].iter().any(|of| record.1.contains(of));
            assert!(old.contains(record) || derived, "invented: {record:?}");
        }
        let opaque = |state: &[u8]| {
            let mut by_type: BTreeMap<u8, Vec<Vec<u8>>> = BTreeMap::new();
            split(state).into_iter().filter(|(kind, _)| !OWN.contains(kind)).for_each(|(kind, body)| {
                by_type.entry(kind).or_default().push(body);
            });
            by_type
        };
        assert_eq!(opaque(&again), opaque(&state));
        assert_eq!(dump(&restored(&again)), again, "a second round changes nothing");
        assert_eq!(split(&again).last().expect("records").0, kind::CHUNKING);
    }
}

#[test]
fn a_recorded_dump_answers_queries_with_its_rows_and_indexes() {
    for (state, expected) in archives() {
        let store = restored(&state);
        let snapshot = store.snapshot();
        let mut ws = WatchSet::none();
        assert_eq!(Some(snapshot.last_index()), expected["header"]["LastIndex"].as_u64());
        let records = expected["records"].as_array().expect("records");
        let of = |kind: u8| records.iter().filter(move |record| record["type"] == kind).map(|record| &record["record"]);
        let mut compared = 0;
        for row in of(kind::KVS) {
            let stored = snapshot.kv_get(&mut ws, row["Key"].as_str().expect("text")).1.expect("stored");
            assert_eq!(Some(stored.modify_index), row["ModifyIndex"].as_u64());
            assert_eq!(Some(stored.create_index), row["CreateIndex"].as_u64());
            assert_eq!(Some(stored.lock_index), row["LockIndex"].as_u64());
            assert_eq!(Some(stored.flags), row["Flags"].as_u64());
            assert_eq!(stored.session, row["Session"].as_str().expect("text"));
            if let Some(text) = row["Value"].as_str() {
                assert_eq!(stored.value, text.into());
            }
            compared += 1;
        }
        for row in of(kind::REGISTER) {
            let node = snapshot.node_by_name(row["Node"].as_str().expect("text")).expect("stored");
            assert_eq!(Some(node.create_index), row["CreateIndex"].as_u64());
            assert_eq!(Some(node.modify_index), row["ModifyIndex"].as_u64());
            assert_eq!((node.id.as_str(), node.address.as_str()), (text(&row["ID"]), text(&row["Address"])));
            if row["Service"].is_object() {
                let service = &row["Service"];
                let rows = snapshot.check_service_nodes(&mut ws, text(&service["Service"]), &[], &MetaFilter::new()).1;
                let found = rows.iter().find(|row| row.service.id == service["ID"] && row.node.node == node.node);
                assert_eq!(Some(found.expect("stored").service.modify_index), service["ModifyIndex"].as_u64());
            }
            if row["Check"].is_object() {
                let rows = snapshot.node_checks(&mut ws, &node.node).1;
                let found = rows.iter().find(|check| check.check_id == row["Check"]["CheckID"]).expect("stored");
                assert_eq!(found.status, row["Check"]["Status"]);
            }
            compared += 1;
        }
        for row in of(kind::SESSION) {
            let stored = snapshot.session(&mut ws, text(&row["ID"])).1.expect("stored");
            assert_eq!(Some(stored.lock_delay.0), row["LockDelay"].as_i64());
            compared += 1;
        }
        let indexes =
            of(kind::INDEX).map(|row| (text(&row["Key"]).to_string(), row["Value"].as_u64().expect("number")));
        let indexes: BTreeMap<_, _> = indexes.collect();
        assert_eq!(snapshot.nodes(&mut ws, &MetaFilter::new()).0, indexes["nodes"]);
        assert_eq!(snapshot.services(&mut ws, &MetaFilter::new()).0, indexes["services"]);
        assert_eq!(
            snapshot.check_service_nodes(&mut ws, "consul", &[], &MetaFilter::new()).0,
            indexes["service.consul"]
        );
        assert!(compared > 5);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().expect("text")
}

#[test]
fn a_refused_dump_leaves_the_store_as_it_was() {
    let (state, _) = archives()[0].clone();
    let mut scene = Scene::new();
    scene.done(set("k", "v"));
    let mut enterprise = state.clone();
    enterprise.extend([64, 0x80]);
    let mut unknown = state.clone();
    unknown.extend([8, 0x80]);
    let mut broken = state.clone();
    broken.extend([kind::KVS, 0xa1, b'x']);
    let cases: [(&[u8], &str); 5] = [
        (&state[..state.len() - 3], "failed to fill whole buffer"),
        (&enterprise, "msg type <64> is a Consul Enterprise log entry. Consul CE cannot restore it"),
        (&unknown, "Unrecognized msg type 8"),
        (&broken, "of type 2: "),
        (b"", "failed to fill whole buffer"),
    ];
    for (bytes, reason) in cases {
        let error = scene.store.restore(&mut &bytes[..]).expect_err(reason).to_string();
        assert!(error.contains(reason), "{error}");
        assert!(scene.ask(|snapshot, ws| snapshot.kv_get(ws, "k")).1.is_some());
    }
}

#[test]
fn rows_of_peers_stay_apart_and_are_written_back_as_they_came() {
    let mut state = dump(&Store::new());
    state.truncate(state.len() - split(&state).last().expect("chunks").1.len() - 1);
    let peered = RegisterRequest { peer_name: "east".into(), ..node("far") };
    let record = [&[kind::REGISTER][..], &msgpack::to_vec(&peered).expect("encodes")].concat();
    state.extend(&record);
    let store = restored(&state);
    assert!(store.snapshot().node_by_name("far").is_none());
    assert!(dump(&store).windows(record.len()).any(|window| window == record));
}

#[test]
fn writes_go_on_above_a_restored_state_and_old_snapshots_stay_readable() {
    let mut scene = Scene::new();
    scene.done(set("old", "v"));
    let before = scene.store.snapshot();
    let (state, _) = archives()[0].clone();
    scene.store.restore(&mut &state[..]).expect("restores");
    assert!(before.kv_get(&mut WatchSet::none(), "old").1.is_some());
    assert!(scene.ask(|snapshot, ws| snapshot.kv_get(ws, "old")).1.is_none());
    scene.index = 1000;
    let written = scene.done(set("new", "v"));
    assert_eq!(scene.index_of(|snapshot, ws| snapshot.kv_list(ws, "")), written);
}
