//! The bearer token of the `aws-iam` auth method: a `sts:GetCallerIdentity` request signed with the caller's AWS
//! credentials, which the server sends on its behalf (`spec/acl-and-tls.md` 10.4). Signatures are AWS Signature Version 4.

use crate::types::secret::hidden;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use ring::hmac;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Header that names the server for which the request is signed.
const SERVER_ID: &str = "X-Consul-IAM-ServerID";
/// Begin of the headers that carry the request for the IAM entity.
const ENTITY: &str = "X-Consul-IAM-GetEntity";
/// Content type of AWS query requests.
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";
/// The one request that the auth method needs.
const CALLER_IDENTITY: &str = "Action=GetCallerIdentity&Version=2011-06-15";
/// How long AWS may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// AWS credentials.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    #[debug("{}", hidden(secret_access_key))]
    pub secret_access_key: String,
    /// Session token, empty for long-lived credentials.
    #[debug("{}", hidden(session_token))]
    pub session_token: String,
}

impl Credentials {
    /// From the environment, else from the profile in the shared credentials file.
    ///
    /// # Errors
    /// Neither has any.
    pub fn find(env: &dyn Fn(&str) -> Option<String>) -> Result<Credentials, String> {
        let variable = |name: &str| env(name).filter(|value| !value.is_empty());
        if let (Some(id), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) {
            let session_token = variable("AWS_SESSION_TOKEN").unwrap_or_default();
            return Ok(Credentials { access_key_id: id, secret_access_key: secret, session_token });
        }
        let home = || variable("HOME").map(|home| PathBuf::from(home).join(".aws/credentials"));
        let file = variable("AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from).or_else(home);
        let profile = variable("AWS_PROFILE").unwrap_or_else(|| "default".to_owned());
        let text = file.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
        from_profile(&text, &profile).ok_or_else(|| {
            "no AWS credentials: give -aws-access-key-id and -aws-secret-access-key, set AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY, or write them to the shared credentials file"
                .to_owned()
        })
    }
}

/// A section of a credentials file.
fn from_profile(text: &str, profile: &str) -> Option<Credentials> {
    let mut credentials = Credentials::default();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            inside = name.trim() == profile;
        } else if let (true, Some((key, value))) = (inside, line.split_once('=')) {
            let field = match key.trim() {
                "aws_access_key_id" => &mut credentials.access_key_id,
                "aws_secret_access_key" => &mut credentials.secret_access_key,
                "aws_session_token" => &mut credentials.session_token,
                _ => continue,
            };
            *field = value.trim().to_owned();
        }
    }
    let whole = !credentials.access_key_id.is_empty() && !credentials.secret_access_key.is_empty();
    whole.then_some(credentials)
}

/// What goes into a bearer token.
#[derive(Clone, Default)]
pub struct Login {
    /// Who signs.
    pub credentials: Credentials,
    /// AWS region; empty means that of the global endpoint.
    pub region: String,
    /// Where STS is; empty means AWS's own.
    pub sts_endpoint: String,
    /// Value of the header that the auth method demands; empty when it demands none.
    pub server_id: String,
    /// Also sign a request for the role or user behind the credentials.
    pub include_entity: bool,
}

/// A request to AWS that is not signed yet.
struct Request {
    url: String,
    body: String,
    headers: BTreeMap<String, String>,
}

impl Login {
    /// The bearer token.
    ///
    /// # Errors
    /// A bad endpoint; with the entity also what AWS answers.
    pub async fn bearer(&self) -> Result<String, String> {
        let now = Utc::now();
        let mut headers = BTreeMap::new();
        if !self.server_id.is_empty() {
            headers.insert(SERVER_ID.to_owned(), self.server_id.clone());
        }
        if self.include_entity {
            self.add_entity(&mut headers, now).await?;
        }
        let request = Request { url: self.sts_url(), body: CALLER_IDENTITY.to_owned(), headers };
        let headers = self.sign(&request, self.region_of_sts(), "sts", now)?;
        let base64 = |text: &str| STANDARD.encode(text);
        let token = json!({
            "iam_http_request_method": "POST",
            "iam_request_url": base64(&request.url),
            "iam_request_headers": base64(&lists(&headers).to_string()),
            "iam_request_body": base64(&request.body),
        });
        Ok(token.to_string())
    }

    fn region_of_sts(&self) -> &str {
        if self.region.is_empty() { "us-east-1" } else { &self.region }
    }

    fn sts_url(&self) -> String {
        let url = match (self.sts_endpoint.as_str(), self.region.as_str()) {
            ("", "") => "https://sts.amazonaws.com/".to_owned(),
            ("", region) => format!("https://sts.{region}.amazonaws.com/"),
            (endpoint, _) => endpoint.to_owned(),
        };
        let has_path = url.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
        if has_path { url } else { format!("{url}/") }
    }

    /// Asks who the credentials are and signs a request for that role or user.
    async fn add_entity(&self, headers: &mut BTreeMap<String, String>, now: DateTime<Utc>) -> Result<(), String> {
        let request = Request { url: self.sts_url(), body: CALLER_IDENTITY.to_owned(), headers: BTreeMap::new() };
        let signed = self.sign(&request, self.region_of_sts(), "sts", now)?;
        let http = super::plain_http(false, PATIENCE)?;
        let mut call = http.post(&request.url).body(request.body.clone());
        for (name, value) in &signed {
            call = call.header(name.as_str(), value.as_str());
        }
        let answer = call.send().await.map_err(|error| format!("asking for the caller's identity: {error}"))?;
        let status = answer.status();
        let text = answer.text().await.map_err(|error| format!("asking for the caller's identity: {error}"))?;
        if !status.is_success() {
            return Err(format!("asking for the caller's identity: AWS answered {}", status.as_u16()));
        }
        let arn = text.split_once("<Arn>").and_then(|(_, rest)| rest.split_once("</Arn>")).map(|(arn, _)| arn);
        let arn = arn.ok_or("asking for the caller's identity: the answer has no ARN")?;
        let body = entity_request(arn)?;
        let url = "https://iam.amazonaws.com/".to_owned();
        let request = Request { url, body, headers: BTreeMap::new() };
        let signed = self.sign(&request, "us-east-1", "iam", now)?;
        headers.insert(format!("{ENTITY}-Method"), "POST".to_owned());
        headers.insert(format!("{ENTITY}-URL"), request.url);
        headers.insert(format!("{ENTITY}-Headers"), lists(&signed).to_string());
        headers.insert(format!("{ENTITY}-Body"), request.body);
        Ok(())
    }

    /// All headers of a request, signature included.
    fn sign(
        &self,
        request: &Request,
        region: &str,
        service: &str,
        now: DateTime<Utc>,
    ) -> Result<BTreeMap<String, String>, String> {
        let url =
            reqwest::Url::parse(&request.url).map_err(|error| format!("bad endpoint {:?}: {error}", request.url))?;
        let host = url.host_str().ok_or_else(|| format!("bad endpoint {:?}: no host", request.url))?;
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let mut headers = request.headers.clone();
        headers.insert("Content-Type".to_owned(), FORM.to_owned());
        headers.insert("Host".to_owned(), host);
        headers.insert("X-Amz-Date".to_owned(), now.format("%Y%m%dT%H%M%SZ").to_string());
        if !self.credentials.session_token.is_empty() {
            headers.insert("X-Amz-Security-Token".to_owned(), self.credentials.session_token.clone());
        }
        let scope = Scope { region, service, day: now.format("%Y%m%d").to_string() };
        let authorization = authorization(&self.credentials, &scope, "POST", &url, &headers, request.body.as_bytes());
        headers.insert("Authorization".to_owned(), authorization);
        headers.remove("Host");
        Ok(headers)
    }
}

/// Headers as Go writes them: every name has a list.
fn lists(headers: &BTreeMap<String, String>) -> Value {
    headers.iter().map(|(name, value)| (name.clone(), json!([value]))).collect::<serde_json::Map<_, _>>().into()
}

/// The query that reads the role or user of an ARN.
fn entity_request(arn: &str) -> Result<String, String> {
    let unknown = || format!("the credentials belong to {arn:?}, which is neither a role nor a user");
    let resource = arn.splitn(6, ':').nth(5).ok_or_else(unknown)?;
    let parts: Vec<&str> = resource.split('/').collect();
    let (action, parameter, name) = match parts.as_slice() {
        ["assumed-role", name, _] => ("GetRole", "RoleName", *name),
        ["role", .., name] => ("GetRole", "RoleName", *name),
        ["user", .., name] => ("GetUser", "UserName", *name),
        _ => return Err(unknown()),
    };
    let name = percent_encoding::utf8_percent_encode(name, super::QUERY);
    Ok(format!("Action={action}&{parameter}={name}&Version=2010-05-08"))
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
    url: &reqwest::Url,
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
    use super::*;

    fn example() -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".into(),
            secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            session_token: String::new(),
        }
    }

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
            let url = reqwest::Url::parse(url).expect("a URL");
            let expected = format!(
                "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature={signature}"
            );
            assert_eq!(authorization(&example(), &scope, "GET", &url, &headers, b""), expected);
        }
    }

    #[tokio::test]
    async fn a_bearer_token_carries_the_signed_request() {
        let login = Login { credentials: example(), server_id: "srv".into(), ..Login::default() };
        let token: Value = serde_json::from_str(&login.bearer().await.expect("a token")).expect("JSON");
        let part = |name: &str| {
            let bytes = STANDARD.decode(token[name].as_str().expect("text")).expect("base64");
            String::from_utf8(bytes).expect("text")
        };
        assert_eq!(token["iam_http_request_method"], "POST");
        assert_eq!(part("iam_request_url"), "https://sts.amazonaws.com/");
        assert_eq!(part("iam_request_body"), CALLER_IDENTITY);
        let headers: Value = serde_json::from_str(&part("iam_request_headers")).expect("JSON");
        assert_eq!(headers[SERVER_ID][0], "srv");
        let authorization = headers["Authorization"][0].as_str().expect("text");
        assert!(
            authorization.contains("SignedHeaders=content-type;host;x-amz-date;x-consul-iam-serverid,"),
            "{authorization}"
        );
    }

    #[test]
    fn the_entity_of_an_arn_is_a_role_or_a_user() {
        let cases = [
            ("arn:aws:sts::1:assumed-role/my-role/session", "Action=GetRole&RoleName=my-role&Version=2010-05-08"),
            ("arn:aws:iam::1:user/some/path/me", "Action=GetUser&UserName=me&Version=2010-05-08"),
        ];
        for (arn, query) in cases {
            assert_eq!(entity_request(arn).as_deref(), Ok(query));
        }
        assert!(entity_request("arn:aws:iam::1:root").is_err());
    }

    #[test]
    fn credentials_come_from_the_environment_or_a_profile() {
        let text = "[default]\naws_access_key_id = a\naws_secret_access_key=b\n[x]\naws_access_key_id=c\n\
                    aws_secret_access_key=d\naws_session_token = e\n";
        let found = from_profile(text, "x").expect("a profile");
        assert_eq!((found.access_key_id.as_str(), found.session_token.as_str()), ("c", "e"));
        assert!(from_profile(text, "y").is_none());
        let env = |name: &str| match name {
            "AWS_ACCESS_KEY_ID" => Some("i".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("s".to_owned()),
            _ => None,
        };
        let found = Credentials::find(&env).expect("credentials");
        assert_eq!(found.secret_access_key, "s");
        assert!(!format!("{found:?}").contains("\"s\""));
        assert!(Credentials::find(&|_| None).is_err());
    }
}
