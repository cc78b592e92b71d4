//! Autopilot (`spec/semantics.md` 14): its stored settings and the health of the servers.

use super::super::Server;
use super::super::members::{Member, MemberStatus};
use crate::raft::Peer;
use crate::state::Command;
use crate::telemetry::metrics::Gauge;
use crate::types::GoDuration;
use crate::types::operator::{AutopilotConfig, ClusterHealth, ServerHealth};
use crate::types::requests::AutopilotSetRequest;
use chrono::{SecondsFormat, Utc};
use parking_lot::RwLock;
use tokio::time::interval;

static HEALTHY: Gauge = Gauge::new("autopilot.healthy");
static TOLERANCE: Gauge = Gauge::new("autopilot.failure_tolerance");

/// The last health that the leader computed; the default (not healthy, no servers) before that.
#[derive(Default)]
pub(in crate::server) struct Health {
    current: RwLock<ClusterHealth>,
}

impl Health {
    /// The last health.
    pub(in crate::server) fn current(&self) -> ClusterHealth {
        self.current.read().clone()
    }

    /// Another server leads now and knows better.
    pub(super) fn forget(&self) {
        *self.current.write() = ClusterHealth::default();
        HEALTHY.set(f64::NAN);
        TOLERANCE.set(0.0);
    }
}

/// Stores the settings when there are none and watches the servers' health; runs while this server leads.
pub(super) async fn run(server: Server) {
    let mut ticks = interval(server.config().server_health_interval);
    loop {
        ticks.tick().await;
        ensure_config(&server).await;
        let health = assess(&server, &server.inner.health.current());
        HEALTHY.set(f64::from(u8::from(health.healthy)));
        TOLERANCE.set(health.failure_tolerance as f64);
        *server.inner.health.current.write() = health;
    }
}

async fn ensure_config(server: &Server) {
    if server.store().snapshot().autopilot_config().is_some() {
        return;
    }
    let request = AutopilotSetRequest {
        datacenter: server.config().datacenter.clone(),
        config: server.config().autopilot.clone(),
        ..AutopilotSetRequest::default()
    };
    if let Err(error) = server.apply(Command::Autopilot(request), "").await {
        tracing::error!(target: "agent.server.autopilot", "failed to initialize config: error={:?}", error.text);
    }
}

/// The health of every server of the raft configuration.
fn assess(server: &Server, before: &ClusterHealth) -> ClusterHealth {
    let settings = server.store().snapshot().autopilot_config();
    let settings = settings.map_or_else(|| server.config().autopilot.clone(), |settings| (*settings).clone());
    let members = server.members().list();
    let servers: Vec<ServerHealth> = server
        .raft()
        .configuration()
        .1
        .into_iter()
        .map(|peer| {
            let member = members.iter().find(|member| member.id == peer.id);
            let was = before.servers.iter().find(|was| was.id == peer.id);
            server_health(server, peer, member.map(|member| &**member), &settings, was)
        })
        .collect();
    summarize(servers)
}

fn server_health(
    server: &Server,
    peer: Peer,
    member: Option<&Member>,
    settings: &AutopilotConfig,
    was: Option<&ServerHealth>,
) -> ServerHealth {
    let own = peer.id == server.config().node_id;
    let raft = server.raft();
    let status = member.map_or("none", |member| member.status.as_str());
    let reachable = member.is_some_and(|m| matches!(m.status, MemberStatus::Alive | MemberStatus::Leaving));
    // Figures of other servers come with the calls between servers; until one has answered it is not healthy.
    let (contact, term, index) =
        if own { (GoDuration::ZERO, raft.last_log_term(), raft.last_log_index()) } else { (GoDuration(-1), 0, 0) };
    let healthy = reachable
        && (GoDuration::ZERO..=settings.last_contact_threshold).contains(&contact)
        && term == raft.last_log_term()
        && index + settings.max_trailing_logs >= raft.last_log_index();
    let stable_since = match was {
        Some(was) if was.healthy == healthy => was.stable_since.clone(),
        _ => Utc::now().to_rfc3339_opts(SecondsFormat::Secs, true),
    };
    ServerHealth {
        id: peer.id,
        name: member.map(|member| member.name.clone()).unwrap_or_default(),
        address: peer.address,
        serf_status: status.to_owned(),
        version: member.map(|member| member.version.clone()).unwrap_or_default(),
        leader: own,
        last_contact: contact,
        last_term: term,
        last_index: index,
        healthy,
        voter: peer.voter,
        stable_since,
    }
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
}
