//! Blocking queries, consistency modes and the options of reads, on every endpoint that has them.

use crate::support::*;
use serde_json::json;

/// Starts a blocking read in a thread.
fn block(agent: &TestAgent, target: &str, index: u64) -> std::thread::JoinHandle<Response> {
    let join = if target.contains('?') { '&' } else { '?' };
    let (address, target) = (agent.http_address(), format!("{target}{join}index={index}&wait=1m"));
    std::thread::spawn(move || request(&address, "GET", &target, &[], b"").expect("an answer"))
}

/// What a write to these makes visible.
const WATCHED: [&str; 17] = [
    "/v1/catalog/nodes",
    "/v1/catalog/services",
    "/v1/catalog/service/web",
    "/v1/catalog/node/far",
    "/v1/catalog/node-services/far",
    "/v1/health/service/web",
    "/v1/health/service/web?passing",
    "/v1/health/checks/web",
    "/v1/health/node/far",
    "/v1/health/state/any",
    "/v1/health/state/passing",
    "/v1/kv/k",
    "/v1/kv/?recurse",
    "/v1/kv/?keys",
    "/v1/session/list",
    "/v1/session/node/node1",
    "/v1/internal/ui/nodes",
];

#[test]
fn every_endpoint_answers_when_its_rows_change() {
    let agent = dev().start();
    let register = |port: u16, status: &str| {
        let body = json!({"Node": "far", "Address": format!("127.0.0.{port}"), "Service": {"Service": "web", "Port": port},
            "Check": {"Node": "far", "CheckID": "c", "ServiceID": "web", "Status": "passing", "Name": "c", "Output": status}});
        agent.put_ok("/v1/catalog/register", body.to_string());
    };
    register(1, "first");
    agent.put_ok("/v1/kv/k", "1");
    let waiting: Vec<_> = WATCHED
        .iter()
        .map(|target| {
            let index = agent.get(target).index();
            assert!(index > 0, "{target}");
            (target, index, block(&agent, target, index))
        })
        .collect();
    assert!(waiting.iter().all(|(_, _, thread)| !thread.is_finished()), "nothing has changed");
    register(2, "second");
    agent.put_ok(
        "/v1/catalog/register",
        json!({"Node": "far", "Address": "127.0.0.2", "Service": {"ID": "w2", "Service": "web2"}}).to_string(),
    );
    agent.put_ok("/v1/kv/k", "2");
    agent.put_ok("/v1/kv/k2", "2");
    agent.put_ok("/v1/session/create", "{}");
    for (target, index, thread) in waiting {
        let answer = thread.join().expect("the reader ends");
        assert!(answer.status == 200 && answer.index() > index, "{target}: {} {}", answer.status, answer.text());
    }
}

#[test]
fn readers_of_what_is_not_there_wait_for_it() {
    let agent = dev().start();
    agent.put_ok("/v1/kv/other", "x");
    let key = agent.get("/v1/kv/later");
    assert_eq!(key.status, 404);
    let service = agent.get("/v1/health/service/later");
    let waiting =
        [block(&agent, "/v1/kv/later", key.index()), block(&agent, "/v1/health/service/later", service.index())];
    agent.put_ok("/v1/kv/later", "here");
    agent.put_ok("/v1/agent/service/register", r#"{"Name": "later"}"#);
    for thread in waiting {
        let answer = thread.join().expect("the reader ends");
        assert!(answer.status == 200 && answer.text().contains("later"), "{}", answer.text());
    }
}

#[test]
fn a_deleted_key_wakes_its_readers_and_the_index_never_falls() {
    let agent = dev().start();
    agent.put_ok("/v1/kv/tree/a", "1");
    agent.put_ok("/v1/kv/tree/b", "1");
    let (key, tree) = (agent.get("/v1/kv/tree/a").index(), agent.get("/v1/kv/tree/?recurse").index());
    let waiting = [block(&agent, "/v1/kv/tree/a", key), block(&agent, "/v1/kv/tree/?recurse", tree)];
    agent.delete("/v1/kv/tree/a");
    let [one, all] = waiting.map(|thread| thread.join().expect("the reader ends"));
    assert_eq!((one.status, all.status), (404, 200));
    assert!(one.index() > key && all.index() > tree, "{} {} {} {}", one.index(), key, all.index(), tree);
    agent.delete("/v1/kv/tree/?recurse");
    assert!(agent.get("/v1/kv/tree/?recurse").index() >= all.index());
}

#[test]
fn options_of_reads_shape_the_answer() {
    let agent = server().arg("-node-meta=rack:r1").start();
    agent.put_ok("/v1/kv/a", "x");
    for (mode, effective) in [("", "leader"), ("?stale", "stale"), ("?consistent", "consistent")] {
        let answer = agent.get(&format!("/v1/catalog/nodes{mode}"));
        assert_eq!((answer.status, answer.header("x-consul-effective-consistency")), (200, Some(effective)), "{mode}");
        assert_eq!(answer.header("x-consul-knownleader"), Some("true"));
    }
    let count = |target: &str| agent.get(target).json().as_array().map(Vec::len);
    let cases = [
        ("/v1/catalog/nodes?node-meta=rack:r1", 1),
        ("/v1/catalog/nodes?node-meta=rack:r2", 0),
        ("/v1/catalog/nodes?filter=Meta.rack+%3D%3D+r1+and+not+(Node+matches+%22%5Ex%22)", 1),
        ("/v1/catalog/nodes?filter=rack+in+Meta+and+TaggedAddresses+is+not+empty", 1),
        ("/v1/catalog/nodes?filter=Node+!%3D+node1", 0),
        ("/v1/health/service/consul?near=_agent", 1),
        ("/v1/health/service/consul?near=nobody&tag=x", 0),
        ("/v1/health/service/consul?filter=Service.Port+%3D%3D+8300", 1),
        ("/v1/health/state/passing?filter=%22serf%22+not+in+Name", 1),
    ];
    for (target, expected) in cases {
        assert_eq!(count(target), Some(expected), "{target}: {}", agent.get(target).text());
    }
    let (compact, pretty) =
        (agent.get("/v1/catalog/datacenters").text(), agent.get("/v1/catalog/datacenters?pretty").text());
    assert_eq!((compact.as_str(), pretty.as_str()), ("[\"dc1\"]", "[\n    \"dc1\"\n]\n"));
}
