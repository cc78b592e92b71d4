//! What only the leader does (`spec/semantics.md` 13): each duty is a task that starts with the leadership and is stopped
//! with it.

mod acl;
mod autopilot;
mod ca;
mod health;
mod reconcile;
mod servers;
mod sessions;
mod tombstones;

pub(super) use health::Health;
pub(super) use sessions::SessionTimers;

use super::{Server, coordinate};
use crate::telemetry::metrics::{Gauge, Sample};
use bytes::Bytes;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

static IS_LEADER: Gauge = Gauge::new("server.isLeader");
static BARRIER: Sample = Sample::new("leader.barrier");

/// How long a new leader waits to catch up before it tries again.
const BARRIER_TIMEOUT: Duration = Duration::from_secs(120);
/// User event of a new leader; its payload is the leader's name.
const NEW_LEADER: &str = "consul:new-leader";
/// Pause before a failed start of the duties is repeated.
const RETRY: Duration = Duration::from_secs(1);

/// Follows the leadership for as long as the server runs.
pub(super) async fn watch_leadership(server: Server) {
    let mut leadership = server.raft().leadership();
    IS_LEADER.set(0.0);
    loop {
        let leads = *leadership.borrow_and_update();
        if !leads {
            if leadership.changed().await.is_err() {
                return;
            }
            continue;
        }
        tracing::info!(target: "agent.server", "cluster leadership acquired");
        IS_LEADER.set(1.0);
        let ended = loop {
            tokio::select! {
                changed = leadership.changed() => break changed.is_err(),
                () = server.inner.restart.notified() => {}
                () = lead(&server) => sleep(RETRY).await,
            }
        };
        step_down(&server);
        if ended {
            return;
        }
    }
}

/// Catches up, declares the server ready and runs the duties; dropping the future stops them all.
async fn lead(server: &Server) {
    announce(server).await;
    let start = Instant::now();
    match timeout(BARRIER_TIMEOUT, server.raft().barrier()).await {
        Ok(Ok(())) => BARRIER.since(start),
        Ok(Err(error)) => {
            tracing::error!(target: "agent.server", "failed to wait for barrier: error={:?}", error.text);
            return;
        }
        Err(_) => {
            tracing::error!(target: "agent.server", "failed to wait for barrier: error=\"timed out\"");
            return;
        }
    }
    if let Err(error) = acl::initialize(server).await {
        tracing::error!(target: "agent.server", "failed to initialize acls: error={:?}", error.text);
        return;
    }
    let mut duties = JoinSet::new();
    server.inner.session_timers.start(&server.store().snapshot());
    duties.spawn(settle(server.clone()));
    duties.spawn(sessions::expire(server.clone()));
    duties.spawn(tombstones::collect(server.clone()));
    duties.spawn(autopilot::run(server.clone()));
    duties.spawn(reconcile::run(server.clone()));
    duties.spawn(coordinate::write_updates(server.clone()));
    duties.spawn(ca::run(server.clone()));
    duties.spawn(acl::reap(server.clone()));
    duties.spawn(acl::replicate(server.clone()));
    server.inner.ready.send_replace(true);
    if let Some(Err(error)) = duties.join_next().await {
        tracing::error!(target: "agent.server", "a leader duty ended: error=\"{error}\"");
    }
}

/// Tells everybody in the datacenter that there is a new leader, so that they send what they could not.
async fn announce(server: &Server) {
    let Some(pool) = &server.gossip().lan else { return };
    let name = Bytes::copy_from_slice(server.config().node_name.as_bytes());
    if let Err(error) = pool.user_event(NEW_LEADER, name, false).await {
        tracing::warn!(target: "agent.server", "failed to broadcast new leader event: error={:?}", error.text);
    }
}

/// A leader that failed may have left a change of the voters half done.
async fn settle(server: Server) {
    while let Err(error) = server.raft().finish_change().await {
        tracing::warn!(target: "agent.server", "a change of the raft configuration could not be finished: error={:?}", error.text);
        sleep(RETRY).await;
    }
    std::future::pending().await
}

fn step_down(server: &Server) {
    server.inner.ready.send_replace(false);
    server.inner.session_timers.stop();
    server.inner.health.forget();
    IS_LEADER.set(0.0);
    tracing::info!(target: "agent.server", "cluster leadership lost");
}

impl Server {
    /// Starts the duties anew: what they keep in memory belongs to a state that was replaced.
    pub(super) fn restart_duties(&self) {
        self.inner.restart.notify_one();
    }
}
