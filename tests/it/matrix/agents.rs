//! The agent's own secrets, where a request's token is found, and agents that know tokens from their servers only.

use super::FILTERED;
use crate::support::cluster::cluster_with;
use crate::support::*;

#[test]
fn a_token_is_found_in_the_query_then_the_headers_then_the_configuration() {
    let agent = dev().acl().start();
    agent.put_ok("/v1/kv/a", "1");
    let (_, a) = agent.token(r#"key "a" { policy = "read" }"#);
    let none = "b0f36b8f-6a0c-4c5c-a5a7-111111111111";
    let bearer = format!("Bearer {a}");
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let cases: [(&str, Headers<'_>, u16); 7] = [
        ("/v1/kv/a?token=A", &[], 200),
        ("/v1/kv/a?token=A", &[("X-Consul-Token", none)], 200),
        ("/v1/kv/a", &[("X-Consul-Token", &a)], 200),
        ("/v1/kv/a", &[("X-Consul-Token", &a), ("Authorization", "Bearer nope")], 200),
        ("/v1/kv/a", &[("Authorization", &bearer)], 200),
        ("/v1/kv/a", &[("Authorization", "Basic nope")], 403),
        ("/v1/kv/a", &[("X-Consul-Token", none)], 403),
    ];
    for (target, headers, status) in cases {
        let target = target.replace("=A", &format!("={a}"));
        assert_eq!(agent.send_with("GET", &target, headers, "").status, status, "{target} {headers:?}");
    }
    agent.put_ok("/v1/agent/token/default", serde_json::json!({ "Token": a }).to_string());
    assert_eq!(agent.send_as("", "GET", "/v1/kv/a", "").status, 200, "the agent's default token is used");
    assert_eq!(agent.send_as("", "PUT", "/v1/agent/token/nope", r#"{"Token":""}"#).status, 403);
    let unknown = agent.put("/v1/agent/token/nope", r#"{"Token":""}"#);
    assert_eq!((unknown.status, unknown.text()), (404, "Token \"nope\" is unknown".into()));
    let root = agent.send_as("deny", "GET", "/v1/kv/a", "");
    assert_eq!((root.status, root.text()), (500, "Cannot resolve root ACL".into()));
}

#[test]
fn secrets_that_the_api_set_survive_a_restart_where_that_is_configured() {
    let keep = "acl { enable_token_persistence = true tokens { dns = \"configured\" } }";
    let mut agent = server().acl().file("keep.hcl", keep).start();
    let (_, secret) = agent.token(r#"key "a" { policy = "write" }"#);
    agent.put_ok("/v1/agent/token/default", serde_json::json!({ "Token": secret }).to_string());
    assert_eq!(agent.send_as("", "PUT", "/v1/kv/a", "1").status, 200);
    agent.restart();
    assert_eq!(agent.send_as("", "PUT", "/v1/kv/a", "2").status, 200);
    let stored = std::fs::read_to_string(agent.dir.join("data/acl-tokens.json")).expect("kept");
    assert_eq!(stored, format!("{{\"default\":\"{secret}\"}}"));
    agent.put_ok("/v1/agent/token/default", r#"{"Token":""}"#);
    assert_eq!(agent.send_as("", "PUT", "/v1/kv/a", "3").status, 403);
    agent.restart();
    assert_eq!(agent.send_as("", "PUT", "/v1/kv/a", "4").status, 403);
}

#[test]
fn the_recovery_token_opens_the_agent_and_nothing_else() {
    let recovery = "acl { tokens { agent_recovery = \"in-an-emergency\" } }";
    let agent = dev().acl().file("recovery.hcl", recovery).start();
    let get = |target: &str| agent.send_as("in-an-emergency", "GET", target, "");
    assert_eq!(get("/v1/agent/self").status, 200);
    assert!(get("/v1/agent/members").text().contains("node1"));
    let refused = get("/v1/kv/a");
    assert_eq!(
        (refused.status, refused.text().as_str()),
        (403, "Permission denied: token with AccessorID 'agent-recovery:node1' lacks permission 'key:read' on \"a\"")
    );
}

#[test]
fn a_client_agent_asks_its_servers_and_refuses_as_they_do() {
    let cluster = cluster_with(1, AgentBuilder::acl);
    let server = &cluster.servers[0];
    let client = cluster.client("client1").acl().start();
    let (accessor, secret) = server.token(r#"agent "client1" { policy = "read" } key "a" { policy = "read" }"#);
    wait_until("the client answers for itself", || client.send_as(&secret, "GET", "/v1/agent/self", "").status == 200);
    let refused = client.send_as(&secret, "PUT", "/v1/agent/reload", "");
    let lacks = format!("Permission denied: token with AccessorID '{accessor}' lacks permission");
    assert_eq!((refused.status, refused.text()), (403, format!("{lacks} 'agent:write' on \"client1\"")));
    let refused = client.send_as(&secret, "PUT", "/v1/kv/a", "1");
    assert_eq!(
        (refused.status, refused.text()),
        (403, format!("rpc error making call: {lacks} 'key:write' on \"a\"")),
        "what crossed the wire says so"
    );
    let filtered = client.send_as(&secret, "GET", "/v1/catalog/nodes", "");
    assert_eq!((filtered.text().as_str(), filtered.header(FILTERED)), ("[]", Some("true")));
    let unknown = client.send_as("b0f36b8f-6a0c-4c5c-a5a7-111111111111", "GET", "/v1/agent/self", "");
    assert_eq!((unknown.status, unknown.text()), (403, "ACL not found".into()));
}

#[test]
fn a_waiting_query_ends_for_a_token_that_is_taken_away() {
    let agent = dev().acl().start();
    agent.put_ok("/v1/kv/a", "1");
    let (accessor, secret) = agent.token(r#"key "a" { policy = "read" }"#);
    let index = agent.send_as(&secret, "GET", "/v1/kv/a", "").index();
    let address = agent.http_address();
    let waiting = std::thread::spawn({
        let secret = secret.clone();
        move || {
            request(&address, "GET", &format!("/v1/kv/a?index={index}&wait=60s"), &[("X-Consul-Token", &secret)], &[])
        }
    });
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(agent.delete(&format!("/v1/acl/token/{accessor}")).status, 200);
    agent.put_ok("/v1/kv/a", "2");
    let answer = waiting.join().expect("no panic").expect("an answer");
    assert_eq!((answer.status, answer.text().as_str()), (403, "ACL not found"));
}

#[test]
fn words_that_are_no_policies_stop_the_start() {
    for (acl, text) in [
        ("default_policy = \"maybe\"", "Unsupported default ACL policy: maybe"),
        ("down_policy = \"maybe\"", "Unsupported down ACL policy: maybe"),
    ] {
        let mut agent = dev().file("acl.hcl", &format!("acl {{ enabled = true {acl} }}")).no_wait().start();
        assert_eq!(agent.wait_exit(), Some(1));
        assert!(agent.log().contains(text), "{}", agent.log());
    }
}
