//! Clients that write and read all the time while something is done to a cluster: nothing acknowledged may be lost, and
//! failures and pauses are counted for each agent that is asked.

use super::tls::Tls;
use super::*;
use parking_lot::RwLock;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How long one request may take before it counts as failed.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// An agent and how it is spoken to.
#[derive(Clone)]
pub struct Way {
    /// Name of the agent.
    pub name: String,
    /// `address:port`.
    pub address: String,
    /// Over TLS, with this configuration, which may change meanwhile, and the name of the server.
    pub tls: Option<(Arc<RwLock<Arc<rustls::ClientConfig>>>, String)>,
}

impl Way {
    /// Plain HTTP.
    pub fn plain(agent: &TestAgent) -> Way {
        Way { name: agent.name.clone(), address: agent.http_address(), tls: None }
    }

    /// A request over a fresh connection.
    pub fn ask(&self, token: &str, method: &str, target: &str, body: &[u8]) -> std::io::Result<Response> {
        let Some((config, name)) = &self.tls else {
            let headers = [("X-Consul-Token", token)];
            let headers = if token.is_empty() { &[][..] } else { &headers[..] };
            return request_within(ANSWER_WITHIN, &self.address, method, target, headers, body);
        };
        let config = config.read().clone();
        let mut tls = Tls::connect(&config, &self.address, name, &[])?;
        tls.request(method, target, &[("X-Consul-Token", token)], body)
    }
}

/// A request that brought nothing.
#[derive(Clone, Debug)]
pub struct Failure {
    /// When it was sent.
    pub at: Instant,
    /// When it failed.
    pub until: Instant,
    /// What was asked and what came.
    pub what: String,
}

/// What one client saw.
#[derive(Debug, Default)]
pub struct Seen {
    /// The agent it asked.
    pub name: String,
    /// Keys whose writing was acknowledged.
    pub written: Vec<String>,
    /// Requests that brought nothing.
    pub failures: Vec<Failure>,
    /// The longest time in which one write, and one read, was answered well.
    pub slowest: [Duration; 2],
    /// The longest time between two acknowledged writes.
    pub pause: Duration,
}

/// Clients, one for each agent, each a thread that writes a key and reads it.
pub struct Traffic {
    stop: Arc<AtomicBool>,
    token: Arc<RwLock<String>>,
    counts: Vec<Arc<AtomicU32>>,
    threads: Vec<std::thread::JoinHandle<Seen>>,
}

impl Traffic {
    /// Starts a client for each way.
    #[track_caller]
    pub fn start(ways: Vec<Way>) -> Traffic {
        Traffic::start_with(ways, "")
    }

    /// [`Traffic::start`] with a token.
    #[track_caller]
    pub fn start_with(ways: Vec<Way>, token: &str) -> Traffic {
        let (stop, token) = (Arc::new(AtomicBool::new(false)), Arc::new(RwLock::new(token.to_owned())));
        let counts: Vec<Arc<AtomicU32>> = ways.iter().map(|_| Arc::default()).collect();
        let start = |(way, count): (Way, &Arc<AtomicU32>)| {
            let (stop, token, count) = (stop.clone(), token.clone(), count.clone());
            std::thread::spawn(move || client(&way, &stop, &token, &count))
        };
        let threads = ways.into_iter().zip(&counts).map(start).collect();
        let traffic = Traffic { stop, token, counts, threads };
        traffic.wait_more(5);
        traffic
    }

    /// From now on requests carry this token.
    pub fn use_token(&self, secret: &str) {
        secrets::note(secret);
        secret.clone_into(&mut self.token.write());
    }

    /// Waits until every client has had this many further writes acknowledged.
    #[track_caller]
    pub fn wait_more(&self, count: u32) {
        for counted in &self.counts {
            let wanted = counted.load(Ordering::Relaxed) + count;
            wait_until("writes go on", || counted.load(Ordering::Relaxed) >= wanted);
        }
    }

    /// Ends all clients; every acknowledged key must be there by a consistent read through `witness`.
    #[track_caller]
    pub fn finish(self, witness: &Way) -> Vec<Seen> {
        self.stop.store(true, Ordering::Relaxed);
        let token = self.token.read().clone();
        let seen: Vec<Seen> = self.threads.into_iter().map(|thread| thread.join().expect("a client ends")).collect();
        let keys = wait_for("all keys", || {
            let answer = witness.ask(&token, "GET", "/v1/kv/traffic/?keys&consistent", b"").ok()?;
            (answer.status == 200).then(|| answer.json())
        });
        let keys: std::collections::BTreeSet<&str> =
            keys.as_array().expect("a list").iter().filter_map(|key| key.as_str()).collect();
        for seen in &seen {
            assert!(!seen.written.is_empty(), "{} wrote", seen.name);
            for key in &seen.written {
                assert!(keys.contains(key.as_str()), "{key} was acknowledged and is lost");
            }
            println!(
                "{}: {} writes, {} failures, slowest write {:?}, slowest read {:?}, longest pause of writes {:?}",
                seen.name,
                seen.written.len(),
                seen.failures.len(),
                seen.slowest[0],
                seen.slowest[1],
                seen.pause
            );
        }
        seen
    }
}

fn client(way: &Way, stop: &AtomicBool, token: &RwLock<String>, count: &AtomicU32) -> Seen {
    let mut seen = Seen { name: way.name.clone(), ..Seen::default() };
    let mut acknowledged = Instant::now();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let secret = token.read().clone();
        let key = format!("traffic/{}/{number:06}", way.name);
        let put = format!("/v1/kv/{key}");
        let text = number.to_string();
        if ask(way, &mut seen, 0, &secret, ("PUT", &put), &text, "true") {
            seen.pause = seen.pause.max(acknowledged.elapsed());
            acknowledged = Instant::now();
            seen.written.push(key);
            count.fetch_add(1, Ordering::Relaxed);
            ask(way, &mut seen, 1, &secret, ("GET", &format!("{put}?raw")), "", &text);
        }
        // the processors are shared with what is tested
        std::thread::sleep(Duration::from_millis(3));
    }
    seen
}

/// One request; whether the answer is this one. A read that is answered otherwise has lost what was acknowledged.
fn ask(
    way: &Way,
    seen: &mut Seen,
    kind: usize,
    token: &str,
    (method, target): (&str, &str),
    body: &str,
    wanted: &str,
) -> bool {
    let at = Instant::now();
    let what = match way.ask(token, method, target, body.as_bytes()) {
        Ok(answer) if answer.status == 200 && answer.text() == wanted => {
            seen.slowest[kind] = seen.slowest[kind].max(at.elapsed());
            return true;
        }
        Ok(answer) => {
            assert!(kind == 0 || !matches!(answer.status, 200 | 404), "{target}: {} {}", answer.status, answer.text());
            format!("{} {}", answer.status, answer.text().trim())
        }
        Err(error) => error.to_string(),
    };
    seen.failures.push(Failure { at, until: Instant::now(), what: format!("{method} {target}: {what}") });
    false
}

/// What a write is told that was on its way through an agent when that stopped, or to a leader when that handed over: it may
/// have been done. Reads are asked again.
const ON_ITS_WAY: [&str; 4] = ["EOF", "session shutdown", "the leader is gone", "leadership lost while committing log"];

/// Times in which an agent was down on purpose, by its name.
#[derive(Default)]
pub struct Downtimes(Vec<(String, Instant, Instant)>);

impl Downtimes {
    /// Does something to an agent during which it may refuse connections.
    pub fn during<T>(&mut self, name: &str, action: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let result = action();
        self.0.push((name.to_owned(), start, Instant::now()));
        result
    }

    /// No request failed, but for those to an agent that was down at the time, and for writes that were on their way through
    /// an agent when that stopped, or to a leader when that handed over: a client has one at a time, so no more than that.
    #[track_caller]
    pub fn explain(&self, seen: &[Seen]) {
        let overlaps = |failure: &Failure, from: &Instant, to: &Instant| failure.at < *to && failure.until > *from;
        for seen in seen {
            let (own, others): (Vec<_>, Vec<_>) = self.0.iter().partition(|(name, _, _)| *name == seen.name);
            let up = |failure: &&Failure| !own.iter().any(|(_, from, to)| overlaps(failure, from, to));
            let on_its_way = |failure: &Failure| {
                let told = ON_ITS_WAY.iter().any(|text| failure.what.ends_with(text));
                told && failure.what.starts_with("PUT ")
            };
            let stray: Vec<&Failure> = seen.failures.iter().filter(up).collect();
            let (caught, stray): (Vec<&Failure>, Vec<&Failure>) =
                stray.into_iter().partition(|failure| on_its_way(failure));
            assert!(stray.is_empty(), "{} failed while it was up: {stray:#?}", seen.name);
            let during = |failure: &&Failure| others.iter().any(|(_, from, to)| overlaps(failure, from, to));
            assert!(caught.iter().all(during), "{} failed while all were up: {caught:#?}", seen.name);
            assert!(caught.len() <= others.len(), "{}: {caught:#?}", seen.name);
        }
    }
}
