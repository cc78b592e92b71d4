//! Types that configure the consensus library. They stay inside this room.

use crate::state::{Command, Outcome};
use bytes::Bytes;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use uuid::Uuid;

/// What a log entry of ours carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProposalKind {
    /// An encoded [`Command`].
    Command,
    /// A whole snapshot archive that replaces the state.
    Restore,
}

/// The payload of a log entry. Encoded once, when it is proposed or received; clones share the bytes.
#[derive(Clone)]
pub(crate) struct Proposal {
    pub kind: ProposalKind,
    pub bytes: Bytes,
    /// The command as it was proposed, so that the leader does not decode what it encoded. Taken by the first apply.
    command: Option<Arc<Mutex<Option<Command>>>>,
}

impl Proposal {
    /// A command of this server.
    pub fn command(command: Command) -> Proposal {
        let bytes = command.encode();
        Proposal { kind: ProposalKind::Command, bytes, command: Some(Arc::new(Mutex::new(Some(command)))) }
    }

    /// What came from disk or from another server.
    pub fn encoded(kind: ProposalKind, bytes: Bytes) -> Proposal {
        Proposal { kind, bytes, command: None }
    }

    /// The command in it.
    pub fn take_command(&self) -> Result<Command, crate::state::DecodeError> {
        match self.command.as_ref().and_then(|command| command.lock().take()) {
            Some(command) => Ok(command),
            None => Command::decode(&self.bytes),
        }
    }
}

impl fmt::Debug for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of {} bytes", self.kind, self.bytes.len())
    }
}

impl fmt::Display for Proposal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What the configuration knows of a server besides its id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServerNode {
    /// `ip:port`, the last one known to the log.
    pub address: String,
}

openraft::declare_raft_types!(
    /// Servers are UUIDs, a term has at most one leader.
    pub(crate) TypeConfig:
        D = Proposal,
        R = Outcome,
        NodeId = Uuid,
        Node = ServerNode,
        Term = u64,
        LeaderId = openraft::impls::leader_id_std::LeaderId<u64, Uuid>,
);

pub(crate) type Entry = openraft::alias::EntryOf<TypeConfig>;
pub(crate) type LogId = openraft::alias::LogIdOf<TypeConfig>;
pub(crate) type Vote = openraft::alias::VoteOf<TypeConfig>;
pub(crate) type Membership = openraft::Membership<Uuid, ServerNode>;
pub(crate) type StoredMembership = openraft::alias::StoredMembershipOf<TypeConfig>;
pub(crate) type SnapshotMeta = openraft::alias::SnapshotMetaOf<TypeConfig>;
pub(crate) type CommittedLeader = openraft::alias::CommittedLeaderIdOf<TypeConfig>;
pub(crate) type Payload = openraft::EntryPayload<Proposal, Uuid, ServerNode>;

/// A log id from its parts.
pub(crate) fn log_id(term: u64, index: u64) -> LogId {
    LogId::new(CommittedLeader::new(term), index)
}

/// The term of a log id.
pub(crate) fn term_of(id: &LogId) -> u64 {
    id.leader_id.term
}
