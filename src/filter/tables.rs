//! The selectable fields of each row type, as `spec/http-api.md` 1.15 lists them.

use super::value::{Field, Filterable, Typed, Value, kind_of};
use crate::types::requests::NodeInfo;
use crate::types::service::{
    ConnectProxyConfig, Expose, ExposePath, MeshGateway, ServiceConnect, TransparentProxy, Upstream,
};
use crate::types::{CheckServiceNode, HealthCheck, Node, NodeService, ServiceAddress, ServiceNode, Weights};

/// Writes the field table of a type: `"Selector" => path.to.field`.
macro_rules! filterable {
    ($($type:ty { $($name:literal => $first:ident $(. $rest:ident)*),* $(,)? })*) => {$(
        impl $crate::filter::Filterable for $type {
            const FIELDS: &'static [$crate::filter::Field<Self>] = &[$(
                $crate::filter::Field {
                    name: $name,
                    kind: $crate::filter::kind_of(|row: &$type| &row.$first$(.$rest)*),
                    get: |row: &$type| $crate::filter::Typed::value(&row.$first$(.$rest)*),
                }
            ),*];
        }
    )*};
}
pub(crate) use filterable;

filterable! {
    Node {
        "ID" => id,
        "Node" => node,
        "Address" => address,
        "Datacenter" => datacenter,
        "PeerName" => peer_name,
        "TaggedAddresses" => tagged_addresses,
        "Meta" => meta,
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
    }
}

impl Filterable for NodeService {
    const FIELDS: &'static [Field<Self>] = &[
        Field { name: "Kind", kind: kind_of(|row: &Self| &row.kind), get: |row| row.kind.value() },
        Field {
            name: "Weights",
            kind: Weights::KIND,
            get: |row| Value::Object(row.weights.as_ref().unwrap_or(&NO_WEIGHTS)),
        },
    ];
}

/// Weights of an instance that never got any.
const NO_WEIGHTS: Weights = Weights { passing: 0, warning: 0 };
