//! `/v1/agent/check*` (`spec/http-api.md` 3.3).

use super::answer::Answer;
use super::call::Call;
use super::decode::bodies::{CHECK_REGISTER, CHECK_UPDATE};
use super::decode::shape::Kind;
use super::routes::{FILTER, NS, READ, routes};
use crate::agent::Source;
use crate::agent::checks::{CheckKind, validate};
use crate::filter::{self, Filter};
use crate::types::{CheckStatus, CheckType, Error, HealthCheck, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

routes! {
    "/v1/agent/checks" "GET" checks, READ | FILTER | NS;
    "/v1/agent/check/register" "PUT" register, NS;
    "/v1/agent/check/deregister/" "PUT" deregister, NS;
    "/v1/agent/check/pass/" "PUT" pass, NS;
    "/v1/agent/check/warn/" "PUT" warn, NS;
    "/v1/agent/check/fail/" "PUT" fail, NS;
    "/v1/agent/check/update/" "PUT" update, NS;
}

/// A body of `register`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Registration {
    #[serde(rename = "ID")]
    id: String,
    #[serde(rename = "ServiceID")]
    service_id: String,
    token: String,
    #[serde(flatten)]
    pub(super) check: CheckType,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Update {
    status: String,
    output: String,
}

async fn checks(call: &mut Call<'_>) -> Result<Answer> {
    let who = call.authorizer().await?;
    let mut checks = call.agent.local().checks();
    let all = checks.len();
    checks.retain(|_, check| call.agent.may_see_check(&who, check));
    call.set_filtered(checks.len() != all);
    let expression = &call.options.filter;
    if checks.is_empty() {
        // Selectors are only looked at when there is something to select from.
        filter::check_syntax(expression)?;
    }
    let filter = if checks.is_empty() { Filter::parse("") } else { Filter::<HealthCheck>::parse(expression) }?;
    let shown: BTreeMap<&str, HealthCheck> = checks
        .iter()
        .filter(|(_, check)| filter.matches(check))
        .map(|(id, check)| (id.as_str(), HealthCheck { create_index: 0, modify_index: 0, ..(**check).clone() }))
        .collect();
    call.json(&shown)
}

async fn register(call: &mut Call<'_>) -> Result<Answer> {
    let wanted: Registration = call.decode(&Kind::Object(&CHECK_REGISTER)).await?;
    let mut definition = wanted.check;
    if definition.name.is_empty() {
        return Err(Error::bad_request("Missing check name"));
    }
    if !definition.status.is_empty() && CheckStatus::parse(&definition.status).is_none() {
        return Err(Error::bad_request("Bad check status"));
    }
    definition.check_id = if wanted.id.is_empty() { definition.name.clone() } else { wanted.id };
    complete(&mut definition);
    validate(&definition).map_err(|reason| Error::bad_request(format!("Invalid check: {reason}")))?;
    let mut check = HealthCheck {
        node: call.settings.node_name.clone(),
        check_id: definition.check_id.clone(),
        name: definition.name.clone(),
        status: definition.status.clone(),
        notes: definition.notes.clone(),
        kind: CheckKind::reported(&definition).to_owned(),
        interval: definition.interval.to_string(),
        timeout: definition.timeout.to_string(),
        ..HealthCheck::default()
    };
    if !wanted.service_id.is_empty() {
        let service = call.agent.local().service(&wanted.service_id);
        let missing = || Error::not_found(format!("ServiceID {:?} does not exist", wanted.service_id));
        let service = service.ok_or_else(missing)?;
        check.service_name.clone_from(&service.service);
        check.service_tags = service.tags.clone().unwrap_or_default();
        check.service_id.clone_from(&service.id);
    }
    call.agent.check_check_register(&call.authorizer().await?, &check)?;
    let token = if wanted.token.is_empty() { call.token() } else { wanted.token };
    call.agent.register_check(check, definition, &token, Source::Remote).await?;
    Ok(Answer::done())
}

/// Settings that follow from others.
pub fn complete(definition: &mut CheckType) {
    // On by default, and without meaning for other kinds.
    definition.h2ping_use_tls &= !definition.h2ping.is_empty();
}

async fn deregister(call: &mut Call<'_>) -> Result<Answer> {
    may_change(call).await?;
    call.agent.deregister_check(call.rest).await?;
    Ok(Answer::done())
}

/// Refuses callers who may not change the check of the path.
async fn may_change(call: &Call<'_>) -> Result<()> {
    call.agent.check_check_update(&call.authorizer().await?, call.rest)
}

async fn set(call: &Call<'_>, status: CheckStatus) -> Result<Answer> {
    may_change(call).await?;
    call.agent.update_ttl_check(call.rest, status, call.params.text("note"))?;
    Ok(Answer::done())
}

async fn pass(call: &mut Call<'_>) -> Result<Answer> {
    set(call, CheckStatus::Passing).await
}

async fn warn(call: &mut Call<'_>) -> Result<Answer> {
    set(call, CheckStatus::Warning).await
}

async fn fail(call: &mut Call<'_>) -> Result<Answer> {
    set(call, CheckStatus::Critical).await
}

async fn update(call: &mut Call<'_>) -> Result<Answer> {
    let update: Update = call.decode(&Kind::Object(&CHECK_UPDATE)).await?;
    let invalid = || Error::bad_request(format!("Invalid check status: '{}'", update.status));
    let status = CheckStatus::parse(&update.status).ok_or_else(invalid)?;
    may_change(call).await?;
    call.agent.update_ttl_check(call.rest, status, &update.output)?;
    Ok(Answer::done())
}
