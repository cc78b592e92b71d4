//! Register and deregister: a node with services and checks in one command (`spec/semantics.md` 5.2, 5.4).

use super::nodes::request_node;
use super::tables::Writer;
use crate::types::{DeregisterRequest, HealthCheck, RegisterRequest};
use std::sync::Arc;

impl Writer {
    /// Applies a registration; on an error the caller drops everything it did.
    pub fn register(&mut self, request: &RegisterRequest) -> Result<(), String> {
        if self.changes_node(request) {
            let node = request_node(request);
            self.ensure_node(node).map_err(|reason| format!("failed inserting node: {reason}"))?;
        }
        if let Some(service) = &request.service {
            self.ensure_service(&request.node, service)
                .map_err(|reason| format!("failed inserting service: {reason}"))?;
        }
        for check in request_checks(request) {
            self.register_check(&request.node, check)?;
        }
        Ok(())
    }

    fn register_check(&mut self, node: &str, check: &HealthCheck) -> Result<(), String> {
        if super::key::lower(&check.node) != super::key::lower(node) {
            return Err(format!("check node {:?} does not match node {node:?}", check.node));
        }
        self.ensure_check(check).map_err(|reason| format!("failed inserting check: {reason} on node {:?}", check.node))
    }

    /// Removes a service, else a check, else the node. What is absent is gone already.
    pub fn deregister(&mut self, request: &DeregisterRequest) {
        if !request.service_id.is_empty() {
            self.delete_service(&request.node, &request.service_id);
        } else if !request.check_id.is_empty() {
            self.delete_check(&request.node, &request.check_id);
        } else {
            self.delete_node(&request.node);
        }
    }
}

/// All checks of a registration.
pub fn request_checks(request: &RegisterRequest) -> impl Iterator<Item = &Arc<HealthCheck>> {
    request.check.iter().chain(request.checks.iter().flatten())
}
