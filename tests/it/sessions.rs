//! Sessions and the locks that hang on them: behaviours, delay, renewal, expiry, invalidation by checks.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Instant;

fn create(agent: &TestAgent, body: Value) -> String {
    agent.put_ok("/v1/session/create", body.to_string()).json()["ID"].as_str().expect("an id").to_owned()
}

fn acquire(agent: &TestAgent, key: &str, session: &str) -> bool {
    agent.put_ok(&format!("/v1/kv/{key}?acquire={session}"), "holder").text().trim() == "true"
}

fn release(agent: &TestAgent, key: &str, session: &str) -> bool {
    agent.put_ok(&format!("/v1/kv/{key}?release={session}"), "holder").text().trim() == "true"
}

fn entry(agent: &TestAgent, key: &str) -> Value {
    agent.get(&format!("/v1/kv/{key}")).json()[0].clone()
}

#[test]
fn one_session_holds_a_lock_at_a_time() {
    let agent = dev().start();
    let (first, second) = (create(&agent, json!({"Name": "one"})), create(&agent, json!({"LockDelay": "0s"})));
    assert!(acquire(&agent, "lock", &first));
    assert!(!acquire(&agent, "lock", &second));
    assert!(acquire(&agent, "lock", &first), "the holder may take it again");
    let held = entry(&agent, "lock");
    assert_eq!((&held["Session"], &held["LockIndex"]), (&json!(first), &json!(1)));
    agent.put_ok("/v1/kv/lock", "a plain write");
    let written = entry(&agent, "lock");
    assert_eq!(
        (&written["Session"], &written["LockIndex"]),
        (&json!(first), &json!(0)),
        "locks are advisory: a plain write keeps the holder and starts the count anew"
    );
    assert!(!release(&agent, "lock", &second));
    assert!(release(&agent, "lock", &first));
    assert!(entry(&agent, "lock").get("Session").is_none());
    assert!(acquire(&agent, "lock", &second), "a release has no delay");
    assert_eq!(entry(&agent, "lock")["LockIndex"], 1);
    let put = agent.cli(&["kv", "put", "-acquire", &format!("-session={first}"), "lock", "x"]);
    assert_eq!((put.status.code(), stderr(&put).as_str()), (Some(1), "Error! Did not acquire lock\n"));
    let put = agent.cli(&["kv", "put", "-release", &format!("-session={second}"), "lock", "x"]);
    assert_eq!(stdout(&put), "Success! Lock released on: lock\n", "{}", stderr(&put));
}

#[test]
fn the_end_of_a_session_releases_or_deletes_what_it_held() {
    let agent = dev().start();
    let keeping = create(&agent, json!({"LockDelay": "0s"}));
    let deleting = create(&agent, json!({"LockDelay": "0s", "Behavior": "delete"}));
    assert!(acquire(&agent, "kept", &keeping) && acquire(&agent, "gone", &deleting));
    for session in [&keeping, &deleting] {
        assert_eq!(agent.put_ok(&format!("/v1/session/destroy/{session}"), "").text().trim(), "true");
        assert_eq!(agent.get(&format!("/v1/session/info/{session}")).json(), json!([]));
    }
    assert!(entry(&agent, "kept").get("Session").is_none());
    assert_eq!(agent.get("/v1/kv/gone").status, 404);
    assert_eq!(agent.get("/v1/session/list").json(), json!([]));
}

#[test]
fn a_lost_lock_is_not_given_away_before_its_delay_is_over() {
    let agent = dev().start();
    let (first, second) = (create(&agent, json!({"LockDelay": "1s"})), create(&agent, json!({})));
    assert!(acquire(&agent, "lock", &first));
    let lost = Instant::now();
    agent.put_ok(&format!("/v1/session/destroy/{first}"), "");
    assert!(!acquire(&agent, "lock", &second), "the delay has just begun");
    wait_until("the delay to end", || acquire(&agent, "lock", &second));
    assert!(lost.elapsed().as_millis() >= 900, "{:?}", lost.elapsed());
}

#[test]
fn sessions_end_with_their_checks_and_service_checks_too() {
    let agent = dev().start();
    agent.put_ok("/v1/agent/check/register", r#"{"Name": "ttl", "TTL": "10m", "Status": "passing"}"#);
    wait_until("the check in the catalog", || agent.get("/v1/health/node/node1").text().contains("\"ttl\""));
    let session = create(&agent, json!({"Checks": ["serfHealth", "ttl"], "LockDelay": "0s", "Behavior": "delete"}));
    assert!(acquire(&agent, "lock", &session));
    agent.put_ok("/v1/agent/check/warn/ttl", "");
    wait_until("the warning", || {
        agent.get("/v1/health/checks/").text().is_empty()
            || agent.get("/v1/health/node/node1").text().contains("warning")
    });
    assert_eq!(entry(&agent, "lock")["Session"], session.as_str(), "a warning ends nothing");
    agent.put_ok("/v1/agent/check/fail/ttl", "");
    wait_until("the lock to go", || agent.get("/v1/kv/lock").status == 404);
    assert_eq!(agent.get(&format!("/v1/session/info/{session}")).json(), json!([]));
    let refused = agent.put("/v1/session/create", json!({"Checks": ["ttl"]}).to_string());
    assert_eq!(refused.status, 500);
    assert!(refused.text().contains("critical"), "{}", refused.text());
}

#[test]
fn sessions_are_listed_renewed_and_limited() {
    let agent = dev().start();
    let session = create(&agent, json!({"Name": "n", "TTL": "10s"}));
    let renewed = agent.put_ok(&format!("/v1/session/renew/{session}"), "").json();
    assert_eq!(
        (&renewed[0]["ID"], &renewed[0]["TTL"], &renewed[0]["Name"]),
        (&json!(session), &json!("10s"), &json!("n"))
    );
    for target in ["/v1/session/list", "/v1/session/node/node1", &format!("/v1/session/info/{session}")] {
        assert_eq!(agent.get(target).json()[0]["ID"], session.as_str(), "{target}");
    }
    for (body, text) in [
        (json!({"TTL": "1s"}), "Invalid Session TTL '1000000000', must be between [10s=24h0m0s]"),
        (json!({"Behavior": "x"}), "Invalid Behavior setting 'x'"),
    ] {
        let answer = agent.put("/v1/session/create", body.to_string());
        assert!(answer.status >= 400 && answer.text().contains(text), "{body}: {} {}", answer.status, answer.text());
    }
}

#[test]
fn a_session_nobody_renews_expires() {
    let agent = dev().arg("-hcl=session_ttl_min = \"1s\"").start();
    let session = create(&agent, json!({"TTL": "1s", "LockDelay": "0s", "Behavior": "delete"}));
    let index = agent.get("/v1/session/list").index();
    assert!(acquire(&agent, "lock", &session));
    let start = Instant::now();
    let gone = agent.get(&format!("/v1/session/info/{session}?index={index}&wait=30s"));
    assert_eq!(gone.json(), json!([]));
    assert!((900..15_000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    assert_eq!(agent.get("/v1/kv/lock").status, 404);
}
