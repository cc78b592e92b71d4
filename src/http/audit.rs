//! Requests in the audit log (`docs/audit.md`): what changes something from its beginning on, what was denied at its end.

use super::call::{Call, without_secrets};
use crate::telemetry::audit::{self, Auditor, Kind, Request, Trail};
use hyper::StatusCode;
use hyper::header::{HOST, HeaderName, USER_AGENT};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A request, if it may come to the audit log.
pub struct Audited {
    auditor: Arc<Auditor>,
    /// It was written already.
    trail: Option<Trail>,
}

/// Writes that a request begins, if it is to be written.
pub async fn begin(call: &Call<'_>) -> Option<Audited> {
    let auditor = audit::current()?;
    let write = !matches!(call.method(), "GET" | "HEAD" | "OPTIONS");
    let trail = match auditor.follows(Kind::Http, write) {
        true => Some(trail(call, auditor.clone()).await.begin()),
        false => None,
    };
    Some(Audited { auditor, trail })
}

impl Audited {
    /// Writes how a request ended; `error` is empty for success.
    pub async fn end(self, call: &Call<'_>, status: StatusCode, error: &str) {
        let denied = matches!(status, StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED);
        let trail = match self.trail {
            None if denied => trail(call, self.auditor).await,
            None => return,
            Some(trail) => trail,
        };
        trail.end(status.as_str(), &without_secrets(call.parts, error));
    }
}

async fn trail(call: &Call<'_>, auditor: Arc<Auditor>) -> Trail {
    let header = |name: HeaderName| {
        let value = call.parts.headers.get(name);
        value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
    };
    let mut query_params: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in call.params.pairs().filter(|(name, _)| *name != "token") {
        query_params.entry(name.to_owned()).or_default().push(value.to_owned());
    }
    let request = Request {
        operation: call.method().to_owned(),
        endpoint: format!("{}{}", call.route.path, call.rest),
        remote_addr: call.client.map_or_else(|| "@".to_owned(), |client| client.to_string()),
        user_agent: header(USER_AGENT),
        host: header(HOST),
        query_params,
    };
    Trail::new(auditor, Kind::Http, call.agent.accessor(&call.token()).await, request)
}
