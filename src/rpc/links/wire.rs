//! The bytes of a link between servers.
//!
//! ```text
//! dialer:   10 (type byte)  version 01, kind (0 messages, 1 snapshot), wanted node id, own node id, own address ip:port
//! acceptor: status (0 welcome, 1 somebody else, 2 not ready, 3 unknown version), own node id
//!           (ids and addresses are texts with a length u8 in front)
//! messages, both ways:      length u32, number u64, payload; number 0 without payload is a ping, and its answer
//! snapshot, dialer:         length u32, header; chunks of length u32 and bytes; length 0
//! snapshot, acceptor:       01 about once a second while it works; then 00, length u32, answer
//! ```

use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// Version of this protocol.
const VERSION: u8 = 1;

/// Longest message: a single entry of the log may be large.
const MESSAGE_LIMIT: usize = 256 << 20;

/// Longest header of a snapshot.
const HEADER_LIMIT: usize = 64 << 10;

/// Bytes in front of a message.
pub const FRAME_HEAD: usize = 12;

/// Bytes read at once.
const READ: usize = 64 << 10;

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Messages.
    Messages = 0,
    /// One snapshot.
    Snapshot = 1,
}

/// What the acceptor says to the hello.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Go on.
    Welcome = 0,
    /// Another server is wanted.
    SomebodyElse = 1,
    /// Consensus does not run here.
    NotReady = 2,
    /// Another version.
    UnknownVersion = 3,
}

fn invalid(text: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, text.into())
}

async fn read_short<R: AsyncRead + Unpin>(reader: &mut R) -> io::Result<String> {
    let mut bytes = vec![0; reader.read_u8().await?.into()];
    reader.read_exact(&mut bytes).await?;
    String::from_utf8(bytes).map_err(|_| invalid("a node id that is no text"))
}

fn put_short(out: &mut Vec<u8>, text: &str) -> io::Result<()> {
    out.push(u8::try_from(text.len()).map_err(|_| invalid("a node id that is too long"))?);
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

/// Who dials: node id and advertised address, both empty when that was not said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    pub id: String,
    pub address: String,
}

/// What a dialer says first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    pub kind: Kind,
    /// Node id of the server that is wanted.
    pub wanted: String,
    pub from: Identity,
}

/// Says who is wanted and what for, and waits to be welcome.
pub async fn greet<T: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut T,
    kind: Kind,
    wanted: &str,
    own: &Identity,
) -> io::Result<()> {
    let mut hello = vec![crate::rpc::port::RAFT_LINK, VERSION, kind as u8];
    put_short(&mut hello, wanted)?;
    put_short(&mut hello, &own.id)?;
    put_short(&mut hello, &own.address)?;
    stream.write_all(&hello).await?;
    stream.flush().await?;
    let status = stream.read_u8().await?;
    let other = read_short(stream).await?;
    match status {
        0 => Ok(()),
        1 => Err(io::Error::new(ErrorKind::NotConnected, format!("server {other} is there instead of {wanted}"))),
        2 => Err(io::Error::new(ErrorKind::NotConnected, format!("server {wanted} is not ready"))),
        _ => Err(invalid(format!("server {wanted} speaks another version"))),
    }
}

/// Reads a hello; `None` for another version.
pub async fn greeted<R: AsyncRead + Unpin>(reader: &mut R) -> io::Result<Option<Hello>> {
    let version = reader.read_u8().await?;
    let kind = match reader.read_u8().await? {
        0 => Kind::Messages,
        1 => Kind::Snapshot,
        _ => return Ok(None),
    };
    if version != VERSION {
        return Ok(None);
    }
    let wanted = read_short(reader).await?;
    let from = Identity { id: read_short(reader).await?, address: read_short(reader).await? };
    Ok(Some(Hello { kind, wanted, from }))
}

/// Answers a hello.
pub async fn welcome<W: AsyncWrite + Unpin>(writer: &mut W, status: Status, own: &str) -> io::Result<()> {
    let mut answer = vec![status as u8];
    put_short(&mut answer, own)?;
    writer.write_all(&answer).await?;
    writer.flush().await
}

/// Appends a message.
pub fn put_message(out: &mut BytesMut, number: u64, payload: &[u8]) {
    out.reserve(FRAME_HEAD + payload.len());
    out.put_u32(payload.len() as u32);
    out.put_u64(number);
    out.put_slice(payload);
}

/// Reads messages; nothing is lost when a read is abandoned.
pub struct Messages<R> {
    reader: R,
    buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> Messages<R> {
    pub fn new(reader: R) -> Self {
        Messages { reader, buffer: BytesMut::new() }
    }

    /// The next message with its number; `None` at the end between messages.
    pub async fn next(&mut self) -> io::Result<Option<(u64, Bytes)>> {
        loop {
            let mut wanted = FRAME_HEAD;
            if let Some(head) = self.buffer.first_chunk::<FRAME_HEAD>() {
                let mut head = &head[..];
                let (len, number) = (head.get_u32() as usize, head.get_u64());
                if len > MESSAGE_LIMIT {
                    return Err(invalid(format!("a message of {len} bytes")));
                }
                wanted += len;
                if self.buffer.len() >= wanted {
                    self.buffer.advance(FRAME_HEAD);
                    return Ok(Some((number, self.buffer.split_to(len).freeze())));
                }
            }
            // room for what is announced only as far as it has begun to come
            self.buffer.reserve((wanted - self.buffer.len()).min(READ.max(self.buffer.len())));
            if self.reader.read_buf(&mut self.buffer).await? == 0 {
                return if self.buffer.is_empty() { Ok(None) } else { Err(ErrorKind::UnexpectedEof.into()) };
            }
        }
    }
}

/// Appends a length and bytes.
pub async fn write_block<W: AsyncWrite + Unpin>(writer: &mut W, bytes: &[u8]) -> io::Result<()> {
    writer.write_u32(u32::try_from(bytes.len()).map_err(|_| invalid("a block above 4 GiB"))?).await?;
    writer.write_all(bytes).await
}

/// Reads a length and bytes.
pub async fn read_block<R: AsyncRead + Unpin>(reader: &mut R) -> io::Result<Bytes> {
    let len = reader.read_u32().await? as usize;
    if len > HEADER_LIMIT {
        return Err(invalid(format!("a block of {len} bytes")));
    }
    let mut bytes = vec![0; len];
    reader.read_exact(&mut bytes).await?;
    Ok(bytes.into())
}

/// Reads the chunks of a snapshot as one stream. An end of the connection before the last chunk is an error.
pub struct Chunks<R> {
    reader: R,
    /// Bytes to come of the current chunk.
    left: usize,
    /// Bytes of the next length that have come.
    head: [u8; 4],
    have: usize,
    done: bool,
}

impl<R> Chunks<R> {
    pub fn new(reader: R) -> Self {
        Chunks { reader, left: 0, head: [0; 4], have: 0, done: false }
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Chunks<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.left == 0 && !this.done {
            let mut head = [0; 4];
            let mut rest = ReadBuf::new(&mut head[this.have..]);
            ready!(Pin::new(&mut this.reader).poll_read(cx, &mut rest))?;
            let read = rest.filled().len();
            if read == 0 {
                return Poll::Ready(Err(ErrorKind::UnexpectedEof.into()));
            }
            this.head[this.have..this.have + read].copy_from_slice(&head[this.have..this.have + read]);
            this.have += read;
            if this.have == 4 {
                this.have = 0;
                this.left = u32::from_be_bytes(this.head) as usize;
                this.done = this.left == 0;
            }
        }
        if this.done || into.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        let len = into.remaining().min(this.left);
        let mut part = ReadBuf::new(into.initialize_unfilled_to(len));
        ready!(Pin::new(&mut this.reader).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        if read == 0 {
            return Poll::Ready(Err(ErrorKind::UnexpectedEof.into()));
        }
        into.advance(read);
        this.left -= read;
        Poll::Ready(Ok(()))
    }
}
