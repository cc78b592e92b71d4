//! TLS clients of checks: one configuration for each combination of options, made when first needed and shared.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::io;
use std::sync::{Arc, OnceLock};

/// Protocol that a client offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpn {
    /// None.
    Nothing,
    /// `http/1.1`.
    Http1,
    /// `h2`.
    H2,
}

/// The agent's own TLS material, used with `enable_agent_tls_for_checks`.
#[derive(Default)]
pub struct AgentTls {
    /// Authorities to trust; empty takes the system's.
    pub roots: Vec<CertificateDer<'static>>,
    /// Client certificate chain and key.
    pub identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

/// Builds and shares client configurations.
pub struct CheckTls {
    agent: AgentTls,
    /// By verification and protocol.
    configs: [OnceLock<Result<Arc<ClientConfig>, String>>; 6],
}

impl CheckTls {
    /// Clients that trust the system's authorities and have no certificate.
    pub fn system() -> CheckTls {
        Self::agent(AgentTls::default())
    }

    /// Clients with the agent's authorities and certificate.
    pub fn agent(agent: AgentTls) -> CheckTls {
        CheckTls { agent, configs: Default::default() }
    }

    /// The configuration for these options.
    pub fn client(&self, skip_verify: bool, alpn: Alpn) -> Result<Arc<ClientConfig>, String> {
        self.configs[usize::from(skip_verify) * 3 + alpn as usize].get_or_init(|| self.build(skip_verify, alpn)).clone()
    }

    fn build(&self, skip_verify: bool, alpn: Alpn) -> Result<Arc<ClientConfig>, String> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| format!("tls: {error}"))?;
        let builder = if skip_verify {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(AcceptAny(provider)))
        } else {
            let mut roots = RootCertStore::empty();
            if self.agent.roots.is_empty() {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            } else {
                roots.add_parsable_certificates(self.agent.roots.iter().cloned());
            }
            builder.with_root_certificates(roots)
        };
        let mut config = match &self.agent.identity {
            Some((chain, key)) => builder
                .with_client_auth_cert(chain.clone(), key.clone_key())
                .map_err(|error| format!("tls: {error}"))?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = match alpn {
            Alpn::Nothing => Vec::new(),
            Alpn::Http1 => vec![b"http/1.1".to_vec()],
            Alpn::H2 => vec![b"h2".to_vec()],
        };
        Ok(Arc::new(config))
    }
}

/// `tls_skip_verify`: any certificate will do; signatures of the handshake are still checked.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
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
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Go's text of a failed handshake with `name`.
pub fn error_text(error: &io::Error, name: &str) -> String {
    use rustls::{CertificateError, Error};
    const UNVERIFIED: &str = "tls: failed to verify certificate: x509:";
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidCertificate(reason)) => match reason {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                format!("{UNVERIFIED} certificate signed by unknown authority")
            }
            CertificateError::NotValidForName => format!("{UNVERIFIED} certificate is not valid for {name}"),
            CertificateError::NotValidForNameContext { presented, .. } => {
                let names: Vec<_> = presented.iter().map(|shown| plain_name(shown)).collect();
                format!("{UNVERIFIED} certificate is valid for {}, not {name}", names.join(", "))
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => {
                format!("{UNVERIFIED} certificate has expired or is not yet valid")
            }
            other => format!("{UNVERIFIED} {other}"),
        },
        Some(Error::InvalidMessage(_)) => "tls: first record does not look like a TLS handshake".to_owned(),
        Some(Error::AlertReceived(alert)) => format!("remote error: tls: {}", spaced(&format!("{alert:?}"))),
        Some(other) => format!("tls: {other}"),
        None => super::dial::errno_text(error),
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
