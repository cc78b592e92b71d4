//! The daemon: start, reload, leave; local services and checks, anti-entropy, maintenance.
//!
//! An [`Agent`] is what HTTP and DNS talk to. Server methods go through [`Agent::call`], wherever the server is; what the
//! agent itself knows (services, checks, members) is answered here.

mod access;
mod anti_entropy;
mod auto;
mod auto_reload;
mod banner;
pub mod cache;
mod catalog;
pub mod checks;
mod client;
pub mod daemon;
mod data_dir;
mod debug_config;
mod delegate;
pub mod events;
mod gossip;
mod host;
mod info;
mod join;
mod loading;
pub mod local;
pub mod maintenance;
pub mod members;
mod membership;
mod notify;
mod persist;
mod reaper;
mod registration;
mod reload;
mod remote_exec;
mod sidecar;
#[cfg(test)]
mod tests;
mod tls;
mod tokens;
mod watches;

pub use crate::gossip::MemberStatus;
pub use client::Client;
pub use delegate::Delegate;
pub use events::{Event, Events};
pub use local::LocalState;
pub use members::Member;
pub use tokens::KeptTokens;

use crate::acl::{AclSettings, Tokens};
use crate::config::settings::AclTokens;
use crate::config::{Load, RuntimeConfig};
use crate::gossip::Pool;
use crate::server::resolver::{Bounds, Remote};
use crate::tls::Configurator;
use crate::types::secret::hidden;
use crate::types::{CheckStatus, CheckType, NodeService, Result};
use checks::{CheckEnv, CheckHandle, CheckSink, CheckTls};
use local::{Catalog, LocalSettings, NodeInfo, SyncTokens};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// Where a service or check definition came from; scripts and persistence depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Configuration files, and what the agent adds itself.
    Local,
    /// The HTTP API.
    Remote,
}

/// A service with its checks, as a caller registers it.
#[derive(Clone, derive_more::Debug)]
pub struct ServiceRegistration {
    /// The instance. `connect.sidecar_service` (in API names) registers a sidecar beside it.
    pub service: NodeService,
    /// Checks in the order given.
    pub checks: Vec<CheckType>,
    /// Token that the service is synced with.
    #[debug("{}", hidden(token))]
    pub token: String,
    /// Where the definition came from.
    pub source: Source,
    /// Remove checks of the service that are not in `checks`.
    pub replace_existing_checks: bool,
}

/// What an agent is made of.
pub struct Parts {
    /// Its configuration.
    pub config: RuntimeConfig,
    /// Where that came from, for a reload.
    pub load: Load,
    /// Node id, a UUID.
    pub node_id: String,
    /// Its own secrets, which its server shares.
    pub tokens: Arc<Tokens>,
    /// Those of them that are kept on disk.
    pub kept_tokens: KeptTokens,
    /// Its pool of the datacenter.
    pub lan: Pool,
    /// The pool of all servers, on a server.
    pub wan: Option<Pool>,
    /// Where server methods go.
    pub delegate: Delegate,
    /// TLS of all ports.
    pub tls: Arc<Configurator>,
}

/// A running agent; clones share it.
#[derive(Clone)]
pub struct Agent {
    inner: Arc<Inner>,
}

struct Inner {
    config: arc_swap::ArcSwap<RuntimeConfig>,
    load: Load,
    node_id: String,
    tokens: Arc<Tokens>,
    /// Those of the tokens that the API set.
    kept_tokens: Mutex<KeptTokens>,
    /// What servers have told of tokens; a server looks into its own state.
    remote: Remote,
    lan: Pool,
    wan: Option<Pool>,
    delegate: Delegate,
    tls: Arc<Configurator>,
    events: Events,
    cache: cache::Cache,
    /// Counts up whenever a server or a leader was found.
    server_up: watch::Sender<u64>,
    local: Arc<LocalState>,
    running: Mutex<HashMap<String, Running>>,
    sink: Arc<dyn CheckSink>,
    check_tls: Arc<CheckTls>,
    persistence: persist::Persistence,
    catalog: OnceLock<Arc<dyn Catalog>>,
    /// Serializes registrations, so that a service and its checks change together.
    registration: tokio::sync::Mutex<()>,
    leaving: watch::Sender<Leaving>,
    /// Keeps the watches of the configuration running.
    watches: Mutex<Option<tokio::sync::oneshot::Sender<()>>>,
}

/// A check that runs.
struct Running {
    handle: CheckHandle,
    definition: CheckType,
}

/// How long a leave waits for a push to the catalog that is under way.
const LAST_PUSH: Duration = Duration::from_secs(1);

/// How far a leave has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaving {
    No,
    Left,
}

/// Puts results of checks into the local state.
struct LocalSink(Arc<LocalState>);

impl CheckSink for LocalSink {
    fn update(&self, check_id: &str, status: CheckStatus, output: String) {
        self.0.update_check(check_id, status, &output, Instant::now());
    }
}

impl Agent {
    /// An agent that does nothing by itself yet: no checks, no syncs, no listeners.
    pub fn new(parts: Parts) -> Agent {
        let Parts { config, load, node_id, tokens, kept_tokens, lan, wan, delegate, tls } = parts;
        let local = Arc::new(LocalState::new(local_settings(&config, &tokens.get(), &node_id)));
        let remote = Remote::new(AclSettings::of(&config, Arc::clone(&tokens)), Bounds::CLIENT);
        let data_dir = config.data_dir.clone().filter(|_| !config.dev_mode);
        let check_tls = Arc::new(CheckTls::agent(tls.clone()));
        let cache = cache::Cache::new(config.cache_entry_fetch_rate, config.cache_entry_fetch_max_burst);
        Agent {
            inner: Arc::new(Inner {
                config: arc_swap::ArcSwap::from_pointee(config),
                load,
                node_id,
                kept_tokens: Mutex::new(kept_tokens),
                tokens,
                remote,
                lan,
                wan,
                delegate,
                tls,
                events: Events::default(),
                cache,
                server_up: watch::Sender::new(0),
                sink: Arc::new(LocalSink(local.clone())),
                check_tls,
                local,
                running: Mutex::default(),
                persistence: persist::Persistence::new(data_dir),
                catalog: OnceLock::new(),
                registration: tokio::sync::Mutex::new(()),
                leaving: watch::Sender::new(Leaving::No),
                watches: Mutex::default(),
            }),
        }
    }

    /// The configuration in force.
    pub fn config(&self) -> Arc<RuntimeConfig> {
        self.inner.config.load_full()
    }

    /// Id of this node, a UUID.
    pub fn node_id(&self) -> &str {
        &self.inner.node_id
    }

    /// TLS of all ports.
    pub fn tls(&self) -> &Configurator {
        &self.inner.tls
    }

    /// Live log lines from `level` on, until the receiver is dropped (`spec/http-api.md` 3.2.9).
    pub fn monitor(&self, level: tracing::Level, json: bool) -> crate::telemetry::logging::Monitor {
        crate::telemetry::logging::monitor(level, json)
    }

    /// The gossip pool of the datacenter.
    pub fn lan(&self) -> &Pool {
        &self.inner.lan
    }

    /// The gossip pool of all servers of all datacenters; none on a client agent.
    pub fn wan(&self) -> Option<&Pool> {
        self.inner.wan.as_ref()
    }

    /// The user events that this agent has seen.
    pub fn events(&self) -> &Events {
        &self.inner.events
    }

    /// Services and checks of this agent.
    pub fn local(&self) -> &LocalState {
        &self.inner.local
    }

    /// What checks may do, and with what.
    fn check_env(&self) -> CheckEnv {
        let config = self.config();
        let alias = catalog::LocalAlias { agent: Arc::downgrade(&self.inner), local: self.inner.local.clone() };
        CheckEnv {
            enable_script_checks: config.enable_script_checks,
            enable_local_script_checks: config.enable_local_script_checks,
            output_max_size: usize::try_from(config.check_output_max_size).unwrap_or(checks::DEFAULT_OUTPUT_MAX_SIZE),
            tls: self.inner.check_tls.clone(),
            ..CheckEnv::new(Arc::new(alias))
        }
    }

    /// Loads definitions and starts what runs beside requests: syncs, the reaper, coordinate updates.
    ///
    /// # Errors
    /// The first definition of the configuration that cannot be registered.
    pub fn start_duties(&self) -> Result<()> {
        let config = self.config();
        let catalog: Arc<dyn Catalog> = Arc::new(catalog::ServerCatalog { agent: self.clone() });
        self.load_definitions(&config)?;
        self.follow_leadership();
        self.follow_lan();
        let _ = self.inner.catalog.set(catalog.clone());
        let sync = anti_entropy::AntiEntropy {
            local: self.inner.local.clone(),
            catalog,
            server_up: self.inner.server_up.subscribe(),
            members: {
                let agent = self.clone();
                Box::new(move || agent.lan().members().len())
            },
            timings: anti_entropy::Timings { full: config.ae_interval.to_std(), ..anti_entropy::Timings::default() },
        };
        tokio::spawn(sync.run());
        tracing::info!(target: "agent", "started state syncer");
        tokio::spawn(self.clone().reap_critical_services(config.check_reap_interval.to_std()));
        if config.auto_reload_config {
            tokio::spawn(self.clone().reload_on_change());
        }
        tokio::spawn(cache::sweep(Arc::downgrade(&self.inner)));
        tokio::spawn(tls::report_expiry(Arc::downgrade(&self.inner)));
        if !config.disable_coordinates {
            tokio::spawn(self.clone().send_coordinates());
        }
        Ok(())
    }

    /// Tells the duties when this server has become the leader; other leaders are heard of in gossip.
    fn follow_leadership(&self) {
        let Some(server) = self.server() else { return };
        let mut leadership = server.raft().leadership();
        let agent = self.clone();
        tokio::spawn(async move {
            while leadership.changed().await.is_ok() {
                if *leadership.borrow_and_update() {
                    agent.notice_server();
                }
            }
        });
    }

    /// Leaves the cluster gracefully and then ends the process.
    ///
    /// # Errors
    /// What prevented it; the process goes on.
    pub async fn leave(&self) -> Result<()> {
        self.leave_cluster().await?;
        self.inner.leaving.send_replace(Leaving::Left);
        Ok(())
    }

    async fn leave_cluster(&self) -> Result<()> {
        // The leader takes a node that has left out of the catalog: a push that comes after that would put it back.
        let _ = tokio::time::timeout(LAST_PUSH, self.inner.local.fall_silent()).await;
        let left = match self.delegate() {
            Delegate::Server(server) => server.leave().await,
            Delegate::Client(_) => self.lan().leave().await,
        };
        if left.is_err() {
            self.inner.local.speak_again();
        }
        left
    }

    /// Stops checks, the server and gossip; the state on disk is complete when it returns.
    pub async fn shutdown(&self) {
        tracing::info!(target: "agent", "Requesting shutdown");
        self.inner.running.lock().clear();
        *self.inner.watches.lock() = None;
        self.cache().close();
        match self.delegate() {
            Delegate::Server(server) => {
                tracing::info!(target: "agent.server", "shutting down server");
                server.shutdown().await;
            }
            Delegate::Client(client) => {
                tracing::info!(target: "agent.client", "shutting down client");
                client.connections().close();
            }
        }
        for pool in self.wan().into_iter().chain([self.lan()]) {
            pool.shutdown().await;
        }
        tracing::info!(target: "agent", "shutdown complete");
    }
}

/// Settings of the local state that follow from the configuration.
fn local_settings(config: &RuntimeConfig, tokens: &AclTokens, node_id: &str) -> LocalSettings {
    let mut meta: BTreeMap<String, String> = config.node_meta.clone();
    meta.insert("consul-network-segment".into(), String::new());
    meta.insert("consul-version".into(), crate::types::version::COMPATIBLE.into());
    LocalSettings {
        node: NodeInfo {
            datacenter: config.datacenter.clone(),
            id: node_id.to_owned(),
            name: config.node_name.clone(),
            address: config.advertise_addr.map(|address| address.to_string()).unwrap_or_default(),
            tagged_addresses: Some(config.tagged_addresses.clone()),
            meta: Some(meta),
            locality: config.locality.clone(),
        },
        tokens: SyncTokens {
            agent: tokens.agent.clone(),
            default: tokens.default.clone(),
            config_file: tokens.config_file_service_registration.clone(),
        },
        discard_check_output: config.discard_check_output,
        check_update_interval: config.check_update_interval.to_std(),
    }
}
