//! Requests and answers of net/rpc: two msgpack values one behind the other, without a length (`spec/rpc.md` 4).

use super::service::Called;
use crate::types::msgpack::{self, MAX_DEPTH, Shape};
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest header of a request or an answer.
const HEADER_LIMIT: usize = 64 << 10;

/// Bytes asked of a stream at once at least.
const CHUNK: usize = 4 << 10;

/// A buffer that grew beyond this is given back between messages.
const KEPT: usize = 16 << 10;

/// The body of a call without content, and of every refusal.
const NOTHING: &[u8] = &[0x80];

/// Header of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct RequestHeader {
    /// Echoed in the answer.
    pub seq: u64,
    /// `Service.Method`.
    pub service_method: String,
}

/// Header of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ResponseHeader {
    /// The refusal, or empty.
    pub error: String,
    /// That of the request.
    pub seq: u64,
    /// That of the request.
    pub service_method: String,
}

/// Starts a request: the body goes behind it.
pub fn begin_request(out: &mut Vec<u8>, seq: u64, method: &str) -> Result<(), msgpack::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Header<'a> {
        seq: u64,
        service_method: &'a str,
    }
    msgpack::to_end_of(out, &Header { seq, service_method: method })
}

/// A whole answer.
pub fn response(request: &RequestHeader, called: &Called) -> Result<Vec<u8>, msgpack::Error> {
    let method = &request.service_method;
    let (error, body) = match called {
        Called::Reply(body) if body[..] == [0xc0] => (String::new(), NOTHING),
        Called::Reply(body) => (String::new(), &body[..]),
        Called::Failed(text) | Called::Undecodable(text) => (text.clone(), NOTHING),
        Called::Unknown => (unknown(method), NOTHING),
    };
    let header = ResponseHeader { error, seq: request.seq, service_method: method.clone() };
    let mut out = Vec::with_capacity(64 + method.len() + header.error.len() + body.len());
    msgpack::to_end_of(&mut out, &header)?;
    out.extend_from_slice(body);
    Ok(out)
}

/// What a call of an unknown method is told.
fn unknown(method: &str) -> String {
    const SERVICES: [&str; 16] = [
        "ACL",
        "AutoConfig",
        "AutoEncrypt",
        "Catalog",
        "ConfigEntry",
        "ConnectCA",
        "Coordinate",
        "DiscoveryChain",
        "FederationState",
        "Health",
        "Internal",
        "KVS",
        "Operator",
        "PreparedQuery",
        "Session",
        "Status",
    ];
    let what = match method.split_once('.') {
        None => return format!("rpc: service/method request ill-formed: {method}"),
        Some((service, _)) if SERVICES.contains(&service) || service == "Intention" || service == "Txn" => "method",
        Some(_) => "service",
    };
    format!("rpc: can't find {what} {method}")
}

/// Finds the end of a value whose bytes arrive bit by bit; looks at no byte twice.
#[derive(Default)]
struct Scanner {
    at: usize,
    /// Values still to come in each open container, the innermost last.
    open: Vec<u64>,
    started: bool,
    /// Bytes of a string still to come.
    skip: u64,
}

impl Scanner {
    /// The length of the value if all of it is in `bytes`, which only grows between calls.
    fn scan(&mut self, bytes: &[u8]) -> Result<Option<usize>, msgpack::Error> {
        loop {
            let there = (bytes.len() - self.at) as u64;
            let passed = self.skip.min(there);
            self.skip -= passed;
            self.at += passed as usize;
            while self.skip == 0 && self.open.last() == Some(&0) {
                self.open.pop();
            }
            if self.skip > 0 {
                return Ok(None);
            }
            if self.started && self.open.is_empty() {
                return Ok(Some(self.at));
            }
            let Some(marker) = bytes.get(self.at) else { return Ok(None) };
            let shape = Shape::of(*marker);
            let head = 1 + usize::from(shape.length_bytes);
            let Some(length) = bytes.get(self.at + 1..self.at + head) else { return Ok(None) };
            let count = match shape.length_bytes {
                0 => shape.fixed,
                _ => length.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
            };
            self.at += head;
            self.started = true;
            if let Some(left) = self.open.last_mut() {
                *left -= 1;
            }
            if !shape.container {
                self.skip = count + shape.extra;
            } else if self.open.len() >= MAX_DEPTH {
                return Err(msgpack::Error(format!("nested deeper than {MAX_DEPTH}")));
            } else {
                self.open.push(count * shape.per_element);
            }
        }
    }
}

/// Reads whole values from a stream, and keeps what came beyond them.
#[derive(Default)]
pub struct ValueReader {
    buffer: BytesMut,
}

impl ValueReader {
    /// The next value's bytes; `None` when the stream ends before its first byte.
    ///
    /// # Errors
    /// The stream's, `InvalidData` for a value that is nested too deep or longer than `limit`, `UnexpectedEof` inside a value.
    pub async fn value<R: AsyncRead + Unpin>(&mut self, stream: &mut R, limit: usize) -> io::Result<Option<Bytes>> {
        let mut scanner = Scanner::default();
        loop {
            let end = scanner.scan(&self.buffer).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            if end.unwrap_or(self.buffer.len()) > limit {
                return Err(io::Error::new(ErrorKind::InvalidData, format!("a message above {limit} bytes")));
            }
            if let Some(end) = end {
                return Ok(Some(self.buffer.split_to(end).freeze()));
            }
            self.buffer.reserve(CHUNK);
            if stream.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
            }
        }
    }

    /// The next request: its header and its body.
    ///
    /// # Errors
    /// Those of [`ValueReader::value`], and `InvalidData` for a header that is none.
    pub async fn request<R: AsyncRead + Unpin>(
        &mut self,
        stream: &mut R,
        limit: usize,
    ) -> io::Result<Option<(RequestHeader, Bytes)>> {
        self.shrink();
        let Some(header) = self.value(stream, HEADER_LIMIT).await? else { return Ok(None) };
        let header = decode_header(&header)?;
        let body = self.value(stream, limit).await?.ok_or(ErrorKind::UnexpectedEof)?;
        Ok(Some((header, body)))
    }

    /// The next answer: its header and its body.
    ///
    /// # Errors
    /// Those of [`ValueReader::value`], and `InvalidData` for a header that is none.
    pub async fn response<R: AsyncRead + Unpin>(
        &mut self,
        stream: &mut R,
        limit: usize,
    ) -> io::Result<(ResponseHeader, Bytes)> {
        let header = self.value(stream, HEADER_LIMIT).await?.ok_or(ErrorKind::UnexpectedEof)?;
        let header = decode_header(&header)?;
        let body = self.value(stream, limit).await?.ok_or(ErrorKind::UnexpectedEof)?;
        Ok((header, body))
    }

    /// Bytes that came beyond the last value.
    pub fn rest(self) -> BytesMut {
        self.buffer
    }

    /// Nothing came beyond the last value.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    fn shrink(&mut self) {
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT {
            self.buffer = BytesMut::new();
        }
    }
}

fn decode_header<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> io::Result<T> {
    if !matches!(bytes.first(), Some(0x80..=0x8f | 0xde | 0xdf)) {
        return Err(io::Error::new(ErrorKind::InvalidData, "a header that is no map"));
    }
    msgpack::from_slice(bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}
