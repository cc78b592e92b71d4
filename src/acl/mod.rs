//! Who may do what: the rule language, merged permissions, and the [`Authorizer`] that every handler asks
//! (`spec/acl-and-tls.md` 3, 4, 8).
//!
//! This room knows rules and decisions. Which rules a secret stands for is found out by the resolver of a server or agent.

mod authorizer;
mod compile;
pub(crate) mod fuzzing;
mod permissions;
pub mod recent;
mod resource;
mod rules;
mod settings;
pub mod templates;
#[cfg(test)]
mod tests;
mod tokens;

pub use authorizer::{ANONYMOUS, Authorizer, PERMISSION_DENIED};
pub use compile::Compiler;
pub use permissions::{Base, Permissions};
pub use resource::{Access, Level, Resource};
pub use rules::{Rule, Rules};
pub use settings::{AclSettings, DownPolicy, check};
pub use tokens::{TokenUse, Tokens, same_secret};

/// The words of an unknown secret.
pub const NOT_FOUND: &str = "ACL not found";
/// The words where ACLs are off.
pub const DISABLED: &str = "ACL support disabled";
