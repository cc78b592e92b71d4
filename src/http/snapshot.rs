//! `/v1/snapshot` (`spec/http-api.md` 3.13). Archives are streamed: neither direction holds one in memory.

use super::answer::Answer;
use super::call::{Call, next_piece};
use super::routes::{READ, routes};
use crate::server::Server;
use crate::types::{Error, Result};
use futures::StreamExt;
use hyper::header::HeaderValue;
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt;
use tokio_util::io::ReaderStream;

routes! {
    "/v1/snapshot" "GET,PUT" snapshot, READ;
}

/// Content type of an archive.
pub const ARCHIVE: HeaderValue = HeaderValue::from_static("application/x-gzip");

/// Bytes read from the archive at once.
const CHUNK: usize = 64 << 10;

async fn snapshot(call: &mut Call<'_>) -> Result<Answer> {
    let server = call.agent.server().ok_or_else(|| Error::new("No known Consul servers"))?.clone();
    if call.method() == "GET" { save(call, &server).await } else { restore(call, &server).await }
}

async fn save(call: &mut Call<'_>, server: &Server) -> Result<Answer> {
    let archive = server.snapshot_save(&call.token(), call.options.allow_stale).await?;
    call.set_meta(&archive.meta);
    let chunks = ReaderStream::with_capacity(tokio::fs::File::from_std(archive.reader), CHUNK);
    // A read error ends the stream early, and the archive's checksums tell the reader.
    let pieces = chunks.take_while(|chunk| std::future::ready(chunk.is_ok())).filter_map(|chunk| async { chunk.ok() });
    Ok(Answer::stream(ARCHIVE, Box::pin(pieces)))
}

async fn restore(call: &mut Call<'_>, server: &Server) -> Result<Answer> {
    if call.options.allow_stale {
        return Err(Error::new("stale not allowed for restore"));
    }
    let spool = Spool::new(call.config().data_dir.as_deref());
    spool.fill(call).await?;
    server.snapshot_restore(&call.token(), &spool.0).await?;
    let mut answer = Answer::done();
    answer.content_type = Some(HeaderValue::from_static("application/octet-stream"));
    Ok(answer)
}

/// A temporary file, removed when dropped.
struct Spool(PathBuf);

impl Spool {
    fn new(data_dir: Option<&Path>) -> Spool {
        let dir = data_dir.map_or_else(std::env::temp_dir, Path::to_owned);
        Spool(dir.join(format!("restore-{}.tmp", uuid::Uuid::new_v4())))
    }

    async fn fill(&self, call: &mut Call<'_>) -> Result<()> {
        let failed = |error: std::io::Error| Error::new(format!("failed to store snapshot: {error}"));
        let mut file = tokio::fs::OpenOptions::new();
        let mut file = file.write(true).create_new(true).mode(0o600).open(&self.0).await.map_err(failed)?;
        let Some(mut body) = call.body.take() else { return Ok(()) };
        while let Some(data) = next_piece(&mut body).await? {
            file.write_all(&data).await.map_err(failed)?;
        }
        file.flush().await.map_err(failed)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // Nothing is lost when it stays behind.
        let _ = std::fs::remove_file(&self.0);
    }
}
