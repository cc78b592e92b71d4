//! How long a connection may keep an agent waiting: between requests, for the headers of one, and for taking an answer.
//! Bodies have their own times, where they are read.

use crate::telemetry::limits;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// The times of a connection.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Without a request under way and without a byte.
    pub idle: Duration,
    /// From the first byte of a request to the end of its headers.
    pub head: Duration,
    /// In which nothing of an answer is taken.
    pub write: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            // longer than clients keep idle connections (90 s)
            idle: Duration::from_secs(120),
            head: Duration::from_secs(10),
            write: Duration::from_secs(30),
        }
    }
}

/// The requests of a connection.
#[derive(Debug, Default)]
pub struct Requests {
    begun: AtomicU64,
    under_way: AtomicUsize,
}

impl Requests {
    /// Notes a request that is under way until what this returns is dropped.
    pub fn begin(self: &Arc<Requests>) -> UnderWay {
        self.begun.fetch_add(1, Relaxed);
        self.under_way.fetch_add(1, Relaxed);
        UnderWay(self.clone())
    }
}

/// A request that is under way.
pub struct UnderWay(Arc<Requests>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Relaxed);
    }
}

/// What is waited for.
#[derive(Clone, Copy, PartialEq)]
enum Wait {
    /// The first byte of a request; so many had begun before.
    Request(u64),
    /// The rest of its headers.
    Head(u64),
}

/// A time that is moved more often than it is waited for.
#[derive(Default)]
struct Alarm {
    at: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl Alarm {
    fn set(&mut self, after: Duration) {
        self.at = Some(Instant::now() + after);
    }

    fn clear(&mut self) {
        self.at = None;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() > at {
            sleep.as_mut().reset(at);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= at {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(at);
        }
    }
}

/// The first bytes of HTTP/2, with which a connection announces it.
const HTTP2: &[u8] = b"PRI";

/// A stream that ends, or fails, when its client keeps it waiting.
pub struct Watched<S> {
    stream: S,
    patience: Patience,
    requests: Arc<Requests>,
    /// How much of [`HTTP2`] has come; none when something else has.
    announced: Option<usize>,
    wait: Option<Wait>,
    reading: Alarm,
    writing: Alarm,
}

impl<S> Watched<S> {
    /// Watches a stream whose requests are noted in `requests`.
    pub fn new(stream: S, patience: Patience, requests: Arc<Requests>) -> Watched<S> {
        Watched {
            stream,
            patience,
            requests,
            announced: Some(0),
            wait: None,
            reading: Alarm::default(),
            writing: Alarm::default(),
        }
    }

    /// Bytes have come.
    fn hear(&mut self, bytes: &[u8]) {
        if let Some(seen) = self.announced
            && seen < HTTP2.len()
        {
            let rest = &HTTP2[seen..];
            let fits = rest.iter().zip(bytes).all(|(expected, byte)| expected == byte);
            self.announced = fits.then(|| HTTP2.len().min(seen + bytes.len()));
            self.wait = None;
        }
        if self.announced == Some(HTTP2.len()) {
            // its frames need not be requests: only those keep a connection
            return;
        }
        let begun = self.requests.begun.load(Relaxed);
        if self.requests.under_way.load(Relaxed) > 0 {
            self.wait = None;
        } else if self.wait != Some(Wait::Head(begun)) {
            self.wait = Some(Wait::Head(begun));
            self.reading.set(self.patience.head);
        }
    }

    /// No bytes have come; ready when the patience is at its end.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<Wait> {
        if self.requests.under_way.load(Relaxed) > 0 {
            self.wait = None;
            self.reading.clear();
            return Poll::Pending;
        }
        let begun = self.requests.begun.load(Relaxed);
        let wait = match self.wait {
            Some(wait @ (Wait::Head(before) | Wait::Request(before))) if before == begun => wait,
            _ => {
                self.reading.set(self.patience.idle);
                Wait::Request(begun)
            }
        };
        self.wait = Some(wait);
        self.reading.poll(cx).map(|()| wait)
    }

    fn watch_write<T>(&mut self, cx: &mut Context<'_>, done: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if done.is_ready() {
            self.writing.clear();
            return done;
        }
        if self.writing.at.is_none() {
            self.writing.set(self.patience.write);
        }
        ready!(self.writing.poll(cx));
        limits::HTTP_WRITE_TIME.exceeded();
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = into.filled().len();
        match Pin::new(&mut this.stream).poll_read(cx, into) {
            Poll::Ready(Ok(())) => {
                if into.filled().len() > before {
                    this.hear(&into.filled()[before..]);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(failed) => Poll::Ready(failed),
            // an idle connection ends as if the client had closed it
            Poll::Pending => match ready!(this.poll_silence(cx)) {
                Wait::Request(_) => Poll::Ready(Ok(())),
                Wait::Head(_) => {
                    limits::HTTP_HEADER_TIME.exceeded();
                    Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
                }
            },
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.watch_write(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.watch_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        this.watch_write(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let ended = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.watch_write(cx, ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    const LONG: Duration = Duration::from_secs(3600);
    const SHORT: Duration = Duration::from_millis(20);

    fn watched(patience: Patience) -> (Watched<DuplexStream>, DuplexStream, Arc<Requests>) {
        let (here, there) = duplex(1000);
        let requests = Arc::new(Requests::default());
        (Watched::new(here, patience, requests.clone()), there, requests)
    }

    #[tokio::test]
    async fn headers_must_be_complete_in_time_and_bodies_are_not_their_business() {
        let (mut stream, mut client, requests) =
            watched(Patience { idle: LONG, head: Duration::from_millis(200), write: LONG });
        client.write_all(b"PUT ").await.expect("sent");
        let mut bytes = [0; 100];
        assert_eq!(stream.read(&mut bytes).await.expect("read"), 4);
        let request = requests.begin();
        let waiting = tokio::time::timeout(Duration::from_millis(500), stream.read(&mut bytes)).await;
        assert!(waiting.is_err(), "a request under way may pause");
        drop(request);
        client.write_all(b"G").await.expect("sent");
        assert_eq!(stream.read(&mut bytes).await.expect("read"), 1);
        client.write_all(b"E").await.expect("sent");
        assert_eq!(stream.read(&mut bytes).await.expect("read"), 1);
        let failed = stream.read(&mut bytes).await.expect_err("more bytes do not give more time");
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn an_idle_connection_ends_and_http2_is_idle_between_its_frames() {
        let (mut stream, client, _) = watched(Patience { idle: SHORT, head: LONG, write: LONG });
        assert_eq!(stream.read(&mut [0; 10]).await.expect("an end"), 0);
        drop(client);
        let (mut stream, mut client, _) = watched(Patience { idle: SHORT, head: LONG, write: LONG });
        for piece in [&b"P"[..], b"R", b"I * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
            client.write_all(piece).await.expect("sent");
            assert_eq!(stream.read(&mut [0; 100]).await.expect("read"), piece.len());
        }
        assert_eq!(stream.read(&mut [0; 10]).await.expect("an end"), 0);
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up() {
        let (mut stream, mut client, _) = watched(Patience { idle: LONG, head: LONG, write: SHORT });
        stream.write_all(&[0; 1000]).await.expect("there is room");
        client.read_exact(&mut [0; 500]).await.expect("read");
        stream.write_all(&[0; 500]).await.expect("there is room again");
        let failed = stream.write_all(&[0; 1]).await.expect_err("nothing is taken");
        assert_eq!(failed.kind(), io::ErrorKind::TimedOut);
    }
}
