//! Queries of a [`Snapshot`]: each returns the index of its result and records what it touched.

use super::{Snapshot, WatchSet};
use crate::types::operator::{AutopilotConfig, ServiceUsage};
use crate::types::requests::{NodeInfo, ServiceTags};
use crate::types::txn::{TxnOp, TxnResponse};
use crate::types::{
    CheckServiceNode, Coordinate, DirEntry, HealthCheck, Index, Node, NodeCoordinate, NodeService, ServiceNode,
    Session, SystemMetadataEntry,
};
use std::collections::BTreeMap;
use std::sync::Arc;

#[allow(unused_variables)]
impl Snapshot {
    /// All nodes with this metadata, by name.
    pub fn nodes(&self, ws: &mut WatchSet, meta: &BTreeMap<String, String>) -> (Index, Vec<Arc<Node>>) {
        todo!()
    }

    /// A node by name, or else by an id prefix of at least two characters that fits one node only.
    pub fn node(&self, ws: &mut WatchSet, name_or_id: &str) -> (Index, Option<Arc<Node>>) {
        todo!()
    }

    /// Service names with the union of their tags; with metadata only those on such nodes.
    pub fn services(&self, ws: &mut WatchSet, meta: &BTreeMap<String, String>) -> (Index, ServiceTags) {
        todo!()
    }

    /// Every instance joined with its node.
    pub fn all_service_nodes(&self, ws: &mut WatchSet, meta: &BTreeMap<String, String>) -> (Index, Vec<ServiceNode>) {
        todo!()
    }

    /// Instances of a service that have all tags (compared without case), on nodes with this metadata.
    pub fn service_nodes(
        &self,
        ws: &mut WatchSet,
        name: &str,
        tags: &[String],
        meta: &BTreeMap<String, String>,
    ) -> (Index, Vec<ServiceNode>) {
        todo!()
    }

    /// Mesh-capable endpoints of a service: its proxies and native instances.
    pub fn connect_service_nodes(&self, ws: &mut WatchSet, name: &str) -> (Index, Vec<ServiceNode>) {
        todo!()
    }

    /// A node with its instances, by instance id.
    pub fn node_services(
        &self,
        ws: &mut WatchSet,
        name_or_id: &str,
    ) -> (Index, Option<(Arc<Node>, Vec<Arc<NodeService>>)>) {
        todo!()
    }

    /// Checks in a state; `any` is all of them.
    pub fn checks_in_state(
        &self,
        ws: &mut WatchSet,
        state: &str,
        meta: &BTreeMap<String, String>,
    ) -> (Index, Vec<Arc<HealthCheck>>) {
        todo!()
    }

    /// Checks of a node and of everything on it.
    pub fn node_checks(&self, ws: &mut WatchSet, node: &str) -> (Index, Vec<Arc<HealthCheck>>) {
        todo!()
    }

    /// Checks of all instances of a service.
    pub fn service_checks(
        &self,
        ws: &mut WatchSet,
        name: &str,
        meta: &BTreeMap<String, String>,
    ) -> (Index, Vec<Arc<HealthCheck>>) {
        todo!()
    }

    /// Instances of a service with their nodes and all checks that decide their health.
    pub fn check_service_nodes(
        &self,
        ws: &mut WatchSet,
        name: &str,
        tags: &[String],
        meta: &BTreeMap<String, String>,
    ) -> (Index, Vec<CheckServiceNode>) {
        todo!()
    }

    /// The same for the mesh-capable endpoints of a service.
    pub fn connect_check_service_nodes(
        &self,
        ws: &mut WatchSet,
        name: &str,
        tags: &[String],
        meta: &BTreeMap<String, String>,
    ) -> (Index, Vec<CheckServiceNode>) {
        todo!()
    }

    /// All instances, or all of one kind, with nodes and checks.
    pub fn service_dump(&self, ws: &mut WatchSet, kind: Option<&str>) -> (Index, Vec<CheckServiceNode>) {
        todo!()
    }

    /// A node with everything on it.
    pub fn node_info(&self, ws: &mut WatchSet, node: &str) -> (Index, Option<NodeInfo>) {
        todo!()
    }

    /// All nodes with everything on them.
    pub fn node_dump(&self, ws: &mut WatchSet) -> (Index, Vec<NodeInfo>) {
        todo!()
    }

    /// The entry of a key.
    pub fn kv_get(&self, ws: &mut WatchSet, key: &str) -> (Index, Option<Arc<DirEntry>>) {
        todo!()
    }

    /// The entries under a prefix, in key order.
    pub fn kv_list(&self, ws: &mut WatchSet, prefix: &str) -> (Index, Vec<Arc<DirEntry>>) {
        todo!()
    }

    /// Key names under a prefix; with a separator cut after its first occurrence behind the prefix.
    pub fn kv_keys(&self, ws: &mut WatchSet, prefix: &str, separator: &str) -> (Index, Vec<String>) {
        todo!()
    }

    /// A session by id.
    pub fn session(&self, ws: &mut WatchSet, id: &str) -> (Index, Option<Arc<Session>>) {
        todo!()
    }

    /// All sessions, by id.
    pub fn sessions(&self, ws: &mut WatchSet) -> (Index, Vec<Arc<Session>>) {
        todo!()
    }

    /// Sessions of a node.
    pub fn node_sessions(&self, ws: &mut WatchSet, node: &str) -> (Index, Vec<Arc<Session>>) {
        todo!()
    }

    /// All coordinates, by node.
    pub fn coordinates(&self, ws: &mut WatchSet) -> (Index, Vec<NodeCoordinate>) {
        todo!()
    }

    /// Coordinates of a node.
    pub fn node_coordinates(&self, ws: &mut WatchSet, node: &str) -> (Index, Vec<NodeCoordinate>) {
        todo!()
    }

    /// A node's coordinate in the default segment, for sorting by distance.
    pub fn coordinate_of(&self, node: &str) -> Option<Arc<Coordinate>> {
        todo!()
    }

    /// Autopilot settings, once stored.
    pub fn autopilot_config(&self) -> Option<Arc<AutopilotConfig>> {
        todo!()
    }

    /// A fact the servers agreed on.
    pub fn system_metadata(&self, key: &str) -> Option<Arc<SystemMetadataEntry>> {
        todo!()
    }

    /// Counts of nodes, services and instances.
    pub fn usage(&self) -> ServiceUsage {
        todo!()
    }

    /// Runs the reading operations of a transaction; a writing one is an error.
    pub fn txn_read(&self, ops: &[TxnOp]) -> TxnResponse {
        todo!()
    }

    /// A node by name, for lookups that nobody waits on.
    pub fn node_by_name(&self, name: &str) -> Option<Arc<Node>> {
        todo!()
    }

    /// The first node (by name) with this address.
    pub fn node_by_address(&self, address: &str) -> Option<Arc<Node>> {
        todo!()
    }

    /// Index of the last deletion of a key; moves wake the leader's reaper.
    pub fn tombstone_index(&self, ws: &mut WatchSet) -> Index {
        todo!()
    }

    /// Names of all services.
    pub fn service_names(&self, ws: &mut WatchSet) -> (Index, Vec<String>) {
        todo!()
    }
}
