//! Keys: ECDSA P-256 ones are made, any that the provider knows can sign.

use super::der::{self, Reader, tag};
use super::oids;
use crate::tls::provider;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rustls::SignatureScheme;
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::SigningKey;
use std::fmt::Write;
use std::sync::Arc;

/// Length of a private P-256 key.
const SCALAR: usize = 32;

/// A private key that signs.
#[derive(Clone, Debug)]
pub struct Key {
    signer: Arc<dyn SigningKey>,
    /// The public key as certificates carry it.
    public: Vec<u8>,
}

/// A PEM block.
pub fn pem_text(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    let encoded = STANDARD.encode(der);
    for line in encoded.as_bytes().chunks(64) {
        text.push_str(std::str::from_utf8(line).unwrap_or_default());
        text.push('\n');
    }
    let _ = writeln!(text, "-----END {label}-----");
    text
}

/// The identifier by which the reference names a certificate: SHA-1 in hexadecimal with colons.
pub fn sha1_id(der: &[u8]) -> String {
    colons(ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, der).as_ref())
}

/// Bytes in hexadecimal with colons.
pub(super) fn colons(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

impl Key {
    /// A new ECDSA P-256 key, and its PEM (`EC PRIVATE KEY`, SEC 1).
    ///
    /// # Errors
    /// The system has no random bytes.
    pub fn generate() -> Result<(Key, String), String> {
        let failed = || "cannot make a key: no random bytes".to_owned();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
            .map_err(|_| failed())?;
        let sec1 = sec1_of(document.as_ref()).ok_or_else(failed)?;
        let key = Key::from_der(&PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(document.as_ref())))?;
        Ok((key, pem_text("EC PRIVATE KEY", &sec1)))
    }

    /// A key from PEM: SEC 1, PKCS 1 or PKCS 8.
    ///
    /// # Errors
    /// No key, or one that is not supported.
    pub fn from_pem(pem: &[u8]) -> Result<Key, String> {
        let section = rustls::pki_types::pem::from_buf(&mut &pem[..]);
        match section {
            Ok(Some((SectionKind::Certificate, _))) => {
                return Err("unknown PEM block type for signing key: CERTIFICATE".into());
            }
            Ok(Some(_)) => {}
            _ => return Err("no PEM-encoded data found".into()),
        }
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| "no PEM-encoded data found".to_owned())?;
        Key::from_der(&key)
    }

    fn from_der(key: &PrivateKeyDer<'_>) -> Result<Key, String> {
        let signer = provider().key_provider.load_private_key(key.clone_key());
        let signer = signer.map_err(|error| format!("unsupported signing key: {error}"))?;
        let public = signer.public_key().ok_or("unsupported signing key")?.as_ref().to_vec();
        Ok(Key { signer, public })
    }

    /// The public key as certificates carry it (`SubjectPublicKeyInfo`).
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// The identifier of the public key: SHA-256 of it.
    pub fn id(&self) -> Vec<u8> {
        key_id(&self.public)
    }

    /// Signs; the algorithm as certificates name it, and the signature.
    ///
    /// # Errors
    /// A key for which there is no algorithm.
    pub fn sign(&self, message: &[u8]) -> Result<(Vec<u8>, Vec<u8>), String> {
        let (scheme, oid) = SCHEMES
            .iter()
            .find(|(scheme, _)| self.signer.choose_scheme(&[*scheme]).is_some())
            .ok_or("the key signs with no algorithm that certificates use")?;
        let signer = self.signer.choose_scheme(&[*scheme]).ok_or("found above")?;
        let signature = signer.sign(message).map_err(|error| error.to_string())?;
        let mut parts = vec![der::oid(oid)];
        if *scheme == SignatureScheme::RSA_PKCS1_SHA256 {
            parts.push(der::value(tag::NULL, &[]));
        }
        Ok((der::sequence(&parts), signature))
    }
}

/// Schemes in the order of preference, with the identifiers of their algorithms.
const SCHEMES: [(SignatureScheme, &[u32]); 4] = [
    (SignatureScheme::ECDSA_NISTP256_SHA256, oids::ECDSA_SHA256),
    (SignatureScheme::ECDSA_NISTP384_SHA384, oids::ECDSA_SHA384),
    (SignatureScheme::ED25519, oids::ED25519),
    (SignatureScheme::RSA_PKCS1_SHA256, oids::RSA_SHA256),
];

/// SHA-256 of a public key.
pub(super) fn key_id(public: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, public).as_ref().to_vec()
}

/// The key of a PKCS 8 document (RFC 5958) as SEC 1 (RFC 5915) with the name of its curve.
fn sec1_of(pkcs8: &[u8]) -> Option<Vec<u8>> {
    let mut document = Reader::new(pkcs8).expect(tag::SEQUENCE)?.inside();
    document.expect(tag::INTEGER)?;
    document.expect(tag::SEQUENCE)?;
    let inner = document.expect(tag::OCTET_STRING)?.content;
    let mut key = Reader::new(inner).expect(tag::SEQUENCE)?.inside();
    key.expect(tag::INTEGER)?;
    let scalar = key.expect(tag::OCTET_STRING)?.content;
    let public = key.optional(tag::inside(1))?.content;
    (scalar.len() == SCALAR).then(|| {
        der::sequence(&[
            der::integer(&[1]),
            der::value(tag::OCTET_STRING, scalar),
            der::value(tag::inside(0), &der::oid(oids::P256)),
            der::value(tag::inside(1), public),
        ])
    })
}
