//! Sockets and packets: UDP and TCP listeners, header checks, EDNS, encoding (`spec/dns.md` 1, 9).

use super::catalog::AgentSource;
use super::recursor;
use super::reply::{Limits, Reply};
use super::resolve::{self, Outcome, Query};
use super::settings::Settings;
use super::source::Source;
use crate::agent::Agent;
use crate::agent::daemon::Opening;
use crate::telemetry::limits;
use crate::types::error::os_text;
use crate::types::places::Places;
use crate::types::{Error, Result};
use hickory_proto::op::{Edns, Metadata, ResponseCode};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsCode, EdnsOption};
use hickory_proto::serialize::binary::{BinEncoder, NameEncoding};
use hickory_server::net::xfer::Protocol;
use hickory_server::server::Request;
use hickory_server::zone_handler::MessageResponseBuilder;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};

/// Questions that wait for something (a leader, a recursor) at the same time; more are dropped.
const MAX_WAITING: usize = 4096;
/// Open TCP connections; more are closed at once.
const MAX_CONNECTIONS: usize = 1024;
/// Open TCP connections of one client address.
const MAX_CONNECTIONS_PER_CLIENT: usize = 128;
/// Time that a TCP client may stay silent.
const TCP_IDLE: Duration = Duration::from_secs(8);
/// Packets taken from a socket before other tasks get their turn.
const BATCH: usize = 64;
/// Bytes of a header.
const HEADER: usize = 12;

/// Binds all DNS addresses of the agent and serves them until `stop` is set.
pub fn open(agent: Agent, stop: watch::Receiver<bool>) -> Opening {
    Box::pin(async move {
        let addresses = agent.config().dns_addrs.clone();
        serve(AgentSource::new(agent), &addresses, stop).await
    })
}

/// Binds `addresses`, UDP and TCP, and serves them from `source` until `stop` is set.
///
/// # Errors
/// `listen udp ADDR: bind: address already in use` and the like.
pub async fn serve<S: Source>(
    source: S,
    addresses: &[SocketAddr],
    stop: watch::Receiver<bool>,
) -> Result<JoinHandle<()>> {
    let mut tasks = JoinSet::new();
    let waiting = Arc::new(Semaphore::new(MAX_WAITING));
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    for address in addresses {
        let failed = |network: &str, error: io::Error| {
            let reason = os_text(&error);
            Error::new(format!("listen {network} {address}: bind: {reason}"))
        };
        let udp = Arc::new(UdpSocket::bind(address).await.map_err(|error| failed("udp", error))?);
        let bound = udp.local_addr()?;
        let tcp = TcpListener::bind(bound).await.map_err(|error| failed("tcp", error))?;
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            tasks.spawn(udp_loop(udp.clone(), source.clone(), waiting.clone()));
        }
        tasks.spawn(tcp_loop(tcp, source.clone(), connections.clone()));
        for network in ["udp", "tcp"] {
            tracing::info!(target: "agent", address = %bound, network, "Started DNS server");
        }
    }
    Ok(tokio::spawn(until_stopped(tasks, stop)))
}

async fn until_stopped(mut tasks: JoinSet<()>, mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
    tasks.shutdown().await;
}

async fn udp_loop<S: Source>(socket: Arc<UdpSocket>, source: S, waiting: Arc<Semaphore>) {
    let mut buffer = vec![0; 65_535];
    loop {
        if socket.readable().await.is_err() {
            return;
        }
        for _ in 0..BATCH {
            let Ok((length, client)) = socket.try_recv_from(&mut buffer) else { break };
            let packet = buffer[..length].to_vec();
            let source = source.clone();
            let mut answer = Box::pin(async move { answer(&source, packet, client, Protocol::Udp).await });
            match futures::poll!(&mut answer) {
                Poll::Ready(Some(bytes)) => send(&socket, &bytes, client).await,
                Poll::Ready(None) => {}
                Poll::Pending => {
                    let Ok(permit) = waiting.clone().try_acquire_owned() else {
                        limits::DNS_WAITING.exceeded();
                        continue;
                    };
                    let socket = socket.clone();
                    tokio::spawn(async move {
                        if let Some(bytes) = answer.await {
                            send(&socket, &bytes, client).await;
                        }
                        drop(permit);
                    });
                }
            }
        }
        tokio::task::yield_now().await;
    }
}

async fn send(socket: &UdpSocket, bytes: &[u8], client: SocketAddr) {
    let sent = match socket.try_send_to(bytes, client) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => socket.send_to(bytes, client).await,
        sent => sent,
    };
    if let Err(error) = sent {
        tracing::warn!(target: "agent.dns", client = %client, error = %error, "failed to respond");
    }
}

async fn tcp_loop<S: Source>(listener: TcpListener, source: S, connections: Arc<Semaphore>) {
    let mut clients = JoinSet::new();
    let places = Places::default();
    loop {
        while clients.try_join_next().is_some() {}
        let Ok((stream, client)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        let place =
            connections.clone().try_acquire_owned().ok().zip(places.take(client.ip(), MAX_CONNECTIONS_PER_CLIENT));
        let Some(place) = place else {
            limits::DNS_CONNECTIONS.exceeded();
            continue;
        };
        let source = source.clone();
        clients.spawn(async move {
            if let Err(error) = tcp_client(stream, client, source).await {
                tracing::trace!(target: "agent.dns", client = %client, error = %error, "connection ended");
            }
            drop(place);
        });
    }
}

async fn tcp_client<S: Source>(mut stream: TcpStream, client: SocketAddr, source: S) -> io::Result<()> {
    stream.set_nodelay(true)?;
    loop {
        let length = in_time(stream.read_u16()).await?;
        let mut packet = vec![0; usize::from(length)];
        in_time(stream.read_exact(&mut packet)).await?;
        let Some(bytes) = answer(&source, packet, client, Protocol::Tcp).await else { return Ok(()) };
        let length = u16::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidData)?;
        let framed = [&length.to_be_bytes()[..], &bytes].concat();
        in_time(stream.write_all(&framed)).await?;
    }
}

/// What a client must do within its time.
async fn in_time<T>(step: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    match tokio::time::timeout(TCP_IDLE, step).await {
        Ok(done) => done,
        Err(_) => {
            limits::DNS_IDLE.exceeded();
            Err(io::ErrorKind::TimedOut.into())
        }
    }
}

/// The answer to a packet; `None` drops it.
pub(super) async fn answer<S: Source>(
    source: &S,
    packet: Vec<u8>,
    client: SocketAddr,
    protocol: Protocol,
) -> Option<Vec<u8>> {
    let started = Instant::now();
    if packet.len() < HEADER || packet[2] & 0x80 != 0 {
        return None;
    }
    if let Some(code) = refuse_header(&packet) {
        return Some(bare_header(&packet, code));
    }
    let Ok(request) = Request::from_bytes(packet, client, protocol) else { return None };
    let [question] = request.queries.queries() else {
        return Some(bare_header(request.as_slice(), ResponseCode::FormErr));
    };
    let name = question.original().name().clone();
    let text = name.to_ascii().trim_end_matches('.').to_owned();
    let client_ip = subnet(&request).map_or(client.ip(), |subnet| subnet.addr());
    let query = Query { name, text, kind: question.query_type(), edns: request.edns.is_some(), client: client_ip };
    let settings = source.settings();
    let udp = protocol == Protocol::Udp;
    let outcome = resolve::answer(source, &query).await;
    let bytes = match outcome {
        Outcome::Answer(mut reply) => {
            let limits = Limits {
                udp,
                edns: request.edns.as_ref().map(Edns::max_payload),
                udp_answers: settings.dns.udp_answer_limit,
                uncompressed: settings.dns.disable_compression,
            };
            reply.fit(&query.name, limits);
            if reply.cut {
                tracing::debug!(target: "agent.dns", question = %query.text, "DNS response too large, truncated");
            }
            encode(&request, &settings, &reply, true)
        }
        Outcome::Refused => refused(&request, &settings),
        Outcome::NotImplemented => encode(&request, &settings, &Reply::code(ResponseCode::NotImp), true),
        Outcome::Recurse => match recursor::forward(&settings, request.as_slice(), udp).await {
            Some(bytes) => Some(bytes),
            None => encode(&request, &settings, &Reply::code(ResponseCode::ServFail), false),
        },
    };
    tracing::debug!(
        target: "agent.dns",
        name = %query.text,
        r#type = %query.kind,
        class = "IN",
        latency = ?started.elapsed(),
        client = %client,
        client_network = if udp { "udp" } else { "tcp" },
        "request served from client"
    );
    bytes
}

/// What a header alone is refused with.
fn refuse_header(packet: &[u8]) -> Option<ResponseCode> {
    let count = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
    let opcode = packet[2] >> 3 & 15;
    if opcode != 0 && opcode != 4 {
        return Some(ResponseCode::NotImp);
    }
    (count(4) != 1 || count(6) > 1 || count(8) > 1 || count(10) > 2).then_some(ResponseCode::FormErr)
}

/// A header without sections: id, opcode and RD of the question.
fn bare_header(packet: &[u8], code: ResponseCode) -> Vec<u8> {
    let mut header = vec![0; HEADER];
    header[..2].copy_from_slice(&packet[..2]);
    header[2] = 0x80 | packet[2] & 0x79;
    header[3] = code.low();
    header
}

fn refused(request: &Request, settings: &Settings) -> Option<Vec<u8>> {
    let mut metadata = Metadata::response_from_request(&request.metadata);
    metadata.response_code = ResponseCode::Refused;
    emit(request, settings, metadata, &Reply::default(), None)
}

fn encode(request: &Request, settings: &Settings, reply: &Reply, authoritative: bool) -> Option<Vec<u8>> {
    let mut metadata = Metadata::response_from_request(&request.metadata);
    metadata.authoritative = authoritative;
    metadata.recursion_available = !settings.recursors.is_empty();
    metadata.response_code = reply.code;
    metadata.truncation = reply.cut && settings.dns.enable_truncate;
    let scoped = reply.for_subnet && reply.code == ResponseCode::NoError;
    let edns = request.edns.as_ref().map(|edns| echo(edns, scoped));
    emit(request, settings, metadata, reply, edns.as_ref())
}

/// The subnet that the client says it asks for.
fn subnet(request: &Request) -> Option<&ClientSubnet> {
    match request.edns.as_ref()?.option(EdnsCode::Subnet)? {
        EdnsOption::Subnet(subnet) => Some(subnet),
        _ => None,
    }
}

/// The client's size, and its subnet: with scope 0, or `scoped` to all of it.
fn echo(edns: &Edns, scoped: bool) -> Edns {
    let mut answer = Edns::new();
    answer.set_max_payload(edns.max_payload());
    if let Some(EdnsOption::Subnet(subnet)) = edns.option(EdnsCode::Subnet) {
        let scope = if scoped { subnet.source_prefix() } else { 0 };
        let subnet = ClientSubnet::new(subnet.addr(), subnet.source_prefix(), scope);
        answer.options_mut().insert(EdnsOption::Subnet(subnet));
    }
    answer
}

fn emit(
    request: &Request,
    settings: &Settings,
    metadata: Metadata,
    reply: &Reply,
    edns: Option<&Edns>,
) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(512);
    let mut encoder = BinEncoder::new(&mut bytes);
    if settings.dns.disable_compression {
        encoder.set_name_encoding(NameEncoding::Uncompressed);
    }
    let builder = MessageResponseBuilder::new(&request.queries, edns);
    let response = builder.build(metadata, &reply.answers, &reply.authorities, [], &reply.additionals);
    match response.destructive_emit(&mut encoder) {
        Ok(_) => Some(bytes),
        Err(error) => {
            tracing::error!(target: "agent.dns", error = %error, "the answer could not be encoded");
            None
        }
    }
}
