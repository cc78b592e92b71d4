//! Packets in and out: taking them apart, filling them with gossip (`spec/gossip.md` 2.8, 3.4, 3.5).

use super::members::hears_gossip;
use super::noise::Problem;
use super::{Delegate, Output, Swim, Time, figures};
use crate::gossip::wire::{self, MAX_NESTING, MAX_PACKET_CONTENT, Message, kind};
use crate::telemetry::limits;
use bytes::Bytes;
use std::net::SocketAddr;
use tracing::Level;

/// Bytes that a part of a compound costs besides its own.
const PART: usize = 2;
/// Type byte and count of a compound.
const COMPOUND: usize = 2;

/// What is left of the bounds of one packet.
struct Bounds {
    content: usize,
    nesting: usize,
}

impl Swim {
    /// Takes a datagram.
    pub fn packet(&mut self, now: Time, from: SocketAddr, datagram: &[u8], d: &mut dyn Delegate) {
        figures::UDP_RECEIVED.add(datagram.len() as u64);
        if !self.config.allows(from.ip()) {
            self.complain(now, Level::WARN, (Problem::Network, from.ip()), || {
                format!("Dropping packet from={from}: not in an allowed network")
            });
            return;
        }
        let message = match self.layers.open_packet(datagram) {
            Ok(message) => message,
            Err(error) => return self.bad_packet(now, from, &error),
        };
        let mut bounds = Bounds { content: MAX_PACKET_CONTENT, nesting: MAX_NESTING };
        if let Err(error) = self.dispatch(now, from, &message, &mut bounds, d) {
            self.bad_packet(now, from, &error);
        }
    }

    fn bad_packet(&mut self, now: Time, from: SocketAddr, error: &wire::Error) {
        match error {
            wire::Error::TooLong { .. } => limits::GOSSIP_PACKET.exceeded(),
            wire::Error::Nested => limits::GOSSIP_NESTING.exceeded(),
            _ => {}
        }
        let (problem, text) = match error {
            wire::Error::Plaintext => (Problem::Plaintext, "it is not encrypted, but this pool is".to_owned()),
            wire::Error::WrongKey => (Problem::WrongKey, error.to_string()),
            _ => (Problem::Packet, error.to_string()),
        };
        self.complain(now, Level::ERROR, (problem, from), || format!("Dropping packet from={from}: {text}"));
    }

    /// Handles one message; compound and compressed ones are taken apart, within bounds.
    fn dispatch(
        &mut self,
        now: Time,
        from: SocketAddr,
        message: &[u8],
        bounds: &mut Bounds,
        d: &mut dyn Delegate,
    ) -> Result<(), wire::Error> {
        match message {
            [kind::COMPOUND | kind::COMPRESS, ..] if bounds.nesting == 0 => Err(wire::Error::Nested),
            [kind::COMPOUND, body @ ..] => {
                bounds.nesting -= 1;
                let mut result = Ok(());
                for part in wire::compound_parts(body)? {
                    // One bad part does not spoil the others.
                    result = self.dispatch(now, from, part, bounds, d).and(result);
                }
                bounds.nesting += 1;
                result
            }
            [kind::COMPRESS, body @ ..] => {
                let content = wire::decompress(body, bounds.content)?;
                bounds.content -= content.len();
                bounds.nesting -= 1;
                let result = self.dispatch(now, from, &content, bounds, d);
                bounds.nesting += 1;
                result
            }
            _ => {
                match Message::decode(message)? {
                    Message::Ping(ping) => self.ping(now, from, &ping, d),
                    Message::IndirectPing(ping) => self.indirect_ping(now, from, &ping, d),
                    Message::Ack(ack) => self.ack(now, &ack, d),
                    Message::Nack(nack) => self.nack(&nack),
                    Message::Suspect(suspect) => self.suspect(now, &suspect),
                    Message::Alive(alive) => self.alive(now, &alive, d),
                    Message::Dead(dead) => self.dead(now, &dead, d),
                    Message::User(bytes) => d.user_message(now, bytes),
                    Message::Failure(_) => return Err(wire::Error::UnknownType(kind::ERR)),
                }
                Ok(())
            }
        }
    }

    /// Sends a message and whatever gossip fits behind it.
    pub(super) fn send(&mut self, now: Time, to: SocketAddr, message: Vec<u8>, d: &mut dyn Delegate) {
        let room = self.room().saturating_sub(message.len());
        let mut parts = vec![Bytes::from(message)];
        self.pull_gossip(now, room, &mut parts, d);
        self.send_parts(to, &parts, false);
    }

    /// Sends messages in as few packets as possible, without gossip.
    pub(super) fn send_parts<T: AsRef<[u8]>>(&mut self, to: SocketAddr, parts: &[T], checksum: bool) {
        match parts {
            [] => {}
            [message] => self.send_sealed(to, message.as_ref(), checksum),
            parts => {
                for compound in wire::compound(parts) {
                    self.send_sealed(to, &compound, checksum);
                }
            }
        }
    }

    /// Sends a user message as a packet of its own, at once.
    pub fn send_user(&mut self, to: SocketAddr, message: &[u8]) {
        self.send_sealed(to, &Message::User(message).encode(), false);
    }

    fn send_sealed(&mut self, to: SocketAddr, message: &[u8], checksum: bool) {
        let bytes = self.layers.seal_packet(message, checksum);
        figures::UDP_SENT.add(bytes.len() as u64);
        self.outputs.push(Output::Packet { to, bytes: bytes.into() });
    }

    /// A round of gossip: tells a few members what is waiting to be told.
    pub(super) fn gossip(&mut self, now: Time, d: &mut dyn Delegate) {
        let start = std::time::Instant::now();
        let (own, dead) = (self.name.clone(), self.config.timing.gossip_to_the_dead);
        let fits = |node: &super::Node| *node.name != *own && hears_gossip(node, now, dead);
        let drawn = self.members.draw(self.config.timing.gossip_nodes, &mut self.rng, fits);
        let targets: Vec<_> = drawn.into_iter().map(|node| (node.address, node.takes_checksum())).collect();
        for (to, checksum) in targets {
            let mut parts = Vec::new();
            self.pull_gossip(now, self.room(), &mut parts, d);
            if parts.is_empty() {
                break;
            }
            self.send_parts(to, &parts, checksum);
        }
        figures::GOSSIP.since(start);
    }

    /// Bytes for the parts of a compound.
    fn room(&self) -> usize {
        self.config.packet_size.saturating_sub(COMPOUND + self.layers.packet_overhead())
    }

    /// Takes waiting messages that fit into `room`: our own first, then those of the layer above.
    fn pull_gossip(&mut self, now: Time, room: usize, parts: &mut Vec<Bytes>, d: &mut dyn Delegate) {
        let limit = self.retransmit_limit();
        let used = self.broadcasts.pull_into(PART, room, limit, parts);
        let room = room.saturating_sub(used);
        // A user message has its type byte to pay for, too.
        if room > PART + 1 {
            let user = d.broadcasts(now, PART + 1, room);
            parts.extend(user.iter().map(|message| Bytes::from(Message::User(message).encode())));
        }
    }
}
