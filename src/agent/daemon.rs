//! The process of an agent: start, signals, reload, leave, exit code (`spec/cli.md` 10).

use super::Agent;
use crate::config::Load;
use crate::types::Result;
use futures::future::BoxFuture;

/// A way into the agent: the HTTP API, the DNS server. The command line hands the doors in, because they are above this
/// room. `open` binds the listeners, serves until `stop` is set, and returns once everything is bound.
#[derive(Clone, Copy)]
pub struct Door {
    /// `HTTP`, `DNS`: what the log calls it.
    pub name: &'static str,
    /// Binds and serves; the returned task ends when the door has closed after `stop`.
    pub open: fn(Agent, tokio::sync::watch::Receiver<bool>) -> BoxFuture<'static, Result<tokio::task::JoinHandle<()>>>,
}

/// Runs an agent in the foreground and returns the exit code.
pub fn run(load: Load, doors: &'static [Door]) -> i32 {
    let _ = (load, doors);
    todo!()
}
