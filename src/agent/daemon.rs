//! The process of an agent: start, signals, reload, leave, exit code (`spec/cli.md` 10).

use super::data_dir::{DataDir, new_node_id, valid_id};
use super::{Agent, Client, Delegate, Leaving, Parts, auto, banner, gossip, notify};
use crate::acl::{self, AclSettings, Tokens};
use crate::auth::jwt::{JwtConfig, Leeways};
use crate::config::{self, Load, RuntimeConfig};
use crate::gossip::Pool;
use crate::rpc::{self, ConnectionSettings, Port, PortLimits, Security};
use crate::server::{AutoConfig, CaSettings, Gossip, Mode, RequestLimits, Server, ServerConfig};
use crate::telemetry::{audit, logging, metrics};
use crate::tls::Configurator;
use crate::types::operator::AutopilotConfig;
use crate::types::{Error, Result, version};
use futures::future::BoxFuture;
use nix::sys::prctl;
use std::ffi::{CString, OsString};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A door on its way to being open: the task ends when the door has closed after `stop`.
pub type Opening = BoxFuture<'static, Result<JoinHandle<()>>>;

/// A way into the agent: the HTTP API, the DNS server. The command line hands the doors in, because they are above this
/// room. `open` binds the listeners, serves until `stop` is set, and returns once everything is bound.
#[derive(Clone, Copy)]
pub struct Door {
    /// `HTTP`, `DNS`: what the log calls it.
    pub name: &'static str,
    /// Binds and serves; the returned task ends when the door has closed after `stop`.
    pub open: fn(Agent, watch::Receiver<bool>) -> Opening,
}

/// Keeps the kernel from backing the heap with huge pages: an agent is mostly small and idle, and a huge page under every
/// touched corner of the heap more than doubles its memory. The first corners are touched before any code of ours runs, so
/// the process starts over once: the switch survives that. A kernel without the switch changes nothing.
fn refuse_huge_pages() {
    if prctl::get_thp_disable() == Ok(true) {
        show_own_name();
        return;
    }
    if prctl::set_thp_disable(true).is_err() {
        return;
    }
    let text = |text: OsString| CString::new(text.into_vec()).ok();
    let arguments: Option<Vec<CString>> = std::env::args_os().map(text).collect();
    let program = std::env::current_exe().ok().and_then(|path| text(path.into_os_string()));
    if let (Some(program), Some(arguments)) = (program, arguments) {
        // on failure the process goes on as it is
        let _ = nix::unistd::execv(&program, &arguments);
    }
}

/// Starting over shows the program's file in the list of processes; this shows the name it was called by.
fn show_own_name() {
    let called = std::env::args_os().next().map(PathBuf::from);
    let name = called.as_deref().and_then(Path::file_name).and_then(|name| CString::new(name.as_bytes()).ok());
    if let Some(name) = name {
        let _ = prctl::set_name(&name);
    }
}

/// Longest graceful leave.
const LEAVE_TIMEOUT: Duration = Duration::from_secs(15);

/// Longest wait for the doors to close.
const DOORS_TIMEOUT: Duration = Duration::from_secs(2);

/// Time between two marks of a server's presence.
const PRESENCE_INTERVAL: Duration = Duration::from_secs(3600);

/// Tries and pause of the connection to syslog.
const SYSLOG_TRIES: (u32, Duration) = (12, Duration::from_secs(5));

/// Runs an agent in the foreground and returns the exit code.
pub fn run(load: Load, doors: &'static [Door]) -> i32 {
    refuse_huge_pages();
    let loaded = match config::load(&load) {
        Ok(loaded) => loaded,
        Err(error) => return refuse(&error.to_string()),
    };
    let config = loaded.config;
    let Some(level) = logging::parse_level(&config.log.log_level) else {
        let levels = "[TRACE DEBUG INFO WARN ERR ERROR]";
        return refuse(&format!("Invalid log level: {}. Valid log levels are: {levels}", config.log.log_level));
    };
    let tls = match Configurator::new(super::tls::settings(&config)) {
        Ok(tls) => Arc::new(tls),
        Err(error) => return refuse(&error),
    };
    if let Err(error) = start_log(&config, level) {
        return refuse(&error);
    }
    if !config.log.log_json {
        println!("==> Starting Tribune agent...");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(std::thread::available_parallelism().map_or(1, usize::from))
        .thread_name("tribune")
        .thread_keep_alive(Duration::from_secs(1))
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return refuse(&format!("failed to start the runtime: {error}")),
    };
    let code = runtime.block_on(live(load, config, tls, &loaded.warnings, doors));
    tracing::info!(target: "agent", code, "Exit code");
    logging::release();
    runtime.shutdown_timeout(Duration::from_secs(1));
    code
}

/// Tells whether a configuration asks for something.
type Wanted = fn(&RuntimeConfig) -> bool;

/// What a configuration may ask for and this version does not have, with the refusal. An agent that was told to be closed
/// must not start open.
const MISSING: &[(Wanted, &str)] = &[(
    |config| {
        config
            .join
            .retry_join
            .iter()
            .chain(&config.join.retry_join_wan)
            .chain(&config.auto_config.server_addresses)
            .any(|address| address.contains("provider="))
    },
    "retry_join: this version does not ask clouds for addresses (provider=...); give IP addresses or DNS names",
)];

/// An error before there is a log.
fn refuse(text: &str) -> i32 {
    eprintln!("==> {text}");
    1
}

fn start_log(config: &RuntimeConfig, level: tracing::Level) -> std::result::Result<(), String> {
    let log = &config.log;
    let file = log.log_file.as_deref().map(|path| logging::Rotation {
        path: logging::Rotation::path_of(path),
        duration: log.log_rotate_duration.to_std(),
        bytes: log.log_rotate_bytes,
        max_files: log.log_rotate_max_files,
        mode: logging::MODE,
    });
    let syslog_facility = log.enable_syslog.then(|| log.syslog_facility.clone());
    let settings = logging::Settings { level, json: log.log_json, file, syslog_facility };
    let (tries, pause) = if log.enable_syslog { SYSLOG_TRIES } else { (1, Duration::ZERO) };
    let mut tried = 1;
    loop {
        match logging::start(&settings) {
            Ok(()) => return Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::NotConnected && tried < tries => {
                eprintln!("==> Syslog setup error: {error}, retrying");
                std::thread::sleep(pause);
                tried += 1;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotConnected => {
                return Err("Syslog setup did not succeed within timeout (1m0s).".to_owned());
            }
            Err(error) => return Err(format!("Failed to setup logging: {error}")),
        }
    }
}

/// Rules of `prefix_filter` with their signs.
pub(super) fn prefix_filter(config: &RuntimeConfig) -> Vec<String> {
    let allowed = config.telemetry.allowed_prefixes.iter().map(|prefix| format!("+{prefix}"));
    allowed.chain(config.telemetry.blocked_prefixes.iter().map(|prefix| format!("-{prefix}"))).collect()
}

fn start_metrics(config: &RuntimeConfig) {
    let telemetry = &config.telemetry;
    metrics::start(metrics::Settings {
        prefix: telemetry.metrics_prefix.clone(),
        disable_hostname: telemetry.disable_hostname,
        filter_default: telemetry.filter_default,
        prefix_filter: prefix_filter(config),
        prometheus_retention: telemetry.prometheus_retention_time.to_std(),
        statsd_address: telemetry.statsd_address.clone(),
        statsite_address: telemetry.statsite_address.clone(),
        dogstatsd_address: telemetry.dogstatsd_addr.clone(),
        dogstatsd_tags: telemetry.dogstatsd_tags.clone(),
    });
    let labels = [("version", version::COMPATIBLE), ("pre_release", "")];
    metrics::gauge_labels("version", 1.0, &labels);
}

/// The signals that mean something to an agent.
struct Signals {
    hangup: Signal,
    interrupt: Signal,
    terminate: Signal,
    pipe: Signal,
    dump: Signal,
}

enum Caught {
    Hangup,
    Interrupt,
    Terminate,
}

impl Caught {
    fn name(&self) -> &'static str {
        match self {
            Caught::Hangup => "hangup",
            Caught::Interrupt => "interrupt",
            Caught::Terminate => "terminated",
        }
    }
}

impl Signals {
    fn listen() -> std::io::Result<Signals> {
        Ok(Signals {
            hangup: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            pipe: signal(SignalKind::pipe())?,
            dump: signal(SignalKind::user_defined1())?,
        })
    }

    /// The next signal that needs an answer; SIGUSR1 dumps the metrics, SIGPIPE is ignored.
    async fn next(&mut self) -> Caught {
        loop {
            tokio::select! {
                _ = self.hangup.recv() => return Caught::Hangup,
                _ = self.interrupt.recv() => return Caught::Interrupt,
                _ = self.terminate.recv() => return Caught::Terminate,
                _ = self.pipe.recv() => {}
                _ = self.dump.recv() => {
                    let summary = serde_json::to_string_pretty(&*metrics::summary());
                    eprintln!("{}", summary.unwrap_or_default());
                }
            }
        }
    }
}

/// What lives as long as the agent does.
struct Process {
    agent: Agent,
    doors: Vec<(&'static str, JoinHandle<()>)>,
    stop_doors: watch::Sender<bool>,
    pid_file: Option<PathBuf>,
    _data_dir: Option<DataDir>,
}

async fn live(
    load: Load,
    config: RuntimeConfig,
    tls: Arc<Configurator>,
    warnings: &[String],
    doors: &'static [Door],
) -> i32 {
    let mut signals = match Signals::listen() {
        Ok(signals) => signals,
        Err(error) => return refuse(&format!("failed to listen for signals: {error}")),
    };
    start_metrics(&config);
    let starting = start(load, config, tls, warnings, doors);
    tokio::pin!(starting);
    let process = loop {
        tokio::select! {
            started = &mut starting => break started,
            caught = signals.next() => {
                tracing::info!(target: "agent", signal = caught.name(), "Caught");
                match caught {
                    Caught::Hangup => tracing::error!(target: "agent", "cannot reload before agent started"),
                    Caught::Interrupt | Caught::Terminate => return 1,
                }
            }
        }
    };
    let process = match process {
        Ok(process) => process,
        Err(error) => {
            logging::release();
            tracing::error!(target: "agent", error = %error, "Error starting agent");
            return 1;
        }
    };
    tracing::info!(target: "agent", "Consul agent running!");
    tokio::spawn(notify::keep_informed(process.agent.clone()));
    if process.agent.config().join.retry_join.is_empty() {
        notify::ready();
    }
    let mut failures = process.agent.start_joins();
    let code = tokio::select! {
        code = serve(&process.agent, &mut signals) => code,
        Some(error) = failures.recv() => {
            tracing::error!(target: "agent", error = %error, "Retry join failed");
            1
        }
    };
    notify::stopping();
    process.end().await;
    code
}

async fn start(
    mut load: Load,
    mut config: RuntimeConfig,
    tls: Arc<Configurator>,
    warnings: &[String],
    doors: &'static [Door],
) -> Result<Process> {
    if let Some((_, refusal)) = MISSING.iter().find(|(wanted, _)| wanted(&config)) {
        return Err(Error::new(*refusal));
    }
    // a second installation of the provider is refused and harmless
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (data_dir, node_id) = identity(&config)?;
    let configured = auto::configure(&mut load, &mut config, &tls).await?;
    if !config.log.log_json {
        print!("{}", banner::text(&config, &node_id));
    }
    logging::release();
    audit::configure(audit_settings(&config))
        .map_err(|error| Error::new(error).prefixed("failed to start the audit log: "))?;
    for warning in warnings {
        tracing::warn!(target: "agent", "{warning}");
    }
    if let Some(warning) = open_to_all(&config) {
        tracing::warn!(target: "agent", "{warning}");
    }
    let (secrets, kept_tokens) = super::tokens::load(&config)?;
    let tokens = Tokens::new(secrets);
    let acl = AclSettings::of(&config, Arc::clone(&tokens));
    let encrypted = auto::encrypt(&config, &tokens, &tls).await?;
    let security = super::tls::security(&tls);
    let (lan, wan, delegate) = match config.server {
        true => {
            let started = start_server(&config, acl, &node_id, &tls, security).await;
            started.map_err(|error| error.prefixed("Failed to start Consul server: "))?
        }
        false => {
            let checked = acl::check(&config.acl);
            checked.map_err(|error| error.prefixed("Failed to start Consul client: "))?;
            let lan = gossip::start_lan(&config, &node_id).await;
            let lan = lan.map_err(|error| error.prefixed("Failed to start Consul client: "))?;
            (lan, None, Delegate::Client(Client::of(&config, security)))
        }
    };
    let parts = Parts { config: config.clone(), load, node_id, tokens, kept_tokens, lan, wan, delegate, tls };
    let agent = Agent::new(parts);
    let mut process = Process {
        agent: agent.clone(),
        doors: Vec::new(),
        stop_doors: watch::Sender::new(false),
        pid_file: None,
        _data_dir: data_dir,
    };
    match process.open(&config, doors).await {
        Ok(()) => {
            if let Some(enrolled) = configured.or(encrypted) {
                tokio::spawn(enrolled.keep(agent));
            }
            Ok(process)
        }
        Err(error) => {
            process.end().await;
            Err(error)
        }
    }
}

/// What to say when everybody who reaches this agent may do everything, and others than this machine reach it.
fn open_to_all(config: &RuntimeConfig) -> Option<String> {
    let doors = [&config.http_addrs, &config.https_addrs, &config.grpc_addrs, &config.grpc_tls_addrs];
    let addresses = doors.into_iter().flatten().filter_map(|listener| listener.ip());
    let open: Vec<String> =
        addresses.filter(|address| !address.ip().is_loopback()).map(|address| address.to_string()).collect();
    (!config.acl.enabled && !open.is_empty()).then(|| {
        format!(
            "ACLs are disabled and the API listens on {}: everybody who reaches it may read and change everything. \
             Set acl.enabled, or listen on a loopback address",
            open.join(", ")
        )
    })
}

/// The data directory, locked, and the node id.
fn identity(config: &RuntimeConfig) -> Result<(Option<DataDir>, String)> {
    let random = config.disable_host_node_id;
    let path = config.data_dir.as_deref().filter(|_| !config.dev_mode);
    let Some(path) = path else {
        let id = match config.node_id.as_str() {
            "" => new_node_id(true),
            id => valid_id(id)
                .map_err(|error| error.prefixed("failed to setup node ID: specified NodeID is invalid: "))?,
        };
        return Ok((None, id));
    };
    let data_dir = DataDir::open(path)?;
    let id = data_dir.node_id(&config.node_id, random).map_err(|error| error.prefixed("failed to setup node ID: "))?;
    if config.server {
        data_dir.check_foreign_log()?;
        data_dir.check_absence(config.server_rejoin_age_max, SystemTime::now())?;
        data_dir.mark_presence(SystemTime::now())?;
    }
    Ok((Some(data_dir), id))
}

/// The server of this agent with its port and its pools.
async fn start_server(
    config: &RuntimeConfig,
    acl: AclSettings,
    node_id: &str,
    tls: &Arc<Configurator>,
    security: Arc<dyn Security>,
) -> Result<(Pool, Option<Pool>, Delegate)> {
    acl::check(&config.acl)?;
    let auto_config = authorizer(config)?;
    let port = server_port(config).await?.with_security(security.clone());
    let lan = gossip::start_lan(config, node_id).await?;
    let wan = gossip::start_wan(config, node_id).await?;
    let pools = Gossip::pools(&config.datacenter, lan.clone(), wan.clone());
    let settings = ServerConfig {
        acl,
        connect: config.connect_enabled.then(|| CaSettings::of(&config.connect)),
        auto_encrypt: config.auto_encrypt.allow_tls,
        auto_config,
        tls: tls.clone(),
        ..server_config(config, node_id, security)?
    };
    let server = Server::start(settings, pools, Some(port)).await?;
    Ok((lan, wan, Delegate::Server(server)))
}

/// Whom this server hands configurations to; none without `auto_config.authorization`.
fn authorizer(config: &RuntimeConfig) -> Result<Option<Arc<AutoConfig>>> {
    let rules = config.auto_config.authorization.clone();
    if !rules.enabled {
        return Ok(None);
    }
    if rules.claim_assertions.is_empty() {
        tracing::warn!(
            target: "agent",
            "auto_config.authorization.static has no claim_assertions: whoever has a token may take the name of any node"
        );
    }
    let tokens = JwtConfig {
        validation_pub_keys: rules.jwt_validation_pub_keys,
        jwks_url: rules.jwks_url,
        jwks_ca_cert: rules.jwks_ca_cert,
        oidc_discovery_url: rules.oidc_discovery_url,
        oidc_discovery_ca_cert: rules.oidc_discovery_ca_cert,
        supported_algs: rules.jwt_supported_algs,
        bound_audiences: rules.bound_audiences,
        bound_issuer: rules.bound_issuer,
        claim_mappings: rules.claim_mappings,
        list_claim_mappings: rules.list_claim_mappings,
        leeways: Leeways {
            expiration: rules.expiration_leeway,
            not_before: rules.not_before_leeway,
            clock_skew: rules.clock_skew_leeway,
        },
    };
    AutoConfig::new(tokens, rules.claim_assertions, auto::common(config)).map(|made| Some(Arc::new(made)))
}

/// Binds the server port.
async fn server_port(config: &RuntimeConfig) -> Result<Port> {
    let Some(address) = config.rpc_bind_addr else { return Err(Error::new("server-port must be greater than zero")) };
    let limits = PortLimits {
        handshake_timeout: config.limits.rpc_handshake_timeout.to_std(),
        max_conns_per_client: config.limits.rpc_max_conns_per_client,
        streaming: config.rpc_enable_streaming,
    };
    let failed = |error: std::io::Error| {
        let reason = match error.kind() {
            std::io::ErrorKind::AddrInUse => "address already in use".to_owned(),
            std::io::ErrorKind::AddrNotAvailable => "cannot assign requested address".to_owned(),
            std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        Error::new(format!("Failed to start RPC layer: listen tcp {address}: bind: {reason}"))
    };
    rpc::listen(address, limits).await.map_err(failed)
}

/// Address and port of the server that others are told.
fn server_address(config: &RuntimeConfig) -> Result<SocketAddr> {
    let advertised = config.advertise_addr.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let port = u16::try_from(config.ports.server).map_err(|_| Error::new("server-port must be greater than zero"))?;
    Ok(config.rpc_advertise_addr.unwrap_or(SocketAddr::new(advertised, port)))
}

fn server_config(config: &RuntimeConfig, node_id: &str, security: Arc<dyn Security>) -> Result<ServerConfig> {
    let base = ServerConfig::new(&config.datacenter, &config.node_name, node_id, server_address(config)?);
    let autopilot = AutopilotConfig {
        cleanup_dead_servers: config.autopilot.cleanup_dead_servers,
        last_contact_threshold: config.autopilot.last_contact_threshold,
        max_trailing_logs: config.autopilot.max_trailing_logs,
        min_quorum: config.autopilot.min_quorum.into(),
        server_stabilization_time: config.autopilot.server_stabilization_time,
        ..AutopilotConfig::default()
    };
    Ok(ServerConfig {
        data_dir: config.data_dir.clone().filter(|_| !config.dev_mode),
        dev: config.dev_mode,
        bootstrap: config.bootstrap || config.dev_mode,
        bootstrap_expect: config.bootstrap_expect,
        rpc_client_timeout: config.limits.rpc_client_timeout.to_std(),
        request_limits: request_limits(config),
        leave_drain_time: config.performance.leave_drain_time.to_std(),
        raft_multiplier: config.performance.raft_multiplier,
        raft_snapshot_interval: config.raft.raft_snapshot_interval.to_std(),
        raft_snapshot_threshold: config.raft.raft_snapshot_threshold,
        raft_trailing_logs: config.raft.raft_trailing_logs,
        default_query_time: config.default_query_time.to_std(),
        max_query_time: config.max_query_time.to_std(),
        rpc_hold_timeout: config.performance.rpc_hold_timeout.to_std(),
        session_ttl_min: match config.session_ttl_min.is_zero() {
            true => base.session_ttl_min,
            false => config.session_ttl_min.to_std(),
        },
        server_health_interval: config.server_health_interval.to_std().max(Duration::from_millis(10)),
        autopilot,
        connections: ConnectionSettings { security, ..base.connections.clone() },
        ..base
    })
}

/// What goes to the audit log; no sinks while it is off.
pub(super) fn audit_settings(config: &RuntimeConfig) -> audit::Settings {
    let sinks = config.audit.sinks.iter().filter(|_| config.audit.enabled).map(|sink| {
        let rotation = logging::Rotation {
            path: match sink.path.ends_with('/') {
                true => Path::new(&sink.path).join("audit.json"),
                false => PathBuf::from(&sink.path),
            },
            duration: sink.rotate_duration.to_std(),
            bytes: sink.rotate_bytes,
            max_files: sink.rotate_max_files,
            mode: sink.mode,
        };
        (sink.name.clone(), rotation)
    });
    audit::Settings { rpc: config.audit.rpc_enabled, reads: config.audit.include_reads, sinks: sinks.collect() }
}

/// How many requests per second the server takes up.
pub(super) fn request_limits(config: &RuntimeConfig) -> RequestLimits {
    RequestLimits {
        mode: Mode::named(&config.limits.request_limits_mode),
        read_rate: config.limits.request_limits_read_rate,
        write_rate: config.limits.request_limits_write_rate,
    }
}

impl Process {
    /// Starts duties and doors, and writes the pid file.
    async fn open(&mut self, config: &RuntimeConfig, doors: &'static [Door]) -> Result<()> {
        self.agent.start_duties()?;
        if let Some(path) = config.data_dir.clone().filter(|_| config.server && !config.dev_mode) {
            tokio::spawn(keep_presence(path));
        }
        for door in doors {
            let task = (door.open)(self.agent.clone(), self.stop_doors.subscribe()).await;
            let task = task.map_err(|error| error.prefixed(&format!("failed to start {} server: ", door.name)))?;
            self.doors.push((door.name, task));
        }
        self.agent.restart_watches(config)?;
        if let Some(path) = &config.pid_file {
            write_pid_file(path)?;
            self.pid_file = Some(path.clone());
        }
        Ok(())
    }

    /// Stops everything, in the order of `spec/cli.md` 10.6.
    async fn end(self) {
        self.agent.shutdown().await;
        for (protocol, _) in &self.doors {
            tracing::info!(target: "agent", protocol, "Stopping server");
        }
        self.stop_doors.send_replace(true);
        tracing::info!(target: "agent", "Waiting for endpoints to shut down");
        for (protocol, mut task) in self.doors {
            if tokio::time::timeout(DOORS_TIMEOUT, &mut task).await.is_err() {
                tracing::warn!(target: "agent", protocol, "Timeout stopping server");
                task.abort();
            }
        }
        tracing::info!(target: "agent", "Endpoints down");
        if let Some(path) = self.pid_file
            && let Err(error) = std::fs::remove_file(path)
        {
            tracing::warn!(target: "agent", error = %error, "could not delete pid file");
        }
    }
}

async fn keep_presence(data_dir: PathBuf) {
    loop {
        tokio::time::sleep(PRESENCE_INTERVAL).await;
        if let Err(error) = super::data_dir::mark_presence(&data_dir, SystemTime::now()) {
            tracing::error!(target: "agent", error = %error, "failed to update server metadata");
        }
    }
}

fn write_pid_file(path: &Path) -> Result<()> {
    let written = std::fs::write(path, std::process::id().to_string());
    written.map_err(|error| Error::new(format!("Could not open pid file: {}: {error}", path.display())))
}

/// Waits for a signal or a leave through the API, and returns the exit code.
async fn serve(agent: &Agent, signals: &mut Signals) -> i32 {
    let mut leaving = agent.inner.leaving.subscribe();
    loop {
        tokio::select! {
            _ = leaving.wait_for(|leaving| *leaving == Leaving::Left) => return 0,
            caught = signals.next() => {
                tracing::info!(target: "agent", signal = caught.name(), "Caught");
                let config = agent.config();
                let graceful = match caught {
                    Caught::Hangup => {
                        if let Err(error) = agent.reload().await {
                            tracing::error!(target: "agent", error = %error, "Reload config failed");
                        }
                        continue;
                    }
                    Caught::Interrupt => !config.skip_leave_on_interrupt,
                    Caught::Terminate => config.leave_on_terminate,
                };
                if !graceful {
                    tracing::info!(target: "agent", "Graceful shutdown disabled. Exiting");
                    return 1;
                }
                return leave_gracefully(agent, signals).await;
            }
        }
    }
}

/// Leaves within the time limit; another signal ends it.
async fn leave_gracefully(agent: &Agent, signals: &mut Signals) -> i32 {
    tracing::info!(target: "agent", "Gracefully shutting down agent...");
    let timeout = tokio::time::sleep(LEAVE_TIMEOUT);
    tokio::pin!(timeout);
    let leave = async {
        if let Err(error) = agent.leave_cluster().await {
            tracing::error!(target: "agent", error = %error, "Error on leave");
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        () = leave => {
            tracing::info!(target: "agent", "Graceful exit completed");
            0
        }
        caught = signals.next() => {
            tracing::info!(target: "agent", signal = caught.name(), "Caught second signal, Exiting");
            1
        }
        () = &mut timeout => {
            tracing::error!(target: "agent", "Timeout on graceful leave. Exiting");
            1
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::ListenAddr;

    #[test]
    fn an_agent_that_everybody_reaches_and_nobody_guards_says_so() {
        let listens = |address: &str, acl: bool| {
            let address = ListenAddr::Ip(address.parse().expect("an address"));
            let mut config = RuntimeConfig { http_addrs: vec![address], ..RuntimeConfig::default() };
            config.acl.enabled = acl;
            open_to_all(&config)
        };
        assert_eq!(listens("127.0.0.1:8500", false), None);
        assert_eq!(listens("[::1]:8500", false), None);
        assert_eq!(listens("0.0.0.0:8500", true), None);
        for open in ["0.0.0.0:8500", "10.0.0.1:8500", "[::]:8500"] {
            let warning = listens(open, false).expect("a warning");
            assert!(warning.starts_with(&format!("ACLs are disabled and the API listens on {open}: ")), "{warning}");
        }
    }
}
