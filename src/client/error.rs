//! Errors of requests, in the words that scripts match on (`spec/cli.md` 7.2).

use super::settings::{Endpoint, Settings, without_port};
use std::error::Error as StdError;
use std::fmt;
use std::io::ErrorKind;
use std::net::ToSocketAddrs;

/// Why a request gave no answer of use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The agent answered with this status and body.
    Status {
        /// HTTP status.
        code: u16,
        /// Body, trimmed.
        body: String,
    },
    /// No answer: the whole text, with method and URL.
    Transport(String),
    /// Anything else, such as a body that does not decode.
    Other(String),
}

impl Error {
    /// The status of an answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Error::Status { code, .. } => Some(*code),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Status { code, body } => write!(f, "Unexpected response code: {code} ({body})"),
            Error::Transport(text) | Error::Other(text) => f.write_str(text),
        }
    }
}

impl StdError for Error {}

/// An operating system error in Go's words: `no such file or directory`.
pub fn os_text(error: &std::io::Error) -> String {
    if error.kind() == ErrorKind::TimedOut {
        return "i/o timeout".into();
    }
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

/// Why a request got no answer.
pub(super) fn transport(method: &str, url: &str, settings: &Settings, error: &reqwest::Error) -> Error {
    let mut letters = method.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase()).into_iter();
    let verb: String = first.chain(letters.map(|c| c.to_ascii_lowercase())).collect();
    Error::Transport(format!("{verb} {url:?}: {}", reason(settings, error)))
}

fn reason(settings: &Settings, error: &reqwest::Error) -> String {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    let mut last = error.to_string();
    while let Some(current) = cause {
        last = current.to_string();
        if let Some(io) = current.downcast_ref::<std::io::Error>() {
            return io_reason(settings, error.is_connect(), io);
        }
        if let Some(tls) = current.downcast_ref::<rustls::Error>() {
            return tls_reason(tls);
        }
        if current.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message) {
            return "EOF".into();
        }
        cause = current.source();
    }
    if error.is_timeout() { "context deadline exceeded".into() } else { last }
}

fn io_reason(settings: &Settings, connecting: bool, error: &std::io::Error) -> String {
    if let Some(inner) = error.get_ref() {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return tls_reason(tls);
        }
        if let Some(nested) = inner.downcast_ref::<std::io::Error>() {
            return io_reason(settings, connecting, nested);
        }
    }
    if error.kind() == ErrorKind::UnexpectedEof {
        return "EOF".into();
    }
    let step = if connecting { "connect" } else { "read" };
    let action = if connecting { "dial" } else { "read" };
    match &settings.endpoint {
        Endpoint::Unix(path) => format!("{action} unix {}: {step}: {}", path.display(), os_text(error)),
        Endpoint::Tcp { authority, https, .. } => {
            match with_port(authority, *https).to_socket_addrs().ok().and_then(|mut found| found.next()) {
                Some(address) if error.raw_os_error().is_some() || error.kind() == ErrorKind::TimedOut => {
                    format!("{action} tcp {address}: {step}: {}", os_text(error))
                }
                Some(_) => os_text(error),
                None => format!("dial tcp: lookup {}: no such host", without_port(authority)),
            }
        }
    }
}

fn with_port(authority: &str, https: bool) -> String {
    let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
    match (has_port, https) {
        (true, _) => authority.to_string(),
        (false, true) => format!("{authority}:443"),
        (false, false) => format!("{authority}:80"),
    }
}

fn tls_reason(error: &rustls::Error) -> String {
    use rustls::CertificateError::*;
    let verify = |reason: &str| format!("tls: failed to verify certificate: x509: {reason}");
    match error {
        rustls::Error::InvalidMessage(_) => "http: server gave HTTP response to HTTPS client".into(),
        rustls::Error::InvalidCertificate(UnknownIssuer) => verify("certificate signed by unknown authority"),
        rustls::Error::InvalidCertificate(
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. },
        ) => verify("certificate has expired or is not yet valid"),
        rustls::Error::InvalidCertificate(NotValidForNameContext { expected, presented }) => {
            let names: Vec<&str> = presented.iter().map(|name| name.split('"').nth(1).unwrap_or(name)).collect();
            verify(&format!("certificate is valid for {}, not {}", names.join(", "), expected.to_str()))
        }
        rustls::Error::AlertReceived(alert) => format!("remote error: tls: {alert:?}"),
        other => format!("tls: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn os_errors_lose_their_number_and_capital() {
        assert_eq!(os_text(&std::io::Error::from_raw_os_error(2)), "no such file or directory");
        assert_eq!(os_text(&std::io::Error::from_raw_os_error(111)), "connection refused");
    }

    #[test]
    fn a_refusal_carries_code_and_body() {
        let error = Error::Status { code: 403, body: "Permission denied".into() };
        assert_eq!(error.to_string(), "Unexpected response code: 403 (Permission denied)");
    }
}
