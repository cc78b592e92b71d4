//! `/v1/event` (`spec/http-api.md` 3.10): user events, fired in a datacenter and listed as this agent saw them.

use super::answer::Answer;
use super::call::{Call, INDEX};
use super::routes::{READ, routes};
use crate::acl::{Access, Resource};
use crate::agent::events::{self, Event};
use crate::rpc::method::InternalEventFire;
use crate::types::cluster::EventFireRequest;
use crate::types::{Blob, GoDuration, QueryOptions, Result};
use hyper::header::HeaderValue;
use std::time::Duration;

routes! {
    "/v1/event/fire/" "PUT" fire;
    "/v1/event/list" "GET" list, READ;
}

/// Longest wait of a blocking list, also the default.
const MAX_WAIT: Duration = Duration::from_secs(600);

async fn fire(call: &mut Call<'_>) -> Result<Answer> {
    let name = call.argument("Missing name")?.to_owned();
    let mut event = Event {
        id: uuid::Uuid::new_v4().to_string(),
        name,
        node_filter: call.params.text("node").to_owned(),
        service_filter: call.params.text("service").to_owned(),
        tag_filter: call.params.text("tag").to_owned(),
        version: events::VERSION,
        ..Event::default()
    };
    event.payload = Blob(call.bytes(super::call::BODY_LIMIT).await?);
    event.validate()?;
    let request = EventFireRequest {
        datacenter: call.datacenter(),
        name: event.name.clone(),
        payload: Blob(events::payload(&event)),
        query: QueryOptions { token: call.token(), allow_stale: true, ..QueryOptions::default() },
    };
    call.agent.call::<InternalEventFire>(request).await?;
    call.json(&event)
}

async fn list(call: &mut Call<'_>) -> Result<Answer> {
    let name = call.params.text("name");
    let known = call.options.min_query_index;
    let given: GoDuration = call.options.max_query_time;
    let wait = if given.0 <= 0 { MAX_WAIT } else { given.to_std().min(MAX_WAIT) };
    let deadline = tokio::time::Instant::now() + wait;
    let who = call.authorizer().await?;
    let mut changes = call.agent.events().changes();
    let (index, mut events) = loop {
        changes.borrow_and_update();
        let (index, events) = call.agent.events().named(name);
        let wanted = known == 0 || index != known;
        if wanted || tokio::time::timeout_at(deadline, changes.changed()).await.is_err() {
            break (index, events);
        }
    };
    let all = events.len();
    events.retain(|event| who.allows(Resource::Event, Access::Read, &event.name));
    call.set_filtered(events.len() != all);
    call.headers.insert(INDEX.clone(), HeaderValue::from(index));
    call.json(&events)
}
