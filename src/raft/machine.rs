//! The replicated state machine: applies committed entries to the [`Store`] in batches and takes and installs snapshots.

use super::archive::State;
use super::engine::{Entry, LogId, Payload, Proposal, ProposalKind, SnapshotMeta, StoredMembership, TypeConfig};
use super::snapshots::{FIRST_OFFSET, Position, Snapshots, StoredSnapshot};
use crate::state::{Command, Outcome, Store};
use crate::types::Index;
use futures::{Stream, StreamExt};
use openraft::storage::{ApplyResponder, EntryResponder, RaftStateMachine};
use openraft::{OptionalSend, RaftSnapshotBuilder};
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Entries applied under one publish at most.
const BATCH: usize = 512;

/// What others may know of the state machine at any time.
#[derive(Debug)]
pub(crate) struct Progress {
    offset: AtomicU64,
    applied: AtomicU64,
}

impl Progress {
    /// Nothing applied yet.
    pub fn new() -> Progress {
        Progress { offset: AtomicU64::new(FIRST_OFFSET), applied: AtomicU64::new(0) }
    }

    /// The index of a position in the log.
    pub fn index(&self, id: Option<LogId>) -> Index {
        id.map_or(0, |id| id.index + self.offset.load(Ordering::Relaxed))
    }

    /// Index up to which the store is; 0 at the beginning.
    pub fn applied(&self) -> Index {
        self.applied.load(Ordering::Acquire)
    }
}

/// Applies entries to the store.
pub(crate) struct Machine {
    store: Arc<Store>,
    snapshots: Arc<Snapshots>,
    progress: Arc<Progress>,
    /// A snapshot that was written before the consensus library asked for it.
    prepared: Arc<Mutex<Option<StoredSnapshot>>>,
    applied: Option<LogId>,
    offset: u64,
    membership: StoredMembership,
}

impl Machine {
    /// A state machine over an empty store, or over one that was restored to `at`.
    pub fn new(store: Arc<Store>, snapshots: Arc<Snapshots>, progress: Arc<Progress>, at: Option<Position>) -> Machine {
        let mut machine = Machine {
            store,
            snapshots,
            progress,
            prepared: Arc::default(),
            applied: None,
            offset: FIRST_OFFSET,
            membership: StoredMembership::default(),
        };
        if let Some(at) = at {
            machine.moved_to(at);
        }
        machine
    }

    fn moved_to(&mut self, at: Position) {
        (self.applied, self.offset, self.membership) = (Some(at.applied), at.offset, at.membership);
        self.report();
    }

    fn report(&self) {
        self.progress.offset.store(self.offset, Ordering::Relaxed);
        self.progress.applied.store(self.applied.map_or(0, |id| id.index + self.offset), Ordering::Release);
    }

    /// Replaces the configuration, when an operator recovers a cluster.
    pub fn set_membership(&mut self, membership: StoredMembership) {
        self.membership = membership;
    }

    /// The present state; `None` before the first entry.
    pub fn view(&self) -> Option<View> {
        Some(View {
            at: Position { applied: self.applied?, offset: self.offset, membership: self.membership.clone() },
            state: self.store.snapshot(),
        })
    }

    /// Where a snapshot waits until the consensus library asks for one.
    pub fn prepared(&self) -> Arc<Mutex<Option<StoredSnapshot>>> {
        self.prepared.clone()
    }

    /// Applies the commands collected so far and answers their proposers.
    fn flush(&self, batch: &mut Batch) {
        if batch.commands.is_empty() {
            return;
        }
        let outcomes = self.store.apply(&batch.commands);
        debug_assert_eq!(outcomes.len(), batch.commands.len(), "one outcome for each command");
        batch.commands.clear();
        self.report();
        for (responder, outcome) in batch.responders.drain(..).zip(outcomes) {
            if let Some(responder) = responder {
                responder.send(outcome);
            }
        }
    }

    /// Replaces the state by an archive. The index goes above that of the archive (`spec/snapshot.md` 5.3).
    async fn restore(&mut self, log_index: u64, proposal: Proposal) -> Outcome {
        let store = self.store.clone();
        let restored = tokio::task::spawn_blocking(move || {
            let mut state = State::open(&proposal.bytes[..]).map_err(|error| error.to_string())?;
            let meta_index = state.meta().index;
            store.restore(&mut state).map_err(|error| error.to_string())?;
            Ok::<_, String>(meta_index)
        })
        .await
        .unwrap_or_else(|error| Err(error.to_string()));
        match restored {
            Ok(restored_index) => {
                self.offset = self.offset.max((restored_index + 1).saturating_sub(log_index));
                Outcome::Done
            }
            Err(text) => Outcome::Error(text),
        }
    }
}

/// A state as of one moment.
pub(crate) struct View {
    pub at: Position,
    state: crate::state::Snapshot,
}

impl View {
    /// Writes it as a snapshot. Blocks for as long as the disk takes.
    pub fn write(&self, snapshots: &Snapshots) -> io::Result<StoredSnapshot> {
        let size = super::archive::measure(|out| self.state.write_to(out))?;
        snapshots.write(self.at.to_meta(size), |out| self.state.write_to(out))
    }
}

/// Commands that wait to be applied together.
#[derive(Default)]
struct Batch {
    commands: Vec<(Index, Command)>,
    responders: Vec<Option<ApplyResponder<TypeConfig>>>,
}

impl RaftStateMachine<TypeConfig> for Machine {
    type SnapshotData = StoredSnapshot;
    type SnapshotBuilder = Builder;

    async fn applied_state(&mut self) -> io::Result<(Option<LogId>, StoredMembership)> {
        Ok((self.applied, self.membership.clone()))
    }

    async fn apply<S>(&mut self, entries: S) -> io::Result<()>
    where
        S: Stream<Item = io::Result<EntryResponder<TypeConfig>>> + Unpin + OptionalSend,
    {
        let mut chunks = entries.ready_chunks(BATCH);
        let mut batch = Batch::default();
        while let Some(chunk) = chunks.next().await {
            for item in chunk {
                let (Entry { log_id, payload }, responder) = item?;
                match payload {
                    Payload::Normal(proposal) if proposal.kind == ProposalKind::Command => {
                        let command = proposal.take_command().map_err(|error| {
                            io::Error::new(io::ErrorKind::InvalidData, format!("raft entry {}: {error}", log_id.index))
                        })?;
                        batch.commands.push((log_id.index + self.offset, command));
                        batch.responders.push(responder);
                        self.applied = Some(log_id);
                        continue;
                    }
                    Payload::Normal(proposal) => {
                        self.flush(&mut batch);
                        let outcome = self.restore(log_id.index, proposal).await;
                        self.applied = Some(log_id);
                        self.report();
                        if let Some(responder) = responder {
                            responder.send(outcome);
                        }
                        continue;
                    }
                    Payload::Membership(membership) => {
                        self.membership = StoredMembership::new(Some(log_id), membership);
                    }
                    Payload::Blank => {}
                }
                // proposers of earlier commands hear first
                self.flush(&mut batch);
                self.applied = Some(log_id);
                self.report();
                if let Some(responder) = responder {
                    responder.send(Outcome::Done);
                }
            }
            self.flush(&mut batch);
            self.report();
        }
        Ok(())
    }

    async fn get_snapshot_builder(&mut self) -> Builder {
        let ready = self.prepared.lock().take();
        Builder { ready, view: self.view(), snapshots: self.snapshots.clone() }
    }

    async fn install_snapshot(&mut self, _meta: &SnapshotMeta, snapshot: StoredSnapshot) -> io::Result<()> {
        let store = self.store.clone();
        let at = Position::from_meta(&snapshot.meta).map_err(io::Error::other)?;
        let name = snapshot.describe();
        tokio::task::spawn_blocking(move || {
            let mut state = State::open(snapshot.open()?)?;
            store.restore(&mut state).map_err(io::Error::other)
        })
        .await
        .map_err(io::Error::other)?
        .map_err(|error| io::Error::new(error.kind(), format!("{name}: {error}")))?;
        self.moved_to(at);
        Ok(())
    }

    async fn get_current_snapshot(
        &mut self,
    ) -> io::Result<Option<openraft::alias::SnapshotOf<TypeConfig, StoredSnapshot>>> {
        self.snapshots.newest().map(to_snapshot).transpose()
    }
}

fn to_snapshot(stored: StoredSnapshot) -> io::Result<openraft::alias::SnapshotOf<TypeConfig, StoredSnapshot>> {
    let at = Position::from_meta(&stored.meta).map_err(io::Error::other)?;
    Ok(openraft::alias::SnapshotOf::<TypeConfig, StoredSnapshot> { meta: at.snapshot_meta(), snapshot: stored })
}

/// Hands out the snapshot that is ready, or writes one.
pub(crate) struct Builder {
    ready: Option<StoredSnapshot>,
    view: Option<View>,
    snapshots: Arc<Snapshots>,
}

impl RaftSnapshotBuilder<TypeConfig> for Builder {
    type SnapshotData = StoredSnapshot;

    async fn build_snapshot(&mut self) -> io::Result<openraft::alias::SnapshotOf<TypeConfig, StoredSnapshot>> {
        if let Some(ready) = self.ready.take() {
            return to_snapshot(ready);
        }
        let snapshots = self.snapshots.clone();
        let view = self.view.take().ok_or_else(|| io::Error::other("nothing new to snapshot"))?;
        let written = tokio::task::spawn_blocking(move || view.write(&snapshots)).await.map_err(io::Error::other)?;
        match (written, self.snapshots.newest()) {
            (Ok(stored), _) => to_snapshot(stored),
            // an older one serves as well; failing here would stop the server
            (Err(error), Some(newest)) => {
                tracing::error!(target: "agent.server.raft", "writing a raft snapshot failed: error={error}");
                to_snapshot(newest)
            }
            (Err(error), None) => Err(error),
        }
    }
}
