//! The audit log (`docs/audit.md`).

use crate::support::cluster::*;
use crate::support::*;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// A file in the agent's folder, which is known before it starts.
fn audited(dir: &Path, extra: &str) -> String {
    let path = dir.join("audit.json");
    format!(
        "audit {{ enabled = true {extra} sink \"main\" {{ type = \"file\" format = \"json\" path = {path:?}
            delivery_guarantee = \"best-effort\" mode = \"0600\" rotate_duration = \"1h\" }} }}"
    )
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

/// The lines about an endpoint.
fn about(path: &Path, endpoint: &str) -> Vec<Value> {
    lines(path).into_iter().filter(|line| line["payload"]["request"]["endpoint"] == endpoint).collect()
}

fn stages(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["payload"]["stage"].as_str().unwrap_or("")).collect()
}

#[test]
fn writes_and_denied_requests_are_written_with_who_what_when_and_the_result() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("audit.json");
    let config = audited(dir.path(), "") + " http_config { block_endpoints = [\"/v1/agent/host\"] }";
    let agent = dev().dir(dir.path()).file("audit.hcl", &config).start();
    let token = "1fd0bd2c-89a4-4a30-9f52-audit-token";
    let headers = [("X-Consul-Token", token), ("User-Agent", "a test")];
    let answer = agent.send_with("PUT", &format!("/v1/kv/some/key?flags=7&token={token}"), &headers, "a value");
    assert_eq!(answer.status, 200);
    agent.get("/v1/kv/some/key");
    assert_eq!(agent.get("/v1/agent/host").status, 403);
    let conflict = agent.put(&format!("/v1/kv/b?cas=1&acquire=x&token={token}"), "x");
    assert_eq!(conflict.status, 400);

    let of_key = about(&path, "/v1/kv/some/key");
    assert_eq!(stages(&of_key), ["OperationStart", "OperationComplete"], "the read is not written");
    let (start, end) = (&of_key[0]["payload"], &of_key[1]["payload"]);
    assert_eq!(of_key[0]["event_type"], "audit");
    assert_eq!((&start["type"], &start["version"]), (&"HTTPEvent".into(), &"1".into()));
    assert_eq!(start["request"]["operation"], "PUT");
    assert_eq!(start["request"]["user_agent"], "a test");
    assert_eq!(start["request"]["host"], agent.http_address().as_str());
    assert_eq!(start["request"]["query_params"], serde_json::json!({"flags": ["7"]}), "without the token");
    let from = start["request"]["remote_addr"].as_str().expect("an address");
    assert!(from.parse::<std::net::SocketAddr>().is_ok(), "{from}");
    assert!(start["auth"]["accessor_id"].is_string());
    assert!(of_key[0]["created_at"].as_str().is_some_and(|time| time.len() > 20 && time.contains('T')));
    assert_eq!((&start["id"], end["response"]["status"].as_str()), (&end["id"], Some("200")));
    assert!(end["response"].get("error").is_none());

    let denied = about(&path, "/v1/agent/host");
    assert_eq!(stages(&denied), ["OperationComplete"]);
    assert_eq!(denied[0]["payload"]["response"]["status"], "403");
    let refused = about(&path, "/v1/kv/b");
    assert_eq!(refused[1]["payload"]["response"]["status"], "400");
    let error = refused[1]["payload"]["response"]["error"].as_str().expect("an error");
    assert!(error.contains("token=<hidden>"), "the answer repeats the parameters: {error}");
    assert!(!fs::read_to_string(&path).expect("a file").contains(token));
    assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
}

#[test]
fn calls_that_arrive_at_the_server_port_are_written_unless_they_are_left_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("audit.json");
    let cluster = cluster_with(1, |builder| builder.dir(dir.path()).file("audit.hcl", &audited(dir.path(), "")));
    let client = cluster.start_client("c1");
    client.put_ok("/v1/kv/through/client", "x");
    client.get("/v1/kv/through/client");
    let applied = about(&path, "KVS.Apply");
    assert_eq!(stages(&applied[..2]), ["OperationStart", "OperationComplete"]);
    let (start, end) = (&applied[0]["payload"], &applied[1]["payload"]);
    assert_eq!((&start["type"], &start["request"]["operation"]), (&"RPCEvent".into(), &"write".into()));
    let from = start["request"]["remote_addr"].as_str().expect("an address");
    assert!(from.starts_with(&format!("{}:", client.address)), "{from}");
    assert_eq!(end["response"]["status"], "ok");
    assert!(about(&path, "KVS.Get").is_empty(), "reads are not written");

    let server = &cluster.servers[0];
    server.write_config("audit.hcl", &audited(dir.path(), "rpc_enabled = false include_reads = true"));
    server.cli_ok(&["reload"]);
    let before = about(&path, "KVS.Apply").len();
    client.put_ok("/v1/kv/through/client", "y");
    assert_eq!(about(&path, "KVS.Apply").len(), before);
    server.get("/v1/kv/through/client");
    assert_eq!(stages(&about(&path, "/v1/kv/through/client")), ["OperationStart", "OperationComplete"], "reads too");

    server.write_config("audit.hcl", "");
    server.cli_ok(&["reload"]);
    let lines_before = lines(&path).len();
    server.put_ok("/v1/kv/unseen", "x");
    assert_eq!(lines(&path).len(), lines_before, "it is off");
}

#[test]
fn a_full_file_makes_room_for_the_next() {
    let dir = tempfile::tempdir().expect("a folder");
    let config =
        audited(dir.path(), "").replace("rotate_duration", "rotate_bytes = 2000 rotate_max_files = 3 rotate_duration");
    let agent = dev().dir(dir.path()).file("audit.hcl", &config).start();
    for number in 0..50 {
        agent.put_ok(&format!("/v1/kv/{number}"), "x");
    }
    let entries = fs::read_dir(dir.path()).expect("a folder").flatten();
    let names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    let files: Vec<&String> = names.iter().filter(|name| name.starts_with("audit")).collect();
    assert_eq!(files.len(), 4, "the active one and three: {files:?}");
    for file in files {
        let path = dir.path().join(file);
        assert!(fs::metadata(&path).expect("a file").len() < 4000);
        lines(&path);
    }
}

#[test]
fn a_file_that_cannot_be_written_stops_the_start_and_later_is_told_once() {
    let config = "audit { enabled = true sink \"s\" { type = \"file\" path = \"/nonexistent/audit.json\" } }";
    let mut refused = dev().file("audit.hcl", config).no_wait().start();
    assert_eq!(refused.wait_exit(), Some(1));
    let text =
        "failed to start the audit log: audit sink \\\"s\\\": open /nonexistent/audit.json: no such file or directory";
    assert!(refused.log().contains(text), "{}", refused.log());

    let config = "telemetry { prometheus_retention_time = \"10m\" }
        audit { enabled = true sink \"full\" { type = \"file\" path = \"/dev/full\" rotate_duration = \"0s\" } }";
    let agent = dev().file("audit.hcl", config).start();
    for _ in 0..5 {
        agent.put_ok("/v1/kv/a", "the agent goes on");
    }
    let log = agent.log();
    let told = log.lines().filter(|line| line.contains("audit log cannot be written")).count();
    assert_eq!(told, 1, "{log}");
    let metrics = agent.get("/v1/agent/metrics?format=prometheus").text();
    let count = metrics.lines().find_map(|line| line.strip_prefix("consul_audit_sink_failed{sink=\"full\"} "));
    assert!(count.is_some_and(|count| count.parse::<f64>().is_ok_and(|count| count >= 10.0)), "{metrics}");
    agent
        .write_config("audit.hcl", "audit { enabled = true sink \"s\" { type = \"file\" path = \"/nonexistent/a\" } }");
    let reload = agent.cli(&["reload"]);
    assert!(stderr(&reload).contains("open /nonexistent/a: no such file or directory"), "{}", stderr(&reload));
}

#[test]
fn what_the_audit_log_cannot_do_is_refused() {
    let cases = [
        ("audit { enabled = true }", "audit.enabled needs at least one sink"),
        (
            "audit { sink \"s\" { path = \"/tmp/x\" } }",
            "audit.sink[\"s\"].type: invalid value \"\", it can only be \"file\"",
        ),
        (
            "audit { sink \"s\" { type = \"socket\" path = \"/tmp/x\" } }",
            "audit.sink[\"s\"].type: invalid value \"socket\", it can only be \"file\"",
        ),
        ("audit { sink \"s\" { type = \"file\" } }", "audit.sink[\"s\"].path cannot be empty"),
        (
            "audit { sink \"s\" { type = \"file\" path = \"/tmp/x\" format = \"xml\" } }",
            "audit.sink[\"s\"].format: invalid value \"xml\", it can only be \"json\"",
        ),
        (
            "audit { sink \"s\" { type = \"file\" path = \"/tmp/x\" delivery_guarantee = \"always\" } }",
            "audit.sink[\"s\"].delivery_guarantee: invalid value \"always\", it can only be \"best-effort\"",
        ),
        (
            "audit { sink \"s\" { type = \"file\" path = \"/tmp/x\" mode = \"0999\" } }",
            "audit.sink[\"s\"].mode: invalid file mode \"0999\"",
        ),
        (
            "audit { sink \"s\" { type = \"file\" path = \"/tmp/x\" rotate_duration = \"soon\" } }",
            "audit.sink[\"s\"].rotate_duration: invalid duration: \"soon\"",
        ),
    ];
    let dir = tempfile::tempdir().expect("a folder");
    for (config, text) in cases {
        let file = dir.path().join("audit.hcl");
        fs::write(&file, format!("data_dir = \"/tmp\" {config}")).expect("written");
        let output = run_cli(BINARY, &["validate", &file.to_string_lossy()], &[], b"");
        assert!(stderr(&output).contains(text), "{config}: {}{}", stderr(&output), stdout(&output));
    }
    let two = "data_dir = \"/tmp\" bind_addr = \"127.0.0.1\" audit { enabled = true
        sink \"a\" { type = \"file\" path = \"/tmp/a\" } sink \"b\" { type = \"file\" path = \"/tmp/b\" } }";
    let file = dir.path().join("two.hcl");
    fs::write(&file, two).expect("written");
    let output = run_cli(BINARY, &["validate", &file.to_string_lossy()], &[], b"");
    assert!(output.status.success(), "{}{}", stderr(&output), stdout(&output));
}

#[test]
fn callers_are_named_by_the_accessor_of_their_token() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("audit.json");
    let secret = "6b1f2a52-3c1c-4b1a-9d7e-0d1c3f5e7a90";
    let acl =
        format!("acl {{ enabled = true default_policy = \"deny\" tokens {{ initial_management = {secret:?} }} }}");
    let agent =
        dev().dir(dir.path()).file("audit.hcl", &audited(dir.path(), "")).file("acl.hcl", &acl).no_wait().start();
    let with = |secret: &str, method: &str, target: &str| {
        request(&agent.http_address(), method, target, &[("X-Consul-Token", secret)], b"x")
    };
    let own = wait_for("the token to be known", || {
        with(secret, "GET", "/v1/acl/token/self").ok().filter(|answer| answer.status == 200)
    });
    let accessor = own.json()["AccessorID"].as_str().expect("an accessor").to_owned();
    let accessors = |endpoint: &str| -> Vec<(String, String)> {
        let text = |line: &Value, pointer: &str| line.pointer(pointer).and_then(Value::as_str).unwrap_or("").to_owned();
        let of = |line: &Value| (text(line, "/payload/stage"), text(line, "/payload/auth/accessor_id"));
        about(&path, endpoint).iter().map(of).collect()
    };
    let twice = |who: &str| ["OperationStart", "OperationComplete"].map(|stage| (stage.to_owned(), who.to_owned()));

    wait_until("a leader", || with(secret, "PUT", "/v1/kv/mine").is_ok_and(|answer| answer.status == 200));
    assert_eq!(accessors("/v1/kv/mine")[..2], twice(&accessor));
    assert_eq!(with("", "PUT", "/v1/kv/nobody").expect("an answer").status, 403);
    assert_eq!(accessors("/v1/kv/nobody"), twice("00000000-0000-0000-0000-000000000002"));
    let stranger = "00000000-1111-2222-3333-444444444444";
    assert_eq!(with(stranger, "PUT", "/v1/kv/stranger").expect("an answer").status, 403);
    assert_eq!(accessors("/v1/kv/stranger"), twice("unknown"));
    assert_eq!(with("", "GET", "/v1/agent/self").expect("an answer").status, 403);
    let denied = [("OperationComplete".to_owned(), "00000000-0000-0000-0000-000000000002".to_owned())];
    assert_eq!(accessors("/v1/agent/self"), denied, "a denied read");
    let text = fs::read_to_string(&path).expect("a file");
    assert!(!text.contains(secret) && !text.contains(stranger), "{text}");
}
