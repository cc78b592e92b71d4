//! Transactions (`spec/semantics.md` 8).

use super::{DirEntry, HealthCheck, Index, KvOp, Node, NodeService, QueryMeta, QueryOptions};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Verb of a node, service or check operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CatalogVerb {
    /// Read.
    #[default]
    Get,
    /// Write.
    Set,
    /// Write if `modify_index` matches.
    Cas,
    /// Remove.
    Delete,
    /// Remove if `modify_index` matches.
    DeleteCas,
}

/// One operation; exactly one field is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TxnOp {
    /// Key operation.
    #[serde(rename = "KV")]
    pub kv: Option<TxnKvOp>,
    /// Node operation.
    pub node: Option<TxnNodeOp>,
    /// Service operation.
    pub service: Option<TxnServiceOp>,
    /// Check operation.
    pub check: Option<TxnCheckOp>,
    /// Session operation: reached by server RPC only, verb `delete`.
    pub session: Option<TxnSessionOp>,
}

/// Operation on a key.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TxnKvOp {
    /// Verb.
    pub verb: KvOp,
    /// Key, value, flags, session; `modify_index` is the index to compare with.
    pub dir_ent: DirEntry,
}

/// Operation on a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TxnNodeOp {
    /// Verb.
    pub verb: CatalogVerb,
    /// The node.
    pub node: Node,
}

/// Operation on a service instance.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TxnServiceOp {
    /// Verb.
    pub verb: CatalogVerb,
    /// Node name.
    pub node: String,
    /// The instance.
    pub service: NodeService,
}

/// Operation on a check.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TxnCheckOp {
    /// Verb.
    pub verb: CatalogVerb,
    /// The check.
    pub check: HealthCheck,
}

/// Operation on a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TxnSessionOp {
    /// Verb.
    pub verb: CatalogVerb,
    /// The session; only its id is used.
    pub session: super::Session,
}

/// All operations or none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TxnRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// The operations, in order.
    pub ops: Vec<TxnOp>,
    /// Secret of the caller.
    pub token: String,
}

/// Operations that only read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TxnReadRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// The operations, in order.
    pub ops: Vec<TxnOp>,
    /// Options.
    #[serde(flatten)]
    pub query: QueryOptions,
}

/// One result; exactly one field is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TxnResult {
    /// A key.
    #[serde(rename = "KV", skip_serializing_if = "Option::is_none")]
    pub kv: Option<Arc<DirEntry>>,
    /// A node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<Arc<Node>>,
    /// A service instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<Arc<NodeService>>,
    /// A check.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Arc<HealthCheck>>,
}

/// Why an operation failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TxnError {
    /// Zero-based position of the operation.
    pub op_index: usize,
    /// The reason.
    pub what: String,
}

/// Answer of a transaction: results, or errors and nothing applied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TxnResponse {
    /// Results; null after a failure.
    pub results: Option<Vec<TxnResult>>,
    /// Errors; null after success.
    pub errors: Option<Vec<TxnError>>,
}

/// Answer of a read-only transaction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TxnReadResponse {
    /// Results; null after a failure.
    pub results: Option<Vec<TxnResult>>,
    /// Errors; null after success.
    pub errors: Option<Vec<TxnError>>,
    /// About the answer.
    #[serde(flatten)]
    pub meta: QueryMeta,
}

/// Index that a failed or read-only transaction reports.
pub const NO_INDEX: Index = 0;
