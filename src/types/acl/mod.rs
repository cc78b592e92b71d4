//! Access control: tokens, policies, roles, auth methods, binding rules (`spec/acl-and-tls.md` 1).

mod builtin;
mod hash;
mod ids;
mod requests;

pub use builtin::*;
pub use ids::*;
pub use requests::*;

use super::value::{is_zero, null_default};
use super::{Blob, GoDuration, Index, Timestamp};
use crate::types::secret::hidden;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;

/// A link to a policy or a role. It is stored by id; the name is that of the moment of reading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclLink {
    /// Id, a UUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// Name.
    pub name: String,
}

/// The permissions that a service needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceIdentity {
    /// Service name.
    pub service_name: String,
    /// Where it holds; empty is everywhere.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub datacenters: Vec<String>,
}

/// The permissions that a node needs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeIdentity {
    /// Node name.
    pub node_name: String,
    /// Where it holds.
    pub datacenter: String,
}

/// A named template with values for its variables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TemplatedPolicy {
    /// Id of the template; filled in by the server.
    #[serde(rename = "TemplateID")]
    pub template_id: String,
    /// Name of the template, such as `builtin/service`.
    pub template_name: String,
    /// Values of the variables.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_variables: Option<TemplateVariables>,
    /// Where it holds; empty is everywhere.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub datacenters: Vec<String>,
}

/// Values of a template's variables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
#[serde(default)]
pub struct TemplateVariables {
    /// Name of the service or node; `name` in JSON, `Name` in msgpack.
    #[serde(rename = "name", alias = "Name", deserialize_with = "null_default")]
    pub name: String,
}

impl Serialize for TemplateVariables {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json = serializer.is_human_readable();
        let entries = usize::from(!self.name.is_empty());
        let mut map = serializer.serialize_map(Some(entries))?;
        if entries > 0 {
            map.serialize_entry(if json { "name" } else { "Name" }, &self.name)?;
        }
        map.end()
    }
}

/// What a caller shows, and what it stands for.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclToken {
    /// Public handle, a UUID.
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
    pub policies: Vec<AclLink>,
    /// Roles.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub roles: Vec<AclLink>,
    /// Services it may be.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub service_identities: Vec<ServiceIdentity>,
    /// Nodes it may be.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub node_identities: Vec<NodeIdentity>,
    /// Templates with values.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub templated_policies: Vec<TemplatedPolicy>,
    /// Known in this datacenter only.
    pub local: bool,
    /// The auth method whose login made it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub auth_method: String,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<Timestamp>,
    /// In requests only: ends that long after its making.
    #[serde(rename = "ExpirationTTL", skip_serializing_if = "is_zero")]
    pub expiration_ttl: GoDuration,
    /// When it was made.
    pub create_time: Timestamp,
    /// Hash of the content.
    pub hash: Blob,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

impl AclToken {
    /// Its time is over.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expiration_time.is_some_and(|end| !end.is_zero() && end < now)
    }

    /// It grants something, be it little.
    pub fn has_privileges(&self) -> bool {
        !(self.policies.is_empty()
            && self.roles.is_empty()
            && self.service_identities.is_empty()
            && self.node_identities.is_empty()
            && self.templated_policies.is_empty())
    }
}

/// A token in a list.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclTokenListStub {
    /// Public handle, a UUID.
    #[serde(rename = "AccessorID")]
    pub accessor_id: String,
    /// The credential, or [`REDACTED`](super::secret::REDACTED).
    #[serde(rename = "SecretID")]
    #[debug("{}", hidden(secret_id))]
    pub secret_id: String,
    /// For humans.
    pub description: String,
    /// Policies.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub policies: Vec<AclLink>,
    /// Roles.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub roles: Vec<AclLink>,
    /// Services it may be.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub service_identities: Vec<ServiceIdentity>,
    /// Nodes it may be.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub node_identities: Vec<NodeIdentity>,
    /// Templates with values.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub templated_policies: Vec<TemplatedPolicy>,
    /// Known in this datacenter only.
    pub local: bool,
    /// The auth method whose login made it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub auth_method: String,
    /// When it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_time: Option<Timestamp>,
    /// When it was made.
    pub create_time: Timestamp,
    /// Hash of the content.
    pub hash: Blob,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

impl From<&AclToken> for AclTokenListStub {
    fn from(token: &AclToken) -> Self {
        let AclToken { policies, roles, service_identities, node_identities, templated_policies, .. } = token.clone();
        AclTokenListStub {
            accessor_id: token.accessor_id.clone(),
            secret_id: token.secret_id.clone(),
            description: token.description.clone(),
            policies,
            roles,
            service_identities,
            node_identities,
            templated_policies,
            local: token.local,
            auth_method: token.auth_method.clone(),
            expiration_time: token.expiration_time,
            create_time: token.create_time,
            hash: token.hash.clone(),
            create_index: token.create_index,
            modify_index: token.modify_index,
        }
    }
}

/// A named set of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclPolicy {
    /// Id, a UUID made by the server.
    #[serde(rename = "ID")]
    pub id: String,
    /// Name, unique.
    pub name: String,
    /// For humans.
    pub description: String,
    /// The rules, HCL or JSON.
    pub rules: String,
    /// Where it holds; empty is everywhere.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub datacenters: Vec<String>,
    /// Hash of the content.
    pub hash: Blob,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

/// A policy in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclPolicyListStub {
    /// Id, a UUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// Name.
    pub name: String,
    /// For humans.
    pub description: String,
    /// Where it holds; null is everywhere.
    pub datacenters: Option<Vec<String>>,
    /// Hash of the content.
    pub hash: Blob,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

impl From<&AclPolicy> for AclPolicyListStub {
    fn from(policy: &AclPolicy) -> Self {
        AclPolicyListStub {
            id: policy.id.clone(),
            name: policy.name.clone(),
            description: policy.description.clone(),
            datacenters: (!policy.datacenters.is_empty()).then(|| policy.datacenters.clone()),
            hash: policy.hash.clone(),
            create_index: policy.create_index,
            modify_index: policy.modify_index,
        }
    }
}

/// A named set of policies and identities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclRole {
    /// Id, a UUID made by the server.
    #[serde(rename = "ID")]
    pub id: String,
    /// Name, unique.
    pub name: String,
    /// For humans.
    pub description: String,
    /// Policies.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub policies: Vec<AclLink>,
    /// Services it may be.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub service_identities: Vec<ServiceIdentity>,
    /// Nodes it may be.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub node_identities: Vec<NodeIdentity>,
    /// Templates with values.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "null_default")]
    pub templated_policies: Vec<TemplatedPolicy>,
    /// Hash of the content.
    pub hash: Blob,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

/// Free settings of an auth method, as they were given.
pub type AuthMethodConfig = Option<BTreeMap<String, serde_json::Value>>;

/// A way to get a token for the credential of another system (`spec/acl-and-tls.md` 10).
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AuthMethod {
    /// Longest life of its tokens; none when zero. It comes first in JSON.
    #[serde(rename = "MaxTokenTTL", skip_serializing_if = "is_zero")]
    pub max_token_ttl: GoDuration,
    /// Name, unique.
    pub name: String,
    /// `aws-iam`, `jwt` or `kubernetes`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Name for humans.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// For humans.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `local`, `global`, or empty for `local`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token_locality: String,
    /// Settings of its type.
    #[debug("{}", hidden(config))]
    pub config: AuthMethodConfig,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

/// An auth method in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AuthMethodListStub {
    /// Longest life of its tokens; none when zero.
    #[serde(rename = "MaxTokenTTL", skip_serializing_if = "is_zero")]
    pub max_token_ttl: GoDuration,
    /// Name.
    pub name: String,
    /// `aws-iam`, `jwt` or `kubernetes`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Name for humans.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub display_name: String,
    /// For humans.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `local`, `global`, or empty for `local`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub token_locality: String,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

impl From<&AuthMethod> for AuthMethodListStub {
    fn from(method: &AuthMethod) -> Self {
        AuthMethodListStub {
            max_token_ttl: method.max_token_ttl,
            name: method.name.clone(),
            kind: method.kind.clone(),
            display_name: method.display_name.clone(),
            description: method.description.clone(),
            token_locality: method.token_locality.clone(),
            create_index: method.create_index,
            modify_index: method.modify_index,
        }
    }
}

/// What a login through an auth method gets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BindingRule {
    /// Id, a UUID made by the server.
    #[serde(rename = "ID")]
    pub id: String,
    /// For humans.
    pub description: String,
    /// The auth method.
    pub auth_method: String,
    /// Which logins it is for: a boolean expression; empty is for all.
    pub selector: String,
    /// `service`, `node`, `role`, `policy` or `templated-policy`.
    pub bind_type: String,
    /// Name of what is bound, with places to fill in.
    pub bind_name: String,
    /// Values of a template's variables, with places to fill in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind_vars: Option<TemplateVariables>,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

/// How replication from the primary datacenter goes (`spec/acl-and-tls.md` 11.2).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclReplicationStatus {
    /// This datacenter replicates.
    pub enabled: bool,
    /// It does so at this moment.
    pub running: bool,
    /// Where from.
    pub source_datacenter: String,
    /// `policies`, `tokens` or empty.
    pub replication_type: String,
    /// Index of the policies that are here.
    pub replicated_index: Index,
    /// Index of the roles that are here.
    pub replicated_role_index: Index,
    /// Index of the tokens that are here.
    pub replicated_token_index: Index,
    /// When a round last succeeded.
    pub last_success: Timestamp,
    /// When a round last failed.
    pub last_error: Timestamp,
    /// Why.
    pub last_error_message: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::msgpack;

    #[test]
    fn answers_have_the_fields_of_the_reference_in_its_order() {
        let token = AclToken {
            accessor_id: "a".into(),
            policies: vec![AclLink { id: "p".into(), name: "n".into() }],
            templated_policies: vec![TemplatedPolicy {
                template_name: "builtin/service".into(),
                template_variables: Some(TemplateVariables { name: "web".into() }),
                ..Default::default()
            }],
            hash: "x".into(),
            ..Default::default()
        };
        assert_eq!(
            serde_json::to_string(&token).expect("encodes"),
            r#"{"AccessorID":"a","SecretID":"","Description":"","Policies":[{"ID":"p","Name":"n"}],"#.to_owned()
                + r#""TemplatedPolicies":[{"TemplateID":"","TemplateName":"builtin/service","#
                + r#""TemplateVariables":{"name":"web"}}],"Local":false,"CreateTime":"0001-01-01T00:00:00Z","#
                + r#""Hash":"eA==","CreateIndex":0,"ModifyIndex":0}"#
        );
        let stub = AclPolicyListStub::from(&AclPolicy { name: "p".into(), ..Default::default() });
        assert_eq!(
            serde_json::to_string(&stub).expect("encodes"),
            r#"{"ID":"","Name":"p","Description":"","Datacenters":null,"Hash":null,"CreateIndex":0,"ModifyIndex":0}"#
        );
        let method = AuthMethod { name: "m".into(), max_token_ttl: GoDuration::secs(300), ..Default::default() };
        assert_eq!(
            serde_json::to_string(&method).expect("encodes"),
            r#"{"MaxTokenTTL":"5m0s","Name":"m","Type":"","Config":null,"CreateIndex":0,"ModifyIndex":0}"#
        );
    }

    #[test]
    fn variables_are_read_in_both_cases_and_written_as_each_side_does() {
        for text in [r#"{"name":"web"}"#, r#"{"Name":"web"}"#] {
            let variables: TemplateVariables = serde_json::from_str(text).expect("decodes");
            assert_eq!(variables.name, "web");
            let bytes = msgpack::to_vec(&variables).expect("encodes");
            assert_eq!(bytes, b"\x81\xa4Name\xa3web");
            assert_eq!(msgpack::from_slice::<TemplateVariables>(&bytes).expect("decodes"), variables);
        }
    }

    #[test]
    fn null_lists_are_empty_lists() {
        let token: AclToken = serde_json::from_str(r#"{"Policies":null,"ExpirationTTL":"1h"}"#).expect("decodes");
        assert!(token.policies.is_empty());
        assert_eq!(token.expiration_ttl, GoDuration::secs(3600));
        let bytes = msgpack::to_vec(&token).expect("encodes");
        assert_eq!(msgpack::from_slice::<AclToken>(&bytes).expect("decodes"), token);
    }

    #[test]
    fn a_token_ends_when_its_time_is_over() {
        let now = Timestamp::now();
        let until = |at| AclToken { expiration_time: at, ..Default::default() }.is_expired(now);
        assert!(until(Some(now.plus(GoDuration(-1)))));
        assert!(!until(Some(now.plus(GoDuration(1)))));
        assert!(!until(None) && !until(Some(Timestamp::default())));
    }
}
