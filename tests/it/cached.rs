//! The agent cache: `?cached`, `Age`, `X-Cache`, `Cache-Control`, and answers while the servers are away.

use crate::support::cluster::*;
use crate::support::*;

const WEB: &str = r#"{"Name":"web","Port":80}"#;

/// `X-Cache`, and whether there is an age.
fn cache(answer: &Response) -> (Option<&str>, bool) {
    (answer.header("x-cache"), answer.header("age").is_some())
}

const NONE: (Option<&str>, bool) = (None, false);
const MISS: (Option<&str>, bool) = (Some("MISS"), false);
const HIT: (Option<&str>, bool) = (Some("HIT"), true);

/// Endpoints and what their first and second cached answers say.
const ENDPOINTS: [(&str, bool); 9] = [
    ("/v1/catalog/datacenters", true),
    ("/v1/catalog/services", true),
    ("/v1/catalog/service/web", true),
    ("/v1/catalog/connect/web", true),
    ("/v1/health/service/web", true),
    ("/v1/health/connect/web", true),
    ("/v1/catalog/nodes", false),
    ("/v1/health/node/none", false),
    ("/v1/kv/none", false),
];

fn endpoints_of(agent: &TestAgent) {
    agent.put_ok("/v1/agent/service/register", WEB);
    wait_until("web in the catalog", || agent.get("/v1/catalog/service/web").json()[0]["ServiceName"] == "web");
    for (target, cached) in ENDPOINTS {
        let plain = agent.get(target);
        assert_eq!(cache(&plain), NONE, "{target}");
        let answers = [(); 2].map(|()| agent.get(&format!("{target}?cached")));
        let expected = if cached { [MISS, HIT] } else { [NONE, NONE] };
        assert_eq!(answers.each_ref().map(cache), expected, "{target}");
        assert_eq!(answers[1].body, plain.body, "{target}");
    }
    let conflict = agent.get("/v1/catalog/services?cached&consistent");
    assert_eq!(conflict.text(), "Cannot specify ?cached with ?consistent, conflicting semantics.");
    let bad = agent.send_with("GET", "/v1/catalog/services", &[("Cache-Control", "max-age=1h")], "");
    assert_eq!((bad.status, bad.text().as_str()), (400, "Invalid Cache-Control header."));
}

#[test]
fn the_endpoints_of_the_cache_say_whether_they_hit() {
    endpoints_of(&dev().start());
    match reference_binary() {
        Some(binary) => endpoints_of(&AgentBuilder::new(&binary, true).start()),
        None => println!("not compared: CONSUL_BIN names no Consul"),
    }
}

#[test]
fn cached_reads_follow_the_catalog_without_asking_again() {
    let agent = dev().start();
    let target = "/v1/health/service/web?cached";
    let empty = agent.get(target);
    assert_eq!((cache(&empty), empty.text().as_str()), (MISS, "[]"));
    agent.put_ok("/v1/agent/service/register", WEB);
    wait_until("web in the cache", || {
        let found = agent.get(target);
        assert_eq!(cache(&found), HIT);
        found.json()[0]["Service"]["ID"] == "web"
    });
    let index = agent.get(target).index();
    let waiter = {
        let (address, target) = (agent.http_address(), format!("{target}&index={index}&wait=30s"));
        std::thread::spawn(move || request(&address, "GET", &target, &[], b"").expect("an answer"))
    };
    agent.put_ok("/v1/agent/service/register", r#"{"Name":"web","Port":81}"#);
    let woken = waiter.join().expect("the waiter ends");
    assert!(woken.index() > index);
    assert_eq!(woken.json()[0]["Service"]["Port"], 81);
    assert_eq!(woken.header("x-consul-query-backend"), Some("streaming"));
    assert_eq!(agent.get("/v1/health/service/web").header("x-consul-query-backend"), Some("blocking-query"));
}

#[test]
fn what_is_not_refreshed_is_as_old_as_the_caller_allows() {
    let agent = dev().start();
    let target = "/v1/catalog/datacenters?cached";
    assert_eq!(cache(&agent.get(target)), MISS);
    let with = |control| agent.send_with("GET", target, &[("Cache-Control", control)], "");
    assert_eq!(cache(&with("max-age=1000")), HIT);
    assert_eq!(cache(&with("must-revalidate")), MISS);
    assert_eq!(cache(&with("max-age=0, stale-if-error=10")), MISS);
    let off = dev().file("off.hcl", "http_config { use_cache = false }").start();
    for _ in 0..2 {
        assert_eq!(cache(&off.get(target)), NONE);
    }
}

#[test]
fn prepared_queries_are_cached() {
    let agent = dev().start();
    agent.put_ok("/v1/agent/service/register", WEB);
    let query = r#"{"Name":"q","Service":{"Service":"web"}}"#;
    assert_eq!(agent.send("POST", "/v1/query", query).status, 200);
    wait_until("web by query", || agent.get("/v1/query/q/execute").json()["Nodes"][0]["Service"]["ID"] == "web");
    let answers = [(); 2].map(|()| agent.get("/v1/query/q/execute?cached"));
    assert_eq!(answers.each_ref().map(cache), [MISS, HIT]);
    assert_eq!(answers[0].json()["Nodes"], answers[1].json()["Nodes"]);
    let none = agent.get("/v1/query/none/execute?cached");
    assert_eq!((none.status, cache(&none)), (404, NONE));
}

#[test]
fn a_client_agent_answers_from_its_cache_while_the_servers_are_away() {
    let mut cluster = cluster(1);
    let client =
        cluster.client("c1").hcl("dns_config { use_cache = true }\nperformance { rpc_hold_timeout = \"1s\" }").start();
    client.wait_alive(2);
    client.put_ok("/v1/agent/service/register", WEB);
    wait_until("web in DNS", || client.resolve("web.service.consul.").is_some_and(|found| found.len() == 1));
    let target = "/v1/health/service/web?cached";
    wait_until("web in the cache", || client.get(target).json()[0]["Service"]["ID"] == "web");
    cluster.servers[0].kill();
    wait_until("an age", || {
        let found = client.get(target);
        assert_eq!((found.status, cache(&found)), (200, HIT));
        assert_eq!(found.json()[0]["Service"]["ID"], "web");
        found.header("age") != Some("0")
    });
    assert_eq!(client.get("/v1/health/service/web").status, 500);
    assert_eq!(client.resolve("web.service.consul.").map(|found| found.len()), Some(1));
    cluster.servers[0].restart();
    wait_until("contact again", || client.get(target).header("age") == Some("0"));
}

#[test]
fn a_kept_answer_is_not_for_a_token_that_was_taken_away() {
    let cluster = cluster_with(1, AgentBuilder::acl);
    let server = &cluster.servers[0];
    let short = r#"acl { token_ttl = "1s" policy_ttl = "1s" role_ttl = "1s" }"#;
    let client = cluster.client("c1").acl().hcl(short).start();
    server.put_ok("/v1/catalog/register", r#"{"Node":"n","Address":"10.0.0.1","Service":{"Service":"web"}}"#);
    let (accessor, secret) = server.token(r#"service "web" { policy = "read" } node "n" { policy = "read" }"#);
    for agent in [server, &client] {
        let ask = || agent.send_as(&secret, "GET", "/v1/health/service/web?cached", "");
        assert_eq!([ask(), ask()].each_ref().map(cache), [MISS, HIT], "{}", agent.name);
        assert!(ask().text().contains("10.0.0.1"));
    }
    assert_eq!(server.delete(&format!("/v1/acl/token/{accessor}")).status, 200);
    let refused = |answer: &Response| answer.status == 403 && answer.text().ends_with("ACL not found");
    let answer = server.send_as(&secret, "GET", "/v1/health/service/web?cached", "");
    assert!(refused(&answer), "at once on the server: {}", answer.text());
    wait_until("the refusal on the client agent", || {
        refused(&client.send_as(&secret, "GET", "/v1/health/service/web?cached", ""))
    });
}
