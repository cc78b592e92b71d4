//! Commands of the replicated log: one type byte and the msgpack of the request (`spec/snapshot.md` 3.2).

use crate::types::msgpack;
use crate::types::requests::AutopilotSetRequest;
use crate::types::txn::{TxnRequest, TxnResponse};
use crate::types::{
    DeregisterRequest, Index, KvRequest, NodeCoordinate, RegisterRequest, SessionRequest, SystemMetadataRequest,
};
use bytes::Bytes;

/// A change of the state, as it stands in the log.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Node, service and checks.
    Register(Box<RegisterRequest>),
    /// Removal of a service, a check or a node.
    Deregister(DeregisterRequest),
    /// One key or prefix.
    Kvs(KvRequest),
    /// Session create or destroy.
    Session(SessionRequest),
    /// Removal of tombstones with an index up to this one.
    TombstoneReap(Index),
    /// Coordinates of nodes; those of unknown nodes are ignored.
    CoordinateBatch(Vec<NodeCoordinate>),
    /// All operations or none.
    Txn(TxnRequest),
    /// Autopilot settings.
    Autopilot(AutopilotSetRequest),
    /// A fact the servers agree on.
    SystemMetadata(SystemMetadataRequest),
    /// An entry of a type that may be ignored when unknown; the byte is that type.
    Ignored(u8),
}

/// What applying a command answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Nothing to say.
    Done,
    /// Whether a compare, lock or delete succeeded.
    Bool(bool),
    /// Id of the created session.
    Session(String),
    /// Answer of a transaction.
    Txn(TxnResponse),
    /// The command was refused; nothing of it was stored.
    Error(String),
}

/// Why a log entry is no command.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// No type byte.
    #[error("empty log entry")]
    Empty,
    /// A type byte that this version does not know.
    #[error("unknown log entry type {0}")]
    UnknownType(u8),
    /// The request does not decode.
    #[error("log entry of type {kind}: {source}")]
    Body {
        /// Type byte.
        kind: u8,
        /// What is wrong.
        source: msgpack::Error,
    },
}

impl Command {
    /// Type byte and msgpack of the request.
    pub fn encode(&self) -> Bytes {
        todo!()
    }

    /// Reads what [`Command::encode`] or a compatible leader wrote.
    pub fn decode(entry: &[u8]) -> Result<Command, DecodeError> {
        let _ = entry;
        todo!()
    }
}
