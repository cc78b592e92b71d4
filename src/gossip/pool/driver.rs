//! The task that owns the core of a pool: packets, commands and time go in, and what the core wants is carried out.

use super::disk::Job;
use super::snapshot::Record;
use super::stream::Streams;
use super::{PoolState, Shared};
use crate::gossip::serf::message::QueryKey;
use crate::gossip::serf::{self, Answering, Event, IncomingQuery, Layer, QueryReply, Serf, Ticket};
use crate::gossip::swim::{self, BroadcastId, Dial, Exchange, Swim, Time};
use crate::gossip::wire::{Error as WireError, MAX_PACKET, PushPull, StreamMessage};
use crate::types::error::{Error, Result, os_text};
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

/// Commands that wait for the core.
pub(super) const MAX_COMMANDS: usize = 1024;
/// Packets and commands that are taken at one wakeup.
const BATCH: usize = 64;
/// Packets that wait for room in the socket's buffer; more are lost, as packets may be.
const MAX_UNSENT: usize = 1024;

/// Something to do with the core.
pub(super) type Command = Box<dyn FnOnce(&mut Driver) + Send>;

/// Reaches the task that owns the core.
#[derive(Clone)]
pub(super) struct Link(pub mpsc::Sender<Command>);

impl Link {
    /// Runs something in the core's task.
    ///
    /// # Errors
    /// The pool is shut down.
    pub async fn run<T: Send + 'static>(&self, job: impl FnOnce(&mut Driver) -> T + Send + 'static) -> Result<T> {
        let (done, result) = oneshot::channel();
        let command: Command = Box::new(move |driver| {
            // Whoever asked may have gone away.
            let _ = done.send(job(driver));
        });
        let gone = || Error::new("gossip pool is shut down");
        self.0.send(command).await.map_err(|_| gone())?;
        result.await.map_err(|_| gone())
    }
}

/// The core and everything around it that only its own task touches.
pub(super) struct Driver {
    pub swim: Swim,
    pub serf: Serf,
    pub start: Instant,
    pub socket: UdpSocket,
    pub streams: Streams,
    pub shared: Arc<Shared>,
    pub jobs: mpsc::Sender<Job>,
    pub replies: HashMap<QueryKey, mpsc::Sender<QueryReply>>,
    pub tickets: HashMap<Ticket, oneshot::Sender<()>>,
    pub updates: Vec<(BroadcastId, oneshot::Sender<()>)>,
    pub leaving: Option<oneshot::Sender<()>>,
    pub unsent: VecDeque<(SocketAddr, Bytes)>,
    pub recorded_clock: u64,
    pub lagging: bool,
    pub listener: tokio::task::AbortHandle,
}

impl Driver {
    /// Runs until the pool is shut down.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>) {
        let mut stopped = self.shared.state.subscribe();
        let mut buffer = vec![0; MAX_PACKET];
        loop {
            let wake = self.start + self.swim.next_tick().min(self.serf.next_tick());
            tokio::select! {
                command = commands.recv() => {
                    let Some(command) = command else { break };
                    command(&mut self);
                    for _ in 1..BATCH {
                        let Ok(command) = commands.try_recv() else { break };
                        command(&mut self);
                    }
                }
                ready = self.socket.readable() => self.receive(ready, &mut buffer),
                ready = self.socket.writable(), if !self.unsent.is_empty() => {
                    if ready.is_ok() {
                        self.send_rest();
                    }
                }
                () = sleep_until(wake) => {}
                stop = stopped.wait_for(|state| *state == PoolState::Shutdown) => {
                    drop(stop);
                    break;
                }
            }
            self.tick();
            self.flush();
        }
        self.listener.abort();
        self.shared.listeners.lock().clear();
    }

    /// The core's time.
    pub fn now(&self) -> Time {
        self.start.elapsed()
    }

    fn tick(&mut self) {
        let now = self.now();
        if now >= self.swim.next_tick() {
            self.swim.tick(now, &mut self.serf);
        }
        if now >= self.serf.next_tick() {
            self.serf.tick(now);
        }
    }

    fn receive(&mut self, ready: io::Result<()>, buffer: &mut [u8]) {
        if let Err(error) = ready {
            return self.log_packet_error("reading", &error);
        }
        for _ in 0..BATCH {
            match self.socket.try_recv_from(buffer) {
                Ok((len, from)) => {
                    let from = SocketAddr::new(from.ip().to_canonical(), from.port());
                    let now = self.now();
                    self.swim.packet(now, from, &buffer[..len], &mut self.serf);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) => return self.log_packet_error("reading", &error),
            }
        }
    }

    fn log_packet_error(&self, what: &str, error: &io::Error) {
        let text = format_args!("Error {what} UDP packet: {}", os_text(error));
        self.shared.config.log.error(Layer::Memberlist, text);
    }

    /// Carries out what the core wants and publishes what it knows.
    pub fn flush(&mut self) {
        if self.serf.take_changed() {
            self.shared.publish(self.serf.members().cloned().collect());
        }
        loop {
            let wanted: Vec<serf::Output> = self.serf.outputs().collect();
            let wired: Vec<swim::Output> = self.swim.outputs().collect();
            if wanted.is_empty() && wired.is_empty() {
                break;
            }
            wanted.into_iter().for_each(|output| self.carry_out(output));
            wired.into_iter().for_each(|output| self.transmit(output));
        }
        self.notify();
        self.publish_figures();
    }

    fn carry_out(&mut self, output: serf::Output) {
        match output {
            serf::Output::Send { to, message } => self.swim.send_user(to, &message),
            serf::Output::Event(event) => self.tell(event),
            serf::Output::Query(query) => {
                let query = self.incoming(query);
                self.tell(Event::Query(query));
            }
            serf::Output::Keys(operation, query) => {
                self.job(Job::Record(Record::QueryClock(query.key.0)));
                self.job(Job::Keys(operation, query));
            }
            serf::Output::Reply(key, reply) => {
                if let Some(replies) = self.replies.get(&key) {
                    // The asker has gone away or does not keep up with its own question.
                    let _ = replies.try_send(reply);
                }
            }
            serf::Output::QueryEnded(key) => drop(self.replies.remove(&key)),
            serf::Output::Sent(ticket) => {
                if let Some(waiting) = self.tickets.remove(&ticket) {
                    let _ = waiting.send(());
                }
            }
            serf::Output::Position { node, coordinate, own } => self.shared.place(node, coordinate, own),
            serf::Output::Reconnect(address) => {
                let streams = self.streams.clone();
                let default_port = self.shared.address.port();
                tokio::spawn(async move {
                    // The next round tries again.
                    let _ = super::join::join_one(&streams, &address, default_port).await;
                });
            }
            serf::Output::ConflictLost => drop(self.shared.state.send_replace(PoolState::Shutdown)),
        }
    }

    fn transmit(&mut self, output: swim::Output) {
        match output {
            swim::Output::Packet { to, bytes } => self.send(to, bytes),
            swim::Output::Dial(dial) => {
                let streams = self.streams.clone();
                tokio::spawn(async move {
                    // The core learns and logs how it ended.
                    let _ = streams.dial(dial).await;
                });
            }
            swim::Output::Log { level, text } => self.shared.config.log.say(level, &text),
        }
    }

    /// Sends at once, or as soon as the socket takes it.
    fn send(&mut self, to: SocketAddr, bytes: Bytes) {
        if !self.unsent.is_empty() {
            return self.send_later(to, bytes);
        }
        match self.socket.try_send_to(&bytes, self.reachable(to)) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.send_later(to, bytes),
            Err(error) => {
                let text = format_args!("Failed to send packet to {to}: {}", os_text(&error));
                self.shared.config.log.debug(Layer::Memberlist, text);
            }
        }
    }

    fn send_later(&mut self, to: SocketAddr, bytes: Bytes) {
        if self.unsent.len() < MAX_UNSENT {
            self.unsent.push_back((to, bytes));
        }
    }

    fn send_rest(&mut self) {
        while let Some((to, bytes)) = self.unsent.front() {
            match self.socket.try_send_to(bytes, self.reachable(*to)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // An error means this receiver only.
                _ => drop(self.unsent.pop_front()),
            }
        }
    }

    /// The address in the family of the socket.
    fn reachable(&self, to: SocketAddr) -> SocketAddr {
        match to.ip() {
            IpAddr::V4(ip) if self.shared.bound.is_ipv6() => SocketAddr::new(ip.to_ipv6_mapped().into(), to.port()),
            _ => to,
        }
    }

    /// Tells the listeners and the record.
    fn tell(&mut self, event: Event) {
        for record in Record::of(&event) {
            self.job(Job::Record(record));
        }
        let mut lost = false;
        self.shared.listeners.lock().retain(|listener| match listener.try_send(event.clone()) {
            Ok(()) => true,
            Err(mpsc::error::TrySendError::Full(_)) => {
                lost = true;
                true
            }
            Err(mpsc::error::TrySendError::Closed(_)) => false,
        });
        if lost && !self.lagging {
            let text = format_args!("a listener does not keep up: events are lost");
            self.shared.config.log.warn(Layer::Serf, text);
        }
        self.lagging = lost;
    }

    /// A query as listeners get it: answering it goes back to the core.
    fn incoming(&self, query: Answering) -> IncomingQuery {
        let deadline = Instant::now() + query.timeout;
        let (answered, link) = (AtomicBool::new(false), self.streams.link.clone());
        let Answering { key: (ltime, id), name, payload, source, to, timeout, .. } = query.clone();
        let answer = move |payload: Bytes| {
            let encoded = query.encode(payload).map_err(Error::new)?;
            if Instant::now() > deadline {
                return Err(Error::new("response is past the deadline"));
            }
            if answered.swap(true, Relaxed) {
                return Err(Error::new("response already sent"));
            }
            let query = query.clone();
            let command: Command = Box::new(move |driver| driver.answer(&query, encoded));
            link.0.try_send(command).map_err(|_| Error::new("gossip pool does not take answers"))
        };
        IncomingQuery { ltime, id, name, payload, source, source_address: to, timeout, answer: Arc::new(answer) }
    }

    /// Gives work to the disk. When the disk is far behind, records are lost; the next ones make up for it.
    pub fn job(&mut self, job: Job) {
        if self.jobs.try_send(job).is_err() {
            self.shared.config.log.warn(Layer::Serf, format_args!("the disk is behind: a record is lost"));
        }
    }

    /// Wakes those whose broadcast has been sent.
    fn notify(&mut self) {
        if self.leaving.is_some() && self.swim.is_leave_done() {
            self.leaving.take();
        }
        let swim = &self.swim;
        self.updates.retain(|(broadcast, _)| swim.is_queued(*broadcast));
    }

    fn publish_figures(&mut self) {
        let clocks = self.serf.clocks();
        let figures = &self.shared.figures;
        let resets = self.serf.coordinates().map_or(0, |client| client.resets());
        figures.store(clocks, self.serf.queue_lengths(), self.swim.health_score(), resets);
        let seen = clocks.member.saturating_sub(1);
        if seen > self.recorded_clock {
            self.recorded_clock = seen;
            self.job(Job::Record(Record::Clock(seen)));
        }
    }

    /// Sends the answer to a query.
    pub fn answer(&mut self, query: &Answering, encoded: Bytes) {
        self.serf.send_answer(query, encoded);
    }

    /// Gives the core the message of an accepted stream.
    pub fn accept_stream(
        &mut self,
        from: SocketAddr,
        message: std::result::Result<StreamMessage, WireError>,
    ) -> swim::Answer {
        let now = self.now();
        self.swim.accept_stream(now, from, message, &mut self.serf)
    }

    /// Merges the state of an accepted exchange.
    pub fn merge(&mut self, from: SocketAddr, state: PushPull) {
        let now = self.now();
        // The core logs a refusal.
        let _ = self.swim.merge(now, from, state, &mut self.serf);
    }

    /// What to write on a stream that we opened.
    pub fn stream_request(&mut self, exchange: &Exchange) -> Vec<u8> {
        self.swim.stream_request(exchange, &mut self.serf)
    }

    /// Gives the core the end of a stream that we opened.
    pub fn stream_reply(
        &mut self,
        to: SocketAddr,
        exchange: &Exchange,
        reply: std::result::Result<StreamMessage, String>,
    ) -> std::result::Result<(), String> {
        let now = self.now();
        self.swim.stream_reply(now, to, exchange, reply, &mut self.serf)
    }

    /// A join of the whole state with this address.
    pub fn join_dial(&self, to: SocketAddr, name: Option<&str>) -> Dial {
        let deadline = self.now() + self.swim.config().timing.stream_timeout;
        Dial { to, name: name.map(Arc::from), exchange: Exchange::PushPull { join: true }, deadline }
    }

    /// The receiver of what is told when the ticket's broadcast has been sent.
    pub fn wait_for(&mut self, ticket: Ticket) -> oneshot::Receiver<()> {
        let (done, waiting) = oneshot::channel();
        self.tickets.insert(ticket, done);
        waiting
    }
}
