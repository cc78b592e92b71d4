//! How often an entry may fetch (`cache.entry_fetch_rate`, `cache.entry_fetch_max_burst`).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The limits in force; all entries see a change at once.
pub struct Rate {
    per_second: AtomicU64,
    burst: AtomicUsize,
}

impl Rate {
    /// That many fetches per second, or infinitely many, and that many at once.
    pub fn new(per_second: f64, burst: usize) -> Rate {
        Rate { per_second: AtomicU64::new(per_second.to_bits()), burst: AtomicUsize::new(burst) }
    }

    /// Changes the limits.
    pub fn set(&self, per_second: f64, burst: usize) {
        self.per_second.store(per_second.to_bits(), Ordering::Relaxed);
        self.burst.store(burst, Ordering::Relaxed);
    }

    fn get(&self) -> (f64, f64) {
        (f64::from_bits(self.per_second.load(Ordering::Relaxed)), self.burst.load(Ordering::Relaxed) as f64)
    }
}

/// What an entry may still fetch now.
pub struct Bucket {
    rate: Arc<Rate>,
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn new(rate: Arc<Rate>) -> Bucket {
        let (_, burst) = rate.get();
        Bucket { rate, tokens: burst, filled: Instant::now() }
    }

    /// Waits until the next fetch may begin.
    pub async fn take(&mut self) {
        loop {
            let (per_second, burst) = self.rate.get();
            if !per_second.is_finite() {
                return;
            }
            let now = Instant::now();
            let gained = now.duration_since(self.filled).as_secs_f64() * per_second;
            (self.tokens, self.filled) = ((self.tokens + gained).min(burst.max(1.0)), now);
            if self.tokens >= 1.0 {
                self.tokens -= 1.0;
                return;
            }
            // a changed limit is seen soon
            let missing = ((1.0 - self.tokens) / per_second).min(1.0);
            sleep(Duration::from_secs_f64(missing)).await;
        }
    }
}
