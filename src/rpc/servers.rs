//! The servers of one datacenter: who gets the next call, and when a call is repeated (`spec/rpc.md` 8).

use super::connections::Connections;
use super::method::Method;
use crate::types::Result;
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

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

/// A shuffled list of servers; the first gets the calls, a failed one moves to the end.
#[derive(Clone)]
pub struct Servers(Arc<Inner>);

struct Inner {
    list: Mutex<Vec<Arc<ServerAddress>>>,
    settings: Mutex<CallSettings>,
}

impl Servers {
    /// An empty list.
    pub fn new(settings: CallSettings) -> Servers {
        Servers(Arc::new(Inner { list: Mutex::default(), settings: Mutex::new(settings) }))
    }

    /// Applies new settings.
    pub fn configure(&self, settings: CallSettings) {
        *self.0.settings.lock() = settings;
    }

    /// Adds a server, or replaces the one of the same name.
    pub fn add(&self, server: ServerAddress) {
        let _ = server;
    }

    /// Removes a server; false when it was not there.
    pub fn remove(&self, name: &str) -> bool {
        let _ = name;
        false
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
        let _ = server;
    }

    /// The last rebalance found a server that answers, or none has been made.
    pub fn is_online(&self) -> bool {
        true
    }

    /// Shuffles the list and adopts the order if its first answering server can be found by `Status.Ping`.
    pub async fn rebalance(&self, connections: &Connections) {
        let _ = connections;
    }

    /// Rebalances every few minutes, less often in large clusters; `nodes` tells how many nodes there are. Runs until dropped.
    pub async fn keep_balanced(&self, connections: &Connections, nodes: impl Fn() -> usize) {
        let _ = (connections, nodes());
    }

    /// Calls a method on the first server, and on others within the hold time where that is safe.
    ///
    /// # Errors
    /// `No known Consul servers`, `RPC rate limit exceeded`, or the last attempt's error.
    pub async fn call<M: Method>(&self, connections: &Connections, args: &M::Args) -> Result<M::Reply> {
        let _ = (connections, args);
        unimplemented!()
    }
}
