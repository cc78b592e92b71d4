//! What goes on beside proposals: watching who leads, taking snapshots, purging the log, keeping the own address current.

use super::engine::ServerNode;
use super::snapshots::StoredSnapshot;
use super::{Inner, Raft};
use crate::telemetry::metrics::{Counter, Sample};
use crate::types::Error;
use openraft::async_runtime::watch::WatchReceiver;
use openraft::{ChangeMembers, ServerState};
use rand::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

static LEADER: Counter = Counter::new("raft.state.leader");
static CANDIDATE: Counter = Counter::new("raft.state.candidate");
static FOLLOWER: Counter = Counter::new("raft.state.follower");
static LAST_CONTACT: Sample = Sample::new("raft.leader.lastContact");

/// Longest wait until the consensus library has taken note of a snapshot.
const NOTED_LIMIT: Duration = Duration::from_secs(30);

/// A new leader hears from a quorum within about this time.
const ACKNOWLEDGED_SOON: Duration = Duration::from_millis(5);

/// Starts the tasks. They end with [`Raft::shutdown`].
pub(crate) fn start(raft: &Raft) {
    tokio::spawn(watch_leadership(raft.clone()));
    tokio::spawn(keep_snapshots(raft.0.clone()));
}

/// Publishes changes of [`Raft::is_leader`]. Elections wake it; acknowledgements of a quorum, or their absence, are looked at
/// by the clock, because waking with each of them would cost every commit something.
async fn watch_leadership(raft: Raft) {
    let mut stop = raft.0.stop.subscribe();
    let mut elections = raft.0.engine.server_metrics();
    let mut role = None;
    loop {
        count_role(&raft, &mut role);
        let leads = raft.is_leader() && !*stop.borrow();
        let leader = raft.leader().map(|leader| leader.id);
        raft.0.elected.send_if_modified(|known| {
            let changed = *known != leader;
            *known = leader;
            changed
        });
        let changed = raft.0.leadership.send_if_modified(|known| std::mem::replace(known, leads) != leads);
        if changed && leads {
            tokio::spawn(announce_address(raft.clone()));
        } else if changed {
            // what it knows is as new as its leadership was
            *raft.0.heard.lock() = Some(Instant::now());
        }
        if *stop.borrow() {
            return;
        }
        let elected = raft.metrics(|metrics| metrics.state == ServerState::Leader);
        let tick = if elected && !leads { ACKNOWLEDGED_SOON } else { raft.0.config.lease() / 4 };
        tokio::select! {
            changed = elections.changed() => if changed.is_err() {
                raft.0.leadership.send_replace(false);
                return;
            },
            () = raft.0.spoken.notified() => {}
            () = tokio::time::sleep(tick) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Counts changes of what this server is, and says how long the others have been silent to a leader.
fn count_role(raft: &Raft, role: &mut Option<ServerState>) {
    let now = raft.metrics(|metrics| metrics.state);
    if *role != Some(now) {
        *role = Some(now);
        match now {
            ServerState::Leader => LEADER.add(1),
            ServerState::Candidate => CANDIDATE.add(1),
            ServerState::Follower => FOLLOWER.add(1),
            ServerState::Learner | ServerState::Shutdown => {}
        }
    }
    if now == ServerState::Leader {
        for silent in raft.peer_contacts().values() {
            LAST_CONTACT.add(silent.as_secs_f64() * 1e3);
        }
    }
}

/// Writes the own address into the configuration when the log knows another one.
async fn announce_address(raft: Raft) {
    let (id, address) = (raft.0.id, raft.0.config.address.clone());
    let known = raft.configuration().1.into_iter().find(|peer| peer.id == id.to_string());
    if known.is_none_or(|known| known.address == address) {
        return;
    }
    let nodes = BTreeMap::from([(id, ServerNode { address })]);
    if let Err(error) = raft.change(ChangeMembers::SetNodes(nodes)).await {
        tracing::warn!(target: "agent.server.raft", "the own address could not be written to the raft configuration: error={error}");
    }
}

/// Takes a snapshot whenever enough entries were added (`spec/semantics.md` 12.1).
async fn keep_snapshots(inner: Arc<Inner>) {
    let mut stop = inner.stop.subscribe();
    loop {
        // servers of a cluster shall not all do this at the same moment
        let pause = inner.config.snapshot_interval.mul_f64(1.0 + rand::rng().random::<f64>());
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        let newest = inner.snapshots.newest().map_or(0, |snapshot| snapshot.meta.index);
        if inner.progress.applied().saturating_sub(newest) >= inner.config.snapshot_threshold {
            snapshot_and_purge(&inner).await;
        }
    }
}

/// Takes a snapshot and removes the part of the log that is not needed any more.
pub(crate) async fn snapshot_and_purge(inner: &Arc<Inner>) {
    match take_snapshot(inner).await {
        Ok(_) => purge(inner).await,
        Err(error) => tracing::error!(target: "agent.server.raft", "failed to take a raft snapshot: error={error}"),
    }
}

/// A snapshot of the present state. Written beside the consensus library, which stops for good when it cannot write one.
pub(crate) async fn take_snapshot(inner: &Arc<Inner>) -> Result<StoredSnapshot, Error> {
    let _one_at_a_time = inner.snapshotting.lock().await;
    let stopped = |error: &dyn std::fmt::Display| Error::new(error.to_string());
    let view = inner.engine.with_state_machine(|machine| {
        let view = machine.view();
        Box::pin(async move { view })
    });
    let view = view.await.map_err(|error| stopped(&error))?.ok_or_else(|| Error::new("nothing new to snapshot"))?;
    if let Some(newest) = inner.snapshots.newest().filter(|newest| newest.meta.index == view.at.index()) {
        return Ok(newest);
    }
    let at = view.at.applied;
    let snapshots = inner.snapshots.clone();
    let stored =
        tokio::task::spawn_blocking(move || view.write(&snapshots)).await.map_err(|error| stopped(&error))??;
    *inner.prepared.lock() = Some(stored.clone());
    inner.engine.trigger().snapshot().await.map_err(|error| stopped(&error))?;
    let noted = inner.engine.wait(Some(NOTED_LIMIT)).metrics(|metrics| metrics.snapshot >= Some(at), "snapshot").await;
    noted.map_err(|error| stopped(&error))?;
    Ok(stored)
}

/// Removes entries behind the trailing ones. Entries since the older snapshot stay: should the newer one turn out to be
/// damaged, the older one and the log give the same state.
async fn purge(inner: &Arc<Inner>) {
    let (Some(newest), Some(oldest)) = (inner.snapshots.newest(), inner.snapshots.oldest_retained()) else { return };
    let position =
        |snapshot: &StoredSnapshot| super::snapshots::Position::from_meta(&snapshot.meta).map(|at| at.applied.index);
    let (Ok(newest), Ok(oldest)) = (position(&newest), position(&oldest)) else { return };
    let upto = newest.saturating_sub(inner.config.trailing_logs).min(oldest);
    if upto < inner.log.first_index() {
        return;
    }
    if let Err(error) = inner.engine.trigger().purge_log(upto).await {
        tracing::warn!(target: "agent.server.raft", "the raft log could not be purged: error={error}");
    }
}
