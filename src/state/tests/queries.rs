//! Prepared queries: names, templates, sessions, indexes.

use super::*;
use crate::types::prepared_query::{PreparedQuery, PreparedQueryOp, PreparedQueryRequest, QueryTemplate, ServiceQuery};

const ONE: &str = "46fca103-b7be-cbea-71c1-5a2359602411";
const TWO: &str = "46fca103-b7be-cbea-71c1-5a2359602412";
const THREE: &str = "46fca103-b7be-cbea-71c1-5a2359602413";
const SESSION: &str = "9f5f3d6c-0000-4a3c-9a5e-000000000001";

fn query(id: &str, name: &str, service: &str) -> PreparedQuery {
    let service = ServiceQuery { service: service.into(), ..Default::default() };
    PreparedQuery { id: id.into(), name: name.into(), service, ..Default::default() }
}

fn template(id: &str, prefix: &str, service: &str) -> PreparedQuery {
    let template = QueryTemplate { kind: "name_prefix_match".into(), ..Default::default() };
    PreparedQuery { template, ..query(id, prefix, service) }
}

fn store(query: PreparedQuery) -> Command {
    Command::PreparedQuery(Box::new(PreparedQueryRequest { query: Some(query), ..Default::default() }))
}

fn delete(id: &str) -> Command {
    let query = PreparedQuery { id: id.into(), ..Default::default() };
    let request = PreparedQueryRequest { op: PreparedQueryOp::Delete, query: Some(query), ..Default::default() };
    Command::PreparedQuery(Box::new(request))
}

fn refusal(outcome: Outcome) -> String {
    match outcome {
        Outcome::Error(text) => text,
        other => panic!("{other:?} instead of a refusal"),
    }
}

/// The service that a name leads to.
fn resolved(scene: &Scene, name: &str) -> Option<String> {
    let found = scene.store.snapshot().resolve_query(name, "").expect("resolves");
    found.map(|query| query.service.service.clone())
}

#[test]
fn a_name_leads_to_its_query_and_otherwise_to_the_longest_prefix() {
    let mut scene = Scene::new();
    scene.done(store(query(ONE, "Geo-DB", "db")));
    scene.done(store(template(TWO, "geo-", "geo ${name.suffix}")));
    scene.done(store(template(THREE, "", "any ${name.full}")));
    let cases = [
        (ONE, "db"),
        ("geo-db", "db"),
        ("GEO-db", "db"),
        ("geo-dbx", "geo dbx"),
        ("geo-", "geo "),
        ("geo", "any geo"),
        ("46fca103-b7be-cbea-71c1-5a2359602499", "any 46fca103-b7be-cbea-71c1-5a2359602499"),
    ];
    for (name, service) in cases {
        assert_eq!(resolved(&scene, name).as_deref(), Some(service), "{name}");
    }
    let by_id = scene.store.snapshot().resolve_query(TWO, "").expect_err("a template").text;
    assert_eq!(by_id, "prepared query templates can only be resolved up by name, not by ID");
    scene.done(delete(THREE));
    assert_eq!(resolved(&scene, "other"), None);
}

#[test]
fn names_are_unique_and_never_look_like_ids() {
    let mut scene = Scene::new();
    scene.done(store(query(ONE, "a", "x")));
    scene.done(store(template(TWO, "", "x")));
    let alias = "aliases an existing query";
    let mut bound = query(THREE, "s", "x");
    bound.session = SESSION.into();
    let mut odd = query(THREE, "s", "x");
    odd.session = "foo".into();
    let cases = [
        (query(THREE, "A", "x"), format!("name 'A' {alias} name")),
        (query(THREE, ONE, "x"), format!("name '{ONE}' {alias} ID")),
        (template(THREE, "", "x"), "a query template with an empty name already exists".into()),
        (bound, format!("invalid session \"{SESSION}\"")),
        (odd, "invalid session: index error: UUID must be 36 characters".into()),
        (
            template(THREE, "t", "${"),
            "failed compiling template: Bad format '${' in Service.Service: parse error: syntax error".into(),
        ),
    ];
    let before = scene.ask(|snapshot, ws| snapshot.prepared_queries(ws));
    for (query, text) in cases {
        assert_eq!(refusal(scene.apply(store(query))), text);
    }
    assert_eq!(scene.ask(|snapshot, ws| snapshot.prepared_queries(ws)), before);
    scene.done(store(query(ONE, "A", "y")));
    assert_eq!(resolved(&scene, "a").as_deref(), Some("y"), "a query keeps its own name");
}

#[test]
fn a_renamed_query_leaves_its_old_names() {
    let mut scene = Scene::new();
    let created = scene.done(store(template(ONE, "old-", "x")));
    let updated = scene.done(store(query(ONE, "new", "x")));
    assert_eq!((resolved(&scene, "old-"), resolved(&scene, "old-a")), (None, None));
    let stored = scene.ask(|snapshot, ws| snapshot.prepared_query(ws, ONE)).expect("an id").1.expect("stored");
    assert_eq!((stored.create_index, stored.modify_index), (created, updated));
}

#[test]
fn the_index_moves_with_every_change_and_only_then() {
    let mut scene = Scene::new();
    let index = |scene: &Scene| scene.index_of(|snapshot, ws| snapshot.prepared_queries(ws));
    assert_eq!(index(&scene), 0);
    let written = scene.done(store(query(ONE, "a", "x")));
    assert_eq!(index(&scene), written);
    scene.done(delete(TWO));
    assert_eq!(index(&scene), written, "deleting what is not there changes nothing");
    let same = scene.done(store(query(ONE, "a", "x")));
    assert_eq!(index(&scene), same);
    let deleted = scene.done(delete(ONE));
    assert_eq!(index(&scene), deleted);
}

#[test]
fn a_query_ends_with_its_session() {
    let mut scene = Scene::new();
    scene.done(register(node("n")));
    scene.done(create(session("n", SESSION)));
    for (id, name) in [(ONE, "a"), (TWO, "b")] {
        let mut bound = query(id, name, "x");
        bound.session = SESSION.into();
        scene.done(store(bound));
    }
    scene.done(store(query(THREE, "free", "x")));
    let moved = scene.done(store(query(TWO, "b", "x")));
    let (_, watch) = scene.store.read(|snapshot, ws| snapshot.prepared_query(ws, ONE).map(drop));
    let (_, other) = scene.store.read(|snapshot, ws| snapshot.prepared_query(ws, THREE).map(drop));
    assert!(watch.is_current());
    let ended = scene.done(destroy(SESSION));
    assert!(ended > moved && !watch.is_current());
    assert!(!other.is_current(), "the index of the table is part of every answer");
    let left = scene.ask(|snapshot, ws| snapshot.prepared_queries(ws)).1;
    let left: Vec<_> = left.iter().map(|query| query.name.as_str()).collect();
    assert_eq!(left, ["b", "free"]);
}

#[test]
fn queries_come_back_from_a_snapshot_with_their_names_and_templates() {
    let mut scene = Scene::new();
    scene.done(store(query(ONE, "a", "x")));
    scene.done(store(template(TWO, "t-", "${name.suffix}")));
    let mut dump = Vec::new();
    scene.store.snapshot().write_to(&mut dump).expect("memory");
    let restored = Scene::new();
    restored.store.restore(&mut &dump[..]).expect("restores");
    let all = |scene: &Scene| scene.ask(|snapshot, ws| snapshot.prepared_queries(ws));
    assert_eq!(all(&restored), all(&scene));
    assert_eq!((resolved(&restored, "a"), resolved(&restored, "t-b")), (Some("x".into()), Some("b".into())));
}

#[test]
fn a_template_of_a_snapshot_that_is_not_understood_is_kept_and_says_so() {
    let mut dump = Vec::new();
    Scene::new().store.snapshot().write_to(&mut dump).expect("memory");
    let chunks = 1 + b"\x81\xa8ChunkMap\x80".len();
    dump.truncate(dump.len() - chunks);
    let foreign = template(ONE, "t-", "${true ? \"a\" : \"b\"}");
    dump.push(kind::PREPARED_QUERY);
    dump.extend(crate::types::msgpack::to_vec(&foreign).expect("encodes"));
    let scene = Scene::new();
    scene.store.restore(&mut &dump[..]).expect("restores");
    let refusal = scene.store.snapshot().resolve_query("t-x", "").expect_err("not understood").text;
    assert!(refusal.starts_with("failed compiling template: Bad format"), "{refusal}");
    assert_eq!(scene.ask(|snapshot, ws| snapshot.prepared_queries(ws)).1.len(), 1);
}
