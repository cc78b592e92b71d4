//! The blocks of a [`RuntimeConfig`](super::RuntimeConfig), named after the blocks of a configuration file.
//!
//! R in a field's text means that a reload applies it.

pub use crate::tls::{TlsConfig, TlsProtocol};
use crate::types::GoDuration;
use crate::types::secret::hidden;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

/// Where a listener listens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ListenAddr {
    /// TCP (and UDP for DNS).
    Ip(SocketAddr),
    /// A unix socket; an existing file is replaced.
    Unix(PathBuf),
}

impl ListenAddr {
    /// The IP address and port, unless it is a unix socket.
    pub fn ip(&self) -> Option<SocketAddr> {
        match self {
            ListenAddr::Ip(address) => Some(*address),
            ListenAddr::Unix(_) => None,
        }
    }
}

impl fmt::Display for ListenAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListenAddr::Ip(address) => write!(f, "{address}"),
            ListenAddr::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Port numbers; 0 or less means that the listener is off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// DNS, UDP and TCP.
    pub dns: i32,
    /// HTTP API.
    pub http: i32,
    /// HTTPS API.
    pub https: i32,
    /// Plaintext gRPC.
    pub grpc: i32,
    /// gRPC over TLS.
    pub grpc_tls: i32,
    /// LAN gossip.
    pub serf_lan: i32,
    /// WAN gossip.
    pub serf_wan: i32,
    /// Server RPC.
    pub server: i32,
    /// First sidecar port.
    pub sidecar_min_port: i32,
    /// Last sidecar port.
    pub sidecar_max_port: i32,
    /// First port for exposed checks.
    pub expose_min_port: i32,
    /// Last port for exposed checks.
    pub expose_max_port: i32,
}

/// Ownership and mode of unix sockets; empty text leaves them as the system makes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnixSockets {
    /// User name or id.
    pub user: String,
    /// Group name or id.
    pub group: String,
    /// Octal mode.
    pub mode: String,
}

/// Start of authority values, seconds (`spec/dns.md` 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Soa {
    /// Refresh.
    pub refresh: u32,
    /// Retry.
    pub retry: u32,
    /// Expire.
    pub expire: u32,
    /// Minimum TTL, also the TTL of the record.
    pub min_ttl: u32,
}

impl Default for Soa {
    fn default() -> Self {
        Soa { refresh: 3600, retry: 600, expire: 86400, min_ttl: 0 }
    }
}

/// Order in which recursors are asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecursorStrategy {
    /// As listed.
    #[default]
    Sequential,
    /// A new permutation for every query.
    Random,
}

/// `dns_config` (`spec/dns.md` 10), all R.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsConfig {
    /// Any server may answer.
    pub allow_stale: bool,
    /// Oldest answer that a follower may give.
    pub max_stale: GoDuration,
    /// TTL of node answers.
    pub node_ttl: GoDuration,
    /// TTL by service name; keys ending in `*` are prefixes.
    pub service_ttl: BTreeMap<String, GoDuration>,
    /// Set TC when answers were cut.
    pub enable_truncate: bool,
    /// Drop instances in warning.
    pub only_passing: bool,
    /// Answers over UDP without EDNS.
    pub udp_answer_limit: usize,
    /// Instances in an A or AAAA answer; 0 for no limit.
    pub a_record_limit: usize,
    /// Send names in full.
    pub disable_compression: bool,
    /// Time limit of one try.
    pub recursor_timeout: GoDuration,
    /// Order of tries.
    pub recursor_strategy: RecursorStrategy,
    /// Add node metadata to the additional section.
    pub enable_additional_node_meta_txt: bool,
    /// SOA values.
    pub soa: Soa,
    /// Serve from the agent cache.
    pub use_cache: bool,
    /// Oldest cached answer; zero for no bound.
    pub cache_max_age: GoDuration,
}

impl DnsConfig {
    /// TTL of a service in seconds: exact name, then the longest prefix, then 0 (`spec/dns.md` 4.5).
    pub fn ttl_of(&self, service: &str) -> u32 {
        let seconds = |ttl: &GoDuration| u32::try_from(ttl.0 / 1_000_000_000).unwrap_or(0);
        if let Some(ttl) = self.service_ttl.get(service) {
            return seconds(ttl);
        }
        self.service_ttl
            .iter()
            .filter_map(|(key, ttl)| Some((key.strip_suffix('*')?, ttl)))
            .filter(|(prefix, _)| service.starts_with(prefix))
            .max_by_key(|(prefix, _)| prefix.len())
            .map_or(0, |(_, ttl)| seconds(ttl))
    }
}

/// `http_config`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpConfig {
    /// Path prefixes that answer 403.
    pub block_endpoints: Vec<String>,
    /// Networks that may call the agent's write endpoints; empty allows all.
    pub allow_write_http_from: Vec<Cidr>,
    /// Headers of every answer.
    pub response_headers: BTreeMap<String, String>,
    /// Allow `?cached`.
    pub use_cache: bool,
    /// Limit of a request's headers, bytes; 0 for 1 MiB.
    pub max_header_bytes: u32,
}

/// A network in prefix notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cidr {
    /// Network address.
    pub address: IpAddr,
    /// Prefix length, bits.
    pub bits: u8,
}

impl Cidr {
    /// True when the address lies in the network; an IPv4-mapped IPv6 address counts as IPv4.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let number = |ip: IpAddr| match ip.to_canonical() {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, 32),
            IpAddr::V6(v6) => (u128::from(v6), 128),
        };
        let ((network, width), (ip, ip_width)) = (number(self.address), number(ip));
        width == ip_width && (self.bits == 0 || (network ^ ip) >> (128 - u32::from(self.bits)) == 0)
    }
}

impl std::str::FromStr for Cidr {
    type Err = String;

    /// Parses `10.0.0.0/8`; the error is the reference's text.
    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("invalid CIDR address: {text}");
        let (address, bits) = text.split_once('/').ok_or_else(invalid)?;
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let bits: u8 = bits.parse().map_err(|_| invalid())?;
        if bits > if address.is_ipv4() { 32 } else { 128 } {
            return Err(invalid());
        }
        Ok(Cidr { address, bits })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

/// `limits`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Open HTTP connections of one client address; 0 for no limit. R
    pub http_max_conns_per_client: usize,
    /// Time limit of the TLS handshake.
    pub https_handshake_timeout: GoDuration,
    /// `disabled`, `permissive` or `enforcing`. R
    pub request_limits_mode: String,
    /// Reads per second; negative for no limit. R
    pub request_limits_read_rate: f64,
    /// Writes per second; negative for no limit. R
    pub request_limits_write_rate: f64,
    /// Time limit of the RPC handshake.
    pub rpc_handshake_timeout: GoDuration,
    /// Time limit of an RPC to a server. R
    pub rpc_client_timeout: GoDuration,
    /// RPCs per second of this agent; negative for no limit. R
    pub rpc_rate: f64,
    /// Burst of RPCs. R
    pub rpc_max_burst: usize,
    /// RPC connections of one client address; 0 for no limit. R
    pub rpc_max_conns_per_client: usize,
    /// Largest value of a key, bytes.
    pub kv_max_value_size: u64,
    /// Largest transaction, bytes.
    pub txn_max_req_len: u64,
}

/// `audit` (`docs/audit.md`). R
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditConfig {
    /// Operations are written.
    pub enabled: bool,
    /// Those that arrive at the server port as well.
    pub rpc_enabled: bool,
    /// Those that change nothing as well.
    pub include_reads: bool,
    /// The files, by name.
    pub sinks: Vec<AuditSink>,
}

/// `audit.sink`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditSink {
    /// Label of the block.
    pub name: String,
    /// The file.
    pub path: String,
    /// Its permissions.
    pub mode: u32,
    /// Age at which it is rotated; zero for never.
    pub rotate_duration: GoDuration,
    /// Size at which it is rotated; 0 for never.
    pub rotate_bytes: u64,
    /// Rotated files to keep: 0 all, negative none.
    pub rotate_max_files: i64,
}

/// Log settings (`spec/agent-config.md` 8).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogConfig {
    /// Level as given; `TRACE DEBUG INFO WARN ERR ERROR` in any case. R
    pub log_level: String,
    /// One JSON object a line.
    pub log_json: bool,
    /// File; a path ending in `/` gets `consul.log`.
    pub log_file: Option<String>,
    /// Age at which the file is rotated.
    pub log_rotate_duration: GoDuration,
    /// Size at which the file is rotated; 0 for never.
    pub log_rotate_bytes: u64,
    /// Rotated files to keep: 0 all, negative none.
    pub log_rotate_max_files: i64,
    /// Also log to syslog.
    pub enable_syslog: bool,
    /// Syslog facility.
    pub syslog_facility: String,
}

/// `telemetry` (`spec/agent-config.md` 9).
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq)]
pub struct TelemetryConfig {
    /// First element of every name.
    pub metrics_prefix: String,
    /// Leave the host name out of gauge names.
    pub disable_hostname: bool,
    /// Allow names that no rule matches.
    pub filter_default: bool,
    /// Allowed prefixes, without the sign. R
    pub allowed_prefixes: Vec<String>,
    /// Blocked prefixes, without the sign. R
    pub blocked_prefixes: Vec<String>,
    /// Zero turns the Prometheus form off.
    pub prometheus_retention_time: GoDuration,
    /// StatsD sink.
    pub statsd_address: String,
    /// Statsite sink.
    pub statsite_address: String,
    /// DogStatsD sink.
    pub dogstatsd_addr: String,
    /// Tags for DogStatsD.
    pub dogstatsd_tags: Vec<String>,
    /// No per-tenancy usage metrics.
    pub disable_per_tenancy_usage_metrics: bool,
    /// Host metrics.
    pub enable_host_metrics: bool,
    /// Retry sinks whose name does not resolve.
    pub retry_failed_connection: bool,
    /// `circonus_*` as given.
    #[debug("{}", hidden(circonus))]
    pub circonus: BTreeMap<String, String>,
}

/// `performance` and the raft timing it gives (`spec/agent-config.md` 4.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PerformanceConfig {
    /// Scales the raft timing, 1 to 10. R
    pub raft_multiplier: u32,
    /// Time that a leaving server keeps answering.
    pub leave_drain_time: GoDuration,
    /// Time that an RPC waits for a leader.
    pub rpc_hold_timeout: GoDuration,
    /// gRPC keepalive.
    pub grpc_keepalive_interval: GoDuration,
    /// gRPC keepalive.
    pub grpc_keepalive_timeout: GoDuration,
    /// Spread xDS streams over the servers.
    pub enable_xds_load_balancing: bool,
    /// Raft election timeout.
    pub raft_election_timeout: GoDuration,
    /// Raft heartbeat timeout.
    pub raft_heartbeat_timeout: GoDuration,
    /// Raft leader lease.
    pub raft_leader_lease_timeout: GoDuration,
}

/// Raft storage settings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RaftSettings {
    /// Protocol version.
    pub raft_protocol: i64,
    /// Entries between snapshots. R
    pub raft_snapshot_threshold: u64,
    /// Time between looks at the threshold. R
    pub raft_snapshot_interval: GoDuration,
    /// Entries kept behind a snapshot. R
    pub raft_trailing_logs: u64,
    /// No pre-vote.
    pub raft_prevote_disabled: bool,
    /// `raft_logstore` as given.
    pub raft_logstore: Map<String, Value>,
}

/// `autopilot`: initial values of the cluster's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AutopilotSettings {
    /// Remove failed servers when another joins.
    pub cleanup_dead_servers: bool,
    /// Longest silence of a healthy server.
    pub last_contact_threshold: GoDuration,
    /// Longest log lag of a healthy server.
    pub max_trailing_logs: u64,
    /// Least number of servers to keep.
    pub min_quorum: u32,
    /// Time a new server must be healthy before it votes.
    pub server_stabilization_time: GoDuration,
}

/// `gossip_lan` and `gossip_wan`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GossipConfig {
    /// Nodes gossiped to at each interval.
    pub gossip_nodes: usize,
    /// Time between gossip messages.
    pub gossip_interval: GoDuration,
    /// Time between probes.
    pub probe_interval: GoDuration,
    /// Time limit of a probe.
    pub probe_timeout: GoDuration,
    /// Suspicion time factor.
    pub suspicion_mult: u32,
    /// Retransmit factor.
    pub retransmit_mult: u32,
}

/// Joining (`spec/agent-config.md` 6).
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq)]
pub struct JoinConfig {
    /// LAN addresses and discovery strings.
    #[debug("{}", hidden(retry_join))]
    pub retry_join: Vec<String>,
    /// WAN addresses and discovery strings.
    #[debug("{}", hidden(retry_join_wan))]
    pub retry_join_wan: Vec<String>,
    /// Time between tries.
    pub retry_interval: GoDuration,
    /// Time between tries.
    pub retry_interval_wan: GoDuration,
    /// Tries; 0 for no limit.
    pub retry_max: u64,
    /// Tries; 0 for no limit.
    pub retry_max_wan: u64,
    /// Join the last known members after a leave.
    pub rejoin_after_leave: bool,
    /// `primary_gateways`.
    pub primary_gateways: Vec<String>,
    /// Time between looks at the primary gateways.
    pub primary_gateways_interval: GoDuration,
}

/// `auto_encrypt` (`spec/acl-and-tls.md` 16).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AutoEncrypt {
    /// A client agent asks the servers for a certificate.
    pub tls: bool,
    /// A server signs for those who ask.
    pub allow_tls: bool,
    /// Further DNS names of the certificate.
    pub dns_san: Vec<String>,
    /// Further addresses of the certificate.
    pub ip_san: Vec<IpAddr>,
}

/// `auto_config` (`spec/acl-and-tls.md` 17).
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq)]
pub struct AutoConfig {
    /// A client agent asks the servers for its configuration.
    pub enabled: bool,
    /// What it proves itself with: a JSON web token.
    #[debug("{}", hidden(intro_token))]
    pub intro_token: String,
    /// File that holds it.
    pub intro_token_file: String,
    /// Servers to ask: `host` or `host:port`.
    pub server_addresses: Vec<String>,
    /// Further DNS names of the certificate.
    pub dns_sans: Vec<String>,
    /// Further addresses of the certificate.
    pub ip_sans: Vec<IpAddr>,
    /// Whom a server answers.
    pub authorization: AutoConfigAuthorization,
}

/// `auto_config.authorization` with its block `static`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AutoConfigAuthorization {
    /// A server hands out configurations.
    pub enabled: bool,
    /// Expressions about the claims; all must hold.
    pub claim_assertions: Vec<String>,
    /// Public keys, PEM.
    pub jwt_validation_pub_keys: Vec<String>,
    /// Where a key set is.
    pub jwks_url: String,
    /// CA certificates for it, PEM.
    pub jwks_ca_cert: String,
    /// Where an OIDC provider is.
    pub oidc_discovery_url: String,
    /// CA certificates for it, PEM.
    pub oidc_discovery_ca_cert: String,
    /// Signature algorithms.
    pub jwt_supported_algs: Vec<String>,
    /// One of these must be an audience.
    pub bound_audiences: Vec<String>,
    /// The issuer.
    pub bound_issuer: String,
    /// Claims and the names of their values.
    pub claim_mappings: BTreeMap<String, String>,
    /// List claims and the names of their values.
    pub list_claim_mappings: BTreeMap<String, String>,
    /// Life of a token without `exp`.
    pub expiration_leeway: GoDuration,
    /// How long before `exp` a token without `nbf` and `iat` began.
    pub not_before_leeway: GoDuration,
    /// How far clocks may differ.
    pub clock_skew_leeway: GoDuration,
}

/// `acl` (`spec/agent-config.md` 3.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AclConfig {
    /// ACLs are on.
    pub enabled: bool,
    /// `allow` or `deny`.
    pub default_policy: String,
    /// `allow`, `deny`, `extend-cache`, `async-cache`.
    pub down_policy: String,
    /// Cache time of policies.
    pub policy_ttl: GoDuration,
    /// Cache time of tokens.
    pub token_ttl: GoDuration,
    /// Cache time of roles.
    pub role_ttl: GoDuration,
    /// Listing keys needs `list`.
    pub enable_key_list_policy: bool,
    /// Tokens set through the API are kept on disk.
    pub enable_token_persistence: bool,
    /// Secondary datacenters replicate tokens.
    pub enable_token_replication: bool,
    /// Secrets. R
    pub tokens: AclTokens,
}

/// `acl.tokens`, all R.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq)]
pub struct AclTokens {
    /// First management token.
    #[debug("{}", hidden(initial_management))]
    pub initial_management: String,
    /// The agent's own work.
    #[debug("{}", hidden(agent))]
    pub agent: String,
    /// Works without servers.
    #[debug("{}", hidden(agent_recovery))]
    pub agent_recovery: String,
    /// Requests without a token.
    #[debug("{}", hidden(default))]
    pub default: String,
    /// Replication.
    #[debug("{}", hidden(replication))]
    pub replication: String,
    /// Services of configuration files.
    #[debug("{}", hidden(config_file_service_registration))]
    pub config_file_service_registration: String,
    /// DNS.
    #[debug("{}", hidden(dns))]
    pub dns: String,
}

/// `ui_config` (`spec/agent-config.md` 10).
#[derive(Clone, derive_more::Debug, Default, PartialEq)]
pub struct UiConfig {
    /// Serve the UI.
    pub enabled: bool,
    /// Assets from a directory.
    pub dir: String,
    /// Path with slashes at both ends.
    pub content_path: String,
    /// Name of the metrics provider.
    pub metrics_provider: String,
    /// Files of metrics providers.
    pub metrics_provider_files: Vec<String>,
    /// JSON object text.
    pub metrics_provider_options_json: String,
    /// `metrics_proxy.base_url`.
    pub metrics_proxy_base_url: String,
    /// `metrics_proxy.path_allowlist`.
    pub metrics_proxy_path_allowlist: Vec<String>,
    /// `metrics_proxy.add_headers`.
    #[debug("{}", hidden(metrics_proxy_add_headers))]
    pub metrics_proxy_add_headers: Vec<(String, String)>,
    /// Dashboard URL templates.
    pub dashboard_url_templates: BTreeMap<String, String>,
}
