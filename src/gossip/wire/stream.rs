//! Streams: one message each way (`spec/gossip.md` 2.9).

use super::{Error, Layers};
use crate::gossip::swim::{Node, State};
use bytes::Bytes;
use std::net::SocketAddr;

/// A member's row in a full exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Name.
    pub name: Bytes,
    /// Address of 4 or 16 bytes.
    pub address: Bytes,
    /// Port; 0 for "the usual one".
    pub port: u16,
    /// Meta data.
    pub meta: Bytes,
    /// Incarnation.
    pub incarnation: u32,
    /// State code.
    pub state: u8,
    /// Versions; missing ones are 0.
    pub versions: Bytes,
}

/// The state of one side in a full exchange.
#[derive(Clone, Debug, PartialEq)]
pub struct PushPull {
    /// The dialing side joins the pool with this exchange.
    pub join: bool,
    /// Members.
    pub members: Vec<Member>,
    /// State of the layer above.
    pub user: Bytes,
}

/// A complete message of a stream.
#[derive(Clone, Debug, PartialEq)]
pub enum StreamMessage {
    /// Full state.
    PushPull(PushPull),
    /// A ping; `node` is whom it is meant for.
    Ping {
        /// Number to answer with.
        seq: u32,
        /// For whom.
        node: String,
    },
    /// The answer to a ping.
    Ack {
        /// Number of the ping.
        seq: u32,
    },
    /// A user message.
    User(Bytes),
    /// The other side could not use what we sent.
    Failure(String),
}

/// Reads one message from a stream as its bytes arrive.
///
/// Feed it with [`StreamReader::read`] until it returns a message. It never holds more than the limits of the format allow.
pub struct StreamReader {
    layers: Layers,
    dialing: bool,
    buffer: Vec<u8>,
}

impl StreamReader {
    pub(super) fn new(layers: Layers, dialing: bool) -> Self {
        StreamReader { layers, dialing, buffer: Vec::new() }
    }

    /// Takes the next bytes (any number). `Ok(None)`: more are needed. After a message or an error the stream is done;
    /// bytes behind the message are ignored.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Option<StreamMessage>, Error> {
        let _ = (&self.layers, self.dialing, &mut self.buffer, bytes, Error::Short);
        todo!()
    }
}

/// Encodes our side of a full exchange (unwrapped; [`Layers::seal_stream`] follows).
pub fn push_pull<'a>(join: bool, members: impl ExactSizeIterator<Item = &'a Node>, user: &[u8]) -> Vec<u8> {
    let _ = (join, members.len(), user, State::Alive, None::<SocketAddr>);
    todo!()
}

/// Encodes a user message for a stream (unwrapped).
pub fn user_stream(message: &[u8]) -> Vec<u8> {
    let _ = message;
    todo!()
}
