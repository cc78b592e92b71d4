//! Client agents that get their certificates from the servers (`auto_encrypt`): they come with the CA and the gossip key, or
//! with the key alone, and nobody gets more than a certificate of its own node.

use crate::support::cluster::*;
use crate::support::tls::*;
use crate::support::*;
use std::io::{Read, Write};

/// The key of the gossip.
const KEY: &str = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s=";

/// A server that is as strict as it can be, and hands out certificates.
pub fn handing_out(authority: &Authority, dc: &str) -> String {
    let files = authority.make(&format!("{dc}-server"), &[&format!("server.{dc}.consul"), "localhost"], Life::Valid);
    format!(
        "encrypt = {KEY:?}
         tls {{ defaults {{ ca_file = {:?} cert_file = {:?} key_file = {:?} verify_incoming = true verify_outgoing = true }}
                internal_rpc {{ verify_server_hostname = true }} }}
         auto_encrypt {{ allow_tls = true }}",
        authority.file(),
        files.cert,
        files.key
    )
}

/// Files in the folder of an authority.
fn files_of(authority: &Authority, name: &str) -> Files {
    let path = |end: &str| authority.folder().join(format!("{name}{end}")).to_string_lossy().into_owned();
    Files { cert: path(".pem"), key: path("-key.pem") }
}

/// A client agent that asks for its certificate and knows the CA.
fn asking(authority: &Authority) -> String {
    format!(
        "encrypt = {KEY:?}
         tls {{ defaults {{ ca_file = {:?} verify_outgoing = true }} internal_rpc {{ verify_server_hostname = true }} }}
         auto_encrypt {{ tls = true dns_san = [\"web.example\"] ip_san = [\"127.0.0.9\"] }}",
        authority.file()
    )
}

fn handing_cluster(authority: &Authority, count: usize, more: &str) -> Cluster {
    let text = format!("{}\n{more}", handing_out(authority, "dc1"));
    cluster_with(count, |builder| builder.file("tls.hcl", &text))
}

/// How often a certificate came into force.
fn certificates(agent: &TestAgent) -> usize {
    agent.log().matches("certificate in force").count()
}

#[test]
fn a_client_with_the_ca_and_the_key_joins_a_strict_cluster_and_survives_its_restart() {
    let authority = Authority::new("one");
    let mut cluster = handing_cluster(&authority, 3, "");
    let client = cluster.client("c1").file("tls.hcl", &asking(&authority)).start();
    wait_until("the client in the catalog", || client.health_of_node("c1") == "passing");
    client.write("a", "1");
    assert_eq!(client.read("a").as_deref(), Some("1"));
    assert!(!client.log().contains("no CA is configured"));
    // a client without any certificate is not served
    let bare = format!(
        "encrypt = {KEY:?} tls {{ internal_rpc {{ ca_file = {:?} verify_outgoing = true }} }}",
        authority.file()
    );
    let other = cluster.client("c2").file("tls.hcl", &bare).start();
    cluster.servers[0].wait_member("c2", "alive");
    assert_eq!(other.get("/v1/kv/a").status, 500);
    for server in &mut cluster.servers {
        server.kill();
    }
    for server in &mut cluster.servers {
        server.restart_no_wait();
    }
    for server in &mut cluster.servers {
        server.wait_ready();
    }
    cluster.leader();
    wait_until("an answer through restarted servers", || client.ask("/v1/kv/a?raw").is_some_and(|a| a.text() == "1"));
    assert_eq!(certificates(&client), 1, "the certificate is still good");
}

#[test]
fn a_client_that_knows_no_ca_believes_the_first_answer_and_says_so() {
    let authority = Authority::new("one");
    let mut cluster = handing_cluster(&authority, 1, "");
    let text = format!("encrypt = {KEY:?}\nauto_encrypt {{ tls = true }}");
    let client = cluster.client("c1").file("tls.hcl", &text).start();
    wait_until("the client in the catalog", || client.health_of_node("c1") == "passing");
    client.write("a", "1");
    assert!(client.log().contains("no CA is configured"));
    // from then on it knows whom to believe
    cluster.servers[0].kill();
    let stranger = Authority::new("other");
    files_of(&authority, "dc1-server").replace_by(&stranger.make("s", &["server.dc1.consul"], Life::Valid));
    cluster.servers[0].restart_member();
    wait_until("the reason", || {
        client.ask("/v1/kv/a").is_some_and(|answer| answer.text().contains("certificate signed by unknown authority"))
    });
}

#[test]
fn https_of_the_client_shows_the_certificate_with_the_names_that_it_wanted() {
    let authority = Authority::new("one");
    let cluster = handing_cluster(&authority, 1, "");
    let text = format!("{}\nports {{ https = 8501 }}", asking(&authority));
    let client = cluster.client("c1").file("tls.hcl", &text).start();
    wait_until("the client in the catalog", || client.health_of_node("c1") == "passing");
    let tls = Tls::connect(&careless_client(None), &format!("{}:8501", client.address), "localhost", &[]);
    let certificate = tls.expect("a handshake").server_certificate();
    let parsed = tribune::tls::x509::Parsed::of(&certificate).expect("readable");
    assert_eq!(parsed.dns(), ["localhost", "web.example"]);
    let uri = parsed.uris()[0];
    assert!(uri.starts_with("spiffe://") && uri.ends_with(".consul/agent/client/dc/dc1/id/c1"), "{uri}");
    let roots = client.get("/v1/agent/connect/ca/roots").json();
    assert!(uri.contains(roots["TrustDomain"].as_str().expect("text")));
}

#[test]
fn a_client_needs_the_permission_to_write_its_node() {
    let authority = Authority::new("one");
    let acl = "acl { enabled = true default_policy = \"deny\" }";
    let text = handing_out(&authority, "dc1");
    let cluster = cluster_with(1, |builder| builder.acl().file("tls.hcl", &text));
    let refused = cluster.client("c1").file("tls.hcl", &format!("{}\n{acl}", asking(&authority))).no_wait().start();
    wait_until("the refusal", || refused.log().contains("lacks permission 'node:write' on \\\"c1\\\""));
    assert!(refused.ask("/v1/agent/self").is_none(), "it has not started");
    drop(refused);
    let (_, secret) =
        cluster.servers[0].token("node \"c2\" { policy = \"write\" } agent \"c2\" { policy = \"write\" }");
    let token = format!("acl {{ enabled = true default_policy = \"deny\" tokens {{ agent = {secret:?} }} }}");
    let named = |name: &str| cluster.client(name).file("tls.hcl", &format!("{}\n{token}", asking(&authority)));
    let client = named("c2").no_wait().start();
    wait_until("the client in the catalog", || cluster.servers[0].health_of_node("c2") == "passing");
    drop(client);
    let other = named("c3").no_wait().start();
    wait_until("the refusal", || other.log().contains("lacks permission 'node:write' on \\\"c3\\\""));
}

#[test]
fn a_client_that_has_nobody_to_ask_says_so() {
    let mut agent = member("c1").file("tls.hcl", "auto_encrypt { tls = true }").no_wait().start();
    assert_eq!(agent.wait_exit(), Some(1));
    assert!(agent.log().contains("there is nobody to ask for a certificate; set retry_join"), "{}", agent.log());
}

/// A text as msgpack has it.
fn text(text: &str) -> Vec<u8> {
    let length = u16::try_from(text.len()).expect("short");
    [&[0xda][..], &length.to_be_bytes(), text.as_bytes()].concat()
}

/// The bytes of a call.
fn call(method: &str, fields: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = [&[0x82][..], &text("Seq"), &[1], &text("ServiceMethod"), &text(method)].concat();
    bytes.push(0x80 | u8::try_from(fields.len()).expect("few"));
    fields.iter().for_each(|(name, value)| bytes.extend([text(name), text(value)].concat()));
    bytes
}

/// What a server answers on a connection of this type.
fn answer(port: &str, config: &std::sync::Arc<rustls::ClientConfig>, before: &[u8], bytes: &[u8]) -> String {
    let mut tls = Tls::connect(config, port, "server.dc1.consul", before).expect("a handshake");
    tls.send(bytes).expect("sent");
    let mut read = Vec::new();
    let mut piece = [0; 16_384];
    // a method that is not there ends the connection; others leave it open
    const ENDS: [&str; 3] = ["VerifyServerHostname", "check client has same", "that only servers have"];
    while let Ok(length @ 1..) = tls.receive(&mut piece) {
        read.extend_from_slice(&piece[..length]);
        let text = String::from_utf8_lossy(&read);
        if ENDS.iter().any(|end| text.contains(end)) {
            break;
        }
    }
    String::from_utf8_lossy(&read).into_owned()
}

/// A request for a certificate of this node with these DNS names, made by another library, and its key.
fn request_for(node: &str, dns: &[&str]) -> (String, rcgen::KeyPair) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let names: Vec<String> = dns.iter().map(|name| (*name).to_owned()).collect();
    let mut params = rcgen::CertificateParams::new(names).expect("names");
    let uri = format!("spiffe://unknown/agent/client/dc/dc1/id/{node}");
    params.subject_alt_names.push(rcgen::SanType::URI(uri.as_str().try_into().expect("ASCII")));
    let csr = params.serialize_request(&key).and_then(|made| made.pem()).expect("a request");
    (csr, key)
}

#[test]
fn those_who_come_for_a_certificate_get_nothing_else_and_it_opens_no_door_of_servers() {
    let authority = Authority::new("one");
    let cluster = handing_cluster(&authority, 1, "");
    let port = format!("{}:8300", cluster.servers[0].address);
    let nobody = authority.client(None);
    for method in ["Status.Ping", "KVS.Get", "ConnectCA.Sign", "ConnectCA.Roots", "Catalog.Register", "Nope.Nope"] {
        let refusal = answer(&port, &nobody, &[7], &call(method, &[]));
        assert!(refusal.contains("rpc: can't find"), "{method}: {refusal}");
    }
    let mut lying = call("AutoEncrypt.Sign", &[]);
    lying.pop();
    lying.extend([0xdb, 0, 16, 0, 0]);
    assert_eq!(answer(&port, &nobody, &[7], &lying), "", "a request of a mebibyte is not waited for");
    let (csr, key) = request_for("c9", &["localhost"]);
    let sign = |dc: &str, csr: &str| call("AutoEncrypt.Sign", &[("Datacenter", dc), ("CSR", csr), ("Token", "")]);
    let elsewhere = answer(&port, &nobody, &[7], &sign("dc2", &csr));
    assert!(elsewhere.contains("mismatched datacenter (client_dc='dc2' server_dc='dc1')"), "{elsewhere}");
    for name in ["server.dc1.consul", "s1.server.dc1.consul", "*.dc1.consul"] {
        let refusal = answer(&port, &nobody, &[7], &sign("dc1", &request_for("c9", &[name]).0));
        assert!(refusal.contains("a name that only servers have"), "{name}: {refusal}");
    }
    let config = answer(&port, &nobody, &[7], &call("AutoConfig.InitialConfiguration", &[]));
    assert!(!config.contains("BEGIN"), "{config}");
    // the certificate itself
    let reply = answer(&port, &nobody, &[7], &sign("dc1", &csr));
    let issued = reply.split("CertPEM").nth(1).expect("a certificate");
    let (start, end) =
        (issued.find("-----BEGIN").expect("PEM"), issued.find("-----END CERTIFICATE-----").expect("PEM"));
    let pem = format!("{}-----END CERTIFICATE-----\n", &issued[start..end]);
    let files = files_of(&authority, "issued");
    std::fs::write(&files.cert, pem).expect("a file");
    std::fs::write(&files.key, key.serialize_pem()).expect("a file");
    let holder = authority.client(Some(&files));
    let pong = |config| -> bool {
        let Ok(mut tls) = Tls::connect(config, &port, "server.dc1.consul", &[3]) else { return false };
        let ping = [4u8, 0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 9];
        tls.send(&ping).is_ok() && tls.receive(&mut [0; 64]).is_ok_and(|length| length > 0)
    };
    assert!(pong(&holder), "a session is served");
    assert!(!pong(&nobody), "without the certificate it is not");
    let mut tls = Tls::connect(&holder, &port, "server.dc1.consul", &[3]).expect("a handshake");
    tls.send(&[16, 1, 0, 1, b'x', 0, 0]).expect("sent");
    assert!(!tls.receive(&mut [0; 8]).is_ok_and(|length| length > 0), "no link of the consensus");
    wait_until("the refusal", || {
        cluster.servers[0].log().contains("AuthorizeServerConn failed certificate validation")
    });
    // the first certificate is not handed out where others are served
    let usual = answer(&port, &holder, &[3], &[&[0][..], &sign("dc1", &csr)].concat());
    assert!(usual.contains("rpc: can't find"), "{usual}");
}

#[test]
fn an_agent_with_such_a_certificate_does_not_pass_for_a_server() {
    let authority = Authority::new("one");
    let cluster = handing_cluster(&authority, 1, "");
    let client = cluster.client("c1").file("tls.hcl", &asking(&authority)).start();
    wait_until("the client in the catalog", || client.health_of_node("c1") == "passing");
    // who is asked for a certificate must have a server's: this listener has one of the right name and a strange authority
    let stranger = Authority::new("other");
    let files = stranger.make("dc1-server", &["server.dc1.consul", "localhost"], Life::Valid);
    let server =
        rustls::ServerConfig::builder_with_provider(std::sync::Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth();
    let key = rustls::pki_types::pem::PemObject::from_pem_file(&files.key).expect("a key");
    let server = std::sync::Arc::new(server.with_single_cert(vec![files.der()], key).expect("a server"));
    let address = own_address();
    let listener = std::net::TcpListener::bind((address.as_str(), 8300)).expect("a port");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut connection = rustls::ServerConnection::new(server.clone()).expect("a connection");
            let _ = stream.read(&mut [0; 1]);
            while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
            let _ = stream.write_all(b"x");
        }
    });
    let asks = member("c2").retry_join(&[address]).file("tls.hcl", &asking(&authority)).no_wait().start();
    wait_until("the reason", || asks.log().contains("certificate signed by unknown authority"));
    assert_eq!(certificates(&asks), 0);
}

#[test]
fn certificates_are_renewed_before_they_end_and_nothing_is_interrupted() {
    let authority = Authority::new("one");
    // leaves begin a minute early: ten seconds are left of them
    let short = "connect { ca_config { leaf_cert_ttl = \"70s\" skip_validate = true } }";
    let mut cluster = handing_cluster(&authority, 1, short);
    let client = cluster.client("c1").file("tls.hcl", &asking(&authority)).start();
    wait_until("the client in the catalog", || client.health_of_node("c1") == "passing");
    client.write("a", "1");
    let index = client.get("/v1/kv/a").index();
    let waiter = {
        let (address, target) = (client.http_address(), format!("/v1/kv/a?raw&wait=50s&index={index}"));
        std::thread::spawn(move || request(&address, "GET", &target, &[], b"").expect("an answer"))
    };
    let first = std::time::Instant::now();
    wait_until("several renewals", || certificates(&client) > 4 && first.elapsed().as_secs() > 11);
    client.write("a", "2");
    assert_eq!(waiter.join().expect("the waiter ends").text(), "2");
    // the first certificate has ended: new connections are made with the last one
    cluster.servers[0].kill();
    cluster.servers[0].restart_member();
    wait_until("an answer", || client.ask("/v1/kv/a?raw").is_some_and(|answer| answer.text() == "2"));
    // while the servers are away for longer than a life, everything begins again
    cluster.servers[0].kill();
    wait_until("a failed renewal", || client.log().contains("failed to renew the certificate"));
    wait_until("the end of the certificate", || {
        client.log().contains("No servers successfully responded to the auto-encrypt")
    });
    cluster.servers[0].restart_member();
    wait_until("an answer", || client.ask("/v1/kv/a?raw").is_some_and(|answer| answer.text() == "2"));
}

#[test]
fn a_secondary_datacenter_signs_with_an_intermediate_of_the_primary() {
    let authority = Authority::new("one");
    let primary = "primary_datacenter = \"dc1\"";
    let first = handing_cluster(&authority, 1, primary);
    let wan = format!("retry_join_wan = {}", hcl_list(&first.addresses()));
    let text = format!("{}\n{primary}\n{wan}", handing_out(&authority, "dc2"));
    let second = member("far").server_of(1).arg("-datacenter=dc2").file("tls.hcl", &text).start();
    let join = [second.address.clone()];
    let client = member("c2").arg("-datacenter=dc2").retry_join(&join).file("tls.hcl", &asking(&authority)).start();
    wait_until("the client in the catalog", || client.health_of_node("c2") == "passing");
    let (here, there) = (first.servers[0].get("/v1/connect/ca/roots"), second.get("/v1/connect/ca/roots"));
    assert_eq!(here.json()["ActiveRootID"], there.json()["ActiveRootID"]);
    assert_eq!(here.json()["TrustDomain"], there.json()["TrustDomain"]);
    assert_eq!(there.json()["Roots"][0]["IntermediateCerts"].as_array().map(Vec::len), Some(1));
    client.write("a", "1");
}

/// The settings in words that old versions know as well.
fn old_words(authority: &Authority, files: Option<&Files>) -> String {
    let own =
        files.map(|files| format!("cert_file = {:?}\nkey_file = {:?}\nverify_incoming = true", files.cert, files.key));
    format!(
        "encrypt = {KEY:?}\nca_file = {:?}\nverify_outgoing = true\nverify_server_hostname = true\n{}",
        authority.file(),
        own.unwrap_or_default()
    )
}

#[test]
fn real_consul_agents_and_ours_get_certificates_from_each_other_s_servers() {
    let Some(consul) = reference_binary() else {
        println!("skipped: CONSUL_BIN names no Consul");
        return;
    };
    let authority = Authority::new("one");
    let files = authority.make("dc1-server", &["server.dc1.consul", "localhost"], Life::Valid);
    let server_text = format!(
        "{}\nconnect {{ enabled = true }}\nauto_encrypt {{ allow_tls = true }}",
        old_words(&authority, Some(&files))
    );
    let client_text = format!("{}\nauto_encrypt {{ tls = true }}", old_words(&authority, None));
    for (servers, client) in [(under_test(), consul.clone()), (consul.clone(), under_test())] {
        let cluster = cluster_of(&servers, 1, |builder| builder.file("tls.hcl", &server_text));
        let client = cluster.client_of(&client, "c1").file("tls.hcl", &client_text).start();
        wait_until("the client in the catalog", || client.health_of_node("c1") == "passing");
        client.write("a", "1");
        assert_eq!(client.read("a").as_deref(), Some("1"));
    }
}
