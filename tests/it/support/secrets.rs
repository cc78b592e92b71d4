//! The secrets that tests use, and the search for them in the logs of all agents.
//!
//! Nobody has to think of it: what a configuration, an argument, a request or an answer says is a secret is noted, and when
//! an agent ends its logs are searched for everything that was noted in this process until then.

use parking_lot::Mutex;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// Shorter texts are found by accident.
const SHORTEST: usize = 16;

/// Keys of configurations whose values are secrets.
const KEYS: [&str; 15] = [
    "encrypt",
    "token",
    "agent",
    "agent_master",
    "agent_recovery",
    "acl_token",
    "acl_agent_token",
    "acl_master_token",
    "config_file_service_registration",
    "default",
    "dns",
    "initial_management",
    "intro_token",
    "master",
    "replication",
];

/// Fields of JSON bodies whose values are secrets; and `Key` of the keyring, by its endpoint.
const FIELDS: [&str; 3] = ["SecretID", "Token", "BearerToken"];

static NOTED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// Notes a secret.
pub fn note(secret: &str) {
    let secret = secret.trim();
    if secret.len() >= SHORTEST {
        NOTED.lock().insert(secret.to_owned());
    }
}

/// Notes the secrets of a configuration file, HCL or JSON, or of an argument.
pub fn note_config(text: &str) {
    for flag in ["-encrypt=", "-token="] {
        if let Some(secret) = text.strip_prefix(flag) {
            return note(secret);
        }
    }
    // quoted texts alternate with what is between them
    let parts: Vec<&str> = text.split('"').collect();
    for (at, value) in parts.iter().enumerate().skip(1).step_by(2) {
        let before = parts[at - 1].trim_end().trim_end_matches([':', '=']).trim_end();
        // a quoted key of JSON, or a bare one of HCL
        let key = if before.is_empty() && at >= 2 { parts[at - 2] } else { before };
        let key = key.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next().unwrap_or("");
        if KEYS.contains(&key.to_ascii_lowercase().as_str()) && !value.contains([' ', '/', '$']) {
            note(value);
        }
    }
}

/// Notes the secrets of a request.
pub fn note_request(target: &str, headers: &[(&str, &str)], body: &[u8]) {
    let query = target.split_once('?').map_or("", |(_, query)| query);
    for secret in query.split('&').filter_map(|pair| pair.strip_prefix("token=")) {
        note(secret);
    }
    for (name, value) in headers {
        if name.eq_ignore_ascii_case("x-consul-token") {
            note(value);
        }
        if name.eq_ignore_ascii_case("authorization") {
            note(value.rsplit(' ').next().unwrap_or(""));
        }
    }
    note_body(target, body);
}

/// Notes the secrets of a body.
pub fn note_body(target: &str, body: &[u8]) {
    if body.len() > 1 << 20 || !matches!(body.iter().find(|byte| !byte.is_ascii_whitespace()), Some(b'{' | b'[')) {
        return;
    }
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return };
    if target.starts_with("/v1/operator/keyring")
        && let Some(key) = value["Key"].as_str()
    {
        note(key);
    }
    visit(&value);
}

fn visit(value: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if FIELDS.contains(&name.as_str()) => note(text),
                    value => visit(value),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(visit),
        _ => {}
    }
}

/// Notes the secrets in the arguments, the environment and the output of a command.
pub fn note_command(args: &[&str], env: &[(&str, &str)], output: &[u8]) {
    for arg in args {
        note_config(arg);
        for flag in ["-install=", "-use=", "-remove=", "--token=", "-secret="] {
            if let Some(secret) = arg.strip_prefix(flag) {
                note(secret);
            }
        }
    }
    for (name, value) in env {
        if name.ends_with("_TOKEN") {
            note(value);
        }
    }
    let text = String::from_utf8_lossy(output);
    if args.first() == Some(&"keygen") {
        note(&text);
    }
    for line in text.lines() {
        if let Some(secret) = line.trim_start().strip_prefix("SecretID:") {
            note(secret);
        }
    }
}

/// The noted secrets in a text, with the lines in which they stand.
pub fn found_in(text: &str) -> Vec<(String, String)> {
    let noted = NOTED.lock();
    let standing = noted.iter().filter(|secret| text.contains(secret.as_str()));
    standing
        .map(|secret| {
            let line = text.lines().find(|line| line.contains(secret.as_str())).unwrap_or("");
            (secret.clone(), line.to_owned())
        })
        .collect()
}

/// Searches the logs in an agent's folder: its output, and files that a test had it log to (`*.log`, `audit*`).
pub fn found_in_logs(dir: &Path) -> Vec<(String, String)> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    let is_log = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        path.is_file() && (name == "log" || name.ends_with(".log") || name.starts_with("audit"))
    };
    let logs = entries.flatten().map(|entry| entry.path()).filter(|path| is_log(path));
    logs.flat_map(|path| found_in(&String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()))).collect()
}

#[test]
fn secrets_of_configurations_requests_and_commands_are_noted() {
    let mine = |name: &str| format!("{name}-of-this-one-test");
    note_config(&format!("encrypt = \"{}\"", mine("gossip-key")));
    note_config(&format!(r#"{{"acl": {{"tokens": {{"agent": "{}", "x": "{}"}}}}}}"#, mine("json"), mine("other")));
    note_config(&format!("acl {{ tokens {{ default = \"{}\" }} }}", mine("block")));
    note_config(&format!("-encrypt={}", mine("argument")));
    let header = mine("header");
    let bearer = format!("Bearer {}", mine("bearer"));
    let headers = [("X-Consul-Token", header.as_str()), ("Authorization", bearer.as_str())];
    note_request(&format!("/v1/kv/a?stale&token={}", mine("param")), &headers, b"");
    note_body(
        "/v1/acl/token",
        format!(r#"[{{"SecretID":"{}","AccessorID":"{}"}}]"#, mine("body"), mine("id")).as_bytes(),
    );
    note_command(&["acl", "bootstrap"], &[], format!("AccessorID:  x\nSecretID:    {}\n", mine("output")).as_bytes());
    let names = ["gossip-key", "json", "block", "argument", "header", "bearer", "param", "body", "output"];
    for name in names {
        assert_eq!(found_in(&mine(name)).len(), 1, "{name}");
    }
    for name in ["other", "id"] {
        assert!(found_in(&mine(name)).is_empty(), "{name} is no secret");
    }
}
