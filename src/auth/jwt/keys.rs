//! Public keys and the signatures that they verify (RFC 7518 3.1).

use super::super::der::{self, KeyKind};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature as sig;
use rustls::pki_types::pem::{PemObject, SectionKind};
use serde::Deserialize;

/// Shortest RSA modulus, bytes.
const MIN_RSA: usize = 256;

/// The keys that an algorithm works with, and how it verifies.
type Verification = (KeyKind, &'static dyn sig::VerificationAlgorithm);

/// An algorithm, the keys that it works with, and how it verifies. Configurations may name P-521 (ES512) beside others, but no
/// key verifies with it: the provider of cryptography does not have it, and libraries that have it bring a second set of
/// curves and hashes for what hardly any identity provider signs with.
const ALGORITHMS: [(&str, Option<Verification>); 9] = [
    ("RS256", Some((KeyKind::Rsa, &sig::RSA_PKCS1_2048_8192_SHA256))),
    ("RS384", Some((KeyKind::Rsa, &sig::RSA_PKCS1_2048_8192_SHA384))),
    ("RS512", Some((KeyKind::Rsa, &sig::RSA_PKCS1_2048_8192_SHA512))),
    ("ES256", Some((KeyKind::P256, &sig::ECDSA_P256_SHA256_FIXED))),
    ("ES384", Some((KeyKind::P384, &sig::ECDSA_P384_SHA384_FIXED))),
    ("ES512", None),
    ("PS256", Some((KeyKind::Rsa, &sig::RSA_PSS_2048_8192_SHA256))),
    ("PS384", Some((KeyKind::Rsa, &sig::RSA_PSS_2048_8192_SHA384))),
    ("PS512", Some((KeyKind::Rsa, &sig::RSA_PSS_2048_8192_SHA512))),
];

/// Whether a configuration may name this algorithm.
pub(super) fn is_algorithm(name: &str) -> bool {
    ALGORITHMS.iter().any(|(known, _)| *known == name)
}

/// Whether there are keys that verify with this algorithm.
pub(super) fn can_verify(name: &str) -> bool {
    ALGORITHMS.iter().any(|(known, how)| *known == name && how.is_some())
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Key {
    /// Its id in a key set, else empty.
    pub(super) id: String,
    kind: KeyKind,
    bytes: Vec<u8>,
}

impl Key {
    /// A key from a PEM text: a public key or a certificate.
    ///
    /// # Errors
    /// It is neither, or of a kind that is not supported.
    pub(super) fn from_pem(text: &str) -> Result<Key, String> {
        let unsupported =
            || "error parsing public key: the PEM text holds no RSA, P-256 or P-384 public key".to_owned();
        let section = <(SectionKind, Vec<u8>)>::pem_slice_iter(text.as_bytes()).next();
        let (section, bytes) = section.and_then(Result::ok).ok_or_else(unsupported)?;
        let spki = match section {
            SectionKind::PublicKey => Some(bytes.as_slice()),
            SectionKind::Certificate => der::certificate_key(&bytes),
            _ => None,
        };
        let (kind, bytes) = spki.and_then(der::public_key).ok_or_else(unsupported)?;
        Key { id: String::new(), kind, bytes }.checked().ok_or_else(unsupported)
    }

    /// A short RSA key verifies nothing, so it is refused where it is configured.
    fn checked(self) -> Option<Key> {
        (self.kind != KeyKind::Rsa || self.bytes.len() >= MIN_RSA).then_some(self)
    }

    /// Whether the key made the signature.
    pub(super) fn verifies(&self, algorithm: &str, signed: &[u8], signature: &[u8]) -> bool {
        let found = ALGORITHMS.iter().find(|(name, _)| *name == algorithm).and_then(|(_, how)| *how);
        found.is_some_and(|(kind, how)| {
            kind == self.kind && sig::UnparsedPublicKey::new(how, &self.bytes).verify(signed, signature).is_ok()
        })
    }
}

/// A key of a key set (RFC 7517 4).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Jwk {
    kty: String,
    kid: String,
    #[serde(rename = "use")]
    usage: String,
    crv: String,
    n: String,
    e: String,
    x: String,
    y: String,
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<serde_json::Value>,
}

impl Jwk {
    /// The key, none when it is of another kind or for another use.
    fn key(&self) -> Option<Key> {
        if !matches!(self.usage.as_str(), "" | "sig") {
            return None;
        }
        let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok();
        let (kind, bytes) = match (self.kty.as_str(), self.crv.as_str()) {
            ("RSA", _) => (KeyKind::Rsa, der::rsa_public_key(&bytes(&self.n)?, &bytes(&self.e)?)),
            ("EC", curve @ ("P-256" | "P-384")) => {
                let (kind, length) = if curve == "P-256" { (KeyKind::P256, 32) } else { (KeyKind::P384, 48) };
                let (x, y) = (bytes(&self.x)?, bytes(&self.y)?);
                if x.len() != length || y.len() != length {
                    return None;
                }
                (kind, [&[4], x.as_slice(), &y].concat())
            }
            _ => return None,
        };
        Key { id: self.kid.clone(), kind, bytes }.checked()
    }
}

/// The usable keys of a key set.
///
/// # Errors
/// The text is no key set.
pub(super) fn from_set(text: &[u8]) -> Result<Vec<Key>, String> {
    let set: JwkSet = serde_json::from_slice(text).map_err(|error| format!("failed to decode keys: {error}"))?;
    let keys = set.keys.into_iter().filter_map(|key| serde_json::from_value::<Jwk>(key).ok()?.key());
    Ok(keys.collect())
}
