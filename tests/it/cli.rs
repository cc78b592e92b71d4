//! The command line against a running agent: output bytes, exit codes, what goes to stderr.

use crate::support::{TestAgent, dev, run_cli, stderr, stdout, wait_until};
use std::process::Output;

fn ok(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "stdout: {}\nstderr: {}", stdout(output), stderr(output));
    stdout(output)
}

fn refused(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "stdout: {}\nstderr: {}", stdout(output), stderr(output));
    assert_eq!(stdout(output), "");
    stderr(output)
}

fn agent() -> TestAgent {
    dev().start()
}

#[test]
fn keys_are_written_read_listed_and_deleted() {
    let agent = agent();
    assert_eq!(ok(&agent.cli(&["kv", "put", "app/a", "5"])), "Success! Data written to: app/a\n");
    assert_eq!(ok(&agent.cli(&["kv", "get", "/app/a"])), "5\n");
    assert_eq!(
        ok(&agent.cli_with_stdin(&["kv", "put", "-flags=0x10", "app/b/c", "-"], b"line\n")),
        "Success! Data written to: app/b/c\n"
    );
    assert_eq!(ok(&agent.cli(&["kv", "get", "-keys", "app/"])), "app/a\napp/b/\n");
    assert_eq!(ok(&agent.cli(&["kv", "get", "-recurse", "-base64", "app"])), "app/a:NQ==\napp/b/c:bGluZQo=\n");
    let table = ok(&agent.cli(&["kv", "get", "-detailed", "app/b/c"]));
    assert!(table.contains("\nFlags            16\nKey              app/b/c\n"), "{table}");
    assert!(table.ends_with("\nSession          -\nValue            line\n\n"), "{table}");
    assert_eq!(
        refused(&agent.cli(&["kv", "put", "-cas", "-modify-index=0", "app/a", "6"]), 1),
        "Error! Did not write to app/a: CAS performed with index=0 and key already exists.\n"
    );
    assert_eq!(ok(&agent.cli(&["kv", "delete", "-recurse", "app/"])), "Success! Deleted keys with prefix: app/\n");
    assert_eq!(refused(&agent.cli(&["kv", "get", "app/a"]), 1), "Error! No key exists at: app/a\n");
}

#[test]
fn an_export_is_imported_below_another_prefix() {
    let agent = agent();
    ok(&agent.cli(&["kv", "put", "-flags=7", "tree/a", "1"]));
    let export = ok(&agent.cli(&["kv", "export", "tree"]));
    assert_eq!(export, "[\n\t{\n\t\t\"key\": \"tree/a\",\n\t\t\"flags\": 7,\n\t\t\"value\": \"MQ==\"\n\t}\n]\n");
    let imported = agent.cli_with_stdin(&["kv", "import", "-prefix=copy", "-"], export.as_bytes());
    assert_eq!(ok(&imported), "Imported: copy/tree/a\n");
    assert_eq!(ok(&agent.cli(&["kv", "get", "copy/tree/a"])), "1\n");
}

#[test]
fn services_of_a_file_come_and_go() {
    let agent = agent();
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("redis01_service.hcl");
    let text = r#"service { name = "redis01" port = 6379 tags = ["primary"] checks = [{ id = "redis", tcp = "127.0.0.1:1", interval = "10s" }] }"#;
    std::fs::write(&file, text).expect("write");
    let file = file.to_string_lossy().into_owned();
    assert_eq!(ok(&agent.cli(&["services", "register", &file])), "Registered service: redis01\n");
    wait_until("the service is in the catalog", || {
        stdout(&agent.cli(&["catalog", "services", "-tags"])).contains("redis01      primary")
    });
    let nodes = ok(&agent.cli(&["catalog", "nodes", "-service=redis01"]));
    assert!(nodes.starts_with("Node   ID        Address"), "{nodes}");
    assert_eq!(ok(&agent.cli(&["services", "deregister", &file])), "Deregistered service: redis01\n");
    let unknown = refused(&agent.cli(&["services", "deregister", "-id=redis01"]), 1);
    assert!(unknown.contains("404 (Unknown service ID \"redis01\""), "{unknown}");
}

#[test]
fn maintenance_is_entered_shown_and_left() {
    let agent = agent();
    assert_eq!(ok(&agent.cli(&["maint", "-enable", "-reason", "disk swap"])), "Node maintenance is now enabled\n");
    assert_eq!(ok(&agent.cli(&["maint"])), "Node:\n  Name:   node1\n  Reason: disk swap\n\n");
    assert_eq!(ok(&agent.cli(&["maint", "-disable"])), "Node maintenance is now disabled\n");
    assert_eq!(ok(&agent.cli(&["maint"])), "");
}

#[test]
fn a_watch_prints_once_or_runs_a_child_per_change() {
    let agent = agent();
    assert_eq!(ok(&agent.cli(&["watch", "-type=key", "-key=nosuch"])), "null\n");
    ok(&agent.cli(&["kv", "put", "w", "1"]));
    let child = agent.cli(&["watch", "-type=key", "-key=w", "cat; test -n \"$CONSUL_INDEX\"; exit 3"]);
    assert_eq!(child.status.code(), Some(1));
    assert!(stdout(&child).starts_with("{\"Key\":\"w\",\"CreateIndex\":"), "{}", stdout(&child));
    assert_eq!(stderr(&child), "Error executing handler: exit status 3\n");
}

#[test]
fn a_snapshot_is_saved_inspected_decoded_and_restored() {
    let agent = agent();
    let directory = tempfile::tempdir().expect("temporary directory");
    let file = directory.path().join("backup.snap").to_string_lossy().into_owned();
    ok(&agent.cli(&["kv", "put", "kept", "1"]));
    assert!(ok(&agent.cli(&["snapshot", "save", &file])).starts_with("Saved and verified snapshot to index "));
    assert!(!std::path::Path::new(&format!("{file}.unverified")).exists());
    let inspected = ok(&agent.cli(&["snapshot", "inspect", "-kvdetails", &file]));
    assert!(inspected.starts_with(" ID           "), "{inspected}");
    assert!(inspected.contains("\n kept          1          "), "{inspected}");
    let decoded = ok(&agent.cli(&["snapshot", "decode", &file]));
    assert!(
        decoded.lines().any(|line| line.contains("\"Key\":\"kept\"") && line.ends_with("\"Type\":\"KVS\"}")),
        "{decoded}"
    );
    ok(&agent.cli(&["kv", "put", "kept", "2"]));
    assert_eq!(ok(&agent.cli(&["snapshot", "restore", &file])), "Restored snapshot\n");
    wait_until("the old value is back", || stdout(&agent.cli(&["kv", "get", "kept"])) == "1\n");
    std::fs::write(&file, b"garbage").expect("write");
    let corrupt = refused(&agent.cli(&["snapshot", "restore", &file]), 1);
    assert!(corrupt.starts_with("Error restoring snapshot: Unexpected response code: 500 ("), "{corrupt}");
}

#[test]
fn the_agent_and_its_cluster_are_described() {
    let agent = agent();
    let members = ok(&agent.cli(&["members"]));
    assert!(members.starts_with("Node   Address"), "{members}");
    assert!(
        members.lines().nth(1).is_some_and(|line| line.starts_with("node1  ") && line.ends_with("default    <all>")),
        "{members}"
    );
    assert_eq!(refused(&agent.cli(&["members", "-status=failed"]), 2), "");
    let info = ok(&agent.cli(&["info"]));
    assert!(info.starts_with("agent:\n\tcheck_monitors = 0\n"), "{info}");
    let peers = ok(&agent.cli(&["operator", "raft", "list-peers"]));
    assert!(
        peers.lines().nth(1).is_some_and(|line| line.starts_with("node1  ") && line.contains("  leader  true   3  ")),
        "{peers}"
    );
    assert_eq!(ok(&agent.cli(&["catalog", "datacenters"])), "dc1\n");
    agent.put_ok(
        "/v1/coordinate/update",
        r#"{"Node":"node1","Coord":{"Vec":[0,0,0,0,0,0,0,0],"Error":1.5,"Height":0.00001}}"#,
    );
    let estimate = "Estimated node1 <-> node1 rtt: 0.020 ms (using LAN coordinates)\n";
    wait_until("the coordinate is known", || stdout(&agent.cli(&["rtt", "node1"])) == estimate);
    assert_eq!(refused(&agent.cli(&["rtt", "nosuch"]), 1), "Could not find a coordinate for node \"nosuch\"\n");
}

#[test]
fn leave_ends_the_agent_with_success() {
    let mut agent = agent();
    assert_eq!(ok(&agent.cli(&["leave"])), "Graceful leave complete\n");
    assert_eq!(agent.wait_exit(), Some(0));
}

#[test]
fn nobody_at_the_address_is_told_in_one_line() {
    let output = run_cli(crate::support::BINARY, &["kv", "get", "-http-addr=127.0.0.1:1", "a"], &[], b"");
    let expected = "Error querying Consul agent: Get \"http://127.0.0.1:1/v1/kv/a\": dial tcp 127.0.0.1:1: connect: connection refused\n";
    assert_eq!(refused(&output, 1), expected);
}
