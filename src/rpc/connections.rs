//! The pool of sessions to other servers.

use super::codec::{self, ValueReader};
use super::error::{CallError, io_text};
use super::method::Method;
use super::port::{self, prepare};
use super::security::{AnyStream, Plain, Security};
use super::service::Archive;
use super::snapshot::{self, SnapshotRequest, SnapshotResponse};
use super::yamux::{Limits, Session, Stream};
use crate::types::msgpack;
use ahash::AHashMap;
use bytes::Bytes;
use parking_lot::Mutex;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

/// Longest body of an answer.
const REPLY_LIMIT: usize = 1 << 30;

/// How long a session stays open after it cannot be found any more.
const LINGER: Duration = Duration::from_secs(1);

/// Numbers of requests, for the whole process.
static SEQ: AtomicU64 = AtomicU64::new(1);

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
    pub source: Option<IpAddr>,
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

/// A server port to call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Destination {
    /// Where it is.
    pub address: SocketAddr,
    /// The datacenter that a certificate must prove; none for the own one.
    pub datacenter: Option<Arc<str>>,
}

impl From<SocketAddr> for Destination {
    fn from(address: SocketAddr) -> Destination {
        Destination { address, datacenter: None }
    }
}

/// Connections to servers: one multiplexed session per address, whose streams serve one call after another.
#[derive(Clone)]
pub struct Connections(Arc<Inner>);

struct Inner {
    settings: ConnectionSettings,
    sessions: Mutex<AHashMap<Destination, Slot>>,
    closed: AtomicBool,
}

/// What there is for an address.
enum Slot {
    Ready(Arc<Pooled>),
    Dialing(watch::Receiver<Option<Dialed>>),
}

type Dialed = Result<Arc<Pooled>, String>;

/// A session with its idle streams.
struct Pooled {
    session: Session,
    idle: Mutex<Vec<(Stream, ValueReader)>>,
    calls: AtomicUsize,
    used: Mutex<Instant>,
}

/// A call under way.
struct Using(Arc<Pooled>);

impl Using {
    fn new(pooled: Arc<Pooled>) -> Using {
        pooled.calls.fetch_add(1, Relaxed);
        Using(pooled)
    }
}

impl Drop for Using {
    fn drop(&mut self) {
        *self.0.used.lock() = Instant::now();
        self.0.calls.fetch_sub(1, Relaxed);
    }
}

impl Pooled {
    /// An idle stream, or a new one.
    async fn stream(&self) -> Result<(Stream, ValueReader), CallError> {
        loop {
            let Some((stream, reader)) = self.idle.lock().pop() else { break };
            if stream.is_idle() {
                return Ok((stream, reader));
            }
        }
        let stream = self.session.open().await.map_err(|ended| CallError::NoStream(ended.to_string()))?;
        Ok((stream, ValueReader::default()))
    }

    /// Makes one call.
    async fn call(&self, seq: u64, request: &[u8], keep: usize) -> Result<Bytes, CallError> {
        let broken = |error: io::Error| CallError::Broken(io_text(&error));
        let (mut stream, mut reader) = self.stream().await?;
        stream.write_all(request).await.map_err(broken)?;
        let (header, body) = reader.response(&mut stream, REPLY_LIMIT).await.map_err(broken)?;
        if header.seq != seq {
            return Err(CallError::Broken(format!("answer to request {} instead of {seq}", header.seq)));
        }
        if !header.error.is_empty() {
            stream.finish();
            return Err(CallError::Remote(header.error));
        }
        let mut idle = self.idle.lock();
        if reader.is_empty() && idle.len() < keep {
            idle.push((stream, reader));
        } else {
            stream.finish();
        }
        Ok(body)
    }

    /// Completes when there was no call for `limit`.
    async fn unused(&self, limit: Duration) {
        loop {
            sleep_until(Instant::now() + limit / 16).await;
            if self.calls.load(Relaxed) == 0 && self.used.lock().elapsed() >= limit {
                return;
            }
        }
    }
}

impl Connections {
    /// An empty pool; sessions are made by calls.
    pub fn new(settings: ConnectionSettings) -> Connections {
        Connections(Arc::new(Inner { settings, sessions: Mutex::default(), closed: AtomicBool::new(false) }))
    }

    /// Calls a method and waits for its reply. Dropping the future abandons the call and closes its stream.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call<M: Method>(
        &self,
        to: impl Into<Destination>,
        args: &M::Args,
        timeout: Duration,
    ) -> Result<M::Reply, CallError> {
        let bad = |error: msgpack::Error| CallError::Undecodable(error.to_string());
        let seq = SEQ.fetch_add(1, Relaxed);
        let request = codec::request::<M>(seq, args).map_err(bad)?;
        let body = self.exchange(to.into(), seq, &request, timeout).await?;
        msgpack::from_slice(&body).map_err(bad)
    }

    /// The same for an encoded request and an encoded reply.
    ///
    /// # Errors
    /// See [`CallError`].
    pub async fn call_bytes(
        &self,
        to: impl Into<Destination>,
        method: &str,
        body: &[u8],
        timeout: Duration,
    ) -> Result<Bytes, CallError> {
        let seq = SEQ.fetch_add(1, Relaxed);
        let mut request = Vec::with_capacity(64 + body.len());
        codec::begin_request(&mut request, seq, method).map_err(|error| CallError::Undecodable(error.to_string()))?;
        request.extend_from_slice(body);
        self.exchange(to.into(), seq, &request, timeout).await
    }

    async fn exchange(&self, to: Destination, seq: u64, request: &[u8], limit: Duration) -> Result<Bytes, CallError> {
        let using = Using::new(self.session(&to).await?);
        let keep = self.0.settings.idle_streams;
        let called = timeout(limit, using.0.call(seq, request, keep)).await.unwrap_or(Err(CallError::Timeout));
        if called.as_ref().is_err_and(CallError::is_broken) {
            self.0.discard(&to, &using.0);
        }
        called
    }

    /// The session to a server, which may have to be made; only one caller makes it, the others wait.
    async fn session(&self, to: &Destination) -> Result<Arc<Pooled>, CallError> {
        if self.0.closed.load(Relaxed) {
            return Err(CallError::Closed);
        }
        let (mut dialed, lead) = {
            let mut sessions = self.0.sessions.lock();
            match sessions.get(to) {
                Some(Slot::Ready(pooled)) if pooled.session.ended().is_none() => return Ok(pooled.clone()),
                Some(Slot::Dialing(dialed)) => (dialed.clone(), false),
                _ => {
                    let (sender, dialed) = watch::channel(None);
                    sessions.insert(to.clone(), Slot::Dialing(dialed.clone()));
                    let settings = self.0.settings.clone();
                    tokio::spawn(make_session(Arc::downgrade(&self.0), settings, to.clone(), sender));
                    (dialed, true)
                }
            }
        };
        let dialed = dialed.wait_for(Option::is_some).await.map(|dialed| dialed.clone());
        match dialed {
            Ok(Some(Ok(pooled))) => Ok(pooled),
            Ok(Some(Err(text))) if lead => Err(CallError::Unreachable(text)),
            Ok(_) => Err(CallError::LeadFailed),
            Err(_) => Err(CallError::Closed),
        }
    }

    /// Makes a snapshot exchange on a connection of its own; `archive` is sent for a restore. Returns the answer without an
    /// error text and, after a save, the archive that follows it.
    ///
    /// # Errors
    /// See [`CallError`]; the refusal of the other side is [`CallError::Remote`].
    pub async fn snapshot(
        &self,
        to: impl Into<Destination>,
        request: &SnapshotRequest,
        archive: Option<Archive>,
    ) -> Result<(SnapshotResponse, Archive), CallError> {
        if self.0.closed.load(Relaxed) {
            return Err(CallError::Closed);
        }
        let stream = dial(&self.0.settings, &to.into()).await.map_err(CallError::Unreachable)?;
        snapshot::call(stream, request, archive).await
    }

    /// Closes the session to a server of this datacenter that is gone.
    pub fn forget(&self, to: SocketAddr) {
        if let Some(Slot::Ready(pooled)) = self.0.sessions.lock().remove(&Destination::from(to)) {
            pooled.session.close();
        }
    }

    /// Closes all sessions; later calls fail with `rpc error: shutdown`.
    pub fn close(&self) {
        self.0.closed.store(true, Relaxed);
        self.0.clear();
    }
}

impl Inner {
    fn clear(&self) {
        for (_, slot) in self.sessions.lock().drain() {
            if let Slot::Ready(pooled) = slot {
                pooled.session.close();
            }
        }
    }

    /// New calls get a new session; the old one ends when its last call has.
    fn discard(&self, to: &Destination, broken: &Arc<Pooled>) {
        let mut sessions = self.sessions.lock();
        if matches!(sessions.get(to), Some(Slot::Ready(pooled)) if Arc::ptr_eq(pooled, broken)) {
            sessions.remove(to);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Dials, announces the session, and drives it to its end.
async fn make_session(
    pool: Weak<Inner>,
    settings: ConnectionSettings,
    to: Destination,
    sender: watch::Sender<Option<Dialed>>,
) {
    let opened = match dial(&settings, &to).await {
        Ok(mut stream) => match timeout(settings.dial_timeout, stream.write_all(&[port::MULTI])).await {
            Ok(Ok(())) => Ok(stream),
            Ok(Err(error)) => Err(io_text(&error)),
            Err(_) => Err("i/o timeout".to_owned()),
        },
        Err(text) => Err(text),
    };
    let settle = |slot: Option<Slot>| {
        let Some(pool) = pool.upgrade() else { return };
        let mut sessions = pool.sessions.lock();
        if pool.closed.load(Relaxed) {
            return;
        }
        match slot {
            Some(slot) => drop(sessions.insert(to.clone(), slot)),
            None => drop(sessions.remove(&to)),
        }
    };
    let stream = match opened {
        Ok(stream) => stream,
        Err(text) => {
            settle(None);
            let _ = sender.send(Some(Err(text)));
            return;
        }
    };
    let (session, driver) = Session::client(stream, Limits::default());
    let pooled = Arc::new(Pooled {
        session,
        idle: Mutex::default(),
        calls: AtomicUsize::new(0),
        used: Mutex::new(Instant::now()),
    });
    settle(Some(Slot::Ready(pooled.clone())));
    let _ = sender.send(Some(Ok(pooled.clone())));
    drop(sender);
    tokio::select! {
        reason = driver => tracing::trace!(target: "agent.rpc", "session to {} ended: {reason}", to.address),
        () = retire(&pool, &to, &pooled, settings.idle_limit) => {}
    }
    pooled.session.close();
    pooled.idle.lock().clear();
    if let Some(pool) = pool.upgrade() {
        pool.discard(&to, &pooled);
    }
}

/// Completes when a session may be closed: it was unused for `limit`, nobody can find it any more, and nobody uses it.
async fn retire(pool: &Weak<Inner>, to: &Destination, pooled: &Arc<Pooled>, limit: Duration) {
    pooled.unused(limit).await;
    if let Some(pool) = pool.upgrade() {
        pool.discard(to, pooled);
    }
    pooled.unused(LINGER).await;
}

/// Connects; the error is in the words of the reference.
pub(super) async fn dial(settings: &ConnectionSettings, destination: &Destination) -> Result<AnyStream, String> {
    let to = destination.address;
    let from = settings.source.map_or("<nil>".to_owned(), |source| SocketAddr::new(source, 0).to_string());
    let connect = async {
        let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        if let Some(source) = settings.source.filter(|source| source.is_ipv4() == to.is_ipv4()) {
            socket.bind(SocketAddr::new(source, 0))?;
        }
        let stream = socket.connect(to).await?;
        prepare(&stream);
        settings.security.dialed(stream, to, destination.datacenter.as_deref().unwrap_or_default()).await
    };
    match timeout(settings.dial_timeout, connect).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(format!("dial tcp {from}->{to}: connect: {}", io_text(&error))),
        Err(_) => Err(format!("dial tcp {from}->{to}: i/o timeout")),
    }
}
