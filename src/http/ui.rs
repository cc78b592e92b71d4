//! `/v1/internal/ui`: what the web UI asks (`spec/http-api.md` 3.15).

use super::answer::Answer;
use super::call::Call;
use super::encodings::encodings;
use super::routes::{FILTER, META, NS, READ, routes};
use crate::rpc::method::{InternalNodeDump, InternalNodeInfo, InternalServiceDump};
use crate::types::requests::{DcRequest, IndexedCheckServiceNodes, IndexedNodeDump, NodeRequest, ServiceDumpRequest};
use crate::types::value::is_zero;
use crate::types::{CheckServiceNode, CheckStatus, Result};
use hyper::StatusCode;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

routes! {
    "/v1/internal/ui/nodes" "GET" nodes, READ | FILTER | NS | META;
    "/v1/internal/ui/node/" "GET" node, READ | NS | META;
    "/v1/internal/ui/services" "GET" services, READ | FILTER | NS | META;
}

encodings! {
    NODES: IndexedNodeDump, reply => &reply.dump;
    NODE: IndexedNodeDump, reply => reply.dump.first();
    SERVICES: IndexedCheckServiceNodes, reply => listings(&reply.nodes);
}

async fn nodes(call: &mut Call<'_>) -> Result<Answer> {
    let request = DcRequest { datacenter: call.datacenter(), query: call.read_options(), ..DcRequest::default() };
    let found = call.fetch::<InternalNodeDump>(request, &NODES).await?;
    Ok(Answer::encoded(found.body))
}

async fn node(call: &mut Call<'_>) -> Result<Answer> {
    let request = NodeRequest {
        datacenter: call.datacenter(),
        node: call.argument("Missing node name")?.to_owned(),
        peer_name: call.params.text("peer").to_owned(),
        query: call.read_options(),
        ..NodeRequest::default()
    };
    let answer = call.read::<InternalNodeInfo>(request, &NODE).await?;
    if answer.status == StatusCode::NOT_FOUND {
        call.clear_meta();
    }
    Ok(answer)
}

async fn services(call: &mut Call<'_>) -> Result<Answer> {
    let request = ServiceDumpRequest {
        datacenter: call.datacenter(),
        peer_name: call.params.text("peer").to_owned(),
        query: call.read_options(),
        ..ServiceDumpRequest::default()
    };
    let found = call.fetch::<InternalServiceDump>(request, &SERVICES).await?;
    Ok(Answer::encoded(found.body))
}

/// Gateways are not linked to services here.
#[derive(Default, Serialize)]
struct GatewayConfig {}

/// A service in the list of services.
#[derive(Default, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listing {
    #[serde(skip_serializing_if = "String::is_empty")]
    kind: String,
    name: String,
    datacenter: String,
    tags: Option<BTreeSet<String>>,
    nodes: BTreeSet<String>,
    external_sources: Option<BTreeSet<String>>,
    instance_count: usize,
    checks_passing: usize,
    checks_warning: usize,
    checks_critical: usize,
    gateway_config: GatewayConfig,
    transparent_proxy: bool,
    connect_native: bool,
    #[serde(skip_serializing_if = "is_zero")]
    peer_name: String,
    connected_with_proxy: bool,
    connected_with_gateway: bool,
    /// Checks counted so far, by node and id.
    #[serde(skip)]
    counted: BTreeSet<(String, String)>,
}

impl Listing {
    fn count_checks(&mut self, row: &CheckServiceNode) {
        for check in &row.checks {
            if !self.counted.insert((check.node.clone(), check.check_id.clone())) {
                continue;
            }
            match check.known_status() {
                Some(CheckStatus::Passing) => self.checks_passing += 1,
                Some(CheckStatus::Warning) => self.checks_warning += 1,
                Some(CheckStatus::Critical) => self.checks_critical += 1,
                None => {}
            }
        }
    }
}

/// One entry a service, sorted by name; the checks of sidecars count for their destination too.
fn listings(rows: &[CheckServiceNode]) -> Vec<Listing> {
    let mut by_name: BTreeMap<&str, Listing> = BTreeMap::new();
    for row in rows {
        let service = &row.service;
        let listing = by_name.entry(&service.service).or_default();
        listing.kind.clone_from(&service.kind);
        listing.name.clone_from(&service.service);
        listing.datacenter.clone_from(&row.node.datacenter);
        listing.peer_name.clone_from(&service.peer_name);
        listing.instance_count += 1;
        listing.nodes.insert(row.node.node.clone());
        for tag in service.tags.iter().flatten() {
            listing.tags.get_or_insert_default().insert(tag.clone());
        }
        if let Some(source) = service.meta.as_ref().and_then(|meta| meta.get("external-source")) {
            listing.external_sources.get_or_insert_default().insert(source.clone());
        }
        listing.connect_native |= service.connect.native;
        listing.transparent_proxy |= service.proxy.mode == "transparent";
        listing.count_checks(row);
    }
    for row in rows.iter().filter(|row| row.service.kind == "connect-proxy") {
        if let Some(listing) = by_name.get_mut(row.service.proxy.destination_service_name.as_str()) {
            listing.connected_with_proxy = true;
            listing.transparent_proxy |= row.service.proxy.mode == "transparent";
            listing.count_checks(row);
        }
    }
    by_name.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{HealthCheck, Node, NodeService};
    use std::sync::Arc;

    fn row(node: &str, service: NodeService, checks: &[(&str, &str)]) -> CheckServiceNode {
        let check = |(id, status): &(&str, &str)| {
            Arc::new(HealthCheck {
                node: node.into(),
                check_id: (*id).into(),
                status: (*status).into(),
                ..HealthCheck::default()
            })
        };
        CheckServiceNode {
            node: Arc::new(Node { node: node.into(), datacenter: "dc1".into(), ..Node::default() }),
            service: Arc::new(service),
            checks: checks.iter().map(check).collect(),
        }
    }

    #[test]
    fn checks_count_once_and_those_of_a_sidecar_count_for_its_service() {
        let web = |id: &str| NodeService { id: id.into(), service: "web".into(), ..NodeService::default() };
        let mut proxy = NodeService { id: "p".into(), service: "web-sidecar-proxy".into(), ..NodeService::default() };
        proxy.kind = "connect-proxy".into();
        proxy.proxy.destination_service_name = "web".into();
        let rows = [
            row("a", web("1"), &[("serf", "passing"), ("c1", "critical")]),
            row("a", web("2"), &[("serf", "passing"), ("c2", "warning")]),
            row("a", proxy, &[("serf", "passing"), ("p1", "passing")]),
        ];
        let listings = listings(&rows);
        assert_eq!(
            listings.iter().map(|listing| listing.name.as_str()).collect::<Vec<_>>(),
            ["web", "web-sidecar-proxy"]
        );
        let web = &listings[0];
        assert_eq!((web.instance_count, web.checks_passing, web.checks_warning, web.checks_critical), (2, 2, 1, 1));
        assert!(web.connected_with_proxy && !listings[1].connected_with_proxy);
    }
}
