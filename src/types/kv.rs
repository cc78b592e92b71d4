//! Key/value entries and the request that changes them.

use super::Index;
use super::value::Blob;
use crate::types::secret::hidden;
use serde::{Deserialize, Serialize};

/// A row of the `kvs` table (`spec/semantics.md` 6.1).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DirEntry {
    /// Successful acquisitions so far.
    pub lock_index: u64,
    /// Key; any text, compared by bytes.
    pub key: String,
    /// Opaque number of the client.
    pub flags: u64,
    /// Value.
    pub value: Blob,
    /// Holder of the lock, or empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub session: String,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last change.
    pub modify_index: Index,
}

/// What to do with a key; wire names as in `spec/semantics.md` 8.4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KvOp {
    /// Write.
    #[default]
    Set,
    /// Write if the index matches.
    Cas,
    /// Acquire with a session.
    Lock,
    /// Release by the holder.
    Unlock,
    /// Remove.
    Delete,
    /// Remove if the index matches.
    DeleteCas,
    /// Remove a prefix.
    DeleteTree,
    /// Transactions only: read.
    Get,
    /// Transactions only: read, absent is fine.
    GetOrEmpty,
    /// Transactions only: read a prefix.
    GetTree,
    /// Transactions only: compare the index.
    CheckIndex,
    /// Transactions only: compare the holder.
    CheckSession,
    /// Transactions only: must be absent.
    CheckNotExists,
}

/// Changes one key or prefix.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct KvRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// Operation.
    pub op: KvOp,
    /// Key, flags, value, session; `modify_index` is the index to compare with.
    pub dir_ent: DirEntry,
    /// Secret of the caller.
    #[debug("{}", hidden(token))]
    pub token: String,
}
