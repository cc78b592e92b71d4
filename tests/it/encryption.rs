//! Gossip with keys, wrong keys, wrong clusters and addresses that are not allowed.

use crate::support::cluster::*;
use crate::support::*;

fn new_key() -> String {
    let output = run_cli(&under_test(), &["keygen"], &[], b"");
    assert!(output.status.success(), "{}", stderr(&output));
    stdout(&output).trim().to_owned()
}

fn encrypted(key: &str) -> String {
    format!("encrypt = {key:?}")
}

/// Joins must fail and leave both sides as they were.
#[track_caller]
fn assert_kept_out(stranger: &TestAgent, server: &TestAgent, members: usize) {
    let joined = stranger.cli(&["join", &server.address]);
    assert_eq!(joined.status.code(), Some(1), "{}", stdout(&joined));
    assert!(stderr(&joined).contains("Error joining address"), "{}", stderr(&joined));
    assert_eq!(stranger.members().len(), 1);
    let reverse = server.cli(&["join", &stranger.address]);
    assert_eq!(reverse.status.code(), Some(1), "{}", stdout(&reverse));
    assert_eq!(server.members().len(), members);
    assert!(!server.lists_node(&stranger.name));
}

#[test]
fn only_agents_with_the_key_get_in() {
    let key = new_key();
    let cluster = cluster_with(3, |builder| builder.hcl(&encrypted(&key)));
    let server = &cluster.servers[0];
    assert!(server.cli_ok(&["info"]).contains("encrypted = true"));
    let stranger = member("wrong").hcl(&encrypted(&new_key())).start();
    assert_kept_out(&stranger, server, 3);
    let open = member("open").start();
    assert_kept_out(&open, server, 3);
    let friend = cluster.client("c1").hcl(&encrypted(&key)).start();
    wait_until("the friend in the catalog", || friend.health_of_node("c1") == "passing");
    server.wait_alive(4);
}

#[test]
fn a_stranger_that_keeps_knocking_does_not_fill_the_log() {
    if testing_reference() {
        println!("skipped: the reference logs every packet");
        return;
    }
    let cluster = cluster_with(1, |builder| builder.hcl(&encrypted(&new_key())));
    let server = &cluster.servers[0];
    let before = server.log().lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).count();
    let stranger = cluster.client("wrong").hcl(&encrypted(&new_key())).start();
    wait_until("twenty tries", || stranger.log().matches("will retry").count() >= 20);
    let log = server.log();
    let after = log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).count();
    assert!(after > before, "it is told once");
    assert!(after - before <= 5, "{} lines about one stranger:\n{log}", after - before);
}

/// Keys by pool, as `keyring -list` prints them: `key [have/all]`.
fn listed(agent: &TestAgent, args: &[&str]) -> Vec<String> {
    let text = agent.cli_ok(&[&["keyring"], args].concat());
    text.lines()
        .filter(|line| line.contains('[') && line.starts_with("  "))
        .map(|line| line.trim().to_owned())
        .collect()
}

#[test]
fn keys_are_rotated_across_the_cluster_and_survive_restarts() {
    let (old, new) = (new_key(), new_key());
    let mut cluster = cluster_with(3, |builder| builder.hcl(&encrypted(&old)));
    let client = cluster.client("c1").hcl(&encrypted(&old)).start();
    wait_until("the client in the catalog", || client.health_of_node("c1") == "passing");
    for server in &cluster.servers {
        wait_until("everybody in the WAN pool", || server.wan_members().len() == 3);
    }
    let server = &cluster.servers[cluster.follower()];
    // three servers in the WAN pool, all four agents in the LAN pool
    let everywhere = |key: &str| vec![format!("{key} [3/3]"), format!("{key} [4/4]")];
    assert_eq!(listed(server, &["-list"]), everywhere(&old));
    server.cli_ok(&["keyring", "-install", &new]);
    let mut both = [everywhere(&old), everywhere(&new)].concat();
    both.sort();
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    assert_eq!(sorted(listed(server, &["-list"])), both);
    let early = server.cli(&["keyring", "-remove", &old]);
    assert_eq!(early.status.code(), Some(1));
    assert!(stderr(&early).contains("primary key is not allowed"), "{}", stderr(&early));
    server.cli_ok(&["keyring", "-use", &new]);
    if !testing_reference() {
        assert_eq!(listed(server, &["-list-primary"]), everywhere(&new));
    }
    server.cli_ok(&["keyring", "-remove", &old]);
    assert_eq!(listed(server, &["-list"]), everywhere(&new));

    let late = cluster.client("c2").hcl(&encrypted(&old)).start();
    assert_kept_out(&late, server, 4);
    drop(late);
    let friend = cluster.client("c3").hcl(&encrypted(&new)).start();
    wait_until("the friend in the catalog", || friend.health_of_node("c3") == "passing");

    // the file counts, not the key of the configuration
    let follower = cluster.follower();
    cluster.servers[follower].kill();
    cluster.servers[follower].restart_member();
    cluster.wait_alive(5);
    let file = std::fs::read_to_string(cluster.servers[follower].dir.join("data/serf/local.keyring")).expect("a file");
    let keys: Vec<String> = serde_json::from_str(&file).expect("a JSON list");
    assert_eq!(keys, [new]);
}

#[test]
fn agents_of_another_datacenter_stay_out_of_the_lan_pool() {
    let cluster = cluster(1);
    let stranger = member("far").arg("-datacenter=elsewhere").start();
    let joined = stranger.cli(&["join", &cluster.servers[0].address]);
    assert_eq!(joined.status.code(), Some(1));
    let message = stderr(&joined);
    assert!(message.contains("wrong datacenter"), "{message}");
    assert_eq!(cluster.servers[0].members().len(), 1);
    assert_eq!(stranger.members().len(), 1);
}

#[test]
fn two_agents_of_one_name_do_not_both_get_in() {
    let cluster = cluster(1);
    let first = cluster.start_client("twin");
    let second = cluster.client("twin").start();
    let known =
        |agent: &TestAgent| agent.ask_json("/v1/catalog/node/twin")["Node"]["Address"].as_str().map(str::to_owned);
    wait_until("a word about the conflict", || {
        let words = ["conflict", "is reserved by node"];
        [&first, &second, &cluster.servers[0]].iter().any(|agent| {
            let log = agent.log().to_lowercase();
            words.iter().any(|word| log.contains(word))
        })
    });
    assert_eq!(known(&cluster.servers[0]), Some(first.address.clone()));
}

#[test]
fn members_from_addresses_that_are_not_allowed_are_dropped() {
    let server = member("s1").server_of(1);
    let network = |address: &str| address.rsplit_once('.').expect("IPv4").0.to_owned() + ".0/24";
    let own = network(server.planned_address());
    let allowed = format!("serf_lan_allowed_cidrs = [{own:?}]");
    let server = server.hcl(&allowed).start();
    wait_until("a leader", || server.known_leader().is_some());
    let outside = member("outside");
    let third: u8 = server.address.split('.').nth(2).and_then(|part| part.parse().ok()).expect("IPv4");
    let foreign = format!("127.250.{}.{}", third, std::process::id() % 250 + 1);
    let outside = outside.address(&foreign).start();
    let _ = outside.cli(&["join", &server.address]);
    let _ = server.cli(&["join", &outside.address]);
    let inside = member("inside").address(&(network(&server.address).replace(".0/24", ".253")));
    let inside = inside.retry_join(std::slice::from_ref(&server.address)).start();
    wait_until("the allowed agent", || server.health_of_node("inside") == "passing");
    assert_eq!(server.known_member("outside"), "");
    assert_eq!(server.members().len(), 2);
    drop(inside);
}
