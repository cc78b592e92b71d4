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
pub(super) const LARGEST: usize = 1 << 20;

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

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::pki_types::PrivateKeyDer;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// An authority, and a certificate of it for the loopback address.
    fn certificates() -> (String, CertificateDer<'static>, PrivateKeyDer<'static>) {
        let ca_key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let ca = params.self_signed(&ca_key).expect("an authority").pem();
        let issuer = rcgen::Issuer::new(params, ca_key);
        let key = rcgen::KeyPair::generate().expect("a key");
        let leaf = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
        let leaf = leaf.signed_by(&key, &issuer).expect("a certificate");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        (ca, leaf.der().clone(), key)
    }

    /// Answers every connection with a head and as many bytes as asked for, over TLS.
    async fn serve(
        certificate: CertificateDer<'static>,
        key: PrivateKeyDer<'static>,
        head: String,
        bytes: usize,
    ) -> String {
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .expect("a configuration");
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("https://{}/", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(head.as_bytes()).await;
                let _ = stream.write_all(&vec![b'x'; bytes]).await;
                let _ = stream.shutdown().await;
            }
        });
        url
    }

    #[tokio::test]
    async fn only_servers_of_the_given_authority_are_believed() {
        let (ca, certificate, key) = certificates();
        let url = serve(certificate, key, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n".into(), 1).await;
        let ask = async |ca: &str| send(client(ca).expect("a client").get(&url)).await;
        assert_eq!(ask(&ca).await, Ok((200, b"x".to_vec())));
        let error = ask(&certificates().0).await.expect_err("another authority");
        assert!(error.contains("invalid peer certificate"), "{error}");
    }

    #[tokio::test]
    async fn answers_without_end_and_redirects_are_not_followed() {
        let (ca, certificate, key) = certificates();
        let big = serve(certificate, key, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".into(), LARGEST + 1).await;
        let error = send(client(&ca).expect("a client").get(big)).await.expect_err("too large");
        assert_eq!(error, format!("the answer is larger than {LARGEST} bytes"));
        let (ca, certificate, key) = certificates();
        let head = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n".to_owned();
        let moved = serve(certificate, key, head, 0).await;
        assert_eq!(send(client(&ca).expect("a client").get(moved)).await, Ok((302, Vec::new())));
    }

    #[test]
    fn a_text_without_certificates_is_no_authority() {
        for bad in ["x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(client(bad).is_err(), "{bad}");
        }
    }
}
