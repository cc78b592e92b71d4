//! Client agents that get all of their configuration from the servers (`auto_config`): a token says who they are.

use crate::auto_encrypt::handing_out;
use crate::support::cluster::*;
use crate::support::jwt::{Signer, now};
use crate::support::tls::*;
use crate::support::*;
use serde_json::{Value, json};

/// Servers that hand out configurations to those whose token names their node.
fn authorizing(authority: &Authority, signer: &Signer) -> String {
    let pem = signer.pem();
    format!(
        "{}
         auto_config {{ authorization {{ enabled = true static {{
           jwt_validation_pub_keys = [{pem:?}]
           jwt_supported_algs = [\"ES256\"]
           bound_issuer = \"me\"
           bound_audiences = [\"cluster\"]
           claim_mappings {{ \"/consul/node\" = \"node\" }}
           claim_assertions = [\"value.node == \\\"${{node}}\\\"\"]
         }} }} }}",
        handing_out(authority, "dc1").replace("auto_encrypt { allow_tls = true }", "")
    )
}

fn claims(node: &str, until: i64) -> Value {
    json!({ "iss": "me", "aud": "cluster", "iat": now() - 10, "exp": until, "consul": { "node": node } })
}

/// A client agent that knows the CA, one server, and its token.
fn knowing(authority: &Authority, server: &TestAgent, token: &str) -> String {
    format!(
        "tls {{ internal_rpc {{ ca_file = {:?} verify_outgoing = true verify_server_hostname = true }} }}
         auto_config {{ enabled = true intro_token = {token:?} server_addresses = [{:?}] }}",
        authority.file(),
        server.address
    )
}

#[test]
fn a_client_with_a_token_gets_everything_and_starts_again_without_servers() {
    let (authority, signer) = (Authority::new("one"), Signer::new());
    let text = authorizing(&authority, &signer);
    let mut cluster = cluster_with(3, |builder| builder.acl().file("tls.hcl", &text));
    let token = signer.token(&claims("c1", now() + 600));
    let asked = cluster.follower();
    let text = knowing(&authority, &cluster.servers[asked], &token);
    let mut client = member("c1").file("auto.hcl", &text).no_wait().start();
    let server = &cluster.servers[0];
    wait_until("the client in the catalog", || server.health_of_node("c1") == "passing");
    // access control came with it, and its own token lets it register itself
    let refused = client.send_as("", "PUT", "/v1/kv/a", "1");
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert_eq!(client.send_as(MANAGEMENT, "PUT", "/v1/kv/a", "1").status, 200);
    let tokens = server.get("/v1/acl/tokens").json();
    let own =
        tokens.as_array().expect("tokens").iter().find(|row| row["Description"] == "Auto Config Token for Node \"c1\"");
    let own = own.expect("a token of the agent");
    assert_eq!((&own["Local"], &own["NodeIdentities"][0]["NodeName"]), (&json!(true), &json!("c1")));
    let file = client.dir.join("data/auto-config.json");
    let kept: Value = serde_json::from_slice(&std::fs::read(&file).expect("a file")).expect("JSON");
    assert_eq!(kept["Config"]["NodeName"], "c1");
    assert_eq!(kept["Config"]["Gossip"]["RetryJoinLAN"].as_array().map(Vec::len), Some(3));
    for server in &mut cluster.servers {
        server.kill();
    }
    client.kill();
    client.restart_no_wait();
    wait_until("an agent without servers", || {
        client.ask("/v1/agent/version").is_some_and(|answer| answer.status == 200)
    });
    assert!(client.log().contains("restored the configuration"), "{}", client.log());
    for server in &mut cluster.servers {
        server.restart_no_wait();
    }
    for server in &mut cluster.servers {
        server.wait_ready();
    }
    wait_until("an answer through the servers", || {
        let target = "/v1/kv/a?raw";
        request(&client.http_address(), "GET", target, &[("X-Consul-Token", MANAGEMENT)], b"")
            .is_ok_and(|a| a.text() == "1")
    });
}

#[test]
fn a_token_in_a_file_or_in_the_environment_is_as_good() {
    let (authority, signer) = (Authority::new("one"), Signer::new());
    let text = authorizing(&authority, &signer);
    let cluster = cluster_with(1, |builder| builder.file("tls.hcl", &text));
    let server = &cluster.servers[0];
    let path = authority.folder().join("token");
    std::fs::write(&path, signer.token(&claims("c1", now() + 600)) + "\n").expect("a file");
    let from_file =
        knowing(&authority, server, "x").replace("intro_token = \"x\"", &format!("intro_token_file = {path:?}"));
    let first = member("c1").file("auto.hcl", &from_file).start();
    let token = signer.token(&claims("c2", now() + 600));
    let second =
        member("c2").file("auto.hcl", &knowing(&authority, server, "not.the.one")).env("CONSUL_INTRO_TOKEN", &token);
    let second = second.start();
    for client in [first, second] {
        wait_until("the client in the catalog", || server.health_of_node(&client.name) == "passing");
    }
}

#[test]
fn tokens_that_prove_nothing_are_refused() {
    let (authority, signer) = (Authority::new("one"), Signer::new());
    let text = authorizing(&authority, &signer);
    let cluster = cluster_with(1, |builder| builder.file("tls.hcl", &text));
    let server = &cluster.servers[0];
    let failed = "Permission denied: Failed JWT authorization: ";
    let cases = [
        ("c1", Signer::new().token(&claims("c1", now() + 600)), failed),
        ("c2", signer.token(&claims("c2", now() - 3600)), failed),
        ("c3", signer.token(&claims("c4", now() + 600)), "Permission denied: Failed JWT claim assertion"),
        ("c4", "nonsense".to_owned(), failed),
    ];
    let started: Vec<(TestAgent, &str)> = cases
        .iter()
        .map(|(name, token, reason)| {
            let text = knowing(&authority, server, token);
            (member(name).file("auto.hcl", &text).no_wait().start(), *reason)
        })
        .collect();
    for (agent, reason) in &started {
        wait_until("the reason", || agent.log().contains(reason));
        assert!(agent.ask("/v1/agent/self").is_none(), "it has not started");
        assert!(!agent.dir.join("data/auto-config.json").exists());
    }
}

#[test]
fn an_agent_that_cannot_tell_servers_from_others_does_not_send_its_token() {
    let text = "tls { internal_rpc { verify_outgoing = true } }
        auto_config { enabled = true intro_token = \"a.b.c\" server_addresses = [\"127.0.0.1\"] }";
    let mut agent = member("c1").file("auto.hcl", text).no_wait().start();
    assert_eq!(agent.wait_exit(), Some(1));
    assert!(agent.log().contains("the servers cannot be believed without an authority"), "{}", agent.log());
}

#[test]
fn real_consul_agents_and_ours_get_configurations_from_each_other_s_servers() {
    let Some(consul) = reference_binary() else {
        println!("skipped: CONSUL_BIN names no Consul");
        return;
    };
    let (authority, signer) = (Authority::new("one"), Signer::new());
    let files = authority.make("dc1-server", &["server.dc1.consul", "localhost"], Life::Valid);
    let modern = authorizing(&authority, &signer);
    let rules = &modern[modern.find("auto_config").expect("rules")..];
    let common = format!("ca_file = {:?}\nverify_outgoing = true\nverify_server_hostname = true", authority.file());
    let server_text = format!(
        "{common}\nencrypt = \"pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=\"\ncert_file = {:?}\nkey_file = {:?}\n\
         verify_incoming_rpc = true\nconnect {{ enabled = true }}\n{rules}",
        files.cert, files.key
    );
    for (servers, client) in [(under_test(), consul.clone()), (consul.clone(), under_test())] {
        let cluster = cluster_of(&servers, 1, |builder| builder.acl().file("tls.hcl", &server_text));
        let token = signer.token(&claims("c1", now() + 600));
        let address = &cluster.servers[0].address;
        let text = format!(
            "{common}\nauto_config {{ enabled = true intro_token = {token:?} server_addresses = [{address:?}] }}"
        );
        let client = member_of(&client, "c1").file("auto.hcl", &text).no_wait().start();
        wait_until("the client in the catalog", || cluster.servers[0].health_of_node("c1") == "passing");
        assert_eq!(client.send_as(MANAGEMENT, "PUT", "/v1/kv/a", "1").status, 200);
    }
}
