//! All tables of one version of the state, and the writer that changes them.

use super::index::{Indexes, Table};
use super::key::Key;
use super::query::Query;
use super::radix::{Slot, Tree};
use super::watch::{Space, Touched};
use crate::types::operator::AutopilotConfig;
use crate::types::{
    DirEntry, GoDuration, HealthCheck, Index, Node, NodeCoordinate, NodeService, Session, SystemMetadataEntry,
};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows under a key made by [`super::key::join`].
pub type Rows<T> = Tree<Slot<T>>;

/// One version of the state. Cloning it shares every table (`spec/semantics.md` 1.2).
#[derive(Clone, Default)]
pub struct Tables {
    /// Highest applied raft index.
    pub last_index: Index,
    /// The index table.
    pub indexes: Indexes,
    /// Nodes by name.
    pub nodes: Rows<Arc<Node>>,
    /// Keys of `nodes` by node id without hyphens.
    pub nodes_by_id: Rows<Arc<[u8]>>,
    /// Instances by node, id.
    pub services: Rows<Arc<NodeService>>,
    /// Instances by service name, node, id.
    pub services_by_name: Rows<Arc<NodeService>>,
    /// Mesh-capable endpoints by the service they serve, node, id.
    pub services_by_connect: Rows<Arc<NodeService>>,
    /// Instances by kind, name, node, id.
    pub services_by_kind: Rows<Arc<NodeService>>,
    /// Checks by node, id.
    pub checks: Rows<Arc<HealthCheck>>,
    /// Checks by node, service id (empty for node checks), id.
    pub checks_by_instance: Rows<Arc<HealthCheck>>,
    /// Checks by service name, node, id.
    pub checks_by_service: Rows<Arc<HealthCheck>>,
    /// Checks by status, node, id.
    pub checks_by_status: Rows<Arc<HealthCheck>>,
    /// Keys.
    pub kvs: Tree<Arc<DirEntry>>,
    /// Held keys: session id, then the key as it is.
    pub kvs_by_session: Rows<()>,
    /// Index of the deletion by key.
    pub tombstones: Rows<Index>,
    /// Sessions by id.
    pub sessions: Rows<Arc<Session>>,
    /// Sessions by node, id.
    pub sessions_by_node: Rows<Arc<Session>>,
    /// Sessions by node, check id, session id.
    pub sessions_by_check: Rows<Arc<Session>>,
    /// Prepared queries by id.
    pub queries: Rows<Arc<Query>>,
    /// Prepared queries by name.
    pub queries_by_name: Rows<Arc<Query>>,
    /// Templates by their prefix in lower case, as it is.
    pub query_templates: Rows<Arc<Query>>,
    /// Prepared queries by session, id.
    pub queries_by_session: Rows<Arc<Query>>,
    /// Coordinates by node, segment.
    pub coordinates: Rows<NodeCoordinate>,
    /// Autopilot settings.
    pub autopilot: Option<Arc<AutopilotConfig>>,
    /// Access control.
    pub acl: super::acl::AclTables,
    /// The certificate authority.
    pub ca: super::ca::CaTables,
    /// System metadata by key.
    pub system_metadata: Rows<Arc<SystemMetadataEntry>>,
    /// Snapshot records of types without a table, by type, in their order.
    pub opaque: Arc<BTreeMap<u8, Vec<Bytes>>>,
    /// Running counts.
    pub usage: super::usage::Counts,
}

/// Applies commands to a private copy of the tables and notes what they touch.
#[derive(Default)]
pub struct Writer {
    /// The copy.
    pub tables: Tables,
    /// Raft index of the command being applied.
    pub index: Index,
    /// What changed so far.
    pub touched: Touched,
    /// Lock delays of keys whose session ended.
    pub delays: Vec<(Arc<DirEntry>, GoDuration)>,
}

impl Writer {
    /// A table changed.
    pub fn move_table(&mut self, table: Table) {
        self.tables.indexes.set_table(table, self.index);
        self.touched.table(table);
    }

    /// The thing behind a named index changed.
    pub fn move_named(&mut self, space: Space, prefix: &str, name: &str) {
        let name = super::key::lower(name);
        self.tables.indexes.set_named(&index_name(prefix, &name), self.index);
        self.touched.name(space, name.as_bytes());
    }

    /// The thing behind a named index is gone.
    pub fn drop_named(&mut self, space: Space, prefix: &str, name: &str) {
        let name = super::key::lower(name);
        self.tables.indexes.remove_named(&index_name(prefix, &name));
        self.touched.name(space, name.as_bytes());
    }

    /// Something that has no index of its own changed.
    pub fn touch(&mut self, space: Space, name: &str) {
        self.touched.name(space, super::key::lower(name).as_bytes());
    }
}

/// Key of a row of the index table, such as `service.web`; the name is lower case already.
pub fn index_name(prefix: &str, name: &str) -> Key {
    let mut key = Key::from_slice(prefix.as_bytes());
    key.extend_from_slice(name.as_bytes());
    key
}
