//! The store: applies batches, publishes roots, serves race-free reads.

use super::{Command, Outcome, WatchSet};
use crate::types::Index;
use std::io;
use std::time::Duration;

/// The replicated state of a server. Share it as `Arc<Store>`.
pub struct Store {}

/// Why a state dump was refused; the store is unchanged.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// The stream cannot be read or ends inside a record.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// A record that only the enterprise edition knows.
    #[error("msg type <{0}> is a Consul Enterprise log entry. Consul CE cannot restore it")]
    Enterprise(u8),
    /// A record of a type that never stands in a snapshot.
    #[error("Unrecognized msg type {0}")]
    UnknownType(u8),
    /// A record that does not decode or contradicts the records before it.
    #[error("record {record} of type {kind}: {reason}")]
    Record {
        /// Zero-based number of the record.
        record: usize,
        /// Type byte.
        kind: u8,
        /// What is wrong.
        reason: String,
    },
}

impl Default for Store {
    fn default() -> Self {
        Store::new()
    }
}

impl Store {
    /// An empty store.
    pub fn new() -> Store {
        todo!()
    }

    /// The current root; wait-free and cheap.
    pub fn snapshot(&self) -> Snapshot {
        todo!()
    }

    /// Evaluates a query together with the watches of what it touched. No commit after the evaluated root is missed by the set.
    /// The query may run more than once.
    pub fn read<T>(&self, query: impl FnMut(&Snapshot, &mut WatchSet) -> T) -> (T, WatchSet) {
        let _ = query;
        todo!()
    }

    /// Applies committed entries in order and publishes the result once. An entry that fails changes nothing.
    pub fn apply(&self, batch: &[(Index, Command)]) -> Vec<Outcome> {
        let _ = batch;
        todo!()
    }

    /// Replaces the whole state by a dump (`spec/snapshot.md` 3), all or nothing, and wakes every watcher.
    pub fn restore(&self, state_bin: &mut dyn io::Read) -> Result<(), RestoreError> {
        let _ = state_bin;
        todo!()
    }

    /// Time for which a key still refuses acquisition (`spec/semantics.md` 6.4); known to the server that applied the end of
    /// the session.
    pub fn lock_delay(&self, key: &str) -> Option<Duration> {
        let _ = key;
        todo!()
    }
}

/// One immutable version of the whole state.
#[derive(Clone)]
pub struct Snapshot {}

impl Snapshot {
    /// Highest raft index that was applied (for a restored state: that of the dump's header).
    pub fn last_index(&self) -> Index {
        todo!()
    }

    /// Writes `state.bin` (`spec/snapshot.md` 3).
    pub fn write_to(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let _ = out;
        todo!()
    }
}
