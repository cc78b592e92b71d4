//! What is due when.

use super::Time;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::sync::Arc;

/// Something to do at a time. Timers are not taken back: who handles one looks whether it still means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// Start the next probe.
    Probe,
    /// The direct answer to a probe is late.
    ProbeLate(u32),
    /// A probe is over.
    ProbeOver(u32),
    /// A ping for somebody else was not answered.
    Relay(u32),
    /// A round of gossip.
    Gossip,
    /// A full exchange.
    PushPull,
    /// A suspicion may be ripe.
    Suspicion(Arc<str>),
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    at: Time,
    order: u64,
    timer: Timer,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A queue of timers; those of the same time come in the order in which they were set.
#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<Entry>>,
    order: u64,
}

impl Timers {
    pub fn set(&mut self, at: Time, timer: Timer) {
        self.order += 1;
        self.heap.push(Reverse(Entry { at, order: self.order, timer }));
    }

    /// When the next one is due.
    pub fn next(&self) -> Time {
        self.heap.peek().map_or(Time::MAX, |Reverse(entry)| entry.at)
    }

    /// The next one that is due, with the time for which it was set.
    pub fn pop(&mut self, now: Time) -> Option<(Time, Timer)> {
        if self.next() > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| (entry.at, entry.timer))
    }
}
