//! HTTP proxies from the environment: `HTTP_PROXY`, `HTTPS_PROXY`, `NO_PROXY` and their small forms, as Go reads them.

use super::url::Url;
use std::net::IpAddr;
use std::sync::OnceLock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest answer of a proxy to `CONNECT`.
const MAX_ANSWER: usize = 16 * 1024;

#[derive(Default)]
struct Settings {
    http: Option<Url>,
    https: Option<Url>,
    exceptions: Vec<String>,
}

/// The proxy for a URL; none for this machine and for what `NO_PROXY` names. The environment is read once.
pub fn for_url(url: &Url) -> Option<Url> {
    static SETTINGS: OnceLock<Settings> = OnceLock::new();
    SETTINGS.get_or_init(|| Settings::read(|name| std::env::var(name).ok())).choose(url)
}

impl Settings {
    fn read(variable: impl Fn(&str) -> Option<String>) -> Settings {
        let either = |name: &str| {
            [name.to_owned(), name.to_ascii_lowercase()].iter().find_map(|n| variable(n)).filter(|v| !v.is_empty())
        };
        let proxy = |name: &str| {
            let text = either(name)?;
            let text = if text.contains("://") { text } else { format!("http://{text}") };
            Url::parse(&text).ok().filter(|url| url.scheme == "http" && !url.host.is_empty())
        };
        let exceptions = either("NO_PROXY").unwrap_or_default();
        Settings {
            http: proxy("HTTP_PROXY"),
            https: proxy("HTTPS_PROXY"),
            exceptions: exceptions
                .split(',')
                .map(|item| item.trim().to_ascii_lowercase())
                .filter(|i| !i.is_empty())
                .collect(),
        }
    }

    fn choose(&self, url: &Url) -> Option<Url> {
        let proxy = if url.scheme == "https" { &self.https } else { &self.http };
        let host = url.host.to_ascii_lowercase();
        let ip = host.parse::<IpAddr>().ok();
        if host == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) {
            return None;
        }
        let excepted = self.exceptions.iter().any(|item| match item.split_once('/') {
            Some((net, bits)) => ip.is_some_and(|ip| in_network(ip, net, bits)),
            None if item == "*" => true,
            None => {
                let domain = item.trim_start_matches('*').trim_start_matches('.');
                let exact = !item.starts_with(['.', '*']) && host == domain;
                exact || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
            }
        });
        if excepted { None } else { proxy.clone() }
    }
}

fn in_network(ip: IpAddr, net: &str, bits: &str) -> bool {
    let prefix = |bytes: &[u8], bits: usize| -> Vec<bool> {
        (0..bits).map(|bit| bytes.get(bit / 8).is_some_and(|byte| byte >> (7 - bit % 8) & 1 == 1)).collect()
    };
    match (ip, net.parse(), bits.parse::<usize>()) {
        (IpAddr::V4(ip), Ok(IpAddr::V4(net)), Ok(bits)) => prefix(&ip.octets(), bits) == prefix(&net.octets(), bits),
        (IpAddr::V6(ip), Ok(IpAddr::V6(net)), Ok(bits)) => prefix(&ip.octets(), bits) == prefix(&net.octets(), bits),
        _ => false,
    }
}

/// Asks a proxy for a connection to `address`.
pub async fn tunnel(stream: &mut TcpStream, address: &str, proxy: &Url) -> Result<(), String> {
    let auth = proxy.basic_auth().map_or_else(String::new, |basic| format!("Proxy-Authorization: {basic}\r\n"));
    let request = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n{auth}\r\n");
    let failed = |error: std::io::Error| format!("proxyconnect tcp: {}", super::dial::errno_text(&error));
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") && answer.len() < MAX_ANSWER {
        answer.push(stream.read_u8().await.map_err(failed)?);
    }
    let first = String::from_utf8_lossy(answer.split(|b| *b == b'\r').next().unwrap_or_default()).into_owned();
    let status = first.split_once(' ').map_or("", |(_, status)| status);
    if status.starts_with("200") {
        Ok(())
    } else {
        Err(status.split_once(' ').map_or(status, |(_, reason)| reason).to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_proxies_and_exceptions() {
        let settings = Settings::read(|name| {
            match name {
                "HTTP_PROXY" => Some("proxy.test:3128"),
                "https_proxy" => Some("http://user:pw@secure.test:3129"),
                "NO_PROXY" => Some("direct.test, .inside.test,10.0.0.0/8"),
                _ => None,
            }
            .map(str::to_owned)
        });
        for (url, wanted) in [
            ("http://example.test/", Some("proxy.test:3128")),
            ("https://example.test/", Some("secure.test:3129")),
            ("http://localhost/", None),
            ("http://127.0.0.1:80/", None),
            ("http://[::1]/", None),
            ("http://direct.test/", None),
            ("http://sub.direct.test/", None),
            ("http://a.inside.test/", None),
            ("http://inside.test/", Some("proxy.test:3128")),
            ("http://10.1.2.3/", None),
            ("http://11.1.2.3/", Some("proxy.test:3128")),
        ] {
            let chosen = settings.choose(&Url::parse(url).expect(url)).map(|proxy| proxy.address());
            assert_eq!(chosen.as_deref(), wanted, "{url}");
        }
    }
}
