use super::*;

fn get(scene: &Scene, key: &str) -> (Index, Option<Arc<DirEntry>>) {
    scene.ask(|snapshot, ws| snapshot.kv_get(ws, key))
}

fn list_index(scene: &Scene, prefix: &str) -> Index {
    scene.index_of(|snapshot, ws| snapshot.kv_list(ws, prefix))
}

fn names(scene: &Scene, prefix: &str, separator: &str) -> Vec<String> {
    scene.ask(|snapshot, ws| snapshot.kv_keys(ws, prefix, separator, |_| true)).1
}

#[test]
fn writing_the_same_value_twice_moves_no_index() {
    let mut scene = Scene::new();
    let first = scene.done(set("a", "1"));
    scene.done(set("a", "1"));
    let (index, row) = get(&scene, "a");
    assert_eq!((index, row.expect("stored").modify_index), (first, first));
    assert_eq!(list_index(&scene, ""), first);
    let changed = scene.done(set("a", "2"));
    let row = get(&scene, "a").1.expect("stored");
    assert_eq!((row.create_index, row.modify_index), (first, changed));
}

#[test]
fn a_plain_write_on_a_locked_key_keeps_the_holder_and_resets_the_lock_index() {
    let mut scene = Scene::new();
    scene.done(register(node("n")));
    scene.done(create(session("n", "s")));
    scene.done(lock(KvOp::Lock, "k", "1", "s"));
    assert_eq!(get(&scene, "k").1.expect("stored").lock_index, 1);
    scene.done(set("k", "2"));
    let row = get(&scene, "k").1.expect("stored");
    assert_eq!((row.session.as_str(), row.lock_index), ("s", 0));
}

#[test]
fn a_release_replaces_the_value_and_keeps_the_lock_index() {
    let mut scene = Scene::new();
    scene.done(register(node("n")));
    scene.done(create(session("n", "s")));
    scene.done(lock(KvOp::Lock, "k", "held", "s"));
    assert_eq!(scene.apply(lock(KvOp::Unlock, "k", "", "other")), Outcome::Bool(false));
    scene.done(lock(KvOp::Unlock, "k", "", "s"));
    let row = get(&scene, "k").1.expect("stored");
    assert!(row.value.is_empty());
    assert_eq!((row.session.as_str(), row.lock_index), ("", 1));
    scene.done(lock(KvOp::Lock, "k", "", "s"));
    assert_eq!(get(&scene, "k").1.expect("stored").lock_index, 2);
}

#[test]
fn acquiring_again_with_the_same_content_changes_nothing() {
    let mut scene = Scene::new();
    scene.done(register(node("n")));
    scene.done(create(session("n", "s")));
    scene.done(create(session("n", "t")));
    let locked = scene.done(lock(KvOp::Lock, "k", "v", "s"));
    scene.done(lock(KvOp::Lock, "k", "v", "s"));
    assert_eq!(get(&scene, "k").0, locked);
    assert_eq!(scene.apply(lock(KvOp::Lock, "k", "v", "t")), Outcome::Bool(false));
}

#[test]
fn locking_needs_a_known_session() {
    let mut scene = Scene::new();
    assert_eq!(scene.apply(lock(KvOp::Lock, "k", "", "")), Outcome::Error("missing session".into()));
    assert_eq!(scene.apply(lock(KvOp::Lock, "k", "", "x")), Outcome::Error("invalid session \"x\"".into()));
    assert_eq!(scene.apply(lock(KvOp::Unlock, "k", "", "")), Outcome::Error("missing session".into()));
    assert_eq!(scene.apply(lock(KvOp::Unlock, "k", "", "x")), Outcome::Bool(false));
}

#[test]
fn compare_and_set_wants_no_row_for_zero_and_the_exact_index_otherwise() {
    let mut scene = Scene::new();
    let cas = |index, value: &str| kv(KvOp::Cas, DirEntry { modify_index: index, ..entry("k", value) });
    assert_eq!(scene.apply(cas(5, "a")), Outcome::Bool(false), "absent");
    let first = scene.done(cas(0, "a"));
    assert_eq!(scene.apply(cas(0, "b")), Outcome::Bool(false), "present");
    assert_eq!(scene.apply(cas(first + 1, "b")), Outcome::Bool(false), "stale");
    scene.done(cas(first, "b"));
    assert_eq!(get(&scene, "k").1.expect("stored").value, "b".into());
}

#[test]
fn compare_and_delete_succeeds_on_an_absent_key_and_fails_for_zero_on_a_present_one() {
    let mut scene = Scene::new();
    let delete = |index| kv(KvOp::DeleteCas, DirEntry { modify_index: index, ..entry("k", "") });
    assert_eq!(scene.apply(delete(99)), Outcome::Bool(true));
    let first = scene.done(set("k", "v"));
    assert_eq!(scene.apply(delete(0)), Outcome::Bool(false));
    assert_eq!(scene.apply(delete(first)), Outcome::Bool(true));
    assert!(get(&scene, "k").1.is_none());
}

#[test]
fn a_listing_after_a_delete_has_the_index_of_the_delete() {
    let mut scene = Scene::new();
    scene.done(set("app/a", "1"));
    scene.done(set("app/b", "1"));
    let deleted = scene.done(kv(KvOp::Delete, entry("app/b", "")));
    scene.done(set("other", "1"));
    assert_eq!(list_index(&scene, "app/"), deleted, "though the remaining row is older");
    scene.done(Command::TombstoneReap(deleted));
    assert_eq!(list_index(&scene, "app/"), 10, "after reaping the remaining row counts alone");
}

#[test]
fn a_missing_key_has_the_index_of_the_tables() {
    let mut scene = Scene::new();
    assert_eq!(get(&scene, "k").0, 0);
    let written = scene.done(set("other", "1"));
    assert_eq!(get(&scene, "k").0, written);
    assert_eq!(list_index(&scene, "none/"), written);
    let deleted = scene.done(kv(KvOp::Delete, entry("other", "")));
    assert_eq!(get(&scene, "k").0, deleted);
}

#[test]
fn deleting_a_tree_is_by_bytes_and_leaves_one_tombstone_at_the_prefix() {
    let mut scene = Scene::new();
    for key in ["foo", "foo/a", "foobar", "fo"] {
        scene.done(set(key, "1"));
    }
    let deleted = scene.done(kv(KvOp::DeleteTree, entry("foo", "")));
    assert_eq!(names(&scene, "", ""), ["fo"]);
    assert_eq!(list_index(&scene, "f"), deleted);
    let table = scene.done(set("zzz", "1"));
    assert_eq!(list_index(&scene, "foo/"), table, "a shorter tombstone does not count for a longer prefix");
    scene.done(kv(KvOp::DeleteTree, entry("nothing/here", "")));
    assert_eq!(list_index(&scene, ""), table, "nothing matched, nothing moved");
}

#[test]
fn deleting_everything_leaves_no_tombstone() {
    let mut scene = Scene::new();
    scene.done(set("a", "1"));
    let deleted = scene.done(kv(KvOp::DeleteTree, entry("", "")));
    let later = scene.done(set("b", "1"));
    assert_eq!(list_index(&scene, "a"), later);
    assert_eq!(scene.ask(|snapshot, ws| snapshot.tombstone_index(ws)), 0);
    assert!(deleted < later);
}

#[test]
fn key_names_are_cut_behind_the_first_separator_after_the_prefix() {
    let mut scene = Scene::new();
    for key in ["a/", "a/b", "a/c/d", "a/c/e", "b"] {
        scene.done(set(key, "1"));
    }
    assert_eq!(names(&scene, "a/", "/"), ["a/", "a/b", "a/c/"]);
    assert_eq!(names(&scene, "", "/"), ["a/", "b"]);
    assert_eq!(names(&scene, "a/c", ""), ["a/c/d", "a/c/e"]);
    assert!(names(&scene, "x", "/").is_empty());
}

#[test]
fn operations_of_transactions_are_no_commands_of_their_own() {
    let mut scene = Scene::new();
    let outcome = scene.apply(kv(KvOp::GetTree, entry("", "")));
    assert_eq!(outcome, Outcome::Error("Invalid KVS operation 'get-tree'".into()));
}
