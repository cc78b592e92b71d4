//! Scenarios of the failure detector: recorded traces, rules one by one, and pools with an injected clock.

mod pool;
mod queue;
mod recorded;
mod rules;
mod scenarios;
mod streams;

use super::*;
use crate::gossip::wire::{self, Message, kind};
use serde_json::Value;
use std::sync::LazyLock;

pub(super) static VECTORS: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../../tests/vectors/gossip-vectors.json")).expect("JSON")
});

pub(super) fn unhex(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect()
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn ms(millis: u64) -> Time {
    Duration::from_millis(millis)
}

pub(super) fn at(number: u8) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, number], 8301))
}

/// A layer above that writes down what it is told.
#[derive(Default)]
pub(super) struct Notes {
    pub told: Vec<String>,
    pub meta: &'static [u8],
    pub payload: &'static [u8],
    pub state: &'static [u8],
    /// Members that it does not want.
    pub unwanted: Vec<&'static str>,
    pub waiting: Vec<Bytes>,
}

impl Notes {
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.told)
    }

    fn admission(&self, node: &Node) -> Result<(), String> {
        if self.unwanted.contains(&&*node.name) { Err(format!("no {}", node.name)) } else { Ok(()) }
    }
}

impl Delegate for Notes {
    fn meta(&self) -> Bytes {
        Bytes::from_static(self.meta)
    }
    fn user_message(&mut self, _: Time, message: &[u8]) {
        self.told.push(format!("user {}", hex(message)));
    }
    fn broadcasts(&mut self, _: Time, overhead: usize, limit: usize) -> Vec<Bytes> {
        let mut used = 0;
        let mut fits = |message: &Bytes| {
            used += overhead + message.len();
            used <= limit
        };
        let count = self.waiting.iter().take_while(|message| fits(message)).count();
        self.waiting.drain(..count).collect()
    }
    fn local_state(&mut self, _: bool) -> Bytes {
        Bytes::from_static(self.state)
    }
    fn merge_state(&mut self, _: Time, state: &[u8], join: bool) {
        self.told.push(format!("state {} join={join}", hex(state)));
    }
    fn joined(&mut self, _: Time, node: &Node) {
        self.told.push(format!("joined {}", node.name));
    }
    fn left(&mut self, _: Time, node: &Node) {
        self.told.push(format!("{} {}", if node.state == State::Left { "left" } else { "dead" }, node.name));
    }
    fn updated(&mut self, _: Time, node: &Node) {
        self.told.push(format!("updated {}", node.name));
    }
    fn conflict(&mut self, _: Time, existing: &Node, other: &Node) {
        self.told.push(format!("conflict {} {} {}", existing.name, existing.address, other.address));
    }
    fn same_identity(&self, existing: &Node, other: &Node) -> bool {
        !existing.meta.is_empty() && existing.meta == other.meta
    }
    fn admit(&self, node: &Node) -> Result<(), String> {
        self.admission(node)
    }
    fn admit_merge(&self, nodes: &[Node]) -> Result<(), String> {
        nodes.iter().try_for_each(|node| self.admission(node))
    }
    fn ack_payload(&self) -> Bytes {
        Bytes::from_static(self.payload)
    }
    fn ping_done(&mut self, _: Time, node: &Node, rtt: Duration, payload: &[u8]) {
        self.told.push(format!("ping {} {rtt:?} {}", node.name, hex(payload)));
    }
}

/// One member with its notes, spoken to by hand.
pub(super) struct One {
    pub swim: Swim,
    pub notes: Notes,
    pub now: Time,
}

impl One {
    /// Member `srv1` at 127.0.0.1, without compression so that tests can read what it says.
    pub fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new("srv1", at(1), Timing::lan());
        config.compression = false;
        change(&mut config);
        let mut notes = Notes::default();
        let swim = Swim::new(config, Duration::ZERO, 7, &mut notes);
        let mut one = One { swim, notes, now: Duration::ZERO };
        assert_eq!(one.notes.take(), [format!("joined {}", one.swim.name)]);
        one.quiet();
        one
    }

    /// Forgets what waits to be told, so that answers come alone.
    pub fn quiet(&mut self) {
        self.swim.broadcasts.prune(0, 0);
        self.swim.outputs.clear();
    }

    pub fn hears(&mut self, from: SocketAddr, message: &Message) {
        self.gets(from, &message.encode());
    }

    pub fn gets(&mut self, from: SocketAddr, bytes: &[u8]) {
        self.swim.packet(self.now, from, bytes, &mut self.notes);
    }

    /// Lets time pass, doing what is due on the way.
    pub fn passes(&mut self, time: Duration) {
        let end = self.now + time;
        while self.swim.next_tick() <= end {
            self.now = self.swim.next_tick().max(self.now);
            self.swim.tick(self.now, &mut self.notes);
        }
        self.now = end;
    }

    /// A member comes up.
    pub fn meets(&mut self, name: &str, number: u8, incarnation: u32) {
        self.hears(at(number), &alive(name, number, incarnation));
    }

    pub fn state(&self, name: &str) -> Option<State> {
        self.swim.node(name).map(|node| node.state)
    }

    /// Packets since the last call, opened: receiver and message (checksum taken off).
    pub fn packets(&mut self) -> Vec<(SocketAddr, Vec<u8>)> {
        let layers = self.swim.layers().clone();
        let open = |output| match output {
            Output::Packet { to, bytes } => Some((to, layers.open_packet(&bytes).expect("ours").into_owned())),
            _ => None,
        };
        self.swim.outputs().filter_map(open).collect()
    }

    /// Log lines since the last call.
    pub fn logs(&mut self) -> Vec<String> {
        let text = |output| if let Output::Log { text, .. } = output { Some(text) } else { None };
        self.swim.outputs().filter_map(text).collect()
    }

    /// Dials since the last call.
    pub fn dials(&mut self) -> Vec<Dial> {
        let dial = |output| if let Output::Dial(dial) = output { Some(dial) } else { None };
        self.swim.outputs().filter_map(dial).collect()
    }

    /// What waits to be passed on, in the words of [`say`].
    pub fn waiting(&mut self) -> Vec<String> {
        self.swim.broadcasts.pull(2, 1 << 20, u32::MAX).iter().map(|message| say(message)).collect()
    }
}

pub(super) fn alive(name: &str, number: u8, incarnation: u32) -> Message<'_> {
    const ADDRESSES: [[u8; 4]; 16] = {
        let mut all = [[127, 0, 0, 0]; 16];
        let mut last = 0;
        while last < 16 {
            all[last as usize][3] = last;
            last += 1;
        }
        all
    };
    let address = &ADDRESSES[usize::from(number)];
    Message::Alive(wire::Alive { incarnation, node: name, address, port: 8301, meta: &[], versions: &VERSIONS })
}

/// A message in few words.
pub(super) fn say(message: &[u8]) -> String {
    if message.first() == Some(&kind::COMPOUND) {
        let parts: Vec<_> = wire::compound_parts(&message[1..]).expect("a compound").map(say).collect();
        return parts.join(" + ");
    }
    match Message::decode(message).expect("a message") {
        Message::Ping(ping) => format!("ping {} #{}", ping.node, ping.seq),
        Message::IndirectPing(ping) => format!("indirect {} #{} nack={}", ping.node, ping.seq, ping.nack),
        Message::Ack(ack) => format!("ack #{} {}", ack.seq, hex(ack.payload)),
        Message::Nack(nack) => format!("nack #{}", nack.seq),
        Message::Alive(alive) => format!("alive {} {}", alive.node, alive.incarnation),
        Message::Suspect(suspect) => format!("suspect {} {} from {}", suspect.node, suspect.incarnation, suspect.from),
        Message::Dead(dead) => format!("dead {} {} from {}", dead.node, dead.incarnation, dead.from),
        Message::User(bytes) => format!("user {}", hex(bytes)),
        Message::Failure(failure) => format!("err {}", failure.error),
    }
}
