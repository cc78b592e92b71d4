//! Requests to services of AWS: no redirects, bounded in time and size. Errors name the host alone, since a path may be a
//! secret of the container that it was given to.

use super::super::{Settings, tls};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Url};
use std::net::SocketAddr;
use std::time::Duration;

/// Largest answer, bytes.
const LARGEST: usize = 256 << 10;
/// How long a service beside the caller may take to accept a connection.
const CONNECT: Duration = Duration::from_secs(1);
/// How long it may take to answer.
const NEAR: Duration = Duration::from_secs(5);
/// How long AWS itself may take.
const FAR: Duration = Duration::from_secs(20);
/// How often a service beside the caller is asked.
const TRIES: u32 = 3;
/// How long the second try waits; the third waits twice as long.
const PAUSE: Duration = Duration::from_millis(200);

fn client(url: &Url, tune: impl FnOnce(reqwest::ClientBuilder) -> reqwest::ClientBuilder) -> Result<Client, String> {
    let tls = tls::config(&Settings::for_address("")?, url.scheme() == "https")?;
    let builder = Client::builder().tls_backend_preconfigured(tls).redirect(Policy::none());
    tune(builder).build().map_err(|error| error.to_string())
}

/// A client for AWS itself, through the proxy of the environment if there is one.
pub(super) fn far(url: &Url) -> Result<Client, String> {
    client(url, |builder| builder.timeout(FAR))
}

/// A client for a service of the machine or container, never through a proxy. The host of the URL is only looked for at these
/// addresses, if there are any.
pub(super) fn near(url: &Url, addresses: &[SocketAddr]) -> Result<Client, String> {
    client(url, |builder| {
        let builder = builder.no_proxy().connect_timeout(CONNECT).timeout(NEAR);
        match url.host_str() {
            Some(host) if !addresses.is_empty() => builder.resolve_to_addrs(host, addresses),
            _ => builder,
        }
    })
}

/// Why there was no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    text: String,
    /// There was somebody who took the request.
    pub(super) reached: bool,
}

impl From<Failure> for String {
    fn from(failure: Failure) -> String {
        failure.text
    }
}

impl From<reqwest::Error> for Failure {
    /// With host and innermost cause.
    fn from(error: reqwest::Error) -> Failure {
        let host = error.url().and_then(Url::host_str).unwrap_or_default().to_owned();
        let error = error.without_url();
        let mut cause: &dyn std::error::Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        let text = match error.is_timeout() {
            true => format!("{host} does not answer in time"),
            false => format!("{host}: {cause}"),
        };
        Failure { text, reached: !error.is_connect() }
    }
}

/// Sends a request; gives status and text.
pub(super) async fn send(request: RequestBuilder) -> Result<(u16, String), Failure> {
    let unusable = |text: String| Failure { text, reached: true };
    let mut answer = request.send().await?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await? {
        if body.len() + piece.len() > LARGEST {
            return Err(unusable(format!("the answer is larger than {LARGEST} bytes")));
        }
        body.extend_from_slice(&piece);
    }
    String::from_utf8(body).map(|text| (status, text)).map_err(|_| unusable("the answer is not text".to_owned()))
}

/// Sends a request a few times, until somebody takes it and does not answer with an error of the server.
pub(super) async fn send_patiently(make: impl Fn() -> RequestBuilder) -> Result<(u16, String), Failure> {
    let mut tries = 1;
    loop {
        match send(make()).await {
            Ok((500.., _)) | Err(Failure { reached: false, .. }) if tries < TRIES => {
                tokio::time::sleep(PAUSE * tries).await;
            }
            answered => return answered,
        }
        tries += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::serve;
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[tokio::test]
    async fn a_service_is_asked_again_when_it_fails_and_not_when_it_refuses() {
        let cases = [(503, 3), (500, 3), (404, 1), (302, 1), (200, 1)];
        for (status, asked) in cases {
            let count = Arc::new(AtomicU32::new(0));
            let counted = Arc::clone(&count);
            let url = serve(move |_| {
                counted.fetch_add(1, Ordering::Relaxed);
                (status, String::new())
            });
            let http = near(&url, &[]).expect("a client");
            let (answered, _) = send_patiently(|| http.get(url.clone())).await.expect("an answer");
            assert_eq!((answered, count.load(Ordering::Relaxed)), (status, asked));
        }
    }

    #[tokio::test]
    async fn an_error_names_the_host_alone_and_an_answer_has_an_end() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let closed =
            Url::parse(&format!("http://{}/secret", listener.local_addr().expect("an address"))).expect("a URL");
        drop(listener);
        let Failure { text, reached } =
            send(near(&closed, &[]).expect("a client").get(closed)).await.expect_err("nobody there");
        assert!(text.starts_with("127.0.0.1: ") && !text.contains("secret") && !reached, "{text}");
        let url = serve(|_| (200, "x".repeat(LARGEST + 1)));
        let error = send(near(&url, &[]).expect("a client").get(url)).await.expect_err("too large");
        assert_eq!(error, Failure { text: format!("the answer is larger than {LARGEST} bytes"), reached: true });
    }
}
