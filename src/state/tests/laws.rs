//! Laws against slow models: indexes of listings, and every secondary index against a full scan.

use super::*;
use crate::types::txn::{TxnKvOp, TxnOp, TxnRequest};
use proptest::prelude::*;
use std::collections::BTreeMap;

const KEYS: [&str; 10] = ["a", "a/", "a/b", "a/b/c", "a/bc", "b", "b/a", "ab", "abc/d", "c"];

#[derive(Clone, Debug)]
enum Step {
    Set(usize, u8),
    Delete(usize),
    DeleteTree(usize, usize),
    Reap(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0..KEYS.len();
    let step = prop_oneof![
        5 => (key.clone(), 0..3u8).prop_map(|(key, value)| Step::Set(key, value)),
        2 => key.clone().prop_map(Step::Delete),
        1 => (key, 0..4usize).prop_map(|(key, len)| Step::DeleteTree(key, len)),
        1 => (0..5u64).prop_map(Step::Reap),
    ];
    prop::collection::vec(step, 0..40)
}

/// Rows, tombstones and the two table indexes, kept the slow way.
#[derive(Default)]
struct Model {
    rows: BTreeMap<String, (u8, Index)>,
    tombstones: BTreeMap<String, Index>,
    tables: Index,
}

impl Model {
    fn bury(&mut self, key: &str, index: Index) {
        self.tombstones.insert(key.into(), index);
        self.tables = index;
    }

    fn step(&mut self, step: &Step, index: Index) -> Command {
        match *step {
            Step::Set(key, value) => {
                let row = self.rows.entry(KEYS[key].into()).or_insert((255, 0));
                if row.0 != value {
                    *row = (value, index);
                    self.tables = index;
                }
                set(KEYS[key], &value.to_string())
            }
            Step::Delete(key) => {
                if self.rows.remove(KEYS[key]).is_some() {
                    self.bury(KEYS[key], index);
                }
                kv(KvOp::Delete, entry(KEYS[key], ""))
            }
            Step::DeleteTree(key, len) => {
                let prefix = &KEYS[key][..len.min(KEYS[key].len())];
                let before = self.rows.len();
                self.rows.retain(|key, _| !key.starts_with(prefix));
                if self.rows.len() < before {
                    self.tables = index;
                    if !prefix.is_empty() {
                        self.bury(prefix, index);
                    }
                }
                kv(KvOp::DeleteTree, entry(prefix, ""))
            }
            Step::Reap(age) => {
                let upto = index.saturating_sub(age);
                self.tombstones.retain(|_, at| *at > upto);
                Command::TombstoneReap(upto)
            }
        }
    }

    fn list_index(&self, prefix: &str) -> Index {
        let rows = self.rows.iter().filter(|(key, _)| key.starts_with(prefix)).map(|(_, row)| row.1);
        let graves = self.tombstones.iter().filter(|(key, _)| key.starts_with(prefix)).map(|(_, index)| *index);
        match rows.chain(graves).max() {
            Some(index) if !prefix.is_empty() => index,
            _ => self.tables,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn keys_and_listing_indexes_are_those_of_the_slow_model(steps in steps(), batched in any::<bool>()) {
        let store = Store::new();
        let mut model = Model::default();
        let batch: Vec<_> = steps.iter().enumerate()
            .map(|(at, step)| (at as Index + 10, model.step(step, at as Index + 10)))
            .collect();
        if batched {
            store.apply(&batch);
        } else {
            batch.iter().for_each(|entry| drop(store.apply(std::slice::from_ref(entry))));
        }
        let snapshot = store.snapshot();
        let mut ws = WatchSet::none();
        let all: Vec<_> = snapshot.kv_list(&mut ws, "").1.iter().map(|row| (row.key.clone(), row.modify_index)).collect();
        let expected: Vec<_> = model.rows.iter().map(|(key, row)| (key.clone(), row.1)).collect();
        prop_assert_eq!(all, expected);
        for prefix in KEYS.iter().copied().chain(["", "a/b/", "z"]) {
            prop_assert_eq!(snapshot.kv_list(&mut ws, prefix).0, model.list_index(prefix), "{}", prefix);
            prop_assert_eq!(snapshot.kv_keys(&mut ws, prefix, "/", |_| true).0, model.list_index(prefix), "{}", prefix);
        }
    }
}

fn catalog_commands() -> impl Strategy<Value = Vec<Command>> {
    let names = || prop::sample::select(vec!["n1", "N1", "n2"]);
    let services = || prop::sample::select(vec!["web", "db", "api"]);
    let checks = || prop::sample::select(vec!["c1", "c2"]);
    let status = || prop::sample::select(vec!["passing", "warning", "critical"]);
    let command = prop_oneof![
        names().prop_map(|name| register(node(name))),
        (names(), services(), services(), any::<bool>()).prop_map(|(name, id, of, native)| {
            let mut row = NodeService { id: id.into(), ..service(of) };
            row.connect.native = native;
            with_service(name, row)
        }),
        (names(), checks(), services(), status(), any::<bool>()).prop_map(|(name, id, of, status, on_node)| {
            let service_id = if on_node { String::new() } else { of.into() };
            with_check(name, HealthCheck { service_id, ..check(name, id, status) })
        }),
        (names(), checks(), prop::sample::select(vec!["s1", "s2"])).prop_map(|(name, id, session_id)| {
            create(Session { node_checks: Some(vec![id.into()]), ..session(name, session_id) })
        }),
        (prop::sample::select(vec!["s1", "s2"]), checks()).prop_map(|(session, key)| lock(
            KvOp::Lock,
            key,
            "",
            session
        )),
        (names(), services()).prop_map(|(name, id)| deregister(name, id, "")),
        (names(), checks()).prop_map(|(name, id)| deregister(name, "", id)),
        names().prop_map(|name| deregister(name, "", "")),
        (checks(), services()).prop_map(|(key, value)| {
            let write =
                TxnOp { kv: Some(TxnKvOp { verb: KvOp::Set, dir_ent: entry(key, value) }), ..Default::default() };
            let read =
                TxnOp { kv: Some(TxnKvOp { verb: KvOp::Get, dir_ent: entry("absent", "") }), ..Default::default() };
            Command::Txn(TxnRequest { ops: vec![write, read], ..Default::default() })
        }),
    ];
    prop::collection::vec(command, 0..50)
}

/// Every secondary index holds exactly the rows of its table.
fn assert_consistent(tables: &tables::Tables) {
    use key::join;
    let services: Vec<_> = tables.services.iter().collect();
    assert_eq!(tables.services_by_name.len(), services.len());
    assert_eq!(tables.services_by_kind.len(), services.len());
    let mesh = services.iter().filter(|slot| super::services::connect_name(&slot.value).is_some()).count();
    assert_eq!(tables.services_by_connect.len(), mesh);
    for slot in &services {
        let node = &tables.node_of(slot, 0).node;
        let row = &slot.value;
        let found = tables.services_by_name.get(&join(&[&row.service, node, &row.id])).expect("by name");
        assert!(Arc::ptr_eq(&found.value, row));
        assert!(tables.services_by_kind.contains(&join(&[&row.kind, &row.service, node, &row.id])));
    }
    assert_eq!(tables.checks_by_instance.len(), tables.checks.len());
    assert_eq!(tables.checks_by_status.len(), tables.checks.len());
    for slot in tables.checks.iter() {
        let row = &slot.value;
        let found =
            tables.checks_by_instance.get(&join(&[&row.node, &row.service_id, &row.check_id])).expect("by instance");
        assert!(Arc::ptr_eq(&found.value, row));
        assert!(tables.checks_by_status.contains(&join(&[&row.status, &row.node, &row.check_id])));
        assert!(row.service_id.is_empty() || tables.service(&row.node, &row.service_id).is_some());
    }
    assert_eq!(tables.sessions_by_node.len(), tables.sessions.len());
    let listed: usize = tables.sessions.iter().map(|slot| slot.value.check_ids().count()).sum();
    assert_eq!(tables.sessions_by_check.len(), listed);
    let held: Vec<_> = tables.kvs.iter().filter(|row| !row.session.is_empty()).collect();
    assert_eq!(tables.kvs_by_session.len(), held.len());
    assert!(held.iter().all(|row| tables.session(&row.session).is_some()), "locks go with their session");
    assert_eq!(tables.nodes.len() as u64, tables.usage.nodes);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn secondary_indexes_follow_every_cascade_and_batches_change_nothing(commands in catalog_commands()) {
        let (one, whole) = (Store::new(), Store::new());
        let batch: Vec<_> = commands.into_iter().enumerate().map(|(at, command)| (at as Index + 10, command)).collect();
        let single: Vec<_> = batch.iter().flat_map(|entry| one.apply(std::slice::from_ref(entry))).collect();
        assert_consistent(one.snapshot().tables());
        prop_assert_eq!(whole.apply(&batch), single);
        let dump = |store: &Store| {
            let mut bytes = Vec::new();
            store.snapshot().write_to(&mut bytes).expect("memory");
            bytes
        };
        prop_assert_eq!(dump(&whole), dump(&one));
        let again = Store::new();
        again.restore(&mut dump(&one).as_slice()).expect("our own dump");
        assert_consistent(again.snapshot().tables());
        prop_assert_eq!(dump(&again), dump(&one));
        prop_assert_eq!(again.snapshot().usage(), one.snapshot().usage());
    }
}
