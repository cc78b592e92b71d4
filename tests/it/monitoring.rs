//! What `packaging/monitoring` asks for is what agents export: dashboards and alerts that ask for a name nobody exports are
//! silent for ever.

use crate::support::cluster::{cluster_with, member};
use crate::support::tls::{Authority, Life};
use crate::support::{AgentBuilder, PATIENCE, TestAgent, server, wait_until};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const DASHBOARD: &str = include_str!("../../packaging/monitoring/grafana-dashboard.json");
const ALERTS: &str = include_str!("../../packaging/monitoring/alerts.yml");
const OPERATIONS: &str = include_str!("../../docs/operations.md");

const TELEMETRY: &str = r#"
telemetry {
  prometheus_retention_time = "10m"
  disable_hostname = true
}
"#;

/// Series that need more than a quiet pool to appear, each with what makes it.
const RARE: &[(&str, &str)] = &[
    ("consul_acl_", "access control, which has a test of its own"),
    ("consul_leader_replication_", "a secondary datacenter"),
    ("consul_serf_member_flap", "a member that failed and came back within a minute"),
    ("consul_memberlist_health_score", "a probe that failed"),
    ("consul_memberlist_msg_suspect", "a member that did not answer"),
    ("consul_memberlist_msg_dead", "a member that failed or left"),
    ("consul_serf_member_failed", "a member that failed"),
    ("consul_agent_tls_cert_expiry", "an agent with a certificate"),
    ("consul_rpc_server_call", "a prefix_filter that names it"),
    ("consul_rpc_cross_dc", "a request for another datacenter"),
];

/// Names that begin with `consul_` in a text.
fn names(text: &str) -> BTreeSet<String> {
    let word = |character: char| !(character.is_ascii_alphanumeric() || character == '_');
    text.split(word).filter(|name| name.starts_with("consul_")).map(str::to_owned).collect()
}

/// The expressions of the dashboard, its variables included.
fn expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if key == "expr" || key == "query" => found.push(text.clone()),
                    value => expressions(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| expressions(item, found)),
        _ => {}
    }
}

fn dashboard_names() -> BTreeSet<String> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("the dashboard is JSON");
    let mut found = Vec::new();
    expressions(&dashboard, &mut found);
    assert!(found.len() > 40, "the dashboard has {} expressions", found.len());
    found.iter().flat_map(|text| names(text)).collect()
}

fn alert_names() -> BTreeSet<String> {
    let lines = ALERTS.lines().filter(|line| line.trim_start().starts_with("expr:"));
    let found: BTreeSet<String> = lines.flat_map(names).collect();
    assert!(found.len() > 10, "{found:?}");
    found
}

/// Names in the tables of the page on operations, in the dotted form `consul.raft.apply`.
fn documented_names() -> BTreeSet<String> {
    let quoted =
        OPERATIONS.split('`').skip(1).step_by(2).filter(|word| word.starts_with("consul.") && !word.contains(' '));
    let found: BTreeSet<String> = quoted.map(|word| word.replace(['.', '-'], "_")).collect();
    assert!(found.len() > 30, "{found:?}");
    found
}

fn is_rare(name: &str) -> bool {
    RARE.iter().any(|(rare, _)| name.starts_with(rare))
}

/// The names of all series that an agent exports.
fn exported(agent: &TestAgent) -> BTreeSet<String> {
    let answer = agent.get("/v1/agent/metrics?format=prometheus");
    assert_eq!(answer.status, 200, "{}", answer.text());
    let text = answer.text();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split(['{', ' ']).next().unwrap_or("").to_owned()).collect()
}

#[test]
fn every_metric_of_the_dashboard_the_alerts_and_the_page_on_operations_is_exported() {
    let servers = cluster_with(3, |builder| builder.hcl(TELEMETRY));
    let client = servers.client("web-1").hcl(TELEMETRY).start();
    let gone = member("web-2").retry_join(&servers.addresses()).start();
    wait_until("the client agents in the catalog", || {
        client.health_of_node("web-1") == "passing" && client.health_of_node("web-2") == "passing"
    });
    gone.cli_ok(&["leave"]);

    let web = r#"{"Name": "web", "Port": 80}"#;
    client.put_ok("/v1/agent/service/register", web);
    client.put_ok("/v1/kv/a", "b");
    client.put_ok("/v1/txn", r#"[{"KV": {"Verb": "set", "Key": "c", "Value": "ZA=="}}]"#);
    let session = client.put_ok("/v1/session/create", r#"{"TTL": "60s"}"#).json();
    client.put_ok(&format!("/v1/session/renew/{}", session["ID"].as_str().expect("an id")), "");
    client.put_ok("/v1/event/fire/deploy", "");
    wait_until("the service in DNS", || client.resolve("web.service.consul.").is_some_and(|found| !found.is_empty()));
    client.resolve("1.0.0.127.in-addr.arpa.");
    client.get("/v1/health/service/web?cached");

    let mut wanted = dashboard_names();
    wanted.extend(alert_names());
    wanted.extend(documented_names());
    let agents: Vec<&TestAgent> = servers.servers.iter().chain([&client]).collect();
    let missing = || {
        let have: BTreeSet<String> = agents.iter().flat_map(|agent| exported(agent)).collect();
        let known = |name: &str| have.contains(name) || have.contains(&format!("{name}_count"));
        wanted.iter().filter(|name| !known(name) && !is_rare(name)).cloned().collect::<Vec<String>>()
    };
    let start = Instant::now();
    loop {
        let missing = missing();
        if missing.is_empty() {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "nobody exports {missing:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn what_a_server_declares_it_also_records() {
    let servers = cluster_with(3, |builder| builder.hcl(TELEMETRY));
    let leader = &servers.servers[servers.leader()];
    leader.put_ok("/v1/kv/a", "b");
    let follower = &servers.servers[servers.follower()];
    follower.write("c", "d");
    let value = |agent: &TestAgent, name: &str| {
        let text = agent.get("/v1/agent/metrics?format=prometheus").text();
        let row = text.lines().find(|line| line.split([' ', '{']).next() == Some(name)).map(str::to_owned);
        row.and_then(|row| row.rsplit(' ').next()?.parse::<f64>().ok()).unwrap_or(f64::NAN)
    };
    for name in [
        "consul_raft_apply",
        "consul_raft_applied_index",
        "consul_raft_last_index",
        "consul_raft_commitTime_count",
        "consul_raft_leader_lastContact_count",
        "consul_raft_log_write_count",
        "consul_raft_state_leader",
        "consul_server_isLeader",
        "consul_autopilot_healthy",
        "consul_autopilot_failure_tolerance",
        "consul_state_kv_entries",
        "consul_kvs_apply_count",
        "consul_rpc_request",
    ] {
        wait_until(&format!("{name} of the leader above 0"), || value(leader, name) > 0.0);
    }
    wait_until("the follower's count of its role", || value(follower, "consul_raft_state_follower") > 0.0);
    assert_eq!(value(follower, "consul_server_isLeader"), 0.0);
}

#[test]
fn access_control_is_counted_where_it_happens() {
    let servers = cluster_with(1, |builder| builder.acl().hcl(TELEMETRY));
    let server = &servers.servers[0];
    let client = AgentBuilder::acl(servers.client("c1").hcl(TELEMETRY)).start();
    for (kind, body) in
        [("policy", r#"{"Name": "a"}"#), ("role", r#"{"Name": "a"}"#), ("token", r#"{"Description": "a"}"#)]
    {
        let made = server.put_ok(&format!("/v1/acl/{kind}"), body).json();
        let id = made["ID"].as_str().or(made["AccessorID"].as_str()).expect("an id");
        assert_eq!(server.delete(&format!("/v1/acl/{kind}/{id}")).status, 200, "{kind}");
    }
    server.send("POST", "/v1/acl/login", r#"{"AuthMethod": "nobody", "BearerToken": "x"}"#);
    server.send("POST", "/v1/acl/logout", "");
    let (_, secret) = server.token(r#"agent "c1" { policy = "read" }"#);
    for _ in 0..2 {
        wait_until("the token on the client agent", || {
            client.send_as(&secret, "GET", "/v1/agent/self", "").status == 200
        });
    }
    let documented = documented_names().into_iter().filter(|name| name.starts_with("consul_acl_"));
    let wanted: Vec<String> = documented.filter(|name| !name.starts_with("consul_acl_blocked_")).collect();
    assert!(wanted.len() > 6, "{wanted:?}");
    for name in &wanted {
        let agent = if name.contains("_cache_") { &client } else { server };
        wait_until(&format!("{name} of {}", agent.name), || {
            let have = exported(agent);
            have.contains(name) || have.contains(&format!("{name}_count"))
        });
    }
}

#[test]
fn the_end_of_the_certificate_is_told_in_seconds() {
    let authority = Authority::new("one");
    let files = authority.make("agent", &["agent.test"], Life::Valid);
    let tls = format!(
        "ports {{ https = 8501 }} tls {{ https {{ cert_file = {:?} key_file = {:?} }} }}",
        files.cert, files.key
    );
    let agent = server().file("tls.hcl", &tls).file("telemetry.hcl", TELEMETRY).start();
    let der = files.der();
    let end = tribune::tls::x509::Parsed::of(&der).expect("a certificate").not_after as f64;
    wait_until("the end of the certificate", || {
        let text = agent.get("/v1/agent/metrics?format=prometheus").text();
        let line = text.lines().find_map(|line| line.strip_prefix("consul_agent_tls_cert_expiry "));
        let Some(left) = line.and_then(|value| value.parse::<f64>().ok()) else { return false };
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        assert!((end - now.as_secs_f64() - left).abs() < 60.0, "{left}");
        true
    });
}
