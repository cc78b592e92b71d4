//! The port and the pool against each other, over real sockets, with a service made for tests.

use super::method::{CatalogListDatacenters, KvsGet, StatusLeader, StatusPing};
use super::*;
use crate::raft::Raft;
use crate::types::cluster::Empty;
use crate::types::requests::{DcRequest, IndexedDirEntries, KeyRequest, ServiceRequest};
use crate::types::{DirEntry, Error, QueryMeta, QueryOptions, msgpack};
use bytes::Bytes;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longest wait for a condition; only a failing test waits that long.
pub(super) const LIMIT: Duration = Duration::from_secs(60);

/// Answers a few methods; counts what is abandoned.
#[derive(Default)]
pub(super) struct Fake {
    pub name: String,
    pub raft: Mutex<Option<Raft>>,
    started: AtomicUsize,
    abandoned: AtomicUsize,
    changed: Notify,
    release: Notify,
    restored: Mutex<Vec<u8>>,
    pub met: Mutex<Vec<(String, SocketAddr)>>,
}

struct Abandoned<'a>(&'a Fake, bool);

impl Drop for Abandoned<'_> {
    fn drop(&mut self) {
        if self.1 {
            self.0.abandoned.fetch_add(1, SeqCst);
            self.0.changed.notify_one();
        }
    }
}

impl Fake {
    async fn answer(&self, method: &str, body: Bytes) -> Called {
        let encode = |value: &dyn Fn() -> Vec<u8>| Called::Reply(value().into());
        match method {
            "Status.Ping" => encode(&|| msgpack::to_vec(&()).unwrap()),
            "Status.Leader" => encode(&|| msgpack::to_vec(&self.name).unwrap()),
            "Catalog.ListDatacenters" => Called::Failed("No path to datacenter".into()),
            "KVS.Get" => {
                let request: KeyRequest = match msgpack::from_slice(&body) {
                    Ok(request) => request,
                    Err(error) => return Called::Undecodable(error.to_string()),
                };
                let mut waiting = Abandoned(self, true);
                self.started.fetch_add(1, SeqCst);
                self.changed.notify_one();
                if request.query.min_query_index > 0 {
                    self.release.notified().await;
                }
                waiting.1 = false;
                let entry = DirEntry {
                    value: vec![b'v'; request.key.len() * 1000].into(),
                    key: request.key,
                    ..DirEntry::default()
                };
                let reply = IndexedDirEntries { entries: Some(vec![Arc::new(entry)]), meta: QueryMeta::default() };
                encode(&|| msgpack::to_vec(&reply).unwrap())
            }
            _ => Called::Unknown,
        }
    }
}

impl Service for Fake {
    fn call<'a>(&'a self, method: &'a str, body: Bytes, _from: SocketAddr) -> BoxFuture<'a, Called> {
        Box::pin(self.answer(method, body))
    }

    fn snapshot<'a>(
        &'a self,
        request: SnapshotRequest,
        mut archive: Archive,
        _from: SocketAddr,
    ) -> BoxFuture<'a, crate::types::Result<SnapshotReply>> {
        Box::pin(async move {
            if request.datacenter != "dc1" {
                return Err(Error::new("No path to datacenter"));
            }
            let meta = QueryMeta { index: 7, known_leader: true, ..QueryMeta::default() };
            if request.op == SnapshotOp::Restore {
                let mut bytes = Vec::new();
                archive.read_to_end(&mut bytes).await?;
                *self.restored.lock() = bytes;
                return Ok(SnapshotReply { meta: QueryMeta::default(), archive: None });
            }
            let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| n as u8).collect();
            Ok(SnapshotReply { meta, archive: Some(Box::new(std::io::Cursor::new(bytes))) })
        })
    }

    fn raft(&self) -> Option<Raft> {
        self.raft.lock().clone()
    }

    fn met(&self, id: &str, address: SocketAddr) {
        self.met.lock().push((id.to_owned(), address));
    }

    fn health<'a>(&'a self, _request: ServiceRequest) -> BoxFuture<'a, crate::types::Result<HealthView>> {
        Box::pin(async { Err(Error::new("no health here")) })
    }
}

/// A served port.
pub(super) struct Served {
    pub address: SocketAddr,
    pub service: Arc<Fake>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Served {
    pub async fn start(address: &str, name: &str, limits: PortLimits) -> Served {
        let port = listen(address.parse().unwrap(), limits).await.unwrap();
        let service = Arc::new(Fake { name: name.into(), ..Fake::default() });
        let (stop, stopped) = watch::channel(false);
        let address = port.address();
        let task = tokio::spawn(port.serve(service.clone(), stopped));
        Served { address, service, stop, task }
    }

    pub async fn one() -> Served {
        Served::start("127.0.0.1:0", "one", PortLimits::default()).await
    }

    pub async fn stop(self) {
        self.stop.send(true).unwrap();
        timeout(LIMIT, self.task).await.expect("it ends promptly").unwrap();
    }
}

fn pool() -> Connections {
    Connections::new(ConnectionSettings::default())
}

async fn leader(pool: &Connections, to: SocketAddr) -> Result<String, CallError> {
    pool.call::<StatusLeader>(to, &DcRequest::default(), LIMIT).await
}

fn get(key: &str, index: u64) -> KeyRequest {
    let query = QueryOptions { min_query_index: index, ..QueryOptions::default() };
    KeyRequest { key: key.into(), query, ..KeyRequest::default() }
}

#[tokio::test]
async fn calls_are_answered_refused_or_unknown() {
    let served = Served::one().await;
    let pool = pool();
    assert_eq!(leader(&pool, served.address).await.unwrap(), "one");
    pool.call::<StatusPing>(served.address, &Empty {}, LIMIT).await.unwrap();
    let refused = pool.call::<CatalogListDatacenters>(served.address, &DcRequest::default(), LIMIT).await.unwrap_err();
    assert_eq!(refused, CallError::Remote("No path to datacenter".into()));
    assert_eq!(refused.to_string(), "rpc error making call: No path to datacenter");
    for (method, text) in [
        ("Nope.X", "rpc: can't find service Nope.X"),
        ("Status.Nope", "rpc: can't find method Status.Nope"),
        ("nonsense", "rpc: service/method request ill-formed: nonsense"),
    ] {
        let unknown = pool.call_bytes(served.address, method, &[0x80], LIMIT).await.unwrap_err();
        assert_eq!(unknown, CallError::Remote(text.into()));
    }
    let undecodable = pool.call_bytes(served.address, "KVS.Get", &[0xa1, b'x'], LIMIT).await.unwrap_err();
    assert!(matches!(undecodable, CallError::Remote(_)), "{undecodable:?}");
    assert_eq!(leader(&pool, served.address).await.unwrap(), "one");
    served.stop().await;
}

#[tokio::test]
async fn many_calls_at_once_share_one_connection() {
    let served =
        Served::start("127.0.0.1:0", "one", PortLimits { max_conns_per_client: 1, ..PortLimits::default() }).await;
    let pool = pool();
    let calls = (1..600).map(|n| {
        let (pool, to) = (pool.clone(), served.address);
        async move {
            let key = "k".repeat(n);
            let reply = pool.call::<KvsGet>(to, &get(&key, 0), LIMIT).await.unwrap();
            let entry = &reply.entries.unwrap()[0];
            assert_eq!((entry.key.as_str(), entry.value.0.len()), (key.as_str(), n * 1000));
        }
    });
    futures::future::join_all(calls).await;
    // the place is taken by the session
    let mut surplus = TcpStream::connect(served.address).await.unwrap();
    assert_eq!(timeout(LIMIT, surplus.read(&mut [0])).await.unwrap().unwrap_or(0), 0);
    served.stop().await;
}

#[tokio::test]
async fn an_abandoned_call_ends_at_the_server() {
    let served = Served::one().await;
    let pool = pool();
    let short = Duration::from_millis(20);
    let late = pool.call::<KvsGet>(served.address, &get("a", 5), short).await.unwrap_err();
    assert_eq!(late, CallError::Timeout);
    let wait = async {
        while served.service.abandoned.load(SeqCst) == 0 {
            served.service.changed.notified().await;
        }
    };
    timeout(LIMIT, wait).await.expect("the server notices");
    assert_eq!(leader(&pool, served.address).await.unwrap(), "one");
    served.stop().await;
}

#[tokio::test]
async fn a_broken_session_is_replaced() {
    let served = Served::one().await;
    let (pool, address) = (pool(), served.address);
    assert_eq!(leader(&pool, address).await.unwrap(), "one");
    served.stop().await;
    let gone = leader(&pool, address).await.unwrap_err();
    assert!(!matches!(gone, CallError::Remote(_)), "{gone:?}");
    let refused = leader(&pool, address).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("rpc error getting client: failed to get conn: dial tcp <nil>->{address}: connect: connection refused")
    );
    let again = Served::start(&address.to_string(), "two", PortLimits::default()).await;
    assert_eq!(leader(&pool, address).await.unwrap(), "two");
    pool.close();
    assert_eq!(leader(&pool, address).await.unwrap_err().to_string(), "rpc error: shutdown");
    again.stop().await;
}

#[tokio::test]
async fn an_unused_session_is_closed() {
    let served =
        Served::start("127.0.0.1:0", "one", PortLimits { max_conns_per_client: 1, ..PortLimits::default() }).await;
    let settings = ConnectionSettings { idle_limit: Duration::from_millis(30), ..ConnectionSettings::default() };
    let idle = Connections::new(settings);
    assert_eq!(leader(&idle, served.address).await.unwrap(), "one");
    let other = pool();
    let wait = async { while leader(&other, served.address).await.is_err() {} };
    timeout(LIMIT, wait).await.expect("the place becomes free");
    served.stop().await;
}

#[tokio::test]
async fn first_bytes_choose_and_others_are_closed() {
    let served = Served::one().await;
    for first in [1, 2, 3, 6, 7, 9, 20, 22, 255] {
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        stream.write_all(&[first]).await.unwrap();
        assert_eq!(timeout(LIMIT, stream.read(&mut [0])).await.unwrap().unwrap_or(0), 0, "{first}");
    }
    let limits = PortLimits { handshake_timeout: Duration::from_millis(50), ..PortLimits::default() };
    let hasty = Served::start("127.0.0.1:0", "hasty", limits).await;
    let mut silent = TcpStream::connect(hasty.address).await.unwrap();
    assert_eq!(timeout(LIMIT, silent.read(&mut [0])).await.unwrap().unwrap_or(0), 0);
    hasty.stop().await;

    let mut single = TcpStream::connect(served.address).await.unwrap();
    let request = b"\x82\xa3Seq\x01\xadServiceMethod\xadStatus.Leader\x80";
    single.write_all(&[&[0][..], request, request].concat()).await.unwrap();
    single.shutdown().await.unwrap();
    let mut answers = Vec::new();
    timeout(LIMIT, single.read_to_end(&mut answers)).await.unwrap().unwrap();
    let answer = b"\x83\xa5Error\xa0\xa3Seq\x01\xadServiceMethod\xadStatus.Leader\xa3one";
    assert_eq!(answers, [&answer[..], answer].concat());
    served.stop().await;
}

#[tokio::test]
async fn snapshots_are_saved_and_restored() {
    let served = Served::one().await;
    let pool = pool();
    let request = SnapshotRequest { datacenter: "dc1".into(), ..SnapshotRequest::default() };
    let (response, mut archive) = pool.snapshot(served.address, &request, None).await.unwrap();
    assert_eq!((response.meta.index, response.meta.known_leader), (7, true));
    let mut bytes = Vec::new();
    archive.read_to_end(&mut bytes).await.unwrap();
    assert_eq!((bytes.len(), bytes[1000]), (3_000_000, 232));

    let restore = SnapshotRequest { op: SnapshotOp::Restore, ..request.clone() };
    let send = |bytes: Vec<u8>| Some(Box::new(std::io::Cursor::new(bytes)) as Archive);
    pool.snapshot(served.address, &restore, send(bytes.clone())).await.unwrap();
    assert_eq!(*served.service.restored.lock(), bytes);

    for (request, text) in [
        (SnapshotRequest { allow_stale: true, ..restore.clone() }, "stale not allowed for restore"),
        (SnapshotRequest { op: SnapshotOp::Other(7), ..request.clone() }, "unrecognized snapshot op '\\a'"),
        (SnapshotRequest { datacenter: "dc7".into(), ..restore.clone() }, "No path to datacenter"),
    ] {
        let refused = pool.snapshot(served.address, &request, send(bytes.clone())).await.err().unwrap();
        assert_eq!(refused, CallError::Remote(text.into()));
    }
    served.stop().await;
}

#[tokio::test]
async fn servers_take_turns_when_they_fail() {
    let (one, two) = (Served::one().await, Served::start("127.0.0.1:0", "two", PortLimits::default()).await);
    let hold = Duration::from_millis(200);
    let servers = Servers::new(CallSettings { hold, ..CallSettings::default() });
    let pool = pool();
    let request = DcRequest::default();
    let call = || servers.call::<StatusLeader>(&pool, &request);
    assert_eq!(call().await.unwrap_err().text, "No known Consul servers");
    for served in [&one, &two] {
        servers.add(ServerAddress {
            name: served.service.name.clone(),
            id: String::new(),
            datacenter: "dc1".into(),
            address: served.address,
        });
    }
    assert_eq!(call().await.unwrap(), servers.pick().unwrap().name);
    let refused = servers.call::<CatalogListDatacenters>(&pool, &DcRequest::default()).await.unwrap_err();
    assert_eq!(refused.text, "rpc error making call: No path to datacenter");
    let first = servers.pick().unwrap().name.clone();
    let (gone, left) = if first == "one" { (one, two) } else { (two, one) };
    gone.stop().await;
    assert_eq!(call().await.unwrap(), left.service.name, "a read goes on with the other");
    servers.rebalance(&pool).await;
    assert!(servers.is_online());
    assert_eq!(servers.pick().unwrap().name, left.service.name);
    assert!(servers.remove(&first) && !servers.remove(&first));
    left.stop().await;
    assert!(call().await.is_err());
    servers.rebalance(&pool).await;
    assert!(!servers.is_online());

    servers.configure(CallSettings { hold, rate: 0.001, burst: 0, ..CallSettings::default() });
    assert_eq!(call().await.unwrap_err().text, "RPC rate limit exceeded");
}

#[tokio::test]
async fn a_connection_for_a_first_certificate_has_its_time() {
    let (io, silent) = tokio::io::duplex(64);
    let service: Arc<dyn Service> = Arc::new(Fake::default());
    let from = SocketAddr::from(([127, 0, 0, 1], 1));
    let budget = budget::Budget::of_port(1 << 20);
    let served = serve::joining(io, &service, from, &budget, Duration::from_millis(20));
    timeout(LIMIT, served).await.expect("it ends although the other side is silent");
    drop(silent);
}
