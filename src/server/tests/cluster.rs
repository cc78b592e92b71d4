//! Several servers in one process, over real sockets on loopback addresses.

use super::*;
use crate::rpc::{ConnectionSettings, Connections, Port, PortLimits, listen};
use std::time::Instant;

/// Longest wait for something that must come.
const SOON: Duration = Duration::from_secs(20);

/// Node id of server `number`.
fn id(number: u8) -> String {
    format!("00000000-0000-4000-8000-0000000000{number:02}")
}

async fn port() -> Port {
    listen(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), PortLimits::default()).await.expect("a free port")
}

fn server_member(number: u8, address: SocketAddr) -> Member {
    Member {
        name: format!("s{number}"),
        id: id(number),
        datacenter: "dc1".into(),
        address: address.ip(),
        status: MemberStatus::Alive,
        version: "1.21.4".into(),
        server: Some(ServerDetails { port: address.port(), ..ServerDetails::default() }),
    }
}

/// One server of a cluster.
struct Node {
    number: u8,
    server: Server,
    members: Arc<StaticMembers>,
    address: SocketAddr,
}

/// Servers that know each other.
struct Cluster {
    nodes: Vec<Node>,
    expect: u32,
    data: Option<tempfile::TempDir>,
    change: fn(&mut ServerConfig),
}

impl Cluster {
    /// `count` servers that wait for each other and elect a leader.
    async fn of(count: u8) -> Cluster {
        Cluster::with(count, false, |_| {}).await
    }

    async fn with(count: u8, on_disk: bool, change: fn(&mut ServerConfig)) -> Cluster {
        let data = on_disk.then(|| tempfile::tempdir().expect("a directory"));
        let mut cluster = Cluster { nodes: Vec::new(), expect: count.into(), data, change };
        cluster.start(&(1..=count).collect::<Vec<_>>()).await;
        cluster.await_leader().await;
        cluster
    }

    /// Starts servers at new addresses.
    async fn start(&mut self, numbers: &[u8]) {
        let mut ports = Vec::new();
        for number in numbers {
            ports.push((*number, port().await));
        }
        let mut list: Vec<Member> = self.nodes.iter().map(|node| server_member(node.number, node.address)).collect();
        list.extend(ports.iter().map(|(number, port)| server_member(*number, port.address())));
        for node in &self.nodes {
            node.members.set(list.clone());
        }
        for (number, port) in ports {
            let address = port.address();
            let members = Arc::new(StaticMembers::new(list.clone()));
            let mut config = ServerConfig::new("dc1", format!("s{number}"), id(number), address);
            config.raft_multiplier = 1;
            config.bootstrap_expect = self.expect;
            config.data_dir = self.data.as_ref().map(|dir| dir.path().join(number.to_string()));
            config.server_health_interval = Duration::from_millis(100);
            config.autopilot_interval = Duration::from_millis(200);
            config.autopilot.server_stabilization_time = GoDuration::millis(100);
            (self.change)(&mut config);
            if let Some(dir) = &config.data_dir {
                std::fs::create_dir_all(dir).expect("a directory");
            }
            let gossip = Gossip::alone(members.clone());
            let server = Server::start(config, gossip, Some(port)).await.expect("starts");
            self.nodes.push(Node { number, server, members, address });
        }
    }

    /// Tells everybody the status of one.
    fn set_status(&self, number: u8, status: Option<MemberStatus>) {
        for node in &self.nodes {
            let before = node.members.list();
            let list = before.iter().filter_map(|member| {
                let mut member = Member::clone(member);
                if member.id == id(number) {
                    member.status = status?;
                }
                Some(member)
            });
            node.members.set(list.collect());
        }
    }

    async fn await_leader(&self) -> &Node {
        within(async || {
            let leader = self.nodes.iter().find(|node| node.server.is_ready())?;
            let known = self
                .nodes
                .iter()
                .all(|node| node.server.raft().leader().is_some_and(|known| known.id == id(leader.number)));
            known.then_some(leader)
        })
        .await
    }

    async fn follower(&self) -> &Node {
        let leader = self.await_leader().await.number;
        self.nodes.iter().find(|node| node.number != leader).expect("there are others")
    }

    /// Stops a server without a word.
    async fn stop(&mut self, number: u8) -> Instant {
        let at = self.nodes.iter().position(|node| node.number == number).expect("it runs");
        let node = self.nodes.remove(at);
        let start = Instant::now();
        node.server.shutdown().await;
        start
    }

    /// Ids of the voters, by the number in them, as the leader knows them.
    fn voters(&self) -> Option<Vec<String>> {
        let leader = self.nodes.iter().find(|node| node.server.raft().is_leader())?;
        let mut voters: Vec<String> =
            leader.server.raft().configuration().1.into_iter().filter(|peer| peer.voter).map(|peer| peer.id).collect();
        voters.sort();
        Some(voters)
    }

    async fn await_voters(&self, numbers: &[u8]) {
        let wanted: Vec<String> = numbers.iter().map(|number| id(*number)).collect();
        within(async || self.voters().filter(|voters| *voters == wanted)).await;
    }

    async fn end(self) {
        for node in self.nodes {
            node.server.shutdown().await;
        }
    }
}

/// Looks until there is something, a few milliseconds apart.
async fn within<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < SOON, "it never came");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn value(server: &Server, name: &str) -> Option<Blob> {
    let reply = server.call::<KvsGet>(key(name)).await.expect("read");
    reply.entries.and_then(|entries| entries.first().map(|entry| entry.value.clone()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_elect_a_leader_and_all_of_them_take_writes_and_reads() {
    let cluster = Cluster::of(3).await;
    for (at, node) in cluster.nodes.iter().enumerate() {
        put(&node.server, &format!("k{at}"), "1").await;
    }
    for node in &cluster.nodes {
        for at in 0..3 {
            assert_eq!(value(&node.server, &format!("k{at}")).await, Some(Blob::from("1")));
        }
        let mut consistent = key("k0");
        consistent.query.require_consistent = true;
        assert!(node.server.call::<KvsGet>(consistent).await.expect("read").meta.known_leader);
        let mut stale = key("k0");
        stale.query.allow_stale = true;
        assert!(node.server.call::<KvsGet>(stale).await.expect("read").meta.known_leader);
    }
    let follower = cluster.follower().await;
    let leader = follower.server.call::<StatusLeader>(DcRequest::default()).await.expect("answered");
    assert_eq!(leader, cluster.await_leader().await.address.to_string());
    assert_eq!(follower.server.call::<StatusPeers>(DcRequest::default()).await.expect("answered").len(), 3);
    let missing = follower.server.call_encoded::<KvsGet>(key("none"), &Encoding { name: "j", encode: json }).await;
    assert!(missing.expect("answered").not_found);
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_waits_on_a_follower_are_one_wait_at_the_leader() {
    let cluster = Cluster::of(3).await;
    let follower = cluster.follower().await;
    let leader = &cluster.await_leader().await.server;
    put(leader, "k", "1").await;
    let index = leader.call::<KvsGet>(key("k")).await.expect("read").meta.index;
    let waiting = |server: &Server| {
        let server = server.clone();
        tokio::spawn(async move {
            let mut request = key("k");
            request.query.min_query_index = index;
            let answer = server.call_shared::<KvsGet>(request).await.expect("answered");
            answer.body.entries.clone().expect("present")[0].value.clone()
        })
    };
    let waiters: Vec<_> = (0..20).map(|_| waiting(&follower.server)).collect();
    within(async || (leader.blocked_queries() == 1 && follower.server.inner.flights.len() == 1).then_some(())).await;
    put(&follower.server, "k", "2").await;
    for waiter in waiters {
        assert_eq!(waiter.await.expect("runs"), Blob::from("2"));
    }
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_leader_is_replaced_and_waiting_reads_go_on() {
    let mut cluster = Cluster::of(3).await;
    let leader = cluster.await_leader().await.number;
    let follower = cluster.follower().await.server.clone();
    put(&follower, "k", "1").await;
    let index = follower.call::<KvsGet>(key("k")).await.expect("read").meta.index;
    let waiter = tokio::spawn({
        let follower = follower.clone();
        async move {
            let mut request = key("k");
            request.query.min_query_index = index;
            follower.call_shared::<KvsGet>(request).await.map(|answer| answer.body.entries.clone())
        }
    });
    let start = cluster.stop(leader).await;
    // one that was under way may or may not have been taken, which the writer is told
    within(async || kv(&follower, KvOp::Set, "k", |entry| entry.value = "2".into()).await.ok()).await;
    let gap = start.elapsed();
    let entries = waiter.await.expect("runs").expect("answered").expect("present");
    assert_eq!(entries[0].value, Blob::from("2"));
    println!("a write was taken {gap:?} after the leader was stopped");
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_all_move_form_their_cluster_again() {
    let mut cluster = Cluster::with(3, true, |_| {}).await;
    put(&cluster.nodes[0].server, "k", "1").await;
    for number in 1..=3 {
        cluster.stop(number).await;
    }
    cluster.start(&[1, 2, 3]).await;
    cluster.await_leader().await;
    assert_eq!(value(&cluster.nodes[2].server, "k").await, Some(Blob::from("1")));
    let wanted: Vec<String> = cluster.nodes.iter().map(|node| node.address.to_string()).collect();
    within(async || {
        let leader = cluster.await_leader().await;
        let mut peers = leader.server.raft().configuration().1;
        peers.sort_by(|a, b| a.id.cmp(&b.id));
        let logged: Vec<String> = peers.into_iter().map(|peer| peer.address).collect();
        (logged == wanted).then_some(())
    })
    .await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_come_and_go() {
    let mut cluster = Cluster::of(3).await;
    put(&cluster.nodes[0].server, "k", "1").await;
    cluster.start(&[4, 5]).await;
    cluster.await_voters(&[1, 2, 3, 4, 5]).await;
    assert_eq!(value(&cluster.nodes[4].server, "k").await, Some(Blob::from("1")));
    // one that left is removed, one that gossip has forgotten as well
    cluster.stop(5).await;
    cluster.set_status(5, Some(MemberStatus::Left));
    cluster.await_voters(&[1, 2, 3, 4]).await;
    cluster.stop(4).await;
    cluster.set_status(4, None);
    cluster.await_voters(&[1, 2, 3]).await;
    let health = cluster.follower().await.server.clone();
    within(async || {
        let health = health.call::<OperatorServerHealth>(DcRequest::default()).await.ok()?;
        (health.healthy && health.failure_tolerance == 1 && health.servers.len() == 3).then_some(())
    })
    .await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn leadership_and_servers_are_moved_by_operators_through_any_server() {
    let mut cluster = Cluster::of(3).await;
    let follower = cluster.follower().await;
    let request = TransferLeaderRequest { id: id(follower.number), ..Default::default() };
    follower.server.call::<OperatorRaftTransferLeader>(request).await.expect("transferred");
    let leader = cluster.await_leader().await;
    assert_eq!(leader.number, follower.number);
    let other = cluster.follower().await;
    let configuration = other.server.call::<OperatorRaftGetConfiguration>(DcRequest::default()).await.expect("read");
    let names: Vec<&str> = configuration.servers.iter().map(|server| server.node.as_str()).collect();
    assert_eq!(names, ["s1", "s2", "s3"]);
    assert_eq!(configuration.servers.iter().filter(|server| server.leader).count(), 1);
    within(async || {
        let state = other.server.call::<OperatorAutopilotState>(DcRequest::default()).await.expect("read");
        (state.voters.len() == 3 && state.leader == id(leader.number)).then_some(())
    })
    .await;
    // nobody hands over to a server that does not answer
    let (leader, dead) = (leader.number, other.number);
    let remaining = (1..=3).find(|number| *number != leader && *number != dead).expect("three servers");
    cluster.stop(dead).await;
    let asked = cluster.nodes.iter().find(|node| node.number == leader).expect("it runs").server.clone();
    let refused = within(async || {
        let request = TransferLeaderRequest { id: id(dead), ..Default::default() };
        let text = refusal(asked.call::<OperatorRaftTransferLeader>(request).await);
        text.contains("does not answer").then_some(text)
    });
    within(async || asked.raft().peer_contacts().get(&id(dead)).is_none_or(|at| at.as_secs() >= 1).then_some(())).await;
    assert_eq!(refused.await, format!("server {} does not answer and cannot take over", id(dead)));
    asked.call::<OperatorRaftTransferLeader>(TransferLeaderRequest::default()).await.expect("transferred");
    within(async || {
        let known = asked.raft().leader()?;
        (known.id == id(remaining)).then_some(())
    })
    .await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_bootstrap_takes_in_those_that_expect_others() {
    let change = |config: &mut ServerConfig| config.bootstrap = config.node_name == "s1";
    let cluster = Cluster::with(3, false, change).await;
    cluster.await_voters(&[1, 2, 3]).await;
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wire_answers_in_the_reference_s_ways() {
    let cluster = Cluster::of(3).await;
    let connections = Connections::new(ConnectionSettings::default());
    let second = Duration::from_secs(5);
    for node in &cluster.nodes {
        let apply = |op, value: &str| {
            let dir_ent = DirEntry { key: "k".into(), value: value.into(), ..Default::default() };
            KvRequest { op, dir_ent, ..Default::default() }
        };
        let to = node.address;
        assert!(!connections.call::<KvsApply>(to, &apply(KvOp::Set, "1"), second).await.expect("applied"));
        assert!(!connections.call::<KvsApply>(to, &apply(KvOp::Delete, ""), second).await.expect("applied"));
        assert!(connections.call::<KvsApply>(to, &apply(KvOp::Cas, "2"), second).await.expect("applied"));
        let reply = connections.call::<KvsGet>(to, &key("k"), second).await.expect("read");
        assert_eq!(reply.entries.expect("present")[0].value, Blob::from("2"));
        assert!(reply.meta.known_leader && reply.meta.index > 1);
        connections.call::<StatusPing>(to, &crate::types::cluster::Empty {}, second).await.expect("alive");
        let refused =
            connections.call::<KvsGet>(to, &KeyRequest { datacenter: "dc9".into(), ..key("k") }, second).await;
        assert_eq!(refused.expect_err("refused").to_string(), "rpc error making call: No path to datacenter");
    }
    let unknown = connections.call_bytes(cluster.nodes[0].address, "Magic.Wand", &[0x80], second).await;
    assert_eq!(unknown.expect_err("refused").to_string(), "rpc error making call: rpc: can't find service Magic.Wand");
    connections.close();
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_minority_refuses_writes_and_reads_after_the_hold_time() {
    let mut cluster = Cluster::with(3, false, |config| config.rpc_hold_timeout = Duration::from_millis(300)).await;
    let leader = cluster.await_leader().await.number;
    let others: Vec<u8> = (1..=3).filter(|number| *number != leader).collect();
    for number in others {
        cluster.stop(number).await;
    }
    let alone = &cluster.nodes[0].server;
    within(async || (!alone.raft().is_leader()).then_some(())).await;
    assert_eq!(refusal(kv(alone, KvOp::Set, "k", |_| {}).await), "No cluster leader");
    assert_eq!(refusal(alone.call::<KvsGet>(key("k")).await), "No cluster leader");
    let mut stale = key("k");
    stale.query.allow_stale = true;
    alone.call::<KvsGet>(stale).await.expect("any server answers a stale read");
    cluster.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_snapshot_is_taken_and_restored_through_a_follower() {
    let cluster = Cluster::with(3, true, |_| {}).await;
    let follower = &cluster.follower().await.server;
    put(follower, "k", "1").await;
    let archive = save(follower).await;
    put(follower, "k", "2").await;
    restore(follower, archive).await;
    assert_eq!(value(follower, "k").await, Some(Blob::from("1")));
    cluster.end().await;
}
