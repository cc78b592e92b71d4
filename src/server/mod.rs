//! What a server adds to an agent: endpoint handlers, blocking queries, consistency modes, leader duties.
//!
//! A method of the table in [`crate::rpc::method`] becomes callable by implementing [`Endpoint`] for its marker; a method
//! that reads the state and can block implements [`ReadEndpoint`] and gets everything else (consistency, blocking,
//! shared evaluation) from here. This room knows nothing of HTTP, DNS or sockets.

pub mod config;
pub mod endpoint;
pub mod members;

pub use config::ServerConfig;
pub use endpoint::{Archive, Encoded, Encoding, Endpoint, ReadContext, ReadEndpoint};
pub use members::{Member, MemberStatus, Members, ServerDetails, StaticMembers};

use crate::types::Result;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A running server; clones share it.
#[derive(Clone)]
pub struct Server {
    inner: Arc<Inner>,
}

struct Inner {
    config: ServerConfig,
}

impl Server {
    /// Opens the raft state, starts taking part in the cluster and starts the leader duties.
    ///
    /// # Errors
    /// The text of what could not be opened.
    pub async fn start(config: ServerConfig) -> Result<Server> {
        Ok(Server { inner: Arc::new(Inner { config }) })
    }

    /// The settings it runs with.
    pub fn config(&self) -> &ServerConfig {
        &self.inner.config
    }

    /// Calls a method.
    ///
    /// # Errors
    /// The endpoint's refusal.
    pub async fn call<M: Endpoint>(&self, args: M::Args) -> Result<M::Reply> {
        M::serve(self, args).await
    }

    /// Calls a read method and encodes its answer; equal reads share one evaluation and one body.
    ///
    /// # Errors
    /// The endpoint's refusal.
    pub async fn call_encoded<M: ReadEndpoint>(&self, args: M::Args, encoding: &Encoding<M::Reply>) -> Result<Encoded> {
        let _ = (args, encoding);
        todo!("shared reads")
    }

    /// A snapshot of the state as an archive, with the metadata of the answer.
    ///
    /// # Errors
    /// `Permission denied`, `No cluster leader` unless `stale`, or what went wrong on disk.
    pub async fn snapshot_save(&self, token: &str, stale: bool) -> Result<Archive> {
        let _ = (token, stale);
        todo!("snapshot save")
    }

    /// Replaces the state of the whole cluster by an archive.
    ///
    /// # Errors
    /// `Permission denied`, `No cluster leader`, or what is wrong with the archive.
    pub async fn snapshot_restore(&self, token: &str, archive: impl std::io::Read + Send + 'static) -> Result<()> {
        let _ = (token, archive);
        todo!("snapshot restore")
    }

    /// Figures for `/v1/agent/self` and `info`, keyed `group.name` without the group `raft.`, which raft itself reports.
    pub fn stats(&self) -> BTreeMap<String, String> {
        BTreeMap::new()
    }

    /// Leaves the cluster gracefully: hands leadership over, or leaves the raft configuration.
    ///
    /// # Errors
    /// What prevented it; the caller stops anyway.
    pub async fn leave(&self) -> Result<()> {
        Ok(())
    }

    /// Stops all duties and raft; the state on disk is complete when it returns.
    pub async fn shutdown(&self) {}
}
