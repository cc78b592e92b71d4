//! What both ends of a session know: streams, windows, and the frames that wait to be written. No I/O here.

use super::frame::{ACK, FIN, HEADER, Header, Kind, RST, SYN};
use super::{Ended, Limits, WINDOW};
use crate::telemetry::limits as exceeded;
use ahash::AHashMap;
use bytes::{Buf, BytesMut};
use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

/// Bytes of frames that may wait before writers of streams have to wait.
const QUEUE: usize = 256 << 10;

/// Bytes of frames that may wait at all; a peer that asks and does not read gets there.
const QUEUE_LIMIT: usize = 4 << 20;

/// Largest payload of a frame that we write, so that streams take turns.
const FRAME: usize = 32 << 10;

/// A received buffer that grew beyond this is given back when it is empty.
const KEPT_BUFFER: usize = 16 << 10;

/// One stream.
#[derive(Default)]
pub struct Slot {
    received: BytesMut,
    /// Bytes the peer may still send.
    receive_window: u32,
    /// Bytes read since the last grant.
    consumed: u32,
    /// Bytes we may still send.
    send_window: u32,
    /// We opened it and the peer has not answered yet.
    unanswered: bool,
    /// The peer sent FIN.
    finished: bool,
    /// We sent FIN.
    closed: bool,
    /// The peer sent RST.
    reset: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
    watcher: Option<Waker>,
}

impl Slot {
    fn new(unanswered: bool) -> Slot {
        Slot { receive_window: WINDOW, send_window: WINDOW, unanswered, ..Slot::default() }
    }

    fn wake_all(&mut self) {
        [self.reader.take(), self.writer.take(), self.watcher.take()].into_iter().flatten().for_each(Waker::wake);
    }
}

/// The state of one side.
pub struct State {
    limits: Limits,
    streams: AHashMap<u32, Slot>,
    /// Id of the next stream that we open.
    next_id: u32,
    /// Streams of ours that the peer has not answered.
    unanswered: usize,
    /// Streams of the peer that nobody has taken up.
    incoming: VecDeque<u32>,
    /// Encoded frames.
    out: BytesMut,
    /// Writers of streams that wait until `out` is shorter.
    waiting: Vec<Waker>,
    /// Received bytes that nobody has read, of all streams.
    unread: usize,
    /// The connection is not read until [`Limits::unread`] is met again.
    paused: bool,
    /// Where payload that is being read belongs, and how much is to come.
    payload: (u32, usize),
    /// The peer wants no more streams.
    told_to_go: bool,
    /// Value of the last answered ping, plus one.
    pub pongs: u32,
    /// Why there is no session any more.
    pub ended: Option<Ended>,
}

/// What a batch of frames has brought, for those who wait.
#[derive(Clone, Copy, Default)]
pub struct News {
    /// Streams wait to be taken up.
    pub incoming: bool,
    /// A stream of ours was answered.
    pub answered: bool,
    /// A ping was answered.
    pub pong: bool,
}

impl State {
    pub fn new(client: bool, limits: Limits) -> State {
        State {
            limits,
            streams: AHashMap::new(),
            next_id: if client { 1 } else { 2 },
            unanswered: 0,
            incoming: VecDeque::new(),
            out: BytesMut::new(),
            waiting: Vec::new(),
            unread: 0,
            paused: false,
            payload: (0, 0),
            told_to_go: false,
            pongs: 0,
            ended: None,
        }
    }

    /// Appends a frame without payload.
    pub fn queue(&mut self, kind: Kind, flags: u16, stream: u32, length: u32) {
        self.out.extend_from_slice(&Header { kind, flags, stream, length }.encode());
    }

    /// Takes the frames that wait; `into` must be empty.
    pub fn take_out(&mut self, into: &mut BytesMut) {
        std::mem::swap(&mut self.out, into);
        self.waiting.drain(..).for_each(Waker::wake);
    }

    pub fn has_out(&self) -> bool {
        !self.out.is_empty()
    }

    /// Reads all frames in `input`; an unfinished header stays there.
    pub fn receive(&mut self, input: &mut BytesMut) -> Result<News, Ended> {
        let mut news = News::default();
        loop {
            if self.payload.1 > 0 {
                if input.is_empty() {
                    break;
                }
                let len = self.payload.1.min(input.len());
                self.deliver(self.payload.0, &input[..len]);
                input.advance(len);
                self.payload.1 -= len;
                continue;
            }
            let Some(bytes) = input.first_chunk::<HEADER>() else { break };
            let header = Header::decode(bytes).ok_or(Ended::Confused)?;
            input.advance(HEADER);
            match header.kind {
                Kind::Data | Kind::Window => self.stream_frame(header, &mut news)?,
                Kind::Ping if header.flags & SYN != 0 => self.queue(Kind::Ping, ACK, 0, header.length),
                Kind::Ping => {
                    self.pongs = header.length.wrapping_add(1);
                    news.pong = true;
                }
                Kind::GoAway => self.told_to_go = true,
            }
        }
        if self.out.len() > QUEUE_LIMIT {
            exceeded::RPC_SESSION_BYTES.exceeded();
            return Err(Ended::Blocked);
        }
        Ok(news)
    }

    fn deliver(&mut self, id: u32, payload: &[u8]) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        slot.received.extend_from_slice(payload);
        self.unread += payload.len();
        if let Some(reader) = slot.reader.take() {
            reader.wake();
        }
    }

    /// Whether the connection must not be read now.
    pub fn pauses(&mut self) -> bool {
        let full = self.unread > self.limits.unread && self.ended.is_none();
        if full && !self.paused {
            exceeded::RPC_SESSION_BYTES.exceeded();
        }
        self.paused = full;
        full
    }

    /// True once when the connection may be read again.
    pub fn resumes(&mut self) -> bool {
        let over = self.paused && (self.unread <= self.limits.unread || self.ended.is_some());
        self.paused &= !over;
        over
    }

    fn stream_frame(&mut self, header: Header, news: &mut News) -> Result<(), Ended> {
        let Header { kind, flags, stream: id, length } = header;
        if flags & SYN != 0 {
            self.opened_by_peer(id)?;
            news.incoming = true;
        }
        if kind == Kind::Data {
            self.payload = (id, length as usize);
        }
        let Some(slot) = self.streams.get_mut(&id) else { return Ok(()) };
        if flags & ACK != 0 && slot.unanswered {
            slot.unanswered = false;
            self.unanswered -= 1;
            news.answered = true;
        }
        match kind {
            Kind::Data => slot.receive_window = slot.receive_window.checked_sub(length).ok_or(Ended::Confused)?,
            _ => {
                slot.send_window = slot.send_window.saturating_add(length);
                if length > 0
                    && let Some(writer) = slot.writer.take()
                {
                    writer.wake();
                }
            }
        }
        slot.finished |= flags & FIN != 0;
        slot.reset |= flags & RST != 0;
        if flags & (FIN | RST) != 0 {
            if slot.unanswered {
                slot.unanswered = false;
                self.unanswered -= 1;
                news.answered = true;
            }
            slot.wake_all();
        }
        Ok(())
    }

    fn opened_by_peer(&mut self, id: u32) -> Result<(), Ended> {
        if id == 0 || id % 2 == self.next_id % 2 || self.streams.contains_key(&id) {
            return Err(Ended::Confused);
        }
        if self.incoming.len() >= self.limits.backlog || self.streams.len() >= self.limits.streams {
            exceeded::RPC_SESSION_STREAMS.exceeded();
            self.queue(Kind::Window, RST, id, 0);
            return Ok(());
        }
        self.streams.insert(id, Slot::new(false));
        self.incoming.push_back(id);
        Ok(())
    }

    /// Opens a stream; `None` while too many are unanswered.
    pub fn open(&mut self) -> Result<Option<u32>, Ended> {
        if let Some(ended) = self.ended {
            return Err(ended);
        }
        if self.told_to_go || self.next_id > u32::MAX - 2 {
            return Err(Ended::Exhausted);
        }
        if self.unanswered >= self.limits.backlog {
            return Ok(None);
        }
        let id = self.next_id;
        self.next_id += 2;
        self.unanswered += 1;
        self.streams.insert(id, Slot::new(true));
        self.queue(Kind::Window, SYN, id, 0);
        Ok(Some(id))
    }

    /// Takes up a stream of the peer.
    pub fn accept(&mut self) -> Option<u32> {
        let id = self.incoming.pop_front()?;
        self.queue(Kind::Window, ACK, id, 0);
        Some(id)
    }

    /// Forgets a stream whose owner is gone; frames for it are dropped from now on. True when it was unanswered.
    pub fn forget(&mut self, id: u32) -> bool {
        let Some(slot) = self.streams.remove(&id) else { return false };
        self.unanswered -= usize::from(slot.unanswered);
        self.unread -= slot.received.len();
        if self.ended.is_none() && !slot.reset && !slot.closed {
            self.queue(Kind::Window, if slot.finished { FIN } else { RST }, id, 0);
        }
        slot.unanswered
    }

    /// Moves received bytes to `into`; nothing at the end of the stream.
    pub fn poll_read(
        &mut self,
        id: u32,
        into: &mut tokio::io::ReadBuf<'_>,
        cx: &Context<'_>,
    ) -> Poll<Result<(), Ended>> {
        let ended = self.ended;
        let Some(slot) = self.streams.get_mut(&id) else { return Poll::Ready(Err(Ended::Shutdown)) };
        if slot.received.is_empty() {
            return match () {
                () if slot.reset => Poll::Ready(Err(Ended::Reset)),
                () if slot.finished => Poll::Ready(Ok(())),
                () => match ended {
                    Some(ended) => Poll::Ready(Err(ended)),
                    None => {
                        slot.reader = Some(cx.waker().clone());
                        Poll::Pending
                    }
                },
            };
        }
        let len = slot.received.len().min(into.remaining());
        into.put_slice(&slot.received[..len]);
        slot.received.advance(len);
        self.unread -= len;
        if slot.received.is_empty() && slot.received.capacity() > KEPT_BUFFER {
            slot.received = BytesMut::new();
        }
        slot.consumed += len as u32;
        if slot.consumed >= WINDOW / 2 && !slot.finished && !slot.reset && ended.is_none() {
            let grant = std::mem::take(&mut slot.consumed);
            slot.receive_window += grant;
            self.queue(Kind::Window, 0, id, grant);
        }
        Poll::Ready(Ok(()))
    }

    /// Appends as much as windows and the queue allow.
    pub fn poll_write(&mut self, id: u32, bytes: &[u8], cx: &Context<'_>) -> Poll<Result<usize, Ended>> {
        if let Some(ended) = self.ended {
            return Poll::Ready(Err(ended));
        }
        let full = self.out.len() >= QUEUE;
        let Some(slot) = self.streams.get_mut(&id) else { return Poll::Ready(Err(Ended::Shutdown)) };
        if slot.reset || slot.closed {
            return Poll::Ready(Err(if slot.reset { Ended::Reset } else { Ended::Shutdown }));
        }
        if slot.send_window == 0 {
            slot.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if full {
            self.waiting.push(cx.waker().clone());
            return Poll::Pending;
        }
        let len = bytes.len().min(FRAME).min(slot.send_window as usize);
        slot.send_window -= len as u32;
        self.out.reserve(HEADER + len);
        self.queue(Kind::Data, 0, id, len as u32);
        self.out.extend_from_slice(&bytes[..len]);
        Poll::Ready(Ok(len))
    }

    /// Says that nothing more will be written.
    pub fn finish(&mut self, id: u32) {
        let Some(slot) = self.streams.get_mut(&id) else { return };
        if !slot.closed && !slot.reset && self.ended.is_none() {
            slot.closed = true;
            self.queue(Kind::Window, FIN, id, 0);
        }
    }

    /// Ready when the peer has finished or aborted the stream, or the session has ended.
    pub fn poll_gone(&mut self, id: u32, cx: &Context<'_>) -> Poll<()> {
        let ended = self.ended.is_some();
        match self.streams.get_mut(&id) {
            Some(slot) if !slot.finished && !slot.reset && !ended => {
                slot.watcher = Some(cx.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    /// True while a call may be made on the stream: nothing came that nobody asked for, and nobody closed it.
    pub fn is_idle(&self, id: u32) -> bool {
        self.ended.is_none()
            && self
                .streams
                .get(&id)
                .is_some_and(|slot| slot.received.is_empty() && !slot.finished && !slot.reset && !slot.closed)
    }

    /// Ends the session; the first reason stays.
    pub fn end(&mut self, reason: Ended) {
        self.ended.get_or_insert(reason);
        self.streams.values_mut().for_each(Slot::wake_all);
        self.waiting.drain(..).for_each(Waker::wake);
    }
}
