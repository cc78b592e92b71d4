//! The certificate authority: its roots and its configuration over HTTP and by command.

use crate::support::cluster::*;
use crate::support::*;
use serde_json::{Value, json};
use tribune::tls::x509::Parsed;

/// The roots, once there are some.
fn roots(agent: &TestAgent) -> Value {
    wait_for("a root", || {
        let answer = agent.ask("/v1/connect/ca/roots")?;
        let roots = (answer.status == 200).then(|| answer.json())?;
        (roots["ActiveRootID"] != "").then_some(roots)
    })
}

#[test]
fn a_new_cluster_has_a_root_that_everybody_may_know() {
    let agent = dev().start();
    let roots = roots(&agent);
    let root = &roots["Roots"][0];
    assert_eq!((&root["ID"], &root["Active"]), (&roots["ActiveRootID"], &json!(true)));
    assert_eq!((&root["PrivateKeyType"], &root["PrivateKeyBits"]), (&json!("ec"), &json!(256)));
    let domain = roots["TrustDomain"].as_str().expect("text");
    assert_eq!(domain, format!("{}.consul", root["ExternalTrustDomain"].as_str().expect("text")));
    let chain = agent.get("/v1/connect/ca/roots?pem=true");
    assert_eq!(chain.header("content-type"), Some("application/pem-certificate-chain"));
    assert_eq!(chain.text(), root["RootCert"].as_str().expect("text"));
    let certificates = tribune::tls::pem::certificates(&chain.body).expect("a certificate");
    assert_eq!(Parsed::of(&certificates[0]).expect("readable").uris(), [format!("spiffe://{domain}")]);
    let bad = agent.get("/v1/connect/ca/roots?pem=x");
    assert_eq!((bad.status, bad.text().as_str()), (400, "The 'pem' query parameter must be a boolean value"));
    for expected in ["MISS", "HIT"] {
        let cached = agent.get("/v1/agent/connect/ca/roots");
        assert_eq!((cached.header("x-cache"), cached.json()), (Some(expected), roots.clone()));
    }
    assert!(!chain.text().contains("PRIVATE KEY"));
}

#[test]
fn the_configuration_is_read_and_changed_by_command() {
    let agent = dev().start();
    let before = roots(&agent);
    let config = agent.get("/v1/connect/ca/configuration").json();
    let lives = json!({ "IntermediateCertTTL": "8760h", "LeafCertTTL": "72h", "RootCertTTL": "87600h" });
    assert_eq!((&config["Provider"], &config["Config"], &config["State"]), (&json!("consul"), &lives, &Value::Null));
    let shown = agent.cli_ok(&["connect", "ca", "get-config"]);
    assert!(shown.starts_with("{\n\t\"Provider\": \"consul\",\n"), "{shown}");
    let refused = [
        (r#"{"Provider":"foo"}"#, "could not initialize provider: unknown CA provider \"foo\""),
        (
            r#"{"Provider":"consul","Config":{"LeafCertTTL":"1m"}}"#,
            "error configuring provider: leaf cert TTL must be greater or equal than 1h0m0s",
        ),
    ];
    for (body, text) in refused {
        let answer = agent.put("/v1/connect/ca/configuration", body);
        assert_eq!((answer.status, answer.text().as_str()), (500, text));
    }
    let state = agent.put("/v1/connect/ca/configuration", r#"{"Provider":"consul","State":{"a":"b"}}"#);
    assert_eq!(state.status, 400, "{}", state.text());
    let file = agent.dir.join("ca.json");
    std::fs::write(&file, r#"{"Provider":"consul","Config":{"LeafCertTTL":"2h"}}"#).expect("a file");
    let changed = agent.cli_ok(&["connect", "ca", "set-config", "-config-file", &file.to_string_lossy()]);
    assert_eq!(changed.trim(), "Configuration updated!");
    let after = agent.get("/v1/connect/ca/configuration").json();
    assert_eq!(after["Config"], json!({ "LeafCertTTL": "2h" }));
    assert_eq!(roots(&agent)["ActiveRootID"], before["ActiveRootID"], "the root stays");
    let missing = agent.cli(&["connect", "ca", "set-config"]);
    assert!(stderr(&missing).contains("The -config-file flag is required"), "{}", stderr(&missing));
}

#[test]
fn a_key_that_the_operator_brings_makes_a_new_root_that_the_old_one_vouches_for_and_is_never_shown() {
    let agent = dev().start();
    let before = roots(&agent);
    let (_, key) = tribune::tls::x509::Key::generate().expect("a key");
    let body = json!({ "Provider": "consul", "Config": { "LeafCertTTL": "2h", "PrivateKey": key } });
    agent.put_ok("/v1/connect/ca/configuration", body.to_string());
    let after = roots(&agent);
    assert_ne!(after["ActiveRootID"], before["ActiveRootID"]);
    assert_eq!(after["TrustDomain"], before["TrustDomain"]);
    let rows = after["Roots"].as_array().expect("rows");
    let of = |id: &Value| rows.iter().find(|row| row["ID"] == *id).expect("a root");
    assert_eq!(of(&before["ActiveRootID"])["Active"], false, "the old one stays known");
    let crossed = of(&after["ActiveRootID"])["IntermediateCerts"].as_array().map(Vec::len);
    assert_eq!(crossed, Some(1));
    let shown = agent.get("/v1/connect/ca/configuration");
    assert_eq!(shown.json()["Config"]["PrivateKey"], "hidden");
    // what was read is written back: the key is the one that it was
    agent.put_ok("/v1/connect/ca/configuration", shown.text().replace("2h", "3h"));
    assert_eq!(roots(&agent)["ActiveRootID"], after["ActiveRootID"]);
    let line = key.lines().nth(1).expect("a line of the key");
    assert!(!agent.log().contains(line) && !shown.text().contains(line));
}

#[test]
fn the_root_survives_restarts_snapshots_and_another_leader() {
    let mut cluster = cluster(3);
    let root = roots(&cluster.servers[0])["ActiveRootID"].clone();
    let leader = cluster.leader();
    cluster.servers[leader].kill();
    let next = wait_for("another leader", || cluster.leader_now().filter(|now| *now != leader));
    assert_eq!(roots(&cluster.servers[next])["ActiveRootID"], root);
    cluster.servers[leader].restart_member();
    let archive = cluster.servers[next].dir.join("backup.snap").to_string_lossy().into_owned();
    cluster.servers[next].cli_ok(&["snapshot", "save", &archive]);
    let other = dev().start();
    assert_ne!(roots(&other)["ActiveRootID"], root);
    other.cli_ok(&["snapshot", "restore", &archive]);
    wait_until("the root of the snapshot", || roots(&other)["ActiveRootID"] == root);
}

#[test]
fn without_the_authority_its_endpoints_say_so() {
    let agent = dev().hcl("connect { enabled = false }").start();
    for target in ["/v1/connect/ca/roots", "/v1/connect/ca/configuration"] {
        let answer = agent.get(target);
        let text = "Connect must be enabled in order to use this endpoint";
        assert_eq!((answer.status, answer.text().as_str()), (500, text));
    }
}

#[test]
fn a_real_consul_goes_on_with_our_root_and_we_with_its() {
    let Some(consul) = reference_binary() else {
        println!("skipped: CONSUL_BIN names no Consul");
        return;
    };
    for (from, to) in [(under_test(), consul.clone()), (consul.clone(), under_test())] {
        let first = AgentBuilder::new(&from, true).start();
        let root = roots(&first);
        let archive = first.dir.join("backup.snap").to_string_lossy().into_owned();
        first.cli_ok(&["snapshot", "save", &archive]);
        let second = AgentBuilder::new(&to, true).start();
        roots(&second);
        second.cli_ok(&["snapshot", "restore", &archive]);
        wait_until("the root of the snapshot", || roots(&second)["ActiveRootID"] == root["ActiveRootID"]);
        assert_eq!(roots(&second)["TrustDomain"], root["TrustDomain"]);
    }
}
