//! What the configuration of an agent means for TLS.

use crate::config::RuntimeConfig;
use crate::rpc::{Secured, Security};
use crate::tls::{Configurator, Settings};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A switch of a block.
fn on(block: &Map<String, Value>, key: &str) -> bool {
    block.get(key).and_then(Value::as_bool).unwrap_or(false)
}

/// `auto_config.authorization.enabled`
fn authorizes(config: &RuntimeConfig) -> bool {
    config.auto_config.get("authorization").and_then(Value::as_object).is_some_and(|block| on(block, "enabled"))
}

/// Certificates are to be handed out or asked for.
pub(super) fn wants_auto_encrypt(config: &RuntimeConfig) -> bool {
    on(&config.auto_encrypt, "tls") || on(&config.auto_encrypt, "allow_tls")
}

/// Configurations are to be handed out or asked for.
pub(super) fn wants_auto_config(config: &RuntimeConfig) -> bool {
    on(&config.auto_config, "enabled") || authorizes(config)
}

/// The settings of all ports.
pub(super) fn settings(config: &RuntimeConfig) -> Settings {
    Settings {
        tls: config.tls.clone(),
        node_name: config.node_name.clone(),
        datacenter: config.datacenter.clone(),
        domain: config.domain.clone(),
        auto: !config.server && (on(&config.auto_encrypt, "tls") || on(&config.auto_config, "enabled")),
        allows_auto: config.server && (on(&config.auto_encrypt, "allow_tls") || authorizes(config)),
    }
}

/// Wraps connections to and from servers.
pub(super) fn security(tls: &Arc<Configurator>) -> Arc<dyn Security> {
    Arc::new(Secured::new(tls.clone()))
}
