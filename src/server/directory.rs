//! Where the servers of the datacenter are, by node id: addresses come from gossip, whatever the raft log once knew.

use super::members::{Member, Members};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;

/// The servers of the datacenter by node id.
pub(super) type ServersById = HashMap<String, Arc<Member>>;

/// Looks servers up; the list is made anew after gossip has changed.
pub(super) struct Directory {
    members: Arc<dyn Members>,
    changes: watch::Receiver<u64>,
    made: Mutex<Option<(u64, Arc<ServersById>)>>,
    /// Where servers said that they are when they opened a link.
    met: Mutex<HashMap<String, SocketAddr>>,
}

impl Directory {
    pub(super) fn new(members: Arc<dyn Members>) -> Directory {
        let changes = members.changes();
        Directory { members, changes, made: Mutex::default(), met: Mutex::default() }
    }

    /// All servers that are known. Of two members with one id the living one counts.
    pub(super) fn servers(&self) -> Arc<ServersById> {
        let now = *self.changes.borrow();
        let mut made = self.made.lock();
        if let Some((at, servers)) = &*made
            && *at == now
        {
            return Arc::clone(servers);
        }
        let mut servers = ServersById::new();
        for member in self.members.list() {
            if member.server.is_none() || member.id.is_empty() {
                continue;
            }
            let better = servers.get(&member.id).is_none_or(|other| !other.status.is_here() && member.status.is_here());
            if better {
                servers.insert(member.id.clone(), member);
            }
        }
        let servers = Arc::new(servers);
        *made = Some((now, Arc::clone(&servers)));
        servers
    }

    /// The server with this node id.
    pub(super) fn server(&self, id: &str) -> Option<Arc<Member>> {
        self.servers().get(id).cloned()
    }

    /// Notes where a server of the cluster says that it is.
    pub(super) fn met(&self, id: &str, address: SocketAddr) {
        self.met.lock().insert(id.to_owned(), address);
    }

    /// Address of the server port of the server with this node id. A server that has moved may have opened a link from its
    /// new address before gossip believes that it is back: where gossip has seen it last counts least.
    pub(super) fn address(&self, id: &str) -> Option<SocketAddr> {
        let member = self.server(id);
        match &member {
            Some(member) if member.status.is_here() => member.server_address(),
            _ => self.met.lock().get(id).copied().or_else(|| member.and_then(|member| member.server_address())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::members::{ServerDetails, StaticMembers};
    use super::*;
    use crate::gossip::MemberStatus;

    #[test]
    fn a_server_that_moved_is_found_where_it_said_until_gossip_sees_it_again() {
        let member = |status, last| Member {
            name: "s1".into(),
            id: "a".into(),
            datacenter: "dc1".into(),
            address: [127, 0, 0, last].into(),
            status,
            version: String::new(),
            server: Some(ServerDetails { port: 8300, ..ServerDetails::default() }),
        };
        let at = |last: u8| Some(SocketAddr::from(([127, 0, 0, last], 8300)));
        let members = Arc::new(StaticMembers::new(vec![member(MemberStatus::Failed, 1)]));
        let directory = Directory::new(members.clone());
        assert_eq!(directory.address("a"), at(1));
        directory.met("a", at(2).expect("an address"));
        assert_eq!(directory.address("a"), at(2));
        members.set(vec![member(MemberStatus::Alive, 3)]);
        assert_eq!(directory.address("a"), at(3));
        assert_eq!(directory.address("b"), None);
    }
}
