//! ACL objects in the field order of client libraries, which is also the order in which commands print them. Those of
//! [`crate::types::acl`] that have it are used as they are.

pub use crate::types::acl::{
    AclLink as Link, AclPolicyListStub as PolicyEntry, AuthMethod, AuthMethodListStub as AuthMethodEntry, NodeIdentity,
    ServiceIdentity,
};

use crate::types::Blob;
use crate::types::GoDuration;
use crate::types::secret::hidden;
use crate::types::value::{is_zero, null_default};
use serde::{Deserialize, Serialize};

/// The time before all times, sent where a field is left to the server.
pub const NO_TIME: &str = "0001-01-01T00:00:00Z";

fn no_time() -> String {
    NO_TIME.into()
}

/// Variables of a templated policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Variables {
    /// `{{.Name}}`.
    #[serde(alias = "name")]
    pub name: String,
}

/// A use of a policy template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TemplatedPolicy {
    /// Template.
    pub template_name: String,
    /// What it is filled with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_variables: Option<Variables>,
    /// Datacenters in which it is valid; empty means all.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub datacenters: Vec<String>,
}

/// A token.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Token {
    /// Raft index of the insert.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
    /// Public handle.
    #[serde(rename = "AccessorID")]
    pub accessor_id: String,
    /// The credential.
    #[serde(rename = "SecretID")]
    #[debug("{}", hidden(secret_id))]
    pub secret_id: String,
    /// For humans.
    pub description: String,
    /// Policies.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub policies: Vec<Link>,
    /// Roles.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub roles: Vec<Link>,
    /// Service identities.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub service_identities: Vec<ServiceIdentity>,
    /// Node identities.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub node_identities: Vec<NodeIdentity>,
    /// Templated policies.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub templated_policies: Vec<TemplatedPolicy>,
    /// Valid in its datacenter only.
    pub local: bool,
    /// Auth method of the login that made it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub auth_method: String,
    /// Time to live, of a new token.
    #[serde(rename = "ExpirationTTL", skip_serializing_if = "is_zero")]
    pub expiration_ttl: GoDuration,
    /// End of its validity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<String>,
    /// When it was made.
    #[serde(default = "no_time")]
    pub create_time: String,
    /// Hash of the content.
    #[serde(skip_serializing_if = "Blob::is_empty")]
    pub hash: Blob,
}

/// A token in a list. The fields are those of [`Token`].
pub type TokenEntry = Token;

/// A token with what it leads to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ExpandedToken {
    /// All policies of the token and its roles, synthetic ones included.
    pub expanded_policies: Option<Vec<Policy>>,
    /// All roles.
    pub expanded_roles: Option<Vec<Role>>,
    /// Always empty here.
    #[serde(rename = "NamespaceDefaultPolicyIDs")]
    pub namespace_default_policy_ids: Option<Vec<String>>,
    /// Always empty here.
    #[serde(rename = "NamespaceDefaultRoleIDs")]
    pub namespace_default_role_ids: Option<Vec<String>>,
    /// What holds where no rule matches.
    #[serde(rename = "AgentACLDefaultPolicy")]
    pub agent_acl_default_policy: String,
    /// What holds when tokens cannot be read.
    #[serde(rename = "AgentACLDownPolicy")]
    pub agent_acl_down_policy: String,
    /// The agent that said so.
    pub resolved_by_agent: String,
    /// The token itself.
    #[serde(flatten)]
    pub token: Token,
}

/// A policy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Policy {
    /// Id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Name.
    pub name: String,
    /// For humans.
    pub description: String,
    /// Rules, HCL or JSON.
    pub rules: String,
    /// Datacenters in which it is valid; none means all.
    pub datacenters: Option<Vec<String>>,
    /// Hash of the content.
    pub hash: Blob,
    /// Raft index of the insert.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

/// A role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Role {
    /// Id.
    #[serde(rename = "ID")]
    pub id: String,
    /// Name.
    pub name: String,
    /// For humans.
    pub description: String,
    /// Policies.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub policies: Vec<Link>,
    /// Service identities.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub service_identities: Vec<ServiceIdentity>,
    /// Node identities.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub node_identities: Vec<NodeIdentity>,
    /// Templated policies.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub templated_policies: Vec<TemplatedPolicy>,
    /// Hash of the content.
    pub hash: Blob,
    /// Raft index of the insert.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

/// What a login gets when its identity matches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BindingRule {
    /// Id.
    #[serde(rename = "ID")]
    pub id: String,
    /// For humans.
    pub description: String,
    /// Auth method.
    pub auth_method: String,
    /// Filter over the identity; empty matches all.
    pub selector: String,
    /// `service`, `node`, `role`, `policy` or `templated-policy`.
    pub bind_type: String,
    /// Name to bind, with `${...}`.
    pub bind_name: String,
    /// Variables of a templated policy, with `${...}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind_vars: Option<Variables>,
    /// Raft index of the insert.
    pub create_index: u64,
    /// Raft index of the last change.
    pub modify_index: u64,
}

/// A policy template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Template {
    /// Name.
    pub template_name: String,
    /// JSON schema of the variables, empty without any.
    pub schema: String,
    /// The rules with their placeholders.
    pub template: String,
    /// For humans.
    pub description: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_token_leaves_the_rest_to_the_server() {
        let token = Token { policies: vec![Link { id: String::new(), name: "p1".into() }], ..Token::default() };
        let token = Token { create_time: NO_TIME.into(), ..token };
        let text = serde_json::to_string(&token).expect("JSON");
        assert_eq!(
            text,
            r#"{"CreateIndex":0,"ModifyIndex":0,"AccessorID":"","SecretID":"","Description":"","Policies":[{"ID":"","Name":"p1"}],"Local":false,"CreateTime":"0001-01-01T00:00:00Z"}"#
        );
    }

    #[test]
    fn an_auth_method_keeps_its_time_to_live_in_both_directions() {
        let text = r#"{"MaxTokenTTL":"5m0s","Name":"j","Type":"jwt","Config":{"a":1},"CreateIndex":1,"ModifyIndex":2}"#;
        let method: AuthMethod = serde_json::from_str(text).expect("a method");
        assert_eq!(method.max_token_ttl, GoDuration::secs(300));
        assert_eq!(serde_json::to_string(&method).expect("JSON"), text);
        let none: AuthMethod = serde_json::from_str(r#"{"MaxTokenTTL":""}"#).expect("a method");
        assert!(none.max_token_ttl.is_zero());
    }
}
