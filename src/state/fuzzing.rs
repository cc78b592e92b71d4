//! Entries of the log and templates of queries, for `crate::fuzzing`.

use super::query::template::Template;
use super::{Command, Store};
use crate::types::PreparedQuery;

/// Applies those entries that are commands, one after the other, and takes the state through a snapshot.
pub fn commands(entries: &[&[u8]]) {
    let store = Store::new();
    for (index, entry) in (1..).zip(entries) {
        let Ok(command) = Command::decode(entry) else { continue };
        let bytes = command.encode();
        let again = Command::decode(&bytes).expect("what was encoded is read");
        assert_eq!(again.encode(), bytes, "a command changes on its way");
        store.apply(&[(index, command)]);
    }
    let written = state_of(&store);
    let restored = Store::new();
    restored.restore(&mut &written[..]).expect("what was written is restored");
    assert_eq!(state_of(&restored), written, "a snapshot changes on its way");
}

fn state_of(store: &Store) -> Vec<u8> {
    let mut state = Vec::new();
    store.snapshot().write_to(&mut state).expect("memory takes everything");
    state
}

/// Restores the records of a snapshot, and what that wrote once more.
pub fn restore(state: &[u8]) {
    let store = Store::new();
    if store.restore(&mut &state[..]).is_ok() {
        let written = state_of(&store);
        let again = Store::new();
        again.restore(&mut &written[..]).expect("what was written is restored");
        assert_eq!(state_of(&again), written, "a snapshot changes on its way");
    }
}

/// Compiles and renders a template: name, regular expression, text.
pub fn template(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default().to_owned();
    let mut query = PreparedQuery { name: line(), ..PreparedQuery::default() };
    query.template.kind = "name_prefix_match".into();
    query.template.regexp = line();
    query.service.service = line();
    if let Ok(template) = Template::compile(&query) {
        let name = format!("{}-suffix-1", query.name);
        let _ = template.render(&query, &name, "");
    }
}
