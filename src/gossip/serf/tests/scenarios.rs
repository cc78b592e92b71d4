//! Whole pools in one process: SWIM and Serf of many nodes over a network that loses packets, with a clock of its own.
//! Every run is decided by its seed.

use super::*;
use crate::gossip::swim::{self, Dial, Swim};
use rand::Rng;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

const LATENCY: Duration = Duration::from_millis(2);

struct Peer {
    swim: Swim,
    serf: Serf,
    told: Vec<String>,
    answers: BTreeSet<String>,
}

/// A packet on its way; ordered by arrival.
type Flight = Reverse<(Duration, u64, usize, usize, Vec<u8>)>;

struct Pool {
    now: Duration,
    peers: Vec<Peer>,
    flights: BinaryHeap<Flight>,
    sent: u64,
    loss: f64,
    rng: SmallRng,
    /// Group of each peer; packets stay inside.
    groups: Vec<u8>,
    silent: BTreeSet<usize>,
}

impl Pool {
    /// A pool whose nodes have all joined the first one.
    fn start(size: usize, loss: f64, seed: u64) -> Pool {
        let peers = (0..size).map(|number| Pool::peer(number, seed)).collect();
        let (flights, groups) = (BinaryHeap::new(), vec![0; size]);
        let rng = SmallRng::seed_from_u64(seed);
        let mut pool = Pool { now: SECOND, peers, flights, sent: 0, loss: 0.0, rng, groups, silent: BTreeSet::new() };
        for number in 1..size {
            pool.exchange(number, 0).unwrap();
            let now = pool.now;
            pool.peers[number].serf.announce_join(now);
            pool.carry_out(number);
        }
        pool.until("all know all", 60, |pool| {
            pool.peers.iter().all(|peer| peer.statuses() == vec![MemberStatus::Alive; size])
        });
        pool.loss = loss;
        pool
    }

    fn peer(number: usize, seed: u64) -> Peer {
        let (name, at) = (name(number), address(number as u16 + 1));
        let mut serf = Serf::new(Settings::new(&name, at), Clocks::default(), SECOND, seed + number as u64).unwrap();
        let config = swim::Config::new(name, at, swim::Timing::lan());
        let swim = Swim::new(config, SECOND, seed * 1000 + number as u64, &mut serf);
        Peer { swim, serf, told: Vec::new(), answers: BTreeSet::new() }
    }

    fn connected(&self, from: usize, to: usize) -> bool {
        self.groups[from] == self.groups[to] && !self.silent.contains(&from) && !self.silent.contains(&to)
    }

    /// Exchanges states, as a stream would.
    fn exchange(&mut self, from: usize, to: usize) -> Result<(), String> {
        let dial = swim::Exchange::PushPull { join: true };
        self.stream(from, to, &dial)
    }

    fn stream(&mut self, from: usize, to: usize, exchange: &swim::Exchange) -> Result<(), String> {
        let now = self.now;
        let connected = self.connected(from, to);
        let dialer = &mut self.peers[from];
        let request = dialer.swim.stream_request(exchange, &mut dialer.serf);
        let sealed = dialer.swim.layers().seal_stream(&request, true);
        let mut reply = Err("connection refused".to_owned());
        if connected {
            let peer = &mut self.peers[to];
            let message =
                peer.swim.layers().stream_reader(false).read(&sealed).map(|message| message.expect("complete"));
            let answer = peer.swim.accept_stream(now, address(from as u16 + 1), message, &mut peer.serf);
            if let Some(bytes) = answer.reply {
                let sealed = peer.swim.layers().seal_stream(&bytes, false);
                let mut reader = self.peers[from].swim.layers().stream_reader(true);
                reply =
                    reader.read(&sealed).map(|message| message.expect("complete")).map_err(|error| error.to_string());
            }
            if let Some(state) = answer.merge {
                let peer = &mut self.peers[to];
                peer.swim.merge(now, address(from as u16 + 1), *state, &mut peer.serf)?;
            }
            self.carry_out(to);
        }
        let dialer = &mut self.peers[from];
        let outcome = dialer.swim.stream_reply(now, address(to as u16 + 1), exchange, reply, &mut dialer.serf);
        self.carry_out(from);
        outcome
    }

    /// Does what a node wants done.
    fn carry_out(&mut self, number: usize) {
        loop {
            let peer = &mut self.peers[number];
            let wanted: Vec<Output> = peer.serf.outputs().collect();
            for output in &wanted {
                match output {
                    Output::Send { to, message } => peer.swim.send_user(*to, message),
                    Output::Query(query) => {
                        let encoded = query.encode(Bytes::from_static(b"here")).unwrap();
                        peer.serf.send_answer(query, encoded);
                    }
                    Output::Reply(_, QueryReply::Response { from, .. }) => drop(peer.answers.insert(from.clone())),
                    Output::Event(Event::User(event)) => peer.told.push(event.name.clone()),
                    _ => {}
                }
            }
            let wired: Vec<swim::Output> = peer.swim.outputs().collect();
            if wanted.is_empty() && wired.is_empty() {
                return;
            }
            for output in wired {
                match output {
                    swim::Output::Packet { to, bytes } => self.send(number, to, bytes.to_vec()),
                    swim::Output::Dial(Dial { to, exchange, .. }) => {
                        // What fails is tried again by the core.
                        let _ = self.stream(number, usize::from(to.port()) - 1, &exchange);
                    }
                    swim::Output::Log { .. } => {}
                }
            }
            for output in wanted {
                if let Output::Reconnect(address) = output {
                    let port: usize = address.rsplit(':').next().unwrap().parse().unwrap();
                    // The next round tries again.
                    let _ = self.exchange(number, port - 1);
                }
            }
        }
    }

    fn send(&mut self, from: usize, to: SocketAddr, bytes: Vec<u8>) {
        let to = usize::from(to.port()) - 1;
        self.sent += 1;
        if self.rng.random::<f64>() >= self.loss {
            self.flights.push(Reverse((self.now + LATENCY, self.sent, from, to, bytes)));
        }
    }

    /// The next thing that happens, and when.
    fn step(&mut self) {
        let tick = |peer: &Peer| peer.swim.next_tick().min(peer.serf.next_tick());
        let alive = (0..self.peers.len()).filter(|number| !self.silent.contains(number));
        let (number, due) =
            alive.map(|number| (number, tick(&self.peers[number]))).min_by_key(|(_, due)| *due).unwrap();
        match self.flights.pop() {
            Some(Reverse((at, _, from, to, bytes))) if at <= due => {
                self.now = self.now.max(at);
                if self.connected(from, to) {
                    let (now, peer) = (self.now, &mut self.peers[to]);
                    peer.swim.packet(now, address(from as u16 + 1), &bytes, &mut peer.serf);
                    self.carry_out(to);
                }
            }
            flight => {
                self.flights.extend(flight);
                self.now = self.now.max(due);
                let (now, peer) = (self.now, &mut self.peers[number]);
                if peer.swim.next_tick() <= now {
                    peer.swim.tick(now, &mut peer.serf);
                }
                if peer.serf.next_tick() <= now {
                    peer.serf.tick(now);
                }
                self.carry_out(number);
            }
        }
    }

    /// Runs until something is so, for some seconds at most.
    #[track_caller]
    fn until(&mut self, what: &str, seconds: u64, done: impl Fn(&Pool) -> bool) {
        let end = self.now + Duration::from_secs(seconds);
        while !done(self) {
            assert!(self.now < end, "{what}: not within {seconds} s");
            self.step();
        }
    }

    fn run(&mut self, seconds: u64) {
        let end = self.now + Duration::from_secs(seconds);
        while self.now < end {
            self.step();
        }
    }

    fn user_event(&mut self, number: usize, name: &str) {
        self.peers[number].serf.user_event(name, Bytes::new(), false).unwrap();
        self.carry_out(number);
    }

    fn all_see(&self, seen: usize, status: MemberStatus) -> bool {
        let others =
            self.peers.iter().enumerate().filter(|(number, _)| *number != seen && !self.silent.contains(number));
        others.into_iter().all(|(_, peer)| super::status(&peer.serf, &name(seen)) == status)
    }
}

impl Peer {
    fn statuses(&self) -> Vec<MemberStatus> {
        self.serf.members().map(|member| member.status).collect()
    }
}

fn name(number: usize) -> String {
    format!("node-{number:02}")
}

#[test]
fn an_event_reaches_everybody_once_although_a_fifth_of_the_packets_is_lost() {
    let mut pool = Pool::start(30, 0.2, 11);
    pool.user_event(3, "deploy");
    pool.user_event(4, "restart");
    pool.until("all were told", 15, |pool| pool.peers.iter().all(|peer| peer.told.len() == 2));
    pool.run(30);
    assert!(pool.peers.iter().all(|peer| peer.told.len() == 2), "told once");
}

#[test]
fn a_query_is_answered_by_everybody_when_answers_take_several_ways() {
    let mut pool = Pool::start(20, 0.1, 12);
    let now = pool.now;
    let request = QueryRequest { name: "who".into(), relay_factor: 3, timeout: 20 * SECOND, ..QueryRequest::default() };
    pool.peers[7].serf.query(now, request).unwrap();
    pool.carry_out(7);
    pool.until("all answered", 15, |pool| pool.peers[7].answers.len() == 20);
}

#[test]
fn a_leave_is_no_failure_even_when_packets_are_lost() {
    let mut pool = Pool::start(20, 0.2, 13);
    let now = pool.now;
    let peer = &mut pool.peers[5];
    peer.serf.begin_leave(now).unwrap();
    pool.carry_out(5);
    pool.run(3);
    let (now, peer) = (pool.now, &mut pool.peers[5]);
    peer.swim.leave(now, &mut peer.serf);
    pool.carry_out(5);
    pool.until("the leave is done", 10, |pool| pool.peers[5].swim.is_leave_done());
    pool.until("all know that it left", 15, |pool| pool.all_see(5, MemberStatus::Left));
    pool.silent.insert(5);
    pool.run(60);
    assert!(pool.all_see(5, MemberStatus::Left));
}

#[test]
fn a_member_that_dies_has_failed_and_can_be_pruned() {
    let mut pool = Pool::start(12, 0.05, 14);
    pool.silent.insert(5);
    pool.until("all know that it failed", 60, |pool| pool.all_see(5, MemberStatus::Failed));
    let now = pool.now;
    pool.peers[2].serf.force_leave(now, name(5), true);
    pool.carry_out(2);
    pool.until("all forgot it", 15, |pool| pool.all_see(5, MemberStatus::None));
}

#[test]
fn who_is_alive_stays_so_whatever_others_say() {
    let mut pool = Pool::start(12, 0.05, 15);
    let now = pool.now;
    pool.peers[2].serf.force_leave(now, name(5), false);
    pool.carry_out(2);
    pool.run(1);
    pool.until("its own word is believed", 30, |pool| pool.all_see(5, MemberStatus::Alive));
}

#[test]
fn two_halves_find_together_again_and_tell_each_other_what_happened() {
    let mut pool = Pool::start(10, 0.0, 16);
    pool.groups[..5].fill(1);
    pool.run(60);
    for (number, peer) in pool.peers.iter().enumerate() {
        let failed = peer.statuses().iter().filter(|status| **status == MemberStatus::Failed).count();
        assert_eq!(failed, 5, "{} sees the other half failed", name(number));
    }
    pool.user_event(0, "left half");
    pool.user_event(9, "right half");
    pool.run(10);
    pool.groups.fill(0);
    pool.until("all are alive again", 600, |pool| {
        pool.peers.iter().all(|peer| peer.statuses() == [MemberStatus::Alive; 10])
    });
    pool.until("all know both events", 120, |pool| pool.peers.iter().all(|peer| peer.told.len() == 2));
}
