//! Sessions and the request that creates or destroys them.

use super::check::ServiceCheckRef;
use super::duration::nanos;
use super::{GoDuration, Index};
use crate::types::secret::hidden;
use serde::{Deserialize, Serialize};

/// What happens to held keys when a session ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionBehavior {
    /// Locks are released, keys stay.
    #[default]
    Release,
    /// Keys are deleted.
    Delete,
}

/// A row of the `sessions` table (`spec/semantics.md` 7.2).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Session {
    /// Session id, a UUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// Name for humans.
    pub name: String,
    /// Node the session lives on.
    pub node: String,
    /// Time during which held keys refuse acquisition after the end; a number in JSON.
    #[serde(with = "nanos")]
    pub lock_delay: GoDuration,
    /// `release`, `delete` or, from outside, anything (validated by the endpoint).
    pub behavior: String,
    /// Time to live as given.
    #[serde(rename = "TTL")]
    pub ttl: String,
    /// Node checks that the session depends on.
    pub node_checks: Option<Vec<String>>,
    /// Service checks that the session depends on.
    pub service_checks: Option<Vec<ServiceCheckRef>>,
    /// The list of old clients.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<String>,
    /// Raft index of the insert.
    pub create_index: Index,
    /// Raft index of the insert.
    pub modify_index: Index,
}

impl Session {
    /// Ids of all checks on the session's node that it depends on.
    pub fn check_ids(&self) -> impl Iterator<Item = &str> {
        let old = self.checks.iter().map(String::as_str);
        let node = self.node_checks.iter().flatten().map(String::as_str);
        let service = self.service_checks.iter().flatten().map(|check| check.id.as_str());
        old.chain(node).chain(service)
    }
}

/// Create or destroy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionOp {
    /// Create.
    #[default]
    Create,
    /// Destroy.
    Destroy,
}

/// Creates or destroys a session.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct SessionRequest {
    /// Target datacenter.
    pub datacenter: String,
    /// Operation.
    pub op: SessionOp,
    /// The session; only its id for destroy.
    pub session: Session,
    /// Secret of the caller.
    #[debug("{}", hidden(token))]
    pub token: String,
}
