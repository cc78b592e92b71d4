//! The gossip pools as a server uses them.

use super::members::{Member, Members};
use crate::gossip::pool::Pool;
use crate::gossip::serf;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::watch;

/// The pools of a server.
#[derive(Clone)]
pub struct Gossip {
    /// Who is in the datacenter.
    pub members: Arc<dyn Members>,
    /// The pool of the datacenter; none for a server that is alone.
    pub lan: Option<Pool>,
    /// The pool of all servers of all datacenters.
    pub wan: Option<Pool>,
}

impl Gossip {
    /// No pools: this list is all there is.
    pub fn alone(members: Arc<dyn Members>) -> Gossip {
        Gossip { members, lan: None, wan: None }
    }

    /// The pools of a server in this datacenter.
    pub fn pools(datacenter: &str, lan: Pool, wan: Option<Pool>) -> Gossip {
        Gossip { members: Arc::new(GossipMembers::new(datacenter, lan.clone())), lan: Some(lan), wan }
    }
}

/// A member as gossip has it, and what we made of it.
type Translated = (Arc<serf::Member>, Option<Arc<Member>>);

/// The members of a pool that belong to one datacenter.
pub struct GossipMembers {
    datacenter: String,
    pool: Pool,
    /// By name in the pool. Unchanged members are translated once.
    known: Mutex<HashMap<String, Translated>>,
}

impl GossipMembers {
    /// The members of this datacenter in the pool.
    pub fn new(datacenter: &str, pool: Pool) -> GossipMembers {
        GossipMembers { datacenter: datacenter.to_owned(), pool, known: Mutex::default() }
    }

    fn translate(&self, member: &serf::Member) -> Option<Arc<Member>> {
        let ours = matches!(member.tag("role"), "consul" | "node") && member.tag("dc") == self.datacenter;
        Member::from_gossip(member).filter(|_| ours).map(Arc::new)
    }
}

impl Members for GossipMembers {
    fn list(&self) -> Vec<Arc<Member>> {
        let members = self.pool.members();
        let mut known = self.known.lock();
        let mut next = HashMap::with_capacity(members.len());
        for member in members.iter() {
            let translated = match known.remove(&member.name) {
                Some((before, translated)) if Arc::ptr_eq(&before, member) || before == *member => translated,
                _ => self.translate(member),
            };
            next.insert(member.name.clone(), (Arc::clone(member), translated));
        }
        *known = next;
        members.iter().filter_map(|member| known[&member.name].1.clone()).collect()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.pool.changes()
    }
}
