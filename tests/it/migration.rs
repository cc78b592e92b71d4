//! docs/migration.md with a real Consul (`CONSUL_BIN`) as what is left and what is gone back to, by the commands of the page.

use crate::support::cluster::*;
use crate::support::page::{Desk, command, commands};
use crate::support::*;
use serde_json::json;
use std::collections::BTreeSet;
use std::fs;
use std::time::Instant;

const PAGE: &str = include_str!("../../docs/migration.md");

/// The real Consul, or a printed reason.
fn consul() -> Option<String> {
    let binary = reference_binary();
    if binary.is_none() {
        println!("skipped: CONSUL_BIN names no Consul");
    }
    binary
}

fn desk(consul: &str) -> Desk {
    let desk = Desk::new();
    desk.program("consul", consul);
    desk
}

fn key(desk: &Desk) -> String {
    desk.run("tribune keygen").expect("a key").trim().to_owned()
}

fn encrypt(key: &str) -> String {
    format!("encrypt = {key:?}")
}

fn node_id(agent: &TestAgent) -> String {
    agent.get("/v1/agent/self").json()["Config"]["NodeID"].as_str().expect("an id").to_owned()
}

/// What a client agent holds: a service with a check that is told its state, a check of the node, and one of its own port.
fn furnish(client: &TestAgent) {
    let port = format!(r#"{{"CheckID":"port","TCP":"{}","Interval":"200ms"}}"#, client.http_address());
    let told = r#"{"CheckID":"told","TTL":"1h"}"#;
    let service =
        format!(r#"{{"Name":"web","ID":"web-1","Port":80,"Tags":["v1"],"Meta":{{"a":"b"}},"Checks":[{told},{port}]}}"#);
    client.put_ok("/v1/agent/service/register", service);
    client.put_ok("/v1/agent/check/register", r#"{"ID":"disk","Name":"disk","TTL":"1h"}"#);
    client.put_ok("/v1/agent/check/update/told", r#"{"Status":"warning","Output":"so so"}"#);
    client.put_ok("/v1/agent/check/update/disk", r#"{"Status":"passing","Output":"room"}"#);
}

/// A client agent stands in the catalog with all of [`furnish`].
#[track_caller]
fn wait_furnished(agent: &TestAgent, node: &str, id: &str) {
    let wanted: BTreeSet<(&str, &str)> =
        [("serfHealth", "passing"), ("told", "warning"), ("port", "passing"), ("disk", "passing")].into();
    wait_until(&format!("{node} as it was, seen by {}", agent.name), || {
        let rows = agent.ask_json(&format!("/v1/health/node/{node}"));
        let rows = rows.as_array().cloned().unwrap_or_default();
        let found: BTreeSet<(&str, &str)> =
            rows.iter().filter_map(|row| Some((row["CheckID"].as_str()?, row["Status"].as_str()?))).collect();
        let told = rows.iter().any(|row| row["CheckID"] == "told" && row["Output"] == "so so");
        found == wanted && told && agent.ask_json(&format!("/v1/catalog/node/{node}"))["Node"]["ID"] == id
    });
    let service = &agent.ask_json("/v1/catalog/service/web")[0];
    assert_eq!((&service["ServiceID"], &service["ServiceTags"]), (&json!("web-1"), &json!(["v1"])));
}

/// The state of the check that is told its state, by the agent itself.
fn told(client: &TestAgent) -> String {
    client.get("/v1/agent/checks").json()["told"]["Status"].as_str().expect("a state").to_owned()
}

/// What servers hold: a key, a prepared query, a node from outside.
fn fill(server: &TestAgent) {
    server.write("config/color", "blue");
    assert_eq!(server.send("POST", "/v1/query", r#"{"Name":"near","Service":{"Service":"web"}}"#).status, 200);
    let outside = r#"{"Node":"outside","Address":"10.0.0.9","Service":{"Service":"db","Port":5432}}"#;
    server.put_ok("/v1/catalog/register", outside);
}

#[track_caller]
fn assert_filled(server: &TestAgent) {
    assert_eq!(server.read("config/color").as_deref(), Some("blue"));
    let queries = server.get("/v1/query").json();
    assert_eq!(queries[0]["Name"], "near", "{queries}");
    assert_eq!(server.get("/v1/catalog/service/db").json()[0]["Node"], "outside");
}

/// All servers stand in the catalog with the ids that they have now.
#[track_caller]
fn wait_own_nodes(cluster: &Cluster) {
    for server in &cluster.servers {
        let own = json!(node_id(server));
        wait_until(&format!("the id of {} in the catalog", server.name), || {
            cluster.servers[0].ask_json(&format!("/v1/catalog/node/{}", server.name))["Node"]["ID"] == own
        });
    }
}

/// Runs a line against an agent.
#[track_caller]
fn against(desk: &Desk, agent: &TestAgent, line: &str) -> String {
    let address = agent.http_address();
    desk.run_with(&[("CONSUL_HTTP_ADDR", &address)], line).unwrap_or_else(|error| panic!("{error}"))
}

/// A configuration file as servers of Consul have it.
fn server_file(data: &str, address: &str, key: &str) -> String {
    format!(
        "datacenter = \"dc1\"\ndata_dir = {data:?}\nserver = true\nbootstrap_expect = 3\nbind_addr = {address:?}\n\
         encrypt = {key:?}\nui = true\nconnect {{ enabled = true }}\nperformance {{ raft_multiplier = 1 }}\n"
    )
}

#[test]
fn servers_and_client_agents_move_side_by_side() {
    const SECTION: &str = "Side by side";
    let Some(consul) = consul() else { return };
    let desk = desk(&consul);
    let (old_key, new_key) = (key(&desk), key(&desk));
    let builders: Vec<AgentBuilder> = (1..=3).map(|number| member_of(&consul, &format!("old-{number}"))).collect();
    let old = start_together(builders, |builder| {
        let file = server_file("/var/lib/consul", builder.planned_address(), &old_key);
        builder.file("server.hcl", &file)
    });
    let mut client = old.client_of(&consul, "c1").hcl(&encrypt(&old_key)).start();
    furnish(&client);
    fill(&old.servers[0]);
    let id = node_id(&client);
    wait_furnished(&old.servers[0], "c1", &id);

    // 1. servers with the configuration files of Consul, each with addresses, a directory and a key of its own
    let blocks = commands(PAGE, SECTION);
    let (copy, rest) = blocks[0].split_once('\n').expect("several lines");
    let (validate, rest) = rest.split_once('\n').expect("several lines");
    let list = rest.lines().last().expect("several lines");
    let new: Vec<AgentBuilder> = (1..=3).map(|number| member(&format!("new-{number}"))).collect();
    let addresses: Vec<String> = new.iter().map(|builder| builder.planned_address().to_owned()).collect();
    let start = |(builder, old): (AgentBuilder, &TestAgent)| {
        let dir = desk.path().join(builder.planned_name());
        let config = dir.join("config");
        fs::create_dir_all(&config).expect("a folder");
        desk.place("/etc/consul.d", &old.dir.join("config").display().to_string());
        desk.place("/etc/tribune.d", &config.display().to_string());
        desk.run(copy).unwrap_or_else(|error| panic!("{error}"));
        let file = server_file(&dir.join("data").display().to_string(), builder.planned_address(), &new_key);
        fs::write(config.join("server.hcl"), file).expect("a file");
        let builder = builder.dir(&dir).retry_join(&addresses);
        fs::write(config.join("join.hcl"), format!("retry_join = {}", hcl_list(&addresses))).expect("a file");
        desk.run(validate).unwrap_or_else(|error| panic!("{error}"));
        builder.no_wait().start()
    };
    let mut cluster = Cluster { servers: new.into_iter().zip(&old.servers).map(start).collect() };
    cluster.servers.iter_mut().for_each(TestAgent::wait_ready);
    cluster.wait_voters(3);
    assert_eq!(against(&desk, &cluster.servers[0], list).matches("true").count(), 3);

    // 2. the state
    for line in blocks[1].lines() {
        against(&desk, if line.starts_with("consul") { &old.servers[0] } else { &cluster.servers[0] }, line);
    }
    assert_filled(&cluster.servers[0]);

    // 3. the client agent with the binary of Consul
    let (leave, start) = blocks[2].split_once("# in its configuration").expect("the configuration is changed");
    let start = start.split_once('\n').expect("several lines").1;
    desk.place("/var/lib/consul", &client.dir.join("data").display().to_string());
    desk.run_on(&mut client, leave);
    client.wait_exit();
    client.write_config("join.hcl", &format!("retry_join = {}", hcl_list(&addresses)));
    client.write_config("extra-2.hcl", &encrypt(&new_key));
    let config = fs::read_dir(client.dir.join("config")).expect("a folder").flatten();
    let keys = config.filter(|entry| fs::read_to_string(entry.path()).is_ok_and(|text| text.contains(&old_key)));
    keys.for_each(|entry| fs::write(entry.path(), encrypt(&new_key)).expect("a file"));
    desk.run_on(&mut client, start);
    assert_eq!(told(&client), "warning");
    wait_furnished(&cluster.servers[0], "c1", &id);
    assert!(against(&desk, &client, "tribune members").contains("new-1"));

    // 4. its binary
    let (_, moved) = blocks[3].split_once("mv ").expect("the data is moved");
    let moved = moved.lines().next().expect("a line");
    client.stop();
    fs::create_dir(client.dir.join("moved")).expect("a folder");
    desk.place("/var/lib/tribune", &client.dir.join("moved").display().to_string());
    desk.run(&format!("mv {}", moved.replace("chown ", ": chown "))).unwrap_or_else(|error| panic!("{error}"));
    let data = format!("-data-dir={}", client.dir.join("moved").display());
    client.edit_args(|args| {
        let flag = args.iter_mut().find(|arg| arg.starts_with("-data-dir=")).expect("it has data");
        *flag = data;
    });
    client.use_binary(BINARY);
    wait_until("no node of it", || !cluster.servers[0].lists_node("c1"));
    client.start_again();
    assert_eq!(told(&client), "warning");
    wait_furnished(&cluster.servers[0], "c1", &id);
    assert_eq!(node_id(&client), id);
    assert_eq!(client.read("config/color").as_deref(), Some("blue"));

    // the old servers are in nobody's pool, and their nodes go from the catalog
    for server in &old.servers {
        wait_until("no node of an old server", || !cluster.servers[0].lists_node(&server.name));
    }
    assert_filled(&cluster.servers[0]);
    // the directory of a server of Consul is not taken
    let mut wrong = member("wrong").server_of(1).dir(&old.servers[0].dir).no_wait().start();
    assert_eq!(wrong.wait_exit(), Some(1));
    assert!(wrong.log().contains("raft.db"), "{}", wrong.log());
}

#[test]
fn servers_are_replaced_in_place_and_client_agents_find_them() {
    const SECTION: &str = "In place";
    let Some(consul) = consul() else { return };
    let desk = desk(&consul);
    let key = key(&desk);
    let mut old = cluster_of(&consul, 3, |builder| builder.hcl(&encrypt(&key)));
    let client = old.client_of(&consul, "c1").hcl(&encrypt(&key)).start();
    furnish(&client);
    fill(&old.servers[0]);
    let id = node_id(&client);
    wait_furnished(&old.servers[0], "c1", &id);
    against(&desk, &old.servers[0], command(PAGE, SECTION, "consul snapshot save"));
    let addresses = old.addresses();
    let stopped = Instant::now();
    for server in &mut old.servers {
        server.stop();
    }
    let start = |server: &TestAgent| {
        let builder = member(&server.name).address(&server.address).server_of(3).hcl(&encrypt(&key));
        builder.retry_join(&addresses).no_wait().start()
    };
    let mut cluster = Cluster { servers: old.servers.iter().map(start).collect() };
    cluster.servers.iter_mut().for_each(TestAgent::wait_ready);
    cluster.wait_voters(3);
    let leader = cluster.leader();
    against(&desk, &cluster.servers[leader], command(PAGE, SECTION, "tribune snapshot restore"));
    println!("restored {:?} after the stop", stopped.elapsed());
    assert_filled(&cluster.servers[0]);
    wait_until("a key through the client agent", || client.read("config/color").as_deref() == Some("blue"));
    wait_furnished(&cluster.servers[0], "c1", &id);
    println!("the client agent is back {:?} after the stop", stopped.elapsed());
    wait_own_nodes(&cluster);
    println!("the servers are back {:?} after the stop", stopped.elapsed());
    client.put_ok("/v1/agent/service/register", r#"{"Name":"new","Port":81}"#);
    wait_until("a new service", || cluster.servers[1].passing("new").contains("c1"));
}

#[test]
fn a_cluster_goes_back_to_consul() {
    const SECTION: &str = "Going back";
    let Some(consul) = consul() else { return };
    let desk = desk(&consul);
    let (here, there) = (key(&desk), key(&desk));
    let cluster = cluster_with(3, |builder| builder.hcl(&encrypt(&here)));
    let mut client = cluster.client("c1").file("key.hcl", &encrypt(&here)).start();
    furnish(&client);
    fill(&cluster.servers[0]);
    let id = node_id(&client);
    wait_furnished(&cluster.servers[0], "c1", &id);
    let builders = (1..=3).map(|number| member_of(&consul, &format!("old-{number}"))).collect();
    let old = start_together(builders, |builder| builder.server_of(3).hcl(&encrypt(&there)));
    against(&desk, &cluster.servers[0], command(PAGE, SECTION, "tribune snapshot save"));
    against(&desk, &old.servers[0], command(PAGE, SECTION, "consul snapshot restore"));
    assert_filled(&old.servers[0]);

    let blocks = commands(PAGE, SECTION);
    let (leave, start) = blocks[1].split_once("# in the configuration").expect("the configuration is changed");
    let start = start.split_once('\n').expect("several lines").1;
    desk.run_on(&mut client, leave);
    client.wait_exit();
    client.write_config("key.hcl", &encrypt(&there));
    client.write_config("join.hcl", &format!("retry_join = {}", hcl_list(&old.addresses())));
    client.write_config("service.hcl", r#"service { name = "api" port = 90 }"#);
    client.use_binary(&consul);
    desk.run_on(&mut client, start);
    wait_until("the service of a file", || old.servers[0].passing("api").contains("c1"));
    wait_until("no service of before", || old.servers[0].ask_json("/v1/catalog/service/web") == json!([]));
    furnish(&client);
    wait_furnished(&old.servers[0], "c1", &id);
    assert_eq!(node_id(&client), id);
    assert!(!client.log().contains("Failed decoding"), "{}", client.log());
    assert_filled(&old.servers[0]);
}
