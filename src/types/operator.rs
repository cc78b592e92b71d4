//! Raft configuration, autopilot and usage as operators see them (`spec/semantics.md` 13.4, 14).

use super::{GoDuration, Index, QueryMeta};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Autopilot settings, stored through raft.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AutopilotConfig {
    /// Remove failed servers automatically.
    pub cleanup_dead_servers: bool,
    /// Longest time since the last leader contact of a healthy server.
    pub last_contact_threshold: GoDuration,
    /// Most entries a healthy server may be behind.
    pub max_trailing_logs: u64,
    /// Never prune below this many voters.
    pub min_quorum: u64,
    /// Healthy time before a new server votes.
    pub server_stabilization_time: GoDuration,
    /// Enterprise, stored only.
    pub redundancy_zone_tag: String,
    /// Enterprise, stored only.
    pub disable_upgrade_migration: bool,
    /// Enterprise, stored only.
    pub upgrade_version_tag: String,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

impl Default for AutopilotConfig {
    fn default() -> Self {
        AutopilotConfig {
            cleanup_dead_servers: true,
            last_contact_threshold: GoDuration::millis(200),
            max_trailing_logs: 250,
            min_quorum: 0,
            server_stabilization_time: GoDuration::secs(10),
            redundancy_zone_tag: String::new(),
            disable_upgrade_migration: false,
            upgrade_version_tag: String::new(),
            create_index: 0,
            modify_index: 0,
        }
    }
}

/// A server of the raft configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RaftServer {
    /// Node id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Node name, `(unknown)` when not in gossip.
    pub node: String,
    /// `ip:port` of the server port.
    pub address: String,
    /// It leads.
    pub leader: bool,
    /// Raft protocol, text.
    pub protocol_version: String,
    /// It votes.
    pub voter: bool,
    /// Last log index it is known to have.
    pub last_index: Index,
}

/// The raft configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RaftConfiguration {
    /// Its servers.
    pub servers: Vec<RaftServer>,
    /// Log index of the configuration.
    pub index: Index,
}

/// Health of one server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ServerHealth {
    /// Node id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Node name.
    pub name: String,
    /// `ip:port`.
    pub address: String,
    /// Gossip status; a number on the wire.
    #[serde(with = "serf_status")]
    pub serf_status: String,
    /// Version.
    pub version: String,
    /// It leads.
    pub leader: bool,
    /// Time since its last contact with the leader.
    pub last_contact: GoDuration,
    /// Last log term.
    pub last_term: u64,
    /// Last log index.
    pub last_index: Index,
    /// Healthy.
    pub healthy: bool,
    /// It votes.
    pub voter: bool,
    /// RFC 3339 time of the last change of `healthy`.
    #[serde(with = "super::time")]
    pub stable_since: String,
}

/// Health of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ClusterHealth {
    /// All servers are healthy.
    pub healthy: bool,
    /// Voters that may fail.
    pub failure_tolerance: i64,
    /// The servers.
    pub servers: Vec<ServerHealth>,
}

/// Counts of one datacenter (`/v1/operator/usage`).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceUsage {
    /// Distinct service names.
    pub services: u64,
    /// Instances.
    pub service_instances: u64,
    /// Mesh instances by kind.
    pub connect_service_instances: BTreeMap<String, u64>,
    /// Typical instances that can be billed.
    pub billable_service_instances: u64,
    /// Nodes.
    pub nodes: u64,
}

/// Usage by datacenter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct UsageReport {
    /// Counts by datacenter.
    pub usage: BTreeMap<String, ServiceUsage>,
    /// About the answer.
    #[serde(flatten)]
    pub meta: QueryMeta,
}

/// Gossip statuses by their number on the wire.
const SERF_STATUSES: [&str; 5] = ["none", "alive", "leaving", "left", "failed"];

/// A gossip status: text in JSON, its number in msgpack.
mod serf_status {
    use super::SERF_STATUSES;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.serialize_str(text);
        }
        let number = SERF_STATUSES.iter().position(|status| *status == text).unwrap_or_default();
        serializer.serialize_u64(number as u64)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        if deserializer.is_human_readable() {
            return String::deserialize(deserializer);
        }
        let number = u64::deserialize(deserializer)?;
        Ok(SERF_STATUSES.get(number as usize).copied().unwrap_or("none").to_owned())
    }
}
