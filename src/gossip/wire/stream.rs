//! Streams: one message each way (`spec/gossip.md` 2.9).

use super::compress::{compressed_content, unlzw};
use super::layers::STREAM_HEAD;
use super::message::{Ack, Failure, Ping};
use super::msgpack::{Reader, Writer};
use super::{AddressBytes, Error, Layers, MAX_PUSH_PULL_NODES, MAX_STREAM, MAX_STREAM_CONTENT, kind};
use crate::gossip::swim::Node;
use bytes::Bytes;

/// Longest header or member row; a real one has some hundred bytes.
const MAX_ROW: usize = 64 << 10;

/// A member's row in a full exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member<'a> {
    /// Name, in whatever encoding.
    pub name: &'a [u8],
    /// Address of 4 or 16 bytes.
    pub address: &'a [u8],
    /// Port; 0 for the usual one.
    pub port: u16,
    /// Meta data.
    pub meta: &'a [u8],
    /// Incarnation.
    pub incarnation: u32,
    /// State code.
    pub state: i64,
    /// Versions.
    pub versions: &'a [u8],
}

impl<'a> Member<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Error> {
        let mut member = Member::default();
        reader.fields(|key, reader| {
            match key {
                b"Name" => member.name = reader.text()?,
                b"Addr" => member.address = reader.raw()?,
                b"Port" => member.port = reader.int()?,
                b"Meta" => member.meta = reader.raw()?,
                b"Incarnation" => member.incarnation = reader.int()?,
                b"State" => member.state = reader.int()?,
                b"Vsn" => member.versions = reader.raw()?,
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(member)
    }
}

/// The state of one side in a full exchange. Rows stay encoded until they are asked for, so that a big state costs no
/// more than its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushPull {
    /// The dialing side joins the pool with this exchange.
    pub join: bool,
    count: usize,
    rows: Bytes,
    /// State of the layer above.
    pub user: Bytes,
}

impl PushPull {
    /// Bytes of the members' rows.
    pub fn rows_len(&self) -> usize {
        self.rows.len()
    }

    /// The members.
    pub fn members(&self) -> impl Iterator<Item = Member<'_>> {
        let mut reader = Reader::new(&self.rows);
        (0..self.count).map(move |_| Member::read(&mut reader).expect("rows were checked while they arrived"))
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

/// A complete message of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
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
/// Feed it with [`StreamReader::read`] until it returns a message. It never holds more than the limits of the format allow,
/// and looks at a byte once, however small the pieces are in which it arrives.
pub struct StreamReader {
    layers: Layers,
    dialing: bool,
    stage: Stage,
    buffer: Vec<u8>,
    /// `buffer` is all there will be: it was decrypted or unpacked.
    complete: bool,
    /// Parsing again makes sense once the buffer holds this much.
    needed: usize,
}

/// What comes next.
#[derive(Clone, Copy)]
enum Stage {
    Label,
    Encryption,
    Kind {
        packed: bool,
    },
    Header(u8),
    /// Rows of a full exchange, or the bytes of a user message.
    Body(Body),
    Done,
}

#[derive(Clone, Copy)]
struct Body {
    kind: u8,
    join: bool,
    count: usize,
    /// Rows checked so far.
    checked: usize,
    /// Where the first row begins.
    begin: usize,
    /// Where the next row begins.
    at: usize,
    user_len: usize,
}

impl StreamReader {
    pub(super) fn new(layers: Layers, dialing: bool) -> Self {
        let stage = if dialing { Stage::Encryption } else { Stage::Label };
        StreamReader { layers, dialing, stage, buffer: Vec::new(), complete: false, needed: 0 }
    }

    /// Takes the next bytes (any number). `Ok(None)`: more are needed. After a message or an error the stream is done;
    /// bytes behind the message are ignored.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Option<StreamMessage>, Error> {
        if matches!(self.stage, Stage::Done) {
            return Ok(None);
        }
        if !self.complete {
            let (size, limit) = (self.buffer.len() + bytes.len(), MAX_STREAM_CONTENT + MAX_STREAM);
            if size > limit {
                return Err(Error::TooLong { what: "stream", size, limit });
            }
            self.buffer.extend_from_slice(bytes);
        }
        loop {
            if self.buffer.len() < self.needed {
                return Ok(None);
            }
            match self.step() {
                Ok(Some(message)) => {
                    self.stage = Stage::Done;
                    self.buffer = Vec::new();
                    return Ok(Some(message));
                }
                Ok(None) => {}
                Err(Error::Short) if !self.complete => {
                    self.needed = self.needed.max(self.buffer.len() + 1);
                    return Ok(None);
                }
                Err(error) => {
                    self.stage = Stage::Done;
                    self.buffer = Vec::new();
                    return Err(error);
                }
            }
        }
    }

    fn step(&mut self) -> Result<Option<StreamMessage>, Error> {
        match self.stage {
            Stage::Label => {
                if self.buffer.is_empty() {
                    return Err(Error::Short);
                }
                let rest = self.layers.strip_label(&self.buffer)?.ok_or(Error::Short)?.len();
                self.buffer.drain(..self.buffer.len() - rest);
                self.needed = 0;
                self.stage = Stage::Encryption;
            }
            Stage::Encryption => self.decrypt()?,
            Stage::Kind { packed } => self.kind(packed)?,
            Stage::Header(kind) => return self.header(kind),
            Stage::Body(body) => return self.body(body),
            Stage::Done => {}
        }
        Ok(None)
    }

    fn decrypt(&mut self) -> Result<(), Error> {
        let first = *self.buffer.first().ok_or(Error::Short)?;
        if first == kind::LABEL && self.dialing {
            return Err(Error::Label);
        }
        if first == kind::ENCRYPT {
            if self.layers.keyring.is_none() {
                return Err(Error::Encrypted);
            }
            let head = *self.buffer.first_chunk::<STREAM_HEAD>().ok_or(Error::Short)?;
            let size = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            if size > MAX_STREAM {
                return Err(Error::TooLong { what: "encrypted state", size, limit: MAX_STREAM });
            }
            self.needed = STREAM_HEAD + size;
            let block = self.buffer.get(STREAM_HEAD..self.needed).ok_or(Error::Short)?;
            self.buffer = self.layers.open_stream(head, block)?;
            self.finish_buffer();
        } else if self.layers.keyring.is_some() && self.layers.verify_incoming {
            return Err(Error::Plaintext);
        }
        self.stage = Stage::Kind { packed: false };
        Ok(())
    }

    fn kind(&mut self, packed: bool) -> Result<(), Error> {
        let (&first, body) = self.buffer.split_first().ok_or(Error::Short)?;
        self.stage = match first {
            kind::COMPRESS if !packed => {
                let mut reader = Reader::new(body);
                let content = compressed_content(&mut reader);
                if content == Err(Error::Short) {
                    // The packed bytes are the one long value; what else is there must be short.
                    self.needed = self.buffer.len() + 1;
                    return Err(check_row(reader.position()));
                }
                self.buffer = unlzw(content?, MAX_STREAM_CONTENT)?;
                self.finish_buffer();
                Stage::Kind { packed: true }
            }
            kind::PUSH_PULL | kind::USER | kind::PING | kind::ACK | kind::ERR => Stage::Header(first),
            other => return Err(Error::UnknownType(other)),
        };
        Ok(())
    }

    fn header(&mut self, kind: u8) -> Result<Option<StreamMessage>, Error> {
        let mut reader = Reader::new(&self.buffer[1..]);
        let short = |position: usize| move |error| if error == Error::Short { check_row(position) } else { error };
        let (mut join, mut count, mut user_len) = (false, 0i64, 0i64);
        match kind {
            kind::PING => {
                let ping = Ping::read(&mut reader).map_err(short(self.buffer.len()))?;
                return Ok(Some(StreamMessage::Ping { seq: ping.seq, node: ping.node.to_owned() }));
            }
            kind::ACK => {
                let ack = Ack::read(&mut reader).map_err(short(self.buffer.len()))?;
                return Ok(Some(StreamMessage::Ack { seq: ack.seq }));
            }
            kind::ERR => {
                let failure = Failure::read(&mut reader).map_err(short(self.buffer.len()))?;
                return Ok(Some(StreamMessage::Failure(failure.error.to_owned())));
            }
            _ => reader
                .fields(|key, reader| {
                    match key {
                        b"Join" => join = reader.bool()?,
                        b"Nodes" => count = reader.int()?,
                        b"UserStateLen" | b"UserMsgLen" => user_len = reader.int()?,
                        _ => return Ok(false),
                    }
                    Ok(true)
                })
                .map_err(short(self.buffer.len()))?,
        }
        let count = bounded("node count", count, MAX_PUSH_PULL_NODES)?;
        let user_len = bounded("user state", user_len, MAX_STREAM)?;
        let begin = 1 + reader.position();
        let count = if kind == kind::USER { 0 } else { count };
        self.stage = Stage::Body(Body { kind, join, count, checked: 0, begin, at: begin, user_len });
        Ok(None)
    }

    fn body(&mut self, mut body: Body) -> Result<Option<StreamMessage>, Error> {
        while body.checked < body.count {
            let mut reader = Reader::new(&self.buffer[body.at..]);
            match Member::read(&mut reader) {
                Ok(_) => {}
                Err(Error::Short) => {
                    self.stage = Stage::Body(body);
                    return Err(check_row(self.buffer.len() - body.at));
                }
                Err(error) => return Err(error),
            }
            body.at += reader.position();
            body.checked += 1;
        }
        self.stage = Stage::Body(body);
        self.needed = body.at + body.user_len;
        if self.buffer.len() < self.needed {
            return Err(Error::Short);
        }
        let content = Bytes::from(std::mem::take(&mut self.buffer));
        let user = content.slice(body.at..body.at + body.user_len);
        if body.kind == kind::USER {
            return Ok(Some(StreamMessage::User(user)));
        }
        let rows = content.slice(body.begin..body.at);
        Ok(Some(StreamMessage::PushPull(PushPull { join: body.join, count: body.count, rows, user })))
    }

    /// The buffer was replaced by what it contained.
    fn finish_buffer(&mut self) {
        self.complete = true;
        self.needed = 0;
    }
}

/// What it means that a value is incomplete after so many bytes.
fn check_row(size: usize) -> Error {
    if size > MAX_ROW { Error::TooLong { what: "header or member", size, limit: MAX_ROW } } else { Error::Short }
}

fn bounded(what: &'static str, value: i64, limit: usize) -> Result<usize, Error> {
    let size = usize::try_from(value).map_err(|_| Error::Malformed("negative length"))?;
    if size > limit { Err(Error::TooLong { what, size, limit }) } else { Ok(size) }
}

/// Encodes our side of a full exchange (unwrapped; [`Layers::seal_stream`] follows).
pub fn push_pull<'a>(join: bool, members: impl ExactSizeIterator<Item = &'a Node>, user: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 * members.len() + user.len() + 64);
    out.push(kind::PUSH_PULL);
    let mut to = Writer(&mut out);
    to.map(3).str("Join").bool(join).str("Nodes").uint(members.len() as u64);
    to.str("UserStateLen").uint(user.len() as u64);
    for node in members {
        to.map(7).str("Addr").raw(AddressBytes::new(node.address.ip()).as_slice());
        to.str("Incarnation").uint(node.incarnation.into()).str("Meta").raw_or_nil(&node.meta);
        to.str("Name").str(&node.name).str("Port").uint(node.address.port().into());
        to.str("State").uint(node.state as u64).str("Vsn").raw(&node.versions);
    }
    out.extend_from_slice(user);
    out
}

/// Encodes a user message for a stream (unwrapped).
pub fn user_stream(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(message.len() + 32);
    out.push(kind::USER);
    Writer(&mut out).map(1).str("UserMsgLen").uint(message.len() as u64);
    out.extend_from_slice(message);
    out
}
