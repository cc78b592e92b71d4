//! The token: one or two signed requests.

use super::sign::Request;
use super::{Credentials, Sts};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Header that names the server for which the request is signed.
const SERVER_ID: &str = "X-Consul-IAM-ServerID";
/// Begin of the headers that carry the request for the IAM entity.
const ENTITY: &str = "X-Consul-IAM-GetEntity";
/// The one request that the auth method needs.
pub(super) const CALLER_IDENTITY: &str = "Action=GetCallerIdentity&Version=2011-06-15";

/// What goes into a bearer token.
#[derive(Clone, Debug)]
pub struct Login {
    /// Who signs.
    pub credentials: Credentials,
    /// Where the server shall ask who that is.
    pub sts: Sts,
    /// Value of the header that the auth method demands; empty when it demands none.
    pub server_id: String,
    /// Also sign a request for the role or user behind the credentials.
    pub include_entity: bool,
}

impl Login {
    /// The bearer token.
    ///
    /// # Errors
    /// With the entity: what AWS answers.
    pub async fn bearer(&self) -> Result<String, String> {
        let now = Utc::now();
        let mut request = self.request(self.sts.url().clone(), CALLER_IDENTITY.to_owned());
        if self.include_entity {
            let arn = self.sts.caller(&self.credentials).await;
            let arn = arn.map_err(|error| format!("asking for the caller's identity: {error}"))?;
            self.add_entity(&mut request.headers, &arn, now)?;
        }
        let headers = request.sign(&self.credentials, self.sts.signing_region(), "sts", now);
        let base64 = |text: &str| STANDARD.encode(text);
        let token = json!({
            "iam_http_request_method": "POST",
            "iam_request_url": base64(request.url.as_str()),
            "iam_request_headers": base64(&lists(&headers).to_string()),
            "iam_request_body": base64(&request.body),
        });
        Ok(token.to_string())
    }

    /// A request for one server alone.
    fn request(&self, url: reqwest::Url, body: String) -> Request {
        let mut request = Request::new(url, body);
        if !self.server_id.is_empty() {
            request.headers.insert(SERVER_ID.to_owned(), self.server_id.clone());
        }
        request
    }

    /// Signs a request for the role or user of an ARN; it travels in headers.
    fn add_entity(&self, headers: &mut BTreeMap<String, String>, arn: &str, now: DateTime<Utc>) -> Result<(), String> {
        let (url, region) = self.sts.iam()?;
        let request = self.request(url, entity_request(arn)?);
        let signed = request.sign(&self.credentials, region, "iam", now);
        headers.insert(format!("{ENTITY}-Method"), "POST".to_owned());
        headers.insert(format!("{ENTITY}-URL"), request.url.into());
        headers.insert(format!("{ENTITY}-Headers"), lists(&signed).to_string());
        headers.insert(format!("{ENTITY}-Body"), request.body);
        Ok(())
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
    let name = percent_encoding::utf8_percent_encode(name, super::super::QUERY);
    Ok(format!("Action={action}&{parameter}={name}&Version=2010-05-08"))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{example, serve};
    use super::*;

    #[tokio::test]
    async fn a_bearer_token_carries_the_signed_request() {
        let sts = Sts::new("", "").expect("an endpoint");
        let login = Login { credentials: example(), sts, server_id: "srv".into(), include_entity: false };
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

    #[tokio::test]
    async fn the_request_for_the_entity_is_for_the_same_server() {
        let url = serve(|asked| {
            let caller = "<GetCallerIdentityResponse xmlns=\"x\"><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/me</Arn>\
                          </GetCallerIdentityResult></GetCallerIdentityResponse>";
            if asked.body == CALLER_IDENTITY { (200, caller.to_owned()) } else { (400, String::new()) }
        });
        let sts = Sts::new(url.as_str(), "us-gov-east-1").expect("an endpoint");
        let login = Login { credentials: example(), sts, server_id: "srv".into(), include_entity: true };
        let token: Value = serde_json::from_str(&login.bearer().await.expect("a token")).expect("JSON");
        let headers = STANDARD.decode(token["iam_request_headers"].as_str().expect("text")).expect("base64");
        let headers: Value = serde_json::from_slice(&headers).expect("JSON");
        let part = |name: &str| headers[format!("{ENTITY}-{name}")][0].as_str().expect("text");
        assert_eq!((part("Method"), part("URL")), ("POST", "https://iam.us-gov.amazonaws.com/"));
        assert_eq!(part("Body"), "Action=GetUser&UserName=me&Version=2010-05-08");
        let inner: Value = serde_json::from_str(part("Headers")).expect("JSON");
        assert_eq!(inner[SERVER_ID][0], "srv");
        for headers in [&headers, &inner] {
            let authorization = headers["Authorization"][0].as_str().expect("text");
            assert!(authorization.contains("x-consul-iam-serverid,"), "{authorization}");
        }
        assert!(part("Headers").contains("/us-gov-west-1/iam/aws4_request"), "{}", part("Headers"));
    }
}
