//! `Status.*`: what this server knows of the cluster, leader or not.

use super::{Endpoint, Server};
use crate::raft::Peer;
use crate::rpc::method::*;
use crate::types::Result;
use crate::types::requests::DcRequest;

impl Endpoint for StatusLeader {
    async fn serve(server: &Server, args: DcRequest) -> Result<String> {
        server.check_datacenter(&args)?;
        Ok(server.leader_address())
    }
}

impl Endpoint for StatusPeers {
    async fn serve(server: &Server, args: DcRequest) -> Result<Vec<String>> {
        server.check_datacenter(&args)?;
        Ok(server.raft().configuration().1.iter().map(|peer| server.address_of(peer)).collect())
    }
}

impl Server {
    /// Address of a server of the raft configuration: where gossip sees it, else where the log last knew it.
    pub(super) fn address_of(&self, peer: &Peer) -> String {
        self.inner.directory.address(&peer.id).map_or_else(|| peer.address.clone(), |address| address.to_string())
    }

    /// `ip:port` of the leader; empty while none is known.
    pub fn leader_address(&self) -> String {
        self.raft().leader().map(|leader| self.address_of(&leader)).unwrap_or_default()
    }
}
