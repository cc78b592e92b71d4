//! The snapshot exchange: one request, one answer, and an archive in one direction (`spec/rpc.md` 11).

use super::codec::ValueReader;
use super::error::CallError;
use super::security::AnyStream;
use super::service::{Archive, Service};
use crate::types::secret::hidden;
use crate::types::{Error, QueryMeta, msgpack};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::io::{self, Cursor, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf, ReadHalf, WriteHalf, copy_buf, split};
use tokio::time::timeout;

/// Longest request or answer map.
const MAP_LIMIT: usize = 64 << 10;

/// How long the request may take to arrive, and how long the rest of a refused archive is taken so that the answer can be
/// read.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes copied at once.
const CHUNK: usize = 64 << 10;

/// What is asked of a snapshot exchange; on the wire a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SnapshotOp {
    /// Sends the archive of the state.
    #[default]
    Save,
    /// Replaces the state.
    Restore,
    /// Neither; refused.
    Other(u64),
}

impl Serialize for SnapshotOp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(match self {
            SnapshotOp::Save => 0,
            SnapshotOp::Restore => 1,
            SnapshotOp::Other(op) => *op,
        })
    }
}

impl<'de> Deserialize<'de> for SnapshotOp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match u64::deserialize(deserializer)? {
            0 => SnapshotOp::Save,
            1 => SnapshotOp::Restore,
            op => SnapshotOp::Other(op),
        })
    }
}

/// Opens a snapshot exchange.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SnapshotRequest {
    /// Target datacenter; the empty text is not the own one here.
    pub datacenter: String,
    /// Secret of the caller.
    #[debug("{}", hidden(token))]
    pub token: String,
    /// Any server may answer a save.
    pub allow_stale: bool,
    /// Save or restore.
    pub op: SnapshotOp,
}

/// Answers a snapshot exchange, in front of the archive of a save.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SnapshotResponse {
    /// The refusal, or empty.
    pub error: String,
    /// About the answer; the index is that of the snapshot.
    #[serde(flatten)]
    pub meta: QueryMeta,
}

/// What a server answers.
pub struct SnapshotReply {
    /// About the answer.
    pub meta: QueryMeta,
    /// The archive of a save.
    pub archive: Option<Archive>,
}

/// The reading half of a connection that more than one may hold, one after the other.
#[derive(Clone)]
struct Incoming(Arc<Mutex<ReadHalf<AnyStream>>>);

impl AsyncRead for Incoming {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0.lock()).poll_read(cx, into)
    }
}

/// Serves one exchange.
pub(super) async fn serve(stream: AnyStream, service: &dyn Service, from: SocketAddr) {
    let (reader, mut writer) = split(stream);
    let mut incoming = Incoming(Arc::new(Mutex::new(reader)));
    if let Err(error) = exchange(&mut incoming, &mut writer, service, from).await {
        tracing::error!(target: "agent.server.rpc", "snapshot RPC failed: conn=from={from} error={error}");
    }
    // closing with unread input would reset the connection before the answer is read
    let mut nowhere = tokio::io::sink();
    let drain = tokio::io::copy(&mut incoming, &mut nowhere);
    let _ = timeout(PATIENCE, async { (writer.shutdown().await, drain.await) }).await;
}

async fn exchange(
    incoming: &mut Incoming,
    writer: &mut WriteHalf<AnyStream>,
    service: &dyn Service,
    from: SocketAddr,
) -> io::Result<()> {
    let mut values = ValueReader::default();
    let request = timeout(PATIENCE, values.value(incoming, MAP_LIMIT)).await.map_err(|_| ErrorKind::TimedOut)??;
    let request = request.ok_or(ErrorKind::UnexpectedEof)?;
    let request: SnapshotRequest = msgpack::from_slice(&request).map_err(invalid)?;
    let archive = Box::new(Cursor::new(values.rest()).chain(incoming.clone()));
    let answered = match request.op {
        SnapshotOp::Other(op) => Err(Error::new(format!("unrecognized snapshot op {}", quoted_rune(op)))),
        SnapshotOp::Restore if request.allow_stale => Err(Error::new("stale not allowed for restore")),
        _ => service.snapshot(request, archive, from).await,
    };
    let (response, archive) = match answered {
        Ok(reply) => (SnapshotResponse { error: String::new(), meta: reply.meta }, reply.archive),
        Err(error) => (SnapshotResponse { error: error.text, ..SnapshotResponse::default() }, None),
    };
    writer.write_all(&msgpack::to_vec(&response).map_err(invalid)?).await?;
    if let Some(archive) = archive {
        copy_buf(&mut tokio::io::BufReader::with_capacity(CHUNK, archive), writer).await?;
    }
    writer.flush().await
}

fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

/// A number as the reference prints it with `%q`: a quoted character.
fn quoted_rune(number: u64) -> String {
    let named = [
        (7, "\\a"),
        (8, "\\b"),
        (9, "\\t"),
        (10, "\\n"),
        (11, "\\v"),
        (12, "\\f"),
        (13, "\\r"),
        (39, "\\'"),
        (92, "\\\\"),
    ];
    if let Some((_, text)) = named.iter().find(|(code, _)| *code == number) {
        return format!("'{text}'");
    }
    match u32::try_from(number).ok().and_then(char::from_u32) {
        Some(letter) if letter.is_control() && number < 0x80 => format!("'\\x{number:02x}'"),
        Some(letter) => format!("'{letter}'"),
        None => "'\u{fffd}'".into(),
    }
}

/// Makes an exchange over a connection whose type byte is still to be written.
pub(super) async fn call(
    stream: AnyStream,
    request: &SnapshotRequest,
    archive: Option<Archive>,
) -> Result<(SnapshotResponse, Archive), CallError> {
    let broken = |error: io::Error| CallError::Broken(super::error::io_text(&error));
    let mut head = vec![super::port::SNAPSHOT];
    msgpack::to_end_of(&mut head, request).map_err(|error| CallError::Undecodable(error.to_string()))?;
    let (mut reader, mut writer) = split(stream);
    let send = async {
        writer.write_all(&head).await?;
        if let Some(archive) = archive {
            copy_buf(&mut tokio::io::BufReader::with_capacity(CHUNK, archive), &mut writer).await?;
        }
        writer.shutdown().await
    };
    let mut values = ValueReader::default();
    let response = {
        let receive = values.value(&mut reader, MAP_LIMIT);
        tokio::pin!(send, receive);
        // a refusal may come, and reset what is being sent, before all is sent
        tokio::select! {
            response = &mut receive => response,
            sent = &mut send => match (sent, receive.await) {
                (_, Ok(response)) => Ok(response),
                (Err(error), Err(_)) | (Ok(()), Err(error)) => Err(error),
            },
        }
    };
    let response = response.map_err(broken)?.ok_or_else(|| CallError::Broken("EOF".into()))?;
    let response: SnapshotResponse =
        msgpack::from_slice(&response).map_err(|error| CallError::Undecodable(error.to_string()))?;
    if !response.error.is_empty() {
        return Err(CallError::Remote(response.error));
    }
    Ok((response, Box::new(Cursor::new(values.rest()).chain(Whole { reader, _writer: writer }))))
}

/// The reading half of a connection whose other half must live as long.
struct Whole {
    reader: ReadHalf<AnyStream>,
    _writer: WriteHalf<AnyStream>,
}

impl AsyncRead for Whole {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.reader).poll_read(cx, into)
    }
}
