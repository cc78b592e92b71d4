//! The Prometheus text format (`spec/agent-config.md` 9).

use super::registry::{Kind, Series};
use std::fmt::Write;
use std::time::SystemTime;

/// Quantiles of a distribution.
const QUANTILES: [(&str, f64); 3] = [("0.5", 0.5), ("0.9", 0.9), ("0.99", 0.99)];

/// Series that the text always has, with the value 0 (or no quantiles) until something is recorded, so that dashboards
/// and alerts find them from the first scrape.
const DECLARED: [(Kind, &str, &str); 23] = [
    (
        Kind::Gauge,
        "autopilot.failure_tolerance",
        "Tracks the number of voting servers that the cluster can lose while continuing to function.",
    ),
    (
        Kind::Gauge,
        "autopilot.healthy",
        "Tracks the overall health of the local server cluster. 1 if all servers are healthy, 0 if one or more are unhealthy.",
    ),
    (Kind::Sample, "catalog.deregister", "Measures the time it takes to complete a catalog deregister operation."),
    (Kind::Sample, "catalog.register", "Measures the time it takes to complete a catalog register operation."),
    (
        Kind::Counter,
        "client.rpc",
        "Increments whenever a Consul agent in client mode makes an RPC request to a Consul server.",
    ),
    (
        Kind::Counter,
        "client.rpc.exceeded",
        "Increments whenever a Consul agent in client mode makes an RPC request to a Consul server gets rate limited by that agent's limits configuration.",
    ),
    (
        Kind::Counter,
        "client.rpc.failed",
        "Increments whenever a Consul agent in client mode makes an RPC request to a Consul server and fails.",
    ),
    (Kind::Sample, "kvs.apply", "Measures the time it takes to complete an update to the KV store."),
    (Kind::Counter, "raft.apply", "Increments for each raft transaction applied."),
    (Kind::Gauge, "raft.applied_index", "Represents the raft applied index."),
    (Kind::Gauge, "raft.last_index", "Represents the raft last index."),
    (
        Kind::Sample,
        "raft.commitTime",
        "This measures the time it takes to commit a new entry to the Raft log on the leader.",
    ),
    (
        Kind::Sample,
        "raft.leader.lastContact",
        "Measures the time since the leader was last able to contact the follower nodes when checking its leader lease.",
    ),
    (Kind::Counter, "raft.state.candidate", "Increments whenever this server starts an election."),
    (Kind::Counter, "raft.state.follower", "Increments whenever this server begins to follow."),
    (Kind::Counter, "raft.state.leader", "Increments whenever this server becomes the leader."),
    (Kind::Counter, "rpc.query", "Increments when a server receives a read request."),
    (
        Kind::Gauge,
        "rpc.queries_blocking",
        "Shows the current number of in-flight blocking queries the server is handling.",
    ),
    (Kind::Counter, "rpc.request", "Increments when a server receives a Consul-related RPC request."),
    (Kind::Counter, "rpc.request_error", "Increments when a server returns an error from an RPC request."),
    (Kind::Gauge, "server.isLeader", "Tracks if the server is a leader."),
    (Kind::Sample, "session.apply", "Measures the time spent applying a session update."),
    (Kind::Sample, "txn.apply", "Measures the time spent applying a transaction operation."),
];

/// `consul.kvs.apply` as `consul_kvs_apply`.
fn metric_name(name: &str) -> String {
    name.replace(['.', '-', ' ', '=', '/'], "_")
}

/// `{a="b",quantile="0.5"}`, or nothing.
fn label_text(labels: &[(String, String)], quantile: Option<&str>) -> String {
    let mut labels: Vec<(&str, &str)> = labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    labels.sort_unstable();
    labels.extend(quantile.map(|quantile| ("quantile", quantile)));
    if labels.is_empty() {
        return String::new();
    }
    let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<String> =
        labels.iter().map(|(key, value)| format!("{}=\"{}\"", metric_name(key), escape(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

/// A float as Prometheus writes it.
fn float(value: f64) -> String {
    if value.is_nan() { "NaN".into() } else { format!("{value}") }
}

/// The value below which the share `q` of the sorted values lies.
fn quantile(sorted: &[f32], q: f64) -> f64 {
    let rank = (sorted.len() as f64 * q).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).map_or(f64::NAN, |value| f64::from(*value))
}

/// The text of the given series, which come with their shown names; silent since `oldest` are left out.
pub fn text(series: impl Iterator<Item = (String, &'static Series)>, oldest: SystemTime, prefix: &str) -> String {
    let mut families: std::collections::BTreeMap<String, (Kind, String, String)> = std::collections::BTreeMap::new();
    for (kind, name, help) in DECLARED {
        let shown = metric_name(&format!("{prefix}.{name}"));
        let mut rows = String::new();
        match kind {
            Kind::Gauge | Kind::Counter => rows = format!("{shown} 0\n"),
            Kind::Sample => summary_rows(&mut rows, &shown, &[], &mut [], 0.0, 0),
        }
        families.insert(shown, (kind, help.to_owned(), rows));
    }
    let declared: std::collections::BTreeSet<String> = families.keys().cloned().collect();
    let mut live = std::collections::BTreeSet::new();
    for (shown, series) in series {
        let (lifetime, mut recent) = series.lifetime();
        let never = series.kind != Kind::Gauge && lifetime.totals.count == 0;
        let name = metric_name(&shown);
        // a declared series that fell back to 0 would look like a restart to whoever computes rates
        let silent = lifetime.seen < oldest && !(series.labels.is_empty() && declared.contains(&name));
        if never || silent || (series.kind == Kind::Gauge && series.gauge().is_none()) {
            continue;
        }
        let family = families.entry(name.clone()).or_insert_with(|| (series.kind, name.clone(), String::new()));
        if family.0 != series.kind {
            continue;
        }
        if live.insert(name.clone()) {
            family.2.clear();
        }
        let rows = &mut family.2;
        match series.kind {
            Kind::Gauge => {
                let value = series.gauge().unwrap_or(f64::NAN);
                let _ = writeln!(rows, "{name}{} {}", label_text(&series.labels, None), float(value));
            }
            Kind::Counter => {
                let sum = float(lifetime.totals.sum);
                let _ = writeln!(rows, "{name}{} {sum}", label_text(&series.labels, None));
            }
            Kind::Sample => {
                let totals = lifetime.totals;
                summary_rows(rows, &name, &series.labels, &mut recent, totals.sum, totals.count);
            }
        }
    }
    let mut text = String::new();
    for (name, (kind, help, rows)) in families {
        let kind = match kind {
            Kind::Gauge => "gauge",
            Kind::Counter => "counter",
            Kind::Sample => "summary",
        };
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{rows}");
    }
    text
}

fn summary_rows(rows: &mut String, name: &str, labels: &[(String, String)], recent: &mut [f32], sum: f64, count: u64) {
    recent.sort_unstable_by(f32::total_cmp);
    for (shown, q) in QUANTILES {
        let _ = writeln!(rows, "{name}{} {}", label_text(labels, Some(shown)), float(quantile(recent, q)));
    }
    let plain = label_text(labels, None);
    let _ = write!(rows, "{name}_sum{plain} {}\n{name}_count{plain} {count}\n", float(sum));
}
