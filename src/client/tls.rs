//! TLS of the HTTP client: CA files, client certificates, verification switched off on request.

use super::{Settings, os_text};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Builds the TLS configuration; `https` says whether the system's roots are needed.
///
/// # Errors
/// The text of the client-creation error (`spec/cli.md` 4.7).
pub(super) fn config(settings: &Settings, https: bool) -> Result<ClientConfig, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let identity = identity(settings)?;
    let roots = roots(settings, https)?;
    let builder = if settings.insecure {
        builder.dangerous().with_custom_certificate_verifier(Arc::new(Unverified(provider)))
    } else {
        builder.with_root_certificates(roots)
    };
    match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(|error| error.to_string()),
        None => Ok(builder.with_no_client_auth()),
    }
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn identity(settings: &Settings) -> Result<Option<Identity>, String> {
    match (settings.client_cert.as_str(), settings.client_key.as_str()) {
        ("", "") => Ok(None),
        ("", _) | (_, "") => Err("both client cert and client key must be provided".into()),
        (cert, key) => {
            let chain = certificates(&read(cert)?).map_err(|_| no_pem("certificate", cert))?;
            let key = PrivateKeyDer::from_pem_slice(&read(key)?).map_err(|_| no_pem("key", key))?;
            Ok(Some((chain, key)))
        }
    }
}

fn no_pem(what: &str, path: &str) -> String {
    format!("tls: failed to find any PEM data in {what} input: {path}")
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("open {path}: {}", os_text(&error)))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, rustls::pki_types::pem::Error> {
    CertificateDer::pem_slice_iter(pem).collect()
}

fn roots(settings: &Settings, https: bool) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    if !settings.ca_file.is_empty() {
        add_file(&mut roots, &settings.ca_file).map_err(|error| format!("Error loading CA File: {error}"))?;
    } else if !settings.ca_path.is_empty() {
        let files = files_below(Path::new(&settings.ca_path))
            .map_err(|error| format!("Error loading CA Path: open {}: {}", settings.ca_path, os_text(&error)))?;
        for file in files {
            add_file(&mut roots, &file.to_string_lossy()).map_err(|error| format!("Error loading CA Path: {error}"))?;
        }
    } else if https && !settings.insecure {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    }
    Ok(roots)
}

fn add_file(roots: &mut RootCertStore, path: &str) -> Result<(), String> {
    let unparsable = || format!("Couldn't parse PEM in: {path}");
    let found = certificates(&read(path)?).map_err(|_| unparsable())?;
    let (added, _) = roots.add_parsable_certificates(found);
    if added == 0 { Err(unparsable()) } else { Ok(()) }
}

fn files_below(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() { files.extend(files_below(&path)?) } else { files.push(path) }
    }
    files.sort();
    Ok(files)
}

/// Accepts any server certificate (`CONSUL_HTTP_SSL_VERIFY=false`); signatures are still checked.
#[derive(Debug)]
struct Unverified(Arc<CryptoProvider>);

impl ServerCertVerifier for Unverified {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
