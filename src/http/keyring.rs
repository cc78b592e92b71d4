//! `/v1/operator/keyring` (`spec/http-api.md` 3.14): the gossip keys of all pools.

use super::answer::Answer;
use super::call::Call;
use super::decode::bodies::KEYRING;
use super::decode::shape::{Kind, go_quote};
use super::params::parse_bool;
use super::routes::routes;
use crate::rpc::method::InternalKeyringOperation;
use crate::types::cluster::{KeyringRequest, KeyringResponse};
use crate::types::{Error, QueryOptions, Result, StringMap, validate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

routes! {
    "/v1/operator/keyring" "GET,POST,PUT,DELETE" keyring;
}

/// Most members that relay an answer.
const MAX_RELAY: i64 = 5;

/// What a change is about.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Body {
    key: String,
    token: String,
    relay_factor: u8,
}

/// A pool's answer as HTTP shows it.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Shown<'a> {
    #[serde(rename = "WAN")]
    wan: bool,
    datacenter: &'a str,
    segment: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    partition: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    messages: &'a StringMap,
    keys: &'a BTreeMap<String, i64>,
    primary_keys: &'a BTreeMap<String, i64>,
    num_nodes: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    error: &'a str,
}

fn is_empty(messages: &&StringMap) -> bool {
    messages.as_ref().is_none_or(BTreeMap::is_empty)
}

fn shown(response: &KeyringResponse) -> Shown<'_> {
    Shown {
        wan: response.wan,
        datacenter: &response.datacenter,
        segment: &response.segment,
        partition: &response.partition,
        messages: &response.messages,
        keys: &response.keys,
        primary_keys: &response.primary_keys,
        num_nodes: response.num_nodes,
        error: &response.error,
    }
}

/// The failures of all pools in one text.
fn failures(responses: &[KeyringResponse]) -> Result<()> {
    let mut errors = Vec::new();
    for response in responses.iter().filter(|response| !response.error.is_empty()) {
        let pool = if response.wan { "WAN".to_owned() } else { format!("{} (LAN)", response.datacenter) };
        let segment =
            if response.segment.is_empty() { String::new() } else { format!(" [segment: {}]", response.segment) };
        errors.push(format!("{pool}{segment} error: {}", response.error));
        errors.extend(response.messages.iter().flatten().map(|(node, message)| format!("{node}: {message}")));
    }
    validate::error_list(&errors).map_or(Ok(()), |text| Err(Error::new(text)))
}

/// `?relay-factor=`; the body's when it is absent.
fn relay_factor(text: &str, given: u8) -> Result<u8> {
    if text.is_empty() {
        return Ok(given);
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let reason = match digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Some("invalid syntax"),
        false => text.parse::<i64>().is_err().then_some("value out of range"),
    };
    if let Some(reason) = reason {
        let text = format!("Error parsing relay factor: strconv.Atoi: parsing {}: {reason}", go_quote(text));
        return Err(Error::bad_request(text));
    }
    let number: i64 = text.parse().unwrap_or(-1);
    match u8::try_from(number) {
        Ok(factor) if number <= MAX_RELAY => Ok(factor),
        _ => {
            let text = format!("Invalid relay-factor: Relay factor must be in range: [0, {MAX_RELAY}]");
            Err(Error::bad_request(text))
        }
    }
}

/// `?local-only=`, for lists.
fn local_only(text: &str, is_list: bool) -> Result<bool> {
    if text.is_empty() {
        return Ok(false);
    }
    let Some(local) = parse_bool(text) else {
        let reason = format!("strconv.ParseBool: parsing {}: invalid syntax", go_quote(text));
        return Err(Error::bad_request(format!("Error parsing local-only: {reason}")));
    };
    if local && !is_list {
        let text = "Invalid use of local-only: local-only can only be set for list requests";
        return Err(Error::bad_request(text));
    }
    Ok(local)
}

async fn keyring(call: &mut Call<'_>) -> Result<Answer> {
    let operation = match call.method() {
        "POST" => "install",
        "PUT" => "use",
        "DELETE" => "remove",
        _ => "list",
    };
    let is_list = operation == "list";
    let body: Body = if is_list { Body::default() } else { call.decode(&Kind::Object(&KEYRING)).await? };
    let request = KeyringRequest {
        operation: operation.to_owned(),
        key: body.key,
        local_only: local_only(call.params.text("local-only"), is_list)?,
        relay_factor: relay_factor(call.params.text("relay-factor"), body.relay_factor)?,
        query: QueryOptions {
            token: Some(call.token()).filter(|token| !token.is_empty()).unwrap_or(body.token),
            allow_stale: is_list,
            ..QueryOptions::default()
        },
        ..KeyringRequest::default()
    };
    let reply = call.agent.call::<InternalKeyringOperation>(request).await?;
    failures(&reply.responses)?;
    if is_list { call.json(&reply.responses.iter().map(shown).collect::<Vec<_>>()) } else { Ok(Answer::done()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_checked_in_the_references_words() {
        for (text, expected) in [
            ("", Ok(3)),
            ("5", Ok(5)),
            ("+2", Ok(2)),
            ("6", Err("Invalid relay-factor: Relay factor must be in range: [0, 5]")),
            ("-1", Err("Invalid relay-factor: Relay factor must be in range: [0, 5]")),
            ("x", Err("Error parsing relay factor: strconv.Atoi: parsing \"x\": invalid syntax")),
        ] {
            assert_eq!(relay_factor(text, 3), expected.map_err(Error::bad_request), "{text}");
        }
        for (text, is_list, expected) in [
            ("", false, Ok(false)),
            ("true", true, Ok(true)),
            ("false", false, Ok(false)),
            ("1", false, Err("Invalid use of local-only: local-only can only be set for list requests")),
            ("x", true, Err("Error parsing local-only: strconv.ParseBool: parsing \"x\": invalid syntax")),
        ] {
            assert_eq!(local_only(text, is_list), expected.map_err(Error::bad_request), "{text}");
        }
    }

    #[test]
    fn failing_pools_are_listed_with_their_nodes() {
        let failing = |wan: bool, error: &str| KeyringResponse {
            wan,
            datacenter: "dc1".into(),
            error: error.into(),
            messages: Some(BTreeMap::from([("n1".to_owned(), "no".to_owned())])),
            ..KeyringResponse::default()
        };
        assert_eq!(failures(&[failing(true, "")]), Ok(()));
        let text = "4 errors occurred:\n\t* WAN error: 1/1\n\t* n1: no\n\t* dc1 (LAN) error: 2/2\n\t* n1: no\n\n";
        assert_eq!(failures(&[failing(true, "1/1"), failing(false, "2/2")]), Err(Error::new(text)));
    }
}
