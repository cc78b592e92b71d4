//! Saving and restoring the whole state as an archive (`spec/http-api.md` 3.13).

use super::{Archive, Server};
use crate::acl::{Access, Resource};
use crate::types::{QueryOptions, Result};
use std::path::Path;

impl Server {
    /// A snapshot of the state as an archive, with the metadata of the answer.
    ///
    /// # Errors
    /// `Permission denied`, `No cluster leader` unless `stale`, or what went wrong on disk.
    pub async fn snapshot_save(&self, token: &str, stale: bool) -> Result<Archive> {
        self.resolve(token)?.check(Resource::Acl, Access::Write, "")?;
        self.admit(&QueryOptions { allow_stale: stale, ..QueryOptions::default() }).await?;
        let saved = self.raft().save_snapshot().await?;
        Ok(Archive { meta: self.meta(saved.index, false, token), size: saved.size, reader: saved.file })
    }

    /// Replaces the state of the whole cluster by the archive in a file.
    ///
    /// # Errors
    /// `Permission denied`, `No cluster leader`, or what is wrong with the archive; the state is then unchanged.
    pub async fn snapshot_restore(&self, token: &str, archive: &Path) -> Result<()> {
        self.resolve(token)?.check(Resource::Acl, Access::Write, "")?;
        self.admit_write().await?;
        self.raft().restore_snapshot(archive).await?;
        self.restart_duties();
        Ok(())
    }
}
