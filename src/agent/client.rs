//! A client agent's way to the servers of its datacenter (`spec/semantics.md` 11.3, `spec/rpc.md` 8).

use crate::config::RuntimeConfig;
use crate::rpc::{
    Archive, CallSettings, ConnectionSettings, Connections, Method, Security, Servers, SnapshotOp, SnapshotReply,
    SnapshotRequest,
};
use crate::server::{Answer, Body, Flights, Question};
use crate::types::requests::Request;
use crate::types::{Error, Result};
use futures::FutureExt;
use std::sync::Arc;

/// Calls go to the head of a list of servers; equal blocking reads share one call.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    datacenter: String,
    servers: Servers,
    connections: Connections,
    flights: Flights,
}

impl Client {
    /// A client that calls these servers.
    pub fn new(datacenter: &str, servers: Servers, connections: Connections) -> Client {
        let datacenter = datacenter.to_owned();
        Client { inner: Arc::new(Inner { datacenter, servers, connections, flights: Flights::default() }) }
    }

    /// A client with the limits of a configuration and no servers yet.
    pub(super) fn of(config: &RuntimeConfig, security: Arc<dyn Security>) -> Client {
        let connections = ConnectionSettings {
            source: config.bind_addr.filter(|address| !address.is_unspecified()),
            security,
            ..ConnectionSettings::default()
        };
        Client::new(&config.datacenter, Servers::new(call_settings(config)), Connections::new(connections))
    }

    /// The servers of the datacenter.
    pub fn servers(&self) -> &Servers {
        &self.inner.servers
    }

    /// The connections to them.
    pub fn connections(&self) -> &Connections {
        &self.inner.connections
    }

    /// Calls a method on a server. Servers want to be told the datacenter, even if it is their own.
    ///
    /// # Errors
    /// `No known Consul servers`, or the refusal.
    pub async fn call<M: Method>(&self, mut args: M::Args) -> Result<M::Reply> {
        if let Some(datacenter) = args.datacenter_mut().filter(|datacenter| datacenter.is_empty()) {
            datacenter.clone_from(&self.inner.datacenter);
        }
        self.inner.servers.call::<M>(&self.inner.connections, &args).await
    }

    /// Makes a snapshot exchange with the first server; an archive cannot be sent twice, so there is one attempt.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn snapshot(&self, request: &SnapshotRequest, archive: Archive) -> Result<SnapshotReply> {
        let server = self.servers().pick().ok_or_else(|| Error::new("No known Consul servers"))?;
        let restores = request.op == SnapshotOp::Restore;
        let made = self.connections().snapshot(server.address, request, restores.then_some(archive)).await;
        let (answer, archive) = made.inspect_err(|error| {
            if error.is_broken() {
                self.servers().failed(&server);
            }
        })?;
        Ok(SnapshotReply { meta: answer.meta, archive: (!restores).then_some(archive) })
    }

    /// Answers a question. Equal ones that wait for a change share one call, unless they have to be consistent with everything
    /// before them.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn ask(&self, mut question: Box<dyn Question>) -> Result<Answer<Body>> {
        if let Some(datacenter) = question.datacenter_mut().filter(|datacenter| datacenter.is_empty()) {
            datacenter.clone_from(&self.inner.datacenter);
        }
        let options = question.options();
        if options.min_query_index == 0 || options.require_consistent {
            return self.answer(&*question).await;
        }
        let client = self.clone();
        let shared = self.inner.flights.share(question, move |question| {
            let question = question.clone();
            async move { client.answer(&*question).await }.boxed()
        });
        shared.await
    }

    async fn answer(&self, question: &dyn Question) -> Result<Answer<Body>> {
        let request = question.encode()?;
        let (servers, connections) = (&self.inner.servers, &self.inner.connections);
        let reply = servers.call_bytes(connections, question.about().name, &request, question.options()).await?;
        question.decode(&reply)
    }
}

/// How the agent may call servers.
pub(super) fn call_settings(config: &RuntimeConfig) -> CallSettings {
    CallSettings {
        hold: config.performance.rpc_hold_timeout.to_std(),
        timeout: config.limits.rpc_client_timeout.to_std(),
        rate: config.limits.rpc_rate,
        burst: config.limits.rpc_max_burst,
    }
}
