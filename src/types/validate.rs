//! What a catalog row must look like before it may enter the log, in the reference's words (`spec/semantics.md` 5.1,
//! `spec/http-api.md` 1.17). Pure functions: no state, no permissions.

use super::service::{ConnectProxyConfig, Upstream};
use super::{CheckDefinition, Error, HealthCheck, NodeService, Result, Weights};
use std::collections::{BTreeMap, BTreeSet};

/// Kinds that are gateways.
const GATEWAYS: [&str; 4] = ["mesh-gateway", "terminating-gateway", "ingress-gateway", "api-gateway"];

/// Protocols of an exposed path.
const EXPOSE_PROTOCOLS: [&str; 2] = ["http", "http2"];

/// Most metadata pairs of a node or service.
const META_MAX_PAIRS: usize = 64;
/// Longest metadata key, characters.
const META_KEY_MAX: usize = 128;
/// Longest metadata value, characters.
const META_VALUE_MAX: usize = 512;
/// Keys with this prefix belong to the system.
const META_RESERVED: &str = "consul-";
/// The reserved key that mesh gateways may set.
const META_WAN_FEDERATION: &str = "consul-wan-federation";

/// Several errors in one text, laid out as `spec/http-api.md` 1.3 shows; `None` when there are none.
pub fn error_list(errors: &[String]) -> Option<String> {
    if errors.is_empty() {
        return None;
    }
    let noun = if errors.len() == 1 { "error" } else { "errors" };
    let lines: String = errors.iter().map(|error| format!("\t* {error}\n")).collect();
    Some(format!("{} {noun} occurred:\n{lines}\n", errors.len()))
}

/// Refuses what is not a UUID, with the reason that the reference gives.
pub fn check_uuid(text: &str) -> Result<(), String> {
    if text.len() != 36 {
        return Err("uuid string is wrong length".into());
    }
    if [8, 13, 18, 23].iter().any(|&at| text.as_bytes()[at] != b'-') {
        return Err("uuid is improperly formatted".into());
    }
    match text.chars().find(|c| *c != '-' && !c.is_ascii_hexdigit()) {
        Some(bad) => Err(format!("encoding/hex: invalid byte: U+{:04X} '{bad}'", bad as u32)),
        None => Ok(()),
    }
}

/// Name and id of a node.
///
/// # Errors
/// `Must provide node`, `Bad node ID: ...`.
pub fn node(name: &str, id: &str) -> Result<()> {
    if name.is_empty() {
        return Err(Error::new("Must provide node"));
    }
    if !id.is_empty() {
        check_uuid(id).map_err(|reason| Error::new(format!("Bad node ID: {reason}")))?;
    }
    Ok(())
}

/// True for the addresses that mean "any".
pub fn is_any_address(address: &str) -> bool {
    matches!(address, "0.0.0.0" | "::" | "[::]")
}

/// Everything about a service instance that its kind demands; one text per violation.
pub fn service_errors(service: &NodeService) -> Vec<String> {
    let mut errors = Vec::new();
    if let Some(locality) = &service.locality
        && locality.region.is_empty()
        && !locality.zone.is_empty()
    {
        errors.push("zone cannot be set without region".into());
    }
    if service.kind == "connect-proxy" {
        proxy_errors(service, &mut errors);
    }
    if GATEWAYS.contains(&service.kind.as_str()) {
        gateway_errors(service, &mut errors);
    }
    if let Some(sidecar) = &service.connect.sidecar_service {
        if field(sidecar, "ID").and_then(|id| id.as_str()).is_some_and(|id| !id.is_empty()) {
            errors.push("A SidecarService cannot specify an ID as this is managed by the agent".into());
        }
        let nested = field(sidecar, "Connect").and_then(|c| field(c, "SidecarService").or(field(c, "sidecar_service")));
        if nested.is_some_and(|nested| !nested.is_null()) {
            errors.push("A SidecarService cannot have a nested SidecarService".into());
        }
    }
    if service.connect.native && service.port == 0 && service.socket_path.is_empty() {
        errors.push("Port or SocketPath must be set for a Connect native service.".into());
    }
    errors
}

/// A member of a JSON object, by name without case, as JSON bodies are read.
fn field<'a>(object: &'a serde_json::Value, name: &str) -> Option<&'a serde_json::Value> {
    object.as_object()?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn proxy_errors(service: &NodeService, errors: &mut Vec<String>) {
    let destination = service.proxy.destination_service_name.as_str();
    if destination.trim().is_empty() {
        errors.push("Proxy.DestinationServiceName must be non-empty for Connect proxy services".into());
    }
    if destination == "*" {
        errors.push("Proxy.DestinationServiceName must not be a wildcard for Connect proxy services".into());
    }
    if service.port == 0 && service.socket_path.is_empty() {
        errors.push(format!("Port or SocketPath must be set for a {}", service.kind));
    }
    if service.connect.native {
        errors.push("A Proxy cannot also be Connect Native, only typical services".into());
    }
    upstreams_errors(&service.proxy.upstreams, errors);
    expose_errors(&service.proxy, errors);
}

fn upstreams_errors(upstreams: &[Upstream], errors: &mut Vec<String>) {
    let (mut keys, mut addresses) = (BTreeSet::new(), BTreeSet::new());
    for upstream in upstreams {
        if let Some(error) = upstream_error(upstream) {
            errors.push(error);
            continue;
        }
        let key = upstream_key(upstream);
        if !keys.insert(key.clone()) {
            errors.push(format!("upstreams cannot contain duplicates of {key}"));
            continue;
        }
        if upstream.local_bind_port == 0 && upstream.local_bind_socket_path.is_empty() {
            continue;
        }
        let address = upstream_address(upstream);
        if addresses.contains(&address) && !upstream.centrally_configured {
            errors.push(format!(
                "upstreams cannot contain duplicates by local bind address and port or unix path; {address:?} is specified twice"
            ));
            continue;
        }
        addresses.insert(address);
    }
}

/// The first thing wrong with one upstream.
fn upstream_error(upstream: &Upstream) -> Option<String> {
    let (port, socket) = (upstream.local_bind_port != 0, !upstream.local_bind_socket_path.is_empty());
    let own = !upstream.centrally_configured;
    if !matches!(upstream.destination_type.as_str(), "" | "service" | "prepared_query") {
        return Some(format!("unknown upstream destination type: {:?}", upstream.destination_type));
    }
    let rules = [
        (upstream.destination_name.is_empty(), "upstream destination name cannot be empty"),
        (own && upstream.destination_name == "*", "upstream destination name cannot be a wildcard"),
        (
            !upstream.destination_peer.is_empty() && !upstream.datacenter.is_empty(),
            "upstream cannot specify both destination peer and datacenter",
        ),
        (own && !port && !socket, "upstream local bind port or local socket path must be defined and nonzero"),
        (own && port && socket, "only one of upstream local bind port or local socket path can be defined and nonzero"),
    ];
    rules.into_iter().find(|(broken, _)| *broken).map(|(_, text)| text.to_owned())
}

fn upstream_key(upstream: &Upstream) -> String {
    let kind = if upstream.destination_type.is_empty() { "service" } else { &upstream.destination_type };
    format!(
        "[type={kind:?}, name={:?}, partition={:?}, namespace={:?}, peer={:?}, datacenter={:?}]",
        upstream.destination_name,
        upstream.destination_partition,
        upstream.destination_namespace,
        upstream.destination_peer,
        upstream.datacenter
    )
}

fn upstream_address(upstream: &Upstream) -> String {
    if !upstream.local_bind_socket_path.is_empty() {
        return upstream.local_bind_socket_path.clone();
    }
    let host = if upstream.local_bind_address.is_empty() { "127.0.0.1" } else { &upstream.local_bind_address };
    if host.contains(':') {
        format!("[{host}]:{}", upstream.local_bind_port)
    } else {
        format!("{host}:{}", upstream.local_bind_port)
    }
}

fn expose_errors(proxy: &ConnectProxyConfig, errors: &mut Vec<String>) {
    let (mut paths, mut ports) = (BTreeSet::new(), BTreeSet::new());
    for exposed in &proxy.expose.paths {
        if exposed.path.is_empty() {
            errors.push("expose.paths: empty path exposed".into());
        }
        if !paths.insert(exposed.path.as_str()) {
            errors.push("expose.paths: duplicate paths exposed".into());
        }
        if !ports.insert(exposed.listener_port) {
            errors.push("expose.paths: duplicate listener ports exposed".into());
        }
        if !(1..=65535).contains(&exposed.listener_port) {
            errors.push(format!("expose.paths: invalid listener port: {}", exposed.listener_port));
        }
        let protocol = exposed.protocol.to_lowercase();
        if !protocol.is_empty() && !EXPOSE_PROTOCOLS.contains(&protocol.as_str()) {
            errors.push(format!(
                "protocol '{protocol}' not supported for path: {}, must be in: [{}]",
                exposed.path,
                EXPOSE_PROTOCOLS.join(" ")
            ));
        }
    }
}

fn gateway_errors(service: &NodeService, errors: &mut Vec<String>) {
    let kind = &service.kind;
    if service.port == 0 && !matches!(kind.as_str(), "ingress-gateway" | "api-gateway") {
        errors.push(format!("Port must be non-zero for a {kind}"));
    }
    if service.connect.sidecar_service.is_some() {
        errors.push(format!("A {kind} cannot have a sidecar service defined"));
    }
    let proxy = &service.proxy;
    let forbidden = [
        ("DestinationServiceName", !proxy.destination_service_name.is_empty()),
        ("DestinationServiceID", !proxy.destination_service_id.is_empty()),
        ("LocalServiceAddress", !proxy.local_service_address.is_empty()),
        ("LocalServicePort", proxy.local_service_port != 0),
        ("LocalServiceSocketPath", !proxy.local_service_socket_path.is_empty()),
        ("Upstreams", !proxy.upstreams.is_empty()),
    ];
    for (name, _) in forbidden.iter().filter(|(_, set)| *set) {
        errors.push(format!("The Proxy.{name} configuration is invalid for a {kind}"));
    }
}

/// Checks a service instance and fills in what it may leave out: the id, the weights.
///
/// # Errors
/// The list of `spec/http-api.md` 1.17, `Must provide service name ...`, `Invalid service address`.
pub fn service(service: &mut NodeService) -> Result<()> {
    if let Some(list) = error_list(&service_errors(service)) {
        return Err(Error::new(list));
    }
    if service.service.is_empty() {
        let suffix = if service.id.is_empty() { "" } else { " when service ID is provided" };
        return Err(Error::new(format!("Must provide service name (Service.Service){suffix}")));
    }
    if service.id.is_empty() {
        service.id = service.service.clone();
    }
    if is_any_address(&service.address) {
        return Err(Error::new("Invalid service address"));
    }
    service.weights = Some(service.weights.filter(|w| weights_error(w).is_none()).unwrap_or_default());
    Ok(())
}

/// What is wrong with DNS weights.
pub fn weights_error(weights: &Weights) -> Option<&'static str> {
    if weights.passing < 1 {
        return Some("Passing must be greater than 0");
    }
    if weights.warning < 0 {
        return Some("Warning must be greater or equal than 0");
    }
    if weights.passing > 65535 || weights.warning > 65535 {
        return Some("DNS Weight must be between 0 and 65535");
    }
    None
}

/// What is wrong with metadata pairs. `extra` names a reserved key that is allowed all the same.
pub fn meta_error(meta: &BTreeMap<String, String>, reserved_allowed: bool, extra: &str) -> Option<String> {
    if meta.len() > META_MAX_PAIRS {
        return Some(format!("Node metadata cannot contain more than {META_MAX_PAIRS} key/value pairs"));
    }
    meta.iter().find_map(|(key, value)| {
        let why = if key.is_empty() {
            "Key cannot be blank".to_owned()
        } else if !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            "Key contains invalid characters".to_owned()
        } else if key.len() > META_KEY_MAX {
            format!("Key is too long (limit: {META_KEY_MAX} characters)")
        } else if key.starts_with(META_RESERVED) && !reserved_allowed && key != extra {
            format!("Key prefix '{META_RESERVED}' is reserved for internal use")
        } else if value.len() > META_VALUE_MAX {
            format!("Value is too long (limit: {META_VALUE_MAX} characters)")
        } else {
            return None;
        };
        Some(format!("Couldn't load metadata pair ('{key}', '{value}'): {why}"))
    })
}

/// What is wrong with the metadata of a service instance of this kind.
pub fn service_meta_error(kind: &str, meta: &BTreeMap<String, String>) -> Option<String> {
    meta_error(meta, false, if kind == "mesh-gateway" { META_WAN_FEDERATION } else { "" })
}

/// Fills in what a check may leave out: its node, its id (from the name), its kind and its status.
pub fn fill_check(check: &mut HealthCheck, node: &str) {
    if check.node.is_empty() {
        node.clone_into(&mut check.node);
    }
    if check.check_id.is_empty() {
        check.check_id = check.name.clone();
    }
    if check.kind.is_empty() {
        check_kind(&check.definition).clone_into(&mut check.kind);
    }
    if check.status.is_empty() {
        "critical".clone_into(&mut check.status);
    }
}

/// The kind that a definition amounts to, or nothing.
fn check_kind(definition: &CheckDefinition) -> &'static str {
    let timed = definition.interval.0 > 0;
    let script = !definition.script_args.is_empty();
    let kinds = [
        ("grpc", timed && !definition.grpc.is_empty()),
        ("http", timed && !definition.http.is_empty()),
        ("ttl", definition.ttl.0 > 0),
        ("tcp", timed && !definition.tcp.is_empty()),
        ("udp", timed && !definition.udp.is_empty()),
        ("alias", !definition.alias_node.is_empty() || !definition.alias_service.is_empty()),
        ("docker", timed && script && !definition.docker_container_id.is_empty()),
        ("script", script),
        ("h2ping", timed && !definition.h2ping.is_empty()),
        ("os_service", timed && !definition.os_service.is_empty()),
    ];
    kinds.into_iter().find(|(_, is)| *is).map_or("", |(kind, _)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::GoDuration;

    fn proxy() -> NodeService {
        NodeService {
            kind: "connect-proxy".into(),
            service: "web-proxy".into(),
            port: 20000,
            proxy: ConnectProxyConfig { destination_service_name: "web".into(), ..Default::default() },
            ..Default::default()
        }
    }

    fn upstream(name: &str, port: i64) -> Upstream {
        Upstream { destination_name: name.into(), local_bind_port: port, ..Default::default() }
    }

    #[test]
    fn a_proxy_without_destination_and_port_gets_both_errors_in_one_list() {
        let mut service_row = proxy();
        service_row.port = 0;
        service_row.proxy.destination_service_name.clear();
        let error = service(&mut service_row).expect_err("refused");
        assert_eq!(
            error.text,
            "2 errors occurred:\n\t* Proxy.DestinationServiceName must be non-empty for Connect proxy services\n\t* Port or \
             SocketPath must be set for a connect-proxy\n\n"
        );
    }

    #[test]
    fn upstreams_are_refused_in_the_words_of_the_reference() {
        let cases: [(Vec<Upstream>, &str); 4] = [
            (vec![upstream("", 1)], "upstream destination name cannot be empty"),
            (vec![upstream("db", 0)], "upstream local bind port or local socket path must be defined and nonzero"),
            (
                vec![upstream("db", 1), upstream("db", 2)],
                "upstreams cannot contain duplicates of [type=\"service\", name=\"db\", partition=\"\", namespace=\"\", \
                 peer=\"\", datacenter=\"\"]",
            ),
            (
                vec![upstream("db", 1234), upstream("cache", 1234)],
                "upstreams cannot contain duplicates by local bind address and port or unix path; \"127.0.0.1:1234\" is \
                 specified twice",
            ),
        ];
        for (upstreams, expected) in cases {
            let mut row = proxy();
            row.proxy.upstreams = upstreams;
            assert_eq!(service_errors(&row), [expected]);
        }
    }

    #[test]
    fn a_mesh_gateway_needs_a_port_and_no_proxy_settings() {
        let mut row = NodeService { kind: "mesh-gateway".into(), service: "gw".into(), ..Default::default() };
        row.proxy.local_service_port = 1;
        assert_eq!(
            service_errors(&row),
            [
                "Port must be non-zero for a mesh-gateway",
                "The Proxy.LocalServicePort configuration is invalid for a mesh-gateway"
            ]
        );
    }

    #[test]
    fn the_service_id_defaults_to_the_name_and_bad_weights_to_one() {
        let weights = Some(Weights { passing: 0, warning: 5 });
        let mut row = NodeService { service: "web".into(), weights, ..Default::default() };
        service(&mut row).expect("accepted");
        assert_eq!((row.id.as_str(), row.weights), ("web", Some(Weights::default())));
    }

    #[test]
    fn names_ids_and_addresses_are_required() {
        let text = |id: &str, name: &str, address: &str| {
            let mut row =
                NodeService { id: id.into(), service: name.into(), address: address.into(), ..Default::default() };
            service(&mut row).expect_err("refused").text
        };
        assert_eq!(text("", "", ""), "Must provide service name (Service.Service)");
        assert_eq!(text("x", "", ""), "Must provide service name (Service.Service) when service ID is provided");
        assert_eq!(text("x", "web", "0.0.0.0"), "Invalid service address");
        assert_eq!(node("", "").expect_err("refused").text, "Must provide node");
        assert_eq!(node("n", "abc").expect_err("refused").text, "Bad node ID: uuid string is wrong length");
    }

    #[test]
    fn metadata_pairs_are_limited() {
        let one = |key: &str, value: &str| meta_error(&BTreeMap::from([(key.into(), value.into())]), false, "");
        assert_eq!(
            one("consul-x", "1").as_deref(),
            Some("Couldn't load metadata pair ('consul-x', '1'): Key prefix 'consul-' is reserved for internal use")
        );
        assert_eq!(
            one("a b", "1").as_deref(),
            Some("Couldn't load metadata pair ('a b', '1'): Key contains invalid characters")
        );
        assert_eq!(one("a", "1"), None);
        assert_eq!(
            service_meta_error("mesh-gateway", &BTreeMap::from([("consul-wan-federation".into(), "1".into())])),
            None
        );
    }

    #[test]
    fn a_check_is_filled_in_from_its_name_and_definition() {
        let mut check = HealthCheck { name: "up".into(), ..Default::default() };
        check.definition = CheckDefinition { tcp: "a:1".into(), interval: GoDuration::secs(1), ..Default::default() };
        fill_check(&mut check, "n1");
        assert_eq!(
            (check.node.as_str(), check.check_id.as_str(), check.kind.as_str(), check.status.as_str()),
            ("n1", "up", "tcp", "critical")
        );
    }
}
