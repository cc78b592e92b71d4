//! Packets and streams as bytes (`spec/gossip.md` 1, 2): messages, compound packets, compression, checksum, encryption.
//!
//! Whatever arrives is bounded before it is decoded: lengths, counts, nesting, and the size of what a compressed message
//! unpacks to.

mod compress;
mod crypt;
mod layers;
mod message;
mod msgpack;
mod stream;
#[cfg(test)]
mod tests;

pub use compress::{compress, decompress};
pub use crypt::Cipher;
pub use layers::Layers;
pub use message::{Ack, Alive, Dead, Failure, IndirectPing, Message, Nack, Ping, Suspect, compound, compound_parts};
pub use stream::{Member, PushPull, StreamMessage, StreamReader, push_pull, user_stream};

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Message types: the first byte of every message (`spec/gossip.md` 2.1).
pub mod kind {
    #![allow(missing_docs)]
    pub const PING: u8 = 0;
    pub const INDIRECT_PING: u8 = 1;
    pub const ACK: u8 = 2;
    pub const SUSPECT: u8 = 3;
    pub const ALIVE: u8 = 4;
    pub const DEAD: u8 = 5;
    pub const PUSH_PULL: u8 = 6;
    pub const COMPOUND: u8 = 7;
    pub const USER: u8 = 8;
    pub const COMPRESS: u8 = 9;
    pub const ENCRYPT: u8 = 10;
    pub const NACK: u8 = 11;
    pub const CRC: u8 = 12;
    pub const ERR: u8 = 13;
    pub const LABEL: u8 = 244;
}

/// Largest datagram.
pub const MAX_PACKET: usize = 65_536;
/// Most bytes that one packet may unpack to, all its compressed parts together.
pub const MAX_PACKET_CONTENT: usize = 262_144;
/// Deepest nesting of compound and compressed messages in a packet.
pub const MAX_NESTING: usize = 4;
/// Largest encrypted block and largest user state of a stream.
pub const MAX_STREAM: usize = 20 << 20;
/// Most bytes that a compressed stream may unpack to.
pub const MAX_STREAM_CONTENT: usize = 40 << 20;
/// Most members in one push/pull.
pub const MAX_PUSH_PULL_NODES: usize = 1_048_576;
/// Longest name of a member.
pub const MAX_NAME: usize = 512;
/// Longest meta data of a member.
pub const MAX_META: usize = 512;

/// Why bytes from the network are refused. The texts of the stream variants are what peers are told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// More bytes are needed.
    #[error("message is cut short")]
    Short,
    /// Not what the format says.
    #[error("{0}")]
    Malformed(&'static str),
    /// Compound or compressed messages in each other, more than are looked at.
    #[error("messages are nested too deeply")]
    Nested,
    /// A message type that nobody knows here.
    #[error("message type ({0}) not supported")]
    UnknownType(u8),
    /// The checksum of a packet does not match.
    #[error("packet failed its checksum")]
    Checksum,
    /// Longer than allowed.
    #[error("{what} of {size} bytes exceeds the limit of {limit}")]
    TooLong {
        /// What is too long.
        what: &'static str,
        /// Its size.
        size: usize,
        /// What is allowed.
        limit: usize,
    },
    /// Encrypted, but we have no keys.
    #[error("Remote state is encrypted and encryption is not configured")]
    Encrypted,
    /// Not encrypted, but we insist.
    #[error("Encryption is configured but remote state is not encrypted")]
    Plaintext,
    /// None of our keys opens it.
    #[error("No installed keys could decrypt the message")]
    WrongKey,
    /// The label of another pool, or one at all.
    #[error("discarding message with an unexpected label")]
    Label,
}

/// An address as the wire has it: 4 bytes for IPv4 also when mapped, else 16.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AddressBytes {
    bytes: [u8; 16],
    len: usize,
}

impl AddressBytes {
    /// Encodes.
    pub fn new(ip: IpAddr) -> Self {
        let mut bytes = [0; 16];
        let len = match ip.to_canonical() {
            IpAddr::V4(v4) => {
                bytes[..4].copy_from_slice(&v4.octets());
                4
            }
            IpAddr::V6(v6) => {
                bytes = v6.octets();
                16
            }
        };
        AddressBytes { bytes, len }
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// Decodes an address of 4 or 16 bytes.
pub fn ip_of(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(bytes) {
        return Some(Ipv4Addr::from(v4).into());
    }
    <[u8; 16]>::try_from(bytes).ok().map(|v6| Ipv6Addr::from(v6).into())
}
