//! Health checks that an agent runs: one file per kind, one small task per check (`spec/services-and-checks.md` 3-5).
//!
//! This room knows nothing of the agent: results leave through [`CheckSink`], aliased checks come in through
//! [`AliasSource`], everything else a check may need is in [`CheckEnv`].

mod alias;
mod dial;
mod docker;
mod grpc;
mod h2ping;
mod http;
mod kind;
mod output;
mod proxy;
mod runner;
mod script;
mod tcp;
#[cfg(test)]
mod tests;
mod tls;
mod ttl;
mod udp;
mod url;

pub use kind::{CheckKind, validate};
pub use tls::CheckTls;

use crate::types::{CheckStatus, CheckType, Error, GoDuration, Index};
use dial::TlsOptions;
use futures::future::BoxFuture;
use runner::{Probe, Thresholds};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Takes results. Called for every run, also when nothing changed; must not block.
pub trait CheckSink: Send + Sync + 'static {
    /// The check has this status and output now.
    fn update(&self, check_id: &str, status: CheckStatus, output: String);
}

/// What an alias check sees of the checks it follows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AliasView {
    /// Index of the answer, for the next blocking query; 0 for local views.
    pub index: Index,
    /// The aliased service is there (true when no service was asked for).
    pub service_exists: bool,
    /// Checks of the service and of its node; those of other services are ignored.
    pub checks: Vec<AliasedCheck>,
}

/// A check behind an alias.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AliasedCheck {
    /// Its id.
    pub check_id: String,
    /// Its kind; node checks that are aliases themselves do not count.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its service; empty for node checks.
    pub service_id: String,
    /// Its status.
    pub status: String,
    /// Its output.
    pub output: String,
}

/// Where alias checks look (`spec/services-and-checks.md` 4.2, alias).
pub trait AliasSource: Send + Sync + 'static {
    /// True when this is the agent's own node name.
    fn is_local_node(&self, node: &str) -> bool;
    /// The agent's own checks of a service id, and its node checks.
    fn local(&self, service_id: &str) -> AliasView;
    /// Changes whenever a local check or service does.
    fn local_changes(&self) -> watch::Receiver<u64>;
    /// Blocking query of a node's checks (stale allowed up to 15 s, wait 1 minute).
    fn remote<'a>(
        &'a self,
        node: &'a str,
        service_id: &'a str,
        token: &'a str,
        min_index: Index,
    ) -> BoxFuture<'a, Result<AliasView, Error>>;
}

/// Where a definition came from; decides whether it may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckSource {
    /// Configuration files.
    Config,
    /// The HTTP API.
    Api,
}

/// Agent-wide settings of checks; cheap to clone.
#[derive(Clone)]
pub struct CheckEnv {
    /// `enable_script_checks`.
    pub enable_script_checks: bool,
    /// `enable_local_script_checks`.
    pub enable_local_script_checks: bool,
    /// `check_output_max_size`, bytes.
    pub output_max_size: usize,
    /// `User-Agent` of HTTP checks.
    pub user_agent: Arc<str>,
    /// `DOCKER_HOST`; `None` is the default socket.
    pub docker_host: Option<Arc<str>>,
    /// TLS clients; with `enable_agent_tls_for_checks` those of the agent.
    pub tls: Arc<CheckTls>,
    /// Shortest interval between runs.
    pub min_interval: Duration,
    /// Source of alias checks.
    pub alias: Arc<dyn AliasSource>,
}

/// Shortest interval between runs that is accepted as configured.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// Time limits of kinds whose definition has none. Docker's is the engine client's.
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(30);
const DOCKER_TIMEOUT: Duration = Duration::from_secs(30);
const NETWORK_TIMEOUT: Duration = Duration::from_secs(10);

impl CheckEnv {
    /// An environment with the reference's defaults; scripts are off.
    pub fn new(alias: Arc<dyn AliasSource>) -> CheckEnv {
        CheckEnv {
            enable_script_checks: false,
            enable_local_script_checks: false,
            output_max_size: DEFAULT_OUTPUT_MAX_SIZE,
            user_agent: "Consul Health Check".into(),
            docker_host: std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty()).map(Into::into),
            tls: system_tls(),
            min_interval: MIN_INTERVAL,
            alias,
        }
    }

    fn check_script_permission(&self, source: CheckSource) -> Result<(), Error> {
        match source {
            _ if self.enable_script_checks => Ok(()),
            CheckSource::Config if self.enable_local_script_checks => Ok(()),
            CheckSource::Config => Err(Error::new(
                "Scripts are disabled on this agent; to enable, configure 'enable_script_checks' or \
                 'enable_local_script_checks' to true",
            )),
            CheckSource::Api => Err(Error::new(
                "Scripts are disabled on this agent from remote calls; to enable, configure 'enable_script_checks' to true",
            )),
        }
    }
}

/// The one set of TLS clients with the system's authorities.
fn system_tls() -> Arc<CheckTls> {
    static SYSTEM: OnceLock<Arc<CheckTls>> = OnceLock::new();
    SYSTEM.get_or_init(|| Arc::new(CheckTls::system())).clone()
}

/// Output limit in bytes when nothing is configured.
pub const DEFAULT_OUTPUT_MAX_SIZE: usize = 4096;

/// What to run.
pub struct CheckSpec<'a> {
    /// Check id, unique on the agent.
    pub check_id: &'a str,
    /// The definition; checked with [`validate`] by [`start`].
    pub def: &'a CheckType,
    /// Where it came from.
    pub source: CheckSource,
    /// ACL token of the check or its service, else the default one (alias checks use it).
    pub token: &'a str,
}

/// A running check. Dropping it stops the check and kills what it started.
pub struct CheckHandle {
    kind: CheckKind,
    task: JoinHandle<()>,
    ttl: Option<Arc<ttl::Ttl>>,
}

impl CheckHandle {
    /// Kind of the check.
    pub fn kind(&self) -> CheckKind {
        self.kind
    }

    /// Sets the state of a TTL check, restarts its timer and tells the sink. Returns the output as it was stored (cut
    /// to the limit). Fails for other kinds.
    pub fn ttl_set(&self, status: CheckStatus, output: &str) -> Result<String, Error> {
        let ttl = self.ttl.as_ref().ok_or_else(|| Error::new("the check does not have associated TTL"))?;
        Ok(ttl.set(status, output))
    }
}

impl Drop for CheckHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Starts a check; needs a Tokio runtime.
///
/// Errors: an invalid definition (`Check is not valid: ...`), scripts that are not allowed for this source
/// (`spec/services-and-checks.md` 3.3), a kind this system does not have.
pub fn start(spec: CheckSpec<'_>, env: &CheckEnv, sink: Arc<dyn CheckSink>) -> Result<CheckHandle, Error> {
    let CheckSpec { check_id, def, source, token } = spec;
    if check_id.is_empty() {
        return Err(Error::new("CheckID missing"));
    }
    validate(def).map_err(|reason| Error::new(format!("Check is not valid: {reason}")))?;
    let kind = CheckKind::of(def).ok_or_else(|| Error::new("Check type is not valid"))?;
    if matches!(kind, CheckKind::Script | CheckKind::Docker) {
        env.check_script_permission(source)?;
    }
    let check_id: Arc<str> = check_id.into();
    let limit = output_limit(def, env);
    let task = match kind {
        CheckKind::Ttl => {
            let ttl = Arc::new(ttl::Ttl::new(check_id, def.ttl.to_std(), limit, sink));
            return Ok(CheckHandle { kind, task: tokio::spawn(ttl.clone().run()), ttl: Some(ttl) });
        }
        CheckKind::Alias => tokio::spawn(
            alias::Alias {
                check_id,
                node: def.alias_node.clone(),
                service_id: def.alias_service.clone(),
                token: token.to_owned(),
                source: env.alias.clone(),
                sink,
            }
            .run(),
        ),
        _ => {
            let probe = probe(kind, def, env, limit)?;
            let interval = interval(&check_id, def, env);
            tokio::spawn(runner::run(check_id, interval, Thresholds::new(def), probe, sink))
        }
    };
    Ok(CheckHandle { kind, task, ttl: None })
}

/// The smaller of the agent's limit and the check's own.
fn output_limit(def: &CheckType, env: &CheckEnv) -> usize {
    match usize::try_from(def.output_max_size) {
        Ok(own) if own > 0 => own.min(env.output_max_size),
        _ => env.output_max_size,
    }
}

fn interval(check_id: &str, def: &CheckType, env: &CheckEnv) -> Duration {
    let interval = def.interval.to_std();
    if interval >= env.min_interval {
        return interval;
    }
    let minimum = GoDuration::from(env.min_interval);
    tracing::warn!(target: "agent", check = %check_id, minimum_interval = %minimum, "check has interval below minimum");
    env.min_interval
}

/// What a run of this kind does.
fn probe(kind: CheckKind, def: &CheckType, env: &CheckEnv, output_max_size: usize) -> Result<Box<dyn Probe>, Error> {
    let timeout = |default| if def.timeout.0 > 0 { def.timeout.to_std() } else { default };
    let tls_options = || TlsOptions { server_name: def.tls_server_name.clone(), skip_verify: def.tls_skip_verify };
    let tls = |wanted: bool| wanted.then(|| (tls_options(), env.tls.clone()));
    let through_proxy = |proxy: &str, own: &str| if proxy.is_empty() { own.to_owned() } else { proxy.to_owned() };
    let args = || def.script_args.clone().unwrap_or_default();
    Ok(match kind {
        CheckKind::Http => Box::new(http::Http {
            url: through_proxy(&def.proxy_http, &def.http),
            method: def.method.clone(),
            headers: def.header.clone(),
            body: def.body.clone(),
            disable_redirects: def.disable_redirects,
            tls_options: tls_options(),
            tls: env.tls.clone(),
            user_agent: env.user_agent.clone(),
            timeout: timeout(NETWORK_TIMEOUT),
            output_max_size,
        }),
        CheckKind::Tcp => Box::new(tcp::Tcp {
            address: def.tcp.clone(),
            tls: tls(def.tcp_use_tls),
            timeout: timeout(NETWORK_TIMEOUT),
        }),
        CheckKind::Udp => Box::new(udp::Udp { address: def.udp.clone(), timeout: timeout(NETWORK_TIMEOUT) }),
        CheckKind::Grpc => Box::new(grpc::Grpc {
            target: through_proxy(&def.proxy_grpc, &def.grpc),
            tls: tls(def.grpc_use_tls),
            timeout: timeout(NETWORK_TIMEOUT),
        }),
        CheckKind::H2Ping => Box::new(h2ping::H2Ping {
            address: def.h2ping.clone(),
            tls: tls(def.h2ping_use_tls),
            timeout: timeout(NETWORK_TIMEOUT),
        }),
        CheckKind::Script => {
            Box::new(script::Script { args: args(), timeout: timeout(SCRIPT_TIMEOUT), output_max_size })
        }
        CheckKind::Docker => Box::new(docker::Docker {
            container: def.docker_container_id.clone(),
            args: args(),
            engine: docker::Engine::parse(env.docker_host.as_deref()).map_err(Error::new)?,
            timeout: timeout(DOCKER_TIMEOUT),
            output_max_size,
        }),
        // Services of the operating system are those of Windows.
        CheckKind::OsService => return Err(Error::new("not implemented")),
        CheckKind::Ttl | CheckKind::Alias => unreachable!("these do not run at intervals"),
    })
}
