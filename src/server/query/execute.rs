//! Running a query: the instances here, and when there are none, those of other places (`spec/semantics.md` 17.5, 17.6).

use super::super::health::may_see_instance;
use super::super::near::sort_nodes;
use super::super::{Endpoint, Server};
use super::NOT_FOUND;
use crate::rpc::method::*;
use crate::state::{Snapshot, WatchSet};
use crate::telemetry::metrics::Sample;
use crate::types::prepared_query::*;
use crate::types::{CheckServiceNode, CheckStatus, Error, HealthCheck, QueryOptions, QuerySource, Result};
use rand::seq::SliceRandom;
use std::collections::BTreeMap;
use std::time::Instant;

static EXECUTE: Sample = Sample::new("prepared-query.execute");
static EXECUTE_REMOTE: Sample = Sample::new("prepared-query.execute_remote");

/// The asking node is looked for among this many of the nearest instances.
const FRONT: usize = 10;

impl Endpoint for PreparedQueryExecute {
    async fn serve(server: &Server, args: PreparedQueryExecuteRequest) -> Result<PreparedQueryExecuteResponse> {
        let start = Instant::now();
        let state = server.store().snapshot();
        let query = state.resolve_query(&args.query_id_or_name, &args.agent.segment)?;
        let query = query.ok_or_else(|| Error::new(NOT_FOUND))?;
        let mut reply = look(server, &state, &query, args.connect, &args.query.token).await?;
        let source = source(&state, &query, &args);
        sort_nodes(server, &state, &source, &mut reply.nodes, |row| &row.node.node);
        if source.datacenter == reply.datacenter {
            put_first(&mut reply.nodes, &source.node);
        }
        limit(&mut reply.nodes, args.limit);
        if reply.nodes.is_empty() {
            fail_over(server, &query, &args, &mut reply).await;
        }
        EXECUTE.since(start);
        Ok(reply)
    }
}

impl Endpoint for PreparedQueryExecuteRemote {
    async fn serve(server: &Server, args: PreparedQueryExecuteRemoteRequest) -> Result<PreparedQueryExecuteResponse> {
        let start = Instant::now();
        let state = server.store().snapshot();
        let mut reply = look(server, &state, &args.definition, args.connect, &args.query.token).await?;
        limit(&mut reply.nodes, args.limit);
        EXECUTE_REMOTE.since(start);
        Ok(reply)
    }
}

/// What a definition finds here, in random order. The definition's token wins over the caller's.
async fn look(
    server: &Server,
    state: &Snapshot,
    query: &PreparedQuery,
    connect: bool,
    token: &str,
) -> Result<PreparedQueryExecuteResponse> {
    let authorizer = server.resolve(if query.token.is_empty() { token } else { &query.token }).await?;
    let mut nodes = found_here(state, &query.service, connect);
    let before = nodes.len();
    nodes.retain(|row| may_see_instance(&authorizer, row));
    let filtered = nodes.len() != before;
    nodes.shuffle(&mut rand::rng());
    let (datacenter, peer_name) = match query.service.peer.as_str() {
        "" => (server.config().datacenter.clone(), String::new()),
        peer => (String::new(), peer.to_owned()),
    };
    Ok(PreparedQueryExecuteResponse {
        service: query.service.service.clone(),
        nodes,
        dns: query.dns.clone(),
        datacenter,
        peer_name,
        failovers: 0,
        meta: server.meta(0, filtered, token),
    })
}

fn found_here(state: &Snapshot, service: &ServiceQuery, connect: bool) -> Vec<CheckServiceNode> {
    // Nothing is imported from peers yet.
    if !service.peer.is_empty() || service.failover.skip_local_datacenter {
        return Vec::new();
    }
    let meta = service.node_meta.clone().unwrap_or_default();
    let mut watch = WatchSet::none();
    let (_, mut nodes) = if service.connect || connect {
        state.connect_check_service_nodes(&mut watch, &service.service, &[], &meta)
    } else {
        state.check_service_nodes(&mut watch, &service.service, &[], &meta)
    };
    let none = BTreeMap::new();
    let wanted_meta = service.service_meta.as_ref().unwrap_or(&none);
    nodes.retain(|row| {
        let own = row.service.meta.as_ref().unwrap_or(&none);
        (service.include_all || is_healthy(&row.checks, service))
            && wanted_meta.iter().all(|(key, value)| own.get(key) == Some(value))
            && has_tags(row.service.tags.as_deref().unwrap_or_default(), service.tags.as_deref().unwrap_or_default())
    });
    nodes
}

/// Every check that counts lets the instance pass.
fn is_healthy(checks: &[impl AsRef<HealthCheck>], service: &ServiceQuery) -> bool {
    let ignored = service.ignore_check_ids.as_deref().unwrap_or_default();
    checks.iter().map(AsRef::as_ref).filter(|check| !ignored.contains(&check.check_id)).all(|check| {
        let passing = check.status == CheckStatus::Passing.as_str();
        passing || (!service.only_passing && check.status != CheckStatus::Critical.as_str())
    })
}

/// The instance has all wanted tags and none of those that are wanted absent.
fn has_tags(own: &[String], wanted: &[String]) -> bool {
    let has = |tag: &str| own.iter().any(|own| own.to_lowercase() == tag.to_lowercase());
    wanted.iter().filter(|tag| !tag.is_empty()).all(|tag| match tag.strip_prefix('!') {
        Some(unwanted) => !has(unwanted),
        None => has(tag),
    })
}

/// The node to sort by distance from: the request's or the definition's, with its magic names resolved.
fn source(state: &Snapshot, query: &PreparedQuery, args: &PreparedQueryExecuteRequest) -> QuerySource {
    let mut source = args.source.clone();
    if source.datacenter.is_empty() {
        source.datacenter.clone_from(&args.agent.datacenter);
    }
    if source.node.is_empty() {
        source.node.clone_from(&query.service.near);
    }
    match source.node.as_str() {
        "_agent" => source.node.clone_from(&args.agent.node),
        "_ip" => source.node = node_at(state, &source.ip).unwrap_or_default(),
        _ => {}
    }
    source
}

/// Name of the first node with this address.
fn node_at(state: &Snapshot, address: &str) -> Option<String> {
    if address.is_empty() {
        tracing::warn!(
            target: "agent.server",
            "Prepared Query using near=_ip requires the source IP to be set but none was provided. No distance sorting will be done."
        );
        return None;
    }
    let (_, nodes) = state.nodes(&mut WatchSet::none(), &BTreeMap::new());
    nodes.iter().find(|node| node.address == address).map(|node| node.node.clone())
}

/// The asking node itself comes first when it is among the nearest.
fn put_first(nodes: &mut [CheckServiceNode], node: &str) {
    let own = |row: &CheckServiceNode| !node.is_empty() && row.node.node.eq_ignore_ascii_case(node);
    if let Some(at) = nodes.iter().take(FRONT).position(own) {
        nodes.swap(0, at);
    }
}

fn limit(nodes: &mut Vec<CheckServiceNode>, limit: i64) {
    if let Some(limit) = usize::try_from(limit).ok().filter(|limit| *limit > 0) {
        nodes.truncate(limit);
    }
}

/// Asks the other places of the definition in order until one has instances.
async fn fail_over(
    server: &Server,
    query: &PreparedQuery,
    args: &PreparedQueryExecuteRequest,
    reply: &mut PreparedQueryExecuteResponse,
) {
    let failover = &query.service.failover;
    let wanted = failover.nearest_n > 0
        || failover.datacenters.as_ref().is_some_and(|list| !list.is_empty())
        || failover.targets.as_ref().is_some_and(|list| !list.is_empty());
    if !wanted {
        return;
    }
    let own = &server.config().datacenter;
    let others = server.router().other_datacenters();
    let mut failovers = 0;
    for target in targets(failover, own, &others) {
        failovers += 1;
        let datacenter = if target.peer.is_empty() { target.datacenter.clone() } else { own.clone() };
        let mut definition = query.clone();
        definition.service.peer.clone_from(&target.peer);
        definition.service.failover = QueryFailover::default();
        let request = PreparedQueryExecuteRemoteRequest {
            datacenter: datacenter.clone(),
            definition,
            limit: args.limit,
            connect: args.connect,
            query: QueryOptions { min_query_index: 0, ..args.query.clone() },
        };
        match Box::pin(server.call_anywhere::<PreparedQueryExecuteRemote>(request)).await {
            Ok(found) => {
                *reply = found;
                if !reply.nodes.is_empty() {
                    break;
                }
            }
            Err(error) => tracing::warn!(
                target: "agent.server",
                "Failed querying for service in datacenter: service={} datacenter={datacenter} error={error}",
                query.service.service,
            ),
        }
    }
    reply.failovers = failovers;
}

/// The places to ask: the nearest datacenters, then the named ones that are known and not asked yet; or the targets.
fn targets(failover: &QueryFailover, own: &str, others: &[String]) -> Vec<QueryTarget> {
    let nearest = usize::try_from(failover.nearest_n).unwrap_or(0);
    let datacenter = |name: &String| QueryTarget { datacenter: name.clone(), ..QueryTarget::default() };
    let mut list: Vec<QueryTarget> = others.iter().take(nearest).map(datacenter).collect();
    let named = failover.datacenters.iter().flatten().map(datacenter);
    for target in named.chain(failover.targets.iter().flatten().cloned()) {
        let known = !target.peer.is_empty()
            || others.contains(&target.datacenter)
            || (failover.skip_local_datacenter && target.datacenter == own);
        if !known {
            tracing::debug!(
                target: "agent.server",
                "Skipping unknown datacenter in prepared query: datacenter={}",
                target.datacenter
            );
        } else if !list.contains(&target) {
            list.push(target);
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn checks_that_count_decide_about_an_instance() {
        let check = |id: &str, status: &str| {
            Arc::new(HealthCheck { check_id: id.into(), status: status.into(), ..HealthCheck::default() })
        };
        // Status of the only check, only passing, ignored checks, healthy.
        let cases: [(&str, bool, &[&str], bool); 6] = [
            ("passing", true, &[], true),
            ("warning", false, &[], true),
            ("warning", true, &[], false),
            ("critical", false, &[], false),
            ("critical", false, &["c"], true),
            ("critical", false, &["other"], false),
        ];
        for (status, only_passing, ignored, expected) in cases {
            let service =
                ServiceQuery { only_passing, ignore_check_ids: Some(names(ignored)), ..ServiceQuery::default() };
            assert_eq!(is_healthy(&[check("c", status)], &service), expected, "{status} {only_passing} {ignored:?}");
        }
        assert!(is_healthy(&[] as &[Arc<HealthCheck>], &ServiceQuery::default()));
    }

    #[test]
    fn tags_are_compared_without_case_and_may_be_unwanted() {
        let own = names(&["Primary", "v1"]);
        for (wanted, expected) in [
            (&[][..], true),
            (&["primary"], true),
            (&["PRIMARY", "v1"], true),
            (&["primary", "v2"], false),
            (&["!V1"], false),
            (&["!v2", "v1"], true),
            (&[""], true),
        ] {
            assert_eq!(has_tags(&own, &names(wanted)), expected, "{wanted:?}");
        }
    }

    #[test]
    fn the_nearest_come_first_and_nobody_is_asked_twice() {
        let others = names(&["dc3", "dc2", "dc4"]);
        let list = |nearest_n, datacenters: &[&str]| -> Vec<String> {
            let failover =
                QueryFailover { nearest_n, datacenters: Some(names(datacenters)), ..QueryFailover::default() };
            targets(&failover, "dc1", &others).into_iter().map(|target| target.datacenter).collect()
        };
        assert_eq!(list(2, &[]), ["dc3", "dc2"]);
        assert_eq!(list(1, &["dc4", "dc3", "dc9", "dc4", "dc1"]), ["dc3", "dc4"]);
        assert_eq!(list(9, &["dc2"]), ["dc3", "dc2", "dc4"]);
        let peer = QueryTarget { peer: "east".into(), ..QueryTarget::default() };
        let failover = QueryFailover { targets: Some(vec![peer.clone()]), ..QueryFailover::default() };
        assert_eq!(targets(&failover, "dc1", &others), [peer]);
    }

    #[test]
    fn the_asking_node_is_put_first_when_it_is_near() {
        let row = |number: usize| CheckServiceNode {
            node: Arc::new(crate::types::Node { node: format!("n{number}"), ..Default::default() }),
            ..CheckServiceNode::default()
        };
        let first = |node: &str| {
            let mut rows: Vec<_> = (0..12).map(row).collect();
            put_first(&mut rows, node);
            rows[0].node.node.clone()
        };
        assert_eq!((first("N9").as_str(), first("n10").as_str(), first("").as_str()), ("n9", "n0", "n0"));
    }
}
