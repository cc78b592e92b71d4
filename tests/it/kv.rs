//! The store: every flag of reads and writes, and transactions, over HTTP and the command line.

use crate::support::*;
use serde_json::{Value, json};

fn keys(agent: &TestAgent, query: &str) -> Value {
    agent.get(&format!("/v1/kv/{query}")).json()
}

/// Runs a transaction; returns status and answer.
fn txn(agent: &TestAgent, ops: Value) -> (u16, Value) {
    let answer = agent.put("/v1/txn", ops.to_string());
    (answer.status, answer.json())
}

#[test]
fn writes_obey_flags_and_indexes() {
    let agent = dev().start();
    agent.put_ok("/v1/kv/a?flags=18446744073709551615", "one");
    let entry = agent.get("/v1/kv/a").json()[0].clone();
    assert_eq!((&entry["Flags"], &entry["Value"], &entry["LockIndex"]), (&json!(u64::MAX), &json!("b25l"), &json!(0)));
    let index = entry["ModifyIndex"].as_u64().expect("an index");
    let cases = [
        ("PUT", "/v1/kv/a?cas=0".to_string(), "false"),
        ("PUT", format!("/v1/kv/a?cas={}", index + 1), "false"),
        ("PUT", format!("/v1/kv/a?cas={index}"), "true"),
        ("PUT", "/v1/kv/new?cas=0".to_string(), "true"),
        ("DELETE", format!("/v1/kv/a?cas={index}"), "false"),
        ("DELETE", "/v1/kv/never?cas=7".to_string(), "true"),
        ("DELETE", "/v1/kv/never".to_string(), "true"),
    ];
    for (method, target, expected) in cases {
        let answer = agent.send(method, &target, "two");
        assert_eq!((answer.status, answer.text().trim()), (200, expected), "{method} {target}");
    }
    let entry = agent.get("/v1/kv/a").json()[0].clone();
    assert_eq!(entry["CreateIndex"], index, "an update keeps the place of creation");
    let now = entry["ModifyIndex"].as_u64().expect("an index");
    assert!(now > index);
    agent.put_ok("/v1/kv/a", "two");
    assert_eq!(agent.get("/v1/kv/a").json()[0]["ModifyIndex"], now, "an equal write changes nothing");
    assert_eq!(agent.delete(&format!("/v1/kv/a?cas={now}")).text().trim(), "true");
    assert_eq!(agent.get("/v1/kv/a").status, 404);
}

#[test]
fn lists_fold_at_the_separator_and_delete_recursively() {
    let agent = dev().start();
    for key in ["web/a", "web/b/1", "web/b/2", "web/c/", "webserver", "x y/%C3%A4"] {
        agent.put_ok(&format!("/v1/kv/{}", key.replace(' ', "%20")), "v");
    }
    assert_eq!(keys(&agent, "web/?keys"), json!(["web/a", "web/b/1", "web/b/2", "web/c/"]));
    assert_eq!(keys(&agent, "web/?keys&separator=/"), json!(["web/a", "web/b/", "web/c/"]));
    assert_eq!(keys(&agent, "?keys&separator=/"), json!(["web/", "webserver", "x y/"]));
    assert_eq!(keys(&agent, "web?recurse").as_array().map(Vec::len), Some(5));
    assert_eq!(agent.get("/v1/kv/nothing?keys").status, 404);
    assert_eq!(agent.get("/v1/kv/nothing?recurse").status, 404);
    assert_eq!(agent.delete("/v1/kv/web/?recurse").text().trim(), "true");
    assert_eq!(keys(&agent, "?keys"), json!(["webserver", "x y/\u{e4}"]));
}

#[test]
fn the_command_line_reads_and_writes_bytes_as_they_are() {
    let agent = dev().start();
    let bytes: Vec<u8> = (0..=255).collect();
    let put = agent.cli_with_stdin(&["kv", "put", "bytes", "-"], &bytes);
    assert_eq!(stdout(&put), "Success! Data written to: bytes\n", "{}", stderr(&put));
    assert_eq!(agent.get("/v1/kv/bytes?raw").body, bytes);
    let read = agent.cli(&["kv", "get", "bytes"]);
    assert_eq!(read.stdout, [&bytes[..], b"\n"].concat());
    let file = agent.dir.join("value");
    std::fs::write(&file, "from a file").expect("written");
    let ok = |args: &[&str]| {
        let output = agent.cli(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", stderr(&output));
        stdout(&output)
    };
    ok(&["kv", "put", "file", &format!("@{}", file.display())]);
    assert_eq!(ok(&["kv", "get", "file"]), "from a file\n");
    ok(&["kv", "put", "-base64", "decoded", "aGVsbG8="]);
    assert_eq!(ok(&["kv", "get", "decoded"]), "hello\n");
    assert_eq!(ok(&["kv", "get", "-base64", "decoded"]), "aGVsbG8=\n");
    ok(&["kv", "put", "empty"]);
    assert_eq!(ok(&["kv", "get", "empty"]), "\n");
    assert_eq!(ok(&["kv", "get", "-keys", "-separator=", ""]), "bytes\ndecoded\nempty\nfile\n");
    let index = agent.get("/v1/kv/file").json()[0]["ModifyIndex"].to_string();
    let refused = agent.cli(&["kv", "put", "-cas", "-modify-index=1", "file", "x"]);
    assert_eq!(
        (refused.status.code(), stderr(&refused).as_str()),
        (Some(1), "Error! Did not write to file: CAS failed\n")
    );
    ok(&["kv", "put", "-cas", &format!("-modify-index={index}"), "file", "x"]);
    let conflict = agent.cli(&["kv", "delete", "-cas", "-modify-index=5", "-recurse", "file"]);
    assert_eq!(
        (conflict.status.code(), stderr(&conflict).as_str()),
        (Some(1), "Cannot specify both -cas and -recurse!\n")
    );
    assert_eq!(ok(&["kv", "delete", "-recurse", ""]).lines().count(), 1);
    assert_eq!(agent.get("/v1/kv/?keys").text().trim(), "[]");
}

#[test]
fn transactions_apply_whole_or_not_at_all() {
    let agent = dev().start();
    let set = |key: &str, value: &str| json!({"KV": {"Verb": "set", "Key": key, "Value": value, "Flags": 5}});
    let (status, answer) =
        txn(&agent, json!([set("t/1", "b25l"), set("t/2", "dHdv"), {"KV": {"Verb": "get", "Key": "t/1"}}]));
    assert_eq!((status, answer["Errors"].is_null(), answer["Results"].as_array().map(Vec::len)), (200, true, Some(3)));
    assert_eq!(answer["Results"][2]["KV"]["Value"], "b25l");
    let index = agent.get("/v1/kv/t/1").json()[0]["ModifyIndex"].clone();

    let failing = [
        (json!({"Verb": "get", "Key": "t/none"}), "key \"t/none\" doesn't exist".to_string()),
        (json!({"Verb": "check-not-exists", "Key": "t/1"}), "key \"t/1\" exists".to_string()),
        (
            json!({"Verb": "check-index", "Key": "t/1", "Index": 1}),
            format!("failed index check for key \"t/1\", current modify index {index} != 1"),
        ),
        (
            json!({"Verb": "check-session", "Key": "t/1", "Session": "q"}),
            "failed session check for key \"t/1\", current session \"\" != \"q\"".to_string(),
        ),
        (
            json!({"Verb": "cas", "Key": "t/1", "Index": 1, "Value": "eA=="}),
            "failed to set key \"t/1\", index is stale".to_string(),
        ),
        (
            json!({"Verb": "delete-cas", "Key": "t/1", "Index": 1}),
            "failed to delete key \"t/1\", index is stale".to_string(),
        ),
        (json!({"Verb": "lock", "Key": "t/1", "Session": "nope"}), "invalid session \"nope\"".to_string()),
        (json!({"Verb": "foo", "Key": "t/1"}), "unknown KV operation: foo".to_string()),
    ];
    for (op, what) in failing {
        let (status, answer) = txn(&agent, json!([set("t/3", "eA=="), {"KV": op}]));
        assert_eq!((status, &answer["Errors"][0]["What"]), (409, &json!(what)), "{answer}");
        assert_eq!(agent.get("/v1/kv/t/3").status, 404, "{what}: nothing of it is applied");
    }
    let rest = json!([
        {"KV": {"Verb": "cas", "Key": "t/1", "Index": index, "Value": "eA=="}},
        {"KV": {"Verb": "get-or-empty", "Key": "t/none"}},
        {"KV": {"Verb": "delete", "Key": "t/2"}},
        {"KV": {"Verb": "get-tree", "Key": "t/"}},
        {"KV": {"Verb": "delete-tree", "Key": "t/"}},
    ]);
    let (status, answer) = txn(&agent, rest);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(agent.get("/v1/kv/t/?keys").status, 404);
}

#[test]
fn transactions_reach_the_catalog() {
    let agent = dev().arg("-datacenter=csdc01").start();
    let (status, answer) = txn(
        &agent,
        json!([
            {"Node": {"Verb": "set", "Node": {"Node": "far", "Address": "127.0.0.9"}}},
            {"Service": {"Verb": "set", "Node": "far", "Service": {"ID": "s1", "Service": "s", "Port": 1}}},
            {"Check": {"Verb": "set", "Check": {"Node": "far", "CheckID": "c", "Name": "c", "ServiceID": "s1", "Status": "passing"}}},
        ]),
    );
    assert_eq!((status, &answer["Results"][0]["Node"]["Datacenter"]), (200, &json!("csdc01")), "{answer}");
    assert_eq!(agent.get("/v1/health/service/s?passing").json()[0]["Node"]["Datacenter"], "csdc01");
    let (status, answer) =
        txn(&agent, json!([{"Service": {"Verb": "set", "Node": "nowhere", "Service": {"Service": "s"}}}]));
    assert_eq!((status, &answer["Errors"][0]["What"]), (409, &json!("Missing node registration")), "{answer}");
    let (status, answer) = txn(&agent, json!([{"Node": {"Verb": "delete", "Node": {"Node": "far"}}}]));
    assert_eq!(status, 200, "{answer}");
    assert_eq!(agent.get("/v1/health/service/s").json(), json!([]));
}
