//! `RuntimeConfig`: what the rest of the house reads; every value is resolved and valid.
//!
//! Fields carry the names of the configuration keys (`spec/agent-config.md` 3); R in a field's text means that a reload
//! applies it.

use super::definition::{CheckDefinitionFile, ServiceDefinition};
pub use super::settings::*;
use crate::types::secret::hidden;
use crate::types::{GoDuration, Locality};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// The configuration of a running agent.
#[derive(Clone, derive_more::Debug, Default, PartialEq)]
pub struct RuntimeConfig {
    // identity
    /// `-dev`.
    pub dev_mode: bool,
    /// Server or client.
    pub server: bool,
    /// Node name.
    pub node_name: String,
    /// Node id as configured, lowercased; empty when the agent chooses it (section 5).
    pub node_id: String,
    /// Random node id instead of one made from the host.
    pub disable_host_node_id: bool,
    /// Datacenter, lowercased.
    pub datacenter: String,
    /// Primary datacenter, lowercased.
    pub primary_datacenter: String,
    /// Node metadata as configured. R
    pub node_meta: BTreeMap<String, String>,
    /// Tagged addresses of the node: `lan`, `wan`, ... and the user's.
    pub tagged_addresses: BTreeMap<String, String>,
    /// Region and zone.
    pub locality: Option<Locality>,
    /// Data directory; empty in dev mode.
    pub data_dir: Option<PathBuf>,
    /// Pid file.
    pub pid_file: Option<PathBuf>,
    /// Bootstrap alone. Also true for `bootstrap_expect = 1`.
    pub bootstrap: bool,
    /// Servers to wait for; 0 when not used.
    pub bootstrap_expect: u32,
    /// Serf protocol.
    pub protocol: i64,

    // addresses
    /// Cluster bind address.
    pub bind_addr: Option<IpAddr>,
    /// LAN advertise address.
    pub advertise_addr: Option<IpAddr>,
    /// WAN advertise address.
    pub advertise_addr_wan: Option<IpAddr>,
    /// Client addresses, as in the banner.
    pub client_addrs: Vec<String>,
    /// DNS listeners.
    pub dns_addrs: Vec<SocketAddr>,
    /// HTTP listeners.
    pub http_addrs: Vec<ListenAddr>,
    /// HTTPS listeners.
    pub https_addrs: Vec<ListenAddr>,
    /// Plaintext gRPC listeners.
    pub grpc_addrs: Vec<ListenAddr>,
    /// gRPC listeners with TLS.
    pub grpc_tls_addrs: Vec<ListenAddr>,
    /// Server RPC listener.
    pub rpc_bind_addr: Option<SocketAddr>,
    /// Server RPC address that others use.
    pub rpc_advertise_addr: Option<SocketAddr>,
    /// LAN gossip listener.
    pub serf_bind_addr_lan: Option<SocketAddr>,
    /// WAN gossip listener; none on clients or with a port of -1.
    pub serf_bind_addr_wan: Option<SocketAddr>,
    /// LAN gossip address that others use.
    pub serf_advertise_addr_lan: Option<SocketAddr>,
    /// WAN gossip address that others use.
    pub serf_advertise_addr_wan: Option<SocketAddr>,
    /// Networks allowed in LAN gossip; empty allows all.
    pub serf_lan_allowed_cidrs: Vec<Cidr>,
    /// Networks allowed in WAN gossip; empty allows all.
    pub serf_wan_allowed_cidrs: Vec<Cidr>,
    /// Ports.
    pub ports: Ports,
    /// Ownership of unix sockets.
    pub unix_sockets: UnixSockets,
    /// Answer with WAN addresses for other datacenters.
    pub translate_wan_addrs: bool,

    // doors
    /// DNS domain with a final dot, lowercased.
    pub domain: String,
    /// Second DNS domain with a final dot, lowercased; empty for none.
    pub alt_domain: String,
    /// `dns_config`. R
    pub dns_config: DnsConfig,
    /// Recursors as `host:port`. R
    pub recursors: Vec<String>,
    /// `http_config`.
    pub http_config: HttpConfig,
    /// `limits`.
    pub limits: Limits,
    /// `audit`. R
    pub audit: AuditConfig,
    /// `ui_config`.
    pub ui_config: UiConfig,
    /// pprof endpoints. R
    pub enable_debug: bool,
    /// Do not clean output of unprintable characters.
    pub disable_http_unprintable_char_filter: bool,
    /// Default wait of a blocking query.
    pub default_query_time: GoDuration,
    /// Longest wait of a blocking query.
    pub max_query_time: GoDuration,
    /// Stale discovery reads over HTTP.
    pub discovery_max_stale: GoDuration,

    // logs and metrics
    /// Log settings.
    pub log: LogConfig,
    /// `telemetry`.
    pub telemetry: TelemetryConfig,

    // services and checks
    /// Services of the configuration files. R
    pub services: Vec<ServiceDefinition>,
    /// Checks of the configuration files. R
    pub checks: Vec<CheckDefinitionFile>,
    /// Watches as given, validated. R
    #[debug("{}", hidden(watches))]
    pub watches: Vec<Map<String, Value>>,
    /// Scripts from files and the API.
    pub enable_script_checks: bool,
    /// Scripts from files.
    pub enable_local_script_checks: bool,
    /// Keep no output of checks. R
    pub discard_check_output: bool,
    /// Output limit of a check, bytes.
    pub check_output_max_size: i64,
    /// Delay of output-only syncs.
    pub check_update_interval: GoDuration,
    /// Least deregister_critical_service_after.
    pub check_deregister_interval_min: GoDuration,
    /// Time between looks for services to reap.
    pub check_reap_interval: GoDuration,
    /// Time between full syncs, before scaling.
    pub ae_interval: GoDuration,
    /// Remote exec through events is off.
    pub disable_remote_exec: bool,
    /// Central service configuration.
    pub enable_central_service_config: bool,

    // cluster
    /// Raft storage.
    pub raft: RaftSettings,
    /// `performance` and raft timing.
    pub performance: PerformanceConfig,
    /// Initial autopilot configuration.
    pub autopilot: AutopilotSettings,
    /// LAN gossip.
    pub gossip_lan: GossipConfig,
    /// WAN gossip.
    pub gossip_wan: GossipConfig,
    /// Joining.
    pub join: JoinConfig,
    /// Leave on SIGTERM.
    pub leave_on_terminate: bool,
    /// Do not leave on SIGINT.
    pub skip_leave_on_interrupt: bool,
    /// Forget failed members after this time.
    pub reconnect_timeout: GoDuration,
    /// The same for the WAN.
    pub reconnect_timeout_wan: GoDuration,
    /// Client: time after which others forget this node.
    pub advertise_reconnect_timeout: GoDuration,
    /// Longest absence after which a server may come back.
    pub server_rejoin_age_max: GoDuration,
    /// Least TTL of a session; zero means 10s.
    pub session_ttl_min: GoDuration,
    /// Gossip key, base64; empty for none.
    #[debug("{}", hidden(encrypt))]
    pub encrypt: String,
    /// Refuse unencrypted gossip. R
    pub encrypt_verify_incoming: bool,
    /// Encrypt outgoing gossip. R
    pub encrypt_verify_outgoing: bool,
    /// Keep the keyring in memory only.
    pub disable_keyring_file: bool,
    /// No network coordinates.
    pub disable_coordinates: bool,
    /// No coordinate is sent more often than this.
    pub sync_coordinate_interval_min: GoDuration,
    /// Coordinate updates per second of the whole cluster.
    pub sync_coordinate_rate_target: f64,
    /// Time between two looks at the health of the servers.
    pub server_health_interval: GoDuration,
    /// No update check.
    pub disable_update_check: bool,
    /// No signature file.
    pub disable_anonymous_signature: bool,
    /// Watch configuration files.
    pub auto_reload_config: bool,

    // kept for later rooms
    /// `acl`.
    pub acl: AclConfig,
    /// `tls`. R
    pub tls: TlsConfig,
    /// `allow`, `deny` or empty.
    pub default_intention_policy: String,
    /// `connect.enabled`.
    pub connect_enabled: bool,
    /// `connect` as given.
    #[debug("{}", hidden(connect))]
    pub connect: Map<String, Value>,
    /// `peering.enabled`.
    pub peering_enabled: bool,
    /// `auto_encrypt`.
    pub auto_encrypt: AutoEncrypt,
    /// `auto_config`.
    pub auto_config: AutoConfig,
    /// `config_entries.bootstrap`.
    #[debug("{}", hidden(config_entries_bootstrap))]
    pub config_entries_bootstrap: Vec<Map<String, Value>>,
    /// `cache` fetch rate per second; infinite without a limit. R
    pub cache_entry_fetch_rate: f64,
    /// `cache` burst. R
    pub cache_entry_fetch_max_burst: usize,
    /// Streaming endpoint on servers.
    pub rpc_enable_streaming: bool,
    /// Use the streaming endpoint.
    pub use_streaming_backend: bool,
    /// `xds.update_max_per_second`. R
    pub xds_update_max_per_second: f64,
    /// `experiments`.
    pub experiments: Vec<String>,
    /// Files that were read, for `auto_reload_config`.
    pub config_files: Vec<PathBuf>,
}

impl RuntimeConfig {
    /// This configuration after a reload: reloadable values (R) come from `new`, all others stay as they are.
    pub fn reloaded(&self, new: &RuntimeConfig) -> RuntimeConfig {
        let mut next = self.clone();
        let new = new.clone();
        next.services = new.services;
        next.checks = new.checks;
        next.watches = new.watches;
        next.node_meta = new.node_meta;
        next.discard_check_output = new.discard_check_output;
        next.dns_config = new.dns_config;
        next.recursors = new.recursors;
        next.enable_debug = new.enable_debug;
        next.log.log_level = new.log.log_level;
        next.telemetry.allowed_prefixes = new.telemetry.allowed_prefixes;
        next.telemetry.blocked_prefixes = new.telemetry.blocked_prefixes;
        next.limits = Limits {
            https_handshake_timeout: self.limits.https_handshake_timeout,
            rpc_handshake_timeout: self.limits.rpc_handshake_timeout,
            kv_max_value_size: self.limits.kv_max_value_size,
            txn_max_req_len: self.limits.txn_max_req_len,
            ..new.limits
        };
        next.audit = new.audit;
        next.ui_config = UiConfig {
            enabled: self.ui_config.enabled,
            dir: self.ui_config.dir.clone(),
            content_path: self.ui_config.content_path.clone(),
            ..new.ui_config
        };
        next.raft.raft_snapshot_threshold = new.raft.raft_snapshot_threshold;
        next.raft.raft_snapshot_interval = new.raft.raft_snapshot_interval;
        next.raft.raft_trailing_logs = new.raft.raft_trailing_logs;
        next.performance.raft_multiplier = new.performance.raft_multiplier;
        next.performance.raft_election_timeout = new.performance.raft_election_timeout;
        next.performance.raft_heartbeat_timeout = new.performance.raft_heartbeat_timeout;
        next.performance.raft_leader_lease_timeout = new.performance.raft_leader_lease_timeout;
        next.encrypt_verify_incoming = new.encrypt_verify_incoming;
        next.encrypt_verify_outgoing = new.encrypt_verify_outgoing;
        next.acl.tokens = new.acl.tokens;
        next.tls = new.tls;
        next.config_entries_bootstrap = new.config_entries_bootstrap;
        next.cache_entry_fetch_rate = new.cache_entry_fetch_rate;
        next.cache_entry_fetch_max_burst = new.cache_entry_fetch_max_burst;
        next.xds_update_max_per_second = new.xds_update_max_per_second;
        next.config_files = new.config_files;
        next
    }
}
