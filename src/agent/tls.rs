//! What the configuration of an agent means for TLS.

use crate::config::RuntimeConfig;
use crate::rpc::{Secured, Security};
use crate::tls::{Configurator, Settings};
use std::sync::Arc;

/// The settings of all ports.
pub(super) fn settings(config: &RuntimeConfig) -> Settings {
    let on = |block: &serde_json::Map<String, serde_json::Value>, key: &str| {
        block.get(key).and_then(serde_json::Value::as_bool).unwrap_or(false)
    };
    let authorizes = config.auto_config.get("authorization").and_then(serde_json::Value::as_object);
    Settings {
        tls: config.tls.clone(),
        node_name: config.node_name.clone(),
        datacenter: config.datacenter.clone(),
        domain: config.domain.clone(),
        auto: !config.server && (on(&config.auto_encrypt, "tls") || on(&config.auto_config, "enabled")),
        allows_auto: config.server
            && (on(&config.auto_encrypt, "allow_tls") || authorizes.is_some_and(|block| on(block, "enabled"))),
    }
}

/// Wraps connections to and from servers.
pub(super) fn security(tls: &Arc<Configurator>) -> Arc<dyn Security> {
    Arc::new(Secured::new(tls.clone()))
}
