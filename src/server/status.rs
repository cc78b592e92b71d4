//! `Status.*`: what this server knows of the cluster, leader or not.

use super::{Endpoint, Server};
use crate::rpc::method::*;
use crate::types::Result;
use crate::types::requests::DcRequest;

impl Endpoint for StatusLeader {
    async fn serve(server: &Server, args: DcRequest) -> Result<String> {
        server.check_datacenter(&args)?;
        Ok(server.raft().leader().map(|leader| leader.address).unwrap_or_default())
    }
}

impl Endpoint for StatusPeers {
    async fn serve(server: &Server, args: DcRequest) -> Result<Vec<String>> {
        server.check_datacenter(&args)?;
        Ok(server.raft().configuration().1.into_iter().map(|peer| peer.address).collect())
    }
}
