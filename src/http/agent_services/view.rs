//! How an agent shows its services and their health (`spec/http-api.md` 2.7, 3.4): the catalog's rows in another order,
//! with other fields left out.

use crate::types::service::{ConnectProxyConfig, Expose, MeshGateway, ServiceAddress, TransparentProxy, Upstream};
use crate::types::value::is_zero;
use crate::types::{HealthCheck, Locality, NodeService, Weights};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// An `AgentService`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ServiceView<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    kind: &'a str,
    #[serde(rename = "ID")]
    id: &'a str,
    service: &'a str,
    tags: &'a [String],
    #[serde(serialize_with = "never_null")]
    meta: Option<&'a BTreeMap<String, String>>,
    port: i64,
    address: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    socket_path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    tagged_addresses: Option<&'a BTreeMap<String, ServiceAddress>>,
    weights: Weights,
    enable_tag_override: bool,
    #[serde(skip_serializing_if = "str::is_empty")]
    content_hash: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxy: Option<ProxyView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connect: Option<ConnectView>,
    #[serde(skip_serializing_if = "str::is_empty")]
    peer_name: &'a str,
    datacenter: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    locality: Option<&'a Locality>,
}

fn never_null<S: Serializer>(map: &Option<&BTreeMap<String, String>>, serializer: S) -> Result<S::Ok, S::Error> {
    match map {
        Some(map) => map.serialize(serializer),
        None => serializer.serialize_map(Some(0))?.end(),
    }
}

/// Only native services show it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ConnectView {
    native: bool,
}

/// The proxy part of proxies and gateways.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProxyView<'a> {
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    envoy_extensions: &'a [Value],
    #[serde(skip_serializing_if = "str::is_empty")]
    destination_service_name: &'a str,
    #[serde(rename = "DestinationServiceID", skip_serializing_if = "str::is_empty")]
    destination_service_id: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    local_service_address: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    local_service_port: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    local_service_socket_path: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    mode: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    transparent_proxy: Option<&'a TransparentProxy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<&'a BTreeMap<String, Value>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    upstreams: Vec<UpstreamView<'a>>,
    mesh_gateway: &'a MeshGateway,
    expose: &'a Expose,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_logs: Option<&'a Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct UpstreamView<'a> {
    #[serde(skip_serializing_if = "str::is_empty")]
    destination_type: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    destination_namespace: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    destination_partition: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    destination_peer: &'a str,
    destination_name: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    datacenter: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    local_bind_address: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    local_bind_port: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    local_bind_socket_path: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    local_bind_socket_mode: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<&'a BTreeMap<String, Value>>,
    mesh_gateway: &'a MeshGateway,
    #[serde(skip_serializing_if = "is_zero")]
    centrally_configured: bool,
}

impl<'a> ServiceView<'a> {
    /// The view of a local service; the hash is shown when it is not empty.
    pub fn new(service: &'a NodeService, datacenter: &'a str, content_hash: &'a str) -> ServiceView<'a> {
        ServiceView {
            kind: &service.kind,
            id: &service.id,
            service: &service.service,
            tags: service.tags.as_deref().unwrap_or_default(),
            meta: service.meta.as_ref(),
            port: service.port,
            address: &service.address,
            socket_path: &service.socket_path,
            tagged_addresses: service.tagged_addresses.as_ref().filter(|addresses| !addresses.is_empty()),
            weights: service.weights.unwrap_or_default(),
            enable_tag_override: service.enable_tag_override,
            content_hash,
            proxy: (!service.kind.is_empty()).then(|| ProxyView::new(&service.proxy)),
            connect: service.connect.native.then_some(ConnectView { native: true }),
            peer_name: &service.peer_name,
            datacenter,
            locality: service.locality.as_ref(),
        }
    }
}

impl<'a> ProxyView<'a> {
    fn new(proxy: &'a ConnectProxyConfig) -> ProxyView<'a> {
        ProxyView {
            envoy_extensions: &proxy.envoy_extensions,
            destination_service_name: &proxy.destination_service_name,
            destination_service_id: &proxy.destination_service_id,
            local_service_address: &proxy.local_service_address,
            local_service_port: proxy.local_service_port,
            local_service_socket_path: &proxy.local_service_socket_path,
            mode: &proxy.mode,
            transparent_proxy: (!is_zero(&proxy.transparent_proxy)).then_some(&proxy.transparent_proxy),
            config: proxy.config.as_ref().filter(|config| !config.is_empty()),
            upstreams: proxy.upstreams.iter().map(UpstreamView::new).collect(),
            mesh_gateway: &proxy.mesh_gateway,
            expose: &proxy.expose,
            access_logs: proxy.access_logs.as_deref(),
        }
    }
}

impl<'a> UpstreamView<'a> {
    fn new(upstream: &'a Upstream) -> UpstreamView<'a> {
        UpstreamView {
            destination_type: &upstream.destination_type,
            destination_namespace: &upstream.destination_namespace,
            destination_partition: &upstream.destination_partition,
            destination_peer: &upstream.destination_peer,
            destination_name: &upstream.destination_name,
            datacenter: &upstream.datacenter,
            local_bind_address: &upstream.local_bind_address,
            local_bind_port: upstream.local_bind_port,
            local_bind_socket_path: &upstream.local_bind_socket_path,
            local_bind_socket_mode: &upstream.local_bind_socket_mode,
            config: upstream.config.as_ref().filter(|config| !config.is_empty()),
            mesh_gateway: &upstream.mesh_gateway,
            centrally_configured: upstream.centrally_configured,
        }
    }
}

/// The health of one service.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct HealthView<'a> {
    aggregated_status: &'static str,
    service: Option<ServiceView<'a>>,
    checks: Option<Vec<CheckView<'a>>>,
}

impl<'a> HealthView<'a> {
    /// The health of a service.
    pub fn new(status: &'static str, service: ServiceView<'a>, checks: &'a [Arc<HealthCheck>]) -> HealthView<'a> {
        let checks = checks.iter().map(|check| CheckView(check)).collect();
        HealthView { aggregated_status: status, service: Some(service), checks: Some(checks) }
    }

    /// What is said of a service that does not exist.
    pub fn unknown() -> HealthView<'a> {
        HealthView { aggregated_status: "critical", service: None, checks: None }
    }
}

/// A check without its type and with a definition that leaves nothing out.
struct CheckView<'a>(&'a HealthCheck);

impl Serialize for CheckView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let check = self.0;
        let mut object = serializer.serialize_map(None)?;
        object.serialize_entry("Node", &check.node)?;
        object.serialize_entry("CheckID", &check.check_id)?;
        object.serialize_entry("Name", &check.name)?;
        object.serialize_entry("Status", &check.status)?;
        object.serialize_entry("Notes", &check.notes)?;
        object.serialize_entry("Output", &check.output)?;
        object.serialize_entry("ServiceID", &check.service_id)?;
        object.serialize_entry("ServiceName", &check.service_name)?;
        object.serialize_entry("ServiceTags", &check.service_tags)?;
        object.serialize_entry("Type", "")?;
        object.serialize_entry("ExposedPort", &check.exposed_port)?;
        object.serialize_entry("Definition", &empty_definition())?;
        object.serialize_entry("CreateIndex", &0)?;
        object.serialize_entry("ModifyIndex", &0)?;
        object.end()
    }
}

/// Agent checks have no definition in answers; here its fields are written all the same.
fn empty_definition() -> Value {
    json!({
        "Interval": "0s", "Timeout": "0s", "DeregisterCriticalServiceAfter": "0s", "HTTP": "", "Header": null,
        "Method": "", "Body": "", "TLSServerName": "", "TLSSkipVerify": false, "TCP": "", "TCPUseTLS": false,
        "UDP": "", "GRPC": "", "OSService": "", "GRPCUseTLS": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::json::{Style, to_bytes};

    #[test]
    fn a_service_is_shown_as_the_reference_shows_it() {
        let mut service = NodeService { id: "web".into(), service: "web".into(), port: 80, ..NodeService::default() };
        let text = |service: &NodeService, hash| {
            let body = to_bytes(&ServiceView::new(service, "dc1", hash), Style::Compact).expect("JSON");
            String::from_utf8(body.to_vec()).expect("text")
        };
        assert_eq!(
            text(&service, ""),
            r#"{"ID":"web","Service":"web","Tags":[],"Meta":{},"Port":80,"Address":"","Weights":{"Passing":1,"Warning":1},"EnableTagOverride":false,"Datacenter":"dc1"}"#
        );
        service.kind = "connect-proxy".into();
        service.proxy.destination_service_name = "api".into();
        service.proxy.upstreams.push(Upstream { destination_name: "db".into(), ..Upstream::default() });
        assert!(text(&service, "abc").contains(
            r#""EnableTagOverride":false,"ContentHash":"abc","Proxy":{"DestinationServiceName":"api","Upstreams":[{"DestinationName":"db","MeshGateway":{}}],"MeshGateway":{},"Expose":{}},"Datacenter":"dc1"}"#
        ));
    }

    #[test]
    fn a_check_of_a_health_answer_has_a_verbose_definition_and_no_type() {
        let check = HealthCheck { check_id: "c".into(), kind: "ttl".into(), ..HealthCheck::default() };
        let body = to_bytes(&CheckView(&check), Style::Compact).expect("JSON");
        let text = String::from_utf8(body.to_vec()).expect("text");
        assert!(text.contains(r#""Type":"","ExposedPort":0,"Definition":{"Interval":"0s","Timeout":"0s""#), "{text}");
    }
}
