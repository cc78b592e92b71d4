//! The servers of one datacenter: who gets the next call, and when a call is repeated (`spec/rpc.md` 8).

use super::bucket::Bucket;
use super::connections::Connections;
use super::error::CallError;
use super::method::{Method, StatusPing};
use crate::telemetry::metrics::{self, Counter};
use crate::types::cluster::Empty;
use crate::types::requests::Request;
use crate::types::{Error, QueryOptions, Result};
use bytes::Bytes;
use parking_lot::Mutex;
use rand::Rng;
use rand::seq::SliceRandom;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// Wait of a blocking read that names none, and the longest.
const DEFAULT_WAIT: Duration = Duration::from_secs(300);
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Least time between rebalances, and the random part on top.
const REBALANCE: Duration = Duration::from_secs(120);
const REBALANCE_SPREAD: Duration = Duration::from_secs(60);

/// Time that each node adds between rebalances, so that all nodes together make 64 a second.
const REBALANCE_PER_NODE: Duration = Duration::from_nanos(15_625_000);

static CALLS: Counter = Counter::new("client.rpc");
static EXCEEDED: Counter = Counter::new("client.rpc.exceeded");

/// A server as gossip knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerAddress {
    /// Node name; unique in the list.
    pub name: String,
    /// Node id.
    pub id: String,
    /// Datacenter.
    pub datacenter: String,
    /// Address of the server port.
    pub address: SocketAddr,
}

/// How calls are made.
#[derive(Clone, Debug)]
pub struct CallSettings {
    /// How long a call is repeated (`performance.rpc_hold_timeout`).
    pub hold: Duration,
    /// Longest wait for an answer of a call that does not block (`limits.rpc_client_timeout`).
    pub timeout: Duration,
    /// Calls per second (`limits.rpc_rate`); infinite or not positive for no limit.
    pub rate: f64,
    /// Calls at once above the rate (`limits.rpc_max_burst`).
    pub burst: usize,
}

impl Default for CallSettings {
    fn default() -> Self {
        CallSettings {
            hold: Duration::from_secs(7),
            timeout: Duration::from_secs(60),
            rate: f64::INFINITY,
            burst: 1000,
        }
    }
}

impl CallSettings {
    /// How long a read may block on the server's side; zero for one that does not block and for a write.
    pub fn blocking(&self, options: Option<&QueryOptions>) -> Duration {
        match options {
            Some(options) if options.min_query_index > 0 => {
                let wait = options.max_query_time.to_std();
                let wait = if wait.is_zero() { DEFAULT_WAIT } else { wait.min(LONGEST_WAIT) };
                wait + wait / 16
            }
            _ => Duration::ZERO,
        }
    }

    /// These with a full bucket.
    fn pace(self) -> (Arc<CallSettings>, Bucket) {
        let bucket = Bucket::full(self.burst as f64, Instant::now());
        (Arc::new(self), bucket)
    }

    /// Longest wait for an answer.
    pub fn answer_timeout(&self, blocking: Duration) -> Duration {
        if blocking.is_zero() { self.timeout } else { blocking + self.hold }
    }
}

/// Spaces the attempts of a call that is repeated (`spec/semantics.md` 11.2).
#[derive(Debug)]
pub struct Retry {
    start: Instant,
    hold: Duration,
    limit: Duration,
    attempt: u32,
    previous: Duration,
}

impl Retry {
    /// Attempts for the hold time, and for the time that the call itself may block.
    pub fn new(hold: Duration, blocking: Duration) -> Retry {
        Retry { start: Instant::now(), hold, limit: hold + blocking, attempt: 0, previous: Duration::ZERO }
    }

    /// Waits before another attempt, the last one being at the end of the time; false at once when that is over.
    pub async fn again(&mut self) -> bool {
        let left = self.limit.saturating_sub(self.start.elapsed());
        if left.is_zero() {
            return false;
        }
        let most = (self.hold / 16).saturating_mul(1 << self.attempt.min(16)).max(self.previous);
        self.attempt += 1;
        self.previous = rand::rng().random_range(self.previous..=most);
        sleep(self.previous.min(left)).await;
        true
    }
}

/// A shuffled list of servers; the first gets the calls, a failed one moves to the end.
#[derive(Clone)]
pub struct Servers(Arc<Inner>);

struct Inner {
    list: Mutex<Vec<Arc<ServerAddress>>>,
    pace: Mutex<(Arc<CallSettings>, Bucket)>,
    offline: AtomicBool,
}

impl Servers {
    /// An empty list.
    pub fn new(settings: CallSettings) -> Servers {
        let pace = Mutex::new(settings.pace());
        Servers(Arc::new(Inner { list: Mutex::default(), pace, offline: AtomicBool::new(false) }))
    }

    /// Applies new settings.
    pub fn configure(&self, settings: CallSettings) {
        *self.0.pace.lock() = settings.pace();
    }

    /// Adds a server at a random place, or replaces the one of the same name.
    pub fn add(&self, server: ServerAddress) {
        let mut list = self.0.list.lock();
        match list.iter_mut().find(|known| known.name == server.name) {
            Some(known) => {
                if **known != server {
                    *known = Arc::new(server);
                }
            }
            None => {
                let at = rand::rng().random_range(0..=list.len());
                list.insert(at, Arc::new(server));
            }
        }
    }

    /// Removes a server; false when it was not there.
    pub fn remove(&self, name: &str) -> bool {
        let mut list = self.0.list.lock();
        let before = list.len();
        list.retain(|known| known.name != name);
        list.len() != before
    }

    /// The servers in their present order.
    pub fn list(&self) -> Vec<Arc<ServerAddress>> {
        self.0.list.lock().clone()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.list.lock().len()
    }

    /// No server is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The server that gets the next call.
    pub fn pick(&self) -> Option<Arc<ServerAddress>> {
        self.0.list.lock().first().cloned()
    }

    /// A call to this server failed: it moves to the end if it is still the first.
    pub fn failed(&self, server: &ServerAddress) {
        let mut list = self.0.list.lock();
        if list.len() > 1 && list[0].name == server.name {
            list.rotate_left(1);
        }
    }

    /// The last rebalance found a server that answers, or none has been made.
    pub fn is_online(&self) -> bool {
        !self.0.offline.load(Relaxed)
    }

    /// Shuffles the list, puts the first server in it that answers `Status.Ping` at its head, and adopts that order; when
    /// none answers the order stays.
    pub async fn rebalance(&self, connections: &Connections) {
        let mut order = self.list();
        if order.is_empty() {
            return;
        }
        order.shuffle(&mut rand::rng());
        let patience = self.settings().timeout;
        let mut answering = None;
        for (at, server) in order.iter().enumerate() {
            match connections.call::<StatusPing>(server.address, &Empty {}, patience).await {
                Ok(()) => {
                    answering = Some(at);
                    break;
                }
                Err(error) => tracing::debug!(
                    target: "agent.router.manager",
                    "pinging server failed: server={} error={error:?}", server.name
                ),
            }
        }
        self.0.offline.store(answering.is_none(), Relaxed);
        let Some(answering) = answering else {
            tracing::debug!(target: "agent.router.manager", "No healthy servers during rebalance, aborting");
            return;
        };
        order.swap(0, answering);
        let place =
            |server: &ServerAddress| order.iter().position(|known| known.name == server.name).unwrap_or(order.len());
        self.0.list.lock().sort_by_key(|server| place(server));
    }

    /// Rebalances every few minutes, less often in large clusters; `nodes` tells how many nodes there are. Runs until
    /// dropped.
    pub async fn keep_balanced(&self, connections: &Connections, nodes: impl Fn() -> usize) {
        loop {
            let scaled = REBALANCE_PER_NODE * nodes() as u32 / self.len().max(1) as u32;
            let spread = rand::rng().random_range(Duration::ZERO..REBALANCE_SPREAD);
            sleep((REBALANCE + spread).max(scaled)).await;
            self.rebalance(connections).await;
        }
    }

    /// Calls a method on the first server, and on others within the hold time where that is safe.
    ///
    /// # Errors
    /// `No known Consul servers`, `RPC rate limit exceeded`, or the last attempt's error.
    pub async fn call<M: Method>(&self, connections: &Connections, args: &M::Args) -> Result<M::Reply> {
        let settings = self.settings();
        let blocking = settings.blocking(args.query());
        let timeout = settings.answer_timeout(blocking);
        self.repeat(M::NAME, args.query().is_some(), blocking, |to| connections.call::<M>(to, args, timeout)).await
    }

    /// The same for a read with an encoded request and an encoded reply.
    ///
    /// # Errors
    /// As [`Servers::call`].
    pub async fn call_bytes(
        &self,
        connections: &Connections,
        method: &str,
        request: &[u8],
        options: &QueryOptions,
    ) -> Result<Bytes> {
        let settings = self.settings();
        let blocking = settings.blocking(Some(options));
        let timeout = settings.answer_timeout(blocking);
        self.repeat(method, true, blocking, |to| connections.call_bytes(to, method, request, timeout)).await
    }

    /// The same with an attempt of one's own: `read` tells whether it may be repeated after a broken connection, `blocking`
    /// how long an answer may take by itself.
    ///
    /// # Errors
    /// `No known Consul servers`, `RPC rate limit exceeded`, or the last attempt's error.
    pub async fn repeat<T, F>(
        &self,
        method: &str,
        read: bool,
        blocking: Duration,
        attempt: impl Fn(SocketAddr) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T, CallError>>,
    {
        let mut retry = Retry::new(self.settings().hold, blocking);
        loop {
            let server = self.pick().ok_or_else(|| Error::new("No known Consul servers"))?;
            self.admit()?;
            let error = match attempt(server.address).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            self.failed(&server);
            if !error.is_retryable(read) || !retry.again().await {
                tracing::error!(
                    target: "agent.client",
                    "RPC failed to server: method={method} server={} error={:?}", server.address, error.to_string()
                );
                metrics::counter_labels("client.rpc.failed", 1, &[("server", server.name.as_str())]);
                return Err(error.into());
            }
            tracing::warn!(
                target: "agent.client",
                "Retrying RPC to server: method={method} server={} error={:?}", server.address, error.to_string()
            );
        }
    }

    fn settings(&self) -> Arc<CallSettings> {
        self.0.pace.lock().0.clone()
    }

    fn admit(&self) -> Result<()> {
        CALLS.add(1);
        let passes = {
            let (settings, bucket) = &mut *self.0.pace.lock();
            let limited = settings.rate.is_finite() && settings.rate > 0.0;
            !limited || bucket.pass(settings.rate, settings.burst as f64, Instant::now())
        };
        if !passes {
            EXCEEDED.add(1);
            return Err(Error::with_status(429, "RPC rate limit exceeded"));
        }
        Ok(())
    }
}
