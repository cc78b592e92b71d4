//! Metrics with the reference's names and aggregation: counters, gauges and samples over wall-clock intervals of ten
//! seconds (`spec/agent-config.md` 9, `spec/http-api.md` 3.2.7).
//!
//! Names carry no prefix: `kvs.apply` is shown as `consul.kvs.apply`. A hot path holds a static handle
//! ([`Counter`], [`Gauge`], [`Sample`]) and pays a few relaxed atomics; the functions with a name pay a hash lookup more.
//! Nothing allocates once a series exists.

mod cell;
mod prometheus;
mod registry;
mod runtime;
mod sinks;
mod summary;

pub use registry::{Registry, Settings};
pub use summary::{Aggregate, GaugeValue, Summary};

use registry::Kind;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Length of an aggregation interval.
pub const INTERVAL: Duration = Duration::from_secs(10);

/// Labels of a series, in the order in which they are shown.
pub type Labels<'a> = &'a [(&'a str, &'a str)];

/// The registry of this process.
pub fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(Registry::new)
}

/// Adds `n` to a counter.
pub fn counter(name: &str, n: u64) {
    registry().record(Kind::Counter, name, &[], n as f64);
}

/// Adds `n` to a labelled counter.
pub fn counter_labels(name: &str, n: u64, labels: Labels) {
    registry().record(Kind::Counter, name, labels, n as f64);
}

/// Sets a gauge.
pub fn gauge(name: &str, value: f64) {
    registry().record(Kind::Gauge, name, &[], value);
}

/// Sets a labelled gauge.
pub fn gauge_labels(name: &str, value: f64, labels: Labels) {
    registry().record(Kind::Gauge, name, labels, value);
}

/// Records one value of a distribution; timers are in milliseconds.
pub fn sample(name: &str, value: f64) {
    registry().record(Kind::Sample, name, &[], value);
}

/// Records one value of a labelled distribution; timers are in milliseconds.
pub fn sample_labels(name: &str, value: f64, labels: Labels) {
    registry().record(Kind::Sample, name, labels, value);
}

/// Records the milliseconds since `start`.
pub fn measure_since(name: &str, start: Instant) {
    sample(name, millis(start.elapsed()));
}

/// Records the milliseconds since `start` under labels.
pub fn measure_since_labels(name: &str, start: Instant, labels: Labels) {
    sample_labels(name, millis(start.elapsed()), labels);
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

macro_rules! handles {
    ($($(#[$doc:meta])* $name:ident, $kind:expr;)*) => {$(
        $(#[$doc])*
        pub struct $name {
            name: &'static str,
            series: OnceLock<&'static registry::Series>,
        }
        impl $name {
            /// A handle for a series without labels; it appears with its first value.
            pub const fn new(name: &'static str) -> Self {
                Self { name, series: OnceLock::new() }
            }
            fn record(&self, value: f64) {
                self.series.get_or_init(|| registry().series($kind, self.name, &[])).record(value);
            }
        }
    )*};
}

handles! {
    /// Handle of a counter.
    Counter, Kind::Counter;
    /// Handle of a gauge.
    Gauge, Kind::Gauge;
    /// Handle of a distribution.
    Sample, Kind::Sample;
}

impl Counter {
    /// Adds `n`.
    pub fn add(&self, n: u64) {
        self.record(n as f64);
    }
}

impl Gauge {
    /// Sets the value.
    pub fn set(&self, value: f64) {
        self.record(value);
    }
}

impl Sample {
    /// Records a value; timers are in milliseconds.
    pub fn add(&self, value: f64) {
        self.record(value);
    }

    /// Records the milliseconds since `start`.
    pub fn since(&self, start: Instant) {
        self.record(millis(start.elapsed()));
    }

    /// Records the milliseconds from now to the end of the timer's life, however the work ends.
    pub fn timer(&self) -> Timer<'_> {
        Timer { sample: self, start: Instant::now() }
    }
}

/// Measures a time, see [`Sample::timer`].
#[must_use = "it measures its own life"]
pub struct Timer<'a> {
    sample: &'a Sample,
    start: Instant,
}

impl Drop for Timer<'_> {
    fn drop(&mut self) {
        self.sample.since(self.start);
    }
}

/// The last complete interval, or the current one while there is no other.
pub fn summary() -> std::sync::Arc<Summary> {
    registry().summary()
}

/// A receiver that gets every interval as it completes.
pub fn subscribe() -> tokio::sync::watch::Receiver<std::sync::Arc<Summary>> {
    registry().subscribe()
}

/// The Prometheus text of all series, or `None` while `prometheus_retention_time` is not positive.
pub fn prometheus_text() -> Option<String> {
    registry().prometheus_text()
}

/// Applies the settings, opens the sinks, and closes intervals on wall-clock boundaries until the runtime ends.
pub fn start(settings: Settings) {
    let registry = registry();
    let sinks = sinks::Sinks::open(&settings);
    registry.configure(settings);
    tokio::spawn(registry::close_intervals(registry, sinks));
}
