//! Requests and replies about the cluster itself: liveness, raft progress, autopilot, user events, gossip keys
//! (`spec/rpc.md` 10).

use super::operator::ServerHealth;
use super::requests::{ReadReply, ReadRequest, Request, reads};
use super::{Blob, Index, QueryMeta, QueryOptions, StringMap};
use crate::types::secret::hidden;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A request without content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Empty {}

impl Request for Empty {
    fn datacenter(&self) -> &str {
        ""
    }
    fn token(&self) -> &str {
        ""
    }
}

/// How far a server's raft is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RaftStats {
    /// Time since the leader was heard of: `0` on the leader, `12.3ms`, `never`.
    pub last_contact: String,
    /// Term of the last entry.
    pub last_term: u64,
    /// Index of the last entry.
    pub last_index: Index,
}

/// Who a server is, in autopilot's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AutopilotServer {
    /// Node id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Node name.
    pub name: String,
    /// `ip:port`.
    pub address: String,
    /// `alive`, `left` or `failed`.
    pub node_status: String,
    /// Version.
    pub version: String,
    /// Metadata of the node.
    pub meta: StringMap,
    /// Raft protocol.
    pub raft_version: u64,
    /// It leads.
    pub is_leader: bool,
    /// `voter`.
    pub node_type: String,
}

/// Health of a server, in autopilot's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AutopilotServerHealth {
    /// Healthy.
    pub healthy: bool,
    /// RFC 3339 time of the last change of `healthy`.
    #[serde(with = "super::time")]
    pub stable_since: String,
}

/// A server in autopilot's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AutopilotServerState {
    /// Who it is.
    pub server: AutopilotServer,
    /// `leader`, `voter`, `non-voter`, `staging` or `none`.
    pub state: String,
    /// How far its raft is.
    pub stats: AutopilotServerStats,
    /// Its health.
    pub health: AutopilotServerHealth,
}

/// How far a server's raft is, in autopilot's state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AutopilotServerStats {
    /// Time since the leader was heard of.
    pub last_contact: super::GoDuration,
    /// Term of the last entry.
    pub last_term: u64,
    /// Index of the last entry.
    pub last_index: Index,
}

/// Autopilot's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AutopilotState {
    /// All servers are healthy.
    pub healthy: bool,
    /// Voters that may fail.
    pub failure_tolerance: i64,
    /// The servers by id.
    pub servers: BTreeMap<String, AutopilotServerState>,
    /// Id of the leader.
    pub leader: String,
    /// Ids of the voters.
    pub voters: Vec<String>,
}

impl AutopilotState {
    /// The state of servers whose health is known, with their nodes' metadata.
    pub fn of(health: &super::operator::ClusterHealth, meta: impl Fn(&ServerHealth) -> StringMap) -> AutopilotState {
        let state = |server: &ServerHealth| match (server.leader, server.voter) {
            (true, _) => "leader",
            (false, true) => "voter",
            (false, false) => "non-voter",
        };
        let server = |server: &ServerHealth| AutopilotServerState {
            server: AutopilotServer {
                id: server.id.clone(),
                name: server.name.clone(),
                address: server.address.clone(),
                node_status: server.serf_status.clone(),
                version: server.version.clone(),
                meta: meta(server),
                raft_version: 3,
                is_leader: server.leader,
                node_type: "voter".into(),
            },
            state: state(server).into(),
            stats: AutopilotServerStats {
                last_contact: server.last_contact,
                last_term: server.last_term,
                last_index: server.last_index,
            },
            health: AutopilotServerHealth { healthy: server.healthy, stable_since: server.stable_since.clone() },
        };
        let ids = |chosen: fn(&ServerHealth) -> bool| {
            let mut ids: Vec<String> =
                health.servers.iter().filter(|server| chosen(server)).map(|server| server.id.clone()).collect();
            ids.sort_unstable();
            ids
        };
        AutopilotState {
            healthy: health.healthy,
            failure_tolerance: health.failure_tolerance,
            servers: health.servers.iter().map(|known| (known.id.clone(), server(known))).collect(),
            leader: ids(|server| server.leader).pop().unwrap_or_default(),
            voters: ids(|server| server.voter),
        }
    }
}

reads!(EventFireRequest KeyringRequest);

/// Fires a user event in the gossip of a datacenter.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EventFireRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// Name of the event.
    pub name: String,
    /// The encoded event.
    pub payload: Blob,
    /// Options.
    #[serde(flatten)]
    pub query: QueryOptions,
}

/// The event was fired.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EventFireResponse {
    /// About the answer.
    #[serde(flatten)]
    pub meta: QueryMeta,
}

/// Works on the gossip keys of all pools, in all datacenters unless forwarded or local.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KeyringRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// `list`, `install`, `use` or `remove`.
    pub operation: String,
    /// The key, base64.
    #[debug("{}", hidden(key))]
    pub key: String,
    /// The second hop: only this datacenter's LAN.
    pub forwarded: bool,
    /// Only the own agent's view.
    pub local_only: bool,
    /// How many members relay each answer.
    pub relay_factor: u8,
    /// Options.
    #[serde(flatten)]
    pub query: QueryOptions,
}

/// What one gossip pool answered.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KeyringResponse {
    /// The WAN pool.
    #[serde(rename = "WAN")]
    pub wan: bool,
    /// Datacenter.
    pub datacenter: String,
    /// Network segment, empty here.
    pub segment: String,
    /// Administrative partition, empty here.
    pub partition: String,
    /// Texts by node.
    pub messages: StringMap,
    /// Members by key.
    #[debug("{}", hidden(keys))]
    pub keys: BTreeMap<String, i64>,
    /// Members by primary key.
    #[debug("{}", hidden(primary_keys))]
    pub primary_keys: BTreeMap<String, i64>,
    /// Members that were asked.
    pub num_nodes: i64,
    /// What went wrong, or empty.
    pub error: String,
}

/// What all pools answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KeyringResponses {
    /// One per pool.
    pub responses: Vec<KeyringResponse>,
    /// About the answer.
    #[serde(flatten)]
    pub meta: QueryMeta,
}

impl ReadReply for KeyringResponses {
    fn meta(&self) -> &QueryMeta {
        &self.meta
    }
    fn meta_mut(&mut self) -> &mut QueryMeta {
        &mut self.meta
    }
}
