//! `Operator.*`: raft configuration, autopilot, usage (`spec/semantics.md` 13.4, 14; `spec/http-api.md` 3.14).

use super::kvs::RAFT_APPLY;
use super::{Endpoint, Server};
use crate::acl::{Access, Resource};
use crate::rpc::method::*;
use crate::state::{Command, Outcome};
use crate::types::operator::{AutopilotConfig, ClusterHealth, RaftConfiguration, RaftServer, UsageReport};
use crate::types::requests::*;
use crate::types::{Error, QueryOptions, Result};
use std::collections::BTreeMap;

/// The raft protocol that servers speak, as text.
const RAFT_PROTOCOL: &str = "3";

impl Server {
    /// Admits an operator's read and checks the permission for it.
    async fn admit_operator(&self, args: &impl Request) -> Result<()> {
        self.check_datacenter(args)?;
        let options = args.query().cloned().unwrap_or_default();
        self.admit(&options).await?;
        self.resolve(args.token())?.check(Resource::Operator, Access::Read, "")
    }

    /// Admits an operator's write and checks the permission for it.
    async fn admit_operator_write(&self, args: &impl Request) -> Result<()> {
        self.check_datacenter(args)?;
        self.admit_write().await?;
        self.resolve(args.token())?.check(Resource::Operator, Access::Write, "")
    }
}

impl Endpoint for OperatorRaftGetConfiguration {
    async fn serve(server: &Server, args: DcRequest) -> Result<RaftConfiguration> {
        server.admit_operator(&args).await?;
        let members: BTreeMap<String, String> =
            server.members().list().iter().map(|member| (member.id.clone(), member.name.clone())).collect();
        let leader = server.raft().leader().map(|leader| leader.id).unwrap_or_default();
        let last_index = server.raft().last_log_index();
        let row = |peer: crate::raft::Peer| {
            let name = members.get(&peer.id).cloned();
            RaftServer {
                protocol_version: if name.is_some() { RAFT_PROTOCOL } else { "unknown" }.into(),
                node: name.unwrap_or_else(|| "(unknown)".into()),
                leader: peer.id == leader,
                last_index: if peer.id == server.config().node_id { last_index } else { 0 },
                id: peer.id,
                address: peer.address,
                voter: peer.voter,
            }
        };
        let servers = server.raft().configuration().1.into_iter().map(row).collect();
        Ok(RaftConfiguration { servers, index: 0 })
    }
}

impl Endpoint for OperatorRaftRemovePeer {
    async fn serve(server: &Server, args: RaftRemovePeerRequest) -> Result<()> {
        server.admit_operator_write(&args).await?;
        let by_id = !args.id.is_empty();
        let (kind, wanted) = if by_id { ("id", &args.id) } else { ("address", &args.address) };
        let (_, peers) = server.raft().configuration();
        let peer = peers.into_iter().find(|peer| if by_id { peer.id == *wanted } else { peer.address == *wanted });
        let Some(peer) = peer else {
            return Err(Error::new(format!("{kind} {wanted:?} was not found in the Raft configuration")));
        };
        server.raft().remove_peer(&peer.id).await?;
        tracing::warn!(target: "agent.server.operator", "Removed Raft peer: id={} address={}", peer.id, peer.address);
        Ok(())
    }
}

impl Endpoint for OperatorAutopilotGetConfiguration {
    async fn serve(server: &Server, args: DcRequest) -> Result<AutopilotConfig> {
        server.admit_operator(&args).await?;
        let config = server.store().snapshot().autopilot_config();
        config.map(|config| (*config).clone()).ok_or_else(|| Error::new("autopilot config not initialized yet"))
    }
}

impl Endpoint for OperatorAutopilotSetConfiguration {
    async fn serve(server: &Server, mut args: AutopilotSetRequest) -> Result<bool> {
        server.admit_operator_write(&args).await?;
        args.token.clear();
        let outcome = server.apply(Command::Autopilot(args), RAFT_APPLY).await?;
        Ok(matches!(outcome, Outcome::Bool(true)))
    }
}

impl Endpoint for OperatorServerHealth {
    async fn serve(server: &Server, args: DcRequest) -> Result<ClusterHealth> {
        server.admit_operator(&args).await?;
        Ok(server.inner.health.current())
    }
}

impl Endpoint for OperatorUsage {
    async fn serve(server: &Server, mut args: DcRequest) -> Result<UsageReport> {
        server.check_datacenter(&args)?;
        let options: QueryOptions = std::mem::take(&mut args.query);
        server.resolve(&options.token)?.check(Resource::Operator, Access::Read, "")?;
        let once = || {
            let (usage, watch) = server.store().read(|state, watch| {
                let (nodes, _) = state.nodes(watch, &BTreeMap::new());
                let (services, _) = state.services(watch, &BTreeMap::new());
                (nodes.max(services), state.usage())
            });
            Ok(Box::new(super::blocking::Evaluated::plain(usage.0, watch, usage.1)))
        };
        let result = super::blocking::run(server, &options, once).await?;
        let meta = server.meta(result.index, false, &options.token);
        Ok(UsageReport { usage: BTreeMap::from([(server.config().datacenter.clone(), result.value)]), meta })
    }
}
