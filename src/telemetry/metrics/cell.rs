//! One distribution under concurrent writers: sharded atomics that a collector drains at the end of an interval.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// Shards of a cell; more only cost memory where few threads run.
const SHARDS: usize = 4;

/// Values that the window of recent values keeps.
const RECENT: usize = 512;

/// What an interval, or a lifetime, knows of a distribution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Totals {
    /// Number of values.
    pub count: u64,
    /// Sum of the values.
    pub sum: f64,
    /// Sum of the squares.
    pub squares: f64,
    /// Lowest value.
    pub min: f64,
    /// Highest value.
    pub max: f64,
}

impl Totals {
    /// Nothing recorded.
    pub const EMPTY: Totals = Totals { count: 0, sum: 0.0, squares: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

    /// Folds another set of values in.
    pub fn merge(&mut self, other: &Totals) {
        self.count += other.count;
        self.sum += other.sum;
        self.squares += other.squares;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }
}

#[repr(align(64))]
struct Shard {
    count: AtomicU64,
    sum: AtomicU64,
    squares: AtomicU64,
    min: AtomicU64,
    max: AtomicU64,
}

impl Shard {
    const fn new() -> Shard {
        Shard {
            count: AtomicU64::new(0),
            sum: AtomicU64::new(0),
            squares: AtomicU64::new(0),
            min: AtomicU64::new(f64::INFINITY.to_bits()),
            max: AtomicU64::new(f64::NEG_INFINITY.to_bits()),
        }
    }
}

/// Changes an `f64` kept as bits, unless the change would change nothing.
fn change(cell: &AtomicU64, with: impl Fn(f64) -> f64) {
    let _ = cell.fetch_update(Relaxed, Relaxed, |bits| {
        let next = with(f64::from_bits(bits)).to_bits();
        (next != bits).then_some(next)
    });
}

/// The distribution of the running interval.
pub struct Cell {
    shards: [Shard; SHARDS],
    recent: std::sync::OnceLock<Box<Recent>>,
}

impl Cell {
    /// An empty distribution.
    pub fn new() -> Cell {
        Cell { shards: [const { Shard::new() }; SHARDS], recent: std::sync::OnceLock::new() }
    }

    /// Records a value.
    pub fn record(&self, value: f64) {
        let shard = &self.shards[shard_of_this_thread()];
        shard.count.fetch_add(1, Relaxed);
        change(&shard.sum, |sum| sum + value);
        change(&shard.squares, |squares| squares + value * value);
        change(&shard.min, |min| min.min(value));
        change(&shard.max, |max| max.max(value));
        if let Some(recent) = self.recent.get() {
            recent.push(value as f32);
        }
    }

    /// What was recorded since the last [`Cell::drain`].
    pub fn peek(&self) -> Totals {
        self.fold(|cell, _| cell.load(Relaxed))
    }

    /// Like [`Cell::peek`], and starts over.
    pub fn drain(&self) -> Totals {
        self.fold(|cell, empty| cell.swap(empty, Relaxed))
    }

    fn fold(&self, take: impl Fn(&AtomicU64, u64) -> u64) -> Totals {
        let mut totals = Totals::EMPTY;
        for shard in &self.shards {
            totals.merge(&Totals {
                count: take(&shard.count, 0),
                sum: f64::from_bits(take(&shard.sum, 0)),
                squares: f64::from_bits(take(&shard.squares, 0)),
                min: f64::from_bits(take(&shard.min, f64::INFINITY.to_bits())),
                max: f64::from_bits(take(&shard.max, f64::NEG_INFINITY.to_bits())),
            });
        }
        totals
    }

    /// Starts to keep recent values, for quantiles.
    pub fn keep_recent(&self) {
        self.recent.get_or_init(|| Box::new(Recent::new()));
    }

    /// The newest values recorded, at most `count` and at most the size of the window.
    pub fn newest(&self, count: u64) -> Vec<f32> {
        self.recent.get().map_or_else(Vec::new, |recent| recent.newest(count))
    }
}

/// A ring of the newest values. Writers never wait; a value written while the ring is read may be missed or seen.
struct Recent {
    next: AtomicU64,
    values: [AtomicU32; RECENT],
}

impl Recent {
    fn new() -> Recent {
        Recent { next: AtomicU64::new(0), values: [const { AtomicU32::new(0) }; RECENT] }
    }

    fn push(&self, value: f32) {
        let at = self.next.fetch_add(1, Relaxed) as usize % RECENT;
        self.values[at].store(value.to_bits(), Relaxed);
    }

    fn newest(&self, count: u64) -> Vec<f32> {
        let next = self.next.load(Relaxed);
        let from = next - count.min(next).min(RECENT as u64);
        (from..next).map(|at| f32::from_bits(self.values[at as usize % RECENT].load(Relaxed))).collect()
    }
}

/// Threads get shards in turn, so that few of them share one.
fn shard_of_this_thread() -> usize {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    thread_local! {
        static SHARD: usize = NEXT.fetch_add(1, Relaxed) as usize % SHARDS;
    }
    SHARD.with(|shard| *shard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_all_threads_meet_in_one_interval() {
        let cell = Cell::new();
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let cell = &cell;
                scope.spawn(move || (0..1000).for_each(|value| cell.record(f64::from(thread * 1000 + value))));
            }
        });
        let totals = cell.drain();
        assert_eq!((totals.count, totals.sum), (8000, 7999.0 * 8000.0 / 2.0));
        assert_eq!((totals.min, totals.max), (0.0, 7999.0));
        assert_eq!(cell.drain(), Totals::EMPTY);
    }

    #[test]
    fn the_window_keeps_the_newest_values() {
        let cell = Cell::new();
        cell.record(1.0);
        assert!(cell.newest(10).is_empty(), "nothing is kept before it is asked for");
        cell.keep_recent();
        (0..1000).for_each(|value| cell.record(f64::from(value)));
        assert_eq!(cell.newest(2), [998.0, 999.0]);
        assert_eq!(cell.newest(u64::MAX).len(), RECENT);
    }
}
