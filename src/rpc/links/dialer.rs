//! The dialing side of a link.

use super::wire::{FRAME_HEAD, Identity, Kind, Messages, greet, put_message, read_block, write_block};
use crate::rpc::connections::{ConnectionSettings, dial};
use crate::rpc::security::AnyStream;
use ahash::AHashMap;
use bytes::{Bytes, BytesMut};
use parking_lot::Mutex;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::lookup_host;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout};

/// Messages that wait to be written.
const QUEUE: usize = 256;

/// Bytes of messages that are written at once.
const BATCH: usize = 256 << 10;

/// More patience with a silent server for each MiB that is under way.
const PER_MIB: Duration = Duration::from_secs(1);

/// Longest wait for a sign of progress of a server that receives a snapshot.
const NO_PROGRESS: Duration = Duration::from_secs(15);

/// Bytes of a snapshot in one chunk.
const CHUNK: usize = 256 << 10;

/// When silence is noticed.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// A server that answers nothing for this long is asked for a sign of life.
    pub ping: Duration,
    /// Without a sign of life for this long the connection is given up: after a cut in the network a new one works long
    /// before the old one does.
    pub dead: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience { ping: Duration::from_secs(1), dead: Duration::from_secs(5) }
    }
}

type Waiting = oneshot::Sender<Bytes>;

/// A link to one server at one address.
pub struct Link {
    address: String,
    shared: Arc<Shared>,
    queue: mpsc::Sender<(u64, Bytes)>,
    numbers: AtomicU64,
}

/// What the link and those who use it share.
pub struct Shared {
    /// Who waits for an answer; `None` when the link has ended.
    waiting: Mutex<AHashMap<u64, Waiting>>,
    /// Why the link has ended.
    reason: Mutex<Option<String>>,
    alive: AtomicBool,
    /// Milliseconds from `start` to the first message since the last sign of life, plus one; 0 when there was none.
    asked: AtomicU64,
    /// Bytes of messages that are not answered.
    under_way: AtomicU64,
    start: Instant,
}

/// Takes back what a call left behind, answered or not.
struct Call<'a> {
    shared: &'a Shared,
    number: u64,
    bytes: u64,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.shared.waiting.lock().remove(&self.number);
        self.shared.under_way.fetch_sub(self.bytes, Relaxed);
    }
}

impl Link {
    /// A link over a connection that is being made; `failed` is told when that is in vain.
    pub fn start(
        id: String,
        address: String,
        patience: Patience,
        connecting: impl Future<Output = io::Result<AnyStream>> + Send + 'static,
        failed: impl FnOnce(&Shared, String) + Send + 'static,
    ) -> Link {
        let (queue, messages) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            waiting: Mutex::default(),
            reason: Mutex::default(),
            alive: AtomicBool::new(true),
            asked: AtomicU64::new(0),
            under_way: AtomicU64::new(0),
            start: Instant::now(),
        });
        let link = Link { address: address.clone(), shared: shared.clone(), queue, numbers: AtomicU64::new(1) };
        tokio::spawn(async move {
            let reason = match connecting.await {
                Ok(stream) => shared.run(stream, messages, patience).await.to_string(),
                Err(error) => {
                    failed(&shared, error.to_string());
                    error.to_string()
                }
            };
            tracing::debug!(target: "agent.server.raft", "link to server {id} at {address} ended: error={reason}");
            shared.end(reason);
        });
        link
    }

    /// `ip:port` or `host:port`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// It may still be used.
    pub fn is_alive(&self) -> bool {
        self.shared.alive.load(Relaxed)
    }

    /// Whether this is the link of that state.
    pub fn is(link: &Link, shared: &Shared) -> bool {
        std::ptr::eq(&*link.shared, shared)
    }

    /// Sends a message and waits for its answer.
    pub async fn call(&self, request: Bytes) -> io::Result<Bytes> {
        let (answer, answered) = oneshot::channel();
        let (number, bytes) = (self.numbers.fetch_add(1, Relaxed), (FRAME_HEAD + request.len()) as u64);
        self.shared.under_way.fetch_add(bytes, Relaxed);
        let _call = Call { shared: &self.shared, number, bytes };
        self.shared.waiting.lock().insert(number, answer);
        let sent = self.queue.send((number, request)).await;
        if sent.is_err() || !self.is_alive() {
            return Err(self.shared.error());
        }
        answered.await.map_err(|_| self.shared.error())
    }
}

impl Shared {
    fn error(&self) -> io::Error {
        let reason = self.reason.lock().clone();
        io::Error::new(ErrorKind::NotConnected, reason.unwrap_or_else(|| "link closed".into()))
    }

    fn end(&self, reason: String) {
        *self.reason.lock() = Some(reason);
        self.alive.store(false, Relaxed);
        self.waiting.lock().clear();
    }

    fn heard(&self) {
        self.asked.store(0, Relaxed);
    }

    fn asks(&self) {
        let now = self.start.elapsed().as_millis() as u64 + 1;
        let _ = self.asked.compare_exchange(0, now, Relaxed, Relaxed);
    }

    /// How long the server has left us without a sign of life.
    fn silence(&self) -> Duration {
        match self.asked.load(Relaxed) {
            0 => Duration::ZERO,
            at => self.start.elapsed().saturating_sub(Duration::from_millis(at - 1)),
        }
    }

    /// Carries messages until the connection or the link ends.
    async fn run(&self, stream: AnyStream, messages: mpsc::Receiver<(u64, Bytes)>, patience: Patience) -> io::Error {
        let (reader, writer) = split(stream);
        let ping = tokio::sync::Notify::new();
        self.heard();
        tokio::select! {
            error = self.write(writer, messages, &ping) => error,
            error = self.read(reader) => error,
            error = self.watch(&ping, patience) => error,
        }
    }

    async fn write(
        &self,
        mut writer: WriteHalf<AnyStream>,
        mut messages: mpsc::Receiver<(u64, Bytes)>,
        ping: &tokio::sync::Notify,
    ) -> io::Error {
        let mut out = BytesMut::new();
        loop {
            tokio::select! {
                message = messages.recv() => {
                    let Some((number, payload)) = message else { return io::Error::other("no longer used") };
                    put_message(&mut out, number, &payload);
                    while out.len() < BATCH && let Ok((number, payload)) = messages.try_recv() {
                        put_message(&mut out, number, &payload);
                    }
                }
                () = ping.notified() => put_message(&mut out, 0, &[]),
            }
            self.asks();
            while !out.is_empty() {
                match writer.write_buf(&mut out).await {
                    Ok(0) => return ErrorKind::WriteZero.into(),
                    Ok(_) => {}
                    Err(error) => return error,
                }
            }
            if let Err(error) = writer.flush().await {
                return error;
            }
        }
    }

    async fn read(&self, reader: ReadHalf<AnyStream>) -> io::Error {
        let mut messages = Messages::new(reader);
        loop {
            match messages.next().await {
                Ok(Some((number, payload))) => {
                    self.heard();
                    if let Some(waiting) = self.waiting.lock().remove(&number) {
                        let _ = waiting.send(payload);
                    }
                }
                Ok(None) => return ErrorKind::UnexpectedEof.into(),
                Err(error) => return error,
            }
        }
    }

    /// Asks a silent server for a sign of life, and gives up on a dead one.
    async fn watch(&self, ping: &tokio::sync::Notify, patience: Patience) -> io::Error {
        loop {
            let silence = self.silence();
            if silence >= patience.dead + PER_MIB * (self.under_way.load(Relaxed) >> 20) as u32 {
                return ErrorKind::TimedOut.into();
            }
            if !silence.is_zero() || !self.waiting.lock().is_empty() {
                ping.notify_one();
            }
            sleep(patience.ping).await;
        }
    }
}

/// Dials a server and makes sure that it is the one.
pub async fn connect(
    settings: &ConnectionSettings,
    own: &Identity,
    kind: Kind,
    id: &str,
    address: &str,
) -> io::Result<AnyStream> {
    let not_connected = |text: String| io::Error::new(ErrorKind::NotConnected, text);
    let limit = settings.dial_timeout;
    let greeted = async {
        let found: SocketAddr = match address.parse() {
            Ok(address) => address,
            Err(_) => {
                lookup_host(address).await?.next().ok_or_else(|| not_connected(format!("no address of {address}")))?
            }
        };
        let mut stream = dial(settings, &found.into()).await.map_err(not_connected)?;
        greet(&mut stream, kind, id, own).await?;
        Ok(stream)
    };
    timeout(2 * limit, greeted).await.unwrap_or_else(|_| Err(not_connected(format!("server {id} does not answer"))))
}

/// Sends a snapshot over a connection of its own and returns the answer.
pub async fn send_snapshot(
    settings: &ConnectionSettings,
    own: &Identity,
    id: &str,
    address: &str,
    header: Bytes,
    archive: File,
) -> io::Result<Bytes> {
    let stream = connect(settings, own, Kind::Snapshot, id, address).await?;
    let (mut reader, mut writer) = split(stream);
    let mut archive = tokio::fs::File::from_std(archive);
    archive.set_max_buf_size(CHUNK);
    let send = async {
        write_block(&mut writer, &header).await?;
        let mut chunk = vec![0; CHUNK];
        loop {
            let read = archive.read(&mut chunk).await?;
            write_block(&mut writer, &chunk[..read]).await?;
            if read == 0 {
                writer.flush().await?;
                return Ok(());
            }
        }
    };
    let receive = async {
        loop {
            match timeout(NO_PROGRESS, reader.read_u8()).await.map_err(|_| ErrorKind::TimedOut)?? {
                0 => return read_block(&mut reader).await,
                _ => continue,
            }
        }
    };
    tokio::pin!(send, receive);
    // a server that cannot store it says so before all is sent
    tokio::select! {
        answer = &mut receive => answer,
        sent = &mut send => {
            let sent: io::Result<()> = sent;
            match (sent, receive.await) {
                (_, Ok(answer)) => Ok(answer),
                (Err(error), Err(_)) | (Ok(()), Err(error)) => Err(error),
            }
        }
    }
}
