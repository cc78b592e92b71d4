//! Requests and answers of net/rpc: two msgpack values one behind the other, without a length (`spec/rpc.md` 4).

use super::budget::Share;
use super::method::Method;
use super::service::Called;
use crate::telemetry::limits;
use crate::types::msgpack::{self, MAX_DEPTH, Shape};
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use std::io::{self, ErrorKind};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::{Instant, timeout_at};

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

/// A whole request.
pub fn request<M: Method>(seq: u64, args: &M::Args) -> Result<Vec<u8>, msgpack::Error> {
    let mut out = Vec::with_capacity(512);
    begin_request(&mut out, seq, M::NAME)?;
    msgpack::to_end_of(&mut out, args)?;
    Ok(out)
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

/// How long a value may take to arrive: this time, and more for what has arrived.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bytes that earn a second more.
const PACE: usize = 64 << 10;

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
    /// Where the text that is being read will end.
    fn claimed(&self) -> usize {
        self.at.saturating_add(usize::try_from(self.skip).unwrap_or(usize::MAX))
    }

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
                limits::RPC_REQUEST_DEPTH.exceeded();
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
    /// What a stream of somebody who is not trusted may hold; its values must also arrive at some pace.
    share: Option<Share>,
    patience: Duration,
}

impl ValueReader {
    /// A reader of what others send, within a budget.
    pub fn within(share: Share) -> ValueReader {
        ValueReader { buffer: BytesMut::new(), share: Some(share), patience: PATIENCE }
    }

    /// Holds the bytes of an answer until the next request is read.
    ///
    /// # Errors
    /// `InvalidData` when the budget has not so many.
    pub fn hold(&mut self, bytes: usize) -> io::Result<()> {
        let fits = self.share.as_mut().is_none_or(|share| share.grow(bytes));
        if fits { Ok(()) } else { Err(over_budget()) }
    }

    /// The next value's bytes; `None` when the stream ends before its first byte.
    ///
    /// # Errors
    /// The stream's, `InvalidData` for a value that is nested too deep or longer than `limit`, `UnexpectedEof` inside a value.
    pub async fn value<R: AsyncRead + Unpin>(&mut self, stream: &mut R, limit: usize) -> io::Result<Option<Bytes>> {
        let mut scanner = Scanner::default();
        let mut started = (!self.buffer.is_empty()).then(Instant::now);
        loop {
            let end = scanner.scan(&self.buffer).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
            // a text is refused for the length that it claims, before it has come
            if end.unwrap_or_else(|| self.buffer.len().max(scanner.claimed())) > limit {
                limits::RPC_REQUEST_BYTES.exceeded();
                return Err(io::Error::new(ErrorKind::InvalidData, format!("a message above {limit} bytes")));
            }
            if let Some(end) = end {
                return Ok(Some(self.buffer.split_to(end).freeze()));
            }
            self.buffer.reserve(CHUNK);
            let read = match (&self.share, started) {
                (Some(_), Some(started)) => {
                    let deadline = started + self.patience + Duration::from_secs((self.buffer.len() / PACE) as u64);
                    timeout_at(deadline, stream.read_buf(&mut self.buffer)).await.map_err(|_| too_slow())?
                }
                _ => stream.read_buf(&mut self.buffer).await,
            };
            if read? == 0 {
                return if self.buffer.is_empty() { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
            }
            started.get_or_insert_with(Instant::now);
            if let Some(share) = &mut self.share
                && !share.resize(self.buffer.len())
            {
                return Err(over_budget());
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
        if let Some(share) = &mut self.share {
            // what is not more than is held always fits
            share.resize(self.buffer.len());
        }
    }
}

fn over_budget() -> io::Error {
    io::Error::new(ErrorKind::InvalidData, "the requests and answers of this session hold too many bytes")
}

fn too_slow() -> io::Error {
    limits::RPC_REQUEST_TIME.exceeded();
    io::Error::new(ErrorKind::InvalidData, "the request did not arrive in time")
}

fn decode_header<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> io::Result<T> {
    if !matches!(bytes.first(), Some(0x80..=0x8f | 0xde | 0xdf)) {
        return Err(io::Error::new(ErrorKind::InvalidData, "a header that is no map"));
    }
    msgpack::from_slice(bytes).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::super::budget::{Budget, FREE};
    use super::*;
    use tokio::io::{AsyncWriteExt, duplex};

    fn reader(limit: usize) -> ValueReader {
        ValueReader::within(Share::of(&Budget::of_port(limit)))
    }

    #[tokio::test]
    async fn a_reader_holds_no_more_than_its_share() {
        let text = |len: usize| [&[0xdb][..], &(len as u32).to_be_bytes(), &vec![b'x'; len]].concat();
        let mut reader = reader(4 * FREE);
        for len in [10, 3 * FREE, 3 * FREE] {
            let bytes = [&[0x80][..], &text(len)].concat();
            let (_, body) = reader.request(&mut &bytes[..], 1 << 30).await.expect("it fits").expect("a request");
            assert_eq!(body.len(), len + 5, "what is done is given back");
        }
        assert!(reader.hold(2 * FREE).is_err(), "the answer comes beside the request");
        let bytes = [&[0x80][..], &text(5 * FREE)].concat();
        let error = reader.request(&mut &bytes[..], 1 << 30).await.expect_err("too much");
        assert_eq!(error.to_string(), "the requests and answers of this session hold too many bytes");
    }

    #[tokio::test]
    async fn a_request_must_arrive_in_time() {
        let (mut here, mut there) = duplex(100);
        let mut reader = ValueReader { patience: Duration::from_millis(300), ..reader(1 << 20) };
        let idle = tokio::time::timeout(Duration::from_millis(400), reader.value(&mut here, 100)).await;
        assert!(idle.is_err(), "the first byte may come whenever it likes");
        let slow = tokio::spawn(async move {
            for byte in [0x93, 1, 2].into_iter().chain(std::iter::repeat(0x91)) {
                if there.write_all(&[byte]).await.is_err() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let error = reader.value(&mut here, 100).await.expect_err("too slow");
        assert_eq!(error.to_string(), "the request did not arrive in time");
        slow.abort();
    }
}
