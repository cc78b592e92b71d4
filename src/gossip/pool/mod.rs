//! A running pool: sockets and timers around SWIM and Serf, and the handle that the agent and the server hold.

mod config;
mod query;

pub use config::{PoolConfig, Timing};
pub use query::{KeyReply, QueryResponses};

use super::serf::{Event, Member, MemberStatus, QueryRequest, Tags};
use crate::types::coordinate::Coordinate;
use crate::types::error::{Error, Result};
use arc_swap::ArcSwap;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// Where this node stands in its own pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolState {
    /// A member.
    Alive,
    /// On its way out.
    Leaving,
    /// Out, but still listening.
    Left,
    /// Silent.
    Shutdown,
}

/// A running pool; clones are handles to the same one.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    config: PoolConfig,
    address: SocketAddr,
    members: ArcSwap<Vec<Arc<Member>>>,
    changes: watch::Sender<u64>,
    state: watch::Sender<PoolState>,
}

fn unfinished<T>() -> Result<T> {
    Err(Error::new("gossip does not run yet"))
}

impl Pool {
    /// Opens the sockets, joins the members of the snapshot in the background, and serves from then on.
    ///
    /// # Errors
    /// A socket could not be opened, a file not be read, or a setting does not fit (tags or keys of a wrong length).
    pub async fn start(config: PoolConfig) -> Result<Pool> {
        let address = config.advertise;
        let own = Member {
            name: config.name.clone(),
            address: address.ip(),
            port: address.port(),
            tags: Arc::new(config.tags.clone()),
            status: MemberStatus::Alive,
            protocol: [1, 5, 2, 2, 5, config.delegate_version],
        };
        Ok(Pool {
            shared: Arc::new(Shared {
                config,
                address,
                members: ArcSwap::from_pointee(vec![Arc::new(own)]),
                changes: watch::Sender::new(0),
                state: watch::Sender::new(PoolState::Alive),
            }),
        })
    }

    /// All members that are not forgotten, sorted by name; a cheap look at a published list.
    pub fn members(&self) -> Arc<Vec<Arc<Member>>> {
        self.shared.members.load_full()
    }

    /// The member of this name.
    pub fn member(&self, name: &str) -> Option<Arc<Member>> {
        let members = self.shared.members.load();
        members.binary_search_by(|member| member.name.as_str().cmp(name)).ok().map(|found| Arc::clone(&members[found]))
    }

    /// This node.
    pub fn local(&self) -> Arc<Member> {
        self.member(&self.shared.config.name).expect("the own node is never forgotten")
    }

    /// Number of members that are alive.
    pub fn alive_count(&self) -> usize {
        self.shared.members.load().iter().filter(|member| member.is_alive()).count()
    }

    /// Counts the changes of the member list.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// What happens from now on. A listener that falls behind loses events, and the log says so.
    pub fn subscribe(&self) -> mpsc::Receiver<Event> {
        mpsc::channel(self.shared.config.event_channel_size).1
    }

    /// The address others use for this node.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Joins the pools behind `host`, `host:port` or `name/host:port` and counts the addresses that worked.
    ///
    /// # Errors
    /// None of them worked; the text tells why, one line each (`spec/gossip.md` 3.11).
    pub async fn join(&self, addresses: &[String]) -> Result<usize> {
        let _ = addresses;
        unfinished()
    }

    /// Tells the pool goodbye and waits until it knows. The sockets stay open until [`Pool::shutdown`].
    ///
    /// # Errors
    /// The pool is shut down, or the leave could not be broadcast.
    pub async fn leave(&self) -> Result<()> {
        unfinished()
    }

    /// Closes the sockets without a word to the others.
    pub async fn shutdown(&self) {
        self.shared.state.send_replace(PoolState::Shutdown);
    }

    /// Marks a failed member as left on purpose; with `prune` it is forgotten as well.
    ///
    /// # Errors
    /// The news could not be broadcast in time.
    pub async fn force_leave(&self, name: &str, prune: bool) -> Result<()> {
        let _ = (name, prune);
        unfinished()
    }

    /// Announces other tags.
    ///
    /// # Errors
    /// They are longer than 512 bytes, or the news could not be broadcast in time.
    pub async fn set_tags(&self, tags: Tags) -> Result<()> {
        let _ = tags;
        unfinished()
    }

    /// Tells every member something.
    ///
    /// # Errors
    /// It is too long (`spec/gossip.md` 4.4).
    pub async fn user_event(&self, name: &str, payload: Bytes, coalesce: bool) -> Result<()> {
        let _ = (name, payload, coalesce);
        unfinished()
    }

    /// Asks every member, or those that the filters let through.
    ///
    /// # Errors
    /// The question is too long.
    pub async fn query(&self, request: QueryRequest) -> Result<QueryResponses> {
        let _ = request;
        unfinished()
    }

    /// Adds a key to every keyring.
    pub async fn install_key(&self, key: &[u8], relay_factor: u8) -> KeyReply {
        let _ = (key, relay_factor);
        KeyReply::default()
    }

    /// Makes an installed key the one that everybody encrypts with.
    pub async fn use_key(&self, key: &[u8], relay_factor: u8) -> KeyReply {
        let _ = (key, relay_factor);
        KeyReply::default()
    }

    /// Takes a key from every keyring.
    pub async fn remove_key(&self, key: &[u8], relay_factor: u8) -> KeyReply {
        let _ = (key, relay_factor);
        KeyReply::default()
    }

    /// Counts who holds which keys.
    pub async fn list_keys(&self, relay_factor: u8) -> KeyReply {
        let _ = relay_factor;
        KeyReply::default()
    }

    /// The keyring of this node, the primary key first; empty without encryption.
    pub fn keys(&self) -> Vec<Vec<u8>> {
        self.shared.config.keys.clone()
    }

    /// Position of this node in the latency space.
    pub fn coordinate(&self) -> Coordinate {
        Coordinate::default()
    }

    /// Last known position of a member; of this node too.
    pub fn coordinate_of(&self, node: &str) -> Option<Coordinate> {
        let _ = node;
        None
    }

    /// Packets and streams are encrypted.
    pub fn encrypted(&self) -> bool {
        !self.shared.config.keys.is_empty()
    }

    /// Where this node stands.
    pub fn state(&self) -> PoolState {
        *self.shared.state.borrow()
    }

    /// Tells when the state changes: a pool that loses a conflict about its name shuts down by itself.
    pub fn watch_state(&self) -> watch::Receiver<PoolState> {
        self.shared.state.subscribe()
    }

    /// The figures of `info` (`spec/http-api.md` 3.2).
    pub fn stats(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }
}
