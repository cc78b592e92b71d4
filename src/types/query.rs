//! What every read request carries and every read answer brings back (`spec/rpc.md` 7).

use super::duration::nanos;
use super::{GoDuration, Index};
use crate::types::secret::hidden;
use serde::{Deserialize, Serialize};

/// Options of a read.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QueryOptions {
    /// Secret of the caller; empty is anonymous.
    #[debug("{}", hidden(token))]
    pub token: String,
    /// Block until the index passes this; 0 answers at once.
    pub min_query_index: Index,
    /// Longest wait; 0 takes the server's default.
    pub max_query_time: GoDuration,
    /// Any server may answer.
    pub allow_stale: bool,
    /// The leader must confirm its leadership with a quorum first.
    pub require_consistent: bool,
    /// Oldest acceptable stale answer; 0 accepts any.
    pub max_stale_duration: GoDuration,
    /// Agent cache only.
    pub use_cache: bool,
    /// Agent cache only.
    pub max_age: GoDuration,
    /// Agent cache only.
    pub must_revalidate: bool,
    /// Agent cache only.
    pub stale_if_error: GoDuration,
    /// Boolean expression over the result.
    pub filter: String,
    /// The answer may be empty when nothing changed.
    pub allow_not_modified_response: bool,
}

/// Where a request comes from, for sorting by distance.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QuerySource {
    /// Datacenter of the asking agent.
    pub datacenter: String,
    /// Network segment.
    pub segment: String,
    /// Sort by distance from this node when set.
    pub node: String,
    /// Source address.
    pub ip: String,
}

/// What a read answer says about itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct QueryMeta {
    /// Index of the result, at least 1 for queries that can block.
    pub index: Index,
    /// Age of the answering server's knowledge; 0 on the leader. A number in JSON.
    #[serde(with = "nanos")]
    pub last_contact: GoDuration,
    /// The answering server knows a leader.
    pub known_leader: bool,
    /// Filled in by the agent: `leader`, `consistent` or `stale`.
    pub consistency_level: String,
    /// The rows are left out because nothing changed.
    pub not_modified: bool,
    /// 0 blocking query, 1 streaming.
    pub backend: i64,
    /// Rows were dropped for lack of permission.
    #[serde(rename = "ResultsFilteredByACLs")]
    pub results_filtered_by_acls: bool,
}
