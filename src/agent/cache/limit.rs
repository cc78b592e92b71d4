//! How often an entry may fetch (`cache.entry_fetch_rate`, `cache.entry_fetch_max_burst`).

use crate::rpc::Bucket;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a waiting entry goes without a look at the limits.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

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
pub struct Turns {
    rate: Arc<Rate>,
    bucket: Bucket,
}

impl Turns {
    /// As many as may be fetched at once.
    pub fn new(rate: Arc<Rate>) -> Turns {
        let (_, burst) = rate.get();
        Turns { rate, bucket: Bucket::full(burst, Instant::now().into_std()) }
    }

    /// Waits until the next fetch may begin.
    pub async fn take(&mut self) {
        loop {
            let (per_second, burst) = self.rate.get();
            if !per_second.is_finite() || self.bucket.pass(per_second, burst.max(1.0), Instant::now().into_std()) {
                return;
            }
            // a changed limit is seen soon
            sleep(self.bucket.next(per_second, LONGEST_WAIT)).await;
        }
    }
}
