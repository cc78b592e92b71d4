//! What a server gives to its port.

use super::snapshot::{SnapshotReply, SnapshotRequest};
use crate::raft::Raft;
use crate::types::requests::{IndexedCheckServiceNodes, ServiceRequest};
use crate::types::{Index, Result};
use bytes::Bytes;
use futures::future::BoxFuture;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::AsyncRead;

/// Bytes of a snapshot archive that arrive or leave as a stream.
pub type Archive = Box<dyn AsyncRead + Send + Unpin>;

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Called {
    /// The encoded reply.
    Reply(Bytes),
    /// The method refused; the stream stays usable.
    Failed(String),
    /// There is no such method; the stream ends.
    Unknown,
    /// The request is not of the method's shape; the stream ends.
    Undecodable(String),
}

/// All instances of a service at an index.
#[derive(Clone, Debug, Default)]
pub struct HealthView {
    /// Index of the view.
    pub index: Index,
    /// The instances with their nodes and checks.
    pub instances: Arc<IndexedCheckServiceNodes>,
}

/// A server behind its port.
pub trait Service: Send + Sync + 'static {
    /// Serves one call. Dropping the future abandons it: the caller is gone.
    fn call<'a>(&'a self, method: &'a str, body: Bytes, from: SocketAddr) -> BoxFuture<'a, Called>;

    /// Serves one snapshot exchange. For a restore `archive` yields the archive up to its end; a save must not read it.
    ///
    /// # Errors
    /// The refusal, which the caller reads in the answer.
    fn snapshot<'a>(
        &'a self,
        request: SnapshotRequest,
        archive: Archive,
        from: SocketAddr,
    ) -> BoxFuture<'a, Result<SnapshotReply>>;

    /// The consensus that serves messages of other servers; `None` while it has not started or has ended.
    fn raft(&self) -> Option<Raft>;

    /// Another server of the cluster has opened a link and said where it can be reached; gossip may not know it yet.
    fn met(&self, id: &str, address: SocketAddr) {
        let _ = (id, address);
    }

    /// Lets a subscription of an event stream begin.
    ///
    /// # Errors
    /// The refusal: this server has too much to do.
    fn admit_subscription(&self, from: SocketAddr) -> Result<()> {
        let _ = from;
        Ok(())
    }

    /// The health of one service for an event stream: like `Health.ServiceNodes` from local state, waiting while
    /// `min_query_index` of the request is not 0 and the view's index is not above it.
    ///
    /// # Errors
    /// The refusal.
    fn health<'a>(&'a self, request: ServiceRequest) -> BoxFuture<'a, Result<HealthView>>;
}
