//! The listener: who may connect, and which protocol the first byte chooses (`spec/rpc.md` 1).

use super::security::{Accepted, AnyStream, Plain, Security, Trust};
use super::service::Service;
use super::{links, serve, snapshot, subscribe};
use crate::telemetry::metrics::Counter;
use ahash::AHashMap;
use parking_lot::Mutex;
use socket2::{SockRef, TcpKeepalive};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
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
    pub async fn serve(self, service: Arc<dyn Service>, mut stop: watch::Receiver<bool>) {
        let Port { listener, limits, security } = self;
        let events = subscribe::Streams::new(service.clone(), limits.streaming);
        let door = Arc::new(Door { limits, security, service, events, counts: Mutex::default() });
        let mut connections = JoinSet::new();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            match accepted {
                Ok((stream, from)) => match Place::take(&door, from.ip()) {
                    Some(place) => {
                        connections.spawn(serve_connection(place, stream, from));
                    }
                    None => tracing::error!(
                        target: "agent.server.rpc",
                        "rejecting RPC conn from because rpc_max_conns_per_client exceeded: conn=from={from}"
                    ),
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
    security: Arc<dyn Security>,
    service: Arc<dyn Service>,
    events: Arc<subscribe::Streams>,
    counts: Mutex<AHashMap<IpAddr, usize>>,
}

/// A connection's place in the count of its source address.
struct Place {
    door: Arc<Door>,
    from: IpAddr,
}

impl Place {
    fn take(door: &Arc<Door>, from: IpAddr) -> Option<Place> {
        let limit = door.limits.max_conns_per_client;
        let mut counts = door.counts.lock();
        let count = counts.entry(from).or_default();
        if limit > 0 && *count >= limit {
            return None;
        }
        *count += 1;
        Some(Place { door: door.clone(), from })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.door.counts.lock();
        if let Some(count) = counts.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.from);
            }
        }
    }
}

async fn serve_connection(place: Place, stream: TcpStream, from: SocketAddr) {
    let door = &*place.door;
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
            tracing::error!(target: "agent.server.rpc", "failed to read byte: conn=from={from} error=\"i/o timeout\"");
            return;
        }
    };
    match (kind, trust) {
        (_, Trust::Joining) => serve::joining(stream, &door.service, from).await,
        (RAFT_LINK, Trust::Client(reason)) => tracing::warn!(target: "agent.server.rpc", "{reason}: conn=from={from}"),
        (kind, _) => serve_protocol(door, kind, stream, from).await,
    }
}

async fn serve_protocol(door: &Door, kind: u8, stream: AnyStream, from: SocketAddr) {
    match kind {
        SINGLE => serve::single(stream, &door.service, from).await,
        MULTI => serve::session(stream, &door.service, from).await,
        SNAPSHOT => snapshot::serve(stream, &*door.service, from).await,
        GRPC => door.events.clone().serve(stream).await,
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
