//! Consensus: openraft behind our own module, log and vote on sled, snapshot files and archives.
//!
//! Commands go in through [`Raft::propose`], come out applied to the [`Store`], and are on disk on a majority of the voters
//! before the proposer hears of it. No type of the consensus library leaves this room, and nothing it would serialize by
//! itself is ever written: log records, votes, memberships and messages have encodings of our own.

use crate::state::{Command, Outcome, Store};
use crate::types::{Error, Index};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

pub mod archive;
mod codec;
mod engine;
mod error;
mod log;

pub use error::RaftError;

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

/// A server's part in the consensus. Clones share it.
#[derive(Clone)]
pub struct Raft;

impl Raft {
    /// Opens the log and the newest snapshot, restores `store`, and takes part in the cluster. A server that is its only
    /// voter leads a few milliseconds later.
    pub async fn start(_config: RaftConfig, _store: Arc<Store>) -> Result<Raft, RaftError> {
        todo!()
    }

    /// Appends a command and returns the result of applying it; the command is then on disk on a majority.
    ///
    /// # Errors
    /// `No cluster leader` on any server but the leader.
    pub async fn propose(&self, _command: Command) -> Result<Outcome, Error> {
        todo!()
    }

    /// This server leads.
    pub fn is_leader(&self) -> bool {
        todo!()
    }

    /// The leader that this server follows or is.
    pub fn leader(&self) -> Option<Peer> {
        todo!()
    }

    /// This server leads and a quorum confirmed it within the lease (`spec/semantics.md` 11.1, 12.1).
    pub fn has_lease(&self) -> bool {
        todo!()
    }

    /// Confirms the leadership with a round to a quorum, and waits until everything committed before is applied.
    pub async fn verify_leader(&self) -> Result<(), Error> {
        todo!()
    }

    /// Waits until everything proposed before is applied here.
    pub async fn barrier(&self) -> Result<(), Error> {
        todo!()
    }

    /// Changes of [`Raft::is_leader`].
    pub fn leadership(&self) -> watch::Receiver<bool> {
        todo!()
    }

    /// Time since the leader was last heard; zero on the leader, `None` before the first contact.
    pub fn last_contact(&self) -> Option<Duration> {
        todo!()
    }

    /// The figures of `/v1/agent/self` under `Stats.raft` (`spec/http-api.md` 3.2.1).
    pub fn stats(&self) -> BTreeMap<String, String> {
        todo!()
    }

    /// Index and servers of the latest configuration.
    pub fn configuration(&self) -> (Index, Vec<Peer>) {
        todo!()
    }

    /// Current term.
    pub fn term(&self) -> u64 {
        todo!()
    }

    /// Index of the last entry in the log.
    pub fn last_log_index(&self) -> Index {
        todo!()
    }

    /// Term of the last entry in the log.
    pub fn last_log_term(&self) -> u64 {
        todo!()
    }

    /// Index up to which the store is.
    pub fn applied_index(&self) -> Index {
        todo!()
    }

    /// Index up to which entries are known to be committed.
    pub fn commit_index(&self) -> Index {
        todo!()
    }

    /// Takes a raft snapshot of the present state and hands its archive out. Writes go on meanwhile.
    pub async fn save_snapshot(&self) -> Result<SavedSnapshot, Error> {
        todo!()
    }

    /// Verifies the archive at `path` and replaces the state of the cluster by it (`spec/snapshot.md` 5). On disk on a majority
    /// when it returns.
    pub async fn restore_snapshot(&self, _path: &Path) -> Result<(), Error> {
        todo!()
    }

    /// Removes a server from the configuration.
    pub async fn remove_peer(&self, _id: &str) -> Result<(), Error> {
        todo!()
    }

    /// Adds a server, or updates its address.
    pub async fn add_peer(&self, _id: &str, _address: &str, _voter: bool) -> Result<(), Error> {
        todo!()
    }

    /// Hands leadership to the given server, or to the one that is furthest.
    pub async fn transfer_leader(&self, _id: Option<&str>) -> Result<(), Error> {
        todo!()
    }

    /// Stops taking part; everything acknowledged is on disk.
    pub async fn shutdown(&self) {
        todo!()
    }
}
