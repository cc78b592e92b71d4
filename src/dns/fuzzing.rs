//! Packets against a small catalog, for `crate::fuzzing`.

use super::listen;
use super::{Endpoints, Settings, Source};
use crate::types::prepared_query::PreparedQueryExecuteResponse;
use crate::types::requests::IndexedCheckServiceNodes;
use crate::types::{CheckServiceNode, Node, NodeService, Result};
use futures::FutureExt;
use hickory_server::net::xfer::Protocol;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// A catalog in which there is one of everything, under any name.
#[derive(Clone)]
struct Catalog {
    settings: Arc<Settings>,
    node: Arc<Node>,
    instance: CheckServiceNode,
}

impl Catalog {
    fn new() -> Catalog {
        let node = Arc::new(Node { node: "n1".into(), address: "127.0.0.1".into(), ..Node::default() });
        let service = NodeService { id: "web-1".into(), service: "web".into(), port: 80, ..NodeService::default() };
        let instance =
            CheckServiceNode { node: node.clone(), service: Arc::new(service), ..CheckServiceNode::default() };
        let settings = Settings { domain: "consul".into(), datacenter: "dc1".into(), ..Settings::default() };
        Catalog { settings: Arc::new(settings), node, instance }
    }

    fn instances(&self) -> Vec<CheckServiceNode> {
        vec![self.instance.clone(); 3]
    }
}

impl Source for Catalog {
    fn settings(&self) -> Arc<Settings> {
        self.settings.clone()
    }

    async fn service(
        &self,
        _datacenter: &str,
        _name: &str,
        _tag: Option<&str>,
        _endpoints: Endpoints,
    ) -> Result<Arc<IndexedCheckServiceNodes>> {
        Ok(Arc::new(IndexedCheckServiceNodes { nodes: self.instances(), ..IndexedCheckServiceNodes::default() }))
    }

    async fn query(
        &self,
        _datacenter: &str,
        _name: &str,
        _client: IpAddr,
    ) -> Result<Option<PreparedQueryExecuteResponse>> {
        let found = PreparedQueryExecuteResponse { nodes: self.instances(), ..PreparedQueryExecuteResponse::default() };
        Ok(Some(found))
    }

    async fn node(&self, _datacenter: &str, _name: &str) -> Result<Option<Arc<Node>>> {
        Ok(Some(self.node.clone()))
    }

    async fn node_by_address(&self, _address: IpAddr) -> Result<Option<Arc<Node>>> {
        Ok(Some(self.node.clone()))
    }

    async fn service_by_address(&self, _address: IpAddr) -> Result<Option<(String, String)>> {
        Ok(Some(("web".into(), "dc1".into())))
    }
}

/// Answers a packet: the first byte chooses the transport.
pub fn packet(data: &[u8]) {
    let Some((transport, packet)) = data.split_first() else { return };
    let protocol = if transport & 1 == 1 { Protocol::Tcp } else { Protocol::Udp };
    let client = SocketAddr::from(([127, 0, 0, 1], 5353));
    let answered = listen::answer(&Catalog::new(), packet.to_vec(), client, protocol).now_or_never();
    let answer = answered.expect("without recursors nothing waits");
    if let Some(answer) = answer {
        assert!(answer.len() >= 12, "an answer without a header");
        assert_eq!(answer[..2], packet[..2], "an answer to another question");
    }
}
