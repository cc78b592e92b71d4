//! A running suspicion: the more members share it, the sooner it is a death (Lifeguard; `spec/gossip.md` 3.7).

use super::{Time, Timing};
use std::sync::Arc;
use std::time::Duration;

/// A suspicion that was not refuted yet.
#[derive(Debug)]
pub(super) struct Suspicion {
    start: Time,
    min: Duration,
    max: Duration,
    /// Confirmations that bring the timeout down to `min`.
    wanted: usize,
    /// Who shares it; the first one is its originator and no confirmation.
    accusers: Vec<Arc<str>>,
    /// The member's state change that it belongs to.
    pub since: Time,
}

impl Suspicion {
    /// A suspicion that begins now, in a pool of `n` members.
    pub fn new(timing: &Timing, n: usize, now: Time, from: &str) -> Self {
        let min = suspicion_timeout(timing.suspicion_mult, n, timing.probe_interval);
        let wanted = (timing.suspicion_mult as usize).saturating_sub(2);
        let wanted = if n < wanted + 2 { 0 } else { wanted };
        Suspicion {
            start: now,
            min,
            max: min * timing.suspicion_max_timeout_mult,
            wanted,
            accusers: vec![from.into()],
            since: now,
        }
    }

    /// Somebody shares it. True when that is news.
    pub fn confirm(&mut self, from: &str) -> bool {
        let news = self.confirmations() < self.wanted && self.accusers.iter().all(|accuser| **accuser != *from);
        if news {
            self.accusers.push(from.into());
        }
        news
    }

    /// When it becomes a death, as it stands.
    pub fn deadline(&self) -> Time {
        self.start + timeout(self.confirmations(), self.wanted, self.min, self.max)
    }

    /// Members that share it besides its originator.
    pub fn confirmations(&self) -> usize {
        self.accusers.len() - 1
    }

    /// Fewer members shared it than we had wished for.
    pub fn is_degraded(&self) -> bool {
        self.confirmations() < self.wanted
    }
}

/// Time from the begin of a suspicion to its end, after `confirmations` of `wanted`.
pub(super) fn timeout(confirmations: usize, wanted: usize, min: Duration, max: Duration) -> Duration {
    if wanted < 1 {
        return min;
    }
    let share = (confirmations as f64 + 1.0).ln() / (wanted as f64 + 1.0).ln();
    let seconds = max.as_secs_f64() - share * (max.as_secs_f64() - min.as_secs_f64());
    Duration::from_millis((1000.0 * seconds).floor().max(0.0) as u64).max(min)
}

/// Shortest suspicion in a pool of `n` members (`spec/gossip.md` 3.1).
pub fn suspicion_timeout(mult: u32, n: usize, probe_interval: Duration) -> Duration {
    let scale = (n.max(1) as f64).log10().max(1.0);
    // In whole thousandths, as the reference counts.
    mult * ((scale * 1000.0) as u32) * probe_interval / 1000
}
