//! A pool of many members in one process, with its own clock and a network that loses, delays and parts.
//!
//! Shared by the scenarios beside it and by `benches/gossip_sim.rs`, which brings the names of the parent module.

use super::{Config, Delegate, Dial, Exchange, Node, Output, State, Swim, Time, Timing};
use bytes::Bytes;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

/// First retransmission of a lost connection request, and of lost data.
const SYN_RETRY: Duration = Duration::from_secs(1);
const DATA_RETRY: Duration = Duration::from_millis(200);

/// What one member noticed.
#[derive(Default)]
pub struct Witness {
    /// Members that it holds for dead or gone, with the time of each.
    pub gone: Vec<(Time, u32)>,
    /// Members that came up, itself included.
    pub joined: usize,
}

impl Delegate for Witness {
    fn meta(&self) -> Bytes {
        // As long as the tags of a usual client agent.
        Bytes::from_static(&[0xff; 120])
    }
    fn user_message(&mut self, _: Time, _: &[u8]) {}
    fn broadcasts(&mut self, _: Time, _: usize, _: usize) -> Vec<Bytes> {
        Vec::new()
    }
    fn local_state(&mut self, _: bool) -> Bytes {
        Bytes::new()
    }
    fn merge_state(&mut self, _: Time, _: &[u8], _: bool) {}
    fn joined(&mut self, _: Time, _: &Node) {
        self.joined += 1;
    }
    fn left(&mut self, now: Time, node: &Node) {
        self.gone.push((now, index_of(node.address)));
    }
    fn updated(&mut self, _: Time, _: &Node) {}
    fn conflict(&mut self, _: Time, _: &Node, _: &Node) {}
    fn admit(&self, _: &Node) -> Result<(), String> {
        Ok(())
    }
    fn admit_merge(&self, _: &[Node]) -> Result<(), String> {
        Ok(())
    }
    fn ack_payload(&self) -> Bytes {
        // As long as a coordinate.
        Bytes::from_static(&[1; 130])
    }
    fn ping_done(&mut self, _: Time, _: &Node, _: Duration, _: &[u8]) {}
}

pub struct Member {
    pub swim: Swim,
    pub witness: Witness,
    pub up: bool,
    /// Members of different sides do not hear each other.
    pub side: u8,
    /// Bytes sent in packets.
    pub packets: u64,
    /// Bytes sent in streams.
    pub streams: u64,
    scheduled: Time,
}

/// Something that is said in the log of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    /// A probe of ours failed.
    Suspects,
    /// A suspicion of ours became a death.
    Buries,
}

enum What {
    Tick(u32),
    Packet { to: u32, from: SocketAddr, bytes: Bytes },
    Request { to: u32, by: u32, exchange: Exchange, bytes: Vec<u8> },
    Reply { by: u32, from: SocketAddr, exchange: Exchange, bytes: Option<Vec<u8>> },
}

struct Event {
    at: Time,
    order: u64,
    what: What,
}

impl PartialEq for Event {
    fn eq(&self, other: &Self) -> bool {
        self.order == other.order
    }
}
impl Eq for Event {}
impl Ord for Event {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}
impl PartialOrd for Event {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

pub struct Pool {
    pub members: Vec<Member>,
    pub now: Time,
    /// Part of the packets that get lost, each way.
    pub loss: f64,
    /// Shortest and longest way of a packet.
    pub delay: (Duration, Duration),
    /// What members say about failures: when, who, whom.
    pub said: Vec<(Time, u32, Said, String)>,
    events: BinaryHeap<Reverse<Event>>,
    order: u64,
    rng: StdRng,
    config: fn(String, SocketAddr) -> Config,
}

pub fn address_of(index: u32) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::from(0x0a00_0000 + index), 8301))
}

pub fn index_of(address: SocketAddr) -> u32 {
    match address {
        SocketAddr::V4(address) => u32::from(*address.ip()) - 0x0a00_0000,
        SocketAddr::V6(_) => unreachable!("all members are at IPv4 addresses"),
    }
}

pub fn name_of(index: u32) -> String {
    format!("node-{index:05}")
}

impl Pool {
    /// A pool of `n` members that do not know each other yet.
    pub fn strangers(n: usize, seed: u64, config: fn(String, SocketAddr) -> Config) -> Self {
        let mut pool = Pool {
            members: Vec::with_capacity(n),
            now: Duration::ZERO,
            loss: 0.0,
            delay: (Duration::from_micros(200), Duration::from_millis(2)),
            said: Vec::new(),
            events: BinaryHeap::new(),
            order: 0,
            rng: StdRng::seed_from_u64(seed),
            config,
        };
        for _ in 0..n {
            pool.add();
        }
        pool
    }

    /// A pool of `n` members who all know each other.
    pub fn acquainted(n: usize, seed: u64, config: fn(String, SocketAddr) -> Config) -> Self {
        let mut pool = Pool::strangers(n, seed, config);
        let nodes: Vec<Node> = pool.members.iter().map(|member| member.swim.local().clone()).collect();
        for member in &mut pool.members {
            for node in &nodes {
                member.swim.adopt(node.clone());
            }
        }
        pool
    }

    /// One more member, who knows nobody. Returns its index.
    pub fn add(&mut self) -> u32 {
        let index = self.members.len() as u32;
        let config = (self.config)(name_of(index), address_of(index));
        let mut witness = Witness::default();
        let swim = Swim::new(config, self.now, self.rng.random(), &mut witness);
        self.members.push(Member { swim, witness, up: true, side: 0, packets: 0, streams: 0, scheduled: Time::MAX });
        self.schedule(index);
        index
    }

    pub fn get(&self, index: u32) -> &Member {
        &self.members[index as usize]
    }

    fn get_mut(&mut self, index: u32) -> &mut Member {
        &mut self.members[index as usize]
    }

    /// Starts a join of `who` through `whom`.
    pub fn join(&mut self, who: u32, whom: u32) {
        let deadline = self.now + Duration::from_secs(10);
        self.dial(
            who,
            Dial { to: address_of(whom), name: None, exchange: Exchange::PushPull { join: true }, deadline },
        );
    }

    /// Lets time pass until `done` or `end`; true when done. `done` is asked after every step of `step`.
    pub fn until(&mut self, end: Time, step: Duration, mut done: impl FnMut(&Pool) -> bool) -> bool {
        while self.now < end {
            if done(self) {
                return true;
            }
            self.run((self.now + step).min(end));
        }
        done(self)
    }

    /// Lets time pass.
    pub fn run(&mut self, end: Time) {
        while let Some(Reverse(event)) = self.events.peek() {
            if event.at > end {
                break;
            }
            let Reverse(event) = self.events.pop().expect("peeked");
            self.now = event.at;
            self.handle(event);
        }
        self.now = end;
    }

    /// Everybody who is up holds exactly those who are up for alive.
    pub fn is_converged(&self) -> bool {
        let up = self.members.iter().filter(|member| member.up).count();
        let agrees = |member: &Member| {
            member.swim.live_count() == up
                && member
                    .swim
                    .members()
                    .filter(|node| !node.state.is_gone())
                    .all(|node| node.state == State::Alive && self.get(index_of(node.address)).up)
        };
        self.members.iter().filter(|member| member.up).all(agrees)
    }

    fn handle(&mut self, event: Event) {
        let now = self.now;
        match event.what {
            What::Tick(index) => {
                let member = self.get_mut(index);
                if member.scheduled != event.at || !member.up {
                    return;
                }
                member.scheduled = Time::MAX;
                member.swim.tick(now, &mut member.witness);
                self.after(index);
            }
            What::Packet { to, from, bytes } => {
                let member = self.get_mut(to);
                if member.up {
                    member.swim.packet(now, from, &bytes, &mut member.witness);
                    self.after(to);
                }
            }
            What::Request { to, by, exchange, bytes } => self.request(to, by, exchange, &bytes),
            What::Reply { by, from, exchange, bytes } => self.reply(by, from, &exchange, bytes),
        }
    }

    fn request(&mut self, to: u32, by: u32, exchange: Exchange, bytes: &[u8]) {
        let now = self.now;
        let member = self.get_mut(to);
        let mut reply = None;
        if member.up {
            let read = member.swim.layers().stream_reader(false).read(bytes);
            let message = read.map(|message| message.expect("requests arrive whole"));
            let answer = member.swim.accept_stream(now, address_of(by), message, &mut member.witness);
            reply = answer.reply.map(|reply| member.swim.layers().seal_stream(&reply, false));
            member.streams += reply.as_ref().map_or(0, |reply| reply.len() as u64);
            if let Some(state) = answer.merge {
                let _ = member.swim.merge(now, address_of(by), *state, &mut member.witness);
            }
            self.after(to);
        }
        let at = now + self.stream_way(DATA_RETRY);
        self.push(at, What::Reply { by, from: address_of(to), exchange, bytes: reply });
    }

    fn reply(&mut self, by: u32, from: SocketAddr, exchange: &Exchange, bytes: Option<Vec<u8>>) {
        let now = self.now;
        let member = self.get_mut(by);
        if !member.up || !exchange.has_reply() {
            return;
        }
        let reply = bytes.ok_or_else(|| "connection refused".to_owned()).and_then(|bytes| {
            let message = member.swim.layers().stream_reader(true).read(&bytes).map_err(|error| error.to_string());
            message.map(|message| message.expect("replies arrive whole"))
        });
        let _ = member.swim.stream_reply(now, from, exchange, reply, &mut member.witness);
        self.after(by);
    }

    /// Carries out what a member wants after it was called.
    fn after(&mut self, index: u32) {
        let outputs: Vec<Output> = self.get_mut(index).swim.outputs().collect();
        for output in outputs {
            match output {
                Output::Packet { to, bytes } => self.send(index, to, bytes),
                Output::Dial(dial) => self.dial(index, dial),
                Output::Log { text, .. } => self.listen(index, &text),
            }
        }
        self.schedule(index);
    }

    fn listen(&mut self, index: u32, text: &str) {
        for (begin, said) in [("memberlist: Suspect ", Said::Suspects), ("memberlist: Marking ", Said::Buries)] {
            if let Some(rest) = text.strip_prefix(begin) {
                let name = rest.split(' ').next().unwrap_or_default().to_owned();
                self.said.push((self.now, index, said, name));
            }
        }
    }

    fn schedule(&mut self, index: u32) {
        let member = self.get_mut(index);
        let at = member.swim.next_tick();
        if at < member.scheduled {
            member.scheduled = at;
            self.push(at, What::Tick(index));
        }
    }

    fn send(&mut self, index: u32, to: SocketAddr, bytes: Bytes) {
        let member = self.get_mut(index);
        member.packets += bytes.len() as u64;
        let to = index_of(to);
        if self.reaches(index, to) && !self.is_lost() {
            let at = self.now + self.way();
            self.push(at, What::Packet { to, from: address_of(index), bytes });
        }
    }

    /// Streams do not lose bytes, they become late; a stream that is too late has failed.
    fn dial(&mut self, by: u32, dial: Dial) {
        let to = index_of(dial.to);
        if !self.reaches(by, to) {
            return;
        }
        let connected = self.now + self.stream_way(SYN_RETRY) + self.way();
        let at = connected + self.stream_way(DATA_RETRY);
        if at > dial.deadline {
            return;
        }
        let member = self.get_mut(by);
        let request = member.swim.stream_request(&dial.exchange, &mut member.witness);
        let bytes = member.swim.layers().seal_stream(&request, true);
        member.streams += bytes.len() as u64;
        self.push(at, What::Request { to, by, exchange: dial.exchange, bytes });
    }

    fn reaches(&self, from: u32, to: u32) -> bool {
        self.members.get(to as usize).is_some_and(|member| member.side == self.get(from).side)
    }

    fn is_lost(&mut self) -> bool {
        self.loss > 0.0 && self.rng.random_bool(self.loss)
    }

    fn way(&mut self) -> Duration {
        let (short, long) = self.delay;
        self.rng.random_range(short..=long)
    }

    /// One way of a stream that is acknowledged: both ways may have to be tried again.
    fn stream_way(&mut self, retry: Duration) -> Duration {
        let (mut time, mut wait) = (self.way(), retry);
        while self.is_lost() || self.is_lost() {
            time += wait;
            wait *= 2;
        }
        time
    }

    fn push(&mut self, at: Time, what: What) {
        self.order += 1;
        self.events.push(Reverse(Event { at, order: self.order, what }));
    }
}

/// A LAN pool whose packets are not compressed: that costs time and is no part of what is simulated.
pub fn lan(name: String, address: SocketAddr) -> Config {
    Config { compression: false, ..Config::new(name, address, Timing::lan()) }
}
