//! Messages between servers: the consensus library on one side, a [`Transport`] of plain bytes on the other.

use super::Peer;
use super::codec::{self, Request, Response};
use super::engine::{ServerNode, TypeConfig, Vote};
use super::snapshots::StoredSnapshot;
use async_trait::async_trait;
use bytes::Bytes;
use openraft::errors::{RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::RPCOption;
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderRequest, TransferLeaderResponse,
    VoteRequest, VoteResponse,
};
use openraft::{OptionalSend, RaftNetworkFactory, RaftNetworkV2};
use std::fs::File;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// Bytes of entries in one message; a single larger entry goes alone.
const MESSAGE_BYTES: usize = 1 << 20;

/// How long another server may take to store a message, and for each MiB of it.
const APPEND_LIMIT: Duration = Duration::from_secs(10);
const APPEND_LIMIT_PER_MIB: Duration = Duration::from_secs(1);

/// Carries messages to other servers. Found by id; the address is what the log last knew.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends a request and returns the answer of [`super::Raft::handle`] over there.
    async fn call(&self, to: &Peer, request: Bytes) -> io::Result<Bytes>;

    /// Sends a snapshot and returns the answer of [`super::Raft::handle_snapshot`] over there. `archive` is read to its end.
    async fn send_snapshot(&self, to: &Peer, header: Bytes, archive: File) -> io::Result<Bytes>;
}

/// For a server that is alone.
pub(crate) struct NoTransport;

#[async_trait]
impl Transport for NoTransport {
    async fn call(&self, to: &Peer, _request: Bytes) -> io::Result<Bytes> {
        Err(io::Error::new(io::ErrorKind::NotConnected, format!("no way to server {}", to.id)))
    }

    async fn send_snapshot(&self, to: &Peer, _header: Bytes, _archive: File) -> io::Result<Bytes> {
        Err(io::Error::new(io::ErrorKind::NotConnected, format!("no way to server {}", to.id)))
    }
}

/// Makes links to other servers.
pub(crate) struct Network(pub Arc<dyn Transport>);

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Link;

    async fn new_client(&mut self, target: Uuid, node: &ServerNode) -> Link {
        let peer = Peer { id: target.to_string(), address: node.address.clone(), voter: true };
        Link { transport: self.0.clone(), peer }
    }
}

/// The way to one server.
pub(crate) struct Link {
    transport: Arc<dyn Transport>,
    peer: Peer,
}

fn unreachable(text: impl ToString) -> Unreachable<TypeConfig> {
    Unreachable::from_string(text)
}

impl Link {
    async fn ask(&self, request: Request, limit: Duration) -> Result<Response, Unreachable<TypeConfig>> {
        let answer = tokio::time::timeout(limit, self.transport.call(&self.peer, request.encode()))
            .await
            .map_err(|_| unreachable(format!("no answer from server {} within {limit:?}", self.peer.id)))?
            .map_err(unreachable)?;
        match Response::decode(answer).map_err(unreachable)? {
            Response::Failed(text) => Err(unreachable(text)),
            response => Ok(response),
        }
    }

    fn confused(&self) -> RPCError<TypeConfig> {
        RPCError::Unreachable(unreachable(format!("server {} answered something else", self.peer.id)))
    }
}

impl RaftNetworkV2<TypeConfig> for Link {
    type SnapshotData = StoredSnapshot;

    async fn append_entries(
        &mut self,
        mut request: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RPCError<TypeConfig>> {
        let mut bytes = 0;
        let fits = request.entries.iter().position(|entry| {
            bytes += codec::entry_size(entry);
            bytes > MESSAGE_BYTES
        });
        let cut = fits.map(|fits| fits.max(1)).filter(|fits| *fits < request.entries.len());
        if let Some(cut) = cut {
            request.entries.truncate(cut);
        }
        let sent = request.entries.last().map(|entry| entry.log_id);
        // heartbeats are short; storing a large entry is not, and must not be given up and begun anew for ever
        let limit = match request.entries.iter().map(codec::entry_size).sum::<usize>() {
            0 => option.hard_ttl(),
            size => APPEND_LIMIT + APPEND_LIMIT_PER_MIB * (size >> 20) as u32,
        };
        Ok(match self.ask(Request::Append(request), limit).await? {
            Response::Appended if cut.is_some() => AppendEntriesResponse::PartialSuccess(sent),
            Response::Appended => AppendEntriesResponse::Success,
            Response::AppendedUpTo(id) => AppendEntriesResponse::PartialSuccess(id),
            Response::Conflict => AppendEntriesResponse::Conflict,
            Response::HigherVote(vote) => AppendEntriesResponse::HigherVote(vote),
            _ => return Err(self.confused()),
        })
    }

    async fn vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        match self.ask(Request::Vote(request), option.hard_ttl()).await? {
            Response::Vote(vote) => Ok(vote),
            _ => Err(self.confused()),
        }
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        match self.ask(Request::PreVote(request), option.hard_ttl()).await? {
            Response::Vote(vote) => Ok(vote),
            _ => Err(self.confused()),
        }
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: openraft::alias::SnapshotOf<TypeConfig, StoredSnapshot>,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let archive = snapshot.snapshot.file().map_err(|error| StreamingError::Unreachable(unreachable(error)))?;
        let send = self.transport.send_snapshot(&self.peer, codec::encode_vote(&vote).into(), archive);
        let answer = tokio::select! {
            answer = send => answer.map_err(|error| StreamingError::Unreachable(unreachable(error)))?,
            closed = cancel => return Err(closed.into()),
        };
        match Response::decode(answer) {
            Ok(Response::Snapshot(vote)) => Ok(SnapshotResponse::new(vote)),
            Ok(Response::Failed(text)) => Err(StreamingError::Unreachable(unreachable(text))),
            Ok(_) => Err(StreamingError::Unreachable(unreachable("answer to another question"))),
            Err(error) => Err(StreamingError::Unreachable(unreachable(error))),
        }
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<TypeConfig>, RPCError<TypeConfig>> {
        match self.ask(Request::Transfer(request), option.hard_ttl()).await? {
            Response::Transferring => Ok(Ok(())),
            _ => Err(self.confused()),
        }
    }
}
