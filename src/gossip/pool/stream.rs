//! Streams of a pool: those that others open, and those that the core wants opened (`spec/gossip.md` 2.9).

use super::driver::Link;
use crate::gossip::serf::{Layer, Logger};
use crate::gossip::swim::{Dial, Exchange, MAX_PUSH_PULLS};
use crate::gossip::wire::{Error as WireError, Layers, StreamMessage};
use crate::telemetry::limits;
use crate::types::error::os_text;
use crate::types::places::Places;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// Accepted streams that are read or answered at the same time; pings besides the push/pulls.
const MAX_STREAMS: usize = 2 * MAX_PUSH_PULLS;
/// Those of one source.
const MAX_STREAMS_PER_SOURCE: usize = 64;
/// Bytes that all accepted streams together may hold.
const MAX_BYTES: usize = 256 << 20;
/// Bytes that are read at a time.
const CHUNK: usize = 16 * 1024;
/// Pause after an error of the listener, which comes from want of files or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Time that the other side is given to take our last bytes.
const LINGER: Duration = Duration::from_secs(1);

/// What accepted streams share.
#[derive(Clone)]
pub(super) struct Streams {
    pub link: Link,
    pub layers: Layers,
    pub deadline: Duration,
    pub bound: SocketAddr,
    pub log: Logger,
}

impl Streams {
    /// Accepts streams for as long as it runs.
    pub async fn serve(self, listener: TcpListener) {
        let streams = Arc::new(Semaphore::new(MAX_STREAMS));
        let exchanges = Arc::new(Semaphore::new(MAX_PUSH_PULLS));
        let places = Places::default();
        let bytes = Arc::new(AtomicUsize::new(0));
        loop {
            let (stream, from) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    let text = os_text(&error);
                    self.log.error(Layer::Memberlist, format_args!("Error accepting TCP connection: {text}"));
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let permit = Arc::clone(&streams).try_acquire_owned().ok();
            let Some(place) = permit.zip(places.take(from.ip().to_canonical(), MAX_STREAMS_PER_SOURCE)) else {
                limits::GOSSIP_STREAMS.exceeded();
                self.log.warn(Layer::Memberlist, format_args!("Too many streams, refusing from={from}"));
                continue;
            };
            let (this, exchanges) = (self.clone(), Arc::clone(&exchanges));
            let mut held = Held { all: bytes.clone(), bytes: 0 };
            tokio::spawn(async move {
                let _place = place;
                let from = SocketAddr::new(from.ip().to_canonical(), from.port());
                // The stream is over either way, and the core has logged what was wrong with it.
                if timeout(this.deadline, this.answer(stream, from, &exchanges, &mut held)).await.is_err() {
                    limits::GOSSIP_STREAM_TIME.exceeded();
                }
            });
        }
    }

    async fn answer(&self, mut stream: TcpStream, from: SocketAddr, exchanges: &Semaphore, held: &mut Held) {
        let message = match read(&mut stream, &self.layers, Some(held)).await {
            Ok(message) => Ok(message),
            Err(Broken::Message(error)) => Err(error),
            Err(Broken::Stream(text)) => {
                let text = format_args!("failed to receive: {text} from={from}");
                return self.log.debug(Layer::Memberlist, text);
            }
        };
        let _turn = match &message {
            Ok(StreamMessage::PushPull(_)) => match exchanges.try_acquire() {
                Ok(turn) => Some(turn),
                Err(_) => {
                    let text = format_args!("Too many pending push/pull requests from={from}");
                    return self.log.error(Layer::Memberlist, text);
                }
            },
            _ => None,
        };
        let Ok(answer) = self.link.run(move |driver| driver.accept_stream(from, message)).await else { return };
        let answered = answer.reply.is_some();
        if let Some(reply) = answer.reply {
            let sealed = self.layers.seal_stream(&reply, false);
            if let Err(error) = write_last(&mut stream, &sealed).await {
                let text = format_args!("Failed to send local state: {} from={from}", os_text(&error));
                return self.log.error(Layer::Memberlist, text);
            }
        }
        if let Some(state) = answer.merge {
            // The core logs a refusal; a pool that shuts down merges no more.
            let _ = self.link.run(move |driver| driver.merge(from, *state)).await;
        }
        if answered {
            linger(&mut stream).await;
        }
    }

    /// Opens a stream, and hands what comes of it to the core. The error is one to tell a user.
    pub async fn dial(&self, dial: Dial) -> Result<(), String> {
        let Dial { to, exchange, .. } = dial;
        let deadline = Instant::now() + self.deadline;
        let reply = match timeout_at(deadline, self.connect(to)).await {
            Ok(Ok(stream)) => match timeout_at(deadline, self.exchange(stream, to, &exchange)).await {
                Ok(reply) => reply,
                Err(_) => Err(format!("read tcp {to}: i/o timeout")),
            },
            Ok(Err(error)) => Err(format!("dial tcp {to}: connect: {}", os_text(&error))),
            Err(_) => Err(format!("dial tcp {to}: i/o timeout")),
        };
        let reply = match reply {
            Ok(Some(message)) => Ok(message),
            Ok(None) => return Ok(()),
            Err(text) if exchange.has_reply() => Err(text),
            Err(text) => return Err(text),
        };
        self.link.run(move |driver| driver.stream_reply(to, &exchange, reply)).await.map_err(|error| error.text)?
    }

    /// Connects from the address that the pool is bound to, which is the one that others allow.
    async fn connect(&self, to: SocketAddr) -> io::Result<TcpStream> {
        let from = self.bound.ip();
        if from.is_unspecified() || from.is_ipv4() != to.is_ipv4() || from.is_loopback() != to.ip().is_loopback() {
            return TcpStream::connect(to).await;
        }
        let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        socket.bind(SocketAddr::new(from, 0))?;
        socket.connect(to).await
    }

    async fn exchange(
        &self,
        mut stream: TcpStream,
        to: SocketAddr,
        exchange: &Exchange,
    ) -> Result<Option<StreamMessage>, String> {
        let request = {
            let exchange = exchange.clone();
            self.link.run(move |driver| driver.stream_request(&exchange)).await.map_err(|error| error.text)?
        };
        let sealed = self.layers.seal_stream(&request, true);
        stream.write_all(&sealed).await.map_err(|error| format!("write tcp {to}: {}", os_text(&error)))?;
        if !exchange.has_reply() {
            stream.shutdown().await.map_err(|error| format!("write tcp {to}: {}", os_text(&error)))?;
            return Ok(None);
        }
        match read(&mut stream, &self.layers, None).await {
            Ok(message) => Ok(Some(message)),
            Err(Broken::Message(error)) => Err(error.to_string()),
            Err(Broken::Stream(text)) => Err(text),
        }
    }
}

enum Broken {
    Message(WireError),
    Stream(String),
}

/// What an accepted stream holds of the bytes of all of them; given back when dropped.
struct Held {
    all: Arc<AtomicUsize>,
    bytes: usize,
}

impl Held {
    fn hold(&mut self, more: usize) -> Result<(), Broken> {
        self.bytes += more;
        if self.all.fetch_add(more, Relaxed) + more > MAX_BYTES {
            limits::GOSSIP_STREAM_BYTES.exceeded();
            return Err(Broken::Stream("too many bytes in all streams together".into()));
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Relaxed);
    }
}

/// Reads one message. A stream that we opened holds as much as it may; one that was accepted also counts among all others.
async fn read(
    stream: &mut TcpStream,
    layers: &Layers,
    mut accepted: Option<&mut Held>,
) -> Result<StreamMessage, Broken> {
    let mut reader = layers.stream_reader(accepted.is_none());
    let mut chunk = vec![0; CHUNK];
    loop {
        let len = stream.read(&mut chunk).await.map_err(|error| Broken::Stream(os_text(&error)))?;
        if len == 0 {
            return Err(Broken::Stream("EOF".into()));
        }
        if let Some(held) = &mut accepted {
            held.hold(len)?;
        }
        if let Some(message) = reader.read(&chunk[..len]).map_err(Broken::Message)? {
            if let (Some(held), StreamMessage::PushPull(state)) = (accepted, &message) {
                // what was packed holds more than what came
                held.hold((state.rows_len() + state.user.len()).saturating_sub(held.bytes))?;
            }
            return Ok(message);
        }
    }
}

async fn write_last(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.shutdown().await
}

/// Waits a little for the other side to close: closing first, with bytes of it unread, would take back what was written.
async fn linger(stream: &mut TcpStream) {
    let end = Instant::now() + LINGER;
    let mut rest = [0; 1024];
    while let Ok(Ok(1..)) = timeout_at(end, stream.read(&mut rest)).await {}
}
