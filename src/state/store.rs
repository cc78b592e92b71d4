//! The store: applies batches, publishes roots, serves race-free reads.

use super::delays::LockDelays;
use super::records::{self, RestoreError};
use super::tables::{Tables, Writer};
use super::watch::{Registry, WatchSet};
use super::{Command, Outcome};
use crate::telemetry::limits;
use crate::types::Index;
use crate::types::txn::TxnRequest;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The replicated state of a server. Share it as `Arc<Store>`.
pub struct Store {
    root: ArcSwap<Tables>,
    /// Held while a batch is applied or the state replaced.
    writing: Mutex<()>,
    registry: Arc<Registry>,
    delays: Mutex<LockDelays>,
}

impl Default for Store {
    fn default() -> Self {
        Store::new()
    }
}

impl Store {
    /// An empty store.
    pub fn new() -> Store {
        Store {
            root: ArcSwap::default(),
            writing: Mutex::default(),
            registry: Registry::new(),
            delays: Mutex::default(),
        }
    }

    /// The current root; wait-free and cheap.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot { tables: self.root.load_full() }
    }

    /// Evaluates a query together with the watches of what it touched. No commit after the evaluated root is missed by the set.
    /// The query may run more than once.
    pub fn read<T>(&self, mut query: impl FnMut(&Snapshot, &mut WatchSet) -> T) -> (T, WatchSet) {
        let mut watches = WatchSet::new(&self.registry);
        loop {
            // A cell that was noted before the root is loaded misses no later commit. Cells that the evaluation adds are noted
            // after it; they are as good only if the root has not moved until they were all there.
            watches.refresh();
            let known = watches.len();
            let snapshot = self.snapshot();
            let answer = query(&snapshot, &mut watches);
            if watches.len() == known || Arc::ptr_eq(&snapshot.tables, &self.root.load()) {
                return (answer, watches);
            }
        }
    }

    /// Applies committed entries in order and publishes the result once. An entry that fails changes nothing.
    pub fn apply(&self, batch: &[(Index, Command)]) -> Vec<Outcome> {
        let _writing = self.writing.lock();
        let mut writer = Writer { tables: Tables::clone(&self.root.load()), ..Default::default() };
        let outcomes = batch.iter().map(|(index, command)| writer.apply(*index, command)).collect();
        if !writer.delays.is_empty() {
            // Before the root, so that nobody sees a released lock without its delay.
            let now = Instant::now();
            let mut delays = self.delays.lock();
            writer.delays.iter().for_each(|(row, delay)| delays.start(&row.key, *delay, now));
        }
        let tables = Arc::new(writer.tables);
        self.registry.publish(&writer.touched, || self.root.store(tables));
        outcomes
    }

    /// Replaces the whole state by a dump (`spec/snapshot.md` 3), all or nothing, and wakes every watcher.
    pub fn restore(&self, state_bin: &mut dyn io::Read) -> Result<(), RestoreError> {
        let tables = records::read(state_bin).inspect_err(|error| {
            if matches!(error, RestoreError::Io(error) if error.kind() == io::ErrorKind::FileTooLarge) {
                limits::SNAPSHOT_RECORD.exceeded();
            }
        })?;
        let tables = Arc::new(tables);
        let _writing = self.writing.lock();
        self.delays.lock().clear();
        self.registry.publish_all(|| self.root.store(tables));
        Ok(())
    }

    /// Time for which a key still refuses acquisition (`spec/semantics.md` 6.4); known to the server that applied the end of
    /// the session.
    pub fn lock_delay(&self, key: &str) -> Option<Duration> {
        self.delays.lock().remaining(key, Instant::now())
    }

    #[cfg(test)]
    pub(super) fn cell_count(&self) -> usize {
        self.registry.cell_count()
    }
}

impl Writer {
    /// Applies one entry; on an error everything it did is undone.
    fn apply(&mut self, index: Index, command: &Command) -> Outcome {
        self.index = index;
        self.tables.last_index = index.max(self.tables.last_index);
        let outcome = match command {
            Command::Register(request) => self.or_undo(|writer| writer.register(request).map(|()| Outcome::Done)),
            Command::Deregister(request) => {
                self.deregister(request);
                Ok(Outcome::Done)
            }
            Command::Kvs(request) => self.apply_kv(request),
            Command::Session(request) => self.apply_session(request),
            Command::TombstoneReap(index) => {
                self.reap_tombstones(*index);
                Ok(Outcome::Done)
            }
            Command::CoordinateBatch(rows) => {
                self.update_coordinates(rows);
                Ok(Outcome::Done)
            }
            Command::PreparedQuery(request) => self.or_undo(|writer| writer.apply_query(request)),
            Command::Txn(request) => Ok(self.apply_txn(request)),
            Command::Autopilot(request) => Ok(self.set_autopilot(request)),
            Command::SystemMetadata(request) => self.set_system_metadata(request),
            Command::AclBootstrap(request) => self.or_undo(|writer| writer.bootstrap_acl(request)),
            Command::AclTokenSet(request) => self.or_undo(|writer| writer.set_tokens(request)),
            Command::AclTokenDelete(request) => self.or_undo(|writer| writer.delete_tokens(request)),
            Command::AclPolicySet(request) => self.or_undo(|writer| writer.set_policies(request)),
            Command::AclPolicyDelete(request) => self.or_undo(|writer| writer.delete_policies(request)),
            Command::AclRoleSet(request) => self.or_undo(|writer| writer.set_roles(request)),
            Command::AclRoleDelete(request) => Ok(self.delete_roles(request)),
            Command::AclBindingRuleSet(request) => self.or_undo(|writer| writer.set_rules(request)),
            Command::AclBindingRuleDelete(request) => Ok(self.delete_rules(request)),
            Command::AclAuthMethodSet(request) => self.or_undo(|writer| writer.set_methods(request)),
            Command::AclAuthMethodDelete(request) => Ok(self.delete_methods(request)),
            Command::Ca(request) => self.or_undo(|writer| writer.apply_ca(request)),
            Command::CaLeaf(_) => Ok(self.sign_ca_leaf()),
            Command::Ignored(_) => Ok(Outcome::Done),
        };
        outcome.unwrap_or_else(Outcome::Error)
    }

    fn apply_txn(&mut self, request: &TxnRequest) -> Outcome {
        let done = self.or_undo(|writer| {
            let response = writer.txn(&request.ops);
            if response.errors.is_some() { Err(response) } else { Ok(response) }
        });
        Outcome::Txn(done.unwrap_or_else(|failed| failed))
    }

    /// Returns to the state before a change that fails.
    fn or_undo<T, E>(&mut self, change: impl FnOnce(&mut Writer) -> Result<T, E>) -> Result<T, E> {
        let (tables, mark, delays) = (self.tables.clone(), self.touched.mark(), self.delays.len());
        let result = change(self);
        if result.is_err() {
            self.tables = tables;
            self.touched.rewind(mark);
            self.delays.truncate(delays);
        }
        result
    }
}

/// One immutable version of the whole state.
#[derive(Clone)]
pub struct Snapshot {
    tables: Arc<Tables>,
}

impl Snapshot {
    /// Highest raft index that was applied (for a restored state: that of the dump's header).
    pub fn last_index(&self) -> Index {
        self.tables.last_index
    }

    /// Writes `state.bin` (`spec/snapshot.md` 3).
    pub fn write_to(&self, out: &mut dyn io::Write) -> io::Result<()> {
        records::write(&self.tables, out)
    }

    pub(super) fn tables(&self) -> &Tables {
        &self.tables
    }
}
