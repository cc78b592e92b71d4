//! User events (`spec/semantics.md` 18, `spec/gossip.md` 6.6): their form on the gossip wire, whom they are for, and the last
//! ones that this agent saw.

use super::{Agent, Delegate};
use crate::filter::go_regex;
use crate::gossip::UserEvent;
use crate::types::{Blob, Error, NodeService, Result, msgpack};
use bytes::Bytes;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tokio::sync::watch;

/// Events that are remembered.
const REMEMBERED: usize = 256;

/// Version of the event format.
pub const VERSION: u8 = 1;

/// What the gossip name of an event begins with.
const PREFIX: &str = "consul:event:";

/// The gossip event that each new leader sends.
pub(super) const NEW_LEADER: &str = "consul:new-leader";

/// The event that starts a remote execution; it is never remembered.
const REMOTE_EXEC: &str = "_rexec";

/// A user event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    /// A UUID.
    #[serde(rename = "ID")]
    pub id: String,
    /// Name.
    pub name: String,
    /// What comes with it.
    pub payload: Blob,
    /// Regular expression of node names; empty for all.
    pub node_filter: String,
    /// Regular expression of service ids; empty for all nodes.
    pub service_filter: String,
    /// Regular expression of a tag of such a service; empty for all.
    pub tag_filter: String,
    /// Version of the format.
    pub version: u8,
    /// Lamport time at which gossip carried it; 0 before.
    #[serde(rename = "LTime")]
    pub time: u64,
}

/// An event on the gossip wire.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Wire {
    #[serde(rename = "ID")]
    id: String,
    n: String,
    nf: String,
    p: Blob,
    sf: String,
    tf: String,
    v: u8,
}

/// A string or byte string in newer msgpack, which events use and the rest of the wire does not.
fn put(out: &mut Vec<u8>, bytes: &[u8], short: Option<u8>, markers: [u8; 3]) {
    match (bytes.len(), short) {
        (length @ 0..32, Some(short)) => out.push(short | length as u8),
        (length @ 0..0x100, _) => out.extend_from_slice(&[markers[0], length as u8]),
        (length @ 0x100..0x1_0000, _) => {
            out.push(markers[1]);
            out.extend_from_slice(&(length as u16).to_be_bytes());
        }
        (length, _) => {
            out.push(markers[2]);
            out.extend_from_slice(&(length as u32).to_be_bytes());
        }
    }
    out.extend_from_slice(bytes);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.as_bytes(), Some(0xa0), [0xd9, 0xda, 0xdb]);
}

/// Reads the payload of an event and what it says about whom it is for, for `crate::fuzzing`.
pub(crate) fn fuzz(payload: &[u8]) {
    let Ok(event) = Event::decode(payload, 1) else { return };
    let again = Event::decode(&event.encode(), 1).expect("what was encoded is read");
    assert_eq!(again, event, "an event changes on its way");
    if event.validate().is_ok() {
        let _ = event.is_for("n1", &BTreeMap::new());
    }
}

impl Event {
    /// Its form on the gossip wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut fields = 0;
        let mut out = vec![0];
        let mut text = |out: &mut Vec<u8>, key: &str, value: &str, always: bool| {
            if always || !value.is_empty() {
                put_text(out, key);
                put_text(out, value);
                fields += 1;
            }
        };
        text(&mut out, "ID", &self.id, true);
        text(&mut out, "n", &self.name, true);
        text(&mut out, "nf", &self.node_filter, false);
        let payload = u8::from(!self.payload.is_empty());
        if payload > 0 {
            put_text(&mut out, "p");
            put(&mut out, &self.payload.0, None, [0xc4, 0xc5, 0xc6]);
        }
        text(&mut out, "sf", &self.service_filter, false);
        text(&mut out, "tf", &self.tag_filter, false);
        put_text(&mut out, "v");
        out.push(self.version);
        out[0] = 0x80 | (fields + payload + 1);
        out
    }

    /// Reads the form on the gossip wire.
    fn decode(payload: &[u8], time: u64) -> Result<Event, msgpack::Error> {
        let Wire { id, n, nf, p, sf, tf, v } = msgpack::from_slice(payload)?;
        Ok(Event { id, name: n, payload: p, node_filter: nf, service_filter: sf, tag_filter: tf, version: v, time })
    }

    /// Checks the filters.
    ///
    /// # Errors
    /// `Cannot provide tag filter without service filter`, or `Invalid node filter: ...` and the like.
    pub fn validate(&self) -> Result<()> {
        if !self.tag_filter.is_empty() && self.service_filter.is_empty() {
            return Err(Error::new("Cannot provide tag filter without service filter"));
        }
        self.patterns().map(drop)
    }

    /// Its filters: node, service, tag.
    fn patterns(&self) -> Result<[regex::Regex; 3]> {
        let pattern = |name: &str, filter: &str| {
            go_regex::compile(filter).map_err(|reason| Error::new(format!("Invalid {name} filter: {reason}")))
        };
        Ok([
            pattern("node", &self.node_filter)?,
            pattern("service", &self.service_filter)?,
            pattern("tag", &self.tag_filter)?,
        ])
    }

    /// The event is for this node with these services by id.
    ///
    /// # Errors
    /// A filter is no regular expression.
    fn is_for(&self, node: &str, services: &BTreeMap<String, Arc<NodeService>>) -> Result<bool> {
        let [node_filter, service_filter, tag_filter] = self.patterns()?;
        let tagged = |service: &NodeService| {
            self.tag_filter.is_empty() || service.tags.iter().flatten().any(|tag| tag_filter.is_match(tag))
        };
        let served = || services.iter().any(|(id, service)| service_filter.is_match(id) && tagged(service));
        Ok(node_filter.is_match(node) && (self.service_filter.is_empty() || served()))
    }

    /// Index of a list that ends with this event.
    fn index(&self) -> u64 {
        let (high, low) = self.id.parse::<uuid::Uuid>().unwrap_or_default().as_u64_pair();
        high ^ low
    }
}

/// The last events, oldest first.
pub struct Events {
    recent: Mutex<VecDeque<Arc<Event>>>,
    changed: watch::Sender<u64>,
}

impl Default for Events {
    fn default() -> Self {
        Events { recent: Mutex::default(), changed: watch::Sender::new(0) }
    }
}

impl Events {
    fn add(&self, event: Event) {
        let mut recent = self.recent.lock();
        if recent.len() == REMEMBERED {
            recent.pop_front();
        }
        recent.push_back(Arc::new(event));
        self.changed.send_modify(|count| *count += 1);
    }

    /// The events of a name (empty is all) and the index of that list.
    pub fn named(&self, name: &str) -> (u64, Vec<Arc<Event>>) {
        let recent = self.recent.lock();
        let events: Vec<_> = recent.iter().filter(|event| name.is_empty() || event.name == name).cloned().collect();
        (events.last().map_or(1, |event| event.index()), events)
    }

    /// Changes with every event.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}

impl Agent {
    /// Takes a user event of the LAN pool.
    pub(super) async fn user_event(&self, event: &UserEvent) {
        if event.name == NEW_LEADER {
            let leader = String::from_utf8_lossy(&event.payload);
            match self.delegate() {
                Delegate::Server(_) => tracing::info!(target: "agent.server", payload = %leader, "New leader elected"),
                Delegate::Client(_) => tracing::info!(target: "agent.client", payload = %leader, "New leader elected"),
            }
            self.notice_server();
        }
        if !event.name.starts_with(PREFIX) {
            return;
        }
        match Event::decode(&event.payload, event.ltime) {
            Ok(event) => self.ingest_event(event).await,
            Err(error) => tracing::error!(target: "agent", error = %error, "Failed to decode event"),
        }
    }

    async fn ingest_event(&self, event: Event) {
        let (name, id) = (event.name.as_str(), event.id.as_str());
        if event.version > VERSION {
            tracing::warn!(
                target: "agent", version = event.version, event = id,
                "Event version may have unsupported features"
            );
        }
        let config = self.config();
        match event.is_for(&config.node_name, &self.local().services()) {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => {
                tracing::error!(target: "agent", event = name, error = %error, "Failed to parse event filter");
                return;
            }
        }
        if name == REMOTE_EXEC {
            if config.disable_remote_exec {
                return tracing::info!(target: "agent", id, "ignoring remote exec event, disabled");
            }
            let agent = self.clone();
            tokio::spawn(async move { super::remote_exec::handle(&agent, &event).await });
            return;
        }
        tracing::debug!(target: "agent", event_name = name, event_id = id, "new event");
        self.events().add(event);
    }
}

/// The form on the gossip wire, as the request to fire it carries it.
pub fn payload(event: &Event) -> Bytes {
    Bytes::from(event.encode())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str) -> Event {
        Event { id: uuid::Uuid::new_v4().to_string(), name: name.into(), version: VERSION, ..Event::default() }
    }

    #[test]
    fn an_event_has_the_recorded_form_on_the_wire() {
        let recorded = "85a24944d92436663736633662392d623433642d313532362d306461332d363539613936653838393965a16ea66465706c6f79a26e66a3737276a170c40b6576742d7061796c6f6164a17601";
        let recorded = hex(recorded);
        let event = Event {
            id: "6f76c6b9-b43d-1526-0da3-659a96e8899e".into(),
            node_filter: "srv".into(),
            payload: "evt-payload".into(),
            ..event("deploy")
        };
        assert_eq!(event.encode(), recorded);
        assert_eq!(Event::decode(&recorded, 7), Ok(Event { time: 7, ..event }));
        assert!(Event::decode(&recorded[..20], 7).is_err());
    }

    fn hex(text: &str) -> Vec<u8> {
        let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hex");
        (0..text.len()).step_by(2).map(digit).collect()
    }

    #[test]
    fn long_fields_keep_their_lengths() {
        let event = Event { payload: vec![7; 300].into(), node_filter: "x".repeat(40), ..event(&"n".repeat(300)) };
        assert_eq!(Event::decode(&event.encode(), 0), Ok(event));
    }

    #[test]
    fn the_index_of_a_list_is_a_hash_of_its_last_id() {
        let id = "840a8680-ab0a-4448-ea94-7056fa563784".into();
        assert_eq!(Event { id, ..Event::default() }.index(), 7971079790840804300);
    }

    #[test]
    fn the_oldest_events_are_forgotten() {
        let events = Events::default();
        for number in 0..REMEMBERED + 2 {
            events.add(Event { time: number as u64, ..event(if number % 2 == 0 { "even" } else { "odd" }) });
        }
        let (index, all) = events.named("");
        assert_eq!((all.len(), all[0].time, index), (REMEMBERED, 2, all[REMEMBERED - 1].index()));
        assert!(events.named("odd").1.iter().all(|event| event.name == "odd"));
        assert_eq!((events.named("none").0, events.named("none").1.len()), (1, 0));
    }

    #[test]
    fn filters_choose_nodes_services_and_tags() {
        let web = NodeService { service: "web".into(), tags: Some(vec!["v1".into()]), ..NodeService::default() };
        let services = BTreeMap::from([("web-1".to_owned(), Arc::new(web))]);
        // Node, service id, tag, for this node.
        let cases = [
            ("", "", "", true),
            ("^n1$", "", "", true),
            ("^n2$", "", "", false),
            ("", "we", "", true),
            ("", "-1$", "", true),
            ("", "db", "", false),
            ("", "web", "v[12]", true),
            ("", "web", "v2", false),
        ];
        for (node, service, tag, expected) in cases {
            let event = Event {
                node_filter: node.into(),
                service_filter: service.into(),
                tag_filter: tag.into(),
                ..event("deploy")
            };
            assert_eq!(event.is_for("n1", &services), Ok(expected), "{node} {service} {tag}");
        }
        let bad = Event { node_filter: "(".into(), ..event("deploy") };
        let text = "Invalid node filter: error parsing regexp: missing closing ): `(`";
        assert_eq!(bad.is_for("n1", &services), Err(Error::new(text)));
        let alone = Event { tag_filter: "v1".into(), ..event("deploy") };
        assert_eq!(alone.validate(), Err(Error::new("Cannot provide tag filter without service filter")));
    }
}
