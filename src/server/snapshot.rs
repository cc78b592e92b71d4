//! Saving and restoring the whole state as an archive (`spec/http-api.md` 3.13, `spec/rpc.md` 11). Archives are streamed,
//! from and to other servers too.

use super::Server;
use super::endpoint::Place;
use super::forward::{Attempts, Failure, Target};
use crate::acl::{Access, Resource};
use crate::rpc::{Archive, SnapshotOp, SnapshotReply, SnapshotRequest};
use crate::types::{Error, QueryMeta, QueryOptions, Result};
use std::path::{Path, PathBuf};
use tokio::io::AsyncWriteExt;

impl Server {
    /// Serves a snapshot request wherever it is to be answered. For a restore `archive` is the archive; a save does not read
    /// it and answers with one.
    ///
    /// # Errors
    /// `No path to datacenter`, `No cluster leader`, `Permission denied`, or what is wrong with the archive.
    pub async fn snapshot(&self, request: SnapshotRequest, archive: Archive) -> Result<SnapshotReply> {
        match request.op {
            SnapshotOp::Save => {}
            SnapshotOp::Restore if request.allow_stale => return Err(Error::new("stale not allowed for restore")),
            SnapshotOp::Restore => {}
            SnapshotOp::Other(op) => {
                let op = char::from_u32(op as u32).unwrap_or(char::REPLACEMENT_CHARACTER);
                return Err(Error::new(format!("unrecognized snapshot op '{}'", op.escape_default())));
            }
        }
        if request.datacenter.is_empty() {
            return Err(Error::new("No path to datacenter"));
        }
        let to = match self.snapshot_target(&request).await? {
            Target::Here => return self.snapshot_here(&request, archive).await,
            Target::Leader { address, .. } => address.into(),
            Target::Elsewhere(datacenter) => self.router().route(&datacenter)?.destination(),
        };
        let archive = (request.op == SnapshotOp::Restore).then_some(archive);
        let (answer, archive) = self.connections().snapshot(to, &request, archive).await?;
        Ok(SnapshotReply { meta: answer.meta, archive: (request.op == SnapshotOp::Save).then_some(archive) })
    }

    /// Who answers; waits for a leader as long as any request does.
    async fn snapshot_target(&self, request: &SnapshotRequest) -> Result<Target> {
        let options = QueryOptions { allow_stale: request.allow_stale, ..QueryOptions::default() };
        let query = (request.op == SnapshotOp::Save).then_some(&options);
        let mut attempts = Attempts::new(self, query);
        loop {
            let failure = match self.target(Place::Leader, &request.datacenter, query, &mut attempts) {
                Ok(Target::Here) => match self.admit_here(Place::Leader, query).await {
                    Ok(()) => return Ok(Target::Here),
                    Err(failure) => failure,
                },
                Ok(target) => return Ok(target),
                Err(failure) => failure,
            };
            if !attempts.again(&failure).await {
                return Err(Failure::into(failure));
            }
        }
    }

    async fn snapshot_here(&self, request: &SnapshotRequest, archive: Archive) -> Result<SnapshotReply> {
        self.resolve(&request.token).await?.check(Resource::Acl, Access::Write, "")?;
        if request.op == SnapshotOp::Save {
            let saved = self.raft().save_snapshot().await?;
            let archive: Archive = Box::new(tokio::fs::File::from_std(saved.file));
            return Ok(SnapshotReply { meta: self.meta(saved.index, false, &request.token), archive: Some(archive) });
        }
        let spool = Spool::fill(self.config().data_dir.as_deref(), archive).await?;
        self.raft().restore_snapshot(&spool.0).await?;
        self.restart_duties();
        Ok(SnapshotReply { meta: QueryMeta::default(), archive: None })
    }
}

/// A temporary file, removed when dropped.
struct Spool(PathBuf);

impl Spool {
    async fn fill(data_dir: Option<&Path>, mut archive: Archive) -> Result<Spool> {
        let failed = |error: std::io::Error| Error::new(format!("failed to store snapshot: {error}"));
        let dir = data_dir.map_or_else(std::env::temp_dir, Path::to_owned);
        let spool = Spool(dir.join(format!("restore-{}.tmp", uuid::Uuid::new_v4())));
        let mut file = tokio::fs::OpenOptions::new();
        let mut file = file.write(true).create_new(true).mode(0o600).open(&spool.0).await.map_err(failed)?;
        tokio::io::copy(&mut archive, &mut file).await.map_err(failed)?;
        file.flush().await.map_err(failed)?;
        Ok(spool)
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        // Nothing is lost when it stays behind.
        let _ = std::fs::remove_file(&self.0);
    }
}
