//! Reads of tokens.

use super::super::catalog::at;
use super::super::{Found, ReadContext, ReadEndpoint, Server};
use super::check_read;
use crate::acl::templates::{NODE, SERVICE, Synthetic, Template};
use crate::acl::{Access, Base, NOT_FOUND, Resource};
use crate::rpc::method::{AclTokenBatchRead, AclTokenList, AclTokenRead};
use crate::state::TokenFilter;
use crate::types::acl::*;
use crate::types::secret::REDACTED;
use crate::types::{Error, Result, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The caller may see secrets.
fn sees_secrets(cx: &ReadContext<'_>) -> bool {
    cx.allows(Resource::Acl, Access::Write, "")
}

fn redacted(token: Arc<AclToken>) -> Arc<AclToken> {
    Arc::new(AclToken { secret_id: REDACTED.into(), ..AclToken::clone(&token) })
}

impl ReadEndpoint for AclTokenRead {
    fn read(cx: &mut ReadContext<'_>, args: &AclTokenGetRequest) -> Result<AclTokenResponse> {
        let by_accessor = args.token_id_type == "accessor";
        // who knows the secret may see all that it opens
        match by_accessor {
            true => check_read(cx.server, cx.authorizer)?,
            false => cx.server.acl_enabled()?,
        }
        let (index, token) = match by_accessor {
            true => cx.state.acl_token(cx.watch, &args.token_id),
            false => cx.state.acl_token_by_secret(cx.watch, &args.token_id),
        };
        if token.as_ref().is_some_and(|token| token.is_expired(Timestamp::now())) {
            return Err(Error::with_status(403, format!("token has expired: {NOT_FOUND}")));
        }
        let mut reply = AclTokenResponse {
            source_datacenter: cx.server.config().datacenter.clone(),
            redacted: by_accessor && !sees_secrets(cx),
            meta: at(index),
            ..AclTokenResponse::default()
        };
        match token {
            None => cx.found = Found::Nothing,
            Some(token) => {
                if args.expanded {
                    expand(cx, &token, &mut reply);
                }
                reply.token = Some(if reply.redacted { redacted(token) } else { token });
            }
        }
        Ok(reply)
    }

    /// Whether its time is over no watch tells.
    fn shareable(_args: &AclTokenGetRequest) -> bool {
        false
    }

    fn nothing(_args: &AclTokenGetRequest, reply: &AclTokenResponse) -> bool {
        reply.token.is_none()
    }

    fn reads_primary(server: &Server, _args: &AclTokenGetRequest) -> bool {
        !server.has_tokens()
    }
}

/// Policies in full, by id.
type Policies = BTreeMap<String, Arc<AclPolicy>>;

fn synthetic(found: Synthetic, datacenters: &[String], into: &mut Policies) {
    let mut policy = AclPolicy {
        id: found.id,
        name: found.name,
        description: found.description,
        rules: found.rules,
        datacenters: datacenters.to_vec(),
        ..AclPolicy::default()
    };
    policy.set_hash();
    into.insert(policy.id.clone(), Arc::new(policy));
}

/// The policies that identities and templates stand for.
fn implied(services: &[ServiceIdentity], nodes: &[NodeIdentity], templates: &[TemplatedPolicy], into: &mut Policies) {
    for identity in services {
        synthetic(SERVICE.policy(&identity.service_name), &identity.datacenters, into);
    }
    for identity in nodes {
        synthetic(NODE.policy(&identity.node_name), std::slice::from_ref(&identity.datacenter), into);
    }
    for policy in templates {
        let Some(template) = Template::named(&policy.template_name) else { continue };
        let name = policy.template_variables.as_ref().map_or("", |variables| &variables.name);
        synthetic(template.policy(name), &policy.datacenters, into);
    }
}

/// Adds what a token leads to (`spec/acl-and-tls.md` 9.2).
fn expand(cx: &mut ReadContext<'_>, token: &AclToken, reply: &mut AclTokenResponse) {
    let ids: Vec<String> = token.roles.iter().map(|link| link.id.clone()).collect();
    let roles = cx.state.acl_roles_of(cx.watch, &ids).1;
    let links = token.policies.iter().chain(roles.iter().flat_map(|role| &role.policies));
    let ids: BTreeSet<String> = links.map(|link| link.id.clone()).collect();
    let mut policies = cx.state.acl_policies_of(cx.watch, &Vec::from_iter(ids)).1;
    let mut made = Policies::new();
    implied(&token.service_identities, &token.node_identities, &token.templated_policies, &mut made);
    for role in &roles {
        implied(&role.service_identities, &role.node_identities, &role.templated_policies, &mut made);
    }
    policies.extend(made.into_values());
    let config = cx.server.config();
    reply.expanded_policies = Some(policies);
    reply.expanded_roles = Some(roles);
    reply.agent_acl_default_policy = match config.acl.default_policy {
        Base::Deny => "deny".into(),
        Base::Allow | Base::Manage => "allow".into(),
    };
    reply.agent_acl_down_policy = config.acl.down_policy.name().into();
    reply.resolved_by_agent = config.node_name.clone();
}

impl ReadEndpoint for AclTokenList {
    fn read(cx: &mut ReadContext<'_>, args: &AclTokenListRequest) -> Result<AclTokenListResponse> {
        check_read(cx.server, cx.authorizer)?;
        let filter = TokenFilter::of(args)?;
        let (index, tokens) = cx.state.acl_tokens(cx.watch, filter, (args.include_local, args.include_global));
        let (now, shown) = (Timestamp::now(), sees_secrets(cx));
        let stub = |token: &Arc<AclToken>| {
            let mut stub = AclTokenListStub::from(&**token);
            if !shown {
                stub.secret_id = REDACTED.into();
            }
            stub
        };
        let tokens = tokens.iter().filter(|token| !token.is_expired(now)).map(stub).collect();
        Ok(AclTokenListResponse { tokens, meta: at(index) })
    }

    fn shareable(_args: &AclTokenListRequest) -> bool {
        false
    }

    fn reads_primary(server: &Server, _args: &AclTokenListRequest) -> bool {
        !server.has_tokens()
    }

    /// The local tokens of the primary are none of the own datacenter.
    fn reads_fit_primary(args: &mut AclTokenListRequest) {
        (args.include_local, args.include_global) = (false, true);
    }
}

impl ReadEndpoint for AclTokenBatchRead {
    fn read(cx: &mut ReadContext<'_>, args: &AclTokenBatchGetRequest) -> Result<AclTokenBatchResponse> {
        cx.server.acl_enabled()?;
        let (index, mut tokens) = cx.state.acl_tokens_of(cx.watch, &args.accessor_ids);
        let now = Timestamp::now();
        tokens.retain(|token| !token.is_expired(now));
        let (before, redact) = (tokens.len(), !sees_secrets(cx));
        cx.permit(&mut tokens, |who, _| who.allows(Resource::Acl, Access::Read, ""));
        let removed = tokens.len() < before;
        if redact {
            tokens = tokens.into_iter().map(redacted).collect();
        }
        Ok(AclTokenBatchResponse { tokens, redacted: redact, removed, meta: at(index) })
    }

    fn shareable(_args: &AclTokenBatchGetRequest) -> bool {
        false
    }

    fn reads_primary(server: &Server, _args: &AclTokenBatchGetRequest) -> bool {
        !server.has_tokens()
    }
}
