//! The way of a request: path rules, method, permission, options, handler, then headers, layout and compression of the
//! answer (`spec/http-api.md` 1.1 to 1.5, 1.12).

use super::Settings;
use super::answer::{self, Answer, GZIP_FROM, Payload, TEXT};
use super::audit;
use super::call::{Call, Upload, redact, without_secrets};
use super::errors;
use super::json::Style;
use super::params::{Params, escapes_are_valid, unescape};
use super::routes::{self, Entry, Found};
use crate::agent::Agent;
use crate::telemetry::{limits, metrics};
use crate::types::{Error, QueryOptions, Result};
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Request, Response, StatusCode};
use std::net::SocketAddr;
use std::time::Instant;

static DEFAULT_POLICY: HeaderName = HeaderName::from_static("x-consul-default-acl-policy");
static TRANSLATE: HeaderName = HeaderName::from_static("x-consul-translate-addresses");

/// Answers one request; `client` is none on unix sockets.
pub async fn handle(
    agent: &Agent,
    settings: &Settings,
    request: Request<Incoming>,
    client: Option<SocketAddr>,
) -> Response<Payload> {
    let (parts, body) = request.into_parts();
    let raw = parts.uri.path();
    let mut response = match place(settings, &parts, raw) {
        Place::Endpoint(entry, path, at) => {
            let call = Call {
                agent,
                settings,
                route: entry.route,
                parts: &parts,
                params: Params::default(),
                rest: &path[at..],
                body: Some(Upload::new(body)),
                client,
                headers: HeaderMap::with_capacity(12),
                options: QueryOptions::default(),
                style: Style::Compact,
                gzip: false,
            };
            endpoint(entry, call).await
        }
        Place::Elsewhere(response) => *response,
    };
    for (name, value) in &settings.response_headers {
        if !response.headers().contains_key(name) {
            response.headers_mut().insert(name.clone(), value.clone());
        }
    }
    response
}

/// Where a request goes.
enum Place<'a> {
    /// To an endpoint: its row, the decoded path, and where the argument begins.
    Endpoint(&'static Entry, std::borrow::Cow<'a, str>, usize),
    /// Already answered.
    Elsewhere(Box<Response<Payload>>),
}

fn place<'a>(settings: &Settings, parts: &Parts, raw: &'a str) -> Place<'a> {
    let elsewhere = |response| Place::Elsewhere(Box::new(response));
    if !escapes_are_valid(raw) {
        return elsewhere(finish(Answer::text(StatusCode::BAD_REQUEST, "400 Bad Request"), HeaderMap::new()));
    }
    let path = unescape(raw);
    if settings.refuse_unprintable && routes::has_unprintable(&path) {
        return elsewhere(finish(Answer::empty(StatusCode::BAD_REQUEST), HeaderMap::new()));
    }
    if let Some(clean) = routes::cleaned(raw) {
        return elsewhere(redirect(parts, &clean));
    }
    match routes::find(&path) {
        Found::Route(entry, at) => Place::Endpoint(entry, path, at),
        Found::NeedsSlash => elsewhere(redirect(parts, &format!("{raw}/"))),
        Found::Nothing => elsewhere(page(settings, parts, &path)),
    }
}

/// Paths that are not the API: index, UI, robots, everything unknown.
fn page(settings: &Settings, parts: &Parts, path: &str) -> Response<Payload> {
    let whole = |content_type: HeaderValue, body: &'static str| Answer {
        status: StatusCode::OK,
        content_type: Some(content_type),
        payload: Payload::Whole(bytes::Bytes::from_static(body.as_bytes())),
        gzipped: false,
    };
    let answer = match (path, settings.ui_path.as_deref()) {
        ("/", Some(ui)) => return redirect(parts, ui),
        ("/", None) => whole(TEXT, crate::ui::DISABLED),
        ("/robots.txt", Some(_)) => whole(TEXT, crate::ui::ROBOTS),
        (path, Some(ui)) if path.starts_with(ui) => whole(answer::HTML, crate::ui::PAGE),
        (path, Some(ui)) if ui.strip_suffix('/') == Some(path) => return redirect(parts, ui),
        _ => Answer::text(StatusCode::NOT_FOUND, routes::unknown_path(path)),
    };
    finish(answer, HeaderMap::new())
}

/// 301 to a path, the query kept.
fn redirect(parts: &Parts, path: &str) -> Response<Payload> {
    let target = match parts.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut headers = HeaderMap::new();
    if let Ok(location) = HeaderValue::from_str(&target) {
        headers.insert(header::LOCATION, location);
    }
    let mut answer = Answer::empty(StatusCode::MOVED_PERMANENTLY);
    if matches!(parts.method.as_str(), "GET" | "HEAD") {
        let shown = target
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&#34;")
            .replace('\'', "&#39;");
        answer = Answer::text(answer.status, format!("<a href=\"{shown}\">Moved Permanently</a>.\n\n"));
        answer.content_type = Some(answer::HTML);
    }
    finish(answer, headers)
}

async fn endpoint(entry: &'static Entry, mut call: Call<'_>) -> Response<Payload> {
    let started = Instant::now();
    let (settings, parts) = (call.settings, call.parts);
    call.headers.insert(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    call.headers.insert(DEFAULT_POLICY.clone(), settings.default_policy.clone());
    if settings.translate_wan_addrs {
        call.headers.insert(TRANSLATE.clone(), HeaderValue::from_static("true"));
    }
    let Some(params) = Params::parse(parts.uri.query()) else {
        return finish(Answer::empty(StatusCode::INTERNAL_SERVER_ERROR), call.headers);
    };
    call.params = params;
    call.gzip = accepts_gzip(&parts.headers);
    call.style = match (call.params.has("pretty"), settings.dev) {
        (true, _) => Style::Pretty,
        (false, true) => Style::Indented,
        (false, false) => Style::Compact,
    };
    let audited = audit::begin(&call).await;
    let (answer, refusal) = match respond(&mut call).await {
        Ok(answer) => (answer, String::new()),
        Err(error) => {
            let status = errors::status(&error);
            log_error(&call, status, &error);
            (Answer::text(status, error.text.clone()), error.text)
        }
    };
    if let Some(audited) = audited {
        audited.end(&call, answer.status, &refusal).await;
    }
    let answer = compress(answer, &call);
    metrics::measure_since_labels("api.http", started, &[("method", parts.method.as_str()), ("path", &entry.label)]);
    tracing::debug!(
        target: "agent.http",
        method = %parts.method,
        url = %redact(&parts.uri),
        from = %from(&call),
        latency = ?started.elapsed(),
        "Request finished",
    );
    finish(answer, call.headers)
}

/// The checks that come before a handler, and the handler.
async fn respond(call: &mut Call<'_>) -> Result<Answer> {
    let (settings, route, parts) = (call.settings, call.route, call.parts);
    if is_blocked(settings, route.path, call.rest) {
        limits::BLOCKED_ENDPOINTS.exceeded();
        return Ok(Answer::text(StatusCode::FORBIDDEN, "Endpoint is blocked by agent configuration"));
    }
    let method = parts.method.as_str();
    if !route.has(routes::OWN_METHODS) && (method == "OPTIONS" || !route.allows(method)) {
        let allow = format!("OPTIONS,{}", route.methods);
        call.headers.insert(header::ALLOW, HeaderValue::from_str(&allow).expect("methods are header text"));
        return Ok(match method {
            "OPTIONS" => Answer::empty(StatusCode::OK),
            method => Answer::text(StatusCode::METHOD_NOT_ALLOWED, format!("method {method} not allowed")),
        });
    }
    if method != "GET" && !may_write(settings, call.client) {
        limits::WRITE_NETWORKS.exceeded();
        return Ok(Answer::text(StatusCode::FORBIDDEN, "Access is restricted"));
    }
    if method == "GET" && call.body.as_ref().is_some_and(|body| !body.is_empty()) {
        let url = redact(&parts.uri);
        tracing::warn!(target: "agent.http", %url, "GET request has a non-empty body that will be ignored");
    }
    call.refuse_enterprise()?;
    if route.has(routes::READ) {
        let bound = if route.has(routes::DISCOVERY) { settings.discovery_max_stale } else { Default::default() };
        let mut options = call.params.options(bound)?;
        call.cache_options(&mut options)?;
        call.options = options;
        if route.has(routes::FILTER) {
            call.options.filter = call.params.text("filter").to_owned();
        }
    }
    let mut answer = (route.handler)(call).await?;
    let bare = matches!(&answer.payload, Payload::Whole(body) if body.is_empty());
    if bare && answer.status == StatusCode::OK && answer.content_type.is_some() && matches!(method, "GET" | "DELETE") {
        // An answer without a result echoes the content type of a request that needs none.
        answer.content_type = parts.headers.get(header::CONTENT_TYPE).cloned().or(answer.content_type);
    }
    Ok(answer)
}

/// The decoded path begins with a blocked prefix.
fn is_blocked(settings: &Settings, route: &str, rest: &str) -> bool {
    !settings.block_endpoints.is_empty() && {
        let path = format!("{route}{rest}");
        settings.block_endpoints.iter().any(|prefix| path.starts_with(prefix.as_str()))
    }
}

fn may_write(settings: &Settings, client: Option<SocketAddr>) -> bool {
    let networks = &settings.allow_write_http_from;
    networks.is_empty() || client.is_some_and(|client| networks.iter().any(|network| network.contains(client.ip())))
}

/// The client reads gzip: the coding or `*` is listed and not weighted 0.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).any(|value| {
        value.split(',').any(|coding| {
            let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
            let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0));
            matches!(name.trim(), "gzip" | "*") && !refused
        })
    })
}

/// Compresses what the shared encodings have not compressed already.
fn compress(mut answer: Answer, call: &Call<'_>) -> Answer {
    if !call.gzip || answer.content_type == Some(super::snapshot::ARCHIVE) {
        return answer;
    }
    answer.payload = match answer.payload {
        Payload::Whole(body) if answer.content_type == Some(answer::JSON) && answer::is_gzip(&body) => {
            Payload::Whole(body)
        }
        Payload::Whole(body) if body.len() >= GZIP_FROM => Payload::Whole(answer::gzip(&body)),
        Payload::Stream(pieces) => Payload::Stream(answer::gzip_stream(pieces)),
        small => {
            answer.payload = small;
            return answer;
        }
    };
    answer.gzipped = true;
    answer
}

fn finish(answer: Answer, mut headers: HeaderMap) -> Response<Payload> {
    if let Some(content_type) = answer.content_type {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    if answer.gzipped {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let mut response = Response::new(answer.payload);
    *response.status_mut() = answer.status;
    *response.headers_mut() = headers;
    response
}

/// An answer to a request that is not looked at.
pub fn refuse(status: StatusCode, text: &'static str) -> Response<Payload> {
    finish(Answer::text(status, text), HeaderMap::new())
}

fn from(call: &Call<'_>) -> String {
    call.client.map_or_else(|| "@".to_owned(), |client| client.to_string())
}

fn log_error(call: &Call<'_>, status: StatusCode, error: &Error) {
    if status.is_client_error() && status != StatusCode::FORBIDDEN {
        return;
    }
    tracing::error!(
        target: "agent.http",
        method = %call.parts.method,
        url = %redact(&call.parts.uri),
        from = %from(call),
        error = %without_secrets(call.parts, &error.text),
        "Request error",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(value: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
        accepts_gzip(&headers)
    }

    #[test]
    fn gzip_is_used_when_listed_and_not_refused() {
        for value in ["gzip", "deflate, gzip;q=0.5", "*", "br , gzip"] {
            assert!(accepts(value), "{value}");
        }
        for value in ["", "identity", "gzip;q=0", "gzip; q=0.0", "x-gzip"] {
            assert!(!accepts(value), "{value}");
        }
    }

    #[test]
    fn endpoints_are_blocked_by_prefix() {
        let mut settings = Settings::new(&crate::config::RuntimeConfig::default());
        assert!(!is_blocked(&settings, "/v1/kv/", "a"));
        settings.block_endpoints = vec!["/v1/kv/secret".into(), "/v1/agent".into()];
        assert!(is_blocked(&settings, "/v1/kv/", "secret/a"));
        assert!(!is_blocked(&settings, "/v1/kv/", "a"));
        assert!(is_blocked(&settings, "/v1/agent/self", ""));
    }

    #[test]
    fn writes_can_be_limited_to_networks() {
        let mut settings = Settings::new(&crate::config::RuntimeConfig::default());
        let local: SocketAddr = "127.0.0.1:4000".parse().expect("an address");
        assert!(may_write(&settings, Some(local)));
        settings.allow_write_http_from = vec!["127.0.0.0/8".parse().expect("a network")];
        assert!(may_write(&settings, Some(local)));
        assert!(!may_write(&settings, "10.0.0.1:1".parse().ok()));
        assert!(!may_write(&settings, None));
    }
}
