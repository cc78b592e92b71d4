//! The messages of event streams, as far as service health needs them (`spec/rpc.md` 12).

use crate::types::secret::hidden;
use prost::{Enumeration, Message, Oneof};
use std::collections::BTreeMap;

/// What a subscriber asks for.
#[derive(Clone, PartialEq, Message, derive_more::Debug)]
#[prost(skip_debug)]
pub struct SubscribeRequest {
    #[prost(enumeration = "Topic", tag = "1")]
    pub topic: i32,
    /// Service name, as clients before 1.13 send it.
    #[prost(string, tag = "2")]
    pub key: String,
    #[prost(string, tag = "3")]
    #[debug("{}", hidden(token))]
    pub token: String,
    /// Index of the last event that the subscriber has; 0 for none.
    #[prost(uint64, tag = "4")]
    pub index: u64,
    #[prost(string, tag = "5")]
    pub datacenter: String,
    #[prost(string, tag = "8")]
    pub peer_name: String,
    #[prost(oneof = "Subject", tags = "9, 10")]
    pub subject: Option<Subject>,
}

/// What a subscription is about.
#[derive(Clone, PartialEq, Oneof)]
pub enum Subject {
    /// Everything of the topic.
    #[prost(bool, tag = "9")]
    Wildcard(bool),
    #[prost(message, tag = "10")]
    Named(NamedSubject),
}

#[derive(Clone, PartialEq, Message)]
pub struct NamedSubject {
    #[prost(string, tag = "1")]
    pub key: String,
    #[prost(string, tag = "4")]
    pub peer_name: String,
}

/// The topics that the reference knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum Topic {
    Unknown = 0,
    ServiceHealth = 1,
    ServiceHealthConnect = 2,
    MeshConfig = 3,
    ServiceResolver = 4,
    IngressGateway = 5,
    ServiceIntentions = 6,
    ServiceList = 7,
    ServiceDefaults = 8,
    ApiGateway = 9,
    TcpRoute = 10,
    HttpRoute = 11,
    InlineCertificate = 12,
    BoundApiGateway = 13,
    IpRateLimit = 14,
    SamenessGroup = 15,
    JwtProvider = 16,
    ExportedServices = 17,
    FileSystemCertificate = 18,
}

#[derive(Clone, PartialEq, Message)]
pub struct Event {
    #[prost(uint64, tag = "1")]
    pub index: u64,
    #[prost(oneof = "Payload", tags = "2, 3, 4, 10")]
    pub payload: Option<Payload>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum Payload {
    /// The snapshot is complete.
    #[prost(bool, tag = "2")]
    EndOfSnapshot(bool),
    /// What the subscriber has is to be forgotten; a snapshot follows.
    #[prost(bool, tag = "3")]
    NewSnapshotToFollow(bool),
    #[prost(message, tag = "4")]
    Batch(EventBatch),
    #[prost(message, tag = "10")]
    ServiceHealth(Box<ServiceHealthUpdate>),
}

#[derive(Clone, PartialEq, Message)]
pub struct EventBatch {
    #[prost(message, repeated, tag = "1")]
    pub events: Vec<Event>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ServiceHealthUpdate {
    #[prost(enumeration = "Op", tag = "1")]
    pub op: i32,
    #[prost(message, optional, tag = "2")]
    pub check_service_node: Option<CheckServiceNode>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub enum Op {
    Register = 0,
    Deregister = 1,
}

#[derive(Clone, PartialEq, Message)]
pub struct CheckServiceNode {
    #[prost(message, optional, tag = "1")]
    pub node: Option<Node>,
    #[prost(message, optional, tag = "2")]
    pub service: Option<NodeService>,
    #[prost(message, repeated, tag = "3")]
    pub checks: Vec<HealthCheck>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub struct RaftIndex {
    #[prost(uint64, tag = "1")]
    pub create_index: u64,
    #[prost(uint64, tag = "2")]
    pub modify_index: u64,
}

#[derive(Clone, PartialEq, Message)]
pub struct Locality {
    #[prost(string, tag = "1")]
    pub region: String,
    #[prost(string, tag = "2")]
    pub zone: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Node {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(string, tag = "2")]
    pub node: String,
    #[prost(string, tag = "3")]
    pub address: String,
    #[prost(string, tag = "4")]
    pub datacenter: String,
    #[prost(btree_map = "string, string", tag = "5")]
    pub tagged_addresses: BTreeMap<String, String>,
    #[prost(btree_map = "string, string", tag = "6")]
    pub meta: BTreeMap<String, String>,
    #[prost(message, optional, tag = "7")]
    pub raft_index: Option<RaftIndex>,
    #[prost(string, tag = "9")]
    pub peer_name: String,
    #[prost(message, optional, tag = "10")]
    pub locality: Option<Locality>,
}

#[derive(Clone, PartialEq, Message)]
pub struct NodeService {
    #[prost(string, tag = "1")]
    pub kind: String,
    #[prost(string, tag = "2")]
    pub id: String,
    #[prost(string, tag = "3")]
    pub service: String,
    #[prost(string, repeated, tag = "4")]
    pub tags: Vec<String>,
    #[prost(string, tag = "5")]
    pub address: String,
    #[prost(btree_map = "string, string", tag = "6")]
    pub meta: BTreeMap<String, String>,
    #[prost(int32, tag = "7")]
    pub port: i32,
    #[prost(message, optional, tag = "8")]
    pub weights: Option<Weights>,
    #[prost(bool, tag = "9")]
    pub enable_tag_override: bool,
    #[prost(message, optional, tag = "11")]
    pub proxy: Option<ConnectProxyConfig>,
    #[prost(message, optional, tag = "12")]
    pub connect: Option<ServiceConnect>,
    #[prost(bool, tag = "13")]
    pub locally_registered_as_sidecar: bool,
    #[prost(message, optional, tag = "14")]
    pub raft_index: Option<RaftIndex>,
    #[prost(btree_map = "string, message", tag = "15")]
    pub tagged_addresses: BTreeMap<String, ServiceAddress>,
    #[prost(string, tag = "17")]
    pub socket_path: String,
    #[prost(string, tag = "18")]
    pub peer_name: String,
    #[prost(message, optional, tag = "19")]
    pub locality: Option<Locality>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ServiceAddress {
    #[prost(string, tag = "1")]
    pub address: String,
    #[prost(int32, tag = "2")]
    pub port: i32,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub struct Weights {
    #[prost(int32, tag = "1")]
    pub passing: i32,
    #[prost(int32, tag = "2")]
    pub warning: i32,
}

#[derive(Clone, PartialEq, Message)]
pub struct ServiceConnect {
    #[prost(bool, tag = "1")]
    pub native: bool,
    #[prost(message, optional, tag = "4")]
    pub peer_meta: Option<PeeringServiceMeta>,
}

#[derive(Clone, PartialEq, Message)]
pub struct PeeringServiceMeta {
    #[prost(string, repeated, tag = "1")]
    pub sni: Vec<String>,
    #[prost(string, repeated, tag = "2")]
    pub spiffe_id: Vec<String>,
    #[prost(string, tag = "3")]
    pub protocol: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct ConnectProxyConfig {
    #[prost(string, tag = "1")]
    pub destination_service_name: String,
    #[prost(string, tag = "2")]
    pub destination_service_id: String,
    #[prost(string, tag = "3")]
    pub local_service_address: String,
    #[prost(int32, tag = "4")]
    pub local_service_port: i32,
    #[prost(message, optional, tag = "5")]
    pub config: Option<Struct>,
    #[prost(message, repeated, tag = "6")]
    pub upstreams: Vec<Upstream>,
    #[prost(message, optional, tag = "7")]
    pub mesh_gateway: Option<MeshGateway>,
    #[prost(message, optional, tag = "8")]
    pub expose: Option<Expose>,
    #[prost(string, tag = "9")]
    pub mode: String,
    #[prost(message, optional, tag = "10")]
    pub transparent_proxy: Option<TransparentProxy>,
    #[prost(string, tag = "11")]
    pub local_service_socket_path: String,
    #[prost(message, repeated, tag = "12")]
    pub envoy_extensions: Vec<EnvoyExtension>,
    #[prost(message, optional, tag = "13")]
    pub access_logs: Option<AccessLogs>,
}

#[derive(Clone, PartialEq, Message)]
pub struct EnvoyExtension {
    #[prost(string, tag = "1")]
    pub name: String,
    #[prost(bool, tag = "2")]
    pub required: bool,
    #[prost(message, optional, tag = "3")]
    pub arguments: Option<Struct>,
    #[prost(string, tag = "4")]
    pub consul_version: String,
    #[prost(string, tag = "5")]
    pub envoy_version: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct AccessLogs {
    #[prost(bool, tag = "1")]
    pub enabled: bool,
    #[prost(bool, tag = "2")]
    pub disable_listener_logs: bool,
    #[prost(string, tag = "3")]
    pub kind: String,
    #[prost(string, tag = "4")]
    pub path: String,
    #[prost(string, tag = "5")]
    pub json_format: String,
    #[prost(string, tag = "6")]
    pub text_format: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct MeshGateway {
    #[prost(string, tag = "1")]
    pub mode: String,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub struct TransparentProxy {
    #[prost(int32, tag = "1")]
    pub outbound_listener_port: i32,
    #[prost(bool, tag = "2")]
    pub dialed_directly: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct Expose {
    #[prost(bool, tag = "1")]
    pub checks: bool,
    #[prost(message, repeated, tag = "2")]
    pub paths: Vec<ExposePath>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ExposePath {
    #[prost(int32, tag = "1")]
    pub listener_port: i32,
    #[prost(string, tag = "2")]
    pub path: String,
    #[prost(int32, tag = "3")]
    pub local_path_port: i32,
    #[prost(string, tag = "4")]
    pub protocol: String,
    #[prost(bool, tag = "5")]
    pub parsed_from_check: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct Upstream {
    #[prost(string, tag = "1")]
    pub destination_type: String,
    #[prost(string, tag = "2")]
    pub destination_namespace: String,
    #[prost(string, tag = "3")]
    pub destination_name: String,
    #[prost(string, tag = "4")]
    pub datacenter: String,
    #[prost(string, tag = "5")]
    pub local_bind_address: String,
    #[prost(int32, tag = "6")]
    pub local_bind_port: i32,
    #[prost(message, optional, tag = "7")]
    pub config: Option<Struct>,
    #[prost(message, optional, tag = "8")]
    pub mesh_gateway: Option<MeshGateway>,
    #[prost(bool, tag = "9")]
    pub centrally_configured: bool,
    #[prost(string, tag = "10")]
    pub local_bind_socket_path: String,
    #[prost(string, tag = "11")]
    pub local_bind_socket_mode: String,
    #[prost(string, tag = "12")]
    pub destination_partition: String,
    #[prost(string, tag = "13")]
    pub destination_peer: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct HealthCheck {
    #[prost(string, tag = "1")]
    pub node: String,
    #[prost(string, tag = "2")]
    pub check_id: String,
    #[prost(string, tag = "3")]
    pub name: String,
    #[prost(string, tag = "4")]
    pub status: String,
    #[prost(string, tag = "5")]
    pub notes: String,
    #[prost(string, tag = "6")]
    pub output: String,
    #[prost(string, tag = "7")]
    pub service_id: String,
    #[prost(string, tag = "8")]
    pub service_name: String,
    #[prost(string, repeated, tag = "9")]
    pub service_tags: Vec<String>,
    #[prost(message, optional, tag = "10")]
    pub definition: Option<CheckDefinition>,
    #[prost(message, optional, tag = "11")]
    pub raft_index: Option<RaftIndex>,
    #[prost(string, tag = "12")]
    pub kind: String,
    #[prost(int32, tag = "14")]
    pub exposed_port: i32,
    #[prost(string, tag = "15")]
    pub interval: String,
    #[prost(string, tag = "16")]
    pub timeout: String,
    #[prost(string, tag = "17")]
    pub peer_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct CheckDefinition {
    #[prost(string, tag = "1")]
    pub http: String,
    #[prost(bool, tag = "2")]
    pub tls_skip_verify: bool,
    #[prost(btree_map = "string, message", tag = "3")]
    pub header: BTreeMap<String, HeaderValue>,
    #[prost(string, tag = "4")]
    pub method: String,
    #[prost(string, tag = "5")]
    pub tcp: String,
    #[prost(message, optional, tag = "6")]
    pub interval: Option<Duration>,
    #[prost(message, optional, tag = "7")]
    pub timeout: Option<Duration>,
    #[prost(message, optional, tag = "8")]
    pub deregister_critical_service_after: Option<Duration>,
    #[prost(uint32, tag = "9")]
    pub output_max_size: u32,
    #[prost(string, repeated, tag = "10")]
    pub script_args: Vec<String>,
    #[prost(string, tag = "11")]
    pub docker_container_id: String,
    #[prost(string, tag = "12")]
    pub shell: String,
    #[prost(string, tag = "13")]
    pub grpc: String,
    #[prost(bool, tag = "14")]
    pub grpc_use_tls: bool,
    #[prost(string, tag = "15")]
    pub alias_node: String,
    #[prost(string, tag = "16")]
    pub alias_service: String,
    #[prost(message, optional, tag = "17")]
    pub ttl: Option<Duration>,
    #[prost(string, tag = "18")]
    pub body: String,
    #[prost(string, tag = "19")]
    pub tls_server_name: String,
    #[prost(string, tag = "20")]
    pub h2ping: String,
    #[prost(bool, tag = "21")]
    pub h2ping_use_tls: bool,
    #[prost(bool, tag = "22")]
    pub disable_redirects: bool,
    #[prost(string, tag = "23")]
    pub udp: String,
    #[prost(string, tag = "24")]
    pub os_service: String,
    #[prost(bool, tag = "25")]
    pub tcp_use_tls: bool,
    #[prost(string, tag = "26")]
    pub session_name: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct HeaderValue {
    #[prost(string, repeated, tag = "1")]
    pub value: Vec<String>,
}

/// `google.protobuf.Duration`.
#[derive(Clone, Copy, PartialEq, Message)]
pub struct Duration {
    #[prost(int64, tag = "1")]
    pub seconds: i64,
    #[prost(int32, tag = "2")]
    pub nanos: i32,
}

/// `google.protobuf.Struct`.
#[derive(Clone, PartialEq, Message)]
pub struct Struct {
    #[prost(btree_map = "string, message", tag = "1")]
    pub fields: BTreeMap<String, Value>,
}

/// `google.protobuf.Value`.
#[derive(Clone, PartialEq, Message)]
pub struct Value {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6")]
    pub kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
pub enum Kind {
    #[prost(int32, tag = "1")]
    Null(i32),
    #[prost(double, tag = "2")]
    Number(f64),
    #[prost(string, tag = "3")]
    Text(String),
    #[prost(bool, tag = "4")]
    Truth(bool),
    #[prost(message, tag = "5")]
    Struct(Struct),
    #[prost(message, tag = "6")]
    List(ListValue),
}

/// `google.protobuf.ListValue`.
#[derive(Clone, PartialEq, Message)]
pub struct ListValue {
    #[prost(message, repeated, tag = "1")]
    pub values: Vec<Value>,
}
