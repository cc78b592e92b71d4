//! Binding rules (`spec/acl-and-tls.md` 10.5).

use super::bodies::BINDING_RULE;
use super::{begin_read, decode, deleted, enabled, show};
use crate::http::answer::Answer;
use crate::http::call::Call;
use crate::http::decode::shape::Kind;
use crate::http::encodings::encodings;
use crate::rpc::method::{AclBindingRuleDelete, AclBindingRuleList, AclBindingRuleRead, AclBindingRuleSet};
use crate::types::acl::{
    AclBindingRuleDeleteRequest, AclBindingRuleGetRequest, AclBindingRuleListRequest, AclBindingRuleListResponse,
    AclBindingRuleResponse, AclBindingRuleSetRequest, BindingRule,
};
use crate::types::{Error, Result};

encodings! {
    RULES: AclBindingRuleListResponse, reply => &reply.binding_rules;
    ONE: AclBindingRuleResponse, reply => &reply.binding_rule;
}

pub(super) async fn list(call: &mut Call<'_>) -> Result<Answer> {
    begin_read(call)?;
    let request = AclBindingRuleListRequest {
        datacenter: call.datacenter(),
        auth_method: call.params.text("authmethod").to_owned(),
        query: call.read_options(),
    };
    let found = call.fetch::<AclBindingRuleList>(request, &RULES).await?;
    Ok(Answer::encoded(found.body))
}

pub(super) async fn create(call: &mut Call<'_>) -> Result<Answer> {
    enabled(call)?;
    set(call, "").await
}

/// Stores the binding rule of the body.
async fn set(call: &mut Call<'_>, id: &str) -> Result<Answer> {
    let mut binding_rule: BindingRule =
        decode(call, &Kind::Object(&BINDING_RULE), "BindingRule decoding failed").await?;
    if !binding_rule.id.is_empty() && binding_rule.id != id {
        return Err(Error::bad_request("BindingRule ID in URL and payload do not match"));
    }
    id.clone_into(&mut binding_rule.id);
    let request = AclBindingRuleSetRequest { datacenter: call.datacenter(), binding_rule, token: call.token() };
    let stored = call.agent.call::<AclBindingRuleSet>(request).await?;
    call.json(&stored)
}

/// One binding rule: read, replaced or deleted.
pub(super) async fn one(call: &mut Call<'_>) -> Result<Answer> {
    enabled(call)?;
    let missing = "Missing binding rule ID";
    match call.method() {
        "PUT" => set(call, call.rest).await,
        "DELETE" => {
            let binding_rule_id = call.argument(missing)?.to_owned();
            let request =
                AclBindingRuleDeleteRequest { datacenter: call.datacenter(), binding_rule_id, token: call.token() };
            let result = call.agent.call::<AclBindingRuleDelete>(request).await;
            deleted(call, result, "binding rule")
        }
        _ => {
            begin_read(call)?;
            let binding_rule_id = call.argument(missing)?.to_owned();
            let request =
                AclBindingRuleGetRequest { datacenter: call.datacenter(), binding_rule_id, query: call.read_options() };
            show::<AclBindingRuleRead>(call, request, &ONE, "binding rule").await
        }
    }
}
