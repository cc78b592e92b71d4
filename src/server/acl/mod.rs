//! `ACL.*`: tokens, policies, roles, auth methods and binding rules; one file a kind (`spec/acl-and-tls.md` 1, 2, 9, 10).
//!
//! Policies, roles and global tokens belong to the primary datacenter: their writes are answered there, and the other
//! datacenters have copies. Reads come from the own copy where there is one.

mod auth_methods;
mod authorize;
mod bootstrap;
mod identities;
mod methods;
mod policies;
mod read;
mod replication;
mod roles;
mod rules;
mod tokens;
mod write;

pub(super) use auth_methods::Validators;
pub(super) use bootstrap::management_token;
pub(super) use replication::Replication;

use super::Server;
use crate::acl::{Access, Authorizer, DISABLED, NOT_FOUND, Resource};
use crate::state::{Snapshot, WatchSet};
use crate::types::acl::is_reserved_id;
use crate::types::{Error, Result};

impl Server {
    /// Refuses while ACLs are off.
    fn acl_enabled(&self) -> Result<()> {
        if self.config().acl.enabled { Ok(()) } else { Err(Error::new(DISABLED)) }
    }

    /// The permissions of a caller of one of these methods.
    async fn acl_caller(&self, secret: &str) -> Result<Authorizer> {
        self.acl_enabled()?;
        self.resolve(secret).await
    }

    /// Lets a caller pass that may change the ACL system.
    async fn acl_writer(&self, secret: &str) -> Result<()> {
        self.acl_caller(secret).await?.check(Resource::Acl, Access::Write, "")
    }

    /// Tokens of the own datacenter exist and are known: here is the primary datacenter, or tokens are replicated.
    pub(super) fn has_tokens(&self) -> bool {
        let acl = &self.config().acl;
        acl.is_primary() || (acl.token_replication && !acl.tokens.replication().is_empty())
    }
}

/// The refusal of an operation on something that is not there.
fn absent(thing: &str) -> Error {
    Error::with_status(404, format!("{thing} does not exist: {NOT_FOUND}"))
}

/// Some of the state lets a list or one object be seen.
fn check_read(server: &Server, authorizer: &Authorizer) -> Result<()> {
    server.acl_enabled()?;
    authorizer.check(Resource::Acl, Access::Read, "")
}

/// An id that nothing has: the state machine must not roll dice.
fn fresh_id(server: &Server, taken: impl Fn(&Snapshot, &str) -> bool) -> String {
    let state = server.store().snapshot();
    loop {
        let id = uuid::Uuid::new_v4().to_string();
        if !is_reserved_id(&id) && !taken(&state, &id) {
            return id;
        }
    }
}

/// The text is a token's accessor or secret.
fn is_token_id(state: &Snapshot, id: &str) -> bool {
    let ws = &mut WatchSet::none();
    state.acl_token(ws, id).1.is_some() || state.acl_token_by_secret(ws, id).1.is_some()
}
