//! `/v1/event` (`spec/http-api.md` 3.10): user events of an agent that stands alone, which sees what it fires itself.

use super::answer::Answer;
use super::call::{Call, INDEX};
use super::routes::{READ, routes};
use crate::filter::go_regex;
use crate::types::{Blob, Error, GoDuration, NodeService, Result, validate};
use hyper::header::HeaderValue;
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

routes! {
    "/v1/event/fire/" "PUT" fire;
    "/v1/event/list" "GET" list, READ;
}

/// Events that are remembered.
const REMEMBERED: usize = 256;

/// Longest wait of a blocking list, also the default.
const MAX_WAIT: Duration = Duration::from_secs(600);

/// Largest event: gossip name and encoded payload together, bytes.
const SIZE_LIMIT: usize = 512;

/// Lamport time of the first event.
const FIRST_TIME: u64 = 2;

/// Version of the event format.
const VERSION: u8 = 1;

/// A user event.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Event {
    #[serde(rename = "ID")]
    id: uuid::Uuid,
    name: String,
    payload: Blob,
    node_filter: String,
    service_filter: String,
    tag_filter: String,
    version: u8,
    #[serde(rename = "LTime")]
    time: u64,
}

impl Event {
    /// Size on the gossip wire before encryption (`spec/gossip.md`): name with its prefix, and the msgpack map.
    fn size(&self) -> usize {
        let text = |key: &str, length: usize| match length {
            0 => 0,
            length => 1 + key.len() + if length < 32 { 1 } else { 3 } + length,
        };
        let filters = [("nf", &self.node_filter), ("sf", &self.service_filter), ("tf", &self.tag_filter)];
        let fixed = 1 + text("ID", 36) + text("v", 1) - 1;
        let filters: usize = filters.iter().map(|(key, filter)| text(key, filter.len())).sum();
        let payload = text("p", self.payload.0.len());
        "consul:event:".len() + self.name.len() + fixed + text("n", self.name.len()) + payload + filters
    }

    /// The event is for this node.
    ///
    /// # Errors
    /// A filter is no regular expression.
    fn is_for(&self, node: &str, services: &BTreeMap<String, Arc<NodeService>>) -> Result<bool> {
        let pattern = |name: &str, filter: &str| {
            go_regex::compile(filter).map_err(|reason| Error::new(format!("Invalid {name} filter: {reason}")))
        };
        let node_filter = pattern("node", &self.node_filter)?;
        let service_filter = pattern("service", &self.service_filter)?;
        let tag_filter = pattern("tag", &self.tag_filter)?;
        let tagged = |service: &NodeService| {
            self.tag_filter.is_empty() || service.tags.iter().flatten().any(|tag| tag_filter.is_match(tag))
        };
        let served = || services.values().any(|service| service_filter.is_match(&service.service) && tagged(service));
        Ok(node_filter.is_match(node) && (self.service_filter.is_empty() || served()))
    }

    /// Index of a list that ends with this event.
    fn index(&self) -> u64 {
        let (high, low) = self.id.as_u64_pair();
        high ^ low
    }
}

/// The last events, oldest first.
pub struct Events {
    recent: Mutex<VecDeque<Event>>,
    changed: watch::Sender<u64>,
}

impl Default for Events {
    fn default() -> Self {
        Events { recent: Mutex::default(), changed: watch::Sender::new(FIRST_TIME) }
    }
}

impl Events {
    fn add(&self, mut event: Event) {
        let mut recent = self.recent.lock();
        event.time = *self.changed.borrow();
        if recent.len() == REMEMBERED {
            recent.pop_front();
        }
        recent.push_back(event);
        self.changed.send_modify(|time| *time += 1);
    }

    /// The events of a name (empty is all) and the index of that list.
    fn named(&self, name: &str) -> (u64, Vec<Event>) {
        let recent = self.recent.lock();
        let events: Vec<Event> = recent.iter().filter(|event| name.is_empty() || event.name == name).cloned().collect();
        (events.last().map_or(1, Event::index), events)
    }
}

async fn fire(call: &mut Call<'_>) -> Result<Answer> {
    let name = call.argument("Missing name")?.to_owned();
    let mut event = Event {
        id: uuid::Uuid::new_v4(),
        name,
        node_filter: call.params.text("node").to_owned(),
        service_filter: call.params.text("service").to_owned(),
        tag_filter: call.params.text("tag").to_owned(),
        version: VERSION,
        ..Event::default()
    };
    event.payload = Blob(call.bytes(super::call::BODY_LIMIT).await?);
    if !event.tag_filter.is_empty() && event.service_filter.is_empty() {
        return Err(Error::new("Cannot provide tag filter without service filter"));
    }
    let mine = event.is_for(&call.settings.node_name, &call.agent.local().services())?;
    if !call.datacenter().is_empty() {
        return Err(Error::new("No path to datacenter"));
    }
    if event.size() > SIZE_LIMIT {
        let text = format!(
            "error broadcasting event to segment \"\": user event exceeds configured limit of {SIZE_LIMIT} bytes before encoding"
        );
        return Err(Error::new(validate::error_list(&[text]).expect("there is an error")));
    }
    if mine {
        call.settings.events.add(event.clone());
    }
    call.json(&event)
}

async fn list(call: &mut Call<'_>) -> Result<Answer> {
    let name = call.params.text("name");
    let known = call.options.min_query_index;
    let given: GoDuration = call.options.max_query_time;
    let wait = if given.0 <= 0 { MAX_WAIT } else { given.to_std().min(MAX_WAIT) };
    let deadline = tokio::time::Instant::now() + wait;
    let mut changes = call.settings.events.changed.subscribe();
    let (index, events) = loop {
        changes.borrow_and_update();
        let (index, events) = call.settings.events.named(name);
        let wanted = known == 0 || index != known;
        if wanted || tokio::time::timeout_at(deadline, changes.changed()).await.is_err() {
            break (index, events);
        }
    };
    call.headers.insert(INDEX.clone(), HeaderValue::from(index));
    call.json(&events)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str) -> Event {
        Event { id: uuid::Uuid::new_v4(), name: name.into(), version: VERSION, ..Event::default() }
    }

    #[test]
    fn the_index_of_a_list_is_a_hash_of_its_last_id() {
        let id = "840a8680-ab0a-4448-ea94-7056fa563784".parse().expect("a UUID");
        assert_eq!(Event { id, ..Event::default() }.index(), 7971079790840804300);
    }

    #[test]
    fn the_oldest_events_are_forgotten_and_times_go_on() {
        let events = Events::default();
        for number in 0..REMEMBERED + 2 {
            events.add(event(if number % 2 == 0 { "even" } else { "odd" }));
        }
        let (index, all) = events.named("");
        assert_eq!(all.len(), REMEMBERED);
        assert_eq!((all[0].time, index), (FIRST_TIME + 2, all[REMEMBERED - 1].index()));
        assert!(events.named("odd").1.iter().all(|event| event.name == "odd"));
        assert_eq!((events.named("none").0, events.named("none").1.len()), (1, 0));
    }

    #[test]
    fn filters_choose_nodes_services_and_tags() {
        let web = NodeService { service: "web".into(), tags: Some(vec!["v1".into()]), ..NodeService::default() };
        let services = BTreeMap::from([("web".to_owned(), Arc::new(web))]);
        // Node, service, tag, for this node.
        let cases = [
            ("", "", "", true),
            ("^n1$", "", "", true),
            ("^n2$", "", "", false),
            ("", "we", "", true),
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
    }
}
