//! The small messages (`spec/gossip.md` 2.2). Each struct borrows from the bytes it was decoded from.

use super::{Error, kind};

macro_rules! plain_struct {
    ($($(#[$doc:meta])* $name:ident$(<$life:lifetime>)? { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct $name$(<$life>)? { $($(#[$fdoc])* pub $field: $type,)* }
    )*};
}

plain_struct! {
    /// Are you there?
    Ping<'a> {
        /// Number to answer with.
        seq: u32,
        /// For whom; empty for whoever gets it.
        node: &'a str,
        /// Where the answer goes; empty for where the packet came from.
        source_address: &'a [u8],
        /// Port for the answer.
        source_port: u16,
        /// Who asks.
        source_node: &'a str,
    }
    /// Ping somebody for me.
    IndirectPing<'a> {
        /// Number to answer with.
        seq: u32,
        /// Address of the one to ping.
        target: &'a [u8],
        /// Its port; 0 for the usual one.
        port: u16,
        /// Its name.
        node: &'a str,
        /// Answer also when it does not.
        nack: bool,
        /// Where the answer goes; empty for where the packet came from.
        source_address: &'a [u8],
        /// Port for the answer.
        source_port: u16,
        /// Who asks.
        source_node: &'a str,
    }
    /// I am here.
    Ack<'a> {
        /// Number of the ping.
        seq: u32,
        /// For the layer above.
        payload: &'a [u8],
    }
    /// The one that you asked me to ping did not answer.
    Nack {
        /// Number of the ping.
        seq: u32,
    }
    /// A member did not answer.
    Suspect<'a> {
        /// The incarnation that did not.
        incarnation: u32,
        /// The member.
        node: &'a str,
        /// Who says so.
        from: &'a str,
    }
    /// A member is there.
    Alive<'a> {
        /// Its incarnation.
        incarnation: u32,
        /// Its name.
        node: &'a str,
        /// Its address.
        address: &'a [u8],
        /// Its port.
        port: u16,
        /// Its meta data.
        meta: &'a [u8],
        /// Its versions.
        versions: &'a [u8],
    }
    /// A member is dead, or left when it says so itself.
    Dead<'a> {
        /// The incarnation that died.
        incarnation: u32,
        /// The member.
        node: &'a str,
        /// Who says so.
        from: &'a str,
    }
    /// The other side of a stream could not use what we sent.
    Failure<'a> {
        /// Why.
        error: &'a str,
    }
}

/// A message of a packet that is not itself a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Type 0.
    Ping(Ping<'a>),
    /// Type 1.
    IndirectPing(IndirectPing<'a>),
    /// Type 2.
    Ack(Ack<'a>),
    /// Type 3.
    Suspect(Suspect<'a>),
    /// Type 4.
    Alive(Alive<'a>),
    /// Type 5.
    Dead(Dead<'a>),
    /// Type 8: bytes for the layer above.
    User(&'a [u8]),
    /// Type 11.
    Nack(Nack),
    /// Type 13.
    Failure(Failure<'a>),
}

impl<'a> Message<'a> {
    /// Decodes a message with its type byte.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        let _ = (bytes, kind::PING);
        todo!()
    }

    /// Encodes with the type byte.
    pub fn encode(&self) -> Vec<u8> {
        todo!()
    }
}

/// Packs messages into compounds of at most 255 parts.
pub fn compound<T: AsRef<[u8]>>(messages: &[T]) -> Vec<Vec<u8>> {
    let _ = messages;
    todo!()
}

/// The parts of a compound without its type byte; a part that is cut short ends it.
pub fn compound_parts(body: &[u8]) -> Result<impl Iterator<Item = &[u8]>, Error> {
    let _ = body;
    Ok(std::iter::empty())
}
