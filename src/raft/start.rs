//! Opens what is on disk, brings the store to it, and starts the consensus library.

use super::archive::State;
use super::engine::ServerNode;
use super::log::CACHE_BYTES;
use super::log::LogStore;
use super::log::backend::{LogBackend, MemoryLog, Recovered};
use super::log::disk::{DiskLog, create_dir};
use super::machine::{Machine, Progress};
use super::net::{Network, Transport};
use super::snapshots::{Position, Snapshots};
use super::{Inner, Raft, RaftConfig, RaftError, duties, only_voter, recovery};
use crate::state::Store;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::{Config, SnapshotPolicy};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

/// Heartbeat at every multiplier: autopilot calls a server healthy whose last contact is less than 200 ms ago.
const HEARTBEAT: Duration = Duration::from_millis(100);
/// Random part of the silence of the leader after which a server stands for election, at multiplier 1. The whole silence is
/// this and the longest of it once more, during which nobody votes for anybody else: 0.7 to 0.9 s, a little shorter than the
/// reference's 1 s, because heartbeats do not wait behind entries here.
const ELECTION: (Duration, Duration) = (Duration::from_millis(250), Duration::from_millis(450));
/// Time that a leader may serve reads after a quorum confirmed it, at multiplier 1. Below the time in which nobody votes
/// for anybody else.
const LEASE: Duration = Duration::from_millis(400);
/// Entries in one message to a follower.
const MESSAGE_ENTRIES: u64 = 1024;
/// Longest time to send a snapshot.
const SNAPSHOT_LIMIT: Duration = Duration::from_secs(600);

impl RaftConfig {
    fn factor(&self) -> u32 {
        if self.dev { 1 } else { self.multiplier.clamp(1, 10) }
    }

    /// Longest silence of a leader.
    pub(crate) fn election_limit(&self) -> Duration {
        ELECTION.1 * 2 * self.factor()
    }

    /// Time that a leader may serve reads after a quorum confirmed it.
    pub(crate) fn lease(&self) -> Duration {
        LEASE * self.factor()
    }

    fn engine(&self) -> Result<Config, RaftError> {
        let millis = |time: Duration| (time * self.factor()).as_millis() as u64;
        let config = Config {
            cluster_name: "tribune".into(),
            heartbeat_interval: HEARTBEAT.as_millis() as u64,
            heartbeat_min_interval: None,
            election_timeout_min: millis(ELECTION.0),
            election_timeout_max: millis(ELECTION.1),
            install_snapshot_timeout: SNAPSHOT_LIMIT.as_millis() as u64,
            max_payload_entries: MESSAGE_ENTRIES,
            replication_lag_threshold: self.trailing_logs.max(1),
            // both are decided in `duties`
            snapshot_policy: SnapshotPolicy::Never,
            max_in_snapshot_log_to_keep: u64::MAX,
            purge_batch_size: 1,
            enable_pre_vote: Some(true),
            // a leader that was away must be elected again, however short it was
            enable_leader_restore: Some(false),
            // a server whose disk was replaced joins again under its old id
            allow_log_reversion: Some(true),
            ..Config::default()
        };
        config.validate().map_err(|error| RaftError::Config(error.to_string()))
    }
}

/// What was found and made ready.
pub(crate) struct Opened {
    pub log: LogStore,
    pub snapshots: Arc<Snapshots>,
    pub machine: Machine,
    pub progress: Arc<Progress>,
}

/// Opens the files. Blocks.
fn open(config: &RaftConfig, store: &Arc<Store>) -> Result<Opened, RaftError> {
    let dir = config.data_dir.as_ref().map(|dir| dir.join("raft"));
    if let Some(dir) = &dir {
        create_dir(dir)?;
    }
    let (backend, found): (Box<dyn LogBackend>, Recovered) = match &dir {
        None => (Box::new(MemoryLog::default()), Recovered::default()),
        Some(dir) => {
            let (log, found) = DiskLog::open(&dir.join("log"), CACHE_BYTES)?;
            (Box::new(log), found)
        }
    };
    let snapshots = Arc::new(Snapshots::open(dir.as_ref().map(|dir| dir.join("snapshots")))?);
    let newest = snapshots.recover(|snapshot| {
        let mut state = snapshot
            .open()
            .map_err(|error| error.to_string())
            .and_then(|file| State::open(file).map_err(|error| error.to_string()))?;
        Position::from_meta(state.meta())?;
        store.restore(&mut state).map_err(|error| error.to_string())
    })?;
    let at = match &newest {
        Some(snapshot) => Some(Position::from_meta(&snapshot.meta).map_err(RaftError::Engine)?),
        None => None,
    };
    let log = LogStore::new(backend, found).map_err(|error| RaftError::Engine(error.to_string()))?;
    let next = at.as_ref().map_or(0, |at| at.applied.index + 1);
    if let (Some(dir), true) = (&dir, log.first_index() > next) {
        return Err(RaftError::corrupt(
            &dir.join("snapshots"),
            format!("no usable snapshot reaches raft entry {}, where the log begins", log.first_index()),
        ));
    }
    let progress = Arc::new(Progress::new());
    let machine = Machine::new(store.clone(), snapshots.clone(), progress.clone(), at);
    Ok(Opened { log, snapshots, machine, progress })
}

pub(crate) async fn start(
    config: RaftConfig,
    store: Arc<Store>,
    transport: Arc<dyn Transport>,
) -> Result<Raft, RaftError> {
    let id = Uuid::parse_str(&config.node_id)
        .map_err(|_| RaftError::Config(format!("node id {:?} is no UUID", config.node_id)))?;
    let engine_config = Arc::new(config.engine()?);
    let opening = {
        let (config, store) = (config.clone(), store.clone());
        tokio::task::spawn_blocking(move || open(&config, &store))
    };
    let mut opened = opening.await.map_err(|error| RaftError::Engine(error.to_string()))??;
    if let Some(dir) = &config.data_dir {
        recovery::recover(&dir.join("raft"), &mut opened).await?;
    }
    let Opened { log, snapshots, machine, progress } = opened;
    let prepared = machine.prepared();
    let refused = |error: &dyn std::fmt::Display| RaftError::Engine(format!("raft could not start: {error}"));
    let engine = openraft::Raft::new(id, engine_config, Network(transport), log.clone(), machine)
        .await
        .map_err(|error| refused(&error))?;
    let raft = Raft(Arc::new(Inner {
        metrics: engine.metrics(),
        engine,
        id,
        refusal: log.refusal(),
        log,
        progress,
        snapshots,
        prepared,
        snapshotting: tokio::sync::Mutex::new(()),
        leadership: watch::Sender::new(false),
        elected: watch::Sender::new(None),
        spoken: tokio::sync::Notify::new(),
        given_up: 0.into(),
        changing: tokio::sync::Mutex::new(()),
        heard: Mutex::new(None),
        stop: watch::Sender::new(false),
        config,
    }));
    duties::start(&raft);
    let initialized = raft.0.engine.is_initialized().await.map_err(|error| refused(&error))?;
    if !initialized && raft.0.config.bootstrap {
        let node = ServerNode { address: raft.0.config.address.clone() };
        raft.0.engine.initialize(BTreeMap::from([(id, node)])).await.map_err(|error| refused(&error))?;
    } else if only_voter(&raft.0.metrics.borrow_watched().membership_config.clone(), id) {
        raft.0.engine.trigger().elect(false).await.map_err(|error| refused(&error))?;
    }
    Ok(raft)
}
