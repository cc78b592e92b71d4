//! `/v1/query` (`spec/http-api.md` 3.12).

use super::answer::Answer;
use super::call::Call;
use super::decode::bodies::PREPARED_QUERY;
use super::decode::shape::{Kind, go_quote};
use super::encodings::encodings;
use super::params::parse_bool;
use super::routes::{EFFECTIVE, META, NS, OWN_METHODS, READ, routes};
use super::translate::translate;
use crate::rpc::method::*;
use crate::types::prepared_query::*;
use crate::types::requests::{DcRequest, shown_index};
use crate::types::{Error, QueryMeta, QuerySource, Result};
use hyper::StatusCode;
use hyper::header::{ALLOW, HeaderValue};
use serde_json::json;
use std::net::IpAddr;

routes! {
    "/v1/query" "GET,POST" queries, READ | EFFECTIVE | META | NS;
    "/v1/query/" "GET,PUT,DELETE" query, EFFECTIVE | META | NS | OWN_METHODS;
}

encodings! {
    QUERIES: IndexedPreparedQueries, reply => &reply.queries;
}

async fn queries(call: &mut Call<'_>) -> Result<Answer> {
    if call.method() == "POST" {
        let query = call.decode(&Kind::Object(&PREPARED_QUERY)).await?;
        let id = apply(call, PreparedQueryOp::Create, query).await?;
        return call.json(&json!({ "ID": id }));
    }
    let request = DcRequest { datacenter: call.datacenter(), query: call.read_options(), ..DcRequest::default() };
    let found = call.fetch::<PreparedQueryList>(request, &QUERIES).await?;
    Ok(Answer::encoded(found.body))
}

/// One query: what is done with it is told by the end of the path and the method.
async fn query(call: &mut Call<'_>) -> Result<Answer> {
    const SPECIFIC: &str = "GET,PUT,DELETE";
    let (name, ending) = match call.rest.rsplit_once('/') {
        Some((name, ending @ ("execute" | "explain"))) => (name, ending),
        // The path was cleaned of an empty name.
        None if matches!(call.rest, "execute" | "explain") => ("", call.rest),
        _ => (call.rest, ""),
    };
    let methods = if ending.is_empty() { SPECIFIC } else { "GET" };
    let method = call.method();
    if method == "OPTIONS" {
        let allow = format!("OPTIONS,{methods}");
        call.headers.insert(ALLOW, HeaderValue::from_str(&allow).expect("methods are header text"));
        return call.json(&json!({}));
    }
    if !methods.split(',').any(|allowed| allowed == method) {
        let text = format!("method {method} not allowed");
        call.headers.insert(ALLOW, HeaderValue::from_static(methods));
        return Ok(Answer::text(StatusCode::METHOD_NOT_ALLOWED, text));
    }
    match (method, ending) {
        ("GET", "execute") => execute(call, name).await,
        ("GET", "explain") => explain(call, name).await,
        ("GET", _) => get(call).await,
        ("PUT", _) => {
            let query = replacement(call).await?;
            apply(call, PreparedQueryOp::Update, query).await?;
            Ok(Answer::done())
        }
        _ => {
            let query = PreparedQuery { id: call.rest.to_owned(), ..PreparedQuery::default() };
            apply(call, PreparedQueryOp::Delete, query).await?;
            Ok(Answer::done())
        }
    }
}

/// The new definition of a stored query; without a body it is an empty one.
async fn replacement(call: &mut Call<'_>) -> Result<PreparedQuery> {
    let id = call.rest.to_owned();
    if call.content_length() == Some(0) {
        return Ok(PreparedQuery { id, ..PreparedQuery::default() });
    }
    Ok(PreparedQuery { id, ..call.decode(&Kind::Object(&PREPARED_QUERY)).await? })
}

async fn apply(call: &Call<'_>, op: PreparedQueryOp, query: PreparedQuery) -> Result<String> {
    let request = PreparedQueryRequest { datacenter: call.datacenter(), op, query: Some(query), token: call.token() };
    call.agent.call::<PreparedQueryApply>(request).await
}

/// An unknown query is 404 and shows no metadata; other failures show that there is none.
fn failed(call: &mut Call<'_>, error: Error) -> Error {
    if error.text.contains("Query not found") {
        call.clear_meta();
        return Error::not_found(error.text);
    }
    call.set_meta(&QueryMeta::default());
    error
}

async fn get(call: &mut Call<'_>) -> Result<Answer> {
    call.options = call.params.options(Default::default())?;
    let request = PreparedQuerySpecificRequest {
        datacenter: call.datacenter(),
        query_id: call.rest.to_owned(),
        query: call.read_options(),
    };
    match call.fetch::<PreparedQueryGet>(request, &QUERIES).await {
        Ok(found) => Ok(Answer::encoded(found.body)),
        Err(error) => Err(failed(call, error)),
    }
}

/// The request to run or explain a query.
fn execution(call: &mut Call<'_>, name: &str) -> Result<PreparedQueryExecuteRequest> {
    let mut options = call.params.options(Default::default())?;
    call.cache_options(&mut options)?;
    call.options = options;
    let agent = QuerySource {
        datacenter: call.settings.datacenter.clone(),
        node: call.settings.node_name.clone(),
        ..QuerySource::default()
    };
    Ok(PreparedQueryExecuteRequest {
        datacenter: call.datacenter(),
        query_id_or_name: name.to_owned(),
        source: QuerySource { ip: client_ip(call), ..call.source() },
        agent,
        query: call.read_options(),
        ..PreparedQueryExecuteRequest::default()
    })
}

/// Address of the client: as a proxy in front tells it, or of the connection.
fn client_ip(call: &Call<'_>) -> String {
    let forwarded = call.parts.headers.get("x-forwarded-for").and_then(|value| value.to_str().ok());
    let first = forwarded.and_then(|list| list.split(',').next()?.trim().parse::<IpAddr>().ok());
    let connected = || call.client.map(|client| client.ip());
    first.or_else(connected).map(|ip| ip.to_canonical().to_string()).unwrap_or_default()
}

/// The metadata as these answers carry it in their bodies.
fn shown_meta(meta: &QueryMeta, call: &Call<'_>) -> QueryMeta {
    let level = match (call.options.allow_stale, call.options.require_consistent) {
        (true, _) => "stale",
        (_, true) => "consistent",
        _ => "leader",
    };
    QueryMeta { index: shown_index(meta.index), consistency_level: level.to_owned(), ..meta.clone() }
}

async fn execute(call: &mut Call<'_>, name: &str) -> Result<Answer> {
    let mut request = execution(call, name)?;
    if let Some(text) = call.params.get("limit").filter(|text| !text.is_empty()) {
        request.limit = parse_int(text).map_err(|why| Error::new(format!("Bad limit: {why}")))?;
    }
    if let Some(text) = call.params.get("connect").filter(|text| !text.is_empty()) {
        request.connect = parse_bool(text).ok_or_else(|| {
            Error::new(format!(
                "Error parsing 'connect' value: strconv.ParseBool: parsing {}: invalid syntax",
                go_quote(text)
            ))
        })?;
    }
    let found = if request.query.use_cache {
        let found = call.agent.cached_call::<PreparedQueryExecute>(request).await;
        found.map(|(value, hit)| {
            call.set_cache(hit);
            (*value.shared().body).clone()
        })
    } else {
        call.agent.call::<PreparedQueryExecute>(request).await
    };
    let mut reply = match found {
        Ok(reply) => reply,
        Err(error) => return Err(failed(call, error)),
    };
    if call.settings.translate_wan_addrs && reply.datacenter != call.settings.datacenter {
        translate(&mut reply);
    }
    call.set_meta(&reply.meta);
    call.set_effective_consistency(&call.options.clone());
    reply.meta = shown_meta(&reply.meta, call);
    call.json(&reply)
}

async fn explain(call: &mut Call<'_>, name: &str) -> Result<Answer> {
    let request = execution(call, name)?;
    let mut reply = match call.agent.call::<PreparedQueryExplain>(request).await {
        Ok(reply) => reply,
        Err(error) => return Err(failed(call, error)),
    };
    call.set_meta(&reply.meta);
    call.set_effective_consistency(&call.options.clone());
    reply.meta = shown_meta(&reply.meta, call);
    call.json(&reply)
}

/// Go's `strconv.Atoi`.
fn parse_int(text: &str) -> Result<i64, String> {
    let refuse = |reason: &str| format!("strconv.Atoi: parsing {}: {reason}", go_quote(text));
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(refuse("invalid syntax"));
    }
    text.parse().map_err(|_| refuse("value out of range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_go_reads_numbers() {
        assert_eq!((parse_int("-1"), parse_int("+3"), parse_int("007")), (Ok(-1), Ok(3), Ok(7)));
        for (text, reason) in
            [("x", "invalid syntax"), ("", "invalid syntax"), ("--1", "invalid syntax"), ("9e9", "invalid syntax")]
        {
            assert_eq!(parse_int(text), Err(format!("strconv.Atoi: parsing \"{text}\": {reason}")));
        }
        assert!(parse_int("99999999999999999999").expect_err("too large").ends_with("value out of range"));
    }
}
