//! Snapshot archives: a gzip tar of `meta.json`, `state.bin` and `SHA256SUMS` (`spec/snapshot.md` 1, 2).
//!
//! The one format of raft's own snapshots, `snapshot save` and backups. Writing and reading stream: `state.bin` never has
//! to fit into memory.

mod error;
pub mod inspect;
pub mod meta;
mod read;
mod tar;
mod write;

#[cfg(test)]
mod tests;

pub use error::ArchiveError;
pub use inspect::{Inspection, KvOptions, KvStat, Records, TypeStat, inspect, inspect_state, type_name};
pub use meta::{Configuration, LogPosition, Meta, Server};
pub use read::{State, read, verify};
pub use write::{measure, write};
