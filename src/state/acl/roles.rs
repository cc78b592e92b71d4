//! Roles.

use super::{created, ids, link_row, relinked, unlink_row};
use crate::state::index::Table;
use crate::state::key::{Key, join, lower};
use crate::state::radix::Slot;
use crate::state::tables::{Tables, Writer};
use crate::state::watch::Space;
use crate::state::{Outcome, Snapshot, WatchSet};
use crate::types::Index;
use crate::types::acl::{AclLink, AclRole, AclRoleBatchDelete, AclRoleBatchSet};
use std::sync::Arc;

impl Tables {
    /// A role by id.
    pub(super) fn role(&self, id: &str) -> Option<&Arc<AclRole>> {
        self.acl.roles.get(&join(&[id])).map(|slot| &slot.value)
    }

    fn role_named(&self, name: &str) -> Option<&Arc<AclRole>> {
        self.acl.roles_by_name.get(&join(&[name])).map(|slot| &slot.value)
    }
}

impl Writer {
    /// Links that are about to be stored, with the names of the moment.
    pub(super) fn checked_roles(&self, links: &[AclLink], missing: bool) -> Result<Vec<AclLink>, String> {
        let name = |link: &AclLink| match self.tables.role_name(&link.id) {
            Some(name) => Ok(AclLink { id: link.id.clone(), name: name.to_owned() }),
            None if missing && !link.id.is_empty() => Ok(link.clone()),
            None => Err(format!("No such ACL role with ID {:?}", link.id)),
        };
        links.iter().map(name).collect()
    }

    /// Stores roles, all or none.
    pub fn set_roles(&mut self, request: &AclRoleBatchSet) -> Result<Outcome, String> {
        request.roles.iter().try_for_each(|role| self.set_role(role, request))?;
        Ok(Outcome::Done)
    }

    /// A name may be one that another role of the same batch gives up.
    fn set_role(&mut self, role: &AclRole, batch: &AclRoleBatchSet) -> Result<(), String> {
        if role.id.is_empty() {
            return Err("Missing ACL Role ID".into());
        }
        if role.name.is_empty() {
            return Err("Missing ACL Role Name".into());
        }
        let keeps = |other: &AclRole| {
            let gives_up = |next: &AclRole| next.id == other.id && lower(&next.name) != lower(&other.name);
            other.id != role.id && !batch.roles.iter().any(gives_up)
        };
        if self.tables.role_named(&role.name).is_some_and(|other| keeps(other)) {
            return Err(format!("Invalid Role: A Role with Name {:?} already exists", role.name));
        }
        let policies = self.checked_policies(&role.policies, batch.allow_missing_links)?;
        let create_index = created(self.tables.role(&role.id).map(|stored| stored.create_index), self.index);
        self.put_role(AclRole { policies, create_index, modify_index: self.index, ..role.clone() });
        Ok(())
    }

    /// Stores a row as it is, in the place of one with the same id.
    pub fn put_role(&mut self, row: AclRole) {
        let row = Arc::new(row);
        if let Some(old) = self.tables.role(&row.id).cloned() {
            self.forget_role(&old);
        }
        let acl = &mut self.tables.acl;
        acl.roles.insert(Slot::new(&join(&[&row.id]), row.clone()));
        acl.roles_by_name.insert(Slot::new(&join(&[&row.name]), row.clone()));
        link_row(&mut acl.roles_by_policy, ids(&row.policies), &row.id, &row);
        self.touch_role(&row.id);
    }

    fn forget_role(&mut self, row: &AclRole) {
        let acl = &mut self.tables.acl;
        acl.roles.remove(&join(&[&row.id]));
        let name = join(&[&row.name]);
        // unless another role has it by now
        if acl.roles_by_name.get(&name).is_some_and(|slot| slot.value.id == row.id) {
            acl.roles_by_name.remove(&name);
        }
        unlink_row(&mut acl.roles_by_policy, ids(&row.policies), &row.id);
    }

    fn touch_role(&mut self, id: &str) {
        self.move_table(Table::AclRoles);
        self.touch(Space::AclRole, id);
    }

    /// Removes roles; those that are gone already are no error.
    pub fn delete_roles(&mut self, request: &AclRoleBatchDelete) -> Outcome {
        for id in &request.role_ids {
            let Some(row) = self.tables.role(id).cloned() else { continue };
            self.forget_role(&row);
            self.touch_role(id);
        }
        Outcome::Done
    }
}

impl Snapshot {
    fn role_index(&self, ws: &mut WatchSet) -> Index {
        ws.depend_tables(&[Table::AclRoles]);
        self.tables().indexes.table(Table::AclRoles)
    }

    /// A role with its links as they are now.
    fn shown_role(&self, role: &Arc<AclRole>) -> Arc<AclRole> {
        match relinked(&role.policies, |id| self.tables().policy_name(id)) {
            None => role.clone(),
            Some(policies) => Arc::new(AclRole { policies, ..AclRole::clone(role) }),
        }
    }

    fn watched_role(&self, ws: &mut WatchSet, role: Option<&Arc<AclRole>>) -> Option<Arc<AclRole>> {
        let role = role?;
        ws.watch(Space::AclRole, lower(&role.id).as_bytes());
        ws.watch_links(Space::AclPolicy, &role.policies);
        Some(self.shown_role(role))
    }

    /// A role by id.
    pub fn acl_role(&self, ws: &mut WatchSet, id: &str) -> (Index, Option<Arc<AclRole>>) {
        ws.watch(Space::AclRole, lower(id).as_bytes());
        (self.role_index(ws), self.watched_role(ws, self.tables().role(id)))
    }

    /// A role by name.
    pub fn acl_role_by_name(&self, ws: &mut WatchSet, name: &str) -> (Index, Option<Arc<AclRole>>) {
        let row = self.tables().role_named(name);
        if row.is_none() {
            ws.watch_table(Table::AclRoles);
        }
        (self.role_index(ws), self.watched_role(ws, row))
    }

    /// Roles by id; with a policy only those that are linked to it.
    pub fn acl_roles(&self, ws: &mut WatchSet, policy: &str) -> (Index, Vec<Arc<AclRole>>) {
        ws.watch_table(Table::AclRoles);
        ws.depend_tables(&[Table::AclPolicies]);
        let acl = &self.tables().acl;
        let (rows, prefix) = match policy {
            "" => (&acl.roles, Key::new()),
            policy => (&acl.roles_by_policy, join(&[policy])),
        };
        let rows = rows.iter_prefix(&prefix).map(|slot| self.shown_role(&slot.value)).collect();
        (self.role_index(ws), rows)
    }

    /// Roles by id, those of the list that exist.
    pub fn acl_roles_of(&self, ws: &mut WatchSet, ids: &[String]) -> (Index, Vec<Arc<AclRole>>) {
        let rows = ids.iter().filter_map(|id| self.acl_role(ws, id).1).collect();
        (self.role_index(ws), rows)
    }
}
