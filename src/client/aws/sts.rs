//! The Security Token Service: where it is, and the roles that it gives.

use super::super::Params;
use super::sign::Request;
use super::{Credentials, fetch, refusal};
use chrono::Utc;
use reqwest::Url;
use reqwest::header::CONTENT_TYPE;
use roxmltree::Document;

/// Version of its API.
const VERSION: &str = "2011-06-15";

/// A partition of AWS, known by the begin of its regions.
struct Partition {
    regions: &'static str,
    domain: &'static str,
    iam: &'static str,
    iam_region: &'static str,
}

/// All partitions; the last one has the regions that no other has.
const PARTITIONS: [Partition; 3] = [
    Partition {
        regions: "cn-",
        domain: "amazonaws.com.cn",
        iam: "https://iam.cn-north-1.amazonaws.com.cn/",
        iam_region: "cn-north-1",
    },
    Partition {
        regions: "us-gov-",
        domain: "amazonaws.com",
        iam: "https://iam.us-gov.amazonaws.com/",
        iam_region: "us-gov-west-1",
    },
    Partition { regions: "", domain: "amazonaws.com", iam: "https://iam.amazonaws.com/", iam_region: "us-east-1" },
];

/// Where the service is.
#[derive(Clone, Debug)]
pub struct Sts {
    url: Url,
    region: String,
}

/// A role to act in.
pub(super) struct Role {
    pub(super) arn: String,
    pub(super) session: String,
    pub(super) external_id: Option<String>,
    pub(super) seconds: Option<String>,
}

impl Sts {
    /// The service at an endpoint, at AWS's own when that is empty; without a region that is the global one.
    ///
    /// # Errors
    /// One of them is malformed.
    pub fn new(endpoint: &str, region: &str) -> Result<Sts, String> {
        if !region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err(format!("bad AWS region {region:?}"));
        }
        let domain = partition(region).domain;
        let text = match (endpoint, region) {
            ("", "") => format!("https://sts.{domain}/"),
            ("", region) => format!("https://sts.{region}.{domain}/"),
            (endpoint, _) => endpoint.to_owned(),
        };
        let url = Url::parse(&text).map_err(|error| format!("bad endpoint {text:?}: {error}"))?;
        match (url.scheme(), url.host_str()) {
            ("http" | "https", Some(_)) => Ok(Sts { url, region: region.to_owned() }),
            _ => Err(format!("bad endpoint {text:?}: not an http or https URL")),
        }
    }

    /// Its URL.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The region that requests are signed for.
    pub(super) fn signing_region(&self) -> &str {
        if self.region.is_empty() { "us-east-1" } else { &self.region }
    }

    /// URL and region of IAM beside it.
    pub(super) fn iam(&self) -> Result<(Url, &'static str), String> {
        let partition = partition(&self.region);
        Url::parse(partition.iam).map(|url| (url, partition.iam_region)).map_err(|error| error.to_string())
    }

    /// ARN of the credentials' owner.
    pub(super) async fn caller(&self, credentials: &Credentials) -> Result<String, String> {
        let answer = self.call(super::bearer::CALLER_IDENTITY.to_owned(), Some(credentials)).await?;
        within(&answer, "GetCallerIdentityResult", "Arn").ok_or_else(|| "the answer has no ARN".to_owned())
    }

    /// Credentials of a role for a token of another system.
    pub(super) async fn role_by_token(&self, role: &Role, token: &str) -> Result<Credentials, String> {
        let form = role.form("AssumeRoleWithWebIdentity").with("WebIdentityToken", token);
        of_answer(&self.call(form.encode(), None).await?)
    }

    /// Credentials of a role for those of somebody who may act in it.
    pub(super) async fn role(&self, role: &Role, credentials: &Credentials) -> Result<Credentials, String> {
        of_answer(&self.call(role.form("AssumeRole").encode(), Some(credentials)).await?)
    }

    /// Sends a query, signed if there are credentials; the answer.
    async fn call(&self, body: String, credentials: Option<&Credentials>) -> Result<String, String> {
        let request = Request::new(self.url.clone(), body);
        let mut call = fetch::far(&self.url)?.post(self.url.clone());
        call = match credentials {
            Some(credentials) => {
                let headers = request.sign(credentials, self.signing_region(), "sts", Utc::now());
                headers.iter().fold(call, |call, (name, value)| call.header(name, value))
            }
            None => call.header(CONTENT_TYPE, super::sign::FORM),
        };
        match fetch::send(call.body(request.body)).await? {
            (200, text) => Ok(text),
            (status, text) => {
                let said = |name: &str| within(&text, "Error", name);
                let said = said("Code").map(|code| refusal(&code, &said("Message").unwrap_or_default()));
                Err(format!("STS answered {status}{}", said.map_or(String::new(), |said| format!(" ({said})"))))
            }
        }
    }
}

fn partition(region: &str) -> &'static Partition {
    let [named @ .., usual] = &PARTITIONS;
    named.iter().find(|partition| region.starts_with(partition.regions)).unwrap_or(usual)
}

impl Role {
    fn form(&self, action: &str) -> Params {
        let form = Params::new()
            .with("Action", action)
            .with("Version", VERSION)
            .with("RoleArn", &self.arn)
            .with("RoleSessionName", &self.session);
        let form = self.external_id.iter().fold(form, |form, id| form.with("ExternalId", id));
        self.seconds.iter().fold(form, |form, seconds| form.with("DurationSeconds", seconds))
    }
}

/// The text of an element within another one, wherever that is.
fn within(xml: &str, outer: &str, name: &str) -> Option<String> {
    let document = Document::parse(xml).ok()?;
    let outer = document.descendants().find(|node| node.tag_name().name() == outer)?;
    let inner = outer.children().find(|node| node.tag_name().name() == name)?;
    Some(inner.text()?.trim().to_owned())
}

fn of_answer(xml: &str) -> Result<Credentials, String> {
    let [id, secret, token] =
        ["AccessKeyId", "SecretAccessKey", "SessionToken"].map(|name| within(xml, "Credentials", name));
    Credentials::of(id, secret, token).ok_or_else(|| "the answer of STS has no credentials".to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{example, serve};
    use super::*;

    #[test]
    fn endpoints_belong_to_a_partition() {
        let (iam, china, gov) = (
            "https://iam.amazonaws.com/",
            "https://iam.cn-north-1.amazonaws.com.cn/",
            "https://iam.us-gov.amazonaws.com/",
        );
        // endpoint, region; URL and region of STS, URL and region of IAM
        let cases = [
            ("", "", "https://sts.amazonaws.com/", "us-east-1", iam, "us-east-1"),
            ("", "eu-west-1", "https://sts.eu-west-1.amazonaws.com/", "eu-west-1", iam, "us-east-1"),
            (
                "",
                "cn-northwest-1",
                "https://sts.cn-northwest-1.amazonaws.com.cn/",
                "cn-northwest-1",
                china,
                "cn-north-1",
            ),
            ("", "us-gov-east-1", "https://sts.us-gov-east-1.amazonaws.com/", "us-gov-east-1", gov, "us-gov-west-1"),
            ("http://127.0.0.1:7", "x", "http://127.0.0.1:7/", "x", iam, "us-east-1"),
        ];
        for (endpoint, region, url, signing, iam, iam_region) in cases {
            let sts = Sts::new(endpoint, region).expect("an endpoint");
            assert_eq!((sts.url().as_str(), sts.signing_region()), (url, signing));
            let found = sts.iam().expect("an endpoint");
            assert_eq!((found.0.as_str(), found.1), (iam, iam_region));
        }
        for (endpoint, region) in [("", "example.com/"), ("", "a b"), ("x", ""), ("ftp://x", "")] {
            assert!(Sts::new(endpoint, region).is_err(), "{endpoint} {region}");
        }
    }

    #[tokio::test]
    async fn roles_are_given_for_tokens_and_for_credentials() {
        const GOOD: &str = "<R xmlns=\"x\"><S><AssumedRoleUser><Arn>x</Arn></AssumedRoleUser><Credentials>\
                            <AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s&amp;</SecretAccessKey>\
                            <SessionToken>t</SessionToken></Credentials></S></R>";
        let url = serve(|asked| {
            let signed = asked.header("authorization").starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/");
            match (signed, asked.body.as_str()) {
                (
                    false,
                    "Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=me\
                     &Version=2011-06-15&WebIdentityToken=a.b%2Bc",
                )
                | (
                    true,
                    "Action=AssumeRole&DurationSeconds=900&ExternalId=a+b&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr\
                     &RoleSessionName=me&Version=2011-06-15",
                ) => (200, GOOD.to_owned()),
                (true, _) => (200, "<R><Credentials/></R>".to_owned()),
                (false, _) => {
                    let error = "<E xmlns=\"x\"><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code><Message>no\n</Message>\
                                 </Error></E>";
                    (400, error.to_owned())
                }
            }
        });
        let sts = Sts::new(url.as_str(), "").expect("an endpoint");
        let role = |external_id: Option<&str>, seconds: Option<&str>| Role {
            arn: "arn:aws:iam::1:role/r".to_owned(),
            session: "me".to_owned(),
            external_id: external_id.map(str::to_owned),
            seconds: seconds.map(str::to_owned),
        };
        let good = sts.role_by_token(&role(None, None), "a.b+c").await.expect("a role");
        assert_eq!((good.access_key_id.as_str(), good.secret_access_key.as_str()), ("ASIA", "s&"));
        assert_eq!(sts.role(&role(Some("a b"), Some("900")), &example()).await, Ok(good));
        let refused = sts.role_by_token(&role(None, None), "x").await;
        assert_eq!(refused, Err("STS answered 400 (InvalidIdentityToken: no)".to_owned()));
        let empty = sts.role(&role(None, None), &example()).await;
        assert_eq!(empty, Err("the answer of STS has no credentials".to_owned()));
    }
}
