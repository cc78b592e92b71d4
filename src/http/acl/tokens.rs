//! Tokens, the first of them included (`spec/acl-and-tls.md` 2.2, 9.3).

use super::bodies::{BOOTSTRAP, TOKEN};
use super::{begin_read, decode, deleted, enabled};
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::decode::shape::Kind;
use crate::http::encodings::encodings;
use crate::rpc::method::{AclBootstrapTokens, AclTokenClone, AclTokenDelete, AclTokenList, AclTokenRead, AclTokenSet};
use crate::types::acl::{
    ANONYMOUS_SECRET, AclBootstrapRequest, AclPolicy, AclRole, AclToken, AclTokenDeleteRequest, AclTokenGetRequest,
    AclTokenListRequest, AclTokenListResponse, AclTokenResponse, AclTokenSetRequest,
};
use crate::types::{Error, Result};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

encodings! {
    TOKENS: AclTokenListResponse, reply => &reply.tokens;
    ONE: AclTokenResponse, reply => &reply.token;
    EXPANDED: AclTokenResponse, reply => expanded(reply);
}

/// A token with what it leads to.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Expanded<'a> {
    #[serde(flatten)]
    token: &'a AclToken,
    expanded_policies: &'a Option<Vec<Arc<AclPolicy>>>,
    expanded_roles: &'a Option<Vec<Arc<AclRole>>>,
    #[serde(rename = "NamespaceDefaultPolicyIDs")]
    namespace_default_policy_ids: &'a Option<Vec<String>>,
    #[serde(rename = "NamespaceDefaultRoleIDs")]
    namespace_default_role_ids: &'a Option<Vec<String>>,
    #[serde(rename = "AgentACLDefaultPolicy")]
    agent_acl_default_policy: &'a str,
    #[serde(rename = "AgentACLDownPolicy")]
    agent_acl_down_policy: &'a str,
    resolved_by_agent: &'a str,
}

pub(super) fn expanded(reply: &AclTokenResponse) -> impl Serialize {
    reply.token.as_ref().map(|token| Expanded {
        token,
        expanded_policies: &reply.expanded_policies,
        expanded_roles: &reply.expanded_roles,
        namespace_default_policy_ids: &reply.namespace_default_policy_ids,
        namespace_default_role_ids: &reply.namespace_default_role_ids,
        agent_acl_default_policy: &reply.agent_acl_default_policy,
        agent_acl_down_policy: &reply.agent_acl_down_policy,
        resolved_by_agent: &reply.resolved_by_agent,
    })
}

/// The first token, with the name that its secret had once.
#[derive(Serialize)]
pub(super) struct Bootstrapped<'a> {
    #[serde(rename = "ID")]
    pub(super) id: &'a str,
    #[serde(flatten)]
    pub(super) token: &'a AclToken,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Bootstrap {
    bootstrap_secret: String,
}

pub(super) async fn bootstrap(call: &mut Call<'_>) -> Result<Answer> {
    enabled(call)?;
    let body = call.bytes(crate::http::call::BODY_LIMIT).await?;
    let wanted: Bootstrap = if body.is_empty() {
        Bootstrap::default()
    } else {
        super::parse(&body, &Kind::Object(&BOOTSTRAP))
            .map_err(|reason| Error::bad_request(format!("Request decoding failed: {reason}")))?
    };
    let request = AclBootstrapRequest {
        datacenter: call.datacenter(),
        bootstrap_secret: wanted.bootstrap_secret,
        ..AclBootstrapRequest::default()
    };
    let token = call.agent.call::<AclBootstrapTokens>(request).await?;
    call.json(&Bootstrapped { id: &token.secret_id, token: &token })
}

pub(super) async fn list(call: &mut Call<'_>) -> Result<Answer> {
    begin_read(call)?;
    let text = |name: &str| call.params.text(name).to_owned();
    let request = AclTokenListRequest {
        datacenter: call.datacenter(),
        include_local: true,
        include_global: true,
        policy: text("policy"),
        role: text("role"),
        auth_method: text("authmethod"),
        service_name: text("servicename"),
        query: call.read_options(),
    };
    let found = call.fetch::<AclTokenList>(request, &TOKENS).await?;
    Ok(Answer::encoded(found.body))
}

pub(super) async fn create(call: &mut Call<'_>) -> Result<Answer> {
    enabled(call)?;
    set(call, "", true).await
}

/// Stores the token of the body.
async fn set(call: &mut Call<'_>, accessor: &str, create: bool) -> Result<Answer> {
    let mut token: AclToken = decode(call, &Kind::Object(&TOKEN), "Token decoding failed").await?;
    if !accessor.is_empty() {
        if !token.accessor_id.is_empty() && token.accessor_id != accessor {
            return Err(Error::bad_request("Token Accessor ID in URL and payload do not match"));
        }
        accessor.clone_into(&mut token.accessor_id);
    }
    let request = AclTokenSetRequest { datacenter: call.datacenter(), acl_token: token, create, token: call.token() };
    let stored = call.agent.call::<AclTokenSet>(request).await?;
    call.json(&stored)
}

/// One token: read, replaced, copied or deleted.
pub(super) async fn one(call: &mut Call<'_>) -> Result<Answer> {
    enabled(call)?;
    let missing = "Missing token AccessorID";
    let accessor = call.rest;
    match call.method() {
        "PUT" => match accessor.strip_suffix("/clone").or((accessor == "clone").then_some("")) {
            Some("") => Err(Error::bad_request(missing)),
            Some(accessor) => clone(call, accessor).await,
            None => set(call, accessor, false).await,
        },
        "DELETE" => {
            let token_id = call.argument(missing)?.to_owned();
            let request = AclTokenDeleteRequest { datacenter: call.datacenter(), token_id, token: call.token() };
            let result = call.agent.call::<AclTokenDelete>(request).await;
            deleted(call, result, "token")
        }
        _ => {
            begin_read(call)?;
            let token_id = call.argument(missing)?.to_owned();
            let expanded = call.params.has("expanded");
            let request = AclTokenGetRequest {
                datacenter: call.datacenter(),
                token_id,
                token_id_type: "accessor".to_owned(),
                expanded,
                query: call.read_options(),
            };
            read(call, request, "token does not exist: ACL not found").await
        }
    }
}

/// Reads a token; one that does not exist is refused like a caller without permission.
async fn read(call: &mut Call<'_>, request: AclTokenGetRequest, absent: &str) -> Result<Answer> {
    let view = if request.expanded { &EXPANDED } else { &ONE };
    let found = call.fetch::<AclTokenRead>(request, view).await?;
    if found.not_found { Err(Error::with_status(403, absent)) } else { Ok(Answer::encoded(found.body)) }
}

/// The token that the caller shows.
pub(super) async fn own(call: &mut Call<'_>) -> Result<Answer> {
    begin_read(call)?;
    let secret = match call.token() {
        secret if secret.is_empty() => ANONYMOUS_SECRET.to_owned(),
        secret => secret,
    };
    let request = AclTokenGetRequest {
        datacenter: call.datacenter(),
        token_id: secret,
        token_id_type: "secret".to_owned(),
        query: call.read_options(),
        ..AclTokenGetRequest::default()
    };
    read(call, request, "ACL not found").await
}

async fn clone(call: &mut Call<'_>, accessor: &str) -> Result<Answer> {
    let body = call.bytes(crate::http::call::BODY_LIMIT).await?;
    let mut token: AclToken = if body.is_empty() {
        AclToken::default()
    } else {
        super::parse(&body, &Kind::Object(&TOKEN))
            .map_err(|reason| Error::bad_request(format!("Token decoding failed: {reason}")))?
    };
    accessor.clone_into(&mut token.accessor_id);
    let request =
        AclTokenSetRequest { datacenter: call.datacenter(), acl_token: token, create: true, token: call.token() };
    let copy = call.agent.call::<AclTokenClone>(request).await?;
    call.json(&copy)
}
