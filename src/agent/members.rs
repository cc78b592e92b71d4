//! Members of the gossip pool as the API shows them (`spec/http-api.md` 3.2.4).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Gossip status, a number in the API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemberStatus {
    /// Unknown.
    #[default]
    None,
    /// Reachable.
    Alive,
    /// On its way out.
    Leaving,
    /// Left on purpose.
    Left,
    /// Not reachable.
    Failed,
}

impl MemberStatus {
    const ALL: [MemberStatus; 5] = [Self::None, Self::Alive, Self::Leaving, Self::Left, Self::Failed];

    /// The word that the command line prints.
    pub const fn as_str(self) -> &'static str {
        match self {
            MemberStatus::None => "none",
            MemberStatus::Alive => "alive",
            MemberStatus::Leaving => "leaving",
            MemberStatus::Left => "left",
            MemberStatus::Failed => "failed",
        }
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

/// A member of a gossip pool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Member {
    /// Node name; `node.dc` in the WAN pool.
    pub name: String,
    /// IP address.
    pub addr: String,
    /// Gossip port.
    pub port: u16,
    /// What it announces about itself.
    pub tags: BTreeMap<String, String>,
    /// Gossip status.
    pub status: MemberStatus,
    /// Oldest gossip protocol it understands.
    pub protocol_min: u8,
    /// Newest gossip protocol it understands.
    pub protocol_max: u8,
    /// Gossip protocol it speaks.
    pub protocol_cur: u8,
    /// Oldest delegate protocol it understands.
    pub delegate_min: u8,
    /// Newest delegate protocol it understands.
    pub delegate_max: u8,
    /// Delegate protocol it speaks.
    pub delegate_cur: u8,
}
