//! `/v1/health` (`spec/http-api.md` 3.6).

use super::answer::Answer;
use super::call::Call;
use super::catalog::service_request;
use super::encodings::{Encodings, encodings};
use super::params::parse_bool;
use super::routes::{DISCOVERY, EFFECTIVE, FILTER, META, NS, READ, routes};
use crate::rpc::method::{HealthChecksInState, HealthNodeChecks, HealthServiceChecks, HealthServiceNodes};
use crate::types::requests::{
    IndexedCheckServiceNodes, IndexedHealthChecks, NodeRequest, ServiceRequest, StateRequest,
};
use crate::types::{CheckServiceNode, CheckStatus, Error, NodeService, Result};
use serde::Serialize;
use serde::ser::{SerializeSeq, SerializeStruct, Serializer};
use std::sync::Arc;

/// What all reads of this group have.
const LIST: u8 = READ | FILTER | EFFECTIVE | DISCOVERY | META | NS;

routes! {
    "/v1/health/node/" "GET" node, LIST;
    "/v1/health/checks/" "GET" checks, LIST;
    "/v1/health/state/" "GET" state, LIST;
    "/v1/health/service/" "GET" service, LIST;
    "/v1/health/connect/" "GET" connect, LIST;
    "/v1/health/ingress/" "GET" ingress, LIST;
}

encodings! {
    CHECKS: IndexedHealthChecks, reply => &reply.health_checks;
    INSTANCES: IndexedCheckServiceNodes, reply => Instances { rows: &reply.nodes, only_passing: false };
    PASSING: IndexedCheckServiceNodes, reply => Instances { rows: &reply.nodes, only_passing: true };
}

/// A service as health and catalog answers show it: tags are never null.
pub fn shown_service(service: &Arc<NodeService>) -> Arc<NodeService> {
    if service.tags.is_some() {
        return service.clone();
    }
    Arc::new(NodeService { tags: Some(Vec::new()), ..NodeService::clone(service) })
}

/// Instances with their checks, all or only those whose every check passes.
struct Instances<'a> {
    rows: &'a [CheckServiceNode],
    only_passing: bool,
}

impl Serialize for Instances<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let passing = CheckStatus::Passing.as_str();
        let mut list = serializer.serialize_seq(None)?;
        for row in self.rows {
            if !self.only_passing || row.checks.iter().all(|check| check.status == passing) {
                list.serialize_element(&Instance(row))?;
            }
        }
        list.end()
    }
}

struct Instance<'a>(&'a CheckServiceNode);

impl Serialize for Instance<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let row = self.0;
        if row.service.tags.is_some() {
            return row.serialize(serializer);
        }
        let mut object = serializer.serialize_struct("CheckServiceNode", 3)?;
        object.serialize_field("Node", &row.node)?;
        object.serialize_field("Service", &shown_service(&row.service))?;
        object.serialize_field("Checks", &row.checks)?;
        object.end()
    }
}

async fn node(call: &mut Call<'_>) -> Result<Answer> {
    let request = NodeRequest {
        datacenter: call.datacenter(),
        node: call.argument("Missing node name")?.to_owned(),
        query: call.read_options(),
        ..NodeRequest::default()
    };
    call.read::<HealthNodeChecks>(request, &CHECKS).await
}

async fn checks(call: &mut Call<'_>) -> Result<Answer> {
    let request = ServiceRequest {
        datacenter: call.datacenter(),
        node_meta_filters: call.params.node_meta(),
        service_name: call.argument("Missing service name")?.to_owned(),
        source: call.source(),
        query: call.read_options(),
        ..ServiceRequest::default()
    };
    call.read::<HealthServiceChecks>(request, &CHECKS).await
}

async fn state(call: &mut Call<'_>) -> Result<Answer> {
    let request = StateRequest {
        datacenter: call.datacenter(),
        node_meta_filters: call.params.node_meta(),
        state: call.argument("Missing check state")?.to_owned(),
        source: call.source(),
        query: call.read_options(),
        ..StateRequest::default()
    };
    call.read::<HealthChecksInState>(request, &CHECKS).await
}

/// Which connection a caller wants to the service.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Through {
    Itself,
    Mesh,
    Ingress,
}

async fn service(call: &mut Call<'_>) -> Result<Answer> {
    instances(call, Through::Itself).await
}

async fn connect(call: &mut Call<'_>) -> Result<Answer> {
    instances(call, Through::Mesh).await
}

async fn ingress(call: &mut Call<'_>) -> Result<Answer> {
    instances(call, Through::Ingress).await
}

async fn instances(call: &mut Call<'_>, through: Through) -> Result<Answer> {
    refuse_sameness_groups(call)?;
    let mut request = service_request(call, through == Through::Mesh)?;
    request.ingress = through == Through::Ingress;
    let encodings: &'static Encodings<IndexedCheckServiceNodes> = match call.params.get("passing") {
        None => &INSTANCES,
        Some("") => &PASSING,
        Some(value) => match parse_bool(value) {
            Some(true) => &PASSING,
            Some(false) => &INSTANCES,
            None => return Err(Error::bad_request("Invalid value for ?passing")),
        },
    };
    let streams = is_streamed(call, &request);
    let answer = call.read::<HealthServiceNodes>(request, encodings).await?;
    if streams {
        call.set_streaming();
    }
    Ok(answer)
}

/// Whether the reference answers from a view that is fed by events (`spec/semantics.md` 24.3).
fn is_streamed(call: &Call<'_>, request: &ServiceRequest) -> bool {
    let config = call.config();
    let plain = !request.ingress && !request.merge_central_config && request.source.node.is_empty();
    let waits = request.query.min_query_index > 0 || request.query.use_cache;
    plain && waits && config.use_streaming_backend && (!config.server || config.rpc_enable_streaming)
}

fn refuse_sameness_groups(call: &Call<'_>) -> Result<()> {
    let group = ["sg", "sameness-group"].iter().any(|name| !call.params.text(name).is_empty());
    match (group, call.params.text("peer").is_empty()) {
        (false, _) => Ok(()),
        (true, true) => Err(Error::new("sameness groups are not supported in consul CE")),
        (true, false) => Err(Error::bad_request("peer-name and sameness-group are mutually exclusive")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::json::{Style, to_bytes};
    use crate::types::HealthCheck;

    fn row(id: &str, statuses: &[&str]) -> CheckServiceNode {
        let check = |status: &&str| Arc::new(HealthCheck { status: (*status).to_owned(), ..HealthCheck::default() });
        CheckServiceNode {
            service: Arc::new(NodeService { id: id.to_owned(), ..NodeService::default() }),
            checks: statuses.iter().map(check).collect(),
            ..CheckServiceNode::default()
        }
    }

    #[test]
    fn only_instances_whose_every_check_passes_are_passing() {
        let rows = [row("none", &[]), row("good", &["passing", "passing"]), row("warned", &["passing", "warning"])];
        let ids = |only_passing| {
            let body = to_bytes(&Instances { rows: &rows, only_passing }, Style::Compact).expect("JSON");
            let list: Vec<CheckServiceNode> = serde_json::from_slice(&body).expect("reads back");
            list.iter().map(|row| row.service.id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(ids(true), ["none", "good"]);
        assert_eq!(ids(false), ["none", "good", "warned"]);
    }

    #[test]
    fn tags_are_never_null() {
        let body = to_bytes(&Instances { rows: &[row("a", &[])], only_passing: false }, Style::Compact).expect("JSON");
        assert!(String::from_utf8_lossy(&body).contains("\"Tags\":[]"));
    }
}
