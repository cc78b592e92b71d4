//! Servers that find each other by gossip, within a datacenter and between two.

use super::*;
use crate::gossip::serf::Logger;
use crate::gossip::{Pool, PoolConfig, Timing};
use crate::rpc::{PortLimits, listen};
use crate::types::cluster::{EventFireRequest, KeyringRequest};
use std::time::Instant;

/// Longest wait for something that must come.
const SOON: Duration = Duration::from_secs(30);

/// A key of the gossip in these tests.
const KEY: [u8; 16] = [7; 16];

/// A server with its pools.
pub(super) struct Node {
    pub(super) server: Server,
    lan: Pool,
    pub(super) wan: Pool,
}

fn free(name: &str) -> PoolConfig {
    PoolConfig {
        timing: Timing { probe_interval: Duration::from_millis(200), ..Timing::local() },
        leave_propagate_delay: Duration::from_millis(200),
        keys: vec![KEY.to_vec()],
        ..PoolConfig::new(name, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
    }
}

impl Node {
    async fn start(datacenter: &str, number: u8, expect: u32) -> Node {
        Node::start_with(datacenter, number, expect, |_| {}).await
    }

    /// The same with changed settings.
    pub(super) async fn start_with(
        datacenter: &str,
        number: u8,
        expect: u32,
        change: impl FnOnce(&mut ServerConfig),
    ) -> Node {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let port = listen(address, PortLimits::default()).await.expect("a free port");
        let name = format!("s{number}");
        let id = format!("00000000-0000-4000-8000-{number:012}");
        let tags = [
            ("role", "consul"),
            ("dc", datacenter),
            ("id", &id),
            ("vsn", "2"),
            ("build", "1.21.4:0123abcd"),
            ("port", &port.address().port().to_string()),
            ("expect", &expect.to_string()),
        ];
        let tags: BTreeMap<String, String> =
            tags.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let wan = PoolConfig { tags: tags.clone(), log: Logger::ServerWan, ..free(&format!("{name}.{datacenter}")) };
        let wan = Pool::start(wan).await.expect("starts");
        let mut lan = PoolConfig { tags, ..free(&name) };
        lan.tags.insert("wan_join_port".into(), wan.address().port().to_string());
        let lan = Pool::start(lan).await.expect("starts");
        let mut config = ServerConfig::new(datacenter, &name, &id, port.address());
        config.raft_multiplier = 1;
        config.bootstrap_expect = expect;
        config.leave_drain_time = Duration::from_millis(100);
        config.autopilot.server_stabilization_time = GoDuration::millis(100);
        config.server_health_interval = Duration::from_millis(100);
        config.rpc_hold_timeout = Duration::from_secs(2);
        change(&mut config);
        let gossip = Gossip::pools(datacenter, lan.clone(), Some(wan.clone()));
        Node { server: Server::start(config, gossip, Some(port)).await.expect("starts"), lan, wan }
    }

    pub(super) async fn end(self) {
        self.server.shutdown().await;
        self.lan.shutdown().await;
        self.wan.shutdown().await;
    }
}

/// Servers of one datacenter that have a leader.
async fn datacenter(name: &str, numbers: std::ops::RangeInclusive<u8>) -> Vec<Node> {
    let mut nodes: Vec<Node> = Vec::new();
    let expect = u32::from(numbers.end() - numbers.start() + 1);
    for number in numbers {
        let node = Node::start(name, number, expect).await;
        if let Some(first) = nodes.first() {
            node.lan.join(&[first.lan.address().to_string()]).await.expect("joined");
        }
        nodes.push(node);
    }
    within(async || nodes.iter().any(|node| node.server.is_ready()).then_some(())).await;
    nodes
}

pub(super) async fn within<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < SOON, "it never came");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn elsewhere(datacenter: &str) -> DcRequest {
    DcRequest { datacenter: datacenter.into(), ..DcRequest::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_become_servers_and_one_that_leaves_is_taken_out() {
    let mut nodes = datacenter("dc1", 1..=3).await;
    let names = async |server: &Server| {
        let nodes = server.call::<CatalogListNodes>(DcRequest::default()).await.ok()?.nodes;
        Some(nodes.iter().map(|node| node.node.clone()).collect::<Vec<_>>())
    };
    within(async || names(&nodes[0].server).await.filter(|names| *names == ["s1", "s2", "s3"])).await;
    let leader = nodes.iter().position(|node| node.server.raft().is_leader()).expect("there is one");
    let leaving = nodes.remove(leader);
    leaving.server.leave().await.expect("left");
    let left = leaving.server.config().node_name.clone();
    within(async || names(&nodes[0].server).await.filter(|names| names.len() == 2 && !names.contains(&left))).await;
    within(async || (nodes[0].server.raft().configuration().1.len() == 2).then_some(())).await;
    // it answers nobody any more
    assert_eq!(refusal(leaving.server.call::<KvsGet>(key("k")).await), "No cluster leader");
    leaving.end().await;
    for node in nodes {
        node.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_goes_to_the_datacenter_that_it_names() {
    let first = datacenter("dc1", 1..=2).await;
    let second = datacenter("dc2", 3..=3).await;
    // one server joined is enough for all
    first[0].wan.join(&[second[0].wan.address().to_string()]).await.expect("joined");
    for node in first.iter().chain(&second) {
        within(async || {
            let wan = node.wan.members().iter().filter(|member| member.is_alive()).count();
            let known = node.server.call::<CatalogListDatacenters>(DcRequest::default()).await.expect("answered");
            (wan == 3 && known.len() == 2).then_some(known)
        })
        .await;
    }
    let asked = &first[1].server;
    let nodes = within(async || {
        let nodes = asked.call::<CatalogListNodes>(elsewhere("dc2")).await.expect("answered").nodes;
        (!nodes.is_empty()).then_some(nodes)
    })
    .await;
    assert_eq!(nodes[0].node, "s3");
    let dir_ent = DirEntry { key: "k".into(), value: "far".into(), ..DirEntry::default() };
    let write = KvRequest { datacenter: "dc2".into(), dir_ent, ..KvRequest::default() };
    asked.call::<KvsApply>(write).await.expect("stored");
    let reply = second[0].server.call::<KvsGet>(key("k")).await.expect("read");
    assert_eq!(reply.entries.expect("present")[0].value, Blob::from("far"));
    assert_eq!(refusal(asked.call::<CatalogListNodes>(elsewhere("dc9")).await), "No path to datacenter");
    let maps = asked.call::<CoordinateListDatacenters>(DcRequest::default()).await.expect("answered");
    assert_eq!(maps.iter().map(|map| map.datacenter.as_str()).collect::<Vec<_>>(), ["dc1", "dc2"]);
    assert_eq!(asked.call::<StatusPeers>(elsewhere("dc2")).await.expect("answered").len(), 1);

    let list = KeyringRequest { operation: "list".into(), ..KeyringRequest::default() };
    let pools = asked.call::<InternalKeyringOperation>(list).await.expect("answered").responses;
    let pools: Vec<_> = pools.iter().map(|pool| (pool.datacenter.as_str(), pool.wan, pool.num_nodes)).collect();
    assert_eq!(pools, [("dc1", true, 3), ("dc1", false, 2), ("dc2", false, 1)]);

    let mut events = second[0].lan.subscribe();
    let event = EventFireRequest { datacenter: "dc2".into(), name: "deploy".into(), ..EventFireRequest::default() };
    asked.call::<InternalEventFire>(event).await.expect("fired");
    while !matches!(events.recv().await.expect("open"), crate::gossip::serf::Event::User(event) if event.name == "consul:event:deploy")
    {
    }

    for node in second {
        node.end().await;
    }
    let start = Instant::now();
    refusal(asked.call::<CatalogListNodes>(elsewhere("dc2")).await);
    assert!(start.elapsed() < Duration::from_secs(5), "told at once");
    let unreachable = "Remote DC has no server currently reachable";
    within(async || {
        let answer = asked.call::<CatalogListNodes>(elsewhere("dc2")).await;
        (refusal(answer) == unreachable).then_some(())
    })
    .await;
    for node in first {
        node.end().await;
    }
}
