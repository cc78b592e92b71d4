//! The secrets that an agent uses for itself (`spec/acl-and-tls.md` 12). They change while it runs.

use crate::config::settings::AclTokens;
use arc_swap::ArcSwap;
use std::sync::Arc;

/// What a secret is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenUse {
    /// Requests that bring none.
    Default,
    /// The agent's own work.
    Agent,
    /// Emergency access without servers.
    AgentRecovery,
    /// Replication from the primary datacenter.
    Replication,
    /// Services and checks of configuration files.
    ConfigFile,
    /// DNS.
    Dns,
}

impl TokenUse {
    /// All of them, in the order in which they are kept on disk.
    pub const ALL: [TokenUse; 6] = [
        TokenUse::Replication,
        TokenUse::AgentRecovery,
        TokenUse::Default,
        TokenUse::Agent,
        TokenUse::ConfigFile,
        TokenUse::Dns,
    ];

    /// The name in configuration, on disk and in the API.
    pub fn name(self) -> &'static str {
        match self {
            TokenUse::Default => "default",
            TokenUse::Agent => "agent",
            TokenUse::AgentRecovery => "agent_recovery",
            TokenUse::Replication => "replication",
            TokenUse::ConfigFile => "config_file_service_registration",
            TokenUse::Dns => "dns",
        }
    }

    /// The use that the API means by a name, new or old.
    pub fn parse(name: &str) -> Option<TokenUse> {
        Some(match name {
            "default" | "acl_token" => TokenUse::Default,
            "agent" | "acl_agent_token" => TokenUse::Agent,
            "agent_recovery" | "agent_master" | "acl_agent_master_token" => TokenUse::AgentRecovery,
            "replication" | "acl_replication_token" => TokenUse::Replication,
            "config_file_service_registration" => TokenUse::ConfigFile,
            "dns" | "dns_token" => TokenUse::Dns,
            _ => return None,
        })
    }

    /// The secret for this use.
    pub fn of(self, tokens: &AclTokens) -> &String {
        match self {
            TokenUse::Default => &tokens.default,
            TokenUse::Agent => &tokens.agent,
            TokenUse::AgentRecovery => &tokens.agent_recovery,
            TokenUse::Replication => &tokens.replication,
            TokenUse::ConfigFile => &tokens.config_file_service_registration,
            TokenUse::Dns => &tokens.dns,
        }
    }

    /// The secret for this use, to change.
    pub fn of_mut(self, tokens: &mut AclTokens) -> &mut String {
        match self {
            TokenUse::Default => &mut tokens.default,
            TokenUse::Agent => &mut tokens.agent,
            TokenUse::AgentRecovery => &mut tokens.agent_recovery,
            TokenUse::Replication => &mut tokens.replication,
            TokenUse::ConfigFile => &mut tokens.config_file_service_registration,
            TokenUse::Dns => &mut tokens.dns,
        }
    }
}

/// The secrets in force; shared by everything in the agent that uses one.
#[derive(Debug, Default)]
pub struct Tokens {
    current: ArcSwap<AclTokens>,
}

impl Tokens {
    /// Starts with these.
    pub fn new(tokens: AclTokens) -> Arc<Tokens> {
        Arc::new(Tokens { current: ArcSwap::from_pointee(tokens) })
    }

    /// All of them.
    pub fn get(&self) -> Arc<AclTokens> {
        self.current.load_full()
    }

    /// Replaces all of them.
    pub fn replace(&self, tokens: AclTokens) {
        self.current.store(Arc::new(tokens));
    }

    /// Changes one; true when it is another now.
    pub fn set(&self, purpose: TokenUse, secret: &str) -> bool {
        let mut changed = false;
        self.current.rcu(|tokens| {
            let mut tokens = AclTokens::clone(tokens);
            let place = purpose.of_mut(&mut tokens);
            changed = place != secret;
            secret.clone_into(place);
            tokens
        });
        changed
    }

    /// For requests that bring none.
    pub fn default(&self) -> String {
        self.current.load().default.clone()
    }

    /// For the agent's own work.
    pub fn agent(&self) -> String {
        let tokens = self.current.load();
        if tokens.agent.is_empty() { tokens.default.clone() } else { tokens.agent.clone() }
    }

    /// For DNS.
    pub fn dns(&self) -> String {
        let tokens = self.current.load();
        if tokens.dns.is_empty() { tokens.default.clone() } else { tokens.dns.clone() }
    }

    /// For replication.
    pub fn replication(&self) -> String {
        self.current.load().replication.clone()
    }

    /// Whether a secret is the one for emergencies. The time that this takes tells nothing about it.
    pub fn is_recovery(&self, secret: &str) -> bool {
        let tokens = self.current.load();
        !tokens.agent_recovery.is_empty() && same_secret(&tokens.agent_recovery, secret)
    }
}

/// Compares secrets in a time that depends on their lengths alone.
pub fn same_secret(one: &str, other: &str) -> bool {
    use subtle::ConstantTimeEq;
    one.as_bytes().ct_eq(other.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_use_has_a_name_of_its_own_and_a_place_of_its_own() {
        let tokens = Tokens::new(AclTokens::default());
        for purpose in TokenUse::ALL {
            assert_eq!(TokenUse::parse(purpose.name()), Some(purpose));
            assert!(tokens.set(purpose, purpose.name()) && !tokens.set(purpose, purpose.name()));
        }
        for purpose in TokenUse::ALL {
            assert_eq!(purpose.of(&tokens.get()), purpose.name());
        }
        for (old, purpose) in [
            ("acl_token", TokenUse::Default),
            ("acl_agent_token", TokenUse::Agent),
            ("agent_master", TokenUse::AgentRecovery),
            ("acl_agent_master_token", TokenUse::AgentRecovery),
            ("acl_replication_token", TokenUse::Replication),
            ("dns_token", TokenUse::Dns),
        ] {
            assert_eq!(TokenUse::parse(old), Some(purpose), "{old}");
        }
        assert_eq!(TokenUse::parse("nope"), None);
    }

    #[test]
    fn what_is_not_set_falls_back_to_the_default() {
        let tokens = Tokens::new(AclTokens { default: "d".into(), ..AclTokens::default() });
        assert_eq!((tokens.agent(), tokens.dns(), tokens.replication()), ("d".into(), "d".into(), String::new()));
        tokens.set(TokenUse::Agent, "a");
        tokens.set(TokenUse::Dns, "n");
        assert_eq!((tokens.agent(), tokens.dns(), tokens.default()), ("a".into(), "n".into(), "d".into()));
    }

    #[test]
    fn an_empty_secret_is_never_the_one_for_emergencies() {
        let tokens = Tokens::new(AclTokens::default());
        assert!(!tokens.is_recovery(""));
        tokens.set(TokenUse::AgentRecovery, "r");
        assert!(tokens.is_recovery("r") && !tokens.is_recovery("") && !tokens.is_recovery("rr"));
    }
}
