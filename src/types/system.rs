//! Requests of the servers themselves: system metadata and the reaping of tombstones.

use super::Index;
use crate::types::secret::hidden;
use serde::{Deserialize, Serialize};

/// A row of the `system-metadata` table: facts the servers agree on (`spec/snapshot.md` 3.3).
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SystemMetadataEntry {
    /// Key.
    pub key: String,
    /// Value.
    #[debug("{}", hidden(value))]
    pub value: String,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

/// Upsert or delete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SystemMetadataOp {
    /// Insert or replace.
    #[default]
    Upsert,
    /// Remove.
    Delete,
}

/// Changes one row of the system metadata.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SystemMetadataRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// Operation.
    pub op: SystemMetadataOp,
    /// The row; only its key for a delete.
    pub entry: SystemMetadataEntry,
    /// Secret of the caller.
    #[debug("{}", hidden(token))]
    pub token: String,
}

/// Removes tombstones up to an index; `op` is always `reap`.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TombstoneRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// Operation.
    pub op: String,
    /// Highest index to remove.
    pub reap_index: Index,
    /// Secret of the caller.
    #[debug("{}", hidden(token))]
    pub token: String,
}
