//! Serves the requests of one stream, one after the other (`spec/rpc.md` 4).

use super::budget::{Budget, SESSION_BYTES, Share};
use super::codec::{self, ValueReader};
use super::service::{Called, Service};
use super::yamux::{Limits, Session};
use crate::telemetry::limits;
use crate::telemetry::metrics::Counter;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Longest body of a request.
pub const REQUEST_LIMIT: usize = 64 << 20;

/// Longest request of somebody whom nobody knows yet.
const JOINING_LIMIT: usize = 256 << 10;

/// How long such a connection may take in all.
pub const JOINING_TIME: Duration = Duration::from_secs(60);

/// Methods of those who have no certificate yet; nobody else can call them.
const JOINING: [&str; 2] = ["AutoEncrypt.Sign", "AutoConfig.InitialConfiguration"];

static REQUEST_ERROR: Counter = Counter::new("rpc.request_error");

/// Serves every stream of a multiplexed connection until it ends.
pub async fn session<T>(io: T, service: &Arc<dyn Service>, from: SocketAddr, budget: &Arc<Budget>)
where
    T: AsyncRead + AsyncWrite + Send + Unpin,
{
    let (session, driver) = Session::server(io, Limits::default());
    let budget = Budget::of_session(budget, SESSION_BYTES);
    let mut driver = pin!(driver);
    let mut streams = JoinSet::new();
    loop {
        tokio::select! {
            reason = &mut driver => {
                tracing::trace!(target: "agent.server.rpc", "session of {from} ended: {reason}");
                return;
            }
            stream = session.accept() => {
                let Some(stream) = stream else { return };
                let (service, share) = (service.clone(), Share::of(&budget));
                streams.spawn(async move {
                    let gone = stream.gone();
                    report(from, requests(stream, gone, &*service, from, share, false).await);
                });
            }
            Some(_) = streams.join_next() => {}
        }
    }
}

/// Serves a connection that is one stream.
pub async fn single<T>(io: T, service: &Arc<dyn Service>, from: SocketAddr, budget: &Arc<Budget>)
where
    T: AsyncRead + AsyncWrite + Send + Unpin,
{
    let share = Share::of(&Budget::of_session(budget, SESSION_BYTES));
    report(from, requests(io, std::future::pending(), &**service, from, share, false).await);
}

/// Serves a connection of someone who has no certificate yet, for at most this time.
pub async fn joining<T>(io: T, service: &Arc<dyn Service>, from: SocketAddr, budget: &Arc<Budget>, limit: Duration)
where
    T: AsyncRead + AsyncWrite + Send + Unpin,
{
    let share = Share::of(&Budget::of_session(budget, SESSION_BYTES));
    let served = requests(io, std::future::pending(), &**service, from, share, true);
    match timeout(limit, served).await {
        Ok(served) => report(from, served),
        Err(_) => limits::RPC_JOINING_TIME.exceeded(),
    }
}

/// Says what was wrong with a stream; ends of connections are no news.
fn report(from: SocketAddr, served: io::Result<()>) {
    if let Err(error) = served
        && matches!(error.kind(), ErrorKind::InvalidData)
    {
        REQUEST_ERROR.add(1);
        tracing::error!(target: "agent.server.rpc", "RPC error: conn=from={from} error={error}");
    }
}

/// Serves requests until the stream ends; a call is abandoned when the caller is gone.
pub(super) async fn requests<T>(
    mut stream: T,
    gone: impl Future<Output = ()>,
    service: &dyn Service,
    from: SocketAddr,
    share: Share,
    joining: bool,
) -> io::Result<()>
where
    T: AsyncRead + AsyncWrite + Send + Unpin,
{
    let mut reader = ValueReader::within(share);
    let mut gone = pin!(gone);
    let limit = if joining { JOINING_LIMIT } else { REQUEST_LIMIT };
    loop {
        let (header, body) = match reader.request(&mut stream, limit).await {
            Ok(Some(request)) => request,
            Ok(None) => break,
            Err(error) => {
                let _ = stream.shutdown().await;
                return Err(error);
            }
        };
        let half_closed = futures::poll!(&mut gone).is_ready();
        let called = if JOINING.contains(&header.service_method.as_str()) == joining {
            tokio::select! {
                biased;
                called = service.call(&header.service_method, body, from) => called,
                () = &mut gone, if !half_closed => return Ok(()),
            }
        } else {
            Called::Unknown
        };
        let last = matches!(called, Called::Unknown | Called::Undecodable(_));
        let answer =
            codec::response(&header, &called).map_err(|error| io::Error::new(ErrorKind::InvalidData, error))?;
        drop(called);
        reader.hold(answer.len())?;
        stream.write_all(&answer).await?;
        stream.flush().await?;
        if half_closed || last {
            break;
        }
    }
    stream.shutdown().await
}
