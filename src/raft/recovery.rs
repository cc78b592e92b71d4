//! `peers.json`: a new set of servers for a cluster that lost its quorum (`spec/snapshot.md` 8).

use super::RaftError;
use super::engine::{Membership, ServerNode, StoredMembership};
use super::start::Opened;
use openraft::storage::{RaftLogStorage, RaftStateMachine};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use uuid::Uuid;

/// Entries applied at a time.
const CHUNK: u64 = 1024;

/// Written beside `peers.json`; says that the server has seen its format.
const INFO: &str = "As of this version peers.json is only used for recovery after an outage. Its format and what to do are described in
the operations manual: a JSON list of {\"id\": node id, \"address\": \"ip:port\", \"non_voter\": false}, the same on every
surviving server, written while all of them are stopped. It is read once at start and deleted afterwards.
";

#[derive(Deserialize)]
struct Server {
    id: String,
    address: String,
    #[serde(default)]
    non_voter: bool,
}

/// Reads `peers.json` in `dir` and, if there is one, makes its servers the configuration.
pub(crate) async fn recover(dir: &Path, opened: &mut Opened) -> Result<(), RaftError> {
    let (peers, info) = (dir.join("peers.json"), dir.join("peers.info"));
    let access = |path: &Path| {
        let path = path.to_owned();
        move |error: io::Error| RaftError::access(&path, error)
    };
    if !info.exists() {
        fs::write(&info, INFO).map_err(access(&info))?;
        if peers.exists() {
            fs::remove_file(&peers).map_err(access(&peers))?;
            tracing::info!(target: "agent.server", "deleted peers.json file (see peers.info for details)");
        }
        return Ok(());
    }
    if !peers.exists() {
        return Ok(());
    }
    tracing::info!(target: "agent.server", "found peers.json file, recovering Raft configuration...");
    let text = fs::read(&peers).map_err(access(&peers))?;
    let membership =
        parse(&text).map_err(|error| RaftError::Config(format!("recovery failed to parse peers.json: {error}")))?;
    rewrite(opened, membership).await.map_err(|error| RaftError::Engine(format!("recovery failed: {error}")))?;
    fs::remove_file(&peers).map_err(access(&peers))?;
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(access(dir))?;
    tracing::info!(target: "agent.server", "deleted peers.json file after successful recovery");
    Ok(())
}

fn parse(text: &[u8]) -> Result<Membership, String> {
    let servers: Vec<Server> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let mut nodes = BTreeMap::new();
    let mut voters = BTreeSet::new();
    let mut addresses = BTreeSet::new();
    for server in servers {
        if server.address.is_empty() {
            return Err(format!("empty address in configuration: {}", server.id));
        }
        let id = Uuid::parse_str(&server.id).map_err(|_| format!("invalid ID in configuration: {:?}", server.id))?;
        if !addresses.insert(server.address.clone()) {
            return Err(format!("found duplicate address in configuration: {}", server.address));
        }
        if nodes.insert(id, ServerNode { address: server.address }).is_some() {
            return Err(format!("found duplicate ID in configuration: {id}"));
        }
        if !server.non_voter {
            voters.insert(id);
        }
    }
    if voters.is_empty() {
        return Err("need at least one voter in configuration".into());
    }
    Membership::new(vec![voters], nodes).map_err(|error| error.to_string())
}

/// Applies the whole log, committed or not, writes a snapshot of that with the new servers, and drops the log.
async fn rewrite(opened: &mut Opened, membership: Membership) -> Result<(), io::Error> {
    let Some(last) = opened.log.last() else {
        return Err(io::Error::other(
            "refused to recover cluster with no initial state, this is probably an operator error",
        ));
    };
    let mut next = opened.machine.applied_state().await?.0.map_or(0, |applied| applied.index + 1);
    while next <= last.index {
        let entries =
            openraft::RaftLogReader::try_get_log_entries(&mut opened.log, next..(next + CHUNK).min(last.index + 1));
        let entries = entries.await?;
        next += entries.len() as u64;
        opened.machine.apply(futures::stream::iter(entries.into_iter().map(|entry| Ok((entry, None))))).await?;
    }
    let mut view = opened.machine.view().ok_or_else(|| io::Error::other("nothing to recover"))?;
    view.at.membership = StoredMembership::new(Some(view.at.applied), membership);
    opened.machine.set_membership(view.at.membership.clone());
    let snapshots = opened.snapshots.clone();
    tokio::task::spawn_blocking(move || view.write(&snapshots)).await.map_err(io::Error::other)??;
    opened.log.purge(last).await?;
    opened.log.synced().await
}
