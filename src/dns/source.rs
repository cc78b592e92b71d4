//! Where the records come from: the catalog behind an agent, or a table in tests.

use super::settings::Settings;
use crate::types::prepared_query::PreparedQueryExecuteResponse;
use crate::types::requests::IndexedCheckServiceNodes;
use crate::types::{Node, Result};
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;

/// Which endpoints of a service are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoints {
    /// The instances themselves.
    Plain,
    /// Proxies and native instances.
    Connect,
    /// Ingress gateways.
    Ingress,
}

/// The lookups that DNS needs.
pub trait Source: Clone + Send + Sync + 'static {
    /// Settings in force.
    fn settings(&self) -> Arc<Settings>;

    /// All instances of a service with their checks, healthy or not.
    fn service(
        &self,
        datacenter: &str,
        name: &str,
        tag: Option<&str>,
        endpoints: Endpoints,
    ) -> impl Future<Output = Result<Arc<IndexedCheckServiceNodes>>> + Send;

    /// What a prepared query finds for a client with this address; none when there is no such query.
    fn query(
        &self,
        datacenter: &str,
        name: &str,
        client: IpAddr,
    ) -> impl Future<Output = Result<Option<PreparedQueryExecuteResponse>>> + Send;

    /// A node by name.
    fn node(&self, datacenter: &str, name: &str) -> impl Future<Output = Result<Option<Arc<Node>>>> + Send;

    /// The first node with this address.
    fn node_by_address(&self, address: IpAddr) -> impl Future<Output = Result<Option<Arc<Node>>>> + Send;

    /// Name and datacenter of the first service instance with this service address.
    fn service_by_address(&self, address: IpAddr) -> impl Future<Output = Result<Option<(String, String)>>> + Send;
}
