//! The HTTP API: one file per endpoint group, query options, blocking, encoding, error-to-status mapping.

pub mod decode;
pub mod errors;
pub mod json;

use crate::agent::Agent;
use crate::agent::daemon::Door;
use crate::types::Result;
use futures::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The HTTP API as a door of an agent.
pub const DOOR: Door = Door { name: "HTTP", open: serve };

/// Binds the listeners of `addresses.http` and serves them until `stop` becomes true.
///
/// # Errors
/// `listen tcp 127.0.0.1:8500: bind: address already in use` and the like.
pub fn serve(agent: Agent, stop: watch::Receiver<bool>) -> BoxFuture<'static, Result<JoinHandle<()>>> {
    let _ = (agent, stop);
    todo!()
}
