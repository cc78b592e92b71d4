//! Streams: full exchanges, stream pings, user messages (`spec/gossip.md` 2.9, 3.10).

use super::noise::Problem;
use super::{Answer, Config, Delegate, Dial, Exchange, Node, Output, State, Swim, Time, Versions, figures};
use crate::gossip::wire::{
    self, AddressBytes, Alive, Dead, Failure, Member, Message, Ping, PushPull, StreamMessage, Suspect,
};
use crate::telemetry::limits;
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;
use tracing::Level;

impl Swim {
    /// Asks for a full exchange with a random member.
    pub(super) fn dial_push_pull(&mut self, now: Time) {
        let own = self.name.clone();
        let drawn = self.members.draw(1, &mut self.rng, |node| node.state == State::Alive && *node.name != *own);
        let Some(node) = drawn.first() else { return };
        let exchange = Exchange::PushPull { join: false };
        let deadline = now + self.config.timing.stream_timeout;
        self.outputs.push(Output::Dial(Dial { to: node.address, name: Some(node.name.clone()), exchange, deadline }));
    }

    /// What to write (unsealed) at the begin of a stream that we opened.
    pub fn stream_request(&mut self, exchange: &Exchange, d: &mut dyn Delegate) -> Vec<u8> {
        figures::TCP_CONNECT.add(1);
        let request = match exchange {
            Exchange::PushPull { join } => self.full_state(*join, d),
            Exchange::Ping { seq, node } => {
                let source = AddressBytes::new(self.config.advertise.ip());
                Message::Ping(Ping {
                    seq: *seq,
                    node,
                    source_address: source.as_slice(),
                    source_port: self.config.advertise.port(),
                    source_node: &self.name,
                })
                .encode()
            }
            Exchange::User(message) => wire::user_stream(message),
        };
        figures::TCP_SENT.add(request.len() as u64);
        request
    }

    /// The end of a stream that we opened: its reply, or why there is none. An error is one to tell the user when the
    /// stream was a join; failures of periodic exchanges are logged here.
    pub fn stream_reply(
        &mut self,
        now: Time,
        to: SocketAddr,
        exchange: &Exchange,
        reply: Result<StreamMessage, String>,
        d: &mut dyn Delegate,
    ) -> Result<(), String> {
        let result = match (exchange, reply) {
            (_, Err(error)) => Err(error),
            (_, Ok(StreamMessage::Failure(error))) => Err(format!("remote error: {error}")),
            (Exchange::PushPull { join }, Ok(StreamMessage::PushPull(state))) => {
                self.merge_state(now, &state, *join, d)
            }
            (Exchange::Ping { seq, .. }, Ok(StreamMessage::Ack { seq: answered })) if *seq == answered => {
                self.stream_ack(*seq);
                Ok(())
            }
            (Exchange::Ping { seq, .. }, Ok(StreamMessage::Ack { seq: answered })) => {
                Err(format!("sequence number from ack ({answered}) doesn't match ping ({seq})"))
            }
            (_, Ok(_)) => Err("the answer is of another kind than the question".into()),
        };
        if let Err(error) = &result {
            let (level, text) = match exchange {
                Exchange::PushPull { join: true } => return result,
                Exchange::PushPull { .. } => (Level::ERROR, format!("Push/Pull with {to} failed: {error}")),
                Exchange::Ping { node, .. } => (Level::WARN, format!("Failed fallback TCP ping of {node}: {error}")),
                Exchange::User(_) => (Level::ERROR, format!("Failed to send a user message to {to}: {error}")),
            };
            self.complain(now, level, (Problem::Exchange, to), || text);
        }
        result
    }

    /// A stream that another side opened: its message, or why it could not be read.
    pub fn accept_stream(
        &mut self,
        now: Time,
        from: SocketAddr,
        message: Result<StreamMessage, wire::Error>,
        d: &mut dyn Delegate,
    ) -> Answer {
        figures::TCP_ACCEPT.add(1);
        if !self.config.allows(from.ip()) {
            self.complain(now, Level::WARN, (Problem::Network, from.ip()), || {
                format!("Dropping stream from={from}: not in an allowed network")
            });
            return Answer::default();
        }
        let answer = match message {
            Ok(StreamMessage::PushPull(state)) => {
                let reply = self.full_state(state.join, d);
                Answer { reply: Some(reply), merge: Some(Box::new(state)) }
            }
            Ok(StreamMessage::Ping { seq, node }) if node.is_empty() || *node == *self.name => {
                Answer { reply: Some(Message::Ack(wire::Ack { seq, payload: &[] }).encode()), merge: None }
            }
            Ok(StreamMessage::Ping { node, .. }) => {
                self.complain(now, Level::WARN, (Problem::WrongNode, from.ip()), || {
                    format!("Got ping for unexpected node {node} from={from}")
                });
                Answer::default()
            }
            Ok(StreamMessage::User(message)) => {
                d.user_message(now, &message);
                Answer::default()
            }
            Ok(StreamMessage::Ack { .. } | StreamMessage::Failure(_)) => {
                self.bad_stream(now, from, &wire::Error::Malformed("an answer without a question"));
                Answer::default()
            }
            Err(error) => self.bad_stream(now, from, &error),
        };
        figures::TCP_SENT.add(answer.reply.as_ref().map_or(0, |reply| reply.len() as u64));
        answer
    }

    fn bad_stream(&mut self, now: Time, from: SocketAddr, error: &wire::Error) -> Answer {
        if matches!(error, wire::Error::TooLong { .. }) {
            limits::GOSSIP_STREAM_BYTES.exceeded();
        }
        let problem = match error {
            wire::Error::Plaintext => Problem::Plaintext,
            wire::Error::WrongKey => Problem::WrongKey,
            _ => Problem::Stream,
        };
        self.complain(now, Level::ERROR, (problem, from.ip()), || format!("failed to receive: {error} from={from}"));
        let reply = match error {
            // These are not told: there is no whole message, or no such message.
            wire::Error::Short | wire::Error::UnknownType(_) | wire::Error::Label => None,
            error => Some(Message::Failure(Failure { error: &error.to_string() }).encode()),
        };
        Answer { reply, merge: None }
    }

    fn full_state(&mut self, join: bool, d: &mut dyn Delegate) -> Vec<u8> {
        let user = d.local_state(join);
        let state = wire::push_pull(join, self.members.iter(), &user);
        figures::STATE_SIZE.set(state.len() as f64);
        state
    }

    /// Merges the other side's state of a full exchange. A refusal is logged and returned.
    pub fn merge(&mut self, now: Time, from: SocketAddr, state: PushPull, d: &mut dyn Delegate) -> Result<(), String> {
        let result = self.merge_state(now, &state, state.join, d);
        if let Err(error) = &result {
            self.complain(now, Level::ERROR, (Problem::Merge, from.ip()), || {
                format!("Failed push/pull merge: {error} from={from}")
            });
        }
        result
    }

    fn merge_state(&mut self, now: Time, state: &PushPull, join: bool, d: &mut dyn Delegate) -> Result<(), String> {
        let start = std::time::Instant::now();
        self.check_versions(state)?;
        if join {
            let nodes = state.members().map(|row| node_of(&row, &self.config, now)).collect::<Result<Vec<_>, _>>()?;
            d.admit_merge(&nodes)?;
        }
        for row in state.members() {
            self.merge_row(now, &row, d);
        }
        if !state.user.is_empty() {
            d.merge_state(now, &state.user, join);
        }
        figures::PUSH_PULL.since(start);
        Ok(())
    }

    /// A row of a full exchange is news like any other; only the dead are not believed to be dead, but suspected, so that
    /// they can refute.
    fn merge_row(&mut self, now: Time, row: &Member, d: &mut dyn Delegate) {
        let Ok(name) = std::str::from_utf8(row.name) else { return };
        let incarnation = row.incarnation;
        match State::from_code(row.state) {
            Some(State::Alive) => {
                let (address, port, meta, versions) = (row.address, row.port, row.meta, row.versions);
                self.alive(now, &Alive { incarnation, node: name, address, port, meta, versions }, d);
            }
            Some(State::Left) => self.dead(now, &Dead { incarnation, node: name, from: name }, d),
            Some(State::Dead | State::Suspect) => {
                let own = self.name.clone();
                self.suspect(now, &Suspect { incarnation, node: name, from: &own });
            }
            None => {}
        }
    }

    /// Everybody must speak a version that all who are alive understand.
    fn check_versions(&self, state: &PushPull) -> Result<(), String> {
        let alive = |row: &Member| row.state == State::Alive as i64 && !row.versions.is_empty();
        let remote = state.members().filter(alive).map(|row| versions_of(row.versions));
        let local = self.members.iter().filter(|node| node.state == State::Alive).map(|node| node.versions);
        let ([mut pmin, mut dmin], [mut pmax, mut dmax]) = ([0; 2], [u8::MAX; 2]);
        for [node_pmin, node_pmax, _, node_dmin, node_dmax, _] in remote.chain(local) {
            (pmin, pmax) = (pmin.max(node_pmin), pmax.min(node_pmax));
            (dmin, dmax) = (dmin.max(node_dmin), dmax.min(node_dmax));
        }
        let check = |name: &[u8], [_, _, protocol, _, _, delegate]: Versions| {
            for (what, version, min, max) in [("", protocol, pmin, pmax), ("delegate ", delegate, dmin, dmax)] {
                if !(min..=max).contains(&version) {
                    let name = String::from_utf8_lossy(name);
                    return Err(format!(
                        "Node '{name}' {what}protocol version ({version}) is incompatible: [{min}, {max}]"
                    ));
                }
            }
            Ok(())
        };
        state.members().try_for_each(|row| check(row.name, versions_of(row.versions)))?;
        self.members.iter().try_for_each(|node| check(node.name.as_bytes(), node.versions))
    }
}

/// Versions of a row; missing ones are 0.
fn versions_of(bytes: &[u8]) -> Versions {
    let mut versions = Versions::default();
    let len = bytes.len().min(versions.len());
    versions[..len].copy_from_slice(&bytes[..len]);
    versions
}

/// A row as the layer above sees it.
fn node_of(row: &Member, config: &Config, now: Time) -> Result<Node, String> {
    let ip = wire::ip_of(row.address)
        .ok_or_else(|| format!("IP byte length is invalid: {} bytes is not either 4 or 16", row.address.len()))?;
    let port = if row.port == 0 { config.advertise.port() } else { row.port };
    Ok(Node {
        name: Arc::from(&*String::from_utf8_lossy(row.name)),
        address: SocketAddr::new(ip, port),
        meta: Bytes::copy_from_slice(row.meta),
        versions: versions_of(row.versions),
        incarnation: row.incarnation,
        state: State::from_code(row.state).unwrap_or(State::Dead),
        since: now,
    })
}
