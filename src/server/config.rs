//! The settings of a server, resolved: no defaults are looked up after this.

use super::ca::{AutoConfig, CaSettings};
use super::limits::RequestLimits;
use crate::acl::AclSettings;
use crate::rpc::ConnectionSettings;
use crate::tls::Configurator;
use crate::types::operator::AutopilotConfig;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Settings of a server; [`ServerConfig::new`] gives the defaults of a production server.
#[derive(Clone)]
pub struct ServerConfig {
    /// Datacenter name.
    pub datacenter: String,
    /// Node name.
    pub node_name: String,
    /// Node id, a UUID; also the raft identity.
    pub node_id: String,
    /// Advertised address of the server port.
    pub address: SocketAddr,
    /// Where raft keeps its files (`<data_dir>/raft`); none keeps everything in memory.
    pub data_dir: Option<PathBuf>,
    /// Timings and interval of `-dev`.
    pub dev: bool,
    /// Elect itself when there is no raft state.
    pub bootstrap: bool,
    /// Without raft state, wait until this many servers are in the datacenter and elect with them; 0 waits to be added by
    /// a leader.
    pub bootstrap_expect: u32,
    /// Never vote.
    pub non_voter: bool,
    /// Factor on raft's base timings, 1 to 10.
    pub raft_multiplier: u32,
    /// Time between looks at whether a snapshot is due.
    pub raft_snapshot_interval: Duration,
    /// New entries that make a snapshot due.
    pub raft_snapshot_threshold: u64,
    /// Entries kept behind a snapshot.
    pub raft_trailing_logs: u64,
    /// Wait of a blocking query that names none.
    pub default_query_time: Duration,
    /// Longest wait of a blocking query.
    pub max_query_time: Duration,
    /// How long a request waits for a leader.
    pub rpc_hold_timeout: Duration,
    /// Longest wait for another server's answer to a call that does not block.
    pub rpc_client_timeout: Duration,
    /// Requests per second (`limits.request_limits`).
    pub request_limits: RequestLimits,
    /// How connections to other servers are made.
    pub connections: ConnectionSettings,
    /// How long a server that left goes on answering.
    pub leave_drain_time: Duration,
    /// Shortest session TTL.
    pub session_ttl_min: Duration,
    /// Shortest life of an ACL token that ends.
    pub acl_token_ttl_min: Duration,
    /// Longest life of an ACL token that ends.
    pub acl_token_ttl_max: Duration,
    /// Largest raft entry of a transaction or value is limited by HTTP; this one only warns.
    pub raft_entry_warn_bytes: usize,
    /// Life of a tombstone.
    pub tombstone_ttl: Duration,
    /// Tombstone expiries are rounded up to this grid.
    pub tombstone_granularity: Duration,
    /// Coordinate updates are written together once per period.
    pub coordinate_update_period: Duration,
    /// Coordinates in one raft entry.
    pub coordinate_batch_size: usize,
    /// Raft entries per period; what is above is dropped.
    pub coordinate_max_batches: usize,
    /// Time between full reconciles of members with the catalog.
    pub reconcile_interval: Duration,
    /// Time between autopilot's looks at the servers' health.
    pub server_health_interval: Duration,
    /// Time between autopilot's decisions: promotions and removals.
    pub autopilot_interval: Duration,
    /// Autopilot settings stored when there are none yet.
    pub autopilot: AutopilotConfig,
    /// Time between looks at whether all servers of the datacenter are in the WAN pool.
    pub wan_flood_interval: Duration,
    /// Access control.
    pub acl: AclSettings,
    /// The certificate authority; none when it is off (`connect.enabled`).
    pub connect: Option<CaSettings>,
    /// Agents without a certificate get one (`auto_encrypt.allow_tls`).
    pub auto_encrypt: bool,
    /// Agents get their configuration (`auto_config.authorization`).
    pub auto_config: Option<Arc<AutoConfig>>,
    /// TLS of all ports.
    pub tls: Arc<Configurator>,
}

impl ServerConfig {
    /// A production server with the reference's defaults (`spec/semantics.md` 9, 11.4, 12.1, 14, 16.1, 23.1).
    pub fn new(
        datacenter: impl Into<String>,
        node_name: impl Into<String>,
        node_id: impl Into<String>,
        address: SocketAddr,
    ) -> ServerConfig {
        ServerConfig {
            datacenter: datacenter.into(),
            node_name: node_name.into(),
            node_id: node_id.into(),
            address,
            data_dir: None,
            dev: false,
            bootstrap: false,
            bootstrap_expect: 0,
            non_voter: false,
            raft_multiplier: 5,
            raft_snapshot_interval: Duration::from_secs(30),
            raft_snapshot_threshold: 16384,
            raft_trailing_logs: 10240,
            default_query_time: Duration::from_secs(300),
            max_query_time: Duration::from_secs(600),
            rpc_hold_timeout: Duration::from_secs(7),
            rpc_client_timeout: Duration::from_secs(60),
            request_limits: RequestLimits::default(),
            connections: ConnectionSettings {
                idle_streams: 64,
                idle_limit: Duration::from_secs(120),
                ..ConnectionSettings::default()
            },
            leave_drain_time: Duration::from_secs(5),
            session_ttl_min: Duration::from_secs(10),
            acl_token_ttl_min: Duration::from_secs(60),
            acl_token_ttl_max: Duration::MAX,
            raft_entry_warn_bytes: 1 << 20,
            tombstone_ttl: Duration::from_secs(15 * 60),
            tombstone_granularity: Duration::from_secs(30),
            coordinate_update_period: Duration::from_secs(5),
            coordinate_batch_size: 128,
            coordinate_max_batches: 5,
            reconcile_interval: Duration::from_secs(60),
            server_health_interval: Duration::from_secs(2),
            autopilot_interval: Duration::from_secs(10),
            autopilot: AutopilotConfig::default(),
            wan_flood_interval: Duration::from_secs(60),
            acl: AclSettings::default(),
            connect: None,
            auto_encrypt: false,
            auto_config: None,
            tls: Arc::new(Configurator::plain()),
        }
    }

    /// Certificates of the own authority open the server port.
    pub(super) fn trusts_own_authority(&self) -> bool {
        self.connect.is_some() && (self.auto_encrypt || self.auto_config.is_some())
    }
}
