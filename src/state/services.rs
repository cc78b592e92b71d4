//! The `services` table and its indexes by name, kind and mesh destination (`spec/semantics.md` 2.3, 5.5).

use super::index::Table;
use super::key::join;
use super::nodes::{MISSING_NODE, cas_matches, same_map};
use super::radix::Slot;
use super::tables::{Tables, Writer};
use super::watch::Space;
use crate::types::{Index, NodeService, Weights};
use std::sync::Arc;

/// Kind of a sidecar or other mesh proxy.
const CONNECT_PROXY: &str = "connect-proxy";

/// Name of a kind in the index table.
pub fn kind_name(kind: &str) -> &str {
    if kind.is_empty() { "typical" } else { kind }
}

/// The service that an instance serves in the mesh, if any.
pub fn connect_name(service: &NodeService) -> Option<&str> {
    if service.kind == CONNECT_PROXY {
        Some(&service.proxy.destination_service_name)
    } else {
        service.connect.native.then_some(&service.service)
    }
}

/// Equality that decides whether an instance is written (`spec/semantics.md` 2.2).
fn is_same(a: &NodeService, b: &NodeService) -> bool {
    a.id == b.id
        && a.service == b.service
        && a.kind == b.kind
        && a.tags.iter().flatten().eq(b.tags.iter().flatten())
        && a.address == b.address
        && a.port == b.port
        && a.socket_path == b.socket_path
        && same_map(&a.tagged_addresses, &b.tagged_addresses)
        && a.weights == b.weights
        && same_map(&a.meta, &b.meta)
        && a.locality == b.locality
        && a.enable_tag_override == b.enable_tag_override
        && a.proxy == b.proxy
        && a.connect == b.connect
        && a.peer_name == b.peer_name
}

impl Tables {
    /// An instance by node and id.
    pub fn service(&self, node: &str, id: &str) -> Option<&Arc<NodeService>> {
        self.services.get(&join(&[node, id])).map(|slot| &slot.value)
    }

    /// True when the service has any instance.
    pub fn service_exists(&self, name: &str) -> bool {
        self.services_by_name.iter_prefix(&join(&[name])).next().is_some()
    }
}

impl Writer {
    /// Inserts or changes an instance; the caller's indexes are ignored.
    pub fn ensure_service(&mut self, node: &str, service: &NodeService) -> Result<(), String> {
        if self.tables.node(node).is_none() {
            return Err(MISSING_NODE.into());
        }
        let mut row = service.clone();
        // The endpoint sees to sensible weights; a row that came around it gets the default.
        row.weights = row.weights.or(Some(Weights::default()));
        let old = self.tables.service(node, &row.id);
        if old.is_some_and(|old| is_same(old, &row)) {
            return Ok(());
        }
        row.create_index = old.map_or(self.index, |old| old.create_index);
        row.modify_index = self.index;
        self.put_service(node, row);
        Ok(())
    }

    /// Stores a row as it is and moves the indexes that depend on it.
    pub fn put_service(&mut self, node: &str, row: NodeService) {
        let row = Arc::new(row);
        let old = self.tables.services.insert(Slot::new(&join(&[node, &row.id]), row.clone())).map(|slot| slot.value);
        if let Some(old) = &old {
            self.unlink_service(node, old);
            if !super::key::lower(&old.service).eq(&super::key::lower(&row.service)) {
                // The instance left its former service; for that service it is a removal.
                self.leave_service(old);
            } else if old.kind != row.kind || connect_name(old) != connect_name(&row) {
                self.touch_service_rows(old);
                self.move_named(Space::Kind, "service_kind.", kind_name(&old.kind));
            }
        }
        if self.tables.services_by_kind.iter_prefix(&join(&[&row.kind, &row.service])).next().is_none() {
            self.move_table(Table::KindServiceNames);
        }
        self.link_service(node, &row);
        self.move_table(Table::Nodes);
        self.move_named(Space::Node, "node.", node);
        self.move_table(Table::Services);
        self.move_service(&row);
        self.touch_service_rows(&row);
    }

    fn link_service(&mut self, node: &str, row: &Arc<NodeService>) {
        let tables = &mut self.tables;
        tables.usage.names += u64::from(!tables.service_exists(&row.service));
        tables.services_by_name.insert(Slot::new(&join(&[&row.service, node, &row.id]), row.clone()));
        tables.services_by_kind.insert(Slot::new(&join(&[&row.kind, &row.service, node, &row.id]), row.clone()));
        if let Some(name) = connect_name(row) {
            tables.services_by_connect.insert(Slot::new(&join(&[name, node, &row.id]), row.clone()));
        }
        tables.usage.add_service(row);
    }

    fn unlink_service(&mut self, node: &str, row: &NodeService) {
        let tables = &mut self.tables;
        tables.services_by_name.remove(&join(&[&row.service, node, &row.id]));
        tables.services_by_kind.remove(&join(&[&row.kind, &row.service, node, &row.id]));
        if let Some(name) = connect_name(row) {
            tables.services_by_connect.remove(&join(&[name, node, &row.id]));
        }
        tables.usage.names -= u64::from(!tables.service_exists(&row.service));
        tables.usage.remove_service(row);
    }

    /// The health view of a service and of its kind changed.
    pub fn move_service(&mut self, service: &NodeService) {
        self.move_named(Space::Service, "service.", &service.service);
        self.move_named(Space::Kind, "service_kind.", kind_name(&service.kind));
    }

    /// The rows that catalog queries of a service read changed.
    pub fn touch_service_rows(&mut self, service: &NodeService) {
        self.touch(Space::ServiceRows, &service.service);
        if let Some(name) = connect_name(service) {
            self.touch(Space::ConnectRows, name);
        }
    }

    /// An unlinked instance is gone from its service.
    fn leave_service(&mut self, row: &NodeService) {
        self.touch_service_rows(row);
        if self.tables.service_exists(&row.service) {
            self.move_service(row);
        } else {
            self.move_named(Space::Kind, "service_kind.", kind_name(&row.kind));
            self.drop_named(Space::Service, "service.", &row.service);
            self.move_table(Table::ServiceLastExtinction);
        }
        if self.tables.services_by_kind.iter_prefix(&join(&[&row.kind, &row.service])).next().is_none() {
            self.move_table(Table::KindServiceNames);
        }
    }

    /// Removes an instance and its checks; an unknown one is fine.
    pub fn delete_service(&mut self, node: &str, id: &str) {
        let Some(row) = self.tables.service(node, id).cloned() else { return };
        let checks = self.tables.checks_by_instance.iter_prefix(&join(&[node, id]));
        let checks: Vec<_> = checks.map(|slot| slot.value.check_id.clone()).collect();
        for check in checks {
            self.delete_check(node, &check);
        }
        self.move_table(Table::Checks);
        self.tables.services.remove(&join(&[node, id]));
        self.unlink_service(node, &row);
        self.move_table(Table::Services);
        self.move_table(Table::Nodes);
        self.move_named(Space::Node, "node.", node);
        self.leave_service(&row);
    }

    /// Writes an instance if `modify_index` matches the row (0: if there is none). False when it does not.
    pub fn ensure_service_cas(&mut self, node: &str, service: &NodeService) -> Result<bool, String> {
        let stored = self.tables.service(node, &service.id).map(|row| row.modify_index);
        if !cas_matches(stored, service.modify_index) {
            return Ok(false);
        }
        self.ensure_service(node, service).map(|()| true)
    }

    /// Removes an instance if its index matches. False when it does not, or when there is none.
    pub fn delete_service_cas(&mut self, node: &str, id: &str, index: Index) -> bool {
        let matches = self.tables.service(node, id).is_some_and(|row| row.modify_index == index);
        if matches {
            self.delete_service(node, id);
        }
        matches
    }
}
