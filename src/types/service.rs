//! Service instances in their three shapes: as stored, joined with the node, and joined with checks.

use super::value::{is_zero, map_is_empty};
use super::{HealthCheck, Index, Locality, Node, StringMap};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Kind of a service; the empty text is a typical service.
pub type ServiceKind = String;

/// Kinds that the reference knows, besides `""`.
pub const SERVICE_KINDS: [&str; 5] =
    ["connect-proxy", "mesh-gateway", "terminating-gateway", "ingress-gateway", "api-gateway"];

/// DNS weights of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Weights {
    /// Weight while passing; at least 1.
    pub passing: i64,
    /// Weight while in warning; at least 0.
    pub warning: i64,
}

impl Default for Weights {
    fn default() -> Self {
        Weights { passing: 1, warning: 1 }
    }
}

/// An address and port by purpose.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceAddress {
    /// IP or host name.
    pub address: String,
    /// Port, 0 for none.
    pub port: i64,
}

/// Tagged addresses of a service.
pub type ServiceAddresses = Option<BTreeMap<String, ServiceAddress>>;

/// A service instance of a node (`spec/http-api.md` 2.2).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeService {
    /// Kind; empty for a typical service.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: ServiceKind,
    /// Instance id, unique on its node.
    #[serde(rename = "ID")]
    pub id: String,
    /// Service name.
    pub service: String,
    /// Tags; order matters for equality.
    pub tags: Option<Vec<String>>,
    /// Empty means the node's address.
    pub address: String,
    /// Addresses by purpose.
    #[serde(skip_serializing_if = "map_is_empty")]
    pub tagged_addresses: ServiceAddresses,
    /// Service metadata.
    pub meta: StringMap,
    /// Port, 0 for none.
    #[serde(skip_serializing_if = "is_zero")]
    pub port: i64,
    /// Unix socket instead of address and port.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub socket_path: String,
    /// DNS weights; null only when never set.
    pub weights: Option<Weights>,
    /// Catalog tags win over the agent's.
    pub enable_tag_override: bool,
    /// Region and zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locality: Option<Locality>,
    /// Proxy configuration.
    pub proxy: ConnectProxyConfig,
    /// Mesh settings.
    pub connect: ServiceConnect,
    /// True for a sidecar registered through its parent.
    #[serde(skip_serializing_if = "is_zero")]
    pub locally_registered_as_sidecar: bool,
    /// Peer the instance was imported from.
    pub peer_name: String,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

/// Mesh settings of a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceConnect {
    /// The service speaks mesh TLS itself.
    #[serde(skip_serializing_if = "is_zero")]
    pub native: bool,
    /// Nested sidecar definition (kept as given).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sidecar_service: Option<Box<serde_json::Value>>,
    /// Metadata for peers (kept as given).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_meta: Option<Box<serde_json::Value>>,
}

/// Proxy configuration of a service instance (`spec/http-api.md` 2.3).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ConnectProxyConfig {
    /// Envoy extensions (kept as given).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub envoy_extensions: Vec<serde_json::Value>,
    /// Service the proxy stands for.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub destination_service_name: String,
    /// Instance the proxy stands for.
    #[serde(rename = "DestinationServiceID", skip_serializing_if = "String::is_empty")]
    pub destination_service_id: String,
    /// Address of the local application.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub local_service_address: String,
    /// Port of the local application.
    #[serde(skip_serializing_if = "is_zero")]
    pub local_service_port: i64,
    /// Socket of the local application.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub local_service_socket_path: String,
    /// `""`, `transparent` or `direct`.
    pub mode: String,
    /// Transparent proxy settings.
    #[serde(skip_serializing_if = "is_zero")]
    pub transparent_proxy: TransparentProxy,
    /// Access log settings (kept as given).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_logs: Option<Box<serde_json::Value>>,
    /// Opaque settings.
    #[serde(skip_serializing_if = "map_is_empty")]
    pub config: Option<BTreeMap<String, serde_json::Value>>,
    /// Upstream services.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upstreams: Vec<Upstream>,
    /// Mesh gateway mode.
    pub mesh_gateway: MeshGateway,
    /// Exposed paths.
    pub expose: Expose,
    /// `""`, `strict` or `permissive`.
    #[serde(rename = "MutualTLSMode", skip_serializing_if = "String::is_empty")]
    pub mutual_tls_mode: String,
}

/// Transparent proxy settings.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TransparentProxy {
    /// Port of the outbound listener.
    #[serde(skip_serializing_if = "is_zero")]
    pub outbound_listener_port: i64,
    /// The service may be dialed directly.
    #[serde(skip_serializing_if = "is_zero")]
    pub dialed_directly: bool,
}

/// Mesh gateway mode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct MeshGateway {
    /// `""`, `none`, `local` or `remote`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mode: String,
}

/// Paths that a proxy exposes without mesh TLS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Expose {
    /// Also expose HTTP and gRPC checks.
    #[serde(skip_serializing_if = "is_zero")]
    pub checks: bool,
    /// The paths.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<ExposePath>,
}

/// One exposed path.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ExposePath {
    /// Port of the listener.
    #[serde(skip_serializing_if = "is_zero")]
    pub listener_port: i64,
    /// Path.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// Port of the application.
    #[serde(skip_serializing_if = "is_zero")]
    pub local_path_port: i64,
    /// `http` or `http2`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub protocol: String,
    /// Made from a check.
    #[serde(skip_serializing_if = "is_zero")]
    pub parsed_from_check: bool,
}

/// An upstream of a proxy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Upstream {
    /// `service` or `prepared_query`.
    pub destination_type: String,
    /// Enterprise.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub destination_namespace: String,
    /// Enterprise.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub destination_partition: String,
    /// Peer of the destination.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub destination_peer: String,
    /// Name of the destination.
    pub destination_name: String,
    /// Datacenter of the destination.
    pub datacenter: String,
    /// Local listener address.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub local_bind_address: String,
    /// Local listener port.
    #[serde(skip_serializing_if = "is_zero")]
    pub local_bind_port: i64,
    /// Local listener socket.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub local_bind_socket_path: String,
    /// Mode of the socket, octal text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub local_bind_socket_mode: String,
    /// Opaque settings.
    #[serde(skip_serializing_if = "map_is_empty")]
    pub config: Option<BTreeMap<String, serde_json::Value>>,
    /// Mesh gateway mode.
    pub mesh_gateway: MeshGateway,
    /// Hosts for ingress.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingress_hosts: Vec<String>,
    /// Made from central configuration.
    #[serde(skip_serializing_if = "is_zero")]
    pub centrally_configured: bool,
}

/// A service instance joined with its node (`spec/http-api.md` 2.4).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceNode {
    /// Node id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Node name.
    pub node: String,
    /// Node address.
    pub address: String,
    /// Datacenter.
    pub datacenter: String,
    /// Node addresses by purpose.
    pub tagged_addresses: StringMap,
    /// Node metadata.
    pub node_meta: StringMap,
    /// Kind.
    pub service_kind: ServiceKind,
    /// Instance id.
    #[serde(rename = "ServiceID")]
    pub service_id: String,
    /// Service name.
    pub service_name: String,
    /// Tags, never null in answers.
    pub service_tags: Vec<String>,
    /// Service address.
    pub service_address: String,
    /// Service addresses by purpose.
    #[serde(skip_serializing_if = "map_is_empty")]
    pub service_tagged_addresses: ServiceAddresses,
    /// DNS weights.
    pub service_weights: Weights,
    /// Service metadata, `{}` when empty.
    pub service_meta: BTreeMap<String, String>,
    /// Port.
    pub service_port: i64,
    /// Unix socket.
    pub service_socket_path: String,
    /// Tag override.
    pub service_enable_tag_override: bool,
    /// Proxy configuration.
    pub service_proxy: ConnectProxyConfig,
    /// Mesh settings.
    pub service_connect: ServiceConnect,
    /// Region and zone.
    pub service_locality: Option<Locality>,
    /// Peer name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub peer_name: String,
    /// Of the service instance.
    pub create_index: Index,
    /// Of the service instance.
    pub modify_index: Index,
}

/// A service instance with its node and all checks that decide its health (`spec/http-api.md` 2.6).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct CheckServiceNode {
    /// The node.
    pub node: Arc<Node>,
    /// The instance. In answers its tags are `[]` and never null.
    pub service: Arc<NodeService>,
    /// Node-level checks and the instance's own.
    pub checks: Vec<Arc<HealthCheck>>,
}
