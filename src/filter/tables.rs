//! The selectable fields of each row type, as `spec/http-api.md` 1.15 lists them.

use super::value::{Field, Filterable, Kind, Table, TableOf, Typed, Value};
use crate::types::requests::NodeInfo;
use crate::types::service::{
    ConnectProxyConfig, Expose, ExposePath, MeshGateway, ServiceConnect, TransparentProxy, Upstream,
};
use crate::types::{CheckServiceNode, HealthCheck, Node, NodeService, ServiceAddress, ServiceNode, Weights};
use serde_json::Value as Json;

/// Writes the field table of a type: `"Selector" => path.to.field`, and after `;` fields that are made otherwise.
macro_rules! filterable {
    ($($type:ty { $($name:literal => $first:ident $(. $rest:ident)*),* $(,)? $(; $($extra:expr),*)? })*) => {$(
        impl $crate::filter::Filterable for $type {
            const FIELDS: &'static [$crate::filter::Field<Self>] = &[$(
                $crate::filter::Field {
                    name: $name,
                    kind: $crate::filter::kind_of(|row: &$type| &row.$first$(.$rest)*),
                    get: |row: &$type| $crate::filter::Typed::value(&row.$first$(.$rest)*),
                }
            ,)* $($($extra),*)?];
        }
    )*};
}

filterable! {
    Node {
        "ID" => id,
        "Node" => node,
        "Address" => address,
        "Datacenter" => datacenter,
        "PeerName" => peer_name,
        "TaggedAddresses" => tagged_addresses,
        "Meta" => meta,
        ; always_empty("Partition")
    }
    HealthCheck {
        "Node" => node,
        "CheckID" => check_id,
        "Name" => name,
        "Status" => status,
        "Notes" => notes,
        "Output" => output,
        "ServiceID" => service_id,
        "ServiceName" => service_name,
        "ServiceTags" => service_tags,
        "Type" => kind,
        "Interval" => interval,
        "Timeout" => timeout,
        "ExposedPort" => exposed_port,
        "PeerName" => peer_name,
    }
    ServiceAddress {
        "Address" => address,
        "Port" => port,
    }
    Weights {
        "Passing" => passing,
        "Warning" => warning,
    }
    ServiceConnect {
        "Native" => native,
    }
    MeshGateway {
        "Mode" => mode,
    }
    TransparentProxy {
        "OutboundListenerPort" => outbound_listener_port,
        "DialedDirectly" => dialed_directly,
    }
    ExposePath {
        "ListenerPort" => listener_port,
        "Path" => path,
        "LocalPathPort" => local_path_port,
        "Protocol" => protocol,
        "ParsedFromCheck" => parsed_from_check,
    }
    Expose {
        "Checks" => checks,
        "Paths" => paths,
    }
    Upstream {
        "DestinationType" => destination_type,
        "DestinationNamespace" => destination_namespace,
        "DestinationPartition" => destination_partition,
        "DestinationPeer" => destination_peer,
        "DestinationName" => destination_name,
        "Datacenter" => datacenter,
        "LocalBindAddress" => local_bind_address,
        "LocalBindPort" => local_bind_port,
        "LocalBindSocketPath" => local_bind_socket_path,
        "LocalBindSocketMode" => local_bind_socket_mode,
        "MeshGateway" => mesh_gateway,
    }
    ConnectProxyConfig {
        "DestinationServiceName" => destination_service_name,
        "DestinationServiceID" => destination_service_id,
        "LocalServiceAddress" => local_service_address,
        "LocalServicePort" => local_service_port,
        "LocalServiceSocketPath" => local_service_socket_path,
        "Mode" => mode,
        "Upstreams" => upstreams,
        "MeshGateway" => mesh_gateway,
        "Expose" => expose,
        "TransparentProxy" => transparent_proxy,
        "AccessLogs" => access_logs,
        ; Field {
            name: "EnvoyExtensions",
            kind: Kind::Objects(&ENVOY_EXTENSION),
            get: |row| Value::Objects(&row.envoy_extensions),
        }
    }
    ServiceNode {
        "ID" => id,
        "Node" => node,
        "Address" => address,
        "Datacenter" => datacenter,
        "TaggedAddresses" => tagged_addresses,
        "NodeMeta" => node_meta,
        "ServiceKind" => service_kind,
        "ServiceID" => service_id,
        "ServiceName" => service_name,
        "ServiceTags" => service_tags,
        "ServiceAddress" => service_address,
        "ServiceTaggedAddresses" => service_tagged_addresses,
        "ServiceWeights" => service_weights,
        "ServiceMeta" => service_meta,
        "ServicePort" => service_port,
        "ServiceSocketPath" => service_socket_path,
        "ServiceEnableTagOverride" => service_enable_tag_override,
        "ServiceProxy" => service_proxy,
        "ServiceConnect" => service_connect,
        "PeerName" => peer_name,
    }
    CheckServiceNode {
        "Node" => node,
        "Service" => service,
        "Checks" => checks,
    }
    NodeInfo {
        "ID" => id,
        "Node" => node,
        "Address" => address,
        "TaggedAddresses" => tagged_addresses,
        "Meta" => meta,
        "Services" => services,
        "Checks" => checks,
        ; always_empty("PeerName"), always_empty("Partition")
    }
}

filterable! {
    NodeService {
        "Kind" => kind,
        "ID" => id,
        "Service" => service,
        "Tags" => tags,
        "Address" => address,
        "TaggedAddresses" => tagged_addresses,
        "Meta" => meta,
        "Port" => port,
        "SocketPath" => socket_path,
        "Weights" => weights,
        "EnableTagOverride" => enable_tag_override,
        "PeerName" => peer_name,
        "Connect" => connect,
        "Proxy" => proxy,
    }
}

/// Weights of an instance that never got any.
const NO_WEIGHTS: Weights = Weights { passing: 0, warning: 0 };

impl Typed for Option<Weights> {
    const KIND: Kind = Weights::KIND;
    fn value(&self) -> Value<'_> {
        Value::Object(self.as_ref().unwrap_or(&NO_WEIGHTS))
    }
}

/// Fields of objects that are kept as JSON. Which of them a selector may name depends on where the object stands.
impl Filterable for Json {
    const FIELDS: &'static [Field<Self>] = &[
        json_bool("Enabled", |json| is_true(json, "Enabled")),
        json_bool("DisableListenerLogs", |json| is_true(json, "DisableListenerLogs")),
        json_str("Type", |json| text(json, "Type")),
        json_str("Path", |json| text(json, "Path")),
        json_str("JSONFormat", |json| text(json, "JSONFormat")),
        json_str("TextFormat", |json| text(json, "TextFormat")),
        json_str("Name", |json| text(json, "Name")),
        json_bool("Required", |json| is_true(json, "Required")),
        json_str("ConsulVersion", |json| text(json, "ConsulVersion")),
        json_str("EnvoyVersion", |json| text(json, "EnvoyVersion")),
    ];
}

const fn json_bool(name: &'static str, get: fn(&Json) -> Value<'_>) -> Field<Json> {
    Field { name, kind: Kind::Bool, get }
}

const fn json_str(name: &'static str, get: fn(&Json) -> Value<'_>) -> Field<Json> {
    Field { name, kind: Kind::Str, get }
}

fn is_true<'a>(json: &'a Json, key: &str) -> Value<'a> {
    Value::Bool(json.get(key).and_then(Json::as_bool).unwrap_or_default())
}

fn text<'a>(json: &'a Json, key: &str) -> Value<'a> {
    Value::Str(json.get(key).and_then(Json::as_str).unwrap_or_default())
}

/// The part of the JSON fields that one kind of object has.
struct Only(&'static [&'static str]);

impl Table for Only {
    fn find(&self, name: &str) -> Option<(usize, Kind)> {
        self.0.contains(&name).then(|| TableOf::<Json>::TABLE.find(name)).flatten()
    }
}

const ACCESS_LOGS: Only = Only(&["Enabled", "DisableListenerLogs", "Type", "Path", "JSONFormat", "TextFormat"]);
const ENVOY_EXTENSION: Only = Only(&["Name", "Required", "ConsulVersion", "EnvoyVersion"]);
const NO_JSON: Json = Json::Null;

impl Typed for Option<Box<Json>> {
    const KIND: Kind = Kind::Object(&ACCESS_LOGS);
    fn value(&self) -> Value<'_> {
        Value::Object(self.as_deref().unwrap_or(&NO_JSON))
    }
}

/// A field that the reference compiles in everywhere but that is never set in this edition.
const fn always_empty<T>(name: &'static str) -> Field<T> {
    Field { name, kind: Kind::Str, get: |_| Value::Str("") }
}
