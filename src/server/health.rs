//! `Health.*`: checks, and service instances with the checks that decide their health.

use super::catalog::{ServiceMetrics, at, count_service_query, may_see_check, may_see_service, wanted_tags};
use super::near::{sort_by_distance, sort_key_near};
use super::{ReadContext, ReadEndpoint};
use crate::acl::{Access, Authorizer, Resource};
use crate::rpc::method::*;
use crate::types::requests::*;
use crate::types::{CheckServiceNode, Error, HealthCheck, Index, QuerySource, Result};
use std::sync::Arc;

const METRICS: ServiceMetrics = ServiceMetrics {
    service: [
        "health.service.query",
        "health.service.query-tag",
        "health.service.query-tags",
        "health.service.not-found",
    ],
    connect: [
        "health.connect.query",
        "health.connect.query-tag",
        "health.connect.query-tags",
        "health.connect.not-found",
    ],
};

/// Filters and sorts a list of checks: the expression first, permissions after it.
fn checks(
    cx: &mut ReadContext<'_>,
    index: Index,
    mut rows: Vec<Arc<HealthCheck>>,
    filter: &str,
    source: &QuerySource,
) -> Result<IndexedHealthChecks> {
    cx.filter::<HealthCheck, _>(filter, &mut rows)?;
    cx.permit(&mut rows, |who, check| may_see_check(who, check));
    sort_by_distance(cx, source, &mut rows, |check| &check.node);
    Ok(IndexedHealthChecks { health_checks: rows, meta: at(index) })
}

impl ReadEndpoint for HealthChecksInState {
    fn read(cx: &mut ReadContext<'_>, args: &StateRequest) -> Result<IndexedHealthChecks> {
        let (index, rows) = cx.state.checks_in_state(cx.watch, &args.state, &args.node_meta_filters);
        checks(cx, index, rows, &args.query.filter, &args.source)
    }

    fn shareable(args: &StateRequest) -> bool {
        !sort_key_near(&args.source)
    }
}

impl ReadEndpoint for HealthNodeChecks {
    fn read(cx: &mut ReadContext<'_>, args: &NodeRequest) -> Result<IndexedHealthChecks> {
        let (index, rows) = cx.state.node_checks(cx.watch, &args.node);
        checks(cx, index, rows, &args.query.filter, &QuerySource::default())
    }
}

impl ReadEndpoint for HealthServiceChecks {
    fn read(cx: &mut ReadContext<'_>, args: &ServiceRequest) -> Result<IndexedHealthChecks> {
        if args.tag_filter {
            return Err(Error::new("Tag filtering is not supported"));
        }
        let (index, rows) = cx.state.service_checks(cx.watch, &args.service_name, &args.node_meta_filters);
        checks(cx, index, rows, &args.query.filter, &args.source)
    }

    fn shareable(args: &ServiceRequest) -> bool {
        !sort_key_near(&args.source)
    }
}

/// An instance is visible with its node and its service.
pub(super) fn may_see_instance(who: &Authorizer, row: &CheckServiceNode) -> bool {
    who.allows(Resource::Node, Access::Read, &row.node.node) && may_see_service(who, &row.service.service)
}

/// Whether an instance is healthy enough for the filter of a request.
fn is_wanted(filter: i64, row: &CheckServiceNode) -> bool {
    let mut checks = row.checks.iter().map(|check| check.status.as_str());
    match filter {
        1 => checks.all(|status| status != "critical"),
        2 => checks.all(|status| status == "passing"),
        _ => true,
    }
}

impl ReadEndpoint for HealthServiceNodes {
    const CACHED: bool = true;

    fn read(cx: &mut ReadContext<'_>, args: &ServiceRequest) -> Result<IndexedCheckServiceNodes> {
        if args.service_name.is_empty() {
            return Err(Error::new("Must provide service name"));
        }
        if (args.connect || args.ingress) && !cx.allows(Resource::Service, Access::Read, &args.service_name) {
            (cx.filtered, cx.empty) = (true, true);
            return Ok(IndexedCheckServiceNodes::default());
        }
        let (name, meta) = (&args.service_name, &args.node_meta_filters);
        let (index, mut nodes) = if args.ingress {
            // Gateways are bound to services by configuration entries; without those no ingress exposes anything.
            (0, Vec::new())
        } else if args.connect {
            cx.state.connect_check_service_nodes(cx.watch, name, &[], meta)
        } else {
            cx.state.check_service_nodes(cx.watch, name, &wanted_tags(args), meta)
        };
        cx.permit(&mut nodes, may_see_instance);
        nodes.retain(|row| is_wanted(args.health_filter_type, row));
        cx.filter::<CheckServiceNode, _>(&args.query.filter, &mut nodes)?;
        sort_by_distance(cx, &args.source, &mut nodes, |row| &row.node.node);
        cx.empty = nodes.is_empty();
        Ok(IndexedCheckServiceNodes { nodes, meta: at(index) })
    }

    fn shareable(args: &ServiceRequest) -> bool {
        !sort_key_near(&args.source)
    }

    fn count(args: &ServiceRequest, empty: bool) {
        count_service_query(&METRICS, args, empty);
    }
}
