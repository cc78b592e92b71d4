//! Queries: asking, hearing, answering, and the name conflicts that they settle (`spec/gossip.md` 4.5).

use super::keys::KeyOperation;
use super::message::{self, Kind, MemberRecord, Query, QueryKey, QueryResponse, flags};
use super::{Layer, Member, Output, Serf, filter};
use crate::gossip::swim::{Node, Time};
use bytes::Bytes;
use rand::Rng;
use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Longest encoded query, bytes.
pub const MAX_QUERY: usize = 1024;
/// Longest encoded answer, bytes.
pub const MAX_RESPONSE: usize = 1024;
/// Names that start so are answered by this layer itself.
pub const INTERNAL_PREFIX: &str = "_serf_";

/// Rounds of gossip that a query waits for each order of magnitude of the pool.
const TIMEOUT_MULT: u32 = 16;
/// Longest time that a query of a stranger is worth answering.
const MAX_TIMEOUT: Duration = Duration::from_secs(3600);
/// Time for which a claim to a name is not logged again.
const CONFLICT_LOG_INTERVAL: Duration = Duration::from_secs(60);
/// Claims that are told apart in that time.
const MAX_CONFLICTS: usize = 256;
/// Gossip protocol from which on a member knows relays.
const RELAY_PROTOCOL: u8 = 5;

/// A question to the members.
#[derive(Clone, Debug, Default)]
pub struct QueryRequest {
    /// Name.
    pub name: String,
    /// Payload.
    pub payload: Bytes,
    /// Only these nodes answer; empty for all.
    pub filter_nodes: Vec<String>,
    /// Only members answer whose tags match these regular expressions.
    pub filter_tags: BTreeMap<String, String>,
    /// Every addressed member confirms that it got the question.
    pub request_ack: bool,
    /// Members that each answer is also sent through.
    pub relay_factor: u8,
    /// Time for answers; zero for the default.
    pub timeout: Duration,
}

/// One confirmation or answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryReply {
    /// The member got the question.
    Ack {
        /// Who.
        from: String,
    },
    /// The member answered.
    Response {
        /// Who.
        from: String,
        /// What.
        payload: Bytes,
    },
}

/// A query of ours that runs.
#[derive(Debug)]
pub(super) struct Asked {
    pub deadline: Time,
    wants_acks: bool,
    acked: HashSet<String>,
    answered: HashSet<String>,
    /// Counts answers about our own name: all, and those that mean us.
    conflict: Option<(usize, usize)>,
}

/// A query that is to be answered: what was asked, and how the answer gets back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answering {
    /// Lamport time and number.
    pub key: QueryKey,
    /// Name.
    pub name: String,
    /// Payload.
    pub payload: Bytes,
    /// Who asks.
    pub source: String,
    /// Where the answer goes.
    pub to: SocketAddr,
    /// Members that the answer is also sent through.
    pub relay_factor: u8,
    /// Time left for the answer.
    pub timeout: Duration,
    /// Who answers.
    pub from: String,
}

impl Answering {
    /// The answer as it is sent.
    ///
    /// # Errors
    /// It is too long.
    pub fn encode(&self, payload: Bytes) -> Result<Bytes, String> {
        let (ltime, id) = self.key;
        let response = QueryResponse { ltime, id, from: self.from.clone(), flags: 0, payload };
        let encoded = message::encode(Kind::QueryResponse, &response);
        if encoded.len() > MAX_RESPONSE {
            return Err(format!("response exceeds limit of {MAX_RESPONSE} bytes"));
        }
        Ok(encoded)
    }
}

impl Serf {
    /// Time for answers in a pool of this size.
    pub fn default_query_timeout(&self) -> Duration {
        let alive = self.members().filter(|member| member.is_alive()).count();
        let orders = ((alive as f64 + 1.0).log10().ceil() as u32).max(1);
        self.settings.gossip_interval * TIMEOUT_MULT * orders
    }

    /// Asks the pool. Answers come as [`Output::Reply`] until [`Output::QueryEnded`] after the returned time.
    ///
    /// # Errors
    /// The question is too long.
    pub fn query(&mut self, now: Time, ask: QueryRequest) -> Result<(QueryKey, Duration), String> {
        self.start_query(now, ask, None)
    }

    /// Wants no more answers.
    pub fn end_query(&mut self, key: QueryKey) {
        self.asked.remove(&key);
    }

    fn start_query(
        &mut self,
        now: Time,
        ask: QueryRequest,
        conflict: Option<(usize, usize)>,
    ) -> Result<(QueryKey, Duration), String> {
        let timeout = if ask.timeout.is_zero() { self.default_query_timeout() } else { ask.timeout };
        let query = Query {
            ltime: self.query_clock.time(),
            id: self.rng.random_range(0..1 << 31),
            addr: message::ip_bytes(self.settings.address.ip()),
            port: self.settings.address.port(),
            source_node: self.settings.name.clone(),
            filters: filter::encode(&ask.filter_nodes, &ask.filter_tags),
            flags: if ask.request_ack { flags::ACK } else { 0 },
            relay_factor: ask.relay_factor,
            timeout: i64::try_from(timeout.as_nanos()).unwrap_or(i64::MAX),
            name: ask.name,
            payload: ask.payload,
        };
        let encoded = message::encode(Kind::Query, &query);
        if encoded.len() > MAX_QUERY {
            return Err(format!("query exceeds limit of {MAX_QUERY} bytes"));
        }
        let key = (query.ltime, query.id);
        let (acked, answered) = (HashSet::new(), HashSet::new());
        let deadline = now.saturating_add(timeout);
        self.asked.insert(key, Asked { deadline, wants_acks: ask.request_ack, acked, answered, conflict });
        self.handle_query(now, query);
        self.query_queue.queue(None, encoded);
        Ok((key, timeout))
    }

    /// Hears a query; true when others have to hear it too.
    pub(super) fn handle_query(&mut self, now: Time, query: Query) -> bool {
        self.query_clock.witness(query.ltime);
        if !self.queries.insert(self.query_clock.time(), query.ltime, query.id) {
            return false;
        }
        self.count("serf.queries");
        let again = query.flags & flags::NO_BROADCAST == 0;
        let filters = query.filters.as_deref().unwrap_or_default();
        match filter::matches(filters, &self.settings.name, &self.settings.tags) {
            Ok(true) => {}
            Ok(false) => return again,
            Err(error) => {
                self.settings.log.warn(Layer::Serf, format_args!("{error}"));
                return again;
            }
        }
        let Some(ip) = message::ip_from(&query.addr) else { return again };
        let answering = Answering {
            key: (query.ltime, query.id),
            name: query.name,
            payload: query.payload,
            source: query.source_node,
            to: SocketAddr::new(ip, query.port),
            relay_factor: query.relay_factor,
            timeout: Duration::from_nanos(u64::try_from(query.timeout).unwrap_or(0)).min(MAX_TIMEOUT),
            from: self.settings.name.clone(),
        };
        if query.flags & flags::ACK != 0 {
            let (ltime, id) = answering.key;
            let from = self.settings.name.clone();
            let ack = QueryResponse { ltime, id, from, flags: flags::ACK, payload: Bytes::new() };
            let encoded = message::encode(Kind::QueryResponse, &ack);
            self.send_answer(&answering, encoded);
        }
        self.deliver(now, answering);
        again
    }

    /// Hands a query to whoever answers it.
    fn deliver(&mut self, _now: Time, query: Answering) {
        let Some(internal) = query.name.strip_prefix(INTERNAL_PREFIX) else {
            self.outputs.push_back(Output::Query(query));
            return;
        };
        match internal {
            "ping" => {}
            "conflict" => self.tell_about(&query),
            other => match KeyOperation::parse(other, &query.payload) {
                Some(operation) => self.outputs.push_back(Output::Keys(operation, query)),
                None => self.settings.log.warn(Layer::Serf, format_args!("Unhandled internal query '{other}'")),
            },
        }
    }

    /// Sends an answer that was encoded before, and through other members too when the asker wants that.
    pub fn send_answer(&mut self, query: &Answering, encoded: Bytes) {
        self.relay(query, &encoded);
        self.outputs.push_back(Output::Send { to: query.to, message: encoded });
    }

    fn relay(&mut self, query: &Answering, encoded: &Bytes) {
        let copies = usize::from(query.relay_factor);
        if copies == 0 || self.members.len() < copies + 1 {
            return;
        }
        let message = message::encode_relay(query.to, &query.source, encoded);
        if message.len() > MAX_RESPONSE {
            let text = format_args!("failed to relay response: relayed response exceeds limit of {MAX_RESPONSE} bytes");
            self.settings.log.error(Layer::Serf, text);
            return;
        }
        let able = |member: &&Arc<Member>| {
            member.is_alive() && member.protocol[1] >= RELAY_PROTOCOL && member.name != self.settings.name
        };
        let candidates: Vec<SocketAddr> = self.members().filter(able).map(|member| member.socket()).collect();
        let chosen = rand::seq::index::sample(&mut self.rng, candidates.len(), copies.min(candidates.len()));
        for index in chosen {
            self.outputs.push_back(Output::Send { to: candidates[index], message: message.clone() });
        }
    }

    /// An answer to a query of ours.
    pub(super) fn handle_response(&mut self, now: Time, response: QueryResponse) {
        let key = (response.ltime, response.id);
        let Some(asked) = self.asked.get_mut(&key).filter(|asked| now <= asked.deadline) else {
            let text = format_args!(
                "reply for non-running query (LTime: {}, ID: {}) From: {}",
                response.ltime, response.id, response.from
            );
            self.settings.log.debug(Layer::Serf, text);
            return;
        };
        let ack = response.flags & flags::ACK != 0;
        let heard = if ack { &mut asked.acked } else { &mut asked.answered };
        if ack && !asked.wants_acks || !heard.insert(response.from.clone()) {
            let duplicate = if ack { "serf.query_duplicate_acks" } else { "serf.query_duplicate_responses" };
            self.count(duplicate);
            return;
        }
        if let Some((answers, for_us)) = asked.conflict.as_mut().filter(|_| !ack) {
            *answers += 1;
            let (kind, record) = response.payload.split_first().map_or((0, &[][..]), |(kind, body)| (*kind, body));
            let record = message::decode::<MemberRecord>(record).ok().filter(|_| kind == Kind::ConflictResponse as u8);
            *for_us += usize::from(record.is_some_and(|record| record.is_at(self.settings.address)));
            return;
        }
        self.count(if ack { "serf.query_acks" } else { "serf.query_responses" });
        let from = response.from;
        let reply =
            if ack { QueryReply::Ack { from } } else { QueryReply::Response { from, payload: response.payload } };
        self.outputs.push_back(Output::Reply(key, reply));
    }

    pub(super) fn end_queries(&mut self, now: Time) {
        let over: Vec<QueryKey> =
            self.asked.iter().filter(|(_, asked)| asked.deadline <= now).map(|(key, _)| *key).collect();
        for key in over {
            let asked = self.asked.remove(&key).expect("it was just seen");
            match asked.conflict {
                Some((answers, for_us)) => self.judge_conflict(answers, for_us),
                None => self.outputs.push_back(Output::QueryEnded(key)),
            }
        }
    }

    /// Tells what this node knows of a name that two nodes claim.
    fn tell_about(&mut self, query: &Answering) {
        let name = String::from_utf8_lossy(&query.payload);
        if name == self.settings.name {
            return;
        }
        self.settings.log.debug(Layer::Serf, format_args!("Got conflict resolution query for '{name}'"));
        let record = self.member(&name).map(|member| MemberRecord::from(member.as_ref()));
        match query.encode(message::encode(Kind::ConflictResponse, &record)) {
            Ok(encoded) => self.send_answer(query, encoded),
            Err(error) => {
                let text = format_args!("Failed to respond to conflict query: {error}");
                self.settings.log.error(Layer::Serf, text);
            }
        }
    }

    /// Two nodes claim one name. When it is ours, the pool may be asked whom it knows.
    pub(super) fn name_conflict(&mut self, now: Time, existing: &Node, other: &Node) {
        let log = self.settings.log;
        let news = self.is_news(now, other);
        if *existing.name != *self.settings.name {
            if news {
                let text = format_args!(
                    "Name conflict for '{}' both {} and {} are claiming",
                    existing.name, existing.address, other.address
                );
                log.warn(Layer::Serf, text);
            }
            return;
        }
        let enabled = self.settings.resolve_conflicts;
        if news {
            let text = format_args!(
                "Node name conflicts with another node at {}. Names must be unique! (Resolution enabled: {enabled})",
                other.address
            );
            log.error(Layer::Serf, text);
        }
        if !enabled || self.asked.values().any(|asked| asked.conflict.is_some()) {
            return;
        }
        let payload = Bytes::copy_from_slice(self.settings.name.as_bytes());
        let name = format!("{INTERNAL_PREFIX}conflict");
        let ask = QueryRequest { name, payload, ..QueryRequest::default() };
        if let Err(error) = self.start_query(now, ask, Some((0, 0))) {
            log.error(Layer::Serf, format_args!("Failed to start name resolution query: {error}"));
        }
    }

    /// The same claim is not told again for a while: it comes with every message about the claimant.
    pub(super) fn is_news(&mut self, now: Time, claimant: &Node) -> bool {
        self.conflicts.retain(|_, told| now.saturating_sub(*told) < CONFLICT_LOG_INTERVAL);
        let claim = (claimant.name.to_string(), claimant.address);
        let news = self.conflicts.len() < MAX_CONFLICTS && !self.conflicts.contains_key(&claim);
        if news {
            self.conflicts.insert(claim, now);
        }
        news
    }

    fn judge_conflict(&mut self, answers: usize, for_us: usize) {
        if for_us > answers / 2 {
            let text = format_args!("majority in name conflict resolution [{for_us} / {answers}]");
            self.settings.log.info(Layer::Serf, text);
        } else {
            let text = format_args!("minority in name conflict resolution, quiting [{for_us} / {answers}]");
            self.settings.log.warn(Layer::Serf, text);
            self.outputs.push_back(Output::ConflictLost);
        }
    }
}
