//! The HTTP API client that the commands use: addresses, tokens, TLS options from flags and environment, typed calls.
//!
//! It knows the API and nothing of the command line; the agent uses it too, to watch itself ([`watch`]).

pub mod acl;
pub mod aws;
pub mod child;
mod error;
pub mod kv;
pub mod lock;
pub mod session;
mod settings;
mod tls;
pub mod watch;

pub use error::{Error, os_text};
pub use settings::{Endpoint, Overrides, Settings};

use crate::types::PATH_SEGMENT;
use crate::types::secret::hidden;
use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::net::{IpAddr, ToSocketAddrs};

pub use reqwest::Method;

/// Result of a request.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Characters that a path keeps, as Go's `EscapedPath` does.
const PATH: &AsciiSet = &PATH_SEGMENT.remove(b',').remove(b'/').remove(b';');

/// Characters that a query keeps, as Go's `url.Values.Encode` does (a blank becomes `+`).
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b' ');

/// Query parameters, sorted by name as they are sent.
#[derive(Clone, Debug, Default)]
pub struct Params(BTreeMap<String, Vec<String>>);

impl Params {
    /// No parameters.
    pub fn new() -> Params {
        Params::default()
    }

    /// With one more value.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl ToString) -> Params {
        self.0.entry(name.to_string()).or_default().push(value.to_string());
        self
    }

    /// With one more value when `condition` holds.
    #[must_use]
    pub fn with_if(self, condition: bool, name: &str, value: impl ToString) -> Params {
        if condition { self.with(name, value) } else { self }
    }

    fn encode(&self) -> String {
        let escape = |text: &str| utf8_percent_encode(text, QUERY).to_string().replace(' ', "+");
        let pairs = self.0.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
        pairs.map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect::<Vec<_>>().join("&")
    }
}

/// An answer, whatever its status.
#[derive(Clone, derive_more::Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// `X-Consul-Index`, 0 when absent.
    pub index: u64,
    /// Headers.
    #[debug("{}", hidden(headers))]
    pub headers: HeaderMap,
    /// Body.
    #[debug("{}", hidden(body))]
    pub body: Bytes,
}

impl Response {
    /// Decodes the body.
    ///
    /// # Errors
    /// The body is not JSON of this shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|error| Error::Other(error.to_string()))
    }

    /// The answer if its status is 200.
    ///
    /// # Errors
    /// [`Error::Status`] otherwise.
    pub fn success(self) -> Result<Response> {
        if self.status == 200 {
            return Ok(self);
        }
        Err(Error::Status { code: self.status, body: String::from_utf8_lossy(&self.body).trim().to_string() })
    }
}

/// A client of one agent.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    settings: Settings,
    base: String,
    shown: String,
    host: Option<String>,
}

impl Client {
    /// Prepares connections; none is opened yet.
    ///
    /// # Errors
    /// The text of the client-creation error (`spec/cli.md` 4.7).
    pub fn new(settings: Settings) -> Result<Client, String> {
        let https = matches!(settings.endpoint, Endpoint::Tcp { https: true, .. });
        let builder = reqwest::Client::builder().tls_backend_preconfigured(tls::config(&settings, https)?);
        let (builder, base, shown, host) = match &settings.endpoint {
            Endpoint::Unix(path) => {
                let base = "http://localhost".to_string();
                (builder.no_proxy().unix_socket(path.clone()), base.clone(), base, None)
            }
            Endpoint::Tcp { https, authority, prefix } => {
                let scheme = if *https { "https" } else { "http" };
                let shown = format!("{scheme}://{authority}{prefix}");
                let builder = if is_local(authority) { builder.no_proxy() } else { builder };
                match settings.tls_server_name.as_str() {
                    name if *https && !name.is_empty() => {
                        let port = authority.rsplit_once(':').map_or("443", |(_, port)| port);
                        let addresses: Vec<_> = authority.to_socket_addrs().into_iter().flatten().collect();
                        let builder = builder.resolve_to_addrs(name, &addresses).http1_only();
                        (builder, format!("{scheme}://{name}:{port}{prefix}"), shown, Some(authority.clone()))
                    }
                    _ => (builder, shown.clone(), shown, None),
                }
            }
        };
        let http = builder.build().map_err(|error| error.to_string())?;
        Ok(Client { http, settings, base, shown, host })
    }

    /// The settings that the client was made of.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Sends a request and returns the answer with its body still to be read.
    ///
    /// # Errors
    /// [`Error::Transport`] when there is no answer.
    pub async fn open(
        &self,
        method: Method,
        path: &str,
        params: Params,
        body: Option<Body>,
    ) -> Result<reqwest::Response> {
        let shared = [
            ("dc", &self.settings.datacenter),
            ("ns", &self.settings.namespace),
            ("partition", &self.settings.partition),
        ];
        let params = shared.iter().fold(params, |params, (name, value)| match params.0.contains_key(*name) {
            true => params,
            false => params.with_if(!value.is_empty(), name, value),
        });
        let query = params.encode();
        let separator = if query.is_empty() { "" } else { "?" };
        let tail = format!("{}{separator}{query}", utf8_percent_encode(path, PATH));
        let mut request = self.http.request(method.clone(), format!("{}{tail}", self.base)).headers(self.headers());
        if let Some(body) = body {
            request = request.header(CONTENT_TYPE, body.content_type).body(body.data);
        }
        let shown = format!("{}{tail}", self.shown);
        request.send().await.map_err(|error| error::transport(method.as_str(), &shown, &self.settings, &error))
    }

    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`Error::Transport`] when there is no answer.
    pub async fn send(&self, method: Method, path: &str, params: Params, body: Option<Body>) -> Result<Response> {
        let response = self.open(method, path, params, body).await?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let index = headers.get("x-consul-index").and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0);
        let body = response.bytes().await.map_err(|error| Error::Other(format!("unexpected EOF: {error}")))?;
        Ok(Response { status, index, headers, body })
    }

    /// GET of JSON.
    ///
    /// # Errors
    /// No answer, a status other than 200, or a body of another shape.
    pub async fn get<T: DeserializeOwned>(&self, path: &str, params: Params) -> Result<T> {
        self.send(Method::GET, path, params, None).await?.success()?.json()
    }

    /// PUT; returns the body.
    ///
    /// # Errors
    /// No answer or a status other than 200.
    pub async fn put(&self, path: &str, params: Params, body: Option<Body>) -> Result<Bytes> {
        Ok(self.send(Method::PUT, path, params, body).await?.success()?.body)
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let mut insert = |name: reqwest::header::HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        if !self.settings.token.is_empty() {
            insert(reqwest::header::HeaderName::from_static("x-consul-token"), &self.settings.token);
        }
        if let Some((user, password)) = &self.settings.auth {
            let pair = format!("{user}:{}", password.as_deref().unwrap_or(""));
            insert(AUTHORIZATION, &format!("Basic {}", base64_text(pair.as_bytes())));
        }
        if let Some(host) = &self.host {
            insert(HOST, host);
        }
        headers
    }
}

/// Compact JSON as Go prints it, with `<`, `>` and `&` escaped.
fn go_json(value: &serde_json::Value) -> String {
    let text = value.to_string();
    [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")].iter().fold(text, |text, (from, to)| text.replace(from, to))
}

/// An HTTP client for other servers than an agent, with the TLS of this room.
fn plain_http(skip_verify: bool, timeout: std::time::Duration) -> Result<reqwest::Client, String> {
    let settings = Settings { insecure: skip_verify, ..Settings::for_address("")? };
    let builder = reqwest::Client::builder().tls_backend_preconfigured(tls::config(&settings, true)?);
    builder.timeout(timeout).build().map_err(|error| error.to_string())
}

fn base64_text(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Proxies are never asked for this machine.
fn is_local(authority: &str) -> bool {
    let host = settings::without_port(authority);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// A request body.
#[derive(Debug)]
pub struct Body {
    content_type: &'static str,
    data: reqwest::Body,
}

impl Body {
    /// JSON.
    pub fn json(value: &impl serde::Serialize) -> Body {
        let text = serde_json::to_vec(value).expect("requests are made of plain structs");
        Body { content_type: "application/json", data: text.into() }
    }

    /// Raw bytes.
    pub fn bytes(data: impl Into<Bytes>) -> Body {
        Body { content_type: "application/octet-stream", data: data.into().into() }
    }

    /// A file, streamed.
    pub fn file(file: std::fs::File) -> Body {
        let stream = tokio_util::io::ReaderStream::new(tokio::fs::File::from_std(file));
        Body { content_type: "application/octet-stream", data: reqwest::Body::wrap_stream(stream) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_sorted_and_escaped() {
        let params = Params::new().with("recurse", "").with("dc", "a b/c").with("dc", "2").with_if(false, "x", 1);
        assert_eq!(params.encode(), "dc=a+b%2Fc&dc=2&recurse=");
    }

    #[test]
    fn paths_keep_what_go_keeps() {
        assert_eq!(utf8_percent_encode("/v1/kv/a b?ü:$&+,;=@", PATH).to_string(), "/v1/kv/a%20b%3F%C3%BC:$&+,;=@");
    }

    #[tokio::test]
    async fn a_refused_connection_reads_as_in_go() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("free port").port();
        let address = format!("127.0.0.1:{port}");
        let client = Client::new(Settings::for_address(&address).expect("valid")).expect("client");
        let error = client.get::<serde_json::Value>("/v1/kv/a b", Params::new().with("keys", "")).await;
        let expected =
            format!("Get \"http://{address}/v1/kv/a%20b?keys=\": dial tcp {address}: connect: connection refused");
        assert_eq!(error.expect_err("nobody listens").to_string(), expected);
    }

    #[tokio::test]
    async fn a_missing_socket_is_named() {
        let client = Client::new(Settings::for_address("unix:///nonexistent/x.sock").expect("valid")).expect("client");
        let error = client.put("/v1/kv/a", Params::new(), None).await.expect_err("no socket").to_string();
        assert_eq!(
            error,
            "Put \"http://localhost/v1/kv/a\": dial unix /nonexistent/x.sock: connect: no such file or directory"
        );
    }
}
