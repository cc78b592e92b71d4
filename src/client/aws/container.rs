//! Credentials of a container (ECS tasks, EKS pods): a service beside it gives them.

use super::super::os_text;
use super::{Credentials, Document, fetch};
use reqwest::Url;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where ECS answers.
const ECS: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 2);
/// Where EKS answers.
const EKS: (Ipv4Addr, Ipv6Addr) = (Ipv4Addr::new(169, 254, 170, 23), Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23));

/// The variables that say where the service is.
const RELATIVE: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
const FULL: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";

/// The service.
pub(super) struct Container {
    url: Url,
    addresses: Vec<SocketAddr>,
    token: Option<HeaderValue>,
}

/// Without TLS credentials may only come from this machine and the services of AWS on it.
fn is_near(ip: IpAddr) -> bool {
    ip.is_loopback() || ip == ECS || ip == EKS.0 || ip == EKS.1
}

/// The URL of the service, if the environment says that there is one.
fn url(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Url>, String> {
    let (name, text) = match (variable(RELATIVE), variable(FULL)) {
        (Some(path), _) if path.starts_with('/') => (RELATIVE, format!("http://{ECS}{path}")),
        (Some(_), _) => return Err(format!("{RELATIVE} does not begin with a slash")),
        (None, Some(text)) => (FULL, text),
        (None, None) => return Ok(None),
    };
    let url = Url::parse(&text).map_err(|error| format!("{name} is not a URL: {error}"))?;
    match (url.scheme(), url.host_str()) {
        ("http" | "https", Some(_)) => Ok(Some(url)),
        _ => Err(format!("{name} is not an http or https URL")),
    }
}

impl Container {
    /// The service that the environment names.
    pub(super) async fn find(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Container>, String> {
        let Some(url) = url(variable)? else { return Ok(None) };
        let mut addresses = Vec::new();
        if let ("http", Some(host)) = (url.scheme(), url.host_str()) {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            let port = url.port_or_known_default().unwrap_or(80);
            let found = tokio::net::lookup_host((bare, port)).await;
            addresses = found.map_err(|error| format!("{host}: {}", os_text(&error)))?.collect();
            if addresses.is_empty() || !addresses.iter().all(|address| is_near(address.ip())) {
                return Err(format!(
                    "{FULL} must be an https URL, or name this machine, {ECS}, {} or [{}]: {host} is none of these",
                    EKS.0, EKS.1
                ));
            }
        }
        Ok(Some(Container { url, addresses, token: token(variable)? }))
    }

    /// Asks for the credentials.
    pub(super) async fn credentials(&self) -> Result<Credentials, String> {
        let http = fetch::near(&self.url, &self.addresses)?;
        let (status, text) = fetch::send_patiently(|| {
            let request = http.get(self.url.clone()).header(ACCEPT, "application/json");
            match &self.token {
                Some(token) => request.header(AUTHORIZATION, token),
                None => request,
            }
        })
        .await?;
        let document = Document::parse(&text);
        match status {
            200 => document?.credentials(),
            _ => {
                let said = document.ok().and_then(|document| document.credentials().err().filter(|_| !text.is_empty()));
                Err(format!("the service answered {status}{}", said.map_or(String::new(), |said| format!(" ({said})"))))
            }
        }
    }
}

/// The token that the service wants to see: that of the file, else that of the environment.
fn token(variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<HeaderValue>, String> {
    let (name, text) = match variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE") {
        Some(file) => {
            let text = std::fs::read_to_string(&file).map_err(|error| format!("open {file}: {}", os_text(&error)))?;
            (file, text)
        }
        None => {
            let name = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
            let Some(text) = variable(name) else { return Ok(None) };
            (name.to_owned(), text)
        }
    };
    let mut value = HeaderValue::from_str(text.trim_end()).map_err(|_| format!("{name} holds no header value"))?;
    value.set_sensitive(true);
    Ok(Some(value))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{serve, variables};
    use super::*;

    #[tokio::test]
    async fn plain_http_goes_to_known_addresses_alone() {
        let far = |host: &str| {
            format!(
                "{FULL} must be an https URL, or name this machine, 169.254.170.2, 169.254.170.23 or [fd00:ec2::23]: {host} is none \
                 of these"
            )
        };
        // variable, value, the URL or what is wrong with it
        let cases = [
            (RELATIVE, "/v2/credentials/id", Ok("http://169.254.170.2/v2/credentials/id")),
            (RELATIVE, "//example.com/x", Ok("http://169.254.170.2//example.com/x")),
            (RELATIVE, "@example.com/", Err(format!("{RELATIVE} does not begin with a slash"))),
            (FULL, "http://127.0.0.1:80/x", Ok("http://127.0.0.1/x")),
            (FULL, "http://127.200.0.1:8080/x?y", Ok("http://127.200.0.1:8080/x?y")),
            (FULL, "http://[::1]/x", Ok("http://[::1]/x")),
            (FULL, "http://localhost/x", Ok("http://localhost/x")),
            (FULL, "http://169.254.170.2/x", Ok("http://169.254.170.2/x")),
            (FULL, "http://169.254.170.23/v1/credentials", Ok("http://169.254.170.23/v1/credentials")),
            (FULL, "http://[fd00:ec2::23]/v1/credentials", Ok("http://[fd00:ec2::23]/v1/credentials")),
            (FULL, "https://192.0.2.1/x", Ok("https://192.0.2.1/x")),
            (FULL, "http://192.0.2.1/x", Err(far("192.0.2.1"))),
            (FULL, "http://169.254.169.254/x", Err(far("169.254.169.254"))),
            (FULL, "http://169.254.170.2@192.0.2.1/x", Err(far("192.0.2.1"))),
            (FULL, "http://[::2]/x", Err(far("[::2]"))),
            (FULL, "/x", Err(format!("{FULL} is not a URL: relative URL without a base"))),
            (FULL, "ftp://127.0.0.1/x", Err(format!("{FULL} is not an http or https URL"))),
        ];
        for (name, value, expected) in cases {
            let found = Container::find(&variables(&[(name, value)])).await;
            let found = found.map(|found| found.expect("a service").url.to_string());
            assert_eq!(found, expected.map(str::to_owned), "{value}");
        }
        assert!(Container::find(&|_| None).await.expect("nothing wrong").is_none());
    }

    #[tokio::test]
    async fn the_service_sees_the_token_and_nobody_else() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "t0ken\n").expect("written");
        let url = serve(|asked| match (asked.line.as_str(), asked.header("authorization").as_str()) {
            ("GET /c HTTP/1.1", "t0ken") => {
                (200, r#"{"AccessKeyId":"a","SecretAccessKey":"b","Token":"c","RoleArn":"r"}"#.to_owned())
            }
            ("GET /c HTTP/1.1", _) => (403, r#"{"code":"Forbidden","message":"who are you"}"#.to_owned()),
            ("GET /empty HTTP/1.1", _) => (200, "{}".to_owned()),
            _ => (404, "<html>".to_owned()),
        });
        let path = file.path().display().to_string();
        let (by_file, by_value) = ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN");
        // path, token, access key or error
        let cases = [
            ("c", vec![(by_file, path.as_str()), (by_value, "wrong")], Ok("a")),
            ("c", vec![(by_value, "t0ken")], Ok("a")),
            ("c", vec![], Err("the service answered 403 (Forbidden: who are you)")),
            ("c", vec![(by_value, "sec\nret")], Err("AWS_CONTAINER_AUTHORIZATION_TOKEN holds no header value")),
            ("c", vec![(by_file, "/no/such")], Err("open /no/such: no such file or directory")),
            ("empty", vec![], Err("the answer has no access key and secret")),
            ("other", vec![], Err("the service answered 404")),
        ];
        for (path, token, expected) in cases {
            let full = url.join(path).expect("a URL").to_string();
            let environment: Vec<(&str, &str)> = token.into_iter().chain([(FULL, full.as_str())]).collect();
            let found = match Container::find(&variables(&environment)).await {
                Ok(service) => service.expect("a service").credentials().await,
                Err(error) => Err(error),
            };
            assert_eq!(found.map(|found| found.access_key_id), expected.map(str::to_owned).map_err(str::to_owned));
        }
    }
}
