//! Random faults by seed while clients read, write and swap keys through different servers; the history must be
//! linearizable.
//!
//! A short round runs with the other tests. A long one: `TRIBUNE_FAULT_SECONDS=300 cargo test --test it faults::`;
//! `TRIBUNE_FAULT_SEED=n` repeats the faults and choices of a run (not the scheduling of the machine).

use crate::linearizability::{self, Event, MAX_PER_KEY, Operation, Value};
use crate::support::cluster::*;
use crate::support::network::{self, Network};
use crate::support::*;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Clients at work.
const CLIENTS: usize = 6;
/// Keys in use at the same time.
const KEYS: usize = 4;
/// How long a client waits for an answer; then nobody knows what happened.
const PATIENCE_OF_CLIENTS: Duration = Duration::from_secs(3);

/// What all clients share.
struct Shared {
    addresses: Vec<String>,
    started: Instant,
    stop: AtomicBool,
    /// Every write has a value of its own.
    next_value: AtomicU64,
    keys: Mutex<Keys>,
    answered: AtomicU64,
}

/// Keys in use, and how many operations each has had; a full key is replaced by a fresh one.
struct Keys {
    used: Vec<(u32, usize)>,
    next: u32,
}

impl Keys {
    fn choose(&mut self, random: &mut StdRng) -> u32 {
        let place = random.random_range(0..self.used.len());
        // room for the last reads of all clients at the end
        if self.used[place].1 + 8 >= MAX_PER_KEY {
            self.used[place] = (self.next, 0);
            self.next += 1;
        }
        self.used[place].1 += 1;
        self.used[place].0
    }
}

impl Shared {
    fn now(&self) -> u64 {
        self.started.elapsed().as_nanos() as u64
    }

    /// Sends one operation and tells what is known about it; `None` for a read without answer and for what was not sent.
    fn send(&self, server: usize, key: u32, request: Request) -> Option<(Event, Option<u64>)> {
        let address = format!("{}:8500", self.addresses[server]);
        let text = |value: Value| value.map_or_else(String::new, |value| value.to_string());
        let (method, query, body) = match request {
            Request::Read { consistent } => {
                ("GET", if consistent { "?consistent" } else { "" }.to_owned(), String::new())
            }
            Request::Write(None) => ("DELETE", String::new(), String::new()),
            Request::Write(value) => ("PUT", String::new(), text(value)),
            Request::Swap { index, new, .. } => ("PUT", format!("?cas={index}"), new.to_string()),
        };
        let target = format!("/v1/kv/f/{key}{query}");
        let called = self.now();
        let answer = request_within(PATIENCE_OF_CLIENTS, &address, method, &target, &[], body.as_bytes());
        let answered = Some(self.now());
        if answer.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionRefused) {
            return None;
        }
        let answer = answer.ok().filter(|answer| matches!(answer.status, 200 | 404));
        let event = |operation, answered| Event { key, operation, called, answered };
        let done = answer.as_ref().map(|answer| answer.body == b"true");
        match (request, answer) {
            (Request::Read { .. }, None) => None,
            (Request::Read { .. }, Some(answer)) if answer.status == 404 => {
                Some((event(Operation::Read(None), answered), None))
            }
            (Request::Read { .. }, Some(answer)) => {
                let row = &answer.json()[0];
                let bytes = base64::Engine::decode(
                    &base64::engine::general_purpose::STANDARD,
                    row["Value"].as_str().expect("every value that is written has a text"),
                );
                let value = String::from_utf8(bytes.expect("base64")).expect("digits").parse().expect("a number");
                Some((event(Operation::Read(Some(value)), answered), row["ModifyIndex"].as_u64()))
            }
            (Request::Write(value), _) => {
                let answered = answered.filter(|_| done == Some(true));
                Some((event(Operation::Write(value), answered), None))
            }
            (Request::Swap { expected, new, .. }, _) => {
                let operation = Operation::Swap { expected, new, done: done == Some(true) };
                Some((event(operation, answered.filter(|_| done.is_some())), None))
            }
        }
    }
}

#[derive(Clone, Copy)]
enum Request {
    Read { consistent: bool },
    Write(Value),
    Swap { expected: Value, index: u64, new: u64 },
}

/// One client: random operations on random keys through random servers until the end.
fn client(shared: &Shared, seed: u64) -> Vec<Event> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut history = Vec::new();
    let mut seen: HashMap<u32, (Value, u64)> = HashMap::new();
    let mut server = 0;
    while !shared.stop.load(Ordering::Relaxed) {
        if random.random_bool(0.2) {
            server = random.random_range(0..shared.addresses.len());
        }
        let key = shared.keys.lock().expect("no client panics with the keys").choose(&mut random);
        let fresh = shared.next_value.fetch_add(1, Ordering::Relaxed);
        let request = match random.random_range(0..100) {
            // a default read of the reference may be as old as the lease of its leader
            0..35 => Request::Read { consistent: testing_reference() },
            35..45 => Request::Read { consistent: true },
            45..70 => Request::Write(Some(fresh)),
            70..75 => Request::Write(None),
            _ => {
                let (expected, index) = seen.get(&key).copied().unwrap_or((None, 0));
                Request::Swap { expected, index, new: fresh }
            }
        };
        match shared.send(server, key, request) {
            Some((event, index)) => {
                if let Operation::Read(value) = event.operation {
                    seen.insert(key, (value, index.unwrap_or(0)));
                }
                if event.answered.is_some() {
                    shared.answered.fetch_add(1, Ordering::Relaxed);
                } else {
                    server = random.random_range(0..shared.addresses.len());
                }
                history.push(event);
            }
            None => {
                server = random.random_range(0..shared.addresses.len());
                // nobody is served faster by asking a dead server more often
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    }
    history
}

/// What can happen to servers.
#[derive(Debug, Clone, Copy)]
enum Fault {
    /// SIGKILL for some, started again.
    Kill(usize),
    /// SIGSTOP for some, continued.
    Pause(usize),
    /// Some are cut off from the others.
    Partition(usize),
}

/// Faults until the time is over; every server runs and is connected afterwards.
fn nemesis(cluster: &mut Cluster, network: Option<&Network>, random: &mut StdRng, time: Duration) {
    let count = cluster.servers.len();
    let minority = (count - 1) / 2;
    let mut faults =
        vec![Fault::Kill(1), Fault::Kill(minority), Fault::Kill(count), Fault::Pause(1), Fault::Pause(minority)];
    if network.is_some() {
        faults.extend([Fault::Partition(1), Fault::Partition(minority), Fault::Partition(minority)]);
    }
    let end = Instant::now() + time;
    // the faults themselves are a schedule in time, which no condition could stand for
    let pass = |time: Duration| std::thread::sleep(time.min(end.saturating_duration_since(Instant::now())));
    while Instant::now() < end {
        pass(Duration::from_millis(random.random_range(300..2500)));
        let fault = *faults.choose(random).expect("some faults");
        let (Fault::Kill(size) | Fault::Pause(size) | Fault::Partition(size)) = fault;
        let mut victims: Vec<usize> = (0..count).collect();
        // half of the time the leader is among them
        let leader = cluster.leader_now().filter(|_| random.random()).unwrap_or(random.random_range(0..count));
        victims.rotate_left(leader);
        victims.truncate(size);
        let duration = Duration::from_millis(random.random_range(200..4000));
        println!("{fault:?} of {victims:?} for {duration:?}");
        match (fault, network) {
            (Fault::Kill(_), _) => {
                victims.iter().for_each(|victim| cluster.servers[*victim].kill());
                pass(duration);
                victims.iter().for_each(|victim| cluster.servers[*victim].restart_no_wait());
            }
            (Fault::Pause(_), _) => {
                victims.iter().for_each(|victim| cluster.servers[*victim].pause());
                pass(duration);
                victims.iter().for_each(|victim| cluster.servers[*victim].resume());
            }
            (Fault::Partition(_), Some(network)) => {
                network.isolate(&victims);
                pass(duration);
                network.heal();
            }
            (Fault::Partition(_), None) => unreachable!("no network, no partitions"),
        }
    }
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Runs clients and faults and checks what the clients saw.
fn run(mut cluster: Cluster, network: Option<&Network>) {
    let seed = setting("TRIBUNE_FAULT_SEED").unwrap_or_else(rand::random);
    let time = Duration::from_secs(setting("TRIBUNE_FAULT_SECONDS").unwrap_or(20));
    println!("seed {seed} for {time:?} (TRIBUNE_FAULT_SEED and TRIBUNE_FAULT_SECONDS set them)");
    let mut random = StdRng::seed_from_u64(seed);
    let keys = Keys { used: (0..KEYS as u32).map(|key| (key, 0)).collect(), next: KEYS as u32 };
    let shared = Arc::new(Shared {
        addresses: cluster.addresses(),
        started: Instant::now(),
        stop: AtomicBool::new(false),
        next_value: AtomicU64::new(1),
        keys: Mutex::new(keys),
        answered: AtomicU64::new(0),
    });
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (shared, seed) = (shared.clone(), random.random());
            std::thread::spawn(move || client(&shared, seed))
        })
        .collect();
    nemesis(&mut cluster, network, &mut random, time);
    // healed: everybody works again
    for server in &mut cluster.servers {
        server.wait_ready();
    }
    cluster.wait_voters(cluster.servers.len());
    let before = shared.answered.load(Ordering::Relaxed);
    wait_until("clients are served again", || shared.answered.load(Ordering::Relaxed) > before + 50);
    shared.stop.store(true, Ordering::Relaxed);
    let mut history: Vec<Event> =
        clients.into_iter().flat_map(|client| client.join().expect("the client ends")).collect();
    let keys = shared.keys.lock().expect("no client panicked").next;
    for key in 0..keys {
        let server = key as usize % cluster.servers.len();
        let last = wait_for("a last read", || shared.send(server, key, Request::Read { consistent: true }));
        history.push(last.0);
    }
    let unknown = history.iter().filter(|event| event.answered.is_none()).count();
    println!("{} operations on {keys} keys, {unknown} with unknown outcome", history.len());
    assert!(history.len() - unknown > 200, "too little was answered to prove anything, seed {seed}");
    if let Err(violation) = linearizability::check(&history) {
        panic!("seed {seed}: {violation}");
    }
}

#[test]
fn three_servers_stay_linearizable_under_kills_and_pauses() {
    run(cluster(3), None);
}

#[test]
fn five_servers_stay_linearizable_under_kills_pauses_and_partitions() {
    let test = "faults::five_servers_stay_linearizable_under_kills_pauses_and_partitions";
    network::in_own_network(test, 5, |network| run(cluster_in(network), Some(network)));
}
