//! The bearer token: one or two signed requests. They come from the caller, so everything about them is checked before
//! one is sent.

use super::Config;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use reqwest::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Header that names the server for which a request was signed.
const SERVER_ID: &str = "x-consul-iam-serverid";
/// Headers that carry the request for the IAM entity.
const ENTITY_METHOD: &str = "x-consul-iam-getentity-method";
const ENTITY_URL: &str = "x-consul-iam-getentity-url";
const ENTITY_HEADERS: &str = "x-consul-iam-getentity-headers";
const ENTITY_BODY: &str = "x-consul-iam-getentity-body";

/// AWS headers that a request may have without being listed in the configuration.
const ALLOWED: [&str; 8] = [
    "x-amz-algorithm",
    "x-amz-content-sha256",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
    "x-amz-user-agent",
];

/// Most headers of one request.
const MAX_HEADERS: usize = 64;

/// What a form may hold: key, value; an empty value stands for any.
type Form = &'static [(&'static str, &'static str)];

const CALLER_IDENTITY: Form = &[("Action", "GetCallerIdentity"), ("Version", "2011-06-15")];
const ENTITIES: [Form; 2] = [
    &[("Action", "GetRole"), ("RoleName", ""), ("Version", "2010-05-08")],
    &[("Action", "GetUser"), ("UserName", ""), ("Version", "2010-05-08")],
];

/// A checked bearer token.
pub(super) struct Bearer {
    /// `sts:GetCallerIdentity`.
    pub(super) caller_identity: Signed,
    /// `iam:GetRole` or `iam:GetUser`.
    pub(super) entity: Option<Signed>,
}

/// A signed request.
pub(super) struct Signed {
    url: Url,
    headers: HeaderMap,
    body: String,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default, rename = "iam_http_request_method")]
    method: String,
    #[serde(default, rename = "iam_request_url")]
    url: String,
    #[serde(default, rename = "iam_request_headers")]
    headers: String,
    #[serde(default, rename = "iam_request_body")]
    body: String,
}

impl Bearer {
    /// Reads and checks a token.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(token: &str, config: &Config) -> Result<Bearer, String> {
        let raw: Raw = serde_json::from_str(token).map_err(|error| error.to_string())?;
        let decode = |name: &str, text: &str| {
            let bytes = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            bytes.ok_or_else(|| format!("{name} is not base64 of a text"))
        };
        if raw.method != "POST" {
            return Err("iam_http_request_method must be POST".to_owned());
        }
        let url = decode("iam_request_url", &raw.url)?;
        let url = service_url(&url, "sts", !config.sts_endpoint.is_empty())
            .map_err(|why| format!("iam_request_url is invalid: {why}"))?;
        let body = decode("iam_request_body", &raw.body)?;
        check_form(&body, &[CALLER_IDENTITY]).map_err(|why| format!("iam_request_body is invalid: {why}"))?;
        let headers = headers(&decode("iam_request_headers", &raw.headers)?)?;
        check_headers(&headers, config)?;
        let entity = if config.entity_details { Some(entity(&headers, config)?) } else { None };
        Ok(Bearer { caller_identity: Signed { url, headers, body }, entity })
    }
}

impl Signed {
    /// The request as it is sent: to `endpoint` when that is given, with the host for which it was signed.
    ///
    /// # Errors
    /// The endpoint is no URL.
    pub(super) fn request(&self, http: &reqwest::Client, endpoint: &str) -> Result<reqwest::RequestBuilder, String> {
        let target = if endpoint.is_empty() { self.url.clone() } else { self::endpoint(endpoint)? };
        let mut request = http.post(target).headers(self.headers.clone()).body(self.body.clone());
        if let Some(host) = self.url.host_str() {
            let host = self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
            request = request.header(HOST, host);
        }
        Ok(request)
    }
}

/// A URL of a configuration.
///
/// # Errors
/// It is none for HTTP.
pub(super) fn endpoint(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    match (url.scheme(), url.host_str()) {
        ("http" | "https", Some(_)) => Ok(url),
        _ => Err(format!("{text:?} is no http or https URL")),
    }
}

/// The URL of a signed request. Without an endpoint in the configuration it must be AWS's own: whoever answers decides
/// who the caller is.
fn service_url(text: &str, service: &str, overridden: bool) -> Result<Url, String> {
    let url = endpoint(text)?;
    if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
        return Err("it must have neither path nor query".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must have no user".to_owned());
    }
    if overridden {
        return Ok(url);
    }
    let host = url.host_str().unwrap_or_default();
    let rest = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"));
    let own = rest.is_some_and(|rest| {
        let region = rest.strip_prefix(service).map(|region| region.strip_prefix('.').unwrap_or(region));
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        rest == service || (rest.starts_with(&format!("{service}.")) && region.is_some_and(plain))
    });
    if own && url.scheme() == "https" && url.port().is_none() {
        Ok(url)
    } else {
        Err(format!("{host:?} is not an endpoint of AWS"))
    }
}

/// A form that is one of these.
fn check_form(body: &str, forms: &[Form]) -> Result<(), String> {
    let pairs: Vec<(String, String)> = reqwest::Url::parse(&format!("http://x/?{body}"))
        .map_err(|error| error.to_string())?
        .query_pairs()
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    let is = |form: &Form| {
        form.len() == pairs.len()
            && form.iter().all(|(key, wanted)| {
                pairs.iter().any(|(name, value)| name == key && (value == wanted || wanted.is_empty()))
            })
    };
    if forms.iter().any(is) { Ok(()) } else { Err("it is not the expected query".to_owned()) }
}

/// Headers as Go writes them (names with lists) or with single values.
fn headers(text: &str) -> Result<HeaderMap, String> {
    let raw: BTreeMap<String, Value> =
        serde_json::from_str(text).map_err(|error| format!("iam_request_headers is invalid: {error}"))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &raw {
        let values: Vec<&str> = match value {
            Value::String(text) => vec![text],
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        for value in values {
            let parsed = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value));
            let (Ok(name), Ok(value)) = parsed else { return Err(format!("invalid request header: {name}")) };
            headers.append(name, value);
        }
    }
    // Length, coding and connection belong to the request that we make.
    for own in ["host", "content-length", "connection", "transfer-encoding", "accept-encoding", "accept", "expect"] {
        headers.remove(own);
    }
    if headers.len() > MAX_HEADERS { Err("too many request headers".to_owned()) } else { Ok(headers) }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Only known AWS headers, and the server id where the configuration demands one.
fn check_headers(headers: &HeaderMap, config: &Config) -> Result<(), String> {
    for name in headers.keys().map(HeaderName::as_str).filter(|name| name.starts_with("x-amz-")) {
        let listed = config.allowed_headers.iter().any(|allowed| allowed.eq_ignore_ascii_case(name));
        if !listed && !ALLOWED.contains(&name) {
            return Err(format!("invalid request header: {name}"));
        }
    }
    if config.server_id.is_empty() {
        return Ok(());
    }
    let found = header(headers, SERVER_ID).ok_or_else(|| format!("missing header {SERVER_ID:?}"))?;
    if found != config.server_id {
        return Err(format!("expected {:?} but got {found:?}", config.server_id));
    }
    if signed_headers(headers).any(|name| name == SERVER_ID) { Ok(()) } else { Err("header wasn't signed".to_owned()) }
}

/// Names of the headers that the signature covers.
fn signed_headers(headers: &HeaderMap) -> impl Iterator<Item = String> {
    let authorization = header(headers, "authorization").unwrap_or_default();
    let list =
        authorization.split([',', ' ']).find_map(|part| part.trim().strip_prefix("SignedHeaders=")).unwrap_or_default();
    list.split(';').map(str::to_ascii_lowercase).collect::<Vec<_>>().into_iter()
}

/// The request for the role or user; its parts stand in headers that must be signed.
fn entity(headers: &HeaderMap, config: &Config) -> Result<Signed, String> {
    let signed: Vec<String> = signed_headers(headers).collect();
    let part = |name: &str| {
        let value = header(headers, name).ok_or_else(|| format!("missing header {name:?}"))?;
        if signed.iter().any(|one| one == name) { Ok(value) } else { Err(format!("header {name:?} wasn't signed")) }
    };
    if part(ENTITY_METHOD)? != "POST" {
        return Err(format!("header {ENTITY_METHOD:?} must be POST"));
    }
    let url = service_url(part(ENTITY_URL)?, "iam", !config.iam_endpoint.is_empty())
        .map_err(|why| format!("header {ENTITY_URL:?} is invalid: {why}"))?;
    let body = part(ENTITY_BODY)?.to_owned();
    check_form(&body, &ENTITIES).map_err(|why| format!("header {ENTITY_BODY:?} is invalid: {why}"))?;
    let headers = self::headers(part(ENTITY_HEADERS)?)?;
    check_headers(&headers, config).map_err(|why| format!("header {ENTITY_HEADERS:?} is invalid: {why}"))?;
    Ok(Signed { url, headers, body })
}
