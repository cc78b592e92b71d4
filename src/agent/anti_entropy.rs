//! When the local state is compared with the catalog and pushed to it (`spec/semantics.md` 15.2).

use super::local::{Catalog, LocalState, SyncError};
use rand::Rng;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Base times; each gets a random addition that grows with the cluster.
#[derive(Clone, Copy, Debug)]
pub struct Timings {
    /// Between full syncs.
    pub full: Duration,
    /// After a failed full sync.
    pub retry: Duration,
    /// Upper bound of the delay after a server became available.
    pub server_up: Duration,
}

impl Default for Timings {
    fn default() -> Self {
        Timings { full: Duration::from_secs(60), retry: Duration::from_secs(15), server_up: Duration::from_secs(3) }
    }
}

/// How much slower a cluster of this many members syncs: 1 up to 128, one more with every doubling.
pub fn scale_factor(members: usize) -> u32 {
    match members {
        0..=128 => 1,
        many => ((many as f64).log2() - 128f64.log2()).ceil() as u32 + 1,
    }
}

/// Between zero and `bound` times the scale factor.
fn stagger(bound: Duration, members: usize) -> Duration {
    (bound * scale_factor(members)).mul_f64(rand::rng().random::<f64>())
}

/// What the loop needs.
pub struct AntiEntropy {
    /// The truth.
    pub local: Arc<LocalState>,
    /// What is made to match it.
    pub catalog: Arc<dyn Catalog>,
    /// Changes when a server became available.
    pub server_up: watch::Receiver<u64>,
    /// Number of LAN members.
    pub members: Box<dyn Fn() -> usize + Send + Sync>,
    /// Base times.
    pub timings: Timings,
}

impl AntiEntropy {
    /// Syncs for ever. Starts with a full sync; after a success changes are pushed as they come, after a failure it is tried
    /// again later or when a server becomes available.
    pub async fn run(mut self) {
        let mut healthy = self.full_sync().await;
        let mut due = self.next_full(healthy);
        loop {
            let deferred = self.local.release_deferred(Instant::now());
            let wake = deferred.map_or(due, |deferred| deferred.min(due));
            tokio::select! {
                () = tokio::time::sleep_until(wake.into()) => {
                    if Instant::now() >= due {
                        healthy = self.full_sync().await;
                        due = self.next_full(healthy);
                    }
                }
                changed = self.server_up.changed() => match changed {
                    Ok(()) => due = due.min(Instant::now() + stagger(self.timings.server_up, (self.members)())),
                    Err(_) => return,
                },
                () = self.local.sync_wanted() => {
                    self.local.release_deferred(Instant::now());
                    if healthy {
                        self.push_changes().await;
                    }
                }
            }
        }
    }

    fn next_full(&self, healthy: bool) -> Instant {
        let base = if healthy { self.timings.full } else { self.timings.retry };
        Instant::now() + base + stagger(base, (self.members)())
    }

    async fn full_sync(&self) -> bool {
        if self.local.is_paused() {
            return false;
        }
        let compared = self.local.compare(self.catalog.as_ref()).await;
        let synced = match compared {
            Ok(()) => self.local.push(self.catalog.as_ref()).await,
            Err(error) => Err(SyncError(vec![error])),
        };
        if let Err(error) = &synced {
            tracing::error!(target: "agent.anti_entropy", error = %error, "failed to sync remote state");
        }
        synced.is_ok()
    }

    async fn push_changes(&self) {
        if self.local.is_paused() || !self.local.is_dirty() {
            return;
        }
        if let Err(error) = self.local.push(self.catalog.as_ref()).await {
            tracing::error!(target: "agent.anti_entropy", error = %error, "failed to sync changes");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_clusters_sync_less_often() {
        for (members, factor) in [(1, 1), (128, 1), (129, 2), (256, 2), (257, 3), (512, 3), (1024, 4), (2048, 5)] {
            assert_eq!(scale_factor(members), factor, "{members} members");
        }
    }
}
