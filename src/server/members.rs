//! Who is in the datacenter, as the leader sees it. Gossip implements [`Members`]; a lone server lists itself.

use std::collections::BTreeMap;
use std::net::IpAddr;
use tokio::sync::watch;

/// Gossip status of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MemberStatus {
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
    /// The text of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            MemberStatus::Alive => "alive",
            MemberStatus::Leaving => "leaving",
            MemberStatus::Left => "left",
            MemberStatus::Failed => "failed",
        }
    }
}

/// A member of the datacenter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Node name.
    pub name: String,
    /// Node id.
    pub id: String,
    /// Address.
    pub address: IpAddr,
    /// Status.
    pub status: MemberStatus,
    /// Version of its agent.
    pub version: String,
    /// Set for servers.
    pub server: Option<ServerDetails>,
}

/// What a server announces about itself (`spec/semantics.md` 13.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerDetails {
    /// Server port.
    pub port: u16,
    /// Metadata of its `consul` service row.
    pub meta: BTreeMap<String, String>,
}

/// The list of members and its changes.
pub trait Members: Send + Sync + 'static {
    /// All members of this datacenter.
    fn list(&self) -> Vec<Member>;
    /// Fires whenever the list has changed.
    fn changes(&self) -> watch::Receiver<u64>;
}

/// A list that its owner sets: a lone server, or a test.
pub struct StaticMembers {
    members: parking_lot::RwLock<Vec<Member>>,
    changed: watch::Sender<u64>,
}

impl StaticMembers {
    /// Starts with this list.
    pub fn new(members: Vec<Member>) -> Self {
        StaticMembers { members: parking_lot::RwLock::new(members), changed: watch::Sender::new(0) }
    }

    /// Replaces the list.
    pub fn set(&self, members: Vec<Member>) {
        *self.members.write() = members;
        self.changed.send_modify(|count| *count += 1);
    }
}

impl Members for StaticMembers {
    fn list(&self) -> Vec<Member> {
        self.members.read().clone()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
}
