//! The raft log: entries, vote and commit position behind a small trait, written by one thread, read from memory.

pub(crate) mod backend;
pub(crate) mod disk;
mod mark;
mod record;
mod writer;

#[cfg(test)]
mod tests;

use crate::raft::codec;
use crate::raft::engine::{Entry, LogId, TypeConfig, Vote};
use backend::{LogBackend, LogSource, Recovered};
use openraft::storage::{IOFlushed, LogState, RaftLogStorage};
use openraft::type_config::TypeConfigExt;
use openraft::{OptionalSend, RaftLogReader};
use parking_lot::RwLock;
use std::collections::VecDeque;
use std::fmt::Debug;
use std::io;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;
use tokio::sync::{oneshot, watch};
use writer::{Op, Writer};

/// Bytes of entries kept in memory for followers and the state machine.
pub(crate) const CACHE_BYTES: usize = 8 << 20;
/// Entries kept in memory at most.
const CACHE_ENTRIES: usize = 8192;

/// The newest entries, and what is known of the rest.
#[derive(Default)]
struct Tail {
    entries: VecDeque<Entry>,
    bytes: usize,
    last: Option<LogId>,
    purged: Option<LogId>,
    vote: Option<Vote>,
}

impl Tail {
    /// Index of the first entry in memory, or of the next one to come.
    fn first(&self) -> u64 {
        self.entries.front().map_or_else(|| next_index(self.last), |entry| entry.log_id.index)
    }

    fn push(&mut self, entry: Entry) {
        self.bytes += codec::entry_size(&entry);
        self.last = Some(entry.log_id);
        self.entries.push_back(entry);
    }

    fn pop_front(&mut self) {
        if let Some(entry) = self.entries.pop_front() {
            self.bytes -= codec::entry_size(&entry);
        }
    }

    /// Forgets the oldest entries beyond the limits, but none that is not yet durable.
    fn trim(&mut self, durable: u64) {
        while (self.bytes > CACHE_BYTES || self.entries.len() > CACHE_ENTRIES) && self.first() < durable {
            self.pop_front();
        }
    }
}

fn next_index(last: Option<LogId>) -> u64 {
    last.map_or(0, |last| last.index + 1)
}

struct Inner {
    tail: RwLock<Tail>,
    writer: Writer,
    source: Arc<dyn LogSource>,
}

/// The log of this server. Clones share it.
#[derive(Clone)]
pub(crate) struct LogStore(Arc<Inner>);

impl LogStore {
    /// A log over an opened store.
    pub fn new(backend: Box<dyn LogBackend>, found: Recovered) -> io::Result<LogStore> {
        let source = backend.source();
        let mut tail = Tail { last: found.purged, purged: found.purged, vote: found.vote, ..Tail::default() };
        for entry in found.tail {
            tail.push(entry);
        }
        tail.last = found.last;
        let writer = Writer::start(backend, next_index(found.last), found.committed)?;
        Ok(LogStore(Arc::new(Inner { tail: RwLock::new(tail), writer, source })))
    }

    /// Why nothing can be written at present.
    pub fn refusal(&self) -> watch::Receiver<Option<String>> {
        self.0.writer.refusal()
    }

    /// First index that can still be read.
    pub fn first_index(&self) -> u64 {
        next_index(self.0.tail.read().purged)
    }

    /// The last entry.
    pub fn last(&self) -> Option<LogId> {
        self.0.tail.read().last
    }

    /// Returns when everything queued so far is durable.
    pub async fn synced(&mut self) -> io::Result<()> {
        let (told, done) = TypeConfig::oneshot();
        self.0.writer.push(Op::Append(Vec::new(), IOFlushed::signal(told)));
        done.await.map_err(|_| io::Error::other("the raft log is closed"))?
    }

    /// Writes what is queued and closes the store.
    pub fn close(&self) {
        self.0.writer.close();
    }

    fn read(&self, from: u64, to: u64) -> io::Result<Vec<Entry>> {
        let mut newer = Vec::new();
        let (from, disk_to) = {
            let tail = self.0.tail.read();
            let to = to.min(next_index(tail.last));
            let from = from.max(next_index(tail.purged));
            let first = tail.first();
            if to > first.max(from) {
                let (begin, end) = ((first.max(from) - first) as usize, (to - first) as usize);
                newer.extend(tail.entries.range(begin..end).cloned());
            }
            (from, to.min(first))
        };
        if from >= disk_to {
            return Ok(newer);
        }
        let mut entries = self.0.source.read(from, disk_to)?;
        entries.append(&mut newer);
        Ok(entries)
    }
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> io::Result<Vec<Entry>> {
        let from = match range.start_bound() {
            Bound::Included(from) => *from,
            Bound::Excluded(before) => before + 1,
            Bound::Unbounded => 0,
        };
        let to = match range.end_bound() {
            Bound::Included(last) => last + 1,
            Bound::Excluded(to) => *to,
            Bound::Unbounded => u64::MAX,
        };
        self.read(from, to)
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        Ok(self.0.tail.read().vote)
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = LogStore;

    async fn get_log_state(&mut self) -> io::Result<LogState<TypeConfig>> {
        let tail = self.0.tail.read();
        Ok(LogState { last_purged_log_id: tail.purged, last_log_id: tail.last })
    }

    async fn get_log_reader(&mut self) -> LogStore {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        let (told, done) = oneshot::channel();
        self.0.writer.push(Op::Vote(*vote, told));
        done.await.map_err(|_| io::Error::other("the raft log is closed"))??;
        self.0.tail.write().vote = Some(*vote);
        Ok(())
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        self.0.writer.set_committed(committed);
        Ok(())
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        let last = self.0.tail.read().last;
        Ok(self.0.writer.committed().min(last))
    }

    async fn append<I>(&mut self, entries: I, flushed: IOFlushed<TypeConfig>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries: Vec<Entry> = entries.into_iter().collect();
        {
            let mut tail = self.0.tail.write();
            for entry in &entries {
                tail.push(entry.clone());
            }
            tail.trim(self.0.writer.durable());
        }
        self.0.writer.push(Op::Append(entries, flushed));
        Ok(())
    }

    async fn truncate_after(&mut self, last: Option<LogId>) -> io::Result<()> {
        let mut tail = self.0.tail.write();
        while tail.entries.back().is_some_and(|entry| entry.log_id.index >= next_index(last)) {
            let entry = tail.entries.pop_back().expect("just seen");
            tail.bytes -= codec::entry_size(&entry);
        }
        tail.last = last;
        drop(tail);
        self.0.writer.push(Op::Truncate(last));
        Ok(())
    }

    async fn purge(&mut self, upto: LogId) -> io::Result<()> {
        let mut tail = self.0.tail.write();
        while tail.entries.front().is_some_and(|entry| entry.log_id.index <= upto.index) {
            tail.pop_front();
        }
        tail.purged = tail.purged.max(Some(upto));
        tail.last = tail.last.max(Some(upto));
        drop(tail);
        self.0.writer.push(Op::Purge(upto));
        Ok(())
    }
}
