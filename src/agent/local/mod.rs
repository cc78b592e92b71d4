//! What this agent says about itself: the services and checks that the catalog is made to match (`spec/semantics.md` 15).

use crate::types::{HealthCheck, NodeService};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Services and checks of this agent.
pub struct LocalState {}

impl LocalState {
    /// All services by id.
    pub fn services(&self) -> BTreeMap<String, Arc<NodeService>> {
        todo!()
    }

    /// A service.
    pub fn service(&self, id: &str) -> Option<Arc<NodeService>> {
        let _ = id;
        todo!()
    }

    /// Token that a service was registered with.
    pub fn service_token(&self, id: &str) -> Option<String> {
        let _ = id;
        todo!()
    }

    /// All checks by id.
    pub fn checks(&self) -> BTreeMap<String, Arc<HealthCheck>> {
        todo!()
    }

    /// A check.
    pub fn check(&self, id: &str) -> Option<Arc<HealthCheck>> {
        let _ = id;
        todo!()
    }

    /// The checks that decide a service's health: its own and those of the node.
    pub fn health_of(&self, service_id: &str) -> Vec<Arc<HealthCheck>> {
        let _ = service_id;
        todo!()
    }

    /// A receiver that fires on every change of services or checks.
    pub fn subscribe(&self) -> tokio::sync::watch::Receiver<u64> {
        todo!()
    }
}

/// A hash of what a service is, 16 hex digits: equal services have equal hashes (`ContentHash` of `/v1/agent/service/:id`).
pub fn content_hash(service: &NodeService) -> String {
    let _ = service;
    todo!()
}
