//! Catalog queries: nodes, services, instances (`spec/semantics.md` 3).

use super::index::Table;
use super::key::{join, lower};
use super::nodes::node_part;
use super::radix::Slot;
use super::tables::{Tables, index_name};
use super::watch::Space;
use super::{Snapshot, WatchSet};
use crate::types::requests::ServiceTags;
use crate::types::{Index, Node, NodeService, ServiceNode};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Conditions on node metadata; all pairs must match.
pub type MetaFilter = BTreeMap<String, String>;

/// A node with its instances.
pub type NodeWithServices = (Arc<Node>, Vec<Arc<NodeService>>);

/// True when the node has all pairs.
pub fn has_meta(node: &Node, wanted: &MetaFilter) -> bool {
    wanted.iter().all(|(key, value)| node.meta.as_ref().and_then(|meta| meta.get(key)) == Some(value))
}

/// True when the instance has all tags, compared without case.
pub fn has_tags(service: &NodeService, wanted: &[String]) -> bool {
    let has = |tag: &String| service.tags.iter().flatten().any(|own| lower(own) == lower(tag));
    wanted.iter().all(has)
}

/// An instance joined with its node.
fn joined(node: &Node, service: &NodeService) -> ServiceNode {
    ServiceNode {
        id: node.id.clone(),
        node: node.node.clone(),
        address: node.address.clone(),
        datacenter: node.datacenter.clone(),
        tagged_addresses: node.tagged_addresses.clone(),
        node_meta: node.meta.clone(),
        service_kind: service.kind.clone(),
        service_id: service.id.clone(),
        service_name: service.service.clone(),
        service_tags: service.tags.clone().unwrap_or_default(),
        service_address: service.address.clone(),
        service_tagged_addresses: service.tagged_addresses.clone(),
        service_weights: service.weights.unwrap_or_default(),
        service_meta: service.meta.clone().unwrap_or_default(),
        service_port: service.port,
        service_socket_path: service.socket_path.clone(),
        service_enable_tag_override: service.enable_tag_override,
        service_proxy: service.proxy.clone(),
        service_connect: service.connect.clone(),
        service_locality: service.locality.clone(),
        peer_name: service.peer_name.clone(),
        create_index: service.create_index,
        modify_index: service.modify_index,
    }
}

impl Tables {
    /// The node of a row whose key has the node behind `skip` parts.
    pub fn node_of<T: Clone>(&self, slot: &Slot<T>, skip: usize) -> &Arc<Node> {
        let node = self.nodes.get(node_part(slot, skip));
        &node.expect("services and checks go with their node").value
    }

    /// A node by name, or else by id prefix.
    pub fn node_by_any(&self, name_or_id: &str) -> Option<&Arc<Node>> {
        self.node(name_or_id).or_else(|| self.node_by_id_prefix(name_or_id))
    }

    /// Index of a service that has (or has not) instances; what a missing one reports depends on `tables`.
    pub fn service_index(&self, name: &str, exists: bool, tables: &[Table]) -> Index {
        let extinction = self.indexes.table(Table::ServiceLastExtinction);
        if !exists && extinction > 0 {
            return extinction;
        }
        let own = self.indexes.named(&index_name("service.", &lower(name)));
        own.unwrap_or_else(|| self.indexes.max(tables))
    }
}

/// Tables that a catalog query of a missing service depends on.
const CATALOG: [Table; 3] = [Table::ServiceLastExtinction, Table::Nodes, Table::Services];

impl Snapshot {
    /// All nodes with this metadata, by name.
    pub fn nodes(&self, ws: &mut WatchSet, meta: &MetaFilter) -> (Index, Vec<Arc<Node>>) {
        ws.watch_table(Table::Nodes);
        let nodes = self.tables().nodes.iter().map(|slot| &slot.value);
        (self.tables().indexes.table(Table::Nodes), nodes.filter(|node| has_meta(node, meta)).cloned().collect())
    }

    /// Watches a node that was asked for by name or id prefix, and returns its index and row. An unknown node has the index of
    /// the last removal of a node; an id prefix that is too short or fits several has none.
    fn watched_node(&self, ws: &mut WatchSet, name_or_id: &str) -> (Index, Option<&Arc<Node>>) {
        let tables = self.tables();
        if let Some(node) = tables.node_by_any(name_or_id) {
            let name = lower(&node.node);
            ws.watch(Space::Node, name.as_bytes());
            if tables.node(name_or_id).is_none() {
                // Another node can make the id prefix ambiguous.
                ws.depend_tables(&[Table::Nodes]);
            }
            return (tables.indexes.named(&index_name("node.", &name)).unwrap_or(0), Some(node));
        }
        ws.watch(Space::Node, lower(name_or_id).as_bytes());
        ws.depend_tables(&[Table::Nodes, Table::NodeLastExtinction]);
        let digits: String = name_or_id.to_lowercase().replace('-', "");
        let ambiguous = digits.len() < 2
            || tables.nodes_by_id.iter_prefix(&digits.as_bytes()[..digits.len() & !1]).next().is_some();
        (if ambiguous { 0 } else { tables.indexes.table(Table::NodeLastExtinction) }, None)
    }

    /// A node by name, or else by an id prefix of at least two characters that fits one node only.
    pub fn node(&self, ws: &mut WatchSet, name_or_id: &str) -> (Index, Option<Arc<Node>>) {
        let (index, node) = self.watched_node(ws, name_or_id);
        (index, node.cloned())
    }

    /// A node with its instances, by instance id.
    pub fn node_services(&self, ws: &mut WatchSet, name_or_id: &str) -> (Index, Option<NodeWithServices>) {
        let (index, node) = self.watched_node(ws, name_or_id);
        let found = node.map(|node| (node.clone(), self.tables().services_on(&node.node).cloned().collect()));
        (index, found)
    }

    /// Service names with the union of their tags; with metadata only those on such nodes.
    pub fn services(&self, ws: &mut WatchSet, meta: &MetaFilter) -> (Index, ServiceTags) {
        let mut names = ServiceTags::new();
        for slot in self.tables().services_by_name.iter() {
            if !meta.is_empty() && !has_meta(self.tables().node_of(slot, 1), meta) {
                continue;
            }
            let tags = match names.get_mut(&slot.value.service) {
                Some(tags) => tags,
                None => names.entry(slot.value.service.clone()).or_default(),
            };
            for tag in slot.value.tags.iter().flatten() {
                if !tags.contains(tag) {
                    tags.push(tag.clone());
                }
            }
        }
        (self.services_index(ws, meta), names)
    }

    fn services_index(&self, ws: &mut WatchSet, meta: &MetaFilter) -> Index {
        ws.watch_table(Table::Services);
        if meta.is_empty() {
            return self.tables().indexes.table(Table::Services);
        }
        ws.watch_table(Table::Nodes);
        self.tables().indexes.max(&[Table::Nodes, Table::Services])
    }

    /// Names of all services.
    pub fn service_names(&self, ws: &mut WatchSet) -> (Index, Vec<String>) {
        let mut names: Vec<String> = Vec::new();
        for slot in self.tables().services_by_name.iter() {
            if names.last().is_none_or(|last| *last != slot.value.service) {
                names.push(slot.value.service.clone());
            }
        }
        (self.services_index(ws, &MetaFilter::new()), names)
    }

    /// Every instance joined with its node, by service name.
    pub fn all_service_nodes(&self, ws: &mut WatchSet, meta: &MetaFilter) -> (Index, Vec<ServiceNode>) {
        let rows = self.joined_rows(self.tables().services_by_name.iter(), &[], meta);
        let index = self.services_index(ws, meta);
        // Node rows are part of the answer even where they are not part of its index.
        ws.watch_table(Table::Nodes);
        (index, rows)
    }

    fn joined_rows<'a>(
        &self,
        slots: impl Iterator<Item = &'a Slot<Arc<NodeService>>>,
        tags: &[String],
        meta: &MetaFilter,
    ) -> Vec<ServiceNode> {
        slots
            .filter(|slot| has_tags(&slot.value, tags))
            .map(|slot| (self.tables().node_of(slot, 1), &slot.value))
            .filter(|(node, _)| has_meta(node, meta))
            .map(|(node, service)| joined(node, service))
            .collect()
    }

    /// Instances of a service that have all tags (compared without case), on nodes with this metadata.
    pub fn service_nodes(
        &self,
        ws: &mut WatchSet,
        name: &str,
        tags: &[String],
        meta: &MetaFilter,
    ) -> (Index, Vec<ServiceNode>) {
        let tables = self.tables();
        let rows = self.joined_rows(tables.services_by_name.iter_prefix(&join(&[name])), tags, meta);
        let name = lower(name);
        ws.watch(Space::ServiceRows, name.as_bytes());
        ws.depend(Space::Service, name.as_bytes());
        let exists = tables.service_exists(&name);
        if !exists {
            ws.depend_tables(&CATALOG);
        }
        (tables.service_index(&name, exists, &CATALOG[1..]), rows)
    }

    /// Mesh-capable endpoints of a service: its proxies and native instances.
    pub fn connect_service_nodes(&self, ws: &mut WatchSet, name: &str) -> (Index, Vec<ServiceNode>) {
        let tables = self.tables();
        let rows = self.joined_rows(tables.services_by_connect.iter_prefix(&join(&[name])), &[], &MetaFilter::new());
        let name = lower(name);
        ws.watch(Space::ConnectRows, name.as_bytes());
        ws.depend(Space::Service, name.as_bytes());
        let exists = !rows.is_empty();
        if !exists {
            ws.depend_tables(&CATALOG);
        }
        (tables.service_index(&name, exists, &CATALOG[1..]), rows)
    }

    /// A node by name, for lookups that nobody waits on.
    pub fn node_by_name(&self, name: &str) -> Option<Arc<Node>> {
        self.tables().node(name).cloned()
    }

    /// The first node (by name) with this address.
    pub fn node_by_address(&self, address: &str) -> Option<Arc<Node>> {
        let mut nodes = self.tables().nodes.iter().map(|slot| &slot.value);
        nodes.find(|node| node.address == address).cloned()
    }
}
