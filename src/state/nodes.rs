//! The `nodes` table: identity and rename rules, removal with everything on the node (`spec/semantics.md` 5.3, 5.5).

use super::index::Table;
use super::key::{join, lower, parts};
use super::radix::{Entry, Slot};
use super::tables::{Tables, Writer};
use super::watch::Space;
use crate::types::{Index, Node, NodeService, RegisterRequest};
use std::sync::Arc;

/// Id of the check that gossip maintains on every member.
pub const SERF_CHECK: &str = "serfHealth";

/// A write names a node that is not registered.
pub const MISSING_NODE: &str = "Missing node registration";

impl Tables {
    /// A node by name.
    pub fn node(&self, name: &str) -> Option<&Arc<Node>> {
        self.nodes.get(&join(&[name])).map(|slot| &slot.value)
    }

    /// A node by its whole id.
    pub fn node_by_id(&self, id: &str) -> Option<&Arc<Node>> {
        let key = self.nodes_by_id.get(id_key(id).as_bytes())?;
        self.nodes.get(&key.value).map(|slot| &slot.value)
    }

    /// The only node whose id starts with `prefix`; an odd last digit is ignored, fewer than two digits match nothing.
    pub fn node_by_id_prefix(&self, prefix: &str) -> Option<&Arc<Node>> {
        let digits = id_key(prefix);
        let digits = &digits.as_bytes()[..digits.len() & !1];
        let mut found = self.nodes_by_id.iter_prefix(digits);
        match (digits.is_empty(), found.next(), found.next()) {
            (false, Some(only), None) => self.nodes.get(&only.value).map(|slot| &slot.value),
            _ => None,
        }
    }

    /// Instances on a node, by id.
    pub fn services_on(&self, node: &str) -> impl Iterator<Item = &Arc<NodeService>> {
        self.services.iter_prefix(&join(&[node])).map(|slot| &slot.value)
    }
}

/// A node id as the index has it: lower case, no hyphens.
fn id_key(id: &str) -> String {
    lower(id).replace('-', "")
}

/// Equality that decides whether a node is written (`spec/semantics.md` 2.2).
fn is_same(a: &Node, b: &Node) -> bool {
    a.id == b.id
        && lower(&a.node) == lower(&b.node)
        && a.peer_name == b.peer_name
        && a.address == b.address
        && a.datacenter == b.datacenter
        && same_map(&a.tagged_addresses, &b.tagged_addresses)
        && same_map(&a.meta, &b.meta)
}

/// Absent and empty maps are equal content.
pub fn same_map<V: PartialEq>(
    a: &Option<std::collections::BTreeMap<String, V>>,
    b: &Option<std::collections::BTreeMap<String, V>>,
) -> bool {
    a.iter().flatten().eq(b.iter().flatten())
}

impl Writer {
    /// True when a registration brings something new about its node.
    pub fn changes_node(&self, request: &RegisterRequest) -> bool {
        let Some(existing) = self.tables.node(&request.node) else { return true };
        if request.skip_node_update {
            return false;
        }
        let wanted = request_node(request);
        !is_same(existing, &wanted) || existing.locality != wanted.locality
    }

    /// Inserts or changes a node; the caller's indexes are ignored. Fails on a clash of names.
    pub fn ensure_node(&mut self, mut node: Node) -> Result<(), String> {
        let mut existing = None;
        if !node.id.is_empty() {
            existing = self.tables.node_by_id(&node.id).cloned();
            match &existing {
                Some(old) if old.node != node.node => {
                    self.refuse_clash(&node, false).map_err(|reason| {
                        format!("Error while renaming Node ID: {:?} ({}): {reason}", node.id, node.address)
                    })?;
                    self.delete_node(&old.node);
                }
                Some(_) => {}
                None => self
                    .refuse_clash(&node, true)
                    .map_err(|reason| format!("Error while renaming Node ID: {:?}: {reason}", node.id))?,
            }
        }
        let existing = existing.or_else(|| self.tables.node(&node.node).cloned());
        node.create_index = existing.as_ref().map_or(self.index, |old| old.create_index);
        if let Some(old) = existing
            && is_same(&old, &node)
            && self.tables.node(&node.node).is_some()
        {
            return Ok(());
        }
        node.modify_index = self.index;
        self.put_node(node);
        Ok(())
    }

    /// Stores a row as it is and moves the indexes that depend on it.
    pub fn put_node(&mut self, node: Node) {
        let key = join(&[&node.node]);
        let node = Arc::new(node);
        let old = self.tables.nodes.insert(Slot::new(&key, node.clone()));
        match &old {
            Some(old) if id_key(&old.value.id) != id_key(&node.id) => {
                self.tables.nodes_by_id.remove(id_key(&old.value.id).as_bytes());
            }
            Some(_) => {}
            None => self.tables.usage.nodes += 1,
        }
        if !node.id.is_empty() {
            self.tables.nodes_by_id.insert(Slot::new(id_key(&node.id).as_bytes(), key[..].into()));
        }
        self.move_table(Table::Nodes);
        self.move_named(Space::Node, "node.", &node.node);
        self.move_services_of(&node.node, true);
    }

    /// Another row may hold the name only while its gossip health is not critical (`spec/semantics.md` 5.3).
    fn refuse_clash(&self, node: &Node, may_take_row_without_id: bool) -> Result<(), String> {
        let Some(other) = self.tables.node(&node.node).filter(|other| id_key(&other.id) != id_key(&node.id)) else {
            return Ok(());
        };
        if other.id.is_empty() && may_take_row_without_id {
            return Ok(());
        }
        let health = self.tables.checks.get(&join(&[&other.node, SERF_CHECK]));
        if health.is_some_and(|check| check.value.status != "critical") {
            return Err(format!(
                "Node name {} is reserved by node {} with name {} ({})",
                node.node, other.id, other.node, other.address
            ));
        }
        Ok(())
    }

    /// The node record or a node check changed: the health view of every service on the node did.
    pub fn move_services_of(&mut self, node: &str, rows: bool) {
        let mut seen: Vec<Arc<NodeService>> = Vec::new();
        for service in self.tables.services_on(node) {
            if !seen.iter().any(|other| other.service == service.service && other.kind == service.kind) {
                seen.push(service.clone());
            }
        }
        for service in seen {
            self.move_service(&service);
            if rows {
                self.touch_service_rows(&service);
            }
        }
    }

    /// Removes a node and all that belongs to it; an unknown one is fine.
    pub fn delete_node(&mut self, name: &str) {
        let key = join(&[name]);
        let Some(node) = self.tables.nodes.get(&key).map(|slot| slot.value.clone()) else { return };
        let services: Vec<_> = self.tables.services_on(name).map(|service| service.id.clone()).collect();
        for id in services {
            self.delete_service(name, &id);
        }
        let checks: Vec<_> = self.tables.checks.iter_prefix(&key).map(|slot| slot.value.check_id.clone()).collect();
        for id in checks {
            self.delete_check(name, &id);
        }
        if !self.tables.coordinates.remove_prefix(&key).is_empty() {
            self.move_table(Table::Coordinates);
            self.touch(Space::NodeCoordinates, name);
        }
        self.tables.nodes.remove(&key);
        self.tables.nodes_by_id.remove(id_key(&node.id).as_bytes());
        self.tables.usage.nodes -= 1;
        self.move_table(Table::Nodes);
        self.move_table(Table::NodeLastExtinction);
        self.drop_named(Space::Node, "node.", name);
        let sessions: Vec<_> = self.tables.sessions_by_node.iter_prefix(&key).map(|slot| slot.value.clone()).collect();
        for session in sessions {
            self.delete_session(&session.id);
        }
    }

    /// Writes a node if `modify_index` matches the row (0: if there is none). False when it does not.
    pub fn ensure_node_cas(&mut self, node: Node) -> Result<bool, String> {
        let stored = self.tables.node(&node.node).map(|row| row.modify_index);
        if !cas_matches(stored, node.modify_index) {
            return Ok(false);
        }
        self.ensure_node(node).map(|()| true)
    }
}

/// The compare of every catalog CAS: 0 wants no row, anything else a row with that index.
pub fn cas_matches(stored: Option<Index>, wanted: Index) -> bool {
    match stored {
        None => wanted == 0,
        Some(stored) => wanted != 0 && wanted == stored,
    }
}

/// The node part of a registration.
pub fn request_node(request: &RegisterRequest) -> Node {
    Node {
        id: request.id.clone(),
        node: request.node.clone(),
        address: request.address.clone(),
        datacenter: request.datacenter.clone(),
        tagged_addresses: request.tagged_addresses.clone(),
        meta: request.node_meta.clone(),
        peer_name: request.peer_name.clone(),
        locality: request.locality.clone(),
        create_index: request.create_index,
        modify_index: request.modify_index,
    }
}

/// The node's part of a composite key whose parts before it number `skip`.
pub fn node_part<T: Clone>(slot: &Slot<T>, skip: usize) -> &[u8] {
    parts(slot.key()).nth(skip).expect("composite keys hold the node")
}
