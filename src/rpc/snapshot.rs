//! The snapshot exchange: one request, one answer, and an archive in one direction (`spec/rpc.md` 11).

use super::service::Archive;
use crate::types::QueryMeta;
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SnapshotRequest {
    /// Target datacenter; the empty text is not the own one here.
    pub datacenter: String,
    /// Secret of the caller.
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
