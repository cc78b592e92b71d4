//! `/v1/catalog` (`spec/http-api.md` 3.5).

use super::answer::Answer;
use super::call::Call;
use super::decode::bodies::{CATALOG_DEREGISTER, CATALOG_REGISTER};
use super::decode::shape::Kind;
use super::encodings::encodings;
use super::health::shown_service;
use super::routes::{DISCOVERY, EFFECTIVE, FILTER, META, NS, PARTITION, READ, routes};
use crate::rpc::method::{
    CatalogDeregister, CatalogListDatacenters, CatalogListNodes, CatalogListServices, CatalogNodeServiceList,
    CatalogNodeServices, CatalogRegister, CatalogServiceNodes,
};
use crate::types::requests::{
    DcRequest, IndexedNodeServiceList, IndexedNodeServices, IndexedNodes, IndexedServiceNodes, IndexedServices,
    NodeRequest, NodeServiceList, ServiceRequest,
};
use crate::types::{DeregisterRequest, Error, Node, QueryOptions, RegisterRequest, Result};
use serde::Serialize;
use std::sync::Arc;

/// What all reads of this group have.
const LIST: u8 = READ | FILTER | EFFECTIVE | DISCOVERY | META;

routes! {
    "/v1/catalog/register" "PUT" register, NS;
    "/v1/catalog/deregister" "PUT" deregister, NS;
    "/v1/catalog/datacenters" "GET" datacenters;
    "/v1/catalog/nodes" "GET" nodes, LIST | PARTITION;
    "/v1/catalog/services" "GET" services, LIST | NS;
    "/v1/catalog/service/" "GET" service, LIST | NS;
    "/v1/catalog/connect/" "GET" connect, LIST | NS;
    "/v1/catalog/node/" "GET" node, LIST | NS;
    "/v1/catalog/node-services/" "GET" node_services, LIST | NS;
}

encodings! {
    NODES: IndexedNodes, reply => &reply.nodes;
    SERVICES: IndexedServices, reply => &reply.services;
    SERVICE_NODES: IndexedServiceNodes, reply => &reply.service_nodes;
    NODE_SERVICES: IndexedNodeServices, reply => node_view(reply);
    NODE_SERVICE_LIST: IndexedNodeServiceList, reply => list_view(&reply.node_services);
}

/// A node with its instances, tags never null.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct NodeView<S> {
    node: Option<Arc<Node>>,
    services: S,
}

fn node_view(reply: &IndexedNodeServices) -> impl Serialize {
    reply.node_services.as_ref().map(|found| NodeView {
        node: found.node.clone(),
        services: found.services.as_ref().map(|services| {
            let shown = services.iter().map(|(id, service)| (id.clone(), shown_service(service)));
            shown.collect::<std::collections::BTreeMap<_, _>>()
        }),
    })
}

fn list_view(found: &NodeServiceList) -> impl Serialize {
    NodeView {
        node: found.node.clone(),
        services: found.services.as_ref().map(|services| services.iter().map(shown_service).collect::<Vec<_>>()),
    }
}

/// `Request decode failed`, with a hint when the unknown field is the Enterprise one.
fn reword(error: Error) -> Error {
    let hint =
        error.text.ends_with("unknown field \"Namespace\"") || error.text.ends_with("unknown field \"namespace\"");
    if hint { Error { text: error.text + " - Namespaces are a Consul Enterprise feature", ..error } } else { error }
}

async fn register(call: &mut Call<'_>) -> Result<Answer> {
    let mut request: RegisterRequest = call.decode(&Kind::Object(&CATALOG_REGISTER)).await.map_err(reword)?;
    (request.create_index, request.modify_index) = (0, 0);
    if request.datacenter.is_empty() {
        request.datacenter = call.settings.datacenter.clone();
    }
    request.token = call.token();
    call.agent.call::<CatalogRegister>(request).await?;
    call.json(&true)
}

async fn deregister(call: &mut Call<'_>) -> Result<Answer> {
    let mut request: DeregisterRequest = call.decode(&Kind::Object(&CATALOG_DEREGISTER)).await.map_err(reword)?;
    if request.datacenter.is_empty() {
        request.datacenter = call.settings.datacenter.clone();
    }
    request.token = call.token();
    call.agent.call::<CatalogDeregister>(request).await?;
    call.json(&true)
}

/// Datacenters have no blocking and no metadata; read flags that contradict each other are complained about in front of
/// the list (`spec/http-api.md` 4).
async fn datacenters(call: &mut Call<'_>) -> Result<Answer> {
    let options = call.params.options(call.settings.discovery_max_stale).and_then(|mut options| {
        call.cache_options(&mut options)?;
        Ok(options)
    });
    let (query, complaint) = match options {
        Ok(options) => (options, None),
        Err(complaint) => (QueryOptions::default(), Some(complaint)),
    };
    let answer = if query.use_cache {
        let query = QueryOptions { token: call.token(), ..query };
        let request = DcRequest { query, ..DcRequest::default() };
        let (value, hit) = call.agent.cached_call::<CatalogListDatacenters>(request).await?;
        call.set_cache(hit);
        call.json(&*value.shared().body)?
    } else {
        call.json(&call.agent.call::<CatalogListDatacenters>(DcRequest::default()).await?)?
    };
    let (Some(complaint), super::answer::Payload::Whole(list)) = (complaint, &answer.payload) else {
        return Ok(answer);
    };
    let text = complaint.text + &String::from_utf8_lossy(list);
    Ok(Answer::text(hyper::StatusCode::BAD_REQUEST, text))
}

async fn nodes(call: &mut Call<'_>) -> Result<Answer> {
    let request = DcRequest {
        datacenter: call.datacenter(),
        node_meta_filters: call.params.node_meta(),
        source: call.source(),
        query: call.read_options(),
        ..DcRequest::default()
    };
    call.read::<CatalogListNodes>(request, &NODES).await
}

async fn services(call: &mut Call<'_>) -> Result<Answer> {
    let request = DcRequest {
        datacenter: call.datacenter(),
        node_meta_filters: call.params.node_meta(),
        query: call.read_options(),
        ..DcRequest::default()
    };
    call.read::<CatalogListServices>(request, &SERVICES).await
}

/// The request of everything that is about the instances of one service.
///
/// # Errors
/// 400 without a name.
pub fn service_request(call: &Call<'_>, connect: bool) -> Result<ServiceRequest> {
    let service_tags: Vec<String> = call.params.all("tag").map(str::to_owned).collect();
    Ok(ServiceRequest {
        datacenter: call.datacenter(),
        node_meta_filters: call.params.node_meta(),
        service_name: call.argument("Missing service name")?.to_owned(),
        tag_filter: !service_tags.is_empty(),
        service_tags,
        connect,
        merge_central_config: call.params.has("merge-central-config"),
        source: call.source(),
        peer_name: call.params.text("peer").to_owned(),
        query: call.read_options(),
        ..ServiceRequest::default()
    })
}

async fn service(call: &mut Call<'_>) -> Result<Answer> {
    let request = service_request(call, false)?;
    call.read::<CatalogServiceNodes>(request, &SERVICE_NODES).await
}

async fn connect(call: &mut Call<'_>) -> Result<Answer> {
    let request = service_request(call, true)?;
    call.read::<CatalogServiceNodes>(request, &SERVICE_NODES).await
}

fn node_request(call: &Call<'_>) -> Result<NodeRequest> {
    Ok(NodeRequest {
        datacenter: call.datacenter(),
        node: call.argument("Missing node name")?.to_owned(),
        query: call.read_options(),
        ..NodeRequest::default()
    })
}

async fn node(call: &mut Call<'_>) -> Result<Answer> {
    let request = node_request(call)?;
    let found = call.fetch::<CatalogNodeServices>(request, &NODE_SERVICES).await?;
    Ok(Answer::encoded(found.body))
}

async fn node_services(call: &mut Call<'_>) -> Result<Answer> {
    let request = node_request(call)?;
    let found = call.fetch::<CatalogNodeServiceList>(request, &NODE_SERVICE_LIST).await?;
    Ok(Answer::encoded(found.body))
}
