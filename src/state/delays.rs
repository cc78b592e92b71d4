//! Lock delays: a clock of each server's own, never in the log or in snapshots (`spec/semantics.md` 6.4).

use crate::types::GoDuration;
use ahash::AHashMap;
use std::time::{Duration, Instant};

/// Longest delay, whatever a session asks for.
const MAX_DELAY: Duration = Duration::from_secs(60);

/// Expired entries are swept when the map has grown to this, and then to twice what was left.
const FIRST_SWEEP: usize = 1024;

/// Keys that refuse acquisition for a while.
#[derive(Default)]
pub struct LockDelays {
    until: AHashMap<Box<str>, Instant>,
    sweep_at: usize,
}

impl LockDelays {
    /// A session that held the key ended.
    pub fn start(&mut self, key: &str, delay: GoDuration, now: Instant) {
        let delay = delay.to_std().min(MAX_DELAY);
        if delay.is_zero() {
            return;
        }
        if self.until.len() >= self.sweep_at.max(FIRST_SWEEP) {
            self.until.retain(|_, until| *until > now);
            self.sweep_at = 2 * self.until.len();
        }
        self.until.insert(key.into(), now + delay);
    }

    /// What is left of a key's delay.
    pub fn remaining(&mut self, key: &str, now: Instant) -> Option<Duration> {
        let left = self.until.get(key)?.checked_duration_since(now).filter(|left| !left.is_zero());
        if left.is_none() {
            self.until.remove(key);
        }
        left
    }

    /// Forgets all delays.
    pub fn clear(&mut self) {
        self.until.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delay_ends_by_the_clock_and_is_at_most_a_minute() {
        let now = Instant::now();
        let mut delays = LockDelays::default();
        delays.start("k", GoDuration::secs(15), now);
        delays.start("long", GoDuration::secs(3600), now);
        delays.start("none", GoDuration::ZERO, now);
        assert_eq!(delays.remaining("k", now + Duration::from_secs(5)), Some(Duration::from_secs(10)));
        assert_eq!(delays.remaining("k", now + Duration::from_secs(15)), None);
        assert_eq!(delays.remaining("long", now), Some(MAX_DELAY));
        assert_eq!(delays.remaining("none", now), None);
    }

    #[test]
    fn expired_delays_are_swept() {
        let now = Instant::now();
        let mut delays = LockDelays::default();
        for i in 0..FIRST_SWEEP {
            delays.start(&i.to_string(), GoDuration::secs(1), now);
        }
        delays.start("later", GoDuration::secs(1), now + Duration::from_secs(2));
        assert_eq!(delays.until.len(), 1);
    }
}
