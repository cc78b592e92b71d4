//! The DNS server: names to lookups to records (`spec/dns.md`).
//!
//! `listen` owns sockets and packets, `name` the grammar, `resolve` the lookups, `records` what they turn into, `reply`
//! the size rules, `recursor` everything outside our domains; `source` is the one window to the catalog.

mod catalog;
pub(crate) mod fuzzing;
mod listen;
pub mod name;
mod records;
mod recursor;
mod reply;
mod resolve;
mod settings;
mod source;

pub use catalog::AgentSource;
pub use listen::{open, serve};
pub use settings::Settings;
pub use source::{Endpoints, Source};
