//! Auth methods and their binding rules.

use super::{created, link_row, unlink_row};
use crate::state::index::Table;
use crate::state::key::{Key, join, lower};
use crate::state::radix::Slot;
use crate::state::tables::{Tables, Writer};
use crate::state::watch::Space;
use crate::state::{Outcome, Snapshot, WatchSet};
use crate::types::Index;
use crate::types::acl::{
    AclAuthMethodBatchDelete, AclAuthMethodBatchSet, AclBindingRuleBatchDelete, AclBindingRuleBatchSet, AuthMethod,
    BindingRule,
};
use std::sync::Arc;

impl Tables {
    fn method(&self, name: &str) -> Option<&Arc<AuthMethod>> {
        self.acl.methods.get(&join(&[name])).map(|slot| &slot.value)
    }

    fn rule(&self, id: &str) -> Option<&Arc<BindingRule>> {
        self.acl.rules.get(&join(&[id])).map(|slot| &slot.value)
    }
}

impl Writer {
    /// Stores auth methods, all or none.
    pub fn set_methods(&mut self, request: &AclAuthMethodBatchSet) -> Result<Outcome, String> {
        for method in &request.auth_methods {
            if method.name.is_empty() {
                return Err("Missing ACL Auth Method Name".into());
            }
            if method.kind.is_empty() {
                return Err("Missing ACL Auth Method Type".into());
            }
            let create_index = created(self.tables.method(&method.name).map(|stored| stored.create_index), self.index);
            self.put_method(AuthMethod { create_index, modify_index: self.index, ..method.clone() });
        }
        Ok(Outcome::Done)
    }

    /// Stores a row as it is, in the place of one with the same name.
    pub fn put_method(&mut self, row: AuthMethod) {
        let key = join(&[&row.name]);
        let name = row.name.clone();
        self.tables.acl.methods.insert(Slot::new(&key, Arc::new(row)));
        self.touch_method(&name);
    }

    fn touch_method(&mut self, name: &str) {
        self.move_table(Table::AclAuthMethods);
        self.touch(Space::AclAuthMethod, name);
    }

    /// Removes auth methods with their binding rules and tokens; those that are gone already are no error.
    pub fn delete_methods(&mut self, request: &AclAuthMethodBatchDelete) -> Outcome {
        for name in &request.auth_method_names {
            let key = join(&[name]);
            if self.tables.acl.methods.remove(&key).is_none() {
                continue;
            }
            self.touch_method(name);
            let rules = self.tables.acl.rules_by_method.iter_prefix(&key);
            let rules: Vec<_> = rules.map(|slot| slot.value.id.clone()).collect();
            rules.iter().for_each(|id| self.delete_rule(id));
            let tokens = self.tables.acl.tokens_by_method.iter_prefix(&key);
            let tokens: Vec<_> = tokens.map(|slot| slot.value.accessor_id.clone()).collect();
            tokens.iter().for_each(|accessor| self.delete_token(accessor));
        }
        Outcome::Done
    }

    /// Stores binding rules, all or none.
    pub fn set_rules(&mut self, request: &AclBindingRuleBatchSet) -> Result<Outcome, String> {
        for rule in &request.binding_rules {
            if rule.id.is_empty() {
                return Err("Missing ACL Binding Rule ID".into());
            }
            if rule.auth_method.is_empty() {
                return Err("Missing ACL Binding Rule Auth Method".into());
            }
            if self.tables.method(&rule.auth_method).is_none() {
                return Err(format!("cannot find auth method with name {:?}", rule.auth_method));
            }
            let create_index = created(self.tables.rule(&rule.id).map(|stored| stored.create_index), self.index);
            self.put_rule(BindingRule { create_index, modify_index: self.index, ..rule.clone() });
        }
        Ok(Outcome::Done)
    }

    /// Stores a row as it is, in the place of one with the same id.
    pub fn put_rule(&mut self, row: BindingRule) {
        let row = Arc::new(row);
        let stored = self.tables.rule(&row.id).cloned();
        let acl = &mut self.tables.acl;
        if let Some(old) = stored {
            unlink_row(&mut acl.rules_by_method, [old.auth_method.as_str()], &old.id);
        }
        acl.rules.insert(Slot::new(&join(&[&row.id]), row.clone()));
        link_row(&mut acl.rules_by_method, [row.auth_method.as_str()], &row.id, &row);
        self.touch_rule(&row.id);
    }

    fn touch_rule(&mut self, id: &str) {
        self.move_table(Table::AclBindingRules);
        self.touch(Space::AclBindingRule, id);
    }

    /// Removes binding rules; those that are gone already are no error.
    pub fn delete_rules(&mut self, request: &AclBindingRuleBatchDelete) -> Outcome {
        request.binding_rule_ids.iter().for_each(|id| self.delete_rule(id));
        Outcome::Done
    }

    fn delete_rule(&mut self, id: &str) {
        let Some(row) = self.tables.acl.rules.remove(&join(&[id])) else { return };
        unlink_row(&mut self.tables.acl.rules_by_method, [row.value.auth_method.as_str()], id);
        self.touch_rule(id);
    }
}

impl Snapshot {
    fn method_index(&self, ws: &mut WatchSet) -> Index {
        ws.depend_tables(&[Table::AclAuthMethods]);
        self.tables().indexes.table(Table::AclAuthMethods)
    }

    fn rule_index(&self, ws: &mut WatchSet) -> Index {
        ws.depend_tables(&[Table::AclBindingRules]);
        self.tables().indexes.table(Table::AclBindingRules)
    }

    /// An auth method by name.
    pub fn acl_auth_method(&self, ws: &mut WatchSet, name: &str) -> (Index, Option<Arc<AuthMethod>>) {
        ws.watch(Space::AclAuthMethod, lower(name).as_bytes());
        (self.method_index(ws), self.tables().method(name).cloned())
    }

    /// All auth methods, by name.
    pub fn acl_auth_methods(&self, ws: &mut WatchSet) -> (Index, Vec<Arc<AuthMethod>>) {
        ws.watch_table(Table::AclAuthMethods);
        let rows = self.tables().acl.methods.iter().map(|slot| slot.value.clone()).collect();
        (self.method_index(ws), rows)
    }

    /// A binding rule by id.
    pub fn acl_binding_rule(&self, ws: &mut WatchSet, id: &str) -> (Index, Option<Arc<BindingRule>>) {
        ws.watch(Space::AclBindingRule, lower(id).as_bytes());
        (self.rule_index(ws), self.tables().rule(id).cloned())
    }

    /// Binding rules by id; with an auth method only those of it.
    pub fn acl_binding_rules(&self, ws: &mut WatchSet, method: &str) -> (Index, Vec<Arc<BindingRule>>) {
        ws.watch_table(Table::AclBindingRules);
        let acl = &self.tables().acl;
        let (rows, prefix) = match method {
            "" => (&acl.rules, Key::new()),
            method => (&acl.rules_by_method, join(&[method])),
        };
        let rows = rows.iter_prefix(&prefix).map(|slot| slot.value.clone()).collect();
        (self.rule_index(ws), rows)
    }
}
