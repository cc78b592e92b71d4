//! The events of one subject: one task follows the state, any number of subscribers share its diffs and encodings.

use super::messages::{self as wire, Event, Op, Payload, ServiceHealthUpdate};
use crate::rpc::{HealthView, Service};
use crate::types::requests::ServiceRequest;
use crate::types::secret::hidden;
use crate::types::{CheckServiceNode, Error, GoDuration, Index, Node, NodeService};
use bytes::{BufMut, Bytes, BytesMut};
use futures::stream::{self, StreamExt};
use parking_lot::Mutex;
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tokio::sync::broadcast;
use tokio::task::AbortHandle;
use tonic::Status;

/// Events that a subscriber may lag behind before it has to start again.
const BACKLOG: usize = 256;

/// Longest wait for a change in one look at the state.
const LOOK: GoDuration = GoDuration::secs(600);

/// Nothing new comes after this time only when the state was replaced or the server stops.
const SHORTEST_LOOK: Duration = Duration::from_secs(300);

/// A feed is about the answers to this request.
#[derive(Clone, derive_more::Debug, PartialEq, Eq, Hash)]
pub struct Subject {
    /// Mesh-capable endpoints instead of the instances themselves.
    pub connect: bool,
    /// Service name.
    pub service: String,
    /// Datacenter; empty for the own one.
    pub datacenter: String,
    /// Secret of the subscriber.
    #[debug("{}", hidden(token))]
    pub token: String,
}

impl Subject {
    fn request(&self, seen: Index) -> ServiceRequest {
        let mut request = ServiceRequest {
            datacenter: self.datacenter.clone(),
            service_name: self.service.clone(),
            connect: self.connect,
            ..ServiceRequest::default()
        };
        request.query.token.clone_from(&self.token);
        request.query.allow_stale = true;
        request.query.min_query_index = seen;
        request.query.max_query_time = LOOK;
        request
    }
}

/// Encoded events of one stream.
pub type Events = stream::BoxStream<'static, Result<Bytes, Status>>;

/// The feeds with subscribers.
pub struct Feeds {
    service: Arc<dyn Service>,
    open: Arc<Mutex<HashMap<Subject, Weak<Feed>>>>,
}

/// Node and instance id.
type Identity = (String, String);

/// What subscribers of one subject see.
struct Feed {
    subject: Subject,
    state: Mutex<State>,
    follower: Mutex<Option<AbortHandle>>,
    open: Arc<Mutex<HashMap<Subject, Weak<Feed>>>>,
}

struct State {
    /// Index of the last event.
    event: Index,
    /// The rows are those of this index too.
    index: Index,
    rows: BTreeMap<Identity, Row>,
    /// The snapshot of this state, once somebody has asked for it.
    snapshot: Option<Arc<[Bytes]>>,
    /// Ends when the feed does.
    live: Option<broadcast::Sender<Bytes>>,
}

struct Row {
    instance: CheckServiceNode,
    encoded: Bytes,
}

impl Feeds {
    /// Feeds from the state of this server.
    pub fn new(service: Arc<dyn Service>) -> Feeds {
        Feeds { service, open: Arc::default() }
    }

    /// The server behind the feeds.
    pub fn service(&self) -> &dyn Service {
        &*self.service
    }

    /// A subscriber's stream: a snapshot unless `index` is that of the newest event, then what changes.
    ///
    /// # Errors
    /// Why the subject cannot be read.
    pub async fn subscribe(&self, subject: Subject, index: Index) -> Result<Events, Status> {
        let found = self.open.lock().get(&subject).and_then(Weak::upgrade);
        if let Some(events) = found.and_then(|feed| Feed::events(&feed, index)) {
            return Ok(events);
        }
        let view = self.service.health(subject.request(0)).await.map_err(refusal)?;
        let feed = self.feed(subject, view);
        Feed::events(&feed, index).ok_or_else(restart)
    }

    /// The feed of a subject; a new one begins with `view`.
    fn feed(&self, subject: Subject, view: HealthView) -> Arc<Feed> {
        let mut open = self.open.lock();
        let running = |feed: &Arc<Feed>| feed.state.lock().live.is_some();
        if let Some(feed) = open.get(&subject).and_then(Weak::upgrade).filter(running) {
            return feed;
        }
        let seen = view.index;
        let feed = Arc::new(Feed {
            subject: subject.clone(),
            state: Mutex::new(State::new(&view)),
            follower: Mutex::default(),
            open: self.open.clone(),
        });
        open.insert(subject, Arc::downgrade(&feed));
        let task = tokio::spawn(follow(self.service.clone(), Arc::downgrade(&feed), feed.subject.clone(), seen));
        *feed.follower.lock() = Some(task.abort_handle());
        feed
    }

    /// Feeds with subscribers.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.open.lock().len()
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        if let Some(task) = self.follower.get_mut().take() {
            task.abort();
        }
        let mut open = self.open.lock();
        if open.get(&self.subject).is_some_and(|feed| feed.strong_count() == 0) {
            open.remove(&self.subject);
        }
    }
}

impl Feed {
    /// What a subscriber that has everything up to `index` gets to read; none when the feed has ended.
    fn events(feed: &Arc<Feed>, index: Index) -> Option<Events> {
        let mut state = feed.state.lock();
        let live = state.live.as_ref()?.subscribe();
        let mut first = Vec::new();
        if index == 0 || index < state.event || index > state.index {
            if index > 0 {
                first.push(encoded(state.index, Payload::NewSnapshotToFollow(true)));
            }
            first.extend(state.snapshot().iter().cloned());
        }
        drop(state);
        // the feed lives as long as somebody reads it
        let following = stream::unfold(Some((feed.clone(), live)), |following| async move {
            let (feed, mut live) = following?;
            match live.recv().await {
                Ok(event) => Some((Ok(event), Some((feed, live)))),
                Err(_) => Some((Err(restart()), None)),
            }
        });
        Some(stream::iter(first.into_iter().map(Ok)).chain(following).boxed())
    }
}

impl State {
    fn new(view: &HealthView) -> State {
        State {
            event: view.index,
            index: view.index,
            rows: view.instances.nodes.iter().map(|row| (identity(row), Row::new(row))).collect(),
            snapshot: None,
            live: Some(broadcast::channel(BACKLOG).0),
        }
    }

    /// An event per instance, and the one that ends the snapshot.
    fn snapshot(&mut self) -> Arc<[Bytes]> {
        let State { index, rows, snapshot, .. } = self;
        let made = snapshot.get_or_insert_with(|| {
            let instances = rows.values().map(|row| registered(*index, &row.encoded));
            instances.chain([encoded((*index).max(1), Payload::EndOfSnapshot(true))]).collect()
        });
        made.clone()
    }

    /// Takes a newer view and tells the subscribers what is different.
    fn advance(&mut self, view: &HealthView) {
        self.index = view.index;
        self.snapshot = None;
        let mut before = std::mem::take(&mut self.rows);
        let mut events = Vec::new();
        for instance in &view.instances.nodes {
            let identity = identity(instance);
            let row = match before.remove(&identity) {
                Some(row) if same(&row.instance, instance) => row,
                _ => {
                    let row = Row::new(instance);
                    events.push(registered(view.index, &row.encoded));
                    row
                }
            };
            self.rows.insert(identity, row);
        }
        events.extend(before.into_values().map(|row| deregistered(view.index, &row.instance)));
        let event = match events.len() {
            0 => return,
            1 => events.remove(0),
            _ => batch(view.index, &events),
        };
        self.event = view.index;
        if let Some(live) = &self.live {
            // nobody may be listening just now
            let _ = live.send(event);
        }
    }
}

impl Row {
    fn new(instance: &CheckServiceNode) -> Row {
        let encoded = wire::CheckServiceNode::from(instance).encode_to_vec();
        Row { instance: instance.clone(), encoded: Bytes::from(encoded) }
    }
}

fn identity(row: &CheckServiceNode) -> Identity {
    (row.node.node.clone(), row.service.id.clone())
}

/// Rows are shared with the state as long as they do not change.
fn equal<T: PartialEq>(one: &Arc<T>, other: &Arc<T>) -> bool {
    Arc::ptr_eq(one, other) || one == other
}

fn same(one: &CheckServiceNode, other: &CheckServiceNode) -> bool {
    let checks = one.checks.len() == other.checks.len()
        && one.checks.iter().zip(&other.checks).all(|(one, other)| equal(one, other));
    checks && equal(&one.node, &other.node) && equal(&one.service, &other.service)
}

/// Follows the state until the feed has no subscribers or cannot go on.
async fn follow(service: Arc<dyn Service>, feed: Weak<Feed>, subject: Subject, mut seen: Index) {
    loop {
        let asked = Instant::now();
        let result = service.health(subject.request(seen)).await;
        let Some(feed) = feed.upgrade() else { return };
        let mut state = feed.state.lock();
        match result {
            Ok(view) if view.index > seen => {
                seen = view.index;
                state.advance(&view);
            }
            Ok(view) if view.index == seen && asked.elapsed() >= SHORTEST_LOOK => {}
            _ => {
                state.live = None;
                return;
            }
        }
    }
}

fn encoded(index: Index, payload: Payload) -> Bytes {
    Bytes::from(Event { index, payload: Some(payload) }.encode_to_vec())
}

/// A field with contents that are encoded already.
fn field(tag: u32, contents: &[u8], into: &mut BytesMut) {
    encode_key(tag, WireType::LengthDelimited, into);
    encode_varint(contents.len() as u64, into);
    into.put_slice(contents);
}

/// `Event { index, ServiceHealth { Register, instance } }`; the operation is the default and left out.
fn registered(index: Index, instance: &[u8]) -> Bytes {
    let mut update = BytesMut::with_capacity(instance.len() + 8);
    field(2, instance, &mut update);
    let mut event = BytesMut::with_capacity(update.len() + 24);
    encode_key(1, WireType::Varint, &mut event);
    encode_varint(index, &mut event);
    field(10, &update, &mut event);
    event.freeze()
}

fn deregistered(index: Index, instance: &CheckServiceNode) -> Bytes {
    let (node, service) = (&instance.node, &instance.service);
    let node = Node { id: node.id.clone(), node: node.node.clone(), ..Node::default() };
    let service = NodeService {
        kind: service.kind.clone(),
        id: service.id.clone(),
        service: service.service.clone(),
        proxy: service.proxy.clone(),
        ..NodeService::default()
    };
    let gone = CheckServiceNode { node: Arc::new(node), service: Arc::new(service), checks: Vec::new() };
    let update = ServiceHealthUpdate { op: Op::Deregister as i32, check_service_node: Some((&gone).into()) };
    encoded(index, Payload::ServiceHealth(Box::new(update)))
}

/// Several events of one index in one.
fn batch(index: Index, events: &[Bytes]) -> Bytes {
    let mut inner = BytesMut::new();
    events.iter().for_each(|event| field(1, event, &mut inner));
    let mut event = BytesMut::with_capacity(inner.len() + 24);
    encode_key(1, WireType::Varint, &mut event);
    encode_varint(index, &mut event);
    field(4, &inner, &mut event);
    event.freeze()
}

/// The subscriber has to begin again with nothing.
fn restart() -> Status {
    Status::aborted("stream reset, request a new snapshot")
}

fn refusal(error: Error) -> Status {
    let words = |known: &[&str]| known.iter().any(|known| error.text.contains(known));
    if words(&["Permission denied", "ACL not found"]) {
        Status::permission_denied(error.text)
    } else if words(&["No cluster leader", "No path to datacenter", "Remote DC has no server"]) {
        Status::unavailable(error.text)
    } else {
        Status::internal(error.text)
    }
}
