//! Tests of the endpoints on a server that keeps everything in memory and is its own cluster.

mod acl;
mod blocking;
mod catalog;
mod cluster;
mod gossip;
mod kvs;
mod operator;
mod sessions;
mod shared;
mod txn;

use super::*;
use crate::rpc::method::*;
use crate::rpc::{SnapshotOp, SnapshotRequest};
use crate::types::requests::*;
use crate::types::txn::*;
use crate::types::*;
use bytes::Bytes;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use tokio::io::AsyncReadExt;

pub(super) const NODE_ID: &str = "40e4a748-2192-161a-0510-9bf59fe950b5";
const OTHER_ID: &str = "f86eec3c-0790-5131-87d1-3bcfc08b72f5";

/// A server whose only member is itself, `n1`.
async fn server() -> Server {
    server_with(|_| {}).await.0
}

/// The same with changed settings, and its list of members.
async fn server_with(change: impl FnOnce(&mut ServerConfig)) -> (Server, Arc<StaticMembers>) {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 8300));
    let members = Arc::new(StaticMembers::new(vec![member("n1", NODE_ID)]));
    let mut config = ServerConfig::new("dc1", "n1", NODE_ID, address);
    config.dev = true;
    config.bootstrap = true;
    change(&mut config);
    let server = Server::start(config, Gossip::alone(members.clone()), None).await.expect("a server in memory starts");
    server.readiness().wait_for(|ready| *ready).await.expect("it becomes ready");
    // What a new leader writes comes before the test, so that the test's writes are the only ones.
    until(&server, |state, watch| state.node(watch, "n1").1).await;
    until_autopilot(&server).await;
    (server, members)
}

async fn until_autopilot(server: &Server) {
    while server.store().snapshot().autopilot_config().is_none() {
        tokio::task::yield_now().await;
    }
}

fn member(name: &str, id: &str) -> Member {
    let meta = BTreeMap::from([("version".to_owned(), "1.21.4".to_owned())]);
    Member {
        name: name.into(),
        id: id.into(),
        datacenter: "dc1".into(),
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        status: MemberStatus::Alive,
        version: "1.21.4".into(),
        server: Some(ServerDetails { port: 8300, meta, ..ServerDetails::default() }),
    }
}

/// Waits until something that the state must come to is so.
async fn until<T>(
    server: &Server,
    mut look: impl FnMut(&crate::state::Snapshot, &mut crate::state::WatchSet) -> Option<T>,
) -> T {
    loop {
        let (found, watch) = server.store().read(&mut look);
        if let Some(found) = found {
            return found;
        }
        watch.changed().await;
    }
}

/// Registers node `n2` with what `fill` adds.
async fn register(server: &Server, fill: impl FnOnce(&mut RegisterRequest)) -> Result<()> {
    let mut request = RegisterRequest { node: "n2".into(), address: "10.0.0.2".into(), ..Default::default() };
    fill(&mut request);
    server.call::<CatalogRegister>(request).await
}

fn service(name: &str) -> Option<Arc<NodeService>> {
    Some(Arc::new(NodeService { service: name.into(), port: 80, ..Default::default() }))
}

fn check(name: &str, status: CheckStatus) -> Arc<HealthCheck> {
    Arc::new(HealthCheck { name: name.into(), status: status.as_str().into(), ..Default::default() })
}

async fn put(server: &Server, key: &str, value: &str) -> bool {
    kv(server, KvOp::Set, key, |entry| entry.value = value.into()).await.expect("stored")
}

async fn kv(server: &Server, op: KvOp, key: &str, fill: impl FnOnce(&mut DirEntry)) -> Result<bool> {
    let mut dir_ent = DirEntry { key: key.into(), ..Default::default() };
    fill(&mut dir_ent);
    server.call::<KvsApply>(KvRequest { op, dir_ent, ..Default::default() }).await
}

/// An archive of the state.
async fn save(server: &Server) -> Vec<u8> {
    save_as(server, "").await
}

async fn save_as(server: &Server, token: &str) -> Vec<u8> {
    let request = SnapshotRequest { datacenter: "dc1".into(), token: token.into(), ..SnapshotRequest::default() };
    let saved = server.snapshot(request, Box::new(tokio::io::empty())).await.expect("saved");
    let mut archive = Vec::new();
    saved.archive.expect("an archive").read_to_end(&mut archive).await.expect("read");
    archive
}

async fn restore(server: &Server, archive: Vec<u8>) {
    restore_as(server, "", archive).await;
}

async fn restore_as(server: &Server, token: &str, archive: Vec<u8>) {
    let (op, token) = (SnapshotOp::Restore, token.into());
    let request = SnapshotRequest { datacenter: "dc1".into(), op, token, ..SnapshotRequest::default() };
    server.snapshot(request, Box::new(std::io::Cursor::new(archive))).await.expect("restored");
}

fn key(key: &str) -> KeyRequest {
    KeyRequest { key: key.into(), ..Default::default() }
}

fn health(service: &str) -> ServiceRequest {
    ServiceRequest { service_name: service.into(), ..Default::default() }
}

/// The text of a refusal.
fn refusal<T>(result: Result<T>) -> String {
    result.err().expect("refused").text
}

fn json<T: serde::Serialize>(reply: &T) -> Result<Bytes> {
    Ok(Bytes::from(serde_json::to_vec(reply).expect("serializes")))
}
