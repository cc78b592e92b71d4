//! Where the server methods of an agent go: to the server in its process, or to one of those that gossip knows.

use super::Agent;
use super::client::Client;
use crate::rpc::{Archive, SnapshotReply, SnapshotRequest};
use crate::server::{Answer, Body, Encoded, Encoding, Endpoint, Question, ReadEndpoint, Server, Shared, question};
use crate::telemetry::metrics;
use crate::types::{Error, Result};

static CLIENT_RPC: metrics::Counter = metrics::Counter::new("client.rpc");
static CLIENT_RPC_FAILED: metrics::Counter = metrics::Counter::new("client.rpc.failed");

/// Counts a refusal of the own server; calls over the network are counted where they are made.
fn count_failure(_: &Error) {
    CLIENT_RPC_FAILED.add(1);
}

/// Serves the methods that the agent does not serve itself.
#[derive(Clone)]
pub enum Delegate {
    /// The server in this process.
    Server(Server),
    /// The servers of the datacenter, over the network.
    Client(Client),
}

impl Agent {
    /// The server in this process, if the agent is one.
    pub fn server(&self) -> Option<&Server> {
        match &self.inner.delegate {
            Delegate::Server(server) => Some(server),
            Delegate::Client(_) => None,
        }
    }

    /// Where the server methods go.
    pub fn delegate(&self) -> &Delegate {
        &self.inner.delegate
    }

    /// How the audit log names the owner of a secret.
    pub async fn accessor(&self, secret: &str) -> String {
        crate::server::audit::owner(self.resolve(secret).await)
    }

    /// Calls a server method.
    ///
    /// # Errors
    /// The endpoint's refusal, or `No known Consul servers`.
    pub async fn call<M: Endpoint>(&self, args: M::Args) -> Result<M::Reply> {
        CLIENT_RPC.add(1);
        match self.delegate() {
            Delegate::Server(server) => server.call::<M>(args).await.inspect_err(count_failure),
            Delegate::Client(client) => client.call::<M>(args).await,
        }
    }

    /// Answers a question; equal ones share one evaluation and one body.
    ///
    /// # Errors
    /// Like [`Agent::call`].
    pub async fn ask(&self, question: Box<dyn Question>) -> Result<Answer<Body>> {
        CLIENT_RPC.add(1);
        match self.delegate() {
            Delegate::Server(server) => server.ask(question).await.inspect_err(count_failure),
            Delegate::Client(client) => client.ask(question).await,
        }
    }

    /// Calls a read method and encodes its answer; equal reads share one evaluation and one body.
    ///
    /// # Errors
    /// Like [`Agent::call`].
    pub async fn call_encoded<M: ReadEndpoint>(&self, args: M::Args, encoding: &Encoding<M::Reply>) -> Result<Encoded> {
        Ok(self.ask(question::encoded::<M>(args, encoding)).await?.map(Body::into_bytes))
    }

    /// Calls a read method; equal reads share one evaluation and one reply.
    ///
    /// # Errors
    /// Like [`Agent::call`].
    pub async fn call_shared<M: ReadEndpoint>(&self, args: M::Args) -> Result<Shared<M::Reply>> {
        Ok(self.ask(question::typed::<M>(args)).await?.map(Body::into_reply))
    }

    /// Makes a snapshot exchange; for a restore `archive` is the archive. The datacenter of the request must be filled in.
    ///
    /// # Errors
    /// The refusal, or `No known Consul servers`.
    pub async fn snapshot(&self, request: SnapshotRequest, archive: Archive) -> Result<SnapshotReply> {
        CLIENT_RPC.add(1);
        match self.delegate() {
            Delegate::Server(server) => server.snapshot(request, archive).await.inspect_err(count_failure),
            Delegate::Client(client) => client.snapshot(&request, archive).await,
        }
    }
}
