//! Client agents: they answer as servers do, keep local truth, and come and go.

use crate::support::cluster::*;
use crate::support::*;
use nix::sys::signal::Signal;
use std::collections::BTreeSet;

/// A service with a check that passes for as long as the agent runs.
fn web(agent: &TestAgent) -> String {
    let check = format!(r#"{{"TCP":"{}","Interval":"100ms"}}"#, agent.http_address());
    format!(r#"{{"Name":"web","Port":80,"Tags":["primary"],"Check":{check}}}"#)
}

fn set(items: &[&str]) -> BTreeSet<String> {
    items.iter().map(|item| (*item).to_owned()).collect()
}

#[track_caller]
fn wait_passing(agents: &[&TestAgent], nodes: &[&str]) {
    for agent in agents {
        wait_until(&format!("web on {nodes:?} seen by {}", agent.name), || agent.passing("web") == set(nodes));
    }
}

#[test]
fn a_client_agent_answers_as_a_server_does() {
    let cluster = cluster(3);
    let client = cluster.start_client("c1");
    let server = &cluster.servers[0];
    assert_eq!(client.put_ok("/v1/kv/through/client", "value").text(), "true");
    assert_eq!(client.get("/v1/kv/through/client?raw&consistent").text(), "value");
    assert_eq!(server.get("/v1/kv/through/client?raw").text(), "value");
    assert_eq!(client.put("/v1/kv/through/client?cas=1", "other").text(), "false");
    let index = client.get("/v1/kv/through/client").index();
    let waiter = {
        let address = client.http_address();
        let target = format!("/v1/kv/through/client?raw&wait=30s&index={index}");
        std::thread::spawn(move || request(&address, "GET", &target, &[], b"").expect("an answer"))
    };
    server.put_ok("/v1/kv/through/client", "changed");
    let woken = waiter.join().expect("the waiter ends");
    assert_eq!(woken.text(), "changed");
    assert!(woken.index() > index);

    for target in ["/v1/catalog/nodes", "/v1/catalog/services", "/v1/catalog/datacenters", "/v1/health/state/any"] {
        wait_until(&format!("the same {target}"), || client.get(target).json() == server.get(target).json());
    }
    let table = |agent: &TestAgent| agent.cli_ok(&["members"]).lines().map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(table(&client), table(server));
    assert!(client.cli_ok(&["members"]).lines().any(|line| line.starts_with("c1 ") && line.contains(" client ")));
    assert_eq!(client.get("/v1/status/leader").json(), server.get("/v1/status/leader").json());
    let info = client.cli_ok(&["info"]);
    assert!(info.contains("server = false") && info.contains("known_servers = 3"), "{info}");

    let session = client.put_ok("/v1/session/create", r#"{"TTL":"60s"}"#).json()["ID"].as_str().map(str::to_owned);
    let session = session.expect("an id");
    assert_eq!(server.get(&format!("/v1/session/info/{session}")).json()[0]["Node"], "c1");
    assert_eq!(client.put(&format!("/v1/kv/lock?acquire={session}"), "held").text(), "true");
    let txn = client.put("/v1/txn", r#"[{"KV":{"Verb":"get","Key":"through/client"}}]"#);
    assert_eq!((txn.status, txn.json()["Results"][0]["KV"]["Value"].as_str()), (200, Some("Y2hhbmdlZA==")));
    let address = |agent: &TestAgent| BTreeSet::from([agent.address.clone()]);
    wait_until("its own name in DNS", || client.resolve("c1.node.consul.") == Some(address(&client)));
    wait_until("its name on a server", || server.resolve("c1.node.consul.") == Some(address(&client)));
    assert_eq!(client.resolve("consul.service.consul.").map(|found| found.len()), Some(3));
    let file = client.dir.join("backup.snap").to_string_lossy().into_owned();
    assert!(client.cli_ok(&["snapshot", "save", &file]).contains("Saved and verified snapshot"));
    client.delete("/v1/kv/through/client");
    client.cli_ok(&["snapshot", "restore", &file]);
    wait_until("the restored key", || client.get("/v1/kv/through/client?raw").text() == "changed");
}

#[test]
fn a_killed_agent_is_critical_and_its_service_comes_back_with_it() {
    let cluster = cluster(3);
    let mut first = cluster.start_client("c1");
    let second = cluster.start_client("c2");
    let server = &cluster.servers[cluster.follower()];
    first.put_ok("/v1/agent/service/register", web(&first));
    second.put_ok("/v1/agent/service/register", web(&second));
    wait_passing(&[server, &second, &first], &["c1", "c2"]);
    let both = BTreeSet::from([first.address.clone(), second.address.clone()]);
    for agent in [server, &second] {
        wait_until("both in DNS", || agent.resolve("web.service.consul.").as_ref() == Some(&both));
    }
    first.kill();
    for agent in [server, &second] {
        wait_until("a critical node", || agent.health_of_node("c1") == "critical");
    }
    wait_passing(&[server, &second], &["c2"]);
    let one = BTreeSet::from([second.address.clone()]);
    for agent in [server, &second] {
        wait_until("one in DNS", || agent.resolve("web.service.consul.").as_ref() == Some(&one));
    }
    server.wait_member("c1", "failed");
    assert_eq!(server.get("/v1/catalog/service/web").json().as_array().map(Vec::len), Some(2));
    first.restart_member();
    wait_passing(&[server, &second], &["c1", "c2"]);
    wait_until("both in DNS again", || server.resolve("web.service.consul.").as_ref() == Some(&both));
}

#[test]
fn an_agent_that_leaves_is_gone_from_the_catalog_and_returns_with_its_services() {
    let cluster = cluster(1);
    let server = &cluster.servers[0];
    let mut client = cluster.start_client("c1");
    client.put_ok("/v1/agent/service/register", web(&client));
    wait_passing(&[server], &["c1"]);
    assert_eq!(client.cli_ok(&["leave"]), "Graceful leave complete\n");
    assert_eq!(client.wait_exit(), Some(0));
    wait_until("no node in the catalog", || !server.lists_node("c1"));
    wait_passing(&[server], &[]);
    server.wait_member("c1", "left");
    client.restart_member();
    wait_passing(&[server], &["c1"]);
    assert_eq!(server.health_of_node("c1"), "passing");
}

#[test]
fn signals_leave_or_not_as_configured() {
    let cluster = cluster(1);
    let server = &cluster.servers[0];
    let cases = [
        ("c1", "", Signal::SIGTERM, "left"),
        ("c2", "", Signal::SIGINT, "left"),
        ("c3", "leave_on_terminate = false", Signal::SIGTERM, "failed"),
        ("c4", "skip_leave_on_interrupt = true", Signal::SIGINT, "failed"),
    ];
    let mut agents: Vec<TestAgent> =
        cases.iter().map(|(name, config, ..)| cluster.client(name).hcl(config).start()).collect();
    for (name, ..) in cases {
        wait_until("the agent in the catalog", || server.health_of_node(name) == "passing");
    }
    // what the agent itself registers comes a moment after what the leader registers for it
    for agent in &agents {
        wait_until("the agent's own registration", || agent.log().contains("Synced node info"));
    }
    for (agent, (.., signal, _)) in agents.iter().zip(cases) {
        agent.signal(signal);
    }
    for (agent, (name, _, signal, status)) in agents.iter_mut().zip(cases) {
        agent.wait_exit();
        server.wait_member(name, status);
        if status == "left" {
            wait_until("no node in the catalog", || !server.lists_node(name));
        } else {
            wait_until("a critical node", || server.health_of_node(name) == "critical");
        }
        println!("{name} {signal} {status}");
    }
}

#[test]
fn failed_members_are_forced_out_or_pruned() {
    let cluster = cluster(1);
    let server = &cluster.servers[0];
    let mut forced = cluster.start_client("c1");
    let mut pruned = cluster.start_client("c2");
    forced.kill();
    pruned.kill();
    server.wait_member("c1", "failed");
    server.wait_member("c2", "failed");
    server.cli_ok(&["force-leave", "c1"]);
    server.wait_member("c1", "left");
    wait_until("no node in the catalog", || !server.lists_node("c1"));
    server.cli_ok(&["force-leave", "-prune", "c2"]);
    server.wait_member("c2", "");
    wait_until("no node in the catalog", || !server.lists_node("c2"));
    if !testing_reference() {
        let unknown = server.cli(&["force-leave", "nobody"]);
        assert_eq!(unknown.status.code(), Some(1));
        let message = stderr(&unknown);
        assert!(message.contains("agent: No node found with name 'nobody'"), "{message}");
    }
    forced.restart_member();
    wait_until("it is back", || server.health_of_node("c1") == "passing");
    server.wait_member("c1", "alive");
}

#[test]
fn a_client_without_servers_says_so_and_recovers_by_itself() {
    let server = member("s1").server_of(1);
    let address = server.planned_address().to_owned();
    let client = member("c1").retry_join(&[address]).start();
    let answer = client.get("/v1/catalog/nodes");
    assert_eq!((answer.status, answer.text().trim()), (500, "No known Consul servers"));
    let refused = client.put("/v1/kv/key", "1");
    assert_eq!((refused.status, refused.text().trim()), (500, "No known Consul servers"));
    client.put_ok("/v1/agent/service/register", web(&client));
    assert!(client.get("/v1/agent/services").json()["web"].is_object());
    let mut server = server.start();
    wait_until("a passing node", || server.health_of_node("c1") == "passing");
    wait_passing(&[&server, &client], &["c1"]);
    client.write("key", "1");

    server.kill();
    wait_until("an error that names the trouble", || {
        let answer = client.ask("/v1/catalog/nodes");
        answer.is_some_and(|answer| answer.status == 500 && !answer.text().trim().is_empty())
    });
    assert!(client.get("/v1/agent/services").json()["web"].is_object());
    server.restart_member();
    client.write("key", "2");
    assert_eq!(client.read("key").as_deref(), Some("2"));
    wait_passing(&[&server, &client], &["c1"]);
}

#[test]
fn a_rejoining_agent_remembers_its_cluster_after_leaving() {
    let cluster = cluster(1);
    let server = &cluster.servers[0];
    let mut agents = Vec::new();
    for (name, config) in [("c1", "rejoin_after_leave = true"), ("c2", "rejoin_after_leave = false")] {
        let agent = member(name).hcl(config).start();
        agent.cli_ok(&["join", &server.address]);
        wait_until("the agent in the catalog", || server.health_of_node(name) == "passing");
        agents.push(agent);
    }
    for agent in &mut agents {
        agent.cli_ok(&["leave"]);
        agent.wait_exit();
        server.wait_member(&agent.name.clone(), "left");
    }
    for agent in &mut agents {
        agent.restart_member();
    }
    server.wait_member("c1", "alive");
    wait_until("it is back in the catalog", || server.health_of_node("c1") == "passing");
    assert_eq!(agents[1].members().len(), 1);
    assert_eq!(server.known_member("c2"), "left");
}

#[test]
fn members_that_stay_away_are_forgotten() {
    let reap = r#"reconnect_timeout = "1s""#;
    let cluster = cluster_with(1, |builder| builder.hcl(reap));
    let server = &cluster.servers[0];
    let mut client = cluster.client("c1").hcl(reap).start();
    wait_until("the agent in the catalog", || server.health_of_node("c1") == "passing");
    client.kill();
    wait_until("a critical node", || !server.lists_node("c1") || server.health_of_node("c1") == "critical");
    server.wait_member("c1", "");
    wait_until("no node in the catalog", || !server.lists_node("c1"));
}

/// Only servers are held to `server_rejoin_age_max`: a client agent has no state that could be too old.
#[test]
fn a_client_agent_returns_after_any_time_and_keeps_no_mark_of_a_server() {
    let mut agent = member("c1").start();
    let mark = agent.dir.join("data/server_metadata.json");
    assert!(!mark.exists(), "a client agent keeps the mark of a server");
    std::fs::write(&mark, r#"{"last_seen_unix": 1000000000}"#).expect("written");
    agent.restart_member();
    let mut server = server().start();
    server.kill();
    std::fs::write(server.dir.join("data/server_metadata.json"), r#"{"last_seen_unix": 1000000000}"#).expect("written");
    server.restart_no_wait();
    assert_eq!(server.wait_exit(), Some(1));
    assert!(server.log().contains("refusing to rejoin cluster because server has been offline"), "{}", server.log());
}
