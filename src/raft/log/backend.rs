//! What the log needs of a store underneath, and the one in memory.

use crate::raft::engine::{Entry, LogId, Vote};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// A change of the stored log. Changes are made in order.
#[derive(Debug)]
pub(crate) enum Change {
    /// Consecutive entries behind the last one.
    Append(Vec<Entry>),
    /// The vote.
    Vote(Vote),
    /// Only entries up to this one stay; `None` keeps none.
    TruncateAfter(Option<LogId>),
    /// Entries up to this one are no longer needed.
    Purge(LogId),
}

/// What a store held when it was opened.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    /// The vote.
    pub vote: Option<Vote>,
    /// Latest known commit position.
    pub committed: Option<LogId>,
    /// Last purged entry.
    pub purged: Option<LogId>,
    /// Last entry, or the last purged one.
    pub last: Option<LogId>,
    /// The newest entries, in order, to start the cache with.
    pub tail: Vec<Entry>,
}

/// Keeps the log. Used by one thread only; [`LogSource`] is for the others.
pub(crate) trait LogBackend: Send + 'static {
    /// Makes the changes; they survive a power cut when it returns. After an error it may be called again with the same
    /// changes.
    fn commit(&mut self, changes: &[Change], committed: Option<LogId>) -> io::Result<()>;

    /// Does a little of the work that purging left over; true while there is more.
    fn tidy(&mut self) -> io::Result<bool> {
        Ok(false)
    }

    /// Whether the next commit will find room.
    fn has_space(&self) -> bool {
        true
    }

    /// For reading from other threads.
    fn source(&self) -> Arc<dyn LogSource>;

    /// Where it is, for messages.
    fn path(&self) -> PathBuf {
        PathBuf::new()
    }
}

/// Reads stored entries.
pub(crate) trait LogSource: Send + Sync + 'static {
    /// Entries `from..to` in order; they are known to be stored.
    fn read(&self, from: u64, to: u64) -> io::Result<Vec<Entry>>;
}

/// A log that lives as long as the process.
#[derive(Clone, Default)]
pub(crate) struct MemoryLog(Arc<Mutex<BTreeMap<u64, Entry>>>);

impl LogBackend for MemoryLog {
    fn commit(&mut self, changes: &[Change], _committed: Option<LogId>) -> io::Result<()> {
        let mut entries = self.0.lock();
        for change in changes {
            match change {
                Change::Append(new) => entries.extend(new.iter().map(|entry| (entry.log_id.index, entry.clone()))),
                Change::Vote(_) => {}
                Change::TruncateAfter(None) => entries.clear(),
                Change::TruncateAfter(Some(last)) => drop(entries.split_off(&(last.index + 1))),
                Change::Purge(upto) => *entries = entries.split_off(&(upto.index + 1)),
            }
        }
        Ok(())
    }

    fn source(&self) -> Arc<dyn LogSource> {
        Arc::new(self.clone())
    }
}

impl LogSource for MemoryLog {
    fn read(&self, from: u64, to: u64) -> io::Result<Vec<Entry>> {
        Ok(self.0.lock().range(from..to).map(|(_, entry)| entry.clone()).collect())
    }
}
