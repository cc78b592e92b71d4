//! Who is in the pool and who of them answers: SWIM with Lifeguard, as memberlist speaks it (`spec/gossip.md` 3).
//!
//! No sockets and no clock: time, packets and streams come in, [`Output`]s go out. One owner drives a [`Swim`]:
//!
//! * a datagram arrived: [`Swim::packet`];
//! * [`Swim::next_tick`] is reached: [`Swim::tick`];
//! * after either, carry out [`Swim::outputs`].
//!
//! **Streams.** To open one (an [`Output::Dial`], or a join that the owner wants): connect within
//! [`Timing::stream_timeout`], write `layers.seal_stream(&swim.stream_request(..), true)`, and if
//! [`Exchange::has_reply`], read with `layers.stream_reader(true)` until it has a message, and hand that (or the error) to
//! [`Swim::stream_reply`]. To accept one: read with `layers.stream_reader(false)`, hand the message or the error to
//! [`Swim::accept_stream`], write the sealed reply if there is one, then pass `merge` to [`Swim::merge`]. [`Swim::layers`]
//! is cheap to clone, so that compression and encryption of big states happen outside of any lock around the core.

mod config;
mod delegate;
mod exchange;
mod figures;
mod members;
mod node;
mod noise;
mod packet;
mod probe;
mod queue;
mod rumor;
mod suspicion;
#[cfg(test)]
mod tests;
mod timers;

pub use config::{Config, Timing, VERSIONS, Versions};
pub use delegate::Delegate;
pub use node::{Node, State};
pub use queue::{BroadcastId, Broadcasts};
pub use suspicion::suspicion_timeout;

use crate::gossip::wire::{Dead, Layers, PushPull};
use bytes::Bytes;
use members::Members;
use noise::{Noise, Problem};
use probe::{Probe, Relay};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::HashMap;
use std::hash::Hash;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use suspicion::Suspicion;
use timers::{Timer, Timers};
use tracing::Level;

/// Time since an arbitrary start; the same start for all calls of one core, never going back.
pub type Time = Duration;

/// More accepted push/pulls at the same time than this are closed at once.
pub const MAX_PUSH_PULLS: usize = 128;

/// What the owner shall do.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send a datagram.
    Packet {
        /// To whom.
        to: SocketAddr,
        /// Complete, sealed.
        bytes: Bytes,
    },
    /// Open a stream.
    Dial(Dial),
    /// Say this in the log.
    Log {
        /// How loud.
        level: Level,
        /// What, with the reference's prefix `memberlist: `.
        text: String,
    },
}

/// A stream to open.
#[derive(Clone, Debug, PartialEq)]
pub struct Dial {
    /// To whom.
    pub to: SocketAddr,
    /// Its name, as far as known.
    pub name: Option<Arc<str>>,
    /// What for.
    pub exchange: Exchange,
    /// When it is too late.
    pub deadline: Time,
}

/// What a stream is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Exchange {
    /// Full state both ways; `join` when we enter the pool with it.
    PushPull {
        /// We enter the pool.
        join: bool,
    },
    /// Back-up of a probe.
    Ping {
        /// Number of the probe.
        seq: u32,
        /// Whom we mean.
        node: Arc<str>,
    },
    /// A user message.
    User(Bytes),
}

impl Exchange {
    /// The other side answers.
    pub fn has_reply(&self) -> bool {
        !matches!(self, Exchange::User(_))
    }
}

/// What to do with an accepted stream.
#[derive(Debug, Default)]
pub struct Answer {
    /// Write this, sealed; then close.
    pub reply: Option<Vec<u8>>,
    /// After writing, hand this to [`Swim::merge`].
    pub merge: Option<Box<PushPull>>,
}

/// A member of a pool.
pub struct Swim {
    config: Config,
    layers: Layers,
    name: Arc<str>,
    members: Members,
    /// Our own incarnation; only grows.
    incarnation: u32,
    /// Number of our last ping.
    seq: u32,
    /// Awareness of our own health (Lifeguard).
    health: u32,
    broadcasts: Broadcasts,
    suspicions: HashMap<Arc<str>, Suspicion, ahash::RandomState>,
    /// Members that came back at another address before the old one was given up, by name: they take its place then.
    moved: HashMap<Arc<str>, Node, ahash::RandomState>,
    probe: Option<Probe>,
    /// A tick came while a probe ran.
    probe_waiting: bool,
    relays: HashMap<u32, Relay, ahash::RandomState>,
    /// We have said that we go.
    left: bool,
    leave_broadcast: Option<BroadcastId>,
    timers: Timers,
    outputs: Vec<Output>,
    noise: Noise,
    rng: StdRng,
}

impl Swim {
    /// A pool of one. `seed` drives all choices. Our own entry is made from `d.meta()` and announced to it by `joined`.
    pub fn new(config: Config, now: Time, seed: u64, d: &mut dyn Delegate) -> Self {
        let layers = Layers {
            keyring: config.keyring.clone(),
            verify_incoming: config.verify_incoming,
            verify_outgoing: config.verify_outgoing,
            compression: config.compression,
            label: "".into(),
        };
        let mut swim = Swim {
            name: config.name.as_str().into(),
            layers,
            members: Members::default(),
            incarnation: 0,
            seq: 0,
            health: 0,
            broadcasts: Broadcasts::new(),
            suspicions: HashMap::default(),
            moved: HashMap::default(),
            probe: None,
            probe_waiting: false,
            relays: HashMap::default(),
            left: false,
            leave_broadcast: None,
            timers: Timers::default(),
            outputs: Vec::new(),
            noise: Noise::default(),
            rng: StdRng::seed_from_u64(seed),
            config,
        };
        swim.announce_self(now, d);
        swim.start_timers(now);
        swim
    }

    /// Every ticker starts at a random moment of its interval, so that the members of a pool do not act in step.
    fn start_timers(&mut self, now: Time) {
        let (probe, gossip) = (self.config.timing.probe_interval, self.config.timing.gossip_interval);
        for (interval, timer) in [(probe, Timer::Probe), (gossip, Timer::Gossip)] {
            if !interval.is_zero() {
                let stagger = self.stagger(interval);
                self.timers.set(now + stagger, timer);
            }
        }
        if !self.config.timing.push_pull_interval.is_zero() {
            let stagger = self.stagger(self.config.timing.push_pull_interval);
            self.timers.set(now + stagger + self.push_pull_interval(), Timer::PushPull);
        }
    }

    fn stagger(&mut self, interval: Duration) -> Duration {
        self.rng.random_range(Duration::ZERO..interval)
    }

    fn push_pull_interval(&self) -> Duration {
        push_pull_interval(self.config.timing.push_pull_interval, self.members.len())
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Time, d: &mut dyn Delegate) {
        while let Some((due, timer)) = self.timers.pop(now) {
            match timer {
                Timer::Probe => {
                    self.again(due, now, self.config.timing.probe_interval, Timer::Probe);
                    self.probe_tick(now, d);
                }
                Timer::Gossip => {
                    self.again(due, now, self.config.timing.gossip_interval, Timer::Gossip);
                    self.gossip(now, d);
                }
                Timer::PushPull => {
                    self.again(due, now, self.push_pull_interval(), Timer::PushPull);
                    self.dial_push_pull(now);
                }
                Timer::ProbeLate(seq) => self.probe_late(now, seq, d),
                Timer::ProbeOver(seq) => self.probe_over(now, seq, d),
                Timer::Relay(seq) => self.relay_over(now, seq, d),
                Timer::Suspicion(name) => self.suspicion_due(now, &name, d),
            }
        }
    }

    /// Sets a ticker again; ticks that were slept through are not made up for.
    fn again(&mut self, due: Time, now: Time, interval: Duration, timer: Timer) {
        let next = due + interval;
        self.timers.set(if next > now { next } else { now + interval }, timer);
    }

    /// When [`Swim::tick`] has something to do.
    pub fn next_tick(&self) -> Time {
        self.timers.next()
    }

    /// What the owner shall do now.
    pub fn outputs(&mut self) -> std::vec::Drain<'_, Output> {
        self.outputs.drain(..)
    }

    /// How streams and packets are wrapped.
    pub fn layers(&self) -> &Layers {
        &self.layers
    }

    /// Says that we go. Done when [`Swim::is_leave_done`]; the core goes on answering.
    pub fn leave(&mut self, now: Time, d: &mut dyn Delegate) {
        if std::mem::replace(&mut self.left, true) {
            return;
        }
        let (name, incarnation) = (self.name.clone(), self.local().incarnation);
        self.dead(now, &Dead { incarnation, node: &name, from: &name }, d);
    }

    /// True once everybody was told, or there is nobody to tell.
    pub fn is_leave_done(&self) -> bool {
        self.left && self.leave_broadcast.is_none_or(|broadcast| !self.is_queued(broadcast))
    }

    /// Announces `d.meta()` anew. The update is on its way when [`Swim::is_queued`] turns false.
    pub fn update_meta(&mut self, now: Time, d: &mut dyn Delegate) -> BroadcastId {
        self.announce_self(now, d)
    }

    /// True while a broadcast of ours has not been sent as often as it should, and there is somebody to hear it.
    pub fn is_queued(&self, id: BroadcastId) -> bool {
        self.broadcasts.is_queued(id) && self.members.has_company(&self.name)
    }

    /// Takes a member as known without asking anybody, for a pool that shall begin complete (simulations).
    pub fn adopt(&mut self, node: Node) {
        if self.members.get(&node.name).is_none() {
            self.members.insert(node, &mut self.rng);
        }
    }

    /// Settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// All members, also the dead ones that are not forgotten yet, ourselves included.
    pub fn members(&self) -> impl ExactSizeIterator<Item = &Node> {
        self.members.iter()
    }

    /// Members known, in any state.
    pub fn member_count(&self) -> usize {
        self.members.len()
    }

    /// Members alive or suspect, ourselves included.
    pub fn live_count(&self) -> usize {
        self.members.live()
    }

    /// A member.
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.members.get(name)
    }

    /// Ourselves.
    pub fn local(&self) -> &Node {
        self.members.get(&self.name).expect("we are the first member and never forget ourselves")
    }

    /// 0 when all is well; grows when we miss answers that others get (Lifeguard).
    pub fn health_score(&self) -> u32 {
        self.health
    }

    /// How often a queued message is sent in a pool of this size.
    pub fn retransmit_limit(&self) -> u32 {
        retransmit_limit(self.config.timing.retransmit_mult, self.members.len())
    }

    fn log(&mut self, level: Level, text: impl std::fmt::Display) {
        self.outputs.push(Output::Log { level, text: format!("memberlist: {text}") });
    }

    /// Logs a problem that others can cause as often as they like: once in a long while per kind and source.
    fn complain(&mut self, now: Time, level: Level, problem: (Problem, impl Hash), text: impl FnOnce() -> String) {
        match self.noise.say(now, problem.0, problem.1) {
            None => {}
            Some(0) => self.log(level, text()),
            Some(kept_back) => self.log(level, format_args!("{} ({kept_back} more like this)", text())),
        }
    }
}

/// `mult * ceil(log10(n + 1))` (`spec/gossip.md` 3.1).
pub fn retransmit_limit(mult: u32, n: usize) -> u32 {
    mult * ((n as f64 + 1.0).log10().ceil() as u32)
}

/// Time between two full exchanges in a pool of `n` members (`spec/gossip.md` 3.1).
pub fn push_pull_interval(base: Duration, n: usize) -> Duration {
    const UNSCALED: f64 = 32.0;
    if n as f64 <= UNSCALED {
        return base;
    }
    let factor = ((n as f64).log2() - UNSCALED.log2()).ceil() + 1.0;
    base * factor as u32
}
