//! The `checks` table: a critical check ends the sessions that depend on it (`spec/semantics.md` 2, 5.5, 7.6).

use super::index::Table;
use super::key::join;
use super::nodes::{MISSING_NODE, cas_matches};
use super::radix::Slot;
use super::tables::{Tables, Writer};
use super::watch::Space;
use crate::types::{HealthCheck, Index, Session};
use std::sync::Arc;

/// Type of a check that follows the sessions of its name.
const SESSION_CHECK: &str = "session";

/// Equality that decides whether a check is written (`spec/semantics.md` 2.2).
fn is_same(a: &HealthCheck, b: &HealthCheck) -> bool {
    super::key::lower(&a.node) == super::key::lower(&b.node)
        && a.check_id == b.check_id
        && a.name == b.name
        && a.status == b.status
        && a.notes == b.notes
        && a.output == b.output
        && a.service_id == b.service_id
        && a.service_name == b.service_name
        && a.service_tags == b.service_tags
        && a.definition == b.definition
        && a.peer_name == b.peer_name
}

impl Tables {
    /// A check by node and id.
    pub fn check(&self, node: &str, id: &str) -> Option<&Arc<HealthCheck>> {
        self.checks.get(&join(&[node, id])).map(|slot| &slot.value)
    }

    /// The checks of an instance, or with an empty service id those of the node itself.
    pub fn checks_of(&self, node: &str, service_id: &str) -> impl Iterator<Item = &Arc<HealthCheck>> {
        self.checks_by_instance.iter_prefix(&join(&[node, service_id])).map(|slot| &slot.value)
    }
}

impl Writer {
    /// Inserts or changes a check; the caller's indexes are ignored.
    pub fn ensure_check(&mut self, check: &HealthCheck) -> Result<(), String> {
        let mut row = check.clone();
        if row.status.is_empty() {
            row.status = "critical".into();
        }
        if self.tables.node(&row.node).is_none() {
            return Err(MISSING_NODE.into());
        }
        if !row.service_id.is_empty() {
            let Some(service) = self.tables.service(&row.node, &row.service_id) else {
                return Err("Missing service registration".into());
            };
            row.service_name = service.service.clone();
            row.service_tags = service.tags.clone().unwrap_or_default();
        }
        // Also when the row stays as it is; and before it is compared, because a row can follow the sessions that end here.
        if row.status == "critical" {
            self.delete_sessions_of_check(&row);
        }
        let old = self.tables.check(&row.node, &row.check_id);
        if old.is_some_and(|old| is_same(old, &row)) {
            return Ok(());
        }
        row.create_index = old.map_or(self.index, |old| old.create_index);
        row.modify_index = self.index;
        self.put_check(row);
        Ok(())
    }

    /// Stores a row as it is and moves the indexes that depend on it.
    pub fn put_check(&mut self, row: HealthCheck) {
        let row = Arc::new(row);
        let old = self.tables.checks.insert(Slot::new(&join(&[&row.node, &row.check_id]), row.clone()));
        if let Some(old) = old {
            self.unlink_check(&old.value);
            if old.value.service_id != row.service_id {
                self.move_health_of(&old.value);
            }
        }
        let tables = &mut self.tables;
        let (node, id) = (&row.node, &row.check_id);
        tables.checks_by_instance.insert(Slot::new(&join(&[node, &row.service_id, id]), row.clone()));
        tables.checks_by_status.insert(Slot::new(&join(&[&row.status, node, id]), row.clone()));
        if !row.service_name.is_empty() {
            tables.checks_by_service.insert(Slot::new(&join(&[&row.service_name, node, id]), row.clone()));
        }
        self.move_health_of(&row);
        self.touch_check(&row);
    }

    fn unlink_check(&mut self, row: &HealthCheck) {
        let tables = &mut self.tables;
        let (node, id) = (&row.node, &row.check_id);
        tables.checks_by_instance.remove(&join(&[node, &row.service_id, id]));
        tables.checks_by_status.remove(&join(&[&row.status, node, id]));
        if !row.service_name.is_empty() {
            tables.checks_by_service.remove(&join(&[&row.service_name, node, id]));
        }
        self.touch_check(row);
    }

    fn touch_check(&mut self, row: &HealthCheck) {
        self.move_table(Table::Checks);
        self.touch(Space::NodeChecks, &row.node);
        self.touch(Space::StateChecks, &row.status);
        if !row.service_name.is_empty() {
            self.touch(Space::ServiceChecks, &row.service_name);
        }
    }

    /// The health of the check's instance, or of everything on its node, changed.
    fn move_health_of(&mut self, check: &HealthCheck) {
        if check.service_id.is_empty() {
            self.move_services_of(&check.node, false);
        } else if let Some(service) = self.tables.service(&check.node, &check.service_id).cloned() {
            self.move_service(&service);
        }
    }

    /// Removes a check and ends the sessions that list it; an unknown one is fine.
    pub fn delete_check(&mut self, node: &str, id: &str) {
        let Some(row) = self.tables.checks.remove(&join(&[node, id])).map(|slot| slot.value) else { return };
        self.unlink_check(&row);
        self.move_health_of(&row);
        if row.service_id.is_empty() {
            // A quirk that clients can see: this moves the services table, though no service changed.
            self.move_table(Table::Services);
        }
        self.delete_sessions_of_check(&row);
    }

    fn delete_sessions_of_check(&mut self, check: &HealthCheck) {
        let sessions = self.tables.sessions_by_check.iter_prefix(&join(&[&check.node, &check.check_id]));
        let sessions: Vec<_> = sessions.map(|slot| slot.value.clone()).collect();
        for session in sessions {
            self.delete_session(&session.id);
        }
    }

    /// Checks of type `session` on the session's node follow it (`spec/semantics.md` 7.6). Their ModifyIndex stays.
    pub fn follow_session(&mut self, session: &Session, status: &str, output: String) {
        let follows = |check: &&Arc<HealthCheck>| {
            check.kind == SESSION_CHECK && !session.name.is_empty() && check.definition.session_name == session.name
        };
        let rows = self.tables.checks.iter_prefix(&join(&[&session.node])).map(|slot| &slot.value);
        let rows: Vec<_> = rows.filter(follows).cloned().collect();
        for row in rows {
            self.put_check(HealthCheck { status: status.into(), output: output.clone(), ..(*row).clone() });
        }
    }

    /// What a session needs of its checks: present and not critical, unless they follow sessions themselves.
    pub fn session_checks_pass(&self, session: &Session) -> Result<(), String> {
        for id in session.check_ids() {
            let Some(check) = self.tables.check(&session.node, id) else {
                return Err(format!("Missing check '{id}' registration"));
            };
            if check.status == "critical" && check.kind != SESSION_CHECK {
                return Err(format!("Check '{id}' is in critical state"));
            }
        }
        Ok(())
    }

    /// Writes a check if `modify_index` matches the row (0: if there is none). False when it does not.
    pub fn ensure_check_cas(&mut self, check: &HealthCheck) -> Result<bool, String> {
        let stored = self.tables.check(&check.node, &check.check_id).map(|row| row.modify_index);
        if !cas_matches(stored, check.modify_index) {
            return Ok(false);
        }
        self.ensure_check(check).map(|()| true)
    }

    /// Removes a check if its index matches. False when it does not, or when there is none.
    pub fn delete_check_cas(&mut self, node: &str, id: &str, index: Index) -> bool {
        let matches = self.tables.check(node, id).is_some_and(|row| row.modify_index == index);
        if matches {
            self.delete_check(node, id);
        }
        matches
    }
}
