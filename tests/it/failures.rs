//! Servers are killed, restarted, moved and replaced; what was acknowledged stays.

use crate::support::cluster::*;
use crate::support::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Writes `steady/0`, `steady/1` and so on through some agents in turn, counting acknowledgements.
struct Writer {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicUsize>,
    thread: std::thread::JoinHandle<Vec<usize>>,
}

impl Writer {
    fn start(addresses: Vec<String>) -> Writer {
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (ended, count) = (stop.clone(), acknowledged.clone());
        let thread = std::thread::spawn(move || {
            let mut written = Vec::new();
            for number in 0.. {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                let address = format!("{}:8500", addresses[number % addresses.len()]);
                let target = format!("/v1/kv/steady/{number}");
                let patience = std::time::Duration::from_secs(5);
                match request_within(patience, &address, "PUT", &target, &[], format!("{number}").as_bytes()) {
                    Ok(answer) if answer.status == 200 && answer.body == b"true" => {
                        written.push(number);
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    _ => std::thread::yield_now(),
                }
            }
            written
        });
        Writer { stop, acknowledged, thread }
    }

    /// Waits until this many more writes were acknowledged.
    #[track_caller]
    fn wait_more(&self, count: usize) {
        let wanted = self.acknowledged.load(Ordering::Relaxed) + count;
        wait_until("writes go on", || self.acknowledged.load(Ordering::Relaxed) >= wanted);
    }

    /// Ends writing; every acknowledged write must be found by a consistent read through each of these agents.
    #[track_caller]
    fn check<'a>(self, agents: impl IntoIterator<Item = &'a TestAgent>) {
        self.stop.store(true, Ordering::Relaxed);
        let written = self.thread.join().expect("the writer ends");
        for agent in agents {
            let keys = wait_for("all keys", || {
                agent.ask("/v1/kv/steady/?keys&consistent").filter(|answer| answer.status == 200)
            });
            let keys = keys.json();
            let keys: std::collections::HashSet<&str> =
                keys.as_array().expect("a list").iter().filter_map(|key| key.as_str()).collect();
            for number in &written {
                let key = format!("steady/{number}");
                assert!(keys.contains(key.as_str()), "{key} was acknowledged and is lost on {}", agent.name);
            }
        }
    }
}

#[test]
fn writes_go_on_when_the_leader_is_killed() {
    let mut cluster = cluster(3);
    let client = cluster.start_client("c1");
    let mut everyone = cluster.addresses();
    everyone.push(client.address.clone());
    let writer = Writer::start(everyone);
    writer.wait_more(50);
    let old = cluster.leader();
    cluster.servers[old].kill();
    let new = cluster.leader();
    assert_ne!(old, new);
    writer.wait_more(50);
    cluster.servers[old].restart_member();
    cluster.wait_alive(4);
    writer.wait_more(50);
    cluster.wait_voters(3);
    writer.check(cluster.servers.iter().chain([&client]));
}

#[test]
fn writes_go_on_when_a_follower_is_killed() {
    let mut cluster = cluster(3);
    let leader = cluster.leader();
    let victim = (leader + 1) % 3;
    let living: Vec<String> = (0..3).filter(|n| *n != victim).map(|n| cluster.servers[n].address.clone()).collect();
    let writer = Writer::start(living);
    writer.wait_more(20);
    cluster.servers[victim].kill();
    writer.wait_more(50);
    assert_eq!(cluster.leader(), leader, "losing a follower does not cost the leader its place");
    cluster.servers[victim].restart_member();
    writer.wait_more(20);
    cluster.wait_alive(3);
    writer.check(&cluster.servers);
}

#[test]
fn a_minority_refuses_writes_and_consistent_reads_until_the_majority_is_back() {
    let mut cluster = cluster(3);
    cluster.servers[0].write("kept", "1");
    cluster.wait_replicated("kept", "1");
    let survivor = cluster.leader();
    let lost: Vec<usize> = (0..3).filter(|number| *number != survivor).collect();
    for number in &lost {
        cluster.servers[*number].kill();
    }
    let server = &cluster.servers[survivor];
    wait_until("the survivor knows of no leader", || server.known_leader().is_none());
    let refused = server.put("/v1/kv/kept", "2");
    assert_eq!((refused.status, refused.text().trim()), (500, "No cluster leader"));
    for query in ["", "?consistent"] {
        let refused = server.get(&format!("/v1/kv/kept{query}"));
        assert_eq!((refused.status, refused.text().trim()), (500, "No cluster leader"), "{query}");
    }
    let stale = server.get("/v1/kv/kept?raw&stale");
    assert_eq!((stale.status, stale.text().as_str()), (200, "1"));
    assert_eq!(stale.header("x-consul-knownleader"), Some("false"));
    for number in &lost {
        cluster.servers[*number].restart_member();
    }
    assert_eq!(cluster.servers[lost[0]].read("kept").as_deref(), Some("1"));
    cluster.servers[lost[1]].write("kept", "3");
    cluster.wait_replicated("kept", "3");
}

#[test]
fn everything_is_there_after_all_servers_were_killed_and_restarted() {
    let mut cluster = cluster(3);
    let writer = Writer::start(cluster.addresses());
    writer.wait_more(50);
    for server in &mut cluster.servers {
        server.kill();
    }
    for server in &mut cluster.servers {
        server.restart_no_wait();
    }
    writer.wait_more(50);
    cluster.wait_voters(3);
    writer.check(&cluster.servers);
}

#[test]
fn all_servers_with_new_addresses_and_old_data_form_a_leader_again() {
    let mut cluster = cluster(3);
    cluster.servers[0].write("kept", "1");
    cluster.wait_replicated("kept", "1");
    let old = cluster.addresses();
    for server in &mut cluster.servers {
        server.kill();
    }
    let new: Vec<String> = (0..3).map(|_| own_address()).collect();
    for (server, address) in cluster.servers.iter_mut().zip(&new) {
        server.move_to(address);
        server.write_config("join.hcl", &format!("retry_join = {}", hcl_list(&new)));
        server.restart_no_wait();
    }
    cluster.leader();
    cluster.wait_alive(3);
    assert_eq!(cluster.servers[0].read("kept").as_deref(), Some("1"));
    cluster.servers[1].write("kept", "2");
    cluster.wait_replicated("kept", "2");
    wait_until("the new addresses among the peers", || {
        let peers = cluster.servers[cluster.leader()].raft_servers();
        peers.len() == 3 && peers.iter().all(|peer| !old.iter().any(|old| peer["Address"] == format!("{old}:8300")))
    });
    for server in &cluster.servers {
        wait_until("the new address in the catalog", || {
            let node = server.ask_json(&format!("/v1/catalog/node/{}", server.name));
            node["Node"]["Address"] == server.address.as_str()
        });
    }
}

#[test]
fn the_last_server_of_a_lost_cluster_is_recovered_with_peers_json() {
    let mut cluster = cluster(3);
    cluster.servers[0].write("kept", "1");
    cluster.wait_replicated("kept", "1");
    let id = cluster.servers[0].get("/v1/agent/self").json()["Config"]["NodeID"].as_str().expect("an id").to_owned();
    // what it has applied was acknowledged by the others and need not be on its own disk before it stops
    let mut last = cluster.servers.remove(0);
    last.stop();
    for server in &mut cluster.servers {
        server.kill();
    }
    drop(cluster);
    let peers = format!(r#"[{{"id":"{id}","address":"{}:8300","non_voter":false}}]"#, last.address);
    let raft = last.dir.join("data/raft");
    assert!(raft.join("peers.info").exists(), "the explanation of peers.json is written at the first start");
    std::fs::write(raft.join("peers.json"), peers).expect("peers.json");
    last.restart_member();
    assert_eq!(last.read("kept").as_deref(), Some("1"));
    assert_eq!(last.raft_servers().len(), 1);
    assert!(!raft.join("peers.json").exists());
    last.write("kept", "2");
    last.kill();
    last.restart_member();
    assert_eq!(last.read("kept").as_deref(), Some("2"));
}

#[test]
fn a_server_that_joins_gets_snapshot_and_log_while_writes_go_on() {
    let snapshots = "raft_snapshot_threshold = 50\nraft_snapshot_interval = \"100ms\"\nraft_trailing_logs = 10";
    let mut cluster = cluster_with(3, |builder| builder.hcl(snapshots));
    for number in 0..200 {
        cluster.servers[number % 3].write(&format!("bulk/{number}"), &"x".repeat(1000));
    }
    let writer = Writer::start(cluster.addresses());
    writer.wait_more(100);
    let server = cluster.joining_server("s4").hcl(snapshots).start();
    cluster.servers.push(server);
    cluster.wait_voters(4);
    writer.wait_more(20);
    let joined = &cluster.servers[3];
    wait_until("all old keys on the new server", || {
        let keys = joined.ask_json("/v1/kv/bulk/?keys&stale");
        keys.as_array().is_some_and(|keys| keys.len() == 200)
    });
    writer.check(&cluster.servers);
}

#[test]
fn autopilot_removes_dead_servers_but_never_too_many() {
    let mut cluster = cluster(5);
    let leader = cluster.leader();
    let followers: Vec<usize> = (0..5).filter(|number| *number != leader).collect();
    for number in &followers[..2] {
        cluster.servers[*number].kill();
    }
    cluster.wait_voters(3);
    let gone: Vec<String> = followers[..2].iter().map(|number| cluster.servers[*number].name.clone()).collect();
    let server = &cluster.servers[cluster.leader()];
    for name in &gone {
        server.wait_member(name, "left");
        wait_until("no node in the catalog", || !server.lists_node(name));
    }
    server.write("after", "1");
    // of the three that are left one more may go, the last two never
    cluster.servers.retain(|server| !gone.contains(&server.name));
    let follower = cluster.follower();
    cluster.servers[follower].kill();
    cluster.servers.remove(follower);
    cluster.wait_voters(2);
    cluster.servers[0].write("after", "2");
    cluster.wait_replicated("after", "2");
}

#[test]
fn sessions_and_their_locks_survive_the_loss_of_the_leader() {
    let mut cluster = cluster(3);
    let old = cluster.leader();
    let create = |body: &str| {
        let created = cluster.servers[old].put_ok("/v1/session/create", body).json();
        created["ID"].as_str().expect("an id").to_owned()
    };
    // not tied to a node's health, so that only their own rules end them
    let holder = create(r#"{"NodeChecks":[],"LockDelay":"1h"}"#);
    let rival = create(r#"{"NodeChecks":[],"LockDelay":"0s"}"#);
    let brief = create(r#"{"NodeChecks":[],"TTL":"10s","LockDelay":"0s","Behavior":"delete"}"#);
    let lost = create(r#"{"NodeChecks":[],"LockDelay":"1h"}"#);
    for (key, session) in [("held", &holder), ("brief", &brief), ("lost", &lost)] {
        let taken = cluster.servers[old].put_ok(&format!("/v1/kv/{key}?acquire={session}"), key);
        assert_eq!(taken.text().trim(), "true", "{key}");
    }
    cluster.servers[old].put_ok(&format!("/v1/session/destroy/{lost}"), "");
    for server in &cluster.servers {
        wait_until("the end of the session on every server", || {
            server.ask_json(&format!("/v1/session/info/{lost}?stale")).as_array().is_some_and(Vec::is_empty)
        });
    }
    cluster.servers[old].kill();
    let new = cluster.leader();
    assert_ne!(old, new);
    let server = &cluster.servers[new];
    let taken = |key: &str, session: &str| {
        let answer = wait_for("an answer of the new leader", || {
            let answer = server.try_put(&format!("/v1/kv/{key}?acquire={session}"), "rival").ok()?;
            (answer.status == 200).then_some(answer)
        });
        answer.text().trim() == "true"
    };
    assert!(!taken("held", &rival), "the lock is still held");
    assert!(!taken("lost", &rival), "the delay of a lost lock goes on under the new leader");
    assert!(taken("held", &holder), "the holder keeps it");
    // the time to live starts anew under the new leader, and ends there
    wait_until("the session with a time to live to end", || server.get("/v1/kv/brief").status == 404);
    assert_eq!(server.get("/v1/kv/held?raw").text(), "rival");
}

#[test]
fn autopilot_keeps_as_many_voters_as_it_was_told_to() {
    let mut cluster = cluster(5);
    let leader = cluster.leader();
    cluster.servers[leader].cli_ok(&["operator", "autopilot", "set-config", "-min-quorum=4"]);
    let followers: Vec<usize> = (0..5).filter(|number| *number != leader).collect();
    for number in &followers[..2] {
        cluster.servers[*number].kill();
    }
    let dead: Vec<String> = followers[..2].iter().map(|number| cluster.servers[*number].name.clone()).collect();
    let server = &cluster.servers[leader];
    wait_until("one of the dead removed", || server.raft_servers().len() == 4);
    for name in &dead {
        wait_until("the loss of both noticed", || matches!(server.known_member(name), "failed" | "left"));
    }
    // a write takes part in the leader's rounds: several of them remove nobody any more
    for round in 0..20 {
        server.write("round", &round.to_string());
        assert_eq!(server.raft_servers().len(), 4);
    }
}
