//! The server port: framing, multiplexing, connection pools, the link between servers, snapshots, event streams
//! (`spec/rpc.md`).
//!
//! Serving: [`listen`] binds the port, [`Port::serve`] hands what arrives to a [`Service`]. Calling: [`Connections`] keeps one
//! multiplexed session per server, [`Servers`] chooses a server and repeats a call where that is safe, [`RaftLinks`] carries
//! the consensus between servers. What TLS does to a connection stands behind [`Security`].

pub(crate) mod auto_config;
mod bucket;
mod budget;
mod codec;
mod connections;
mod error;
pub(crate) mod fuzzing;
mod joining;
mod links;
pub mod method;
mod port;
mod security;
mod serve;
mod servers;
mod service;
mod snapshot;
mod subscribe;
#[cfg(test)]
mod tests;
mod tls;
#[cfg(test)]
mod vectors;
mod yamux;

pub use bucket::Bucket;
pub use connections::{ConnectionSettings, Connections, Destination};
pub use error::CallError;
pub use joining::Joining;
pub use links::RaftLinks;
pub use method::Method;
pub use port::{Port, PortLimits, listen};
pub use security::{Accepted, AnyStream, Plain, Security, Trust};
pub use servers::{CallSettings, Retry, ServerAddress, Servers};
pub use service::{Archive, Called, HealthView, Service};
pub use snapshot::{SnapshotOp, SnapshotReply, SnapshotRequest, SnapshotResponse};
pub use tls::Secured;
