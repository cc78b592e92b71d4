//! TLS: certificates and keys from files, who is trusted, what is spoken, and the configurations of every port
//! (`spec/acl-and-tls.md` 14).
//!
//! A [`Configurator`] holds what the agent's settings and files come to; a reload swaps all of it at once, connections that
//! are open go on as they were made. This room opens no socket and knows nothing of the protocols inside.

pub mod clients;
mod configurator;
pub(crate) mod fuzzing;
pub mod pem;
mod ports;
pub mod settings;
pub mod text;
pub mod verify;
pub mod x509;

pub use clients::{Alpn, Clients, Roots};
pub use configurator::{Configurator, Prepared};
pub use ports::{Auto, Incoming, native_kind};
pub use settings::{Settings, TlsConfig, TlsProtocol};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use std::sync::{Arc, OnceLock};

/// A certificate with its chain and its key.
pub type Identity = Arc<CertifiedKey>;

/// A certificate in DER.
pub type Certificate = CertificateDer<'static>;

/// The one provider of cryptography.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    PROVIDER.get_or_init(|| Arc::new(rustls::crypto::ring::default_provider())).clone()
}
