//! UDP checks: an empty datagram goes out; an answer or silence is well, a refusal is not
//! (`spec/services-and-checks.md` 4, udp).

use super::dial::{errno_text, resolve, split_host_port};
use super::runner::{Outcome, Probe};
use crate::types::CheckStatus;
use futures::future::BoxFuture;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

/// An address to send to.
pub struct Udp {
    /// `host:port`.
    pub address: String,
    /// How long to wait for an answer.
    pub timeout: Duration,
}

impl Probe for Udp {
    fn run<'a>(&'a self, report: &'a mut (dyn FnMut(Outcome) + Send)) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            report(match self.exchange().await {
                Ok(()) => Outcome::new(CheckStatus::Passing, format!("UDP connect {}: Success", self.address)),
                Err(error) => Outcome::critical(error),
            });
        })
    }
}

impl Udp {
    async fn exchange(&self) -> Result<(), String> {
        let deadline = Instant::now() + self.timeout;
        let (host, port) = split_host_port(&self.address)
            .map_err(|error| format!("dial udp: {}", error.replacen("address tcp/", "address udp/", 1)))?;
        let addresses = match timeout_at(deadline, resolve(host, port)).await {
            Ok(found) => found.map_err(|error| format!("dial udp: {error}"))?,
            Err(_) => return Err(format!("dial udp: lookup {host}: i/o timeout")),
        };
        let remote = addresses[0];
        let socket =
            connect(remote).await.map_err(|error| format!("dial udp {remote}: connect: {}", errno_text(&error)))?;
        let local = socket.local_addr().map_or_else(|_| String::new(), |address| address.to_string());
        let failed =
            |call: &str, error: &std::io::Error| format!("{call} udp {local}->{remote}: {call}: {}", errno_text(error));
        socket.send(&[]).await.map_err(|error| failed("write", &error))?;
        match timeout_at(deadline, socket.recv(&mut [0])).await {
            Ok(received) => received.map(|_| ()).map_err(|error| failed("read", &error)),
            Err(_) => Ok(()),
        }
    }
}

async fn connect(remote: SocketAddr) -> std::io::Result<UdpSocket> {
    let any = if remote.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(remote).await?;
    Ok(socket)
}
