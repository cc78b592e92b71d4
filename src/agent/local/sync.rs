//! Compares the local state with the catalog, and pushes what differs (`spec/semantics.md` 15.3 and 15.4).

use super::equality::{same_check_but_output, same_map};
use super::{LocalState, same_check, same_service};
use crate::telemetry::metrics;
use crate::types::requests::{IndexedHealthChecks, IndexedNodeServiceList, NodeRequest};
use crate::types::{
    DeregisterRequest, Error, GoDuration, HealthCheck, Node, NodeService, QueryOptions, RegisterRequest, Result,
};
use futures::future::BoxFuture;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

/// The catalog as anti-entropy uses it.
pub trait Catalog: Send + Sync {
    /// `Catalog.Register`
    fn register(&self, request: RegisterRequest) -> BoxFuture<'_, Result<()>>;
    /// `Catalog.Deregister`
    fn deregister(&self, request: DeregisterRequest) -> BoxFuture<'_, Result<()>>;
    /// `Catalog.NodeServiceList`
    fn node_services(&self, request: NodeRequest) -> BoxFuture<'_, Result<IndexedNodeServiceList>>;
    /// `Health.NodeChecks`
    fn node_checks(&self, request: NodeRequest) -> BoxFuture<'_, Result<IndexedHealthChecks>>;
}

/// Some items could not be synced; the rest was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncError(pub Vec<Error>);

impl fmt::Display for SyncError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => one.fmt(f),
            many => {
                write!(f, "{} errors occurred:", many.len())?;
                many.iter().try_for_each(|error| write!(f, "\n\t* {error}"))
            }
        }
    }
}

/// Oldest answer that the comparison accepts.
const MAX_STALE: GoDuration = GoDuration::secs(2);

/// The service and the check that leaders put on every server and that agents leave alone.
const SERVER_SERVICE: &str = "consul";
const LEADER_CHECK: &str = "serfHealth";

/// Tagged addresses with this prefix belong to servers; agents copy them.
const SERVER_ADDRESS_PREFIX: &str = "consul-";

/// What a refusal means for an item.
enum Refusal {
    /// Not again before the next full sync.
    Blocked,
    /// The row is gone already.
    Unknown,
    /// Try again.
    Failed,
}

fn refusal(error: &Error) -> Refusal {
    let is = |words: &str| error.text.contains(words);
    if is("Permission denied") || is("ACL not found") {
        Refusal::Blocked
    } else if is("Unknown service") || is("Unknown check") {
        Refusal::Unknown
    } else {
        Refusal::Failed
    }
}

impl LocalState {
    /// Marks everything that differs from the catalog.
    ///
    /// # Errors
    /// What the catalog refused to tell.
    pub async fn compare(&self, catalog: &dyn Catalog) -> Result<()> {
        let _not_while_pushing = self.pushing.lock().await;
        let request = {
            let settings = self.settings.read();
            NodeRequest {
                datacenter: settings.node.datacenter.clone(),
                node: settings.node.name.clone(),
                query: QueryOptions {
                    token: settings.tokens.of_agent().to_owned(),
                    allow_stale: true,
                    max_stale_duration: MAX_STALE,
                    ..QueryOptions::default()
                },
                ..NodeRequest::default()
            }
        };
        let services = catalog.node_services(request.clone()).await?.node_services;
        let checks = catalog.node_checks(request).await?.health_checks;
        self.compare_node(services.node.as_deref());
        self.compare_services(services.services.unwrap_or_default());
        self.compare_checks(checks);
        Ok(())
    }

    fn compare_node(&self, remote: Option<&Node>) {
        let in_sync = {
            let own = &self.settings.read().node;
            remote.is_some_and(|node| {
                node.id == own.id
                    && same_map(&node.tagged_addresses, &own.tagged_addresses)
                    && same_map(&node.meta, &own.meta)
                    && node.locality == own.locality
            })
        };
        self.tables.write().node_in_sync = in_sync;
    }

    fn compare_services(&self, remote: Vec<Arc<NodeService>>) {
        let remote: BTreeMap<&str, &Arc<NodeService>> = remote.iter().map(|row| (row.id.as_str(), row)).collect();
        let mut tables = self.tables.write();
        tables.services.retain(|id, state| !state.deleted || remote.contains_key(id.as_str()));
        let mut adopted = false;
        for (id, state) in &mut tables.services {
            let Some(row) = remote.get(id.as_str()) else {
                state.in_sync = false;
                continue;
            };
            if state.deleted {
                state.in_sync = false;
                continue;
            }
            if let Some(service) = adopt(&state.service, row) {
                state.service = Arc::new(service);
                adopted = true;
            }
            state.in_sync = same_service(&state.service, row);
        }
        for (id, row) in remote.iter().filter(|(id, _)| **id != SERVER_SERVICE) {
            tables.services.entry((*id).to_owned()).or_insert_with(|| super::ServiceState {
                service: (*row).clone(),
                token: String::new(),
                from_file: false,
                in_sync: false,
                deleted: true,
            });
        }
        drop(tables);
        if adopted {
            self.changes.send_modify(|count| *count += 1);
        }
    }

    fn compare_checks(&self, remote: Vec<Arc<HealthCheck>>) {
        let remote: BTreeMap<&str, &Arc<HealthCheck>> = remote.iter().map(|row| (row.check_id.as_str(), row)).collect();
        let mut tables = self.tables.write();
        tables.checks.retain(|id, state| !state.deleted || remote.contains_key(id.as_str()));
        for (id, state) in &mut tables.checks {
            state.in_sync = match remote.get(id.as_str()) {
                Some(row) if !state.deleted && state.deferred.is_some() => same_check_but_output(&state.check, row),
                Some(row) if !state.deleted => same_check(&state.check, row),
                _ => false,
            };
        }
        for (id, row) in &remote {
            if *id == LEADER_CHECK && !tables.checks.contains_key(*id) {
                tracing::debug!(target: "agent", check = LEADER_CHECK, "Skipping remote check since it is managed automatically");
                continue;
            }
            tables.checks.entry((*id).to_owned()).or_insert_with(|| super::CheckState {
                check: (*row).clone(),
                token: String::new(),
                from_file: false,
                in_sync: false,
                deleted: true,
                deferred: None,
                critical_since: None,
            });
        }
    }

    /// Pushes everything that is out of sync: the node, services with their checks, checks. An item that fails stays out of
    /// sync and does not stop the others.
    ///
    /// # Errors
    /// The failures.
    pub async fn push(&self, catalog: &dyn Catalog) -> Result<(), SyncError> {
        let _one_at_a_time = self.pushing.lock().await;
        if self.silent.load(SeqCst) {
            return Ok(());
        }
        let mut errors = Vec::new();
        if self.tables.read().node_in_sync {
            tracing::debug!(target: "agent", "Node info in sync");
        } else {
            errors.extend(self.push_node(catalog).await.err());
        }
        let speaking = |_: &String| !self.silent.load(SeqCst);
        for id in self
            .dirty(|tables| tables.services.iter().map(|(id, s)| (id, s.in_sync)).collect(), "Service")
            .into_iter()
            .take_while(speaking)
        {
            let deleted = self.tables.read().services.get(&id).map(|state| state.deleted);
            let pushed = match deleted {
                Some(true) => self.delete_service(catalog, &id).await,
                Some(false) => self.push_service(catalog, &id).await,
                None => Ok(()),
            };
            errors.extend(pushed.err());
        }
        for id in self
            .dirty(|tables| tables.checks.iter().map(|(id, s)| (id, s.in_sync)).collect(), "Check")
            .into_iter()
            .take_while(speaking)
        {
            let deleted = self.tables.read().checks.get(&id).filter(|state| !state.in_sync).map(|state| state.deleted);
            let pushed = match deleted {
                Some(true) => self.delete_check(catalog, &id).await,
                Some(false) => self.push_check(catalog, &id).await,
                None => Ok(()),
            };
            errors.extend(pushed.err());
        }
        if errors.is_empty() { Ok(()) } else { Err(SyncError(errors)) }
    }

    /// Ids out of sync; the others are mentioned in the log at DEBUG.
    fn dirty(&self, rows: impl Fn(&super::Tables) -> Vec<(&String, bool)>, what: &str) -> Vec<String> {
        let tables = self.tables.read();
        let mut dirty = Vec::new();
        for (id, in_sync) in rows(&tables) {
            match (in_sync, what) {
                (false, _) => dirty.push(id.clone()),
                (true, "Service") => tracing::debug!(target: "agent", service = %id, "Service in sync"),
                (true, _) => tracing::debug!(target: "agent", check = %id, "Check in sync"),
            }
        }
        dirty
    }

    /// A request about this node, without services and checks.
    fn node_request(&self) -> RegisterRequest {
        let settings = self.settings.read();
        let node = &settings.node;
        RegisterRequest {
            datacenter: node.datacenter.clone(),
            id: node.id.clone(),
            node: node.name.clone(),
            address: node.address.clone(),
            tagged_addresses: node.tagged_addresses.clone(),
            node_meta: node.meta.clone(),
            locality: node.locality.clone(),
            token: settings.tokens.of_agent().to_owned(),
            ..RegisterRequest::default()
        }
    }

    async fn push_node(&self, catalog: &dyn Catalog) -> Result<()> {
        match catalog.register(self.node_request()).await {
            Ok(()) => {
                self.tables.write().node_in_sync = true;
                tracing::info!(target: "agent", "Synced node info");
                Ok(())
            }
            Err(error) if matches!(refusal(&error), Refusal::Blocked) => {
                self.tables.write().node_in_sync = true;
                tracing::warn!(target: "agent", "Node info update blocked by ACLs");
                metrics::counter("acl.blocked.node.registration", 1);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(target: "agent", error = %error, "Syncing node info failed.");
                Err(error)
            }
        }
    }

    async fn push_service(&self, catalog: &dyn Catalog, id: &str) -> Result<()> {
        let mut request = self.node_request();
        let checks: Vec<Arc<HealthCheck>>;
        let service = {
            let tables = self.tables.read();
            let Some(state) = tables.services.get(id) else { return Ok(()) };
            let tokens = self.settings.read().tokens.clone();
            let token = tokens.of_item(&state.token, state.from_file);
            checks = tables
                .live_checks()
                .filter(|(_, check)| check.check.service_id == id && !check.in_sync)
                .filter(|(_, check)| tokens.of_item(&check.token, check.from_file) == token)
                .map(|(_, check)| check.check.clone())
                .collect();
            request.token = token.to_owned();
            request.skip_node_update = tables.node_in_sync;
            state.service.clone()
        };
        request.service = Some(service.clone());
        match checks.as_slice() {
            [] => {}
            [one] => request.check = Some(one.clone()),
            many => request.checks = Some(many.to_vec()),
        }
        let result = catalog.register(request).await;
        let blocked = result.as_ref().err().map(refusal).is_some_and(|refusal| matches!(refusal, Refusal::Blocked));
        if result.is_ok() || blocked {
            self.settle_service(id, &service, &checks, result.is_ok());
        }
        match result {
            Ok(()) => {
                tracing::info!(target: "agent", service = %id, "Synced service");
                Ok(())
            }
            Err(_) if blocked => {
                tracing::warn!(target: "agent", service = %id, "Service registration blocked by ACLs");
                metrics::counter("acl.blocked.service.registration", 1);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(target: "agent", service = %id, error = %error, "Syncing service failed.");
                Err(error)
            }
        }
    }

    /// Marks what was pushed as in sync, unless it has changed meanwhile.
    fn settle_service(&self, id: &str, service: &Arc<NodeService>, checks: &[Arc<HealthCheck>], node_too: bool) {
        let mut tables = self.tables.write();
        tables.node_in_sync |= node_too;
        if let Some(state) = tables.services.get_mut(id).filter(|state| Arc::ptr_eq(&state.service, service)) {
            state.in_sync = !state.deleted;
        }
        checks.iter().for_each(|check| settle_check(&mut tables, check));
    }

    async fn push_check(&self, catalog: &dyn Catalog, id: &str) -> Result<()> {
        let mut request = self.node_request();
        let check = {
            let tables = self.tables.read();
            let Some(state) = tables.checks.get(id) else { return Ok(()) };
            request.token = self.settings.read().tokens.of_item(&state.token, state.from_file).to_owned();
            request.skip_node_update = tables.node_in_sync;
            let service = tables.services.get(&state.check.service_id).filter(|service| !service.deleted);
            request.service = service.map(|service| service.service.clone());
            state.check.clone()
        };
        request.check = Some(check.clone());
        match catalog.register(request).await {
            Ok(()) => {
                let mut tables = self.tables.write();
                tables.node_in_sync = true;
                settle_check(&mut tables, &check);
                drop(tables);
                tracing::info!(target: "agent", check = %id, "Synced check");
                Ok(())
            }
            Err(error) if matches!(refusal(&error), Refusal::Blocked) => {
                settle_check(&mut self.tables.write(), &check);
                tracing::warn!(target: "agent", check = %id, "Check registration blocked by ACLs");
                metrics::counter("acl.blocked.check.registration", 1);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(target: "agent", check = %id, error = %error, "Syncing check failed.");
                Err(error)
            }
        }
    }

    fn deregister_request(&self) -> DeregisterRequest {
        let settings = self.settings.read();
        DeregisterRequest {
            datacenter: settings.node.datacenter.clone(),
            node: settings.node.name.clone(),
            token: settings.tokens.of_agent().to_owned(),
            ..DeregisterRequest::default()
        }
    }

    /// Removes an item with the token that it was registered with; with the agent's own where that token may not.
    async fn deregister(&self, catalog: &dyn Catalog, request: DeregisterRequest, own: Option<String>) -> Result<()> {
        if let Some(token) = own.filter(|token| !token.is_empty() && *token != request.token) {
            match catalog.deregister(DeregisterRequest { token, ..request.clone() }).await {
                Err(error) if matches!(refusal(&error), Refusal::Blocked) => {}
                settled => return settled,
            }
        }
        catalog.deregister(request).await
    }

    async fn delete_service(&self, catalog: &dyn Catalog, id: &str) -> Result<()> {
        let own = self.tables.read().services.get(id).map(|state| state.token.clone());
        let request = DeregisterRequest { service_id: id.to_owned(), ..self.deregister_request() };
        let result = self.deregister(catalog, request, own).await;
        match result.as_ref().err().map(refusal) {
            None | Some(Refusal::Unknown) => {
                let mut tables = self.tables.write();
                // the catalog removes the checks of a service together with it
                tables.checks.retain(|_, state| !(state.deleted && state.check.service_id == id));
                if tables.services.get(id).is_some_and(|state| state.deleted) {
                    tables.services.remove(id);
                }
                tracing::info!(target: "agent", service = %id, "Deregistered service");
                Ok(())
            }
            Some(Refusal::Blocked) => {
                if let Some(state) = self.tables.write().services.get_mut(id) {
                    state.in_sync = true;
                }
                tracing::warn!(target: "agent", service = %id, "Service deregistration blocked by ACLs");
                metrics::counter("acl.blocked.service.deregistration", 1);
                Ok(())
            }
            Some(Refusal::Failed) => {
                let error = result.expect_err("it was refused");
                tracing::warn!(target: "agent", service = %id, error = %error, "Deregistering service failed.");
                Err(error)
            }
        }
    }

    async fn delete_check(&self, catalog: &dyn Catalog, id: &str) -> Result<()> {
        let own = self.tables.read().checks.get(id).map(|state| state.token.clone());
        let request = DeregisterRequest { check_id: id.to_owned(), ..self.deregister_request() };
        let result = self.deregister(catalog, request, own).await;
        match result.as_ref().err().map(refusal) {
            None | Some(Refusal::Unknown) => {
                let mut tables = self.tables.write();
                if tables.checks.get(id).is_some_and(|state| state.deleted) {
                    tables.checks.remove(id);
                }
                tracing::info!(target: "agent", check = %id, "Deregistered check");
                Ok(())
            }
            Some(Refusal::Blocked) => {
                if let Some(state) = self.tables.write().checks.get_mut(id) {
                    state.in_sync = true;
                }
                tracing::warn!(target: "agent", check = %id, "Check deregistration blocked by ACLs");
                metrics::counter("acl.blocked.check.deregistration", 1);
                Ok(())
            }
            Some(Refusal::Failed) => {
                let error = result.expect_err("it was refused");
                tracing::warn!(target: "agent", check = %id, error = %error, "Deregistering check failed.");
                Err(error)
            }
        }
    }
}

fn settle_check(tables: &mut super::Tables, pushed: &Arc<HealthCheck>) {
    let state = tables.checks.get_mut(&pushed.check_id).filter(|state| Arc::ptr_eq(&state.check, pushed));
    if let Some(state) = state {
        state.in_sync = !state.deleted;
    }
}

/// The local service with what the catalog decides: tags where they may be overridden, addresses that servers gave it.
/// `None` when that changes nothing.
fn adopt(local: &NodeService, remote: &NodeService) -> Option<NodeService> {
    let mut service = local.clone();
    if local.enable_tag_override {
        service.tags.clone_from(&remote.tags);
    }
    let given = remote.tagged_addresses.iter().flatten().filter(|(name, _)| name.starts_with(SERVER_ADDRESS_PREFIX));
    for (name, address) in given {
        service.tagged_addresses.get_or_insert_default().insert(name.clone(), address.clone());
    }
    (!same_service(local, &service)).then_some(service)
}
