//! `/v1/kv` (`spec/http-api.md` 3.7).

use super::answer::{Answer, PLAIN};
use super::call::{BODY_LIMIT, Call};
use super::encodings::{Encodings, encodings};
use super::json::Style;
use super::params::parse_uint;
use super::routes::{NS, READ, routes};
use crate::rpc::method::{KvsApply, KvsGet, KvsList, KvsListKeys};
use crate::server::Encoding;
use crate::telemetry::limits;
use crate::types::requests::{IndexedDirEntries, IndexedKeyList, KeyListRequest, KeyRequest};
use crate::types::{Blob, DirEntry, Error, KvOp, KvRequest, Result};
use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::{CONTENT_SECURITY_POLICY, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use percent_encoding::percent_decode_str;

routes! {
    "/v1/kv/" "GET,PUT,DELETE" kv, READ | NS;
}

encodings! {
    ENTRIES: IndexedDirEntries, reply => &reply.entries;
    KEYS: IndexedKeyList, reply => &reply.keys;
}

/// The value alone; the bytes are those of the state.
static RAW: Encodings<IndexedDirEntries> = {
    const FORM: Encoding<IndexedDirEntries> = Encoding { name: "RAW", encode: raw };
    Encodings { forms: [FORM; 6] }
};

fn raw(reply: &IndexedDirEntries) -> Result<Bytes> {
    let entry = reply.entries.as_ref().and_then(|entries| entries.first());
    Ok(entry.map(|entry| entry.value.0.clone()).unwrap_or_default())
}

async fn kv(call: &mut Call<'_>) -> Result<Answer> {
    // Keys are text here: bytes that are none would all fall together on U+FFFD and overwrite each other.
    if percent_decode_str(call.parts.uri.path()).decode_utf8().is_err() {
        return Err(Error::bad_request("Invalid key name: not valid UTF-8"));
    }
    match call.method() {
        "GET" if call.params.has("keys") => keys(call).await,
        "GET" => get(call).await,
        "PUT" => put(call).await,
        _ => delete(call).await,
    }
}

/// The key of a request that is about one key.
fn key(call: &Call<'_>) -> Result<String> {
    call.argument("Missing key name").map(str::to_owned)
}

async fn get(call: &mut Call<'_>) -> Result<Answer> {
    let recurse = call.params.has("recurse");
    let raw = !recurse && call.params.has("raw");
    let key = if recurse { call.rest.to_owned() } else { key(call)? };
    let request = KeyRequest { datacenter: call.datacenter(), key, query: call.read_options() };
    if recurse {
        return call.read::<KvsList>(request, &ENTRIES).await;
    }
    let encodings = if raw { &RAW } else { &ENTRIES };
    let mut answer = call.read::<KvsGet>(request, encodings).await?;
    if raw && answer.status == StatusCode::OK {
        answer.content_type = Some(PLAIN);
        call.headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        call.headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    }
    Ok(answer)
}

async fn keys(call: &mut Call<'_>) -> Result<Answer> {
    let separator = call.params.get("separator").or_else(|| call.params.get("seperator"));
    let request = KeyListRequest {
        datacenter: call.datacenter(),
        prefix: call.rest.to_owned(),
        seperator: separator.unwrap_or("").to_owned(),
        query: call.read_options(),
    };
    let everything = call.rest.is_empty();
    let found = call.fetch::<KvsListKeys>(request, &KEYS).await?;
    if found.not_found && !everything {
        return Ok(Answer::empty(StatusCode::NOT_FOUND));
    }
    Ok(Answer::encoded(found.body))
}

/// At most one of these parameters may be there.
fn refuse_conflict(call: &Call<'_>, flags: &[&str]) -> Result<()> {
    if flags.iter().filter(|flag| call.params.has(flag)).count() <= 1 {
        return Ok(());
    }
    Err(Error::bad_request(format!("Conflicting flags: {}\n", call.params.encode())))
}

/// The text about a body that is too large; `length` when it is known.
pub fn too_large(length: Option<u64>, limit: u64, setting: &str) -> Error {
    if setting == "kv_max_value_size" {
        limits::KV_VALUE.exceeded()
    } else {
        limits::TXN_BYTES.exceeded()
    }
    let length = length.map_or_else(String::new, |length| format!("({length} bytes)"));
    Error::with_status(
        413,
        format!(
            "Request body{length} too large, max size: {limit} bytes. \
             See https://developer.hashicorp.com/docs/agent/config/config-files#{setting}."
        ),
    )
}

async fn put(call: &mut Call<'_>) -> Result<Answer> {
    let key = key(call)?;
    refuse_conflict(call, &["cas", "acquire", "release"])?;
    let mut entry = DirEntry { key, ..DirEntry::default() };
    let mut op = KvOp::Set;
    if let Some(flags) = call.params.get("flags") {
        entry.flags = parse_uint(flags)?;
    }
    if let Some(index) = call.params.get("cas") {
        entry.modify_index = parse_uint(index)?;
        op = KvOp::Cas;
    }
    for (param, lock) in [("acquire", KvOp::Lock), ("release", KvOp::Unlock)] {
        if let Some(session) = call.params.get(param) {
            entry.session = session.to_owned();
            op = lock;
        }
    }
    let limit = call.config().limits.kv_max_value_size;
    if let Some(length) = call.content_length().filter(|length| *length > limit) {
        return Err(too_large(Some(length), limit, "kv_max_value_size"));
    }
    entry.value = Blob(call.bytes(BODY_LIMIT).await?);
    let done = apply(call, op, entry).await?;
    boolean(call, op == KvOp::Set || done)
}

async fn delete(call: &mut Call<'_>) -> Result<Answer> {
    refuse_conflict(call, &["recurse", "cas"])?;
    let recurse = call.params.has("recurse");
    let key = if recurse { call.rest.to_owned() } else { key(call)? };
    let mut entry = DirEntry { key, ..DirEntry::default() };
    let mut op = if recurse { KvOp::DeleteTree } else { KvOp::Delete };
    if let Some(index) = call.params.get("cas") {
        entry.modify_index = parse_uint(index)?;
        op = KvOp::DeleteCas;
    }
    let done = apply(call, op, entry).await?;
    boolean(call, op != KvOp::DeleteCas || done)
}

async fn apply(call: &Call<'_>, op: KvOp, dir_ent: DirEntry) -> Result<bool> {
    let request = KvRequest { datacenter: call.datacenter(), op, dir_ent, token: call.token() };
    call.agent.call::<KvsApply>(request).await
}

/// `true` or `false`, without the JSON machinery.
fn boolean(call: &Call<'_>, value: bool) -> Result<Answer> {
    let text: &'static str = match (value, call.style) {
        (true, Style::Pretty) => "true\n",
        (false, Style::Pretty) => "false\n",
        (true, _) => "true",
        (false, _) => "false",
    };
    Ok(Answer::encoded(Bytes::from_static(text.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn a_raw_value_is_the_stored_bytes_themselves() {
        let value = Bytes::from_static(b"some stored bytes");
        let entry = DirEntry { value: Blob(value.clone()), ..DirEntry::default() };
        let reply = IndexedDirEntries { entries: Some(vec![Arc::new(entry)]), ..IndexedDirEntries::default() };
        let body = raw(&reply).expect("always");
        assert_eq!(body.as_ptr(), value.as_ptr());
        assert!(raw(&IndexedDirEntries::default()).expect("always").is_empty());
    }

    #[test]
    fn bodies_that_are_too_large_are_told_the_limit_and_the_setting() {
        let error = too_large(Some(600_000), 524_288, "kv_max_value_size");
        assert_eq!(error.status, Some(413));
        assert_eq!(
            error.text,
            "Request body(600000 bytes) too large, max size: 524288 bytes. \
             See https://developer.hashicorp.com/docs/agent/config/config-files#kv_max_value_size."
        );
        assert!(too_large(None, 1, "txn_max_req_len").text.starts_with("Request body too large, max size: 1 bytes."));
    }
}
