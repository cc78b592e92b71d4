//! gRPC checks: one call of `grpc.health.v1.Health/Check` on a connection of its own
//! (`spec/services-and-checks.md` 4, grpc). Two tiny messages do not need generated code: the call is made on HTTP/2.

use super::dial::{self, TlsOptions, errno_text};
use super::runner::{Outcome, Probe};
use super::tls::{Alpn, CheckTls};
use crate::types::CheckStatus;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures::future::BoxFuture;
use hyper::{HeaderMap, Request, StatusCode};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};

/// Longest answer that is read; a health answer has two bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// A health service to ask.
pub struct Grpc {
    /// `host:port[/service]`.
    pub target: String,
    /// Use TLS.
    pub tls: Option<(TlsOptions, Arc<CheckTls>)>,
    /// Time limit of a run.
    pub timeout: Duration,
}

impl Probe for Grpc {
    fn run<'a>(&'a self, report: &'a mut (dyn FnMut(Outcome) + Send)) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let target = &self.target;
            report(match self.check().await {
                Ok(1) => Outcome::new(CheckStatus::Passing, format!("gRPC check {target}: success")),
                Ok(status) => Outcome::critical(format!("gRPC {target} serving status: {}", serving_status(status))),
                Err(Failure { code, text }) => {
                    Outcome::critical(format!("rpc error: code = {} desc = {text}", code_name(code)))
                }
            });
        })
    }
}

const UNKNOWN: u64 = 2;
const DEADLINE_EXCEEDED: u64 = 4;
const INTERNAL: u64 = 13;
const UNAVAILABLE: u64 = 14;

/// A failed call.
struct Failure {
    code: u64,
    text: String,
}

impl Failure {
    fn unavailable(reason: &str) -> Failure {
        Failure { code: UNAVAILABLE, text: format!("connection error: desc = {reason:?}") }
    }

    fn internal(text: impl Into<String>) -> Failure {
        Failure { code: INTERNAL, text: text.into() }
    }
}

/// Names of gRPC's codes in the reference's texts.
const CODES: [&str; 17] = [
    "OK",
    "Canceled",
    "Unknown",
    "InvalidArgument",
    "DeadlineExceeded",
    "NotFound",
    "AlreadyExists",
    "PermissionDenied",
    "ResourceExhausted",
    "FailedPrecondition",
    "Aborted",
    "OutOfRange",
    "Unimplemented",
    "Internal",
    "Unavailable",
    "DataLoss",
    "Unauthenticated",
];

fn code_name(code: u64) -> String {
    let known = usize::try_from(code).ok().and_then(|code| CODES.get(code));
    known.map_or_else(|| format!("Code({code})"), |name| (*name).to_owned())
}

fn serving_status(status: u64) -> String {
    let known =
        usize::try_from(status).ok().and_then(|s| ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"].get(s));
    known.map_or_else(|| status.to_string(), |name| (*name).to_owned())
}

impl Grpc {
    async fn check(&self) -> Result<u64, Failure> {
        let deadline = Instant::now() + self.timeout;
        let (address, service) = self.target.split_once('/').unwrap_or((&self.target, ""));
        let stream = dial::tcp(address, deadline)
            .await
            .map_err(|error| Failure::unavailable(&format!("transport: Error while dialing: {error}")))?;
        let late = |_| Failure { code: DEADLINE_EXCEEDED, text: "context deadline exceeded".to_owned() };
        let Some((options, tls)) = &self.tls else {
            return timeout_at(deadline, call(stream, "http", address, service)).await.map_err(late)?;
        };
        let host = dial::split_host_port(address).map_or("", |(host, _)| host);
        let stream = dial::handshake(stream, host, options, Alpn::H2, tls, deadline)
            .await
            .map_err(|error| Failure::unavailable(&format!("transport: authentication handshake failed: {error}")))?;
        let authority = if options.server_name.is_empty() { address } else { &options.server_name };
        timeout_at(deadline, call(stream, "https", authority, service)).await.map_err(late)?
    }
}

/// Makes the call and drives the connection meanwhile. The answer is the serving status.
async fn call<S>(stream: S, scheme: &str, authority: &str, service: &str) -> Result<u64, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let preface =
        |error: &h2::Error| Failure::unavailable(&format!("error reading server preface: {}", h2_text(error)));
    let (sender, connection) = h2::client::handshake(stream).await.map_err(|error| preface(&error))?;
    let request = Request::post(format!("{scheme}://{authority}/grpc.health.v1.Health/Check"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .map_err(|error| Failure::internal(error.to_string()))?;
    let exchange = async {
        let mut sender = sender.ready().await.map_err(|error| preface(&error))?;
        let (response, mut body) = sender.send_request(request, false).map_err(|error| preface(&error))?;
        body.send_data(question(service), true).map_err(|error| preface(&error))?;
        let response = response.await.map_err(|error| preface(&error))?;
        read_answer(response).await
    };
    tokio::select! {
        biased;
        result = exchange => result,
        // The exchange sees the same end as an error of its own, unless the connection goes first.
        ended = connection => Err(preface(&ended.err().unwrap_or_else(|| h2::Reason::NO_ERROR.into()))),
    }
}

async fn read_answer(response: hyper::Response<h2::RecvStream>) -> Result<u64, Failure> {
    if response.status() != StatusCode::OK {
        return Err(http_failure(response.status()));
    }
    let broken = |error: h2::Error| Failure { code: UNAVAILABLE, text: h2_text(&error) };
    if response.headers().contains_key("grpc-status") {
        check_status(response.headers())?;
    }
    let mut body = response.into_body();
    let mut message = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data.map_err(broken)?;
        let _ = body.flow_control().release_capacity(data.len());
        message.put(data);
        if message.len() > MAX_ANSWER {
            return Err(Failure { code: 8, text: "grpc: received message larger than max".to_owned() });
        }
    }
    match body.trailers().await.map_err(broken)? {
        Some(trailers) => check_status(&trailers)?,
        None => return Err(Failure::internal("server closed the stream without sending trailers")),
    }
    decode(message.freeze()).ok_or_else(|| Failure::internal("grpc: failed to unmarshal the received message"))
}

/// The request in its frame: field 1 is the service name.
fn question(service: &str) -> Bytes {
    let mut message = BytesMut::new();
    if !service.is_empty() {
        message.put_u8(1 << 3 | 2);
        put_varint(&mut message, service.len() as u64);
        message.put(service.as_bytes());
    }
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(0);
    frame.put_u32(message.len() as u32);
    frame.put(message);
    frame.freeze()
}

fn put_varint(out: &mut BytesMut, mut value: u64) {
    while value >= 0x80 {
        out.put_u8(value as u8 | 0x80);
        value >>= 7;
    }
    out.put_u8(value as u8);
}

/// The serving status in a framed answer: field 1, 0 when it is absent.
fn decode(mut frame: Bytes) -> Option<u64> {
    if frame.len() < 5 || frame.get_u8() != 0 || frame.get_u32() as usize != frame.len() {
        return None;
    }
    let mut status = 0;
    while frame.has_remaining() {
        let key = varint(&mut frame)?;
        match key & 7 {
            0 => {
                let value = varint(&mut frame)?;
                if key >> 3 == 1 {
                    status = value;
                }
            }
            2 => {
                let len = usize::try_from(varint(&mut frame)?).ok().filter(|len| *len <= frame.remaining())?;
                frame.advance(len);
            }
            _ => return None,
        }
    }
    Some(status)
}

fn varint(bytes: &mut Bytes) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = bytes.has_remaining().then(|| bytes.get_u8())?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn check_status(headers: &HeaderMap) -> Result<(), Failure> {
    let text = |name| headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    match text("grpc-status").and_then(|code| code.parse().ok()) {
        Some(0) => Ok(()),
        Some(code) => {
            let message = text("grpc-message").unwrap_or_default();
            let text = percent_encoding::percent_decode_str(&message).decode_utf8_lossy().into_owned();
            Err(Failure { code, text })
        }
        None => Err(Failure { code: UNKNOWN, text: "malformed grpc-status".to_owned() }),
    }
}

fn http_failure(status: StatusCode) -> Failure {
    let code = match status.as_u16() {
        400 => INTERNAL,
        401 => 16,
        403 => 7,
        404 => 12,
        429 | 502..=504 => UNAVAILABLE,
        _ => UNKNOWN,
    };
    let reason = status.canonical_reason().unwrap_or_default();
    let text = format!("unexpected HTTP status code received from server: {} ({reason})", status.as_u16());
    Failure { code, text }
}

/// A broken HTTP/2 connection in a few words.
pub fn h2_text(error: &h2::Error) -> String {
    match (error.get_io(), error.reason()) {
        (Some(io), _) => errno_text(io),
        (None, Some(h2::Reason::NO_ERROR)) => "EOF".to_owned(),
        (None, Some(h2::Reason::FRAME_SIZE_ERROR)) => "http2: frame too large".to_owned(),
        (None, Some(reason)) => format!("http2: {}", reason.description()),
        (None, None) => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_framed_protobuf() {
        assert_eq!(&question("")[..], [0, 0, 0, 0, 0]);
        assert_eq!(&question("web")[..], b"\0\0\0\0\x05\x0a\x03web");
        let long = question(&"x".repeat(300));
        assert_eq!(&long[..8], [0, 0, 0, 1, 47, 10, 0xac, 2]);
        for (frame, status) in [
            (&b"\0\0\0\0\x02\x08\x01"[..], Some(1)),
            (b"\0\0\0\0\0", Some(0)),
            (b"\0\0\0\0\x05\x12\x01x\x08\x02", Some(2)),
            (b"\0\0\0\0\x02\x08", None),
            (b"\0\0\0\0\x02\x08\x81", None),
            (b"\x01\0\0\0\x02\x08\x01", None),
            (b"\0\0", None),
        ] {
            assert_eq!(decode(Bytes::from_static(frame)), status, "{frame:?}");
        }
    }
}
