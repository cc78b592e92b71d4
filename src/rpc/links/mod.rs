//! The link between our servers: raft messages and snapshots under a first byte of their own ([`wire`] has the bytes).
//!
//! Messages to a server share one connection and are answered out of order; a snapshot has a connection of its own, so that
//! neither waits for the other. A server is found by its node id, and says its own before anything is sent: an address that
//! now belongs to somebody else answers for nobody.

mod dialer;
mod serve;
#[cfg(test)]
mod tests;
pub(super) mod wire;

pub(super) use serve::serve;

use super::connections::ConnectionSettings;
use crate::raft::{Peer, Transport};
use ahash::AHashMap;
use async_trait::async_trait;
use bytes::Bytes;
use dialer::{Link, Patience};
use parking_lot::Mutex;
use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wire::{Identity, Kind};

/// Finds the present address of a server by its node id.
pub type Lookup = Arc<dyn Fn(&str) -> Option<SocketAddr> + Send + Sync>;

/// Pause after the first failed dial; it doubles up to the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(800);

/// Longest dial, short because a server that is there answers at once.
const DIAL: Duration = Duration::from_secs(3);

/// Links to other servers: one connection for messages each, one more while a snapshot is sent.
#[derive(Clone)]
pub struct RaftLinks(Arc<Inner>);

struct Inner {
    lookup: Lookup,
    settings: ConnectionSettings,
    own: Identity,
    peers: Mutex<AHashMap<String, Entry>>,
}

/// What is known of the way to a server.
enum Entry {
    /// A link, perhaps one that has ended by now.
    Linked(Arc<Link>),
    /// The last dial failed.
    Failed { address: String, since: Instant, pause: Duration, reason: String },
}

impl RaftLinks {
    /// Links to servers whose address `lookup` knows by node id; others are reached at the address of the raft
    /// configuration.
    pub fn new(lookup: Lookup) -> RaftLinks {
        RaftLinks::with_settings(lookup, ConnectionSettings::default())
    }

    /// The same with a source address or wrapped connections.
    pub fn with_settings(lookup: Lookup, settings: ConnectionSettings) -> RaftLinks {
        RaftLinks::build(lookup, settings, Identity::default())
    }

    /// Links that tell the other side who we are and where we can be reached ([`super::Service::met`]).
    pub fn introduced(lookup: Lookup, settings: ConnectionSettings, id: &str, address: SocketAddr) -> RaftLinks {
        RaftLinks::build(lookup, settings, Identity { id: id.to_owned(), address: address.to_string() })
    }

    fn build(lookup: Lookup, settings: ConnectionSettings, own: Identity) -> RaftLinks {
        let settings = ConnectionSettings { dial_timeout: settings.dial_timeout.min(DIAL), ..settings };
        RaftLinks(Arc::new(Inner { lookup, settings, own, peers: Mutex::default() }))
    }

    /// Where a server is: gossip knows best; while it knows nothing, a link that works is kept.
    fn address(&self, to: &Peer) -> String {
        if let Some(address) = (self.0.lookup)(&to.id) {
            return address.to_string();
        }
        match self.0.peers.lock().get(&to.id) {
            Some(Entry::Linked(link)) if link.is_alive() => link.address().to_owned(),
            _ => to.address.clone(),
        }
    }

    /// The link to a server; a new one is dialed in the background, and messages for it wait.
    fn link(&self, to: &Peer) -> io::Result<Arc<Link>> {
        let address = self.address(to);
        let mut peers = self.0.peers.lock();
        let mut pause = FIRST_PAUSE;
        match peers.get(&to.id) {
            Some(Entry::Linked(link)) if link.address() == address && link.is_alive() => return Ok(link.clone()),
            Some(Entry::Failed { address: failed, since, pause: last, reason }) if *failed == address => {
                if since.elapsed() < *last {
                    return Err(io::Error::new(io::ErrorKind::NotConnected, reason.clone()));
                }
                pause = (*last * 2).min(LONGEST_PAUSE);
            }
            _ => {}
        }
        let connecting = {
            let (settings, own) = (self.0.settings.clone(), self.0.own.clone());
            let (id, address) = (to.id.clone(), address.clone());
            async move { dialer::connect(&settings, &own, Kind::Messages, &id, &address).await }
        };
        let failed = {
            let (inner, id, address) = (Arc::downgrade(&self.0), to.id.clone(), address.clone());
            move |link: &dialer::Shared, reason| {
                let Some(inner) = inner.upgrade() else { return };
                let mut peers = inner.peers.lock();
                if matches!(peers.get(&id), Some(Entry::Linked(present)) if Link::is(present, link)) {
                    peers.insert(id, Entry::Failed { address, since: Instant::now(), pause, reason });
                }
            }
        };
        let link = Arc::new(Link::start(to.id.clone(), address, Patience::default(), connecting, failed));
        peers.insert(to.id.clone(), Entry::Linked(link.clone()));
        Ok(link)
    }
}

#[async_trait]
impl Transport for RaftLinks {
    async fn call(&self, to: &Peer, request: Bytes) -> io::Result<Bytes> {
        self.link(to)?.call(request).await
    }

    async fn send_snapshot(&self, to: &Peer, header: Bytes, archive: File) -> io::Result<Bytes> {
        dialer::send_snapshot(&self.0.settings, &self.0.own, &to.id, &self.address(to), header, archive).await
    }
}
