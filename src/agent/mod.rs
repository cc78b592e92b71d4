//! The daemon: start, reload, leave; local services and checks, anti-entropy, maintenance.

pub mod checks;
pub mod daemon;
pub mod local;
pub mod members;

pub use local::LocalState;
pub use members::{Member, MemberStatus};

use crate::config::RuntimeConfig;
use crate::server::{Encoded, Encoding, Endpoint, ReadEndpoint, Server};
use crate::types::{CheckStatus, CheckType, HealthCheck, NodeService, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where a service or check definition came from; scripts and persistence depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Configuration files, and what the agent adds itself.
    Local,
    /// The HTTP API.
    Remote,
}

/// A service with its checks, as a caller registers it.
#[derive(Clone, Debug)]
pub struct ServiceRegistration {
    /// The instance. `connect.sidecar_service` registers a sidecar beside it.
    pub service: NodeService,
    /// Checks in the order given.
    pub checks: Vec<CheckType>,
    /// Token that the service is synced with.
    pub token: String,
    /// Where the definition came from.
    pub source: Source,
    /// Remove checks of the service that are not in `checks`.
    pub replace_existing_checks: bool,
}

/// A running agent; clones share it.
#[derive(Clone)]
pub struct Agent {
    inner: Arc<Inner>,
}

struct Inner {
    config: arc_swap::ArcSwap<RuntimeConfig>,
    server: Option<Server>,
    local: LocalState,
}

impl Agent {
    /// The configuration in force.
    pub fn config(&self) -> Arc<RuntimeConfig> {
        self.inner.config.load_full()
    }

    /// Id of this node, a UUID.
    pub fn node_id(&self) -> &str {
        todo!()
    }

    /// Live log lines from `level` on, until the receiver is dropped (`spec/http-api.md` 3.2.9).
    pub fn monitor(&self, level: tracing::Level, json: bool) -> crate::telemetry::logging::Monitor {
        crate::telemetry::logging::monitor(level, json)
    }

    /// The server in this process, if the agent is one.
    pub fn server(&self) -> Option<&Server> {
        self.inner.server.as_ref()
    }

    /// Calls a server method.
    ///
    /// # Errors
    /// The endpoint's refusal, or `No cluster leader` when no server is known.
    pub async fn call<M: Endpoint>(&self, args: M::Args) -> Result<M::Reply> {
        let _ = args;
        todo!()
    }

    /// Calls a read method and encodes its answer.
    ///
    /// # Errors
    /// Like [`Agent::call`].
    pub async fn call_encoded<M: ReadEndpoint>(&self, args: M::Args, encoding: &Encoding<M::Reply>) -> Result<Encoded> {
        let _ = (args, encoding);
        todo!()
    }

    /// Services and checks of this agent.
    pub fn local(&self) -> &LocalState {
        &self.inner.local
    }

    /// Registers or replaces a service with its checks (`spec/services-and-checks.md` 1); the catalog has it when this
    /// returns, unless no server could be reached.
    ///
    /// # Errors
    /// What is wrong with the definition. Nothing of it stays.
    pub async fn register_service(&self, registration: ServiceRegistration) -> Result<()> {
        let _ = registration;
        todo!()
    }

    /// Removes a service, its checks, and the sidecar registered with it.
    ///
    /// # Errors
    /// 404 for an unknown id.
    pub async fn deregister_service(&self, id: &str) -> Result<()> {
        let _ = id;
        todo!()
    }

    /// Registers or replaces a check; `check` has at least an id, `definition` says how it runs.
    ///
    /// # Errors
    /// What is wrong with the definition.
    pub async fn register_check(
        &self,
        check: HealthCheck,
        definition: CheckType,
        token: &str,
        source: Source,
    ) -> Result<()> {
        let _ = (check, definition, token, source);
        todo!()
    }

    /// Removes a check.
    ///
    /// # Errors
    /// 404 for an unknown id.
    pub async fn deregister_check(&self, id: &str) -> Result<()> {
        let _ = id;
        todo!()
    }

    /// Sets the status of a TTL check and restarts its timer.
    ///
    /// # Errors
    /// 404 for an unknown id; `CheckID "x" does not have associated TTL` for another kind of check.
    pub fn update_ttl_check(&self, id: &str, status: CheckStatus, output: &str) -> Result<()> {
        let _ = (id, status, output);
        todo!()
    }

    /// Turns maintenance of the whole node on, with a reason (empty takes the default one), or off.
    ///
    /// # Errors
    /// What prevented the check from being stored.
    pub async fn set_node_maintenance(&self, enable: bool, reason: &str, token: &str) -> Result<()> {
        let _ = (enable, reason, token);
        todo!()
    }

    /// Turns maintenance of a service on or off.
    ///
    /// # Errors
    /// 404 for an unknown id.
    pub async fn set_service_maintenance(&self, id: &str, enable: bool, reason: &str, token: &str) -> Result<()> {
        let _ = (id, enable, reason, token);
        todo!()
    }

    /// Members of the LAN pool.
    pub fn members(&self) -> Vec<Member> {
        todo!()
    }

    /// Members of the WAN pool; empty on a client agent.
    pub fn members_wan(&self) -> Vec<Member> {
        todo!()
    }

    /// The document of `/v1/agent/self`.
    pub fn self_info(&self) -> Value {
        todo!()
    }

    /// The figures of `info`: group, then name.
    pub fn stats(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        todo!()
    }

    /// The document of `/v1/agent/host`.
    pub fn host_info(&self) -> Value {
        todo!()
    }

    /// The document of `/v1/agent/version`.
    pub fn version_info(&self) -> Value {
        todo!()
    }

    /// Reads the configuration again and applies what can change while running.
    ///
    /// # Errors
    /// The configuration error; the old configuration stays.
    pub async fn reload(&self) -> Result<()> {
        todo!()
    }

    /// Leaves the cluster gracefully and then ends the process.
    ///
    /// # Errors
    /// What prevented it.
    pub async fn leave(&self) -> Result<()> {
        todo!()
    }
}
