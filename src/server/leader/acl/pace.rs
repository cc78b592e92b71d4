//! How fast copying may go: so many a second, with a few saved up.

use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// A bucket of permits that fills itself.
pub(super) struct Pace {
    period: Duration,
    burst: u32,
    /// When the bucket would be full again. It never lies before what is saved up by now.
    full: Instant,
}

impl Pace {
    /// One permit a period, at most `burst` saved up.
    pub(super) fn new(period: Duration, burst: u32) -> Pace {
        Pace { period, burst, full: Instant::now() }
    }

    /// Takes some permits; when that is over the caller may go on.
    fn take(&mut self, permits: u32, now: Instant) -> Instant {
        self.full = self.full.max(now) + self.period * permits;
        self.full.checked_sub(self.period * self.burst).map_or(now, |from| from.max(now))
    }

    /// Waits for so many permits.
    pub(super) async fn wait(&mut self, permits: u32) {
        sleep_until(self.take(permits, Instant::now())).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_the_rest_at_the_pace() {
        let second = Duration::from_secs(1);
        let mut pace = Pace::new(second, 5);
        let start = pace.full;
        for _ in 0..5 {
            assert_eq!(pace.take(1, start), start);
        }
        assert_eq!(pace.take(1, start), start + second);
        assert_eq!(pace.take(2, start), start + 3 * second);
        let later = start + 100 * second;
        assert_eq!(pace.take(5, later), later, "no more than the burst is saved up");
        assert_eq!(pace.take(1, later), later + second);
    }
}
