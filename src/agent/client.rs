//! A client agent's way to the servers of its datacenter (`spec/semantics.md` 11.3, `spec/rpc.md` 8).

use crate::config::RuntimeConfig;
use crate::rpc::{
    Archive, CallSettings, ConnectionSettings, Connections, Method, Servers, SnapshotOp, SnapshotReply, SnapshotRequest,
};
use crate::server::{Answer, ReadEndpoint};
use crate::types::requests::{ReadReply, ReadRequest, Request};
use crate::types::{Error, Result};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

/// Equal reads that wait are told apart by a hash; on a collision the later one goes its own way.
type Waiting = HashMap<u64, Box<dyn Any + Send>>;

/// The future that equal reads wait for.
type Flight<V> = Shared<BoxFuture<'static, Result<Answer<V>>>>;

/// A read under way.
struct Flying<A, V: Clone + Send + Sync + 'static> {
    args: A,
    answer: WeakShared<BoxFuture<'static, Result<Answer<V>>>>,
}

/// Calls go to the head of a list of servers; equal blocking reads share one call.
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

struct Inner {
    datacenter: String,
    servers: Servers,
    connections: Connections,
    hasher: ahash::RandomState,
    waiting: Mutex<Waiting>,
}

impl Client {
    /// A client that calls these servers.
    pub fn new(datacenter: &str, servers: Servers, connections: Connections) -> Client {
        let (datacenter, hasher) = (datacenter.to_owned(), ahash::RandomState::new());
        Client { inner: Arc::new(Inner { datacenter, servers, connections, hasher, waiting: Mutex::default() }) }
    }

    /// A client with the limits of a configuration and no servers yet.
    pub(super) fn of(config: &RuntimeConfig) -> Client {
        let connections = ConnectionSettings {
            source: config.bind_addr.filter(|address| !address.is_unspecified()),
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

    /// Reads and keeps what `keep` makes of the reply. Equal reads that wait for a change share one call, unless they have to be
    /// consistent with everything before them.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn read<M: ReadEndpoint, V: Clone + Send + Sync + 'static>(
        &self,
        args: M::Args,
        encoding: &'static str,
        keep: impl Fn(M::Reply) -> Result<V> + Send + 'static,
    ) -> Result<Answer<V>> {
        let options = args.options();
        if options.min_query_index == 0 || options.require_consistent {
            return self.answer::<M, V>(&args, keep).await;
        }
        let hash = self.inner.hasher.hash_one((TypeId::of::<M>(), TypeId::of::<V>(), encoding, &args));
        let flight = self.join_flight::<M, V>(hash, args, keep);
        let seat = Seat::<M::Args, V> {
            inner: Arc::clone(&self.inner),
            hash,
            flight: Some(flight.clone()),
            args: PhantomData,
        };
        let result = flight.await;
        drop(seat);
        result
    }

    async fn answer<M: ReadEndpoint, V>(
        &self,
        args: &M::Args,
        keep: impl Fn(M::Reply) -> Result<V>,
    ) -> Result<Answer<V>> {
        let reply = self.call::<M>(args.clone()).await?;
        let meta = reply.meta().clone();
        let not_found = M::nothing(args, &reply);
        Ok(Answer { meta, body: keep(reply)?, not_found })
    }

    /// The call that an equal read is already waiting for, or a new one.
    fn join_flight<M: ReadEndpoint, V: Clone + Send + Sync + 'static>(
        &self,
        hash: u64,
        args: M::Args,
        keep: impl Fn(M::Reply) -> Result<V> + Send + 'static,
    ) -> Flight<V> {
        let mut waiting = self.inner.waiting.lock();
        if let Some(flying) = waiting.get(&hash).and_then(|flying| flying.downcast_ref::<Flying<M::Args, V>>())
            && flying.args == args
            && let Some(flight) = flying.answer.upgrade()
        {
            return flight;
        }
        let client = self.clone();
        let request = args.clone();
        let call = async move { client.answer::<M, V>(&request, keep).await };
        let flight = call.boxed().shared();
        if let Some(answer) = flight.downgrade() {
            waiting.insert(hash, Box::new(Flying { args, answer }));
        }
        flight
    }
}

/// A waiting reader; the last one takes the call off the list, and a call that nobody waits for ends.
struct Seat<A: Send + 'static, V: Clone + Send + Sync + 'static> {
    inner: Arc<Inner>,
    hash: u64,
    flight: Option<Flight<V>>,
    args: PhantomData<fn(A)>,
}

impl<A: Send + 'static, V: Clone + Send + Sync + 'static> Drop for Seat<A, V> {
    fn drop(&mut self) {
        self.flight = None;
        let mut waiting = self.inner.waiting.lock();
        let flying = waiting.get(&self.hash).and_then(|flying| flying.downcast_ref::<Flying<A, V>>());
        if flying.is_some_and(|flying| flying.answer.upgrade().is_none()) {
            waiting.remove(&self.hash);
        }
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
