//! Credentials of the role of an EC2 instance, from its metadata service.

use super::{Credentials, Document, fetch};
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};

/// Header that asks for a session, with its seconds.
const LIFETIME: (&str, &str) = ("x-aws-ec2-metadata-token-ttl-seconds", "300");
/// Header that carries the session.
const SESSION: HeaderName = HeaderName::from_static("x-aws-ec2-metadata-token");
/// Where the service keeps the credentials of roles.
const ROLES: &str = "latest/meta-data/iam/security-credentials/";

/// The service.
pub(super) struct Instance {
    base: Url,
    /// Requests without a session are not tried.
    sessions_only: bool,
}

impl Instance {
    /// The service, unless it is switched off. `setting` gives the value of a variable, else that of a profile's setting.
    pub(super) fn find(setting: &dyn Fn(&str, &str) -> Option<String>) -> Result<Option<Instance>, String> {
        let is_set = |name: &str, key: &str| setting(name, key).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        if is_set("AWS_EC2_METADATA_DISABLED", "") {
            return Ok(None);
        }
        let mode = setting("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");
        let usual = match mode.as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("ipv4") => "http://169.254.169.254/",
            Some("ipv6") => "http://[fd00:ec2::254]/",
            Some(_) => return Err("the mode of its endpoint is neither IPv4 nor IPv6".to_owned()),
        };
        let given = setting("AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
        let text = given.as_deref().unwrap_or(usual);
        let mut base = Url::parse(text).map_err(|error| format!("its endpoint {text:?} is not a URL: {error}"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
            return Err(format!("its endpoint {text:?} is not an http or https URL"));
        }
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Some(Instance { base, sessions_only: is_set("AWS_EC2_METADATA_V1_DISABLED", "ec2_metadata_v1_disabled") }))
    }

    /// Asks for the credentials.
    pub(super) async fn credentials(&self) -> Result<Credentials, String> {
        let http = fetch::near(&self.base, &[])?;
        let url = |path: &str| self.base.join(path).map_err(|error| error.to_string());
        let target = url("latest/api/token")?;
        let asked = fetch::send_patiently(|| http.put(target.clone()).header(LIFETIME.0, LIFETIME.1)).await;
        let session = match asked {
            Ok((200, text)) => {
                let mut value = HeaderValue::from_str(text.trim()).map_err(|_| "the session is no header value")?;
                value.set_sensitive(true);
                Some(value)
            }
            // Services without sessions, and those that do not let them go as many hops as a container is away.
            Ok((403..=405, _)) if !self.sessions_only => None,
            Err(failure) if failure.reached && !self.sessions_only => None,
            Err(failure) => return Err(failure.into()),
            Ok((status, _)) => return Err(format!("the request for a session was answered with {status}")),
        };
        let get = async |url: Url| {
            let request = || match &session {
                Some(session) => http.get(url.clone()).header(SESSION, session),
                None => http.get(url.clone()),
            };
            fetch::send_patiently(request).await.map_err(String::from)
        };
        let mut target = url(ROLES)?;
        let (status, roles) = get(target.clone()).await?;
        let role = roles.lines().next().unwrap_or_default().trim();
        if status != 200 || role.is_empty() {
            return Err(match status {
                200 | 404 => "the instance has no role".to_owned(),
                status => format!("the request for the role was answered with {status}"),
            });
        }
        target.path_segments_mut().map_err(|()| "its endpoint has no paths")?.pop_if_empty().push(role);
        match get(target).await? {
            (200, text) => Document::parse(&text)?.credentials(),
            (status, _) => Err(format!("the request for the credentials of role {role:?} was answered with {status}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{CLOSED, Variables, serve, variables};
    use super::*;

    const ENDPOINT: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

    fn find(environment: &Variables<'_>) -> Result<Option<Instance>, String> {
        let variables = variables(environment);
        Instance::find(&|name, _| variables(name))
    }

    #[test]
    fn the_endpoint_can_be_set_and_switched_off() {
        let mode = "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE";
        let off = "AWS_EC2_METADATA_DISABLED";
        let cases: [(&Variables<'_>, Result<Option<&str>, &str>); 9] = [
            (&[], Ok(Some("http://169.254.169.254/"))),
            (&[(off, "false")], Ok(Some("http://169.254.169.254/"))),
            (&[(off, "True")], Ok(None)),
            (&[(mode, "IPv6")], Ok(Some("http://[fd00:ec2::254]/"))),
            (&[(mode, "IPv6"), (ENDPOINT, "http://127.0.0.1:7")], Ok(Some("http://127.0.0.1:7/"))),
            (&[(ENDPOINT, "http://127.0.0.1:7/a")], Ok(Some("http://127.0.0.1:7/a/"))),
            (&[(mode, "x")], Err("the mode of its endpoint is neither IPv4 nor IPv6")),
            (&[(ENDPOINT, "x")], Err("its endpoint \"x\" is not a URL: relative URL without a base")),
            (&[(ENDPOINT, "file:///x")], Err("its endpoint \"file:///x\" is not an http or https URL")),
        ];
        for (environment, expected) in cases {
            let found = find(environment).map(|found| found.map(|found| found.base.to_string()));
            assert_eq!(found, expected.map(|url| url.map(str::to_owned)).map_err(str::to_owned), "{environment:?}");
        }
        let by_profile =
            Instance::find(&|_, key| variables(&[("ec2_metadata_service_endpoint", "http://127.0.0.1:9")])(key));
        assert_eq!(by_profile.expect("a URL").expect("a service").base.as_str(), "http://127.0.0.1:9/");
    }

    #[tokio::test]
    async fn a_session_comes_first_then_the_role_then_its_credentials() {
        const GOOD: &str =
            r#"{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"a","SecretAccessKey":"b","Token":"c"}"#;
        // status of the session, role and its status, document and its status, more of the environment, result
        let cases = [
            (200, (200, "my-role\n"), (200, GOOD), "false", Ok("a")),
            (200, (200, "my-role\nother"), (200, GOOD), "true", Ok("a")),
            (404, (200, "my-role"), (200, GOOD), "false", Ok("a")),
            (404, (200, "my-role"), (200, GOOD), "true", Err("the request for a session was answered with 404")),
            (CLOSED, (200, "my-role"), (200, GOOD), "false", Ok("a")),
            (400, (200, "my-role"), (200, GOOD), "false", Err("the request for a session was answered with 400")),
            (200, (404, ""), (200, GOOD), "false", Err("the instance has no role")),
            (200, (200, ""), (200, GOOD), "false", Err("the instance has no role")),
            (200, (401, ""), (200, GOOD), "false", Err("the request for the role was answered with 401")),
            (
                200,
                (200, "my-role"),
                (404, ""),
                "false",
                Err("the request for the credentials of role \"my-role\" was answered with 404"),
            ),
            (200, (200, "my-role"), (200, "<html>"), "false", Err("the answer is not a JSON document of credentials")),
            (
                200,
                (200, "my-role"),
                (200, r#"{"Code":"AssumeRoleUnauthorizedAccess","Message":"no\nway"}"#),
                "false",
                Err("AssumeRoleUnauthorizedAccess: noway"),
            ),
        ];
        for (token, role, document, only, expected) in cases {
            let url = serve(move |asked| {
                let with_session = asked.header("x-aws-ec2-metadata-token") == "s3ssion";
                let own = |(status, text): (u16, &str)| (status, text.to_owned());
                match asked.line.as_str() {
                    "PUT /latest/api/token HTTP/1.1" if asked.header(LIFETIME.0) == "300" => own((token, "s3ssion")),
                    _ if with_session != (token == 200) => own((401, "")),
                    "GET /latest/meta-data/iam/security-credentials/ HTTP/1.1" => own(role),
                    "GET /latest/meta-data/iam/security-credentials/my-role HTTP/1.1" => own(document),
                    _ => own((500, "")),
                }
            });
            let environment = [(ENDPOINT, url.as_str()), ("AWS_EC2_METADATA_V1_DISABLED", only)];
            let found = find(&environment).expect("a URL").expect("a service").credentials().await;
            assert_eq!(found.map(|found| found.access_key_id), expected.map(str::to_owned).map_err(str::to_owned));
        }
    }
}
