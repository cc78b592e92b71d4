//! Requests to other systems: bounded in time and size, with the trust that the auth method's configuration gives.

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;
use std::time::Duration;

/// How long an answer may take, from the connection to its last byte.
const PATIENCE: Duration = Duration::from_secs(10);

/// Largest answer, bytes.
const LARGEST: usize = 1 << 20;

/// The certificates of a PEM text.
///
/// # Errors
/// There is none, or one cannot be read.
pub(super) fn roots(pem: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    let (added, ignored) = roots.add_parsable_certificates(certificates.map_err(|error| error.to_string())?);
    match (added, ignored) {
        (0, 0) => Err("no CERTIFICATE block in the PEM text".to_owned()),
        (_, 0) => Ok(roots),
        _ => Err("a certificate of the PEM text cannot be parsed".to_owned()),
    }
}

/// A client for one system. Without certificates of its own it trusts those of the machine.
///
/// # Errors
/// The certificates cannot be read.
pub(super) fn client(ca_pem: &str) -> Result<reqwest::Client, String> {
    let roots = if ca_pem.is_empty() {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    } else {
        roots(ca_pem)?
    };
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .timeout(PATIENCE)
        .connect_timeout(PATIENCE)
        .build()
        .map_err(|error| error.to_string())
}

/// Sends a request; gives status and body.
///
/// # Errors
/// There was no answer, or it was too large.
pub(super) async fn send(request: reqwest::RequestBuilder) -> Result<(u16, Vec<u8>), String> {
    let mut answer = request.send().await.map_err(|error| reason(&error))?;
    let status = answer.status().as_u16();
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| reason(&error))? {
        if body.len() + piece.len() > LARGEST {
            return Err(format!("the answer is larger than {LARGEST} bytes"));
        }
        body.extend_from_slice(&piece);
    }
    Ok((status, body))
}

/// An error with its causes; the URL is told by the outermost one.
fn reason(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    text
}
