//! Policies.

use super::created;
use crate::state::index::Table;
use crate::state::key::{join, lower};
use crate::state::radix::Slot;
use crate::state::tables::{Tables, Writer};
use crate::state::watch::Space;
use crate::state::{Outcome, Snapshot, WatchSet};
use crate::types::Index;
use crate::types::acl::{
    AclLink, AclPolicy, AclPolicyBatchDelete, AclPolicyBatchSet, BuiltinPolicy, GLOBAL_MANAGEMENT_ID,
};
use std::sync::Arc;

impl Tables {
    fn policy(&self, id: &str) -> Option<&Arc<AclPolicy>> {
        self.acl.policies.get(&join(&[id])).map(|slot| &slot.value)
    }

    fn policy_named(&self, name: &str) -> Option<&Arc<AclPolicy>> {
        self.acl.policies_by_name.get(&join(&[name])).map(|slot| &slot.value)
    }
}

impl Writer {
    /// Links that are about to be stored, with the names of the moment.
    pub(super) fn checked_policies(&self, links: &[AclLink], missing: bool) -> Result<Vec<AclLink>, String> {
        let name = |link: &AclLink| match self.tables.policy_name(&link.id) {
            Some(name) => Ok(AclLink { id: link.id.clone(), name: name.to_owned() }),
            None if missing && !link.id.is_empty() => Ok(link.clone()),
            None => Err(format!("No such ACL policy with ID {:?}", link.id)),
        };
        links.iter().map(name).collect()
    }

    /// Stores policies, all or none. What may change of a builtin one is not looked at here: copies from a primary datacenter
    /// of another version have other rules.
    pub fn set_policies(&mut self, request: &AclPolicyBatchSet) -> Result<Outcome, String> {
        request.policies.iter().try_for_each(|policy| self.set_policy(policy, &request.policies))?;
        Ok(Outcome::Done)
    }

    /// A name may be one that another policy of the same batch gives up.
    fn set_policy(&mut self, policy: &AclPolicy, batch: &[AclPolicy]) -> Result<(), String> {
        if policy.id.is_empty() {
            return Err("Missing ACL Policy ID".into());
        }
        if policy.name.is_empty() {
            return Err("Missing ACL Policy Name".into());
        }
        let keeps = |other: &AclPolicy| {
            let gives_up = |next: &AclPolicy| next.id == other.id && lower(&next.name) != lower(&other.name);
            other.id != policy.id && !batch.iter().any(gives_up)
        };
        if self.tables.policy_named(&policy.name).is_some_and(|other| keeps(other)) {
            return Err(format!("Invalid Policy: A Policy with Name {:?} already exists", policy.name));
        }
        let create_index = created(self.tables.policy(&policy.id).map(|stored| stored.create_index), self.index);
        self.put_policy(AclPolicy { create_index, modify_index: self.index, ..policy.clone() });
        Ok(())
    }

    /// Stores a row as it is, in the place of one with the same id.
    pub fn put_policy(&mut self, row: AclPolicy) {
        let row = Arc::new(row);
        if let Some(old) = self.tables.policy(&row.id).cloned() {
            self.forget_policy_name(&old);
        }
        let acl = &mut self.tables.acl;
        acl.policies.insert(Slot::new(&join(&[&row.id]), row.clone()));
        acl.policies_by_name.insert(Slot::new(&join(&[&row.name]), row.clone()));
        self.touch_policy(&row.id);
    }

    /// Removes a name, unless another policy has it by now.
    fn forget_policy_name(&mut self, row: &AclPolicy) {
        let key = join(&[&row.name]);
        if self.tables.acl.policies_by_name.get(&key).is_some_and(|slot| slot.value.id == row.id) {
            self.tables.acl.policies_by_name.remove(&key);
        }
    }

    fn touch_policy(&mut self, id: &str) {
        self.move_table(Table::AclPolicies);
        self.touch(Space::AclPolicy, id);
    }

    /// Removes policies; those that are gone already are no error.
    pub fn delete_policies(&mut self, request: &AclPolicyBatchDelete) -> Result<Outcome, String> {
        for id in &request.policy_ids {
            if let Some(builtin) = BuiltinPolicy::with_id(id) {
                return Err(format!("Deletion of the builtin {} policy is not permitted", builtin.name));
            }
            let Some(row) = self.tables.acl.policies.remove(&join(&[id])) else { continue };
            self.forget_policy_name(&row.value);
            self.touch_policy(id);
        }
        Ok(Outcome::Done)
    }
}

impl Snapshot {
    fn policy_index(&self, ws: &mut WatchSet) -> Index {
        ws.depend_tables(&[Table::AclPolicies]);
        self.tables().indexes.table(Table::AclPolicies)
    }

    /// A policy by id.
    pub fn acl_policy(&self, ws: &mut WatchSet, id: &str) -> (Index, Option<Arc<AclPolicy>>) {
        ws.watch(Space::AclPolicy, lower(id).as_bytes());
        (self.policy_index(ws), self.tables().policy(id).cloned())
    }

    /// A policy by name.
    pub fn acl_policy_by_name(&self, ws: &mut WatchSet, name: &str) -> (Index, Option<Arc<AclPolicy>>) {
        let row = self.tables().policy_named(name).cloned();
        match &row {
            Some(row) => ws.watch(Space::AclPolicy, lower(&row.id).as_bytes()),
            None => ws.watch_table(Table::AclPolicies),
        }
        (self.policy_index(ws), row)
    }

    /// All policies, by id.
    pub fn acl_policies(&self, ws: &mut WatchSet) -> (Index, Vec<Arc<AclPolicy>>) {
        ws.watch_table(Table::AclPolicies);
        let rows = self.tables().acl.policies.iter().map(|slot| slot.value.clone()).collect();
        (self.policy_index(ws), rows)
    }

    /// Policies by id, those of the list that exist.
    pub fn acl_policies_of(&self, ws: &mut WatchSet, ids: &[String]) -> (Index, Vec<Arc<AclPolicy>>) {
        let rows = ids.iter().filter_map(|id| self.acl_policy(ws, id).1).collect();
        (self.policy_index(ws), rows)
    }

    /// The policy that everything may be done with has been made.
    pub fn acl_has_management_policy(&self) -> bool {
        self.tables().policy(GLOBAL_MANAGEMENT_ID).is_some()
    }
}
