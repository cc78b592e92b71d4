//! Services and checks of the configuration and of the data directory, at start and at reload
//! (`spec/services-and-checks.md` 2).

use super::maintenance::{NODE_CHECK, SERVICE_CHECK_PREFIX};
use super::persist::parse_source;
use super::registration::Persist;
use super::{Agent, ServiceRegistration, Source};
use crate::config::{CheckDefinitionFile, RuntimeConfig};
use crate::types::{CheckStatus, CheckType, Error, HealthCheck, Result};
use std::collections::BTreeSet;

/// Ids that a configuration defines.
#[derive(Default)]
struct Defined {
    services: BTreeSet<String>,
    checks: BTreeSet<String>,
}

impl Agent {
    /// Loads what the configuration defines, then what was stored by earlier registrations.
    ///
    /// # Errors
    /// The first definition of the configuration that cannot be registered, or an unreadable directory.
    pub(super) fn load_definitions(&self, config: &RuntimeConfig) -> Result<()> {
        let _no_partial_sync = self.shared_local().pause();
        let defined = self.load_configured(config)?;
        self.restore_services(&defined)?;
        self.restore_checks(&defined)
    }

    /// Replaces what the old configuration defined by what the new one does. Checks keep their state; registrations of
    /// the API are not touched.
    ///
    /// # Errors
    /// The first definition that cannot be registered.
    pub(super) fn reload_definitions(&self, config: &RuntimeConfig) -> Result<()> {
        let _no_partial_sync = self.shared_local().pause();
        let (services, checks) = self.local().ids_from_files();
        let defined = self.load_configured(config)?;
        for id in services.iter().filter(|id| !defined.services.contains(*id)) {
            self.remove_service(id).or_else(|error| if error.status == Some(404) { Ok(()) } else { Err(error) })?;
        }
        let by_agent = |id: &&String| *id == NODE_CHECK || id.starts_with(SERVICE_CHECK_PREFIX);
        for id in checks.iter().filter(|id| !defined.checks.contains(*id) && !by_agent(id)) {
            self.remove_check(id).or_else(|error| if error.status == Some(404) { Ok(()) } else { Err(error) })?;
        }
        Ok(())
    }

    fn load_configured(&self, config: &RuntimeConfig) -> Result<Defined> {
        let mut defined = Defined::default();
        for definition in &config.services {
            let name = definition.service.service.clone();
            let registration = ServiceRegistration {
                service: definition.service.clone(),
                checks: definition.checks.clone(),
                token: definition.token.clone(),
                source: Source::Local,
                replace_existing_checks: false,
            };
            self.add_service(registration, Persist::No)
                .map_err(|error| error.prefixed(&format!("Failed to register service {name:?}: ")))?;
            let id = if definition.service.id.is_empty() { &name } else { &definition.service.id };
            for id in [id.clone(), super::sidecar::sidecar_id(id)] {
                let from_file =
                    |check: &&std::sync::Arc<HealthCheck>| !check.check_id.starts_with(SERVICE_CHECK_PREFIX);
                let checks = self.local().checks_of(&id);
                let expected = definition.checks.len();
                let ids = checks.iter().filter(from_file).map(|check| check.check_id.clone());
                defined.checks.extend(ids.filter(|check| is_defined(&id, check, &definition.checks, expected)));
                if self.local().service(&id).is_some() {
                    defined.services.insert(id);
                }
            }
        }
        for definition in &config.checks {
            let (check, runner) = row_of(definition);
            defined.checks.insert(check.check_id.clone());
            let id = check.check_id.clone();
            self.add_check(check, Some(runner), &definition.token, Source::Local, Persist::No)
                .map_err(|error| Error::new(format!("Failed to register check '{id}': {error}")))?;
        }
        Ok(defined)
    }

    fn restore_services(&self, defined: &Defined) -> Result<()> {
        for (id, stored) in self.inner.persistence.load_services()? {
            let source = parse_source(&stored.source).filter(|_| !defined.services.contains(&id));
            let Some(source) = source else {
                tracing::debug!(target: "agent", service = %id, "service exists, not restoring from file");
                self.inner.persistence.purge_service(&id)?;
                continue;
            };
            let mut service = stored.service;
            service.locally_registered_as_sidecar |= stored.locally_registered_as_sidecar;
            let registration = ServiceRegistration {
                service,
                checks: Vec::new(),
                token: stored.token,
                source,
                replace_existing_checks: false,
            };
            tracing::debug!(target: "agent", service = %id, "restored service definition from file");
            self.add_service(registration, Persist::No)
                .map_err(|error| error.prefixed(&format!("failed adding service {id:?}: ")))?;
        }
        Ok(())
    }

    fn restore_checks(&self, defined: &Defined) -> Result<()> {
        for (id, stored) in self.inner.persistence.load_checks()? {
            let source = parse_source(&stored.source).filter(|_| !defined.checks.contains(&id));
            let Some(source) = source else {
                tracing::debug!(target: "agent", check = %id, "check exists, not restoring from file");
                self.inner.persistence.purge_check(&id)?;
                continue;
            };
            let mut check = stored.check;
            check.status = CheckStatus::Critical.as_str().to_owned();
            check.output.clear();
            let restored = self.add_check(check, stored.chk_type, &stored.token, source, Persist::No);
            match restored {
                Ok(()) => tracing::debug!(target: "agent", check = %id, "restored health check from file"),
                Err(error) => {
                    tracing::warn!(target: "agent", check = %id, error = %error, "Failed to restore check");
                    self.inner.persistence.purge_check(&id)?;
                }
            }
        }
        Ok(())
    }
}

/// Whether a check of a service comes from its definition: by the id that it was given or that it gets.
fn is_defined(service: &str, id: &str, definitions: &[CheckType], count: usize) -> bool {
    let generated = (1..=count).map(|position| format!("service:{service}:{position}"));
    definitions.iter().any(|definition| definition.check_id == id)
        || id == format!("service:{service}")
        || generated.into_iter().any(|generated| generated == id)
        || service.ends_with("-sidecar-proxy")
}

/// A check of a file as a row and a runner. Its type is not reported (`spec/services-and-checks.md` 3.2).
fn row_of(definition: &CheckDefinitionFile) -> (HealthCheck, CheckType) {
    let mut runner = definition.check.clone();
    let id = if definition.id.is_empty() { definition.name.clone() } else { definition.id.clone() };
    runner.check_id.clone_from(&id);
    let check = HealthCheck {
        check_id: id,
        name: definition.name.clone(),
        status: definition.check.status.clone(),
        notes: definition.notes.clone(),
        service_id: definition.service_id.clone(),
        interval: definition.check.interval.to_string(),
        timeout: definition.check.timeout.to_string(),
        ..HealthCheck::default()
    };
    (check, runner)
}
