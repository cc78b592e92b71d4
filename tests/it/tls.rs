//! HTTPS and the certificates of an agent: who is let in, who is not, and what a reload does.

use crate::support::tls::*;
use crate::support::*;
use nix::sys::signal::Signal;
use rcgen::ExtendedKeyUsagePurpose;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

/// The HTTPS port beside the others, with a certificate.
fn https(files: &Files, more: &str) -> String {
    format!(
        "ports {{ https = 8501 }}\ntls {{ https {{ cert_file = {:?} key_file = {:?} {more} }} }}",
        files.cert, files.key
    )
}

fn address(agent: &TestAgent) -> String {
    format!("{}:8501", agent.address)
}

/// Reads until the other side has ended the connection.
fn ended(mut stream: TcpStream) -> bool {
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let mut sink = [0; 1024];
    loop {
        match stream.read(&mut sink) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

#[test]
fn https_keeps_connections_resumes_sessions_and_speaks_both_versions_of_http() {
    let authority = Authority::new("one");
    let files = authority.make("agent", &["agent.test"], Life::Valid);
    let agent = dev().file("tls.hcl", &https(&files, "")).start();
    let config = authority.client(None);
    let mut first = Tls::connect(&config, &address(&agent), "agent.test", &[]).expect("a handshake");
    for _ in 0..3 {
        let answer = first.get("/v1/agent/self").expect("an answer");
        assert_eq!((answer.status, &answer.json()["Config"]["NodeName"]), (200, &"node1".into()));
    }
    assert_eq!(first.state().handshake_kind(), Some(rustls::HandshakeKind::Full));
    let mut second = Tls::connect(&config, &address(&agent), "agent.test", &[]).expect("a handshake");
    assert_eq!(second.get("/v1/status/leader").expect("an answer").status, 200);
    assert_eq!(second.state().handshake_kind(), Some(rustls::HandshakeKind::Resumed));
    for (offered, agreed) in [(&[&b"h2"[..], b"http/1.1"][..], &b"h2"[..]), (&[b"http/1.1"], b"http/1.1")] {
        let mut config = rustls::ClientConfig::clone(&config);
        config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        let mut connection = Tls::connect(&config.into(), &address(&agent), "agent.test", &[]).expect("a handshake");
        assert_eq!(connection.state().alpn_protocol(), Some(agreed));
        if agreed == b"h2" {
            // preface and empty settings: the server answers with its own settings, frame type 4
            connection.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").expect("sent");
            let mut head = [0; 4];
            assert!(connection.receive(&mut head).expect("an answer") >= 4);
            assert_eq!(head[3], 4);
        }
    }
}

#[test]
fn the_command_line_reaches_an_agent_over_mutual_tls_by_flags_and_by_environment() {
    let (authority, other) = (Authority::new("one"), Authority::new("other"));
    let files = authority.make("agent", &["agent.test"], Life::Valid);
    let user = authority.make("user", &["cli.dc1.consul"], Life::Valid);
    let more = format!("ca_file = {:?} verify_incoming = true", authority.file());
    let agent = dev().file("tls.hcl", &https(&files, &more)).start();
    let url = format!("https://{}", address(&agent));
    let (ca, wrong) = (authority.file(), other.file());
    let flags = |list: &[(&str, &str)]| -> Vec<String> {
        list.iter().map(|(name, value)| format!("-{name}={value}")).collect()
    };
    let certificate = [("client-cert", user.cert.as_str()), ("client-key", user.key.as_str())];
    let good = [("ca-file", ca.as_str()), ("tls-server-name", "agent.test")];
    let run = |flags: &[String], env: &[(&str, &str)]| {
        let address = format!("-http-addr={url}");
        let mut args = vec!["kv", "put", address.as_str()];
        args.extend(flags.iter().map(String::as_str));
        args.extend(["key", "value"]);
        run_cli(&under_test(), &args, env, b"")
    };
    let output = run(&flags(&[&good[..], &certificate[..]].concat()), &[]);
    assert_eq!(stdout(&output), "Success! Data written to: key\n", "{}", stderr(&output));
    let environment = [
        ("CONSUL_CACERT", ca.as_str()),
        ("CONSUL_TLS_SERVER_NAME", "agent.test"),
        ("CONSUL_CLIENT_CERT", user.cert.as_str()),
        ("CONSUL_CLIENT_KEY", user.key.as_str()),
    ];
    let output = run(&[], &environment);
    assert!(output.status.success(), "{}", stderr(&output));
    let insecure = [("CONSUL_HTTP_SSL_VERIFY", "false"), environment[2], environment[3]];
    let output = run(&[], &insecure);
    assert!(output.status.success(), "{}", stderr(&output));
    let folder = authority.folder().join("authorities");
    std::fs::create_dir(&folder).expect("a folder");
    std::fs::copy(&ca, folder.join("ca.pem")).expect("copied");
    let path = folder.to_string_lossy();
    let by_path = [("ca-path", path.as_ref()), good[1], certificate[0], certificate[1]];
    let output = run(&flags(&by_path), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let wrong_ca = [("ca-file", wrong.as_str()), good[1], certificate[0], certificate[1]];
    let no_name = [good[0], certificate[0], certificate[1]];
    let failures: [(&[(&str, &str)], &str); 4] = [
        (&good, "Error! Failed writing data: Put \"https://"),
        (&wrong_ca, "certificate signed by unknown authority"),
        (&no_name, "x509: "),
        (&[good[0], certificate[0]], "both client cert and client key must be provided"),
    ];
    for (list, text) in failures {
        let output = run(&flags(list), &[]);
        assert_eq!(output.status.code(), Some(1), "{list:?}");
        assert!(stderr(&output).contains(text), "{list:?}: {}", stderr(&output));
    }
    assert_eq!(agent.get("/v1/kv/key?raw").text(), "value");
}

#[test]
fn clients_without_a_certificate_of_the_authority_that_is_valid_now_are_refused() {
    let (authority, other) = (Authority::new("one"), Authority::new("other"));
    let files = authority.make("agent", &["agent.test"], Life::Valid);
    let more = format!("ca_file = {:?} verify_incoming = true", authority.file());
    let agent = dev().file("tls.hcl", &https(&files, &more)).start();
    let ask = |identity: Option<&Files>| -> std::io::Result<u16> {
        let config = authority.client(identity);
        let mut tls = Tls::connect(&config, &address(&agent), "agent.test", &[])?;
        tls.get("/v1/status/leader").map(|answer| answer.status)
    };
    let good = authority.make("good", &["anybody"], Life::Valid);
    assert_eq!(ask(Some(&good)).expect("an answer"), 200);
    let only_servers = authority.make_for("servers", &["x"], Life::Valid, &[ExtendedKeyUsagePurpose::ServerAuth]);
    let refused = [
        None,
        Some(authority.make("expired", &["anybody"], Life::Expired)),
        Some(authority.make("future", &["anybody"], Life::Future)),
        Some(other.make("stranger", &["anybody"], Life::Valid)),
        Some(only_servers),
    ];
    for identity in refused {
        let answer = ask(identity.as_ref());
        assert!(answer.is_err(), "{identity:?} got {answer:?}");
    }
    assert_eq!(ask(Some(&good)).expect("an answer"), 200, "the port goes on");
}

#[test]
fn clients_see_whether_the_server_is_the_one_that_they_trust() {
    let (authority, other) = (Authority::new("one"), Authority::new("other"));
    let files = authority.make("agent", &["agent.test"], Life::Valid);
    let agent = dev().file("tls.hcl", &https(&files, "")).start();
    let shake = |config, name: &str| Tls::connect(&config, &address(&agent), name, &[]).map(drop);
    assert!(shake(authority.client(None), "agent.test").is_ok());
    assert!(shake(authority.client(None), "other.test").is_err());
    assert!(shake(other.client(None), "agent.test").is_err());
    for life in [Life::Expired, Life::Future] {
        files.replace_by(&authority.make("again", &["agent.test"], life));
        agent.cli_ok(&["reload"]);
        let failed = shake(authority.client(None), "agent.test").expect_err("not valid now").to_string();
        assert!(failed.contains("certificate"), "{failed}");
    }
}

/// A client hello of a version before 1.2, by hand: no client of today sends one.
fn old_hello(version: [u8; 2]) -> Vec<u8> {
    let mut body = [&version[..], &[7; 32], &[0], &[0, 4, 0xc0, 0x13, 0xc0, 0x14], &[1, 0]].concat();
    let mut hello = vec![1, 0, 0, body.len() as u8];
    hello.append(&mut body);
    [&[22, 3, 1, 0, hello.len() as u8][..], &hello].concat()
}

#[test]
fn versions_before_the_least_one_are_refused() {
    let authority = Authority::new("one");
    let files = authority.make("agent", &["agent.test"], Life::Valid);
    let agent = dev().file("tls.hcl", &https(&files, "")).start();
    for version in [[3, 0], [3, 1], [3, 2]] {
        let mut stream = TcpStream::connect(address(&agent)).expect("connected");
        stream.write_all(&old_hello(version)).expect("sent");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        // an alert record that is fatal, and nothing else
        assert_eq!((answer.first(), answer.get(5), answer.len()), (Some(&21), Some(&2), 7), "{version:?}: {answer:?}");
    }
    let only = |version: &'static rustls::SupportedProtocolVersion| {
        let mut roots = rustls::RootCertStore::empty();
        let ca = std::fs::read(authority.file()).expect("a file");
        roots.add(rustls::pki_types::pem::PemObject::from_pem_slice(&ca).expect("a certificate")).expect("added");
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ClientConfig::builder_with_provider(provider);
        let builder = builder.with_protocol_versions(&[version]).expect("a version");
        std::sync::Arc::new(builder.with_root_certificates(roots).with_no_client_auth())
    };
    let shake = |config| Tls::connect(&config, &address(&agent), "agent.test", &[]).map(drop);
    assert!(shake(only(&rustls::version::TLS12)).is_ok() && shake(only(&rustls::version::TLS13)).is_ok());
    agent.write_config("tls.hcl", &https(&files, "tls_min_version = \"TLSv1_3\""));
    agent.cli_ok(&["reload"]);
    assert!(shake(only(&rustls::version::TLS12)).is_err());
    assert!(shake(only(&rustls::version::TLS13)).is_ok());
    agent.write_config("tls.hcl", &https(&files, "tls_cipher_suites = \"TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384\""));
    agent.cli_ok(&["reload"]);
    let tls = Tls::connect(&only(&rustls::version::TLS12), &address(&agent), "agent.test", &[]).expect("a handshake");
    let suite = tls.state().negotiated_cipher_suite().expect("shaken").suite();
    assert_eq!(suite, rustls::CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384);
}

#[test]
fn a_reload_brings_a_new_certificate_and_open_connections_go_on() {
    let authority = Authority::new("one");
    let files = authority.make("agent", &["agent.test"], Life::Valid);
    let agent = dev().file("tls.hcl", &https(&files, "")).start();
    let config = authority.client(None);
    let connect = || Tls::connect(&config, &address(&agent), "agent.test", &[]).expect("a handshake");
    let mut open = connect();
    assert_eq!(open.get("/v1/status/leader").expect("an answer").status, 200);
    let old = open.server_certificate();
    files.replace_by(&authority.make("next", &["agent.test"], Life::Valid));
    let new = files.der();
    assert_ne!(old, new);
    agent.signal(Signal::SIGHUP);
    wait_until("the new certificate", || {
        let mut tls = connect();
        tls.get("/v1/status/leader").expect("an answer").status == 200 && tls.server_certificate() == new
    });
    assert_eq!(open.get("/v1/status/leader").expect("the open connection goes on").status, 200);
    assert_eq!(open.server_certificate(), old);
    // what cannot be used changes nothing
    std::fs::write(&files.key, "no key").expect("written");
    let refused = agent.cli(&["reload"]);
    assert_eq!(refused.status.code(), Some(1));
    let text = stderr(&refused);
    assert!(text.contains("Failed to load cert/key pair: tls: failed to find any PEM data in key input"), "{text}");
    assert_eq!(connect().server_certificate(), new);
}

#[test]
fn a_reload_that_demands_certificates_also_binds_those_who_could_resume() {
    let authority = Authority::new("one");
    let files = authority.make("agent", &["agent.test"], Life::Valid);
    let agent = dev().file("tls.hcl", &https(&files, "")).start();
    let config = authority.client(None);
    let ask = || {
        let mut tls = Tls::connect(&config, &address(&agent), "agent.test", &[])?;
        tls.get("/v1/status/leader").map(|answer| answer.status)
    };
    assert_eq!(ask().expect("an answer"), 200);
    let more = format!("ca_file = {:?} verify_incoming = true", authority.file());
    agent.write_config("tls.hcl", &https(&files, &more));
    agent.cli_ok(&["reload"]);
    assert!(ask().is_err());
}

#[test]
fn garbage_and_half_handshakes_are_dropped_in_time() {
    let authority = Authority::new("one");
    let files = authority.make("agent", &["server.dc1.consul"], Life::Valid);
    let limits = "limits { https_handshake_timeout = \"300ms\" rpc_handshake_timeout = \"300ms\" }";
    let rpc = format!(
        "tls {{ internal_rpc {{ ca_file = {:?} cert_file = {:?} key_file = {:?} verify_incoming = true }} }}",
        authority.file(),
        files.cert,
        files.key
    );
    let agent = dev().file("tls.hcl", &https(&files, "")).file("more.hcl", &format!("{limits}\n{rpc}")).start();
    let hello = {
        let name = rustls::pki_types::ServerName::try_from("a.test").expect("a name");
        let mut client = rustls::ClientConnection::new(authority.client(None), name).expect("a client");
        let mut hello = Vec::new();
        client.write_tls(&mut hello).expect("written");
        hello
    };
    let server_port = format!("{}:8300", agent.address);
    let cases: [(&str, Vec<u8>); 10] = [
        (&address(&agent), Vec::new()),
        (&address(&agent), b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        (&address(&agent), vec![0xff; 4096]),
        (&address(&agent), hello[..hello.len() / 2].to_vec()),
        (&address(&agent), hello.clone()),
        (&server_port, Vec::new()),
        (&server_port, vec![3]),
        (&server_port, [&[3], &hello[..40]].concat()),
        (&server_port, hello[..40].to_vec()),
        (&server_port, [&[3][..], &[0xee; 512]].concat()),
    ];
    for (to, bytes) in cases {
        let mut stream = TcpStream::connect(to).expect("connected");
        let _ = stream.write_all(&bytes);
        assert!(ended(stream), "{to}: {} bytes", bytes.len());
    }
    // plain protocols on a port that demands TLS
    for kind in [0u8, 1, 4, 5, 8, 16] {
        let mut stream = TcpStream::connect(&server_port).expect("connected");
        stream.write_all(&[kind]).expect("sent");
        assert!(ended(stream), "type {kind}");
    }
    assert_eq!(agent.get("/v1/status/leader").status, 200);
}

#[test]
fn settings_that_cannot_be_meant_are_refused_at_the_start() {
    let authority = Authority::new("one");
    let (ca, files) = (authority.file(), authority.make("agent", &["agent.test"], Life::Valid));
    let other = authority.make("other", &["agent.test"], Life::Valid);
    let cases = [
        (
            "tls { internal_rpc { verify_incoming = true } }".to_owned(),
            "VerifyIncoming set but no CA certificates were provided",
        ),
        ("verify_incoming_https = true".to_owned(), "VerifyIncoming set but no CA certificates were provided"),
        (
            format!("tls {{ https {{ verify_incoming = true ca_file = {ca:?} }} }}"),
            "VerifyIncoming requires either a Cert and Key pair in the configuration file, or auto_encrypt/auto_config be \
             enabled",
        ),
        ("verify_outgoing = true".to_owned(), "VerifyOutgoing set but no CA certificates were provided"),
        ("verify_server_hostname = true".to_owned(), "VerifyOutgoing set but no CA certificates were provided"),
        (
            "tls { defaults { cert_file = \"/nope\" key_file = \"/nope2\" } }".to_owned(),
            "Failed to load cert/key pair: open /nope: no such file or directory",
        ),
        (
            format!("tls {{ defaults {{ cert_file = {:?} key_file = {:?} }} }}", files.cert, other.key),
            "Failed to load cert/key pair: tls: private key does not match public key",
        ),
        ("ca_file = \"/nope\"".to_owned(), "Error loading from /nope: open /nope: no such file or directory"),
        ("tls { defaults { ca_path = \"/nope\" } }".to_owned(), "lstat /nope: no such file or directory"),
        (format!("ca_file = {:?}", files.key), "Couldn't parse PEM in: "),
        (
            "tls { https { tls_min_version = \"TLSv9\" } }".to_owned(),
            "tls.https.tls_min_version: invalid TLS version: \"TLSv9\"",
        ),
        ("tls { https { tls_cipher_suites = \"foo\" } }".to_owned(), "unsupported cipher \"foo\""),
        (
            "tls { https { tls_cipher_suites = \"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA\" } }".to_owned(),
            "none of these cipher suites is spoken",
        ),
    ];
    for (config, text) in cases {
        let mut agent = dev().file("tls.hcl", &config).no_wait().start();
        assert_eq!(agent.wait_exit(), Some(1), "{config}");
        assert!(
            agent.log().contains(&format!("==> {text}")) || agent.log().contains(text),
            "{config}: {}",
            agent.log()
        );
    }
}

#[test]
fn checks_show_the_agents_certificate_when_told_to() {
    let authority = Authority::new("one");
    let files = authority.make("agent", &["node1", "localhost"], Life::Valid);
    let more = format!("ca_file = {:?} verify_incoming = true", authority.file());
    let rpc = format!(
        "tls {{ internal_rpc {{ ca_file = {:?} cert_file = {:?} key_file = {:?} }} }}",
        authority.file(),
        files.cert,
        files.key
    );
    let agent = dev()
        .file("tls.hcl", &https(&files, &more))
        .file("rpc.hcl", &rpc)
        .file("checks.hcl", "enable_agent_tls_for_checks = true")
        .start();
    let check = format!(
        r#"{{"ID":"own","Name":"own","HTTP":"https://{}/v1/status/leader","Interval":"100ms"}}"#,
        address(&agent)
    );
    agent.put_ok("/v1/agent/check/register", check);
    let status = || agent.get("/v1/agent/checks").json()["own"]["Status"].as_str().unwrap_or_default().to_owned();
    wait_until("a passing check", || status() == "passing");
    agent.write_config("checks.hcl", "enable_agent_tls_for_checks = false");
    agent.cli_ok(&["reload"]);
    wait_until("a check without the certificate", || status() == "critical");
}

#[test]
fn an_agent_with_https_alone_watches_itself() {
    let authority = Authority::new("one");
    let files = authority.make("agent", &["agent.test"], Life::Valid);
    let more = format!("ca_file = {:?} verify_incoming = true", authority.file());
    let folder = tempfile::tempdir().expect("a folder");
    let seen = folder.path().join("seen");
    let watch = format!(
        "ports {{ http = -1 }}\nwatches = [{{ type = \"key\" key = \"a\" args = [\"sh\", \"-c\", \"cat > {}\"] }}]",
        seen.display()
    );
    let agent = dev().file("tls.hcl", &https(&files, &more)).file("watch.hcl", &watch).no_wait().start();
    let user = authority.client(Some(&files));
    let put = || -> std::io::Result<String> {
        let mut tls = Tls::connect(&user, &address(&agent), "agent.test", &[])?;
        tls.send(b"PUT /v1/kv/a HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nnew")?;
        let mut answer = [0; 512];
        let length = tls.receive(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    };
    wait_until("a written key", || put().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")));
    wait_until("the watch's handler", || std::fs::read_to_string(&seen).is_ok_and(|text| text.contains("bmV3")));
}

/// `openssl`, or a printed reason.
fn openssl() -> bool {
    let found =
        Command::new("openssl").arg("version").stdout(Stdio::null()).status().is_ok_and(|status| status.success());
    if !found {
        println!("skipped: there is no openssl");
    }
    found
}

#[test]
fn openssl_agrees_and_cannot_renegotiate() {
    if !openssl() {
        return;
    }
    let authority = Authority::new("one");
    let files = authority.make("agent", &["agent.test"], Life::Valid);
    let user = authority.make("user", &["user.test"], Life::Valid);
    let more = format!("ca_file = {:?} verify_incoming = true", authority.file());
    let agent = dev().file("tls.hcl", &https(&files, &more)).start();
    let ca = authority.file();
    let command = |args: &[&str]| {
        let connect = address(&agent);
        let common = ["s_client", "-connect", &connect, "-servername", "agent.test", "-verify_hostname", "agent.test"];
        let mut command = Command::new("openssl");
        command.args(common).args(["-CAfile", &ca, "-verify_return_error"]).args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("openssl starts")
    };
    let client = |args: &[&str], input: &[u8]| {
        let mut child = command(args);
        child.stdin.take().expect("piped").write_all(input).ok();
        let output = child.wait_with_output().expect("openssl ends");
        (output.status.success(), stdout(&output) + &stderr(&output))
    };
    let request = b"GET /v1/status/leader HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
    let own = ["-cert", user.cert.as_str(), "-key", user.key.as_str(), "-ign_eof"];
    for version in ["-tls1_2", "-tls1_3"] {
        let (ok, text) = client(&[&own[..], &[version]].concat(), request);
        assert!(ok && text.contains("Verify return code: 0 (ok)") && text.contains("HTTP/1.1 200 OK"), "{text}");
    }
    let (_, text) = client(&["-tls1_3", "-ign_eof"], request);
    assert!(!text.contains("HTTP/1.1 200 OK"), "no certificate was shown: {text}");
    let (ok, text) = client(&[&own[..4], &["-tls1_1"]].concat(), b"");
    assert!(!ok, "{text}");
    // `R` asks for a new handshake inside of the old one; -state tells each step of both
    let mut child = command(&[&own[..4], &["-tls1_2", "-state"]].concat());
    let mut input = child.stdin.take().expect("piped");
    let mut steps = std::io::BufReader::new(child.stderr.take().expect("piped"));
    let (told, heard) = std::sync::mpsc::channel();
    let reader = std::thread::spawn(move || {
        let mut line = String::new();
        while std::io::BufRead::read_line(&mut steps, &mut line).is_ok_and(|length| length > 0) {
            let _ = told.send(std::mem::take(&mut line));
        }
    });
    let mut seen = String::new();
    let mut until = |what: &str, times: usize| {
        wait_until(what, || {
            seen.extend(heard.try_iter());
            seen.matches(what).count() >= times
        });
        seen.clone()
    };
    let first = until("read finished", 1).matches("write client hello").count();
    input.write_all(b"R\n").expect("written");
    until("write client hello", first + 1);
    for _ in 0..5 {
        let (_, text) = client(&[&own[..], &["-tls1_3"]].concat(), request);
        assert!(text.contains("HTTP/1.1 200 OK"), "others are served: {text}");
    }
    let steps = until("write client hello", first + 1);
    assert_eq!(steps.matches("read server hello").count(), 1, "the second handshake was answered: {steps}");
    let _ = child.kill();
    let _ = child.wait();
    drop(input);
    reader.join().expect("the reader ends");
}
