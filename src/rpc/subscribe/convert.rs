//! Rows of the catalog as messages.

use super::messages as wire;
use crate::types::service::{ConnectProxyConfig, Expose, ExposePath, ServiceConnect, Upstream};
use crate::types::{CheckDefinition, CheckServiceNode, GoDuration, HealthCheck, Index, Locality, Node, NodeService};
use serde_json::Value;
use std::collections::BTreeMap;

const NANOS: i64 = 1_000_000_000;

impl From<&CheckServiceNode> for wire::CheckServiceNode {
    fn from(row: &CheckServiceNode) -> Self {
        wire::CheckServiceNode {
            node: Some((&*row.node).into()),
            service: Some((&*row.service).into()),
            checks: row.checks.iter().map(|check| (&**check).into()).collect(),
        }
    }
}

/// Numbers of the catalog are Go's `int`; those of messages have 32 bits.
fn small(number: i64) -> i32 {
    i32::try_from(number).unwrap_or(if number < 0 { i32::MIN } else { i32::MAX })
}

fn written(create_index: Index, modify_index: Index) -> Option<wire::RaftIndex> {
    Some(wire::RaftIndex { create_index, modify_index })
}

fn duration(duration: GoDuration) -> Option<wire::Duration> {
    (duration.0 != 0).then(|| wire::Duration { seconds: duration.0 / NANOS, nanos: small(duration.0 % NANOS) })
}

impl From<&Locality> for wire::Locality {
    fn from(locality: &Locality) -> Self {
        wire::Locality { region: locality.region.clone(), zone: locality.zone.clone() }
    }
}

impl From<&Node> for wire::Node {
    fn from(node: &Node) -> Self {
        wire::Node {
            id: node.id.clone(),
            node: node.node.clone(),
            address: node.address.clone(),
            datacenter: node.datacenter.clone(),
            tagged_addresses: node.tagged_addresses.clone().unwrap_or_default(),
            meta: node.meta.clone().unwrap_or_default(),
            raft_index: written(node.create_index, node.modify_index),
            peer_name: node.peer_name.clone(),
            locality: node.locality.as_ref().map(Into::into),
        }
    }
}

impl From<&NodeService> for wire::NodeService {
    fn from(service: &NodeService) -> Self {
        let tagged = service.tagged_addresses.iter().flatten();
        let weights = service
            .weights
            .map(|weights| wire::Weights { passing: small(weights.passing), warning: small(weights.warning) });
        wire::NodeService {
            kind: service.kind.clone(),
            id: service.id.clone(),
            service: service.service.clone(),
            tags: service.tags.clone().unwrap_or_default(),
            address: service.address.clone(),
            meta: service.meta.clone().unwrap_or_default(),
            port: small(service.port),
            weights,
            enable_tag_override: service.enable_tag_override,
            proxy: Some((&service.proxy).into()),
            connect: Some((&service.connect).into()),
            locally_registered_as_sidecar: service.locally_registered_as_sidecar,
            raft_index: written(service.create_index, service.modify_index),
            tagged_addresses: tagged
                .map(|(name, at)| {
                    (name.clone(), wire::ServiceAddress { address: at.address.clone(), port: small(at.port) })
                })
                .collect(),
            socket_path: service.socket_path.clone(),
            peer_name: service.peer_name.clone(),
            locality: service.locality.as_ref().map(Into::into),
        }
    }
}

impl From<&ServiceConnect> for wire::ServiceConnect {
    fn from(connect: &ServiceConnect) -> Self {
        let peer_meta = connect.peer_meta.as_deref().map(|meta| wire::PeeringServiceMeta {
            sni: texts(meta, "SNI"),
            spiffe_id: texts(meta, "SpiffeID"),
            protocol: text(meta, "Protocol"),
        });
        wire::ServiceConnect { native: connect.native, peer_meta }
    }
}

impl From<&ConnectProxyConfig> for wire::ConnectProxyConfig {
    fn from(proxy: &ConnectProxyConfig) -> Self {
        let transparent = &proxy.transparent_proxy;
        wire::ConnectProxyConfig {
            destination_service_name: proxy.destination_service_name.clone(),
            destination_service_id: proxy.destination_service_id.clone(),
            local_service_address: proxy.local_service_address.clone(),
            local_service_port: small(proxy.local_service_port),
            config: proxy.config.as_ref().map(structure),
            upstreams: proxy.upstreams.iter().map(Into::into).collect(),
            mesh_gateway: Some(wire::MeshGateway { mode: proxy.mesh_gateway.mode.clone() }),
            expose: Some((&proxy.expose).into()),
            mode: proxy.mode.clone(),
            transparent_proxy: Some(wire::TransparentProxy {
                outbound_listener_port: small(transparent.outbound_listener_port),
                dialed_directly: transparent.dialed_directly,
            }),
            local_service_socket_path: proxy.local_service_socket_path.clone(),
            envoy_extensions: proxy.envoy_extensions.iter().map(extension).collect(),
            access_logs: proxy.access_logs.as_deref().map(access_logs),
        }
    }
}

fn extension(given: &Value) -> wire::EnvoyExtension {
    let arguments = given.get("Arguments").and_then(Value::as_object);
    wire::EnvoyExtension {
        name: text(given, "Name"),
        required: truth(given, "Required"),
        arguments: arguments.map(structure),
        consul_version: text(given, "ConsulVersion"),
        envoy_version: text(given, "EnvoyVersion"),
    }
}

fn access_logs(given: &Value) -> wire::AccessLogs {
    wire::AccessLogs {
        enabled: truth(given, "Enabled"),
        disable_listener_logs: truth(given, "DisableListenerLogs"),
        kind: text(given, "Type"),
        path: text(given, "Path"),
        json_format: text(given, "JSONFormat"),
        text_format: text(given, "TextFormat"),
    }
}

impl From<&Upstream> for wire::Upstream {
    fn from(upstream: &Upstream) -> Self {
        wire::Upstream {
            destination_type: upstream.destination_type.clone(),
            destination_namespace: upstream.destination_namespace.clone(),
            destination_name: upstream.destination_name.clone(),
            datacenter: upstream.datacenter.clone(),
            local_bind_address: upstream.local_bind_address.clone(),
            local_bind_port: small(upstream.local_bind_port),
            config: upstream.config.as_ref().map(structure),
            mesh_gateway: Some(wire::MeshGateway { mode: upstream.mesh_gateway.mode.clone() }),
            centrally_configured: upstream.centrally_configured,
            local_bind_socket_path: upstream.local_bind_socket_path.clone(),
            local_bind_socket_mode: upstream.local_bind_socket_mode.clone(),
            destination_partition: upstream.destination_partition.clone(),
            destination_peer: upstream.destination_peer.clone(),
        }
    }
}

impl From<&Expose> for wire::Expose {
    fn from(expose: &Expose) -> Self {
        wire::Expose { checks: expose.checks, paths: expose.paths.iter().map(Into::into).collect() }
    }
}

impl From<&ExposePath> for wire::ExposePath {
    fn from(path: &ExposePath) -> Self {
        wire::ExposePath {
            listener_port: small(path.listener_port),
            path: path.path.clone(),
            local_path_port: small(path.local_path_port),
            protocol: path.protocol.clone(),
            parsed_from_check: path.parsed_from_check,
        }
    }
}

impl From<&HealthCheck> for wire::HealthCheck {
    fn from(check: &HealthCheck) -> Self {
        wire::HealthCheck {
            node: check.node.clone(),
            check_id: check.check_id.clone(),
            name: check.name.clone(),
            status: check.status.clone(),
            notes: check.notes.clone(),
            output: check.output.clone(),
            service_id: check.service_id.clone(),
            service_name: check.service_name.clone(),
            service_tags: check.service_tags.clone(),
            definition: Some((&check.definition).into()),
            raft_index: written(check.create_index, check.modify_index),
            kind: check.kind.clone(),
            exposed_port: small(check.exposed_port),
            interval: check.interval.clone(),
            timeout: check.timeout.clone(),
            peer_name: check.peer_name.clone(),
        }
    }
}

impl From<&CheckDefinition> for wire::CheckDefinition {
    fn from(check: &CheckDefinition) -> Self {
        let headers = check.header.iter().flatten();
        wire::CheckDefinition {
            http: check.http.clone(),
            tls_skip_verify: check.tls_skip_verify,
            header: headers.map(|(name, value)| (name.clone(), wire::HeaderValue { value: value.clone() })).collect(),
            method: check.method.clone(),
            tcp: check.tcp.clone(),
            interval: duration(check.interval),
            timeout: duration(check.timeout),
            deregister_critical_service_after: duration(check.deregister_critical_service_after),
            output_max_size: u32::try_from(check.output_max_size).unwrap_or(0),
            script_args: check.script_args.clone(),
            docker_container_id: check.docker_container_id.clone(),
            shell: check.shell.clone(),
            grpc: check.grpc.clone(),
            grpc_use_tls: check.grpc_use_tls,
            alias_node: check.alias_node.clone(),
            alias_service: check.alias_service.clone(),
            ttl: duration(check.ttl),
            body: check.body.clone(),
            tls_server_name: check.tls_server_name.clone(),
            h2ping: check.h2ping.clone(),
            h2ping_use_tls: check.h2ping_use_tls,
            disable_redirects: check.disable_redirects,
            udp: check.udp.clone(),
            os_service: check.os_service.clone(),
            tcp_use_tls: check.tcp_use_tls,
            session_name: check.session_name.clone(),
        }
    }
}

fn text(given: &Value, name: &str) -> String {
    given.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn texts(given: &Value, name: &str) -> Vec<String> {
    let list = given.get(name).and_then(Value::as_array).into_iter().flatten();
    list.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn truth(given: &Value, name: &str) -> bool {
    given.get(name).and_then(Value::as_bool).unwrap_or_default()
}

fn structure<'a>(fields: impl IntoIterator<Item = (&'a String, &'a Value)>) -> wire::Struct {
    let fields: BTreeMap<_, _> = fields.into_iter().map(|(name, given)| (name.clone(), value(given))).collect();
    wire::Struct { fields }
}

fn value(given: &Value) -> wire::Value {
    let kind = match given {
        Value::Null => wire::Kind::Null(0),
        Value::Bool(truth) => wire::Kind::Truth(*truth),
        Value::Number(number) => wire::Kind::Number(number.as_f64().unwrap_or_default()),
        Value::String(text) => wire::Kind::Text(text.clone()),
        Value::Array(list) => wire::Kind::List(wire::ListValue { values: list.iter().map(value).collect() }),
        Value::Object(fields) => wire::Kind::Struct(structure(fields)),
    };
    wire::Value { kind: Some(kind) }
}
