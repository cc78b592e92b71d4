//! Who is trusted: verifiers of server certificates, and the role that a client certificate proves.

use super::text;
use super::{Certificate, provider};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::{ParsedCertificate, WebPkiClientVerifier};
use rustls::{DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use std::sync::Arc;

/// What of a server's certificate is looked at, beside the signatures of the handshake, which always are.
#[derive(Debug)]
enum Demand {
    /// Nothing.
    Nothing,
    /// That it leads to an authority; not its name.
    Chain(Arc<RootCertStore>),
}

/// A verifier that demands less than the usual one.
#[derive(Debug)]
pub struct Lenient {
    demand: Demand,
    provider: Arc<CryptoProvider>,
}

impl Lenient {
    /// Any certificate will do: `tls_skip_verify`, `CONSUL_HTTP_SSL_VERIFY=false`.
    pub fn anything() -> Arc<Lenient> {
        Arc::new(Lenient { demand: Demand::Nothing, provider: provider() })
    }

    /// The certificate must lead to one of these authorities, whatever its name: `verify_outgoing` alone.
    pub fn chain(roots: Arc<RootCertStore>) -> Arc<Lenient> {
        Arc::new(Lenient { demand: Demand::Chain(roots), provider: provider() })
    }
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Demand::Chain(roots) = &self.demand {
            let cert = ParsedCertificate::try_from(end_entity)?;
            let algorithms = self.provider.signature_verification_algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&cert, roots, intermediates, now, algorithms)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Whether a client's chain leads to one of the authorities and may be used by clients; `name` is for the error alone.
///
/// # Errors
/// Go's words for what is missing.
pub fn leads_to<'a>(
    chain: &'a [Certificate],
    roots: &Arc<RootCertStore>,
    name: &str,
) -> Result<&'a Certificate, String> {
    let Some((cert, intermediates)) = chain.split_first() else {
        return Err("tls: client didn't provide a certificate".into());
    };
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.clone(), provider()).build();
    let verifier = verifier.map_err(|error| error.to_string())?;
    verifier.verify_client_cert(cert, intermediates, UnixTime::now()).map_err(|error| said(error, name))?;
    Ok(cert)
}

/// An error about the certificate of somebody with this name, in Go's words.
fn said(error: Error, name: &str) -> String {
    match error {
        Error::InvalidCertificate(reason) => text::certificate_text(&reason, name),
        other => text::error_text(&other, name),
    }
}

/// Whether a client's chain proves the role that has this name: it leads to one of the authorities, may be used by clients,
/// and carries the name.
///
/// # Errors
/// Go's words for what is missing.
pub fn proves_role(chain: &[Certificate], roots: &Arc<RootCertStore>, name: &str) -> Result<(), String> {
    let said = |error: Error| said(error, name);
    let cert = leads_to(chain, roots, name)?;
    let expected = ServerName::try_from(name.to_owned()).map_err(|_| format!("x509: invalid name {name:?}"))?;
    let cert = ParsedCertificate::try_from(cert).map_err(said)?;
    verify_server_name(&cert, &expected).map_err(said)
}

/// Whether a new certificate leads to one of the authorities and carries a name.
///
/// # Errors
/// Go's words for what is wrong.
pub fn serves_as(cert: &Certificate, roots: &RootCertStore, name: &str) -> Result<(), String> {
    let said = |error: Error| said(error, name);
    let parsed = ParsedCertificate::try_from(cert).map_err(said)?;
    let algorithms = provider().signature_verification_algorithms.all;
    verify_server_cert_signed_by_trust_anchor(&parsed, roots, &[], UnixTime::now(), algorithms).map_err(said)?;
    let expected = ServerName::try_from(name.to_owned()).map_err(|_| format!("x509: invalid name {name:?}"))?;
    verify_server_name(&parsed, &expected).map_err(said)
}
