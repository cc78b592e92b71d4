//! The one place where a connection of the server port may be wrapped before its protocol begins.

use futures::future::BoxFuture;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Both directions of a connection.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection, plain or wrapped.
pub type AnyStream = Box<dyn Duplex>;

/// What the other side of an accepted connection may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Everything.
    Server,
    /// All but what only servers do; with the reason.
    Client(String),
    /// Ask for a certificate, nothing else.
    Joining,
}

/// A connection that may be served.
pub struct Accepted {
    /// The type byte of its protocol.
    pub kind: u8,
    /// The connection behind that byte.
    pub stream: AnyStream,
    /// What its other side may do.
    pub trust: Trust,
}

/// Wraps connections (`spec/rpc.md` 2).
pub trait Security: Send + Sync + 'static {
    /// Prepares a connection that was dialed to a server of `datacenter` (the own one if empty); the type byte of the
    /// protocol comes next.
    fn dialed<'a>(
        &'a self,
        stream: TcpStream,
        to: SocketAddr,
        datacenter: &'a str,
    ) -> BoxFuture<'a, io::Result<AnyStream>>;

    /// Takes an accepted connection whose first byte was read. `None` closes it without a word.
    fn accepted<'a>(
        &'a self,
        first: u8,
        stream: TcpStream,
        from: SocketAddr,
    ) -> BoxFuture<'a, io::Result<Option<Accepted>>>;
}

/// First bytes that announce TLS: an upgrade (3), one without a client certificate (7), and a TLS record itself.
pub(super) fn announces_tls(first: u8) -> bool {
    matches!(first, 3 | 7 | 20..)
}

/// No TLS: connections stay as they are, and those that announce TLS are closed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Plain;

impl Security for Plain {
    fn dialed<'a>(
        &'a self,
        stream: TcpStream,
        _to: SocketAddr,
        _datacenter: &'a str,
    ) -> BoxFuture<'a, io::Result<AnyStream>> {
        Box::pin(async { Ok(Box::new(stream) as AnyStream) })
    }

    fn accepted<'a>(
        &'a self,
        first: u8,
        stream: TcpStream,
        _from: SocketAddr,
    ) -> BoxFuture<'a, io::Result<Option<Accepted>>> {
        let accepted =
            (!announces_tls(first)).then(|| Accepted { kind: first, stream: Box::new(stream), trust: Trust::Server });
        Box::pin(std::future::ready(Ok(accepted)))
    }
}
