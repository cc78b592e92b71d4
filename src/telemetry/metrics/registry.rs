//! All series of a process, their intervals, and which of them may be emitted.

use super::cell::{Cell, Totals};
use super::sinks::Sinks;
use super::summary::{Aggregate, GaugeValue, Summary};
use super::{INTERVAL, Labels, prometheus};
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// Series beyond this many are not kept, whatever labels arrive.
const MAX_SERIES: usize = 20_000;

/// Names that are off unless a rule of `prefix_filter` names them.
const OFF_BY_DEFAULT: [&str; 1] = ["rpc.server.call"];

/// Kind of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A value that stays until it is set again.
    Gauge,
    /// A sum.
    Counter,
    /// A distribution.
    Sample,
}

/// The `telemetry` settings (`spec/agent-config.md` 9).
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// First name element.
    pub prefix: String,
    /// Leave the host name out of gauge names.
    pub disable_hostname: bool,
    /// Emit what no rule matches.
    pub filter_default: bool,
    /// Rules `+prefix` and `-prefix`, with the metrics prefix.
    pub prefix_filter: Vec<String>,
    /// How long a silent series stays in the Prometheus text; zero turns that text off.
    pub prometheus_retention: Duration,
    /// `host:port` of a statsd daemon, UDP.
    pub statsd_address: String,
    /// `host:port` of a statsite daemon, TCP.
    pub statsite_address: String,
    /// `host:port` of a DogStatsD daemon, UDP.
    pub dogstatsd_address: String,
    /// Tags of everything that goes there.
    pub dogstatsd_tags: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            prefix: "consul".into(),
            disable_hostname: false,
            filter_default: true,
            prefix_filter: Vec::new(),
            prometheus_retention: Duration::ZERO,
            statsd_address: String::new(),
            statsite_address: String::new(),
            dogstatsd_address: String::new(),
            dogstatsd_tags: Vec::new(),
        }
    }
}

impl Settings {
    /// True when something besides the in-memory summary receives metrics; only then gauges carry the host name.
    pub fn has_sinks(&self) -> bool {
        !self.prometheus_retention.is_zero()
            || [&self.statsd_address, &self.statsite_address, &self.dogstatsd_address].iter().any(|a| !a.is_empty())
    }

    /// Whether a series may be emitted: the longest matching rule decides (`spec/agent-config.md` 9).
    fn allows(&self, name: &str) -> bool {
        let full = format!("{}.{name}", self.prefix);
        let rules = self.prefix_filter.iter().filter_map(|rule| Some((rule.get(1..)?, rule.starts_with('+'))));
        let matching = rules.filter(|(prefix, _)| full.starts_with(prefix));
        match matching.max_by_key(|(prefix, _)| prefix.len()) {
            Some((_, allowed)) => allowed,
            None => self.filter_default && !OFF_BY_DEFAULT.iter().any(|off| name.starts_with(off)),
        }
    }
}

/// One name with one set of labels.
pub struct Series {
    /// Kind.
    pub kind: Kind,
    /// Name without prefix.
    pub name: String,
    /// Labels in the order given.
    pub labels: Vec<(String, String)>,
    cell: Cell,
    gauge: AtomicU64,
    allowed: AtomicBool,
    lifetime: Mutex<Lifetime>,
}

/// What the collector remembers of a series beyond an interval.
#[derive(Clone, Copy)]
pub struct Lifetime {
    /// All values of complete intervals.
    pub totals: Totals,
    /// Values of the last interval.
    pub last: Totals,
    /// When a value last arrived, by interval.
    pub seen: SystemTime,
}

impl Series {
    fn new(kind: Kind, name: &str, labels: Labels, settings: &Settings) -> Series {
        let series = Series {
            kind,
            name: name.to_owned(),
            labels: labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            cell: Cell::new(),
            gauge: AtomicU64::new(f64::NAN.to_bits()),
            allowed: AtomicBool::new(true),
            lifetime: Mutex::new(Lifetime { totals: Totals::EMPTY, last: Totals::EMPTY, seen: SystemTime::now() }),
        };
        series.configure(settings);
        series
    }

    fn configure(&self, settings: &Settings) {
        self.allowed.store(settings.allows(&self.name), Relaxed);
        if self.kind == Kind::Sample && !settings.prometheus_retention.is_zero() {
            self.cell.keep_recent();
        }
    }

    /// Records a value.
    pub fn record(&self, value: f64) {
        if !self.allowed.load(Relaxed) {
            return;
        }
        match self.kind {
            Kind::Gauge => self.gauge.store(value.to_bits(), Relaxed),
            Kind::Counter | Kind::Sample => self.cell.record(value),
        }
    }

    /// The value of a gauge that was ever set.
    pub fn gauge(&self) -> Option<f64> {
        let value = f64::from_bits(self.gauge.load(Relaxed));
        (!value.is_nan() && self.allowed.load(Relaxed)).then_some(value)
    }

    /// Lifetime figures with the running interval folded in, and the values for quantiles.
    pub fn lifetime(&self) -> (Lifetime, Vec<f32>) {
        let mut lifetime = *self.lifetime.lock();
        let running = self.cell.peek();
        lifetime.totals.merge(&running);
        if running.count > 0 {
            lifetime.seen = SystemTime::now();
        }
        (lifetime, self.cell.newest(running.count + lifetime.last.count))
    }

    fn close(&self, now: SystemTime) -> Totals {
        let totals = self.cell.drain();
        let mut lifetime = self.lifetime.lock();
        lifetime.totals.merge(&totals);
        lifetime.last = totals;
        if totals.count > 0 || self.kind == Kind::Gauge {
            lifetime.seen = now;
        }
        totals
    }
}

type Table = std::collections::HashMap<u64, Vec<&'static Series>>;

/// All series of a process.
pub struct Registry {
    table: ArcSwap<Table>,
    writer: Mutex<usize>,
    hasher: ahash::RandomState,
    settings: ArcSwap<Settings>,
    host: String,
    published: watch::Sender<Arc<Summary>>,
    complete: AtomicBool,
}

impl Default for Registry {
    fn default() -> Self {
        Registry::new()
    }
}

impl Registry {
    /// An empty registry with default settings.
    pub fn new() -> Registry {
        let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
        Registry {
            table: ArcSwap::default(),
            writer: Mutex::new(0),
            hasher: ahash::RandomState::new(),
            settings: ArcSwap::from_pointee(Settings::default()),
            host,
            published: watch::Sender::new(Arc::default()),
            complete: AtomicBool::new(false),
        }
    }

    /// Replaces the settings; series that a filter now refuses fall silent.
    pub fn configure(&self, settings: Settings) {
        let _writer = self.writer.lock();
        let table = self.table.load();
        table.values().flatten().for_each(|series| series.configure(&settings));
        self.settings.store(Arc::new(settings));
    }

    /// Replaces the rules of `prefix_filter` and the default, as a reload does.
    pub fn set_filter(&self, prefix_filter: Vec<String>, filter_default: bool) {
        let settings = Settings { prefix_filter, filter_default, ..Settings::clone(&self.settings.load()) };
        self.configure(settings);
    }

    fn hash(&self, kind: Kind, name: &str, labels: Labels) -> u64 {
        self.hasher.hash_one((kind, name, labels))
    }

    fn find(table: &Table, hash: u64, kind: Kind, name: &str, labels: Labels) -> Option<&'static Series> {
        let same = |series: &Series| {
            series.kind == kind
                && series.name == name
                && series.labels.len() == labels.len()
                && series.labels.iter().zip(labels).all(|(a, b)| a.0 == b.0 && a.1 == b.1)
        };
        table.get(&hash)?.iter().copied().find(|series| same(series))
    }

    /// The series, made when it is new. Series live as long as the process; [`MAX_SERIES`] bounds them, and what comes
    /// after shares one series that is never shown.
    pub fn series(&self, kind: Kind, name: &str, labels: Labels) -> &'static Series {
        let hash = self.hash(kind, name, labels);
        if let Some(series) = Self::find(&self.table.load(), hash, kind, name, labels) {
            return series;
        }
        let mut count = self.writer.lock();
        if let Some(series) = Self::find(&self.table.load(), hash, kind, name, labels) {
            return series;
        }
        if *count >= MAX_SERIES {
            static SURPLUS: std::sync::OnceLock<Series> = std::sync::OnceLock::new();
            let make = || {
                let series = Series::new(Kind::Counter, "surplus", &[], &Settings::default());
                series.allowed.store(false, Relaxed);
                series
            };
            return SURPLUS.get_or_init(make);
        }
        *count += 1;
        let series: &'static Series = Box::leak(Box::new(Series::new(kind, name, labels, &self.settings.load())));
        let mut table = Table::clone(&self.table.load());
        table.entry(hash).or_default().push(series);
        self.table.store(Arc::new(table));
        series
    }

    /// Records a value by name.
    pub fn record(&self, kind: Kind, name: &str, labels: Labels, value: f64) {
        self.series(kind, name, labels).record(value);
    }

    /// Name as shown: prefix, host name for gauges, name.
    fn shown(&self, settings: &Settings, series: &Series) -> String {
        let host = series.kind == Kind::Gauge && !settings.disable_hostname && settings.has_sinks();
        match host && !self.host.is_empty() {
            true => format!("{}.{}.{}", settings.prefix, self.host, series.name),
            false => format!("{}.{}", settings.prefix, series.name),
        }
    }

    fn collect(&self, start: SystemTime, totals: impl Fn(&Series) -> Totals) -> Summary {
        let settings = self.settings.load();
        let mut summary = Summary {
            timestamp: chrono::DateTime::<chrono::Utc>::from(start).format("%Y-%m-%d %H:%M:%S +0000 UTC").to_string(),
            ..Summary::default()
        };
        for series in self.sorted() {
            let name = self.shown(&settings, series);
            let labels: BTreeMap<String, String> = series.labels.iter().cloned().collect();
            let totals = totals(series);
            match series.kind {
                Kind::Gauge => {
                    summary.gauges.extend(series.gauge().map(|value| GaugeValue { name, value, labels }));
                }
                Kind::Counter if totals.count > 0 => summary.counters.push(Aggregate::new(name, &totals, labels)),
                Kind::Sample if totals.count > 0 => summary.samples.push(Aggregate::new(name, &totals, labels)),
                Kind::Counter | Kind::Sample => {}
            }
        }
        summary
    }

    fn sorted(&self) -> Vec<&'static Series> {
        let table = self.table.load();
        let mut all: Vec<&'static Series> = table.values().flatten().copied().collect();
        all.sort_by(|a, b| (&a.name, &a.labels).cmp(&(&b.name, &b.labels)));
        all
    }

    /// Ends the interval that began at `start` and publishes it.
    pub fn close(&self, start: SystemTime, now: SystemTime) -> Arc<Summary> {
        let summary = Arc::new(self.collect(start, |series| series.close(now)));
        self.published.send_replace(summary.clone());
        self.complete.store(true, Relaxed);
        summary
    }

    /// The last complete interval, or the running one while there is no other.
    pub fn summary(&self) -> Arc<Summary> {
        match self.complete.load(Relaxed) {
            true => self.published.borrow().clone(),
            false => Arc::new(self.collect(interval_start(SystemTime::now()), |series| series.cell.peek())),
        }
    }

    /// A receiver of every interval as it completes.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Summary>> {
        self.published.subscribe()
    }

    /// The Prometheus text, or `None` while the retention time is not positive.
    pub fn prometheus_text(&self) -> Option<String> {
        let settings = self.settings.load();
        if settings.prometheus_retention.is_zero() {
            return None;
        }
        let oldest = SystemTime::now().checked_sub(settings.prometheus_retention).unwrap_or(UNIX_EPOCH);
        let rows = self.sorted().into_iter().map(|series| (self.shown(&settings, series), series));
        Some(prometheus::text(rows, oldest, &settings.prefix))
    }
}

/// Start of the wall-clock interval that contains `now`.
fn interval_start(now: SystemTime) -> SystemTime {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let length = INTERVAL.as_nanos();
    UNIX_EPOCH + Duration::from_nanos((since.as_nanos() / length * length) as u64)
}

/// Closes intervals at wall-clock boundaries and hands them to the sinks, for ever.
pub async fn close_intervals(registry: &'static Registry, mut sinks: Sinks) {
    loop {
        let start = interval_start(SystemTime::now());
        let left = (start + INTERVAL).duration_since(SystemTime::now()).unwrap_or_default();
        tokio::time::sleep(left).await;
        super::runtime::update();
        let summary = registry.close(start, SystemTime::now());
        sinks.send(&summary).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn closed(registry: &Registry) -> Arc<Summary> {
        registry.close(UNIX_EPOCH + Duration::from_secs(1_795_213_120), SystemTime::now())
    }

    #[test]
    fn an_interval_shows_what_was_recorded_in_it_and_nothing_else() {
        let registry = Registry::new();
        for value in [1.0, 2.0, 6.0] {
            registry.record(Kind::Sample, "kvs.apply", &[], value);
        }
        (0..7).for_each(|_| registry.record(Kind::Counter, "client.rpc", &[], 1.0));
        registry.record(Kind::Gauge, "server.isLeader", &[], 1.0);
        let document = serde_json::to_string(&closed(&registry)).expect("a summary is JSON");
        assert_eq!(
            document,
            concat!(
                r#"{"Timestamp":"2026-11-20 22:18:40 +0000 UTC","#,
                r#""Gauges":[{"Name":"consul.server.isLeader","Value":1,"Labels":{}}],"Points":[],"#,
                r#""Counters":[{"Name":"consul.client.rpc","Count":7,"Rate":0.7,"Sum":7,"Min":1,"Max":1,"Mean":1,"Stddev":0,"Labels":{}}],"#,
                r#""Samples":[{"Name":"consul.kvs.apply","Count":3,"Rate":0.9,"Sum":9,"Min":1,"Max":6,"Mean":3,"Stddev":2.6457513110645907,"Labels":{}}]}"#
            )
        );
        let next = closed(&registry);
        assert!(next.counters.is_empty() && next.samples.is_empty());
        assert_eq!(next.gauges.len(), 1, "a gauge stays");
    }

    #[test]
    fn series_are_sorted_by_name_and_kept_apart_by_labels() {
        let registry = Registry::new();
        for (method, path) in [("PUT", "v1_kv"), ("GET", "v1_kv"), ("GET", "v1_kv")] {
            registry.record(Kind::Sample, "api.http", &[("method", method), ("path", path)], 1.0);
        }
        registry.record(Kind::Sample, "acl.ResolveToken", &[], 1.0);
        let summary = closed(&registry);
        let rows: Vec<_> =
            summary.samples.iter().map(|row| (row.name.as_str(), row.labels.get("method"), row.count)).collect();
        let text = |text: &str| text.to_owned();
        assert_eq!(
            rows,
            [
                ("consul.acl.ResolveToken", None, 1),
                ("consul.api.http", Some(&text("GET")), 2),
                ("consul.api.http", Some(&text("PUT")), 1)
            ]
        );
    }

    #[test]
    fn the_longest_filter_rule_wins() {
        let rules = |rules: &[&str], filter_default| Settings {
            prefix_filter: rules.iter().map(|rule| (*rule).to_owned()).collect(),
            filter_default,
            ..Settings::default()
        };
        let cases = [
            (rules(&[], true), "raft.apply", true),
            (rules(&[], true), "rpc.server.call", false),
            (rules(&["+consul.rpc.server.call"], true), "rpc.server.call", true),
            (rules(&["-consul.raft"], true), "raft.apply", false),
            (rules(&["-consul.raft", "+consul.raft.apply"], true), "raft.apply", true),
            (rules(&["+consul.raft.apply", "-consul.raft"], true), "raft.last_index", false),
            (rules(&["+consul.raft"], false), "kvs.apply", false),
        ];
        for (settings, name, allowed) in cases {
            assert_eq!(settings.allows(name), allowed, "{name} under {:?}", settings.prefix_filter);
        }
    }

    #[test]
    fn a_filter_applies_to_series_that_exist() {
        let registry = Registry::new();
        registry.record(Kind::Counter, "raft.apply", &[], 1.0);
        closed(&registry);
        registry.set_filter(vec!["-consul.raft".into()], true);
        registry.record(Kind::Counter, "raft.apply", &[], 1.0);
        assert!(closed(&registry).counters.is_empty());
    }

    #[test]
    fn gauges_carry_the_host_name_once_there_is_a_sink() {
        let registry = Registry::new();
        registry.configure(Settings { prometheus_retention: Duration::from_secs(60), ..Settings::default() });
        registry.record(Kind::Gauge, "runtime.alloc_bytes", &[], 5.0);
        registry.record(Kind::Counter, "client.rpc", &[], 5.0);
        let summary = closed(&registry);
        assert_eq!(summary.gauges[0].name, format!("consul.{}.runtime.alloc_bytes", registry.host));
        assert_eq!(summary.counters[0].name, "consul.client.rpc");
    }

    #[test]
    fn the_prometheus_text_counts_over_intervals() {
        let registry = Registry::new();
        assert!(registry.prometheus_text().is_none());
        registry.configure(Settings {
            prometheus_retention: Duration::from_secs(60),
            disable_hostname: true,
            ..Settings::default()
        });
        for value in 1..=10 {
            registry.record(Kind::Sample, "kvs.apply", &[("op", "a\"b")], f64::from(value));
            registry.record(Kind::Counter, "client.rpc", &[], 1.0);
        }
        closed(&registry);
        registry.record(Kind::Counter, "client.rpc", &[], 1.0);
        let text = registry.prometheus_text().expect("it is on");
        for line in [
            "# TYPE consul_client_rpc counter",
            "consul_client_rpc 11",
            "consul_kvs_apply{op=\"a\\\"b\",quantile=\"0.5\"} 5",
            "consul_kvs_apply{op=\"a\\\"b\",quantile=\"0.99\"} 10",
            "consul_kvs_apply_sum{op=\"a\\\"b\"} 55",
            "consul_kvs_apply_count{op=\"a\\\"b\"} 10",
        ] {
            assert!(text.lines().any(|have| have == line), "{line} is missing in\n{text}");
        }
    }

    #[test]
    fn a_declared_counter_keeps_its_value_while_nothing_happens_and_others_leave_the_text() {
        let registry = Registry::new();
        registry.configure(Settings { prometheus_retention: Duration::from_nanos(1), ..Settings::default() });
        registry.record(Kind::Counter, "client.rpc", &[], 3.0);
        registry.record(Kind::Counter, "cache.bypass", &[], 3.0);
        closed(&registry);
        let text = registry.prometheus_text().expect("it is on");
        assert!(text.contains("\nconsul_client_rpc 3\n"), "{text}");
        assert!(!text.contains("consul_cache_bypass"), "{text}");
    }
}
