//! Bearer tokens against a small STS.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const STS_BODY: &str = "Action=GetCallerIdentity&Version=2011-06-15";
const IAM_BODY: &str = "Action=GetRole&RoleName=my-role&Version=2010-05-08";
const ROLE: &str = "arn:aws:iam::1234:role/my-role";

fn config(value: Value) -> Result<Config, String> {
    Config::read(&serde_json::from_value(value).expect("an object"))
}

fn token(url: &str, headers: &Value, body: &str) -> String {
    let base64 = |text: &str| STANDARD.encode(text);
    json!({
        "iam_http_request_method": "POST",
        "iam_request_url": base64(url),
        "iam_request_headers": base64(&headers.to_string()),
        "iam_request_body": base64(body),
    })
    .to_string()
}

#[test]
fn configurations_are_checked() {
    let cases = [
        (json!({}), "BoundIAMPrincipalARNs is required and must have at least 1 entry"),
        (json!({"BoundIAMPrincipalARNs": ["x"]}), "Invalid principal ARN: \"x\""),
        (
            json!({"BoundIAMPrincipalARNs": ["arn:aws:iam::1:role/*"]}),
            "Must set EnableIAMEntityDetails=true to use wildcards in BoundIAMPrincipalARNs",
        ),
        (
            json!({"BoundIAMPrincipalARNs": ["arn:aws:iam::1:role/*x"], "EnableIAMEntityDetails": true}),
            "Only one wildcard is allowed at the end of the bound IAM principal ARN",
        ),
        (
            json!({"BoundIAMPrincipalARNs": [ROLE], "IAMEntityTags": ["a"]}),
            "Must set EnableIAMEntityDetails=true to use IAMEntityTags",
        ),
        (
            json!({"BoundIAMPrincipalARNs": [ROLE], "STSEndpoint": "ftp://x"}),
            "STSEndpoint is invalid: \"ftp://x\" is no http or https URL",
        ),
    ];
    for (value, text) in cases {
        assert_eq!(config(value).err().as_deref(), Some(text));
    }
    assert!(config(json!({"BoundIAMPrincipalARNs": ["arn:aws:iam::1:role/a/b"]})).is_err());
    let wide = config(json!({"BoundIAMPrincipalARNs": ["arn:aws:iam::1:role/a/*"], "EnableIAMEntityDetails": true}));
    let wide = wide.expect("valid");
    assert!(wide.trusts("arn:aws:iam::1:role/a/b") && !wide.trusts("arn:aws:iam::1:role/b"));
}

#[test]
fn requests_that_would_go_elsewhere_or_ask_something_else_are_refused() {
    let config = config(json!({"BoundIAMPrincipalARNs": [ROLE]})).expect("valid");
    let parse = |url: &str, headers: Value, body: &str| {
        Bearer::parse(&token(url, &headers, body), &config).err().unwrap_or_default()
    };
    for fine in [
        "https://sts.amazonaws.com",
        "https://sts.us-east-2.amazonaws.com/",
        "https://sts.cn-north-1.amazonaws.com.cn/",
    ] {
        assert_eq!(parse(fine, json!({"X-Amz-Date": ["1"]}), STS_BODY), "");
    }
    for bad in [
        "https://evil.example/",
        "http://sts.amazonaws.com/",
        "https://sts.amazonaws.com.evil.example/",
        "https://evil.sts.amazonaws.com/",
        "https://stsx.amazonaws.com/",
        "https://sts.amazonaws.com/?Action=AssumeRole",
        "https://sts.amazonaws.com/path",
        "https://sts.amazonaws.com:8443/",
        "https://user@sts.amazonaws.com/",
        "sts",
    ] {
        assert!(parse(bad, json!({}), STS_BODY).starts_with("iam_request_url is invalid: "), "{bad}");
    }
    for body in ["", "Action=AssumeRole&Version=2011-06-15", "Action=GetCallerIdentity&Version=2011-06-15&x=y"] {
        let error = parse("https://sts.amazonaws.com/", json!({}), body);
        assert!(error.starts_with("iam_request_body is invalid: "), "{error}");
    }
    let header = |headers: Value| parse("https://sts.amazonaws.com/", headers, STS_BODY);
    assert_eq!(header(json!({"X-Amz-Foo": ["1"]})), "invalid request header: x-amz-foo");
    assert_eq!(header(json!({"a b": "1"})), "invalid request header: a b");
    assert!(Bearer::parse("{}", &config).is_err() && Bearer::parse("x", &config).is_err());
}

#[test]
fn the_server_id_must_be_there_and_signed() {
    let config = config(json!({"BoundIAMPrincipalARNs": [ROLE], "ServerIDHeaderValue": "srv"})).expect("valid");
    let parse = |headers: Value| {
        Bearer::parse(&token("https://sts.amazonaws.com/", &headers, STS_BODY), &config).err().unwrap_or_default()
    };
    let signed = |names: &str| format!("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders={names}, Signature=c");
    let id = "X-Consul-IAM-ServerID";
    assert_eq!(parse(json!({id: ["srv"], "Authorization": [signed("host;x-consul-iam-serverid")]})), "");
    assert_eq!(parse(json!({id: ["srv"], "Authorization": [signed("host")]})), "header wasn't signed");
    assert_eq!(parse(json!({id: ["other"]})), "expected \"srv\" but got \"other\"");
    assert_eq!(parse(json!({})), "missing header \"x-consul-iam-serverid\"");
}

#[test]
fn the_request_for_the_entity_must_name_the_server_too() {
    let config =
        config(json!({"BoundIAMPrincipalARNs": [ROLE], "EnableIAMEntityDetails": true, "ServerIDHeaderValue": "srv"}))
            .expect("valid");
    let id = "X-Consul-IAM-ServerID";
    let signed = |names: &str| format!("AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders={names}, Signature=c");
    let all = "host;x-consul-iam-getentity-body;x-consul-iam-getentity-headers;x-consul-iam-getentity-method;\
               x-consul-iam-getentity-url;x-consul-iam-serverid";
    let cases = [
        (json!({id: ["srv"], "Authorization": [signed("host;x-consul-iam-serverid")]}), ""),
        (json!({id: ["srv"], "Authorization": [signed("host")]}), "header wasn't signed"),
        (json!({id: ["other"]}), "expected \"srv\" but got \"other\""),
        (json!({}), "missing header \"x-consul-iam-serverid\""),
        (json!({"X-Amz-Foo": ["1"]}), "invalid request header: x-amz-foo"),
    ];
    for (inner, why) in cases {
        let headers = json!({
            id: ["srv"],
            "X-Consul-IAM-GetEntity-Method": ["POST"],
            "X-Consul-IAM-GetEntity-URL": ["https://iam.amazonaws.com/"],
            "X-Consul-IAM-GetEntity-Headers": [inner.to_string()],
            "X-Consul-IAM-GetEntity-Body": [IAM_BODY],
            "Authorization": [signed(all)],
        });
        let error = Bearer::parse(&token("https://sts.amazonaws.com/", &headers, STS_BODY), &config).err();
        let expected =
            (!why.is_empty()).then(|| format!("header \"x-consul-iam-getentity-headers\" is invalid: {why}"));
        assert_eq!(error, expected);
    }
}

/// Answers like STS and IAM do: by the action in the body.
async fn fake_aws(role_id: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = Vec::new();
            let mut piece = [0; 4096];
            let body = |request: &[u8]| {
                let text = String::from_utf8_lossy(request).into_owned();
                text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
            };
            while !body(&request).contains("Version=") {
                match stream.read(&mut piece).await {
                    Ok(length) if length > 0 => request.extend_from_slice(&piece[..length]),
                    _ => break,
                }
            }
            let asked = body(&request);
            let request = String::from_utf8_lossy(&request).into_owned();
            let (status, body) = if asked.contains("Action=GetRole") {
                (
                    "200 OK",
                    format!(
                        "<GetRoleResponse><GetRoleResult><Role><Path>/team/</Path><Arn>arn:aws:iam::1234:role/team/my-role</Arn><RoleId>{role_id}</RoleId><RoleName>my-role</RoleName><Tags><member><Key>env</Key><Value>Prod</Value></member></Tags></Role></GetRoleResult></GetRoleResponse>"
                    ),
                )
            } else if request.to_ascii_lowercase().contains("host: sts.amazonaws.com") {
                ("200 OK", "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:sts::1234:assumed-role/my-role/session</Arn><UserId>AROA:session</UserId><Account>1234</Account></GetCallerIdentityResult></GetCallerIdentityResponse>".to_owned())
            } else {
                ("403 Forbidden", String::new())
            };
            let text =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
            let _ = stream.write_all(text.as_bytes()).await;
        }
    });
    base
}

fn validator(value: Value) -> Validator {
    Validator::new(&serde_json::from_value(value).expect("an object")).expect("valid")
}

#[tokio::test]
async fn a_signed_request_tells_who_the_caller_is() {
    let sts = fake_aws("AROA").await;
    let bearer = token("https://sts.amazonaws.com/", &json!({"X-Amz-Date": ["1"]}), STS_BODY);
    let trusting = validator(json!({"BoundIAMPrincipalARNs": [ROLE], "STSEndpoint": sts}));
    let identity = trusting.validate(&bearer).await.expect("accepted");
    assert_eq!(identity.variables["entity_name"], "my-role");
    assert_eq!(identity.fields.matches("entity_id == AROA and account_id == 1234"), Ok(true));
    let other = validator(json!({"BoundIAMPrincipalARNs": ["arn:aws:iam::1234:role/x"], "STSEndpoint": sts}));
    assert_eq!(other.validate(&bearer).await, Err(format!("IAM principal {ROLE} is not trusted")));
    let elsewhere = token("https://sts.eu-west-1.amazonaws.com/", &json!({}), STS_BODY);
    assert_eq!(trusting.validate(&elsewhere).await, Err("received error code 403 from STS".to_owned()));
}

#[tokio::test]
async fn entity_details_bring_path_and_tags_and_must_be_the_callers() {
    let headers = json!({
        "X-Consul-IAM-GetEntity-Method": ["POST"],
        "X-Consul-IAM-GetEntity-URL": ["https://iam.amazonaws.com/"],
        "X-Consul-IAM-GetEntity-Headers": [json!({"X-Amz-Date": ["1"]}).to_string()],
        "X-Consul-IAM-GetEntity-Body": [IAM_BODY],
        "Authorization": ["AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host;x-consul-iam-getentity-body;x-consul-iam-getentity-headers;x-consul-iam-getentity-method;x-consul-iam-getentity-url, Signature=c"],
    });
    let bearer = token("https://sts.amazonaws.com/", &headers, STS_BODY);
    let config = |endpoint: &str| {
        json!({"BoundIAMPrincipalARNs": ["arn:aws:iam::1234:role/team/*"], "EnableIAMEntityDetails": true,
            "IAMEntityTags": ["env", "none"], "STSEndpoint": endpoint, "IAMEndpoint": endpoint})
    };
    let aws = validator(config(&fake_aws("AROA").await));
    let identity = aws.validate(&bearer).await.expect("accepted");
    assert_eq!(identity.variables["entity_tags.env"], "Prod");
    assert_eq!(identity.fields.matches("entity_path == \"/team/\" and entity_tags.env == Prod"), Ok(true));
    assert!(aws.blank().variables.contains_key("entity_tags.none"));
    let stranger = validator(config(&fake_aws("AIDA").await));
    assert!(stranger.validate(&bearer).await.expect_err("another entity").contains("is not the caller"));
    let unsigned = token("https://sts.amazonaws.com/", &json!({}), STS_BODY);
    assert!(aws.validate(&unsigned).await.expect_err("no entity").contains("missing header"));
}
