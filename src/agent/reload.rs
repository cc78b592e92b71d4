//! Applies a changed configuration to a running agent (`spec/agent-config.md` 8, reload).

use super::{Agent, Delegate, local_settings, notify};
use crate::config::{self, RuntimeConfig};
use crate::telemetry::{audit, logging, metrics};
use crate::types::{Error, Result};

impl Agent {
    /// Reads the configuration again and applies what can change while running.
    ///
    /// # Errors
    /// The configuration error; the old configuration stays.
    pub async fn reload(&self) -> Result<()> {
        notify::reloading();
        let result = self.reload_from_sources().await;
        notify::reloaded();
        result
    }

    async fn reload_from_sources(&self) -> Result<()> {
        let load = self.inner.load.clone();
        let loaded = tokio::task::spawn_blocking(move || config::load(&load)).await;
        let loaded = loaded.map_err(|error| Error::new(error.to_string()))?;
        let loaded = loaded.map_err(|error| Error::new(error.to_string()))?;
        for warning in &loaded.warnings {
            tracing::warn!(target: "agent", "{warning}");
        }
        let _one_at_a_time = self.inner.registration.lock().await;
        let config = self.config().reloaded(&loaded.config);
        // files that cannot be used leave everything as it was
        let tls = self.tls().prepare(super::tls::settings(&config));
        let tls = tls.map_err(|error| Error::new(format!("Failed reloading tls configuration: {error}")))?;
        audit::configure(super::daemon::audit_settings(&config)).map_err(Error::new)?;
        self.tls().apply(tls);
        apply_logging(&config);
        metrics::registry().set_filter(super::daemon::prefix_filter(&config), config.telemetry.filter_default);
        self.cache().configure(config.cache_entry_fetch_rate, config.cache_entry_fetch_max_burst);
        self.reload_tokens(&config)?;
        self.inner.local.configure(local_settings(&config, &self.tokens().get(), self.node_id()));
        match self.delegate() {
            Delegate::Client(client) => client.servers().configure(super::client::call_settings(&config)),
            Delegate::Server(server) => server.reconfigure(
                super::daemon::request_limits(&config),
                config.limits.rpc_max_conns_per_client,
                config.limits.rpc_client_timeout.to_std(),
            ),
        }
        self.inner.config.store(std::sync::Arc::new(config.clone()));
        self.reload_definitions(&config)?;
        self.restart_watches(&config)
    }
}

fn apply_logging(config: &RuntimeConfig) {
    match logging::parse_level(&config.log.log_level) {
        Some(level) => logging::set_level(level),
        None => tracing::warn!(
            target: "agent",
            "Invalid log level: {}. Valid log levels are: [TRACE DEBUG INFO WARN ERR ERROR]", config.log.log_level
        ),
    }
}
