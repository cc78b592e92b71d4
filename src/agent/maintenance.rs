//! Maintenance mode of the node and of services (`spec/semantics.md` 22): a critical check without a runner.

use super::local::unknown_service;
use super::registration::Persist;
use super::{Agent, Source};
use crate::types::{CheckStatus, HealthCheck, Result};

/// Check id of the node's maintenance.
pub const NODE_CHECK: &str = "_node_maintenance";

/// What check ids of services in maintenance begin with.
pub const SERVICE_CHECK_PREFIX: &str = "_service_maintenance:";

const KIND: &str = "maintenance";
const NODE_REASON: &str =
    "Maintenance mode is enabled for this node, but no reason was provided. This is a default message.";
const SERVICE_REASON: &str =
    "Maintenance mode is enabled for this service, but no reason was provided. This is a default message.";

fn check(id: String, name: &str, reason: &str, default_reason: &str) -> HealthCheck {
    HealthCheck {
        check_id: id,
        name: name.to_owned(),
        status: CheckStatus::Critical.as_str().to_owned(),
        notes: if reason.is_empty() { default_reason } else { reason }.to_owned(),
        kind: KIND.to_owned(),
        ..HealthCheck::default()
    }
}

impl Agent {
    /// Turns maintenance of the whole node on, with a reason (empty takes the default one), or off. On while it is on
    /// changes nothing.
    ///
    /// # Errors
    /// What prevented the check from being stored.
    pub async fn set_node_maintenance(&self, enable: bool, reason: &str, token: &str) -> Result<()> {
        let wanted = enable.then(|| check(NODE_CHECK.to_owned(), "Node Maintenance Mode", reason, NODE_REASON));
        if self.set_maintenance(NODE_CHECK, wanted, token).await? {
            let entered = if enable { "entered" } else { "left" };
            tracing::info!(target: "agent", "Node {entered} maintenance mode");
        }
        Ok(())
    }

    /// Turns maintenance of a service on or off.
    ///
    /// # Errors
    /// 404 for an unknown id.
    pub async fn set_service_maintenance(&self, id: &str, enable: bool, reason: &str, token: &str) -> Result<()> {
        let service = self.local().service(id).ok_or_else(|| unknown_service(id))?;
        let check_id = format!("{SERVICE_CHECK_PREFIX}{id}");
        let wanted = enable.then(|| HealthCheck {
            service_id: id.to_owned(),
            service_name: service.service.clone(),
            ..check(check_id.clone(), "Service Maintenance Mode", reason, SERVICE_REASON)
        });
        if self.set_maintenance(&check_id, wanted, token).await? {
            let entered = if enable { "entered" } else { "left" };
            tracing::info!(target: "agent", service = id, "Service {entered} maintenance mode");
        }
        Ok(())
    }

    /// Adds or removes a maintenance check; true when that changed something.
    async fn set_maintenance(&self, id: &str, wanted: Option<HealthCheck>, token: &str) -> Result<bool> {
        {
            let _one_at_a_time = self.inner.registration.lock().await;
            let is_on = self.local().check(id).is_some();
            match wanted {
                Some(check) if !is_on => self.add_check(check, None, token, Source::Local, Persist::Yes)?,
                None if is_on => self.remove_check(id)?,
                _ => return Ok(false),
            }
        }
        self.sync_now().await;
        Ok(true)
    }
}
