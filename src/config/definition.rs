//! Services and checks as configuration files define them (`spec/services-and-checks.md` 1 and 3).

use super::decode::Tree;
use super::reader::Reader;
use crate::types::secret::hidden;
use crate::types::service::{
    ConnectProxyConfig, Expose, ExposePath, MeshGateway, SERVICE_KINDS, ServiceConnect, TransparentProxy, Upstream,
};
use crate::types::{CheckType, Locality, NodeService, ServiceAddress, Weights, validate};
use serde_json::Value;
use std::collections::BTreeMap;

/// A service of a file: what to register, the checks to run, and the token to sync it with.
#[derive(Clone, derive_more::Debug, Default, PartialEq)]
pub struct ServiceDefinition {
    /// The instance; `id` is filled in from the name.
    pub service: NodeService,
    /// Checks in registration order; ids are as given (empty when the agent chooses them).
    pub checks: Vec<CheckType>,
    /// ACL token; empty for the agent's own.
    #[debug("{}", hidden(token))]
    pub token: String,
}

/// A top-level check of a file.
#[derive(Clone, derive_more::Debug, Default, PartialEq)]
pub struct CheckDefinitionFile {
    /// Id; filled in from the name.
    pub id: String,
    /// Name.
    pub name: String,
    /// Notes.
    pub notes: String,
    /// Service id that the check belongs to; empty for a node check.
    pub service_id: String,
    /// ACL token; empty for the agent's own.
    #[debug("{}", hidden(token))]
    pub token: String,
    /// What to run.
    pub check: CheckType,
}

/// A part of a definition, and the errors of its values.
pub type Checked<T> = (T, Vec<String>);

/// Reads a top-level check.
pub fn check_file(tree: &Tree) -> Checked<CheckDefinitionFile> {
    let (mut check, errors) = check(tree);
    let reader = Reader::new(tree);
    let (name, id) = (reader.text("name"), reader.some_text("id").unwrap_or_else(|| reader.text("name")));
    check.check_id.clone_from(&id);
    let file = CheckDefinitionFile {
        id,
        name,
        notes: reader.text("notes"),
        service_id: reader.text("service_id"),
        token: reader.text("token"),
        check,
    };
    (file, errors)
}

/// Reads what a check runs.
pub fn check(tree: &Tree) -> Checked<CheckType> {
    let mut r = Reader::new(tree);
    let id = r.text("id");
    let named = |key: &str| format!("check[{id}].{key}");
    let header = r.get("header").and_then(Value::as_object).map(|map| {
        let values = |value: &Value| -> Vec<String> {
            value.as_array().into_iter().flatten().filter_map(|text| text.as_str().map(str::to_string)).collect()
        };
        map.iter().map(|(name, value)| (name.clone(), values(value))).collect()
    });
    let h2ping = r.text("h2ping");
    let failures_before_critical = r.int("failures_before_critical");
    let check = CheckType {
        check_id: id.clone(),
        name: r.text("name"),
        status: r.text("status"),
        notes: r.text("notes"),
        script_args: r.is_set("args").then(|| r.texts("args")),
        http: r.text("http"),
        h2ping_use_tls: if r.is_set("h2ping_use_tls") { r.bool("h2ping_use_tls") } else { !h2ping.is_empty() },
        h2ping,
        header,
        method: r.text("method"),
        body: r.text("body"),
        disable_redirects: r.bool("disable_redirects"),
        tcp: r.text("tcp"),
        tcp_use_tls: r.bool("tcp_use_tls"),
        udp: r.text("udp"),
        interval: r.duration_named("interval", &named("interval")),
        alias_node: r.text("alias_node"),
        alias_service: r.text("alias_service"),
        docker_container_id: r.text("docker_container_id"),
        shell: r.text("shell"),
        grpc: r.text("grpc"),
        grpc_use_tls: r.bool("grpc_use_tls"),
        os_service: r.text("os_service"),
        tls_server_name: r.text("tls_server_name"),
        tls_skip_verify: r.bool("tls_skip_verify"),
        timeout: r.duration_named("timeout", &named("timeout")),
        ttl: r.duration_named("ttl", &named("ttl")),
        success_before_passing: r.int("success_before_passing"),
        failures_before_warning: match r.get("failures_before_warning") {
            Some(value) => value.as_i64().unwrap_or(0),
            None => failures_before_critical,
        },
        failures_before_critical,
        proxy_http: String::new(),
        proxy_grpc: String::new(),
        deregister_critical_service_after: r
            .duration_named("deregister_critical_service_after", &named("deregister_critical_service_after")),
        output_max_size: if r.is_set("output_max_size") { r.int("output_max_size") } else { DEFAULT_OUTPUT },
    };
    (check, r.errors)
}

/// Output limit of a check without one, bytes.
const DEFAULT_OUTPUT: i64 = 4096;

/// Reads a service.
pub fn service(tree: &Tree) -> Checked<ServiceDefinition> {
    let r = Reader::new(tree);
    let mut errors = Vec::new();
    let name = r.text("name");
    let mut checks = Vec::new();
    let single = r.get("check").and_then(Value::as_object);
    for tree in r.objects("checks").chain(single) {
        let (check, more) = check(tree);
        checks.push(check);
        errors.extend(more);
    }
    let meta = r.is_set("meta").then(|| r.text_map("meta"));
    let kind = r.text("kind");
    let kind = if SERVICE_KINDS.contains(&kind.as_str()) { kind } else { String::new() };
    if let Some(why) = validate::service_meta_error(&kind, meta.as_ref().unwrap_or(&BTreeMap::new())) {
        errors.push(format!("invalid meta for service {name}: {why}"));
    }
    let weights = r.get("weights").and_then(Value::as_object).map_or(Weights::default(), |tree| {
        let r = Reader::new(tree);
        let or_one = |key: &str| if r.is_set(key) { r.int(key) } else { 1 };
        Weights { passing: or_one("passing"), warning: or_one("warning") }
    });
    if let Some(why) = validate::weights_error(&weights) {
        errors.push(format!("Invalid weight definition for service {name}: {why}"));
    }
    let sidecar = "connect.sidecar_service";
    let sidecar_check = r.get(&format!("{sidecar}.check")).and_then(Value::as_object);
    for tree in r.objects(&format!("{sidecar}.checks")).chain(sidecar_check) {
        errors.extend(check(tree).1);
    }
    if r.is_set("connect.sidecar_service.id") {
        errors.push("sidecar_service can't specify an ID".to_string());
    }
    if r.is_set("connect.sidecar_service.connect.sidecar_service") {
        errors.push("sidecar_service can't have a nested sidecar_service".to_string());
    }
    let tagged_addresses = r.is_set("tagged_addresses").then(|| {
        let tagged = r.object("tagged_addresses");
        tagged.iter().filter_map(|(key, value)| Some((key.clone(), address(value.as_object()?)))).collect()
    });
    let service = NodeService {
        kind,
        id: r.some_text("id").unwrap_or_else(|| name.clone()),
        service: name,
        tags: r.is_set("tags").then(|| r.texts("tags")),
        address: r.text("address"),
        tagged_addresses,
        meta,
        port: r.int("port"),
        socket_path: r.text("socket_path"),
        weights: Some(weights),
        enable_tag_override: r.bool("enable_tag_override"),
        locality: locality(&r),
        proxy: r.get("proxy").and_then(Value::as_object).map(proxy).unwrap_or_default(),
        connect: ServiceConnect {
            native: r.bool("connect.native"),
            sidecar_service: r.get("connect.sidecar_service").map(|value| Box::new(camel_case(value))),
            peer_meta: None,
        },
        ..NodeService::default()
    };
    (ServiceDefinition { service, checks, token: r.text("token") }, errors)
}

/// Region and zone below the key `locality`.
pub fn locality(r: &Reader<'_>) -> Option<Locality> {
    r.is_set("locality").then(|| Locality { region: r.text("locality.region"), zone: r.text("locality.zone") })
}

fn address(tree: &Tree) -> ServiceAddress {
    let r = Reader::new(tree);
    ServiceAddress { address: r.text("address"), port: r.int("port") }
}

fn free_map(r: &Reader<'_>, path: &str) -> Option<BTreeMap<String, Value>> {
    r.is_set(path).then(|| r.object(path).into_iter().collect())
}

fn proxy(tree: &Tree) -> ConnectProxyConfig {
    let r = Reader::new(tree);
    ConnectProxyConfig {
        envoy_extensions: r.objects("envoy_extensions").map(|tree| camel_case(&Value::Object(tree.clone()))).collect(),
        destination_service_name: r.text("destination_service_name"),
        destination_service_id: r.text("destination_service_id"),
        local_service_address: r.text("local_service_address"),
        local_service_port: r.int("local_service_port"),
        local_service_socket_path: r.text("local_service_socket_path"),
        mode: r.text("mode"),
        transparent_proxy: TransparentProxy {
            outbound_listener_port: r.int("transparent_proxy.outbound_listener_port"),
            dialed_directly: r.bool("transparent_proxy.dialed_directly"),
        },
        access_logs: r.get("access_logs").map(|value| Box::new(camel_case(value))),
        config: free_map(&r, "config"),
        upstreams: r.objects("upstreams").map(upstream).collect(),
        mesh_gateway: MeshGateway { mode: r.text("mesh_gateway.mode") },
        expose: Expose { checks: r.bool("expose.checks"), paths: r.objects("expose.paths").map(expose_path).collect() },
        mutual_tls_mode: r.text("mutual_tls_mode"),
    }
}

fn upstream(tree: &Tree) -> Upstream {
    let r = Reader::new(tree);
    Upstream {
        destination_type: r.some_text("destination_type").unwrap_or_else(|| "service".to_string()),
        destination_namespace: r.text("destination_namespace"),
        destination_partition: r.text("destination_partition"),
        destination_peer: r.text("destination_peer"),
        destination_name: r.text("destination_name"),
        datacenter: r.text("datacenter"),
        local_bind_address: r.text("local_bind_address"),
        local_bind_port: r.int("local_bind_port"),
        local_bind_socket_path: r.text("local_bind_socket_path"),
        local_bind_socket_mode: r.text("local_bind_socket_mode"),
        config: free_map(&r, "config"),
        mesh_gateway: MeshGateway { mode: r.text("mesh_gateway.mode") },
        ingress_hosts: r.texts("ingress_hosts"),
        centrally_configured: false,
    }
}

fn expose_path(tree: &Tree) -> ExposePath {
    let r = Reader::new(tree);
    ExposePath {
        listener_port: r.int("listener_port"),
        path: r.text("path"),
        local_path_port: r.int("local_path_port"),
        protocol: r.some_text("protocol").unwrap_or_else(|| "http".to_string()),
        parsed_from_check: false,
    }
}

/// Words that the API spells in capitals.
const CAPITALS: [&str; 8] = ["id", "http", "tcp", "udp", "ttl", "tls", "grpc", "h2ping"];

/// A decoded object with the API's key names; the contents of `config`, `meta`, `header` and `arguments` stay as given.
fn camel_case(value: &Value) -> Value {
    let Value::Object(tree) = value else { return value.clone() };
    let rename = |key: &str| -> String {
        key.split('_')
            .map(|word| {
                if CAPITALS.contains(&word) {
                    return word.to_uppercase();
                }
                let mut chars = word.chars();
                chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
            })
            .collect()
    };
    let checked = |value: &Value| value.as_object().and_then(|tree| serde_json::to_value(check(tree).0).ok());
    let convert = |key: &str, value: &Value| match (key, value) {
        ("check", value) => checked(value).unwrap_or_default(),
        ("checks", Value::Array(values)) => values.iter().filter_map(checked).collect(),
        ("config" | "meta" | "header" | "arguments", value) => value.clone(),
        ("tagged_addresses", Value::Object(map)) => {
            map.iter().map(|(key, value)| (key.clone(), camel_case(value))).collect()
        }
        (_, Value::Array(values)) => values.iter().map(camel_case).collect(),
        (_, value) => camel_case(value),
    };
    tree.iter().map(|(key, value)| (rename(key), convert(key, value))).collect()
}

/// Rules of a service that stop an agent from starting (`spec/services-and-checks.md` 1.4).
pub fn service_error(definition: &ServiceDefinition) -> Option<String> {
    let name = &definition.service.service;
    let prefix = |why: String| Some(format!("service {name:?}: {why}"));
    if name.is_empty() {
        return prefix("Service name missing".to_string());
    }
    if let Some(list) = validate::error_list(&validate::service_errors(&definition.service)) {
        return prefix(list);
    }
    for check in &definition.checks {
        if let Err(why) = crate::agent::checks::validate(check) {
            return prefix(format!("check {:?}: {why}", check.name));
        }
    }
    None
}

/// Rules of a top-level check that stop an agent from starting.
pub fn check_error(definition: &CheckDefinitionFile) -> Option<String> {
    if definition.id.is_empty() {
        return Some(format!("check {:?}: CheckID missing", definition.name));
    }
    let why = crate::agent::checks::validate(&definition.check).err()?;
    Some(format!("check {:?}: {why}", definition.name))
}
