//! Settings of a running pool.

use crate::config::Cidr;
use crate::gossip::serf::{Logger, MergeCheck, Tags};
use crate::gossip::swim::Timing;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Settings of a pool.
#[derive(Clone)]
pub struct PoolConfig {
    /// Name of this node in the pool.
    pub name: String,
    /// Where packets and streams arrive; port 0 takes a free one.
    pub bind: SocketAddr,
    /// Where others find this node; an unspecified address means the bound one, port 0 the bound one.
    pub advertise: SocketAddr,
    /// Tags.
    pub tags: Tags,
    /// Delegate version to speak: 4 as agents do, 5 as a stand-alone Serf agent.
    pub delegate_version: u8,
    /// Timings.
    pub timing: Timing,
    /// Keys of 16, 24 or 32 bytes, the primary one first; empty for no encryption.
    pub keys: Vec<Vec<u8>>,
    /// File that changes of the keyring are saved to.
    pub keyring_file: Option<PathBuf>,
    /// Refuse what is not encrypted.
    pub verify_incoming: bool,
    /// Encrypt what is sent.
    pub verify_outgoing: bool,
    /// Compress what is sent.
    pub compression: bool,
    /// Record of the members for the next start.
    pub snapshot_path: Option<PathBuf>,
    /// Join the recorded members even after a leave.
    pub rejoin_after_leave: bool,
    /// Age at which a failed member is forgotten.
    pub reconnect_timeout: Duration,
    /// Age at which a member that left is forgotten.
    pub tombstone_timeout: Duration,
    /// Networks that members may live in; empty allows all.
    pub allowed_cidrs: Vec<Cidr>,
    /// Ask the pool who is right when another node has our name, and shut down if it is the other.
    pub resolve_conflicts: bool,
    /// Who may be a member.
    pub merge_check: Option<MergeCheck>,
    /// Do without network coordinates.
    pub disable_coordinates: bool,
    /// Longest user event, bytes; at most 9216.
    pub event_size_limit: usize,
    /// How long a leave waits at the end for the news to spread.
    pub leave_propagate_delay: Duration,
    /// How long a leave waits for its broadcasts to be sent.
    pub broadcast_timeout: Duration,
    /// Number of broadcasts of a kind that are kept at least (`spec/gossip.md` 4.6).
    pub min_queue_depth: usize,
    /// Slots of a listener's channel.
    pub event_channel_size: usize,
    /// Name of the pool in the log.
    pub log: Logger,
    /// Value of the label `network` of metrics; `lan` or `wan`.
    pub network: &'static str,
}

impl PoolConfig {
    /// The settings of an agent's LAN pool under this name and address.
    pub fn new(name: impl Into<String>, bind: SocketAddr) -> PoolConfig {
        PoolConfig {
            name: name.into(),
            bind,
            advertise: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0),
            tags: Tags::new(),
            delegate_version: 4,
            timing: Timing::lan(),
            keys: Vec::new(),
            keyring_file: None,
            verify_incoming: true,
            verify_outgoing: true,
            compression: true,
            snapshot_path: None,
            rejoin_after_leave: false,
            reconnect_timeout: Duration::from_secs(72 * 3600),
            tombstone_timeout: Duration::from_secs(24 * 3600),
            allowed_cidrs: Vec::new(),
            resolve_conflicts: false,
            merge_check: None,
            disable_coordinates: false,
            event_size_limit: 512,
            leave_propagate_delay: Duration::from_secs(3),
            broadcast_timeout: Duration::from_secs(5),
            min_queue_depth: 4096,
            event_channel_size: 2048,
            log: Logger::ServerLan,
            network: "lan",
        }
    }
}

impl fmt::Debug for PoolConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolConfig").field("name", &self.name).field("bind", &self.bind).finish_non_exhaustive()
    }
}
