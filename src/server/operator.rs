//! `Operator.*`: raft configuration, autopilot, usage (`spec/semantics.md` 13.4, 14; `spec/http-api.md` 3.14).

use super::kvs::RAFT_APPLY;
use super::reads::Body;
use super::reads::blocking::{self, Evaluated};
use super::{Endpoint, Server};
use crate::acl::{Access, Resource};
use crate::raft::Peer;
use crate::rpc::method::*;
use crate::state::{Command, Outcome};
use crate::types::cluster::AutopilotState;
use crate::types::operator::{
    AutopilotConfig, ClusterHealth, RaftConfiguration, RaftServer, ServerHealth, UsageReport,
};
use crate::types::requests::*;
use crate::types::{Error, QueryOptions, Result};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The raft protocol that servers speak, as text.
const RAFT_PROTOCOL: &str = "3";

impl Server {
    /// Checks the permission to read what operators see.
    async fn permit_operator(&self, token: &str, access: Access) -> Result<()> {
        self.resolve(token).await?.check(Resource::Operator, access, "")
    }
}

impl Endpoint for OperatorRaftGetConfiguration {
    async fn serve(server: &Server, args: DcRequest) -> Result<RaftConfiguration> {
        server.permit_operator(args.token(), Access::Read).await?;
        let known = server.inner.directory.servers();
        let leader = server.raft().leader().map(|leader| leader.id).unwrap_or_default();
        let indexes = server.raft().peer_indexes();
        let row = |peer: Peer| {
            let member = known.get(&peer.id);
            let own = peer.id == server.config().node_id;
            let stored = indexes.get(&peer.id).copied().unwrap_or_default();
            RaftServer {
                protocol_version: if member.is_some() { RAFT_PROTOCOL } else { "unknown" }.into(),
                node: member.map_or_else(|| "(unknown)".into(), |member| member.name.clone()),
                leader: peer.id == leader,
                last_index: if own { server.raft().last_log_index() } else { stored },
                address: server.address_of(&peer),
                id: peer.id,
                voter: peer.voter,
            }
        };
        let servers = server.raft().configuration().1.into_iter().map(row).collect();
        Ok(RaftConfiguration { servers, index: 0 })
    }
}

impl Endpoint for OperatorRaftRemovePeer {
    async fn serve(server: &Server, args: RaftRemovePeerRequest) -> Result<()> {
        remove_peer(server, args).await
    }
}

impl Endpoint for OperatorRaftRemovePeerByAddress {
    async fn serve(server: &Server, args: RaftRemovePeerRequest) -> Result<()> {
        remove_peer(server, args).await
    }
}

/// Removes a server by its id or its address, the one in use or the one in the log.
async fn remove_peer(server: &Server, args: RaftRemovePeerRequest) -> Result<()> {
    server.permit_operator(args.token(), Access::Write).await?;
    let by_id = !args.id.is_empty();
    let (kind, wanted) = if by_id { ("id", &args.id) } else { ("address", &args.address) };
    let (_, peers) = server.raft().configuration();
    let matches = |peer: &Peer| match by_id {
        true => peer.id == *wanted,
        false => server.address_of(peer) == *wanted || peer.address == *wanted,
    };
    let Some(peer) = peers.into_iter().find(matches) else {
        return Err(Error::new(format!("{kind} {wanted:?} was not found in the Raft configuration")));
    };
    server.raft().remove_peer(&peer.id).await?;
    tracing::warn!(target: "agent.server.operator", "Removed Raft peer: id={} address={}", peer.id, peer.address);
    Ok(())
}

impl Endpoint for OperatorRaftTransferLeader {
    async fn serve(server: &Server, args: TransferLeaderRequest) -> Result<()> {
        server.permit_operator(args.token(), Access::Write).await?;
        let id = Some(args.id.as_str()).filter(|id| !id.is_empty());
        tracing::warn!(target: "agent.server.operator", "transferring leadership: id={}", args.id);
        server.transfer_leader(id).await
    }
}

/// A server that has not answered its leader for this long cannot take over.
const CONTACT: Duration = Duration::from_secs(1);

impl Server {
    /// Hands the leadership over to the given server, or to the one that is furthest of those that answer. A leader that has
    /// begun to hand over to a dead server leads no more, so that is not even tried.
    pub(super) async fn transfer_leader(&self, id: Option<&str>) -> Result<()> {
        let raft = self.raft();
        if !raft.is_leader() {
            return Err(Error::no_leader());
        }
        let (contacts, indexes) = (raft.peer_contacts(), raft.peer_indexes());
        let answers = |id: &str| contacts.get(id).is_some_and(|contact| *contact < CONTACT);
        if let Some(id) = id {
            let known = raft.configuration().1.iter().any(|peer| peer.id == id && peer.voter);
            if known && id != self.config().node_id && !answers(id) {
                return Err(Error::new(format!("server {id} does not answer and cannot take over")));
            }
            return raft.transfer_leader(Some(id)).await;
        }
        let (_, peers) = raft.configuration();
        let candidates =
            peers.iter().filter(|peer| peer.voter && peer.id != self.config().node_id && answers(&peer.id));
        let best = candidates.max_by_key(|peer| indexes.get(&peer.id).copied());
        let best = best.ok_or_else(|| Error::new("cannot find peer"))?;
        raft.transfer_leader(Some(&best.id)).await
    }
}

impl Endpoint for OperatorAutopilotState {
    async fn serve(server: &Server, args: DcRequest) -> Result<AutopilotState> {
        server.permit_operator(args.token(), Access::Read).await?;
        let state = server.store().snapshot();
        let meta = |health: &ServerHealth| state.node_by_name(&health.name).and_then(|node| node.meta.clone());
        Ok(AutopilotState::of(&server.inner.health.current(), meta))
    }
}

impl Endpoint for OperatorAutopilotGetConfiguration {
    async fn serve(server: &Server, args: DcRequest) -> Result<AutopilotConfig> {
        server.permit_operator(args.token(), Access::Read).await?;
        let config = server.store().snapshot().autopilot_config();
        config.map(|config| (*config).clone()).ok_or_else(|| Error::new("autopilot config not initialized yet"))
    }
}

impl Endpoint for OperatorAutopilotSetConfiguration {
    async fn serve(server: &Server, mut args: AutopilotSetRequest) -> Result<bool> {
        server.permit_operator(args.token(), Access::Write).await?;
        args.token.clear();
        let outcome = server.apply(Command::Autopilot(args), RAFT_APPLY).await?;
        Ok(matches!(outcome, Outcome::Bool(true)))
    }
}

impl Endpoint for OperatorServerHealth {
    async fn serve(server: &Server, args: DcRequest) -> Result<ClusterHealth> {
        server.permit_operator(args.token(), Access::Read).await?;
        Ok(server.inner.health.current())
    }
}

impl Endpoint for OperatorUsage {
    async fn serve(server: &Server, mut args: DcRequest) -> Result<UsageReport> {
        let options: QueryOptions = std::mem::take(&mut args.query);
        server.permit_operator(&options.token, Access::Read).await?;
        let mut once = || {
            let (usage, watch) = server.store().read(|state, watch| {
                let (nodes, _) = state.nodes(watch, &BTreeMap::new());
                let (services, _) = state.services(watch, &BTreeMap::new());
                (nodes.max(services), state.usage())
            });
            Ok(Arc::new(Evaluated::plain(usage.0, watch, Body::typed(usage.1))))
        };
        let result = blocking::run(server, &options, &mut once).await?;
        let meta = server.meta(result.index, false, &options.token);
        let usage = Arc::unwrap_or_clone(result.value.clone().into_reply());
        Ok(UsageReport { usage: BTreeMap::from([(server.config().datacenter.clone(), usage)]), meta })
    }
}
