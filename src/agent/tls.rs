//! What the configuration of an agent means for TLS.

use super::Inner;
use crate::config::RuntimeConfig;
use crate::rpc::{Secured, Security};
use crate::telemetry::metrics::Gauge;
use crate::tls::{Configurator, Settings};
use std::sync::{Arc, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds to the end of the certificate; of several the one that ends first.
static EXPIRY: Gauge = Gauge::new("agent.tls.cert.expiry");

/// Time between reports, a little shorter than the metrics interval so that each interval has one.
const PERIOD: Duration = Duration::from_secs(9);

/// The settings of all ports.
pub(super) fn settings(config: &RuntimeConfig) -> Settings {
    Settings {
        tls: config.tls.clone(),
        node_name: config.node_name.clone(),
        datacenter: config.datacenter.clone(),
        domain: config.domain.clone(),
        auto: !config.server && (config.auto_encrypt.tls || config.auto_config.enabled),
        allows_auto: config.server && (config.auto_encrypt.allow_tls || config.auto_config.authorization.enabled),
    }
}

/// Wraps connections to and from servers.
pub(super) fn security(tls: &Arc<Configurator>) -> Arc<dyn Security> {
    Arc::new(Secured::new(tls.clone()))
}

/// Reports how long the certificate of an agent is good, as long as the agent is there.
pub(super) async fn report_expiry(agent: Weak<Inner>) {
    let mut ticks = tokio::time::interval(PERIOD);
    loop {
        ticks.tick().await;
        let Some(agent) = agent.upgrade() else { return };
        if let Some(end) = agent.tls.certificate_end() {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            EXPIRY.set(end as f64 - now.as_secs_f64());
        }
    }
}
