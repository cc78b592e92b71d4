//! Requests and replies of the read endpoints, named as on the wire (`spec/rpc.md` 10).

use super::coordinate::NodeCoordinate;
use super::operator::AutopilotConfig;
use super::{
    CheckServiceNode, DirEntry, HealthCheck, Index, Node, NodeService, QueryMeta, QueryOptions, QuerySource,
    ServiceNode, Session, StringMap,
};
use crate::types::secret::hidden;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the blocking engine and forwarding need to know of any request.
pub trait Request {
    /// Target datacenter; empty is the own one.
    fn datacenter(&self) -> &str;
    /// Secret of the caller.
    fn token(&self) -> &str;
    /// Secret of the caller, to change; none for requests that have no such field.
    fn token_mut(&mut self) -> Option<&mut String> {
        None
    }
    /// Options, for reads.
    fn query(&self) -> Option<&QueryOptions> {
        None
    }
    /// The target datacenter, to fill in; none for requests that have no such field.
    fn datacenter_mut(&mut self) -> Option<&mut String> {
        None
    }
}

/// A read request: its options can be seen and changed.
pub trait ReadRequest: Request {
    /// The options.
    fn options(&self) -> &QueryOptions;
    /// The options, to change.
    fn options_mut(&mut self) -> &mut QueryOptions;
}

/// A read answer: its metadata can be seen and changed.
pub trait ReadReply {
    /// The metadata.
    fn meta(&self) -> &QueryMeta;
    /// The metadata, to fill in.
    fn meta_mut(&mut self) -> &mut QueryMeta;
}

/// Requests with a `datacenter` and options in `query`.
macro_rules! reads {
    ($($name:ident)*) => {$(
        impl Request for $name {
            fn datacenter(&self) -> &str { &self.datacenter }
            fn datacenter_mut(&mut self) -> Option<&mut String> { Some(&mut self.datacenter) }
            fn token(&self) -> &str { &self.query.token }
            fn token_mut(&mut self) -> Option<&mut String> { Some(&mut self.query.token) }
            fn query(&self) -> Option<&QueryOptions> { Some(&self.query) }
        }
        impl ReadRequest for $name {
            fn options(&self) -> &QueryOptions { &self.query }
            fn options_mut(&mut self) -> &mut QueryOptions { &mut self.query }
        }
    )*};
}
pub(super) use reads;

macro_rules! read_requests {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident : $ty:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase", default)]
        pub struct $name {
            /// Target datacenter.
            pub datacenter: String,
            $($(#[$fdoc])* pub $field: $ty,)*
            /// Options.
            #[serde(flatten)]
            pub query: QueryOptions,
        }
        crate::types::requests::reads!($name);
    )*};
}

read_requests! {
    /// About a whole datacenter.
    DcRequest {
        /// Only nodes with this metadata.
        node_meta_filters: BTreeMap<String, String>,
        /// Where the request comes from.
        source: QuerySource,
        /// Peer; empty for local rows.
        peer_name: String,
    }
    /// About a service.
    ServiceRequest {
        /// Only nodes with this metadata.
        node_meta_filters: BTreeMap<String, String>,
        /// Service name.
        service_name: String,
        /// Only instances with all these tags.
        service_tags: Vec<String>,
        /// Old single tag of DNS and older clients.
        service_tag: String,
        /// Old address match of DNS.
        service_address: String,
        /// `service_tags` apply.
        tag_filter: bool,
        /// Mesh-capable endpoints instead.
        connect: bool,
        /// Ingress gateways instead.
        ingress: bool,
        /// Fold central configuration into proxies.
        merge_central_config: bool,
        /// Kind of service, for dumps.
        service_kind: String,
        /// Which instances: 0 all, 1 without critical ones, 2 only passing ones.
        health_filter_type: i64,
        /// Where the request comes from.
        source: QuerySource,
        /// Peer; empty for local rows.
        peer_name: String,
    }
    /// About a node.
    NodeRequest {
        /// Node name, or id prefix where the endpoint allows it.
        node: String,
        /// Where the request comes from.
        source: QuerySource,
        /// Peer; empty for local rows.
        peer_name: String,
    }
    /// About checks in a state.
    StateRequest {
        /// Only nodes with this metadata.
        node_meta_filters: BTreeMap<String, String>,
        /// `any`, `passing`, `warning`, `critical`.
        state: String,
        /// Where the request comes from.
        source: QuerySource,
        /// Peer; empty for local rows.
        peer_name: String,
    }
    /// About a key or prefix.
    KeyRequest {
        /// Key or prefix.
        key: String,
    }
    /// About the key names under a prefix.
    KeyListRequest {
        /// Prefix.
        prefix: String,
        /// Cut names after the first of these.
        seperator: String,
    }
    /// About a session.
    SessionSpecificRequest {
        /// Session id.
        #[serde(rename = "SessionID")]
        session_id: String,
        /// Its older name, read when the other is empty.
        session: String,
    }
    /// Dump of service instances, all or of one kind.
    ServiceDumpRequest {
        /// Kind.
        service_kind: String,
        /// `service_kind` applies.
        use_service_kind: bool,
        /// Peer; empty for local rows.
        peer_name: String,
    }
}

pub(super) use read_requests;

impl SessionSpecificRequest {
    /// The session id, under whichever name it came.
    pub fn id(&self) -> &str {
        if self.session_id.is_empty() { &self.session } else { &self.session_id }
    }
}

macro_rules! replies {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident : $ty:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase", default)]
        pub struct $name {
            $($(#[$fdoc])* pub $field: $ty,)*
            /// About the answer.
            #[serde(flatten)]
            pub meta: QueryMeta,
        }
        impl ReadReply for $name {
            fn meta(&self) -> &QueryMeta { &self.meta }
            fn meta_mut(&mut self) -> &mut QueryMeta { &mut self.meta }
        }
    )*};
}

pub(super) use replies;

/// Tags by service name.
pub type ServiceTags = BTreeMap<String, Vec<String>>;

/// A node with its instances by id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeServices {
    /// The node.
    pub node: Option<Arc<Node>>,
    /// Its instances by id.
    pub services: Option<BTreeMap<String, Arc<NodeService>>>,
}

/// A node with its instances in a list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeServiceList {
    /// The node.
    pub node: Option<Arc<Node>>,
    /// Its instances.
    pub services: Option<Vec<Arc<NodeService>>>,
}

/// A node with everything on it, for the web UI.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeInfo {
    /// Node id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Node name.
    pub node: String,
    /// Address.
    pub address: String,
    /// Addresses by purpose.
    pub tagged_addresses: StringMap,
    /// Metadata.
    pub meta: StringMap,
    /// Instances.
    pub services: Vec<Arc<NodeService>>,
    /// Checks.
    pub checks: Vec<Arc<HealthCheck>>,
}

replies! {
    /// Nodes.
    IndexedNodes {
        /// The nodes.
        nodes: Vec<Arc<Node>>,
    }
    /// Service names with tags.
    IndexedServices {
        /// Tags by service name.
        services: ServiceTags,
    }
    /// Instances with nodes.
    IndexedServiceNodes {
        /// The instances.
        service_nodes: Vec<ServiceNode>,
    }
    /// A node with its instances.
    IndexedNodeServices {
        /// Null for an unknown node.
        node_services: Option<NodeServices>,
    }
    /// A node with its instances in a list.
    IndexedNodeServiceList {
        /// The list.
        node_services: NodeServiceList,
    }
    /// Checks.
    IndexedHealthChecks {
        /// The checks.
        health_checks: Vec<Arc<HealthCheck>>,
    }
    /// Instances with nodes and checks.
    IndexedCheckServiceNodes {
        /// The instances.
        nodes: Vec<CheckServiceNode>,
    }
    /// Entries; null for an absent key.
    IndexedDirEntries {
        /// The entries.
        entries: Option<Vec<Arc<DirEntry>>>,
    }
    /// Key names.
    IndexedKeyList {
        /// The names.
        keys: Vec<String>,
    }
    /// Sessions.
    IndexedSessions {
        /// The sessions.
        sessions: Vec<Arc<Session>>,
    }
    /// Coordinates.
    IndexedCoordinates {
        /// The coordinates.
        coordinates: Vec<NodeCoordinate>,
    }
    /// Nodes with everything on them.
    IndexedNodeDump {
        /// The nodes.
        dump: Vec<NodeInfo>,
    }
}

macro_rules! writes {
    ($($name:path),* $(,)?) => {$(
        impl Request for $name {
            fn datacenter(&self) -> &str { &self.datacenter }
            fn datacenter_mut(&mut self) -> Option<&mut String> { Some(&mut self.datacenter) }
            fn token(&self) -> &str { &self.token }
            fn token_mut(&mut self) -> Option<&mut String> { Some(&mut self.token) }
        }
    )*};
}
pub(super) use writes;

/// Stores a node's coordinate.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CoordinateUpdateRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// The row.
    #[serde(flatten)]
    pub update: NodeCoordinate,
    /// Secret of the caller.
    #[debug("{}", hidden(token))]
    pub token: String,
}

/// Stores the autopilot settings.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AutopilotSetRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// The settings; `modify_index` is the index to compare with.
    pub config: AutopilotConfig,
    /// Compare first.
    #[serde(rename = "CAS")]
    pub cas: bool,
    /// Secret of the caller.
    #[debug("{}", hidden(token))]
    pub token: String,
}

/// Removes a server from the raft configuration, by id or by address.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RaftRemovePeerRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// `ip:port`, or empty.
    pub address: String,
    /// Node id, or empty.
    #[serde(rename = "ID")]
    pub id: String,
    /// Secret of the caller.
    #[debug("{}", hidden(token))]
    pub token: String,
}

/// Hands the leadership over, to a certain server or to the one that is furthest. Not a method of the reference, which has
/// this in another protocol.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TransferLeaderRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// Node id, or empty.
    #[serde(rename = "ID")]
    pub id: String,
    /// Secret of the caller.
    #[debug("{}", hidden(token))]
    pub token: String,
}

writes!(
    super::RegisterRequest,
    super::DeregisterRequest,
    super::KvRequest,
    super::SessionRequest,
    super::txn::TxnRequest,
    CoordinateUpdateRequest,
    AutopilotSetRequest,
    RaftRemovePeerRequest,
    TransferLeaderRequest,
);

impl Request for super::txn::TxnReadRequest {
    fn datacenter(&self) -> &str {
        &self.datacenter
    }
    fn datacenter_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.datacenter)
    }
    fn token(&self) -> &str {
        &self.query.token
    }
    fn token_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.query.token)
    }
    fn query(&self) -> Option<&QueryOptions> {
        Some(&self.query)
    }
}

/// Index of an answer as HTTP shows it: never 0.
pub fn shown_index(index: Index) -> Index {
    index.max(1)
}
