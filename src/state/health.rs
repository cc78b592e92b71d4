//! Health queries: checks, and instances with the checks that decide about them (`spec/semantics.md` 3).

use super::catalog::{MetaFilter, has_meta, has_tags};
use super::index::Table;
use super::key::{join, lower};
use super::radix::Slot;
use super::services::kind_name;
use super::tables::{Rows, index_name};
use super::watch::Space;
use super::{Snapshot, WatchSet};
use crate::types::requests::NodeInfo;
use crate::types::{CheckServiceNode, HealthCheck, Index, Node, NodeService};
use std::sync::Arc;

/// Tables behind everything that shows nodes, instances and checks together.
const HEALTH: [Table; 3] = [Table::Checks, Table::Services, Table::Nodes];

/// The same, and what a missing service reports.
const MISSING: [Table; 4] = [Table::Checks, Table::Services, Table::Nodes, Table::ServiceLastExtinction];

/// More distinct proxy names than this are watched as whole tables.
const MAX_NAMES: usize = 64;

impl Snapshot {
    /// Checks in a state; `any` is all of them.
    pub fn checks_in_state(&self, ws: &mut WatchSet, state: &str, meta: &MetaFilter) -> (Index, Vec<Arc<HealthCheck>>) {
        let tables = self.tables();
        let rows = if state == "any" {
            ws.watch_table(Table::Checks);
            self.with_meta(&tables.checks, b"", 0, meta)
        } else {
            ws.watch(Space::StateChecks, lower(state).as_bytes());
            self.with_meta(&tables.checks_by_status, &join(&[state]), 1, meta)
        };
        ws.depend_tables(&[Table::Checks]);
        if meta.is_empty() {
            return (tables.indexes.table(Table::Checks), rows);
        }
        ws.watch_table(Table::Nodes);
        (tables.indexes.max(&[Table::Checks, Table::Nodes]), rows)
    }

    /// Checks under a key prefix whose node, `skip` parts behind the start of the key, has the metadata.
    fn with_meta(
        &self,
        rows: &Rows<Arc<HealthCheck>>,
        prefix: &[u8],
        skip: usize,
        meta: &MetaFilter,
    ) -> Vec<Arc<HealthCheck>> {
        rows.iter_prefix(prefix)
            .filter(|slot| meta.is_empty() || has_meta(self.tables().node_of(slot, skip), meta))
            .map(|slot| slot.value.clone())
            .collect()
    }

    /// Checks of a node and of everything on it, by check id.
    pub fn node_checks(&self, ws: &mut WatchSet, node: &str) -> (Index, Vec<Arc<HealthCheck>>) {
        ws.watch(Space::NodeChecks, lower(node).as_bytes());
        ws.depend_tables(&[Table::Checks]);
        let rows = self.with_meta(&self.tables().checks, &join(&[node]), 0, &MetaFilter::new());
        (self.tables().indexes.table(Table::Checks), rows)
    }

    /// Checks of all instances of a service, by node and check id.
    pub fn service_checks(&self, ws: &mut WatchSet, name: &str, meta: &MetaFilter) -> (Index, Vec<Arc<HealthCheck>>) {
        let tables = self.tables();
        let rows = self.with_meta(&tables.checks_by_service, &join(&[name]), 1, meta);
        let name = lower(name);
        ws.watch(Space::ServiceChecks, name.as_bytes());
        if meta.is_empty() {
            ws.depend_tables(&[Table::Checks]);
            return (tables.indexes.table(Table::Checks), rows);
        }
        ws.watch(Space::ServiceRows, name.as_bytes());
        ws.depend(Space::Service, name.as_bytes());
        ws.depend_tables(&HEALTH);
        (tables.service_index(&name, true, &HEALTH), rows)
    }

    /// Instances of a service with their nodes and all checks that decide their health.
    pub fn check_service_nodes(
        &self,
        ws: &mut WatchSet,
        name: &str,
        tags: &[String],
        meta: &MetaFilter,
    ) -> (Index, Vec<CheckServiceNode>) {
        let tables = self.tables();
        let rows = self.with_checks(tables.services_by_name.iter_prefix(&join(&[name])), 1, tags, meta);
        let name = lower(name);
        let exists = tables.service_exists(&name);
        if exists {
            ws.watch(Space::Service, name.as_bytes());
        } else {
            ws.watch(Space::ServiceRows, name.as_bytes());
            ws.depend_tables(&MISSING);
        }
        (tables.service_index(&name, exists, &HEALTH), rows)
    }

    /// The same for the mesh-capable endpoints of a service: the index is the highest of the names they are registered under.
    pub fn connect_check_service_nodes(
        &self,
        ws: &mut WatchSet,
        name: &str,
        tags: &[String],
        meta: &MetaFilter,
    ) -> (Index, Vec<CheckServiceNode>) {
        let tables = self.tables();
        let prefix = join(&[name]);
        ws.watch(Space::ConnectRows, lower(name).as_bytes());
        let mut names: Vec<String> = tables
            .services_by_connect
            .iter_prefix(&prefix)
            .map(|slot| lower(&slot.value.service).into_owned())
            .collect();
        names.sort();
        names.dedup();
        let rows = self.with_checks(tables.services_by_connect.iter_prefix(&prefix), 1, tags, meta);
        if names.is_empty() {
            ws.depend(Space::Service, lower(name).as_bytes());
            ws.depend_tables(&MISSING);
            return (tables.service_index(name, false, &HEALTH), rows);
        }
        if names.len() > MAX_NAMES {
            HEALTH.into_iter().for_each(|table| ws.watch_table(table));
        } else {
            names.iter().for_each(|name| ws.watch(Space::Service, name.as_bytes()));
        }
        let index = names.iter().map(|name| tables.service_index(name, true, &HEALTH)).max().unwrap_or(0);
        (index, rows)
    }

    /// All instances, or all of one kind, with nodes and checks.
    pub fn service_dump(&self, ws: &mut WatchSet, kind: Option<&str>) -> (Index, Vec<CheckServiceNode>) {
        let tables = self.tables();
        let none = MetaFilter::new();
        let Some(kind) = kind else {
            HEALTH.into_iter().for_each(|table| ws.watch_table(table));
            let rows = self.with_checks(tables.services_by_name.iter(), 1, &[], &none);
            return (tables.indexes.max(&HEALTH), rows);
        };
        let rows = self.with_checks(tables.services_by_kind.iter_prefix(&join(&[kind])), 2, &[], &none);
        let name = lower(kind_name(kind));
        ws.watch(Space::Kind, name.as_bytes());
        (tables.indexes.named(&index_name("service_kind.", &name)).unwrap_or(0), rows)
    }

    /// Joins instances with nodes and checks; the node stands behind `skip` parts of their keys.
    fn with_checks<'a>(
        &'a self,
        slots: impl Iterator<Item = &'a Slot<Arc<NodeService>>>,
        skip: usize,
        tags: &[String],
        meta: &MetaFilter,
    ) -> Vec<CheckServiceNode> {
        let tables = self.tables();
        let mut rows = Vec::new();
        // Instances of one node follow each other: its own checks are looked up once.
        let mut last: Option<(&Arc<Node>, Vec<Arc<HealthCheck>>)> = None;
        for slot in slots.filter(|slot| has_tags(&slot.value, tags)) {
            let node = tables.node_of(slot, skip);
            if !has_meta(node, meta) {
                continue;
            }
            if !last.as_ref().is_some_and(|(known, _)| Arc::ptr_eq(known, node)) {
                last = Some((node, tables.checks_of(&node.node, "").cloned().collect()));
            }
            let node_checks = last.as_ref().map(|(_, checks)| checks.as_slice()).unwrap_or_default();
            let own = tables.checks_of(&node.node, &slot.value.id).filter(|_| !slot.value.id.is_empty());
            let checks = node_checks.iter().chain(own).cloned().collect();
            rows.push(CheckServiceNode { node: node.clone(), service: slot.value.clone(), checks });
        }
        rows
    }

    fn info(&self, node: &Node) -> NodeInfo {
        let checks = self.tables().checks.iter_prefix(&join(&[&node.node]));
        NodeInfo {
            id: node.id.clone(),
            node: node.node.clone(),
            address: node.address.clone(),
            tagged_addresses: node.tagged_addresses.clone(),
            meta: node.meta.clone(),
            services: self.tables().services_on(&node.node).cloned().collect(),
            checks: checks.map(|slot| slot.value.clone()).collect(),
        }
    }

    /// A node with everything on it.
    pub fn node_info(&self, ws: &mut WatchSet, node: &str) -> (Index, Option<NodeInfo>) {
        let name = lower(node);
        ws.watch(Space::Node, name.as_bytes());
        ws.watch(Space::NodeChecks, name.as_bytes());
        ws.depend_tables(&HEALTH);
        (self.tables().indexes.max(&HEALTH), self.tables().node(node).map(|node| self.info(node)))
    }

    /// All nodes with everything on them, by name.
    pub fn node_dump(&self, ws: &mut WatchSet) -> (Index, Vec<NodeInfo>) {
        HEALTH.into_iter().for_each(|table| ws.watch_table(table));
        let nodes = self.tables().nodes.iter();
        (self.tables().indexes.max(&HEALTH), nodes.map(|slot| self.info(&slot.value)).collect())
    }
}
