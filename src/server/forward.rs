//! Who answers a request: this server, the leader, or a server of another datacenter; and how often that is tried
//! (`spec/semantics.md` 11.2, `spec/rpc.md` 7).
//!
//! A read may be asked again whenever it brought no answer. A write is asked again only when it is proven that nothing was
//! applied: nothing was sent, or the other side said that it does not lead.

use super::Server;
use super::endpoint::{Answer, Endpoint, Place};
use super::reads::blocking::wait_time;
use super::reads::{Body, Question};
use super::wire;
use crate::rpc::{CallError, Method, Retry};
use crate::state::WatchSet;
use crate::telemetry::metrics::counter_labels;
use crate::types::requests::Request;
use crate::types::{Error, QueryOptions, Result};
use bytes::Bytes;
use futures::future::BoxFuture;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

/// Refusals that prove that nothing was applied and that pass.
const PASSING: [&str; 3] = [
    "No cluster leader",
    "please resubmit call for rechunking",
    "rate limit exceeded for operation that can only be performed by the leader, try again later",
];

/// Who answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Target {
    /// This server.
    Here,
    /// The leader.
    Leader {
        /// Its node id.
        id: String,
        /// Its server port.
        address: SocketAddr,
    },
    /// Any server of this other datacenter.
    Elsewhere(String),
}

/// Why an attempt brought no answer.
#[derive(Clone, Debug)]
pub(super) enum Failure {
    /// This server refused.
    Own(Error),
    /// Another server refused or could not be asked.
    Call(CallError),
}

impl Failure {
    fn is_retryable(&self, read: bool) -> bool {
        match self {
            Failure::Own(error) => PASSING.iter().any(|known| error.text.contains(known)),
            Failure::Call(CallError::Remote(text)) => PASSING.iter().any(|known| text.contains(known)),
            Failure::Call(error) => error.is_retryable(read),
        }
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::Own(error) => error,
            Failure::Call(error) => error.into(),
        }
    }
}

/// Attempts at one request.
pub(super) struct Attempts {
    read: bool,
    /// Longest wait for the answer to one attempt.
    pub(super) timeout: Duration,
    retry: Retry,
    elections: watch::Receiver<Option<String>>,
    leaving: watch::Receiver<bool>,
}

impl Attempts {
    /// For a request with these options; one without options is a write.
    pub(super) fn new(server: &Server, query: Option<&QueryOptions>) -> Attempts {
        let config = server.config();
        let hold = config.rpc_hold_timeout;
        let blocks = query.filter(|query| query.min_query_index > 0);
        let wait = blocks.map(|query| wait_time(config, query.max_query_time.to_std()));
        Attempts {
            read: query.is_some(),
            timeout: wait.map_or(server.call_timeout(), |wait| wait + wait / 16 + hold),
            retry: Retry::new(hold, wait.unwrap_or_default()),
            elections: server.raft().elections(),
            leaving: server.inner.leaving.subscribe(),
        }
    }

    /// Waits before another attempt; false when there will be none. A change of the leader ends the wait.
    pub(super) async fn again(&mut self, failure: &Failure) -> bool {
        if !failure.is_retryable(self.read) || *self.leaving.borrow() {
            return false;
        }
        tokio::select! {
            more = self.retry.again() => more,
            changed = self.elections.changed() => changed.is_ok(),
            _ = self.leaving.wait_for(|leaving| *leaving) => false,
        }
    }
}

impl Server {
    /// Who answers a request now.
    ///
    /// # Errors
    /// `No cluster leader`, `Raft leader not found in server lookup mapping`.
    pub(super) fn target(
        &self,
        place: Place,
        datacenter: &str,
        query: Option<&QueryOptions>,
        attempts: &mut Attempts,
    ) -> Result<Target, Failure> {
        attempts.elections.mark_unchanged();
        if place == Place::Here {
            return Ok(Target::Here);
        }
        if !datacenter.is_empty() && datacenter != self.config().datacenter {
            return Ok(Target::Elsewhere(datacenter.to_owned()));
        }
        let raft = self.raft();
        let stale = place == Place::Leader && query.is_some_and(|query| query.allow_stale);
        if place == Place::Datacenter || (stale && (raft.is_leader() || raft.last_contact().is_some())) {
            return Ok(Target::Here);
        }
        if *self.inner.leaving.borrow() {
            return Err(Failure::Own(Error::no_leader()));
        }
        if raft.is_leader() {
            return Ok(Target::Here);
        }
        let leader = raft.leader().filter(|leader| leader.id != self.config().node_id);
        let leader = leader.ok_or_else(|| Failure::Own(Error::no_leader()))?;
        let address = self.inner.directory.address(&leader.id).or_else(|| leader.address.parse().ok());
        match address {
            Some(address) => Ok(Target::Leader { id: leader.id, address }),
            None => Err(Failure::Own(Error::new("Raft leader not found in server lookup mapping"))),
        }
    }

    /// Lets a request pass that this server is to answer itself.
    pub(super) async fn admit_here(&self, place: Place, query: Option<&QueryOptions>) -> Result<(), Failure> {
        let admitted = match (place, query) {
            (Place::Leader, Some(query)) => self.admit(query).await,
            (Place::LeaderAlways, Some(_)) => self.admit(&QueryOptions::default()).await,
            _ => Ok(()),
        };
        admitted.map_err(Failure::Own)
    }

    /// When a read that waits has waited long enough, if equal ones may share its answer. One that asks for confirmation must
    /// not be given what was confirmed for another.
    pub(super) fn shared_until(&self, options: &QueryOptions) -> Option<Instant> {
        let shared = options.min_query_index > 0 && !options.require_consistent;
        shared.then(|| Instant::now() + wait_time(self.config(), options.max_query_time.to_std()))
    }

    /// Readies a request for the datacenter that answers it: one that is for the primary says so, and one that goes elsewhere
    /// does not bring a secret along that is known to hold only here. True when it was changed.
    pub(super) fn address<M: Endpoint>(&self, args: &mut M::Args) -> bool {
        let config = self.config();
        let own = args.datacenter().is_empty() || args.datacenter() == config.datacenter;
        let moves = own && config.acl.enabled && !config.acl.is_primary() && M::for_primary(self, args);
        if moves && let Some(datacenter) = args.datacenter_mut() {
            config.acl.primary_datacenter.clone_into(datacenter);
            M::fit_primary(args);
        }
        let leaves = (moves || !own) && config.acl.enabled && self.is_local_token(args.token());
        if leaves && let Some(token) = args.token_mut() {
            token.clear();
        }
        moves || leaves
    }

    fn is_local_token(&self, secret: &str) -> bool {
        let token = self.store().snapshot().acl_token_by_secret(&mut WatchSet::none(), secret).1;
        !secret.is_empty() && token.is_some_and(|token| token.local)
    }

    /// Calls a method in the primary datacenter, once.
    pub(super) async fn ask_primary<M: Method>(&self, mut args: M::Args) -> Result<M::Reply> {
        let primary = self.config().acl.primary_datacenter.clone();
        if let Some(datacenter) = args.datacenter_mut() {
            datacenter.clone_from(&primary);
        }
        self.ask_datacenter::<M>(primary, &args).await
    }

    /// Waits until it is clear who answers, and if that is this server until it may; after an attempt that failed first for the
    /// time of another one.
    ///
    /// # Errors
    /// There will be no further attempt.
    pub(super) fn route<'a>(
        &'a self,
        place: Place,
        datacenter: &'a str,
        query: Option<&'a QueryOptions>,
        attempts: &'a mut Attempts,
        mut failure: Option<Failure>,
    ) -> BoxFuture<'a, Result<Target>> {
        // boxed, so that it is not a part of the future of each method
        Box::pin(async move {
            loop {
                if let Some(failure) = failure.take()
                    && !attempts.again(&failure).await
                {
                    return Err(failure.into());
                }
                let target = self.target(place, datacenter, query, attempts);
                failure = Some(match target {
                    Ok(Target::Here) => match self.admit_here(place, query).await {
                        Ok(()) => return Ok(Target::Here),
                        Err(failure) => failure,
                    },
                    Ok(target) => return Ok(target),
                    Err(failure) => failure,
                });
            }
        })
    }

    /// Calls a method wherever it is to be answered.
    pub(super) async fn call_anywhere<M: Endpoint>(&self, mut args: M::Args) -> Result<M::Reply> {
        self.address::<M>(&mut args);
        let mut attempts = Attempts::new(self, args.query());
        let mut body: Option<Bytes> = None;
        let mut failure = None;
        loop {
            let route = self.route(M::PLACE, args.datacenter(), args.query(), &mut attempts, failure.take());
            failure = Some(match route.await? {
                Target::Here => match M::serve(self, args.clone()).await {
                    Ok(reply) => return Ok(reply),
                    Err(error) => Failure::Own(error),
                },
                target => {
                    let body = match &body {
                        Some(body) => body.clone(),
                        None => body.insert(wire::encode(&args)?).clone(),
                    };
                    match self.relay(&target, M::NAME, body, &attempts).await {
                        Ok(reply) => return wire::decode_reply::<M>(&reply),
                        Err(failure) => failure,
                    }
                }
            });
        }
    }

    /// Answers a question wherever it is to be answered.
    pub(super) async fn answer_anywhere(&self, mut question: Box<dyn Question>) -> Result<Answer<Body>> {
        question.address(self);
        let place = question.about().place;
        let mut attempts = Attempts::new(self, Some(question.options()));
        let mut failure = None;
        loop {
            let options = Some(question.options());
            let route = self.route(place, question.datacenter(), options, &mut attempts, failure.take());
            match route.await? {
                Target::Here => return self.answer_here(question).await,
                target => match self.fetch(target, &*question, &attempts).await {
                    Ok(answer) => return Ok(answer),
                    Err(refused) => failure = Some(refused),
                },
            }
        }
    }

    /// Has another server answer a question. Equal ones that wait share one call.
    async fn fetch(
        &self,
        target: Target,
        question: &dyn Question,
        attempts: &Attempts,
    ) -> Result<Answer<Body>, Failure> {
        let options = question.options();
        let Some(deadline) = self.shared_until(options) else {
            return self.fetch_once(&target, question, attempts.timeout).await;
        };
        let timeout = attempts.timeout;
        let ask = |(target, question): &(Target, Box<dyn Question>)| -> BoxFuture<'static, _> {
            let (server, target, question) = (self.clone(), target.clone(), question.clone());
            Box::pin(async move { server.fetch_once(&target, &*question, timeout).await })
        };
        let key = (target, question.boxed());
        let flights = &self.inner.flights;
        flights.wait(key, options.min_query_index, deadline, ask, |answer: &Answer<Body>| answer.meta.index).await
    }

    async fn fetch_once(
        &self,
        target: &Target,
        question: &dyn Question,
        timeout: Duration,
    ) -> Result<Answer<Body>, Failure> {
        let body = question.encode().map_err(Failure::Own)?;
        let reply = self.relay_within(target, question.about().name, body, true, timeout).await?;
        question.decode(&reply).map_err(Failure::Own)
    }

    /// Calls a method in another datacenter, once.
    pub(super) async fn ask_datacenter<M: Method>(&self, datacenter: String, args: &M::Args) -> Result<M::Reply> {
        let attempts = Attempts::new(self, args.query());
        let body = wire::encode(args)?;
        let reply = self.relay(&Target::Elsewhere(datacenter), M::NAME, body, &attempts).await?;
        wire::decode_reply::<M>(&reply)
    }

    /// One attempt at another server.
    pub(super) async fn relay(
        &self,
        target: &Target,
        method: &str,
        body: Bytes,
        attempts: &Attempts,
    ) -> Result<Bytes, Failure> {
        self.relay_within(target, method, body, attempts.read, attempts.timeout).await
    }

    /// One attempt at another server, for a read or a write.
    pub(super) async fn relay_within(
        &self,
        target: &Target,
        method: &str,
        body: Bytes,
        read: bool,
        timeout: Duration,
    ) -> Result<Bytes, Failure> {
        match target {
            Target::Here => unreachable!("this server does not call itself"),
            Target::Leader { id, address } => {
                let call = self.connections().call_bytes(*address, method, &body, timeout);
                tokio::select! {
                    reply = call => reply.map_err(Failure::Call),
                    () = self.superseded(id, read) => {
                        // the session to a leader that nobody hears is of no use
                        self.connections().forget(*address);
                        Err(Failure::Call(CallError::Broken("the leader is gone".into())))
                    }
                }
            }
            Target::Elsewhere(datacenter) => self.relay_elsewhere(datacenter, method, &body, read, timeout).await,
        }
    }

    /// Asks the servers of another datacenter, each at most once, until one has been reached.
    async fn relay_elsewhere(
        &self,
        datacenter: &str,
        method: &str,
        body: &Bytes,
        read: bool,
        timeout: Duration,
    ) -> Result<Bytes, Failure> {
        counter_labels("rpc.cross-dc", 1, &[("datacenter", datacenter)]);
        let mut left = self.router().servers(datacenter).len();
        loop {
            let server = self.router().route(datacenter).map_err(Failure::Own)?;
            let error = match self.connections().call_bytes(server.destination(), method, body, timeout).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            if matches!(error, CallError::Remote(_)) {
                return Err(Failure::Call(error));
            }
            let (name, address) = (&server.wan_name, server.address);
            tracing::error!(target: "agent.server.rpc", "RPC failed to server in DC: server={name} address={address} datacenter={datacenter} method={method} error={error:?}");
            self.router().failed(&server);
            left = left.saturating_sub(1);
            if left == 0 || !error.is_retryable(read) {
                return Err(Failure::Own(error.into()));
            }
        }
    }

    /// Returns when the leader that works on a call has been replaced or is not heard any more. What became of a write cannot
    /// be told then; an answer that is on its way is waited for.
    async fn superseded(&self, id: &str, read: bool) {
        let hold = self.config().rpc_hold_timeout;
        let mut elections = self.raft().elections();
        loop {
            let leader = elections.borrow_and_update().clone();
            let changed = match leader {
                Some(leader) if leader != id => break,
                Some(_) => elections.changed().await,
                None => match timeout(hold / 2, elections.changed()).await {
                    Ok(changed) => changed,
                    Err(_) => break,
                },
            };
            if changed.is_err() {
                return std::future::pending().await;
            }
        }
        if !read {
            sleep(hold / 16).await;
        }
    }
}
