//! The small messages (`spec/gossip.md` 2.2). Each struct borrows from the bytes it was decoded from.

use super::msgpack::{Reader, Writer};
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
    /// Decodes a message with its type byte. Bytes behind it are ignored, as the reference does.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Error> {
        let (&first, body) = bytes.split_first().ok_or(Error::Short)?;
        let mut reader = Reader::new(body);
        Ok(match first {
            kind::PING => Message::Ping(Ping::read(&mut reader)?),
            kind::INDIRECT_PING => Message::IndirectPing(IndirectPing::read(&mut reader)?),
            kind::ACK => Message::Ack(Ack::read(&mut reader)?),
            kind::SUSPECT => Message::Suspect(Suspect::read(&mut reader)?),
            kind::ALIVE => Message::Alive(Alive::read(&mut reader)?),
            kind::DEAD => Message::Dead(Dead::read(&mut reader)?),
            kind::USER => Message::User(body),
            kind::NACK => Message::Nack(Nack::read(&mut reader)?),
            kind::ERR => Message::Failure(Failure::read(&mut reader)?),
            other => return Err(Error::UnknownType(other)),
        })
    }

    /// Encodes with the type byte.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(96);
        match self {
            Message::Ping(ping) => {
                out.push(kind::PING);
                let mut to = Writer(&mut out);
                to.map(2 + ping.source_fields()).str("Node").str(ping.node).str("SeqNo").uint(ping.seq.into());
                write_source(&mut to, ping.source_address, ping.source_node, ping.source_port);
            }
            Message::IndirectPing(ping) => {
                out.push(kind::INDIRECT_PING);
                let mut to = Writer(&mut out);
                to.map(5 + ping.source_fields()).str("Nack").bool(ping.nack).str("Node").str(ping.node);
                to.str("Port").uint(ping.port.into()).str("SeqNo").uint(ping.seq.into());
                write_source(&mut to, ping.source_address, ping.source_node, ping.source_port);
                to.str("Target").raw(ping.target);
            }
            Message::Ack(ack) => {
                out.push(kind::ACK);
                Writer(&mut out).map(2).str("Payload").raw_or_nil(ack.payload).str("SeqNo").uint(ack.seq.into());
            }
            Message::Suspect(Suspect { incarnation, node, from }) => {
                out.push(kind::SUSPECT);
                write_accusation(&mut out, *incarnation, node, from);
            }
            Message::Dead(Dead { incarnation, node, from }) => {
                out.push(kind::DEAD);
                write_accusation(&mut out, *incarnation, node, from);
            }
            Message::Alive(alive) => {
                out.push(kind::ALIVE);
                let mut to = Writer(&mut out);
                to.map(6).str("Addr").raw(alive.address).str("Incarnation").uint(alive.incarnation.into());
                to.str("Meta").raw_or_nil(alive.meta).str("Node").str(alive.node);
                to.str("Port").uint(alive.port.into()).str("Vsn").raw(alive.versions);
            }
            Message::User(bytes) => {
                out.push(kind::USER);
                out.extend_from_slice(bytes);
            }
            Message::Nack(Nack { seq }) => {
                out.push(kind::NACK);
                Writer(&mut out).map(1).str("SeqNo").uint((*seq).into());
            }
            Message::Failure(Failure { error }) => {
                out.push(kind::ERR);
                Writer(&mut out).map(1).str("Error").str(error);
            }
        }
        out
    }
}

/// Fields that say where an answer goes; each is left out when it says nothing.
fn write_source(to: &mut Writer, address: &[u8], node: &str, port: u16) {
    if !address.is_empty() {
        to.str("SourceAddr").raw(address);
    }
    if !node.is_empty() {
        to.str("SourceNode").str(node);
    }
    if port != 0 {
        to.str("SourcePort").uint(port.into());
    }
}

fn write_accusation(out: &mut Vec<u8>, incarnation: u32, node: &str, from: &str) {
    let mut to = Writer(out);
    to.map(3).str("From").str(from).str("Incarnation").uint(incarnation.into()).str("Node").str(node);
}

/// `read` of a struct: the wire's name of each field and how it is read.
macro_rules! readable {
    ($($name:ident$(<$life:lifetime>)? { $($key:literal $field:ident $how:ident,)* })*) => {$(
        impl<'a> $name$(<$life>)? {
            pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
                let mut value = Self::default();
                reader.fields(|key, reader| {
                    match key {
                        $($key => value.$field = reader.$how()?,)*
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?;
                Ok(value)
            }
        }
    )*};
}

readable! {
    Ping<'a> {
        b"SeqNo" seq int, b"Node" node str,
        b"SourceAddr" source_address raw, b"SourcePort" source_port int, b"SourceNode" source_node str,
    }
    IndirectPing<'a> {
        b"SeqNo" seq int, b"Target" target raw, b"Port" port int, b"Node" node str, b"Nack" nack bool,
        b"SourceAddr" source_address raw, b"SourcePort" source_port int, b"SourceNode" source_node str,
    }
    Ack<'a> { b"SeqNo" seq int, b"Payload" payload raw, }
    Nack { b"SeqNo" seq int, }
    Suspect<'a> { b"Incarnation" incarnation int, b"Node" node str, b"From" from str, }
    Dead<'a> { b"Incarnation" incarnation int, b"Node" node str, b"From" from str, }
    Alive<'a> {
        b"Incarnation" incarnation int, b"Node" node str, b"Addr" address raw, b"Port" port int, b"Meta" meta raw,
        b"Vsn" versions raw,
    }
    Failure<'a> { b"Error" error str, }
}

impl Ping<'_> {
    fn source_fields(&self) -> usize {
        present(self.source_address, self.source_node, self.source_port)
    }
}

impl IndirectPing<'_> {
    fn source_fields(&self) -> usize {
        present(self.source_address, self.source_node, self.source_port)
    }
}

fn present(address: &[u8], node: &str, port: u16) -> usize {
    usize::from(!address.is_empty()) + usize::from(!node.is_empty()) + usize::from(port != 0)
}

/// Packs messages into compounds of at most 255 parts.
pub fn compound<T: AsRef<[u8]>>(messages: &[T]) -> Vec<Vec<u8>> {
    let pack = |parts: &[T]| {
        let content: usize = parts.iter().map(|part| part.as_ref().len() + 2).sum();
        let mut out = Vec::with_capacity(2 + content);
        out.extend([kind::COMPOUND, parts.len() as u8]);
        for part in parts {
            out.extend((part.as_ref().len() as u16).to_be_bytes());
        }
        for part in parts {
            out.extend_from_slice(part.as_ref());
        }
        out
    };
    messages.chunks(255).map(pack).collect()
}

/// The parts of a compound without its type byte; a part that is cut short ends it.
pub fn compound_parts(body: &[u8]) -> Result<impl Iterator<Item = &[u8]>, Error> {
    let (&count, rest) = body.split_first().ok_or(Error::Short)?;
    let (lengths, mut content) = rest.split_at_checked(2 * usize::from(count)).ok_or(Error::Short)?;
    Ok(lengths.chunks_exact(2).map_while(move |length| {
        let length = u16::from_be_bytes([length[0], length[1]]).into();
        let (part, rest) = content.split_at_checked(length)?;
        content = rest;
        Some(part)
    }))
}
