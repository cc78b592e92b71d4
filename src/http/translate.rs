//! `translate_wan_addrs`: answers about another datacenter show the addresses at which it is reached from here
//! (`spec/http-api.md` 1.13).

use crate::types::prepared_query::PreparedQueryExecuteResponse;
use crate::types::requests::{
    IndexedCheckServiceNodes, IndexedNodeServiceList, IndexedNodeServices, IndexedNodes, IndexedServiceNodes,
};
use crate::types::service::ServiceAddresses;
use crate::types::{Node, NodeService, StringMap};
use std::any::Any;
use std::sync::Arc;

/// The tag of addresses for other datacenters.
const WAN: &str = "wan";

fn address(address: &mut String, tagged: &StringMap) {
    if let Some(wan) = tagged.as_ref().and_then(|tagged| tagged.get(WAN)).filter(|wan| !wan.is_empty()) {
        address.clone_from(wan);
    }
}

fn endpoint(address: &mut String, port: &mut i64, tagged: &ServiceAddresses) {
    let Some(wan) = tagged.as_ref().and_then(|tagged| tagged.get(WAN)) else { return };
    if !wan.address.is_empty() {
        address.clone_from(&wan.address);
    }
    if wan.port != 0 {
        *port = wan.port;
    }
}

fn node(node: &mut Arc<Node>) {
    let changed = Arc::make_mut(node);
    address(&mut changed.address, &changed.tagged_addresses);
}

fn service(service: &mut Arc<NodeService>) {
    let changed = Arc::make_mut(service);
    endpoint(&mut changed.address, &mut changed.port, &changed.tagged_addresses);
}

/// Translates the addresses of a reply; replies without addresses stay as they are.
pub fn translate(reply: &mut dyn Any) {
    if let Some(reply) = reply.downcast_mut::<IndexedNodes>() {
        reply.nodes.iter_mut().for_each(node);
    } else if let Some(reply) = reply.downcast_mut::<IndexedCheckServiceNodes>() {
        for row in &mut reply.nodes {
            node(&mut row.node);
            service(&mut row.service);
        }
    } else if let Some(reply) = reply.downcast_mut::<PreparedQueryExecuteResponse>() {
        for row in &mut reply.nodes {
            node(&mut row.node);
            service(&mut row.service);
        }
    } else if let Some(reply) = reply.downcast_mut::<IndexedServiceNodes>() {
        for row in &mut reply.service_nodes {
            address(&mut row.address, &row.tagged_addresses);
            endpoint(&mut row.service_address, &mut row.service_port, &row.service_tagged_addresses);
        }
    } else if let Some(reply) = reply.downcast_mut::<IndexedNodeServices>() {
        if let Some(found) = &mut reply.node_services {
            found.node.iter_mut().for_each(node);
            found.services.iter_mut().flat_map(|services| services.values_mut()).for_each(service);
        }
    } else if let Some(reply) = reply.downcast_mut::<IndexedNodeServiceList>() {
        let found = &mut reply.node_services;
        found.node.iter_mut().for_each(node);
        found.services.iter_mut().flatten().for_each(service);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::service::ServiceAddress;
    use crate::types::{CheckServiceNode, HealthCheck};
    use std::collections::BTreeMap;

    fn row(tagged: ServiceAddress) -> CheckServiceNode {
        let node = Node {
            address: "10.0.0.1".into(),
            tagged_addresses: Some(BTreeMap::from([(WAN.to_owned(), "198.51.100.1".to_owned())])),
            ..Node::default()
        };
        let service = NodeService {
            address: "10.0.0.2".into(),
            port: 80,
            tagged_addresses: Some(BTreeMap::from([(WAN.to_owned(), tagged)])),
            ..NodeService::default()
        };
        CheckServiceNode {
            node: Arc::new(node),
            service: Arc::new(service),
            checks: vec![Arc::new(HealthCheck::default())],
        }
    }

    #[test]
    fn nodes_and_services_show_their_wan_addresses() {
        for (tagged, expected) in [
            (ServiceAddress { address: "198.51.100.2".into(), port: 8080 }, ("198.51.100.2", 8080)),
            (ServiceAddress { address: "198.51.100.2".into(), port: 0 }, ("198.51.100.2", 80)),
            (ServiceAddress::default(), ("10.0.0.2", 80)),
        ] {
            let mut reply = IndexedCheckServiceNodes { nodes: vec![row(tagged)], ..Default::default() };
            translate(&mut reply);
            let shown = &reply.nodes[0];
            assert_eq!(shown.node.address, "198.51.100.1");
            assert_eq!((shown.service.address.as_str(), shown.service.port), expected);
        }
    }
}
