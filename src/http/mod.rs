//! The HTTP API: one file per endpoint group, query options, encoding, error-to-status mapping.
//!
//! `listen` accepts connections, `dispatch` takes a request through the rules that hold for all endpoints (the table in
//! `routes`), a handler of an endpoint group gets a [`call::Call`] and gives an [`answer::Answer`]. Reads are evaluated and
//! encoded by the server room, so that equal reads share both. This room knows nothing of the state or of raft.

pub mod answer;
pub mod call;
pub mod decode;
pub mod encodings;
pub mod errors;
pub(crate) mod fuzzing;
pub mod json;
pub mod params;
pub mod routes;

mod acl;
mod agent;
mod agent_checks;
mod agent_services;
mod audit;
mod catalog;
mod connect;
mod coordinate;
mod dispatch;
mod event;
mod health;
mod keyring;
mod kv;
mod listen;
mod operator;
mod patience;
mod query;
mod session;
mod snapshot;
mod status;
mod translate;
mod txn;
mod ui;

use crate::agent::Agent;
use crate::agent::daemon::Door;
use crate::config::RuntimeConfig;
use crate::config::runtime::Cidr;
use crate::types::{GoDuration, Result};
use futures::future::BoxFuture;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The HTTP API as a door of an agent.
pub const DOOR: Door = Door { name: "HTTP", open: serve };

/// Binds the listeners of `addresses.http` and serves them until `stop` becomes true.
///
/// # Errors
/// `listen tcp 127.0.0.1:8500: bind: address already in use` and the like.
pub fn serve(agent: Agent, stop: watch::Receiver<bool>) -> BoxFuture<'static, Result<JoinHandle<()>>> {
    Box::pin(listen::serve(agent, stop))
}

/// What of the configuration every request needs, in the form in which it needs it.
pub struct Settings {
    /// JSON is always indented.
    pub dev: bool,
    /// Own datacenter.
    pub datacenter: String,
    /// Own node.
    pub node_name: String,
    /// Tokens matter.
    pub acl_enabled: bool,
    /// `allow` or `deny`.
    pub default_policy: HeaderValue,
    /// Headers of every answer.
    pub response_headers: HeaderMap,
    /// Path prefixes that answer 403.
    pub block_endpoints: Vec<String>,
    /// Networks that may write; empty allows all.
    pub allow_write_http_from: Vec<Cidr>,
    /// Answers say that addresses are translated.
    pub translate_wan_addrs: bool,
    /// Unprintable characters in paths are refused.
    pub refuse_unprintable: bool,
    /// Where the UI lives, with slashes at both ends; none when it is off.
    pub ui_path: Option<String>,
    /// `?cached` is honoured.
    pub use_cache: bool,
    /// Stale bound of discovery reads.
    pub discovery_max_stale: GoDuration,
}

impl Settings {
    /// The settings of a configuration. Header names or values that HTTP does not allow are left out.
    pub fn new(config: &RuntimeConfig) -> Settings {
        let headers = config.http_config.response_headers.iter().filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            Some((name, HeaderValue::from_str(value).ok()?))
        });
        let policy = if config.acl.enabled { config.acl.default_policy.as_str() } else { "allow" };
        Settings {
            dev: config.dev_mode,
            datacenter: config.datacenter.clone(),
            node_name: config.node_name.clone(),
            acl_enabled: config.acl.enabled,
            default_policy: HeaderValue::from_static(if policy == "deny" { "deny" } else { "allow" }),
            response_headers: headers.collect(),
            block_endpoints: config.http_config.block_endpoints.clone(),
            allow_write_http_from: config.http_config.allow_write_http_from.clone(),
            translate_wan_addrs: config.translate_wan_addrs,
            refuse_unprintable: !config.disable_http_unprintable_char_filter,
            ui_path: config.ui_config.enabled.then(|| match config.ui_config.content_path.as_str() {
                "" => "/ui/".to_owned(),
                path => path.to_owned(),
            }),
            use_cache: config.http_config.use_cache,
            discovery_max_stale: config.discovery_max_stale,
        }
    }
}
