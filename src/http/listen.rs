//! Listeners and connections: TCP, TLS and unix sockets, HTTP/1.1 and HTTP/2, the limit of connections per client, timeouts
//! of slow clients, graceful stop (`spec/http-api.md` 1.1, 1.16).

use super::answer::Payload;
use super::patience::{Patience, Requests, UnderWay, Watched};
use super::{Settings, dispatch};
use crate::agent::Agent;
use crate::config::runtime::{ListenAddr, UnixSockets};
use crate::telemetry::limits;
use crate::telemetry::metrics::Counter;
use crate::tls::text::{error_text, tls_error};
use crate::types::{Error, Result as Outcome};
use ahash::AHashMap;
use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use parking_lot::Mutex;
use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// Header limit while `max_header_bytes` is 0.
const DEFAULT_HEADER_BYTES: u32 = 1 << 20;

/// The least that a connection buffers.
const LEAST_HEADER_BYTES: u32 = 8 << 10;

/// Streams of one HTTP/2 connection.
const MAX_STREAMS: u32 = 250;

/// Requests under way of one client address, for each connection that it may have. Over HTTP/2 a client could have more.
const REQUESTS_PER_CONNECTION: usize = 16;

/// Silence of an HTTP/2 client with requests under way before it is asked whether it is there, and the time for its answer.
const PING_AFTER: Duration = Duration::from_secs(60);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// After a stop, requests that still run may finish within this time.
const GRACE: Duration = Duration::from_secs(1);

const NO_CERTIFICATE: &str = "HTTPS has no certificate (tls.https.cert_file, tls.https.key_file) and refuses every \
    connection until a reload brings one";

/// What a client with too many connections reads before the connection is closed.
const TOO_MANY: &str = "HTTP/1.1 429 Too Many Requests\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n\
    Your IP is issuing too many concurrent connections, please rate limit your calls\n";

/// What a client with too many requests under way is answered.
const TOO_MANY_REQUESTS: &str = "Your IP has too many requests under way, please rate limit your calls\n";

static REFUSED: Counter = Counter::new("http.tls.refused");

/// Life of the listeners, announced to every connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Open,
    Closing,
    Closed,
}

/// What all connections share.
struct Door {
    agent: Agent,
    settings: Settings,
    server: auto::Builder<TokioExecutor>,
    clients: Mutex<AHashMap<IpAddr, Arc<Client>>>,
}

/// What a client address has.
#[derive(Default)]
struct Client {
    connections: AtomicUsize,
    requests: AtomicUsize,
}

/// A bound listener.
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A listener and what is spoken on it.
struct Listener {
    socket: Socket,
    tls: bool,
}

/// Binds all listeners, then serves them in the background.
pub async fn serve(agent: Agent, mut stop: watch::Receiver<bool>) -> Outcome<JoinHandle<()>> {
    let config = agent.config();
    let mut listeners = Vec::new();
    for (addresses, protocol) in [(&config.http_addrs, "http"), (&config.https_addrs, "https")] {
        for address in addresses {
            let socket = bind(address, &config.unix_sockets).await?;
            listeners.push(Listener { socket, tls: protocol == "https" });
            let network = if address.ip().is_some() { "tcp" } else { "unix" };
            tracing::info!(target: "agent", address = %address, network, protocol, "Starting server");
        }
    }
    if !config.https_addrs.is_empty() && agent.tls().https().tls.is_none() {
        tracing::warn!(target: "agent", "{NO_CERTIFICATE}");
    }
    let settings = Settings::new(&config);
    let server = builder(config.http_config.max_header_bytes);
    let door = Arc::new(Door { agent, settings, server, clients: Mutex::default() });
    let (phase, phases) = watch::channel(Phase::Open);
    let (alive, mut finished) = mpsc::channel::<()>(1);
    for listener in listeners {
        tokio::spawn(accept(door.clone(), listener, phases.clone(), alive.clone()));
    }
    drop((alive, phases));
    Ok(tokio::spawn(async move {
        // A stop channel without a sender is a stop as well.
        let _ = stop.wait_for(|stop| *stop).await;
        phase.send_replace(Phase::Closing);
        if tokio::time::timeout(GRACE, finished.recv()).await.is_err() {
            phase.send_replace(Phase::Closed);
            finished.recv().await;
        }
    }))
}

fn builder(max_header_bytes: u32) -> auto::Builder<TokioExecutor> {
    let limit = if max_header_bytes == 0 { DEFAULT_HEADER_BYTES } else { max_header_bytes };
    let limit = limit.max(LEAST_HEADER_BYTES);
    let mut server = auto::Builder::new(TokioExecutor::new());
    // the times of a connection are kept beneath it, see `patience`
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .title_case_headers(true)
        .max_buf_size(limit as usize);
    server
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_AFTER)
        .keep_alive_timeout(PING_TIMEOUT)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(limit);
    server
}

async fn bind(address: &ListenAddr, unix: &UnixSockets) -> Outcome<Socket> {
    let (network, bound) = match address {
        ListenAddr::Ip(address) => ("tcp", TcpListener::bind(address).await.map(Socket::Tcp)),
        ListenAddr::Unix(path) => ("unix", bind_unix(path, unix).map(Socket::Unix)),
    };
    bound.map_err(|error| Error::new(format!("listen {network} {address}: bind: {}", reason(&error))))
}

/// The system's words for an error, without Rust's number.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => "address already in use".into(),
        io::ErrorKind::AddrNotAvailable => "cannot assign requested address".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::NotFound => "no such file or directory".into(),
        _ => error.to_string(),
    }
}

fn bind_unix(path: &Path, settings: &UnixSockets) -> io::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt;
    let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
    if path.exists() {
        tracing::warn!(target: "agent", path = %path.display(), "Replacing socket");
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    let number = |text: &str, named: Option<u32>| named.or_else(|| text.parse().ok());
    let owner = match settings.user.as_str() {
        "" => None,
        user => {
            let named = nix::unistd::User::from_name(user).ok().flatten().map(|user| user.uid.as_raw());
            Some(number(user, named).ok_or_else(|| invalid(format!("unknown user {user}")))?)
        }
    };
    let group = match settings.group.as_str() {
        "" => None,
        group => {
            let named = nix::unistd::Group::from_name(group).ok().flatten().map(|group| group.gid.as_raw());
            Some(number(group, named).ok_or_else(|| invalid(format!("unknown group {group}")))?)
        }
    };
    if owner.is_some() || group.is_some() {
        std::os::unix::fs::chown(path, owner, group)?;
    }
    if !settings.mode.is_empty() {
        let mode = u32::from_str_radix(&settings.mode, 8)
            .map_err(|_| invalid(format!("invalid specified mode {}", settings.mode)))?;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    }
    Ok(listener)
}

async fn accept(door: Arc<Door>, listener: Listener, mut phase: watch::Receiver<Phase>, alive: mpsc::Sender<()>) {
    loop {
        let accepted = tokio::select! {
            _ = phase.wait_for(|phase| *phase != Phase::Open) => return,
            accepted = next(&listener.socket) => accepted,
        };
        let (stream, client) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: connections that end give some back.
                tracing::warn!(target: "agent.http", %error, "accept failed");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let (door, phase, alive, tls) = (door.clone(), phase.clone(), alive.clone(), listener.tls);
        match stream {
            Stream::Tcp(stream) => tokio::spawn(async move {
                tune(&stream);
                tcp(door, stream, tls, client, phase).await;
                drop(alive);
            }),
            Stream::Unix(stream) => tokio::spawn(async move {
                match tls {
                    true => secured(&door, stream, None, phase).await,
                    false => connection(&door, stream, None, phase).await,
                }
                drop(alive);
            }),
        };
    }
}

enum Stream {
    Tcp(TcpStream),
    Unix(tokio::net::UnixStream),
}

async fn next(listener: &Socket) -> io::Result<(Stream, Option<SocketAddr>)> {
    match listener {
        Socket::Tcp(listener) => listener.accept().await.map(|(stream, peer)| (Stream::Tcp(stream), Some(peer))),
        Socket::Unix(listener) => listener.accept().await.map(|(stream, _)| (Stream::Unix(stream), None)),
    }
}

/// Answers go out at once, and clients that vanished during a blocking query are noticed. Failures change nothing.
fn tune(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let _ = nix::sys::socket::setsockopt(stream, nix::sys::socket::sockopt::KeepAlive, &true);
}

async fn tcp(
    door: Arc<Door>,
    mut stream: TcpStream,
    tls: bool,
    client: Option<SocketAddr>,
    phase: watch::Receiver<Phase>,
) {
    let Some(client) = client else { return };
    let limit = door.agent.config().limits.http_max_conns_per_client;
    let Some(place) = Place::take(&door, client.ip(), limit) else {
        limits::HTTP_CONNECTIONS.exceeded();
        if tls {
            // saying so would cost the handshake that the limit is to save
            return;
        }
        let _ = stream.write_all(TOO_MANY.as_bytes()).await;
        let _ = stream.shutdown().await;
        // Reading what the client sent keeps the close from becoming a reset that would swallow the answer.
        let drain = async { while matches!(stream.read(&mut [0; 1024]).await, Ok(1..)) {} };
        let _ = tokio::time::timeout(GRACE, drain).await;
        return;
    };
    let client = Some((client, place.client.clone()));
    match tls {
        true => secured(&door, stream, client, phase).await,
        false => connection(&door, stream, client, phase).await,
    }
}

/// Shakes hands with the certificate in force, then serves as without TLS. A client that is too slow, that shows no
/// certificate where one is demanded or that speaks no TLS is dropped.
async fn secured<S>(
    door: &Arc<Door>,
    stream: S,
    client: Option<(SocketAddr, Arc<Client>)>,
    mut phase: watch::Receiver<Phase>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let Some(tls) = door.agent.tls().https().tls else { return };
    let patience = match door.agent.config().limits.https_handshake_timeout.to_std() {
        Duration::ZERO => Patience::default().idle,
        patience => patience,
    };
    let shaken = tokio::select! {
        _ = phase.wait_for(|phase| *phase != Phase::Open) => return,
        shaken = tokio::time::timeout(patience, TlsAcceptor::from(tls).accept(stream)) => shaken,
    };
    let from = client.as_ref().map(|(client, _)| client.to_string()).unwrap_or_default();
    match shaken {
        Ok(Ok(stream)) => return connection(door, stream, client, phase).await,
        Ok(Err(error)) => {
            let text = tls_error(&error).map_or_else(|| error.to_string(), |error| error_text(error, ""));
            tracing::debug!(target: "agent.http", "TLS handshake error from {from}: {text}");
        }
        Err(_) => {
            limits::HTTPS_HANDSHAKE_TIME.exceeded();
            tracing::debug!(target: "agent.http", "TLS handshake error from {from}: i/o timeout");
        }
    }
    REFUSED.add(1);
}

/// One of the connections that a client address may have.
struct Place<'a> {
    door: &'a Door,
    address: IpAddr,
    client: Arc<Client>,
}

impl<'a> Place<'a> {
    fn take(door: &'a Door, address: IpAddr, limit: usize) -> Option<Place<'a>> {
        let mut clients = door.clients.lock();
        let client = clients.entry(address).or_default().clone();
        if limit > 0 && client.connections.load(Relaxed) >= limit {
            return None;
        }
        client.connections.fetch_add(1, Relaxed);
        Some(Place { door, address, client })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut clients = self.door.clients.lock();
        if self.client.connections.fetch_sub(1, Relaxed) == 1 {
            clients.remove(&self.address);
        }
    }
}

/// One of the requests that a client address may have under way.
struct Turn(Option<Arc<Client>>);

impl Turn {
    /// None when there are `limit` already; 0 is no limit, as on unix sockets, which have no client.
    fn take(client: Option<&Arc<Client>>, limit: usize) -> Option<Turn> {
        let Some(client) = client else { return Some(Turn(None)) };
        let turn = Turn(Some(client.clone()));
        (client.requests.fetch_add(1, Relaxed) < limit || limit == 0).then_some(turn)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(client) = &self.0 {
            client.requests.fetch_sub(1, Relaxed);
        }
    }
}

/// A body that tells when it has been sent, or given up.
struct Last {
    payload: Payload,
    _turn: Turn,
    _under_way: UnderWay,
}

impl Body for Last {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.get_mut().payload).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.payload.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.payload.size_hint()
    }
}

/// Answers one request of a client.
async fn answer(
    door: &Door,
    request: Request<Incoming>,
    client: Option<&(SocketAddr, Arc<Client>)>,
    under_way: UnderWay,
) -> Response<Last> {
    let most = door.agent.config().limits.http_max_conns_per_client * REQUESTS_PER_CONNECTION;
    let (response, turn) = match Turn::take(client.map(|(_, client)| client), most) {
        Some(turn) => {
            let address = client.map(|(address, _)| *address);
            (dispatch::handle(&door.agent, &door.settings, request, address).await, turn)
        }
        None => {
            limits::HTTP_REQUESTS.exceeded();
            (dispatch::refuse(StatusCode::TOO_MANY_REQUESTS, TOO_MANY_REQUESTS), Turn(None))
        }
    };
    response.map(|payload| Last { payload, _turn: turn, _under_way: under_way })
}

async fn connection<S>(
    door: &Arc<Door>,
    stream: S,
    client: Option<(SocketAddr, Arc<Client>)>,
    mut phase: watch::Receiver<Phase>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let requests = Arc::new(Requests::default());
    let stream = Watched::new(stream, Patience::default(), requests.clone());
    let shared = Arc::new((door.clone(), client));
    let service = service_fn(move |request| {
        let (shared, under_way) = (shared.clone(), requests.begin());
        async move {
            let (door, client) = &*shared;
            Ok::<_, Infallible>(answer(door, request, client.as_ref(), under_way).await)
        }
    });
    let connection = door.server.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => return note(ended),
        _ = phase.wait_for(|phase| *phase != Phase::Open) => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        ended = connection.as_mut() => note(ended),
        _ = phase.wait_for(|phase| *phase == Phase::Closed) => {}
    }
}

/// Counts headers that were refused; all other ends are the client's affair.
fn note(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    let too_large = |error: &hyper::Error| error.is_parse_too_large();
    if ended.is_err_and(|error| error.downcast_ref::<hyper::Error>().is_some_and(too_large)) {
        limits::HTTP_HEADERS.exceeded();
    }
}
