//! Many streams over one connection (`spec/rpc.md` 3): a session has a driver that reads and writes frames, and streams that
//! are read and written like sockets.
//!
//! All state of a session stands behind one lock that is held for moments only. Frames of all streams collect in one buffer
//! which the driver writes at once, so that many small calls share a system call.

mod frame;
pub(super) mod fuzz;
mod state;
#[cfg(test)]
mod tests;

use crate::telemetry::limits as exceeded;
use bytes::BytesMut;
use frame::{Kind, SYN};
use parking_lot::Mutex;
use state::State;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// Bytes that a sender may have under way per stream and direction.
const WINDOW: u32 = 256 << 10;

/// Bytes read from the connection at once.
const READ: usize = 32 << 10;

/// A written buffer that grew beyond this is given back.
const KEPT_OUT: usize = 512 << 10;

/// All frames that were taken up together may take so many times the patience.
const WRITES: u32 = 6;

/// Limits of a session.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Streams of the peer that wait to be taken up, and streams of ours that wait for an answer.
    pub backlog: usize,
    /// Streams at once.
    pub streams: usize,
    /// Time between two pings.
    pub ping: Duration,
    /// Longest wait for the answer to a ping, and for a blocked write.
    pub patience: Duration,
    /// Received bytes of all streams together that nobody has read; with more, nothing is read from the connection.
    pub unread: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            backlog: 256,
            streams: 32 << 10,
            ping: Duration::from_secs(30),
            patience: Duration::from_secs(10),
            unread: 32 << 20,
        }
    }
}

/// Why there is no session, or no stream, any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Ended {
    /// The connection ended.
    #[error("EOF")]
    Eof,
    /// This side closed the session.
    #[error("session shutdown")]
    Shutdown,
    /// The peer broke the rules.
    #[error("session shutdown: protocol error")]
    Confused,
    /// A ping was not answered.
    #[error("session shutdown: keepalive timeout")]
    Silent,
    /// A write was blocked too long.
    #[error("session shutdown: connection write timeout")]
    Blocked,
    /// The peer aborted the stream.
    #[error("stream reset")]
    Reset,
    /// There are no more streams to be had.
    #[error("session shutdown: no more streams")]
    Exhausted,
}

impl From<Ended> for io::Error {
    fn from(ended: Ended) -> io::Error {
        let kind = if ended == Ended::Eof { io::ErrorKind::UnexpectedEof } else { io::ErrorKind::ConnectionAborted };
        io::Error::new(kind, ended)
    }
}

struct Shared {
    state: Mutex<State>,
    /// Frames wait to be written.
    out: Notify,
    /// Streams of the peer wait.
    incoming: Notify,
    /// Streams of ours were answered.
    answered: Notify,
    /// A ping was answered.
    pong: Notify,
    /// Someone closes the session.
    close: Notify,
    /// Streams were read, and the connection may be read again.
    drained: Notify,
}

impl Shared {
    /// Changes the state and tells the driver about new frames.
    fn with<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let (result, news, drained) = {
            let mut state = self.state.lock();
            let before = state.has_out();
            let result = change(&mut state);
            (result, !before && state.has_out(), state.resumes())
        };
        if news {
            self.out.notify_one();
        }
        if drained {
            self.drained.notify_one();
        }
        result
    }

    fn end(&self, reason: Ended) {
        self.state.lock().end(reason);
        self.incoming.notify_waiters();
        self.incoming.notify_one();
        self.answered.notify_waiters();
    }
}

/// One side of a session.
#[derive(Clone)]
pub struct Session(Arc<Shared>);

impl Session {
    /// The connecting side, and the driver that must run for anything to happen.
    pub fn client<T>(io: T, limits: Limits) -> (Session, impl Future<Output = Ended> + Send)
    where
        T: AsyncRead + AsyncWrite + Send + Unpin,
    {
        Session::new(io, true, limits)
    }

    /// The accepting side, and its driver.
    pub fn server<T>(io: T, limits: Limits) -> (Session, impl Future<Output = Ended> + Send)
    where
        T: AsyncRead + AsyncWrite + Send + Unpin,
    {
        Session::new(io, false, limits)
    }

    fn new<T>(io: T, client: bool, limits: Limits) -> (Session, impl Future<Output = Ended> + Send)
    where
        T: AsyncRead + AsyncWrite + Send + Unpin,
    {
        let shared = Arc::new(Shared {
            state: Mutex::new(State::new(client, limits)),
            out: Notify::new(),
            incoming: Notify::new(),
            answered: Notify::new(),
            pong: Notify::new(),
            close: Notify::new(),
            drained: Notify::new(),
        });
        (Session(shared.clone()), drive(io, EndOnDrop(shared), limits))
    }

    /// Opens a stream; waits while too many are unanswered.
    ///
    /// # Errors
    /// The session has ended or takes no more streams.
    pub async fn open(&self) -> Result<Stream, Ended> {
        loop {
            let answered = self.0.answered.notified();
            if let Some(id) = self.0.with(State::open)? {
                return Ok(Stream { shared: self.0.clone(), id });
            }
            answered.await;
        }
    }

    /// Takes up the next stream of the peer; `None` when the session has ended.
    pub async fn accept(&self) -> Option<Stream> {
        loop {
            let (id, ended) = self.0.with(|state| (state.accept(), state.ended.is_some()));
            match id {
                Some(id) => return Some(Stream { shared: self.0.clone(), id }),
                None if ended => return None,
                None => self.0.incoming.notified().await,
            }
        }
    }

    /// Why the session has ended, if it has.
    pub fn ended(&self) -> Option<Ended> {
        self.0.state.lock().ended
    }

    /// Ends the session and its connection.
    pub fn close(&self) {
        self.0.end(Ended::Shutdown);
        self.0.close.notify_one();
    }
}

/// Whatever happens to the driver, nobody waits for it for ever.
struct EndOnDrop(Arc<Shared>);

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        self.0.end(Ended::Shutdown);
    }
}

async fn drive<T: AsyncRead + AsyncWrite + Send + Unpin>(io: T, shared: EndOnDrop, limits: Limits) -> Ended {
    let shared = &*shared.0;
    let (mut reader, mut writer) = tokio::io::split(io);
    let reason = tokio::select! {
        reason = read(&mut reader, shared) => reason,
        reason = write(&mut writer, shared, limits.patience) => reason,
        reason = keep_alive(shared, limits) => reason,
        () = shared.close.notified() => Ended::Shutdown,
    };
    shared.end(reason);
    let _ = timeout(limits.patience, writer.shutdown()).await;
    reason
}

async fn read<R: AsyncRead + Unpin>(reader: &mut R, shared: &Shared) -> Ended {
    let mut input = BytesMut::with_capacity(READ);
    loop {
        while shared.state.lock().pauses() {
            shared.drained.notified().await;
        }
        input.reserve(READ);
        match reader.read_buf(&mut input).await {
            Ok(0) | Err(_) => return Ended::Eof,
            Ok(_) => {}
        }
        match shared.with(|state| state.receive(&mut input)) {
            Ok(news) => {
                if news.incoming {
                    shared.incoming.notify_one();
                }
                if news.answered {
                    shared.answered.notify_waiters();
                }
                if news.pong {
                    shared.pong.notify_one();
                }
            }
            Err(reason) => return reason,
        }
    }
}

async fn write<W: AsyncWrite + Unpin>(writer: &mut W, shared: &Shared, patience: Duration) -> Ended {
    let mut out = BytesMut::new();
    loop {
        shared.state.lock().take_out(&mut out);
        if out.is_empty() {
            shared.out.notified().await;
            continue;
        }
        // a peer that takes a byte now and then is blocked as well
        let deadline = Instant::now() + WRITES * patience;
        while !out.is_empty() {
            match timeout_at(deadline.min(Instant::now() + patience), writer.write_buf(&mut out)).await {
                Ok(Ok(1..)) => {}
                Ok(_) => return Ended::Eof,
                Err(_) => {
                    exceeded::RPC_WRITE_TIME.exceeded();
                    return Ended::Blocked;
                }
            }
        }
        match timeout(patience, writer.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Ended::Eof,
            Err(_) => return Ended::Blocked,
        }
        if out.capacity() > KEPT_OUT {
            out = BytesMut::new();
        }
        out.clear();
    }
}

async fn keep_alive(shared: &Shared, limits: Limits) -> Ended {
    let mut value = 0_u32;
    loop {
        sleep(limits.ping).await;
        shared.with(|state| state.queue(Kind::Ping, SYN, 0, value));
        value = value.wrapping_add(1);
        let answered = async {
            while shared.state.lock().pongs != value {
                shared.pong.notified().await;
            }
        };
        if timeout(limits.patience, answered).await.is_err() {
            return Ended::Silent;
        }
    }
}

/// One stream of a session. Dropping it before both sides have finished aborts it.
pub struct Stream {
    shared: Arc<Shared>,
    id: u32,
}

impl Stream {
    /// Completes when the peer has finished or aborted the stream, or the session has ended.
    pub fn gone(&self) -> impl Future<Output = ()> + Send + use<> {
        let (shared, id) = (self.shared.clone(), self.id);
        poll_fn(move |cx| shared.state.lock().poll_gone(id, cx))
    }

    /// True while another call may be made on it.
    pub fn is_idle(&self) -> bool {
        self.shared.state.lock().is_idle(self.id)
    }

    /// Says that nothing more will be written.
    pub fn finish(&self) {
        self.shared.with(|state| state.finish(self.id));
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.shared.with(|state| state.forget(self.id)) {
            self.shared.answered.notify_waiters();
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.shared.with(|state| state.poll_read(self.id, into, cx)).map_err(io::Error::from)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.shared.with(|state| state.poll_write(self.id, bytes, cx)).map_err(io::Error::from)
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.finish();
        Poll::Ready(Ok(()))
    }
}
