//! Secrets stay out of logs, monitors, documents, recordings and the `Debug` form of every value. Besides these cases the log of
//! every agent of every test is searched when it ends (`support::secrets`).

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

/// The `Debug` forms of values that hold [`KEY`] as a secret. Each shows something else of the value, so that it is one.
fn debug_forms() -> Vec<(&'static str, String)> {
    use serde_json::json;
    use tribune::acl::Tokens;
    use tribune::agent::ServiceRegistration;
    use tribune::agent::local::SyncTokens;
    use tribune::client::watch::{HttpHandler, Plan};
    use tribune::client::{Overrides, Response, Settings, aws};
    use tribune::config::settings::AclTokens;
    use tribune::config::{CheckDefinitionFile, Load, ServiceDefinition};
    use tribune::gossip::KeyReply;
    use tribune::gossip::keyring::Keyring;
    use tribune::rpc::SnapshotRequest;
    use tribune::state::Command;
    use tribune::tls::x509::Key;
    use tribune::types::acl::*;
    use tribune::types::cluster::{KeyringRequest, KeyringResponse};
    use tribune::types::txn::{TxnReadRequest, TxnRequest};
    use tribune::types::{
        CheckType, DeregisterRequest, KvRequest, PreparedQuery, PreparedQueryRequest, QueryOptions, RegisterRequest,
        SessionRequest, SystemMetadataEntry, SystemMetadataRequest,
    };
    fn read<T: serde::de::DeserializeOwned + std::fmt::Debug>(value: serde_json::Value) -> String {
        format!("{:?}", serde_json::from_value::<T>(value).expect("the shape of the type"))
    }
    let secret = || KEY.to_owned();
    let token = || AclToken { secret_id: secret(), ..AclToken::default() };
    let method =
        || AuthMethod { config: Some([("ServiceAccountJWT".to_owned(), json!(KEY))].into()), ..AuthMethod::default() };
    let query = || QueryOptions { token: secret(), ..QueryOptions::default() };
    let metadata = || SystemMetadataRequest {
        entry: SystemMetadataEntry { value: secret(), ..SystemMetadataEntry::default() },
        token: secret(),
        ..SystemMetadataRequest::default()
    };
    let keys = || std::collections::BTreeMap::from([(secret(), 1)]);
    let tokens = || AclTokens {
        initial_management: secret(),
        agent: secret(),
        agent_recovery: secret(),
        default: secret(),
        replication: secret(),
        config_file_service_registration: secret(),
        dns: secret(),
    };
    let config = format!(
        r#"encrypt = "{KEY}"
        acl {{ tokens {{ agent = "{KEY}" default = "{KEY}" initial_management = "{KEY}" replication = "{KEY}" }} }}
        auto_config {{ intro_token = "{KEY}" }}
        connect {{ enabled = true ca_provider = "vault" ca_config {{ Token = "{KEY}" }} }}
        watches = [{{ type = "keyprefix" prefix = "a" token = "{KEY}" args = ["true"] }}]
        service {{ name = "web" token = "{KEY}"
                   check {{ http = "http://127.0.0.1" interval = "1s" header = {{ Authorization = ["{KEY}"] }} }} }}
        check {{ name = "c" ttl = "1h" token = "{KEY}" }}"#
    );
    let load = Load { dev: true, hcl: vec![config], ..Load::default() };
    let loaded = tribune::config::load(&load).expect("a configuration");
    let mut response = Response {
        status: 200,
        index: 1,
        headers: Default::default(),
        body: format!(r#"{{"SecretID":"{KEY}"}}"#).into(),
    };
    response.headers.insert("x-consul-token", KEY.parse().expect("a header"));
    let mut client = Settings::for_address("127.0.0.1:8500").expect("an address");
    client.token = secret();
    client.auth = Some((String::new(), Some(secret())));
    let aws = || aws::Login {
        credentials: aws::Credentials { secret_access_key: secret(), session_token: secret(), ..Default::default() },
        sts: aws::Sts::new("", "").expect("an endpoint"),
        server_id: String::new(),
        include_entity: false,
    };
    let watch = json!({"type": "keyprefix", "prefix": "a", "token": KEY});
    let header = json!({"Authorization": [KEY]});
    vec![
        ("AclToken", format!("{:?}", token())),
        ("AclTokenListStub", format!("{:?}", AclTokenListStub::from(&token()))),
        ("AuthMethod", format!("{:?}", method())),
        ("AclLoginRequest", read::<AclLoginRequest>(json!({"Auth": {"BearerToken": KEY}, "Token": KEY}))),
        ("AclBootstrapRequest", read::<AclBootstrapRequest>(json!({"BootstrapSecret": KEY, "Token": KEY}))),
        ("AclTokenGetRequest", read::<AclTokenGetRequest>(json!({"TokenID": KEY, "Token": KEY}))),
        ("AclTokenSetRequest", read::<AclTokenSetRequest>(json!({"ACLToken": {"SecretID": KEY}, "Token": KEY}))),
        ("AclLogoutRequest", read::<AclLogoutRequest>(json!({ "Token": KEY }))),
        ("AclTokenResponse", read::<AclTokenResponse>(json!({"Token": {"SecretID": KEY}}))),
        ("RegisterRequest", read::<RegisterRequest>(json!({ "Token": KEY }))),
        ("DeregisterRequest", read::<DeregisterRequest>(json!({ "Token": KEY }))),
        ("KvRequest", read::<KvRequest>(json!({ "Token": KEY }))),
        ("SessionRequest", read::<SessionRequest>(json!({ "Token": KEY }))),
        ("TxnRequest", read::<TxnRequest>(json!({ "Token": KEY }))),
        ("TxnReadRequest", read::<TxnReadRequest>(json!({ "Token": KEY }))),
        ("PreparedQuery", read::<PreparedQuery>(json!({ "Token": KEY }))),
        ("PreparedQueryRequest", read::<PreparedQueryRequest>(json!({"Token": KEY, "Query": {"Token": KEY}}))),
        ("SnapshotRequest", read::<SnapshotRequest>(json!({ "Token": KEY }))),
        ("QueryOptions", format!("{:?}", query())),
        ("SystemMetadataRequest", format!("{:?}", metadata())),
        ("KeyringRequest", format!("{:?}", KeyringRequest { key: secret(), query: query(), ..Default::default() })),
        (
            "KeyringResponse",
            format!("{:?}", KeyringResponse { keys: keys(), primary_keys: keys(), ..Default::default() }),
        ),
        (
            "Command::AclTokenSet",
            format!("{:?}", Command::AclTokenSet(AclTokenBatchSet { tokens: vec![token()], ..Default::default() })),
        ),
        (
            "Command::AclBootstrap",
            format!("{:?}", Command::AclBootstrap(AclBootstrapEntry { token: token(), reset_index: 0 }.into())),
        ),
        (
            "Command::AclAuthMethodSet",
            format!("{:?}", Command::AclAuthMethodSet(AclAuthMethodBatchSet { auth_methods: vec![method()] })),
        ),
        ("Command::SystemMetadata", format!("{:?}", Command::SystemMetadata(metadata()))),
        ("CheckType", read::<CheckType>(json!({"Header": header, "Body": KEY}))),
        ("HttpHandler", read::<HttpHandler>(json!({ "header": header }))),
        ("Plan", format!("{:?}", Plan::parse(watch.as_object().expect("an object")).expect("a plan"))),
        ("client Token", read::<tribune::client::acl::Token>(json!({ "SecretID": KEY }))),
        ("Response", format!("{response:?}")),
        ("Overrides", format!("{:?}", Overrides { token: Some(secret()), ..Overrides::default() })),
        ("client Settings", format!("{client:?}")),
        ("aws Login", format!("{:?}", aws())),
        ("AclTokens", format!("{:?}", tokens())),
        ("Tokens", format!("{:?}", Tokens::new(tokens()))),
        ("SyncTokens", format!("{:?}", SyncTokens { agent: secret(), default: secret(), config_file: secret() })),
        ("Tree", format!("{:?}", tribune::config::hcl::tree::parse(load.hcl[0].as_bytes()).expect("a tree"))),
        ("Load", format!("{load:?}")),
        ("Loaded", format!("{loaded:?}")),
        ("ServiceDefinition", format!("{:?}", ServiceDefinition { token: secret(), ..Default::default() })),
        ("CheckDefinitionFile", format!("{:?}", CheckDefinitionFile { token: secret(), ..Default::default() })),
        (
            "ServiceRegistration",
            format!(
                "{:?}",
                ServiceRegistration {
                    service: Default::default(),
                    checks: Vec::new(),
                    token: secret(),
                    source: tribune::agent::Source::Remote,
                    replace_existing_checks: false,
                }
            ),
        ),
        (
            "KeyReply",
            format!(
                "{:?}",
                KeyReply { keys: [(secret(), 1)].into(), primary_keys: [(secret(), 1)].into(), ..Default::default() }
            ),
        ),
        ("Keyring", format!("{:?}", Keyring::from_base64(&[secret()]).expect("a key"))),
        ("Key of a certificate", {
            let (key, pem) = Key::generate().expect("a key");
            let shown = format!("{key:?}");
            let inside: String = pem.lines().filter(|line| !line.starts_with("--")).collect();
            assert!(!shown.contains(&inside[8..40]), "{shown}");
            shown
        }),
    ]
}

#[test]
fn no_debug_form_shows_a_secret() {
    for (name, shown) in debug_forms() {
        assert!(!shown.contains(KEY), "{name}: {shown}");
        assert!(name.starts_with("Key") || shown.contains("<hidden>"), "{name} does not say that it hides: {shown}");
    }
}
