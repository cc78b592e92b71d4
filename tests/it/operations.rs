//! docs/operations.md: what an operator does to a cluster, by the commands of the page, while clients go on.

use crate::support::cluster::*;
use crate::support::page::{Desk, command, commands};
use crate::support::traffic::{Downtimes, Traffic, Way};
use crate::support::*;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../docs/operations.md");

fn node_id(agent: &TestAgent) -> String {
    agent.get("/v1/agent/self").json()["Config"]["NodeID"].as_str().expect("an id").to_owned()
}

fn ids(agent: &TestAgent) -> Vec<String> {
    agent.raft_servers().iter().map(|peer| peer["ID"].as_str().unwrap_or("").to_owned()).collect()
}

/// Registers a service with a check of the agent's own port and one that is told its state; the latter is `warning`.
fn register(client: &TestAgent) {
    let check = format!(r#"{{"CheckID":"port","TCP":"{}","Interval":"200ms"}}"#, client.http_address());
    let told = r#"{"CheckID":"told","TTL":"1h"}"#;
    client.put_ok("/v1/agent/service/register", format!(r#"{{"Name":"web","Port":80,"Checks":[{check},{told}]}}"#));
    client.put_ok("/v1/agent/check/update/told", r#"{"Status":"warning","Output":"so so"}"#);
}

/// States and outputs of the checks of a node in the catalog, by check.
fn checks(agent: &TestAgent, node: &str) -> Vec<(String, String)> {
    let rows = agent.ask_json(&format!("/v1/health/node/{node}"));
    let text = |row: &Value, field: &str| row[field].as_str().unwrap_or("").to_owned();
    let rows = rows.as_array().cloned().unwrap_or_default();
    let mut found: Vec<_> = rows.iter().map(|row| (text(row, "CheckID"), text(row, "Status"))).collect();
    found.sort();
    found
}

/// All checks of [`register`] as they should be.
fn registered() -> Vec<(String, String)> {
    let states = [("port", "passing"), ("serfHealth", "passing"), ("told", "warning")];
    states.map(|(id, state)| (id.to_owned(), state.to_owned())).to_vec()
}

#[track_caller]
fn wait_registered(agent: &TestAgent, node: &str) {
    wait_until(&format!("the checks of {node} as they should be"), || checks(agent, node) == registered());
}

/// What `autopilot state` must say before the next server has its turn.
#[track_caller]
fn wait_healthy(desk: &Desk, server: &mut TestAgent) {
    wait_until("a healthy cluster", || {
        let state = desk.run_on(server, command(PAGE, "Upgrade", "tribune operator autopilot state"));
        let says = |key: &str, value: &str| {
            state.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.trim() == value))
        };
        says("Healthy:", "true") && says("Failure Tolerance:", "1")
    });
}

#[test]
fn servers_and_a_client_agent_are_upgraded_while_clients_go_on() {
    let mut cluster = cluster(3);
    let leaving = cluster.start_client("c1");
    let staying = cluster.client("c2").hcl("leave_on_terminate = false").start();
    let mut clients = [leaving, staying];
    let mut sessions = Vec::new();
    for client in &clients {
        register(client);
        wait_registered(&cluster.servers[0], &client.name);
        let session = client.put_ok("/v1/session/create", r#"{"LockDelay":"0s"}"#).json()["ID"].clone();
        sessions.push(session.as_str().expect("an id").to_owned());
    }
    let lives = |server: &TestAgent, session: &str| {
        let found = server.get(&format!("/v1/session/info/{session}?consistent")).json();
        found.as_array().is_some_and(|rows| !rows.is_empty())
    };
    let desk = Desk::new();
    let traffic = Traffic::start(cluster.servers.iter().chain(&clients).map(Way::plain).collect());
    let mut down = Downtimes::default();
    let line = |start: &str| command(PAGE, "Upgrade", start);

    desk.run_on(&mut cluster.servers[0], line("tribune snapshot save"));
    assert!(desk.path().join("before-upgrade.snap").exists());
    desk.run_on(&mut cluster.servers[0], line("tribune operator raft list-peers"));
    let leader = cluster.leader();
    let followers: Vec<usize> = (0..3).filter(|number| *number != leader).collect();
    for number in followers {
        let server = &mut cluster.servers[number];
        down.during(&server.name.clone(), || desk.run_on(server, line("apt install")));
        wait_healthy(&desk, server);
        traffic.wait_more(10);
    }
    let old = cluster.leader();
    assert_eq!(old, leader, "followers do not take the leadership along");
    down.during("the leader", || {
        desk.run_on(&mut cluster.servers[old], line("tribune operator raft transfer-leader"));
        wait_until("another leader", || cluster.leader_now().is_some_and(|now| now != old));
    });
    let server = &mut cluster.servers[old];
    down.during(&server.name.clone(), || desk.run_on(server, line("apt install")));
    wait_healthy(&desk, server);
    traffic.wait_more(10);

    for client in &mut clients {
        let before = node_id(client);
        down.during(&client.name.clone(), || desk.run_on(client, line("apt install")));
        assert_eq!(client.get("/v1/agent/checks").json()["told"]["Status"], "warning");
        wait_registered(&cluster.servers[0], &client.name);
        assert_eq!(node_id(client), before);
        let rows = cluster.servers[0].ask_json(&format!("/v1/health/node/{}", client.name));
        let told = rows.as_array().into_iter().flatten().find(|row| row["CheckID"] == "told").expect("the check");
        assert_eq!(told["Output"], "so so");
    }
    // one that leaves lets go of what it holds, one that does not keeps it
    assert_eq!([false, true], [0, 1].map(|number| lives(&cluster.servers[0], &sessions[number])));
    traffic.wait_more(10);
    cluster.wait_voters(3);

    // whoever asks an agent that stays sees no failure, only a wait while the leadership moves
    down.explain(&traffic.finish(&Way::plain(&cluster.servers[0])));
}

#[test]
fn a_new_server_takes_the_place_of_one_that_leaves() {
    const SECTION: &str = "Replace a server";
    let mut cluster = cluster_with(3, |builder| builder.hcl("autopilot { server_stabilization_time = \"2s\" }"));
    let client = cluster.start_client("c1");
    // right after an election health alone decides
    std::thread::sleep(std::time::Duration::from_millis(2500));
    let desk = Desk::new();
    let old = cluster.leader();
    let (old_name, old_id) = (cluster.servers[old].name.clone(), node_id(&cluster.servers[old]));
    let mut ways: Vec<Way> = cluster.servers.iter().filter(|server| server.name != old_name).map(Way::plain).collect();
    ways.push(Way::plain(&client));
    let traffic = Traffic::start(ways);

    let mut new = cluster.joining_server("s4").start();
    let new_id = node_id(&new);
    let line = |start: &str| command(PAGE, SECTION, start);
    let votes = |listed: &str| {
        let row = listed.lines().find(|line| line.contains(&new_id))?;
        row.split_whitespace().nth(4).map(|cell| cell == "true")
    };
    let mut seen_without_vote = false;
    wait_until("a vote for the new server", || {
        let voter = votes(&desk.run_on(&mut new, line("tribune operator raft list-peers")));
        seen_without_vote |= voter == Some(false);
        voter == Some(true)
    });
    assert!(seen_without_vote, "it begins as a non-voter");
    let mut down = Downtimes::default();
    down.during(&old_name, || {
        desk.run_on(&mut cluster.servers[old], line("tribune leave"));
        assert_eq!(cluster.servers[old].wait_exit(), Some(0));
    });
    cluster.servers.remove(old);
    cluster.servers.push(new);
    cluster.wait_voters(3);
    let leader = cluster.leader();
    let peers = ids(&cluster.servers[leader]);
    assert!(peers.contains(&new_id) && !peers.contains(&old_id), "{peers:?}");
    wait_until("no node of the old one", || !cluster.servers[leader].lists_node(&old_name));
    traffic.wait_more(10);
    // it hands its leadership over before it goes
    down.explain(&traffic.finish(&Way::plain(&cluster.servers[leader])));
}

#[test]
fn a_dead_server_is_removed_when_another_takes_its_place() {
    const SECTION: &str = "Replace a server";
    for by_hand in [false, true] {
        let cleanup = format!("autopilot {{ cleanup_dead_servers = {} }}", !by_hand);
        let mut cluster = cluster_with(3, |builder| builder.hcl(&cleanup));
        cluster.servers[0].write("kept", "1");
        let victim = cluster.follower();
        let (old_name, old_id) = (cluster.servers[victim].name.clone(), node_id(&cluster.servers[victim]));
        cluster.servers[victim].kill();
        cluster.servers.remove(victim);
        let new = cluster.joining_server("s4").hcl(&cleanup).start();
        cluster.servers.push(new);
        let leader = cluster.leader();
        if by_hand {
            let server = &mut cluster.servers[leader];
            server.wait_member(&old_name, "failed");
            wait_until("the new voter", || {
                let peers = server.raft_servers();
                peers.len() == 4 && peers.iter().all(|peer| peer["Voter"] == true)
            });
            let desk = Desk::new();
            desk.place("OLD-NAME", &old_name);
            desk.place("OLD-ID", &old_id);
            let line = command(PAGE, SECTION, "tribune operator raft remove-peer");
            desk.run_on(server, command(PAGE, SECTION, "tribune force-leave"));
            wait_until("the dead server gone from the peers", || !ids(server).contains(&old_id));
            let again = desk.run_with(&[("CONSUL_HTTP_ADDR", &server.http_address())], line);
            let refusal = again.expect_err("force-leave has removed it already");
            assert!(refusal.contains("was not found in the Raft configuration"), "{refusal}");
        }
        wait_until("the dead server gone from the peers", || !ids(&cluster.servers[leader]).contains(&old_id));
        cluster.wait_voters(3);
        wait_until("no node of the old one", || !cluster.servers[leader].lists_node(&old_name));
        cluster.servers[2].write("kept", "2");
        cluster.wait_replicated("kept", "2");
    }
}

#[test]
fn client_agents_find_servers_that_moved() {
    let mut cluster = cluster(3);
    let (running, mut stopped) = (cluster.start_client("c1"), cluster.start_client("c2"));
    register(&running);
    register(&stopped);
    for node in ["c1", "c2"] {
        wait_registered(&cluster.servers[0], node);
    }
    cluster.servers[0].write("kept", "1");
    // what every agent remembers is on its disk
    for agent in cluster.servers.iter().chain([&running, &stopped]) {
        wait_until("all members remembered", || {
            let file = fs::read_to_string(agent.dir.join("data/serf/local.snapshot")).unwrap_or_default();
            ["s1 ", "s2 ", "s3 ", "c1 ", "c2 "]
                .iter()
                .filter(|name| !name.starts_with(&agent.name))
                .all(|name| file.contains(&format!("alive: {name}")))
        });
    }
    stopped.kill();
    let new: Vec<String> = (0..3).map(|_| own_address()).collect();
    for server in &mut cluster.servers {
        server.stop();
    }
    for (server, address) in cluster.servers.iter_mut().zip(&new) {
        server.move_to(address);
        server.write_config("join.hcl", &format!("retry_join = {}", hcl_list(&new)));
        server.restart_no_wait();
    }
    // neither knows the new addresses from its own configuration
    assert_eq!(running.read("kept").as_deref(), Some("1"));
    stopped.restart_member();
    assert_eq!(stopped.read("kept").as_deref(), Some("1"));
    let leader = cluster.leader();
    for node in ["c1", "c2"] {
        wait_registered(&cluster.servers[leader], node);
    }
    // those who kept running first have to give the old addresses up
    wait_until("the new addresses of all", || {
        let listed = cluster.servers[leader].cli_ok(&["operator", "raft", "list-peers"]);
        new.iter().all(|address| listed.contains(&format!("{address}:8300")))
    });
    for server in &cluster.servers {
        assert!(!server.log().contains("removing server"), "nobody is taken for dead");
    }
    cluster.wait_alive(5);
    cluster.wait_voters(3);
}

#[test]
fn several_survivors_of_a_lost_cluster_go_on_with_peers_json() {
    let mut cluster = cluster(5);
    cluster.servers[0].write("kept", "1");
    cluster.wait_replicated("kept", "1");
    let mut lost = cluster.servers.split_off(2);
    for server in &mut lost {
        server.kill();
    }
    let survivors = &mut cluster.servers;
    for server in survivors.iter() {
        wait_until("refusals of writes", || {
            let refused = server.put("/v1/kv/refused", "1");
            assert_eq!(refused.status, 500);
            refused.text().contains("No cluster leader")
        });
        let info = server.cli_ok(&["info"]);
        assert!(info.contains("last_log_index = "), "{info}");
    }
    let desk = Desk::new();
    let blocks = commands(PAGE, "A majority is lost for good");
    let [block] = &blocks[..] else { panic!("one block: {blocks:?}") };
    let (before, start) = block.split_once("systemctl start").expect("the last line starts it");
    let (stop, rest) = before.split_once("cat > ").expect("the list is written");
    let mut entries = Vec::new();
    let example = rest.lines().find(|line| line.contains("\"id\"")).expect("an entry");
    let pattern: Value = serde_json::from_str(example).expect("JSON");
    for server in survivors.iter_mut() {
        let id = desk.run_on(server, stop).trim().to_owned();
        let address = format!("{}:8300", server.address);
        let known = (pattern["id"].as_str().expect("an id"), pattern["address"].as_str().expect("an address"));
        entries.push(example.replace(known.0, &id).replace(known.1, &address));
    }
    desk.place(example, &entries.join(",\n"));
    for server in survivors.iter_mut() {
        desk.run_on(server, &format!("cat > {rest}"));
        assert!(server.dir.join("data/raft/peers.json").exists());
    }
    // both are needed from now on, so neither is waited for before the other
    assert!(start.trim_start().starts_with("tribune"));
    for server in survivors.iter_mut() {
        server.restart_no_wait();
    }
    let leader = cluster.leader();
    let peers = ids(&cluster.servers[leader]);
    assert_eq!(peers.len(), 2, "{peers:?}");
    for server in &cluster.servers {
        let log = server.log();
        assert!(log.contains("found peers.json file, recovering Raft configuration..."), "{log}");
        assert!(log.contains("deleted peers.json file after successful recovery"), "{log}");
        assert!(!server.dir.join("data/raft/peers.json").exists());
        assert_eq!(server.read("kept").as_deref(), Some("1"));
    }
    let third = cluster.joining_server("s6").start();
    cluster.servers.push(third);
    cluster.wait_voters(3);
    cluster.servers[2].write("kept", "2");
    cluster.wait_replicated("kept", "2");
}

/// A copy of a data directory's file with one byte of its middle changed; the files that hold the log.
fn damage_log(data: &Path) -> PathBuf {
    let file = data.join("raft/log/db");
    let mut bytes = fs::read(&file).expect("the log");
    let last = bytes.iter().rposition(|byte| *byte != 0).expect("a log with content");
    let middle = last / 2;
    bytes[middle] ^= 0xff;
    fs::write(&file, bytes).expect("the damaged log");
    file
}

/// It refuses to start and names the file.
#[track_caller]
fn assert_refuses(agent: &mut TestAgent) {
    let before = agent.log().len();
    agent.restart_no_wait();
    assert_eq!(agent.wait_exit(), Some(1));
    let log = agent.log().split_off(before);
    let folder = agent.dir.join("data/raft/log").display().to_string();
    let told = log.lines().find(|line| line.contains(&folder)).unwrap_or_else(|| panic!("the file is named:\n{log}"));
    assert!(told.contains("damaged") && told.contains("move"), "what it is and what to do: {told}");
}

#[test]
fn a_server_with_a_damaged_directory_joins_anew() {
    let mut cluster = cluster(3);
    for number in 0..50 {
        cluster.servers[0].write(&format!("kept/{number}"), &"x".repeat(500));
    }
    let victim = cluster.follower();
    let old_id = node_id(&cluster.servers[victim]);
    cluster.servers[victim].stop();
    let data = cluster.servers[victim].dir.join("data");
    damage_log(&data);
    assert_refuses(&mut cluster.servers[victim]);
    let desk = Desk::new();
    desk.place("OLD-ID", &old_id);
    let blocks = commands(PAGE, "A data directory is damaged");
    desk.run_on(&mut cluster.servers[victim], blocks[0]);
    let new_id = node_id(&cluster.servers[victim]);
    assert_ne!(old_id, new_id);
    let leader = cluster.leader();
    let address = cluster.servers[leader].http_address();
    let removed = desk.run_with(&[("CONSUL_HTTP_ADDR", &address)], blocks[1]);
    // autopilot, to whom the old id has no member any more, may be faster
    assert!(removed.as_ref().map_or_else(|error| error.contains("was not found"), |_| true), "{removed:?}");
    cluster.wait_voters(3);
    let leader = &cluster.servers[cluster.leader()];
    assert!(ids(leader).contains(&new_id) && !ids(leader).contains(&old_id));
    let joined = &cluster.servers[victim];
    wait_until("all keys on it", || {
        joined.ask_json("/v1/kv/kept/?keys&stale").as_array().is_some_and(|keys| keys.len() == 50)
    });
    wait_until("its new id in the catalog", || {
        leader.ask_json(&format!("/v1/catalog/node/{}", joined.name))["Node"]["ID"] == new_id.as_str()
    });
}

#[test]
fn the_only_server_is_restored_from_the_snapshots_of_its_damaged_directory() {
    let snapshots = "raft_snapshot_threshold = 20\nraft_snapshot_interval = \"100ms\"\nraft_trailing_logs = 10";
    let server = member("s1").server_of(1).hcl(snapshots);
    let mut server = server.start();
    wait_until("a leader", || server.known_leader().is_some());
    let data = server.dir.join("data");
    // in two halves: all writes may come between two looks of the server, which then has no reason for a second snapshot
    for half in [0..50, 50..100] {
        let count = if half.start == 0 { 1 } else { 2 };
        for number in half {
            server.write(&format!("kept/{number}"), "1");
        }
        wait_until("a snapshot for each half", || {
            fs::read_dir(data.join("raft/snapshots")).is_ok_and(|entries| entries.flatten().count() >= count)
        });
    }
    server.stop();
    damage_log(&data);
    assert_refuses(&mut server);
    let desk = Desk::new();
    let blocks = commands(PAGE, "A data directory is damaged");
    let (start, restore) = blocks[2].split_once("newest=").expect("the newest is looked for");
    desk.run_on(&mut server, start);
    wait_until("a leader", || server.known_leader().is_some());
    let printed = desk.run_on(&mut server, &format!("newest={restore}"));
    assert!(printed.contains("KVS") && printed.contains("Restored snapshot"), "{printed}");
    let keys = server.get("/v1/kv/kept/?keys&consistent").json();
    // what came after the last snapshot is lost
    let found = keys.as_array().map_or(0, Vec::len);
    assert!((20..=100).contains(&found), "{found}");
    wait_until("its new id in the catalog", || {
        server.ask_json("/v1/catalog/node/s1")["Node"]["ID"] == node_id(&server).as_str()
    });
}

#[test]
fn after_the_loss_of_everything_client_agents_come_back_by_themselves() {
    let desk = Desk::new();
    let key = desk.run("tribune keygen").expect("a key").trim().to_owned();
    let encrypt = format!("encrypt = {key:?}");
    let mut lost = cluster_with(3, |builder| builder.hcl(&encrypt));
    let running = lost.client("c1").hcl(&encrypt).start();
    let mut stopped = lost.client("c2").hcl(&encrypt).start();
    for client in [&running, &stopped] {
        register(client);
        wait_registered(&lost.servers[0], &client.name);
    }
    lost.servers[0].write("kept", "1");
    lost.servers[0].put_ok("/v1/catalog/register", r#"{"Node":"outside","Address":"10.0.0.9"}"#);
    let archive = desk.path().join("last.snap").display().to_string();
    let before = [node_id(&running), node_id(&stopped)];
    lost.servers[0].cli_ok(&["snapshot", "save", &archive]);
    lost.servers[0].write("later", "1");
    stopped.kill();
    for server in &mut lost.servers {
        server.kill();
    }
    // machines of the same names and addresses, with nothing on their disks
    let addresses = lost.addresses();
    let builders = lost.servers.iter().map(|server| member(&server.name).address(&server.address).server_of(3));
    let starting: Vec<AgentBuilder> =
        builders.map(|builder| builder.hcl(&encrypt).retry_join(&addresses).no_wait()).collect();
    drop(lost);
    let mut cluster = Cluster { servers: starting.into_iter().map(AgentBuilder::start).collect() };
    for server in &mut cluster.servers {
        server.wait_ready();
    }
    cluster.wait_voters(3);
    desk.place("/var/backups/tribune/2026-11-30-0400.snap", &archive);
    let server = &mut cluster.servers[0];
    desk.run_on(server, command(PAGE, "Back up and restore", "tribune snapshot restore"));
    assert_eq!(server.read("kept").as_deref(), Some("1"));
    assert_eq!(server.read("later"), None);
    stopped.restart_member();
    for (client, id) in [&running, &stopped].into_iter().zip(&before) {
        wait_registered(&cluster.servers[0], &client.name);
        assert_eq!(client.read("kept").as_deref(), Some("1"));
        assert_eq!(node_id(client), *id);
    }
    // the nodes of the servers are those that run now
    for server in &cluster.servers {
        let own = json!(node_id(server));
        wait_until("the new id in the catalog", || {
            cluster.servers[0].ask_json(&format!("/v1/catalog/node/{}", server.name))["Node"]["ID"] == own
        });
    }
    assert!(cluster.servers[0].lists_node("outside"));
    // a service that is new travels as well
    running.put_ok("/v1/agent/service/register", r#"{"Name":"new","Port":81}"#);
    wait_until("the new service", || cluster.servers[1].passing("new").contains("c1"));
}
