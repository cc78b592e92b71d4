//! What a pool tells its listeners (`spec/gossip.md` 4.3-4.5).

use super::member::Member;
use crate::types::error::{Error, Result};
use bytes::Bytes;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// One thing that happened in the pool.
#[derive(Clone, Debug)]
pub enum Event {
    /// Members are alive that were not before.
    Join(Vec<Arc<Member>>),
    /// Members left on purpose.
    Leave(Vec<Arc<Member>>),
    /// Members stopped answering.
    Failed(Vec<Arc<Member>>),
    /// Members changed address, versions or tags.
    Update(Vec<Arc<Member>>),
    /// Members are forgotten.
    Reap(Vec<Arc<Member>>),
    /// A user event.
    User(UserEvent),
    /// A question to answer.
    Query(IncomingQuery),
}

impl Event {
    /// The members of a member event.
    pub fn members(&self) -> &[Arc<Member>] {
        match self {
            Event::Join(members)
            | Event::Leave(members)
            | Event::Failed(members)
            | Event::Update(members)
            | Event::Reap(members) => members,
            Event::User(_) | Event::Query(_) => &[],
        }
    }
}

/// A user event as it was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserEvent {
    /// Lamport time.
    pub ltime: u64,
    /// Name.
    pub name: String,
    /// Payload.
    pub payload: Bytes,
    /// Listeners may keep only the newest event of this name.
    pub coalesce: bool,
}

/// Takes one answer to a query; the error is the reason why it was not sent.
pub(crate) type Answer = dyn Fn(Bytes) -> Result<()> + Send + Sync;

/// A query that waits for an answer of this node.
#[derive(Clone)]
pub struct IncomingQuery {
    /// Lamport time.
    pub ltime: u64,
    /// Number that tells apart queries of the same Lamport time.
    pub id: u32,
    /// Name.
    pub name: String,
    /// Payload.
    pub payload: Bytes,
    /// Node that asks.
    pub source: String,
    /// Where the answer goes.
    pub source_address: SocketAddr,
    /// Time left for an answer when the query arrived.
    pub timeout: Duration,
    pub(crate) answer: Arc<Answer>,
}

impl IncomingQuery {
    /// Sends the one answer of this node.
    ///
    /// # Errors
    /// The query was answered before, its deadline is past, or the answer is too long (`spec/gossip.md` 4.5).
    pub fn respond(&self, payload: impl Into<Bytes>) -> Result<(), Error> {
        (self.answer)(payload.into())
    }
}

impl fmt::Debug for IncomingQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingQuery")
            .field("ltime", &self.ltime)
            .field("id", &self.id)
            .field("name", &self.name)
            .finish()
    }
}
