//! Access control: what a new leader makes sure of, tokens whose time is over, and copies of what the primary datacenter
//! has (`spec/acl-and-tls.md` 2.1, 5.5, 11.1).

mod copy;
mod pace;
mod reap;

pub(super) use reap::reap;

use super::super::Server;
use super::super::acl::management_token;
use crate::state::{Command, WatchSet};
use crate::types::acl::*;
use crate::types::validate::check_uuid;
use crate::types::{Result, SystemMetadataEntry, SystemMetadataOp, SystemMetadataRequest, Timestamp};

/// Description of the token of `acl.tokens.initial_management`.
const INITIAL_DESCRIPTION: &str = "Initial Management Token";

/// Makes sure of everything that requests rely on; comes before the first of them is served.
pub(super) async fn initialize(server: &Server) -> Result<()> {
    let acl = &server.config().acl;
    if !acl.enabled {
        return Ok(());
    }
    tracing::info!(target: "agent.server", "initializing acls");
    if acl.is_primary() {
        builtin_policies(server).await?;
        initial_management(server, &acl.tokens.get().initial_management).await?;
        anonymous(server).await?;
    }
    server_management(server).await
}

/// Copies the ACL system of the primary datacenter; runs in the others.
pub(super) async fn replicate(server: Server) {
    let acl = &server.config().acl;
    if !acl.enabled || acl.is_primary() {
        return std::future::pending().await;
    }
    if acl.tokens.replication().is_empty() {
        warn_without_token(&server);
    }
    let _running = Running::start(&server);
    tokio::join!(copy::run::<copy::Policies>(&server), copy::run::<copy::Roles>(&server), async {
        match acl.token_replication {
            true => copy::run::<copy::Tokens>(&server).await,
            false => std::future::pending().await,
        }
    });
}

/// Says what is missing while nothing can be copied, and what holds until it is there.
fn warn_without_token(server: &Server) {
    let acl = &server.config().acl;
    let primary = &acl.primary_datacenter;
    let (what, lost) = match acl.token_replication {
        true => ("policies, roles and tokens", ", and local tokens and auth methods do not work here"),
        false => ("policies and roles", ""),
    };
    tracing::warn!(
        target: "agent.server.replication.acl",
        "No replication token: {what} of datacenter {primary} are not copied but asked for there{lost}. \
         Set acl.tokens.replication, or run \"acl set-agent-token replication\" on every server"
    );
}

/// Says that replication has ended when the duty is dropped.
struct Running<'a>(&'a Server);

impl<'a> Running<'a> {
    fn start(server: &'a Server) -> Running<'a> {
        let acl = &server.config().acl;
        server.inner.acl_replication.start(&acl.primary_datacenter, acl.token_replication);
        Running(server)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.inner.acl_replication.stop();
    }
}

/// Stores the builtin policies, with the rules of this version. One that was renamed keeps its name.
async fn builtin_policies(server: &Server) -> Result<()> {
    for builtin in &BUILTIN_POLICIES {
        let mut policy = builtin.policy();
        let stored = server.store().snapshot().acl_policy(&mut WatchSet::none(), builtin.id).1;
        if let Some(stored) = stored {
            if stored.rules == policy.rules && stored.datacenters.is_empty() {
                continue;
            }
            policy.name.clone_from(&stored.name);
            policy.set_hash();
        }
        server.apply(Command::AclPolicySet(AclPolicyBatchSet { policies: vec![policy] }), "").await?;
        tracing::info!(target: "agent.server", "Created ACL '{}' policy", builtin.name);
    }
    Ok(())
}

/// Stores the management token of the configuration, unless its secret is there already.
async fn initial_management(server: &Server, secret: &str) -> Result<()> {
    let state = server.store().snapshot();
    if secret.is_empty() || state.acl_token_by_secret(&mut WatchSet::none(), secret).1.is_some() {
        return Ok(());
    }
    if check_uuid(secret).is_err() {
        tracing::warn!(target: "agent.server", "Configuring a non-UUID initial management token is deprecated");
    }
    let token = management_token(uuid::Uuid::new_v4().to_string(), secret.to_owned(), INITIAL_DESCRIPTION);
    let command = match state.acl_bootstrap_index() {
        None => Command::AclBootstrap(Box::new(AclBootstrapEntry { token, reset_index: 0 })),
        Some(_) => Command::AclTokenSet(AclTokenBatchSet { tokens: vec![token], ..AclTokenBatchSet::default() }),
    };
    server.apply(command, "").await?;
    tracing::info!(target: "agent.server", "Created ACL initial management token from configuration");
    Ok(())
}

/// Stores the token of requests without one.
async fn anonymous(server: &Server) -> Result<()> {
    if server.store().snapshot().acl_token(&mut WatchSet::none(), ANONYMOUS_ACCESSOR).1.is_some() {
        return Ok(());
    }
    let mut token = AclToken {
        accessor_id: ANONYMOUS_ACCESSOR.into(),
        secret_id: ANONYMOUS_SECRET.into(),
        description: ANONYMOUS_DESCRIPTION.into(),
        create_time: Timestamp::now(),
        ..AclToken::default()
    };
    token.set_hash();
    let batch = AclTokenBatchSet { tokens: vec![token], ..AclTokenBatchSet::default() };
    server.apply(Command::AclTokenSet(batch), "").await?;
    tracing::info!(target: "agent.server", "Created ACL anonymous token from configuration");
    Ok(())
}

/// Chooses a new secret for the servers themselves.
async fn server_management(server: &Server) -> Result<()> {
    let secret = uuid::Uuid::new_v4().to_string();
    let entry = SystemMetadataEntry { key: SERVER_MANAGEMENT.into(), value: secret, ..Default::default() };
    let op = SystemMetadataOp::Upsert;
    let request = SystemMetadataRequest { op, entry, ..SystemMetadataRequest::default() };
    server.apply(Command::SystemMetadata(request), "").await.map(drop)
}
