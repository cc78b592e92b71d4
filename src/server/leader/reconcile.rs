//! Makes the catalog agree with the members of the datacenter (`spec/semantics.md` 13.2).

use super::super::Server;
use super::super::members::Member;
use super::servers;
use crate::gossip::MemberStatus;
use crate::state::{Command, WatchSet};
use crate::telemetry::metrics::Sample;
use crate::types::{CheckStatus, DeregisterRequest, HealthCheck, Node, NodeService, RegisterRequest, Result, Weights};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep;

static RECONCILE: Sample = Sample::new("leader.reconcile");
static RECONCILE_MEMBER: Sample = Sample::new("leader.reconcileMember");

const SERF_CHECK: &str = "serfHealth";
const SERF_CHECK_NAME: &str = "Serf Health Status";
const ALIVE: &str = "Agent alive and reachable";
const FAILED: &str = "Agent not live or unreachable";
const CONSUL_SERVICE: &str = "consul";
/// Pause before a pass with failures is repeated.
const RETRY: Duration = Duration::from_secs(5);

/// Time after the start of a server in which gossip may not have told it of everybody yet.
const GOSSIP_GRACE: Duration = Duration::from_secs(30);

/// Members that were looked at, by name.
type Seen = HashMap<String, Arc<Member>>;

/// Reconciles at once, whenever members change, and all of them periodically; runs while this server leads.
pub(super) async fn run(server: Server) {
    let mut changes = server.members().changes();
    let mut seen = Seen::new();
    let mut full = Instant::now();
    loop {
        changes.borrow_and_update();
        let members = server.members().list();
        let complete = if Instant::now() >= full {
            let complete = pass(&server, &members).await;
            full = Instant::now() + next_pass(&server, complete);
            complete
        } else {
            changed(&server, &members, &seen).await
        };
        if !complete {
            full = full.min(Instant::now() + RETRY);
        }
        seen = members.into_iter().map(|member| (member.name.clone(), member)).collect();
        tokio::select! {
            Ok(()) = changes.changed() => {}
            () = sleep(full.saturating_duration_since(Instant::now())) => {}
        }
    }
}

/// Time until all members are looked at again.
fn next_pass(server: &Server, complete: bool) -> Duration {
    let interval = server.config().reconcile_interval;
    if !complete {
        return RETRY.min(interval);
    }
    let grace = GOSSIP_GRACE.saturating_sub(server.inner.started.elapsed());
    if grace.is_zero() || server.gossip().lan.is_none() { interval } else { grace.min(interval) }
}

/// Gossip has had the time to tell of everybody, so that who is missing is gone.
pub(super) fn gossip_is_complete(server: &Server) -> bool {
    server.gossip().lan.is_none() || server.inner.started.elapsed() >= GOSSIP_GRACE
}

/// One look at every member, then at every node that should be one; false when something failed.
async fn pass(server: &Server, members: &[Arc<Member>]) -> bool {
    let start = Instant::now();
    let mut complete = true;
    for member in members {
        complete &= look_at(server, member).await;
    }
    if gossip_is_complete(server) {
        for node in vanished(server, members) {
            complete &= reap(server, &node).await;
        }
    }
    RECONCILE.since(start);
    complete
}

/// A look at the members that are not as they were, and at those that gossip has forgotten since.
async fn changed(server: &Server, members: &[Arc<Member>], seen: &Seen) -> bool {
    let mut complete = true;
    let mut known = HashSet::with_capacity(members.len());
    for member in members {
        known.insert(member.name.as_str());
        if seen.get(&member.name).is_none_or(|before| !Arc::ptr_eq(before, member) && before != member) {
            complete &= look_at(server, member).await;
        }
    }
    for name in seen.keys().filter(|name| !known.contains(name.as_str())) {
        complete &= reap(server, name).await;
    }
    complete
}

async fn look_at(server: &Server, member: &Member) -> bool {
    let start = Instant::now();
    let result = reconcile(server, member).await;
    RECONCILE_MEMBER.since(start);
    logged(&member.name, result)
}

/// Removes a node that gossip has forgotten, a server also from raft.
async fn reap(server: &Server, node: &str) -> bool {
    let state = server.store().snapshot();
    let Some(row) = state.node_by_name(node) else { return true };
    if row.id == server.config().node_id {
        return true;
    }
    let (_, found) = state.node_services(&mut WatchSet::none(), node);
    let serves = found.is_some_and(|(_, services)| services.iter().any(|service| service.id == CONSUL_SERVICE));
    tracing::info!(target: "agent.server", "deregistering member: member={node} reason=reaped");
    let result = async {
        if serves {
            servers::remove(server, &row.id).await?;
        }
        deregister(server, node).await
    };
    logged(node, result.await)
}

fn logged(member: &str, result: Result<()>) -> bool {
    match result {
        Ok(()) => true,
        // a token that may not do this is the operator's business, again and again
        Err(error) if error.text.contains("Permission denied") => true,
        Err(error) => {
            tracing::error!(target: "agent.server", "failed to reconcile member: member={member} error={:?}", error.text);
            false
        }
    }
}

/// Nodes that gossip once vouched for and that it no longer knows. External nodes have no `serfHealth` and stay.
fn vanished(server: &Server, members: &[Arc<Member>]) -> BTreeSet<String> {
    let known: BTreeSet<String> = members.iter().map(|member| member.name.to_lowercase()).collect();
    let (_, checks) = server.store().snapshot().checks_in_state(&mut WatchSet::none(), "any", &BTreeMap::new());
    let serf = checks.iter().filter(|check| check.check_id == SERF_CHECK);
    serf.filter(|check| !known.contains(&check.node.to_lowercase())).map(|check| check.node.clone()).collect()
}

async fn reconcile(server: &Server, member: &Member) -> Result<()> {
    match member.status {
        MemberStatus::Alive | MemberStatus::Leaving => {
            // the catalog shows the member even while raft does not take it
            let added = servers::ensure(server, member).await;
            alive(server, member).await?;
            added
        }
        MemberStatus::Failed => failed(server, member).await,
        MemberStatus::Left => left(server, member).await,
        MemberStatus::None => Ok(()),
    }
}

/// What the catalog holds of a member: its node and the status of its `serfHealth`.
fn stored(server: &Server, name: &str) -> (Option<Arc<Node>>, Option<Arc<HealthCheck>>) {
    let state = server.store().snapshot();
    let (_, checks) = state.node_checks(&mut WatchSet::none(), name);
    (state.node_by_name(name), checks.into_iter().find(|check| check.check_id == SERF_CHECK))
}

fn serf_check(member: &Member, status: CheckStatus, output: &str) -> Arc<HealthCheck> {
    Arc::new(HealthCheck {
        node: member.name.clone(),
        check_id: SERF_CHECK.into(),
        name: SERF_CHECK_NAME.into(),
        status: status.as_str().into(),
        output: output.into(),
        ..HealthCheck::default()
    })
}

async fn alive(server: &Server, member: &Member) -> Result<()> {
    let service = member.server.as_ref().map(|details| NodeService {
        id: CONSUL_SERVICE.into(),
        service: CONSUL_SERVICE.into(),
        port: i64::from(details.port),
        weights: Some(Weights::default()),
        meta: Some(details.meta.clone()),
        ..NodeService::default()
    });
    let (node, check) = stored(server, &member.name);
    let of_another = node.as_ref().filter(|node| is_of_another(node, member));
    let same_node =
        of_another.is_none() && node.as_ref().is_some_and(|node| node.address == member.address.to_string());
    let passing = check.is_some_and(|check| check.known_status() == Some(CheckStatus::Passing));
    if same_node && passing && service.as_ref().is_none_or(|service| is_stored(server, member, service)) {
        return Ok(());
    }
    if let Some(node) = of_another {
        release(server, member, node).await?;
    }
    tracing::info!(target: "agent.server", "member joined, marking health alive: member={}", member.name);
    let request = alive_request(&server.config().datacenter, member, node.as_deref(), service);
    server.apply(Command::Register(Box::new(request)), "").await.map(drop)
}

/// The row was made by an agent with another id: the machine was set up anew, or the row comes from a restored archive.
fn is_of_another(node: &Node, member: &Member) -> bool {
    !node.id.is_empty() && !member.id.is_empty() && !node.id.eq_ignore_ascii_case(&member.id)
}

/// Says of a row that its agent is gone, since the pool knows its name as that of `member`: as long as the row passes for
/// alive, the name is reserved for the id in it.
async fn release(server: &Server, member: &Member, node: &Node) -> Result<()> {
    tracing::info!(
        target: "agent.server",
        "member has another id than its node, which it takes over: member={} id={} node={}", member.name, member.id, node.id
    );
    mark_critical(server, member, &node.id, &node.node, &node.address).await
}

/// Says of the row with this id, name and address that its agent does not answer.
async fn mark_critical(server: &Server, member: &Member, id: &str, name: &str, address: &str) -> Result<()> {
    let request = RegisterRequest {
        datacenter: server.config().datacenter.clone(),
        id: id.to_owned(),
        node: name.to_owned(),
        address: address.to_owned(),
        checks: Some(vec![serf_check(member, CheckStatus::Critical, FAILED)]),
        skip_node_update: true,
        ..RegisterRequest::default()
    };
    server.apply(Command::Register(Box::new(request)), "").await.map(drop)
}

/// Registers an alive member whose row was `node` when we looked. The agent of the member registers its node as well, with
/// tagged addresses and metadata that only it knows; it may do so before this is applied, so a row that exists is left
/// alone unless its address is wrong.
fn alive_request(
    datacenter: &str,
    member: &Member,
    node: Option<&Node>,
    service: Option<NodeService>,
) -> RegisterRequest {
    let address = member.address.to_string();
    let (tagged_addresses, node_meta) = match node {
        Some(node) => (node.tagged_addresses.clone(), node.meta.clone()),
        None => (None, Some(BTreeMap::from([("consul-version".to_owned(), member.version.clone())]))),
    };
    RegisterRequest {
        datacenter: datacenter.to_owned(),
        id: member.id.clone(),
        node: member.name.clone(),
        skip_node_update: node.is_none_or(|node| node.address == address && !is_of_another(node, member)),
        address,
        tagged_addresses,
        node_meta,
        service: service.map(Arc::new),
        checks: Some(vec![serf_check(member, CheckStatus::Passing, ALIVE)]),
        ..RegisterRequest::default()
    }
}

/// The member's `consul` instance stands in the catalog with this metadata.
fn is_stored(server: &Server, member: &Member, service: &NodeService) -> bool {
    let (_, found) = server.store().snapshot().node_services(&mut WatchSet::none(), &member.name);
    let services = found.map(|(_, services)| services).unwrap_or_default();
    let row = services.iter().find(|row| row.id == service.id);
    row.is_some_and(|row| row.meta.iter().flatten().eq(service.meta.iter().flatten()))
}

async fn failed(server: &Server, member: &Member) -> Result<()> {
    let (node, check) = stored(server, &member.name);
    let Some(node) = node else { return Ok(()) };
    let critical = check.is_some_and(|check| check.known_status() == Some(CheckStatus::Critical));
    let address = member.address.to_string();
    if critical && node.address == address {
        return Ok(());
    }
    tracing::info!(target: "agent.server", "member failed, marking health critical: member={}", member.name);
    mark_critical(server, member, &member.id, &member.name, &address).await
}

/// A member that left goes from the catalog, a server also from raft; a leader that leaves is its successor's business.
async fn left(server: &Server, member: &Member) -> Result<()> {
    if member.id == server.config().node_id || member.name == server.config().node_name {
        return Ok(());
    }
    if member.server.is_some() {
        servers::remove(server, &member.id).await?;
    }
    if server.store().snapshot().node_by_name(&member.name).is_none() {
        return Ok(());
    }
    tracing::info!(target: "agent.server", "deregistering member: member={} reason=left", member.name);
    deregister(server, &member.name).await
}

async fn deregister(server: &Server, node: &str) -> Result<()> {
    let request = DeregisterRequest {
        datacenter: server.config().datacenter.clone(),
        node: node.to_owned(),
        ..DeregisterRequest::default()
    };
    server.apply(Command::Deregister(request), "").await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Store;

    #[test]
    fn a_node_that_its_agent_registers_meanwhile_keeps_its_addresses() {
        let member = Member {
            name: "n1".into(),
            id: "a5dd4b9a-28e8-4e6f-9ad7-c22e4b8ccba6".into(),
            datacenter: "dc1".into(),
            address: "127.0.0.2".parse().expect("an address"),
            status: MemberStatus::Alive,
            version: "1.21.4".into(),
            server: None,
        };
        let lan = Some(BTreeMap::from([("lan".to_owned(), "127.0.0.2".to_owned())]));
        let by_agent = RegisterRequest {
            id: member.id.clone(),
            node: member.name.clone(),
            address: member.address.to_string(),
            tagged_addresses: lan.clone(),
            ..RegisterRequest::default()
        };
        let store = Store::new();
        let unseen = alive_request("dc1", &member, None, None);
        store.apply(&[(1, Command::Register(Box::new(by_agent))), (2, Command::Register(Box::new(unseen)))]);
        let node = store.snapshot().node_by_name("n1").expect("registered");
        assert_eq!((&node.tagged_addresses, node.modify_index), (&lan, 1));
        assert_eq!(store.snapshot().node_checks(&mut WatchSet::none(), "n1").1.len(), 1);

        let moved = Member { address: "127.0.0.3".parse().expect("an address"), ..member };
        let request = alive_request("dc1", &moved, Some(&node), None);
        store.apply(&[(3, Command::Register(Box::new(request)))]);
        let node = store.snapshot().node_by_name("n1").expect("registered");
        assert_eq!((node.address.as_str(), &node.tagged_addresses), ("127.0.0.3", &lan));

        let anew = Member { id: "0c4f2f6e-5a70-4a3c-8f7a-0e3b8a8f5d10".into(), ..moved };
        assert!(is_of_another(&node, &anew));
        assert!(!alive_request("dc1", &anew, Some(&node), None).skip_node_update, "the id is new");
        let nameless = Member { id: String::new(), ..anew };
        assert!(!is_of_another(&node, &nameless), "a member without an id, as those of Serf");
    }
}
