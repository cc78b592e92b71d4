//! Running counts behind `/v1/operator/usage` (`spec/semantics.md` 13.4).

use super::Snapshot;
use super::services::connect_name;
use crate::types::NodeService;
use crate::types::operator::ServiceUsage;
use crate::types::service::SERVICE_KINDS;

/// Kind under which native mesh instances are counted.
const NATIVE: &str = "connect-native";

/// Mesh kinds in the order of their counters.
fn mesh_kinds() -> impl Iterator<Item = &'static str> {
    SERVICE_KINDS.into_iter().chain([NATIVE])
}

/// Counts that every write keeps up to date; plain numbers, because every version of the state has its own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Nodes.
    pub nodes: u64,
    /// Distinct service names.
    pub names: u64,
    mesh: [u64; SERVICE_KINDS.len() + 1],
    instances: u64,
    billable: u64,
}

/// Typical instances beside the servers' own are billable.
fn is_billable(service: &NodeService) -> bool {
    service.kind.is_empty() && service.service != "consul"
}

fn mesh_kind(service: &NodeService) -> Option<usize> {
    let kind = if service.kind.is_empty() { connect_name(service).map(|_| NATIVE)? } else { &service.kind };
    mesh_kinds().position(|known| known == kind)
}

impl Counts {
    /// An instance was stored.
    pub fn add_service(&mut self, service: &NodeService) {
        if let Some(kind) = mesh_kind(service) {
            self.mesh[kind] += 1;
        }
        self.instances += 1;
        self.billable += u64::from(is_billable(service));
    }

    /// An instance was removed.
    pub fn remove_service(&mut self, service: &NodeService) {
        if let Some(kind) = mesh_kind(service) {
            self.mesh[kind] -= 1;
        }
        self.instances -= 1;
        self.billable -= u64::from(is_billable(service));
    }
}

impl Snapshot {
    /// Counts of nodes, services and instances. Every mesh kind is listed, also with 0.
    pub fn usage(&self) -> ServiceUsage {
        let counts = &self.tables().usage;
        ServiceUsage {
            services: counts.names,
            service_instances: counts.instances,
            connect_service_instances: mesh_kinds().map(String::from).zip(counts.mesh).collect(),
            billable_service_instances: counts.billable,
            nodes: counts.nodes,
        }
    }

    /// Number of keys.
    pub fn key_count(&self) -> usize {
        self.tables().kvs.len()
    }
}
