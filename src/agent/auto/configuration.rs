//! A configuration as servers hand it out: made from their own, and read as one more source by agents.

use crate::config::RuntimeConfig;
use crate::rpc::auto_config::{Acl, Config, Gossip, GossipEncryption, Tls};
use serde_json::{Map, Value, json};

/// What a server hands out to all agents.
pub(in crate::agent) fn common(config: &RuntimeConfig) -> Config {
    let (acl, tls) = (&config.acl, &config.tls.internal_rpc);
    let primary = match config.primary_datacenter.as_str() {
        "" => &config.datacenter,
        primary => primary,
    };
    let encryption = GossipEncryption {
        key: String::new(),
        verify_incoming: config.encrypt_verify_incoming,
        verify_outgoing: config.encrypt_verify_outgoing,
    };
    Config {
        datacenter: config.datacenter.clone(),
        primary_datacenter: primary.to_owned(),
        acl: Some(Acl {
            enabled: acl.enabled,
            policy_ttl: acl.policy_ttl.to_string(),
            role_ttl: acl.role_ttl.to_string(),
            token_ttl: acl.token_ttl.to_string(),
            down_policy: acl.down_policy.clone(),
            default_policy: acl.default_policy.clone(),
            enable_key_list_policy: acl.enable_key_list_policy,
            tokens: None,
            enable_token_persistence: acl.enable_token_persistence,
        }),
        gossip: Some(Gossip { encryption: Some(encryption), retry_join_lan: Vec::new() }),
        tls: Some(Tls {
            verify_outgoing: tls.verify_outgoing,
            verify_server_hostname: tls.verify_server_hostname,
            cipher_suites: tls.tls_cipher_suites.join(","),
            // versions differ in how they call the others; nothing said is TLS 1.2 everywhere
            min_version: if tls.tls_min_version == "TLSv1_3" { tls.tls_min_version.clone() } else { String::new() },
        }),
        ..Config::default()
    }
}

/// The names of versions that older servers send.
const OLD_VERSIONS: [(&str, &str); 4] =
    [("tls10", "TLSv1_0"), ("tls11", "TLSv1_1"), ("tls12", "TLSv1_2"), ("tls13", "TLSv1_3")];

/// What says nothing is left out.
fn said(value: Value) -> Option<Value> {
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::Array(items) if items.is_empty() => None,
        Value::Object(fields) => {
            let fields: Map<String, Value> =
                fields.into_iter().filter_map(|(key, value)| Some((key, said(value)?))).collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        other => Some(other),
    }
}

/// The configuration as a source in JSON; the agent's own files win over it.
pub(super) fn fragment(config: Option<&Config>) -> String {
    let Some(config) = config else { return "{}".to_owned() };
    let mut document = json!({
        "datacenter": config.datacenter,
        "primary_datacenter": config.primary_datacenter,
        "node_name": config.node_name,
    });
    if let Some(acl) = &config.acl {
        let tokens = acl.tokens.clone().unwrap_or_default();
        document["acl"] = json!({
            "enabled": acl.enabled,
            "policy_ttl": acl.policy_ttl,
            "role_ttl": acl.role_ttl,
            "token_ttl": acl.token_ttl,
            "down_policy": acl.down_policy,
            "default_policy": acl.default_policy,
            "enable_key_list_policy": acl.enable_key_list_policy,
            "enable_token_persistence": acl.enable_token_persistence,
            "tokens": { "default": tokens.default, "agent": tokens.agent },
        });
    }
    if let Some(gossip) = &config.gossip {
        document["retry_join"] = json!(gossip.retry_join_lan);
        if let Some(encryption) = &gossip.encryption {
            document["encrypt"] = json!(encryption.key);
            document["encrypt_verify_incoming"] = json!(encryption.verify_incoming);
            document["encrypt_verify_outgoing"] = json!(encryption.verify_outgoing);
        }
    }
    if let Some(tls) = &config.tls {
        let modern = OLD_VERSIONS.iter().find(|(old, _)| *old == tls.min_version);
        document["tls"] = json!({ "internal_rpc": {
            "verify_outgoing": tls.verify_outgoing,
            "verify_server_hostname": tls.verify_server_hostname,
            "tls_cipher_suites": tls.cipher_suites,
            "tls_min_version": modern.map_or(tls.min_version.as_str(), |(_, modern)| modern),
        }});
    }
    said(document).unwrap_or_else(|| json!({})).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Load, load};
    use crate::rpc::auto_config::{AclTokens, AutoConfigResponse};

    fn loaded(fragment: String, own: &str) -> RuntimeConfig {
        let load_with = Load { agreed: Some(fragment), hcl: vec![own.to_owned()], ..Load::default() };
        load(&load_with).expect("a good configuration").config
    }

    #[test]
    fn a_server_s_configuration_arrives_at_an_agent_and_its_own_files_win() {
        let mut server = loaded("{}".into(), "data_dir = \"/tmp/x\" acl { enabled = true default_policy = \"deny\" }");
        server.tls.internal_rpc.verify_server_hostname = true;
        server.tls.internal_rpc.verify_outgoing = true;
        let mut config = common(&server);
        config.node_name = "web-1".into();
        let key = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=";
        let encryption = Some(GossipEncryption { key: key.into(), verify_incoming: true, verify_outgoing: false });
        config.gossip = Some(Gossip { encryption, retry_join_lan: vec!["10.0.0.1:8301".into()] });
        if let Some(acl) = &mut config.acl {
            acl.tokens = Some(AclTokens { agent: "a-token".into(), ..AclTokens::default() });
        }
        let agent = loaded(fragment(Some(&config)), "data_dir = \"/tmp/x\" acl { default_policy = \"allow\" }");
        assert!(agent.acl.enabled && agent.tls.internal_rpc.verify_server_hostname && !agent.encrypt_verify_outgoing);
        assert_eq!((agent.acl.default_policy.as_str(), agent.acl.tokens.agent.as_str()), ("allow", "a-token"));
        assert_eq!((agent.node_name.as_str(), agent.encrypt.as_str()), ("web-1", key));
        assert_eq!(agent.join.retry_join, ["10.0.0.1:8301"]);
    }

    #[test]
    fn what_an_older_server_says_is_understood() {
        let text = include_str!("../../../tests/vectors/auto-config.json");
        let response: AutoConfigResponse = serde_json::from_str(text).expect("decodes");
        let agent = loaded(fragment(response.config.as_ref()), "data_dir = \"/tmp/x\"");
        assert_eq!((agent.node_name.as_str(), agent.tls.internal_rpc.tls_min_version.as_str()), ("c1", "TLSv1_2"));
        assert!(agent.acl.enabled && agent.tls.internal_rpc.verify_outgoing);
    }
}
