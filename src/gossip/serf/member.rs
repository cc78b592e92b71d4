//! A member as the Serf layer knows it (`spec/gossip.md` 4.1, 6.9).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Tags of a member.
pub type Tags = BTreeMap<String, String>;

/// What is known of a member's life; the numbers are those of the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum MemberStatus {
    /// Nothing.
    #[default]
    None,
    /// Reachable.
    Alive,
    /// Told that it is about to leave.
    Leaving,
    /// Left on purpose.
    Left,
    /// Not reachable, and never said goodbye.
    Failed,
}

impl MemberStatus {
    const ALL: [MemberStatus; 5] = [Self::None, Self::Alive, Self::Leaving, Self::Left, Self::Failed];

    /// The word that commands print.
    pub const fn as_str(self) -> &'static str {
        match self {
            MemberStatus::None => "none",
            MemberStatus::Alive => "alive",
            MemberStatus::Leaving => "leaving",
            MemberStatus::Left => "left",
            MemberStatus::Failed => "failed",
        }
    }

    /// Present, though perhaps on its way out.
    pub const fn is_here(self) -> bool {
        matches!(self, MemberStatus::Alive | MemberStatus::Leaving)
    }
}

impl Serialize for MemberStatus {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(*self as u8)
    }
}

impl<'de> Deserialize<'de> for MemberStatus {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = usize::from(u8::deserialize(deserializer)?);
        Ok(Self::ALL.get(number).copied().unwrap_or_default())
    }
}

/// One member of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Node name; `<node>.<dc>` in the WAN pool.
    pub name: String,
    /// IP address it advertises.
    pub address: IpAddr,
    /// Gossip port it advertises.
    pub port: u16,
    /// What it announces about itself.
    pub tags: Arc<Tags>,
    /// Status.
    pub status: MemberStatus,
    /// Versions: gossip min, max, spoken, then delegate min, max, spoken (`spec/gossip.md` 2.2).
    pub protocol: [u8; 6],
}

impl Member {
    /// Value of a tag, `""` when it is missing.
    pub fn tag(&self, name: &str) -> &str {
        self.tags.get(name).map_or("", String::as_str)
    }

    /// Gossip address.
    pub fn socket(&self) -> SocketAddr {
        SocketAddr::new(self.address, self.port)
    }

    /// Reachable and not on its way out.
    pub fn is_alive(&self) -> bool {
        self.status == MemberStatus::Alive
    }
}
