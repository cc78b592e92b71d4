//! The state machine: tables, indexes, watches, snapshot records; one file per table.
//!
//! A [`Store`] holds the current root of persistent maps. Applying a batch makes a new root and publishes it at once; readers
//! take a [`Snapshot`] and keep it as long as they like. What a read touched is remembered in a [`WatchSet`]. The rules about
//! indexes are API (`spec/semantics.md` 2 and 3). Nothing here knows of raft or tokens; applying is deterministic, and the only
//! clock is that of the [lock delays](Store::lock_delay), which are no part of the state.
//!
//! | file | what it holds |
//! |---|---|
//! | `store` | batches, publication, race-free reads |
//! | `tables` | the root, and the writer that changes a private copy of it |
//! | `nodes`, `services`, `checks`, `register` | catalog rows, their cascades and index moves |
//! | `kv`, `sessions`, `coordinates`, `system`, `txn` | the other tables, each with its queries |
//! | `catalog`, `health`, `usage` | queries over several tables |
//! | `index`, `watch` | what moved when, and who waits for it |
//! | `query` | prepared queries and their templates |
//! | `acl` | tokens, policies, roles, auth methods, binding rules |
//! | `ca` | the certificate authority |
//! | `command`, `records` | bytes of the log and of snapshots |
//! | `radix`, `key`, `delays` | the persistent tree, composite keys, the clock of lock delays |

mod acl;
mod ca;
mod catalog;
mod checks;
mod command;
mod coordinates;
mod delays;
pub(crate) mod fuzzing;
mod health;
mod index;
mod key;
mod kv;
mod nodes;
mod query;
mod radix;
mod records;
mod register;
mod services;
mod sessions;
mod store;
mod system;
mod tables;
#[cfg(test)]
mod tests;
mod txn;
mod usage;
mod watch;

pub use acl::TokenFilter;
pub use catalog::{MetaFilter, NodeWithServices};
pub use command::{Command, DecodeError, Outcome, kind};
pub use records::RestoreError;
pub use store::{Snapshot, Store};
pub use txn::is_write;
pub use watch::WatchSet;
