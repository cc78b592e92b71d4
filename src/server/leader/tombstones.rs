//! Tombstone collection (`spec/semantics.md` 9): a tombstone keeps the index of its prefix up for 15 minutes, then goes.

use super::super::Server;
use crate::state::{Command, WatchSet};
use crate::telemetry::metrics::Sample;
use crate::types::Index;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::{Instant, interval};

static REAP: Sample = Sample::new("leader.reapTombstones");

/// What is to be reaped when: all deletes of one slot of the grid go together.
struct Schedule {
    ttl: Duration,
    slots: VecDeque<(Instant, Index)>,
    last: Index,
}

impl Schedule {
    fn new(ttl: Duration) -> Self {
        Schedule { ttl, slots: VecDeque::new(), last: 0 }
    }

    /// Notes at a tick of the grid that keys were deleted up to this index; returns the index to reap up to, if any is due.
    fn tick(&mut self, now: Instant, deleted: Index) -> Option<Index> {
        if deleted > self.last {
            self.last = deleted;
            self.slots.push_back((now + self.ttl, deleted));
        }
        let mut due = None;
        while let Some(&(_, index)) = self.slots.front().filter(|(at, _)| *at <= now) {
            self.slots.pop_front();
            due = Some(index);
        }
        due
    }
}

/// Reaps tombstones when their time is over; runs while this server leads.
pub(super) async fn collect(server: Server) {
    let config = server.config();
    let mut schedule = Schedule::new(config.tombstone_ttl);
    let mut ticks = interval(config.tombstone_granularity);
    loop {
        let now = ticks.tick().await;
        let deleted = server.store().snapshot().tombstone_index(&mut WatchSet::none());
        let Some(index) = schedule.tick(now, deleted) else { continue };
        let start = std::time::Instant::now();
        let result = server.apply(Command::TombstoneReap(index), "").await;
        REAP.since(start);
        if let Err(error) = result {
            tracing::error!(
                target: "agent.server",
                "failed to reap tombstones up to index: index={index} error={:?}",
                error.text
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deletes_of_one_slot_are_reaped_together_when_their_time_is_over() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut schedule = Schedule::new(Duration::from_secs(900));
        assert_eq!(schedule.tick(at(0), 0), None);
        assert_eq!(schedule.tick(at(30), 17), None);
        assert_eq!(schedule.tick(at(60), 25), None);
        assert_eq!(schedule.tick(at(900), 25), None);
        assert_eq!(schedule.tick(at(930), 25), Some(17));
        assert_eq!(schedule.tick(at(960), 25), Some(25));
        assert_eq!(schedule.tick(at(990), 25), None);
    }
}
