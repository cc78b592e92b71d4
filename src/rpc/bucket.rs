//! A bucket of tokens: how often something may happen.

use std::time::{Duration, Instant};

/// What may still happen now.
#[derive(Debug)]
pub struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    /// One that lets so many pass at once.
    pub fn full(tokens: f64, now: Instant) -> Bucket {
        Bucket { tokens: tokens.max(0.0), filled: now }
    }

    /// One may pass now; `rate` per second do, and `burst` at once.
    pub fn pass(&mut self, rate: f64, burst: f64, now: Instant) -> bool {
        let earned = now.saturating_duration_since(self.filled).as_secs_f64() * rate;
        self.tokens = (self.tokens + earned).min(burst);
        self.filled = now;
        if self.tokens < 1.0 {
            return false;
        }
        self.tokens -= 1.0;
        true
    }

    /// When the next may pass, as far as that is not later than `most`.
    pub fn next(&self, rate: f64, most: Duration) -> Duration {
        let seconds = (1.0 - self.tokens).max(0.0) / rate;
        if seconds < most.as_secs_f64() { Duration::from_secs_f64(seconds) } else { most }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_pass_at_once_as_the_burst_and_then_as_the_rate_allows() {
        let start = Instant::now();
        let mut bucket = Bucket::full(10.0, start);
        let passed = |bucket: &mut Bucket, now| (0..20).filter(|_| bucket.pass(10.0, 10.0, now)).count();
        assert_eq!(passed(&mut bucket, start), 10);
        assert_eq!(bucket.next(10.0, Duration::from_secs(1)), Duration::from_millis(100));
        assert_eq!(passed(&mut bucket, start + Duration::from_millis(500)), 5);
        assert_eq!(passed(&mut bucket, start), 0, "a clock that goes back gives nothing");
        assert_eq!(passed(&mut bucket, start + Duration::from_secs(60)), 10, "no more than the burst is saved");
        for rate in [0.0, 0.01] {
            assert_eq!(bucket.next(rate, Duration::from_secs(1)), Duration::from_secs(1), "{rate}");
        }
        let mut unlimited = Bucket::full(0.0, start);
        assert!(!unlimited.pass(0.0, 1.0, start + Duration::from_secs(3600)), "a rate of 0 stops all");
    }
}
