//! The tables of access control: tokens, policies, roles, auth methods and binding rules (`spec/semantics.md` 1.2, 2.1).
//!
//! Links between rows are kept by id. What they lead to may be gone: reading drops such a link and gives the others the name
//! that the row has now, so that a policy can be renamed or deleted without touching a token.

mod methods;
mod policies;
mod roles;
mod tokens;

pub use tokens::TokenFilter;

use super::key::join;
use super::radix::Slot;
use super::tables::{Rows, Tables};
use super::watch::Space;
use super::{Snapshot, WatchSet};
use crate::types::Index;
use crate::types::acl::{AclLink, AclPolicy, AclRole, AclToken, AuthMethod, BindingRule};
use std::sync::Arc;

/// The part of the tables that belongs to access control.
#[derive(Clone, Default)]
pub struct AclTables {
    /// Tokens by accessor.
    pub tokens: Rows<Arc<AclToken>>,
    /// Tokens by secret, byte by byte: secrets that are no UUIDs differ by case.
    pub tokens_by_secret: Rows<Arc<AclToken>>,
    /// Tokens by `local` or `global`, accessor.
    pub tokens_by_locality: Rows<Arc<AclToken>>,
    /// Tokens by linked policy, accessor.
    pub tokens_by_policy: Rows<Arc<AclToken>>,
    /// Tokens by linked role, accessor.
    pub tokens_by_role: Rows<Arc<AclToken>>,
    /// Tokens by auth method, accessor.
    pub tokens_by_method: Rows<Arc<AclToken>>,
    /// Tokens by service of an identity, accessor.
    pub tokens_by_service: Rows<Arc<AclToken>>,
    /// Tokens by `local` or `global`, the moment of their end, accessor.
    pub tokens_by_end: Rows<Arc<AclToken>>,
    /// Policies by id.
    pub policies: Rows<Arc<AclPolicy>>,
    /// Policies by name.
    pub policies_by_name: Rows<Arc<AclPolicy>>,
    /// Roles by id.
    pub roles: Rows<Arc<AclRole>>,
    /// Roles by name.
    pub roles_by_name: Rows<Arc<AclRole>>,
    /// Roles by linked policy, id.
    pub roles_by_policy: Rows<Arc<AclRole>>,
    /// Binding rules by id.
    pub rules: Rows<Arc<BindingRule>>,
    /// Binding rules by auth method, id.
    pub rules_by_method: Rows<Arc<BindingRule>>,
    /// Auth methods by name.
    pub methods: Rows<Arc<AuthMethod>>,
}

/// Name of the index that tells when the first token was made.
pub const BOOTSTRAP: &[u8] = b"acl-token-bootstrap";

/// What an object of a batch wants from the one that is stored: keep the index of its insert.
fn created(stored: Option<Index>, now: Index) -> Index {
    stored.unwrap_or(now)
}

/// Puts a row under each of some keys made of a first part and the row's own id.
fn link_row<'a, T>(rows: &mut Rows<Arc<T>>, firsts: impl IntoIterator<Item = &'a str>, id: &str, row: &Arc<T>) {
    for first in firsts {
        rows.insert(Slot::new(&join(&[first, id]), row.clone()));
    }
}

/// Undoes [`link_row`].
fn unlink_row<'a, T>(rows: &mut Rows<Arc<T>>, firsts: impl IntoIterator<Item = &'a str>, id: &str) {
    for first in firsts {
        rows.remove(&join(&[first, id]));
    }
}

/// Ids of links.
fn ids(links: &[AclLink]) -> impl Iterator<Item = &str> {
    links.iter().map(|link| link.id.as_str())
}

/// The links with the names that their rows have now; none when they are stored that way.
fn relinked<'a>(links: &[AclLink], name: impl Fn(&str) -> Option<&'a str>) -> Option<Vec<AclLink>> {
    if links.iter().all(|link| name(&link.id) == Some(&link.name)) {
        return None;
    }
    let kept = links.iter().filter_map(|link| Some(AclLink { id: link.id.clone(), name: name(&link.id)?.to_owned() }));
    Some(kept.collect())
}

impl Tables {
    fn policy_name(&self, id: &str) -> Option<&str> {
        self.acl.policies.get(&join(&[id])).map(|slot| slot.value.name.as_str())
    }

    fn role_name(&self, id: &str) -> Option<&str> {
        self.acl.roles.get(&join(&[id])).map(|slot| slot.value.name.as_str())
    }
}

impl Snapshot {
    /// Index of the first token; none while there may be one.
    pub fn acl_bootstrap_index(&self) -> Option<Index> {
        self.tables().indexes.named(BOOTSTRAP).filter(|index| *index > 0)
    }
}

impl WatchSet {
    /// Changes of the rows that these links lead to wake.
    fn watch_links(&mut self, space: Space, links: &[AclLink]) {
        ids(links).for_each(|id| self.watch(space, super::key::lower(id).as_bytes()));
    }
}
