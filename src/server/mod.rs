//! What a server adds to an agent: endpoint handlers, blocking queries, consistency modes, leader duties.
//!
//! A method of the table in [`crate::rpc::method`] becomes callable by implementing [`Endpoint`] for its marker; a method
//! that reads the state and can block implements [`ReadEndpoint`] and gets everything else (consistency, blocking,
//! shared evaluation) from here. This room knows nothing of HTTP, DNS or sockets.

mod acl;
pub mod audit;
mod bootstrap;
mod ca;
mod catalog;
pub mod config;
mod consistency;
mod coordinate;
mod directory;
pub mod endpoint;
mod event;
mod forward;
mod gauges;
pub mod gossip;
mod health;
mod internal;
mod keyring;
mod kvs;
mod leader;
mod leave;
pub mod limits;
pub mod members;
mod near;
mod operator;
mod query;
mod reads;
pub mod resolver;
pub mod router;
mod session;
mod snapshot;
mod status;
#[cfg(test)]
mod tests;
mod txn;
mod wan;
mod wire;

pub use crate::gossip::MemberStatus;
pub use ca::{AutoConfig, CaSettings};
pub use config::ServerConfig;
pub use endpoint::{Answer, Encoded, Encoding, Endpoint, Found, Place, ReadContext, ReadEndpoint, Shared};
pub use gossip::{Gossip, GossipMembers};
pub use limits::{Mode, RequestLimits};
pub use members::{Member, Members, ServerDetails, StaticMembers};
pub use reads::{Body, Flights, Question, question};
pub use router::{RemoteServer, Router};

use crate::raft::{Raft, RaftConfig};
use crate::rpc::{Connections, Port, RaftLinks};
use crate::state::{Command, Outcome, Store};
use crate::types::{Error, Result};
use directory::Directory;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// Time between two sweeps of the cache of shared reads.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);

/// A running server; clones share it.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

struct Inner {
    config: ServerConfig,
    gossip: Gossip,
    directory: Arc<Directory>,
    router: Router,
    connections: Connections,
    store: Arc<Store>,
    raft: Raft,
    resolver: resolver::Resolver,
    cache: reads::Cache,
    /// Reads that wait for another server's answer.
    flights: Flights,
    /// How many requests are taken up.
    limiter: limits::Limiter,
    /// Connections of one address to the port.
    port_connections: Option<Arc<AtomicUsize>>,
    /// Longest wait for another server's answer, in nanoseconds.
    call_timeout: AtomicU64,
    /// This server is on its way out and answers for nobody any more.
    leaving: watch::Sender<bool>,
    /// Queries that wait end now.
    stopping: watch::Sender<bool>,
    /// Ends the serving of the port.
    stop_port: watch::Sender<bool>,
    /// Queries that wait.
    blocked: AtomicUsize,
    /// This server leads and has caught up.
    ready: watch::Sender<bool>,
    session_timers: leader::SessionTimers,
    coordinates: coordinate::Pending,
    health: leader::Health,
    /// How copying from the primary datacenter goes.
    acl_replication: acl::Replication,
    validators: acl::Validators,
    /// How many certificates were signed of late.
    ca_pace: ca::Pace,
    /// Asks for a new start of the leader duties.
    restart: tokio::sync::Notify,
    tasks: parking_lot::Mutex<Vec<AbortHandle>>,
    /// When the server started.
    started: Instant,
}

impl Server {
    /// Opens the raft state, serves `port`, takes part in the cluster and starts the leader duties. Without a port there are
    /// no other servers.
    ///
    /// # Errors
    /// The text of what could not be opened.
    pub async fn start(config: ServerConfig, gossip: Gossip, port: Option<Port>) -> Result<Server> {
        let store = Arc::new(Store::new());
        let directory = Arc::new(Directory::new(Arc::clone(&gossip.members)));
        let raft = match &port {
            None => Raft::start(raft_config(&config), Arc::clone(&store)).await,
            Some(_) => {
                let directory = Arc::clone(&directory);
                let lookup = Arc::new(move |id: &str| directory.address(id));
                let settings = config.connections.clone();
                let links = RaftLinks::introduced(lookup, settings, &config.node_id, config.address);
                Raft::start_with(raft_config(&config), Arc::clone(&store), Arc::new(links)).await
            }
        };
        let raft = raft.map_err(|error| Error::new(error.to_string()))?;
        let server = Server {
            inner: Arc::new(Inner {
                router: Router::new(&config.datacenter, &config.node_name, gossip.wan.clone()),
                connections: Connections::new(config.connections.clone()),
                gossip,
                directory,
                resolver: resolver::Resolver::new(config.acl.clone()),
                store,
                raft,
                cache: reads::Cache::default(),
                flights: Flights::default(),
                limiter: limits::Limiter::new(config.request_limits),
                port_connections: port.as_ref().map(Port::max_conns_per_client),
                call_timeout: AtomicU64::new(nanos(config.rpc_client_timeout)),
                config,
                leaving: watch::Sender::new(false),
                stopping: watch::Sender::new(false),
                stop_port: watch::Sender::new(false),
                blocked: AtomicUsize::new(0),
                ready: watch::Sender::new(false),
                session_timers: leader::SessionTimers::default(),
                coordinates: coordinate::Pending::default(),
                health: leader::Health::default(),
                acl_replication: acl::Replication::default(),
                validators: acl::Validators::default(),
                ca_pace: ca::Pace::default(),
                restart: tokio::sync::Notify::new(),
                tasks: parking_lot::Mutex::default(),
                started: Instant::now(),
            }),
        };
        if let Some(port) = port {
            // ends by itself when it is told to stop
            tokio::spawn(port.serve(Arc::new(server.clone()), server.inner.stop_port.subscribe()));
        }
        server.spawn(leader::watch_leadership(server.clone()));
        server.spawn(sweep(server.clone()));
        server.spawn(gauges::report(server.clone()));
        if server.config().bootstrap_expect > 0 && !server.config().bootstrap {
            server.spawn(bootstrap::expect(server.clone()));
        }
        if server.config().trusts_own_authority() {
            server.spawn(ca::follow(server.clone()));
        }
        if let Some(wan) = server.gossip().wan.clone() {
            server.spawn(wan::flood(server.clone(), wan));
        }
        Ok(server)
    }

    /// Starts a task that ends with the server.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.inner.tasks.lock().push(tokio::spawn(task).abort_handle());
    }

    /// The settings it runs with.
    pub fn config(&self) -> &ServerConfig {
        &self.inner.config
    }

    /// The gossip pools.
    pub fn gossip(&self) -> &Gossip {
        &self.inner.gossip
    }

    /// The way to other datacenters.
    pub fn router(&self) -> &Router {
        &self.inner.router
    }

    /// Connections to other servers.
    pub fn connections(&self) -> &Connections {
        &self.inner.connections
    }

    /// Who is in the datacenter.
    fn members(&self) -> &dyn Members {
        &*self.inner.gossip.members
    }

    /// Its part in the consensus.
    pub fn raft(&self) -> &Raft {
        &self.inner.raft
    }

    /// The state of the datacenter as far as this server has applied it.
    pub fn store(&self) -> &Arc<Store> {
        &self.inner.store
    }

    /// Calls a method, on another server if it is not for this one to answer.
    ///
    /// # Errors
    /// The endpoint's refusal, or why nobody can answer now.
    pub async fn call<M: Endpoint>(&self, args: M::Args) -> Result<M::Reply> {
        self.limit(M::NAME, None)?;
        self.call_anywhere::<M>(args).await
    }

    /// How the audit log names the owner of a secret.
    pub async fn accessor(&self, secret: &str) -> String {
        audit::owner(self.resolve(secret).await)
    }

    /// Sends a command through raft; `prefix` comes in front of every refusal (`spec/http-api.md` 1.3).
    async fn apply(&self, command: Command, prefix: &str) -> Result<Outcome> {
        match self.raft().propose(command).await {
            Ok(Outcome::Error(text)) => Err(Error::new(text).prefixed(prefix)),
            Ok(outcome) => Ok(outcome),
            Err(error) => Err(error.prefixed(prefix)),
        }
    }

    /// This server leads and has caught up with everything that was committed before.
    fn is_ready(&self) -> bool {
        *self.inner.ready.borrow()
    }

    fn readiness(&self) -> watch::Receiver<bool> {
        self.inner.ready.subscribe()
    }

    /// Applies limits that can change while running: requests per second, connections of one address to the port, and the
    /// longest wait for another server's answer.
    pub fn reconfigure(&self, requests: RequestLimits, max_conns_per_client: usize, call_timeout: Duration) {
        self.inner.limiter.configure(requests);
        if let Some(connections) = &self.inner.port_connections {
            connections.store(max_conns_per_client, Relaxed);
        }
        self.inner.call_timeout.store(nanos(call_timeout), Relaxed);
    }

    /// Longest wait for another server's answer to a call that does not block.
    fn call_timeout(&self) -> Duration {
        Duration::from_nanos(self.inner.call_timeout.load(Relaxed))
    }

    /// How many times shared reads were evaluated since the start.
    pub fn evaluations(&self) -> u64 {
        self.inner.cache.evaluations()
    }

    /// Figures of the group `consul` in `/v1/agent/self`; raft reports a group of its own ([`Raft::stats`]).
    pub fn stats(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            ("acl".to_owned(), if self.acl().enabled { "enabled" } else { "disabled" }.to_owned()),
            ("bootstrap".to_owned(), self.config().bootstrap.to_string()),
            ("known_datacenters".to_owned(), self.router().datacenters().len().to_string()),
            ("leader".to_owned(), self.raft().is_leader().to_string()),
            ("leader_addr".to_owned(), self.leader_address()),
            ("server".to_owned(), "true".to_owned()),
        ])
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn raft_config(config: &ServerConfig) -> RaftConfig {
    RaftConfig {
        data_dir: config.data_dir.clone(),
        node_id: config.node_id.clone(),
        address: config.address.to_string(),
        multiplier: config.raft_multiplier,
        dev: config.dev,
        snapshot_interval: config.raft_snapshot_interval,
        snapshot_threshold: config.raft_snapshot_threshold,
        trailing_logs: config.raft_trailing_logs,
        bootstrap: config.bootstrap,
    }
}

/// Lets the cache of shared reads forget what nobody asks for any more.
async fn sweep(server: Server) {
    let mut ticks = tokio::time::interval(SWEEP_INTERVAL);
    loop {
        ticks.tick().await;
        server.inner.cache.sweep();
    }
}
