//! Lamport clocks (`spec/gossip.md` 4.2).

/// Orders what happens in a pool without a common clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LamportClock(u64);

impl LamportClock {
    /// A clock after its first tick.
    pub fn started() -> Self {
        LamportClock(1)
    }

    /// The current time.
    pub fn time(&self) -> u64 {
        self.0
    }

    /// Moves on by one and returns the time before it, which is the one to send.
    pub fn take(&mut self) -> u64 {
        let time = self.0;
        self.0 = time.saturating_add(1);
        time
    }

    /// Catches up with a time seen elsewhere. The last representable time stays the last one: a liar cannot turn the clock back.
    pub fn witness(&mut self, seen: u64) {
        if seen >= self.0 {
            self.0 = seen.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_moves_past_what_it_sees_and_never_back() {
        let mut clock = LamportClock::started();
        assert_eq!(clock.take(), 1);
        assert_eq!(clock.time(), 2);
        for (seen, after) in [(41, 42), (41, 42), (42, 43), (7, 43), (u64::MAX, u64::MAX), (3, u64::MAX)] {
            clock.witness(seen);
            assert_eq!(clock.time(), after, "after {seen}");
        }
        assert_eq!(clock.take(), u64::MAX);
        assert_eq!(clock.time(), u64::MAX);
    }
}
