//! Binding rules (`spec/acl-and-tls.md` 10.5).

use super::super::catalog::at;
use super::super::{Endpoint, Found, ReadContext, ReadEndpoint, Server};
use super::auth_methods::check_content;
use super::{absent, check_read, fresh_id};
use crate::rpc::method::*;
use crate::state::{Command, WatchSet};
use crate::types::acl::*;
use crate::types::validate::check_uuid;
use crate::types::{Error, Result, go_quote};

/// Why nothing of this works in a datacenter without tokens of its own.
pub(super) const NEEDS_TOKENS: &str = "Token replication is required for auth methods to function";

/// Refuses in a datacenter without tokens of its own.
pub(super) fn check_tokens(server: &Server) -> Result<()> {
    server.acl_enabled()?;
    if server.has_tokens() { Ok(()) } else { Err(Error::new(NEEDS_TOKENS)) }
}

impl ReadEndpoint for AclBindingRuleRead {
    fn read(cx: &mut ReadContext<'_>, args: &AclBindingRuleGetRequest) -> Result<AclBindingRuleResponse> {
        check_tokens(cx.server)?;
        check_read(cx.server, cx.authorizer)?;
        let (index, binding_rule) = cx.state.acl_binding_rule(cx.watch, &args.binding_rule_id);
        if binding_rule.is_none() {
            cx.found = Found::Nothing;
        }
        Ok(AclBindingRuleResponse { binding_rule, meta: at(index) })
    }

    fn nothing(_args: &AclBindingRuleGetRequest, reply: &AclBindingRuleResponse) -> bool {
        reply.binding_rule.is_none()
    }
}

impl ReadEndpoint for AclBindingRuleList {
    fn read(cx: &mut ReadContext<'_>, args: &AclBindingRuleListRequest) -> Result<AclBindingRuleListResponse> {
        check_tokens(cx.server)?;
        check_read(cx.server, cx.authorizer)?;
        let (index, binding_rules) = cx.state.acl_binding_rules(cx.watch, &args.auth_method);
        Ok(AclBindingRuleListResponse { binding_rules, meta: at(index) })
    }
}

impl Endpoint for AclBindingRuleSet {
    async fn serve(server: &Server, args: AclBindingRuleSetRequest) -> Result<BindingRule> {
        check_tokens(server)?;
        server.acl_writer(&args.token).await?;
        let mut rule = args.binding_rule;
        check_rule(server, &mut rule)?;
        let id = rule.id.clone();
        let batch = AclBindingRuleBatchSet { binding_rules: vec![rule] };
        server.apply(Command::AclBindingRuleSet(batch), "Failed to apply binding rule upsert request: ").await?;
        let stored = server.store().snapshot().acl_binding_rule(&mut WatchSet::none(), &id).1;
        stored.map(|stored| BindingRule::clone(&stored)).ok_or_else(|| Error::new("Failed to retrieve binding rule"))
    }
}

/// Refuses a rule that cannot be stored, and gives a new one its id.
fn check_rule(server: &Server, rule: &mut BindingRule) -> Result<()> {
    let state = server.store().snapshot();
    if rule.id.is_empty() {
        rule.id = fresh_id(server, |state, id| state.acl_binding_rule(&mut WatchSet::none(), id).1.is_some());
    } else {
        if check_uuid(&rule.id).is_err() {
            return Err(Error::new("Binding Rule ID invalid UUID"));
        }
        let stored = state.acl_binding_rule(&mut WatchSet::none(), &rule.id).1;
        let stored = stored.ok_or_else(|| Error::new(format!("cannot find binding rule {}", rule.id)))?;
        if rule.auth_method.is_empty() {
            rule.auth_method.clone_from(&stored.auth_method);
        } else if rule.auth_method != stored.auth_method {
            return Err(Error::new("the AuthMethod field of an Binding Rule is immutable"));
        }
    }
    if rule.auth_method.is_empty() {
        return Err(Error::new("Invalid Binding Rule: no AuthMethod is set"));
    }
    let method = state.acl_auth_method(&mut WatchSet::none(), &rule.auth_method).1;
    let unknown = || Error::new(format!("cannot find auth method with name {}", go_quote(&rule.auth_method)));
    let method = method.ok_or_else(unknown)?;
    check_content(server, &method, rule)
}

impl Endpoint for AclBindingRuleDelete {
    async fn serve(server: &Server, args: AclBindingRuleDeleteRequest) -> Result<bool> {
        check_tokens(server)?;
        server.acl_writer(&args.token).await?;
        let rule = server.store().snapshot().acl_binding_rule(&mut WatchSet::none(), &args.binding_rule_id).1;
        let rule = rule.ok_or_else(|| absent("binding rule"))?;
        let batch = AclBindingRuleBatchDelete { binding_rule_ids: vec![rule.id.clone()] };
        server.apply(Command::AclBindingRuleDelete(batch), "Failed to apply binding rule delete request: ").await?;
        Ok(true)
    }
}
