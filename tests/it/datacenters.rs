//! Two datacenters that know each other through the WAN pool.

use crate::support::cluster::*;
use crate::support::*;
use std::collections::BTreeSet;
use std::time::Instant;

/// Servers of a datacenter with a name of its own.
fn datacenter(name: &str, count: usize) -> Cluster {
    let builders = (1..=count).map(|number| member(&format!("{name}-s{number}"))).collect();
    start_together(builders, |builder| builder.server_of(count).arg(format!("-datacenter={name}")))
}

fn instance(node: &str, address: &str) -> String {
    format!(r#"{{"Node":"{node}","Address":"{address}","Service":{{"Service":"web","Port":80}}}}"#)
}

#[track_caller]
fn wait_datacenters(agent: &TestAgent, names: &[&str]) {
    wait_until(&format!("datacenters {names:?} on {}", agent.name), || {
        agent.ask_json("/v1/catalog/datacenters") == serde_json::json!(names)
    });
}

#[test]
fn datacenters_are_joined_and_asked_for_each_other() {
    let mut near = datacenter("near", 3);
    let mut far = datacenter("far", 1);
    let client = near.client("c1").arg("-datacenter=near").start();
    let server = &near.servers[near.follower()];
    let refused = server.get("/v1/kv/key?dc=far");
    assert_eq!((refused.status, refused.text().trim()), (500, "No path to datacenter"));

    let joined = server.cli_ok(&["join", "-wan", &far.servers[0].address]);
    assert_eq!(joined, "Successfully joined cluster by contacting 1 nodes.\n");
    let everyone = BTreeSet::from(["near-s1.near", "near-s2.near", "near-s3.near", "far-s1.far"].map(str::to_owned));
    for agent in near.servers.iter().chain(&far.servers) {
        wait_until("all servers in the WAN pool", || {
            let alive = agent.wan_members().into_iter().filter(|(_, status)| *status == "alive");
            alive.map(|(name, _)| name).collect::<BTreeSet<String>>() == everyone
        });
    }
    let table = server.cli_ok(&["members", "-wan"]);
    assert!(table.lines().any(|line| line.starts_with("far-s1.far ") && line.contains(" far ")), "{table}");
    for agent in near.servers.iter().chain([&client]) {
        wait_datacenters(agent, &["near", "far"]);
    }
    wait_datacenters(&far.servers[0], &["far", "near"]);
    assert_eq!(client.cli_ok(&["catalog", "datacenters"]), "near\nfar\n");

    reads_and_writes_cross(server, &client, &far.servers[0]);
    names_cross(server, &client, &far.servers[0]);
    let rtt = wait_for("coordinates of both", || {
        let output = server.cli(&["rtt", "-wan", "near-s1.near", "far-s1.far"]);
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    });
    assert!(rtt.contains("(using WAN coordinates)"), "{rtt}");

    far.servers[0].kill();
    for agent in [&near.servers[near.leader()], &client] {
        let started = Instant::now();
        let refused = agent.get("/v1/kv/key?dc=far");
        assert_eq!(refused.status, 500, "{}", refused.text());
        assert!(!refused.text().trim().is_empty());
        assert!(started.elapsed().as_secs() < 10, "a dead datacenter took {:?}", started.elapsed());
    }
    near.servers[0].write("alone", "1");
    far.servers[0].restart_member();
    wait_until("the other datacenter is back", || {
        client.ask("/v1/kv/key?raw&dc=far").is_some_and(|answer| answer.text() == "from a client")
    });
    let near_leader = near.leader();
    near.servers[near_leader].kill();
    let wanted = || far.servers[0].ask("/v1/kv/alone?raw&dc=near").is_some_and(|answer| answer.text() == "1");
    wait_until("an answer through the servers that are left", wanted);
}

fn reads_and_writes_cross(server: &TestAgent, client: &TestAgent, far: &TestAgent) {
    server.put_ok("/v1/kv/key?dc=far", "from a server");
    assert_eq!(far.get("/v1/kv/key?raw").text(), "from a server");
    assert_eq!(client.put_ok("/v1/kv/key?dc=far", "from a client").text(), "true");
    assert_eq!(far.get("/v1/kv/key?raw").text(), "from a client");
    assert_eq!(server.get("/v1/kv/key").status, 404);
    assert_eq!(client.get("/v1/kv/key?raw&dc=far&consistent").text(), "from a client");
    assert_eq!(client.cli_ok(&["kv", "get", "-datacenter=far", "key"]), "from a client\n");
    far.put_ok("/v1/catalog/register", instance("distant", "10.9.9.9"));
    for agent in [server, client] {
        let rows = agent.get("/v1/health/service/web?dc=far").json();
        assert_eq!(rows[0]["Node"]["Datacenter"], "far");
        assert_eq!(agent.get("/v1/catalog/service/web").json().as_array().map(Vec::len), Some(0));
        assert!(agent.cli_ok(&["catalog", "services", "-datacenter=far"]).contains("web"));
        assert!(agent.cli_ok(&["catalog", "nodes", "-datacenter=far"]).contains("distant"));
        let unknown = agent.get("/v1/kv/key?dc=nowhere");
        assert_eq!(unknown.status, 500);
        assert!(unknown.text().contains("No path to datacenter"), "{}", unknown.text());
    }
    let index = client.get("/v1/kv/key?dc=far").index();
    let waiter = {
        let (address, target) = (client.http_address(), format!("/v1/kv/key?raw&wait=30s&dc=far&index={index}"));
        std::thread::spawn(move || request(&address, "GET", &target, &[], b"").expect("an answer"))
    };
    far.put_ok("/v1/kv/key", "from afar");
    assert_eq!(waiter.join().expect("the waiter ends").text(), "from afar");
    far.put_ok("/v1/kv/key", "from a client");
    let session = client.put_ok("/v1/session/create?dc=far", r#"{"Node":"far-s1","Checks":["serfHealth"]}"#).json();
    let id = session["ID"].as_str().expect("an id");
    assert_eq!(far.get(&format!("/v1/session/info/{id}")).json()[0]["Node"], "far-s1");
    client.put_ok("/v1/event/fire/deploy?dc=far", "v1");
    wait_until("the event in the other datacenter", || {
        far.ask_json("/v1/event/list").as_array().is_some_and(|events| events.iter().any(|e| e["Name"] == "deploy"))
    });
}

fn names_cross(server: &TestAgent, client: &TestAgent, far: &TestAgent) {
    let address = BTreeSet::from(["10.9.9.9".to_owned()]);
    for agent in [server, client] {
        assert_eq!(agent.resolve("web.service.far.consul."), Some(address.clone()));
        assert_eq!(agent.resolve("distant.node.far.consul."), Some(address.clone()));
        assert_eq!(agent.resolve("web.service.consul."), Some(BTreeSet::new()));
        assert_eq!(agent.resolve("web.service.nowhere.consul."), Some(BTreeSet::new()));
    }
    assert_eq!(far.resolve("consul.service.near.consul.").map(|found| found.len()), Some(3));
    // a query that finds nothing at home looks elsewhere
    let query = r#"{"Name":"web","Service":{"Service":"web","Failover":{"Datacenters":["far"]}}}"#;
    let id = server.put("/v1/query", query);
    let created = if id.status == 200 { id } else { server.send("POST", "/v1/query", query) };
    assert_eq!(created.status, 200, "{}", created.text());
    for agent in [server, client] {
        let answer = agent.get("/v1/query/web/execute").json();
        assert_eq!((&answer["Datacenter"], &answer["Failovers"]), (&"far".into(), &1.into()), "{answer}");
        // DNS asks any server, also one that has not heard of the query yet
        wait_until("the query by name", || agent.resolve("web.query.consul.").as_ref() == Some(&address));
    }
}

#[test]
fn servers_find_other_datacenters_by_themselves_and_bring_their_neighbours() {
    let far = datacenter("far", 1);
    let join = format!("retry_join_wan = {}", hcl_list(&far.addresses()));
    let builders = (1..=3).map(|number| member(&format!("near-s{number}"))).collect();
    let near = start_together(builders, |builder| {
        let builder = builder.server_of(3).arg("-datacenter=near");
        // one knows the way, the others follow
        if builder.planned_name() == "near-s1" { builder.hcl(&join) } else { builder }
    });
    for agent in near.servers.iter().chain(&far.servers) {
        wait_until("four servers in the WAN pool", || agent.wan_members().len() == 4);
    }
    wait_datacenters(&far.servers[0], &["far", "near"]);
    assert_eq!(
        far.servers[0].cli_ok(&["kv", "put", "-datacenter=near", "key", "1"]),
        "Success! Data written to: key\n"
    );
    near.wait_replicated("key", "1");
}
