//! Settings of a pool; timings have a constructor for each profile (`spec/gossip.md` 3.1).

use crate::config::Cidr;
use crate::gossip::keyring::Keyring;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Versions of a node: `[pmin, pmax, pcur, dmin, dmax, dcur]` (`spec/gossip.md` 2.2).
pub type Versions = [u8; 6];

/// What the reference's agents send: protocol 1..=5 speaking 2, delegate 2..=5 speaking 4.
pub const VERSIONS: Versions = [1, 5, 2, 2, 5, 4];

/// Timings and factors of SWIM (`spec/gossip.md` 3.1); the reasons for the numbers are the diameters of the networks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// Bound for one stream, from dialling to its last byte.
    pub stream_timeout: Duration,
    /// Members that are asked to probe in our place.
    pub indirect_checks: usize,
    /// A message is sent `retransmit_mult * ceil(log10(n + 1))` times.
    pub retransmit_mult: u32,
    /// Factor of the shortest suspicion.
    pub suspicion_mult: u32,
    /// The longest suspicion is this many times the shortest.
    pub suspicion_max_timeout_mult: u32,
    /// Time between two full state exchanges; zero for none.
    pub push_pull_interval: Duration,
    /// Time between two probes.
    pub probe_interval: Duration,
    /// Time for a direct answer.
    pub probe_timeout: Duration,
    /// Time between two rounds of gossip.
    pub gossip_interval: Duration,
    /// Members told in one round.
    pub gossip_nodes: usize,
    /// Time for which the dead are told what is said of them.
    pub gossip_to_the_dead: Duration,
    /// A dead member's name may be taken with another address after this time; zero for never.
    pub dead_node_reclaim: Duration,
}

impl Timing {
    /// Local network.
    pub fn lan() -> Timing {
        Timing {
            stream_timeout: Duration::from_secs(10),
            indirect_checks: 3,
            retransmit_mult: 4,
            suspicion_mult: 4,
            suspicion_max_timeout_mult: 6,
            push_pull_interval: Duration::from_secs(30),
            probe_interval: Duration::from_secs(1),
            probe_timeout: Duration::from_millis(500),
            gossip_interval: Duration::from_millis(200),
            gossip_nodes: 3,
            gossip_to_the_dead: Duration::from_secs(30),
            dead_node_reclaim: Duration::from_secs(30),
        }
    }

    /// Between datacenters.
    pub fn wan() -> Timing {
        Timing {
            stream_timeout: Duration::from_secs(30),
            suspicion_mult: 6,
            push_pull_interval: Duration::from_secs(60),
            probe_interval: Duration::from_secs(5),
            probe_timeout: Duration::from_secs(3),
            gossip_interval: Duration::from_millis(500),
            gossip_to_the_dead: Duration::from_secs(60),
            ..Timing::lan()
        }
    }

    /// One machine.
    pub fn local() -> Timing {
        Timing {
            stream_timeout: Duration::from_secs(1),
            indirect_checks: 1,
            retransmit_mult: 2,
            suspicion_mult: 3,
            push_pull_interval: Duration::from_secs(15),
            probe_timeout: Duration::from_millis(200),
            gossip_interval: Duration::from_millis(100),
            gossip_to_the_dead: Duration::from_secs(15),
            ..Timing::lan()
        }
    }
}

/// Settings of one member of one pool.
#[derive(Clone, Debug)]
pub struct Config {
    /// Name of this node, unique in the pool.
    pub name: String,
    /// Address that others reach us at; its port is also assumed for members that name none.
    pub advertise: SocketAddr,
    /// Timings and factors.
    pub timing: Timing,
    /// Versions that we announce.
    pub versions: Versions,
    /// A stream ping backs up every failed direct probe.
    pub stream_pings: bool,
    /// The health score stays below this.
    pub awareness_max: u32,
    /// Target size of packets, bytes.
    pub packet_size: usize,
    /// Compress what we send.
    pub compression: bool,
    /// Refuse what is not encrypted although we hold keys.
    pub verify_incoming: bool,
    /// Encrypt what we send when we hold keys.
    pub verify_outgoing: bool,
    /// Keys of the pool; `None` without encryption.
    pub keyring: Option<Arc<Keyring>>,
    /// Networks whose members are accepted; empty accepts all.
    pub allowed: Vec<Cidr>,
}

impl Config {
    /// A member with these timings and everything else as the reference's agents have it.
    pub fn new(name: impl Into<String>, advertise: SocketAddr, timing: Timing) -> Self {
        Config {
            name: name.into(),
            advertise,
            timing,
            versions: VERSIONS,
            stream_pings: true,
            awareness_max: 8,
            packet_size: 1400,
            compression: true,
            verify_incoming: true,
            verify_outgoing: true,
            keyring: None,
            allowed: Vec::new(),
        }
    }

    /// True when packets from this address, or members at it, are welcome.
    pub fn allows(&self, ip: std::net::IpAddr) -> bool {
        self.allowed.is_empty() || self.allowed.iter().any(|network| network.contains(ip))
    }
}
