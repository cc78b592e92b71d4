//! `Status.*`: what this server knows of the cluster, leader or not.

use super::{Endpoint, Place, Server};
use crate::raft::Peer;
use crate::rpc::method::*;
use crate::types::Result;
use crate::types::cluster::{Empty, RaftStats};
use crate::types::requests::DcRequest;

impl Endpoint for StatusLeader {
    const PLACE: Place = Place::Datacenter;

    async fn serve(server: &Server, _args: DcRequest) -> Result<String> {
        Ok(server.leader_address())
    }
}

impl Endpoint for StatusPeers {
    const PLACE: Place = Place::Datacenter;

    async fn serve(server: &Server, _args: DcRequest) -> Result<Vec<String>> {
        Ok(server.raft().configuration().1.iter().map(|peer| server.address_of(peer)).collect())
    }
}

impl Endpoint for StatusPing {
    const PLACE: Place = Place::Here;

    async fn serve(_server: &Server, _args: Empty) -> Result<()> {
        Ok(())
    }
}

impl Endpoint for StatusRaftStats {
    const PLACE: Place = Place::Here;

    async fn serve(server: &Server, _args: Empty) -> Result<RaftStats> {
        let raft = server.raft();
        let last_contact = raft.last_contact_text();
        Ok(RaftStats { last_contact, last_term: raft.last_log_term(), last_index: raft.last_log_index() })
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
