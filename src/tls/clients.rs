//! Configurations of clients that share one set of authorities and one certificate: one for each combination of options,
//! made when first needed.

use super::settings::versions;
use super::text;
use super::verify::Lenient;
use super::{Certificate, Identity, pem, provider};
use rustls::crypto::CryptoProvider;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, SupportedProtocolVersion};
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

/// Authorities to trust.
#[derive(Clone)]
pub enum Roots {
    /// The system's.
    System,
    /// These.
    Given(Arc<rustls::RootCertStore>),
}

/// Builds and shares client configurations.
pub struct Clients {
    roots: Roots,
    identity: Option<Identity>,
    provider: Arc<CryptoProvider>,
    versions: &'static [&'static SupportedProtocolVersion],
    /// By verification and protocol.
    configs: [OnceLock<Result<Arc<ClientConfig>, String>>; 6],
}

impl Clients {
    /// Clients that trust the system's authorities and have no certificate.
    pub fn system() -> Clients {
        Clients::new(Roots::System, None)
    }

    /// Clients that trust these authorities and have no certificate.
    pub fn trusting(authorities: &[Certificate]) -> Clients {
        Clients::new(Roots::Given(Arc::new(pem::store(authorities))), None)
    }

    /// Clients with these authorities and this certificate.
    pub fn new(roots: Roots, identity: Option<Identity>) -> Clients {
        Clients { roots, identity, provider: provider(), versions: versions(""), configs: Default::default() }
    }

    /// The same with the cipher suites and versions of a port.
    pub(super) fn speaking(self, least: &str, suites: &[String]) -> Clients {
        Clients { provider: super::settings::provider_with(suites), versions: versions(least), ..self }
    }

    /// The configuration for these options.
    ///
    /// # Errors
    /// What cannot be used together.
    pub fn get(&self, skip_verify: bool, alpn: Alpn) -> Result<Arc<ClientConfig>, String> {
        self.configs[usize::from(skip_verify) * 3 + alpn as usize].get_or_init(|| self.build(skip_verify, alpn)).clone()
    }

    fn build(&self, skip_verify: bool, alpn: Alpn) -> Result<Arc<ClientConfig>, String> {
        let builder = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(self.versions)
            .map_err(|error| text::error_text(&error, ""))?;
        let builder = if skip_verify {
            builder.dangerous().with_custom_certificate_verifier(Lenient::anything())
        } else {
            match &self.roots {
                Roots::System => {
                    let mut roots = rustls::RootCertStore::empty();
                    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                    builder.with_root_certificates(roots)
                }
                Roots::Given(roots) => builder.with_root_certificates(roots.clone()),
            }
        };
        let mut config = match &self.identity {
            Some(identity) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.clone()))),
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
