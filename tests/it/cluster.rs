//! Servers find each other, elect a leader and take in others.

use crate::support::cluster::*;
use crate::support::*;
use std::collections::BTreeSet;
use std::net::{TcpListener, UdpSocket};

#[test]
fn three_servers_elect_a_leader_once_they_are_joined_by_hand() {
    let start = |name: &str| member(name).server_of(3).start();
    let servers: Vec<TestAgent> = ["s1", "s2", "s3"].into_iter().map(start).collect();
    let cluster = Cluster { servers };
    let [first, second, third] = &cluster.servers[..] else { unreachable!("three were started") };
    for server in &cluster.servers {
        assert_eq!(server.get("/v1/status/leader").json(), "");
        assert_eq!(server.get("/v1/status/peers").json().as_array().map_or(0, Vec::len), 0);
        wait_until("a word about the missing leader in the log", || {
            server.log().to_lowercase().contains("no cluster leader")
        });
    }
    let refused = first.put("/v1/kv/early", "1");
    assert_eq!((refused.status, refused.text().trim()), (500, "No cluster leader"));
    assert_eq!(first.get("/v1/kv/early?consistent").status, 500);

    let joined = first.cli_ok(&["join", &second.address, &third.address]);
    assert_eq!(joined, "Successfully joined cluster by contacting 2 nodes.\n");
    cluster.wait_voters(3);
    cluster.wait_alive(3);

    let leader = cluster.leader();
    let ports: BTreeSet<String> = cluster.addresses().iter().map(|address| format!("{address}:8300")).collect();
    for server in &cluster.servers {
        wait_until("the same leader everywhere", || {
            server.known_leader() == Some(format!("{}:8300", cluster.servers[leader].address))
        });
        let peers = server.get("/v1/status/peers").json();
        let peers: BTreeSet<String> =
            peers.as_array().expect("a list").iter().filter_map(|peer| peer.as_str().map(str::to_owned)).collect();
        assert_eq!(peers, ports);
    }
    for (number, server) in cluster.servers.iter().enumerate() {
        server.put_ok(&format!("/v1/kv/from/{number}"), format!("{number}"));
    }
    for server in &cluster.servers {
        for number in 0..3 {
            assert_eq!(server.get(&format!("/v1/kv/from/{number}?raw")).text(), format!("{number}"));
            assert_eq!(server.read(&format!("from/{number}")), Some(format!("{number}")));
        }
    }
    commands_show_the_cluster(&cluster, leader);
}

fn commands_show_the_cluster(cluster: &Cluster, leader: usize) {
    let server = &cluster.servers[0];
    let table = server.cli_ok(&["members"]);
    let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(rows.len(), 4, "{table}");
    assert_eq!(rows[0][..7], ["Node", "Address", "Status", "Type", "Build", "Protocol", "DC"]);
    for (row, member) in rows[1..].iter().zip(&cluster.servers) {
        assert_eq!(row[..4], [member.name.as_str(), &format!("{}:8301", member.address), "alive", "server"]);
        assert_eq!(row[6], "dc1");
    }
    let detailed = server.cli_ok(&["members", "-detailed"]);
    for tag in ["role=consul", "dc=dc1", "port=8300", "expect=3", "raft_vsn=3", "wan_join_port=8302", "id="] {
        assert_eq!(detailed.matches(tag).count(), 3, "{tag} in {detailed}");
    }
    let wan = server.cli_ok(&["members", "-wan"]);
    for member in &cluster.servers {
        assert!(wan.contains(&format!("{}.dc1", member.name)), "{wan}");
        assert!(wan.contains(&format!("{}:8302", member.address)), "{wan}");
    }
    assert_eq!(server.cli_ok(&["members", "-status=aliv"]), table);
    let none = server.cli(&["members", "-status=failed"]);
    assert_eq!((none.status.code(), stdout(&none).as_str()), (Some(2), ""));

    let peers = server.cli_ok(&["operator", "raft", "list-peers"]);
    for (number, member) in cluster.servers.iter().enumerate() {
        let row = peers.lines().find(|line| line.starts_with(&member.name)).unwrap_or_else(|| panic!("{peers}"));
        let cells: Vec<&str> = row.split_whitespace().collect();
        let state = if number == leader { "leader" } else { "follower" };
        assert_eq!(cells[2..6], [format!("{}:8300", member.address).as_str(), state, "true", "3"], "{peers}");
    }
    for (number, member) in cluster.servers.iter().enumerate() {
        let info = member.cli_ok(&["info"]);
        let state = if number == leader { "state = Leader" } else { "state = Follower" };
        for line in ["server = true", "num_peers = 2", "members = 3", state] {
            assert!(info.contains(line), "{line} of {} in {info}", member.name);
        }
        let leads = format!("leader = {}", number == leader);
        assert!(info.contains(&leads), "{leads} of {} in {info}", member.name);
    }
    wait_until("a healthy autopilot", || {
        let health = server.ask_json("/v1/operator/autopilot/health");
        health["Healthy"] == true
            && health["FailureTolerance"] == 1
            && health["Servers"].as_array().is_some_and(|servers| servers.len() == 3)
    });
    assert!(server.cli_ok(&["operator", "autopilot", "get-config"]).contains("CleanupDeadServers = true"));
    if !testing_reference() {
        let state = server.cli_ok(&["operator", "autopilot", "state"]);
        assert!(state.contains("Failure Tolerance:            1"), "{state}");
        assert!(server.cli_ok(&["operator", "usage", "instances"]).contains("Billable Services"));
    }
}

#[test]
fn servers_named_by_ports_names_and_templates_are_joined() {
    // on all addresses, so below the ports that the system gives to connections of other tests
    let free =
        |port: &u16| TcpListener::bind(("0.0.0.0", *port)).is_ok() && UdpSocket::bind(("0.0.0.0", *port)).is_ok();
    let first_tried = 20_000 + (std::process::id() % 10_000) as u16;
    let port = (first_tried..32_000).find(free).expect("a free port");
    let others: Vec<AgentBuilder> = vec![member("s2"), member("s3")];
    let first = member("s1").server_of(3).arg("-serf-lan-bind=0.0.0.0").hcl(&format!("ports {{ serf_lan = {port} }}"));
    let first = first.start();
    let mut joining = others.into_iter();
    let by_name = joining.next().expect("two").server_of(3).retry_join(&[format!("localhost:{port}")]);
    let loopback = r#"GetAllInterfaces | include "name" "^lo$" | include "type" "ipv4" | limit 1 | attr "address""#;
    let template = format!("{{{{ {loopback} }}}}:{port}");
    let by_template = joining.next().expect("two").server_of(3).retry_join(&[template]);
    let cluster = Cluster { servers: vec![first, by_name.start(), by_template.start()] };
    cluster.wait_voters(3);
    cluster.wait_alive(3);
}

#[test]
fn one_bootstrapped_server_and_two_that_expect_three_form_one_cluster() {
    let builders = vec![member("s1"), member("s2"), member("s3")];
    let cluster = start_together(builders, |builder| {
        if builder.planned_name() == "s1" { builder.arg("-server").arg("-bootstrap") } else { builder.server_of(3) }
    });
    assert_eq!(cluster.servers[0].raft_servers().len(), 3);
    cluster.servers[2].write("together", "1");
    cluster.wait_replicated("together", "1");
}

#[test]
fn a_fourth_and_a_fifth_server_become_voters_and_the_cluster_survives_two_losses() {
    let mut cluster = cluster(3);
    cluster.servers[0].write("before", "1");
    for name in ["s4", "s5"] {
        let server = cluster.joining_server(name).start();
        cluster.servers.push(server);
    }
    cluster.wait_voters(5);
    cluster.wait_alive(5);
    cluster.wait_replicated("before", "1");
    let leader = cluster.leader();
    cluster.servers[leader].kill();
    let next = cluster.leader();
    cluster.servers[next].kill();
    let last = cluster.leader();
    assert!(last != leader && last != next);
    let follower = (0..5).find(|number| ![leader, next, last].contains(number)).expect("five");
    cluster.servers[follower].write("after", "2");
    assert_eq!(cluster.servers[last].read("after").as_deref(), Some("2"));
    assert_eq!(cluster.servers[last].read("before").as_deref(), Some("1"));
}

#[test]
fn leadership_moves_to_the_server_that_is_named() {
    if testing_reference() {
        println!("skipped: 1.8 has no transfer of leadership");
        return;
    }
    let cluster = cluster(3);
    let follower = &cluster.servers[cluster.follower()];
    let id = follower.get("/v1/agent/self").json()["Config"]["NodeID"].as_str().expect("an id").to_owned();
    assert_eq!(follower.cli_ok(&["operator", "raft", "transfer-leader", &format!("-id={id}")]), "Success\n");
    wait_until("the named server leads", || {
        cluster.leader_now().is_some_and(|leader| cluster.servers[leader].name == follower.name)
    });
    let unknown = follower.cli(&["operator", "raft", "transfer-leader", "-id=no-such-id"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("Failed to transfer leadership"), "{}", stderr(&unknown));
    cluster.servers[cluster.leader()].cli_ok(&["operator", "raft", "transfer-leader"]);
    wait_until("somebody else leads", || {
        cluster.leader_now().is_some_and(|leader| cluster.servers[leader].name != follower.name)
    });
    follower.write("after", "1");
}

#[test]
fn dead_servers_are_removed_by_hand_when_autopilot_does_not() {
    let mut cluster = cluster_with(3, |builder| builder.hcl("autopilot { cleanup_dead_servers = false }"));
    let victim = cluster.follower();
    cluster.servers[victim].kill();
    let leader = cluster.leader();
    let name = cluster.servers[victim].name.clone();
    cluster.servers[leader].wait_member(&name, "failed");
    let server = &cluster.servers[leader];
    let dead = server.raft_servers().into_iter().find(|peer| peer["Node"] == name.as_str()).expect("still listed");
    for (args, message) in [
        (vec!["-id=nosuch"], "was not found in the Raft configuration"),
        (vec!["-address=127.9.9.9:8300"], "was not found in the Raft configuration"),
        (vec![], "an address or id is required for the peer to remove"),
    ] {
        let refused = server.cli(&[&["operator", "raft", "remove-peer"], &args[..]].concat());
        assert_eq!(refused.status.code(), Some(1));
        assert!(stderr(&refused).contains(message), "{}", stderr(&refused));
    }
    let id = format!("-id={}", dead["ID"].as_str().expect("an id"));
    let removed = server.cli_ok(&["operator", "raft", "remove-peer", &id]);
    assert!(removed.starts_with("Removed peer with id"), "{removed}");
    wait_until("two servers", || server.raft_servers().len() == 2);
    server.write("after", "1");
}
