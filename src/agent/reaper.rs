//! Removes services that have been critical for too long (`spec/services-and-checks.md` 6).

use super::Agent;
use crate::types::GoDuration;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

impl Agent {
    /// Looks every `interval`, for ever.
    pub(super) async fn reap_critical_services(self, interval: Duration) {
        let mut ticks = tokio::time::interval(interval.max(Duration::from_secs(1)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            for (service, check, after) in self.overdue_services(Instant::now()) {
                match self.deregister_service(&service).await {
                    Ok(()) => tracing::info!(
                        target: "agent", service = %service, check = %check, timeout = %after,
                        "deregistered service with critical health due to exceeding health check's 'deregister_critical_service_after' timeout"
                    ),
                    Err(error) => tracing::error!(
                        target: "agent", service = %service, check = %check, error = %error,
                        "unable to deregister service with critical health due to exceeding health check's 'deregister_critical_service_after' timeout"
                    ),
                }
            }
        }
    }

    /// Services with a check that has been critical for longer than it may, with that check and its limit.
    pub(super) fn overdue_services(&self, now: Instant) -> Vec<(String, String, GoDuration)> {
        let running = self.inner.running.lock();
        let mut overdue: BTreeMap<String, (String, GoDuration)> = BTreeMap::new();
        for (check, critical_for) in self.local().critical_for(now) {
            let Some(definition) = running.get(&check.check_id).map(|running| &running.definition) else { continue };
            let after = definition.deregister_critical_service_after;
            if after.0 > 0 && critical_for > after.to_std() {
                overdue.entry(check.service_id.clone()).or_insert_with(|| (check.check_id.clone(), after));
            }
        }
        overdue.into_iter().map(|(service, (check, after))| (service, check, after)).collect()
    }
}
