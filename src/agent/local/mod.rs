//! What this agent says about itself: the services and checks that the catalog is made to match (`spec/semantics.md` 15).
//!
//! This room holds the state and knows what differs; `sync` compares and pushes, `crate::agent::anti_entropy` says when.

mod equality;
mod sync;
#[cfg(test)]
mod tests;

pub use equality::{same_check, same_service};
pub use sync::{Catalog, SyncError};

use crate::types::secret::hidden;
use crate::types::{CheckStatus, Error, HealthCheck, Locality, NodeService, Result, StringMap};
use parking_lot::RwLock;
use rand::Rng;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, watch};

/// What the catalog must know of the node itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeInfo {
    /// Datacenter.
    pub datacenter: String,
    /// Node id.
    pub id: String,
    /// Node name.
    pub name: String,
    /// Advertised address.
    pub address: String,
    /// Addresses by purpose.
    pub tagged_addresses: StringMap,
    /// Metadata with the agent's own keys.
    pub meta: StringMap,
    /// Region and zone.
    pub locality: Option<Locality>,
}

/// Secrets that syncs use (`spec/semantics.md` 15.4).
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq)]
pub struct SyncTokens {
    /// `acl.tokens.agent`.
    #[debug("{}", hidden(agent))]
    pub agent: String,
    /// `acl.tokens.default`.
    #[debug("{}", hidden(default))]
    pub default: String,
    /// `acl.tokens.config_file_service_registration`.
    #[debug("{}", hidden(config_file))]
    pub config_file: String,
}

impl SyncTokens {
    /// Token of the agent's own work.
    pub fn of_agent(&self) -> &str {
        if self.agent.is_empty() { &self.default } else { &self.agent }
    }

    /// Token that registers an item.
    fn of_item<'a>(&'a self, own: &'a str, from_file: bool) -> &'a str {
        match own {
            "" if from_file && !self.config_file.is_empty() => &self.config_file,
            "" => &self.default,
            own => own,
        }
    }
}

/// Settings of the local state.
#[derive(Clone, Debug, Default)]
pub struct LocalSettings {
    /// The node.
    pub node: NodeInfo,
    /// Secrets.
    pub tokens: SyncTokens,
    /// Store no output.
    pub discard_check_output: bool,
    /// How long output-only changes wait; zero for not at all.
    pub check_update_interval: Duration,
}

/// A service with its sync flags.
#[derive(Clone, derive_more::Debug)]
struct ServiceState {
    service: Arc<NodeService>,
    #[debug("{}", hidden(token))]
    token: String,
    from_file: bool,
    in_sync: bool,
    deleted: bool,
}

/// A check with its sync flags.
#[derive(Clone, derive_more::Debug)]
struct CheckState {
    check: Arc<HealthCheck>,
    #[debug("{}", hidden(token))]
    token: String,
    from_file: bool,
    in_sync: bool,
    deleted: bool,
    /// When an output-only change is due to be pushed.
    deferred: Option<Instant>,
    critical_since: Option<Instant>,
}

#[derive(Default)]
struct Tables {
    services: BTreeMap<String, ServiceState>,
    checks: BTreeMap<String, CheckState>,
    node_in_sync: bool,
}

/// Services and checks of this agent.
pub struct LocalState {
    settings: RwLock<LocalSettings>,
    tables: RwLock<Tables>,
    changes: watch::Sender<u64>,
    /// Something is out of sync, or a deferred push was armed.
    sync_wanted: AtomicBool,
    wake: Notify,
    paused: AtomicUsize,
    /// The agent leaves: it says nothing to the catalog any more.
    silent: AtomicBool,
    pushing: tokio::sync::Mutex<()>,
}

/// 404 with the reference's hint.
pub fn unknown_service(id: &str) -> Error {
    Error::not_found(format!("Unknown service ID {id:?}. Ensure that the service ID is passed, not the service name."))
}

/// 404 with the reference's hint.
pub fn unknown_check(id: &str) -> Error {
    Error::not_found(format!("Unknown check ID {id:?}. Ensure that the check ID is passed, not the check name."))
}

impl LocalState {
    /// An empty state of a node.
    pub fn new(settings: LocalSettings) -> LocalState {
        LocalState {
            settings: RwLock::new(settings),
            tables: RwLock::default(),
            changes: watch::Sender::new(0),
            sync_wanted: AtomicBool::new(false),
            silent: AtomicBool::new(false),
            wake: Notify::new(),
            paused: AtomicUsize::new(0),
            pushing: tokio::sync::Mutex::new(()),
        }
    }

    /// Replaces the settings; a different node is pushed.
    pub fn configure(&self, settings: LocalSettings) {
        let node_changed = self.settings.read().node != settings.node;
        *self.settings.write() = settings;
        if node_changed {
            self.tables.write().node_in_sync = false;
            self.want_sync();
        }
    }

    /// All services by id.
    pub fn services(&self) -> BTreeMap<String, Arc<NodeService>> {
        let tables = self.tables.read();
        tables.live_services().map(|(id, state)| (id.clone(), state.service.clone())).collect()
    }

    /// A service.
    pub fn service(&self, id: &str) -> Option<Arc<NodeService>> {
        let tables = self.tables.read();
        tables.services.get(id).filter(|state| !state.deleted).map(|state| state.service.clone())
    }

    /// Token that a service was registered with.
    pub fn service_token(&self, id: &str) -> Option<String> {
        let tables = self.tables.read();
        tables.services.get(id).filter(|state| !state.deleted).map(|state| state.token.clone())
    }

    /// All checks by id.
    pub fn checks(&self) -> BTreeMap<String, Arc<HealthCheck>> {
        let tables = self.tables.read();
        tables.live_checks().map(|(id, state)| (id.clone(), state.check.clone())).collect()
    }

    /// A check.
    pub fn check(&self, id: &str) -> Option<Arc<HealthCheck>> {
        let tables = self.tables.read();
        tables.checks.get(id).filter(|state| !state.deleted).map(|state| state.check.clone())
    }

    /// Token that a check was registered with.
    pub fn check_token(&self, id: &str) -> Option<String> {
        let tables = self.tables.read();
        tables.checks.get(id).filter(|state| !state.deleted).map(|state| state.token.clone())
    }

    /// The checks of a service.
    pub fn checks_of(&self, service_id: &str) -> Vec<Arc<HealthCheck>> {
        self.filter_checks(|check| check.service_id == service_id)
    }

    /// The checks that decide a service's health: its own and those of the node.
    pub fn health_of(&self, service_id: &str) -> Vec<Arc<HealthCheck>> {
        self.filter_checks(|check| check.service_id == service_id || check.service_id.is_empty())
    }

    fn filter_checks(&self, wanted: impl Fn(&HealthCheck) -> bool) -> Vec<Arc<HealthCheck>> {
        let tables = self.tables.read();
        tables.live_checks().filter(|(_, state)| wanted(&state.check)).map(|(_, state)| state.check.clone()).collect()
    }

    /// Ids of the services and checks that came from configuration files, or that the agent made itself.
    pub fn ids_from_files(&self) -> (Vec<String>, Vec<String>) {
        let tables = self.tables.read();
        let services = tables.live_services().filter(|(_, state)| state.from_file);
        let checks = tables.live_checks().filter(|(_, state)| state.from_file);
        (services.map(|(id, _)| id.clone()).collect(), checks.map(|(id, _)| id.clone()).collect())
    }

    /// Services and checks, counted.
    pub fn counts(&self) -> (usize, usize) {
        let tables = self.tables.read();
        (tables.live_services().count(), tables.live_checks().count())
    }

    /// Checks of services that have been critical, with how long.
    pub fn critical_for(&self, now: Instant) -> Vec<(Arc<HealthCheck>, Duration)> {
        let tables = self.tables.read();
        let since = |state: &CheckState| Some((state.check.clone(), now.duration_since(state.critical_since?)));
        tables.live_checks().filter(|(_, s)| !s.check.service_id.is_empty()).filter_map(|(_, s)| since(s)).collect()
    }

    /// A receiver that fires on every change of services or checks.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Adds or replaces a service.
    pub fn add_service(&self, service: NodeService, token: &str, from_file: bool) {
        let mut tables = self.tables.write();
        tables.put_service(service, token, from_file);
        drop(tables);
        self.changed();
    }

    /// Adds or replaces a check.
    ///
    /// # Errors
    /// `Check ID "c" refers to non-existent service ID "s"`.
    pub fn add_check(&self, mut check: HealthCheck, token: &str, from_file: bool) -> Result<()> {
        let (node, discard) = {
            let settings = self.settings.read();
            (settings.node.name.clone(), settings.discard_check_output)
        };
        check.node = node;
        if discard {
            check.output.clear();
        }
        let mut tables = self.tables.write();
        tables.put_check(check, token, from_file)?;
        drop(tables);
        self.changed();
        Ok(())
    }

    /// Removes a service, and the checks named with it.
    ///
    /// # Errors
    /// 404 for an unknown id.
    pub fn remove_service(&self, id: &str) -> Result<()> {
        let mut tables = self.tables.write();
        match tables.services.get_mut(id).filter(|state| !state.deleted) {
            Some(state) => (state.deleted, state.in_sync) = (true, false),
            None => return Err(unknown_service(id)),
        }
        for state in tables.checks.values_mut().filter(|state| state.check.service_id == id) {
            (state.deleted, state.in_sync, state.deferred) = (true, false, None);
        }
        drop(tables);
        self.changed();
        Ok(())
    }

    /// Removes a check.
    ///
    /// # Errors
    /// 404 for an unknown id.
    pub fn remove_check(&self, id: &str) -> Result<()> {
        let mut tables = self.tables.write();
        match tables.checks.get_mut(id).filter(|state| !state.deleted) {
            Some(state) => (state.deleted, state.in_sync, state.deferred) = (true, false, None),
            None => return Err(unknown_check(id)),
        }
        drop(tables);
        self.changed();
        Ok(())
    }

    /// Takes a result of a check. A new status is pushed at once; a new output alone waits (`spec/semantics.md` 15.1).
    pub fn update_check(&self, id: &str, status: CheckStatus, output: &str, now: Instant) {
        let (discard, interval) = {
            let settings = self.settings.read();
            (settings.discard_check_output, settings.check_update_interval)
        };
        let output = if discard { "" } else { output };
        let mut tables = self.tables.write();
        let Some(state) = tables.checks.get_mut(id).filter(|state| !state.deleted) else { return };
        let status_changed = state.check.status != status.as_str();
        if !status_changed && state.check.output == output {
            return;
        }
        let check = Arc::make_mut(&mut state.check);
        check.status = status.as_str().to_owned();
        check.output = output.to_owned();
        if status != CheckStatus::Critical {
            state.critical_since = None;
        } else if state.critical_since.is_none() {
            state.critical_since = Some(now);
        }
        if status_changed || interval.is_zero() {
            (state.in_sync, state.deferred) = (false, None);
        } else if state.deferred.is_none() && state.in_sync {
            let random = interval.mul_f64(rand::rng().random::<f64>());
            state.deferred = Some(now + interval / 2 + random);
        }
        drop(tables);
        self.changed();
    }

    /// Makes deferred outputs that are due ready to be pushed; returns when the next one is due.
    pub fn release_deferred(&self, now: Instant) -> Option<Instant> {
        let mut tables = self.tables.write();
        let mut next = None;
        for state in tables.checks.values_mut() {
            match state.deferred {
                Some(due) if due <= now => {
                    (state.deferred, state.in_sync) = (None, false);
                    self.sync_wanted.store(true, SeqCst);
                }
                Some(due) => next = Some(next.map_or(due, |earliest: Instant| earliest.min(due))),
                None => {}
            }
        }
        next
    }

    /// Stops syncs until the guard is dropped; several guards may exist.
    pub fn pause(self: &Arc<Self>) -> Pause {
        self.paused.fetch_add(1, SeqCst);
        Pause(self.clone())
    }

    /// True while syncs are paused.
    pub fn is_paused(&self) -> bool {
        self.paused.load(SeqCst) > 0
    }

    /// Nothing is pushed any more; ends when a push that was under way has ended.
    pub async fn fall_silent(&self) {
        self.silent.store(true, SeqCst);
        drop(self.pushing.lock().await);
    }

    /// Takes [`LocalState::fall_silent`] back.
    pub fn speak_again(&self) {
        self.silent.store(false, SeqCst);
        self.want_sync();
    }

    /// Waits until something may need a push, or a deferred push was armed.
    pub async fn sync_wanted(&self) {
        while !self.sync_wanted.swap(false, SeqCst) {
            self.wake.notified().await;
        }
    }

    /// Something is out of sync.
    pub fn is_dirty(&self) -> bool {
        let tables = self.tables.read();
        !tables.node_in_sync
            || tables.services.values().any(|state| !state.in_sync)
            || tables.checks.values().any(|state| !state.in_sync)
    }

    fn want_sync(&self) {
        self.sync_wanted.store(true, SeqCst);
        self.wake.notify_one();
    }

    fn changed(&self) {
        self.changes.send_modify(|count| *count += 1);
        self.want_sync();
    }
}

/// Keeps syncs from starting while it lives.
pub struct Pause(Arc<LocalState>);

impl Drop for Pause {
    fn drop(&mut self) {
        if self.0.paused.fetch_sub(1, SeqCst) == 1 {
            self.0.want_sync();
        }
    }
}

impl Tables {
    fn live_services(&self) -> impl Iterator<Item = (&String, &ServiceState)> {
        self.services.iter().filter(|(_, state)| !state.deleted)
    }

    fn live_checks(&self) -> impl Iterator<Item = (&String, &CheckState)> {
        self.checks.iter().filter(|(_, state)| !state.deleted)
    }

    fn put_service(&mut self, service: NodeService, token: &str, from_file: bool) {
        let old = self.services.get(&service.id);
        let in_sync = old.is_some_and(|old| {
            old.in_sync && !old.deleted && old.token == token && same_service(&old.service, &service)
        });
        let id = service.id.clone();
        let service = Arc::new(service);
        self.services.insert(id, ServiceState { service, token: token.to_owned(), from_file, in_sync, deleted: false });
    }

    fn put_check(&mut self, mut check: HealthCheck, token: &str, from_file: bool) -> Result<()> {
        if !check.service_id.is_empty() {
            let service = self.services.get(&check.service_id).filter(|state| !state.deleted);
            let service = service.ok_or_else(|| {
                let (check, service) = (&check.check_id, &check.service_id);
                Error::new(format!("Check ID {check:?} refers to non-existent service ID {service:?}"))
            })?;
            check.service_name = service.service.service.clone();
            check.service_tags = service.service.tags.clone().unwrap_or_default();
        }
        let old = self.checks.get(&check.check_id).filter(|old| !old.deleted);
        let in_sync = old.is_some_and(|old| old.in_sync && old.token == token && same_check(&old.check, &check));
        let critical = check.status == CheckStatus::Critical.as_str();
        let since = old.and_then(|old| old.critical_since).unwrap_or_else(Instant::now);
        let state = CheckState {
            token: token.to_owned(),
            from_file,
            in_sync,
            deleted: false,
            deferred: old.filter(|_| in_sync).and_then(|old| old.deferred),
            critical_since: critical.then_some(since),
            check: Arc::new(check),
        };
        self.checks.insert(state.check.check_id.clone(), state);
        Ok(())
    }
}

/// A hash of what a service is, 16 hex digits: equal services have equal hashes (`ContentHash` of `/v1/agent/service/:id`).
pub fn content_hash(service: &NodeService) -> String {
    use sha2::{Digest, Sha256};
    let mut service = service.clone();
    (service.create_index, service.modify_index) = (0, 0);
    let text = serde_json::to_vec(&service).expect("a service is always JSON");
    let digest = Sha256::digest(text);
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}
