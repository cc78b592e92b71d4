//! Checks against real sockets, processes and servers of this machine. Results are awaited on a channel; nothing sleeps.

mod alias;
mod docker;
mod http;
mod http2;
mod scripts;
mod sockets;
mod ttl;

use super::*;
use crate::types::Result as ApiResult;
use CheckStatus::{Critical, Passing, Warning};
use serde_json::json;
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, UdpSocket, UnixListener};
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

/// A port of this machine that is taken and where nobody listens.
fn silent_socket() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().expect("socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let address = socket.local_addr().expect("address").to_string();
    (socket, address)
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
    let tls = CheckTls::trusting(&[cert]);
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
