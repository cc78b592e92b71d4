//! `/v1/agent`: what concerns the agent itself (`spec/http-api.md` 3.2).

use super::answer::{Answer, TEXT};
use super::call::{Call, REASON};
use super::json::{self, Style};
use super::params::parse_bool;
use super::routes::{FILTER, PARTITION, READ, routes};
use crate::agent::Member;
use crate::filter::Filter;
use crate::telemetry::{logging, metrics};
use crate::types::{Error, Result};
use bytes::Bytes;
use hyper::header::{ACCEPT, HeaderValue};

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

async fn own(call: &mut Call<'_>) -> Result<Answer> {
    call.json(&call.agent.self_info())
}

async fn host(call: &mut Call<'_>) -> Result<Answer> {
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
    let mut members: Vec<Member> = if wan { call.agent.members_wan() } else { call.agent.members() };
    let filter = Filter::<Member>::parse(&call.options.filter)?;
    members.retain(|member| filter.matches(member));
    call.json(&members)
}

async fn reload(call: &mut Call<'_>) -> Result<Answer> {
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

async fn stream_metrics(_call: &mut Call<'_>) -> Result<Answer> {
    let pieces = futures::stream::unfold(metrics::subscribe(), |mut intervals| async move {
        intervals.changed().await.ok()?;
        let summary = intervals.borrow_and_update().clone();
        let document = json::to_bytes(&*summary, Style::Pretty).ok()?;
        Some((document, intervals))
    });
    Ok(Answer::stream(super::answer::JSON, Box::pin(pieces)))
}

async fn monitor(call: &mut Call<'_>) -> Result<Answer> {
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
    let addresses = [call.rest.to_owned()];
    match call.params.text("wan") {
        "" => call.agent.join_lan(&addresses).await?,
        _ => call.agent.join_wan(&addresses).await?,
    };
    Ok(Answer::done())
}

async fn leave(call: &mut Call<'_>) -> Result<Answer> {
    call.agent.leave().await?;
    Ok(Answer::done())
}

async fn force_leave(call: &mut Call<'_>) -> Result<Answer> {
    let prune = call.params.has("prune");
    match call.params.has("wan") {
        true => call.agent.force_leave_wan(call.rest, prune).await?,
        false => call.agent.force_leave(call.rest, prune).await?,
    }
    Ok(Answer::done())
}

/// Tokens exist only while ACLs are on.
async fn token(_call: &mut Call<'_>) -> Result<Answer> {
    Err(Error::with_status(401, "ACL support disabled"))
}
