//! Requests and replies of `ACL.*`, and what the log carries (`spec/rpc.md` 10).

use super::{
    AclPolicy, AclPolicyListStub, AclRole, AclToken, AclTokenListStub, AuthMethod, AuthMethodListStub, BindingRule,
};
use crate::types::requests::{ReadReply, ReadRequest, Request, read_requests, replies, writes};
use crate::types::secret::hidden;
use crate::types::{Index, QueryMeta, QueryOptions, StringMap};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

read_requests! {
    /// Makes the first token.
    AclBootstrapRequest {
        /// Secret that it gets; empty lets the server choose.
        #[debug("{}", hidden(bootstrap_secret))]
        bootstrap_secret: String,
    }
    /// About one token.
    AclTokenGetRequest {
        /// Its accessor or its secret.
        #[serde(rename = "TokenID")]
        #[debug("{}", hidden(token_id))]
        token_id: String,
        /// `accessor`; anything else says that it is the secret.
        #[serde(rename = "TokenIDType")]
        token_id_type: String,
        /// With all policies and roles in full.
        expanded: bool,
    }
    /// Tokens.
    AclTokenListRequest {
        /// Local ones.
        include_local: bool,
        /// Global ones.
        include_global: bool,
        /// Only those with this policy, by id.
        policy: String,
        /// Only those with this role, by id.
        role: String,
        /// Only those of this auth method.
        auth_method: String,
        /// Only those with an identity of this service.
        service_name: String,
    }
    /// Several tokens.
    AclTokenBatchGetRequest {
        /// Their accessors.
        #[serde(rename = "AccessorIDs")]
        accessor_ids: Vec<String>,
    }
    /// About one policy.
    AclPolicyGetRequest {
        /// Its id.
        #[serde(rename = "PolicyID")]
        policy_id: String,
        /// Its name, when the id is empty.
        policy_name: String,
    }
    /// All policies.
    AclPolicyListRequest {}
    /// Several policies.
    AclPolicyBatchGetRequest {
        /// Their ids.
        #[serde(rename = "PolicyIDs")]
        policy_ids: Vec<String>,
    }
    /// About one role.
    AclRoleGetRequest {
        /// Its id.
        #[serde(rename = "RoleID")]
        role_id: String,
        /// Its name, when the id is empty.
        role_name: String,
    }
    /// Roles.
    AclRoleListRequest {
        /// Only those with this policy, by id.
        policy: String,
    }
    /// Several roles.
    AclRoleBatchGetRequest {
        /// Their ids.
        #[serde(rename = "RoleIDs")]
        role_ids: Vec<String>,
    }
    /// About one binding rule.
    AclBindingRuleGetRequest {
        /// Its id.
        #[serde(rename = "BindingRuleID")]
        binding_rule_id: String,
    }
    /// Binding rules.
    AclBindingRuleListRequest {
        /// Only those of this auth method.
        auth_method: String,
    }
    /// About one auth method.
    AclAuthMethodGetRequest {
        /// Its name.
        auth_method_name: String,
    }
    /// All auth methods.
    AclAuthMethodListRequest {}
    /// May the caller do these things?
    AclAuthorizationsRequest {
        /// The things.
        requests: Vec<AclAuthorizationRequest>,
    }
}

/// One thing that a caller may or may not do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclAuthorizationRequest {
    /// Kind of thing, such as `key`.
    pub resource: String,
    /// Name of the thing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub segment: String,
    /// `read`, `write`, or for keys also `list` and `write-prefix`.
    pub access: String,
}

/// The decision about one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclAuthorizationResponse {
    /// The thing.
    #[serde(flatten)]
    pub request: AclAuthorizationRequest,
    /// Whether it is allowed.
    pub allow: bool,
}

macro_rules! write_requests {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident : $ty:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, derive_more::Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase", default)]
        pub struct $name {
            /// Target datacenter.
            pub datacenter: String,
            $($(#[$fdoc])* pub $field: $ty,)*
            /// Secret of the caller.
            #[debug("{}", hidden(token))]
            pub token: String,
        }
        writes!($name);
    )*};
}

write_requests! {
    /// Stores a token, or copies one.
    AclTokenSetRequest {
        /// The token.
        #[serde(rename = "ACLToken")]
        acl_token: AclToken,
        /// It is a new one, whatever its ids are.
        create: bool,
    }
    /// Removes a token.
    AclTokenDeleteRequest {
        /// Its accessor.
        #[serde(rename = "TokenID")]
        token_id: String,
    }
    /// Stores a policy.
    AclPolicySetRequest {
        /// The policy.
        policy: AclPolicy,
    }
    /// Removes a policy.
    AclPolicyDeleteRequest {
        /// Its id.
        #[serde(rename = "PolicyID")]
        policy_id: String,
    }
    /// Stores a role.
    AclRoleSetRequest {
        /// The role.
        role: AclRole,
    }
    /// Removes a role.
    AclRoleDeleteRequest {
        /// Its id.
        #[serde(rename = "RoleID")]
        role_id: String,
    }
    /// Stores a binding rule.
    AclBindingRuleSetRequest {
        /// The rule.
        binding_rule: BindingRule,
    }
    /// Removes a binding rule.
    AclBindingRuleDeleteRequest {
        /// Its id.
        #[serde(rename = "BindingRuleID")]
        binding_rule_id: String,
    }
    /// Stores an auth method.
    AclAuthMethodSetRequest {
        /// The method.
        auth_method: AuthMethod,
    }
    /// Removes an auth method.
    AclAuthMethodDeleteRequest {
        /// Its name.
        auth_method_name: String,
    }
    /// Gets a token for the credential of another system.
    AclLoginRequest {
        /// The credential.
        auth: Option<AclLoginParams>,
    }
    /// Gives a token of a login back.
    AclLogoutRequest {}
}

/// The credential of another system.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct AclLoginParams {
    /// Name of the auth method.
    pub auth_method: String,
    /// The credential.
    #[debug("{}", hidden(bearer_token))]
    pub bearer_token: String,
    /// For the description of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: StringMap,
}

replies! {
    /// A token.
    AclTokenResponse {
        /// The token; none when there is no such one.
        token: Option<Arc<AclToken>>,
        /// The secret is not shown.
        redacted: bool,
        /// Datacenter that answered.
        source_datacenter: String,
        /// All policies in full, when asked for.
        expanded_policies: Option<Vec<Arc<AclPolicy>>>,
        /// All roles in full, when asked for.
        expanded_roles: Option<Vec<Arc<AclRole>>>,
        /// Enterprise.
        #[serde(rename = "NamespaceDefaultPolicyIDs")]
        namespace_default_policy_ids: Option<Vec<String>>,
        /// Enterprise.
        #[serde(rename = "NamespaceDefaultRoleIDs")]
        namespace_default_role_ids: Option<Vec<String>>,
        /// `acl.default_policy` of the server that expanded it.
        #[serde(rename = "AgentACLDefaultPolicy")]
        agent_acl_default_policy: String,
        /// `acl.down_policy` of the server that expanded it.
        #[serde(rename = "AgentACLDownPolicy")]
        agent_acl_down_policy: String,
        /// Name of the server that expanded it.
        resolved_by_agent: String,
    }
    /// Tokens.
    AclTokenListResponse {
        /// The tokens by accessor.
        tokens: Vec<AclTokenListStub>,
    }
    /// Several tokens.
    AclTokenBatchResponse {
        /// Those that exist and may be seen.
        tokens: Vec<Arc<AclToken>>,
        /// Secrets are not shown.
        redacted: bool,
        /// Some may not be seen.
        removed: bool,
    }
    /// A policy.
    AclPolicyResponse {
        /// The policy; none when there is no such one.
        policy: Option<Arc<AclPolicy>>,
    }
    /// Policies.
    AclPolicyListResponse {
        /// The policies by id.
        policies: Vec<AclPolicyListStub>,
    }
    /// Several policies.
    AclPolicyBatchResponse {
        /// Those that exist.
        policies: Vec<Arc<AclPolicy>>,
    }
    /// A role.
    AclRoleResponse {
        /// The role; none when there is no such one.
        role: Option<Arc<AclRole>>,
    }
    /// Roles.
    AclRoleListResponse {
        /// The roles by id.
        roles: Vec<Arc<AclRole>>,
    }
    /// Several roles.
    AclRoleBatchResponse {
        /// Those that exist.
        roles: Vec<Arc<AclRole>>,
    }
    /// A binding rule.
    AclBindingRuleResponse {
        /// The rule; none when there is no such one.
        binding_rule: Option<Arc<BindingRule>>,
    }
    /// Binding rules.
    AclBindingRuleListResponse {
        /// The rules by id.
        binding_rules: Vec<Arc<BindingRule>>,
    }
    /// An auth method.
    AclAuthMethodResponse {
        /// The method; none when there is no such one.
        auth_method: Option<Arc<AuthMethod>>,
    }
    /// Auth methods.
    AclAuthMethodListResponse {
        /// The methods by name.
        auth_methods: Vec<AuthMethodListStub>,
    }
}

macro_rules! entries {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident : $ty:ty),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
        #[serde(rename_all = "PascalCase", default)]
        pub struct $name {
            $($(#[$fdoc])* pub $field: $ty,)*
        }
    )*};
}

entries! {
    /// Log entry: the first token, while there may be one.
    AclBootstrapEntry {
        /// The token.
        token: AclToken,
        /// Index of the last bootstrap, to have another one; 0 for the first.
        reset_index: Index,
    }
    /// Log entry: tokens.
    AclTokenBatchSet {
        /// The tokens.
        tokens: Vec<AclToken>,
        /// Only over tokens that have the ModifyIndex of these.
        #[serde(rename = "CAS")]
        cas: bool,
        /// Links may lead nowhere: what they lead to may come later.
        allow_missing_links: bool,
        /// A token that grants nothing is refused.
        prohibit_unprivileged: bool,
        /// They come from the primary datacenter.
        from_replication: bool,
    }
    /// Log entry: tokens go.
    AclTokenBatchDelete {
        /// Their accessors.
        #[serde(rename = "TokenIDs")]
        token_ids: Vec<String>,
    }
    /// Log entry: policies.
    AclPolicyBatchSet {
        /// The policies.
        policies: Vec<AclPolicy>,
    }
    /// Log entry: policies go.
    AclPolicyBatchDelete {
        /// Their ids.
        #[serde(rename = "PolicyIDs")]
        policy_ids: Vec<String>,
    }
    /// Log entry: roles.
    AclRoleBatchSet {
        /// The roles.
        roles: Vec<AclRole>,
        /// Links may lead nowhere: what they lead to may come later.
        allow_missing_links: bool,
    }
    /// Log entry: roles go.
    AclRoleBatchDelete {
        /// Their ids.
        #[serde(rename = "RoleIDs")]
        role_ids: Vec<String>,
    }
    /// Log entry: binding rules.
    AclBindingRuleBatchSet {
        /// The rules.
        binding_rules: Vec<BindingRule>,
    }
    /// Log entry: binding rules go.
    AclBindingRuleBatchDelete {
        /// Their ids.
        #[serde(rename = "BindingRuleIDs")]
        binding_rule_ids: Vec<String>,
    }
    /// Log entry: auth methods.
    AclAuthMethodBatchSet {
        /// The methods.
        auth_methods: Vec<AuthMethod>,
    }
    /// Log entry: auth methods go, with their binding rules and tokens.
    AclAuthMethodBatchDelete {
        /// Their names.
        auth_method_names: Vec<String>,
    }
}
