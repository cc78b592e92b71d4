//! Commands of the replicated log: one type byte and the msgpack of the request (`spec/snapshot.md` 3.2).

use crate::types::acl::*;
use crate::types::ca::{CaLeafRequest, CaRequest};
use crate::types::msgpack;
use crate::types::requests::AutopilotSetRequest;
use crate::types::txn::{TxnRequest, TxnResponse};
use crate::types::{
    DeregisterRequest, Index, KvRequest, NodeCoordinate, PreparedQueryRequest, RegisterRequest, SessionRequest,
    SystemMetadataRequest, TombstoneRequest,
};
use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

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
    /// A prepared query.
    PreparedQuery(Box<PreparedQueryRequest>),
    /// All operations or none.
    Txn(TxnRequest),
    /// Autopilot settings.
    Autopilot(AutopilotSetRequest),
    /// A fact the servers agree on.
    SystemMetadata(SystemMetadataRequest),
    /// The first token.
    AclBootstrap(Box<AclBootstrapEntry>),
    /// Tokens.
    AclTokenSet(AclTokenBatchSet),
    /// Removal of tokens.
    AclTokenDelete(AclTokenBatchDelete),
    /// Policies.
    AclPolicySet(AclPolicyBatchSet),
    /// Removal of policies.
    AclPolicyDelete(AclPolicyBatchDelete),
    /// Roles.
    AclRoleSet(AclRoleBatchSet),
    /// Removal of roles.
    AclRoleDelete(AclRoleBatchDelete),
    /// Binding rules.
    AclBindingRuleSet(AclBindingRuleBatchSet),
    /// Removal of binding rules.
    AclBindingRuleDelete(AclBindingRuleBatchDelete),
    /// Auth methods.
    AclAuthMethodSet(AclAuthMethodBatchSet),
    /// Removal of auth methods with their binding rules and tokens.
    AclAuthMethodDelete(AclAuthMethodBatchDelete),
    /// Configuration, roots and keys of the certificate authority.
    Ca(Box<CaRequest>),
    /// A leaf is being signed.
    CaLeaf(CaLeafRequest),
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
    /// The number that was taken.
    Number(u64),
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

/// Set in a type byte when a server that does not know the type may pass over the entry (log only).
const MAY_IGNORE: u8 = 0x80;

/// Type bytes of commands and snapshot records (`spec/snapshot.md` 3.2).
pub mod kind {
    /// Register.
    pub const REGISTER: u8 = 0;
    /// Deregister.
    pub const DEREGISTER: u8 = 1;
    /// Key/value change, or a key in a snapshot.
    pub const KVS: u8 = 2;
    /// Session change, or a session in a snapshot.
    pub const SESSION: u8 = 3;
    /// Reaping of tombstones, or a tombstone in a snapshot.
    pub const TOMBSTONE: u8 = 5;
    /// Coordinates.
    pub const COORDINATES: u8 = 6;
    /// Prepared query.
    pub const PREPARED_QUERY: u8 = 7;
    /// Transaction.
    pub const TXN: u8 = 8;
    /// Autopilot settings.
    pub const AUTOPILOT: u8 = 9;
    /// The first token.
    pub const ACL_BOOTSTRAP: u8 = 11;
    /// Tokens, or a token in a snapshot.
    pub const ACL_TOKEN: u8 = 17;
    /// Removal of tokens.
    pub const ACL_TOKEN_DELETE: u8 = 18;
    /// Policies, or a policy in a snapshot.
    pub const ACL_POLICY: u8 = 19;
    /// Removal of policies.
    pub const ACL_POLICY_DELETE: u8 = 20;
    /// Roles, or a role in a snapshot.
    pub const ACL_ROLE: u8 = 23;
    /// Removal of roles.
    pub const ACL_ROLE_DELETE: u8 = 24;
    /// Binding rules, or one in a snapshot.
    pub const ACL_BINDING_RULE: u8 = 25;
    /// Removal of binding rules.
    pub const ACL_BINDING_RULE_DELETE: u8 = 26;
    /// Auth methods, or one in a snapshot.
    pub const ACL_AUTH_METHOD: u8 = 27;
    /// Removal of auth methods with their binding rules and tokens.
    pub const ACL_AUTH_METHOD_DELETE: u8 = 28;
    /// Changes of the certificate authority, or a root in a snapshot.
    pub const CA: u8 = 13;
    /// What its built-in provider keeps, in snapshots only.
    pub const CA_PROVIDER_STATE: u8 = 14;
    /// Its configuration, in snapshots only.
    pub const CA_CONFIG: u8 = 15;
    /// A leaf is being signed.
    pub const CA_LEAF: u8 = 21;
    /// A table index, in snapshots only.
    pub const INDEX: u8 = 16;
    /// Half-arrived chunks of large entries, in snapshots only.
    pub const CHUNKING: u8 = 29;
    /// System metadata.
    pub const SYSTEM_METADATA: u8 = 31;
}

impl Command {
    /// Type byte and msgpack of the request.
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::with_capacity(256);
        let written = match self {
            Command::Register(request) => write(&mut out, kind::REGISTER, request),
            Command::Deregister(request) => write(&mut out, kind::DEREGISTER, request),
            Command::Kvs(request) => write(&mut out, kind::KVS, request),
            Command::Session(request) => write(&mut out, kind::SESSION, request),
            Command::TombstoneReap(index) => {
                let request = TombstoneRequest { op: "reap".into(), reap_index: *index, ..Default::default() };
                write(&mut out, kind::TOMBSTONE, &request)
            }
            Command::CoordinateBatch(rows) => write(&mut out, kind::COORDINATES, rows),
            Command::PreparedQuery(request) => write(&mut out, kind::PREPARED_QUERY, request),
            Command::Txn(request) => write(&mut out, kind::TXN, request),
            Command::Autopilot(request) => write(&mut out, kind::AUTOPILOT, request),
            Command::SystemMetadata(request) => write(&mut out, kind::SYSTEM_METADATA, request),
            Command::AclBootstrap(request) => write(&mut out, kind::ACL_BOOTSTRAP, request),
            Command::AclTokenSet(request) => write(&mut out, kind::ACL_TOKEN, request),
            Command::AclTokenDelete(request) => write(&mut out, kind::ACL_TOKEN_DELETE, request),
            Command::AclPolicySet(request) => write(&mut out, kind::ACL_POLICY, request),
            Command::AclPolicyDelete(request) => write(&mut out, kind::ACL_POLICY_DELETE, request),
            Command::AclRoleSet(request) => write(&mut out, kind::ACL_ROLE, request),
            Command::AclRoleDelete(request) => write(&mut out, kind::ACL_ROLE_DELETE, request),
            Command::AclBindingRuleSet(request) => write(&mut out, kind::ACL_BINDING_RULE, request),
            Command::AclBindingRuleDelete(request) => write(&mut out, kind::ACL_BINDING_RULE_DELETE, request),
            Command::AclAuthMethodSet(request) => write(&mut out, kind::ACL_AUTH_METHOD, request),
            Command::AclAuthMethodDelete(request) => write(&mut out, kind::ACL_AUTH_METHOD_DELETE, request),
            Command::Ca(request) => write(&mut out, kind::CA, request),
            Command::CaLeaf(request) => write(&mut out, kind::CA_LEAF, request),
            Command::Ignored(kind) => write(&mut out, kind | MAY_IGNORE, &()),
        };
        written.expect("requests hold nothing that msgpack cannot carry");
        out.into()
    }

    /// Reads what [`Command::encode`] or a compatible leader wrote.
    pub fn decode(entry: &[u8]) -> Result<Command, DecodeError> {
        let (&marked, body) = entry.split_first().ok_or(DecodeError::Empty)?;
        Ok(match marked & !MAY_IGNORE {
            kind @ kind::REGISTER => Command::Register(read(kind, body)?),
            kind @ kind::DEREGISTER => Command::Deregister(read(kind, body)?),
            kind @ kind::KVS => Command::Kvs(read(kind, body)?),
            kind @ kind::SESSION => Command::Session(read(kind, body)?),
            kind @ kind::TOMBSTONE => Command::TombstoneReap(read::<TombstoneRequest>(kind, body)?.reap_index),
            kind @ kind::COORDINATES => Command::CoordinateBatch(read(kind, body)?),
            kind @ kind::PREPARED_QUERY => Command::PreparedQuery(read(kind, body)?),
            kind @ kind::TXN => Command::Txn(read(kind, body)?),
            kind @ kind::AUTOPILOT => Command::Autopilot(read(kind, body)?),
            kind @ kind::SYSTEM_METADATA => Command::SystemMetadata(read(kind, body)?),
            kind @ kind::ACL_BOOTSTRAP => Command::AclBootstrap(read(kind, body)?),
            kind @ kind::ACL_TOKEN => Command::AclTokenSet(read(kind, body)?),
            kind @ kind::ACL_TOKEN_DELETE => Command::AclTokenDelete(read(kind, body)?),
            kind @ kind::ACL_POLICY => Command::AclPolicySet(read(kind, body)?),
            kind @ kind::ACL_POLICY_DELETE => Command::AclPolicyDelete(read(kind, body)?),
            kind @ kind::ACL_ROLE => Command::AclRoleSet(read(kind, body)?),
            kind @ kind::ACL_ROLE_DELETE => Command::AclRoleDelete(read(kind, body)?),
            kind @ kind::ACL_BINDING_RULE => Command::AclBindingRuleSet(read(kind, body)?),
            kind @ kind::ACL_BINDING_RULE_DELETE => Command::AclBindingRuleDelete(read(kind, body)?),
            kind @ kind::ACL_AUTH_METHOD => Command::AclAuthMethodSet(read(kind, body)?),
            kind @ kind::ACL_AUTH_METHOD_DELETE => Command::AclAuthMethodDelete(read(kind, body)?),
            kind @ kind::CA => Command::Ca(read(kind, body)?),
            kind @ kind::CA_LEAF => Command::CaLeaf(read(kind, body)?),
            kind if marked & MAY_IGNORE != 0 => Command::Ignored(kind),
            kind => return Err(DecodeError::UnknownType(kind)),
        })
    }
}

fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, kind: u8, request: &T) -> Result<(), msgpack::Error> {
    out.push(kind);
    msgpack::to_end_of(out, request)
}

fn read<T: DeserializeOwned>(kind: u8, body: &[u8]) -> Result<T, DecodeError> {
    msgpack::from_slice(body).map_err(|source| DecodeError::Body { kind, source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ca::CaOp;
    use crate::types::txn::{TxnKvOp, TxnOp};
    use crate::types::{DirEntry, KvOp, Node, PreparedQuery};

    #[test]
    fn every_command_comes_back_from_its_log_entry() {
        let entry = DirEntry { key: "a/b".into(), value: "v".into(), flags: 42, ..Default::default() };
        let set = TxnOp { kv: Some(TxnKvOp { verb: KvOp::Cas, dir_ent: entry.clone() }), ..Default::default() };
        let node = Node { node: "n".into(), meta: Some([("k".into(), "v".into())].into()), ..Default::default() };
        let commands = [
            Command::Register(Box::new(RegisterRequest {
                node: node.node.clone(),
                node_meta: node.meta,
                ..Default::default()
            })),
            Command::Deregister(DeregisterRequest { node: "n".into(), ..Default::default() }),
            Command::Kvs(KvRequest { op: KvOp::Lock, dir_ent: entry, ..Default::default() }),
            Command::Session(SessionRequest::default()),
            Command::TombstoneReap(7),
            Command::CoordinateBatch(vec![NodeCoordinate::default()]),
            Command::PreparedQuery(Box::new(PreparedQueryRequest {
                query: Some(PreparedQuery { name: "q".into(), ..Default::default() }),
                ..Default::default()
            })),
            Command::Txn(TxnRequest { ops: vec![set], ..Default::default() }),
            Command::Autopilot(AutopilotSetRequest::default()),
            Command::SystemMetadata(SystemMetadataRequest::default()),
            Command::AclBootstrap(Default::default()),
            Command::AclTokenSet(Default::default()),
            Command::AclTokenDelete(Default::default()),
            Command::AclPolicySet(Default::default()),
            Command::AclPolicyDelete(Default::default()),
            Command::AclRoleSet(Default::default()),
            Command::AclRoleDelete(Default::default()),
            Command::AclBindingRuleSet(Default::default()),
            Command::AclBindingRuleDelete(Default::default()),
            Command::AclAuthMethodSet(Default::default()),
            Command::AclAuthMethodDelete(Default::default()),
            Command::Ca(Box::new(CaRequest { op: CaOp::SetRoots, roots: Some(Vec::new()), ..Default::default() })),
            Command::CaLeaf(Default::default()),
            Command::Ignored(41),
        ];
        for command in commands {
            assert_eq!(Command::decode(&command.encode()).expect("decodes"), command);
        }
    }

    #[test]
    fn an_unknown_type_is_an_error_unless_it_may_be_ignored() {
        assert!(matches!(Command::decode(&[99, 0xc0]), Err(DecodeError::UnknownType(99))));
        assert_eq!(Command::decode(&[0x80 | 99, 0xc0]).expect("may be ignored"), Command::Ignored(99));
        assert!(matches!(Command::decode(&[]), Err(DecodeError::Empty)));
        assert!(matches!(Command::decode(&[2, 0x91]), Err(DecodeError::Body { kind: 2, .. })));
    }
}
