//! Checks against real sockets, processes and servers of this machine. Results are awaited on a channel; nothing sleeps.

use super::*;
use crate::types::Result as ApiResult;
use CheckStatus::{Critical, Passing, Warning};
use serde_json::json;
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket, UnixListener};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// No condition of these tests takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

struct Channel(UnboundedSender<(CheckStatus, String)>);

impl CheckSink for Channel {
    fn update(&self, _: &str, status: CheckStatus, output: String) {
        let _ = self.0.send((status, output));
    }
}

/// Aliased checks that a test sets.
struct Views {
    local: parking_lot::Mutex<AliasView>,
    changes: watch::Sender<u64>,
    remote: tokio::sync::Mutex<UnboundedReceiver<ApiResult<AliasView>>>,
}

impl AliasSource for Views {
    fn is_local_node(&self, node: &str) -> bool {
        node == "here"
    }
    fn local(&self, _: &str) -> AliasView {
        self.local.lock().clone()
    }
    fn local_changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }
    fn remote<'a>(&'a self, _: &'a str, _: &'a str, _: &'a str, _: Index) -> BoxFuture<'a, ApiResult<AliasView>> {
        Box::pin(async {
            match self.remote.lock().await.recv().await {
                Some(view) => view,
                None => std::future::pending().await,
            }
        })
    }
}

fn views() -> (Arc<Views>, UnboundedSender<ApiResult<AliasView>>) {
    let (send, receive) = unbounded_channel();
    let (local, changes) = (parking_lot::Mutex::default(), watch::Sender::new(0));
    (Arc::new(Views { local, changes, remote: tokio::sync::Mutex::new(receive) }), send)
}

fn env() -> CheckEnv {
    CheckEnv { enable_script_checks: true, min_interval: Duration::from_millis(5), ..CheckEnv::new(views().0) }
}

/// A running check and its results.
struct Watched {
    handle: CheckHandle,
    results: UnboundedReceiver<(CheckStatus, String)>,
}

impl Watched {
    async fn next(&mut self) -> (CheckStatus, String) {
        let next = tokio::time::timeout(PATIENCE, self.results.recv()).await;
        next.expect("a result in time").expect("the check runs")
    }
}

fn run_in(env: &CheckEnv, mut def: serde_json::Value) -> Watched {
    let defaults = def.as_object_mut().expect("an object");
    if !["TTL", "AliasService", "AliasNode"].iter().any(|key| defaults.contains_key(*key)) {
        defaults.entry("Interval").or_insert(json!("5ms"));
    }
    let def: CheckType = serde_json::from_value(def).expect("a definition");
    let (send, results) = unbounded_channel();
    let spec = CheckSpec { check_id: "x", def: &def, source: CheckSource::Api, token: "" };
    let handle = start(spec, env, Arc::new(Channel(send))).expect("the check starts");
    Watched { handle, results }
}

fn run(def: serde_json::Value) -> Watched {
    run_in(&env(), def)
}

async fn first(def: serde_json::Value) -> (CheckStatus, String) {
    run(def).next().await
}

fn result(status: CheckStatus, output: impl Into<String>) -> (CheckStatus, String) {
    (status, output.into())
}

/// An address of this machine where nobody listens.
async fn closed_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listener");
    listener.local_addr().expect("address").to_string()
}

/// Answers every connection with what `answer` makes of the request head.
async fn http_server(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listener");
    let address = listener.local_addr().expect("address").to_string();
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let head = read_head(&mut stream).await;
                let text = answer(&head);
                if text == "never" {
                    return std::future::pending().await;
                }
                let _ = stream.write_all(text.as_bytes()).await;
            });
        }
    });
    address
}

/// Talks before it listens, as mail servers do.
async fn greeting_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listener");
    let address = listener.local_addr().expect("address").to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"220 welcome\r\n").await;
            tokio::spawn(async move { stream.read_to_end(&mut Vec::new()).await });
        }
    });
    address
}

/// Reads a request with its body, if it has a length.
async fn read_head(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return head };
        head.push(char::from(byte));
    }
    let length = head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    let _ = stream.read_exact(&mut body).await;
    head + &String::from_utf8_lossy(&body)
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

mod scripts {
    use super::*;

    fn shell(command: &str) -> serde_json::Value {
        json!({"ScriptArgs": ["/bin/sh", "-c", command]})
    }

    #[tokio::test]
    async fn the_exit_code_is_the_status() {
        for (command, status, output) in [
            ("echo hi; echo err >&2", Passing, "hi\nerr\n"),
            ("echo w; exit 1", Warning, "w\n"),
            ("echo c; exit 2", Critical, "c\n"),
            ("echo s; kill -9 $$", Critical, "s\n"),
        ] {
            assert_eq!(first(shell(command)).await, result(status, output), "{command}");
        }
    }

    #[tokio::test]
    async fn commands_that_cannot_start_say_why() {
        for (program, output) in [
            ("/nonexistent", "fork/exec /nonexistent: no such file or directory"),
            ("/tmp", "fork/exec /tmp: permission denied"),
            ("no-such-program", "exec: \"no-such-program\": executable file not found in $PATH"),
            ("", "exec: no command"),
        ] {
            assert_eq!(first(json!({"ScriptArgs": [program]})).await, result(Critical, output));
        }
    }

    #[tokio::test]
    async fn only_the_end_of_the_output_is_kept() {
        let (status, output) = first(shell("seq 1 3000")).await;
        assert_eq!(status, Passing);
        let rest = output.strip_prefix("Captured 4096 of 13893 bytes\n...\n").expect("a prefix");
        assert_eq!(rest.len(), 4096);
        assert!(rest.ends_with("2999\n3000\n"));
        let mut short = shell("seq 1 9");
        short["OutputMaxSize"] = json!(4);
        assert_eq!(first(short).await.1, "Captured 4 of 18 bytes\n...\n8\n9\n");
    }

    /// The first process id in a text, when that process is gone or dead.
    async fn until_dead(pid: &str) {
        let stat = format!("/proc/{pid}/stat");
        let alive = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        let gone = async {
            while alive() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, gone).await.expect("the process ends");
    }

    #[tokio::test]
    async fn a_timeout_kills_the_whole_group_even_if_it_ignores_sigterm() {
        let mut def = shell("trap '' TERM; sleep 1000 & echo $!; echo $$; wait; sleep 1000");
        def["Timeout"] = json!("300ms");
        let mut check = run(def);
        let (status, output) = check.next().await;
        assert_eq!(status, Critical);
        let pids = output.strip_prefix("Timed out (300ms) running check\n\n").expect(&output);
        for pid in pids.split_whitespace() {
            until_dead(pid).await;
        }
        assert_eq!(pids.split_whitespace().count(), 2);
        // Reported, reaped, and run again.
        assert_eq!(check.next().await.0, Critical);
    }

    #[tokio::test]
    async fn a_timeout_without_output_is_one_line() {
        let mut def = shell("exec sleep 1000");
        def["Timeout"] = json!("50ms");
        assert_eq!(first(def).await, result(Critical, "Timed out (50ms) running check"));
    }

    #[tokio::test]
    async fn a_stopped_check_leaves_nothing_behind() {
        let dir = tempfile::tempdir().expect("directory");
        let file = dir.path().join("pids");
        let check = run(shell(&format!(
            "trap '' TERM; sleep 1000 & echo $! $$ > {0}.new; mv {0}.new {0}; wait",
            file.display()
        )));
        let written = async {
            while !file.exists() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, written).await.expect("the script writes");
        let pids = std::fs::read_to_string(&file).expect("pids");
        drop(check);
        for pid in pids.split_whitespace() {
            until_dead(pid).await;
        }
    }

    #[tokio::test]
    async fn permissions_depend_on_the_source() {
        let def: CheckType =
            serde_json::from_value(json!({"ScriptArgs": ["true"], "Interval": "10s"})).expect("a definition");
        let remote =
            "Scripts are disabled on this agent from remote calls; to enable, configure 'enable_script_checks' to true";
        let local = "Scripts are disabled on this agent; to enable, configure 'enable_script_checks' or \
                     'enable_local_script_checks' to true";
        for (all, locals, source, wanted) in [
            (false, false, CheckSource::Api, Some(remote)),
            (false, true, CheckSource::Api, Some(remote)),
            (true, false, CheckSource::Api, None),
            (false, false, CheckSource::Config, Some(local)),
            (false, true, CheckSource::Config, None),
            (true, false, CheckSource::Config, None),
        ] {
            let env = CheckEnv { enable_script_checks: all, enable_local_script_checks: locals, ..env() };
            let spec = CheckSpec { check_id: "x", def: &def, source, token: "" };
            let started = start(spec, &env, Arc::new(Channel(unbounded_channel().0)));
            assert_eq!(started.err().map(|error| error.text).as_deref(), wanted);
        }
    }
}

#[tokio::test]
async fn definitions_that_cannot_run_are_refused() {
    for (id, def, wanted) in [
        ("", json!({"TTL": "1s"}), "CheckID missing"),
        ("x", json!({}), "Check is not valid: TTL must be > 0 for TTL checks"),
        ("x", json!({"OSService": "ssh", "Interval": "1s"}), "not implemented"),
    ] {
        let def: CheckType = serde_json::from_value(def).expect("a definition");
        let spec = CheckSpec { check_id: id, def: &def, source: CheckSource::Config, token: "" };
        let started = start(spec, &env(), Arc::new(Channel(unbounded_channel().0)));
        assert_eq!(started.err().map(|error| error.text).as_deref(), Some(wanted));
    }
}

#[tokio::test]
async fn an_interval_below_the_minimum_is_raised() {
    let def: CheckType = serde_json::from_value(json!({"TCP": "x:1", "Interval": "10ms"})).expect("a definition");
    let env = CheckEnv { min_interval: MIN_INTERVAL, ..env() };
    assert_eq!(interval("x", &def, &env), Duration::from_secs(1));
    let long = CheckType { interval: GoDuration::secs(7), ..def };
    assert_eq!(interval("x", &long, &env), Duration::from_secs(7));
}

mod http {
    use super::*;

    #[tokio::test]
    async fn the_status_code_is_the_status() {
        let server = http_server(|head| {
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            match path.as_str() {
                "/429" => answer("429 Too Many Requests", "", "slow down"),
                "/500" => answer("500 Internal Server Error", "", "ouch"),
                "/204" => answer("204 No Content", "", ""),
                "/odd" => answer("299 So So", "", "x"),
                _ => answer("200 OK", "", "fine"),
            }
        })
        .await;
        for (path, status, rest) in [
            ("", Passing, "200 OK Output: fine"),
            ("/ok?a=b", Passing, "200 OK Output: fine"),
            ("/204", Passing, "204 No Content Output: "),
            ("/odd", Passing, "299 So So Output: x"),
            ("/429", Warning, "429 Too Many Requests Output: slow down"),
            ("/500", Critical, "500 Internal Server Error Output: ouch"),
        ] {
            let url = format!("http://{server}{path}");
            assert_eq!(first(json!({"HTTP": url})).await, result(status, format!("HTTP GET {url}: {rest}")));
        }
    }

    #[tokio::test]
    async fn the_request_carries_what_the_definition_says() {
        let server = http_server(|head| answer("200 OK", "", &head.to_ascii_lowercase())).await;
        let url = format!("http://{server}/hdr");
        let (_, plain) = first(json!({"HTTP": url})).await;
        for line in [
            "get /hdr http/1.1\r\n",
            &format!("host: {server}\r\n"),
            "user-agent: consul health check\r\n",
            "accept: text/plain, text/*, */*\r\n",
            "connection: close\r\n",
        ] {
            assert!(plain.contains(line), "{line} in {plain}");
        }
        let header = json!({"X-A": ["1", "2"], "Host": ["foo.test"], "User-Agent": ["mine"]});
        let (_, own) = first(json!({"HTTP": url, "Method": "PUT", "Body": "a body", "Header": header})).await;
        assert!(own.starts_with(&format!("HTTP PUT {url}: 200 OK Output: put /hdr http/1.1\r\n")), "{own}");
        for line in ["x-a: 1\r\n", "x-a: 2\r\n", "host: foo.test\r\n", "user-agent: mine\r\n", "content-length: 6\r\n"]
        {
            assert!(own.contains(line), "{line} in {own}");
        }
        assert!(own.ends_with("\r\n\r\na body") && !own.contains("consul health check"), "{own}");
    }

    #[tokio::test]
    async fn the_end_of_a_long_body_is_kept() {
        let server = http_server(|_| answer("200 OK", "", &format!("{}end", "x".repeat(10_000)))).await;
        let url = format!("http://{server}/");
        let (status, output) = first(json!({"HTTP": url, "OutputMaxSize": 5})).await;
        assert_eq!((status, output), result(Passing, format!("HTTP GET {url}: 200 OK Output: xxend")));
    }

    #[tokio::test]
    async fn redirects_are_followed_ten_times_or_not_at_all() {
        let server = http_server(|head| match head.split(' ').nth(1).unwrap_or_default() {
            "/loop" => answer("302 Found", "location: /loop\r\n", ""),
            "/a" => answer("301 Moved Permanently", "location: b?c\r\n", ""),
            "/keep" => answer("307 Temporary Redirect", "location: /b?c\r\n", ""),
            "/b?c" => {
                answer("200 OK", "", &format!("{} {}", &head[..4], head.split("\r\n\r\n").nth(1).unwrap_or_default()))
            }
            _ => answer("404 Not Found", "", ""),
        })
        .await;
        let url = |path: &str| format!("http://{server}{path}");
        let post = |path: &str| json!({"HTTP": url(path), "Method": "POST", "Body": "data"});
        let ok = |path: &str, body: &str| result(Passing, format!("HTTP POST {}: 200 OK Output: {body}", url(path)));
        assert_eq!(first(post("/a")).await, ok("/a", "GET  "));
        assert_eq!(first(post("/keep")).await, ok("/keep", "POST data"));
        assert_eq!(
            first(json!({"HTTP": url("/loop")})).await,
            result(Critical, "Get \"/loop\": stopped after 10 redirects")
        );
        assert_eq!(
            first(json!({"HTTP": url("/loop"), "DisableRedirects": true})).await,
            result(Critical, format!("HTTP GET {}: 302 Found Output: ", url("/loop")))
        );
    }

    #[tokio::test]
    async fn failures_are_told_in_gos_words() {
        let closed = closed_address().await;
        let server = http_server(|head| match head.split(' ').nth(1).unwrap_or_default() {
            "/never" => "never".to_owned(),
            "/garbage" => "hello\r\n\r\n".to_owned(),
            _ => String::new(),
        })
        .await;
        let greeter = greeting_server().await;
        for (def, output) in [
            (
                json!({"HTTP": format!("http://{closed}")}),
                format!("Get \"http://{closed}\": dial tcp {closed}: connect: connection refused"),
            ),
            (
                json!({"HTTP": format!("http://{closed}/x"), "Method": "POST"}),
                format!("Post \"http://{closed}/x\": dial tcp {closed}: connect: connection refused"),
            ),
            (
                json!({"HTTP": format!("http://{server}/never"), "Timeout": "100ms"}),
                format!(
                    "Get \"http://{server}/never\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
                ),
            ),
            (json!({"HTTP": format!("http://{server}/eof")}), format!("Get \"http://{server}/eof\": EOF")),
            (
                json!({"HTTP": format!("http://{server}/garbage")}),
                format!(
                    "Get \"http://{server}/garbage\": net/http: HTTP/1.x transport connection broken: malformed HTTP response"
                ),
            ),
            (
                json!({"HTTP": format!("https://{greeter}/x")}),
                format!("Get \"https://{greeter}/x\": tls: first record does not look like a TLS handshake"),
            ),
            (
                json!({"HTTP": format!("https://{server}/silent"), "Timeout": "100ms"}),
                format!(
                    "Get \"https://{server}/silent\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
                ),
            ),
            (json!({"HTTP": "foo"}), "Get \"foo\": unsupported protocol scheme \"\"".to_owned()),
            (json!({"HTTP": "ftp://x/y"}), "Get \"ftp://x/y\": unsupported protocol scheme \"ftp\"".to_owned()),
            (json!({"HTTP": "http://[::1/x"}), "parse \"http://[::1/x\": missing ']' in host".to_owned()),
            (json!({"HTTP": "http://x/", "Method": "A B"}), "net/http: invalid method \"A B\"".to_owned()),
        ] {
            assert_eq!(first(def.clone()).await, result(Critical, output), "{def}");
        }
    }
}

mod sockets {
    use super::*;

    #[tokio::test]
    async fn tcp_is_a_connection() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listener");
        let address = listener.local_addr().expect("address").to_string();
        let success = format!("TCP connect {address}: Success");
        assert_eq!(first(json!({"TCP": address})).await, result(Passing, success));
        let closed = closed_address().await;
        for (address, output) in [
            (closed.as_str(), format!("dial tcp {closed}: connect: connection refused")),
            ("127.0.0.1", "dial tcp: address 127.0.0.1: missing port in address".to_owned()),
            ("127.0.0.1:99999", "dial tcp: address 99999: invalid port".to_owned()),
        ] {
            assert_eq!(first(json!({"TCP": address})).await, result(Critical, output));
        }
    }

    #[tokio::test]
    async fn a_service_that_recovers_is_seen() {
        let address = closed_address().await;
        let mut check = run(json!({"TCP": address, "FailuresBeforeCritical": 3, "SuccessBeforePassing": 2}));
        assert_eq!(check.next().await.0, Critical);
        let _listener = TcpListener::bind(&address).await.expect("the port is still free");
        let mut last = Critical;
        while last == Critical {
            last = check.next().await.0;
        }
        assert_eq!(last, Passing);
    }

    #[tokio::test]
    async fn udp_is_well_with_an_answer_or_silence() {
        let echo = UdpSocket::bind("127.0.0.1:0").await.expect("socket");
        let silent = UdpSocket::bind("127.0.0.1:0").await.expect("socket");
        let address = |socket: &UdpSocket| socket.local_addr().expect("address").to_string();
        let (talks, hears) = (address(&echo), address(&silent));
        tokio::spawn(async move {
            while let Ok((_, from)) = echo.recv_from(&mut [0; 16]).await {
                let _ = echo.send_to(b"pong", from).await;
            }
        });
        let success = |address: &str| result(Passing, format!("UDP connect {address}: Success"));
        assert_eq!(first(json!({"UDP": talks})).await, success(&talks));
        assert_eq!(first(json!({"UDP": hears, "Timeout": "20ms"})).await, success(&hears));
        drop(silent);
        let (status, output) = first(json!({"UDP": hears})).await;
        assert_eq!(status, Critical);
        assert!(output.starts_with("read udp 127.0.0.1:"), "{output}");
        assert!(output.ends_with(&format!("->{hears}: read: connection refused")), "{output}");
    }
}

mod ttl {
    use super::*;

    #[tokio::test]
    async fn silence_is_critical_until_the_next_word() {
        let mut check = run(json!({"TTL": "50ms"}));
        assert_eq!(check.handle.kind(), CheckKind::Ttl);
        assert_eq!(check.next().await, result(Critical, "TTL expired"));
        assert_eq!(check.handle.ttl_set(Warning, "hm"), Ok("hm".to_owned()));
        assert_eq!(check.next().await, result(Warning, "hm"));
        assert_eq!(check.next().await, result(Critical, "TTL expired (last output before timeout follows): hm"));
    }

    #[tokio::test]
    async fn a_word_restarts_the_time() {
        let mut check = run(json!({"TTL": "1h"}));
        for status in [Passing, Warning, Critical, Passing] {
            let note = "x".repeat(5000);
            let told = check.handle.ttl_set(status, &note).expect("a TTL check");
            assert_eq!(told, format!("{} ... (captured 4096 of 5000 bytes)", "x".repeat(4096)));
            assert_eq!(check.next().await, (status, told));
        }
    }

    #[tokio::test]
    async fn other_kinds_take_no_word() {
        let check = run(json!({"AliasService": "web"}));
        assert!(check.handle.ttl_set(Passing, "").is_err());
    }
}

mod alias {
    use super::*;

    fn view(status: &str) -> AliasView {
        let check = AliasedCheck {
            check_id: "c".into(),
            name: "c".into(),
            service_id: "web".into(),
            status: status.into(),
            output: "why".into(),
            ..AliasedCheck::default()
        };
        AliasView { index: 7, service_exists: true, checks: vec![check] }
    }

    #[tokio::test]
    async fn local_changes_are_followed() {
        let (source, _remote) = views();
        let env = CheckEnv { alias: source.clone(), ..env() };
        for node in ["", "here"] {
            *source.local.lock() = AliasView::default();
            let mut check = run_in(&env, json!({"AliasService": "web", "AliasNode": node}));
            assert_eq!(check.next().await, result(Critical, format!("Service web could not be found on node {node}")));
            for (status, wanted) in [
                ("passing", result(Passing, "All checks passing.")),
                ("warning", result(Warning, "Aliased check \"c\" failing: why")),
                ("critical", result(Critical, "Aliased check \"c\" failing: why")),
            ] {
                *source.local.lock() = view(status);
                source.changes.send_modify(|version| *version += 1);
                assert_eq!(check.next().await, wanted);
            }
        }
    }

    #[tokio::test]
    async fn other_nodes_are_asked() {
        let (source, remote) = views();
        let mut check =
            run_in(&CheckEnv { alias: source, ..env() }, json!({"AliasService": "web", "AliasNode": "there"}));
        remote.send(Ok(view("passing"))).expect("the check asks");
        assert_eq!(check.next().await, result(Passing, "All checks passing."));
        remote.send(Err(Error::no_leader())).expect("the check asks");
        assert_eq!(check.next().await, result(Critical, "Failure checking aliased node or service: No cluster leader"));
    }
}

/// A certificate for names, an environment that trusts it, and a server configuration.
fn tls_pair(names: &[&str], alpn: &[&[u8]]) -> (CheckEnv, tokio_rustls::TlsAcceptor) {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    let cert = made.cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.clone()], key)
        .expect("a server");
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let tls = CheckTls::agent(AgentTls { roots: vec![cert], identity: None });
    (CheckEnv { tls: Arc::new(tls), ..env() }, tokio_rustls::TlsAcceptor::from(Arc::new(config)))
}

/// Accepts TLS connections and serves each with HTTP/2 health answers or HTTP/1 `fine`.
async fn tls_server(acceptor: tokio_rustls::TlsAcceptor) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listener");
    let port = listener.local_addr().expect("address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                    return serve_health(stream).await;
                }
                read_head(&mut stream).await;
                let _ = stream.write_all(answer("200 OK", "", "fine").as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    format!("localhost:{port}")
}

/// `tonic`'s own health service on one connection: `web` serves, `down` does not.
async fn serve_health(stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static) {
    use tonic_health::ServingStatus;
    let (reporter, service) = tonic_health::server::health_reporter();
    reporter.set_service_status("web", ServingStatus::Serving).await;
    reporter.set_service_status("down", ServingStatus::NotServing).await;
    let service = hyper_util::service::TowerToHyperService::new(service);
    let io = hyper_util::rt::TokioIo::new(stream);
    let executor = hyper_util::rt::TokioExecutor::new();
    let _ = hyper::server::conn::http2::Builder::new(executor).serve_connection(io, service).await;
}

async fn health_server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listener");
    let address = listener.local_addr().expect("address").to_string();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve_health(stream));
        }
    });
    address
}

mod http2 {
    use super::*;

    #[tokio::test]
    async fn grpc_asks_the_health_service() {
        let server = health_server().await;
        for (service, status, rest) in [
            ("", Passing, "gRPC check {}: success"),
            ("/web", Passing, "gRPC check {}: success"),
            ("/down", Critical, "gRPC {} serving status: NOT_SERVING"),
        ] {
            let target = format!("{server}{service}");
            assert_eq!(first(json!({"GRPC": target})).await, result(status, rest.replace("{}", &target)));
        }
        let (status, output) = first(json!({"GRPC": format!("{server}/nope")})).await;
        assert_eq!(status, Critical);
        assert!(output.starts_with("rpc error: code = NotFound desc = "), "{output}");
    }

    #[tokio::test]
    async fn grpc_tells_what_stands_in_the_way() {
        let closed = closed_address().await;
        assert_eq!(
            first(json!({"GRPC": closed})).await,
            result(
                Critical,
                format!(
                    "rpc error: code = Unavailable desc = connection error: desc = \"transport: Error while dialing: \
                     dial tcp {closed}: connect: connection refused\""
                )
            )
        );
        let plain = http_server(|_| "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned()).await;
        let (status, output) = first(json!({"GRPC": plain})).await;
        assert_eq!(status, Critical);
        let prefix = "rpc error: code = Unavailable desc = connection error: desc = \"error reading server preface: ";
        assert!(output.starts_with(prefix), "{output}");
        let silent = http_server(|_| "never".to_owned()).await;
        assert_eq!(
            first(json!({"GRPC": silent, "Timeout": "100ms"})).await,
            result(Critical, "rpc error: code = DeadlineExceeded desc = context deadline exceeded")
        );
    }

    #[tokio::test]
    async fn h2ping_is_acknowledged_or_not() {
        let server = health_server().await;
        let ping = |address: &str| json!({"H2PING": address, "H2PingUseTLS": false, "Timeout": "5s"});
        assert_eq!(first(ping(&server)).await, result(Passing, "HTTP2 ping was successful"));
        let closed = closed_address().await;
        let output = format!("Failed to dial to {closed}: dial tcp {closed}: connect: connection refused");
        assert_eq!(first(ping(&closed)).await, result(Critical, output));
        let plain = http_server(|_| "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned()).await;
        let (status, output) = first(ping(&plain)).await;
        assert_eq!(status, Critical);
        assert!(output.starts_with("HTTP2 ping failed: "), "{output}");
    }

    #[tokio::test]
    async fn tls_is_verified_unless_told_otherwise() {
        let (trusting, acceptor) = tls_pair(&["localhost"], &[b"h2", b"http/1.1"]);
        let server = tls_server(acceptor).await;
        let url = format!("https://{server}/");
        let checks = [
            (json!({"TCP": server, "TCPUseTLS": true}), format!("TCP+TLS connect {server}: Success")),
            (json!({"HTTP": url}), format!("HTTP GET {url}: 200 OK Output: fine")),
            (json!({"GRPC": format!("{server}/web"), "GRPCUseTLS": true}), format!("gRPC check {server}/web: success")),
            (json!({"H2PING": server, "H2PingUseTLS": true}), "HTTP2 ping was successful".to_owned()),
        ];
        let (distrusting, _) = tls_pair(&["localhost"], &[]);
        for (def, output) in checks {
            let passing = result(Passing, output);
            assert_eq!(run_in(&trusting, def.clone()).next().await, passing);
            let (status, refusal) = run_in(&distrusting, def.clone()).next().await;
            assert_eq!(status, Critical, "{def}");
            let reason = "tls: failed to verify certificate: x509: certificate signed by unknown authority";
            assert!(refusal.contains(reason), "{refusal}");
            let mut careless = def.clone();
            careless["TLSSkipVerify"] = json!(true);
            assert_eq!(run_in(&distrusting, careless).next().await, passing);
        }
    }

    #[tokio::test]
    async fn the_server_name_can_be_given() {
        let (trusting, acceptor) = tls_pair(&["web.test"], &[]);
        let server = tls_server(acceptor).await;
        let mut def = json!({"TCP": server, "TCPUseTLS": true});
        assert_eq!(
            run_in(&trusting, def.clone()).next().await,
            result(
                Critical,
                "tls: failed to verify certificate: x509: certificate is valid for web.test, not localhost"
            )
        );
        def["TLSServerName"] = json!("web.test");
        assert_eq!(run_in(&trusting, def).next().await.0, Passing);
    }
}

mod docker {
    use super::*;

    /// An engine on a Unix socket that answers `METHOD path` as the table says.
    fn engine(answers: BTreeMap<&'static str, String>) -> (tempfile::TempDir, CheckEnv) {
        let dir = tempfile::tempdir().expect("directory");
        let socket = dir.path().join("docker.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let answers = Arc::new(answers);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answers = answers.clone();
                tokio::spawn(async move {
                    let head = read_head(&mut stream).await;
                    let line: Vec<&str> = head.split(' ').take(2).collect();
                    let text = answers.get(line.join(" ").as_str()).cloned();
                    let _ = stream.write_all(text.unwrap_or_else(|| answer("418 Teapot", "", &head)).as_bytes()).await;
                });
            }
        });
        let env = CheckEnv { docker_host: Some(format!("unix://{}", socket.display()).into()), ..env() };
        (dir, env)
    }

    fn def() -> serde_json::Value {
        json!({"DockerContainerID": "abc", "ScriptArgs": ["true"]})
    }

    const CREATE: &str = "POST /containers/abc/exec";
    const START: &str = "POST /exec/id1/start";
    const INSPECT: &str = "GET /exec/id1/json";

    fn exited(code: i64) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            (CREATE, answer("201 Created", "", "{\"Id\":\"id1\"}")),
            (START, answer("200 OK", "", "\u{1}\0\0\0\0\0\0\u{4}out\n")),
            (INSPECT, answer("200 OK", "", &format!("{{\"ExitCode\":{code}}}"))),
        ])
    }

    #[tokio::test]
    async fn the_exit_code_of_the_command_is_the_status() {
        for (code, status) in [(0, Passing), (1, Warning), (2, Critical), (137, Critical)] {
            let (_dir, env) = engine(exited(code));
            assert_eq!(run_in(&env, def()).next().await, result(status, "out\n"));
        }
    }

    #[tokio::test]
    async fn refusals_of_the_engine_are_told() {
        for (step, with, output) in [
            (CREATE, "404 Not Found", "create exec failed for unknown container abc"),
            (CREATE, "409 Conflict", "create exec failed since container abc is paused or stopped"),
            (CREATE, "500 Internal Server Error", "create exec failed for container abc with status 500: why"),
            (START, "404 Not Found", "start exec failed for container abc: invalid exec id id1"),
            (INSPECT, "404 Not Found", "inspect exec failed for container abc: invalid exec id id1"),
        ] {
            let mut answers = exited(0);
            answers.insert(step, answer(with, "", "why"));
            let (_dir, env) = engine(answers);
            assert_eq!(run_in(&env, def()).next().await, result(Critical, output));
        }
    }

    #[tokio::test]
    async fn without_an_engine_the_socket_is_named() {
        let env = CheckEnv { docker_host: Some("unix:///nonexistent/docker.sock".into()), ..env() };
        let output = "create exec failed for container abc: Post \
                      \"http://%2Fnonexistent%2Fdocker.sock/containers/abc/exec\": dial unix \
                      /nonexistent/docker.sock: connect: no such file or directory";
        assert_eq!(run_in(&env, def()).next().await, result(Critical, output));
    }
}
