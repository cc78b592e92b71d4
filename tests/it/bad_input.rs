//! Input that must be refused in words, without harm to what is stored or running. Configuration files are in `config`,
//! packets in `dns`, archives in `durability`, sizes in `http`.

use crate::support::*;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

#[test]
fn filter_expressions_are_refused_with_the_reason() {
    let agent = dev().start();
    let cases = [
        (
            "/v1/catalog/nodes",
            "Bogus==1",
            "Failed to create boolean expression evaluator: Selector \"Bogus\" is not valid",
        ),
        (
            "/v1/health/service/consul",
            "Service.Nope==1",
            "Failed to create boolean expression evaluator: Selector \"Service.Nope\" is not valid",
        ),
        ("/v1/agent/services", "Service%3D%3D", "Failed to create boolean expression evaluator: 1:"),
        (
            "/v1/catalog/nodes",
            "(",
            "Failed to create boolean expression evaluator: 1:2 (1): no match found, expected: ",
        ),
        ("/v1/catalog/nodes", "Node+matches+%22(%22", "Failed to create boolean expression evaluator: "),
        ("/v1/health/state/any", "Node+and", "Failed to create boolean expression evaluator: 1:"),
    ];
    for (path, filter, reason) in cases {
        let answer = agent.get(&format!("{path}?filter={filter}"));
        assert!(matches!(answer.status, 400 | 500), "{path} {filter}: {} {}", answer.status, answer.text());
        assert!(answer.text().starts_with(reason), "{path} {filter}: {}", answer.text());
    }
    let output = agent.cli(&["catalog", "nodes", "-filter=Bogus==1"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("Selector \"Bogus\" is not valid"), "{}", stderr(&output));
}

#[test]
fn keys_that_are_no_text_are_refused_and_touch_no_other_key() {
    let agent = dev().start();
    agent.put_ok("/v1/kv/%EF%BF%BD", "the replacement character is a key as any other");
    agent.put_ok("/v1/kv/%C3%A4", "umlaut");
    for key in ["%FF", "a/%FE", "%C3", "%ED%A0%80"] {
        for method in ["GET", "PUT", "DELETE"] {
            let answer = agent.send(method, &format!("/v1/kv/{key}"), "");
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (400, "Invalid key name: not valid UTF-8"),
                "{method} {key}"
            );
        }
        assert_eq!(agent.delete(&format!("/v1/kv/{key}?recurse")).status, 400);
    }
    for escape in ["%zz", "%", "a%4"] {
        assert_eq!(agent.put(&format!("/v1/kv/{escape}"), "x").status, 400, "{escape}");
    }
    let keys = agent.get("/v1/kv/?keys").json();
    assert_eq!(keys, serde_json::json!(["\u{e4}", "\u{fffd}"]));
}

#[test]
fn bodies_and_parameters_are_refused_with_their_texts() {
    let agent = dev().start();
    let unknown = "00000000-0000-0000-0000-000000000000";
    let renew = format!("/v1/session/renew/{unknown}");
    let no_session = format!("Session id '{unknown}' not found");
    let cases: [(&str, &str, &str, u16, &str); 19] = [
        ("GET", "/v1/catalog/nodes?index=x", "", 400, "Invalid index"),
        ("GET", "/v1/catalog/nodes?index=1&wait=x", "", 400, "Invalid wait time"),
        ("GET", "/v1/kv/a?stale&consistent", "", 400, "Cannot specify ?stale with ?consistent, conflicting semantics."),
        ("GET", "/v1/catalog/nodes?dc=nowhere", "", 500, "No path to datacenter"),
        ("GET", "/v1/health/service/", "", 400, "Missing service name"),
        ("GET", "/v1/kv/", "", 400, "Missing key name"),
        ("PUT", "/v1/kv/a?cas=x", "v", 500, "strconv.ParseUint: parsing \"x\": invalid syntax"),
        ("PUT", "/v1/kv/a?flags=-1", "v", 500, "strconv.ParseUint: parsing \"-1\": invalid syntax"),
        ("PUT", "/v1/kv/a?acquire=nope", "v", 500, "raft apply failed: invalid session \"nope\""),
        ("PUT", "/v1/kv/a?acquire=", "v", 500, "raft apply failed: missing session"),
        ("PUT", "/v1/agent/service/register", "{", 400, "Request decode failed: unexpected EOF"),
        ("PUT", "/v1/agent/service/register", "{}", 400, "Missing service name"),
        (
            "PUT",
            "/v1/agent/service/register",
            "{\"Name\":\"a\",\"Bogus\":1}",
            400,
            "Request decode failed: json: unknown field \"Bogus\"",
        ),
        (
            "PUT",
            "/v1/agent/check/register",
            "{\"Name\":\"a\",\"TTL\":\"bogus\"}",
            400,
            "Request decode failed: time: invalid duration \"bogus\"",
        ),
        ("PUT", "/v1/agent/check/register", "{\"Name\":\"a\"}", 400, "Invalid check: TTL must be > 0 for TTL checks"),
        (
            "PUT",
            "/v1/agent/service/deregister/nope",
            "",
            404,
            "Unknown service ID \"nope\". Ensure that the service ID is passed, not the service name.",
        ),
        ("PUT", "/v1/agent/maintenance", "", 400, "Missing value for enable"),
        ("PUT", "/v1/session/create", "{\"Node\":\"nowhere\"}", 500, "apply failed: Missing node registration"),
        ("PUT", &renew, "", 404, &no_session),
    ];
    for (method, target, body, status, text) in cases {
        let answer = agent.send(method, target, body);
        assert_eq!((answer.status, answer.text().trim_end()), (status, text), "{method} {target} {body}");
    }
    assert_eq!(agent.get("/v1/kv/a").status, 404, "nothing was written");
    assert_eq!(agent.get("/v1/agent/checks").json(), serde_json::json!({}));
}

/// The directory belongs to somebody else and may not be written. Run as root, the agent is started as `nobody`.
#[test]
fn a_data_directory_of_another_user_is_named() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mode = |path: &std::path::Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("permissions")
    };
    let (binary, data) = (dir.path().join("tribune"), dir.path().join("data"));
    if fs::hard_link(BINARY, &binary).is_err() {
        fs::copy(BINARY, &binary).expect("a copy that others can reach");
    }
    fs::create_dir(&data).expect("a folder");
    mode(dir.path(), 0o755);
    mode(&data, 0o555);
    let mut command = Command::new(&binary);
    command.args(["agent", "-server", "-bootstrap-expect=1", "-node=n", &format!("-data-dir={}", data.display())]);
    let address = own_address();
    command.args([format!("-bind={address}"), format!("-client={address}")]).current_dir("/");
    if nix::unistd::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
    }
    let output = command.output().expect("the command starts");
    mode(&data, 0o755);
    let text = stdout(&output) + &stderr(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains(&data.display().to_string()), "the directory is named: {text}");
    assert!(text.to_lowercase().contains("permission denied"), "the reason is named: {text}");
    assert_eq!(fs::read_dir(&data).expect("readable").count(), 0, "nothing was left behind");
}

#[test]
fn an_agent_that_is_told_to_be_closed_does_not_start_open() {
    let cases = [
        (
            "auto_config { authorization { enabled = true } }",
            "auto_config.authorization.static has invalid configuration",
        ),
        (
            "auto_config { authorization { enabled = true static { jwks_url = \"http://127.0.0.1:1/\"
             claim_assertions = [\"nope == 1\"] } } }",
            "auto_config.authorization.static.claim_assertion",
        ),
    ];
    for (config, named) in cases {
        let mut agent = dev().file("closed.hcl", config).no_wait().start();
        assert_eq!(agent.wait_exit(), Some(1), "{config}");
        assert!(agent.log().contains(named), "{config}: {}", agent.log());
    }
}
