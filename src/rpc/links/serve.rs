//! The accepting side of a link.

use super::wire::{Chunks, Kind, Messages, Status, greeted, put_message, read_block, welcome};
use crate::raft::Raft;
use crate::rpc::security::AnyStream;
use crate::rpc::service::Service;
use bytes::BytesMut;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;
use tokio::io::{AsyncWriteExt, split};
use tokio::time::{interval, timeout};

/// Longest wait for a hello.
const HELLO: Duration = Duration::from_secs(5);

/// Bytes of messages in work at once; more stay in the connection.
const IN_WORK: usize = 64 << 20;

/// How often a server that stores a snapshot says so.
const PROGRESS: Duration = Duration::from_secs(1);

/// Serves one connection to its end.
pub async fn serve(mut stream: AnyStream, service: &dyn Service, from: SocketAddr) {
    let served = async {
        let (kind, raft) =
            match timeout(HELLO, hello(&mut stream, service)).await.map_err(|_| ErrorKind::TimedOut)?? {
                Some(chosen) => chosen,
                None => return Ok(()),
            };
        match kind {
            Kind::Messages => messages(stream, &raft).await,
            Kind::Snapshot => snapshot(stream, &raft).await,
        }
    };
    if let Err(error) = served.await {
        tracing::debug!(target: "agent.server.raft", "link from {from} ended: error={error}");
    }
}

/// Reads the hello and answers it; nothing when the dialer is not welcome.
async fn hello(stream: &mut AnyStream, service: &dyn Service) -> io::Result<Option<(Kind, Raft)>> {
    let hello = greeted(stream).await?;
    let raft = service.raft();
    let own = raft.as_ref().map(Raft::id).unwrap_or_default();
    let status = match (&hello, &raft) {
        (None, _) => Status::UnknownVersion,
        (_, None) => Status::NotReady,
        (Some(hello), _) if hello.wanted != own => Status::SomebodyElse,
        _ => Status::Welcome,
    };
    welcome(stream, status, &own).await?;
    let (Status::Welcome, Some(hello), Some(raft)) = (status, hello, raft) else { return Ok(None) };
    if let Ok(address) = hello.from.address.parse() {
        service.met(&hello.from.id, address);
    }
    Ok(Some((hello.kind, raft)))
}

/// Answers messages as they are ready; they are begun in the order in which they came.
async fn messages(stream: AnyStream, raft: &Raft) -> io::Result<()> {
    let (reader, mut writer) = split(stream);
    let mut incoming = Messages::new(reader);
    let mut in_work = FuturesUnordered::new();
    let mut bytes_in_work = 0;
    let mut out = BytesMut::new();
    loop {
        tokio::select! {
            message = incoming.next(), if bytes_in_work < IN_WORK => {
                let Some((number, payload)) = message? else { return Ok(()) };
                if number == 0 {
                    put_message(&mut out, 0, &[]);
                    continue;
                }
                let len = payload.len();
                bytes_in_work += len;
                in_work.push(async move { (number, len, raft.handle(payload).await) });
            }
            Some((number, len, answer)) = in_work.next() => {
                bytes_in_work -= len;
                put_message(&mut out, number, &answer);
            }
            written = writer.write_buf(&mut out), if !out.is_empty() => {
                if written? == 0 {
                    return Err(ErrorKind::WriteZero.into());
                }
                writer.flush().await?;
            }
        }
    }
}

/// Receives one snapshot, says now and then that it is at work, and answers.
async fn snapshot(stream: AnyStream, raft: &Raft) -> io::Result<()> {
    let (mut reader, mut writer) = split(stream);
    let header = read_block(&mut reader).await?;
    let mut install = pin!(raft.handle_snapshot(header, Chunks::new(reader)));
    let mut progress = interval(PROGRESS);
    let answer = loop {
        tokio::select! {
            answer = &mut install => break answer,
            _ = progress.tick() => {
                writer.write_u8(1).await?;
                writer.flush().await?;
            }
        }
    };
    writer.write_u8(0).await?;
    super::wire::write_block(&mut writer, &answer).await?;
    writer.flush().await?;
    writer.shutdown().await
}
