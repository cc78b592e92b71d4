//! A running pool: sockets and timers around SWIM and Serf, and the handle that the agent and the server hold.

mod address;
mod config;
mod disk;
mod driver;
mod figures;
mod join;
mod keys;
mod query;
mod snapshot;
mod sockets;
mod start;
mod stream;
#[cfg(test)]
mod tests;

pub use address::JoinAddress;
pub use config::PoolConfig;
pub use query::{KeyReply, QueryResponses};

use super::keyring::Keyring;
use super::serf::{Event, Layer, Member, MemberStatus, QueryRequest, Tags};
use crate::types::coordinate::Coordinate;
use crate::types::error::{Error, Result};
use arc_swap::ArcSwap;
use bytes::Bytes;
use disk::Job;
use driver::Driver;
use figures::Figures;
use parking_lot::{Mutex, RwLock};
use snapshot::Record;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::Arc;
use stream::Streams;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// Answers that wait for the asker of a query, for each member.
const REPLIES_PER_MEMBER: usize = 4;
/// Answers that wait for the asker of a query at least.
const MIN_REPLIES: usize = 64;

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

/// What the handles and the task of the core share.
struct Shared {
    config: PoolConfig,
    address: SocketAddr,
    bound: SocketAddr,
    keyring: Option<Arc<Keyring>>,
    streams: Streams,
    members: ArcSwap<Vec<Arc<Member>>>,
    changes: watch::Sender<u64>,
    state: watch::Sender<PoolState>,
    listeners: Mutex<Vec<mpsc::Sender<Event>>>,
    positions: RwLock<HashMap<String, Coordinate>>,
    figures: Figures,
    /// Changes of the keyring run one after the other.
    key_operations: tokio::sync::RwLock<()>,
    tasks: Mutex<Tasks>,
}

#[derive(Default)]
struct Tasks {
    running: Vec<JoinHandle<()>>,
}

impl Shared {
    /// Publishes the member list.
    fn publish(&self, members: Vec<Arc<Member>>) {
        if !self.config.disable_coordinates {
            let known = |name: &String| members.binary_search_by(|member| member.name.as_str().cmp(name)).is_ok();
            self.positions.write().retain(|name, _| known(name));
        }
        self.members.store(Arc::new(members));
        self.changes.send_modify(|count| *count += 1);
    }

    /// Remembers where a member and this node are in the latency space.
    fn place(&self, node: String, coordinate: Coordinate, own: Coordinate) {
        let mut positions = self.positions.write();
        positions.insert(node, coordinate);
        positions.insert(self.config.name.clone(), own);
    }
}

impl Pool {
    /// Opens the sockets, joins the members of the snapshot in the background, and serves from then on.
    ///
    /// # Errors
    /// A socket could not be opened, a file not be read, or a setting does not fit (tags or keys of a wrong length).
    pub async fn start(config: PoolConfig) -> Result<Pool> {
        start::start(config).await
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
        let (listener, events) = mpsc::channel(self.shared.config.event_channel_size.max(1));
        if self.state() != PoolState::Shutdown {
            self.shared.listeners.lock().push(listener);
        }
        events
    }

    /// The address others use for this node.
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// Joins the pools behind `host`, `host:port` or `name/host:port` and counts the addresses that worked. Events from
    /// before are not delivered.
    ///
    /// # Errors
    /// None of them worked; the text tells why, one line each (`spec/gossip.md` 3.11).
    pub async fn join(&self, addresses: &[String]) -> Result<usize> {
        if self.state() != PoolState::Alive {
            return Err(Error::new("Serf can't Join after Leave or Shutdown"));
        }
        self.core(|driver| driver.serf.ignore_old_events(true)).await?;
        let (mut joined, mut errors) = (0, Vec::new());
        for text in addresses {
            let (worked, failed) = join::join_one(&self.shared.streams, text, self.shared.address.port()).await;
            joined += worked;
            errors.extend(failed);
        }
        self.core(move |driver| {
            driver.serf.ignore_old_events(false);
            if joined > 0 {
                let now = driver.now();
                driver.serf.announce_join(now);
            }
        })
        .await?;
        if joined == 0 && !errors.is_empty() { Err(Error::new(join::list(&errors))) } else { Ok(joined) }
    }

    /// Tells the pool goodbye and waits until it knows. The sockets stay open until [`Pool::shutdown`].
    ///
    /// # Errors
    /// The pool leaves already or is shut down.
    pub async fn leave(&self) -> Result<()> {
        match self.state() {
            PoolState::Alive => {}
            PoolState::Left => return Ok(()),
            PoolState::Leaving => return Err(Error::new("Leave already in progress")),
            PoolState::Shutdown => return Err(Error::new("Leave called after Shutdown")),
        }
        let (config, log) = (&self.shared.config, self.shared.config.log);
        let told = self.core(Driver::begin_leave).await?;
        let company = told.is_some();
        if let Some(told) = told
            && timeout(config.broadcast_timeout, told).await.is_err()
        {
            log.warn(Layer::Serf, format_args!("timeout while waiting for graceful leave"));
        }
        let left = self.core(Driver::leave).await?;
        if timeout(config.broadcast_timeout, left).await.is_err() {
            log.warn(Layer::Serf, format_args!("timeout waiting for leave broadcast"));
        }
        if company {
            sleep(config.leave_propagate_delay).await;
        }
        self.shared.state.send_if_modified(|state| {
            let leaving = *state == PoolState::Leaving;
            if leaving {
                *state = PoolState::Left;
            }
            leaving
        });
        Ok(())
    }

    /// Closes the sockets without a word to the others, and ends when the record is written.
    pub async fn shutdown(&self) {
        let before = self.shared.state.send_replace(PoolState::Shutdown);
        if matches!(before, PoolState::Alive | PoolState::Leaving) {
            self.shared.config.log.warn(Layer::Serf, format_args!("Shutdown without a Leave"));
        }
        let tasks = std::mem::take(&mut self.shared.tasks.lock().running);
        for task in tasks {
            // The task of the listener ends by being stopped.
            let _ = task.await;
        }
    }

    /// Marks a failed member as left on purpose; with `prune` it is forgotten as well.
    ///
    /// # Errors
    /// The news could not be broadcast in time.
    pub async fn force_leave(&self, name: &str, prune: bool) -> Result<()> {
        let name = name.to_owned();
        let told = self.core(move |driver| driver.force_leave(name, prune)).await?;
        self.wait_until_told(told, "timed out broadcasting node removal").await
    }

    /// Announces other tags.
    ///
    /// # Errors
    /// They are longer than 512 bytes, or the news could not be broadcast in time.
    pub async fn set_tags(&self, tags: Tags) -> Result<()> {
        let told = self.core(move |driver| driver.set_tags(tags)).await?.map_err(Error::new)?;
        self.wait_until_told(told, "timeout waiting for update broadcast").await
    }

    /// Tells every member something.
    ///
    /// # Errors
    /// It is too long (`spec/gossip.md` 4.4).
    pub async fn user_event(&self, name: &str, payload: Bytes, coalesce: bool) -> Result<()> {
        let name = name.to_owned();
        self.core(move |driver| driver.serf.user_event(&name, payload, coalesce)).await?.map_err(Error::new)
    }

    /// Asks every member, or those that the filters let through.
    ///
    /// # Errors
    /// The question is too long.
    pub async fn query(&self, request: QueryRequest) -> Result<QueryResponses> {
        self.core(move |driver| driver.query(request)).await?.map_err(Error::new)
    }

    /// Waits until a broadcast has been sent; the error says that it took too long.
    async fn wait_until_told(&self, told: Option<oneshot::Receiver<()>>, error: &str) -> Result<()> {
        let Some(told) = told else { return Ok(()) };
        match timeout(self.shared.config.broadcast_timeout, told).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::new(error)),
        }
    }

    /// Runs something in the core's task.
    async fn core<T: Send + 'static>(&self, job: impl FnOnce(&mut Driver) -> T + Send + 'static) -> Result<T> {
        self.shared.streams.link.run(job).await
    }

    /// The keyring of this node, the primary key first; empty without encryption.
    pub fn keys(&self) -> Vec<Vec<u8>> {
        self.shared.keyring.as_ref().map(|keyring| keyring.keys()).unwrap_or_default()
    }

    /// Position of this node in the latency space.
    pub fn coordinate(&self) -> Coordinate {
        self.coordinate_of(&self.shared.config.name).unwrap_or_default()
    }

    /// Last known position of a member; this node stands at the origin until it has measured anything.
    pub fn coordinate_of(&self, node: &str) -> Option<Coordinate> {
        let config = &self.shared.config;
        let at_origin = || (node == config.name && !config.disable_coordinates).then(Coordinate::default);
        self.shared.positions.read().get(node).cloned().or_else(at_origin)
    }

    /// Packets and streams are encrypted.
    pub fn encrypted(&self) -> bool {
        self.shared.keyring.is_some()
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
        let members = self.members();
        let count = |status| members.iter().filter(|member| member.status == status).count().to_string();
        let mut stats = self.shared.figures.rows();
        stats.insert("members".into(), members.len().to_string());
        stats.insert("failed".into(), count(MemberStatus::Failed));
        stats.insert("left".into(), count(MemberStatus::Left));
        stats.insert("encrypted".into(), self.encrypted().to_string());
        if self.shared.config.disable_coordinates {
            stats.remove("coordinate_resets");
        }
        stats
    }
}

/// What handles want of the core besides its own methods.
impl Driver {
    fn begin_leave(&mut self) -> Option<oneshot::Receiver<()>> {
        self.shared.state.send_replace(PoolState::Leaving);
        self.job(Job::Record(Record::Leave));
        let now = self.now();
        let ticket = self.serf.begin_leave(now)?;
        Some(self.wait_for(ticket))
    }

    fn leave(&mut self) -> oneshot::Receiver<()> {
        let (done, waiting) = oneshot::channel();
        let now = self.now();
        self.swim.leave(now, &mut self.serf);
        self.leaving = Some(done);
        waiting
    }

    fn force_leave(&mut self, name: String, prune: bool) -> Option<oneshot::Receiver<()>> {
        let now = self.now();
        let ticket = self.serf.force_leave(now, name, prune)?;
        Some(self.wait_for(ticket))
    }

    fn set_tags(&mut self, tags: Tags) -> std::result::Result<Option<oneshot::Receiver<()>>, String> {
        self.serf.set_tags(tags)?;
        let now = self.now();
        let broadcast = self.swim.update_meta(now, &mut self.serf);
        if !self.serf.has_company() {
            return Ok(None);
        }
        let (done, waiting) = oneshot::channel();
        self.updates.push((broadcast, done));
        Ok(Some(waiting))
    }

    fn query(&mut self, request: QueryRequest) -> std::result::Result<QueryResponses, String> {
        let now = self.now();
        let (key, time) = self.serf.query(now, request)?;
        let room = MIN_REPLIES.max(REPLIES_PER_MEMBER * self.swim.member_count());
        let (sender, replies) = mpsc::channel(room);
        self.replies.insert(key, sender);
        Ok(QueryResponses { replies, deadline: self.start + now + time, members: self.swim.live_count() })
    }
}
