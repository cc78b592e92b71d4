//! Links alone, and raft over links between real sockets.

use super::dialer::{Link, connect};
use super::wire::{Chunks, Identity, Kind, Messages, put_message};
use super::*;
use crate::raft::{Raft, RaftConfig};
use crate::rpc::PortLimits;
use crate::rpc::security::AnyStream;
use crate::rpc::tests::{LIMIT, Served};
use crate::state::{Command, Store, WatchSet};
use crate::types::{DirEntry, KvOp, KvRequest};
use bytes::BytesMut;
use std::collections::HashMap;
use std::path::Path;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};
use tokio::time::timeout;
use uuid::Uuid;

/// Waits until something is true, looking again every few milliseconds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = timeout(LIMIT, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "never: {what}");
}

fn link(io: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static, patience: Patience) -> Link {
    let connected = Box::new(io) as AnyStream;
    Link::start("x".into(), "127.0.0.1:1".into(), patience, async { Ok(connected) }, |_, _| {})
}

#[tokio::test]
async fn answers_find_their_questions_in_any_order() {
    let (here, there) = duplex(100);
    let link = Arc::new(link(here, Patience::default()));
    let calls = (0..20_usize).map(|n| {
        let link = link.clone();
        async move { link.call(vec![n as u8; n * 10].into()).await.unwrap() }
    });
    let server = async {
        let (reader, mut writer) = split(there);
        let mut messages = Messages::new(reader);
        let mut came = Vec::new();
        while came.len() < 20 {
            let message = messages.next().await.unwrap().unwrap();
            came.extend((message.0 > 0).then_some(message));
        }
        for (number, payload) in came.into_iter().rev() {
            let mut out = BytesMut::new();
            put_message(&mut out, number, &[&payload[..], b"!"].concat());
            writer.write_all(&out).await.unwrap();
        }
        (messages, writer)
    };
    let (answers, _open) =
        timeout(LIMIT, async { tokio::join!(futures::future::join_all(calls), server) }).await.unwrap();
    for (n, answer) in answers.iter().enumerate() {
        assert_eq!(answer[..], [vec![n as u8; n * 10], b"!".to_vec()].concat());
    }
}

#[tokio::test]
async fn a_silent_server_is_asked_and_then_given_up() {
    let (here, there) = duplex(10_000);
    let link = link(here, Patience { ping: Duration::from_millis(10), dead: Duration::from_millis(100) });
    let (reader, _writer) = split(there);
    let mut messages = Messages::new(reader);
    let call = timeout(Duration::from_millis(1), link.call("hello".into()));
    assert!(call.await.is_err(), "nobody answers");
    let (mut hello, mut ping) = (false, false);
    while !hello || !ping {
        match messages.next().await.unwrap().unwrap() {
            (0, payload) if payload.is_empty() => ping = true,
            (_, payload) => hello = payload == "hello",
        }
    }
    let refused = timeout(LIMIT, link.call("again".into())).await.unwrap().unwrap_err();
    assert_eq!(refused.to_string(), "timed out");
    assert!(!link.is_alive());
}

#[tokio::test]
async fn a_server_that_gives_signs_of_life_may_take_its_time() {
    let (here, there) = duplex(10_000);
    let link = link(here, Patience { ping: Duration::from_millis(50), dead: Duration::from_secs(1) });
    let (reader, mut writer) = split(there);
    let mut messages = Messages::new(reader);
    let server = async {
        let mut number = 0;
        while number == 0 {
            number = messages.next().await.unwrap().unwrap().0;
        }
        let mut out = BytesMut::new();
        // more pings than fit into the patience with a silent server
        for _ in 0..25 {
            assert_eq!(messages.next().await.unwrap(), Some((0, Bytes::new())));
            put_message(&mut out, 0, &[]);
            writer.write_all_buf(&mut out).await.unwrap();
        }
        put_message(&mut out, number, b"late");
        writer.write_all_buf(&mut out).await.unwrap();
    };
    let (answer, ()) = timeout(LIMIT, async { tokio::join!(link.call("store this".into()), server) }).await.unwrap();
    assert_eq!(answer.unwrap(), "late");
}

#[tokio::test]
async fn broken_frames_end_a_link_without_memory_for_them() {
    for bad in [&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 1][..], &[0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 1, 5]] {
        let mut messages = Messages::new(bad);
        assert!(messages.next().await.is_err());
    }
    let mut text = String::new();
    let chunks = [&[0, 0, 0, 3][..], b"abc", &[0, 0, 0, 2], b"de", &[0; 4], b"beyond"].concat();
    Chunks::new(&chunks[..]).read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "abcde");
    for cut in [0, 2, 5, 9, 12, 14] {
        assert!(Chunks::new(&chunks[..cut]).read_to_end(&mut Vec::new()).await.is_err(), "cut at {cut}");
    }
}

/// A server on a port of its own.
struct Node {
    served: Served,
    raft: Raft,
    store: Arc<Store>,
}

type Book = Arc<Mutex<HashMap<String, SocketAddr>>>;

fn id(n: u128) -> String {
    Uuid::from_u128(n).to_string()
}

impl Node {
    async fn start(n: u128, book: &Book, dir: &Path, snapshot_threshold: u64) -> Node {
        let served = Served::start("127.0.0.1:0", &id(n), PortLimits::default()).await;
        book.lock().insert(id(n), served.address);
        let config = RaftConfig {
            data_dir: Some(dir.to_owned()),
            node_id: id(n),
            address: served.address.to_string(),
            multiplier: 1,
            trailing_logs: 5,
            snapshot_interval: Duration::from_millis(50),
            snapshot_threshold,
            ..RaftConfig::default()
        };
        let known = book.clone();
        let links = RaftLinks::new(Arc::new(move |id| known.lock().get(id).copied()));
        let store = Arc::new(Store::new());
        let raft = Raft::start_with(config, store.clone(), Arc::new(links)).await.unwrap();
        *served.service.raft.lock() = Some(raft.clone());
        Node { served, raft, store }
    }

    async fn stop(self) {
        *self.served.service.raft.lock() = None;
        self.raft.shutdown().await;
        self.served.stop().await;
    }

    fn value(&self, key: &str) -> Option<Bytes> {
        let (_, found) = self.store.snapshot().kv_get(&mut WatchSet::none(), key);
        found.map(|found| found.value.0.clone())
    }
}

/// Writes through whoever leads.
async fn write(nodes: &[Node], key: &str, value: Vec<u8>) {
    let waited = timeout(LIMIT, async {
        loop {
            if let Some(leader) = nodes.iter().find(|node| node.raft.is_leader()) {
                let dir_ent = DirEntry { key: key.into(), value: value.clone().into(), ..DirEntry::default() };
                let set = Command::Kvs(KvRequest { op: KvOp::Set, dir_ent, ..KvRequest::default() });
                if leader.raft.propose(set).await.is_ok() {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    waited.await.expect("a leader takes the write");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_replicate_move_and_receive_snapshots() {
    let book = Book::default();
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let mut nodes = Vec::new();
    for n in 1..=3 {
        let threshold = if n == 3 { u64::MAX } else { 10 };
        nodes.push(Node::start(n, &book, dirs[n as usize - 1].path(), threshold).await);
    }
    let peers: Vec<Peer> =
        (1..=3).map(|n| Peer { id: id(n), address: book.lock()[&id(n)].to_string(), voter: true }).collect();
    nodes[0].raft.bootstrap(&peers).await.unwrap();
    write(&nodes, "a", b"1".to_vec()).await;
    for node in &nodes {
        until("everybody has it", || node.value("a").as_deref() == Some(b"1")).await;
    }

    // one is away while the log is cut, and comes back at another address
    let away = nodes.pop().unwrap();
    let (old, last) = (away.served.address, away.raft.last_log_index());
    away.stop().await;
    for n in 0..30_u32 {
        let noise: Vec<u8> = (0..100_000_u32).map(|at| (at.wrapping_mul(2_654_435_761 ^ n) >> 13) as u8).collect();
        write(&nodes, &format!("k{n}"), noise).await;
    }
    let snapshot = |node: &Node| node.raft.stats()["last_snapshot_index"].parse::<u64>().unwrap();
    until("the log was cut", || nodes.iter().all(|node| node.raft.first_log_index() > last)).await;
    let taken = Served::start(&old.to_string(), "somebody else", PortLimits::default()).await;
    let back = Node::start(3, &book, dirs[2].path(), u64::MAX).await;
    assert_ne!(back.served.address, old);
    until("it has all", || (0..30).all(|n| back.value(&format!("k{n}")).is_some_and(|value| value.len() == 100_000)))
        .await;
    until("it got a snapshot", || snapshot(&back) > 0).await;
    taken.stop().await;

    // everybody moves at once: ids and data stay, addresses do not
    for node in nodes.into_iter().chain([back]) {
        node.stop().await;
    }
    let mut nodes = Vec::new();
    for n in 1..=3 {
        nodes.push(Node::start(n, &book, dirs[n as usize - 1].path(), 20).await);
    }
    write(&nodes, "b", b"2".to_vec()).await;
    for node in &nodes {
        until("everybody has it", || node.value("b").as_deref() == Some(b"2")).await;
    }
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test]
async fn an_address_that_belongs_to_somebody_else_answers_for_nobody() {
    let (book, dir) = (Book::default(), tempfile::tempdir().unwrap());
    let node = Node::start(1, &book, dir.path(), 20).await;
    let (settings, address) = (ConnectionSettings::default(), node.served.address.to_string());
    let own = Identity { id: id(7), address: "127.0.0.7:8300".into() };
    assert!(connect(&settings, &own, Kind::Messages, &id(1), &address).await.is_ok());
    assert_eq!(*node.served.service.met.lock(), [(id(7), "127.0.0.7:8300".parse().unwrap())]);
    for kind in [Kind::Messages, Kind::Snapshot] {
        let refused = connect(&settings, &own, kind, &id(2), &address).await.err().unwrap();
        assert_eq!(refused.to_string(), format!("server {} is there instead of {}", id(1), id(2)));
    }
    *node.served.service.raft.lock() = None;
    let refused = connect(&settings, &own, Kind::Messages, &id(1), &address).await.err().unwrap();
    assert_eq!(refused.to_string(), format!("server {} is not ready", id(1)));

    let links = RaftLinks::new(Arc::new(|_| None));
    let to = Peer { id: id(1), address, voter: true };
    assert!(links.call(&to, "x".into()).await.unwrap_err().to_string().contains("is not ready"));
    assert!(
        links.call(&to, "x".into()).await.unwrap_err().to_string().contains("is not ready"),
        "or not tried again yet"
    );
    *node.served.service.raft.lock() = Some(node.raft.clone());
    let answered = timeout(LIMIT, async {
        while links.call(&to, "x".into()).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    answered.await.expect("it is dialed again");
    node.stop().await;
}
