//! The state of access control over time: restarts, archives, ends of tokens, changes, servers that are away, and copies in a
//! second datacenter.

use crate::support::cluster::*;
use crate::support::*;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

/// What a secret gets that no token has.
const NOT_FOUND: &str = "ACL not found";

/// A public key for auth methods; nobody has the private one.
const PUBLIC_KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
    MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n\
    6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n\
    -----END PUBLIC KEY-----\n";

/// A field of a JSON object that must be a text.
#[track_caller]
fn text(object: &Value, field: &str) -> String {
    object[field].as_str().unwrap_or_else(|| panic!("no {field}: {object}")).to_owned()
}

/// Status of a request for the agent itself, which needs `agent:read` on its node.
fn own(agent: &TestAgent, secret: &str) -> u16 {
    agent.send_as(secret, "GET", "/v1/agent/self", "").status
}

/// Status and text of a read of a key.
fn reads(agent: &TestAgent, secret: &str) -> (u16, String) {
    let answer = agent.send_as(secret, "GET", "/v1/kv/a?stale", "");
    (answer.status, answer.text())
}

/// One object of each kind, the token bound to policy and role; the token's secret.
fn furnish(agent: &TestAgent) -> String {
    agent.put_ok("/v1/acl/policy", r#"{"Name": "reader", "Rules": "key \"a\" { policy = \"read\" }"}"#);
    agent.put_ok("/v1/acl/role", r#"{"Name": "readers", "Policies": [{"Name": "reader"}]}"#);
    let method = json!({"Name": "ci", "Type": "jwt", "Config": {"JWTValidationPubKeys": [PUBLIC_KEY]}});
    agent.put_ok("/v1/acl/auth-method", method.to_string());
    agent.put_ok("/v1/acl/binding-rule", r#"{"AuthMethod": "ci", "BindType": "role", "BindName": "readers"}"#);
    let token = r#"{"Description": "kept", "Roles": [{"Name": "readers"}], "ExpirationTTL": "24h"}"#;
    text(&agent.put_ok("/v1/acl/token", token).json(), "SecretID")
}

/// Everything that access control consists of.
fn everything(agent: &TestAgent) -> Value {
    let lists =
        ["tokens", "policies", "roles", "auth-methods", "binding-rules", "auth-method/ci", "policy/name/reader"];
    lists.iter().map(|list| ((*list).to_owned(), Value::from(agent.get(&format!("/v1/acl/{list}")).text()))).collect()
}

/// Takes away what [`furnish`] made.
fn clear(agent: &TestAgent) {
    for (list, id, one) in [
        ("tokens", "AccessorID", "token"),
        ("roles", "ID", "role"),
        ("policies", "ID", "policy"),
        ("auth-methods", "Name", "auth-method"),
    ] {
        let rows = agent.get(&format!("/v1/acl/{list}")).json();
        for row in rows.as_array().expect("a list") {
            agent.delete(&format!("/v1/acl/{one}/{}", text(row, id)));
        }
    }
}

#[test]
fn access_control_survives_crashes_and_is_part_of_archives() {
    let mut agent = server().acl().start();
    agent.put_ok("/v1/kv/a", "1");
    let secret = furnish(&agent);
    let before = everything(&agent);
    agent.kill();
    agent.restart();
    assert_eq!(everything(&agent), before, "after a crash");
    assert_eq!(reads(&agent, &secret).0, 200);
    let refused = agent.put("/v1/acl/bootstrap", "");
    assert_eq!(refused.status, 403, "what was bootstrapped stays so: {}", refused.text());

    let archive = agent.get("/v1/snapshot");
    clear(&agent);
    assert_ne!(everything(&agent), before);
    assert_eq!(reads(&agent, &secret), (403, NOT_FOUND.to_owned()));
    agent.put_ok("/v1/snapshot", &archive.body);
    assert_eq!(everything(&agent), before, "after a restore");
    assert_eq!(reads(&agent, &secret).0, 200);
    agent.kill();
    agent.restart();
    assert_eq!(everything(&agent), before, "after a crash that follows a restore");

    let other = server().acl().start();
    other.put_ok("/v1/snapshot", &archive.body);
    wait_until("the first token, which the archive has too", || other.get("/v1/acl/token/self").status == 200);
    assert_eq!(everything(&other), before, "in another cluster");
    assert_eq!(reads(&other, &secret).0, 200);
}

#[test]
fn bootstrap_is_undone_on_the_leader_only_and_by_the_right_number_only() {
    let mut cluster = cluster_with(3, |builder| builder.hcl(r#"acl { enabled = true default_policy = "allow" }"#));
    let first = cluster.servers[cluster.follower()].put_ok("/v1/acl/bootstrap", "").json();
    let again = |cluster: &Cluster| cluster.servers[cluster.leader()].put("/v1/acl/bootstrap", "");
    let refusal = again(&cluster).text();
    for server in &mut cluster.servers {
        server.kill();
    }
    cluster.servers.iter_mut().for_each(TestAgent::restart_no_wait);
    cluster.servers.iter_mut().for_each(TestAgent::wait_ready);
    let leader = cluster.leader();
    let answer = wait_for("a leader that answers", || Some(again(&cluster)).filter(|answer| answer.status != 500));
    assert_eq!((answer.status, answer.text()), (403, refusal.clone()), "the same after all servers crashed");
    let index: u64 =
        refusal.rsplit(' ').next().and_then(|end| end.trim_end_matches(')').parse().ok()).expect("an index");

    let reset = |number: usize, content: &str| {
        fs::write(cluster.servers[number].dir.join("data/acl-bootstrap-reset"), content).expect("the file is written");
    };
    reset((leader + 1) % 3, &index.to_string());
    assert_eq!((again(&cluster).status, again(&cluster).text()), (403, refusal.clone()), "on a follower");
    for (content, status, text) in [
        ("no number", 403, refusal.clone()),
        ("", 403, refusal),
        (
            &(index + 1).to_string(),
            500,
            format!("Invalid bootstrap reset index (specified {}, reset index: {index})", index + 1),
        ),
    ] {
        reset(leader, content);
        let answer = again(&cluster);
        assert_eq!((answer.status, answer.text()), (status, text), "{content:?}");
    }
    reset(leader, &format!("{index}\n"));
    let second = cluster.servers[(leader + 2) % 3].put_ok("/v1/acl/bootstrap", "").json();
    assert_ne!(first["SecretID"], second["SecretID"]);
    for token in [&first, &second] {
        let own = cluster.servers[leader].send_as(&text(token, "SecretID"), "GET", "/v1/acl/token/self", "");
        assert_eq!(own.status, 200, "a reset makes a token and takes none away");
    }
    assert_eq!(again(&cluster).status, 403, "once");
}

#[test]
fn the_end_of_a_token_is_exact_wherever_it_is_remembered_and_its_place_becomes_free() {
    let cluster = cluster_with(1, AgentBuilder::acl);
    let server = &cluster.servers[0];
    let long = r#"acl { token_ttl = "1h" policy_ttl = "1h" role_ttl = "1h" }"#;
    let client = cluster.client("client1").acl().hcl(long).start();
    let made = |local: bool| {
        let body = json!({"Policies": [{"Name": "global-management"}], "ExpirationTTL": "60s", "Local": local});
        server.put_ok("/v1/acl/token", body.to_string()).json()
    };
    let tokens = [made(true), made(false)];
    let asked = Instant::now();
    let secrets = tokens.each_ref().map(|token| text(token, "SecretID"));
    for (secret, agent) in secrets.iter().flat_map(|secret| [(secret, server), (secret, &client)]) {
        assert_eq!(own(agent, secret), 200, "{}", agent.name);
    }
    // it ends 60 seconds after it was made, which was before the answer came
    std::thread::sleep((Duration::from_secs(60)).saturating_sub(asked.elapsed()));
    for (secret, agent) in secrets.iter().flat_map(|secret| [(secret, server), (secret, &client)]) {
        let refused = agent.send_as(secret, "GET", "/v1/agent/self", "");
        assert_eq!((refused.status, refused.text().as_str()), (403, NOT_FOUND), "{}", agent.name);
    }
    for token in &tokens {
        let accessor = text(token, "AccessorID");
        let shown = server.get(&format!("/v1/acl/token/{accessor}"));
        assert_eq!(shown.status, 403, "{}", shown.text());
        wait_until("the id to be free", || {
            server.put("/v1/acl/token", json!({ "AccessorID": accessor }).to_string()).status == 200
        });
    }
}

/// A way to take away a permission, and to give it back.
type Change = (&'static str, fn(&TestAgent, &Value), fn(&TestAgent, &Value));

#[test]
fn what_is_taken_away_is_gone_at_once_on_servers_and_after_its_time_on_client_agents() {
    const TTL: Duration = Duration::from_secs(2);
    let cluster = cluster_with(1, AgentBuilder::acl);
    let server = &cluster.servers[0];
    let short = r#"acl { token_ttl = "2s" policy_ttl = "2s" role_ttl = "2s" }"#;
    let client = cluster.client("client1").acl().hcl(short).start();
    let rules = r#"agent_prefix "" { policy = "read" }"#;
    let put = |target: &str, body: Value| server.put_ok(target, body.to_string()).json();
    let policy = put("/v1/acl/policy", json!({"Name": "p", "Rules": rules}));
    let role = put("/v1/acl/role", json!({"Name": "r", "Policies": [{"Name": "p"}]}));
    let token = put("/v1/acl/token", json!({"Roles": [{"Name": "r"}]}));
    let objects = json!({"policy": policy, "role": role, "token": token});
    let secret = text(&token, "SecretID");
    fn set(server: &TestAgent, objects: &Value, kind: &str, change: Value) {
        let mut object = objects[kind].clone();
        change.as_object().expect("fields").iter().for_each(|(name, value)| object[name] = value.clone());
        let id = object["ID"].as_str().unwrap_or_else(|| object["AccessorID"].as_str().expect("an id")).to_owned();
        server.put_ok(&format!("/v1/acl/{kind}/{id}"), object.to_string());
    }
    let changes: [Change; 6] = [
        (
            "the rules of the policy",
            |server, all| set(server, all, "policy", json!({"Rules": ""})),
            |server, all| set(server, all, "policy", json!({})),
        ),
        (
            "its datacenters",
            |server, all| set(server, all, "policy", json!({"Datacenters": ["elsewhere"]})),
            |server, all| set(server, all, "policy", json!({})),
        ),
        (
            "the role's policies",
            |server, all| set(server, all, "role", json!({"Policies": []})),
            |server, all| set(server, all, "role", json!({})),
        ),
        (
            "the token's roles",
            |server, all| set(server, all, "token", json!({"Roles": []})),
            |server, all| set(server, all, "token", json!({})),
        ),
        (
            "the role itself",
            |server, all| assert_eq!(server.delete(&format!("/v1/acl/role/{}", text(&all["role"], "ID"))).status, 200),
            |server, all| set(server, all, "token", json!({"Roles": [], "Policies": [{"Name": "p"}]})),
        ),
        (
            "the policy itself",
            |server, all| {
                assert_eq!(server.delete(&format!("/v1/acl/policy/{}", text(&all["policy"], "ID"))).status, 200);
            },
            |server, all| {
                set(server, all, "token", json!({"Policies": [{"Name": "builtin/global-read-only"}], "Roles": []}))
            },
        ),
    ];
    let refused_in_time = |what: &str, since: Instant| {
        wait_until(what, || own(&client, &secret) == 403);
        let took = since.elapsed();
        assert!(took < TTL + Duration::from_secs(3), "{what}: the client agent took {took:?}");
    };
    for (what, take, give) in changes {
        wait_until("the client agent to know the token", || own(&client, &secret) == 200);
        assert_eq!(own(server, &secret), 200, "before {what} goes");
        take(server, &objects);
        let since = Instant::now();
        assert_eq!(own(server, &secret), 403, "{what} is gone");
        refused_in_time(what, since);
        give(server, &objects);
        assert_eq!(own(server, &secret), 200, "{what} is back");
    }
    wait_until("the client agent to know the token", || own(&client, &secret) == 200);
    assert_eq!(server.delete(&format!("/v1/acl/token/{}", text(&token, "AccessorID"))).status, 200);
    let since = Instant::now();
    let refused = server.send_as(&secret, "GET", "/v1/agent/self", "");
    assert_eq!((refused.status, refused.text().as_str()), (403, NOT_FOUND));
    refused_in_time("the token", since);
}

#[test]
fn without_servers_the_down_policy_decides_on_client_agents() {
    let mut cluster = cluster_with(1, AgentBuilder::acl);
    let (accessor, known) = cluster.servers[0].token(r#"agent_prefix "" { policy = "read" }"#);
    let (_, unseen) = cluster.servers[0].token(r#"agent_prefix "" { policy = "read" }"#);
    // what the known token, one that was not seen yet, and the known one at an endpoint that it may not use get
    let cases = [
        ("async-cache", [200, 403, 403]),
        ("deny", [403, 403, 403]),
        ("allow", [200, 200, 200]),
        ("extend-cache", [200, 403, 403]),
    ];
    let clients = cases.map(|(policy, expected)| {
        let settings =
            format!(r#"acl {{ token_ttl = "1s" policy_ttl = "1s" role_ttl = "1s" down_policy = "{policy}" }}"#);
        (cluster.client(policy).acl().hcl(&settings).start(), expected)
    });
    for (client, _) in &clients {
        wait_until("the token on every client agent", || own(client, &known) == 200);
    }
    cluster.servers[0].kill();
    let extending = &clients[3].0;
    wait_until("what was known to be old", || {
        own(extending, &known);
        extending.log().contains("Using an old answer about a token")
    });
    for (client, expected) in &clients {
        let reload = client.send_as(&known, "PUT", "/v1/agent/reload", "").status;
        assert_eq!([own(client, &known), own(client, &unseen), reload], *expected, "{}", client.name);
    }
    cluster.servers[0].restart_member();
    for (client, _) in &clients {
        wait_until("the servers are heard again", || own(client, &unseen) == 200);
    }
    wait_until("the token to be taken away", || {
        cluster.servers[0].delete(&format!("/v1/acl/token/{accessor}")).status == 200
    });
    for (client, _) in &clients {
        wait_until("a refusal, which is no loss of servers", || own(client, &known) == 403);
    }
}

#[test]
fn a_secret_that_was_set_wins_over_the_configured_one_after_a_crash_and_is_for_the_agent_alone_to_read() {
    let keep = "acl { enable_token_persistence = true tokens { default = \"configured-default-token\" } }";
    let mut agent = server().acl().file("keep.hcl", keep).start();
    let (_, secret) = agent.token(r#"key "a" { policy = "write" }"#);
    agent.put_ok("/v1/agent/token/default", json!({ "Token": secret }).to_string());
    agent.put_ok("/v1/agent/token/agent_recovery", json!({ "Token": "set-for-an-emergency" }).to_string());
    let mode = fs::metadata(agent.dir.join("data/acl-tokens.json")).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    agent.kill();
    agent.restart();
    assert_eq!(agent.send_as("", "PUT", "/v1/kv/a", "1").status, 200);
    assert_eq!(own(&agent, "set-for-an-emergency"), 200);
    let warning =
        "\"default\" token present in both the configuration and persisted token store, using the persisted token";
    assert!(agent.log().contains(warning), "{}", agent.log());
}

/// A server of the second datacenter, with further settings of its `acl` block.
fn secondary(primary: &TestAgent, acl: &str) -> TestAgent {
    let settings = format!(
        r#"
        datacenter = "dc2"
        primary_datacenter = "dc1"
        retry_join_wan = ["{}"]
        acl {{
          enabled = true
          default_policy = "deny"
          token_ttl = "1s"
          policy_ttl = "1s"
          role_ttl = "1s"
          {acl}
        }}
        "#,
        primary.address
    );
    let agent = member("s2").server_of(1).hcl(&settings).no_wait().start();
    wait_until("the second datacenter", || agent.known_leader().is_some());
    agent
}

fn primary() -> TestAgent {
    let cluster = cluster_with(1, |builder| builder.acl().hcl(r#"primary_datacenter = "dc1""#));
    cluster.servers.into_iter().next().expect("one server")
}

/// `agent = ` and `replication = ` the first token.
fn tokens() -> String {
    format!(r#"tokens {{ agent = "{MANAGEMENT}" replication = "{MANAGEMENT}" }}"#)
}

#[test]
fn global_tokens_are_copied_and_local_ones_stay_where_they_are() {
    let mut near = primary();
    let far = secondary(&near, &format!("enable_token_replication = true {}", tokens()));
    let (accessor, global) = near.token(r#"key "a" { policy = "read" }"#);
    wait_until("the copy of a token", || reads(&far, &global).0 == 404);
    let local = |agent: &TestAgent| {
        let body = r#"{"Policies": [{"Name": "global-management"}], "Local": true}"#;
        // the policy is copied as well, and until then the primary answers for the copy
        let made = wait_for("a local token", || {
            let answer = agent.send_as(MANAGEMENT, "PUT", "/v1/acl/token", body);
            (answer.status == 200).then(|| answer.json())
        });
        text(&made, "SecretID")
    };
    let (of_near, of_far) = (local(&near), local(&far));
    let last = near.token("").1;
    wait_until("a copy of what came after the local tokens", || reads(&far, &last).1.contains("lacks permission"));
    assert_eq!([own(&near, &of_near), own(&far, &of_far)], [200, 200], "local tokens at home");
    for (agent, secret) in [(&far, &of_near), (&near, &of_far)] {
        assert_eq!(reads(agent, secret), (403, NOT_FOUND.to_owned()), "a local token at {}", agent.name);
    }
    let status = far.send_as(MANAGEMENT, "GET", "/v1/acl/replication", "").json();
    assert_eq!(
        [&status["Enabled"], &status["Running"], &status["SourceDatacenter"], &status["ReplicationType"]],
        [&json!(true), &json!(true), &json!("dc1"), &json!("tokens")]
    );
    assert!(status["ReplicatedTokenIndex"].as_u64() > Some(0), "{status}");

    assert_eq!(near.delete(&format!("/v1/acl/token/{accessor}")).status, 200);
    wait_until("the copy to go", || reads(&far, &global) == (403, NOT_FOUND.to_owned()));
    let (_, kept) = near.token(r#"key "a" { policy = "read" }"#);
    wait_until("the copy of a token", || reads(&far, &kept).0 == 404);
    near.kill();
    assert_eq!(reads(&far, &kept).0, 404, "a copy needs no primary");
    let answer = far.send_as(&of_far, "PUT", "/v1/acl/token", r#"{"Local": true}"#);
    assert_eq!(answer.status, 200, "nor does a new local token: {}", answer.text());
}

#[test]
fn without_copies_tokens_are_asked_for_in_the_primary_datacenter() {
    let mut near = primary();
    let far = secondary(&near, &tokens());
    let (accessor, secret) = near.token(r#"key "a" { policy = "read" }"#);
    wait_until("an answer about the token", || reads(&far, &secret).0 == 404);
    let local = near.put_ok("/v1/acl/token", r#"{"Policies": [{"Name": "global-management"}], "Local": true}"#).json();
    let refused = reads(&far, &text(&local, "SecretID"));
    assert_eq!(refused.0, 403);
    assert!(refused.1.contains("Permission denied: This is a local token in datacenter \"dc1\""), "{}", refused.1);
    let refused = far.send_as(MANAGEMENT, "PUT", "/v1/acl/token", r#"{"Local": true}"#);
    assert_eq!((refused.status, refused.text().as_str()), (500, "Local tokens are disabled"));

    let (_, kept) = near.token(r#"key "a" { policy = "read" }"#);
    wait_until("an answer about the token", || reads(&far, &kept).0 == 404);
    assert_eq!(near.delete(&format!("/v1/acl/token/{accessor}")).status, 200);
    wait_until("the end of what was remembered", || reads(&far, &secret).0 == 403);
    near.kill();
    wait_until("what was known to be old", || {
        assert_eq!(reads(&far, &kept).0, 404, "an old answer is used while the primary is away");
        far.log().contains("Using an old answer about a token")
    });
    assert_eq!(reads(&far, &secret).0, 403, "what was not known is refused");
}

#[test]
fn what_is_missing_for_copies_is_said_and_the_primary_is_asked_until_it_is_there() {
    let mut near = primary();
    let agent = format!(r#"enable_token_replication = true tokens {{ agent = "{MANAGEMENT}" }}"#);
    let far = secondary(&near, &agent);
    let (_, secret) = near.token(r#"key "a" { policy = "read" }"#);
    let (_, unused) = near.token(r#"key "a" { policy = "read" }"#);
    wait_until("an answer about the token", || reads(&far, &secret).0 == 404);
    assert_eq!(reads(&far, "b0f36b8f-6a0c-4c5c-a5a7-222222222222"), (403, NOT_FOUND.to_owned()));
    let log = far.log();
    let line = log.lines().find(|line| line.contains("No replication token")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("[WARN]") && line.contains("datacenter dc1") && line.contains("acl.tokens.replication"));

    let body = json!({ "Token": MANAGEMENT }).to_string();
    assert_eq!(far.send_as(MANAGEMENT, "PUT", "/v1/agent/token/replication", body).status, 200);
    wait_until("copies of all tokens", || {
        let status = far.send_as(MANAGEMENT, "GET", "/v1/acl/replication", "").json();
        status["ReplicatedTokenIndex"].as_u64() > Some(0)
    });
    near.kill();
    assert_eq!(reads(&far, &unused).0, 404, "a copy needs no primary");
}
