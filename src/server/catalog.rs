//! `Catalog.*`: nodes and services, and the requests that register and remove them (`spec/semantics.md` 5).

use super::near::{sort_by_distance, sort_key_near};
use super::{Endpoint, Place, ReadContext, ReadEndpoint, Server};
use crate::acl::{Access, Authorizer, PERMISSION_DENIED, Resource};
use crate::rpc::method::*;
use crate::state::{Command, WatchSet};
use crate::telemetry::metrics::{Sample, counter_labels};
use crate::types::requests::*;
use crate::types::validate;
use crate::types::{
    DeregisterRequest, Error, HealthCheck, Index, Node, NodeService, QueryMeta, RegisterRequest, Result, ServiceNode,
    StringMap,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

static REGISTER: Sample = Sample::new("catalog.register");
static DEREGISTER: Sample = Sample::new("catalog.deregister");

/// The service whose registration is the system's own business.
const CONSUL_SERVICE: &str = "consul";

impl Endpoint for CatalogRegister {
    async fn serve(server: &Server, mut args: RegisterRequest) -> Result<()> {
        let start = Instant::now();
        let authorizer = server.resolve(&args.token).await?;
        if !args.peer_name.is_empty() {
            return Err(Error::new("cannot register requests with PeerName in them"));
        }
        prepare(&mut args, &authorizer)?;
        let present = if needs_present(&args, &authorizer) { present(server, &args.node) } else { None };
        vet_register(&args, present.as_ref(), &authorizer)?;
        check_service_meta(&args)?;
        args.token.clear();
        server.config().datacenter.clone_into(&mut args.datacenter);
        let result = server.apply(Command::Register(Box::new(args)), "").await;
        REGISTER.since(start);
        result.map(drop)
    }
}

/// Checks the fields of a register request and fills in what may be left out.
fn prepare(args: &mut RegisterRequest, authorizer: &Authorizer) -> Result<()> {
    validate::node(&args.node, &args.id)?;
    if args.address.is_empty() && !args.skip_node_update {
        return Err(Error::new("Must provide address if SkipNodeUpdate is not set"));
    }
    if let Some(service) = &mut args.service {
        let service = Arc::make_mut(service);
        validate::service(service)?;
        permit_service(service, authorizer)?;
    }
    let mut checks = args.checks.take().unwrap_or_default();
    checks.extend(args.check.take());
    for check in &mut checks {
        validate::fill_check(Arc::make_mut(check), &args.node);
    }
    args.checks = Some(checks);
    Ok(())
}

/// A service needs write permission on its name, a proxy also on that of its destination.
fn permit_service(service: &NodeService, authorizer: &Authorizer) -> Result<()> {
    if service.service != CONSUL_SERVICE {
        authorizer.check(Resource::Service, Access::Write, &service.service)?;
    }
    if service.kind == "connect-proxy" {
        authorizer.check(Resource::Service, Access::Write, &service.proxy.destination_service_name)?;
    }
    Ok(())
}

/// The check belongs to the service of the same request.
fn belongs(check: &HealthCheck, args: &RegisterRequest) -> bool {
    args.service.as_ref().is_some_and(|service| service.id == check.service_id)
}

/// Whether vetting depends on what is stored: for permissions, and for checks of services that are not in the request.
fn needs_present(args: &RegisterRequest, authorizer: &Authorizer) -> bool {
    let elsewhere = |check: &HealthCheck| !check.service_id.is_empty() && !belongs(check, args);
    !authorizer.allows_everything() || args.checks.iter().flatten().any(|check| elsewhere(check))
}

/// The stored node of this name with its instances.
fn present(server: &Server, node: &str) -> Option<Present> {
    let (_, present) = server.store().snapshot().node_services(&mut WatchSet::none(), node);
    present.filter(|(found, _)| found.node.eq_ignore_ascii_case(node))
}

type Present = (Arc<Node>, Vec<Arc<NodeService>>);

/// Checks a complete register request against what is stored for its node and against the caller's permissions.
fn vet_register(args: &RegisterRequest, present: Option<&Present>, authorizer: &Authorizer) -> Result<()> {
    let instance = |id: &str| present.and_then(|(_, services)| services.iter().find(|service| service.id == id));
    if present.is_none_or(|(node, _)| changes_node(args, node)) {
        authorizer.check(Resource::Node, Access::Write, &args.node)?;
    }
    if let Some(service) = &args.service {
        authorizer.check(Resource::Service, Access::Write, &service.service)?;
        if let Some(other) = instance(&service.id) {
            check_existing(authorizer, &other.service)?;
        }
    }
    for check in args.checks.iter().flatten() {
        if !check.node.eq_ignore_ascii_case(&args.node) {
            return Err(Error::new(format!(
                "Node '{}' for check '{}' doesn't match register request node '{}'",
                check.node, check.check_id, args.node
            )));
        }
        if check.service_id.is_empty() {
            authorizer.check(Resource::Node, Access::Write, &args.node)?;
            continue;
        }
        if belongs(check, args) {
            continue;
        }
        let Some(service) = instance(&check.service_id) else {
            let (service, check) = (&check.service_id, &check.check_id);
            return Err(Error::new(format!("Unknown service ID '{service}' for check ID '{check}'")));
        };
        check_existing(authorizer, &service.service)?;
    }
    Ok(())
}

/// Write permission on a service that is registered already. The refusal does not tell its name.
pub(super) fn check_existing(authorizer: &Authorizer, service: &str) -> Result<()> {
    match authorizer.allows(Resource::Service, Access::Write, service) {
        true => Ok(()),
        false => Err(Error::with_status(403, PERMISSION_DENIED)),
    }
}

/// The request would change the stored node (`spec/semantics.md` 2.2).
fn changes_node(args: &RegisterRequest, node: &Node) -> bool {
    let differ = |a: &StringMap, b: &StringMap| !a.iter().flatten().eq(b.iter().flatten());
    !args.skip_node_update
        && (args.id != node.id
            || !args.node.eq_ignore_ascii_case(&node.node)
            || args.address != node.address
            || args.locality != node.locality
            || differ(&args.tagged_addresses, &node.tagged_addresses)
            || differ(&args.node_meta, &node.meta))
}

fn check_service_meta(args: &RegisterRequest) -> Result<()> {
    let Some(service) = &args.service else { return Ok(()) };
    let Some(meta) = &service.meta else { return Ok(()) };
    match validate::service_meta_error(&service.kind, meta) {
        None => Ok(()),
        Some(why) => Err(Error::new(format!(
            "failed inserting service: Invalid Service Meta for node {} and serviceID {}: {why}",
            args.node, service.id
        ))),
    }
}

impl Endpoint for CatalogDeregister {
    async fn serve(server: &Server, mut args: DeregisterRequest) -> Result<()> {
        let start = Instant::now();
        if args.node.is_empty() {
            return Err(Error::new("Must provide node"));
        }
        let authorizer = server.resolve(&args.token).await?;
        vet_deregister(server, &args, &authorizer)?;
        args.token.clear();
        let result = server.apply(Command::Deregister(args), "").await;
        DEREGISTER.since(start);
        result.map(drop)
    }
}

/// Write permission on the node suffices; else it takes that on the service of the instance or of the check.
fn vet_deregister(server: &Server, args: &DeregisterRequest, authorizer: &Authorizer) -> Result<()> {
    if authorizer.allows(Resource::Node, Access::Write, &args.node) {
        return Ok(());
    }
    let state = server.store().snapshot();
    if !args.service_id.is_empty() {
        let (_, present) = state.node_services(&mut WatchSet::none(), &args.node);
        let service = present.and_then(|(_, services)| services.into_iter().find(|s| s.id == args.service_id));
        let service = service.ok_or_else(|| Error::new(format!("Unknown service ID '{}'", args.service_id)))?;
        return authorizer.check(Resource::Service, Access::Write, &service.service);
    }
    if !args.check_id.is_empty() {
        let (_, checks) = state.node_checks(&mut WatchSet::none(), &args.node);
        let check = checks.into_iter().find(|check| check.check_id == args.check_id);
        let check = check.ok_or_else(|| Error::new(format!("Unknown check ID '{}'", args.check_id)))?;
        if !check.service_name.is_empty() {
            return authorizer.check(Resource::Service, Access::Write, &check.service_name);
        }
    }
    authorizer.check(Resource::Node, Access::Write, &args.node)
}

impl Endpoint for CatalogListDatacenters {
    const PLACE: Place = Place::Here;

    async fn serve(server: &Server, _args: DcRequest) -> Result<Vec<String>> {
        Ok(server.router().datacenters())
    }
}

impl ReadEndpoint for CatalogListNodes {
    fn read(cx: &mut ReadContext<'_>, args: &DcRequest) -> Result<IndexedNodes> {
        let (index, mut nodes) = cx.state.nodes(cx.watch, &args.node_meta_filters);
        cx.permit(&mut nodes, |who, node| who.allows(Resource::Node, Access::Read, &node.node));
        cx.filter::<Node, _>(&args.query.filter, &mut nodes)?;
        sort_by_distance(cx, &args.source, &mut nodes, |node| &node.node);
        Ok(IndexedNodes { nodes, meta: at(index) })
    }

    fn shareable(args: &DcRequest) -> bool {
        !sort_key_near(&args.source)
    }
}

impl ReadEndpoint for CatalogListServices {
    const CACHED: bool = true;

    fn read(cx: &mut ReadContext<'_>, args: &DcRequest) -> Result<IndexedServices> {
        let readable = |who: &Authorizer, name: &str| who.allows(Resource::Service, Access::Read, name);
        if args.query.filter.is_empty() {
            let (index, mut services) = cx.state.services(cx.watch, &args.node_meta_filters);
            if !cx.authorizer.allows_everything() {
                let before = services.len();
                services.retain(|name, _| readable(cx.authorizer, name));
                cx.filtered |= services.len() != before;
            }
            return Ok(IndexedServices { services, meta: at(index) });
        }
        let (index, mut rows) = cx.state.all_service_nodes(cx.watch, &args.node_meta_filters);
        cx.permit(&mut rows, |who, row| readable(who, &row.service_name));
        cx.filter::<ServiceNode, _>(&args.query.filter, &mut rows)?;
        let mut services = ServiceTags::new();
        for row in rows {
            let tags = services.entry(row.service_name).or_default();
            for tag in row.service_tags {
                if !tags.contains(&tag) {
                    tags.push(tag);
                }
            }
        }
        Ok(IndexedServices { services, meta: at(index) })
    }
}

/// Tags that a service request filters by: the list, or the single one of old clients.
pub(super) fn wanted_tags(args: &ServiceRequest) -> Vec<String> {
    match (args.tag_filter, args.service_tags.is_empty(), args.service_tag.is_empty()) {
        (false, _, _) | (true, true, true) => Vec::new(),
        (true, true, false) => vec![args.service_tag.clone()],
        (true, false, _) => args.service_tags.clone(),
    }
}

/// All pairs of `wanted` stand in `meta`.
fn meta_matches(meta: &StringMap, wanted: &BTreeMap<String, String>) -> bool {
    wanted.iter().all(|(key, value)| meta.as_ref().and_then(|meta| meta.get(key)) == Some(value))
}

/// The instance answers on this address: its own or one of its tagged ones.
fn has_address(row: &ServiceNode, address: &str) -> bool {
    let mut tagged = row.service_tagged_addresses.iter().flatten();
    row.service_address == address || tagged.any(|(_, tagged)| tagged.address == address)
}

/// Counts a lookup of a service as the reference does.
pub(super) fn count_service_query(room: &ServiceMetrics, args: &ServiceRequest, empty: bool) {
    let names = if args.connect { &room.connect } else { &room.service };
    let service = ("service", args.service_name.as_str());
    counter_labels(names[0], 1, &[service]);
    if !args.service_tag.is_empty() {
        counter_labels(names[1], 1, &[service, ("tag", args.service_tag.as_str())]);
    }
    if !args.service_tags.is_empty() {
        let mut tags: Vec<&str> = args.service_tags.iter().map(String::as_str).collect();
        tags.sort_unstable();
        let mut labels = vec![service];
        labels.extend(tags.into_iter().map(|tag| ("tag", tag)));
        counter_labels(names[2], 1, &labels);
    }
    if empty {
        counter_labels(names[3], 1, &[service]);
    }
}

/// Counters of service lookups: query, query-tag, query-tags, not-found; plain and mesh.
pub(super) struct ServiceMetrics {
    pub(super) service: [&'static str; 4],
    pub(super) connect: [&'static str; 4],
}

const METRICS: ServiceMetrics = ServiceMetrics {
    service: [
        "catalog.service.query",
        "catalog.service.query-tag",
        "catalog.service.query-tags",
        "catalog.service.not-found",
    ],
    connect: [
        "catalog.connect.query",
        "catalog.connect.query-tag",
        "catalog.connect.query-tags",
        "catalog.connect.not-found",
    ],
};

impl ReadEndpoint for CatalogServiceNodes {
    const CACHED: bool = true;

    fn read(cx: &mut ReadContext<'_>, args: &ServiceRequest) -> Result<IndexedServiceNodes> {
        if args.service_name.is_empty() && args.service_address.is_empty() {
            return Err(Error::new("Must provide service name"));
        }
        let meta = &args.node_meta_filters;
        let (index, mut rows) = if args.connect {
            if !cx.allows(Resource::Service, Access::Read, &args.service_name) {
                cx.filtered = true;
                return Ok(IndexedServiceNodes::default());
            }
            cx.state.connect_service_nodes(cx.watch, &args.service_name)
        } else if !args.service_address.is_empty() {
            cx.state.all_service_nodes(cx.watch, meta)
        } else {
            cx.state.service_nodes(cx.watch, &args.service_name, &wanted_tags(args), meta)
        };
        if !args.service_address.is_empty() {
            rows.retain(|row| has_address(row, &args.service_address));
        }
        if args.connect {
            rows.retain(|row| meta_matches(&row.node_meta, meta));
        }
        cx.permit(&mut rows, |who, row| {
            who.allows(Resource::Node, Access::Read, &row.node) && may_see_service(who, &row.service_name)
        });
        cx.filter::<ServiceNode, _>(&args.query.filter, &mut rows)?;
        sort_by_distance(cx, &args.source, &mut rows, |row| &row.node);
        cx.empty = rows.is_empty();
        Ok(IndexedServiceNodes { service_nodes: rows, meta: at(index) })
    }

    fn shareable(args: &ServiceRequest) -> bool {
        !sort_key_near(&args.source)
    }

    fn count(args: &ServiceRequest, empty: bool) {
        count_service_query(&METRICS, args, empty);
    }
}

/// A node with its instances, as far as the caller may see them.
fn visible_node_services(cx: &mut ReadContext<'_>, args: &NodeRequest) -> Result<(Index, Option<Present>)> {
    if args.node.is_empty() {
        return Err(Error::new("Must provide node"));
    }
    let (index, found) = cx.state.node_services(cx.watch, &args.node);
    let Some((node, mut services)) = found else { return Ok((index, None)) };
    if !cx.allows(Resource::Node, Access::Read, &node.node) {
        cx.filtered = true;
        return Ok((index, None));
    }
    cx.permit(&mut services, |who, service| who.allows(Resource::Service, Access::Read, &service.service));
    cx.filter::<NodeService, _>(&args.query.filter, &mut services)?;
    Ok((index, Some((node, services))))
}

impl ReadEndpoint for CatalogNodeServices {
    fn read(cx: &mut ReadContext<'_>, args: &NodeRequest) -> Result<IndexedNodeServices> {
        let (index, found) = visible_node_services(cx, args)?;
        let node_services = found.map(|(node, services)| NodeServices {
            node: Some(node),
            services: Some(services.into_iter().map(|service| (service.id.clone(), service)).collect()),
        });
        Ok(IndexedNodeServices { node_services, meta: at(index) })
    }
}

impl ReadEndpoint for CatalogNodeServiceList {
    fn read(cx: &mut ReadContext<'_>, args: &NodeRequest) -> Result<IndexedNodeServiceList> {
        let (index, found) = visible_node_services(cx, args)?;
        let node_services = match found {
            Some((node, services)) => NodeServiceList { node: Some(node), services: Some(services) },
            None if args.query.filter.is_empty() => NodeServiceList::default(),
            None => NodeServiceList { node: None, services: Some(Vec::new()) },
        };
        Ok(IndexedNodeServiceList { node_services, meta: at(index) })
    }
}

/// Metadata of a result with this index.
pub(super) fn at(index: Index) -> QueryMeta {
    QueryMeta { index, ..QueryMeta::default() }
}

/// A check is visible with its node, and with its service when it has one.
pub(super) fn may_see_check(who: &Authorizer, check: &HealthCheck) -> bool {
    who.allows(Resource::Node, Access::Read, &check.node) && may_see_service(who, &check.service_name)
}

/// A service is visible by its name; what belongs to none is no secret.
pub(super) fn may_see_service(who: &Authorizer, name: &str) -> bool {
    name.is_empty() || who.allows(Resource::Service, Access::Read, name)
}
