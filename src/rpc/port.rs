//! The listener: who may connect, and which protocol the first byte chooses (`spec/rpc.md` 1).

use super::security::{Plain, Security};
use super::service::Service;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// Limits of the port; 0 connections means no limit.
#[derive(Clone, Debug)]
pub struct PortLimits {
    /// Time until the type byte and, for TLS, the handshake must be complete (`limits.rpc_handshake_timeout`); 0 for ever.
    pub handshake_timeout: Duration,
    /// Connections per source address (`limits.rpc_max_conns_per_client`).
    pub max_conns_per_client: usize,
    /// Serve event streams (`rpc.enable_streaming`).
    pub streaming: bool,
}

impl Default for PortLimits {
    fn default() -> Self {
        PortLimits { handshake_timeout: Duration::from_secs(5), max_conns_per_client: 100, streaming: true }
    }
}

/// A bound server port.
pub struct Port {
    listener: TcpListener,
    limits: PortLimits,
    security: Arc<dyn Security>,
}

/// Binds the port.
///
/// # Errors
/// The address cannot be bound.
pub async fn listen(address: SocketAddr, limits: PortLimits) -> io::Result<Port> {
    let listener = TcpListener::bind(address).await?;
    Ok(Port { listener, limits, security: Arc::new(Plain) })
}

impl Port {
    /// The same port with wrapped connections.
    pub fn with_security(mut self, security: Arc<dyn Security>) -> Port {
        self.security = security;
        self
    }

    /// The bound address.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().expect("a bound listener has an address")
    }

    /// Serves connections until `stop` becomes true or its sender is gone; then everything ends promptly.
    pub async fn serve(self, service: Arc<dyn Service>, stop: watch::Receiver<bool>) {
        let _ = (self.limits, service, stop);
        unimplemented!()
    }
}
