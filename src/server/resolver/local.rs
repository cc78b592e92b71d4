//! Secrets that are looked up in this server's own state.

use super::{Bounds, anonymous, authorizer, links};
use crate::acl::recent::Recent;
use crate::acl::{AclSettings, Authorizer, Base, Compiler, same_secret};
use crate::state::{Snapshot, Store, WatchSet};
use crate::types::Result;
use crate::types::acl::{ANONYMOUS_SECRET, AclPolicy, AclRole, AclToken, SERVER_MANAGEMENT};
use crate::types::time::Timestamp;
use ahash::RandomState;
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Number of independently locked parts; a power of two.
const SHARDS: usize = 16;

/// What a secret stood for when it was looked up.
struct Found {
    authorizer: Authorizer,
    /// When the token ends.
    end: Option<Timestamp>,
    /// The rows that it was made of.
    watch: WatchSet,
}

/// Secrets and what they stand for, as long as the state says the same.
pub(super) struct Local {
    datacenter: String,
    primary: bool,
    compiler: Arc<Compiler>,
    hasher: RandomState,
    found: [RwLock<Recent<Box<str>, Found>>; SHARDS],
}

impl Local {
    pub(super) fn new(settings: &AclSettings, bounds: Bounds, compiler: Arc<Compiler>) -> Local {
        Local {
            datacenter: settings.datacenter.clone(),
            primary: settings.is_primary(),
            compiler,
            hasher: RandomState::new(),
            found: std::array::from_fn(|_| RwLock::new(Recent::new(bounds.identities / SHARDS))),
        }
    }

    fn shard(&self, secret: &str) -> &RwLock<Recent<Box<str>, Found>> {
        &self.found[self.hasher.hash_one(secret) as usize % SHARDS]
    }

    /// The permissions of a secret that the state knows.
    ///
    /// # Errors
    /// Rules that cannot be read.
    pub(super) fn resolve(&self, store: &Store, secret: &str) -> Result<Option<Authorizer>> {
        let shard = self.shard(secret);
        if let Some(found) = shard.read().get(secret)
            && found.end.is_none_or(|end| Timestamp::now() < end)
            && found.watch.is_current()
        {
            return Ok(Some(found.authorizer.clone()));
        }
        let (looked, watch) = store.read(|state, watch| self.look(state, watch, secret));
        let Some((authorizer, end)) = looked? else {
            shard.write().remove(secret);
            return Ok(None);
        };
        shard.write().insert(secret.into(), Found { authorizer: authorizer.clone(), end, watch });
        Ok(Some(authorizer))
    }

    fn look(
        &self,
        state: &Snapshot,
        watch: &mut WatchSet,
        secret: &str,
    ) -> Result<Option<(Authorizer, Option<Timestamp>)>> {
        // a random UUID that is made anew with every leader: guesses do not get nearer by timing
        if let Some(entry) = state.system_metadata_watched(watch, SERVER_MANAGEMENT)
            && !entry.value.is_empty()
            && same_secret(&entry.value, secret)
        {
            return Ok(Some((Authorizer::of_base(SERVER_MANAGEMENT, Base::Manage), None)));
        }
        let (_, token) = state.acl_token_by_secret(watch, secret);
        let Some(token) = token.filter(|token| !token.is_expired(Timestamp::now())) else {
            let unmade = secret == ANONYMOUS_SECRET && self.primary;
            return if unmade { anonymous(&self.compiler).map(|found| Some((found, None))) } else { Ok(None) };
        };
        let authorizer = self.authorizer(state, watch, &token)?;
        Ok(Some((authorizer, token.expiration_time.filter(|end| !end.is_zero()))))
    }

    fn authorizer(&self, state: &Snapshot, watch: &mut WatchSet, token: &AclToken) -> Result<Authorizer> {
        let roles: Vec<Arc<AclRole>> =
            token.roles.iter().filter_map(|link| state.acl_role(watch, &link.id).1).collect();
        let links = token.policies.iter().chain(roles.iter().flat_map(|role| &role.policies));
        let mut policies: BTreeMap<&str, Arc<AclPolicy>> = BTreeMap::new();
        for link in links {
            if let Some(policy) = state.acl_policy(watch, &link.id).1 {
                policies.insert(&link.id, policy);
            }
        }
        let texts = links::texts(&self.datacenter, token, &roles, policies.values().map(|policy| &**policy));
        authorizer(&self.compiler, &token.accessor_id, texts)
    }
}
