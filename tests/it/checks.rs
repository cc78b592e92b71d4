//! Checks of every kind, registered over HTTP with a real agent: what the agent and the catalog say about them.

use crate::support::*;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};

/// An agent that runs scripts, without a Docker engine.
fn agent() -> TestAgent {
    dev().arg("-enable-script-checks").start()
}

fn register(agent: &TestAgent, id: &str, mut definition: Value) {
    let passive = ["TTL", "AliasService", "AliasNode"].iter().any(|key| definition.get(key).is_some());
    definition["ID"] = json!(id);
    definition["Name"] = json!(id);
    if !passive {
        definition["Interval"] = json!("1s");
    }
    agent.put_ok("/v1/agent/check/register", definition.to_string());
}

/// The agent's view of a check.
fn check(agent: &TestAgent, id: &str) -> Value {
    agent.get("/v1/agent/checks").json()[id].clone()
}

/// Waits until a check has an output that `wanted` accepts, and returns the check.
#[track_caller]
fn wait_for_output(agent: &TestAgent, id: &str, wanted: impl Fn(&str) -> bool) -> Value {
    let mut last = Value::Null;
    let start = std::time::Instant::now();
    while start.elapsed() < PATIENCE {
        last = check(agent, id);
        if last["Output"].as_str().is_some_and(&wanted) {
            return last;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("{id} stays {last}");
}

/// Registers checks together and waits for each one's status and output.
#[track_caller]
fn expect(agent: &TestAgent, cases: &[(&str, Value, &str, String)]) {
    for (id, definition, _, _) in cases {
        register(agent, id, definition.clone());
    }
    for (id, definition, status, output) in cases {
        let seen = wait_for_output(agent, id, |text| text == output);
        assert_eq!(seen["Status"], *status, "{id} {definition}");
    }
}

/// A port that is taken as long as the socket lives, and where nobody listens.
fn closed_port() -> (tokio::net::TcpSocket, String) {
    let socket = tokio::net::TcpSocket::new_v4().expect("socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let address = socket.local_addr().expect("address").to_string();
    (socket, address)
}

/// Answers each request with the status line that its path names, and the path as body.
fn http_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("listener");
    let address = listener.local_addr().expect("address").to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|len| len == 1) {
                head.push(byte[0]);
            }
            let text = String::from_utf8_lossy(&head).into_owned();
            let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
            let status = match path.as_str() {
                "/busy" => "429 Too Many Requests",
                "/broken" => "503 Service Unavailable",
                _ => "200 OK",
            };
            let _ = write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{path}", path.len());
        }
    });
    address
}

/// A gRPC health service: `web` serves, `down` does not.
fn health_server() -> String {
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("listener");
            send.send(listener.local_addr().expect("address").to_string()).expect("the test waits");
            let (reporter, service) = tonic_health::server::health_reporter();
            reporter.set_service_status("web", tonic_health::ServingStatus::Serving).await;
            reporter.set_service_status("down", tonic_health::ServingStatus::NotServing).await;
            while let Ok((stream, _)) = listener.accept().await {
                let service = hyper_util::service::TowerToHyperService::new(service.clone());
                let io = hyper_util::rt::TokioIo::new(stream);
                let executor = hyper_util::rt::TokioExecutor::new();
                tokio::spawn(hyper::server::conn::http2::Builder::new(executor).serve_connection(io, service));
            }
        });
    });
    receive.recv().expect("the server starts")
}

#[test]
fn every_network_check_tells_what_it_found() {
    let agent = agent();
    let (web, health) = (http_server(), health_server());
    let (_socket, closed) = closed_port();
    let udp = UdpSocket::bind("127.0.0.1:0").expect("socket");
    let silent = udp.local_addr().expect("address").to_string();
    let refused = format!("dial tcp {closed}: connect: connection refused");
    let url = |path: &str| format!("http://{web}{path}");
    let cases = [
        ("http", json!({"HTTP": url("/fine")}), "passing", format!("HTTP GET {}: 200 OK Output: /fine", url("/fine"))),
        (
            "busy",
            json!({"HTTP": url("/busy")}),
            "warning",
            format!("HTTP GET {}: 429 Too Many Requests Output: /busy", url("/busy")),
        ),
        (
            "broken",
            json!({"HTTP": url("/broken"), "Method": "PUT"}),
            "critical",
            format!("HTTP PUT {}: 503 Service Unavailable Output: /broken", url("/broken")),
        ),
        (
            "http-closed",
            json!({"HTTP": format!("http://{closed}/")}),
            "critical",
            format!("Get \"http://{closed}/\": {refused}"),
        ),
        ("tcp", json!({"TCP": web}), "passing", format!("TCP connect {web}: Success")),
        ("tcp-closed", json!({"TCP": closed}), "critical", refused.clone()),
        ("udp", json!({"UDP": silent, "Timeout": "50ms"}), "passing", format!("UDP connect {silent}: Success")),
        ("grpc", json!({"GRPC": format!("{health}/web")}), "passing", format!("gRPC check {health}/web: success")),
        (
            "grpc-down",
            json!({"GRPC": format!("{health}/down")}),
            "critical",
            format!("gRPC {health}/down serving status: NOT_SERVING"),
        ),
        (
            "grpc-closed",
            json!({"GRPC": closed}),
            "critical",
            format!(
                "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: {refused}\""
            ),
        ),
        ("h2ping", json!({"H2PING": health, "H2PingUseTLS": false}), "passing", "HTTP2 ping was successful".to_owned()),
        ("h2ping-closed", json!({"H2PING": closed}), "critical", format!("Failed to dial to {closed}: {refused}")),
    ];
    expect(&agent, &cases);
    for (id, kind) in [("http", "http"), ("tcp", "tcp"), ("udp", "udp"), ("grpc", "grpc"), ("h2ping", "h2ping")] {
        assert_eq!(check(&agent, id)["Type"], kind);
    }
    // The catalog learns the status at once.
    wait_until("the catalog to know", || {
        let rows = agent.get("/v1/health/node/node1").json();
        rows.as_array().is_some_and(|rows| rows.iter().any(|row| row["CheckID"] == "tcp" && row["Status"] == "passing"))
    });
}

#[test]
fn scripts_are_run_limited_and_killed() {
    let agent = agent();
    let shell = |command: &str| json!({"Args": ["/bin/sh", "-c", command]});
    let mut slow = shell("echo before; sleep 1000 & sleep 1000");
    slow["Timeout"] = json!("200ms");
    let mut long = shell("seq 1 9");
    long["OutputMaxSize"] = json!(4);
    expect(
        &agent,
        &[
            ("zero", shell("echo ok; echo err >&2"), "passing", "ok\nerr\n".to_owned()),
            ("one", shell("echo w; exit 1"), "warning", "w\n".to_owned()),
            ("two", shell("echo c; exit 2"), "critical", "c\n".to_owned()),
            ("slow", slow, "critical", "Timed out (200ms) running check\n\nbefore\n".to_owned()),
            ("long", long, "passing", "Captured 4 of 18 bytes\n...\n8\n9\n".to_owned()),
            (
                "none",
                json!({"Args": ["/nonexistent"]}),
                "critical",
                "fork/exec /nonexistent: no such file or directory".to_owned(),
            ),
        ],
    );
}

#[test]
fn scripts_need_permission() {
    let agent = dev().start();
    let answer =
        agent.put("/v1/agent/check/register", json!({"Name": "s", "Args": ["true"], "Interval": "1s"}).to_string());
    assert_eq!(answer.status, 500);
    assert_eq!(
        answer.text(),
        "Scripts are disabled on this agent from remote calls; to enable, configure 'enable_script_checks' to true"
    );
    assert_eq!(check(&agent, "s"), Value::Null);
    // What the configuration brings may run with the local permission alone.
    let local = dev()
        .arg("-enable-local-script-checks")
        .file("check.json", &json!({"check": {"name": "s", "args": ["echo", "hi"], "interval": "1s"}}).to_string())
        .start();
    assert_eq!(wait_for_output(&local, "s", |output| output == "hi\n")["Status"], "passing");
}

#[test]
fn docker_checks_say_clearly_that_there_is_no_engine() {
    let agent = agent();
    if std::path::Path::new("/var/run/docker.sock").exists() {
        eprintln!("skipped: this machine has a Docker engine");
        return;
    }
    let output = "create exec failed for container abc: Post \
                  \"http://%2Fvar%2Frun%2Fdocker.sock/containers/abc/exec\": dial unix /var/run/docker.sock: connect: \
                  no such file or directory";
    expect(&agent, &[("docker", json!({"DockerContainerID": "abc", "Args": ["true"]}), "critical", output.to_owned())]);
}

#[test]
fn ttl_checks_follow_their_clients_and_expire() {
    let agent = agent();
    register(&agent, "t", json!({"TTL": "1h"}));
    for (verb, status) in [("pass", "passing"), ("warn", "warning"), ("fail", "critical")] {
        agent.put_ok(&format!("/v1/agent/check/{verb}/t?note=a%20{verb}"), "");
        let seen = check(&agent, "t");
        assert_eq!((&seen["Status"], &seen["Output"]), (&json!(status), &json!(format!("a {verb}"))));
    }
    agent.put_ok("/v1/agent/check/update/t", json!({"Status": "passing", "Output": "x".repeat(5000)}).to_string());
    let output = format!("{} ... (captured 4096 of 5000 bytes)", "x".repeat(4096));
    assert_eq!(check(&agent, "t")["Output"], output);
    register(&agent, "short", json!({"TTL": "300ms"}));
    wait_for_output(&agent, "short", |output| output == "TTL expired");
    agent.put_ok("/v1/agent/check/pass/short?note=fine", "");
    let expired = "TTL expired (last output before timeout follows): fine";
    assert_eq!(wait_for_output(&agent, "short", |output| output == expired)["Status"], "critical");
}

#[test]
fn aliases_follow_a_service() {
    let agent = agent();
    let service = json!({"Name": "web", "Check": {"CheckID": "web-ttl", "Name": "web ttl", "TTL": "1h"}});
    agent.put_ok("/v1/agent/service/register", service.to_string());
    register(&agent, "alias", json!({"AliasService": "web"}));
    register(&agent, "lost", json!({"AliasService": "nope"}));
    wait_for_output(&agent, "lost", |output| output == "Service nope could not be found on node ");
    for (verb, status, output) in [
        ("pass", "passing", "All checks passing."),
        ("warn", "warning", "Aliased check \"web ttl\" failing: hm"),
        ("fail", "critical", "Aliased check \"web ttl\" failing: hm"),
        ("pass", "passing", "All checks passing."),
    ] {
        agent.put_ok(&format!("/v1/agent/check/{verb}/web-ttl?note=hm"), "");
        wait_until("the alias to follow", || {
            let seen = check(&agent, "alias");
            seen["Status"] == status && seen["Output"] == output
        });
    }
}

#[test]
fn bad_definitions_are_refused_with_the_reason() {
    let agent = agent();
    for (definition, status, text) in [
        (json!({"Name": "x"}), 400, "Invalid check: TTL must be > 0 for TTL checks"),
        (
            json!({"Name": "x", "TTL": "1s", "HTTP": "http://x", "Interval": "1s"}),
            400,
            "Invalid check: Interval and TTL cannot both be specified",
        ),
        (
            json!({"Name": "x", "TCP": "x:1"}),
            400,
            "Invalid check: Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks",
        ),
        (
            json!({"Name": "x", "TTL": "1s", "FailuresBeforeWarning": 2, "FailuresBeforeCritical": 1}),
            400,
            "Invalid check: FailuresBeforeWarning can't be higher than FailuresBeforeCritical",
        ),
        (json!({"Name": "x", "OSService": "ssh", "Interval": "1s"}), 500, "not implemented"),
    ] {
        let answer = agent.put("/v1/agent/check/register", definition.to_string());
        assert_eq!((answer.status, answer.text().as_str()), (status, text), "{definition}");
    }
}
