//! `/v1/snapshot` (`spec/http-api.md` 3.13). Archives are streamed: neither direction holds one in memory.

use super::answer::Answer;
use super::call::{Call, Upload};
use super::routes::{READ, routes};
use crate::rpc::{Archive, SnapshotOp, SnapshotRequest};
use crate::types::{Error, Result};
use futures::{StreamExt, stream};
use hyper::header::HeaderValue;
use tokio_util::io::{ReaderStream, StreamReader};

routes! {
    "/v1/snapshot" "GET,PUT" snapshot, READ;
}

/// Content type of an archive.
pub const ARCHIVE: HeaderValue = HeaderValue::from_static("application/x-gzip");

/// Bytes read from the archive at once.
const CHUNK: usize = 64 << 10;

fn request(call: &Call<'_>, op: SnapshotOp) -> SnapshotRequest {
    let datacenter = match call.datacenter() {
        own if own.is_empty() => call.settings.datacenter.clone(),
        other => other,
    };
    SnapshotRequest { datacenter, token: call.token(), allow_stale: call.options.allow_stale, op }
}

async fn snapshot(call: &mut Call<'_>) -> Result<Answer> {
    if call.method() == "GET" { save(call).await } else { restore(call).await }
}

async fn save(call: &mut Call<'_>) -> Result<Answer> {
    let nothing: Archive = Box::new(tokio::io::empty());
    let reply = call.agent.snapshot(request(call, SnapshotOp::Save), nothing).await?;
    call.set_meta(&reply.meta);
    let archive = reply.archive.ok_or_else(|| Error::new("the server sent no archive"))?;
    let chunks = ReaderStream::with_capacity(archive, CHUNK);
    // A read error ends the stream early, and the archive's checksums tell the reader.
    let pieces = chunks.take_while(|chunk| std::future::ready(chunk.is_ok())).filter_map(|chunk| async { chunk.ok() });
    Ok(Answer::stream(ARCHIVE, Box::pin(pieces)))
}

async fn restore(call: &mut Call<'_>) -> Result<Answer> {
    if call.options.allow_stale {
        return Err(Error::new("stale not allowed for restore"));
    }
    let archive: Archive = match call.body.take() {
        Some(body) => Box::new(StreamReader::new(Box::pin(pieces(body)))),
        None => Box::new(tokio::io::empty()),
    };
    call.agent.snapshot(request(call, SnapshotOp::Restore), archive).await?;
    let mut answer = Answer::done();
    answer.content_type = Some(HeaderValue::from_static("application/octet-stream"));
    Ok(answer)
}

/// The body as it arrives.
fn pieces(body: Upload) -> impl futures::Stream<Item = std::io::Result<bytes::Bytes>> + Send {
    stream::unfold(body, |mut body| async move {
        let piece = body.next().await.map_err(|error| std::io::Error::other(error.text)).transpose()?;
        Some((piece, body))
    })
}
