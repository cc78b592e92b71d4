//! Calls of an agent that has no certificate yet: one connection with type byte 7 for each (`spec/rpc.md` 13).

use super::codec::{self, ValueReader};
use super::connections::{ConnectionSettings, Destination, dial};
use super::error::{CallError, io_text};
use super::method::Method;
use super::tls::Asking;
use crate::tls::Configurator;
use crate::types::msgpack;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

/// Longest answer.
const REPLY_LIMIT: usize = 4 << 20;

/// Longest wait for one.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks servers for what a new agent needs.
pub struct Joining {
    settings: ConnectionSettings,
}

impl Joining {
    /// With the TLS of an agent, from this address if a certain one is wanted.
    pub fn new(tls: Arc<Configurator>, source: Option<IpAddr>) -> Joining {
        Joining { settings: ConnectionSettings { source, security: Arc::new(Asking::new(tls)), ..Default::default() } }
    }

    /// Calls a method that is there for those without a certificate.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call<M: Method>(&self, to: SocketAddr, args: &M::Args) -> Result<M::Reply, CallError> {
        let bad = |error: msgpack::Error| CallError::Undecodable(error.to_string());
        let mut stream = dial(&self.settings, &Destination::from(to)).await.map_err(CallError::Unreachable)?;
        let request = codec::request::<M>(1, args).map_err(bad)?;
        let exchange = async {
            stream.write_all(&request).await?;
            stream.flush().await?;
            ValueReader::default().response(&mut stream, REPLY_LIMIT).await
        };
        let answered = timeout(PATIENCE, exchange).await.map_err(|_| CallError::Timeout)?;
        let (header, body) = answered.map_err(|error| CallError::Broken(io_text(&error)))?;
        if !header.error.is_empty() {
            return Err(CallError::Remote(header.error));
        }
        msgpack::from_slice(&body).map_err(bad)
    }
}
