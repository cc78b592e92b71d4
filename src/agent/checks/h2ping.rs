//! h2ping checks: an HTTP/2 PING and its acknowledgement (`spec/services-and-checks.md` 4, h2ping).

use super::dial::{self, TlsOptions};
use super::grpc::h2_text;
use super::runner::{Outcome, Probe};
use super::tls::{Alpn, CheckTls};
use crate::types::CheckStatus;
use bytes::Bytes;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout_at};

/// A server to ping.
pub struct H2Ping {
    /// `host:port`.
    pub address: String,
    /// Use TLS; without, HTTP/2 is spoken at once.
    pub tls: Option<(TlsOptions, Arc<CheckTls>)>,
    /// Time limit of a run.
    pub timeout: Duration,
}

impl Probe for H2Ping {
    fn run<'a>(&'a self, report: &'a mut (dyn FnMut(Outcome) + Send)) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            report(match self.check().await {
                Ok(()) => Outcome::new(CheckStatus::Passing, "HTTP2 ping was successful"),
                Err(error) => Outcome::critical(error),
            });
        })
    }
}

impl H2Ping {
    async fn check(&self) -> Result<(), String> {
        let deadline = Instant::now() + self.timeout;
        let undialed = |error: String| format!("Failed to dial to {}: {error}", self.address);
        let stream = dial::tcp(&self.address, deadline).await.map_err(undialed)?;
        let late = |_| "HTTP2 ping failed: context deadline exceeded".to_owned();
        let Some((options, tls)) = &self.tls else {
            return timeout_at(deadline, ping(stream)).await.map_err(late)?;
        };
        let (host, _) = dial::split_host_port(&self.address).map_err(undialed)?;
        let stream = dial::handshake(stream, host, options, Alpn::H2, tls, deadline).await.map_err(undialed)?;
        timeout_at(deadline, ping(stream)).await.map_err(late)?
    }
}

async fn ping<S: AsyncRead + AsyncWrite + Unpin>(stream: S) -> Result<(), String> {
    let (_sender, mut connection) = h2::client::handshake::<S>(stream)
        .await
        .map(|(sender, connection): (h2::client::SendRequest<Bytes>, _)| (sender, connection))
        .map_err(|error| format!("Failed to create client connection {}", h2_text(&error)))?;
    let mut pings = connection.ping_pong().expect("a new connection has not given its pings away");
    let failed = |error: h2::Error| format!("HTTP2 ping failed: {}", h2_text(&error));
    tokio::select! {
        biased;
        acknowledged = pings.ping(h2::Ping::opaque()) => acknowledged.map(|_| ()).map_err(failed),
        ended = connection => Err(failed(ended.err().unwrap_or_else(|| h2::Reason::NO_ERROR.into()))),
    }
}
