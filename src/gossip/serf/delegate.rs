//! The Serf layer as the layer above SWIM: what it is told, and what it gives to be sent (`spec/gossip.md` 2.8, 4).

use super::message::{self, Kind, MAX_MESSAGE, QueryResponse, RelayHeader};
use super::{Layer, Output, Serf, members, tags};
use crate::gossip::coordinate;
use crate::gossip::swim::{self, Delegate, Node, Time};
use crate::telemetry::limits;
use bytes::Bytes;
use serde::Deserialize;
use std::net::SocketAddr;
use std::time::Duration;

/// Tag in which a member tells who it is, wherever it is (`spec/gossip.md` 6.2).
const ID_TAG: &str = "id";

impl Serf {
    /// Decodes a message; one that cannot be read is dropped with a line in the log.
    fn read<'a, T: Deserialize<'a>>(&self, what: &str, body: &'a [u8]) -> Option<T> {
        message::decode(body)
            .inspect_err(|error| {
                self.settings.log.error(Layer::Serf, format_args!("Error decoding {what} message: {error}"));
            })
            .ok()
    }

    /// Sends on what a member asked us to pass to another.
    fn pass_on(&mut self, body: &[u8]) {
        let Ok((header, len)) = crate::types::msgpack::from_prefix::<RelayHeader>(body) else {
            self.settings.log.error(Layer::Serf, format_args!("Error decoding relay header"));
            return;
        };
        let to = message::ip_from(&header.dest_addr.ip).map(|ip| SocketAddr::new(ip, header.dest_addr.port));
        let inner = &body[len..];
        match to {
            Some(to) if !inner.is_empty() => {
                self.outputs.push_back(Output::Send { to, message: Bytes::copy_from_slice(inner) });
            }
            _ => self.settings.log.error(Layer::Serf, format_args!("Error forwarding message to {}", header.dest_name)),
        }
    }
}

/// Bytes that may wait in one queue.
const MAX_QUEUE_BYTES: usize = 32 << 20;

impl Delegate for Serf {
    fn meta(&self) -> Bytes {
        self.meta.clone()
    }

    fn user_message(&mut self, now: Time, message: &[u8]) {
        let Some((&kind, body)) = message.split_first() else { return };
        if message.len() > MAX_MESSAGE {
            let text = format_args!("Dropping a message of {} bytes and type {kind}", message.len());
            self.settings.log.warn(Layer::Serf, text);
            return;
        }
        self.sample("serf.msgs.received", message.len() as f64);
        let depth = self.queue_depth();
        let (queue, again) = match kind {
            kind if kind == Kind::Leave as u8 => {
                let Some(intent) = self.read("leave", body) else { return };
                let again = self.leave_intent(now, &intent);
                (&mut self.intent_queue, again)
            }
            kind if kind == Kind::Join as u8 => {
                let Some(intent) = self.read("join", body) else { return };
                let again = self.join_intent(now, &intent);
                (&mut self.intent_queue, again)
            }
            kind if kind == Kind::UserEvent as u8 => {
                let Some(event) = self.read("user event", body) else { return };
                let again = self.handle_user_event(event);
                (&mut self.event_queue, again)
            }
            kind if kind == Kind::Query as u8 => {
                let Some(query) = self.read("query", body) else { return };
                let again = self.handle_query(now, query);
                (&mut self.query_queue, again)
            }
            kind if kind == Kind::QueryResponse as u8 => {
                if let Some(response) = self.read::<QueryResponse>("query response", body) {
                    self.handle_response(now, response);
                }
                return;
            }
            kind if kind == Kind::Relay as u8 => return self.pass_on(body),
            other => {
                self.settings.log.warn(Layer::Serf, format_args!("Received message of unknown type: {other}"));
                return;
            }
        };
        if again {
            queue.queue(None, Bytes::copy_from_slice(message));
            if queue.len() > 2 * depth || queue.bytes() > MAX_QUEUE_BYTES {
                // a flood does not wait for the next look at the queues
                limits::GOSSIP_QUEUE.exceeded();
                queue.prune(depth, MAX_QUEUE_BYTES / 2);
            }
        }
    }

    fn broadcasts(&mut self, _: Time, overhead: usize, limit: usize) -> Vec<Bytes> {
        let times = swim::retransmit_limit(self.settings.retransmit_mult, self.members.len());
        let mut out = Vec::new();
        let mut used = 0;
        for queue in [&mut self.intent_queue, &mut self.query_queue, &mut self.event_queue] {
            used += queue.pull_into(overhead, limit.saturating_sub(used), times, &mut out);
        }
        for message in &out {
            self.sample("serf.msgs.sent", message.len() as f64);
        }
        if !out.is_empty() {
            self.report_sent();
        }
        out
    }

    fn local_state(&mut self, _join: bool) -> Bytes {
        self.own_state()
    }

    fn merge_state(&mut self, now: Time, state: &[u8], join: bool) {
        self.merge_other_state(now, state, join);
    }

    fn joined(&mut self, now: Time, node: &Node) {
        self.node_joined(now, node);
    }

    fn left(&mut self, now: Time, node: &Node) {
        self.node_left(now, node);
    }

    fn updated(&mut self, _: Time, node: &Node) {
        self.node_updated(node);
    }

    fn conflict(&mut self, now: Time, existing: &Node, other: &Node) {
        self.name_conflict(now, existing, other);
    }

    fn same_identity(&self, existing: &Node, other: &Node) -> bool {
        let identity = |node: &Node| tags::decode(&node.meta).remove(ID_TAG).filter(|id| !id.is_empty());
        identity(existing).is_some_and(|id| identity(other) == Some(id))
    }

    fn admit(&self, node: &Node) -> Result<(), String> {
        self.settings.merge_check.as_ref().map_or(Ok(()), |check| check(&[members::candidate(node)]))
    }

    fn admit_merge(&self, nodes: &[Node]) -> Result<(), String> {
        let Some(check) = &self.settings.merge_check else { return Ok(()) };
        let candidates: Vec<_> = nodes.iter().map(members::candidate).collect();
        check(&candidates)
    }

    fn ack_payload(&self) -> Bytes {
        match &self.coordinates {
            Some(client) => coordinate::encode_payload(client.coordinate()).into(),
            None => Bytes::new(),
        }
    }

    fn ping_done(&mut self, _: Time, node: &Node, rtt: Duration, payload: &[u8]) {
        let Some(client) = &mut self.coordinates else { return };
        if payload.is_empty() {
            return;
        }
        let Some(other) = coordinate::decode_payload(payload) else {
            let text = format_args!("Failed to decode coordinate from ping of {}", node.name);
            self.settings.log.error(Layer::Serf, text);
            return;
        };
        let before = client.coordinate().clone();
        match client.update(&node.name, &other, rtt) {
            Ok(after) => {
                let (moved, own) = (coordinate::distance(&before, after), after.clone());
                self.sample("serf.coordinate.adjustment-ms", moved.as_secs_f64() * 1e3);
                self.outputs.push_back(Output::Position { node: node.name.to_string(), coordinate: other, own });
            }
            Err(error) => {
                self.count("serf.coordinate.rejected");
                let text = format_args!("Rejected coordinate from {}: {error}", node.name);
                self.settings.log.debug(Layer::Serf, text);
            }
        }
    }
}
