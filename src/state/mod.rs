//! The state machine: tables, indexes, watches, snapshot records; one file per table.
//!
//! A [`Store`] holds the current root of persistent maps. Applying a batch makes a new root and publishes it at once; readers
//! take a [`Snapshot`] and keep it as long as they like. What a read touched is remembered in a [`WatchSet`]. The rules about
//! indexes are API (`spec/semantics.md` 2 and 3). Nothing here knows of raft, clocks or tokens; applying is deterministic.

mod command;
mod queries;
mod store;
mod watch;

pub use command::{Command, DecodeError, Outcome};
pub use store::{RestoreError, Snapshot, Store};
pub use watch::WatchSet;
