//! AWS Signature Version 4.

use super::Credentials;
use chrono::{DateTime, Utc};
use reqwest::Url;
use ring::hmac;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Content type of AWS query requests.
pub(super) const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// A request to AWS that is not signed yet.
pub(super) struct Request {
    pub(super) url: Url,
    pub(super) body: String,
    pub(super) headers: BTreeMap<String, String>,
}

impl Request {
    /// A query without headers of its own.
    pub(super) fn new(url: Url, body: String) -> Request {
        Request { url, body, headers: BTreeMap::new() }
    }

    /// All headers of the request, signature included.
    pub(super) fn sign(
        &self,
        credentials: &Credentials,
        region: &str,
        service: &str,
        now: DateTime<Utc>,
    ) -> BTreeMap<String, String> {
        let host = self.url.host_str().unwrap_or_default();
        let host = self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let mut headers = self.headers.clone();
        headers.insert("Content-Type".to_owned(), FORM.to_owned());
        headers.insert("Host".to_owned(), host);
        headers.insert("X-Amz-Date".to_owned(), now.format("%Y%m%dT%H%M%SZ").to_string());
        if !credentials.session_token.is_empty() {
            headers.insert("X-Amz-Security-Token".to_owned(), credentials.session_token.clone());
        }
        let scope = Scope { region, service, day: now.format("%Y%m%d").to_string() };
        let authorization = authorization(credentials, &scope, "POST", &self.url, &headers, self.body.as_bytes());
        headers.insert("Authorization".to_owned(), authorization);
        headers.remove("Host");
        headers
    }
}

/// What a signature is valid for.
struct Scope<'a> {
    region: &'a str,
    service: &'a str,
    day: String,
}

/// The `Authorization` header of AWS Signature Version 4.
fn authorization(
    credentials: &Credentials,
    scope: &Scope<'_>,
    method: &str,
    url: &Url,
    headers: &BTreeMap<String, String>,
    body: &[u8],
) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let lower: BTreeMap<String, &str> =
        headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.trim())).collect();
    let names = lower.keys().map(String::as_str).collect::<Vec<_>>().join(";");
    let canonical_headers: String = lower.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let mut query: Vec<&str> = url.query().unwrap_or("").split('&').filter(|pair| !pair.is_empty()).collect();
    query.sort_unstable();
    let canonical = format!(
        "{method}\n{}\n{}\n{canonical_headers}\n{names}\n{}",
        url.path(),
        query.join("&"),
        hex(&Sha256::digest(body))
    );
    let date = lower.get("x-amz-date").copied().unwrap_or_default();
    let range = format!("{}/{}/{}/aws4_request", scope.day, scope.region, scope.service);
    let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{range}\n{}", hex(&Sha256::digest(canonical.as_bytes())));
    let mac = |key: &[u8], data: &str| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data.as_bytes());
    let key = mac(format!("AWS4{}", credentials.secret_access_key).as_bytes(), &scope.day);
    let key = [scope.region, scope.service, "aws4_request"].iter().fold(key, |key, part| mac(key.as_ref(), part));
    let signature = hex(mac(key.as_ref(), &to_sign).as_ref());
    format!(
        "AWS4-HMAC-SHA256 Credential={}/{range}, SignedHeaders={names}, Signature={signature}",
        credentials.access_key_id
    )
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn signatures_are_those_of_amazons_test_suite() {
        // Cases get-vanilla and get-vanilla-query-order-key-case of the published suite.
        let cases = [
            ("https://example.amazonaws.com/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            (
                "https://example.amazonaws.com/?Param2=value2&Param1=value1",
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
        ];
        let headers = BTreeMap::from([
            ("Host".to_owned(), "example.amazonaws.com".to_owned()),
            ("X-Amz-Date".to_owned(), "20150830T123600Z".to_owned()),
        ]);
        let scope = Scope { region: "us-east-1", service: "service", day: "20150830".into() };
        for (url, signature) in cases {
            let url = Url::parse(url).expect("a URL");
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature={signature}"
            );
            assert_eq!(authorization(&example(), &scope, "GET", &url, &headers, b""), expected);
        }
    }
}
