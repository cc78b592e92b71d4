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
}

impl Directory {
    pub(super) fn new(members: Arc<dyn Members>) -> Directory {
        let changes = members.changes();
        Directory { members, changes, made: Mutex::default() }
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

    /// Address of the server port of the server with this node id.
    pub(super) fn address(&self, id: &str) -> Option<SocketAddr> {
        self.server(id).and_then(|member| member.server_address())
    }
}
