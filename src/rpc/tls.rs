//! TLS on the server port (`spec/rpc.md` 1, 2): upgrades by a type byte, connections that begin with TLS, those who come for
//! a certificate, and the role that a certificate proves.

use super::port;
use super::security::{Accepted, AnyStream, Security, Trust, announces_tls};
use crate::telemetry::metrics::Counter;
use crate::tls::{Configurator, native_kind, text};
use futures::future::BoxFuture;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig, ServerConnection};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Announces a handshake, behind which comes the type byte of the protocol.
const UPGRADE: u8 = 3;

/// Announces a handshake without a client certificate.
const JOINING: u8 = 7;

static REFUSED: Counter = Counter::new("rpc.tls.refused");

/// Wraps connections as the configurations in force say.
pub struct Secured {
    tls: Arc<Configurator>,
}

impl Secured {
    /// With these configurations.
    pub fn new(tls: Arc<Configurator>) -> Secured {
        Secured { tls }
    }

    async fn dial(&self, stream: TcpStream, to: SocketAddr, datacenter: &str) -> io::Result<AnyStream> {
        match self.tls.outgoing(datacenter, to.ip()) {
            Some(way) => connect(stream, UPGRADE, way).await,
            None => Ok(Box::new(stream)),
        }
    }

    /// Shakes hands and reads the type byte inside.
    async fn upgrade(&self, stream: TcpStream) -> io::Result<Option<Accepted>> {
        let Some(config) = self.tls.internal_rpc().tls else {
            return refuse("TLS connection attempted, server not configured for TLS");
        };
        let mut stream = shake(config, stream).await?;
        let kind = stream.read_u8().await?;
        if announces_tls(kind) {
            return refuse("TLS connection attempting to establish inner TLS connection");
        }
        Ok(Some(self.known(kind, stream)))
    }

    async fn join(&self, stream: TcpStream) -> io::Result<Option<Accepted>> {
        let Some(config) = self.tls.joining() else {
            return refuse("this server hands out no certificates: auto_encrypt and auto_config are off");
        };
        let stream = shake(config, stream).await?;
        Ok(Some(Accepted { kind: port::SINGLE, stream: Box::new(stream), trust: Trust::Joining }))
    }

    /// Shakes hands on a connection that began with the handshake; the protocol is the one that was agreed on.
    async fn native(&self, first: u8, stream: TcpStream) -> io::Result<Option<Accepted>> {
        let Some(config) = self.tls.native() else {
            return refuse("TLS connection attempted, server not configured for TLS");
        };
        let stream = shake(config, Again { first: Some(first), stream }).await?;
        match stream.get_ref().1.alpn_protocol().and_then(native_kind) {
            Some(kind) => Ok(Some(self.known(kind, stream))),
            None => refuse("TLS connection without a protocol that is served"),
        }
    }

    /// A connection over TLS with what its certificate proves.
    fn known<T>(&self, kind: u8, stream: TlsStream<T>) -> Accepted
    where
        T: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let connection: &ServerConnection = stream.get_ref().1;
        let trust = match self.tls.authorize_server(connection.peer_certificates().unwrap_or_default()) {
            Ok(()) => Trust::Server,
            Err(reason) => Trust::Client(reason),
        };
        Accepted { kind, stream: Box::new(stream), trust }
    }
}

/// Announces a handshake and makes it.
async fn connect(
    mut stream: TcpStream,
    kind: u8,
    (config, name): (Arc<ClientConfig>, ServerName<'static>),
) -> io::Result<AnyStream> {
    stream.write_all(&[kind]).await?;
    let expected = name.to_str().into_owned();
    match TlsConnector::from(config).connect(name, stream).await {
        Ok(stream) => Ok(Box::new(stream)),
        Err(error) => Err(worded(error, &expected)),
    }
}

async fn shake<T>(config: Arc<ServerConfig>, stream: T) -> io::Result<TlsStream<T>>
where
    T: AsyncRead + AsyncWrite + Unpin,
{
    TlsAcceptor::from(config).accept(stream).await.map_err(|error| {
        REFUSED.add(1);
        worded(error, "")
    })
}

fn refuse(text: &str) -> io::Result<Option<Accepted>> {
    REFUSED.add(1);
    Err(io::Error::new(ErrorKind::InvalidData, text))
}

/// The error in Go's words.
fn worded(error: io::Error, name: &str) -> io::Error {
    let text = text::tls_error(&error).map(|failed| text::error_text(failed, name));
    text.map(|text| io::Error::new(ErrorKind::InvalidData, text)).unwrap_or(error)
}

impl Security for Secured {
    fn dialed<'a>(
        &'a self,
        stream: TcpStream,
        to: SocketAddr,
        datacenter: &'a str,
    ) -> BoxFuture<'a, io::Result<AnyStream>> {
        Box::pin(self.dial(stream, to, datacenter))
    }

    fn accepted<'a>(
        &'a self,
        first: u8,
        stream: TcpStream,
        _from: SocketAddr,
    ) -> BoxFuture<'a, io::Result<Option<Accepted>>> {
        Box::pin(async move {
            match first {
                UPGRADE => self.upgrade(stream).await,
                JOINING => self.join(stream).await,
                first if announces_tls(first) => self.native(first, stream).await,
                _ if self.tls.internal_rpc().verify => refuse("Non-TLS connection attempted with VerifyIncoming set"),
                kind => Ok(Some(Accepted { kind, stream: Box::new(stream), trust: Trust::Server })),
            }
        })
    }
}

/// Wraps connections of an agent that asks for its first certificate; it accepts none.
pub struct Asking {
    tls: Arc<Configurator>,
}

impl Asking {
    /// With these configurations.
    pub fn new(tls: Arc<Configurator>) -> Asking {
        Asking { tls }
    }
}

impl Security for Asking {
    fn dialed<'a>(
        &'a self,
        stream: TcpStream,
        to: SocketAddr,
        _datacenter: &'a str,
    ) -> BoxFuture<'a, io::Result<AnyStream>> {
        Box::pin(async move {
            match self.tls.asking(to.ip()) {
                Some(way) => connect(stream, JOINING, way).await,
                None => Err(io::Error::new(ErrorKind::Unsupported, "this agent asks for no certificates")),
            }
        })
    }

    fn accepted<'a>(
        &'a self,
        _first: u8,
        _stream: TcpStream,
        _from: SocketAddr,
    ) -> BoxFuture<'a, io::Result<Option<Accepted>>> {
        Box::pin(std::future::ready(Ok(None)))
    }
}

/// A connection whose first byte was read already.
struct Again {
    first: Option<u8>,
    stream: TcpStream,
}

impl AsyncRead for Again {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if into.remaining() > 0
            && let Some(first) = self.first.take()
        {
            into.put_slice(&[first]);
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, into)
    }
}

impl AsyncWrite for Again {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
