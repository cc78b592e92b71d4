//! The Serf layer: members with tags and statuses, intents, user events and queries on top of SWIM (`spec/gossip.md` 4).
//!
//! Time and messages go in, messages and events come out: this part knows no sockets and no clock. It is the
//! [`Delegate`](crate::gossip::swim::Delegate) of the failure detector below it, and what it wants done waits in
//! [`Serf::outputs`] for whoever drives it.

mod buffer;
mod clock;
mod delegate;
mod event;
mod filter;
pub mod keys;
mod log;
mod member;
mod members;
pub mod message;
mod queries;
mod settings;
mod state;
pub mod tags;
#[cfg(test)]
mod tests;
pub mod user_events;

pub use clock::LamportClock;
pub use event::{Event, IncomingQuery, UserEvent};
pub use log::{Layer, Logger};
pub use member::{Member, MemberStatus, Tags};
pub use queries::{Answering, QueryReply, QueryRequest};
pub use settings::{MergeCheck, Settings};

use crate::gossip::coordinate;
use crate::gossip::swim::{BroadcastId, Broadcasts, Time};
use crate::telemetry::{limits, metrics};
use crate::types::coordinate::Coordinate;
use buffer::{EventBuffer, QueryBuffer};
use bytes::Bytes;
use keys::KeyOperation;
use members::{Intent, Record};
use message::QueryKey;
use queries::Asked;
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::Arc;

/// Waits for a broadcast to have been sent as often as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(u64);

/// What the layer wants done, or has to tell.
#[derive(Clone, Debug)]
pub enum Output {
    /// Send this user message straight to an address.
    Send {
        /// Where to.
        to: SocketAddr,
        /// Message without the type byte of the layer below.
        message: Bytes,
    },
    /// Tell the listeners.
    Event(Event),
    /// Let the listeners answer.
    Query(Answering),
    /// Work on the keyring, then answer.
    Keys(KeyOperation, Answering),
    /// An answer to a query of ours.
    Reply(QueryKey, QueryReply),
    /// The time of a query of ours is over.
    QueryEnded(QueryKey),
    /// The broadcast of this ticket has been sent.
    Sent(Ticket),
    /// A probe told where a member is in the latency space, and where this node is now.
    Position {
        /// Member.
        node: String,
        /// Its coordinate.
        coordinate: Coordinate,
        /// Ours.
        own: Coordinate,
    },
    /// Exchange states with this member, `name/address`, to see whether it is back.
    Reconnect(String),
    /// Another node has our name, and the pool knows that one.
    ConflictLost,
}

/// Where the clocks start: all zero, or at the times of a snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clocks {
    /// Member clock.
    pub member: u64,
    /// Newest user event.
    pub event: u64,
    /// Newest query.
    pub query: u64,
}

/// This node's place in its own pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Alive,
    Leaving,
}

/// The Serf layer of one node.
pub struct Serf {
    settings: Settings,
    rng: SmallRng,
    stage: Stage,
    meta: Bytes,

    member_clock: LamportClock,
    event_clock: LamportClock,
    query_clock: LamportClock,

    members: BTreeMap<String, Record>,
    intents: HashMap<String, Intent>,
    prunes: Vec<(Time, String)>,
    changed: bool,

    events: EventBuffer,
    queries: QueryBuffer,
    asked: HashMap<QueryKey, Asked>,
    ignore_old_events: usize,
    /// When a claim to a taken name was last logged.
    conflicts: HashMap<(String, SocketAddr), Time>,

    intent_queue: Broadcasts,
    query_queue: Broadcasts,
    event_queue: Broadcasts,
    tickets: Vec<(BroadcastId, Ticket)>,
    last_ticket: u64,

    coordinates: Option<coordinate::Client>,

    next_reap: Time,
    next_reconnect: Time,
    next_queue_check: Time,
    outputs: VecDeque<Output>,
}

impl Serf {
    /// A layer that starts now with the clocks of its last life.
    ///
    /// # Errors
    /// The tags are too long.
    pub fn new(settings: Settings, clocks: Clocks, now: Time, seed: u64) -> Result<Serf, String> {
        let mut rng = SmallRng::seed_from_u64(seed);
        let meta = tags::encode(&settings.tags)?;
        let start = |newest: u64| if newest > 0 { newest.saturating_add(1) } else { 0 };
        let started = |seen: u64| {
            let mut clock = LamportClock::started();
            clock.witness(seen);
            clock
        };
        Ok(Serf {
            stage: Stage::Alive,
            meta,
            member_clock: started(clocks.member),
            event_clock: started(clocks.event),
            query_clock: started(clocks.query),
            members: BTreeMap::new(),
            intents: HashMap::new(),
            prunes: Vec::new(),
            changed: true,
            events: EventBuffer::starting_at(start(clocks.event)),
            queries: QueryBuffer::starting_at(start(clocks.query)),
            asked: HashMap::new(),
            ignore_old_events: 0,
            conflicts: HashMap::new(),
            intent_queue: Broadcasts::new(),
            query_queue: Broadcasts::new(),
            event_queue: Broadcasts::new(),
            tickets: Vec::new(),
            last_ticket: 0,
            coordinates: (!settings.disable_coordinates).then(|| coordinate::Client::new(rng.random())),
            next_reap: now + settings.reap_interval,
            next_reconnect: now + settings.reconnect_interval,
            next_queue_check: now + settings.queue_check_interval,
            outputs: VecDeque::new(),
            rng,
            settings,
        })
    }

    /// What is to be done, oldest first; empty afterwards.
    pub fn outputs(&mut self) -> impl Iterator<Item = Output> + '_ {
        self.outputs.drain(..)
    }

    /// Name of this node.
    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// All members by name.
    pub fn members(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.members.values().map(|record| &record.member)
    }

    /// The member of this name.
    pub fn member(&self, name: &str) -> Option<&Arc<Member>> {
        self.members.get(name).map(|record| &record.member)
    }

    /// The member list has changed since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// The clocks, as a snapshot wants them.
    pub fn clocks(&self) -> Clocks {
        Clocks { member: self.member_clock.time(), event: self.event_clock.time(), query: self.query_clock.time() }
    }

    /// Network coordinates; none when they are disabled.
    pub fn coordinates(&self) -> Option<&coordinate::Client> {
        self.coordinates.as_ref()
    }

    /// Someone else than this node is alive.
    pub fn has_company(&self) -> bool {
        self.members().any(|member| member.is_alive() && member.name != self.settings.name)
    }

    /// Announces other tags from the next update of the layer below on.
    ///
    /// # Errors
    /// They are too long.
    pub fn set_tags(&mut self, tags: Tags) -> Result<(), String> {
        self.meta = tags::encode(&tags)?;
        self.settings.tags = tags;
        Ok(())
    }

    /// While it lasts, states of the pool that is joined bring no events from before.
    pub fn ignore_old_events(&mut self, ignore: bool) {
        self.ignore_old_events =
            if ignore { self.ignore_old_events + 1 } else { self.ignore_old_events.saturating_sub(1) };
    }

    /// When [`Serf::tick`] has something to do.
    pub fn next_tick(&self) -> Time {
        let timers = [self.next_reap, self.next_reconnect, self.next_queue_check];
        let queries = self.asked.values().map(|asked| asked.deadline);
        let prunes = self.prunes.iter().map(|(at, _)| *at);
        timers.into_iter().chain(queries).chain(prunes).min().expect("there are always timers")
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Time) {
        self.end_queries(now);
        self.prune_due(now);
        if now >= self.next_reap {
            self.next_reap = now + self.settings.reap_interval;
            self.reap(now);
        }
        if now >= self.next_reconnect {
            self.next_reconnect = now + self.settings.reconnect_interval;
            self.reconnect();
        }
        if now >= self.next_queue_check {
            self.next_queue_check = now + self.settings.queue_check_interval;
            self.check_queues();
        }
    }

    /// Messages waiting: intents, queries, user events.
    pub fn queue_lengths(&self) -> [usize; 3] {
        [self.intent_queue.len(), self.query_queue.len(), self.event_queue.len()]
    }

    fn event(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    fn count(&self, name: &str) {
        metrics::counter_labels(name, 1, &[("network", self.settings.network)]);
    }

    fn sample(&self, name: &str, value: f64) {
        metrics::sample_labels(name, value, &[("network", self.settings.network)]);
    }

    /// A ticket for a broadcast of the intent queue.
    fn ticket(&mut self, broadcast: BroadcastId) -> Ticket {
        self.last_ticket += 1;
        let ticket = Ticket(self.last_ticket);
        self.tickets.push((broadcast, ticket));
        ticket
    }

    /// Warns of long queues and cuts those that are too long.
    fn check_queues(&mut self) {
        let max = self.queue_depth();
        let queues =
            [("Intent", &mut self.intent_queue), ("Query", &mut self.query_queue), ("Event", &mut self.event_queue)];
        for (name, queue) in queues {
            let depth = queue.len();
            let labels = [("network", self.settings.network)];
            metrics::sample_labels(&format!("serf.queue.{name}"), depth as f64, &labels);
            if depth > max {
                let text = format_args!("{name} queue depth ({depth}) exceeds limit ({max}), dropping messages!");
                self.settings.log.warn(Layer::Serf, text);
                limits::GOSSIP_QUEUE.exceeded();
                queue.prune(max, usize::MAX);
            }
        }
        self.report_sent();
    }

    /// Messages that may wait in one queue between looks.
    fn queue_depth(&self) -> usize {
        self.settings.min_queue_depth.max(2 * self.members.len())
    }

    /// Turns finished broadcasts into outputs.
    fn report_sent(&mut self) {
        let (queue, outputs) = (&self.intent_queue, &mut self.outputs);
        self.tickets.retain(|(broadcast, ticket)| {
            let waiting = queue.is_queued(*broadcast);
            if !waiting {
                outputs.push_back(Output::Sent(*ticket));
            }
            waiting
        });
    }
}
