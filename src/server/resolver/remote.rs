//! Secrets that other servers are asked about; their answers are believed for a while (`spec/acl-and-tls.md` 5.3, 5.4).

use super::{Bounds, Fixed, Known, RESOLVE, authorizer, compiler, links, or_anonymous};
use crate::acl::recent::Recent;
use crate::acl::{self, AclSettings, Authorizer, Base, Compiler, DownPolicy};
use crate::server::Flights;
use crate::telemetry::metrics::Counter;
use crate::types::acl::{
    AclPolicy, AclPolicyBatchGetRequest, AclPolicyBatchResponse, AclRole, AclRoleBatchGetRequest, AclRoleBatchResponse,
    AclToken, AclTokenGetRequest, AclTokenResponse,
};
use crate::types::time::Timestamp;
use crate::types::{Error, QueryOptions, Result};
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Tokens that were still known when they were looked for, and those that others were asked about.
static KNOWN: Counter = Counter::new("acl.token.cache_hit");
static ASKED: Counter = Counter::new("acl.token.cache_miss");

/// How long ACLs count as off after servers have said so.
const DISABLED_FOR: Duration = Duration::from_secs(30);

/// Who is asked.
pub trait Ask: Sync {
    /// The token of a secret.
    fn token(&self, args: AclTokenGetRequest) -> BoxFuture<'static, Result<AclTokenResponse>>;
    /// Policies that the caller's token is linked to.
    fn policies(&self, args: AclPolicyBatchGetRequest) -> BoxFuture<'static, Result<AclPolicyBatchResponse>>;
    /// Roles that the caller's token is linked to.
    fn roles(&self, args: AclRoleBatchGetRequest) -> BoxFuture<'static, Result<AclRoleBatchResponse>>;
}

/// Something that was told, and when.
#[derive(Clone)]
struct Told<T> {
    value: T,
    at: Instant,
}

impl<T> Told<T> {
    fn now(value: T) -> Told<T> {
        Told { value, at: Instant::now() }
    }

    fn is_fresh(&self, ttl: Duration) -> bool {
        self.at.elapsed() < ttl
    }
}

/// The permissions of a secret and how long they hold without another look at what they were made of.
struct Ready {
    authorizer: Authorizer,
    until: Instant,
    end: Option<Timestamp>,
}

/// Why a token cannot be resolved.
#[derive(Clone)]
enum Trouble {
    /// Nobody has it.
    NotFound(Error),
    /// ACLs are off where they are kept.
    Disabled,
    /// Nobody answered.
    Away(Error),
}

impl Trouble {
    fn of(error: Error) -> Trouble {
        if error.text.contains(acl::NOT_FOUND) {
            Trouble::NotFound(Error::with_status(403, acl::NOT_FOUND))
        } else if error.text.contains(acl::DISABLED) {
            Trouble::Disabled
        } else if error.text.contains(acl::PERMISSION_DENIED) {
            Trouble::NotFound(error)
        } else {
            Trouble::Away(error)
        }
    }
}

type Policies = Vec<Arc<AclPolicy>>;
type Roles = Vec<Arc<AclRole>>;

/// A cache of what servers have told of tokens, policies and roles. Clones share it.
#[derive(Clone)]
pub struct Remote {
    inner: Arc<Inner>,
}

struct Inner {
    fixed: Fixed,
    compiler: Arc<Compiler>,
    ready: RwLock<Recent<Box<str>, Ready>>,
    tokens: Mutex<Recent<Box<str>, Told<Arc<AclToken>>>>,
    policies: Mutex<Recent<String, Told<Arc<AclPolicy>>>>,
    roles: Mutex<Recent<String, Told<Arc<AclRole>>>>,
    disabled: Mutex<Option<Instant>>,
    flights: Flights,
}

impl Remote {
    /// A cache of this size.
    pub fn new(settings: AclSettings, bounds: Bounds) -> Remote {
        let compiler = Arc::new(compiler(&settings, bounds));
        Remote::with_compiler(settings, bounds, compiler)
    }

    pub(super) fn with_compiler(settings: AclSettings, bounds: Bounds, compiler: Arc<Compiler>) -> Remote {
        Remote {
            inner: Arc::new(Inner {
                fixed: Fixed::new(settings),
                compiler,
                ready: RwLock::new(Recent::new(bounds.authorizers)),
                tokens: Mutex::new(Recent::new(bounds.identities)),
                policies: Mutex::new(Recent::new(bounds.policies)),
                roles: Mutex::new(Recent::new(bounds.roles)),
                disabled: Mutex::new(None),
                flights: Flights::default(),
            }),
        }
    }

    fn settings(&self) -> &AclSettings {
        &self.inner.fixed.settings
    }

    /// The permissions of a secret.
    ///
    /// # Errors
    /// `ACL not found`, and what else servers say of it. While nobody answers the down policy decides.
    pub async fn resolve(&self, secret: &str, ask: &dyn Ask) -> Result<Authorizer> {
        if let Known::Decided(authorizer) = self.inner.fixed.look(secret)? {
            return Ok(authorizer);
        }
        let _timer = RESOLVE.timer();
        let secret = or_anonymous(secret);
        if self.inner.disabled.lock().is_some_and(|since| since.elapsed() < DISABLED_FOR) {
            return Ok(Authorizer::manage());
        }
        if let Some(ready) = self.inner.ready.read().get(secret)
            && Instant::now() < ready.until
            && ready.end.is_none_or(|end| Timestamp::now() < end)
        {
            KNOWN.add(1);
            return Ok(ready.authorizer.clone());
        }
        match self.look(secret, ask).await {
            Ok(authorizer) => Ok(authorizer),
            Err(Trouble::NotFound(error)) => {
                self.forget(secret);
                Err(error)
            }
            Err(Trouble::Disabled) => {
                tracing::debug!(target: "agent.acl", "ACLs disabled on servers, will retry: retry_interval=30s");
                *self.inner.disabled.lock() = Some(Instant::now());
                Ok(Authorizer::manage())
            }
            Err(Trouble::Away(error)) => {
                tracing::error!(target: "agent.acl", "Error resolving token: error={error}");
                Ok(self.down())
            }
        }
    }

    /// What holds for a token of which nothing is known while nobody answers.
    fn down(&self) -> Authorizer {
        let base = match self.settings().down_policy {
            DownPolicy::Allow => Base::Allow,
            DownPolicy::Deny => Base::Deny,
            DownPolicy::ExtendCache | DownPolicy::AsyncCache => self.settings().default_policy,
        };
        Authorizer::of_base("", base)
    }

    /// Old answers are better than none.
    fn extends(&self) -> bool {
        matches!(self.settings().down_policy, DownPolicy::ExtendCache | DownPolicy::AsyncCache)
    }

    /// Old answers are used while new ones are on their way.
    fn hurries(&self) -> bool {
        self.settings().down_policy == DownPolicy::AsyncCache
    }

    fn forget(&self, secret: &str) {
        self.inner.tokens.lock().remove(secret);
        self.inner.ready.write().remove(secret);
    }

    async fn look(&self, secret: &str, ask: &dyn Ask) -> Result<Authorizer, Trouble> {
        let (token, told) = self.token(secret, ask).await?;
        if token.is_expired(Timestamp::now()) {
            return Err(Trouble::NotFound(Error::with_status(403, acl::NOT_FOUND)));
        }
        let settings = self.settings();
        let mut until = told + settings.token_ttl;
        let role_ids: BTreeSet<&str> = token.roles.iter().map(|link| link.id.as_str()).collect();
        let (roles, oldest) = self.roles(secret, &role_ids, ask).await?;
        if let Some(oldest) = oldest {
            until = until.min(oldest + settings.role_ttl);
        }
        let linked = token.policies.iter().chain(roles.iter().flat_map(|role| &role.policies));
        let policy_ids: BTreeSet<&str> = linked.map(|link| link.id.as_str()).collect();
        let (policies, oldest) = self.policies(secret, &policy_ids, ask).await?;
        if let Some(oldest) = oldest {
            until = until.min(oldest + settings.policy_ttl);
        }
        let texts = links::texts(&settings.datacenter, &token, &roles, policies.iter().map(|policy| &**policy));
        let authorizer = authorizer(&self.inner.compiler, &token.accessor_id, texts).map_err(Trouble::NotFound)?;
        let end = token.expiration_time.filter(|end| !end.is_zero());
        let ready = Ready { authorizer: authorizer.clone(), until, end };
        self.inner.ready.write().insert(secret.into(), ready);
        Ok(authorizer)
    }

    /// The token of a secret and when that was told.
    async fn token(&self, secret: &str, ask: &dyn Ask) -> Result<(Arc<AclToken>, Instant), Trouble> {
        let known = self.inner.tokens.lock().get(secret).cloned();
        if let Some(known) = &known
            && known.is_fresh(self.settings().token_ttl)
        {
            KNOWN.add(1);
            return Ok((Arc::clone(&known.value), known.at));
        }
        ASKED.add(1);
        let fetch = self.fetch_token(secret, ask);
        if let Some(known) = known.clone().filter(|_| self.hurries()) {
            let (remote, secret) = (self.clone(), secret.to_owned());
            tokio::spawn(async move {
                if let Err(Trouble::NotFound(_)) = fetch.await {
                    remote.forget(&secret);
                }
            });
            return Ok((known.value, Instant::now()));
        }
        match (fetch.await, known) {
            (Ok(token), _) => Ok((token, Instant::now())),
            (Err(Trouble::Away(error)), Some(known)) if self.extends() => {
                tracing::warn!(target: "agent.acl", "Using an old answer about a token: error={error}");
                let token = Arc::clone(&known.value);
                self.inner.tokens.lock().insert(secret.into(), Told::now(known.value));
                Ok((token, Instant::now()))
            }
            (Err(trouble), _) => Err(trouble),
        }
    }

    /// Asks for a token; equal questions at the same time are one.
    fn fetch_token(&self, secret: &str, ask: &dyn Ask) -> BoxFuture<'static, Result<Arc<AclToken>, Trouble>> {
        let args = AclTokenGetRequest {
            datacenter: self.settings().datacenter.clone(),
            token_id: secret.to_owned(),
            token_id_type: "secret".to_owned(),
            query: options(secret),
            ..AclTokenGetRequest::default()
        };
        let asked = ask.token(args);
        let remote = self.clone();
        let key = ("acl token", secret.to_owned());
        async move {
            let flights = remote.inner.flights.clone();
            let answer = flights.share(key, |(_, secret)| {
                let (remote, secret) = (remote.clone(), secret.clone());
                async move { remote.take_token(&secret, asked.await) }.boxed()
            });
            answer.await
        }
        .boxed()
    }

    fn take_token(&self, secret: &str, answer: Result<AclTokenResponse>) -> Result<Arc<AclToken>, Trouble> {
        let answer = answer.map_err(Trouble::of)?;
        let not_found = || Trouble::NotFound(Error::with_status(403, acl::NOT_FOUND));
        let token = answer.token.ok_or_else(not_found)?;
        let elsewhere = !answer.source_datacenter.is_empty() && answer.source_datacenter != self.settings().datacenter;
        if token.local && elsewhere {
            let datacenter = &answer.source_datacenter;
            let text = format!("Permission denied: This is a local token in datacenter \"{datacenter}\"");
            return Err(Trouble::NotFound(Error::with_status(403, text)));
        }
        self.inner.tokens.lock().insert(secret.into(), Told::now(Arc::clone(&token)));
        Ok(token)
    }

    /// Roles by id, those that exist, and when the oldest of them was told.
    async fn roles(
        &self,
        secret: &str,
        ids: &BTreeSet<&str>,
        ask: &dyn Ask,
    ) -> Result<(Roles, Option<Instant>), Trouble> {
        let ask = |role_ids: Vec<String>| {
            let datacenter = self.settings().datacenter.clone();
            let asked = ask.roles(AclRoleBatchGetRequest { datacenter, role_ids, query: options(secret) });
            async move { asked.await.map(|answer| answer.roles) }.boxed()
        };
        self.linked(&self.inner.roles, self.settings().role_ttl, ids, |role: &AclRole| &role.id, ask).await
    }

    /// Policies by id, those that exist, and when the oldest of them was told.
    async fn policies(
        &self,
        secret: &str,
        ids: &BTreeSet<&str>,
        ask: &dyn Ask,
    ) -> Result<(Policies, Option<Instant>), Trouble> {
        let ask = |policy_ids: Vec<String>| {
            let datacenter = self.settings().datacenter.clone();
            let asked = ask.policies(AclPolicyBatchGetRequest { datacenter, policy_ids, query: options(secret) });
            async move { asked.await.map(|answer| answer.policies) }.boxed()
        };
        self.linked(&self.inner.policies, self.settings().policy_ttl, ids, |policy: &AclPolicy| &policy.id, ask).await
    }

    /// What a token is linked to: what is known and fresh, and what is asked for now.
    async fn linked<T: Send + Sync + 'static>(
        &self,
        cache: &Mutex<Recent<String, Told<Arc<T>>>>,
        ttl: Duration,
        ids: &BTreeSet<&str>,
        id: impl Fn(&T) -> &String,
        ask: impl FnOnce(Vec<String>) -> BoxFuture<'static, Result<Vec<Arc<T>>>>,
    ) -> Result<(Vec<Arc<T>>, Option<Instant>), Trouble> {
        let mut found: Vec<Told<Arc<T>>> = Vec::new();
        let (mut wanted, mut old) = (Vec::new(), Vec::new());
        {
            let cache = cache.lock();
            for id in ids {
                match cache.get(*id) {
                    Some(told) if told.is_fresh(ttl) => found.push(told.clone()),
                    known => {
                        wanted.push((*id).to_owned());
                        old.extend(known.cloned());
                    }
                }
            }
        }
        if !wanted.is_empty() {
            let known = wanted.len() == old.len();
            let asked = wanted.len();
            match ask(wanted).await.map_err(Trouble::of) {
                Ok(answers) => {
                    let mut cache = cache.lock();
                    for answer in answers.into_iter().take(asked) {
                        let told = Told::now(answer);
                        cache.insert(id(&told.value).clone(), told.clone());
                        found.push(told);
                    }
                }
                Err(Trouble::Away(error)) if self.extends() && known => {
                    tracing::warn!(target: "agent.acl", "Using old answers about policies: error={error}");
                    found.extend(old.into_iter().map(|told| Told::now(told.value)));
                    let mut cache = cache.lock();
                    for told in &found {
                        cache.insert(id(&told.value).clone(), told.clone());
                    }
                }
                Err(trouble) => return Err(trouble),
            }
        }
        let oldest = found.iter().map(|told| told.at).min();
        Ok((found.into_iter().map(|told| told.value).collect(), oldest))
    }
}

/// Any server may answer, in the name of the token itself.
fn options(secret: &str) -> QueryOptions {
    QueryOptions { token: secret.to_owned(), allow_stale: true, ..QueryOptions::default() }
}
