//! TCP checks: a connection, with TLS if wanted (`spec/services-and-checks.md` 4, tcp).

use super::dial::{self, TlsOptions};
use super::runner::{Outcome, Probe};
use super::tls::{Alpn, CheckTls};
use crate::types::CheckStatus;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// An address to connect to.
pub struct Tcp {
    /// `host:port`.
    pub address: String,
    /// Shake hands as well.
    pub tls: Option<(TlsOptions, Arc<CheckTls>)>,
    /// Time limit of a run.
    pub timeout: Duration,
}

impl Probe for Tcp {
    fn run<'a>(&'a self, report: &'a mut (dyn FnMut(Outcome) + Send)) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let what = if self.tls.is_some() { "TCP+TLS" } else { "TCP" };
            report(match self.connect().await {
                Ok(()) => Outcome::new(CheckStatus::Passing, format!("{what} connect {}: Success", self.address)),
                Err(error) => Outcome::critical(error),
            });
        })
    }
}

impl Tcp {
    async fn connect(&self) -> Result<(), String> {
        let deadline = Instant::now() + self.timeout;
        let stream = dial::tcp(&self.address, deadline).await?;
        if let Some((options, tls)) = &self.tls {
            let (host, _) = dial::split_host_port(&self.address)?;
            dial::handshake(stream, host, options, Alpn::Nothing, tls, deadline).await?;
        }
        Ok(())
    }
}
