//! One request on its way through a handler: parameters, argument, token, body, and the headers of the answer.

use super::Settings;
use super::answer::Answer;
use super::decode::{self, shape::Kind};
use super::encodings::Encodings;
use super::json::Style;
use super::params::{self, Params, unescape};
use super::routes::{self, Route};
use super::translate::translate;
use crate::acl::{Access, Authorizer, Resource};
use crate::agent::Agent;
use crate::agent::cache::Hit;
use crate::config::RuntimeConfig;
use crate::rpc::Method;
use crate::server::{Answer as Answered, Body, Encoded, Encoding, Question, ReadEndpoint, Shared, question};
use crate::telemetry::limits;
use crate::types::requests::{ReadRequest, Request, shown_index};
use crate::types::{Error, QueryMeta, QueryOptions, QuerySource, Result};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::StatusCode;
use hyper::body::{Body as _, Incoming};
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::http::request::Parts;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Header of the token.
pub static TOKEN: HeaderName = HeaderName::from_static("x-consul-token");
/// Index of an answer.
pub static INDEX: HeaderName = HeaderName::from_static("x-consul-index");
/// Reason of a status.
pub static REASON: HeaderName = HeaderName::from_static("x-consul-reason");
/// The answering server knows a leader.
static KNOWN_LEADER: HeaderName = HeaderName::from_static("x-consul-knownleader");
/// Age of the answer, milliseconds.
static LAST_CONTACT: HeaderName = HeaderName::from_static("x-consul-lastcontact");
static EFFECTIVE_CONSISTENCY: HeaderName = HeaderName::from_static("x-consul-effective-consistency");
static QUERY_BACKEND: HeaderName = HeaderName::from_static("x-consul-query-backend");
static FILTERED: HeaderName = HeaderName::from_static("x-consul-results-filtered-by-acls");
static CACHE: HeaderName = HeaderName::from_static("x-cache");
static AGE: HeaderName = HeaderName::from_static("age");

/// Largest body of an endpoint without a limit of its own: a bound on memory, not on use.
pub const BODY_LIMIT: usize = 64 << 20;

/// A body must not pause for longer than this.
const BODY_PAUSE: Duration = Duration::from_secs(20);

/// How long a body may take in all: this time, and a second for each [`BODY_PACE`] bytes that have come.
const BODY_TIME: Duration = Duration::from_secs(60);
const BODY_PACE: u64 = 4 << 10;

/// A request with its context.
pub struct Call<'a> {
    /// The agent.
    pub agent: &'a Agent,
    /// Settings of the API.
    pub settings: &'a Settings,
    /// Its row in the table.
    pub route: &'static Route,
    /// Method, URI and headers.
    pub parts: &'a Parts,
    /// Query parameters.
    pub params: Params<'a>,
    /// The decoded path after the row's prefix.
    pub rest: &'a str,
    /// The body, until it is read.
    pub body: Option<Upload>,
    /// Client address; none on unix sockets.
    pub client: Option<SocketAddr>,
    /// Headers of the answer, kept when the handler fails.
    pub headers: HeaderMap,
    /// Read options, parsed when the row says [`routes::READ`].
    pub options: QueryOptions,
    /// JSON layout.
    pub style: Style,
    /// The client reads gzip.
    pub gzip: bool,
}

impl<'a> Call<'a> {
    /// The agent's configuration in force.
    pub fn config(&self) -> Arc<RuntimeConfig> {
        self.agent.config()
    }

    /// The method's name.
    pub fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    /// The caller's secret: parameter, header, bearer, then the agent's default. With ACLs off every token is the same
    /// as none, so that equal reads can share their answer.
    pub fn token(&self) -> String {
        if !self.settings.acl_enabled {
            return String::new();
        }
        let header = |name: &HeaderName| self.parts.headers.get(name).and_then(|value| value.to_str().ok());
        let bearer = || {
            let mut words = header(&hyper::header::AUTHORIZATION)?.split_whitespace();
            words.next().filter(|scheme| scheme.eq_ignore_ascii_case("bearer"))?;
            words.next()
        };
        let given = self.params.get("token").filter(|token| !token.is_empty());
        let given = given.or_else(|| header(&TOKEN).filter(|token| !token.is_empty())).or_else(bearer);
        given.map_or_else(|| self.agent.tokens().default(), str::to_owned)
    }

    /// The caller's permissions on this agent.
    ///
    /// # Errors
    /// `ACL not found` and the like.
    pub async fn authorizer(&self) -> Result<Authorizer> {
        self.agent.resolve(&self.token()).await
    }

    /// Refuses callers who lack a permission on this agent.
    ///
    /// # Errors
    /// `Permission denied...`, and those of [`Call::authorizer`].
    pub async fn require(&self, resource: Resource, access: Access, name: &str) -> Result<()> {
        self.authorizer().await?.check(resource, access, name)
    }

    /// Tells that rows are missing in an answer for lack of permission; the anonymous are not told.
    pub fn set_filtered(&mut self, filtered: bool) {
        if filtered && !self.token().is_empty() {
            self.headers.insert(FILTERED.clone(), HeaderValue::from_static("true"));
        }
    }

    /// Target datacenter of a call; empty for the agent's own.
    pub fn datacenter(&self) -> String {
        let datacenter = self.params.datacenter();
        if datacenter == self.settings.datacenter { String::new() } else { datacenter.to_owned() }
    }

    /// The read options with the caller's token.
    pub fn read_options(&self) -> QueryOptions {
        QueryOptions { token: self.token(), ..self.options.clone() }
    }

    /// `?near=`.
    pub fn source(&self) -> QuerySource {
        match self.params.text("near") {
            "" => QuerySource::default(),
            node => QuerySource {
                datacenter: self.settings.datacenter.clone(),
                node: if node == "_agent" { self.settings.node_name.clone() } else { node.to_owned() },
                ..QuerySource::default()
            },
        }
    }

    /// The path argument, which must not be empty.
    ///
    /// # Errors
    /// 400 with `missing`.
    pub fn argument(&self, missing: &str) -> Result<&'a str> {
        if self.rest.is_empty() { Err(Error::bad_request(missing)) } else { Ok(self.rest) }
    }

    /// Sets a header of the answer; values that are no header text are left out.
    pub fn set_header(&mut self, name: &HeaderName, value: &str) {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name.clone(), value);
        }
    }

    /// Sets the headers of a read's metadata.
    pub fn set_meta(&mut self, meta: &QueryMeta) {
        self.headers.insert(INDEX.clone(), HeaderValue::from(shown_index(meta.index)));
        self.set_contact(meta);
        self.headers.insert(QUERY_BACKEND.clone(), HeaderValue::from_static("blocking-query"));
        if meta.results_filtered_by_acls {
            self.headers.insert(FILTERED.clone(), HeaderValue::from_static("true"));
        }
    }

    /// Sets the headers that say how much the answering server knows.
    pub fn set_contact(&mut self, meta: &QueryMeta) {
        let known = HeaderValue::from_static(if meta.known_leader { "true" } else { "false" });
        self.headers.insert(KNOWN_LEADER.clone(), known);
        let millis = u64::try_from(meta.last_contact.0 / 1_000_000).unwrap_or(0);
        self.headers.insert(LAST_CONTACT.clone(), HeaderValue::from(millis));
    }

    /// Says whether the answer was in the agent's cache, and for how long.
    pub fn set_cache(&mut self, hit: Hit) {
        self.headers.insert(CACHE.clone(), HeaderValue::from_static(if hit.age.is_some() { "HIT" } else { "MISS" }));
        if let Some(age) = hit.age {
            self.headers.insert(AGE.clone(), HeaderValue::from(age.as_secs_f64().round() as u64));
        }
    }

    /// Says that a view kept by events answered.
    pub fn set_streaming(&mut self) {
        self.headers.insert(QUERY_BACKEND.clone(), HeaderValue::from_static("streaming"));
    }

    /// Takes over what the request says about the agent's cache (`spec/http-api.md` 1.11).
    ///
    /// # Errors
    /// 400 `Invalid Cache-Control header.`
    pub fn cache_options(&self, options: &mut QueryOptions) -> Result<()> {
        let control = self.parts.headers.get(hyper::header::CACHE_CONTROL).and_then(|value| value.to_str().ok());
        let wanted = params::cache_control(control.unwrap_or_default())?;
        if self.params.has("cached") && self.settings.use_cache {
            options.use_cache = true;
            (options.max_age, options.must_revalidate, options.stale_if_error) = wanted;
        }
        Ok(())
    }

    /// Takes the headers of a read's metadata back: some answers without a result go out before they are known.
    pub fn clear_meta(&mut self) {
        for name in [&INDEX, &KNOWN_LEADER, &LAST_CONTACT, &QUERY_BACKEND, &FILTERED] {
            self.headers.remove(name);
        }
    }

    /// Says which consistency mode the read got.
    pub fn set_effective_consistency(&mut self, options: &QueryOptions) {
        let mode = match (options.allow_stale, options.require_consistent) {
            (true, _) => "stale",
            (_, true) => "consistent",
            _ => "leader",
        };
        self.headers.insert(EFFECTIVE_CONSISTENCY.clone(), HeaderValue::from_static(mode));
    }

    /// Reads and encodes, and sets the headers of the metadata.
    ///
    /// # Errors
    /// The endpoint's refusal; rows with [`routes::META`] carry zero metadata then.
    pub async fn fetch<M>(&mut self, args: M::Args, encodings: &Encodings<M::Reply>) -> Result<Encoded>
    where
        M: ReadEndpoint,
        <M as Method>::Args: ReadRequest,
    {
        let options = args.options();
        let effective = self.route.has(routes::EFFECTIVE).then(|| options.clone());
        let form = encodings.form(self.style, self.gzip);
        let result = if M::CACHED && options.use_cache {
            self.cached::<M>(args, form).await
        } else if self.translates(args.datacenter()) {
            self.ask(question::typed::<M>(args)).await.and_then(|answer| translated(answer.map(Body::into_reply), form))
        } else {
            self.ask(question::encoded::<M>(args, form)).await.map(|answer| answer.map(Body::into_bytes))
        };
        match &result {
            Ok(encoded) => {
                self.set_meta(&encoded.meta);
                if let Some(options) = effective {
                    self.set_effective_consistency(&options);
                }
            }
            Err(_) if self.route.has(routes::META) => self.set_meta(&QueryMeta::default()),
            Err(_) => {}
        }
        result
    }

    /// Asks again without `stale` when the answer is older than allowed.
    async fn ask(&self, question: Box<dyn Question>) -> Result<Answered<Body>> {
        let options = question.options();
        let bound = if options.allow_stale { options.max_stale_duration.0 } else { 0 };
        let again = (bound > 0).then(|| question.clone());
        let answer = self.agent.ask(question).await?;
        match again {
            Some(mut again) if answer.meta.last_contact.0 > bound => {
                again.options_mut().allow_stale = false;
                self.agent.ask(again).await
            }
            _ => Ok(answer),
        }
    }

    /// Answers of other datacenters show the addresses at which they are reached from here.
    fn translates(&self, datacenter: &str) -> bool {
        self.settings.translate_wan_addrs && !datacenter.is_empty()
    }

    /// Reads through the agent's cache.
    async fn cached<M>(&mut self, args: M::Args, form: &Encoding<M::Reply>) -> Result<Encoded>
    where
        M: ReadEndpoint,
    {
        let translates = self.translates(args.datacenter());
        let (value, hit) = self.agent.cached::<M>(args).await?;
        self.set_cache(hit);
        if translates { translated(value.shared(), form) } else { value.encoded(form) }
    }

    /// Reads, and answers with the encoded result, or 404 when there is nothing to show.
    ///
    /// # Errors
    /// As [`Call::fetch`].
    pub async fn read<M>(&mut self, args: M::Args, encodings: &Encodings<M::Reply>) -> Result<Answer>
    where
        M: ReadEndpoint,
        <M as Method>::Args: ReadRequest,
    {
        let encoded = self.fetch::<M>(args, encodings).await?;
        Ok(if encoded.not_found { Answer::empty(StatusCode::NOT_FOUND) } else { Answer::encoded(encoded.body) })
    }

    /// A value as JSON in the layout of this request.
    ///
    /// # Errors
    /// As [`super::json::to_bytes`].
    pub fn json<T: Serialize + ?Sized>(&self, value: &T) -> Result<Answer> {
        Answer::json(value, self.style)
    }

    /// The length that the request announces.
    pub fn content_length(&self) -> Option<u64> {
        self.parts.headers.get(hyper::header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
    }

    /// The whole body.
    ///
    /// # Errors
    /// 413 beyond `limit` bytes; 400 when the client goes away or stalls.
    pub async fn bytes(&mut self, limit: usize) -> Result<Bytes> {
        let too_large = || {
            limits::HTTP_BODY_BYTES.exceeded();
            Error::with_status(413, format!("Request body too large, max size: {limit} bytes."))
        };
        let Some(mut body) = self.body.take() else { return Ok(Bytes::new()) };
        let mut first: Option<Bytes> = None;
        let mut rest = BytesMut::new();
        while let Some(data) = body.next().await? {
            if first.as_ref().map_or(0, Bytes::len) + rest.len() + data.len() > limit {
                return Err(too_large());
            }
            match &first {
                None => first = Some(data),
                Some(start) => {
                    if rest.is_empty() {
                        rest.reserve(self.content_length().map_or(0, |length| (length as usize).min(limit)));
                        rest.extend_from_slice(start);
                        first = Some(Bytes::new());
                    }
                    rest.extend_from_slice(&data);
                }
            }
        }
        Ok(if rest.is_empty() { first.unwrap_or_default() } else { rest.freeze() })
    }

    /// The body as a value of the given type.
    ///
    /// # Errors
    /// 400 `Request decode failed: <reason>`.
    pub async fn decode<T: DeserializeOwned + Default>(&mut self, kind: &Kind) -> Result<T> {
        let body = self.bytes(BODY_LIMIT).await?;
        let decoded = decode::decode(&body, kind);
        decoded.map_err(|reason| Error::bad_request(format!("Request decode failed: {}", noted(reason))))
    }

    /// Refuses Enterprise parameters and headers, as the row says (`spec/http-api.md` 1.14).
    ///
    /// # Errors
    /// 400.
    pub fn refuse_enterprise(&self) -> Result<()> {
        const CASES: [(u8, &str, &str, &str); 2] = [
            (routes::NS, "ns", "X-Consul-Namespace", "Namespaces"),
            (routes::NS | routes::PARTITION, "partition", "X-Consul-Partition", "Partitions"),
        ];
        for (flags, param, header, plural) in CASES {
            if !self.route.has(flags) {
                continue;
            }
            let refuse = |what: String| {
                Err(Error::bad_request(format!("Invalid {what} - {plural} are a Consul Enterprise feature")))
            };
            if !self.params.text(param).is_empty() {
                return refuse(format!("query parameter: \"{param}\""));
            }
            if self.parts.headers.get(header).is_some_and(|value| !value.is_empty()) {
                return refuse(format!("header: \"{header}\""));
            }
        }
        Ok(())
    }
}

/// An encoded answer with translated addresses.
fn translated<R: Clone + 'static>(answer: Shared<R>, form: &Encoding<R>) -> Result<Encoded> {
    let mut reply = R::clone(&answer.body);
    translate(&mut reply);
    let body = (form.encode)(&reply)?;
    Ok(answer.map(|_| body))
}

/// Counts nesting that is too deep.
pub fn noted(reason: String) -> String {
    if reason == decode::TOO_DEEP {
        limits::HTTP_JSON_DEPTH.exceeded();
    }
    reason
}

/// The body of a request as it arrives.
pub struct Upload {
    body: Incoming,
    /// When its first piece was waited for.
    began: Option<Instant>,
    received: u64,
}

impl Upload {
    /// Nothing of it has been read.
    pub fn new(body: Incoming) -> Upload {
        Upload { body, began: None, received: 0 }
    }

    /// There is no body.
    pub fn is_empty(&self) -> bool {
        self.body.is_end_stream()
    }

    /// The next bytes; `None` at the end.
    ///
    /// # Errors
    /// 400 when the client goes away, 408 when it stalls or is too slow.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        while !self.body.is_end_stream() {
            let now = Instant::now();
            let end = *self.began.get_or_insert(now) + BODY_TIME + Duration::from_secs(self.received / BODY_PACE);
            let frame = match timeout_at(end.min(now + BODY_PAUSE), self.body.frame()).await {
                Ok(Some(frame)) => frame.map_err(|error| Error::bad_request(format!("reading body: {error}")))?,
                Ok(None) => break,
                Err(_) => {
                    limits::HTTP_BODY_TIME.exceeded();
                    return Err(Error::with_status(408, "reading body: timeout"));
                }
            };
            if let Ok(data) = frame.into_data() {
                self.received += data.len() as u64;
                return Ok(Some(data));
            }
        }
        Ok(None)
    }
}

/// A text for a log, without the tokens that the request gives: some refusals repeat its parameters.
pub fn without_secrets<'t>(parts: &Parts, text: &'t str) -> Cow<'t, str> {
    let query = parts.uri.query().unwrap_or("").split('&').filter_map(|pair| pair.split_once('='));
    let params = query.filter(|(name, _)| unescape(name) == "token").flat_map(|(_, value)| {
        let decoded = unescape(value).into_owned();
        [value.to_owned(), decoded]
    });
    let headers = [&TOKEN, &hyper::header::AUTHORIZATION].into_iter().filter_map(|name| parts.headers.get(name));
    let headers = headers.filter_map(|value| Some(value.to_str().ok()?.rsplit(' ').next()?.to_owned()));
    let mut shown = Cow::Borrowed(text);
    for secret in params.chain(headers).filter(|secret| !secret.is_empty() && text.contains(secret.as_str())) {
        shown = Cow::Owned(shown.replace(&secret, "<hidden>"));
    }
    shown
}

/// The URI for the log, without the token.
pub fn redact(uri: &hyper::Uri) -> String {
    let suspect = |query: &&str| query.contains("token") || query.contains('%');
    let Some(query) = uri.query().filter(suspect) else { return uri.to_string() };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if unescape(name) == "token" => "token=<hidden>",
        _ => pair,
    });
    format!("{}?{}", uri.path(), pairs.collect::<Vec<_>>().join("&"))
}
