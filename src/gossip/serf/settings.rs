//! Settings of the Serf layer (`spec/gossip.md` 4.6).

use super::log::Logger;
use super::member::{Member, Tags};
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Refuses members: the error is the reason (`spec/gossip.md` 6.4). Asked about every member that comes or has news, and
/// about all of an exchange that joins.
pub type MergeCheck = Arc<dyn Fn(&[Member]) -> Result<(), String> + Send + Sync>;

/// Settings of one node.
#[derive(Clone)]
pub struct Settings {
    /// Name.
    pub name: String,
    /// Where answers to our queries go.
    pub address: SocketAddr,
    /// Tags.
    pub tags: Tags,
    /// Time between two rounds of gossip; queries wait a multiple of it.
    pub gossip_interval: Duration,
    /// Factor of the number of transmissions of a broadcast.
    pub retransmit_mult: u32,
    /// Time between looks for members to forget.
    pub reap_interval: Duration,
    /// Time between tries to reach failed members.
    pub reconnect_interval: Duration,
    /// Age at which a failed member is forgotten.
    pub reconnect_timeout: Duration,
    /// Age at which a member that left is forgotten.
    pub tombstone_timeout: Duration,
    /// Age at which the intent of an unknown member is forgotten.
    pub intent_timeout: Duration,
    /// A member that comes back sooner than this is flapping.
    pub flap_timeout: Duration,
    /// Time between looks at the queues.
    pub queue_check_interval: Duration,
    /// Broadcasts of a kind that are kept at least.
    pub min_queue_depth: usize,
    /// Time that broadcasts are waited for.
    pub broadcast_timeout: Duration,
    /// Time that the news of a leave is given to spread.
    pub leave_propagate_delay: Duration,
    /// Longest user event, bytes.
    pub event_size_limit: usize,
    /// Ask the pool who is right when another node has our name.
    pub resolve_conflicts: bool,
    /// Who may be a member.
    pub merge_check: Option<MergeCheck>,
    /// Do without coordinates.
    pub disable_coordinates: bool,
    /// Name in the log.
    pub log: Logger,
    /// Value of the label `network` of metrics.
    pub network: &'static str,
}

impl Settings {
    /// What agents use, for a node of this name and address.
    pub fn new(name: impl Into<String>, address: SocketAddr) -> Settings {
        Settings {
            name: name.into(),
            address,
            tags: Tags::new(),
            gossip_interval: Duration::from_millis(200),
            retransmit_mult: 4,
            reap_interval: Duration::from_secs(15),
            reconnect_interval: Duration::from_secs(30),
            reconnect_timeout: Duration::from_secs(72 * 3600),
            tombstone_timeout: Duration::from_secs(24 * 3600),
            intent_timeout: Duration::from_secs(5 * 60),
            flap_timeout: Duration::from_secs(60),
            queue_check_interval: Duration::from_secs(30),
            min_queue_depth: 4096,
            broadcast_timeout: Duration::from_secs(5),
            leave_propagate_delay: Duration::from_secs(3),
            event_size_limit: 512,
            resolve_conflicts: false,
            merge_check: None,
            disable_coordinates: false,
            log: Logger::ServerLan,
            network: "lan",
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("name", &self.name).field("address", &self.address).finish_non_exhaustive()
    }
}
