//! The load generator: keep-alive connections, one request in flight each, a latency histogram.

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio_rustls::TlsConnector;

/// Latencies in buckets of 1/16 of a power of two, nanoseconds.
#[derive(Clone)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { buckets: vec![0; 64 * 16], count: 0 }
    }
}

impl Histogram {
    /// Counts one latency.
    pub fn record(&mut self, latency: Duration) {
        let nanos = (latency.as_nanos() as u64).max(16);
        let power = nanos.ilog2() as usize;
        let part = (nanos >> (power - 4)) as usize & 15;
        self.buckets[power * 16 + part] += 1;
        self.count += 1;
    }

    fn merge(&mut self, other: &Histogram) {
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.count += other.count;
    }

    /// The latency that `share` (0 to 1) of the requests did not exceed, milliseconds.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let wanted = (self.count as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted.max(1) {
                let (power, part) = (bucket / 16, bucket % 16);
                return ((16 + part as u64) << (power.max(4) - 4)) as f64 / 1e6;
            }
        }
        0.0
    }
}

/// Result of a load.
#[derive(Clone, Default)]
pub struct Outcome {
    /// Requests answered as expected, per second.
    pub per_second: f64,
    /// Latencies.
    pub latency: Histogram,
    /// Requests that failed.
    pub failures: u64,
}

/// Both directions of a connection, plain or TLS.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// One keep-alive HTTP connection.
pub struct Connection {
    stream: Box<dyn Duplex>,
    buffer: Vec<u8>,
}

impl Connection {
    /// Connects.
    pub async fn open(address: &str) -> std::io::Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream: Box::new(stream), buffer: Vec::with_capacity(16 << 10) })
    }

    /// Connects over TLS, if there is a configuration for it.
    async fn open_with(address: &str, tls: Option<&Arc<ClientConfig>>) -> std::io::Result<Connection> {
        let mut connection = Connection::open(address).await?;
        if let Some(config) = tls {
            let name = ServerName::try_from("bench").map_err(std::io::Error::other)?;
            connection.stream = Box::new(TlsConnector::from(config.clone()).connect(name, connection.stream).await?);
        }
        Ok(connection)
    }

    /// Sends a prepared request and reads the whole answer; returns the status and the index header.
    pub async fn exchange(&mut self, request: &[u8]) -> std::io::Result<(u16, u64)> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.buffer.clear();
        let broken = || std::io::Error::from(std::io::ErrorKind::InvalidData);
        let head_end = loop {
            if let Some(position) = find(&self.buffer, b"\r\n\r\n") {
                break position + 4;
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        };
        let head = std::str::from_utf8(&self.buffer[..head_end]).map_err(|_| broken())?;
        let status: u16 = head.get(9..12).and_then(|code| code.parse().ok()).ok_or_else(broken)?;
        let (mut length, mut chunked, mut index) = (0, false, 0);
        for line in head.split("\r\n").skip(1) {
            let Some((name, value)) = line.split_once(": ") else { continue };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().map_err(|_| broken())?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                chunked = true;
            } else if name.eq_ignore_ascii_case("x-consul-index") {
                index = value.trim().parse().unwrap_or(0);
            }
        }
        if chunked {
            self.read_chunks(head_end).await?;
        } else {
            while self.buffer.len() < head_end + length {
                if self.stream.read_buf(&mut self.buffer).await? == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
        Ok((status, index))
    }

    async fn read_chunks(&mut self, mut at: usize) -> std::io::Result<()> {
        loop {
            while find(&self.buffer[at..], b"\r\n").is_none() {
                if self.stream.read_buf(&mut self.buffer).await? == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
            }
            let line_end = at + find(&self.buffer[at..], b"\r\n").unwrap_or(0);
            let size = std::str::from_utf8(&self.buffer[at..line_end])
                .ok()
                .and_then(|text| usize::from_str_radix(text.trim(), 16).ok())
                .ok_or(std::io::ErrorKind::InvalidData)?;
            at = line_end + 2 + size + 2;
            while self.buffer.len() < at {
                if self.stream.read_buf(&mut self.buffer).await? == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
            }
            if size == 0 {
                return Ok(());
            }
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// The bytes of a request.
pub fn request(method: &str, target: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: bench\r\n").into_bytes();
    if !body.is_empty() {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}

/// Keeps `connections` busy for `duration`; `make` gives the request by connection and turn.
pub async fn http(
    address: &str,
    connections: usize,
    duration: Duration,
    make: impl Fn(usize, u64) -> Vec<u8> + Send + Sync + 'static,
) -> Outcome {
    http_over(None, address, connections, duration, make).await
}

/// [`http`] over TLS, if there is a configuration for it.
pub async fn http_over(
    tls: Option<Arc<ClientConfig>>,
    address: &str,
    connections: usize,
    duration: Duration,
    make: impl Fn(usize, u64) -> Vec<u8> + Send + Sync + 'static,
) -> Outcome {
    let make = Arc::new(make);
    let deadline = Instant::now() + duration;
    let tasks: Vec<_> = (0..connections)
        .map(|number| {
            let (address, make, tls) = (address.to_owned(), make.clone(), tls.clone());
            tokio::spawn(async move {
                let (mut latency, mut failures, mut turn) = (Histogram::default(), 0, 0);
                let mut connection = Connection::open_with(&address, tls.as_ref()).await.ok();
                while Instant::now() < deadline {
                    let bytes = make(number, turn);
                    turn += 1;
                    let sent = Instant::now();
                    let answer = match &mut connection {
                        Some(open) => open.exchange(&bytes).await,
                        None => Err(std::io::ErrorKind::NotConnected.into()),
                    };
                    match answer {
                        Ok((200, _)) => latency.record(sent.elapsed()),
                        Ok(_) => failures += 1,
                        Err(_) => {
                            failures += 1;
                            connection = Connection::open_with(&address, tls.as_ref()).await.ok();
                        }
                    }
                }
                (latency, failures)
            })
        })
        .collect();
    let mut outcome = Outcome::default();
    for task in tasks {
        if let Ok((latency, failures)) = task.await {
            outcome.latency.merge(&latency);
            outcome.failures += failures;
        }
    }
    outcome.per_second = outcome.latency.count as f64 / duration.as_secs_f64();
    outcome
}

/// Keeps `sockets` UDP sockets busy with one question each in flight.
pub async fn dns(address: &str, sockets: usize, duration: Duration, question: Vec<u8>) -> Outcome {
    let deadline = Instant::now() + duration;
    let local: SocketAddr = format!("{}:0", address.split(':').next().unwrap_or("127.0.0.1"))
        .parse()
        .unwrap_or_else(|_| SocketAddr::from(([127, 0, 0, 1], 0)));
    let lost = Arc::new(AtomicU64::new(0));
    let tasks: Vec<_> = (0..sockets)
        .map(|number| {
            let (address, mut question, lost) = (address.to_owned(), question.clone(), lost.clone());
            tokio::spawn(async move {
                let mut latency = Histogram::default();
                let Ok(socket) = UdpSocket::bind(local).await else { return latency };
                if socket.connect(&address).await.is_err() {
                    return latency;
                }
                let (mut buffer, mut id) = ([0; 4096], number as u16);
                while Instant::now() < deadline {
                    id = id.wrapping_add(1);
                    question[..2].copy_from_slice(&id.to_be_bytes());
                    let sent = Instant::now();
                    let answered = socket.send(&question).await.is_ok()
                        && tokio::time::timeout(Duration::from_secs(1), socket.recv(&mut buffer))
                            .await
                            .is_ok_and(|read| read.is_ok_and(|length| length > 12 && buffer[..2] == id.to_be_bytes()));
                    if answered && buffer[3] & 15 == 0 && buffer[7] > 0 {
                        latency.record(sent.elapsed());
                    } else {
                        lost.fetch_add(1, Ordering::Relaxed);
                    }
                }
                latency
            })
        })
        .collect();
    let mut outcome = Outcome::default();
    for task in tasks {
        if let Ok(latency) = task.await {
            outcome.latency.merge(&latency);
        }
    }
    outcome.failures = lost.load(Ordering::Relaxed);
    outcome.per_second = outcome.latency.count as f64 / duration.as_secs_f64();
    outcome
}

/// A DNS question with EDNS 1232.
pub fn dns_question(name: &str, kind: u16) -> Vec<u8> {
    let mut bytes = vec![0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    for label in name.split('.').filter(|label| !label.is_empty()) {
        bytes.push(label.len() as u8);
        bytes.extend_from_slice(label.as_bytes());
    }
    bytes.push(0);
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&[0, 1, 0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    bytes
}
