//! Services and checks as configuration files define them (`spec/services-and-checks.md` 1 and 3).

use crate::types::{CheckType, NodeService};

/// A service of a file: what to register, the checks to run, and the token to sync it with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceDefinition {
    /// The instance; `id` is filled in from the name.
    pub service: NodeService,
    /// Checks in registration order; ids are as given (empty when the agent chooses them).
    pub checks: Vec<CheckType>,
    /// ACL token; empty for the agent's own.
    pub token: String,
}

/// A top-level check of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckDefinitionFile {
    /// Id; filled in from the name.
    pub id: String,
    /// Name.
    pub name: String,
    /// Notes.
    pub notes: String,
    /// Service id that the check belongs to; empty for a node check.
    pub service_id: String,
    /// ACL token; empty for the agent's own.
    pub token: String,
    /// What to run.
    pub check: CheckType,
}
