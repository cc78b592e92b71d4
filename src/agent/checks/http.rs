//! HTTP checks: one request per run on a connection of its own (`spec/services-and-checks.md` 4, http).

use super::dial::{self, TlsOptions, errno_text};
use super::output::Tail;
use super::proxy;
use super::runner::{Outcome, Probe};
use super::tls::{Alpn, CheckTls};
use super::url::Url;
use crate::types::CheckStatus;
use crate::types::check::Headers;
use bytes::Bytes;
use futures::future::BoxFuture;
use http_body_util::{BodyExt, Full};
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Redirects that are followed.
const MAX_REDIRECTS: usize = 10;

/// Largest number of response headers.
const MAX_HEADERS: usize = 256;

/// A request and how to read its answer.
pub struct Http {
    /// Where to.
    pub url: String,
    /// `GET` when empty.
    pub method: String,
    /// Extra headers; `Host` sets the host of the request.
    pub headers: Headers,
    /// Body as it is sent.
    pub body: String,
    /// A redirect is the answer.
    pub disable_redirects: bool,
    /// TLS options of `https`.
    pub tls_options: TlsOptions,
    /// TLS clients.
    pub tls: Arc<CheckTls>,
    /// Default `User-Agent`.
    pub user_agent: Arc<str>,
    /// Time limit of a run.
    pub timeout: Duration,
    /// Output limit, bytes.
    pub output_max_size: usize,
}

impl Probe for Http {
    fn run<'a>(&'a self, report: &'a mut (dyn FnMut(Outcome) + Send)) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            report(match self.check().await {
                Ok(outcome) => outcome,
                Err(error) => Outcome::critical(error),
            });
        })
    }
}

/// What goes to one URL; redirects change it.
struct Hop {
    url: Url,
    /// The URL as error texts show it.
    shown: String,
    method: Method,
    headers: HeaderMap,
    host: Option<HeaderValue>,
    body: Bytes,
}

type Incoming = Response<hyper::body::Incoming>;

impl Http {
    fn method(&self) -> &str {
        if self.method.is_empty() { "GET" } else { &self.method }
    }

    async fn check(&self) -> Result<Outcome, String> {
        let deadline = Instant::now() + self.timeout;
        let mut hop = self.first_hop()?;
        let mut redirects = 0;
        let response = loop {
            let failed = |hop: &Hop, error: String| format!("{} \"{}\": {error}", verb(hop.method.as_str()), hop.shown);
            // The connection has more time, so that it is the client's limit that is told.
            let response = match timeout_at(deadline, self.send(&hop, deadline + self.timeout)).await {
                Ok(sent) => sent.map_err(|error| failed(&hop, error))?,
                Err(_) => {
                    let reason = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
                    return Err(failed(&hop, reason.to_owned()));
                }
            };
            if self.disable_redirects {
                break response;
            }
            let Some(next) = redirect(&hop, &response) else { break response };
            hop = next.map_err(|(shown, error)| format!("{} \"{shown}\": {error}", verb(hop.method.as_str())))?;
            redirects += 1;
            if redirects >= MAX_REDIRECTS {
                return Err(failed(&hop, format!("stopped after {MAX_REDIRECTS} redirects")));
            }
        };
        Ok(self.judge(response, deadline).await)
    }

    async fn judge(&self, response: Incoming, deadline: Instant) -> Outcome {
        let code = response.status();
        let reason = match response.extensions().get::<hyper::ext::ReasonPhrase>() {
            Some(phrase) => String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
            None => code.canonical_reason().unwrap_or_default().to_owned(),
        };
        let mut tail = Tail::new(self.output_max_size);
        let mut body = response.into_body();
        let read = async {
            while let Some(frame) = body.frame().await {
                if let Some(data) = frame?.data_ref() {
                    tail.write(data);
                }
            }
            Ok::<_, hyper::Error>(())
        };
        // A body that breaks off does not change the verdict: the status line has come.
        match timeout_at(deadline, read).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(target: "agent", url = %self.url, %error, "Check error while reading body")
            }
            Err(_) => {
                tracing::warn!(target: "agent", url = %self.url, error = "timeout", "Check error while reading body")
            }
        }
        let status = match code {
            code if code.is_success() => CheckStatus::Passing,
            StatusCode::TOO_MANY_REQUESTS => CheckStatus::Warning,
            _ => CheckStatus::Critical,
        };
        let (method, url, code, body) = (self.method(), &self.url, code.as_u16(), tail.text());
        Outcome::new(status, format!("HTTP {method} {url}: {code} {reason} Output: {body}"))
    }

    fn first_hop(&self) -> Result<Hop, String> {
        let method = Method::from_bytes(self.method().as_bytes())
            .map_err(|_| format!("net/http: invalid method \"{}\"", self.method()))?;
        let url = Url::parse(&self.url)?;
        let mut headers = HeaderMap::new();
        let mut host = None;
        for (name, values) in self.headers.iter().flatten() {
            for value in values {
                let value = HeaderValue::from_str(value)
                    .map_err(|_| format!("net/http: invalid header field value for {name:?}"))?;
                if name.eq_ignore_ascii_case("host") {
                    host.get_or_insert(value);
                    continue;
                }
                let name = HeaderName::from_bytes(name.as_bytes())
                    .map_err(|_| format!("net/http: invalid header field name {name:?}"))?;
                headers.append(name, value);
            }
        }
        let mut default = |name, value: &str| {
            if !headers.contains_key(&name)
                && let Ok(value) = HeaderValue::from_str(value)
            {
                headers.insert(name, value);
            }
        };
        default(header::USER_AGENT, &self.user_agent);
        default(header::ACCEPT, "text/plain, text/*, */*");
        if let Some(basic) = url.basic_auth() {
            default(header::AUTHORIZATION, &basic);
        }
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        let shown = url.shown(&self.url);
        Ok(Hop { url, shown, method, headers, host, body: Bytes::from(self.body.clone()) })
    }

    async fn send(&self, hop: &Hop, deadline: Instant) -> Result<Incoming, String> {
        let url = &hop.url;
        if !matches!(url.scheme.as_str(), "http" | "https") {
            return Err(format!("unsupported protocol scheme \"{}\"", url.scheme));
        }
        if url.host.is_empty() {
            return Err("http: no Host in request URL".to_owned());
        }
        let through = proxy::for_url(url);
        let address = url.address();
        let (mut stream, absolute) = match &through {
            Some(proxy) => {
                (dial::tcp(&proxy.address(), deadline).await.map_err(|e| format!("proxyconnect tcp: {e}"))?, true)
            }
            None => (dial::tcp(&address, deadline).await?, false),
        };
        if url.scheme == "https" {
            if let Some(proxy) = &through {
                proxy::tunnel(&mut stream, &address, proxy).await?;
            }
            let tls = dial::handshake(stream, &url.host, &self.tls_options, Alpn::Http1, &self.tls, deadline).await?;
            return exchange(TokioIo::new(tls), self.request(hop, false)?).await;
        }
        exchange(TokioIo::new(stream), self.request(hop, absolute)?).await
    }

    fn request(&self, hop: &Hop, absolute: bool) -> Result<Request<Full<Bytes>>, String> {
        let target = if absolute { hop.url.absolute() } else { hop.url.target.clone() };
        let mut request = Request::builder()
            .method(&hop.method)
            .uri(target)
            .body(Full::new(hop.body.clone()))
            .map_err(|error| format!("net/http: {error}"))?;
        let host = match &hop.host {
            Some(host) => host.clone(),
            None => HeaderValue::from_str(&hop.url.authority()).map_err(|error| format!("net/http: {error}"))?,
        };
        request.headers_mut().insert(header::HOST, host);
        for (name, value) in &hop.headers {
            request.headers_mut().append(name, value.clone());
        }
        Ok(request)
    }
}

/// One request on a new connection, which is driven until the body has been read or dropped.
async fn exchange<S>(stream: TokioIo<S>, request: Request<Full<Bytes>>) -> Result<Incoming, String>
where
    TokioIo<S>: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .title_case_headers(true)
        .handshake(stream)
        .await
        .map_err(|error| error_text(&error))?;
    // It ends with the exchange: the sender goes when this function returns, the body when the check has read it.
    tokio::spawn(connection);
    sender.send_request(request).await.map_err(|error| error_text(&error))
}

fn error_text(error: &hyper::Error) -> String {
    const BROKEN: &str = "net/http: HTTP/1.x transport connection broken";
    if error.is_incomplete_message() || error.is_closed() || error.is_canceled() {
        return "EOF".to_owned();
    }
    if error.is_parse() {
        return format!("{BROKEN}: malformed HTTP response");
    }
    match error.source().and_then(|source| source.downcast_ref::<std::io::Error>()) {
        Some(source) => errno_text(source),
        None => format!("{BROKEN}: {error}"),
    }
}

/// The operation in Go's URL errors: `Get`, `Post`; a method in small letters stays as it is.
fn verb(method: &str) -> String {
    let (first, rest) = method.split_at(1.min(method.len()));
    format!("{first}{}", rest.to_ascii_lowercase())
}

/// What follows an answer that is a redirect; none for other answers. An error carries the URL that it is about.
fn redirect(hop: &Hop, response: &Incoming) -> Option<Result<Hop, (String, String)>> {
    let code = response.status().as_u16();
    let keeps_method = match code {
        301..=303 => false,
        307 | 308 => true,
        _ => return None,
    };
    let location = match response.headers().get(header::LOCATION) {
        Some(location) => String::from_utf8_lossy(location.as_bytes()).into_owned(),
        // Without a target, 307 and 308 are answers like any other.
        None if keeps_method => return None,
        None => return Some(Err((hop.shown.clone(), format!("{code} response missing Location header")))),
    };
    let url = match hop.url.join(&location) {
        Ok(url) => url,
        Err(error) => {
            let error = format!("failed to parse Location header {location:?}: {error}");
            return Some(Err((hop.shown.clone(), error)));
        }
    };
    let same_host = url.host == hop.url.host;
    let mut headers = hop.headers.clone();
    if !same_host {
        headers.remove(header::AUTHORIZATION);
        headers.remove(header::COOKIE);
    }
    let keep_body = keeps_method || matches!(hop.method, Method::GET | Method::HEAD);
    Some(Ok(Hop {
        shown: location,
        method: if keep_body { hop.method.clone() } else { Method::GET },
        headers,
        host: if same_host { hop.host.clone() } else { None },
        body: if keeps_method { hop.body.clone() } else { Bytes::new() },
        url,
    }))
}
