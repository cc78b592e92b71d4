//! `/v1/session` (`spec/http-api.md` 3.8).

use super::answer::Answer;
use super::call::Call;
use super::decode::bodies::SESSION_CREATE;
use super::decode::shape::Kind;
use super::encodings::encodings;
use super::routes::{META, NS, READ, routes};
use crate::rpc::method::{SessionApply, SessionGet, SessionList, SessionNodeSessions, SessionRenew};
use crate::types::requests::{IndexedSessions, NodeRequest, SessionSpecificRequest};
use crate::types::{Error, GoDuration, Result, ServiceCheckRef, Session, SessionBehavior, SessionOp, SessionRequest};
use serde::Deserialize;
use serde_json::json;

routes! {
    "/v1/session/create" "PUT" create, NS;
    "/v1/session/destroy/" "PUT" destroy, NS;
    "/v1/session/info/" "GET" info, READ | NS | META;
    "/v1/session/node/" "GET" node, READ | NS | META;
    "/v1/session/list" "GET" list, READ | NS | META;
    "/v1/session/renew/" "PUT" renew, NS;
}

encodings! {
    SESSIONS: IndexedSessions, reply => &reply.sessions;
}

/// The check of every agent's node.
const SERF_HEALTH: &str = "serfHealth";

/// Lock delay of a session that names none.
const LOCK_DELAY: GoDuration = GoDuration::secs(15);

/// Shorter lock delays are counted in seconds: old clients send plain numbers.
const SHORTEST_LOCK_DELAY: i64 = 1000;

/// A body, with what was given and what was not.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Wanted {
    name: String,
    node: Option<String>,
    lock_delay: Option<GoDuration>,
    behavior: Option<String>,
    #[serde(rename = "TTL")]
    ttl: String,
    node_checks: Option<Vec<String>>,
    service_checks: Option<Vec<ServiceCheckRef>>,
    checks: Option<Vec<String>>,
}

impl Wanted {
    pub(super) fn into_session(self, own_node: &str) -> Session {
        let own_checks = || vec![SERF_HEALTH.to_owned()];
        let mut node_checks = self.node_checks.unwrap_or_else(own_checks);
        let mut checks = self.checks.unwrap_or_else(own_checks);
        if checks.is_empty() || node_checks.is_empty() {
            // Emptying either list means no checks at all.
            (checks, node_checks) = (Vec::new(), Vec::new());
        } else if checks == own_checks() {
            checks.clear();
        }
        let delay = self.lock_delay.unwrap_or(LOCK_DELAY).0;
        let delay = if delay < SHORTEST_LOCK_DELAY { delay.saturating_mul(1_000_000_000) } else { delay };
        let release = SessionBehavior::Release;
        Session {
            name: self.name,
            node: self.node.unwrap_or_else(|| own_node.to_owned()),
            lock_delay: GoDuration(delay),
            behavior: self.behavior.unwrap_or_else(|| format!("{release:?}").to_lowercase()),
            ttl: self.ttl,
            node_checks: Some(node_checks),
            service_checks: self.service_checks,
            checks,
            ..Session::default()
        }
    }
}

async fn create(call: &mut Call<'_>) -> Result<Answer> {
    let body = call.bytes(super::call::BODY_LIMIT).await?;
    let wanted: Wanted = if body.is_empty() {
        Wanted::default()
    } else {
        super::decode::decode(&body, &Kind::Object(&SESSION_CREATE))
            .map_err(|reason| Error::bad_request(format!("Request decode failed: {reason}")))?
    };
    let session = wanted.into_session(&call.settings.node_name);
    let request = SessionRequest { datacenter: call.datacenter(), op: SessionOp::Create, session, token: call.token() };
    let id = call.agent.call::<SessionApply>(request).await?;
    call.json(&json!({ "ID": id }))
}

/// The session of the path.
fn id(call: &Call<'_>) -> Result<String> {
    call.argument("Missing session").map(str::to_owned)
}

async fn destroy(call: &mut Call<'_>) -> Result<Answer> {
    let session = Session { id: id(call)?, ..Session::default() };
    let request =
        SessionRequest { datacenter: call.datacenter(), op: SessionOp::Destroy, session, token: call.token() };
    call.agent.call::<SessionApply>(request).await?;
    call.json(&true)
}

async fn renew(call: &mut Call<'_>) -> Result<Answer> {
    let session_id = id(call)?;
    let mut request =
        SessionSpecificRequest { datacenter: call.datacenter(), session_id, ..SessionSpecificRequest::default() };
    request.query.token = call.token();
    let reply = call.agent.call::<SessionRenew>(request).await?;
    if reply.sessions.is_empty() {
        return Err(Error::not_found(format!("Session id '{}' not found", call.rest)));
    }
    call.json(&reply.sessions)
}

async fn info(call: &mut Call<'_>) -> Result<Answer> {
    let request = SessionSpecificRequest {
        datacenter: call.datacenter(),
        session_id: id(call)?,
        query: call.read_options(),
        ..SessionSpecificRequest::default()
    };
    let found = call.fetch::<SessionGet>(request, &SESSIONS).await?;
    Ok(Answer::encoded(found.body))
}

async fn node(call: &mut Call<'_>) -> Result<Answer> {
    let request = NodeRequest {
        datacenter: call.datacenter(),
        node: call.argument("Missing node name")?.to_owned(),
        query: call.read_options(),
        ..NodeRequest::default()
    };
    let found = call.fetch::<SessionNodeSessions>(request, &SESSIONS).await?;
    Ok(Answer::encoded(found.body))
}

async fn list(call: &mut Call<'_>) -> Result<Answer> {
    let request = SessionSpecificRequest {
        datacenter: call.datacenter(),
        query: call.read_options(),
        ..SessionSpecificRequest::default()
    };
    let found = call.fetch::<SessionList>(request, &SESSIONS).await?;
    Ok(Answer::encoded(found.body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(body: &str) -> Session {
        let wanted: Wanted =
            super::super::decode::decode(body.as_bytes(), &Kind::Object(&SESSION_CREATE)).expect("a session");
        wanted.into_session("own")
    }

    #[test]
    fn both_check_lists_follow_the_reference() {
        // Body, node checks, old checks; as Consul 1.8.7 answers.
        let cases: [(&str, &[&str], &[&str]); 9] = [
            ("{}", &["serfHealth"], &[]),
            (r#"{"Checks":[]}"#, &[], &[]),
            (r#"{"NodeChecks":[]}"#, &[], &[]),
            (r#"{"Checks":["serfHealth"]}"#, &["serfHealth"], &[]),
            (r#"{"Checks":["serfHealth"],"NodeChecks":["t2"]}"#, &["t2"], &[]),
            (r#"{"Checks":["t1"]}"#, &["serfHealth"], &["t1"]),
            (r#"{"Checks":["t1"],"NodeChecks":["t2"]}"#, &["t2"], &["t1"]),
            (r#"{"Checks":["t1"],"NodeChecks":[]}"#, &[], &[]),
            (r#"{"Checks":[],"NodeChecks":["t2"]}"#, &[], &[]),
        ];
        for (body, node_checks, checks) in cases {
            let session = session(body);
            assert_eq!(session.node_checks.as_deref().unwrap_or_default(), node_checks, "{body}");
            assert_eq!(session.checks, checks, "{body}");
        }
    }

    #[test]
    fn small_lock_delays_are_seconds() {
        let cases = [
            ("{}", 15_000_000_000),
            (r#"{"LockDelay":5}"#, 5_000_000_000),
            (r#"{"LockDelay":"500ns"}"#, 500_000_000_000),
            (r#"{"LockDelay":"2s"}"#, 2_000_000_000),
            (r#"{"LockDelay":1000}"#, 1000),
        ];
        for (body, nanos) in cases {
            assert_eq!(session(body).lock_delay.0, nanos, "{body}");
        }
        assert_eq!((session("{}").node.as_str(), session(r#"{"Node":""}"#).node.as_str()), ("own", ""));
        assert_eq!(session("{}").behavior, "release");
    }
}
