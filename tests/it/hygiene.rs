//! Secrets stay out of logs, monitors, documents and recordings. Besides these cases the log of every agent of every test is
//! searched when it ends (`support::secrets`).

use crate::support::*;
use std::io::{Read, Write};
use std::net::TcpStream;

const KEY: &str = "9vbd0AIZcYHzHjmvxwuV4LuXiJ+yAqAC6ZTxvhNrRSE=";
const TOKENS: [&str; 8] = [
    "c0ffee00-0001-4000-8000-0123456789ab",
    "c0ffee00-0002-4000-8000-0123456789ab",
    "c0ffee00-0003-4000-8000-0123456789ab",
    "c0ffee00-0004-4000-8000-0123456789ab",
    "c0ffee00-0005-4000-8000-0123456789ab",
    "c0ffee00-0006-4000-8000-0123456789ab",
    "c0ffee00-0007-4000-8000-0123456789ab",
    "c0ffee00-0008-4000-8000-0123456789ab",
];

/// An agent that has secrets, in files and arguments.
fn agent_with_secrets() -> TestAgent {
    let [agent, default, recovery, replication, service, initial, check, registration] = TOKENS;
    let config = format!(
        "acl {{ enabled = false tokens {{ agent = \"{agent}\" default = \"{default}\" agent_recovery = \"{recovery}\"
            replication = \"{replication}\" initial_management = \"{initial}\"
            config_file_service_registration = \"{registration}\" }} }}
        service {{ name = \"web\" token = \"{service}\" }}
        check {{ name = \"c\" ttl = \"1h\" token = \"{check}\" }}"
    );
    server().arg(format!("-encrypt={KEY}")).file("secrets.hcl", &config).arg("-log-level=trace").start()
}

/// Asks for much with tokens in every place where one can stand; what follows must not show them.
fn ask_with_tokens(agent: &TestAgent) {
    let token = "c0ffee00-0009-4000-8000-0123456789ab";
    secrets::note(token);
    let bearer = format!("Bearer {token}");
    for method in ["GET", "PUT", "DELETE", "POST"] {
        for path in ["/v1/kv/a", "/v1/agent/self", "/v1/catalog/nodes", "/v1/nope", "/v1/session/create", "/ui/"] {
            for query in [
                format!("token={token}"),
                format!("stale&token={token}&pretty"),
                format!("%74oken={token}"),
                format!("token={}", token.replace('-', "%2D")),
                format!("cas=1&acquire=x&token={token}"),
                format!("index=x&token={token}"),
                format!("dc=nowhere&token={token}"),
                format!("filter=(&token={token}"),
            ] {
                agent.send(method, &format!("{path}?{query}"), "{}");
            }
            agent.send_with(method, path, &[("X-Consul-Token", token)], "{}");
            agent.send_with(method, path, &[("Authorization", &bearer)], "{}");
        }
    }
    agent.send("GET", "/v1/operator/keyring", "");
    agent.send("POST", "/v1/operator/keyring", format!("{{\"Key\":\"{KEY}\"}}"));
    agent.send("PUT", "/v1/operator/keyring", format!("{{\"Key\":\"{KEY}\"}}"));
    agent.send("PUT", "/v1/agent/token/default", format!("{{\"Token\":\"{token}\"}}"));
    agent.send("PUT", "/v1/agent/service/register", format!("{{\"Name\":\"s\",\"Token\":\"{token}\"}}"));
    agent.send("PUT", "/v1/agent/service/register", format!("{{\"Name\":7,\"Token\":\"{token}\"}}"));
    agent.send("PUT", "/v1/agent/check/register", format!("{{\"Name\":\"s\",\"TTL\":\"x\",\"Token\":\"{token}\"}}"));
}

#[test]
fn no_log_shows_a_secret() {
    let agent = agent_with_secrets();
    let mut monitor = TcpStream::connect(agent.http_address()).expect("a connection");
    monitor.write_all(b"GET /v1/agent/monitor?loglevel=trace HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    let seen = std::thread::spawn(move || {
        let mut seen = String::new();
        let mut bytes = [0; 65_536];
        while let Ok(len @ 1..) = monitor.read(&mut bytes) {
            seen.push_str(&String::from_utf8_lossy(&bytes[..len]));
        }
        seen
    });
    ask_with_tokens(&agent);
    agent.write_config("bad.hcl", "check { token = \"c0ffee00-0010-4000-8000-0123456789ab\" ttl = 7 }");
    assert!(!agent.cli(&["reload"]).status.success());
    assert!(agent.log().contains("/v1/kv/a?"), "requests are logged");
    assert_eq!(secrets::found_in(&agent.log()), [], "the log");
    let own = agent.get("/v1/agent/self").text();
    assert_eq!(secrets::found_in(&own), [], "the agent's document");
    for target in
        ["/v1/agent/services", "/v1/agent/checks", "/v1/agent/members", "/v1/agent/metrics", "/v1/catalog/services"]
    {
        assert_eq!(secrets::found_in(&agent.get(target).text()), [], "{target}");
    }
    drop(agent);
    let seen = seen.join().expect("the reader ends");
    assert!(seen.contains("Request finished"), "the monitor saw something");
    assert_eq!(secrets::found_in(&seen), [], "the monitor");
}

#[test]
fn no_recording_shows_a_secret() {
    let agent = agent_with_secrets();
    let dir = tempfile::tempdir().expect("a folder");
    let output = dir.path().join("recording");
    let (text, args) = (output.to_string_lossy().into_owned(), ["-duration=10s", "-interval=5s", "-archive=false"]);
    let recorder = {
        let address = agent.http_address();
        let args: Vec<String> =
            ["debug".to_owned(), format!("-output={text}")].into_iter().chain(args.map(str::to_owned)).collect();
        std::thread::spawn(move || {
            let args: Vec<&str> = args.iter().map(String::as_str).collect();
            run_cli(BINARY, &args, &[("CONSUL_HTTP_ADDR", &address)], b"")
        })
    };
    while !recorder.is_finished() {
        ask_with_tokens(&agent);
    }
    let recorded = recorder.join().expect("the recorder ends");
    assert!(recorded.status.success(), "{}{}", stdout(&recorded), stderr(&recorded));
    let mut folders = vec![output];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let text = String::from_utf8_lossy(&std::fs::read(&path).expect("a file")).into_owned();
            assert_eq!(secrets::found_in(&text), [], "{}", path.display());
        }
    }
    assert!(files >= 4, "{files} files");
}
