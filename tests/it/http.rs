//! The HTTP door as a whole: routing, headers, layouts, limits, blocking, streams (`spec/http-api.md` 1).

use crate::support::*;
use flate2::read::GzDecoder;
use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

const UNKNOWN_API: &str = "Invalid URL path: not a recognized HTTP API endpoint\n";
const UNKNOWN_PATH: &str = "Invalid URL path: if attempting to use the HTTP API, ensure the path starts with '/v1/'\n";

#[test]
fn paths_lead_where_the_table_says() {
    let agent = dev().start();
    // Target, status, Location, body.
    let cases: &[(&str, u16, &str, &str)] = &[
        ("/v1/nope", 404, "", UNKNOWN_API),
        ("/nope", 404, "", UNKNOWN_PATH),
        ("/v1/status/leader/", 404, "", UNKNOWN_API),
        ("/v1/kv", 301, "/v1/kv/", "<a href=\"/v1/kv/\">Moved Permanently</a>.\n\n"),
        (
            "/v1/catalog/service?a=b",
            301,
            "/v1/catalog/service/?a=b",
            "<a href=\"/v1/catalog/service/?a=b\">Moved Permanently</a>.\n\n",
        ),
        ("/v1/kv//a", 301, "/v1/kv/a", "<a href=\"/v1/kv/a\">Moved Permanently</a>.\n\n"),
        ("//v1/kv/./x/../y?raw&b", 301, "/v1/kv/y?raw&b", "<a href=\"/v1/kv/y?raw&amp;b\">Moved Permanently</a>.\n\n"),
        ("/", 301, "/ui/", "<a href=\"/ui/\">Moved Permanently</a>.\n\n"),
        ("/v1/kv/%01", 400, "", ""),
        ("/v1/kv/a?x=%zz", 500, "", ""),
        ("/v1/kv/", 400, "", "Missing key name"),
        ("/v1/health/service/", 400, "", "Missing service name"),
        ("/v1/kv/a?index=-1", 400, "", "Invalid index"),
        ("/v1/kv/a?wait=10", 400, "", "Invalid wait time"),
        ("/v1/kv/a?ns=x", 400, "", "Invalid query parameter: \"ns\" - Namespaces are a Consul Enterprise feature"),
        (
            "/v1/catalog/nodes?partition=x",
            400,
            "",
            "Invalid query parameter: \"partition\" - Partitions are a Consul Enterprise feature",
        ),
        ("/v1/acl/tokens", 401, "", "ACL support disabled"),
        ("/robots.txt", 200, "", "# http://www.robotstxt.org\nUser-agent: *\nDisallow: *\n"),
    ];
    for (target, status, location, body) in cases {
        let answer = agent.get(target);
        assert_eq!(answer.status, *status, "{target}");
        assert_eq!(answer.header("location").unwrap_or(""), *location, "{target}");
        assert_eq!(answer.text(), *body, "{target}");
    }
    let page = agent.get("/ui/anything");
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert_eq!(page.header("vary"), None, "the UI is no endpoint");
}

#[test]
fn methods_that_are_not_listed_are_refused_with_the_list() {
    let agent = dev().start();
    let wrong = agent.send("POST", "/v1/kv/a", "x");
    assert_eq!((wrong.status, wrong.text().as_str()), (405, "method POST not allowed"));
    assert_eq!(wrong.header("allow"), Some("OPTIONS,GET,PUT,DELETE"));
    assert_eq!(wrong.header("vary"), Some("Accept-Encoding"));
    let options = agent.send("OPTIONS", "/v1/operator/autopilot/configuration", "");
    assert_eq!((options.status, options.text().as_str()), (200, ""));
    assert_eq!(options.header("allow"), Some("OPTIONS,GET,PUT"));
    let head = agent.send("HEAD", "/v1/status/leader", "");
    assert_eq!((head.status, head.header("allow")), (405, Some("OPTIONS,GET")));
}

#[test]
fn reads_carry_the_headers_of_their_kind() {
    let agent = dev().start();
    agent.put_ok("/v1/kv/a", "value");
    let health = agent.get("/v1/health/service/consul?stale");
    let expected = [
        ("content-type", "application/json"),
        ("vary", "Accept-Encoding"),
        ("x-consul-knownleader", "true"),
        ("x-consul-lastcontact", "0"),
        ("x-consul-effective-consistency", "stale"),
        ("x-consul-query-backend", "blocking-query"),
        ("x-consul-default-acl-policy", "allow"),
    ];
    for (name, value) in expected {
        assert_eq!(health.header(name), Some(value), "{name}");
    }
    assert!(health.index() > 0);
    let raw = agent.get("/v1/kv/a?raw");
    assert_eq!((raw.status, raw.text().as_str()), (200, "value"));
    let expected = [
        ("content-type", "text/plain"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "sandbox"),
        ("content-length", "5"),
    ];
    for (name, value) in expected {
        assert_eq!(raw.header(name), Some(value), "{name}");
    }
    assert_eq!(raw.header("x-consul-effective-consistency"), None, "not on keys");
    let missing = agent.get("/v1/kv/none");
    assert_eq!((missing.status, missing.body.len()), (404, 0));
    assert!(missing.headers.contains_key("x-consul-index"));
    let leader = agent.get("/v1/status/leader");
    assert_eq!(leader.header("x-consul-index"), None);
    // Header names go out in the case that the reference uses.
    let mut stream = TcpStream::connect(agent.http_address()).expect("a connection");
    stream.write_all(b"GET /v1/kv/a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").expect("sent");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answered");
    for name in ["\r\nX-Consul-Index: ", "\r\nX-Consul-Knownleader: ", "\r\nContent-Type: ", "\r\nVary: "] {
        assert!(text.contains(name), "{name:?} in {text}");
    }
}

#[test]
fn json_is_compact_on_servers_and_indented_in_development() {
    let development = dev().start();
    let compact = server().start();
    for agent in [&development, &compact] {
        agent.put_ok("/v1/kv/a", "<&>");
    }
    let text = compact.get("/v1/kv/?keys").text();
    assert_eq!(text, "[\"a\"]");
    assert_eq!(compact.get("/v1/kv/?keys&pretty").text(), "[\n    \"a\"\n]\n");
    assert_eq!(development.get("/v1/kv/?keys").text(), "[\n    \"a\"\n]");
    assert_eq!(development.get("/v1/kv/?keys&pretty").text(), "[\n    \"a\"\n]\n");
    compact.put_ok("/v1/kv/%3Cb%3E%26", "x");
    assert_eq!(compact.get("/v1/kv/?keys").text(), "[\"\\u003cb\\u003e\\u0026\",\"a\"]");
}

#[test]
fn large_answers_are_compressed_for_those_who_can_read_them() {
    let agent = server().start();
    let value = "0123456789".repeat(1000);
    agent.put_ok("/v1/kv/big", &value);
    let gzip = [("Accept-Encoding", "gzip")];
    for target in ["/v1/kv/big", "/v1/kv/big?raw"] {
        let plain = agent.get(target);
        let packed = agent.send_with("GET", target, &gzip, "");
        assert_eq!(packed.header("content-encoding"), Some("gzip"), "{target}");
        assert!(packed.body.len() < plain.body.len() / 2);
        let mut body = Vec::new();
        GzDecoder::new(packed.body.as_slice()).read_to_end(&mut body).expect("gzip");
        assert_eq!(body, plain.body, "{target}");
    }
    let small = agent.send_with("GET", "/v1/status/leader", &gzip, "");
    assert_eq!(small.header("content-encoding"), None);
}

#[test]
fn a_blocking_read_waits_for_its_key_and_for_no_other() {
    let agent = dev().start();
    agent.put_ok("/v1/kv/watched", "1");
    let index = agent.get("/v1/kv/watched").index();
    let address = agent.http_address();
    let waiter = std::thread::spawn(move || {
        request(&address, "GET", &format!("/v1/kv/watched?raw&wait=1m&index={index}"), &[], b"").expect("an answer")
    });
    agent.put_ok("/v1/kv/other", "x");
    assert!(!waiter.is_finished());
    agent.put_ok("/v1/kv/watched", "2");
    let answer = waiter.join().expect("the waiter ends");
    assert_eq!(answer.text(), "2");
    assert!(answer.index() > index);
    let start = Instant::now();
    let unchanged = agent.get(&format!("/v1/kv/watched?wait=50ms&index={}", answer.index()));
    assert_eq!((unchanged.status, unchanged.index()), (200, answer.index()));
    assert!(start.elapsed() >= Duration::from_millis(50), "a wait may not end early when nothing changed");
}

#[test]
fn a_service_is_watched_by_its_hash() {
    let agent = dev().start();
    let register = |port: u16| {
        agent.put_ok("/v1/agent/service/register", format!(r#"{{"Name":"web","Port":{port}}}"#));
    };
    register(80);
    let first = agent.get("/v1/agent/service/web");
    let hash = first.header("x-consul-contenthash").expect("a hash").to_owned();
    assert_eq!(first.json()["ContentHash"], hash.as_str());
    let address = agent.http_address();
    let target = format!("/v1/agent/service/web?wait=1m&hash={hash}");
    let waiter = std::thread::spawn(move || request(&address, "GET", &target, &[], b"").expect("an answer"));
    register(81);
    let second = waiter.join().expect("the waiter ends");
    assert_eq!(second.json()["Port"], 81);
    assert_ne!(second.header("x-consul-contenthash"), Some(hash.as_str()));
    assert_eq!(agent.get("/v1/agent/service/nope?hash=x").text(), "unknown service ID: nope");
}

#[test]
fn the_http_configuration_is_applied() {
    let agent = dev()
        .arg("-hcl=http_config { response_headers { \"Access-Control-Allow-Origin\" = \"*\" \"Vary\" = \"no\" } block_endpoints = [\"/v1/agent/self\"] allow_write_http_from = [\"10.0.0.0/8\"] }")
        .start();
    let leader = agent.get("/v1/status/leader");
    assert_eq!(leader.header("access-control-allow-origin"), Some("*"));
    assert_eq!(leader.header("vary"), Some("Accept-Encoding"), "the API's own headers win");
    assert_eq!(agent.get("/nope").header("access-control-allow-origin"), Some("*"));
    let blocked = agent.get("/v1/agent/self");
    assert_eq!((blocked.status, blocked.text().as_str()), (403, "Endpoint is blocked by agent configuration"));
    let write = agent.put("/v1/kv/a", "x");
    assert_eq!((write.status, write.text().as_str()), (403, "Access is restricted"));
    assert_eq!(agent.get("/v1/kv/a").status, 404);
}

#[test]
fn bodies_have_limits() {
    let agent = dev().arg("-hcl=limits { kv_max_value_size = 1000 txn_max_req_len = 1000 }").start();
    assert_eq!(agent.put("/v1/kv/a", vec![b'x'; 1000]).status, 200);
    let large = agent.put("/v1/kv/a", vec![b'x'; 1001]);
    assert_eq!(large.status, 413);
    assert_eq!(
        large.text(),
        "Request body(1001 bytes) too large, max size: 1000 bytes. \
         See https://developer.hashicorp.com/docs/agent/config/config-files#kv_max_value_size."
    );
    let ops = format!("[{}]", vec!["{}"; 129].join(","));
    let many = agent.put("/v1/txn", &ops);
    assert_eq!((many.status, many.text().as_str()), (413, "Transaction contains too many operations (129 > 128)"));
    let long = agent.put("/v1/txn", format!("[{}]", " ".repeat(1000)));
    assert_eq!(long.status, 413);
    assert!(long.text().starts_with("Request body(1002 bytes) too large, max size: 1000 bytes."));
}

#[test]
fn a_client_has_a_limited_number_of_connections() {
    let agent = dev().arg("-hcl=limits { http_max_conns_per_client = 3 }").start();
    let address = agent.http_address();
    let open = || {
        let mut stream = TcpStream::connect(&address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.write_all(b"GET /v1/status/leader HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
        let answer = read_response(&mut BufReader::new(stream.try_clone().expect("a handle")), false);
        (stream, answer.map(|answer| answer.status).unwrap_or(0))
    };
    // Connections of the harness may still be closing: wait until three are free.
    let kept = wait_for("three free places", || {
        let connections: Vec<_> = (0..3).map(|_| open()).collect();
        connections.iter().all(|(_, status)| *status == 200).then_some(connections)
    });
    assert_eq!(open().1, 429, "the fourth connection is refused");
    drop(kept);
    wait_until("a place to be free again", || open().1 == 200);
}

#[test]
fn unix_sockets_serve_the_same_api() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("http.sock");
    let hcl = format!("-hcl=addresses {{ http = \"unix://{}\" }} unix_sockets {{ mode = \"0600\" }}", path.display());
    let mut agent = dev().arg(hcl).no_wait().start();
    let answer = wait_for("the socket to answer", || {
        assert!(agent.child.try_wait().expect("a process").is_none(), "the agent ended:\n{}", agent.log());
        let mut stream = UnixStream::connect(&path).ok()?;
        stream
            .write_all(b"PUT /v1/kv/a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx")
            .ok()?;
        let answer = read_response(&mut BufReader::new(stream), false).ok()?;
        (answer.status == 200).then_some(answer)
    });
    assert_eq!(answer.text(), "true");
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(&path).expect("the socket").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn cleartext_http2_is_understood() {
    let agent = dev().start();
    agent.put_ok("/v1/kv/a", "over two");
    // The client wants one even where it speaks no TLS; a provider that is installed already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let text = runtime.block_on(async {
        let client = reqwest::Client::builder().http2_prior_knowledge().build().expect("a client");
        let answer =
            client.get(format!("http://{}/v1/kv/a?raw", agent.http_address())).send().await.expect("an answer");
        assert_eq!(answer.version(), reqwest::Version::HTTP_2);
        answer.text().await.expect("a body")
    });
    assert_eq!(text, "over two");
}

#[test]
fn a_snapshot_saved_over_http_brings_everything_back() {
    let agent = server().start();
    agent.put_ok("/v1/kv/kept", "1");
    let saved = agent.get("/v1/snapshot");
    assert_eq!((saved.status, saved.header("content-type")), (200, Some("application/x-gzip")));
    assert!(saved.index() > 0);
    agent.put_ok("/v1/kv/kept", "2");
    agent.put_ok("/v1/kv/lost", "3");
    let restored = agent.put_ok("/v1/snapshot", &saved.body);
    assert_eq!(restored.body.len(), 0);
    assert_eq!(agent.get("/v1/kv/kept?raw").text(), "1");
    assert_eq!(agent.get("/v1/kv/lost").status, 404);
    let bad = agent.put("/v1/snapshot", "not an archive");
    assert_eq!(bad.status, 500);
    assert_eq!(agent.put("/v1/snapshot?stale", &saved.body).text(), "stale not allowed for restore");
    assert_eq!(agent.get("/v1/kv/kept?raw").text(), "1", "a bad archive changes nothing");
}

#[test]
fn a_chunked_upload_is_put_together() {
    let agent = dev().start();
    let mut stream = TcpStream::connect(agent.http_address()).expect("a connection");
    let head = "PUT /v1/kv/chunks HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("sent");
    for piece in ["3\r\none\r\n", "4\r\n two\r\n", "6\r\n three\r\n", "0\r\n\r\n"] {
        stream.write_all(piece.as_bytes()).expect("sent");
    }
    let answer = read_response(&mut BufReader::new(stream), false).expect("an answer");
    assert_eq!((answer.status, answer.text().trim()), (200, "true"));
    assert_eq!(agent.get("/v1/kv/chunks?raw").text(), "one two three");
}

#[test]
fn the_log_can_be_watched() {
    let agent = dev().start();
    assert_eq!(agent.get("/v1/agent/monitor?loglevel=foo").text(), "Unknown log level: foo");
    let mut stream = TcpStream::connect(agent.http_address()).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(b"GET /v1/agent/monitor?loglevel=debug HTTP/1.1\r\nHost: x\r\n\r\n").expect("sent");
    let mut seen = String::new();
    let mut buffer = [0; 4096];
    while !seen.contains("\r\n\r\n") {
        let read = stream.read(&mut buffer).expect("headers come at once");
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
    agent.put_ok("/v1/kv/logged", "x");
    while !seen.contains("/v1/kv/logged") {
        let read = stream.read(&mut buffer).expect("lines come as they are logged");
        assert!(read > 0, "the stream ended: {seen}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..read]));
    }
}
