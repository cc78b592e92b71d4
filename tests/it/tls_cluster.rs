//! Clusters whose servers speak TLS with each other and with their clients: with the right certificates everything works,
//! with wrong ones nobody gets in.

use crate::support::cluster::*;
use crate::support::tls::*;
use crate::support::*;
use std::io::{Read, Write};
use std::net::TcpStream;

/// TLS as strict as it can be, with these files.
fn strict(ca: &str, files: &Files) -> String {
    format!(
        "tls {{ defaults {{ ca_file = {ca:?} cert_file = {:?} key_file = {:?} verify_incoming = true verify_outgoing = true }}\n\
         internal_rpc {{ verify_server_hostname = true }} }}",
        files.cert, files.key
    )
}

fn server_files(authority: &Authority, dc: &str) -> Files {
    authority.make(&format!("{dc}-server"), &[&format!("server.{dc}.consul"), "localhost"], Life::Valid)
}

fn client_files(authority: &Authority) -> Files {
    authority.make("client", &["client.dc1.consul", "localhost"], Life::Valid)
}

/// A cluster of servers that demand TLS.
fn strict_cluster(authority: &Authority, count: usize) -> Cluster {
    let text = strict(&authority.file(), &server_files(authority, "dc1"));
    cluster_with(count, |builder| builder.file("tls.hcl", &text))
}

#[test]
fn three_servers_and_a_client_agent_do_everything_over_tls() {
    let authority = Authority::new("one");
    let mut cluster = strict_cluster(&authority, 3);
    let text = strict(&authority.file(), &client_files(&authority));
    let client = cluster.client("c1").file("tls.hcl", &text).start();
    wait_until("the client in the catalog", || client.health_of_node("c1") == "passing");
    client.write("a", "1");
    assert_eq!(client.read("a").as_deref(), Some("1"));
    let follower = cluster.follower();
    cluster.servers[follower].write("b", "2");
    assert_eq!(cluster.servers[follower].read("b").as_deref(), Some("2"));
    let archive = client.dir.join("backup.snap");
    client.cli_ok(&["snapshot", "save", &archive.to_string_lossy()]);
    client.write("a", "changed");
    client.cli_ok(&["snapshot", "restore", &archive.to_string_lossy()]);
    wait_until("the restored value", || client.read("a").as_deref() == Some("1"));
    let leader = cluster.leader();
    cluster.servers[leader].kill();
    wait_until("another leader", || cluster.leader_now().is_some_and(|now| now != leader));
    client.write("c", "3");
    // a server that was away for long gets a snapshot over the link
    cluster.servers[leader].restart_member();
    cluster.wait_replicated("c", "3");
    let log: String = cluster.servers.iter().map(TestAgent::log).collect();
    assert!(!log.contains("AuthorizeServerConn"), "nobody was refused");
}

#[test]
fn peers_without_tls_or_with_a_stranger_s_certificate_are_not_served() {
    let (authority, other) = (Authority::new("one"), Authority::new("other"));
    let cluster = strict_cluster(&authority, 1);
    let port = format!("{}:8300", cluster.servers[0].address);
    // the start of a session and a ping, which is answered at once
    let ping = [4u8, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9];
    let greeted = |config: &std::sync::Arc<rustls::ClientConfig>, before: &[u8], inner: &[u8]| -> bool {
        let Ok(mut tls) = Tls::connect(config, &port, "server.dc1.consul", before) else { return false };
        tls.send(inner).is_ok() && tls.receive(&mut [0; 64]).is_ok_and(|length| length > 0)
    };
    let good = authority.client(Some(&client_files(&authority)));
    assert!(greeted(&good, &[3], &ping), "the right certificate is served");
    let strangers = other.make("stranger", &["server.dc1.consul"], Life::Valid);
    let expired = authority.make("expired", &["server.dc1.consul"], Life::Expired);
    let refused = [careless_client(None), careless_client(Some(&strangers)), careless_client(Some(&expired))];
    for config in &refused {
        assert!(!greeted(config, &[3], &ping));
    }
    for before in [&[4u8][..], &[0], &[5], &[8], &[16]] {
        let mut stream = TcpStream::connect(&port).expect("connected");
        let _ = stream.write_all(before);
        let _ = stream.write_all(&ping[1..]);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty(), "type {before:?} without TLS got {answer:?}");
    }
    // TLS inside of TLS, and type 7 where no certificates are handed out
    assert!(!greeted(&good, &[3], &[3]));
    assert!(!greeted(&careless_client(None), &[7], &ping));
}

#[test]
fn native_tls_serves_the_protocol_that_was_agreed_on() {
    let authority = Authority::new("one");
    let cluster = strict_cluster(&authority, 1);
    let port = format!("{}:8300", cluster.servers[0].address);
    let client = |protocol: &str, identity: Option<&Files>| {
        let mut config = rustls::ClientConfig::clone(&authority.client(identity));
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let mut tls = Tls::connect(&config.into(), &port, "server.dc1.consul", &[])?;
        tls.send(&[0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9])?;
        tls.receive(&mut [0; 64])
    };
    let files = client_files(&authority);
    assert!(client("consul/rpc-multi", Some(&files)).is_ok_and(|length| length > 0));
    assert!(!client("consul/rpc-multi", None).is_ok_and(|length| length > 0), "a certificate is always demanded");
    assert!(!client("consul/raft", Some(&files)).is_ok_and(|length| length > 0));
    assert!(!client("h2", Some(&files)).is_ok_and(|length| length > 0));
}

#[test]
fn a_client_certificate_cannot_act_as_a_server() {
    let authority = Authority::new("one");
    let cluster = strict_cluster(&authority, 1);
    let text = strict(&authority.file(), &client_files(&authority));
    let impostor = cluster.joining_server("impostor").file("tls.hcl", &text).start();
    cluster.servers[0].wait_member("impostor", "alive");
    // the true server does not believe it, and it reaches nobody
    wait_until("a refusal in the log", || {
        cluster.servers[0]
            .log()
            .contains("certificate is valid for client.dc1.consul, localhost, not server.dc1.consul")
    });
    cluster.servers[0].write("a", "1");
    let stale = impostor.ask("/v1/kv/a?raw&stale");
    assert!(stale.is_none_or(|answer| answer.text() != "1"), "nothing was replicated to it");
    let peers = cluster.servers[0].raft_servers();
    assert!(peers.iter().all(|peer| peer["Node"] != "impostor" || peer["Voter"] == false), "{peers:?}");
    // a link from it is refused as well: first bytes of a hello behind the type byte
    let config = authority.client(Some(&client_files(&authority)));
    let port = format!("{}:8300", cluster.servers[0].address);
    let mut tls = Tls::connect(&config, &port, "server.dc1.consul", &[3]).expect("a handshake");
    tls.send(&[16, 1, 0, 1, b'x', 0, 0]).expect("sent");
    assert!(!tls.receive(&mut [0; 8]).is_ok_and(|length| length > 0), "no answer to a hello");
    let refusal = "AuthorizeServerConn failed certificate validation for certificate with a SAN.DNSName of \
                   server.dc1.consul: x509: certificate is valid for client.dc1.consul, localhost, not server.dc1.consul";
    wait_until("the refusal", || cluster.servers[0].log().contains(refusal));
}

#[test]
fn clients_do_not_believe_a_server_of_another_name_or_authority() {
    let (authority, other) = (Authority::new("one"), Authority::new("other"));
    let cluster = strict_cluster(&authority, 1);
    let files = client_files(&authority);
    let wrong_name = format!("{}\ndomain = \"elsewhere.\"", strict(&authority.file(), &files));
    let cases = [
        ("c1", wrong_name.as_str(), "certificate is valid for server.dc1.consul, localhost, not server.dc1.elsewhere"),
        ("c2", &strict(&other.file(), &files), "certificate signed by unknown authority"),
    ];
    for (name, text, reason) in cases {
        let client = cluster.client(name).file("tls.hcl", text).start();
        cluster.servers[0].wait_member(name, "alive");
        wait_until("the reason of the refusal", || {
            let answer = client.get("/v1/kv/a");
            assert_eq!(answer.status, 500, "{}", answer.text());
            answer.text().contains(reason)
        });
    }
}

#[test]
fn a_client_without_tls_gets_no_answer_from_servers_that_demand_it_and_some_from_those_that_do_not() {
    let authority = Authority::new("one");
    let cluster = strict_cluster(&authority, 1);
    let client = cluster.client("plain").start();
    cluster.servers[0].wait_member("plain", "alive");
    assert_eq!(client.get("/v1/kv/a").status, 500);
    // on the way from plain to TLS servers take both
    let files = server_files(&authority, "dc1");
    let both = format!(
        "tls {{ internal_rpc {{ ca_file = {:?} cert_file = {:?} key_file = {:?} }} }}",
        authority.file(),
        files.cert,
        files.key
    );
    cluster.servers[0].write_config("tls.hcl", &both);
    cluster.servers[0].cli_ok(&["reload"]);
    client.write("a", "1");
    let dialing = format!("tls {{ internal_rpc {{ ca_file = {:?} verify_outgoing = true }} }}", authority.file());
    let secure = cluster.client("secure").file("tls.hcl", &dialing).start();
    assert_eq!(secure.read("a").as_deref(), Some("1"));
}

#[test]
fn servers_of_two_datacenters_prove_their_own_names() {
    let authority = Authority::new("one");
    let first = strict_cluster(&authority, 1);
    let wan = format!("retry_join_wan = {}", hcl_list(&first.addresses()));
    let start = |name: &str, dc: &str, files: &Files| {
        let builder = member(name).server_of(1).arg(format!("-datacenter={dc}"));
        builder.file("tls.hcl", &strict(&authority.file(), files)).file("wan.hcl", &wan).start()
    };
    let second = start("far", "dc2", &server_files(&authority, "dc2"));
    wait_until("a value in the other datacenter", || {
        let put = first.servers[0].try_put("/v1/kv/a?dc=dc2", "1");
        put.is_ok_and(|answer| answer.status == 200)
    });
    assert_eq!(second.read("a").as_deref(), Some("1"));
    assert_eq!(second.get("/v1/kv/a?raw&dc=dc1").status, 404);
    // a server of dc1 cannot pass for one of dc3
    let third = start("false", "dc3", &server_files(&authority, "dc1"));
    wait_until("the third datacenter", || {
        first.servers[0].wan_members().get("false.dc3").is_some_and(|status| *status == "alive")
    });
    let refused = first.servers[0].get("/v1/kv/a?dc=dc3");
    assert_eq!(refused.status, 500);
    assert!(refused.text().contains("not server.dc3.consul"), "{}", refused.text());
    drop(third);
}

/// The real Consul, or a printed reason.
fn consul() -> Option<String> {
    let binary = reference_binary();
    if binary.is_none() {
        println!("skipped: CONSUL_BIN names no Consul");
    }
    binary
}

/// Certificates of our own command, as an operator makes them.
struct Made {
    folder: tempfile::TempDir,
}

impl Made {
    fn new() -> Made {
        let folder = tempfile::tempdir().expect("a folder");
        for args in [&["ca", "create"][..], &["cert", "create", "-server"], &["cert", "create", "-client"]] {
            let made = std::process::Command::new(BINARY).arg("tls").args(args).current_dir(folder.path()).output();
            let made = made.expect("the command runs");
            assert!(made.status.success(), "{}", stderr(&made));
        }
        Made { folder }
    }

    /// The old keys, which both versions know.
    fn config(&self, kind: &str) -> String {
        let path = |name: &str| self.folder.path().join(name).to_string_lossy().into_owned();
        format!(
            "ca_file = {:?}\ncert_file = {:?}\nkey_file = {:?}\nverify_incoming = true\nverify_outgoing = true\n\
             verify_server_hostname = true",
            path("consul-agent-ca.pem"),
            path(&format!("dc1-{kind}-consul-0.pem")),
            path(&format!("dc1-{kind}-consul-0-key.pem"))
        )
    }
}

/// Servers of one make and a client of the other, over TLS.
fn together(servers: &str, client: &str) {
    let made = Made::new();
    let cluster = cluster_of(servers, 1, |builder| builder.file("tls.hcl", &made.config("server")));
    let client = cluster.client_of(client, "c1").file("tls.hcl", &made.config("client")).start();
    wait_until("the client in the catalog", || client.health_of_node("c1") == "passing");
    client.put_ok("/v1/agent/service/register", r#"{"Name":"web","Port":80}"#);
    wait_until("its service", || cluster.servers[0].passing("web").contains("c1"));
    client.write("mixed", "1");
    assert_eq!(cluster.servers[0].read("mixed").as_deref(), Some("1"));
    let archive = client.dir.join("backup.snap");
    client.cli_ok(&["snapshot", "save", &archive.to_string_lossy()]);
    client.write("mixed", "2");
    client.cli_ok(&["snapshot", "restore", &archive.to_string_lossy()]);
    wait_until("the restored value", || client.read("mixed").as_deref() == Some("1"));
}

#[test]
fn a_real_client_agent_lives_beside_our_tls_servers() {
    if let Some(consul) = consul() {
        together(BINARY, &consul);
    }
}

#[test]
fn our_client_agent_lives_beside_real_tls_servers() {
    if let Some(consul) = consul() {
        together(&consul, BINARY);
    }
}
