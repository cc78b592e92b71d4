//! Who is in the pool and who of them answers: SWIM with Lifeguard, as memberlist speaks it (`spec/gossip.md` 3).
//!
//! No sockets and no clock: time, packets and streams come in, [`Output`]s go out. One owner drives a [`Swim`]:
//!
//! * a datagram arrived: [`Swim::packet`];
//! * [`Swim::next_tick`] is reached: [`Swim::tick`];
//! * after either, carry out [`Swim::outputs`].
//!
//! **Streams.** To open one (an [`Output::Dial`], or a join that the owner wants): connect within
//! [`Config::tcp_timeout`], write `layers.seal_stream(&swim.stream_request(..), true)`, and if
//! [`Exchange::has_reply`], read with `layers.stream_reader(true)` until it has a message, and hand that (or the error) to
//! [`Swim::stream_reply`]. To accept one: read with `layers.stream_reader(false)`, hand the message or the error to
//! [`Swim::accept_stream`], write the sealed reply if there is one, then pass `merge` to [`Swim::merge`]. [`Swim::layers`]
//! is cheap to clone, so that compression and encryption of big states happen outside of any lock around the core.

mod config;
mod delegate;
mod node;
mod queue;

pub use config::{Config, VERSIONS, Versions};
pub use delegate::Delegate;
pub use node::{Node, State};
pub use queue::{BroadcastId, Broadcasts};

use crate::gossip::wire::{Error as WireError, Layers, PushPull, StreamMessage};
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

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
        level: tracing::Level,
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
}

impl Swim {
    /// A pool of one. `seed` drives all choices. Our own entry is made from `d.meta()` and announced to it by `joined`.
    pub fn new(config: Config, now: Time, seed: u64, d: &mut dyn Delegate) -> Self {
        let _ = (now, seed, d.meta());
        let layers = Layers::plain();
        Swim { config, layers }
    }

    /// Takes a datagram.
    pub fn packet(&mut self, now: Time, from: SocketAddr, datagram: &[u8], d: &mut dyn Delegate) {
        let _ = (now, from, datagram, d.meta());
        todo!()
    }

    /// Does what is due.
    pub fn tick(&mut self, now: Time, d: &mut dyn Delegate) {
        let _ = (now, d.meta());
        todo!()
    }

    /// When [`Swim::tick`] has something to do.
    pub fn next_tick(&self) -> Time {
        todo!()
    }

    /// What the owner shall do now.
    pub fn outputs(&mut self) -> std::vec::Drain<'_, Output> {
        todo!()
    }

    /// How streams and packets are wrapped.
    pub fn layers(&self) -> &Layers {
        &self.layers
    }

    /// What to write (unsealed) at the begin of a stream that we opened.
    pub fn stream_request(&mut self, exchange: &Exchange, d: &mut dyn Delegate) -> Vec<u8> {
        let _ = (exchange, d.meta());
        todo!()
    }

    /// The end of a stream that we opened: its reply, or why there is none. An error is one to tell the user when the
    /// stream was a join; failures of periodic exchanges are logged here.
    pub fn stream_reply(
        &mut self,
        now: Time,
        to: SocketAddr,
        exchange: &Exchange,
        reply: Result<StreamMessage, String>,
        d: &mut dyn Delegate,
    ) -> Result<(), String> {
        let _ = (now, to, exchange, reply, d.meta());
        todo!()
    }

    /// A stream that another side opened: its message, or why it could not be read.
    pub fn accept_stream(
        &mut self,
        now: Time,
        from: SocketAddr,
        message: Result<StreamMessage, WireError>,
        d: &mut dyn Delegate,
    ) -> Answer {
        let _ = (now, from, message, d.meta());
        todo!()
    }

    /// Merges the other side's state of a full exchange. A refusal is logged and returned.
    pub fn merge(&mut self, now: Time, from: SocketAddr, state: PushPull, d: &mut dyn Delegate) -> Result<(), String> {
        let _ = (now, from, state, d.meta());
        todo!()
    }

    /// Sends a user message as a packet of its own, at once.
    pub fn send_user(&mut self, to: SocketAddr, message: &[u8]) {
        let _ = (to, message);
        todo!()
    }

    /// Says that we go. Done when [`Swim::is_leave_done`]; the core goes on answering.
    pub fn leave(&mut self, now: Time, d: &mut dyn Delegate) {
        let _ = (now, d.meta());
        todo!()
    }

    /// True once everybody was told, or there is nobody to tell.
    pub fn is_leave_done(&self) -> bool {
        todo!()
    }

    /// Announces `d.meta()` anew. The update is on its way when [`Swim::is_queued`] turns false.
    pub fn update_meta(&mut self, now: Time, d: &mut dyn Delegate) -> BroadcastId {
        let _ = (now, d.meta());
        todo!()
    }

    /// True while a broadcast of ours has not been sent as often as it should.
    pub fn is_queued(&self, id: BroadcastId) -> bool {
        let _ = id;
        todo!()
    }

    /// Settings.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// All members, also the dead ones that are not forgotten yet, ourselves included.
    pub fn members(&self) -> impl ExactSizeIterator<Item = &Node> {
        [].iter()
    }

    /// Members known, in any state.
    pub fn member_count(&self) -> usize {
        todo!()
    }

    /// Members alive or suspect, ourselves included.
    pub fn live_count(&self) -> usize {
        todo!()
    }

    /// A member.
    pub fn node(&self, name: &str) -> Option<&Node> {
        let _ = name;
        todo!()
    }

    /// Ourselves.
    pub fn local(&self) -> &Node {
        todo!()
    }

    /// 0 when all is well; grows when we miss answers that others get (Lifeguard).
    pub fn health_score(&self) -> u32 {
        todo!()
    }

    /// How often a queued message is sent in a pool of this size.
    pub fn retransmit_limit(&self) -> u32 {
        todo!()
    }
}

/// `mult * ceil(log10(n + 1))` (`spec/gossip.md` 3.1).
pub fn retransmit_limit(mult: u32, n: usize) -> u32 {
    mult * ((n as f64 + 1.0).log10().ceil() as u32)
}
