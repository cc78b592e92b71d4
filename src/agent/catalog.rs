//! How the agent's own duties reach the catalog: anti-entropy, aliased checks of other nodes, coordinates.

use super::checks::{AliasSource, AliasView, AliasedCheck};
use super::local::{Catalog, LocalState};
use super::{Agent, Inner};
use crate::rpc::method::{
    CatalogDeregister, CatalogNodeServiceList, CatalogRegister, CoordinateUpdate, HealthNodeChecks,
};
use crate::types::requests::{CoordinateUpdateRequest, IndexedHealthChecks, IndexedNodeServiceList, NodeRequest};
use crate::types::{
    Coordinate, DeregisterRequest, Error, GoDuration, Index, NodeCoordinate, QueryOptions, RegisterRequest, Result,
};
use futures::future::BoxFuture;
use rand::Rng;
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::watch;

/// The catalog behind an agent.
pub struct ServerCatalog {
    /// The agent that reaches it.
    pub agent: Agent,
}

impl Catalog for ServerCatalog {
    fn register(&self, request: RegisterRequest) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.agent.call::<CatalogRegister>(request))
    }
    fn deregister(&self, request: DeregisterRequest) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.agent.call::<CatalogDeregister>(request))
    }
    fn node_services(&self, request: NodeRequest) -> BoxFuture<'_, Result<IndexedNodeServiceList>> {
        Box::pin(self.agent.call::<CatalogNodeServiceList>(request))
    }
    fn node_checks(&self, request: NodeRequest) -> BoxFuture<'_, Result<IndexedHealthChecks>> {
        Box::pin(self.agent.call::<HealthNodeChecks>(request))
    }
}

/// What alias checks see. It does not keep the agent alive: the agent owns the checks.
pub(super) struct LocalAlias {
    pub agent: Weak<Inner>,
    pub local: Arc<LocalState>,
}

/// Oldest answer about another node.
const ALIAS_MAX_STALE: GoDuration = GoDuration::secs(15);

/// Longest wait for a change on another node.
const ALIAS_WAIT: GoDuration = GoDuration::secs(60);

fn aliased(checks: &[Arc<crate::types::HealthCheck>]) -> Vec<AliasedCheck> {
    let view = |check: &Arc<crate::types::HealthCheck>| AliasedCheck {
        check_id: check.check_id.clone(),
        kind: check.kind.clone(),
        name: check.name.clone(),
        service_id: check.service_id.clone(),
        status: check.status.clone(),
        output: check.output.clone(),
    };
    checks.iter().map(view).collect()
}

impl AliasSource for LocalAlias {
    fn is_local_node(&self, node: &str) -> bool {
        self.agent.upgrade().is_some_and(|agent| agent.config.load().node_name.eq_ignore_ascii_case(node))
    }

    fn local(&self, service_id: &str) -> AliasView {
        AliasView {
            index: 0,
            service_exists: service_id.is_empty() || self.local.service(service_id).is_some(),
            checks: aliased(&self.local.health_of(service_id)),
        }
    }

    fn local_changes(&self) -> watch::Receiver<u64> {
        self.local.subscribe()
    }

    fn remote<'a>(
        &'a self,
        node: &'a str,
        service_id: &'a str,
        token: &'a str,
        min_index: Index,
    ) -> BoxFuture<'a, Result<AliasView, Error>> {
        Box::pin(async move {
            let inner = self.agent.upgrade().ok_or_else(|| Error::new("agent is shutting down"))?;
            let agent = Agent { inner };
            let request = |min_query_index| NodeRequest {
                node: node.to_owned(),
                query: QueryOptions {
                    token: token.to_owned(),
                    min_query_index,
                    max_query_time: ALIAS_WAIT,
                    allow_stale: true,
                    max_stale_duration: ALIAS_MAX_STALE,
                    ..QueryOptions::default()
                },
                ..NodeRequest::default()
            };
            let checks = agent.call::<HealthNodeChecks>(request(min_index)).await?;
            let services = agent.call::<CatalogNodeServiceList>(request(0)).await?.node_services.services;
            let exists = services.iter().flatten().any(|service| service.id == service_id);
            Ok(AliasView {
                index: checks.meta.index,
                service_exists: service_id.is_empty() || exists,
                checks: aliased(&checks.health_checks),
            })
        })
    }
}

impl Agent {
    /// The agent's own network coordinate.
    pub fn coordinate(&self) -> Coordinate {
        self.lan().coordinate()
    }

    /// Sends the own coordinate, as often as the whole cluster can bear (`spec/semantics.md` 16.1).
    pub(super) async fn send_coordinates(self) {
        loop {
            let config = self.config();
            let share = self.lan().members().len() as f64 / config.sync_coordinate_rate_target.max(1.0);
            let interval = config.sync_coordinate_interval_min.to_std().max(Duration::from_secs_f64(share));
            let interval = interval.max(Duration::from_secs(1));
            let random = interval.mul_f64(rand::rng().random::<f64>());
            tokio::time::sleep(interval + random).await;
            let update = NodeCoordinate {
                node: config.node_name.clone(),
                segment: String::new(),
                coord: Some(Arc::new(self.coordinate())),
            };
            let token = self.tokens().agent();
            let request = CoordinateUpdateRequest { datacenter: config.datacenter.clone(), update, token };
            if let Err(error) = self.call::<CoordinateUpdate>(request).await {
                tracing::error!(target: "agent", error = %error, "Coordinate update error");
            }
        }
    }
}
