//! Go's words for failed handshakes and certificates that are not valid.

use rustls::{CertificateError, Error};
use std::io;

/// The error of TLS in an I/O error.
pub fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Error>())
}

/// Go's text of what is wrong with a certificate, for a peer that should be called `name`.
pub fn certificate_text(reason: &CertificateError, name: &str) -> String {
    match reason {
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "x509: certificate signed by unknown authority".to_owned()
        }
        CertificateError::NotValidForName => format!("x509: certificate is not valid for {name}"),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<_> = presented.iter().map(|shown| plain_name(shown)).collect();
            format!("x509: certificate is valid for {}, not {name}", names.join(", "))
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => "x509: certificate has expired or is not yet valid".to_owned(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "x509: certificate specifies an incompatible key usage".to_owned()
        }
        other if format!("{other:?}").contains("NameConstraintViolation") => {
            "x509: a root or intermediate certificate is not authorized to sign for this name: a name of the certificate \
             is not permitted by any constraint"
                .to_owned()
        }
        other => format!("x509: {other}"),
    }
}

/// Go's text of a failed handshake with `name`.
pub fn error_text(error: &Error, name: &str) -> String {
    match error {
        Error::InvalidCertificate(reason) => {
            format!("tls: failed to verify certificate: {}", certificate_text(reason, name))
        }
        Error::InvalidMessage(_) => "tls: first record does not look like a TLS handshake".to_owned(),
        Error::AlertReceived(alert) => format!("remote error: tls: {}", spaced(&format!("{alert:?}"))),
        Error::NoCertificatesPresented => "tls: client didn't provide a certificate".to_owned(),
        other => format!("tls: {}", lower(&other.to_string())),
    }
}

/// `DnsName("a.test")` to `a.test`.
fn plain_name(shown: &str) -> &str {
    shown.split('"').nth(1).unwrap_or(shown)
}

/// `HandshakeFailure` to `handshake failure`.
fn spaced(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.extend(c.to_lowercase());
    }
    text
}

/// The text with a small first letter.
pub(super) fn lower(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
