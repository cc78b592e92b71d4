//! Autopilot (`spec/semantics.md` 14): its stored settings, promotion of new servers, removal of dead ones.

use super::super::Server;
use super::{health, reconcile};
use crate::gossip::MemberStatus;
use crate::state::Command;
use crate::types::operator::{AutopilotConfig, ClusterHealth};
use crate::types::requests::AutopilotSetRequest;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

/// Stores the settings when there are none, watches the servers' health and acts on it; runs while this server leads.
pub(super) async fn run(server: Server) {
    let started = Instant::now();
    let mut ticks = interval(server.config().server_health_interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut progress = HashMap::new();
    let mut prune_at = started + server.config().autopilot_interval;
    loop {
        let added = tokio::select! {
            _ = ticks.tick() => false,
            () = server.inner.health.looked_for() => true,
        };
        ensure_config(&server).await;
        let settings = server.store().snapshot().autopilot_config();
        let settings = settings.map_or_else(|| server.config().autopilot.clone(), |settings| (*settings).clone());
        health::ask(&server, &mut progress).await;
        let health = health::assess(&server, &settings, &progress, &server.inner.health.current());
        server.inner.health.publish(health.clone());
        promote(&server, &settings, &health, started.elapsed()).await;
        if added || Instant::now() >= prune_at {
            prune_at = Instant::now() + server.config().autopilot_interval;
            if settings.cleanup_dead_servers && reconcile::gossip_is_complete(&server) {
                prune(&server, &settings).await;
            }
        }
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

/// Lets servers vote that have been healthy for long enough. Right after an election nobody has been watched for so long,
/// and health alone decides.
async fn promote(server: &Server, settings: &AutopilotConfig, health: &ClusterHealth, running: Duration) {
    let stabilization = settings.server_stabilization_time.to_std();
    let young = running < stabilization + stabilization / 10;
    let known = server.inner.directory.servers();
    for ready in health.servers.iter().filter(|health| !health.voter && health.healthy) {
        let never =
            known.get(&ready.id).and_then(|member| member.server.as_ref()).is_none_or(|details| details.non_voter);
        if never || !(young || health::stable_for(ready) >= stabilization) {
            continue;
        }
        tracing::info!(target: "agent.server.autopilot", "Promoting server: id={} address={} name={}", ready.id, ready.address, ready.name);
        if let Err(error) = server.raft().add_peer(&ready.id, &ready.address, true).await {
            tracing::warn!(target: "agent.server.autopilot", "failed to promote server: id={} error={:?}", ready.id, error.text);
        }
    }
}

/// A server that may have to go.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Candidate {
    id: String,
    voter: bool,
    /// Its name while gossip knows it.
    name: Option<String>,
}

/// The servers to remove, from `voters` voters: first those that gossip does not know, then those that failed; of both those
/// that do not vote first. Never so many voters at once that a majority would go, and never below the smallest quorum.
fn doomed(mut candidates: Vec<Candidate>, mut voters: usize, min_quorum: usize) -> Vec<Candidate> {
    candidates.sort_by(|a, b| {
        let batch = |candidate: &Candidate| (candidate.name.is_some(), candidate.voter);
        batch(a).cmp(&batch(b)).then_with(|| a.id.cmp(&b.id))
    });
    let mut chosen = Vec::new();
    for batch in candidates.chunk_by(|a, b| (a.name.is_some(), a.voter) == (b.name.is_some(), b.voter)) {
        let at_most = voters.saturating_sub(1) / 2;
        let mut removed = 0;
        for candidate in batch {
            if candidate.voter {
                if removed == at_most || voters <= min_quorum {
                    continue;
                }
                removed += 1;
                voters -= 1;
            }
            chosen.push(candidate.clone());
        }
    }
    chosen
}

/// A server that answers this leader is not dead, whatever gossip believes: it may just have moved.
const CONTACT: Duration = Duration::from_secs(5);

/// Removes dead servers from raft; those that gossip knows are made to leave it, and what follows is that of any leave.
async fn prune(server: &Server, settings: &AutopilotConfig) {
    let (_, peers) = server.raft().configuration();
    let known = server.inner.directory.servers();
    let contacts = server.raft().peer_contacts();
    let silent = |id: &String| contacts.get(id).is_none_or(|contact| *contact > CONTACT);
    let others = peers.iter().filter(|peer| peer.id != server.config().node_id && silent(&peer.id));
    let candidates = others.filter_map(|peer| {
        let name = match known.get(&peer.id) {
            Some(member) if member.status.is_here() => return None,
            // one that left is removed without our doing
            Some(member) if member.status == MemberStatus::Left => return None,
            Some(member) => Some(member.name.clone()),
            None => None,
        };
        Some(Candidate { id: peer.id.clone(), voter: peer.voter, name })
    });
    let voters = peers.iter().filter(|peer| peer.voter).count();
    let min_quorum = usize::try_from(settings.min_quorum).unwrap_or(usize::MAX);
    for candidate in doomed(candidates.collect(), voters, min_quorum) {
        if let Err(error) = remove(server, &candidate).await {
            tracing::warn!(target: "agent.server.autopilot", "failed to remove server: id={} error={:?}", candidate.id, error.text);
        }
    }
}

async fn remove(server: &Server, candidate: &Candidate) -> crate::types::Result<()> {
    let Some(name) = &candidate.name else {
        tracing::info!(target: "agent.server.autopilot", "Attempting removal of stale server: id={}", candidate.id);
        return server.raft().remove_peer(&candidate.id).await;
    };
    tracing::info!(target: "agent.server.autopilot", "Attempting removal of failed server node: id={} name={name}", candidate.id);
    let gossip = server.gossip();
    if let Some(wan) = &gossip.wan {
        let name = format!("{name}.{}", server.config().datacenter);
        if wan.member(&name).is_some() {
            wan.force_leave(&name, false).await?;
        }
    }
    match &gossip.lan {
        Some(lan) => lan.force_leave(name, false).await,
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Candidates from words like `v1` (a voter that failed), `s2` (a stale one), `n3` (failed, does not vote).
    fn candidates(words: &[&str]) -> Vec<Candidate> {
        let parse = |word: &&str| {
            let (kind, id) = word.split_at(1);
            let name = (kind != "s" && kind != "t").then(|| id.to_owned());
            Candidate { id: id.to_owned(), voter: kind == "v" || kind == "s", name }
        };
        words.iter().map(parse).collect()
    }

    #[test]
    fn dead_servers_go_as_long_as_a_quorum_is_safe() {
        for (dead, voters, min_quorum, wanted) in [
            (&["v1"][..], 3, 0, &["1"][..]),
            (&["v1"], 2, 0, &[]),
            (&["v1", "v2"], 3, 0, &["1"]),
            (&["v2", "v1"], 5, 0, &["1", "2"]),
            (&["v1", "v2", "v3"], 5, 0, &["1", "2"]),
            (&["v1"], 3, 3, &[]),
            (&["v1", "n2", "t3"], 1, 0, &["3", "2"]),
            (&["v1", "s2"], 5, 0, &["2", "1"]),
            (&["v1", "s2"], 3, 0, &["2"]),
            (&["v1", "v2"], 5, 4, &["1"]),
        ] {
            let chosen: Vec<String> =
                doomed(candidates(dead), voters, min_quorum).into_iter().map(|candidate| candidate.id).collect();
            assert_eq!(chosen, wanted, "{dead:?} of {voters} voters, at least {min_quorum}");
        }
    }
}
