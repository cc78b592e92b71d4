//! From secrets to authorizers (`spec/acl-and-tls.md` 5).
//!
//! A server that has the tokens looks into its own state and keeps what it finds for as long as the rows that it was made of
//! stay as they are, so a known secret costs one look into a map. Everybody else asks servers and believes the answer for a
//! while ([`Remote`]).

mod links;
mod local;
mod remote;
#[cfg(test)]
mod tests;

pub use remote::{Ask, Remote};

use super::Server;
use crate::acl::{ANONYMOUS, AclSettings, Authorizer, Base, Compiler, Level, Permissions, Resource, Rule, Rules};
use crate::rpc::method::{AclPolicyResolve, AclRoleResolve, AclTokenRead};
use crate::state::WatchSet;
use crate::telemetry::metrics::Sample;
use crate::types::acl::{
    ANONYMOUS_SECRET, AclPolicyBatchGetRequest, AclPolicyBatchResponse, AclRoleBatchGetRequest, AclRoleBatchResponse,
    AclTokenGetRequest, AclTokenResponse,
};
use crate::types::{Error, Result};
use futures::FutureExt;
use futures::future::BoxFuture;
use local::Local;
use std::sync::Arc;
use std::time::Instant;

/// From a secret to the permissions of its token.
static RESOLVE: Sample = Sample::new("acl.ResolveToken");

/// Secrets that name a set of permissions and no token.
const ROOTS: [&str; 3] = ["allow", "deny", "manage"];

/// Bounds of what is remembered: identities, parsed policies, authorizers (`spec/acl-and-tls.md` 5.3).
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    identities: usize,
    policies: usize,
    parsed: usize,
    authorizers: usize,
    roles: usize,
}

impl Bounds {
    /// Those of a server.
    pub const SERVER: Bounds = Bounds { identities: 10240, policies: 512, parsed: 512, authorizers: 1024, roles: 512 };
    /// Those of a client agent.
    pub const CLIENT: Bounds = Bounds { identities: 1024, policies: 128, parsed: 128, authorizers: 256, roles: 128 };
}

/// What can be decided about a secret without looking for a token.
enum Known {
    /// The permissions.
    Decided(Authorizer),
    /// A token has to be found.
    Unknown,
}

/// What a secret stands for that needs no token.
struct Fixed {
    settings: AclSettings,
    /// The permissions of the recovery token.
    recovery: Authorizer,
}

impl Fixed {
    fn new(settings: AclSettings) -> Fixed {
        let recovery = recovery(&settings.node_name);
        Fixed { settings, recovery }
    }

    fn look(&self, secret: &str) -> Result<Known> {
        if !self.settings.enabled {
            return Ok(Known::Decided(Authorizer::manage()));
        }
        if ROOTS.contains(&secret) {
            return Err(Error::new("Cannot resolve root ACL"));
        }
        if self.settings.tokens.is_recovery(secret) {
            return Ok(Known::Decided(self.recovery.clone()));
        }
        Ok(Known::Unknown)
    }
}

/// What the recovery token of an agent permits: its own endpoints, and to see the nodes (`spec/acl-and-tls.md` 2.3).
fn recovery(node: &str) -> Authorizer {
    let rule = |resource, prefix, label: &str, level| Rule {
        resource,
        prefix,
        label: label.to_owned(),
        level,
        intentions: None,
    };
    let rules =
        Rules::of(vec![rule(Resource::Agent, false, node, Level::Write), rule(Resource::Node, true, "", Level::Read)]);
    let permissions = Permissions::merged(Base::Deny, [&rules]);
    Authorizer::new(&format!("agent-recovery:{node}"), Arc::new(permissions))
}

/// The secret that a request stands for that brings none.
fn or_anonymous(secret: &str) -> &str {
    if secret.is_empty() { ANONYMOUS_SECRET } else { secret }
}

/// The resolver of a server.
pub(super) struct Resolver {
    fixed: Fixed,
    local: Local,
    remote: Remote,
}

impl Resolver {
    pub(super) fn new(settings: AclSettings) -> Resolver {
        let compiler = Arc::new(compiler(&settings, Bounds::SERVER));
        Resolver {
            local: Local::new(&settings, Bounds::SERVER, Arc::clone(&compiler)),
            remote: Remote::with_compiler(settings.clone(), Bounds::SERVER, compiler),
            fixed: Fixed::new(settings),
        }
    }
}

fn compiler(settings: &AclSettings, bounds: Bounds) -> Compiler {
    Compiler::new(settings.default_policy, bounds.parsed, bounds.authorizers)
}

impl Server {
    /// Access control of this server.
    pub fn acl(&self) -> &AclSettings {
        &self.config().acl
    }

    /// The permissions of a secret.
    ///
    /// # Errors
    /// `ACL not found` for one that nobody has, and the other refusals of `spec/acl-and-tls.md` 2.2, 2.3 and 5.2.
    pub async fn resolve(&self, secret: &str) -> Result<Authorizer> {
        match self.resolve_here(secret)? {
            Some(authorizer) => Ok(authorizer),
            // boxed, so that what hardly ever happens does not make every request larger
            None => {
                let primary = Primary(self.clone());
                Box::pin(self.inner.resolver.remote.resolve(or_anonymous(secret), &primary)).await
            }
        }
    }

    /// The permissions of a secret, if they can be told without asking another server.
    pub(super) fn resolve_here(&self, secret: &str) -> Result<Option<Authorizer>> {
        let resolver = &self.inner.resolver;
        if let Known::Decided(authorizer) = resolver.fixed.look(secret)? {
            return Ok(Some(authorizer));
        }
        let secret = or_anonymous(secret);
        let start = Instant::now();
        let found = resolver.local.resolve(self.store(), secret)?;
        if found.is_none() && !self.knows_all_tokens() {
            return Ok(None);
        }
        RESOLVE.since(start);
        found.map(Some).ok_or_else(|| self.unknown(secret))
    }

    /// A secret that is not here is that of no token: this is the primary datacenter, or its tokens have been copied.
    /// Until the first of them are here, or while they cannot be copied, the primary is asked.
    fn knows_all_tokens(&self) -> bool {
        let copied = || self.store().snapshot().acl_token_by_secret(&mut WatchSet::none(), ANONYMOUS_SECRET).0 > 0;
        self.acl().is_primary() || (self.has_tokens() && copied())
    }

    /// The refusal of a secret that nobody has.
    fn unknown(&self, secret: &str) -> Error {
        let unprepared = self.acl().is_primary() && self.store().snapshot().acl_bootstrap_index().is_none();
        let text = match unprepared && secret != ANONYMOUS_SECRET {
            true => {
                "ACL system must be bootstrapped before making any requests that require authorization: ACL not found"
            }
            false => crate::acl::NOT_FOUND,
        };
        Error::with_status(403, text)
    }
}

/// Asks the servers of the primary datacenter.
struct Primary(Server);

impl Ask for Primary {
    fn token(&self, args: AclTokenGetRequest) -> BoxFuture<'static, Result<AclTokenResponse>> {
        let (server, primary) = (self.0.clone(), self.0.acl().primary_datacenter.clone());
        async move {
            let args = AclTokenGetRequest { datacenter: primary.clone(), ..args };
            server.ask_datacenter::<AclTokenRead>(primary, &args).await
        }
        .boxed()
    }

    fn policies(&self, args: AclPolicyBatchGetRequest) -> BoxFuture<'static, Result<AclPolicyBatchResponse>> {
        let (server, primary) = (self.0.clone(), self.0.acl().primary_datacenter.clone());
        async move {
            let args = AclPolicyBatchGetRequest { datacenter: primary.clone(), ..args };
            server.ask_datacenter::<AclPolicyResolve>(primary, &args).await
        }
        .boxed()
    }

    fn roles(&self, args: AclRoleBatchGetRequest) -> BoxFuture<'static, Result<AclRoleBatchResponse>> {
        let (server, primary) = (self.0.clone(), self.0.acl().primary_datacenter.clone());
        async move {
            let args = AclRoleBatchGetRequest { datacenter: primary.clone(), ..args };
            server.ask_datacenter::<AclRoleResolve>(primary, &args).await
        }
        .boxed()
    }
}

/// The permissions of a token with these links.
fn authorizer(compiler: &Compiler, accessor: &str, texts: Vec<String>) -> Result<Authorizer> {
    let permissions = compiler.permissions(texts.iter().map(String::as_str))?;
    Ok(Authorizer::new(accessor, permissions))
}

/// The anonymous token before it has been made: it has the default policy and nothing else.
fn anonymous(compiler: &Compiler) -> Result<Authorizer> {
    authorizer(compiler, ANONYMOUS, Vec::new())
}
