//! Registration of services and checks: what a definition becomes, what is undone when a part of it fails, what is stored
//! (`spec/services-and-checks.md` 1 to 4).

use super::checks::{self, CheckKind, CheckSource, CheckSpec};
use super::local::{unknown_check, unknown_service};
use super::persist::{PersistedCheck, PersistedService, source_text};
use super::{Agent, Running, ServiceRegistration, Source, sidecar};
use crate::types::{CheckStatus, CheckType, Error, GoDuration, HealthCheck, NodeService, Result, ServiceAddress};
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// Shortest interval of a check.
const MIN_INTERVAL: GoDuration = GoDuration::secs(1);

impl From<Source> for CheckSource {
    fn from(source: Source) -> Self {
        match source {
            Source::Local => CheckSource::Config,
            Source::Remote => CheckSource::Api,
        }
    }
}

/// Whether a registration is written to the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Persist {
    Yes,
    No,
}

impl Agent {
    /// Registers or replaces a service with its checks (`spec/services-and-checks.md` 1); the catalog has it when this
    /// returns, unless no server could be reached.
    ///
    /// # Errors
    /// What is wrong with the definition. Nothing of it stays.
    pub async fn register_service(&self, registration: ServiceRegistration) -> Result<()> {
        {
            let _one_at_a_time = self.inner.registration.lock().await;
            let persist = if registration.source == Source::Remote { Persist::Yes } else { Persist::No };
            self.add_service(registration, persist)?;
        }
        self.sync_now().await;
        Ok(())
    }

    /// Adds a service, its checks and its sidecar to the local state.
    pub(super) fn add_service(&self, mut registration: ServiceRegistration, persist: Persist) -> Result<()> {
        complete(&mut registration.service)?;
        warn_about_names(&registration.service);
        let config = self.config();
        let services = self.local().services();
        let used: BTreeSet<i64> = services.values().map(|service| service.port).collect();
        let sidecar_id = sidecar::sidecar_id(&registration.service.id);
        let current = services.get(&sidecar_id).map(|service| service.port);
        let ports = i64::from(config.ports.sidecar_min_port)..=i64::from(config.ports.sidecar_max_port);
        let sidecar = sidecar::take(&mut registration, ports, &used, current)?;
        let _no_partial_sync = self.inner.local.pause();
        let new = !services.contains_key(&registration.service.id);
        let id = registration.service.id.clone();
        self.add_one_service(registration, persist)?;
        if let Some(mut sidecar) = sidecar {
            complete(&mut sidecar.service)?;
            let added = self.add_one_service(sidecar, persist);
            if added.is_err() && new {
                self.drop_service(&id);
            }
            added?;
        }
        Ok(())
    }

    fn add_one_service(&self, registration: ServiceRegistration, persist: Persist) -> Result<()> {
        let ServiceRegistration { service, checks, token, source, replace_existing_checks } = registration;
        let definitions = with_ids(&service, checks);
        let known_service = self.local().service(&service.id).is_some();
        let known_checks: BTreeSet<String> = self.local().checks().into_keys().collect();
        self.inner.local.add_service(service.clone(), &token, source.is_local());
        let mut added = Vec::new();
        let result = definitions.iter().try_for_each(|definition| {
            added.push(definition.check_id.clone());
            let check = row_of(&service, definition);
            self.add_check(check, Some(definition.clone()), &token, source, persist)
        });
        let stored = result.and_then(|()| match persist {
            Persist::Yes => self.store_service(&service, &token, source),
            Persist::No => Ok(()),
        });
        if let Err(error) = stored {
            added.iter().filter(|id| !known_checks.contains(*id)).for_each(|id| self.drop_check(id));
            if !known_service {
                self.drop_service(&service.id);
            }
            return Err(error);
        }
        if replace_existing_checks {
            let kept: BTreeSet<&String> = added.iter().collect();
            let stale = self.local().checks_of(&service.id);
            stale
                .iter()
                .filter(|check| !kept.contains(&check.check_id))
                .for_each(|check| self.drop_check(&check.check_id));
        }
        Ok(())
    }

    fn store_service(&self, service: &NodeService, token: &str, source: Source) -> Result<()> {
        let stored = self.inner.persistence.store_service(&PersistedService {
            token: token.to_owned(),
            service: service.clone(),
            source: source_text(source).to_owned(),
            locally_registered_as_sidecar: service.locally_registered_as_sidecar,
        });
        stored.map_err(|error| Error::new(format!("failed to persist service {:?}: {error}", service.id)))
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
        {
            let _one_at_a_time = self.inner.registration.lock().await;
            let persist = if source == Source::Remote { Persist::Yes } else { Persist::No };
            self.add_check(check, Some(definition), token, source, persist)?;
        }
        self.sync_now().await;
        Ok(())
    }

    /// Adds a check to the local state and starts it. A check that exists keeps its status and output. A running check of
    /// the same id is stopped first and, when the new one cannot start, is gone with it.
    pub(super) fn add_check(
        &self,
        mut check: HealthCheck,
        definition: Option<CheckType>,
        token: &str,
        source: Source,
        persist: Persist,
    ) -> Result<()> {
        if check.check_id.is_empty() {
            return Err(Error::new("CheckID missing"));
        }
        let existing = self.local().check(&check.check_id);
        if let Some(existing) = &existing {
            check.status.clone_from(&existing.status);
            check.output.clone_from(&existing.output);
        }
        if check.status.is_empty() {
            CheckStatus::Critical.as_str().clone_into(&mut check.status);
        }
        let definition = definition.map(|definition| with_minimums(&check, definition, &self.config()));
        if let Some(definition) = definition.as_ref().filter(|definition| !definition.ttl.is_zero()) {
            self.restore_ttl(&mut check, definition, existing.is_some());
        }
        self.inner.local.add_check(check.clone(), token, source.is_local())?;
        let id = check.check_id.clone();
        let started = definition.as_ref().map(|definition| self.start_check(&id, definition, token, source));
        let stored = started.unwrap_or(Ok(())).and_then(|()| match persist {
            Persist::Yes => self.store_check(&id, definition.as_ref(), token, source),
            Persist::No => Ok(()),
        });
        if stored.is_err() && existing.is_none() {
            self.drop_check(&id);
        }
        stored
    }

    fn restore_ttl(&self, check: &mut HealthCheck, definition: &CheckType, known: bool) {
        if known || definition.ttl.is_zero() {
            return;
        }
        if let Some(state) = self.inner.persistence.load_check_state(&check.check_id) {
            (check.status, check.output) = (state.status, state.output);
        }
    }

    fn start_check(&self, id: &str, definition: &CheckType, token: &str, source: Source) -> Result<()> {
        let service_token = self.local().check(id).and_then(|check| self.local().service_token(&check.service_id));
        let own = [token, service_token.as_deref().unwrap_or_default()];
        let default = self.tokens().default();
        let token = own.into_iter().find(|token| !token.is_empty()).unwrap_or(&default);
        self.inner.running.lock().remove(id);
        let spec = CheckSpec { check_id: id, def: definition, source: source.into(), token };
        let handle = checks::start(spec, &self.check_env(), self.inner.sink.clone())?;
        self.inner.running.lock().insert(id.to_owned(), Running { handle, definition: definition.clone() });
        Ok(())
    }

    fn store_check(&self, id: &str, definition: Option<&CheckType>, token: &str, source: Source) -> Result<()> {
        let Some(check) = self.local().check(id) else { return Ok(()) };
        let stored = self.inner.persistence.store_check(&PersistedCheck {
            check: HealthCheck::clone(&check),
            chk_type: definition.cloned(),
            token: token.to_owned(),
            source: source_text(source).to_owned(),
        });
        stored.map_err(|error| Error::new(format!("failed to persist check {id:?}: {error}")))
    }

    /// Removes a service, its checks, and the sidecar registered with it.
    ///
    /// # Errors
    /// 404 for an unknown id.
    pub async fn deregister_service(&self, id: &str) -> Result<()> {
        {
            let _one_at_a_time = self.inner.registration.lock().await;
            self.remove_service(id)?;
        }
        self.sync_now().await;
        Ok(())
    }

    pub(super) fn remove_service(&self, id: &str) -> Result<()> {
        if self.local().service(id).is_none() {
            return Err(unknown_service(id));
        }
        let _no_partial_sync = self.inner.local.pause();
        self.drop_service(id);
        let sidecar = sidecar::sidecar_id(id);
        if self.local().service(&sidecar).is_some_and(|service| service.locally_registered_as_sidecar) {
            self.drop_service(&sidecar);
        }
        Ok(())
    }

    /// Forgets a service and its checks, here and on disk.
    fn drop_service(&self, id: &str) {
        self.local().checks_of(id).iter().for_each(|check| self.drop_check(&check.check_id));
        let _ = self.inner.local.remove_service(id);
        if let Err(error) = self.inner.persistence.purge_service(id) {
            tracing::error!(target: "agent", service = id, error = %error, "failed to purge service file");
        }
        tracing::debug!(target: "agent", service = id, "removed service");
    }

    /// Stops and forgets a check, here and on disk.
    fn drop_check(&self, id: &str) {
        self.inner.running.lock().remove(id);
        let _ = self.inner.local.remove_check(id);
        if let Err(error) = self.inner.persistence.purge_check(id) {
            tracing::error!(target: "agent", check = id, error = %error, "failed to purge check file");
        }
        tracing::debug!(target: "agent", check = id, "removed check");
    }

    /// Removes a check.
    ///
    /// # Errors
    /// 404 for an unknown id.
    pub async fn deregister_check(&self, id: &str) -> Result<()> {
        {
            let _one_at_a_time = self.inner.registration.lock().await;
            self.remove_check(id)?;
        }
        self.sync_now().await;
        Ok(())
    }

    pub(super) fn remove_check(&self, id: &str) -> Result<()> {
        self.local().check(id).ok_or_else(|| unknown_check(id))?;
        self.drop_check(id);
        Ok(())
    }

    /// Sets the status of a TTL check and restarts its timer.
    ///
    /// # Errors
    /// 404 for an unknown id; `CheckID "x" does not have associated TTL` for another kind of check.
    pub fn update_ttl_check(&self, id: &str, status: CheckStatus, output: &str) -> Result<()> {
        self.local().check(id).ok_or_else(|| unknown_check(id))?;
        let running = self.inner.running.lock();
        let ttl = running.get(id).filter(|running| running.handle.kind() == CheckKind::Ttl);
        let ttl = ttl.ok_or_else(|| Error::new(format!("CheckID {id:?} does not have associated TTL")))?;
        let stored = ttl.handle.ttl_set(status, output)?;
        let ttl = ttl.definition.ttl.to_std();
        drop(running);
        let persisted = self.inner.persistence.store_check_state(id, status, &stored, ttl);
        persisted.map_err(|error| Error::new(format!("failed persisting state for check {id:?}: {error}")))
    }
}

/// Fills in what the agent generates for a service (`spec/services-and-checks.md` 1.2 and 1.3).
fn complete(service: &mut NodeService) -> Result<()> {
    if service.id.is_empty() {
        service.id.clone_from(&service.service);
    }
    service.weights.get_or_insert_default();
    let given = service.tagged_addresses.iter().flatten();
    for (name, address) in given {
        let family = match name.as_str() {
            "lan_ipv4" | "wan_ipv4" => "ipv4",
            "lan_ipv6" => "ipv6",
            _ => continue,
        };
        let matches = address.address.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv4() == (family == "ipv4"));
        if !matches {
            return Err(Error::new(format!("Service tagged address {name:?} must be a valid {family} address")));
        }
    }
    let Ok(ip) = service.address.parse::<IpAddr>() else { return Ok(()) };
    let names = if ip.is_ipv4() { ["lan_ipv4", "wan_ipv4"] } else { ["lan_ipv6", "wan_ipv6"] };
    for name in names {
        let own = ServiceAddress { address: service.address.clone(), port: service.port };
        service.tagged_addresses.get_or_insert_default().entry(name.to_owned()).or_insert(own);
    }
    Ok(())
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Says which names DNS cannot answer for.
fn warn_about_names(service: &NodeService) {
    const MAX_LABEL: usize = 63;
    let name = service.service.as_str();
    if !is_label(name) {
        tracing::warn!(target: "agent", service = name, "Service name will not be discoverable via DNS due to invalid characters. Valid characters include all alpha-numerics and dashes.");
    } else if name.len() > MAX_LABEL {
        tracing::warn!(target: "agent", service = name, "Service name will not be discoverable via DNS due to it being too long. Valid lengths are between 1 and 63 bytes.");
    }
    for tag in service.tags.iter().flatten() {
        if !is_label(tag) {
            tracing::debug!(target: "agent", tag = tag.as_str(), "Service tag will not be discoverable via DNS due to invalid characters. Valid characters include all alpha-numerics and dashes.");
        } else if tag.len() > MAX_LABEL {
            tracing::debug!(target: "agent", tag = tag.as_str(), "Service tag will not be discoverable via DNS due to it being too long. Valid lengths are between 1 and 63 bytes.");
        }
    }
}

/// Gives every check of a service an id and a name (`spec/services-and-checks.md` 1.4, end).
fn with_ids(service: &NodeService, mut checks: Vec<CheckType>) -> Vec<CheckType> {
    let several = checks.len() > 1;
    for (position, check) in checks.iter_mut().enumerate() {
        if check.check_id.is_empty() {
            check.check_id = match several {
                true => format!("service:{}:{}", service.id, position + 1),
                false => format!("service:{}", service.id),
            };
        }
        if check.name.is_empty() {
            check.name = format!("Service '{}' check", service.service);
        }
    }
    checks
}

/// Go's text of a duration, or nothing for zero.
fn shown(duration: GoDuration) -> String {
    if duration.is_zero() { String::new() } else { duration.to_string() }
}

/// The row of a service's check before it ran.
fn row_of(service: &NodeService, definition: &CheckType) -> HealthCheck {
    HealthCheck {
        check_id: definition.check_id.clone(),
        name: definition.name.clone(),
        status: definition.status.clone(),
        notes: definition.notes.clone(),
        service_id: service.id.clone(),
        service_name: service.service.clone(),
        service_tags: service.tags.clone().unwrap_or_default(),
        kind: CheckKind::reported(definition).to_owned(),
        interval: shown(definition.interval),
        timeout: shown(definition.timeout),
        ..HealthCheck::default()
    }
}

/// Raises what is below a minimum, and says so.
fn with_minimums(check: &HealthCheck, mut definition: CheckType, config: &crate::config::RuntimeConfig) -> CheckType {
    let id = check.check_id.as_str();
    if definition.interval.0 > 0 && definition.interval < MIN_INTERVAL {
        tracing::warn!(target: "agent", check = id, minimum_interval = %MIN_INTERVAL, "check has interval below minimum");
        definition.interval = MIN_INTERVAL;
    }
    let least = config.check_deregister_interval_min;
    let after = definition.deregister_critical_service_after;
    if after.0 > 0 && after < least && !check.service_id.is_empty() {
        tracing::warn!(target: "agent", check = id, minimum_interval = %least, "check has deregister interval below minimum");
        definition.deregister_critical_service_after = least;
    }
    definition
}

impl Agent {
    /// Pushes what is out of sync; failures are logged by the push itself and repaired by anti-entropy.
    pub(super) async fn sync_now(&self) {
        if let Some(catalog) = self.inner.catalog.get()
            && let Err(error) = self.inner.local.push(catalog.as_ref()).await
        {
            tracing::error!(target: "agent", error = %error, "failed to sync changes");
        }
    }

    /// The local state, shared.
    pub(super) fn shared_local(&self) -> Arc<super::LocalState> {
        self.inner.local.clone()
    }
}
