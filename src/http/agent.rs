//! `/v1/agent`: what concerns the agent itself (`spec/http-api.md` 3.2).

use super::answer::{Answer, TEXT};
use super::call::{Call, REASON};
use super::decode::bodies::AGENT_TOKEN;
use super::decode::shape::Kind;
use super::json::{self, Style};
use super::params::parse_bool;
use super::routes::{FILTER, PARTITION, READ, routes};
use crate::acl::{Access, Resource, TokenUse};
use crate::agent::Member;
use crate::filter::Filter;
use crate::telemetry::{logging, metrics};
use crate::types::{Error, Result, go_quote};
use bytes::Bytes;
use hyper::header::{ACCEPT, HeaderValue};
use serde::Deserialize;

routes! {
    "/v1/agent/self" "GET" own;
    "/v1/agent/host" "GET" host;
    "/v1/agent/version" "GET" version;
    "/v1/agent/members" "GET" members, READ | FILTER | PARTITION;
    "/v1/agent/reload" "PUT" reload;
    "/v1/agent/maintenance" "PUT" maintenance;
    "/v1/agent/metrics" "GET" show_metrics;
    "/v1/agent/metrics/stream" "GET" stream_metrics;
    "/v1/agent/monitor" "GET" monitor;
    "/v1/agent/join/" "PUT" join, PARTITION;
    "/v1/agent/leave" "PUT" leave;
    "/v1/agent/force-leave/" "PUT" force_leave, PARTITION;
    "/v1/agent/token/" "PUT" token;
}

/// Content type of the Prometheus text.
const PROMETHEUS: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// Why there is no Prometheus text.
const NO_PROMETHEUS: &str = "Prometheus is not enabled since its retention time is not positive";

/// Refuses callers without a permission on this agent.
async fn on_agent(call: &Call<'_>, access: Access) -> Result<()> {
    call.require(Resource::Agent, access, &call.settings.node_name).await
}

async fn own(call: &mut Call<'_>) -> Result<Answer> {
    on_agent(call, Access::Read).await?;
    call.json(&call.agent.self_info())
}

async fn host(call: &mut Call<'_>) -> Result<Answer> {
    call.require(Resource::Operator, Access::Read, "").await?;
    call.json(&call.agent.host_info())
}

async fn version(call: &mut Call<'_>) -> Result<Answer> {
    call.json(&call.agent.version_info())
}

async fn members(call: &mut Call<'_>) -> Result<Answer> {
    let wan = !call.params.text("wan").is_empty();
    match (wan, call.params.text("segment")) {
        (_, "" | "_all") => {}
        (true, _) => return Err(Error::bad_request("Cannot provide a segment with wan=true")),
        (false, _) => return Err(Error::new("Network segments are not supported in this version of Consul")),
    }
    if wan && !call.config().server {
        return call.json(&serde_json::Value::Null);
    }
    let who = call.authorizer().await?;
    let mut members: Vec<Member> = if wan { call.agent.members_wan() } else { call.agent.members() };
    let all = members.len();
    members.retain(|member| who.allows(Resource::Node, Access::Read, &member.name));
    call.set_filtered(members.len() != all);
    let filter = Filter::<Member>::parse(&call.options.filter)?;
    members.retain(|member| filter.matches(member));
    call.json(&members)
}

async fn reload(call: &mut Call<'_>) -> Result<Answer> {
    on_agent(call, Access::Write).await?;
    call.agent.reload().await?;
    Ok(Answer::done())
}

/// `?enable=`, required.
///
/// # Errors
/// 400 when it is missing or no bool.
pub fn enable(call: &Call<'_>) -> Result<bool> {
    let text = call.params.get("enable").ok_or_else(|| Error::bad_request("Missing value for enable"))?;
    parse_bool(text).ok_or_else(|| Error::bad_request(format!("Invalid value for enable: {text:?}")))
}

async fn maintenance(call: &mut Call<'_>) -> Result<Answer> {
    let enable = enable(call)?;
    call.require(Resource::Node, Access::Write, &call.settings.node_name).await?;
    call.agent.set_node_maintenance(enable, call.params.text("reason"), &call.token()).await?;
    Ok(Answer::done())
}

fn wants_prometheus(call: &Call<'_>) -> bool {
    let accept = call.parts.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    call.params.text("format") == "prometheus"
        || accept.contains("application/openmetrics-text")
        || accept.replace(' ', "").contains("text/plain;version=0.4.0")
}

async fn show_metrics(call: &mut Call<'_>) -> Result<Answer> {
    on_agent(call, Access::Read).await?;
    if !wants_prometheus(call) {
        return call.json(&*metrics::summary());
    }
    match metrics::prometheus_text() {
        Some(text) => Ok(Answer { content_type: Some(PROMETHEUS), ..Answer::encoded(Bytes::from(text)) }),
        None => {
            call.set_header(&REASON, NO_PROMETHEUS);
            Err(Error::with_status(415, NO_PROMETHEUS))
        }
    }
}

async fn stream_metrics(call: &mut Call<'_>) -> Result<Answer> {
    on_agent(call, Access::Read).await?;
    let pieces = futures::stream::unfold(metrics::subscribe(), |mut intervals| async move {
        intervals.changed().await.ok()?;
        let summary = intervals.borrow_and_update().clone();
        let document = json::to_bytes(&*summary, Style::Pretty).ok()?;
        Some((document, intervals))
    });
    Ok(Answer::stream(super::answer::JSON, Box::pin(pieces)))
}

async fn monitor(call: &mut Call<'_>) -> Result<Answer> {
    on_agent(call, Access::Read).await?;
    let level = match call.params.text("loglevel") {
        "" => tracing::Level::INFO,
        text => logging::parse_level(text).ok_or_else(|| Error::bad_request(format!("Unknown log level: {text}")))?,
    };
    let view = call.agent.monitor(level, call.params.has("logjson"));
    let pieces = futures::stream::unfold(view, |mut view| async move {
        let line = view.next().await?;
        Some((Bytes::from(line), view))
    });
    Ok(Answer::stream(TEXT, Box::pin(pieces)))
}

async fn join(call: &mut Call<'_>) -> Result<Answer> {
    on_agent(call, Access::Write).await?;
    let addresses = [call.rest.to_owned()];
    match call.params.text("wan") {
        "" => call.agent.join_lan(&addresses).await?,
        _ => call.agent.join_wan(&addresses).await?,
    };
    Ok(Answer::done())
}

async fn leave(call: &mut Call<'_>) -> Result<Answer> {
    on_agent(call, Access::Write).await?;
    call.agent.leave().await?;
    Ok(Answer::done())
}

async fn force_leave(call: &mut Call<'_>) -> Result<Answer> {
    call.require(Resource::Operator, Access::Write, "").await?;
    let prune = call.params.has("prune");
    match call.params.has("wan") {
        true => call.agent.force_leave_wan(call.rest, prune).await?,
        false => call.agent.force_leave(call.rest, prune).await?,
    }
    Ok(Answer::done())
}

/// Sets one of the agent's own tokens, which exist only while ACLs are on.
async fn token(call: &mut Call<'_>) -> Result<Answer> {
    if !call.settings.acl_enabled {
        return Err(Error::with_status(401, crate::acl::DISABLED));
    }
    on_agent(call, Access::Write).await?;
    let body: AgentToken = call.decode(&Kind::Object(&AGENT_TOKEN)).await?;
    let purpose = TokenUse::parse(call.rest)
        .ok_or_else(|| Error::not_found(format!("Token {} is unknown", go_quote(call.rest))))?;
    call.agent.set_token(purpose, &body.token).await?;
    Ok(Answer::done())
}

/// A body of `token`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AgentToken {
    token: String,
}
