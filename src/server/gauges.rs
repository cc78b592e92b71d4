//! Gauges that every server reports about its state and its load.

use super::Server;
use crate::telemetry::metrics::{Gauge, gauge_labels};
use std::time::Duration;
use tokio::time::interval;

static NODES: Gauge = Gauge::new("state.nodes");
static SERVICES: Gauge = Gauge::new("state.services");
static INSTANCES: Gauge = Gauge::new("state.service_instances");
static BILLABLE: Gauge = Gauge::new("state.billable_service_instances");
static KEYS: Gauge = Gauge::new("state.kv_entries");
static APPLIED: Gauge = Gauge::new("raft.applied_index");
static LAST: Gauge = Gauge::new("raft.last_index");
static CLIENTS: Gauge = Gauge::new("members.clients");
static SERVERS: Gauge = Gauge::new("members.servers");
static BLOCKING: Gauge = Gauge::new("rpc.queries_blocking");

/// Time between reports, a little shorter than the metrics interval so that each interval has one.
const PERIOD: Duration = Duration::from_secs(9);

/// Reports for as long as the server runs.
pub(super) async fn report(server: Server) {
    let mut ticks = interval(PERIOD);
    loop {
        ticks.tick().await;
        let state = server.store().snapshot();
        let usage = state.usage();
        KEYS.set(state.key_count() as f64);
        drop(state);
        APPLIED.set(server.raft().applied_index() as f64);
        LAST.set(server.raft().last_log_index() as f64);
        NODES.set(usage.nodes as f64);
        SERVICES.set(usage.services as f64);
        INSTANCES.set(usage.service_instances as f64);
        BILLABLE.set(usage.billable_service_instances as f64);
        for (kind, count) in &usage.connect_service_instances {
            gauge_labels("state.connect_instances", *count as f64, &[("kind", kind)]);
        }
        let members = server.members().list();
        let servers = members.iter().filter(|member| member.server.is_some()).count();
        SERVERS.set(servers as f64);
        CLIENTS.set((members.len() - servers) as f64);
        BLOCKING.set(server.blocked_queries() as f64);
    }
}
