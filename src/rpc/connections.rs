//! The pool of sessions to other servers.

use super::error::CallError;
use super::method::Method;
use super::security::{Plain, Security};
use super::service::Archive;
use super::snapshot::{SnapshotRequest, SnapshotResponse};
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Settings of the pool.
#[derive(Clone)]
pub struct ConnectionSettings {
    /// Idle streams kept per session: 32 on client agents, 64 on servers.
    pub idle_streams: usize,
    /// A session without calls is closed after this: 127 s on client agents, 120 s on servers.
    pub idle_limit: Duration,
    /// Longest dial.
    pub dial_timeout: Duration,
    /// Source address of connections, if a certain one is wanted.
    pub source: Option<std::net::IpAddr>,
    /// Wraps connections.
    pub security: Arc<dyn Security>,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        ConnectionSettings {
            idle_streams: 32,
            idle_limit: Duration::from_secs(127),
            dial_timeout: Duration::from_secs(10),
            source: None,
            security: Arc::new(Plain),
        }
    }
}

/// Connections to servers: one multiplexed session per address, whose streams serve one call after another.
#[derive(Clone)]
pub struct Connections(Arc<Inner>);

struct Inner {
    settings: ConnectionSettings,
}

impl Connections {
    /// An empty pool; sessions are made by calls. Must be called inside a runtime.
    pub fn new(settings: ConnectionSettings) -> Connections {
        Connections(Arc::new(Inner { settings }))
    }

    /// Calls a method and waits for its reply. Dropping the future abandons the call and closes its stream.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call<M: Method>(
        &self,
        to: SocketAddr,
        args: &M::Args,
        timeout: Duration,
    ) -> Result<M::Reply, CallError> {
        let _ = (to, args, timeout);
        unimplemented!()
    }

    /// The same for an encoded request and an encoded reply.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call_bytes(
        &self,
        to: SocketAddr,
        method: &str,
        body: &[u8],
        timeout: Duration,
    ) -> Result<Bytes, CallError> {
        let _ = (to, method, body, timeout, &self.0.settings);
        unimplemented!()
    }

    /// Makes a snapshot exchange on a connection of its own; `archive` is sent for a restore. Returns the answer without an
    /// error text and, after a save, the archive that follows it.
    ///
    /// # Errors
    /// See [`CallError`]; the refusal of the other side is [`CallError::Remote`].
    pub async fn snapshot(
        &self,
        to: SocketAddr,
        request: &SnapshotRequest,
        archive: Option<Archive>,
    ) -> Result<(SnapshotResponse, Archive), CallError> {
        let _ = (to, request, archive);
        unimplemented!()
    }

    /// Closes the session to a server that is gone.
    pub fn forget(&self, to: SocketAddr) {
        let _ = to;
    }

    /// Closes all sessions; later calls fail with `rpc error: shutdown`.
    pub fn close(&self) {}
}
