//! Pauses after failures: each twice as long as the one before, up to a bound.

use rand::Rng;
use std::time::Duration;

/// First and longest pause.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// The pauses of one task.
pub(super) struct Pauses(Duration);

impl Pauses {
    /// From the first one on.
    pub fn new() -> Pauses {
        Pauses(FIRST)
    }

    /// How long to pause now.
    pub fn step(&mut self) -> Duration {
        let next = (self.0 * 2).min(LONGEST);
        std::mem::replace(&mut self.0, next)
    }
}

/// A random time below a limit.
pub(super) fn up_to(limit: Duration) -> Duration {
    rand::rng().random_range(Duration::ZERO..limit)
}

/// A pause with up to a quarter more, so that not all agents come at once.
pub(super) fn spread(pause: Duration) -> Duration {
    pause + up_to(pause / 4)
}
