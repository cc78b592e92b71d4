//! Tokens, and the one that is made first.

use super::{BOOTSTRAP, created, ids, link_row, relinked, unlink_row};
use crate::state::index::Table;
use crate::state::key::{Key, join};
use crate::state::radix::Slot;
use crate::state::tables::{Tables, Writer};
use crate::state::watch::Space;
use crate::state::{Outcome, Snapshot, WatchSet};
use crate::types::acl::{
    ANONYMOUS_ACCESSOR, AclBootstrapEntry, AclLink, AclRole, AclToken, AclTokenBatchDelete, AclTokenBatchSet,
    AclTokenListRequest,
};
use crate::types::{Error, Index, Result, Timestamp};
use std::sync::Arc;

/// First part of keys that keep local and global tokens apart.
const fn locality(local: bool) -> &'static str {
    if local { "local" } else { "global" }
}

/// Key of a token in the order of ends. Times before the year one do not come; they would sort last.
fn end_key(token: &AclToken) -> Option<Key> {
    let end = token.expiration_time.filter(|end| !end.is_zero())?;
    let mut key = join(&[locality(token.local)]);
    key.extend_from_slice(&end.sort_key());
    key.extend_from_slice(&join(&[&token.accessor_id]));
    Some(key)
}

fn services(token: &AclToken) -> impl Iterator<Item = &str> {
    token.service_identities.iter().map(|identity| identity.service_name.as_str())
}

fn method(token: &AclToken) -> Option<&str> {
    Some(token.auth_method.as_str()).filter(|name| !name.is_empty())
}

impl Tables {
    fn token(&self, accessor: &str) -> Option<&Arc<AclToken>> {
        self.acl.tokens.get(&join(&[accessor])).map(|slot| &slot.value)
    }
}

impl Writer {
    /// Makes the first token, or another first one when the index of the last is known.
    pub fn bootstrap_acl(&mut self, request: &AclBootstrapEntry) -> Result<Outcome, String> {
        if let Some(index) = self.tables.indexes.named(BOOTSTRAP).filter(|index| *index > 0) {
            let reset = request.reset_index;
            if reset == 0 {
                return Err(format!("Permission denied: ACL bootstrap no longer allowed (reset index: {index})"));
            }
            if reset != index {
                return Err(format!("Invalid bootstrap reset index (specified {reset}, reset index: {index})"));
            }
        }
        self.set_token(&request.token, &AclTokenBatchSet::default())?;
        self.tables.indexes.set_named(BOOTSTRAP, self.index);
        Ok(Outcome::Done)
    }

    /// Stores tokens, all or none.
    pub fn set_tokens(&mut self, request: &AclTokenBatchSet) -> Result<Outcome, String> {
        request.tokens.iter().try_for_each(|token| self.set_token(token, request))?;
        Ok(Outcome::Done)
    }

    fn set_token(&mut self, token: &AclToken, options: &AclTokenBatchSet) -> Result<(), String> {
        if token.secret_id.is_empty() {
            return Err("Missing ACL Token SecretID".into());
        }
        if token.accessor_id.is_empty() {
            return Err("Missing ACL Token AccessorID".into());
        }
        let stored = self.tables.token(&token.accessor_id);
        if options.cas && stored.map_or(0, |stored| stored.modify_index) != token.modify_index {
            return Ok(());
        }
        if stored.is_some_and(|stored| stored.secret_id != token.secret_id) {
            return Err("The ACL Token SecretID field is immutable".into());
        }
        let owner = self.tables.acl.tokens_by_secret.get(token.secret_id.as_bytes());
        if owner.is_some_and(|owner| !owner.value.accessor_id.eq_ignore_ascii_case(&token.accessor_id)) {
            return Err("The ACL Token AccessorID field is immutable".into());
        }
        let create_index = created(stored.map(|stored| stored.create_index), self.index);
        let mut row = AclToken { create_index, modify_index: self.index, ..token.clone() };
        row.policies = self.checked_policies(&token.policies, options.allow_missing_links)?;
        row.roles = self.checked_roles(&token.roles, options.allow_missing_links)?;
        if let Some(name) = method(token)
            && !options.from_replication
            && !self.tables.acl.methods.contains(&join(&[name]))
        {
            return Err(format!("No such ACL auth method with name {name:?}"));
        }
        if options.prohibit_unprivileged && !self.is_privileged(&row) {
            return Err("Permission denied".into());
        }
        self.put_token(row);
        Ok(())
    }

    /// A link counts only when it leads somewhere, a role only when it grants something.
    fn is_privileged(&self, token: &AclToken) -> bool {
        let policies = |links: &[AclLink]| ids(links).any(|id| self.tables.policy_name(id).is_some());
        let grants = |role: &AclRole| {
            policies(&role.policies)
                || !role.service_identities.is_empty()
                || !role.node_identities.is_empty()
                || !role.templated_policies.is_empty()
        };
        policies(&token.policies)
            || ids(&token.roles).any(|id| self.tables.role(id).is_some_and(|role| grants(role)))
            || !token.service_identities.is_empty()
            || !token.node_identities.is_empty()
            || !token.templated_policies.is_empty()
    }

    /// Stores a row as it is, in the place of one with the same accessor.
    pub fn put_token(&mut self, row: AclToken) {
        if let Some(old) = self.tables.token(&row.accessor_id).cloned() {
            self.forget_token(&old);
        }
        let row = Arc::new(row);
        let acl = &mut self.tables.acl;
        let id = row.accessor_id.as_str();
        acl.tokens.insert(Slot::new(&join(&[id]), row.clone()));
        acl.tokens_by_secret.insert(Slot::new(row.secret_id.as_bytes(), row.clone()));
        link_row(&mut acl.tokens_by_locality, [locality(row.local)], id, &row);
        link_row(&mut acl.tokens_by_policy, ids(&row.policies), id, &row);
        link_row(&mut acl.tokens_by_role, ids(&row.roles), id, &row);
        link_row(&mut acl.tokens_by_method, method(&row), id, &row);
        link_row(&mut acl.tokens_by_service, services(&row), id, &row);
        if let Some(key) = end_key(&row) {
            acl.tokens_by_end.insert(Slot::new(&key, row.clone()));
        }
        self.touch_token(id);
    }

    fn touch_token(&mut self, accessor: &str) {
        self.move_table(Table::AclTokens);
        self.touch(Space::AclToken, accessor);
    }

    /// Removes a row from all tables.
    fn forget_token(&mut self, row: &AclToken) {
        let acl = &mut self.tables.acl;
        let id = row.accessor_id.as_str();
        acl.tokens.remove(&join(&[id]));
        acl.tokens_by_secret.remove(row.secret_id.as_bytes());
        unlink_row(&mut acl.tokens_by_locality, [locality(row.local)], id);
        unlink_row(&mut acl.tokens_by_policy, ids(&row.policies), id);
        unlink_row(&mut acl.tokens_by_role, ids(&row.roles), id);
        unlink_row(&mut acl.tokens_by_method, method(row), id);
        unlink_row(&mut acl.tokens_by_service, services(row), id);
        if let Some(key) = end_key(row) {
            acl.tokens_by_end.remove(&key);
        }
    }

    /// Removes tokens; those that are gone already are no error.
    pub fn delete_tokens(&mut self, request: &AclTokenBatchDelete) -> Result<Outcome, String> {
        for accessor in &request.token_ids {
            if accessor == ANONYMOUS_ACCESSOR {
                return Err("Deletion of the builtin anonymous token is not permitted".into());
            }
            self.delete_token(accessor);
        }
        Ok(Outcome::Done)
    }

    pub(super) fn delete_token(&mut self, accessor: &str) {
        let Some(row) = self.tables.token(accessor).cloned() else { return };
        self.forget_token(&row);
        self.touch_token(accessor);
    }
}

/// Which tokens a list has. The request's filters exclude each other, except for the locality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFilter<'a> {
    /// All.
    All,
    /// Those with a link to this policy.
    Policy(&'a str),
    /// Those with a link to this role.
    Role(&'a str),
    /// Those of this auth method.
    Method(&'a str),
    /// Those with an identity of this service.
    Service(&'a str),
}

impl<'a> TokenFilter<'a> {
    /// The filter of a request.
    ///
    /// # Errors
    /// There is more than one.
    pub fn of(request: &'a AclTokenListRequest) -> Result<TokenFilter<'a>> {
        let filters = [
            (request.policy.as_str(), TokenFilter::Policy as fn(&'a str) -> TokenFilter<'a>),
            (&request.role, TokenFilter::Role),
            (&request.auth_method, TokenFilter::Method),
            (&request.service_name, TokenFilter::Service),
        ];
        let mut set = filters.into_iter().filter(|(value, _)| !value.is_empty());
        let filter = set.next().map_or(TokenFilter::All, |(value, filter)| filter(value));
        match set.next() {
            None => Ok(filter),
            Some(_) => Err(Error::new("can only filter by one of policy, role, serviceName, or methodName at a time")),
        }
    }
}

impl Snapshot {
    fn token_index(&self, ws: &mut WatchSet) -> Index {
        ws.depend_tables(&[Table::AclTokens]);
        self.tables().indexes.table(Table::AclTokens)
    }

    /// A token with its links as they are now.
    fn shown_token(&self, token: &Arc<AclToken>) -> Arc<AclToken> {
        let tables = self.tables();
        let policies = relinked(&token.policies, |id| tables.policy_name(id));
        let roles = relinked(&token.roles, |id| tables.role_name(id));
        if policies.is_none() && roles.is_none() {
            return token.clone();
        }
        let mut shown = AclToken::clone(token);
        shown.policies = policies.unwrap_or(shown.policies);
        shown.roles = roles.unwrap_or(shown.roles);
        Arc::new(shown)
    }

    fn watched_token(&self, ws: &mut WatchSet, token: Option<&Arc<AclToken>>) -> Option<Arc<AclToken>> {
        let token = token?;
        ws.watch(Space::AclToken, crate::state::key::lower(&token.accessor_id).as_bytes());
        ws.watch_links(Space::AclPolicy, &token.policies);
        ws.watch_links(Space::AclRole, &token.roles);
        Some(self.shown_token(token))
    }

    /// A token by accessor. Its time may be over.
    pub fn acl_token(&self, ws: &mut WatchSet, accessor: &str) -> (Index, Option<Arc<AclToken>>) {
        ws.watch(Space::AclToken, crate::state::key::lower(accessor).as_bytes());
        (self.token_index(ws), self.watched_token(ws, self.tables().token(accessor)))
    }

    /// A token by secret. Its time may be over.
    pub fn acl_token_by_secret(&self, ws: &mut WatchSet, secret: &str) -> (Index, Option<Arc<AclToken>>) {
        let token = self.tables().acl.tokens_by_secret.get(secret.as_bytes()).map(|slot| &slot.value);
        if token.is_none() {
            // any new token may be the one
            ws.watch_table(Table::AclTokens);
        }
        (self.token_index(ws), self.watched_token(ws, token))
    }

    /// Tokens by accessor, also those whose time is over; without both localities there are all.
    pub fn acl_tokens(
        &self,
        ws: &mut WatchSet,
        filter: TokenFilter<'_>,
        (local, global): (bool, bool),
    ) -> (Index, Vec<Arc<AclToken>>) {
        ws.watch_table(Table::AclTokens);
        ws.depend_tables(&[Table::AclPolicies, Table::AclRoles]);
        let acl = &self.tables().acl;
        let (rows, first) = match filter {
            TokenFilter::All if local != global => (&acl.tokens_by_locality, locality(local)),
            TokenFilter::All => (&acl.tokens, ""),
            TokenFilter::Policy(id) => (&acl.tokens_by_policy, id),
            TokenFilter::Role(id) => (&acl.tokens_by_role, id),
            TokenFilter::Method(name) => (&acl.tokens_by_method, name),
            TokenFilter::Service(name) => (&acl.tokens_by_service, name),
        };
        let prefix = if first.is_empty() { Key::new() } else { join(&[first]) };
        let rows = rows.iter_prefix(&prefix).map(|slot| &slot.value);
        let rows = rows.filter(|token| local == global || token.local == local);
        (self.token_index(ws), rows.map(|token| self.shown_token(token)).collect())
    }

    /// Tokens by accessor, those of the list that exist.
    pub fn acl_tokens_of(&self, ws: &mut WatchSet, accessors: &[String]) -> (Index, Vec<Arc<AclToken>>) {
        let rows = accessors.iter().filter_map(|accessor| self.acl_token(ws, accessor).1).collect();
        (self.token_index(ws), rows)
    }

    /// Accessors of tokens whose time is over, those of the earliest end first, `most` at most.
    pub fn acl_expired_tokens(&self, local: bool, now: Timestamp, most: usize) -> Vec<String> {
        let ends = self.tables().acl.tokens_by_end.iter_prefix(&join(&[locality(local)]));
        ends.take_while(|slot| slot.value.is_expired(now))
            .take(most)
            .map(|slot| slot.value.accessor_id.clone())
            .collect()
    }

    /// When the next token ends.
    pub fn acl_next_end(&self, ws: &mut WatchSet, local: bool) -> Option<Timestamp> {
        ws.watch_table(Table::AclTokens);
        let mut ends = self.tables().acl.tokens_by_end.iter_prefix(&join(&[locality(local)]));
        ends.next().and_then(|slot| slot.value.expiration_time)
    }
}
