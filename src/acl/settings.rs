//! How decisions are made: the `acl` block, resolved (`spec/acl-and-tls.md` 13).

use super::permissions::Base;
use super::tokens::Tokens;
use crate::config::RuntimeConfig;
use crate::config::settings::AclConfig;
use crate::types::{Error, Result};
use std::sync::Arc;
use std::time::Duration;

/// What holds while the servers that know a token cannot be reached (`spec/acl-and-tls.md` 5.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DownPolicy {
    /// Everything but the ACL system is allowed.
    Allow,
    /// Nothing is.
    Deny,
    /// What was known before; the default policy where nothing was.
    #[default]
    ExtendCache,
    /// As before, without waiting for an answer first.
    AsyncCache,
}

impl DownPolicy {
    /// The policy of a configured word; validation has refused others.
    pub fn parse(word: &str) -> DownPolicy {
        match word {
            "allow" => DownPolicy::Allow,
            "deny" => DownPolicy::Deny,
            "async-cache" => DownPolicy::AsyncCache,
            _ => DownPolicy::ExtendCache,
        }
    }

    /// The configured word.
    pub fn name(self) -> &'static str {
        match self {
            DownPolicy::Allow => "allow",
            DownPolicy::Deny => "deny",
            DownPolicy::ExtendCache => "extend-cache",
            DownPolicy::AsyncCache => "async-cache",
        }
    }
}

/// The `acl` block and what belongs to it.
#[derive(Clone, Debug)]
pub struct AclSettings {
    /// ACLs are on.
    pub enabled: bool,
    /// Own datacenter.
    pub datacenter: String,
    /// The datacenter whose policies, roles and global tokens hold everywhere.
    pub primary_datacenter: String,
    /// Name of this agent.
    pub node_name: String,
    /// What is decided where no rule speaks.
    pub default_policy: Base,
    /// What holds without servers.
    pub down_policy: DownPolicy,
    /// How long a token is believed that another server has told of.
    pub token_ttl: Duration,
    /// The same for policies.
    pub policy_ttl: Duration,
    /// The same for roles.
    pub role_ttl: Duration,
    /// Listing keys needs the level `list`.
    pub key_list: bool,
    /// A secondary datacenter has copies of the global tokens.
    pub token_replication: bool,
    /// The agent's own secrets.
    pub tokens: Arc<Tokens>,
}

impl Default for AclSettings {
    /// ACLs are off.
    fn default() -> AclSettings {
        AclSettings {
            enabled: false,
            datacenter: String::new(),
            primary_datacenter: String::new(),
            node_name: String::new(),
            default_policy: Base::Allow,
            down_policy: DownPolicy::default(),
            token_ttl: Duration::from_secs(30),
            policy_ttl: Duration::from_secs(30),
            role_ttl: Duration::ZERO,
            key_list: false,
            token_replication: false,
            tokens: Arc::default(),
        }
    }
}

/// Refuses words that are no policies.
///
/// # Errors
/// `Unsupported default ACL policy: x`, `Unsupported down ACL policy: x`.
pub fn check(config: &AclConfig) -> Result<()> {
    if !matches!(config.default_policy.as_str(), "allow" | "deny") {
        return Err(Error::new(format!("Unsupported default ACL policy: {}", config.default_policy)));
    }
    if DownPolicy::parse(&config.down_policy).name() != config.down_policy {
        return Err(Error::new(format!("Unsupported down ACL policy: {}", config.down_policy)));
    }
    Ok(())
}

impl AclSettings {
    /// The settings of a configuration. `tokens` are the secrets in force, which need not be those of the files.
    pub fn of(config: &RuntimeConfig, tokens: Arc<Tokens>) -> AclSettings {
        let acl = &config.acl;
        AclSettings {
            enabled: acl.enabled,
            datacenter: config.datacenter.clone(),
            primary_datacenter: match config.primary_datacenter.as_str() {
                "" => config.datacenter.clone(),
                primary => primary.to_owned(),
            },
            node_name: config.node_name.clone(),
            default_policy: Base::of_policy(&acl.default_policy),
            down_policy: DownPolicy::parse(&acl.down_policy),
            token_ttl: acl.token_ttl.to_std(),
            policy_ttl: acl.policy_ttl.to_std(),
            role_ttl: acl.role_ttl.to_std(),
            key_list: acl.enable_key_list_policy,
            token_replication: acl.enable_token_replication,
            tokens,
        }
    }

    /// This datacenter is the primary one.
    pub fn is_primary(&self) -> bool {
        self.primary_datacenter.is_empty() || self.primary_datacenter == self.datacenter
    }
}
