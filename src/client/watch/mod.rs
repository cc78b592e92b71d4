//! Watch plans: follow one view of the data and hand every change to a handler (`spec/semantics.md` 21).
//!
//! `watch` on the command line and the `watches` of an agent's configuration run the same plans.

mod handler;
mod shape;

pub use handler::{Handler, HttpHandler, Output};

use super::{Client, Error, Method, Params};
use crate::client::kv::KvPair;
use crate::types::secret::hidden;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::time::Duration;

/// First pause after a failed poll; grows with the square of the number of failures in a row.
const RETRY: Duration = Duration::from_secs(5);
/// Longest pause.
const MAX_RETRY: Duration = Duration::from_secs(180);

/// Parameters of a watch that are not the plan's own.
const COMMON: [&str; 7] = ["type", "datacenter", "token", "handler_type", "args", "handler", "http_handler_config"];

/// What a plan follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// One key.
    Key(String),
    /// All keys below a prefix.
    KeyPrefix(String),
    /// Names and tags of services.
    Services,
    /// Nodes.
    Nodes,
    /// Instances of a service with their health.
    Service {
        /// Service name.
        service: String,
        /// Tags that an instance must have.
        tags: Vec<String>,
        /// Only passing instances.
        passing_only: bool,
    },
    /// Checks in a state or of a service.
    Checks {
        /// Service name, or empty.
        service: String,
        /// State, `any` unless given.
        state: String,
    },
    /// User events.
    Event(String),
    /// CA roots (agent and library only).
    ConnectRoots,
    /// Leaf certificate of a service (agent and library only).
    ConnectLeaf(String),
    /// A local service (agent and library only).
    AgentService(String),
}

/// A view with the options of its queries.
#[derive(Clone, derive_more::Debug, PartialEq, Eq)]
pub struct Plan {
    /// Name of the type, as given.
    pub kind: String,
    /// What to follow.
    pub view: View,
    /// Any server may answer.
    pub stale: bool,
    /// Filter expression, or empty.
    pub filter: String,
    /// Datacenter, or empty.
    pub datacenter: String,
    /// ACL token, or empty.
    #[debug("{}", hidden(token))]
    pub token: String,
}

/// Reads the parameters of a plan and remembers which were used.
struct Reader<'a> {
    params: &'a Map<String, Value>,
    used: BTreeSet<&'a str>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, name: &'a str) -> Option<&'a Value> {
        self.used.insert(name);
        self.params.get(name)
    }

    fn text(&mut self, name: &'a str) -> Result<String, String> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(String::new()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => Err(format!("Expecting {name} to be a string")),
        }
    }

    fn flag(&mut self, name: &'a str) -> Result<bool, String> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(set)) => Ok(*set),
            Some(_) => Err(format!("Expecting {name} to be a boolean")),
        }
    }

    fn texts(&mut self, name: &'a str) -> Result<Vec<String>, String> {
        let invalid = || format!("Expecting {name} to be a string or []string");
        match self.take(name) {
            None | Some(Value::Null) => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text.clone()]),
            Some(Value::Array(items)) => {
                items.iter().map(|item| item.as_str().map(str::to_string).ok_or_else(invalid)).collect()
            }
            Some(_) => Err(invalid()),
        }
    }
}

impl Plan {
    /// Reads a plan from the parameters of a watch definition.
    ///
    /// # Errors
    /// The texts of `spec/semantics.md` 21.1.
    pub fn parse(params: &Map<String, Value>) -> Result<Plan, String> {
        let mut reader = Reader { params, used: BTreeSet::from(COMMON) };
        let kind = reader.text("type")?;
        if kind.is_empty() {
            return Err("Watch type must be specified".into());
        }
        let stale = if kind == "event" { false } else { reader.flag("stale")? };
        let filter = match kind.as_str() {
            "services" | "nodes" | "service" | "checks" => reader.text("filter")?,
            _ => String::new(),
        };
        let (datacenter, token) = (reader.text("datacenter")?, reader.text("token")?);
        let view = Self::view(&kind, &mut reader)?;
        let unknown: BTreeSet<&str> = params.keys().map(String::as_str).collect();
        let unknown: Vec<&str> = unknown.difference(&reader.used).copied().collect();
        if !unknown.is_empty() {
            return Err(format!("Invalid parameters: [{}]", unknown.join(" ")));
        }
        Ok(Plan { kind, view, stale, filter, datacenter, token })
    }

    fn view(kind: &str, reader: &mut Reader<'_>) -> Result<View, String> {
        let needed = |text: String, what: &str| match text.is_empty() {
            true => Err(format!("Must specify a single {what} to watch")),
            false => Ok(text),
        };
        Ok(match kind {
            "key" => View::Key(needed(reader.text("key")?, "key")?),
            "keyprefix" => View::KeyPrefix(needed(reader.text("prefix")?, "prefix")?),
            "services" => View::Services,
            "nodes" => View::Nodes,
            "service" => View::Service {
                service: needed(reader.text("service")?, "service")?,
                tags: reader.texts("tag")?,
                passing_only: reader.flag("passingonly")?,
            },
            "checks" => {
                let (service, state) = (reader.text("service")?, reader.text("state")?);
                if !service.is_empty() && !state.is_empty() {
                    return Err("Cannot specify service and state".into());
                }
                View::Checks { service, state: if state.is_empty() { "any".into() } else { state } }
            }
            "event" => View::Event(reader.text("name")?),
            "connect_roots" => View::ConnectRoots,
            "connect_leaf" => View::ConnectLeaf(needed(reader.text("service")?, "service")?),
            "agent_service" => View::AgentService(needed(reader.text("service_id")?, "service_id")?),
            other => return Err(format!("Unsupported watch type: {other}")),
        })
    }

    /// Follows the view until the handler breaks; every change goes to `handler` with its index. Failed polls are told to
    /// `failed` (the text of a log line) and repeated.
    pub async fn run<B>(
        &self,
        client: &Client,
        mut handler: impl AsyncFnMut(u64, &Value) -> ControlFlow<B>,
        failed: impl Fn(&str),
    ) -> B {
        let mut cursor = Cursor::default();
        let mut last: Option<Value> = None;
        let mut failures = 0u32;
        // True before the first answer and after a failure: the next answer counts as a change in any case.
        let mut fresh = true;
        loop {
            let (next, result) = match self.poll(client, &cursor).await {
                Ok(answer) => answer,
                Err(error) => {
                    failures = failures.saturating_add(1);
                    let pause = RETRY.saturating_mul(failures.saturating_mul(failures)).min(MAX_RETRY);
                    let retry = crate::types::GoDuration::from(pause);
                    failed(&format!("Watch errored: type={} error={:?} retry={retry}", self.kind, error.to_string()));
                    (cursor, fresh) = (Cursor::default(), true);
                    tokio::time::sleep(pause).await;
                    continue;
                }
            };
            failures = 0;
            if !fresh && cursor == next {
                continue;
            }
            let (index, changed) = (next.index, fresh || last.as_ref() != Some(&result));
            let backwards = next.index < cursor.index && !matches!(self.view, View::Event(_));
            cursor = if backwards { Cursor::default() } else { next };
            fresh = false;
            if !changed {
                continue;
            }
            if let ControlFlow::Break(end) = handler(index, &result).await {
                return end;
            }
            last = Some(result);
        }
    }

    /// One query; blocks when the cursor stands somewhere.
    async fn poll(&self, client: &Client, cursor: &Cursor) -> Result<(Cursor, Value), Error> {
        let (path, mut params) = self.request();
        params = params.with_if(self.stale, "stale", "").with_if(!self.filter.is_empty(), "filter", &self.filter);
        params = params.with_if(!self.datacenter.is_empty(), "dc", &self.datacenter);
        params = match &cursor.hash {
            Some(hash) => params.with("hash", hash),
            None => params.with_if(cursor.index > 0, "index", cursor.index),
        };
        let response = client.send(Method::GET, &path, params, None).await?;
        let missing = response.status == 404 && matches!(self.view, View::Key(_) | View::KeyPrefix(_));
        let response = if missing { response } else { response.success()? };
        let hash =
            response.headers.get("x-consul-contenthash").and_then(|value| value.to_str().ok()).map(str::to_string);
        // An answer without an index must not turn the next query into one that does not block.
        let mut next = Cursor { index: response.index.max(1), hash };
        let result = match &self.view {
            _ if missing => Value::Null,
            View::Key(_) => response.json::<Vec<KvPair>>()?.into_iter().next().map_or(Value::Null, |pair| json!(pair)),
            View::KeyPrefix(_) => json!(response.json::<Vec<KvPair>>()?),
            View::Event(_) => {
                let events: Vec<Value> = response.json()?;
                next.index = events.last().map_or(next.index, event_index);
                let seen = events.iter().position(|event| cursor.index > 0 && event_index(event) == cursor.index);
                json!(events[seen.map_or(0, |position| position + 1)..].iter().map(shape::event).collect::<Vec<_>>())
            }
            View::Nodes => shape::list(response.json()?, shape::node),
            View::Service { .. } => shape::list(response.json()?, shape::service_entry),
            View::Checks { .. } => shape::list(response.json()?, shape::check),
            _ => response.json()?,
        };
        Ok((next, result))
    }

    fn request(&self) -> (String, Params) {
        let plain = Params::new();
        match &self.view {
            View::Key(key) => (format!("/v1/kv/{}", key.trim_start_matches('/')), plain),
            View::KeyPrefix(prefix) => {
                (format!("/v1/kv/{}", prefix.trim_start_matches('/')), plain.with("recurse", ""))
            }
            View::Services => ("/v1/catalog/services".into(), plain),
            View::Nodes => ("/v1/catalog/nodes".into(), plain),
            View::Service { service, tags, passing_only } => {
                let params = tags.iter().fold(plain, |params, tag| params.with("tag", tag));
                (format!("/v1/health/service/{service}"), params.with_if(*passing_only, "passing", 1))
            }
            View::Checks { service, state } if service.is_empty() => (format!("/v1/health/state/{state}"), plain),
            View::Checks { service, .. } => (format!("/v1/health/checks/{service}"), plain),
            View::Event(name) => ("/v1/event/list".into(), plain.with_if(!name.is_empty(), "name", name)),
            View::ConnectRoots => ("/v1/agent/connect/ca/roots".into(), plain),
            View::ConnectLeaf(service) => (format!("/v1/agent/connect/ca/leaf/{service}"), plain),
            View::AgentService(id) => (format!("/v1/agent/service/{id}"), plain),
        }
    }
}

/// How far a plan has read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cursor {
    index: u64,
    hash: Option<String>,
}

/// The index that stands for a user event: the halves of its id, xored.
fn event_index(event: &Value) -> u64 {
    let id: String = event["ID"].as_str().unwrap_or_default().chars().filter(|c| *c != '-').collect();
    let half =
        |range: std::ops::Range<usize>| id.get(range).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0);
    half(0..16) ^ half(16..32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(params: Value) -> Result<Plan, String> {
        Plan::parse(params.as_object().expect("an object"))
    }

    #[test]
    fn bad_definitions_are_refused_in_the_references_words() {
        let cases = [
            (json!({}), "Watch type must be specified"),
            (json!({"type": "nosuch"}), "Unsupported watch type: nosuch"),
            (json!({"type": "key"}), "Must specify a single key to watch"),
            (json!({"type": "keyprefix"}), "Must specify a single prefix to watch"),
            (json!({"type": "service"}), "Must specify a single service to watch"),
            (json!({"type": "checks", "service": "a", "state": "b"}), "Cannot specify service and state"),
            (json!({"type": "nodes", "key": "a", "tag": "b"}), "Invalid parameters: [key tag]"),
            (json!({"type": "event", "stale": true}), "Invalid parameters: [stale]"),
        ];
        for (params, error) in cases {
            assert_eq!(parse(params).expect_err(error), error);
        }
    }

    #[test]
    fn a_tag_may_be_text_or_list() {
        for tag in [json!("a"), json!(["a"])] {
            let plan =
                parse(json!({"type": "service", "service": "web", "tag": tag, "passingonly": true})).expect("valid");
            let (path, params) = plan.request();
            assert_eq!(path, "/v1/health/service/web");
            assert_eq!(params.encode(), "passing=1&tag=a");
        }
    }

    #[test]
    fn an_event_id_folds_into_an_index() {
        let event = json!({"ID": "00000000-0000-0001-0000-000000000003"});
        assert_eq!(event_index(&event), 2);
    }
}
