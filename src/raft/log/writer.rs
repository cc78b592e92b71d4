//! The one thread that writes the log: it drains its queue, writes everything, syncs once, and only then tells the waiting.
//!
//! Proposals that arrive while a sync is under way share the next one (group commit). When the disk is full the thread keeps
//! what it has and tries again; until then [`Writer::refusal`] holds the reason and proposals are refused.

use super::backend::{Change, LogBackend};
use crate::raft::engine::{Entry, LogId, TypeConfig, Vote};
use openraft::storage::IOFlushed;
use parking_lot::{Condvar, Mutex};
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// Pause before a full disk is looked at again.
const FULL_RETRY: Duration = Duration::from_millis(500);

/// Something to write.
pub(crate) enum Op {
    /// Entries, and whom to tell.
    Append(Vec<Entry>, IOFlushed<TypeConfig>),
    /// A vote, and whom to tell.
    Vote(Vote, oneshot::Sender<io::Result<()>>),
    /// Entries behind this one go.
    Truncate(Option<LogId>),
    /// Entries up to this one go.
    Purge(LogId),
}

#[derive(Default)]
struct Queue {
    ops: Vec<Op>,
    closed: bool,
    /// Index behind the last durable entry.
    durable: u64,
    /// Counts truncations: a batch taken before one says nothing about entries written over it.
    truncations: u64,
}

struct Shared {
    queue: Mutex<Queue>,
    wake: Condvar,
    committed: Mutex<Option<LogId>>,
    refusal: watch::Sender<Option<String>>,
}

/// Handle of the thread. Dropping it writes what is queued and ends the thread.
pub(crate) struct Writer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread. `durable` is the index behind the last entry on disk.
    pub fn start(backend: Box<dyn LogBackend>, durable: u64, committed: Option<LogId>) -> io::Result<Writer> {
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue { durable, ..Queue::default() }),
            wake: Condvar::new(),
            committed: Mutex::new(committed),
            refusal: watch::Sender::new(None),
        });
        let thread = std::thread::Builder::new().name("raft-log".into()).spawn({
            let shared = shared.clone();
            move || run(backend, &shared)
        })?;
        Ok(Writer { shared, thread: Mutex::new(Some(thread)) })
    }

    /// Queues a write and returns at once. After [`Writer::close`] it is dropped, which tells whoever waits for it.
    pub fn push(&self, op: Op) {
        let mut queue = self.shared.queue.lock();
        if queue.closed {
            return;
        }
        if let Op::Truncate(last) = &op {
            queue.truncations += 1;
            queue.durable = queue.durable.min(last.map_or(0, |last| last.index + 1));
        }
        queue.ops.push(op);
        drop(queue);
        self.shared.wake.notify_one();
    }

    /// Index behind the last durable entry.
    pub fn durable(&self) -> u64 {
        self.shared.queue.lock().durable
    }

    /// Notes the commit position; it is stored with the next record.
    pub fn set_committed(&self, committed: Option<LogId>) {
        *self.shared.committed.lock() = committed;
    }

    /// The commit position.
    pub fn committed(&self) -> Option<LogId> {
        *self.shared.committed.lock()
    }

    /// Why nothing can be written at present.
    pub fn refusal(&self) -> watch::Receiver<Option<String>> {
        self.shared.refusal.subscribe()
    }

    /// Writes what is queued and waits for the end of the thread.
    pub fn close(&self) {
        self.shared.queue.lock().closed = true;
        self.shared.wake.notify_one();
        if let Some(thread) = self.thread.lock().take() {
            // a panic there has been reported by its hook
            let _ = thread.join();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.close();
    }
}

/// Whom to tell about a batch.
enum Waiter {
    Append(IOFlushed<TypeConfig>),
    Vote(oneshot::Sender<io::Result<()>>),
}

fn run(mut backend: Box<dyn LogBackend>, shared: &Shared) {
    let mut tidy = false;
    loop {
        let (ops, truncations, closed) = next(shared, tidy);
        if !ops.is_empty() {
            tidy |= write(&mut *backend, shared, ops, truncations);
        }
        if closed {
            return;
        }
        if tidy {
            tidy = backend.tidy().unwrap_or_else(|error| {
                tracing::warn!(target: "agent.server.raft", "purging the raft log failed: error={error}");
                false
            });
        }
    }
}

/// Waits for work unless there is some tidying to do.
fn next(shared: &Shared, tidy: bool) -> (Vec<Op>, u64, bool) {
    let mut queue = shared.queue.lock();
    while queue.ops.is_empty() && !queue.closed && !tidy {
        shared.wake.wait(&mut queue);
    }
    (std::mem::take(&mut queue.ops), queue.truncations, queue.closed)
}

/// Writes one batch and tells the waiting; true when entries were purged.
fn write(backend: &mut dyn LogBackend, shared: &Shared, ops: Vec<Op>, truncations: u64) -> bool {
    let mut changes = Vec::with_capacity(ops.len());
    let mut waiting = Vec::with_capacity(ops.len());
    let mut purged = false;
    let mut durable = None;
    for op in ops {
        match op {
            Op::Append(entries, flushed) => {
                durable = entries.last().map(|entry| entry.log_id.index + 1).or(durable);
                changes.push(Change::Append(entries));
                waiting.push(Waiter::Append(flushed));
            }
            Op::Vote(vote, told) => {
                changes.push(Change::Vote(vote));
                waiting.push(Waiter::Vote(told));
            }
            Op::Truncate(last) => {
                changes.push(Change::TruncateAfter(last));
                durable = Some(last.map_or(0, |last| last.index + 1));
            }
            Op::Purge(upto) => {
                changes.push(Change::Purge(upto));
                purged = true;
            }
        }
    }
    let result = persist(backend, shared, &changes);
    if let (Ok(()), Some(durable)) = (&result, durable) {
        let mut queue = shared.queue.lock();
        if queue.truncations == truncations {
            queue.durable = durable;
        }
    }
    for waiter in waiting {
        let result = match &result {
            Ok(()) => Ok(()),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        };
        match waiter {
            Waiter::Append(flushed) => flushed.io_completed(result),
            // the waiting one may be gone: then nobody acts on the vote
            Waiter::Vote(told) => drop(told.send(result)),
        }
    }
    purged
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge)
}

/// Commits, waiting for space as long as it takes, unless the server stops.
fn persist(backend: &mut dyn LogBackend, shared: &Shared, changes: &[Change]) -> io::Result<()> {
    let committed = *shared.committed.lock();
    loop {
        let error = if backend.has_space() {
            match backend.commit(changes, committed) {
                Ok(()) => {
                    if shared.refusal.borrow().is_some() {
                        tracing::info!(target: "agent.server.raft", "the raft log can be written again: path={}", backend.path().display());
                        shared.refusal.send_replace(None);
                    }
                    return Ok(());
                }
                Err(error) if is_full(&error) => error,
                Err(error) => {
                    let text = format!("raft log {}: {error}", backend.path().display());
                    tracing::error!(target: "agent.server.raft", "writing the raft log failed, this server stops taking part: {text}");
                    shared.refusal.send_replace(Some(text));
                    return Err(error);
                }
            }
        } else {
            io::Error::from(io::ErrorKind::StorageFull)
        };
        if shared.refusal.borrow().is_none() {
            let text = format!(
                "raft log {}: {error}; this server is read-only until there is space again",
                backend.path().display()
            );
            tracing::error!(target: "agent.server.raft", "{text}");
            shared.refusal.send_replace(Some(text));
        }
        let mut queue = shared.queue.lock();
        if !queue.closed {
            shared.wake.wait_for(&mut queue, FULL_RETRY);
        }
        if queue.closed {
            return Err(error);
        }
    }
}
