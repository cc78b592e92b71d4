//! Asking the pool (`spec/gossip.md` 4.5).

use crate::gossip::serf::QueryReply;
use crate::types::secret::hidden;
use std::collections::BTreeMap;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// The answers to one query while they arrive.
#[derive(Debug)]
pub struct QueryResponses {
    pub(super) replies: mpsc::Receiver<QueryReply>,
    pub(super) deadline: Instant,
    pub(super) members: usize,
}

impl QueryResponses {
    /// The next confirmation or answer; none after the deadline.
    pub async fn next(&mut self) -> Option<QueryReply> {
        tokio::time::timeout_at(self.deadline, self.replies.recv()).await.ok().flatten()
    }

    /// Members that were alive when the question was asked.
    pub fn members(&self) -> usize {
        self.members
    }

    /// When the query ends.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }
}

/// What a keyring operation came to in the whole pool (`spec/gossip.md` 4.5, 6.7).
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq)]
pub struct KeyReply {
    /// Messages by node; nodes without one are left out.
    pub messages: BTreeMap<String, String>,
    /// Members that were asked.
    pub num_nodes: usize,
    /// Members that answered.
    pub num_responses: usize,
    /// Members that refused.
    pub num_errors: usize,
    /// Number of members that hold a key, by the key in base64.
    #[debug("{}", hidden(keys))]
    pub keys: BTreeMap<String, usize>,
    /// Number of members whose primary key it is, by the key in base64.
    #[debug("{}", hidden(primary_keys))]
    pub primary_keys: BTreeMap<String, usize>,
    /// Why the operation failed as a whole: not all members answered, or some refused.
    pub error: Option<String>,
}
