//! Consensus: openraft behind our own module, log and vote on sled, snapshot files and archives.
//!
//! Commands go in through [`Raft::propose`], come out applied to the [`Store`], and are on disk on a majority of the voters
//! before the proposer hears of it. No type of the consensus library leaves this room, and nothing it would serialize by
//! itself is ever written: log records, votes, memberships and messages have encodings of our own.

use crate::state::{Command, Outcome, Store};
use crate::telemetry::metrics;
use crate::types::{Error, Index};
use bytes::Bytes;
use engine::{LogId, Proposal, ProposalKind, ServerNode, StoredMembership, TypeConfig, term_of};
use log::LogStore;
use machine::{Machine, Progress};
use openraft::async_runtime::Instant as _;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::errors::{ClientWriteError, InitializeError, RaftError as EngineError};
use openraft::{ReadPolicy, ServerState};
use parking_lot::Mutex;
use snapshots::{Snapshots, StoredSnapshot};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use uuid::Uuid;

pub mod archive;
mod codec;
mod duties;
mod engine;
mod error;
pub(crate) mod fuzzing;
mod log;
mod machine;
mod membership;
mod net;
mod recovery;
mod serve;
mod snapshots;
mod start;

#[cfg(test)]
mod tests;

pub use error::RaftError;
pub use net::Transport;

/// Everything raft needs to know.
#[derive(Clone, Debug)]
pub struct RaftConfig {
    /// Data directory of the agent; raft uses `raft/` in it. `None` keeps everything in memory.
    pub data_dir: Option<PathBuf>,
    /// Node id, a UUID.
    pub node_id: String,
    /// `ip:port` of the server port.
    pub address: String,
    /// Factor on the timings, 1 to 10 (`spec/semantics.md` 12.1).
    pub multiplier: u32,
    /// The short timings of `-dev`.
    pub dev: bool,
    /// How often the need for a snapshot is looked at.
    pub snapshot_interval: Duration,
    /// New log entries that make a snapshot due.
    pub snapshot_threshold: u64,
    /// Log entries kept behind a snapshot for servers that lag.
    pub trailing_logs: u64,
    /// Without any raft state, become the only voter of a new cluster.
    pub bootstrap: bool,
}

impl Default for RaftConfig {
    fn default() -> Self {
        RaftConfig {
            data_dir: None,
            node_id: String::new(),
            address: String::new(),
            multiplier: 5,
            dev: false,
            snapshot_interval: Duration::from_secs(30),
            snapshot_threshold: 16384,
            trailing_logs: 10240,
            bootstrap: false,
        }
    }
}

/// A server of the raft configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Node id.
    pub id: String,
    /// `ip:port`, the last one known to the log.
    pub address: String,
    /// It votes.
    pub voter: bool,
}

/// A snapshot archive that is on disk, verified and complete.
#[derive(Debug)]
pub struct SavedSnapshot {
    /// Index of the state in it.
    pub index: Index,
    /// Its `meta.json`.
    pub meta: archive::Meta,
    /// Bytes of the archive.
    pub size: u64,
    /// The archive, to be read from its start.
    pub file: File,
}

static APPLY: metrics::Counter = metrics::Counter::new("raft.apply");
static COMMIT_TIME: metrics::Sample = metrics::Sample::new("raft.commitTime");

type Engine = openraft::Raft<TypeConfig, Machine>;
type Metrics = openraft::RaftMetrics<TypeConfig>;
type MetricsReceiver = openraft::alias::WatchReceiverOf<TypeConfig, Metrics>;

/// A server's part in the consensus. Clones share it.
#[derive(Clone)]
pub struct Raft(Arc<Inner>);

struct Inner {
    engine: Engine,
    metrics: MetricsReceiver,
    id: Uuid,
    config: RaftConfig,
    log: LogStore,
    refusal: watch::Receiver<Option<String>>,
    progress: Arc<Progress>,
    snapshots: Arc<Snapshots>,
    prepared: Arc<Mutex<Option<StoredSnapshot>>>,
    /// One snapshot at a time.
    snapshotting: tokio::sync::Mutex<()>,
    leadership: watch::Sender<bool>,
    /// Id of the leader as far as it is known.
    elected: watch::Sender<Option<String>>,
    /// A leader speaks again after nobody was known to lead.
    spoken: tokio::sync::Notify,
    /// Last term in which the leadership was to be handed over. Another server may lead before this one knows, and the engine takes no
    /// writes and sends no heartbeats any more in it.
    given_up: AtomicU64,
    /// One change of the configuration at a time.
    changing: tokio::sync::Mutex<()>,
    heard: Mutex<Option<Instant>>,
    stop: watch::Sender<bool>,
}

/// What is written when the leader is another server before an entry was appended.
fn write_error(error: EngineError<TypeConfig, ClientWriteError<TypeConfig>>) -> Error {
    match error {
        EngineError::APIError(ClientWriteError::ForwardToLeader(_)) => Error::no_leader(),
        EngineError::APIError(ClientWriteError::LogEntryDiscarded(_)) => Error::new(LEADERSHIP_LOST),
        EngineError::APIError(error) => Error::new(error.to_string()),
        EngineError::Fatal(error) => Error::new(error.to_string()),
    }
}

impl Raft {
    /// Opens the log and the newest snapshot, restores `store`, and takes part in the cluster. A server that is its only
    /// voter leads a few milliseconds later.
    pub async fn start(config: RaftConfig, store: Arc<Store>) -> Result<Raft, RaftError> {
        Raft::start_with(config, store, Arc::new(net::NoTransport)).await
    }

    /// The same with a way to other servers.
    pub async fn start_with(
        config: RaftConfig,
        store: Arc<Store>,
        transport: Arc<dyn Transport>,
    ) -> Result<Raft, RaftError> {
        start::start(config, store, transport).await
    }

    /// Forms a new cluster of these servers. Does nothing on a server that has any raft state; safe on several servers with
    /// the same list.
    pub async fn bootstrap(&self, peers: &[Peer]) -> Result<(), Error> {
        let mut nodes = BTreeMap::new();
        for peer in peers.iter().filter(|peer| peer.voter) {
            nodes.insert(parse_id(&peer.id)?, ServerNode { address: peer.address.clone() });
        }
        if self.0.engine.is_initialized().await.map_err(|error| Error::new(error.to_string()))? {
            return Ok(());
        }
        match self.0.engine.initialize(nodes).await {
            // another server of the same list was first and asked for a vote
            Ok(()) | Err(EngineError::APIError(InitializeError::NotAllowed(_))) => Ok(()),
            Err(error) => Err(Error::new(error.to_string())),
        }
    }

    /// Appends a command and returns the result of applying it; the command is then on disk on a majority.
    ///
    /// # Errors
    /// `No cluster leader` on any server but the leader.
    pub async fn propose(&self, command: Command) -> Result<Outcome, Error> {
        if !self.metrics(|metrics| metrics.state == ServerState::Leader) {
            return Err(Error::no_leader());
        }
        let started = Instant::now();
        let written = self.write(Proposal::command(command)).await;
        APPLY.add(1);
        if written.is_ok() {
            COMMIT_TIME.since(started);
        }
        written
    }

    /// Writes an entry. A leader that has lost its quorum cannot tell what becomes of it, and does not keep the writer waiting
    /// until the quorum is back.
    async fn write(&self, proposal: Proposal) -> Result<Outcome, Error> {
        let mut refusal = self.0.refusal.clone();
        if let Some(reason) = &*refusal.borrow() {
            return Err(Error::new(reason.clone()));
        }
        tokio::select! {
            biased;
            written = self.0.engine.client_write(proposal) => written.map(|answer| answer.data).map_err(write_error),
            refused = refusal.wait_for(Option::is_some) => {
                let reason = refused.ok().and_then(|reason| reason.clone()).unwrap_or_else(|| "raft stopped".into());
                Err(Error::new(format!("{reason} (this write may still take effect)")))
            }
            () = self.deposed() => Err(Error::new(LEADERSHIP_LOST)),
        }
    }

    /// Returns when this server has not led for some time.
    async fn deposed(&self) {
        let mut leadership = self.0.leadership.subscribe();
        loop {
            if leadership.wait_for(|leads| !leads).await.is_err() {
                return std::future::pending().await;
            }
            let again = leadership.wait_for(|leads| *leads);
            if tokio::time::timeout(self.0.config.election_limit(), again).await.is_err() {
                return;
            }
        }
    }

    fn metrics<T>(&self, look: impl FnOnce(&Metrics) -> T) -> T {
        look(&self.0.metrics.borrow_watched())
    }

    /// Index of the oldest entry that the log still has.
    pub fn first_log_index(&self) -> Index {
        self.0.log.first_index()
    }

    /// Node id of this server.
    pub fn id(&self) -> String {
        self.0.id.to_string()
    }

    /// This server leads, and has been confirmed by a quorum lately.
    pub fn is_leader(&self) -> bool {
        self.metrics(|metrics| self.leads(metrics, self.0.config.election_limit()))
    }

    fn leads(&self, metrics: &Metrics, within: Duration) -> bool {
        metrics.state == ServerState::Leader
            && metrics.running_state.is_ok()
            && (only_voter(&metrics.membership_config, self.0.id)
                || metrics.last_quorum_acked.is_some_and(|acked| acked.into_inner().elapsed() < within))
    }

    /// The leader that this server follows or is. One that is silent for longer than an election takes is none.
    pub fn leader(&self) -> Option<Peer> {
        let limit = self.0.config.election_limit();
        let heard = (*self.0.heard.lock()).is_some_and(|heard| heard.elapsed() < limit);
        self.metrics(|metrics| {
            let id = metrics.current_leader?;
            let present = if id == self.0.id { self.leads(metrics, limit) } else { heard };
            if !present {
                return None;
            }
            let address = match metrics.membership_config.get_node(&id) {
                _ if id == self.0.id => self.0.config.address.clone(),
                Some(node) => node.address.clone(),
                None => String::new(),
            };
            Some(Peer { id: id.to_string(), address, voter: true })
        })
    }

    /// This server leads, a quorum confirmed it within the lease (`spec/semantics.md` 11.1, 12.1), and everything that was
    /// committed before its term is applied.
    pub fn has_lease(&self) -> bool {
        let given_up = self.0.given_up.load(Ordering::Acquire);
        self.metrics(|metrics| {
            metrics.current_term > given_up
                && self.leads(metrics, self.0.config.lease())
                && metrics.membership_config.voter_ids().any(|voter| voter == self.0.id)
                && metrics.last_applied.as_ref().is_some_and(|applied| term_of(applied) == metrics.current_term)
        })
    }

    /// Confirms the leadership with a round to a quorum, and waits until everything committed before is applied.
    pub async fn verify_leader(&self) -> Result<(), Error> {
        match self.0.engine.ensure_linearizable(ReadPolicy::ReadIndex).await {
            Ok(_) => Ok(()),
            Err(EngineError::APIError(_)) => Err(Error::no_leader()),
            Err(EngineError::Fatal(error)) => Err(Error::new(error.to_string())),
        }
    }

    /// Waits until everything proposed before is applied here.
    pub async fn barrier(&self) -> Result<(), Error> {
        self.0.engine.write_blank().await.map(drop).map_err(write_error)
    }

    /// Changes of [`Raft::is_leader`].
    pub fn leadership(&self) -> watch::Receiver<bool> {
        self.0.leadership.subscribe()
    }

    /// Changes of who leads: the node id of the leader as far as this server knows.
    pub fn elections(&self) -> watch::Receiver<Option<String>> {
        self.0.elected.subscribe()
    }

    /// The log is not empty: this server is, or was, part of a cluster.
    pub async fn has_state(&self) -> bool {
        self.0.engine.is_initialized().await.unwrap_or(true)
    }

    /// Time since the leader was last heard; zero on the leader, `None` before the first contact.
    pub fn last_contact(&self) -> Option<Duration> {
        if self.is_leader() {
            return Some(Duration::ZERO);
        }
        (*self.0.heard.lock()).map(|heard| heard.elapsed())
    }

    /// The same as text: `0`, `12.3ms`, `never`.
    pub fn last_contact_text(&self) -> String {
        match self.last_contact() {
            Some(Duration::ZERO) => "0".to_owned(),
            Some(since) => crate::types::GoDuration(since.as_nanos() as i64).to_string(),
            None => "never".to_owned(),
        }
    }

    /// The figures of `/v1/agent/self` under `Stats.raft` (`spec/http-api.md` 3.2.1).
    pub fn stats(&self) -> BTreeMap<String, String> {
        let (index, peers) = self.configuration();
        let state = self.metrics(|metrics| match metrics.state {
            ServerState::Leader => "Leader",
            ServerState::Candidate => "Candidate",
            ServerState::Shutdown => "Shutdown",
            ServerState::Follower | ServerState::Learner => "Follower",
        });
        let servers: Vec<String> = peers
            .iter()
            .map(|peer| {
                let suffrage = if peer.voter { "Voter" } else { "Nonvoter" };
                format!("{{Suffrage:{suffrage} ID:{} Address:{}}}", peer.id, peer.address)
            })
            .collect();
        let (applied, committed) = (self.applied_index(), self.commit_index());
        let snapshot = self.0.snapshots.newest().map(|snapshot| snapshot.meta);
        let others = peers.iter().filter(|peer| peer.voter && peer.id != self.0.id.to_string()).count();
        let figures = [
            ("applied_index", applied.to_string()),
            ("commit_index", committed.to_string()),
            ("fsm_pending", committed.saturating_sub(applied).to_string()),
            ("last_contact", self.last_contact_text()),
            ("last_log_index", self.last_log_index().to_string()),
            ("last_log_term", self.last_log_term().to_string()),
            ("last_snapshot_index", snapshot.as_ref().map_or(0, |meta| meta.index).to_string()),
            ("last_snapshot_term", snapshot.as_ref().map_or(0, |meta| meta.term).to_string()),
            ("latest_configuration", format!("[{}]", servers.join(" "))),
            ("latest_configuration_index", index.to_string()),
            ("num_peers", others.to_string()),
            ("protocol_version", "3".to_owned()),
            ("protocol_version_max", "3".to_owned()),
            ("protocol_version_min", "0".to_owned()),
            ("snapshot_version_max", "1".to_owned()),
            ("snapshot_version_min", "0".to_owned()),
            ("state", state.to_owned()),
            ("term", self.term().to_string()),
        ];
        figures.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// Index and servers of the latest configuration.
    pub fn configuration(&self) -> (Index, Vec<Peer>) {
        self.metrics(|metrics| {
            let membership = &metrics.membership_config;
            let voters: BTreeSet<Uuid> = membership.voter_ids().collect();
            let peers = membership
                .nodes()
                .map(|(id, node)| Peer {
                    id: id.to_string(),
                    address: node.address.clone(),
                    voter: voters.contains(id),
                })
                .collect();
            (self.0.progress.index(*membership.log_id()), peers)
        })
    }

    /// Current term.
    pub fn term(&self) -> u64 {
        self.metrics(|metrics| metrics.current_term)
    }

    /// Index of the last entry in the log.
    pub fn last_log_index(&self) -> Index {
        self.0.progress.index(self.0.log.last())
    }

    /// Term of the last entry in the log.
    pub fn last_log_term(&self) -> u64 {
        self.0.log.last().as_ref().map_or(0, term_of)
    }

    /// Index up to which the store is.
    pub fn applied_index(&self) -> Index {
        self.0.progress.applied()
    }

    /// Index up to which entries are known to be committed.
    pub fn commit_index(&self) -> Index {
        let committed: Option<LogId> = self.metrics(|metrics| metrics.local_committed);
        self.0.progress.index(committed).max(self.applied_index())
    }

    /// Last index that each other server is known to have, by id. Empty on a server that does not lead.
    pub fn peer_indexes(&self) -> BTreeMap<String, Index> {
        self.metrics(|metrics| {
            let replication = metrics.replication.iter().flatten();
            replication.map(|(id, stored)| (id.to_string(), self.0.progress.index(*stored))).collect()
        })
    }

    /// Time since each other server last answered this leader, by id. Empty on a server that does not lead.
    pub fn peer_contacts(&self) -> BTreeMap<String, Duration> {
        self.metrics(|metrics| {
            let answered = metrics.heartbeat.iter().flatten();
            answered.filter_map(|(id, at)| Some((id.to_string(), (*at)?.into_inner().elapsed()))).collect()
        })
    }

    /// Takes a raft snapshot of the present state and hands its archive out. Writes go on meanwhile.
    pub async fn save_snapshot(&self) -> Result<SavedSnapshot, Error> {
        let stored = duties::take_snapshot(&self.0)
            .await
            .map_err(|error| error.prefixed("Raft error when taking snapshot: "))?;
        let file = stored.file()?;
        Ok(SavedSnapshot { index: stored.meta.index, size: file.metadata()?.len(), meta: stored.meta, file })
    }

    /// Verifies the archive at `path` and replaces the state of the cluster by it (`spec/snapshot.md` 5). On disk on a majority
    /// when it returns; leadership duties must be run again by the caller.
    ///
    /// The archive travels through the log as one entry, so that it is as durable and as ordered as any write, and every
    /// server applies the same bytes at the same index.
    pub async fn restore_snapshot(&self, path: &Path) -> Result<(), Error> {
        let path = path.to_owned();
        let verified = tokio::task::spawn_blocking(move || -> Result<Bytes, Error> {
            let found = File::open(&path).map_err(|error| Error::new(format!("{}: {error}", path.display())))?;
            archive::verify(found).map_err(|error| match error {
                archive::ArchiveError::Version(_) | archive::ArchiveError::Size { .. } => {
                    Error::new(error.to_string()).prefixed(RESTORE_ERROR)
                }
                error => Error::new(error.to_string()),
            })?;
            Ok(std::fs::read(&path)?.into())
        });
        let bytes = verified.await.map_err(|error| Error::new(error.to_string()))??;
        match self.write(Proposal::encoded(ProposalKind::Restore, bytes)).await {
            Ok(Outcome::Error(text)) => Err(Error::new(text).prefixed(RESTORE_ERROR)),
            Ok(_) => {
                // the large entry leaves the log when a snapshot covers it; the restore itself is done
                let inner = self.0.clone();
                tokio::spawn(async move { duties::snapshot_and_purge(&inner).await });
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// Stops taking part; everything acknowledged is on disk.
    pub async fn shutdown(&self) {
        self.0.stop.send_replace(true);
        if let Err(error) = self.0.engine.shutdown().await {
            tracing::error!(target: "agent.server.raft", "raft did not stop cleanly: error={error}");
        }
        let log = self.0.log.clone();
        if let Err(error) = tokio::task::spawn_blocking(move || log.close()).await {
            tracing::error!(target: "agent.server.raft", "the raft log did not close cleanly: error={error}");
        }
    }
}

/// What a writer hears whose entry may or may not be committed by the next leader.
const LEADERSHIP_LOST: &str = "leadership lost while committing log";

const RESTORE_ERROR: &str = "Raft error when restoring snapshot: ";

fn parse_id(id: &str) -> Result<Uuid, Error> {
    Uuid::parse_str(id).map_err(|_| Error::new(format!("server id {id:?} is no UUID")))
}

/// `id` decides alone.
fn only_voter(membership: &StoredMembership, id: Uuid) -> bool {
    let mut voters = membership.voter_ids();
    voters.next() == Some(id) && voters.next().is_none()
}
