use super::*;
use crate::types::Node;
use crate::types::txn::{CatalogVerb, TxnCheckOp, TxnKvOp, TxnNodeOp, TxnOp, TxnRequest, TxnResponse, TxnServiceOp};

fn op(verb: KvOp, dir_ent: DirEntry) -> TxnOp {
    TxnOp { kv: Some(TxnKvOp { verb, dir_ent }), ..Default::default() }
}

fn node_op(verb: CatalogVerb, node: Node) -> TxnOp {
    TxnOp { node: Some(TxnNodeOp { verb, node }), ..Default::default() }
}

fn service_op(verb: CatalogVerb, node: &str, service: NodeService) -> TxnOp {
    TxnOp { service: Some(TxnServiceOp { verb, node: node.into(), service }), ..Default::default() }
}

fn check_op(verb: CatalogVerb, check: HealthCheck) -> TxnOp {
    TxnOp { check: Some(TxnCheckOp { verb, check }), ..Default::default() }
}

fn run(scene: &mut Scene, ops: Vec<TxnOp>) -> TxnResponse {
    match scene.apply(Command::Txn(TxnRequest { ops, ..Default::default() })) {
        Outcome::Txn(response) => response,
        other => panic!("{other:?}"),
    }
}

/// The errors of a transaction that must fail.
fn failures(response: TxnResponse) -> Vec<(usize, String)> {
    assert_eq!(response.results, None);
    response.errors.expect("errors").into_iter().map(|error| (error.op_index, error.what)).collect()
}

#[test]
fn every_failing_operation_is_reported_and_nothing_is_applied() {
    let mut scene = Scene::new();
    scene.done(set("old", "1"));
    let before = scene.index;
    let response = run(
        &mut scene,
        vec![
            op(KvOp::Set, entry("new", "1")),
            op(KvOp::Get, entry("nope", "")),
            op(KvOp::CheckNotExists, entry("old", "")),
            op(KvOp::CheckNotExists, entry("new", "")),
        ],
    );
    let expected = [(1, "key \"nope\" doesn't exist"), (2, "key \"old\" exists"), (3, "key \"new\" exists")];
    assert_eq!(failures(response), expected.map(|(at, text)| (at, text.to_string())));
    assert_eq!(scene.index_of(|snapshot, ws| snapshot.kv_list(ws, "")), before);
}

#[test]
fn operations_see_the_ones_before_them_and_share_one_index() {
    let mut scene = Scene::new();
    let response = run(
        &mut scene,
        vec![op(KvOp::Set, entry("k", "v")), op(KvOp::Get, entry("k", "")), op(KvOp::Delete, entry("k", ""))],
    );
    let results = response.results.expect("results");
    assert_eq!(results.len(), 2, "a delete has no result");
    let rows: Vec<_> = results.iter().map(|result| result.kv.as_ref().expect("a key")).collect();
    assert!(rows[0].value.is_empty(), "only reads bring the value");
    assert_eq!(rows[1].value, "v".into());
    assert!(rows.iter().all(|row| row.modify_index == scene.index));
    assert!(scene.ask(|snapshot, ws| snapshot.kv_get(ws, "k")).1.is_none());
}

#[test]
fn each_verb_fails_with_its_own_words() {
    let mut scene = Scene::new();
    scene.done(register(node("n")));
    scene.done(create(session("n", "s")));
    scene.done(create(session("n", "t")));
    let locked = scene.done(lock(KvOp::Lock, "k", "v", "s"));
    let at = |verb, index| op(verb, DirEntry { modify_index: index, ..entry("k", "") });
    let held = |verb, session: &str| op(verb, DirEntry { session: session.into(), ..entry("k", "") });
    let absent = |verb| op(verb, entry("x", ""));
    let no_node = "Missing node registration".to_string();
    let cases = [
        (at(KvOp::Cas, 1), "failed to set key \"k\", index is stale".to_string()),
        (held(KvOp::Lock, "t"), "failed to lock key \"k\", lock is already held".into()),
        (held(KvOp::Lock, ""), "missing session".into()),
        (held(KvOp::Lock, "zz"), "invalid session \"zz\"".into()),
        (held(KvOp::Unlock, "t"), "failed to unlock key \"k\", lock isn't held, or is held by another session".into()),
        (absent(KvOp::CheckIndex), "failed to check index, key \"x\" doesn't exist".into()),
        (at(KvOp::CheckIndex, 3), format!("failed index check for key \"k\", current modify index {locked} != 3")),
        (absent(KvOp::CheckSession), "failed to check session, key \"x\" doesn't exist".into()),
        (held(KvOp::CheckSession, "t"), "failed session check for key \"k\", current session \"s\" != \"t\"".into()),
        (at(KvOp::DeleteCas, 3), "failed to delete key \"k\", index is stale".into()),
        (node_op(CatalogVerb::Get, Node { node: "x".into(), ..Default::default() }), "node \"x\" doesn't exist".into()),
        (
            node_op(CatalogVerb::Cas, Node { node: "n".into(), modify_index: 3, ..Default::default() }),
            "failed to set node \"n\", index is stale".into(),
        ),
        (
            node_op(CatalogVerb::DeleteCas, Node { node: "x".into(), modify_index: 3, ..Default::default() }),
            "failed to delete node \"x\", index is stale".into(),
        ),
        (service_op(CatalogVerb::Get, "n", service("web")), "service \"web\" on node \"n\" doesn't exist".into()),
        (service_op(CatalogVerb::Set, "x", service("web")), no_node.clone()),
        (
            service_op(CatalogVerb::DeleteCas, "n", service("web")),
            "failed to delete service \"web\" on node \"n\", index is stale".into(),
        ),
        (check_op(CatalogVerb::Get, check("n", "c", "")), "check \"c\" on node \"n\" doesn't exist".into()),
        (check_op(CatalogVerb::Set, check("x", "c", "")), no_node),
        (
            check_op(CatalogVerb::Cas, HealthCheck { modify_index: 3, ..check("n", "c", "") }),
            "failed to set check \"c\" on node \"n\", index is stale".into(),
        ),
        (TxnOp::default(), "no operation specified".into()),
    ];
    for (operation, text) in cases {
        assert_eq!(failures(run(&mut scene, vec![operation])), [(0, text)]);
    }
}

#[test]
fn catalog_operations_return_the_stored_rows() {
    let mut scene = Scene::new();
    let response = run(
        &mut scene,
        vec![
            node_op(CatalogVerb::Set, Node { node: "n".into(), ..Default::default() }),
            service_op(CatalogVerb::Cas, "n", service("web")),
            check_op(CatalogVerb::Set, HealthCheck { service_id: "web".into(), ..check("n", "c", "passing") }),
            check_op(CatalogVerb::Delete, check("n", "absent", "")),
        ],
    );
    let results = response.results.expect("results");
    assert_eq!(results.len(), 3);
    assert_eq!(results[0].node.as_ref().expect("node").create_index, scene.index);
    assert_eq!(results[1].service.as_ref().expect("service").modify_index, scene.index);
    assert_eq!(results[2].check.as_ref().expect("check").service_name, "web");
}

#[test]
fn a_failed_transaction_leaves_no_lock_delay_behind() {
    let mut scene = Scene::new();
    scene.done(register(node("n")));
    scene.done(create(session("n", "s")));
    scene.done(lock(KvOp::Lock, "k", "v", "s"));
    let delete = node_op(CatalogVerb::Delete, Node { node: "n".into(), ..Default::default() });
    failures(run(&mut scene, vec![delete, op(KvOp::Get, entry("x", ""))]));
    assert_eq!(scene.store.lock_delay("k"), None);
    assert_eq!(scene.ask(|snapshot, ws| snapshot.kv_get(ws, "k")).1.expect("kept").session, "s");
}

#[test]
fn a_reading_transaction_fails_on_an_unknown_key_and_refuses_writes() {
    let mut scene = Scene::new();
    scene.done(set("a/1", "x"));
    let read = |ops: Vec<TxnOp>| scene.store.snapshot().txn_read(&ops);
    let rows = read(vec![op(KvOp::GetTree, entry("a/", "")), op(KvOp::GetOrEmpty, entry("b", ""))]);
    let rows = rows.results.expect("results");
    assert_eq!(rows[0].kv.as_ref().expect("key").value, "x".into());
    let empty = rows[1].kv.as_ref().expect("key");
    assert_eq!((empty.key.as_str(), empty.modify_index), ("b", 0));
    assert_eq!(failures(read(vec![op(KvOp::Get, entry("b", ""))])), [(0, "key \"b\" doesn't exist".to_string())]);
    assert_eq!(failures(read(vec![op(KvOp::Set, entry("b", ""))]))[0].0, 0);
}
