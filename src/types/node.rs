//! Nodes, and the requests that register and remove catalog rows.

use super::value::is_zero;
use super::{HealthCheck, Index, NodeService, StringMap};
use crate::types::secret::hidden;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A row of the `nodes` table (`spec/http-api.md` 2.1).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Node {
    /// Node id, a UUID, or empty for nodes registered without one.
    #[serde(rename = "ID")]
    pub id: String,
    /// Node name; compared without case.
    pub node: String,
    /// IP or host name.
    pub address: String,
    /// Datacenter of the node.
    pub datacenter: String,
    /// Addresses by purpose (`lan`, `wan`, `lan_ipv4`, ...).
    pub tagged_addresses: StringMap,
    /// Node metadata.
    pub meta: StringMap,
    /// Peer the node was imported from; empty for local nodes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub peer_name: String,
    /// Region and zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<Locality>,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

/// Where a node or service runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Locality {
    /// Region name.
    pub region: String,
    /// Zone name; needs a region.
    pub zone: String,
}

/// Registers a node, and with it services and checks (`spec/semantics.md` 5).
#[derive(Clone, derive_more::Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RegisterRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// Node id, a UUID, or empty.
    #[serde(rename = "ID")]
    pub id: String,
    /// Node name.
    pub node: String,
    /// Node address.
    pub address: String,
    /// Node addresses by purpose.
    pub tagged_addresses: StringMap,
    /// Node metadata.
    pub node_meta: StringMap,
    /// Service of the node to register.
    pub service: Option<Arc<NodeService>>,
    /// One check; joined to `checks`.
    pub check: Option<Arc<HealthCheck>>,
    /// Checks of the node or of a service.
    pub checks: Option<Vec<Arc<HealthCheck>>>,
    /// Leave an existing node row alone.
    pub skip_node_update: bool,
    /// Region and zone of the node.
    pub locality: Option<Locality>,
    /// Always empty in a request from outside.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub peer_name: String,
    /// Secret of the caller.
    #[debug("{}", hidden(token))]
    pub token: String,
    /// Only in snapshots: the node's CreateIndex.
    #[serde(skip_serializing_if = "is_zero")]
    pub create_index: Index,
    /// Only in snapshots: the node's ModifyIndex.
    #[serde(skip_serializing_if = "is_zero")]
    pub modify_index: Index,
}

/// Removes a service, else a check, else a whole node (`spec/semantics.md` 5.4).
#[derive(Clone, derive_more::Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DeregisterRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// Node name, required.
    pub node: String,
    /// Accepted and ignored.
    pub address: String,
    /// Service to remove.
    #[serde(rename = "ServiceID")]
    pub service_id: String,
    /// Check to remove.
    #[serde(rename = "CheckID")]
    pub check_id: String,
    /// Peer name; empty for local rows.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub peer_name: String,
    /// Secret of the caller.
    #[debug("{}", hidden(token))]
    pub token: String,
}
