//! Prepared queries: the definition, the request that stores it, and the reads (`spec/semantics.md` 17, `spec/rpc.md` 10).

use super::requests::{ReadReply, ReadRequest, Request, read_requests, replies};
use super::value::is_zero;
use super::{CheckServiceNode, Index, QueryMeta, QueryOptions, QuerySource, StringMap};
use crate::types::secret::hidden;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A definition.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PreparedQuery {
    /// Id, a UUID made by the server.
    #[serde(rename = "ID")]
    pub id: String,
    /// Name, or the prefix of a template; compared without case.
    pub name: String,
    /// The query ends with this session.
    pub session: String,
    /// Secret to execute with in the place of the caller's.
    #[debug("{}", hidden(token))]
    pub token: String,
    /// Makes the query a template.
    pub template: QueryTemplate,
    /// What is looked for.
    pub service: ServiceQuery,
    /// Options of DNS answers.
    #[serde(rename = "DNS")]
    pub dns: QueryDns,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the last update.
    pub modify_index: Index,
}

impl PreparedQuery {
    /// The query answers for more than its name.
    pub fn is_template(&self) -> bool {
        !self.template.kind.is_empty()
    }

    /// The name that `query` rules are about; none for a query that only its id leads to.
    pub fn acl_name(&self) -> Option<&str> {
        (!self.name.is_empty() || self.is_template()).then_some(self.name.as_str())
    }
}

/// How a query is a template.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QueryTemplate {
    /// Empty or `name_prefix_match`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// Applied to the name that was looked up, for `${match(n)}`.
    pub regexp: String,
    /// Tags that render to nothing are dropped.
    pub remove_empty_tags: bool,
}

/// Which instances a query finds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct ServiceQuery {
    /// Service name.
    pub service: String,
    /// Enterprise.
    pub sameness_group: String,
    /// Where to look when nothing is found here.
    pub failover: QueryFailover,
    /// Instances in warning are dropped too.
    pub only_passing: bool,
    /// All instances, whatever their health.
    #[serde(skip_serializing_if = "is_zero")]
    pub include_all: bool,
    /// Checks that do not count.
    #[serde(rename = "IgnoreCheckIDs")]
    pub ignore_check_ids: Option<Vec<String>>,
    /// Sort by distance from this node, `_agent` or `_ip`.
    pub near: String,
    /// Tags that an instance must have, or must not when they begin with `!`.
    pub tags: Option<Vec<String>>,
    /// Metadata that the node must have.
    pub node_meta: StringMap,
    /// Metadata that the instance must have.
    pub service_meta: StringMap,
    /// Mesh-capable endpoints instead.
    pub connect: bool,
    /// Instances imported from this peer instead.
    pub peer: String,
}

/// Other places that may answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QueryFailover {
    /// That many of the nearest other datacenters.
    pub nearest_n: i64,
    /// Then these, in order.
    pub datacenters: Option<Vec<String>>,
    /// Or these, instead of both.
    pub targets: Option<Vec<QueryTarget>>,
    /// The own datacenter is not asked at all.
    #[serde(skip_serializing_if = "is_zero")]
    pub skip_local_datacenter: bool,
}

/// One other place.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QueryTarget {
    /// Peer whose imported instances are taken.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub peer: String,
    /// Datacenter.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub datacenter: String,
}

/// Options of DNS answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QueryDns {
    /// Time to live, a duration; empty takes that of the service.
    #[serde(rename = "TTL")]
    pub ttl: String,
}

/// What to do with a definition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PreparedQueryOp {
    /// Store a new one.
    #[default]
    Create,
    /// Replace one.
    Update,
    /// Remove one.
    Delete,
}

/// Stores or removes a definition.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PreparedQueryRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// Operation.
    pub op: PreparedQueryOp,
    /// The definition; only its id for a delete.
    pub query: Option<PreparedQuery>,
    /// Secret of the caller.
    #[debug("{}", hidden(token))]
    pub token: String,
}

impl Request for PreparedQueryRequest {
    fn datacenter(&self) -> &str {
        &self.datacenter
    }
    fn datacenter_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.datacenter)
    }
    fn token(&self) -> &str {
        &self.token
    }
    fn token_mut(&mut self) -> Option<&mut String> {
        Some(&mut self.token)
    }
}

read_requests! {
    /// About one definition.
    PreparedQuerySpecificRequest {
        /// Its id.
        #[serde(rename = "QueryID")]
        query_id: String,
    }
    /// Runs or explains a query.
    PreparedQueryExecuteRequest {
        /// Id, name, or a name that a template answers for.
        #[serde(rename = "QueryIDOrName")]
        query_id_or_name: String,
        /// Most instances in the answer; 0 or less is no limit.
        limit: i64,
        /// Mesh-capable endpoints, whatever the definition says.
        connect: bool,
        /// Sort by distance from here; wins over the definition.
        source: QuerySource,
        /// The agent that asks.
        agent: QuerySource,
    }
    /// Runs a rendered definition in another datacenter.
    PreparedQueryExecuteRemoteRequest {
        /// The definition.
        #[serde(rename = "Query")]
        definition: PreparedQuery,
        /// Most instances in the answer; 0 or less is no limit.
        limit: i64,
        /// Mesh-capable endpoints, whatever the definition says.
        connect: bool,
    }
}

replies! {
    /// Definitions.
    IndexedPreparedQueries {
        /// The definitions by id.
        queries: Vec<Arc<PreparedQuery>>,
    }
    /// A definition as a lookup renders it.
    PreparedQueryExplainResponse {
        /// The rendered definition.
        query: PreparedQuery,
    }
    /// What a query found.
    PreparedQueryExecuteResponse {
        /// Service that was looked for.
        service: String,
        /// Instances with nodes and checks.
        nodes: Vec<CheckServiceNode>,
        /// Options of DNS answers.
        #[serde(rename = "DNS")]
        dns: QueryDns,
        /// Datacenter that answered.
        datacenter: String,
        /// Peer whose instances these are.
        peer_name: String,
        /// Other places that were asked.
        failovers: i64,
    }
}
