//! What crosses a whole cluster: user events, coordinates, remote execution, locks; and answers while servers are away.

use crate::support::cluster::*;
use crate::support::*;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

fn events(agent: &TestAgent) -> Vec<Value> {
    agent.ask_json("/v1/event/list").as_array().cloned().unwrap_or_default()
}

#[test]
fn events_reach_the_agents_that_they_are_meant_for() {
    let cluster = cluster(3);
    let (first, second) = (cluster.start_client("c1"), cluster.start_client("c2"));
    first.put_ok("/v1/agent/service/register", r#"{"Name":"web","Tags":["v1"]}"#);
    second.put_ok("/v1/agent/service/register", r#"{"Name":"web","Tags":["v2"]}"#);
    let everyone: Vec<&TestAgent> = cluster.servers.iter().chain([&first, &second]).collect();

    let watch = Command::new(under_test())
        .args(["watch", "-type=event", "-name=deploy"])
        .env("CONSUL_HTTP_ADDR", second.http_address())
        .args(["cat"])
        .stdout(Stdio::piped())
        .spawn();
    let mut watch = watch.expect("the command starts");
    let mut seen = BufReader::new(watch.stdout.take().expect("piped"));

    let fired = first.cli_ok(&["event", "-name=deploy", "one two"]);
    let id = fired.strip_prefix("Event ID: ").expect("an id").trim().to_owned();
    for agent in &everyone {
        wait_until(&format!("the event on {}", agent.name), || events(agent).iter().any(|event| event["ID"] == *id));
        let event = events(agent).into_iter().find(|event| event["ID"] == *id).expect("seen a moment ago");
        assert_eq!(event["Name"], "deploy");
        assert_eq!(event["Payload"], "b25lIHR3bw==");
        assert!(event["LTime"].as_u64().is_some_and(|time| time > 0), "{event}");
    }
    let found = std::iter::from_fn(|| {
        let mut line = String::new();
        seen.read_line(&mut line).ok().filter(|length| *length > 0).map(|_| line)
    });
    assert!(found.into_iter().any(|line| line.contains(&id)), "the watch of an agent prints the event");
    watch.kill().expect("the watch can be ended");
    watch.wait().expect("the watch ends");

    let cases = [
        ("?node=%5Ec2%24", vec!["c2"]),
        ("?service=web", vec!["c1", "c2"]),
        ("?service=web&tag=v1", vec!["c1"]),
        ("?node=%5Es", vec!["s1", "s2", "s3"]),
    ];
    for (number, (filter, wanted)) in cases.iter().enumerate() {
        let name = format!("filtered-{number}");
        cluster.servers[number % 3].put_ok(&format!("/v1/event/fire/{name}{filter}"), "");
        // what comes after it has passed everybody who could have got it
        cluster.servers[number % 3].put_ok(&format!("/v1/event/fire/after-{number}"), "");
        for agent in &everyone {
            let names = |agent: &TestAgent| -> Vec<String> {
                events(agent).iter().filter_map(|event| event["Name"].as_str().map(str::to_owned)).collect()
            };
            wait_until("the event behind it", || names(agent).contains(&format!("after-{number}")));
            if wanted.contains(&agent.name.as_str()) {
                wait_until("the filtered event", || names(agent).contains(&name));
            } else {
                assert!(!names(agent).contains(&name), "{filter} on {}", agent.name);
            }
        }
    }
    let index = first.get("/v1/event/list").index();
    let waiter = {
        let (address, target) = (first.http_address(), format!("/v1/event/list?wait=30s&index={index}"));
        std::thread::spawn(move || request(&address, "GET", &target, &[], b"").expect("an answer"))
    };
    second.put_ok("/v1/event/fire/last", "");
    let woken = waiter.join().expect("the waiter ends").json();
    assert!(woken.as_array().is_some_and(|events| events.iter().any(|event| event["Name"] == "last")), "{woken}");
    let long = first.put("/v1/event/fire/long", "x".repeat(600));
    assert_eq!(long.status, 500);
    assert!(long.text().contains("exceeds"), "{}", long.text());
}

#[test]
fn coordinates_tell_distances_and_sort_answers() {
    let cluster = cluster(1);
    let client = cluster.start_client("c1");
    for agent in [&cluster.servers[0], &client] {
        wait_until("coordinates of both nodes", || {
            agent.ask_json("/v1/coordinate/nodes").as_array().is_some_and(|rows| rows.len() == 2)
        });
    }
    for args in [&["rtt", "s1", "c1"][..], &["rtt", "s1"]] {
        let rtt = client.cli_ok(args);
        assert!(rtt.starts_with("Estimated ") && rtt.contains(" ms (using LAN coordinates)"), "{rtt}");
    }
    let unknown = client.cli(&["rtt", "s1", "nobody"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(stderr(&unknown).contains("Could not find a coordinate for node"), "{}", stderr(&unknown));
    // two nodes far away in opposite directions; what lives on this machine is in the middle
    for (node, place) in [("east", 2.0), ("west", -3.0)] {
        client.put_ok("/v1/catalog/register", format!(r#"{{"Node":"{node}","Address":"10.0.0.1"}}"#));
        let coordinate = format!(r#"{{"Vec":[{place},0,0,0,0,0,0,0],"Error":1.5,"Adjustment":0,"Height":0.00001}}"#);
        client.put_ok("/v1/coordinate/update", format!(r#"{{"Node":"{node}","Coord":{coordinate}}}"#));
    }
    let order = |agent: &TestAgent, near: &str| -> Vec<String> {
        let nodes = agent.ask_json(&format!("/v1/catalog/nodes?near={near}"));
        nodes.as_array().into_iter().flatten().map(|row| row["Node"].as_str().unwrap_or("").to_owned()).collect()
    };
    for agent in [&cluster.servers[0], &client] {
        wait_until("the east first and the west last", || {
            let order = order(agent, "east");
            order.len() == 4 && order[0] == "east" && order[3] == "west"
        });
        assert_eq!(order(agent, "_agent")[2..], ["east", "west"]);
    }
    let far = client.cli_ok(&["rtt", "east", "west"]);
    assert!(far.starts_with("Estimated east <-> west rtt: 5000."), "{far}");
    let coordinate = client.get("/v1/coordinate/node/c1").json();
    assert_eq!(coordinate[0]["Coord"]["Vec"].as_array().map(Vec::len), Some(8), "{coordinate}");
}

#[test]
fn cached_answers_and_names_outlive_the_servers() {
    let mut cluster = cluster(1);
    let client = cluster.client("c1").hcl("dns_config { use_cache = true }").start();
    client.put_ok("/v1/agent/service/register", r#"{"Name":"web","Port":80}"#);
    let target = "/v1/health/service/web?cached";
    let rows = |answer: &Response| answer.json().as_array().map_or(0, Vec::len);
    wait_until("a cached answer with the service", || {
        client.ask(target).is_some_and(|answer| answer.status == 200 && rows(&answer) == 1)
    });
    let hit = client.get(target);
    assert_eq!(hit.header("x-cache"), Some("HIT"));
    assert_eq!(hit.header("age"), Some("0"));
    wait_until("the name in DNS", || client.resolve("web.service.consul.").is_some_and(|found| found.len() == 1));
    let services = "/v1/catalog/services?cached";
    assert_eq!(client.get(services).header("x-cache"), Some("MISS"));
    cluster.servers[0].kill();
    wait_until("plain requests fail", || client.ask("/v1/health/service/web").is_some_and(|a| a.status == 500));
    for target in [target, services] {
        let answer = client.get(target);
        assert_eq!((answer.status, answer.header("x-cache")), (200, Some("HIT")), "{}", answer.text());
    }
    assert_eq!(rows(&client.get(target)), 1);
    assert_eq!(client.resolve("web.service.consul.").map(|found| found.len()), Some(1));
    wait_until("an age that grows", || client.get(target).header("age").is_some_and(|age| age != "0"));
}

#[test]
fn names_and_stale_reads_are_answered_without_a_leader() {
    let stale = r#"discovery_max_stale = "1h""#;
    let mut cluster = cluster_with(3, |builder| builder.hcl(stale));
    let client = cluster.client("c1").hcl(stale).start();
    client.put_ok("/v1/agent/service/register", r#"{"Name":"web","Port":80}"#);
    let name = "web.service.consul.";
    for agent in cluster.servers.iter().chain([&client]) {
        wait_until("the name on every agent", || agent.resolve(name).is_some_and(|found| found.len() == 1));
    }
    let follower = cluster.follower();
    for number in (0..3).filter(|number| *number != follower) {
        cluster.servers[number].kill();
    }
    let survivor = &cluster.servers[follower];
    wait_until("no leader", || survivor.known_leader().is_none());
    for agent in [survivor, &client] {
        wait_until("the name without a leader", || agent.resolve(name).is_some_and(|found| found.len() == 1));
        wait_until("the catalog without a leader", || {
            let answer = agent.ask("/v1/catalog/service/web");
            answer.is_some_and(|answer| answer.status == 200 && answer.text().contains("\"web\""))
        });
        let refused = agent.get("/v1/kv/key");
        assert_eq!(refused.status, 500, "{}", refused.text());
    }
}

#[test]
fn commands_run_on_all_agents_that_allow_it() {
    let allowed = "disable_remote_exec = false";
    let cluster = cluster_with(1, |builder| builder.hcl(allowed));
    let client = cluster.client("c1").hcl(allowed).start();
    let closed = cluster.start_client("c2");
    wait_until("the client in the catalog", || client.health_of_node("c1") == "passing");
    let output = closed.cli(&["exec", "-wait=1s", "echo from $((40 + 2)) && exit 3"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let text = stdout(&output);
    for node in ["s1", "c1"] {
        assert!(text.contains(&format!("    {node}: from 42")), "{text}");
        assert!(text.contains(&format!("==> {node}: finished with exit code 3")), "{text}");
    }
    assert!(text.contains("2 / 2 node(s) completed / acknowledged"), "{text}");
    let filtered = closed.cli(&["exec", "-wait=1s", "-node=c1", "true"]);
    assert_eq!(filtered.status.code(), Some(0));
    assert!(stdout(&filtered).contains("1 / 1 node(s)"), "{}", stdout(&filtered));
}

#[test]
fn one_of_two_holders_runs_at_a_time() {
    let cluster = cluster(3);
    let client = cluster.start_client("c1");
    let start = |agent: &TestAgent| {
        Command::new(under_test())
            .args(["lock", "jobs/one", "echo held; exec sleep 1000"])
            .env("CONSUL_HTTP_ADDR", agent.http_address())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command starts")
    };
    let held = |child: &mut std::process::Child| {
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("piped"));
        output.read_line(&mut line).expect("readable");
        assert_eq!(line, "held\n");
    };
    let mut first = start(&client);
    held(&mut first);
    let mut second = start(&cluster.servers[0]);
    let refused = cluster.servers[1].cli(&["lock", "-timeout=100ms", "jobs/one", "true"]);
    assert_eq!(refused.status.code(), Some(1), "{}", stderr(&refused));
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(first.id() as i32), nix::sys::signal::Signal::SIGTERM)
        .expect("the command can be signalled");
    first.wait().expect("the first ends");
    held(&mut second);
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(second.id() as i32), nix::sys::signal::Signal::SIGTERM)
        .expect("the command can be signalled");
    second.wait().expect("the second ends");
}
