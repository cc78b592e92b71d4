//! The way to other datacenters (`spec/semantics.md` 16.3, 23): which there are, how far they are, and which servers of
//! theirs answer.

use super::members::Member;
use crate::gossip::MemberStatus;
use crate::gossip::pool::Pool;
use crate::rpc::Destination;
use crate::types::coordinate::{Coordinate, DatacenterMap, NodeCoordinate};
use crate::types::{Error, Result};
use parking_lot::Mutex;
use rand::seq::SliceRandom;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::watch;

/// A server of any datacenter, as the WAN pool knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteServer {
    /// Node name without the datacenter.
    pub name: String,
    /// Its name in the WAN pool.
    pub wan_name: String,
    /// Datacenter.
    pub datacenter: String,
    /// Address of its server port.
    pub address: SocketAddr,
    /// The WAN pool believes that it answers.
    pub alive: bool,
}

impl RemoteServer {
    /// Its server port, as a server of its datacenter.
    pub fn destination(&self) -> Destination {
        Destination { address: self.address, datacenter: Some(self.datacenter.as_str().into()) }
    }
}

/// Servers by datacenter, each list in the order in which they are asked.
type Routes = BTreeMap<String, Vec<Arc<RemoteServer>>>;

/// The datacenters and their servers.
pub struct Router {
    datacenter: String,
    node: String,
    wan: Option<(Pool, watch::Receiver<u64>)>,
    routes: Mutex<(Option<u64>, Routes)>,
}

impl Router {
    /// The router of a server in `datacenter`; without a pool there is no other datacenter.
    pub(super) fn new(datacenter: &str, node: &str, wan: Option<Pool>) -> Router {
        let wan = wan.map(|pool| {
            let changes = pool.changes();
            (pool, changes)
        });
        Router { datacenter: datacenter.to_owned(), node: node.to_owned(), wan, routes: Mutex::default() }
    }

    /// Looks at the routes, brought up to date first.
    fn with_routes<T>(&self, look: impl FnOnce(&mut Routes) -> T) -> T {
        let mut routes = self.routes.lock();
        if let Some((pool, changes)) = &self.wan {
            let now = *changes.borrow();
            if routes.0 != Some(now) {
                let old = std::mem::take(&mut routes.1);
                routes.1 = update(old, present(pool));
                routes.0 = Some(now);
            }
        }
        look(&mut routes.1)
    }

    /// Names of all datacenters, the own one first, then by distance; those of unknown distance come last, by name.
    pub fn datacenters(&self) -> Vec<String> {
        let mut others: Vec<(f64, String)> = self
            .known()
            .into_iter()
            .filter(|(name, _)| *name != self.datacenter)
            .map(|(name, servers)| (self.median(&servers), name))
            .collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        std::iter::once(self.datacenter.clone()).chain(others.into_iter().map(|(_, name)| name)).collect()
    }

    /// The other datacenters, nearest first (`spec/semantics.md` 17.6).
    pub fn other_datacenters(&self) -> Vec<String> {
        self.datacenters().split_off(1)
    }

    /// There is, or was, a server of this datacenter.
    pub fn knows(&self, datacenter: &str) -> bool {
        datacenter == self.datacenter || self.with_routes(|routes| routes.contains_key(datacenter))
    }

    /// The servers of a datacenter in the order in which they are asked.
    pub fn servers(&self, datacenter: &str) -> Vec<Arc<RemoteServer>> {
        self.with_routes(|routes| routes.get(datacenter).cloned().unwrap_or_default())
    }

    fn known(&self) -> Routes {
        self.with_routes(|routes| routes.clone())
    }

    /// The server of another datacenter that gets the next call: the first living one.
    ///
    /// # Errors
    /// `No path to datacenter`, `Remote DC has no server currently reachable`.
    pub fn route(&self, datacenter: &str) -> Result<Arc<RemoteServer>> {
        let servers = self.servers(datacenter);
        if servers.is_empty() {
            return Err(Error::new("No path to datacenter"));
        }
        let living = servers.into_iter().find(|server| server.alive);
        living.ok_or_else(|| Error::new("Remote DC has no server currently reachable"))
    }

    /// A call to this server failed: others are asked before it.
    pub fn failed(&self, server: &RemoteServer) {
        self.with_routes(|routes| {
            let Some(servers) = routes.get_mut(&server.datacenter) else { return };
            if let Some(at) = servers.iter().position(|other| other.wan_name == server.wan_name) {
                let server = servers.remove(at);
                servers.push(server);
            }
        });
    }

    /// Round trip in seconds to the servers in the middle of a datacenter; infinite when it cannot be told.
    fn median(&self, servers: &[Arc<RemoteServer>]) -> f64 {
        let Some((pool, _)) = &self.wan else { return f64::INFINITY };
        let own = pool.coordinate();
        let distance = |name: &str| pool.coordinate_of(name).map_or(f64::INFINITY, |there| own.distance_to(&there));
        let mut trips: Vec<f64> = servers.iter().map(|server| distance(&server.wan_name)).collect();
        trips.sort_by(f64::total_cmp);
        trips.get(trips.len() / 2).copied().unwrap_or(f64::INFINITY)
    }

    /// Coordinates of the servers by datacenter, in the order of [`Router::datacenters`].
    pub fn coordinates(&self) -> Vec<DatacenterMap> {
        let known = self.known();
        let row = |node: String, coordinate: Coordinate| NodeCoordinate {
            node,
            segment: String::new(),
            coord: Some(Arc::new(coordinate)),
        };
        let of_datacenter = |datacenter: String| {
            let Some((pool, _)) = &self.wan else {
                let coordinates = vec![row(self.node.clone(), Coordinate::default())];
                return DatacenterMap { datacenter, area_id: "wan".into(), coordinates };
            };
            let servers = known.get(&datacenter).map(Vec::as_slice).unwrap_or_default();
            let located = |server: &Arc<RemoteServer>| {
                pool.coordinate_of(&server.wan_name).map(|coordinate| row(server.name.clone(), coordinate))
            };
            let mut coordinates: Vec<NodeCoordinate> = servers.iter().filter_map(located).collect();
            coordinates.sort_by(|a, b| a.node.cmp(&b.node));
            DatacenterMap { datacenter, area_id: "wan".into(), coordinates }
        };
        self.datacenters().into_iter().map(of_datacenter).collect()
    }
}

/// The servers of the WAN pool that have not left.
fn present(pool: &Pool) -> Vec<RemoteServer> {
    let servers = pool.members();
    let servers = servers.iter().filter_map(|gossiped| {
        let member = Member::from_gossip(gossiped).filter(|member| member.status != MemberStatus::Left)?;
        Some(RemoteServer {
            address: member.server_address()?,
            wan_name: gossiped.name.clone(),
            datacenter: member.datacenter.clone(),
            alive: member.status.is_here(),
            name: member.name,
        })
    });
    servers.collect()
}

/// New routes from what gossip knows now: known servers keep their place, new ones are put in at random.
fn update(old: Routes, present: Vec<RemoteServer>) -> Routes {
    let mut new: BTreeMap<String, Vec<Arc<RemoteServer>>> = BTreeMap::new();
    for server in present {
        new.entry(server.datacenter.clone()).or_default().push(Arc::new(server));
    }
    for (datacenter, servers) in &mut new {
        servers.shuffle(&mut rand::rng());
        let Some(before) = old.get(datacenter) else { continue };
        let place = |server: &Arc<RemoteServer>| before.iter().position(|known| known.wan_name == server.wan_name);
        let fresh: Vec<_> = servers.extract_if(.., |server| place(server).is_none()).collect();
        servers.sort_by_key(place);
        for server in fresh {
            let at = rand::random_range(0..=servers.len());
            servers.insert(at, server);
        }
    }
    new
}
