//! Transactions (`spec/semantics.md` 8).

use super::{DirEntry, HealthCheck, Index, KvOp, Node, NodeService, QueryMeta, QueryOptions};
use crate::types::secret::hidden;
use serde::de::value::{Error as ValueError, StrDeserializer};
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
#[serde(rename_all = "PascalCase", default, from = "TextOp")]
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
    /// The refusal of an operation whose verb is none; nothing else is set then.
    #[serde(skip)]
    pub unknown: Option<String>,
}

/// Declares the operations as they come over the wire: an unknown verb must not make the whole request unreadable.
macro_rules! text_ops {
    ($($text:ident => $op:ident { $($field:ident: $ty:ty),* })*) => {$(
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "PascalCase", default)]
        struct $text {
            verb: String,
            $($field: $ty,)*
        }

        impl $text {
            /// The operation, or its verb when that is none.
            fn read(self) -> Result<$op, String> {
                let verb = Deserialize::deserialize(StrDeserializer::<ValueError>::new(&self.verb));
                match verb {
                    Ok(verb) => Ok($op { verb, $($field: self.$field),* }),
                    Err(_) => Err(self.verb),
                }
            }
        }
    )*};
}

text_ops! {
    TextKvOp => TxnKvOp { dir_ent: DirEntry }
    TextNodeOp => TxnNodeOp { node: Node }
    TextServiceOp => TxnServiceOp { node: String, service: NodeService }
    TextCheckOp => TxnCheckOp { check: HealthCheck }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct TextOp {
    #[serde(rename = "KV")]
    kv: Option<TextKvOp>,
    node: Option<TextNodeOp>,
    service: Option<TextServiceOp>,
    check: Option<TextCheckOp>,
    session: Option<TxnSessionOp>,
}

impl From<TextOp> for TxnOp {
    fn from(text: TextOp) -> TxnOp {
        let mut op = TxnOp { session: text.session, ..TxnOp::default() };
        op.kv = text.kv.and_then(|kv| op.known("KV", kv.read()));
        op.node = text.node.and_then(|node| op.known("node", node.read()));
        op.service = text.service.and_then(|service| op.known("service", service.read()));
        op.check = text.check.and_then(|check| op.known("check", check.read()));
        op
    }
}

impl TxnOp {
    /// The operation; an unknown verb becomes the refusal of it.
    fn known<T>(&mut self, kind: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|verb| self.unknown = Some(format!("unknown {kind} operation: {verb}"))).ok()
    }
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
#[derive(Clone, derive_more::Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TxnRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// The operations, in order.
    pub ops: Vec<TxnOp>,
    /// Secret of the caller.
    #[debug("{}", hidden(token))]
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::msgpack;

    #[test]
    fn an_unknown_verb_spoils_its_operation_only() {
        let text = r#"[{"KV":{"Verb":"foo","DirEnt":{"Key":"k"}}},{"KV":{"Verb":"get","DirEnt":{"Key":"k"}}},
            {"Node":{"Verb":"bar","Node":{"Node":"n"}}}]"#;
        let value: serde_json::Value = serde_json::from_str(text).expect("JSON");
        let wire = msgpack::to_vec(&value).expect("encodes");
        let ops: Vec<TxnOp> = msgpack::from_slice(&wire).expect("decodes");
        let refusals: Vec<_> = ops.iter().map(|op| op.unknown.as_deref()).collect();
        assert_eq!(refusals, [Some("unknown KV operation: foo"), None, Some("unknown node operation: bar")]);
        assert_eq!(ops[1].kv.as_ref().map(|kv| (kv.verb, kv.dir_ent.key.as_str())), Some((KvOp::Get, "k")));
        let again: Vec<TxnOp> = msgpack::from_slice(&msgpack::to_vec(&ops[1..2]).expect("encodes")).expect("decodes");
        assert_eq!(again, ops[1..2]);
    }
}
