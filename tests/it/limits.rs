//! The limits of an agent (`docs/limits.md`): each is reached here by a real client, and counted.

use crate::support::cluster::*;
use crate::support::*;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// Counts are read from the Prometheus text, which is not cut into intervals.
const COUNTED: &str = "telemetry { prometheus_retention_time = \"10m\" disable_hostname = true }";

/// How often a limit was reached.
pub fn exceeded(agent: &TestAgent, limit: &str) -> u64 {
    counted(agent, &format!("consul_limits_exceeded{{limit=\"{limit}\"}} "))
}

fn counted(agent: &TestAgent, series: &str) -> u64 {
    let text = agent.get("/v1/agent/metrics?format=prometheus").text();
    let value = text.lines().find_map(|line| line.strip_prefix(series));
    value.map_or(0, |value| value.parse::<f64>().expect("a number") as u64)
}

/// A development agent whose limits are counted.
pub fn counting() -> AgentBuilder {
    dev().file("counted.hcl", COUNTED)
}

/// A connection to the HTTP API.
fn connect(agent: &TestAgent) -> TcpStream {
    let stream = TcpStream::connect(agent.http_address()).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream
}

/// Sends bytes and reads one answer.
fn talk(agent: &TestAgent, bytes: &[u8]) -> Response {
    let mut stream = connect(agent);
    stream.write_all(bytes).expect("sent");
    read_response(&mut BufReader::new(stream), false).expect("an answer")
}

const AGAINST_ANOTHER: &str = "rate limit exceeded, try again later or against a different server";
const BY_THE_LEADER: &str =
    "rate limit exceeded for operation that can only be performed by the leader, try again later";

#[test]
fn a_server_refuses_requests_beyond_its_rates() {
    let agent = counting().start();
    // not from the start: the agent would not be in its own catalog
    let limits = "limits { request_limits { mode = \"enforcing\" read_rate = 5 write_rate = 0 } }";
    agent.write_config("limits.hcl", limits);
    agent.cli_ok(&["reload"]);
    let write = agent.put("/v1/kv/a", "x");
    assert_eq!((write.status, write.text().as_str()), (503, BY_THE_LEADER), "the leader is the only one who writes");
    let refused = wait_for("a read beyond the rate", || {
        let answer = agent.get("/v1/kv/a");
        (answer.status != 404).then_some(answer)
    });
    assert_eq!((refused.status, refused.text().as_str()), (429, AGAINST_ANOTHER));
    for exempt in ["/v1/status/leader", "/v1/operator/raft/configuration", "/v1/agent/self"] {
        assert_eq!(agent.get(exempt).status, 200, "{exempt}");
    }
    let series = "consul_rpc_rate_limit_exceeded{limit_type=\"global/write\",mode=\"enforcing\",op=\"KVS.Apply\"} ";
    assert!(counted(&agent, series) >= 1, "{}", agent.get("/v1/agent/metrics?format=prometheus").text());
    let log = agent.log();
    assert!(log.contains("RPC exceeded allowed rate limit: rpc=KVS.Apply"), "{log}");
    assert!(log.contains("limit_type=global/read limit_enforced=true"), "{log}");
    let cli = agent.cli(&["kv", "put", "a", "x"]);
    assert_eq!(cli.status.code(), Some(1));
    assert!(stderr(&cli).contains(BY_THE_LEADER), "{}", stderr(&cli));
}

#[test]
fn request_limits_can_only_watch_and_change_while_running() {
    let agent = counting()
        .file("limits.hcl", "limits { request_limits { mode = \"permissive\" read_rate = 0 write_rate = 0 } }")
        .start();
    agent.put_ok("/v1/kv/a", "x");
    assert_eq!(agent.get("/v1/kv/a?raw").text(), "x");
    let series = "consul_rpc_rate_limit_exceeded{limit_type=\"global/read\",mode=\"permissive\",op=\"KVS.Get\"} ";
    assert!(counted(&agent, series) >= 1);
    assert!(agent.log().contains("limit_enforced=false"), "{}", agent.log());
    let reload = |mode: &str| {
        let config = format!("limits {{ request_limits {{ mode = \"{mode}\" write_rate = 0 }} }}");
        agent.write_config("limits.hcl", &config);
        let output = agent.cli(&["reload"]);
        assert!(output.status.success(), "{}", stderr(&output));
    };
    reload("enforcing");
    assert_eq!(agent.put("/v1/kv/a", "y").status, 503);
    assert_eq!(agent.get("/v1/kv/a?raw").text(), "x", "reads have no limit now");
    reload("disabled");
    agent.put_ok("/v1/kv/a", "z");
    agent.write_config("limits.hcl", "limits { request_limits { mode = \"strict\" } }");
    let refused = agent.cli(&["reload"]);
    assert!(stderr(&refused).contains("limits.request_limits.mode: invalid mode: \"strict\""), "{}", stderr(&refused));
    agent.put_ok("/v1/kv/a", "still unlimited");
}

#[test]
fn a_client_agent_is_told_by_its_servers_and_limits_itself() {
    let limited = "limits { request_limits { mode = \"enforcing\" read_rate = -1 write_rate = 0 } }";
    let cluster = cluster(1);
    let client = cluster.client("c1").file("counted.hcl", COUNTED).start();
    wait_until("the client agent", || client.try_put("/v1/kv/a", "x").is_ok_and(|answer| answer.status == 200));
    let server = &cluster.servers[0];
    server.write_config("limits.hcl", limited);
    server.cli_ok(&["reload"]);
    let refused = client.put("/v1/kv/a", "y");
    assert_eq!(
        (refused.status, refused.text().as_str()),
        (503, format!("rpc error making call: {BY_THE_LEADER}").as_str())
    );
    server.write_config("limits.hcl", "");
    server.cli_ok(&["reload"]);
    client.put_ok("/v1/kv/a", "z");

    client.write_config("limits.hcl", "limits { rpc_rate = 0.001 rpc_max_burst = 2 }");
    client.cli_ok(&["reload"]);
    let refused = wait_for("a call beyond the burst", || {
        let answer = client.get("/v1/kv/a");
        (answer.status != 200).then_some(answer)
    });
    assert_eq!((refused.status, refused.text().as_str()), (429, "RPC rate limit exceeded"));
    assert!(counted(&client, "consul_client_rpc_exceeded ") >= 1);
    client.write_config("limits.hcl", "limits { rpc_rate = -1 }");
    client.cli_ok(&["reload"]);
    assert_eq!(client.get("/v1/kv/a?raw").text(), "z");
}

#[test]
fn a_follower_asks_its_leader_again_until_the_leader_takes_the_write() {
    let cluster = cluster(3);
    let leader = &cluster.servers[cluster.leader()];
    let follower = &cluster.servers[cluster.follower()];
    leader.write_config("limits.hcl", "limits { request_limits { mode = \"enforcing\" write_rate = 0 } }");
    leader.cli_ok(&["reload"]);
    let refused = follower.put("/v1/kv/a", "x");
    assert_eq!((refused.status, refused.text().contains(BY_THE_LEADER)), (503, true), "{}", refused.text());
    let address = follower.http_address();
    let writer = std::thread::spawn(move || request(&address, "PUT", "/v1/kv/b", &[], b"x").expect("an answer").status);
    leader.write_config("limits.hcl", "");
    leader.cli_ok(&["reload"]);
    writer.join().expect("the writer ends");
    wait_until("a write again", || follower.put("/v1/kv/c", "x").status == 200);
}

#[test]
fn an_address_has_a_limited_number_of_connections_to_the_server_port() {
    let agent = counting()
        .file("limits.hcl", "limits { rpc_max_conns_per_client = 3 rpc_handshake_timeout = \"60s\" }")
        .start();
    let open = || {
        let stream = TcpStream::connect((agent.address.as_str(), 8300)).expect("a connection");
        stream.set_read_timeout(Some(Duration::from_millis(300))).expect("a timeout");
        stream
    };
    let is_open = |stream: &mut TcpStream| !matches!(stream.read(&mut [0]), Ok(0));
    let mut kept: Vec<TcpStream> = (0..3).map(|_| open()).collect();
    assert!(kept.iter_mut().all(is_open));
    assert!(!is_open(&mut open()), "the fourth is closed at once");
    assert!(exceeded(&agent, "limits.rpc_max_conns_per_client") >= 1);
    agent.write_config("limits.hcl", "limits { rpc_max_conns_per_client = 4 }");
    agent.cli_ok(&["reload"]);
    assert!(is_open(&mut open()), "a reload gives another place");
    assert!(kept.iter_mut().all(is_open));
}

#[test]
fn a_connection_to_the_server_port_must_say_what_it_wants() {
    let agent = counting().file("limits.hcl", "limits { rpc_handshake_timeout = \"300ms\" }").start();
    let mut stream = TcpStream::connect((agent.address.as_str(), 8300)).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    assert_eq!(stream.read(&mut [0]).expect("an end"), 0);
    assert!(exceeded(&agent, "limits.rpc_handshake_timeout") >= 1);
}

#[test]
fn a_tls_handshake_has_its_time() {
    let authority = tls::Authority::new("one");
    let files = authority.make("agent", &["localhost"], tls::Life::Valid);
    let config = format!(
        "limits {{ https_handshake_timeout = \"300ms\" }} ports {{ https = 8501 }}
        tls {{ https {{ cert_file = {:?} key_file = {:?} }} }}",
        files.cert, files.key
    );
    let agent = counting().file("limits.hcl", &config).start();
    let mut stream = TcpStream::connect((agent.address.as_str(), 8501)).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    assert_eq!(stream.read(&mut [0]).expect("an end"), 0);
    wait_until("the count", || exceeded(&agent, "limits.https_handshake_timeout") >= 1);
}

#[test]
fn bodies_headers_and_endpoints_have_their_limits_and_each_is_counted() {
    let config = "limits { kv_max_value_size = 100 txn_max_req_len = 100 }
        http_config { max_header_bytes = 8192 block_endpoints = [\"/v1/agent/host\"] use_cache = false }";
    let agent = counting().file("limits.hcl", config).start();
    assert_eq!(agent.put("/v1/kv/a", vec![b'x'; 101]).status, 413);
    assert!(exceeded(&agent, "limits.kv_max_value_size") >= 1);
    assert_eq!(agent.put("/v1/txn", format!("[{}]", " ".repeat(200))).status, 413);
    assert!(exceeded(&agent, "limits.txn_max_req_len") >= 1);
    assert_eq!(agent.get("/v1/agent/host").text(), "Endpoint is blocked by agent configuration");
    assert!(exceeded(&agent, "http_config.block_endpoints") >= 1);
    assert_eq!(agent.get("/v1/catalog/services?cached").header("x-cache"), None, "the cache is switched off");

    let long = format!("GET /v1/status/leader HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "x".repeat(100_000));
    assert_eq!(talk(&agent, long.as_bytes()).status, 431);
    let many: String = (0..5000).map(|number| format!("X-{number}: y\r\n")).collect();
    let many = format!("GET /v1/status/leader HTTP/1.1\r\nHost: x\r\n{many}\r\n");
    assert_eq!(talk(&agent, many.as_bytes()).status, 431);
    wait_until("both to be counted", || exceeded(&agent, "http_config.max_header_bytes") >= 2);

    let deep = format!("{{\"Name\":\"web\",\"Proxy\":{{\"Config\":{}{}}}}}", "[".repeat(100_000), "]".repeat(100_000));
    let refused = agent.put("/v1/agent/service/register", deep);
    assert_eq!((refused.status, refused.text().as_str()), (400, "Request decode failed: exceeded max depth"));
    assert!(exceeded(&agent, "http.json_depth") >= 1);
    assert_eq!(agent.get("/v1/agent/services").json(), serde_json::json!({}), "nothing was registered");
}

#[test]
fn writes_from_other_networks_and_large_transactions_are_counted() {
    let agent = counting().start();
    let operations = format!("[{}]", ["{}"; 129].join(","));
    assert_eq!(agent.put("/v1/txn", operations).status, 413);
    assert!(exceeded(&agent, "http.txn_operations") >= 1);
    let agent = counting().arg("-allow-write-http-from=10.0.0.0/8").start();
    assert_eq!(agent.put("/v1/kv/a", "x").text(), "Access is restricted");
    assert!(exceeded(&agent, "http_config.allow_write_http_from") >= 1);
}

#[test]
fn a_client_has_a_limited_number_of_waiting_requests() {
    let agent = counting().file("limits.hcl", "limits { http_max_conns_per_client = 4 }").start();
    agent.put_ok("/v1/kv/a", "x");
    let index = agent.get("/v1/kv/a").index();
    let url = format!("http://{}/v1/kv/a?wait=60s&index={index}", agent.http_address());
    // The client wants one even where it speaks no TLS; a provider that is installed already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    // 64 of them wait on one connection, and the client may not have more
    let refused = runtime.block_on(async {
        let client = reqwest::Client::builder().http2_prior_knowledge().build().expect("a client");
        let mut waiting = tokio::task::JoinSet::new();
        for _ in 0..100 {
            let question = client.get(&url).send();
            waiting.spawn(async move { question.await.map(|answer| answer.status().as_u16()) });
        }
        let mut refused = 0;
        while refused < 36 {
            let answer = waiting.join_next().await.expect("more answers").expect("a task");
            assert_eq!(answer.expect("an answer"), 429);
            refused += 1;
        }
        refused
    });
    assert_eq!(refused, 36);
    drop(runtime);
    wait_until("places again", || {
        request(&agent.http_address(), "GET", "/v1/status/leader", &[], b"").is_ok_and(|answer| answer.status == 200)
    });
    assert!(exceeded(&agent, "http.requests_per_client") >= 36);
}

#[test]
fn connections_over_the_limit_are_told_so_and_counted() {
    let agent = counting().file("limits.hcl", "limits { http_max_conns_per_client = 2 }").start();
    let text = wait_for("a refusal", || {
        let kept: Vec<TcpStream> = (0..2).map(|_| connect(&agent)).collect();
        let mut surplus = connect(&agent);
        let mut text = String::new();
        surplus.write_all(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").ok()?;
        surplus.read_to_string(&mut text).ok()?;
        drop(kept);
        text.contains("429").then_some(text)
    });
    assert!(text.starts_with("HTTP/1.1 429 Too Many Requests\r\n"), "{text}");
    assert!(text.contains("Connection: close\r\n"), "{text}");
    let body = "Your IP is issuing too many concurrent connections, please rate limit your calls\n";
    assert!(text.ends_with(body), "{text}");
    agent.write_config("limits.hcl", "limits { http_max_conns_per_client = 100 }");
    wait_until("the reload", || agent.try_put("/v1/agent/reload", "").is_ok_and(|answer| answer.status == 200));
    let many: Vec<u16> = (0..10)
        .map(|_| connect(&agent))
        .map(|mut stream| {
            stream.write_all(b"GET /v1/status/leader HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
            read_response(&mut BufReader::new(stream), false).expect("an answer").status
        })
        .collect();
    assert_eq!(many, [200; 10]);
    assert!(exceeded(&agent, "limits.http_max_conns_per_client") >= 1);
}

#[test]
fn a_call_to_a_server_that_does_not_answer_ends_after_the_client_timeout() {
    let cluster = cluster(1);
    let client = cluster.client("c1").file("limits.hcl", "limits { rpc_client_timeout = \"500ms\" }").start();
    wait_until("the client agent", || client.try_put("/v1/kv/a", "x").is_ok_and(|answer| answer.status == 200));
    let server = &cluster.servers[0];
    server.pause();
    let answer = client.put("/v1/kv/a", "y");
    server.resume();
    assert_eq!(answer.status, 500);
    assert!(answer.text().contains("i/o deadline reached"), "{}", answer.text());
}

#[test]
fn scripts_and_remote_commands_are_off_until_they_are_wanted() {
    let script = r#"{"Name":"s","Args":["/bin/true"],"Interval":"10s"}"#;
    let refusal = "Scripts are disabled on this agent";
    for (config, remote, local) in [
        ("", false, false),
        ("enable_local_script_checks = true", false, true),
        ("enable_script_checks = true", true, true),
    ] {
        let agent = dev().file("scripts.hcl", config).start();
        let answer = agent.put("/v1/agent/check/register", script);
        assert_eq!(answer.status == 200, remote, "{config}: {}", answer.text());
        assert_eq!(answer.text().contains(refusal), !remote, "{config}: {}", answer.text());
        let own = "check { id = \"own\" name = \"own\" args = [\"/bin/true\"] interval = \"10s\" }";
        agent.write_config("check.hcl", own);
        let reload = agent.cli(&["reload"]);
        assert_eq!(reload.status.success(), local, "{config}: {}", stderr(&reload));
    }
    let agent = dev().start();
    let start = Instant::now();
    let output = agent.cli(&["exec", "-wait=200ms", "-wait-repl=100ms", "echo", "hello"]);
    let all = stdout(&output) + &stderr(&output);
    assert!(!all.contains("hello"), "nobody runs it: {all}");
    assert!(start.elapsed() < PATIENCE);
}

#[test]
fn unprintable_paths_are_refused_unless_they_are_allowed() {
    let refusing = dev().start();
    assert_eq!(refusing.put("/v1/kv/a%01", "x").status, 400);
    let allowing = dev().arg("-hcl=disable_http_unprintable_char_filter = true").start();
    assert_eq!(allowing.put("/v1/kv/a%01", "x").status, 200);
}

#[test]
fn keyring_files_can_be_left_out() {
    let key = "3q2+796tvu/erb7v3q2+796tvu/erb7v3q2+796tvu8=";
    for (config, there) in [("", true), ("disable_keyring_file = true", false)] {
        let agent = server().arg(format!("-encrypt={key}")).file("keyring.hcl", config).start();
        assert_eq!(agent.dir.join("data/serf/local.keyring").exists(), there, "{config}");
    }
}

#[test]
fn a_body_without_a_limit_of_its_own_has_one() {
    let agent = counting().start();
    let refused = agent.put("/v1/agent/service/register", vec![b' '; (64 << 20) + 1]);
    assert_eq!((refused.status, refused.text().as_str()), (413, "Request body too large, max size: 67108864 bytes."));
    assert!(exceeded(&agent, "http.body_bytes") >= 1);
}

/// All source files.
fn sources(folder: &std::path::Path, into: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push_str(&std::fs::read_to_string(path).expect("a file"));
        }
    }
}

#[test]
fn the_page_of_limits_names_counters_and_tests_that_exist() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/limits.md")).expect("the page");
    let mut code = String::new();
    sources(&root.join("src"), &mut code);
    sources(&root.join("tests/it"), &mut code);
    let mut rows = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| limit |")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, _, _, counter, tests] = cells[..] else { panic!("five cells are wanted: {row}") };
        let ticked = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        for counter in ticked(counter) {
            assert!(code.contains(&format!("\"{counter}\"")), "no counter {counter}");
        }
        assert!(!ticked(tests).is_empty(), "no test: {row}");
        for test in ticked(tests) {
            assert!(code.contains(&format!("fn {test}()")), "no test {test}");
        }
        rows += 1;
    }
    assert!(rows > 40, "{rows} rows");
}
