//! Says a problem once, not a thousand times.

use super::Time;
use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// A problem of the same kind and source is said again after this time.
const QUIET: Duration = Duration::from_secs(3600);
/// Problems remembered. More sources at a time than these are not told apart: nothing more is said.
const MAX_PROBLEMS: usize = 1024;

/// Kinds of problems that others can cause as often as they like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Problem {
    /// A packet that we cannot open or read.
    Packet,
    /// A packet that is not encrypted.
    Plaintext,
    /// A packet or stream that none of our keys opens.
    WrongKey,
    /// A ping for somebody else.
    WrongNode,
    /// A source or member outside of the allowed networks.
    Network,
    /// A member that the layer above does not want.
    Unwanted,
    /// A name used twice.
    Conflict,
    /// A stream that we could not use.
    Stream,
    /// A full exchange that was refused.
    Merge,
    /// A stream of ours that failed.
    Exchange,
}

/// Counts problems.
#[derive(Debug, Default)]
pub(super) struct Noise {
    hasher: ahash::RandomState,
    problems: HashMap<u64, (Time, u64)>,
}

impl Noise {
    /// Problems remembered.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.problems.len()
    }

    /// Shall this problem be said now? `Some(n)`: yes, and n more like it were kept back since the last time.
    pub fn say(&mut self, now: Time, problem: Problem, source: impl Hash) -> Option<u64> {
        let key = self.hasher.hash_one((problem, source));
        if let Some((said, kept_back)) = self.problems.get_mut(&key) {
            if now < *said + QUIET {
                *kept_back += 1;
                return None;
            }
            *said = now;
            return Some(std::mem::take(kept_back));
        }
        if self.problems.len() >= MAX_PROBLEMS {
            self.problems.retain(|_, (said, _)| now < *said + QUIET);
            if self.problems.len() >= MAX_PROBLEMS {
                return None;
            }
        }
        self.problems.insert(key, (now, 0));
        Some(0)
    }
}
