//! A service from its file to its consumers: registered, checked, found over HTTP and DNS, kept over a crash, removed.

use crate::support::*;
use serde_json::Value;
use std::fs;
use std::net::TcpListener;
use std::path::Path;

/// Registers definitions from files of a folder.
fn register(agent: &TestAgent, dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    fs::write(&path, text).expect("written");
    let output = agent.cli(&["services", "register", &path.display().to_string()]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    stdout(&output)
}

fn names(agent: &TestAgent) -> Vec<String> {
    let services = agent.get("/v1/agent/services").json();
    let mut names: Vec<String> = services.as_object().expect("a map").keys().cloned().collect();
    names.sort();
    names
}

/// An A question without EDNS.
fn question(name: &str) -> Vec<u8> {
    let mut packet = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        packet.push(label.len() as u8);
        packet.extend_from_slice(label.as_bytes());
    }
    packet.extend_from_slice(&[0, 0, 1, 0, 1]);
    packet
}

#[test]
fn a_service_goes_from_its_file_to_dns_and_back() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut agent = server().arg("-datacenter=beijing-c").start();
    // A port that nobody else gets: on an address of this test's agent.
    let listener = TcpListener::bind((agent.address.as_str(), 0)).expect("a port");
    let target = listener.local_addr().expect("an address").to_string();
    drop(listener);
    let text = format!(
        "service {{\n  name = \"redis01\"\n  address = \"127.0.0.1\"\n  port = 6379\n  tags = [\"primary\"]\n  checks = [{{ \
         id = \"redis\", name = \"Redis TCP\", tcp = \"{target}\", interval = \"1s\", timeout = \"1s\" }}]\n}}\n"
    );
    assert_eq!(register(&agent, dir.path(), "redis01_service.hcl", &text), "Registered service: redis01\n");
    let check = |agent: &TestAgent| agent.get("/v1/agent/checks").json()["redis"].clone();
    let refused = format!("dial tcp {target}: connect: connection refused");
    wait_until("the refusal", || check(&agent)["Output"] == refused.as_str());
    assert_eq!(check(&agent)["Status"], "critical");
    let passing = |agent: &TestAgent| agent.get("/v1/health/service/redis01?passing").json();
    assert_eq!(passing(&agent), serde_json::json!([]));
    let name = "redis01.service.beijing-c.consul";
    let answer = agent.dns_udp(&question(name)).expect("an answer");
    assert_eq!((answer[3] & 15, answer[7]), (3, 0), "no instance is healthy: no such name");

    let listener = TcpListener::bind(&target).expect("the port opens");
    wait_until("the service to pass", || passing(&agent) != serde_json::json!([]));
    let row = &passing(&agent)[0];
    assert_eq!((&row["Service"]["Tags"][0], &row["Service"]["Port"]), (&Value::from("primary"), &Value::from(6379)));
    let answer = agent.dns_udp(&question(name)).expect("an answer");
    assert_eq!((answer[3] & 15, answer[7]), (0, 1));
    assert!(answer.ends_with(&[127, 0, 0, 1]), "{answer:?}");
    assert_eq!(agent.dns_udp(&question(&format!("primary.{name}"))).expect("an answer")[7], 1);
    assert_eq!(agent.dns_udp(&question(&format!("replica.{name}"))).expect("an answer")[7], 0);

    agent.kill();
    agent.restart();
    assert_eq!(names(&agent), ["redis01"]);
    wait_until("the check to pass again", || check(&agent)["Status"] == "passing");
    assert_eq!(check(&agent)["Output"], format!("TCP connect {target}: Success").as_str());
    drop(listener);
    wait_until("the check to fail", || check(&agent)["Status"] == "critical");

    let file = dir.path().join("redis01_service.hcl").display().to_string();
    let output = agent.cli(&["services", "deregister", &file]);
    assert_eq!(stdout(&output), "Deregistered service: redis01\n", "{}", stderr(&output));
    wait_until("the catalog to forget it", || agent.get("/v1/catalog/service/redis01").text().trim() == "[]");
    assert_eq!(agent.get("/v1/agent/checks").json(), serde_json::json!({}));
    agent.restart();
    assert_eq!(names(&agent), Vec::<String>::new(), "a removed service stays away");
}

#[test]
fn files_hold_one_or_many_services_in_either_format() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut agent = server()
        .file("a.hcl", "services { name = \"conf1\" }\nservices {\n  id = \"c2\"\n  name = \"conf2\"\n  port = 2\n}\n")
        .file("b.json", r#"{"service": {"name": "conf3", "check": {"ttl": "10s"}}}"#)
        .start();
    assert_eq!(names(&agent), ["c2", "conf1", "conf3"]);
    let many = "services {\n  name = \"m1\"\n}\nservices {\n  id = \"m2\"\n  name = \"many\"\n}\n";
    let json = r#"{"services": [{"name": "j1", "meta": {"a": "b"}}, {"Name": "j2", "Tags": ["t"]}]}"#;
    assert_eq!(register(&agent, dir.path(), "many.hcl", many), "Registered service: m1\nRegistered service: many\n");
    assert_eq!(register(&agent, dir.path(), "many.json", json), "Registered service: j1\nRegistered service: j2\n");
    assert_eq!(names(&agent), ["c2", "conf1", "conf3", "j1", "j2", "m1", "m2"]);
    let output = agent.cli(&[
        "services",
        "register",
        "-name=flags",
        "-id=f1",
        "-port=80",
        "-tag=x",
        "-meta=k=v",
        "-address=127.0.0.1",
    ]);
    assert_eq!(stdout(&output), "Registered service: flags\n", "{}", stderr(&output));
    let flags = agent.get("/v1/agent/service/f1").json();
    assert_eq!((&flags["Meta"]["k"], &flags["Tags"][0], &flags["Port"]), (&"v".into(), &"x".into(), &80.into()));
    assert_eq!(stdout(&agent.cli(&["services", "deregister", "-id=f1"])), "Deregistered service: f1\n");
    fs::remove_file(agent.dir.join("config/b.json")).expect("removed");
    agent.restart();
    assert_eq!(names(&agent), ["c2", "conf1", "j1", "j2", "m1", "m2"], "of files only what they still say");
    let bad = dir.path().join("bad.json");
    fs::write(&bad, r#"{"services": [{"name": "x", "nosuch": 1}]}"#).expect("written");
    let output = agent.cli(&["services", "register", &bad.display().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("invalid config key services[0].nosuch"), "{}", stderr(&output));
}

#[test]
fn maintenance_takes_a_node_or_a_service_out_of_discovery() {
    let agent = dev().start();
    agent.put_ok("/v1/agent/service/register", r#"{"Name":"web","Port":80}"#);
    let healthy = |agent: &TestAgent| agent.get("/v1/health/service/web?passing").json().as_array().map_or(0, Vec::len);
    wait_until("the service", || healthy(&agent) == 1);
    for (on, off) in [
        ("/v1/agent/maintenance?enable=true&reason=work", "/v1/agent/maintenance?enable=false"),
        ("/v1/agent/service/maintenance/web?enable=true", "/v1/agent/service/maintenance/web?enable=false"),
    ] {
        agent.put_ok(on, "");
        wait_until("it to be out", || healthy(&agent) == 0);
        let answer = agent.dns_udp(&question("web.service.consul")).expect("an answer");
        assert_eq!(answer[7], 0, "{on}");
        agent.put_ok(off, "");
        wait_until("it to be back", || healthy(&agent) == 1);
    }
}
