//! The health of the servers (`spec/semantics.md` 14.2): every server is asked how far its raft is.

use super::super::Server;
use super::super::members::Member;
use crate::gossip::MemberStatus;
use crate::raft::Peer;
use crate::rpc::method::StatusRaftStats;
use crate::telemetry::metrics::Gauge;
use crate::types::cluster::{Empty, RaftStats};
use crate::types::operator::{AutopilotConfig, ClusterHealth, ServerHealth};
use crate::types::{GoDuration, Index};
use chrono::{DateTime, SecondsFormat, Utc};
use futures::future::join_all;
use parking_lot::RwLock;
use std::collections::HashMap;
use tokio::sync::Notify;

static HEALTHY: Gauge = Gauge::new("autopilot.healthy");
static TOLERANCE: Gauge = Gauge::new("autopilot.failure_tolerance");

/// The last contact of a server that did not say when it was.
const NEVER: GoDuration = GoDuration(-1);

/// How far a server's raft is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    contact: GoDuration,
    term: u64,
    index: Index,
}

impl From<RaftStats> for Progress {
    fn from(stats: RaftStats) -> Progress {
        let contact = match stats.last_contact.as_str() {
            "0" => GoDuration::ZERO,
            text => text.parse().unwrap_or(NEVER),
        };
        Progress { contact, term: stats.last_term, index: stats.last_index }
    }
}

/// The last health that the leader computed; the default (not healthy, no servers) before that.
#[derive(Default)]
pub(in crate::server) struct Health {
    current: RwLock<ClusterHealth>,
    /// Autopilot shall look at the servers before its time.
    soon: Notify,
}

impl Health {
    /// The last health.
    pub(in crate::server) fn current(&self) -> ClusterHealth {
        self.current.read().clone()
    }

    pub(super) fn publish(&self, health: ClusterHealth) {
        HEALTHY.set(f64::from(u8::from(health.healthy)));
        TOLERANCE.set(health.failure_tolerance as f64);
        *self.current.write() = health;
    }

    /// Another server leads now and knows better.
    pub(super) fn forget(&self) {
        *self.current.write() = ClusterHealth::default();
        HEALTHY.set(f64::NAN);
        TOLERANCE.set(0.0);
    }

    /// Has autopilot look at the servers now: there is a new one.
    pub(super) fn look_soon(&self) {
        self.soon.notify_one();
    }

    pub(super) async fn looked_for(&self) {
        self.soon.notified().await;
    }
}

/// Asks all servers at once how far they are; one that does not answer in time keeps its last answer.
pub(super) async fn ask(server: &Server, last: &mut HashMap<String, Progress>) {
    let (_, peers) = server.raft().configuration();
    last.retain(|id, _| peers.iter().any(|peer| peer.id == *id));
    let limit = server.config().server_health_interval / 2;
    let own = &server.config().node_id;
    let asked = peers
        .iter()
        .filter(|peer| peer.id != *own)
        .filter_map(|peer| Some((peer.id.clone(), server.inner.directory.address(&peer.id)?)));
    let answers = join_all(asked.map(|(id, address)| async move {
        let call = server.connections().call::<StatusRaftStats>(address, &Empty {}, limit);
        (id, tokio::time::timeout(limit, call).await)
    }));
    for (id, answer) in answers.await {
        if let Ok(Ok(stats)) = answer {
            last.insert(id, stats.into());
        }
    }
    let raft = server.raft();
    let own_progress = Progress { contact: GoDuration::ZERO, term: raft.last_log_term(), index: raft.last_log_index() };
    last.insert(own.clone(), own_progress);
}

/// The health of every server of the raft configuration.
pub(super) fn assess(
    server: &Server,
    settings: &AutopilotConfig,
    progress: &HashMap<String, Progress>,
    before: &ClusterHealth,
) -> ClusterHealth {
    let known = server.inner.directory.servers();
    let (_, peers) = server.raft().configuration();
    let servers = peers.into_iter().map(|mut peer| {
        peer.address = server.address_of(&peer);
        let member = known.get(&peer.id).map(|member| &**member);
        let was = before.servers.iter().find(|was| was.id == peer.id);
        let progress = progress.get(&peer.id).copied();
        server_health(server, peer, member, settings, progress, was)
    });
    summarize(servers.collect())
}

fn server_health(
    server: &Server,
    peer: Peer,
    member: Option<&Member>,
    settings: &AutopilotConfig,
    progress: Option<Progress>,
    was: Option<&ServerHealth>,
) -> ServerHealth {
    let raft = server.raft();
    let status = member.map_or(MemberStatus::Left, |member| member.status);
    let Progress { contact, term, index } = progress.unwrap_or(Progress { contact: NEVER, term: 0, index: 0 });
    let healthy = status.is_here()
        && (GoDuration::ZERO..=settings.last_contact_threshold).contains(&contact)
        && term == raft.last_log_term()
        && index + settings.max_trailing_logs >= raft.last_log_index();
    let stable_since = match was {
        Some(was) if was.healthy == healthy => was.stable_since.clone(),
        _ => Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
    };
    ServerHealth {
        leader: peer.id == server.config().node_id,
        id: peer.id,
        name: member.map(|member| member.name.clone()).unwrap_or_default(),
        address: peer.address,
        serf_status: status.as_str().to_owned(),
        version: member.map(|member| member.version.clone()).unwrap_or_default(),
        last_contact: contact,
        last_term: term,
        last_index: index,
        healthy,
        voter: peer.voter,
        stable_since,
    }
}

/// Time since the health of a server changed.
pub(super) fn stable_for(health: &ServerHealth) -> std::time::Duration {
    let since = DateTime::parse_from_rfc3339(&health.stable_since).map(|since| since.to_utc());
    since.ok().and_then(|since| (Utc::now() - since).to_std().ok()).unwrap_or_default()
}

/// Healthy when all are; tolerant of as many losses as leave a majority of healthy voters.
fn summarize(servers: Vec<ServerHealth>) -> ClusterHealth {
    let voters = servers.iter().filter(|server| server.voter).count() as i64;
    let healthy_voters = servers.iter().filter(|server| server.voter && server.healthy).count() as i64;
    ClusterHealth {
        healthy: !servers.is_empty() && servers.iter().all(|server| server.healthy),
        failure_tolerance: (healthy_voters - (voters / 2 + 1)).max(0),
        servers,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerance_is_what_can_be_lost_above_a_majority() {
        let servers = |healthy: &[bool]| {
            healthy.iter().map(|&healthy| ServerHealth { healthy, voter: true, ..ServerHealth::default() }).collect()
        };
        let sum = |healthy: &[bool]| {
            let health = summarize(servers(healthy));
            (health.healthy, health.failure_tolerance)
        };
        assert_eq!(sum(&[true]), (true, 0));
        assert_eq!(sum(&[true, true, true]), (true, 1));
        assert_eq!(sum(&[true, false, true]), (false, 0));
        assert_eq!(sum(&[]), (false, 0));
    }

    #[test]
    fn a_contact_that_never_was_is_below_every_limit() {
        let contact =
            |text: &str| Progress::from(RaftStats { last_contact: text.into(), ..RaftStats::default() }).contact;
        assert_eq!(contact("0"), GoDuration::ZERO);
        assert_eq!(contact("12.5ms"), GoDuration(12_500_000));
        assert_eq!(contact("never"), NEVER);
    }
}
