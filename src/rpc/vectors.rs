//! Recorded calls between the reference's agents and servers, against our codec and types.

use super::codec::{self, RequestHeader, ResponseHeader, ValueReader};
use super::method::{METHODS, recode_args, recode_reply};
use super::service::Called;
use crate::types::msgpack;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

fn vectors() -> Json {
    let path = format!("{}/tests/vectors/rpc-vectors.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn bytes(call: &Json, name: &str) -> Vec<u8> {
    let text = call[name].as_str().unwrap();
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap()).collect()
}

/// A value without the differences that readers do not see: nil, empty and zero are all nothing, and fields that are nothing
/// are absent.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum Value {
    Nothing,
    Bool,
    Number(i128),
    Float(f64),
    Bytes(Vec<u8>),
    Array(Vec<Value>),
    Map(BTreeMap<Vec<u8>, Value>),
}

/// The zero instant; what its zone is does not matter.
const NO_TIME: [u8; 13] = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn parse(input: &mut &[u8]) -> Value {
    let marker = input[0];
    *input = &input[1..];
    let mut number = |len: usize| {
        let value = input[..len].iter().fold(0_i128, |number, byte| number << 8 | i128::from(*byte));
        *input = &input[len..];
        value
    };
    let (count, kind) = match marker {
        0xc0 | 0xc2 => return Value::Nothing,
        0xc3 => return Value::Bool,
        0x00..=0x7f => (i128::from(marker), 'n'),
        0xe0..=0xff => (i128::from(marker as i8), 'n'),
        0xcc..=0xcf => (number(1 << (marker - 0xcc)), 'n'),
        0xd0..=0xd3 => {
            let len = 1 << (marker - 0xd0);
            let value = number(len);
            (if value >> (8 * len - 1) == 1 { value - (1 << (8 * len)) } else { value }, 'n')
        }
        0xcb => {
            let value = f64::from_bits(number(8) as u64);
            return if value == 0.0 { Value::Nothing } else { Value::Float(value) };
        }
        0xa0..=0xbf => (i128::from(marker & 0x1f), 's'),
        0xc4 | 0xd9 => (number(1), 's'),
        0xda => (number(2), 's'),
        0xdb => (number(4), 's'),
        0x90..=0x9f => (i128::from(marker & 0x0f), 'a'),
        0xdc => (number(2), 'a'),
        0x80..=0x8f => (i128::from(marker & 0x0f), 'm'),
        0xde => (number(2), 'm'),
        other => panic!("marker {other:02x}"),
    };
    match kind {
        'n' if count == 0 => Value::Nothing,
        'n' => Value::Number(count),
        's' => {
            let (text, rest) = input.split_at(count as usize);
            *input = rest;
            match text {
                [] => Value::Nothing,
                [.., _, _] if text.starts_with(&NO_TIME) => Value::Nothing,
                // the zone of an instant may be written in two ways
                [1, middle @ .., 0, 0] if text.len() == 15 => Value::Bytes([&[1], middle, &[0xff, 0xff]].concat()),
                _ => Value::Bytes(text.to_vec()),
            }
        }
        'a' if count == 0 => Value::Nothing,
        'a' => Value::Array((0..count).map(|_| parse(input)).collect()),
        _ => {
            let entries = (0..count).map(|_| {
                let Value::Bytes(key) = parse(input) else { return (Vec::new(), parse(input)) };
                (key, parse(input))
            });
            let map: BTreeMap<_, _> = entries.filter(|(_, value)| *value != Value::Nothing).collect();
            if map.is_empty() { Value::Nothing } else { Value::Map(map) }
        }
    }
}

fn canonical(bytes: &[u8]) -> Value {
    let mut input = bytes;
    let value = parse(&mut input);
    assert!(input.is_empty());
    value
}

/// Where two values differ, for a reader of the failure.
fn difference(path: &str, theirs: &Value, ours: &Value, out: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Map(a), Value::Map(b)) => {
            let keys: BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let nothing = &Value::Nothing;
                let path = format!("{path}.{}", String::from_utf8_lossy(key));
                difference(&path, a.get(key).unwrap_or(nothing), b.get(key).unwrap_or(nothing), out);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().for_each(|(at, (a, b))| difference(&format!("{path}[{at}]"), a, b, out));
        }
        _ if theirs == ours => {}
        _ => out.push(format!("{path}: {theirs:?} became {ours:?}")),
    }
}

/// Services whose methods belong to the mesh, which are not served yet.
const LATER: [&str; 6] = ["ConfigEntry", "ConnectCA", "DiscoveryChain", "FederationState", "Intention", "Nope"];

#[test]
fn recorded_requests_and_replies_survive_our_types() {
    let mut wrong = Vec::new();
    let mut known = 0;
    for call in vectors()["calls"].as_array().unwrap() {
        let method = call["method"].as_str().unwrap();
        if !METHODS.contains(&method) {
            let service = method.split('.').next().unwrap();
            let later = LATER.contains(&service) || method == "Status.Nope" || method == "Catalog.GatewayServices";
            assert!(later, "{method} has no row in the table");
            continue;
        }
        known += 1;
        let mut check = |what: &str, name: &str, recode: fn(&str, &[u8]) -> Option<super::method::Recoded>| {
            let recorded = bytes(call, name);
            match recode(method, &recorded).expect("it has a row") {
                Ok(ours) => {
                    difference(&format!("{method} {what}"), &canonical(&recorded), &canonical(&ours), &mut wrong)
                }
                Err(error) => wrong.push(format!("{method} {what}: {error}")),
            }
        };
        let refusal = call["error"].as_str().unwrap();
        if refusal.starts_with("codec.decoder") {
            let ours = recode_args(method, &bytes(call, "request_body_hex")).expect("it has a row");
            // byte strings of the newer dialect are read as text, too
            assert!(ours.is_err() || refusal.contains("hex: c4"), "{method}: {refusal}");
            continue;
        }
        if refusal.starts_with("Invalid KVS operation") {
            let ours = recode_args(method, &bytes(call, "request_body_hex")).expect("it has a row");
            assert!(ours.is_err(), "an unknown operation is no request");
            continue;
        }
        check("request", "request_body_hex", recode_args);
        if call["error"] == "" {
            check("reply", "response_body_hex", recode_reply);
        }
    }
    assert!(known >= 90, "{known}");
    // names of another case are no names of ours either
    wrong.retain(|difference| {
        !difference.starts_with("KVS.Get request.datacenter")
            && !difference.starts_with("KVS.Get request.key")
            // a word of the access control before this one
            && !difference.starts_with("ACL.TokenRead reply.Token.Type")
    });
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[tokio::test]
async fn recorded_headers_are_read_and_written() {
    for call in vectors()["calls"].as_array().unwrap() {
        let (header, body) = (bytes(call, "request_header_hex"), bytes(call, "request_body_hex"));
        let whole = [header.clone(), body.clone()].concat();
        // byte by byte, as a stream may bring it
        let mut reader = ValueReader::default();
        let stream =
            futures::stream::iter(whole.iter().map(|byte| Ok::<_, std::io::Error>(bytes::Bytes::from(vec![*byte]))));
        let mut stream = tokio_util::io::StreamReader::new(stream);
        let (request, got) = reader.request(&mut stream, 1 << 20).await.unwrap().unwrap();
        assert_eq!(got[..], body[..]);
        assert_eq!(request.service_method, call["method"].as_str().unwrap());
        let mut ours = Vec::new();
        codec::begin_request(&mut ours, request.seq, &request.service_method).unwrap();
        match call["from"].as_str().unwrap().starts_with("client agent") {
            true => assert_eq!(ours, header),
            false => assert_eq!(canonical(&ours), canonical(&header)),
        }
        assert!(reader.request(&mut stream, 1 << 20).await.unwrap().is_none());

        let (header, body) = (bytes(call, "response_header_hex"), bytes(call, "response_body_hex"));
        let response: ResponseHeader = msgpack::from_slice(&header).unwrap();
        assert_eq!(response.error, call["error"].as_str().unwrap());
        let called = match response.error.as_str() {
            "" => Called::Reply(body.clone().into()),
            text if text.starts_with("rpc: can't find") => Called::Unknown,
            text => Called::Failed(text.to_owned()),
        };
        assert_eq!(codec::response(&request, &called).unwrap(), [header, body].concat());
    }
}

async fn read(bytes: &[u8], limit: usize) -> std::io::Result<Option<(RequestHeader, bytes::Bytes)>> {
    let mut input = bytes;
    ValueReader::default().request(&mut input, limit).await
}

#[tokio::test]
async fn broken_requests_are_refused_and_large_ones_cost_nothing() {
    let header = b"\x82\xa3Seq\x01\xadServiceMethod\xa1x";
    let with = |body: &[u8]| [&header[..], body].concat();
    assert!(read(b"", 100).await.unwrap().is_none());
    assert_eq!(read(&with(b"\x81\xa1a\xdd\x00\x00\x00\x01\xc0"), 100).await.unwrap().unwrap().1.len(), 9);
    let deep = |levels: usize| with(&[vec![0x91; levels], vec![0xc0]].concat());
    assert!(read(&deep(128), 1000).await.is_ok());
    for (bytes, why) in [
        (b"\xc1\xc1\xc1".to_vec(), "a header that is no map"),
        (b"\xa1x\x80".to_vec(), "a header that is no map"),
        (deep(129), "nested deeper than 128"),
        (with(&[&[0xdb, 0, 0, 1, 0][..], &[7; 256]].concat()), "above 100 bytes"),
        (with(b"\xdf\xff\xff\xff\xff\xdf\xff\xff\xff\xff"), "unexpected end of file"),
        (with(b"\xdb\xff\xff\xff\xffx"), "above 100 bytes"),
        (with(b"\xdb\x00\x00\x00\x10x"), "unexpected end of file"),
        (header[..5].to_vec(), "unexpected end of file"),
    ] {
        let error = read(&bytes, 100).await.unwrap_err().to_string();
        assert!(error.contains(why), "{error} instead of {why}");
    }
}
