//! Members of other houses: real Consul client agents and datacenters beside our servers, our client agent beside real
//! servers, real Serf agents in our pools. Run when `CONSUL_BIN` and `SERF_BIN` name the binaries (Debian has both).

use crate::support::cluster::*;
use crate::support::*;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::process::{Child, Command, Stdio};

/// The real Consul, or a printed reason.
fn consul() -> Option<String> {
    let binary = reference_binary();
    if binary.is_none() {
        println!("skipped: CONSUL_BIN names no Consul");
    }
    binary
}

/// All that a client agent does in its life, beside servers of another make.
fn live(cluster: &Cluster, mut client: TestAgent) {
    wait_until("the client in the catalog", || client.health_of_node("c1") == "passing");
    cluster.wait_alive(cluster.servers.len() + 1);
    register_and_discover(cluster, &client);
    write_and_lock(cluster, &client);
    fire_and_hear(cluster, &client);
    ask_everything(cluster, &client);
    die_and_return(cluster, &mut client);
    client.cli_ok(&["leave"]);
    client.wait_exit();
    for server in &cluster.servers {
        server.wait_member("c1", "left");
        wait_until("no node in the catalog", || !server.lists_node("c1"));
    }
}

fn register_and_discover(cluster: &Cluster, client: &TestAgent) {
    let server = &cluster.servers[cluster.follower()];
    let waiter = {
        let address = client.http_address();
        let mut index = client.get("/v1/health/service/web").index();
        // changes of other services may wake it before
        std::thread::spawn(move || {
            wait_for("a waiting query with the service", || {
                let target = format!("/v1/health/service/web?wait=10s&index={index}");
                let answer = request(&address, "GET", &target, &[], b"").expect("an answer");
                index = answer.index();
                answer.json().as_array().is_some_and(|rows| !rows.is_empty()).then_some(answer)
            })
        })
    };
    let check = format!(r#"{{"TCP":"{}","Interval":"100ms"}}"#, client.http_address());
    let service = format!(r#"{{"Name":"web","Port":80,"Tags":["v1"],"Meta":{{"a":"b"}},"Check":{check}}}"#);
    client.put_ok("/v1/agent/service/register", service);
    let woken = waiter.join().expect("the waiter ends").json();
    assert_eq!(woken[0]["Service"]["Service"], "web", "a waiting query is woken by the registration");
    let own = BTreeSet::from(["c1".to_owned()]);
    for agent in cluster.servers.iter().chain([client]) {
        wait_until("a passing service", || agent.passing("web") == own);
        let address = BTreeSet::from([client.address.clone()]);
        wait_until("the service in DNS", || agent.resolve("v1.web.service.consul.").as_ref() == Some(&address));
    }
    for target in ["/v1/catalog/nodes", "/v1/catalog/services", "/v1/catalog/service/web", "/v1/health/state/any"] {
        let (ours, theirs) = (client.get(target), server.get(target));
        assert_eq!(without_versions(ours.json()), without_versions(theirs.json()), "{target}");
    }
    let row = client.get("/v1/health/service/web?cached").json();
    assert_eq!((&row[0]["Service"]["Meta"]["a"], &row[0]["Node"]["Node"]), (&json!("b"), &json!("c1")));
    assert_eq!(client.get("/v1/catalog/service/consul").json().as_array().map(Vec::len), Some(cluster.servers.len()));
}

/// Answers as both versions have them: what only one knows is left out.
fn without_versions(value: Value) -> Value {
    const NEWER: &[&str] =
        &["PeerName", "Interval", "Timeout", "ExposedPort", "Definition", "ServiceSocketPath", "Mode"];
    match value {
        Value::Array(items) => items.into_iter().map(without_versions).collect(),
        Value::Object(fields) => {
            let kept = fields.into_iter().filter(|(name, value)| !NEWER.contains(&name.as_str()) && !value.is_null());
            kept.map(|(name, value)| (name, without_versions(value))).collect()
        }
        other => other,
    }
}

fn write_and_lock(cluster: &Cluster, client: &TestAgent) {
    let server = &cluster.servers[0];
    assert_eq!(client.put_ok("/v1/kv/mixed?flags=42", "one").text(), "true");
    let row = server.get("/v1/kv/mixed").json();
    assert_eq!((&row[0]["Value"], &row[0]["Flags"]), (&json!("b25l"), &json!(42)));
    assert_eq!(client.put("/v1/kv/mixed?cas=1", "two").text(), "false");
    let index = row[0]["ModifyIndex"].as_u64().expect("an index");
    assert_eq!(client.put(&format!("/v1/kv/mixed?cas={index}"), "two").text(), "true");
    for query in ["", "&stale", "&consistent"] {
        wait_until("the value", || client.get(&format!("/v1/kv/mixed?raw{query}")).text() == "two");
    }
    assert_eq!(client.get("/v1/kv/?keys&separator=/").json(), json!(["mixed"]));
    let session = client.put_ok("/v1/session/create", r#"{"Name":"keeper","TTL":"60s","LockDelay":"0s"}"#).json();
    let id = session["ID"].as_str().expect("an id").to_owned();
    assert_eq!(client.put(&format!("/v1/kv/lock?acquire={id}"), "held").text(), "true");
    assert_eq!(server.get("/v1/kv/lock").json()[0]["Session"], id.as_str());
    assert_eq!(client.put_ok(&format!("/v1/session/renew/{id}"), "").json()[0]["Name"], "keeper");
    assert_eq!(client.get("/v1/session/node/c1").json().as_array().map(Vec::len), Some(1));
    assert_eq!(client.get("/v1/session/list").json().as_array().map(Vec::len), Some(1));
    client.put_ok(&format!("/v1/session/destroy/{id}"), "");
    assert_eq!(server.get("/v1/kv/lock").json()[0].get("Session"), None);
    let operations = r#"[
        {"KV":{"Verb":"set","Key":"txn/a","Value":"YQ=="}},
        {"KV":{"Verb":"get","Key":"mixed"}},
        {"Node":{"Verb":"get","Node":{"Node":"c1"}}}
    ]"#;
    let answer = client.put("/v1/txn", operations);
    assert_eq!((answer.status, answer.json()["Results"].as_array().map(Vec::len)), (200, Some(3)), "{}", answer.text());
    let failed = client.put("/v1/txn", r#"[{"KV":{"Verb":"check-index","Key":"mixed","Index":1}}]"#);
    assert_eq!((failed.status, failed.json()["Errors"].as_array().map(Vec::len)), (409, Some(1)), "{}", failed.text());
    let read = client.put("/v1/txn", r#"[{"KV":{"Verb":"get-tree","Key":"txn/"}}]"#).json();
    assert_eq!(read["Results"][0]["KV"]["Key"], "txn/a");
    assert_eq!(client.delete("/v1/kv/txn/?recurse").text(), "true");
    assert_eq!(server.get("/v1/kv/txn/?keys").status, 404);
}

fn fire_and_hear(cluster: &Cluster, client: &TestAgent) {
    let names = |agent: &TestAgent| -> Vec<String> {
        let events = agent.ask_json("/v1/event/list");
        events.as_array().into_iter().flatten().map(|event| event["Name"].as_str().unwrap_or("").to_owned()).collect()
    };
    client.put_ok("/v1/event/fire/from-client?service=%5Eweb%24", "payload");
    wait_until("the event on its own agent", || names(client).contains(&"from-client".to_owned()));
    client.put_ok("/v1/event/fire/to-all", "payload");
    cluster.servers[0].put_ok("/v1/event/fire/from-server", "");
    for agent in cluster.servers.iter().chain([client]) {
        for name in ["to-all", "from-server"] {
            wait_until(&format!("{name} on {}", agent.name), || names(agent).contains(&name.to_owned()));
        }
    }
    let heard = cluster.servers[0].ask_json("/v1/event/list");
    let event = heard.as_array().into_iter().flatten().find(|event| event["Name"] == "to-all").expect("just seen");
    assert_eq!(event["Payload"], "cGF5bG9hZA==");
}

fn ask_everything(cluster: &Cluster, client: &TestAgent) {
    wait_until("coordinates of the client and a server", || {
        let nodes = client.ask_json("/v1/coordinate/nodes");
        let has = |name: &str| nodes.as_array().is_some_and(|nodes| nodes.iter().any(|row| row["Node"] == name));
        has("c1") && has("s1")
    });
    assert!(client.cli_ok(&["rtt", "c1", "s1"]).contains("rtt: "));
    let near = client.get("/v1/catalog/nodes?near=_agent").json();
    assert_eq!(near.as_array().map(Vec::len), Some(cluster.servers.len() + 1), "{near}");
    let query = client.send("POST", "/v1/query", r#"{"Name":"near-web","Service":{"Service":"web"}}"#);
    assert_eq!(query.status, 200, "{}", query.text());
    let id = query.json()["ID"].as_str().expect("an id").to_owned();
    assert_eq!(client.get("/v1/query").json().as_array().map(Vec::len), Some(1));
    assert_eq!(client.get(&format!("/v1/query/{id}")).json()[0]["Name"], "near-web");
    assert_eq!(client.get("/v1/query/near-web/execute").json()["Nodes"][0]["Service"]["Service"], "web");
    assert_eq!(client.get("/v1/query/near-web/explain").json()["Query"]["Name"], "near-web");
    wait_until("the query in DNS", || client.resolve("near-web.query.consul.").is_some_and(|found| found.len() == 1));
    assert_eq!(client.delete(&format!("/v1/query/{id}")).status, 200);
    let peers = client.get("/v1/status/peers").json();
    assert_eq!(peers.as_array().map(Vec::len), Some(cluster.servers.len()));
    assert!(client.get("/v1/status/leader").text().contains(":8300"));
    assert_eq!(client.get("/v1/catalog/datacenters").json(), json!(["dc1"]));
    assert_eq!(client.get("/v1/catalog/node/c1").json()["Services"]["web"]["Port"], 80);
    assert_eq!(client.get("/v1/health/checks/web").json()[0]["Status"], "passing");
    assert_eq!(client.get("/v1/health/node/c1").json().as_array().map(Vec::len), Some(2));
    assert_eq!(client.get("/v1/internal/ui/nodes").status, 200);
    assert_eq!(client.get("/v1/operator/raft/configuration").json()["Servers"].as_array().map(Vec::len), Some(3));
    assert_eq!(client.get("/v1/operator/autopilot/configuration").json()["CleanupDeadServers"], true);
    client.put_ok(
        "/v1/catalog/register",
        r#"{"Node":"outside","Address":"10.0.0.9","Service":{"Service":"db"},"Check":{"Name":"c","Status":"passing"}}"#,
    );
    assert_eq!(cluster.servers[0].get("/v1/health/service/db?passing").json().as_array().map(Vec::len), Some(1));
    client.put_ok("/v1/catalog/deregister", r#"{"Node":"outside"}"#);
    assert!(!cluster.servers[0].lists_node("outside"));
    client.put_ok("/v1/kv/saved", "1");
    let file = client.dir.join("backup.snap").to_string_lossy().into_owned();
    assert!(client.cli_ok(&["snapshot", "save", &file]).contains("Saved and verified snapshot"));
    client.delete("/v1/kv/saved");
    client.cli_ok(&["snapshot", "restore", &file]);
    wait_until("the restored key", || client.ask("/v1/kv/saved?raw").is_some_and(|answer| answer.text() == "1"));
}

fn die_and_return(cluster: &Cluster, client: &mut TestAgent) {
    client.kill();
    for server in &cluster.servers {
        server.wait_member("c1", "failed");
        wait_until("no passing service", || server.passing("web").is_empty());
    }
    client.restart_member();
    for server in &cluster.servers {
        server.wait_member("c1", "alive");
        wait_until("the passing service again", || server.passing("web").len() == 1);
    }
}

#[test]
fn a_real_client_agent_lives_with_our_servers() {
    let Some(consul) = consul() else { return };
    let cluster = cluster(3);
    let client = cluster.client_of(&consul, "c1").start();
    live(&cluster, client);
}

#[test]
fn our_client_agent_lives_with_real_servers() {
    let Some(consul) = consul() else { return };
    let cluster = cluster_of(&consul, 3, |builder| builder);
    let client = cluster.client("c1").start();
    live(&cluster, client);
}

#[test]
fn a_client_agent_of_another_make_survives_the_loss_of_the_leader() {
    let Some(consul) = consul() else { return };
    for (servers, client) in [(under_test(), consul.clone()), (consul.clone(), under_test())] {
        let mut cluster = cluster_of(&servers, 3, |builder| builder);
        let client = cluster.client_of(&client, "c1").start();
        client.write("key", "1");
        let leader = cluster.leader();
        cluster.servers[leader].kill();
        client.write("key", "2");
        assert_eq!(client.read("key").as_deref(), Some("2"));
        client.put_ok("/v1/agent/service/register", r#"{"Name":"late","Port":80}"#);
        let living = cluster.leader();
        wait_until("the service", || cluster.servers[living].passing("late").len() == 1);
    }
}

#[test]
fn keys_rotate_in_pools_of_both_makes() {
    let Some(consul) = consul() else { return };
    for (servers, client) in [(under_test(), consul.clone()), (consul.clone(), under_test())] {
        let key = || stdout(&run_cli(&servers, &["keygen"], &[], b"")).trim().to_owned();
        let (old, new) = (key(), key());
        let encrypt = format!("encrypt = {old:?}");
        let cluster = cluster_of(&servers, 1, |builder| builder.hcl(&encrypt));
        let client = cluster.client_of(&client, "c1").hcl(&encrypt).start();
        let server = &cluster.servers[0];
        wait_until("the client in the catalog", || server.health_of_node("c1") == "passing");
        server.cli_ok(&["keyring", "-install", &new]);
        assert!(server.cli_ok(&["keyring", "-list"]).contains(&format!("{new} [2/2]")));
        server.cli_ok(&["keyring", "-use", &new]);
        server.cli_ok(&["keyring", "-remove", &old]);
        let listed = server.cli_ok(&["keyring", "-list"]);
        assert!(listed.contains(&format!("{new} [2/2]")) && !listed.contains(&old), "{listed}");
        let file = std::fs::read_to_string(client.dir.join("data/serf/local.keyring")).expect("a file");
        assert_eq!(serde_json::from_str::<Vec<String>>(&file).expect("a JSON list"), [new]);
        client.write("encrypted", "1");
        server.wait_member("c1", "alive");
    }
}

#[test]
fn datacenters_of_both_makes_reach_each_other() {
    let Some(consul) = consul() else { return };
    let datacenter = |binary: &str, name: &str| {
        let builders = vec![member_of(binary, &format!("{name}-s1"))];
        start_together(builders, |builder| builder.server_of(1).arg(format!("-datacenter={name}")))
    };
    let (ours, theirs) = (datacenter(&under_test(), "ours"), datacenter(&consul, "theirs"));
    let (ours, theirs) = (&ours.servers[0], &theirs.servers[0]);
    ours.cli_ok(&["join", "-wan", &theirs.address]);
    for (agent, list) in [(ours, ["ours", "theirs"]), (theirs, ["theirs", "ours"])] {
        wait_until("both datacenters", || agent.ask_json("/v1/catalog/datacenters") == json!(list));
    }
    let instance = r#"{"Node":"n","Address":"10.9.9.9","Service":{"Service":"web","Port":80}}"#;
    for (from, to, name) in [(ours, theirs, "theirs"), (theirs, ours, "ours")] {
        from.put_ok(&format!("/v1/kv/key?dc={name}"), name);
        assert_eq!(to.get("/v1/kv/key?raw").text(), name);
        let index = from.get(&format!("/v1/kv/key?dc={name}")).index();
        let waiter = {
            let (address, target) = (from.http_address(), format!("/v1/kv/key?raw&wait=30s&dc={name}&index={index}"));
            std::thread::spawn(move || request(&address, "GET", &target, &[], b"").expect("an answer"))
        };
        to.put_ok("/v1/kv/key", "woken");
        assert_eq!(waiter.join().expect("the waiter ends").text(), "woken");
        to.put_ok("/v1/catalog/register", instance);
        let rows = from.get(&format!("/v1/health/service/web?dc={name}")).json();
        assert_eq!((&rows[0]["Node"]["Node"], &rows[0]["Service"]["Port"]), (&json!("n"), &json!(80)));
        let address = BTreeSet::from(["10.9.9.9".to_owned()]);
        assert_eq!(from.resolve(&format!("web.service.{name}.consul.")), Some(address));
        from.put_ok(&format!("/v1/event/fire/across?dc={name}"), "");
        wait_until("the event", || to.ask("/v1/event/list").is_some_and(|answer| answer.text().contains("across")));
        wait_until("coordinates of both", || {
            let areas = from.ask_json("/v1/coordinate/datacenters");
            areas.as_array().is_some_and(|areas| areas.len() == 2)
        });
    }
}

/// A real Serf agent; ended when dropped.
struct Serf {
    binary: String,
    child: Child,
    address: String,
    dir: tempfile::TempDir,
}

impl Serf {
    fn start(binary: &str, name: &str, key: &str) -> Serf {
        let (address, dir) = (own_address(), tempfile::tempdir().expect("a temporary folder"));
        let events = dir.path().join("events");
        let child = Command::new(binary)
            .args(["agent", "-profile=local", &format!("-node={name}"), "-tag", "role=visitor"])
            .arg(format!("-bind={address}:7946"))
            .arg(format!("-rpc-addr={address}:7373"))
            .arg(format!("-encrypt={key}"))
            .arg(format!("-event-handler=user=env >> {}; cat >> {0}", events.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {binary}: {error}"));
        let serf = Serf { binary: binary.to_owned(), child, address, dir };
        wait_until("the Serf agent", || serf.run(&["members"]).contains(name));
        serf
    }

    /// Standard output of a command that asks this agent.
    fn run(&self, args: &[&str]) -> String {
        let address = format!("-rpc-addr={}:7373", self.address);
        let (command, rest) = args.split_first().expect("a command");
        let output = Command::new(&self.binary).arg(command).arg(address).args(rest).output();
        stdout(&output.expect("the command starts"))
    }

    fn sees(&self, name: &str, status: &str) -> bool {
        let table = self.run(&["members"]);
        let row = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find(|row| row[0] == name);
        row.is_some_and(|row| row[2] == status)
    }

    fn heard(&self) -> String {
        let bytes = std::fs::read(self.dir.path().join("events")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Serf {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_real_serf_agent_is_a_member_of_our_pool() {
    let Some(binary) = serf_binary() else {
        println!("skipped: SERF_BIN names no Serf");
        return;
    };
    let key = || stdout(&run_cli(&under_test(), &["keygen"], &[], b"")).trim().to_owned();
    let (old, new) = (key(), key());
    let encrypt = format!("encrypt = {old:?}");
    let cluster = cluster_with(1, |builder| builder.hcl(&encrypt));
    let mut client = cluster.client("c1").hcl(&encrypt).start();
    let server = &cluster.servers[0];
    wait_until("the client in the catalog", || server.health_of_node("c1") == "passing");
    let mut serf = Serf::start(&binary, "visitor", &old);
    assert!(serf.run(&["join", &format!("{}:8301", server.address)]).contains("Successfully joined"));
    for name in ["s1", "c1", "visitor"] {
        wait_until(&format!("{name} alive"), || serf.sees(name, "alive"));
        server.wait_member(name, "alive");
        client.wait_member(name, "alive");
    }
    let table = serf.run(&["members", "-detailed"]);
    assert!(table.contains("role=consul") && table.contains("dc=dc1"), "{table}");
    wait_until("a coordinate of our server", || serf.run(&["rtt", "s1"]).contains("rtt: "));
    let reached = serf.run(&["reachability"]);
    assert!(reached.contains("Successfully contacted all live nodes"), "{reached}");

    client.put_ok("/v1/event/fire/deploy", "payload");
    wait_until("the event at the visitor", || {
        serf.heard().contains("SERF_USER_EVENT=consul:event:deploy") && serf.heard().contains("payload")
    });
    server.cli_ok(&["keyring", "-install", &new]);
    assert!(server.cli_ok(&["keyring", "-list"]).contains(&format!("{new} [3/3]")));
    let used = serf.run(&["keys", &format!("-use={new}")]);
    assert!(used.contains("Successfully"), "{used}");
    let removed = serf.run(&["keys", &format!("-remove={old}")]);
    assert!(removed.contains("Successfully"), "{removed}");
    let listed = server.cli_ok(&["keyring", "-list"]);
    assert!(listed.contains(&format!("{new} [3/3]")), "{listed}");

    client.kill();
    wait_until("c1 failed", || serf.sees("c1", "failed"));
    client.restart_member();
    wait_until("c1 alive", || serf.sees("c1", "alive"));
    client.cli_ok(&["leave"]);
    wait_until("c1 left", || serf.sees("c1", "left"));
    serf.run(&["leave"]);
    serf.child.wait().expect("it ends");
    server.wait_member("visitor", "left");
    assert!(!server.lists_node("visitor"));
}
