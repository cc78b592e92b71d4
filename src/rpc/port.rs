//! The listener: who may connect, and which protocol the first byte chooses (`spec/rpc.md` 1).

use super::budget::{Budget, PORT_BYTES};
use super::security::{Accepted, AnyStream, Plain, Security, Trust};
use super::service::Service;
use super::{links, serve, snapshot, subscribe};
use crate::telemetry::limits;
use crate::telemetry::metrics::Counter;
use crate::types::places::Places;
use socket2::{SockRef, TcpKeepalive};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// One stream of requests on the connection itself.
pub(super) const SINGLE: u8 = 0;
/// A session of many streams.
pub(super) const MULTI: u8 = 4;
/// One snapshot exchange.
pub(super) const SNAPSHOT: u8 = 5;
/// HTTP/2 with event streams.
const GRPC: u8 = 8;
/// Messages between our servers; the reference closes such a connection.
pub(super) const RAFT_LINK: u8 = 16;

/// Pause after a failed accept, which is mostly a lack of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Longer than any connection lives.
const FOR_EVER: Duration = Duration::from_secs(100 * 365 * 86_400);

/// Silence before a probe, and between probes.
const PROBE_AFTER: Duration = Duration::from_secs(15);

static ACCEPTED: Counter = Counter::new("rpc.accept_conn");

/// Limits of the port; 0 connections means no limit.
#[derive(Clone, Debug)]
pub struct PortLimits {
    /// Time until the type byte and, for TLS, the handshake must be complete (`limits.rpc_handshake_timeout`); 0 for ever.
    pub handshake_timeout: Duration,
    /// Connections per source address (`limits.rpc_max_conns_per_client`); [`Port::max_conns_per_client`] changes it.
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
    max_conns_per_client: Arc<AtomicUsize>,
    security: Arc<dyn Security>,
}

/// Binds the port.
///
/// # Errors
/// The address cannot be bound.
pub async fn listen(address: SocketAddr, limits: PortLimits) -> io::Result<Port> {
    let listener = TcpListener::bind(address).await?;
    let max_conns_per_client = Arc::new(AtomicUsize::new(limits.max_conns_per_client));
    Ok(Port { listener, limits, max_conns_per_client, security: Arc::new(Plain) })
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

    /// The limit of connections per source address, to change while the port is served.
    pub fn max_conns_per_client(&self) -> Arc<AtomicUsize> {
        self.max_conns_per_client.clone()
    }

    /// Serves connections until `stop` becomes true or its sender is gone; then everything ends promptly.
    pub async fn serve(self, service: Arc<dyn Service>, mut stop: watch::Receiver<bool>) {
        let Port { listener, limits, max_conns_per_client, security } = self;
        let budget = Budget::of_port(PORT_BYTES);
        let events = subscribe::Streams::new(service.clone(), limits.streaming);
        let door = Arc::new(Door { limits, max_conns_per_client, security, service, events, budget });
        let places = Places::default();
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            match accepted {
                Ok((stream, from)) => match places.take(from.ip(), door.max_conns_per_client.load(Relaxed)) {
                    Some(place) => {
                        let door = door.clone();
                        connections.spawn(async move {
                            let _place = place;
                            serve_connection(&door, stream, from).await;
                        });
                    }
                    None => {
                        limits::RPC_CONNECTIONS.exceeded();
                        tracing::error!(
                            target: "agent.server.rpc",
                            "rejecting RPC conn from because rpc_max_conns_per_client exceeded: conn=from={from}"
                        );
                    }
                },
                Err(error) => {
                    tracing::error!(target: "agent.server.rpc", "failed to accept RPC conn: error={error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
        connections.shutdown().await;
    }
}

/// What all connections share.
struct Door {
    limits: PortLimits,
    max_conns_per_client: Arc<AtomicUsize>,
    security: Arc<dyn Security>,
    service: Arc<dyn Service>,
    events: Arc<subscribe::Streams>,
    budget: Arc<Budget>,
}

async fn serve_connection(door: &Door, stream: TcpStream, from: SocketAddr) {
    ACCEPTED.add(1);
    prepare(&stream);
    let limit = match door.limits.handshake_timeout {
        Duration::ZERO => FOR_EVER,
        limit => limit,
    };
    let Accepted { kind, stream, trust } = match timeout(limit, handshake(door, stream, from)).await {
        Ok(Ok(Some(accepted))) => accepted,
        Ok(Ok(None)) => return,
        Ok(Err(error)) => {
            if error.kind() != ErrorKind::UnexpectedEof {
                tracing::error!(target: "agent.server.rpc", "failed to read byte: conn=from={from} error={error}");
            }
            return;
        }
        Err(_) => {
            limits::RPC_HANDSHAKE_TIME.exceeded();
            tracing::error!(target: "agent.server.rpc", "failed to read byte: conn=from={from} error=\"i/o timeout\"");
            return;
        }
    };
    match (kind, trust) {
        (_, Trust::Joining) => serve::joining(stream, &door.service, from, &door.budget, serve::JOINING_TIME).await,
        (RAFT_LINK, Trust::Client(reason)) => tracing::warn!(target: "agent.server.rpc", "{reason}: conn=from={from}"),
        (kind, _) => serve_protocol(door, kind, stream, from).await,
    }
}

async fn serve_protocol(door: &Door, kind: u8, stream: AnyStream, from: SocketAddr) {
    match kind {
        SINGLE => serve::single(stream, &door.service, from, &door.budget).await,
        MULTI => serve::session(stream, &door.service, from, &door.budget).await,
        SNAPSHOT => snapshot::serve(stream, &*door.service, from).await,
        GRPC => door.events.clone().serve(stream, from).await,
        RAFT_LINK => links::serve(stream, &*door.service, from).await,
        other => tracing::error!(target: "agent.server.rpc", "unrecognized RPC byte: byte={other} conn=from={from}"),
    }
}

/// Reads the first byte and lets TLS have its turn.
async fn handshake(door: &Door, mut stream: TcpStream, from: SocketAddr) -> io::Result<Option<Accepted>> {
    let first = stream.read_u8().await?;
    door.security.accepted(first, stream, from).await
}

/// No delay, and probes that notice a dead peer.
pub(super) fn prepare(stream: &TcpStream) {
    let keepalive = TcpKeepalive::new().with_time(PROBE_AFTER).with_interval(PROBE_AFTER);
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(stream).set_tcp_keepalive(&keepalive);
}
