//! What is read out of a certificate.

use super::der::{self, Reader, tag};
use super::names::Names;
use super::oids;

/// Parts of a certificate.
#[derive(Clone, Copy, Debug)]
pub struct Parsed<'a> {
    /// Serial number, big endian.
    pub serial: &'a [u8],
    /// Name of the issuer, DER.
    pub issuer: &'a [u8],
    /// Valid from, seconds since 1970.
    pub not_before: i64,
    /// Valid until, seconds since 1970.
    pub not_after: i64,
    /// Name of the subject, DER.
    pub subject: &'a [u8],
    /// Public key, DER.
    pub public: &'a [u8],
    /// Identifier of the public key.
    pub key_id: Option<&'a [u8]>,
    /// Alternative names.
    names: Names<'a>,
}

impl<'a> Parsed<'a> {
    /// Reads a certificate.
    ///
    /// # Errors
    /// `x509: malformed certificate`.
    pub fn of(certificate: &'a [u8]) -> Result<Parsed<'a>, String> {
        Parsed::read(certificate).ok_or_else(|| "x509: malformed certificate".to_owned())
    }

    fn read(certificate: &'a [u8]) -> Option<Parsed<'a>> {
        let mut outer = Reader::new(certificate).expect(tag::SEQUENCE)?.inside();
        let mut body = outer.expect(tag::SEQUENCE)?.inside();
        body.optional(tag::inside(0));
        let serial = body.expect(tag::INTEGER)?.content;
        body.expect(tag::SEQUENCE)?;
        let issuer = body.expect(tag::SEQUENCE)?.whole;
        let mut validity = body.expect(tag::SEQUENCE)?.inside();
        let (not_before, not_after) = (validity.any()?.seconds()?, validity.any()?.seconds()?);
        let subject = body.expect(tag::SEQUENCE)?.whole;
        let public = body.expect(tag::SEQUENCE)?.whole;
        let serial = serial.strip_prefix(&[0]).filter(|rest| !rest.is_empty()).unwrap_or(serial);
        let names = Names::default();
        let mut parsed = Parsed { serial, issuer, not_before, not_after, subject, public, key_id: None, names };
        body.optional(tag::context(1));
        body.optional(tag::context(2));
        if let Some(extensions) = body.optional(tag::inside(3)) {
            for (oid, content) in extensions_of(extensions.content)? {
                if oid == der::oid(oids::SUBJECT_KEY_ID) {
                    parsed.key_id = Some(Reader::new(content).expect(tag::OCTET_STRING)?.content);
                } else if oid == der::oid(oids::ALTERNATIVE_NAME) {
                    parsed.names = Names(Some(content));
                }
            }
        }
        Some(parsed)
    }

    /// DNS names.
    pub fn dns(&self) -> Vec<&'a str> {
        self.names.dns()
    }

    /// URIs.
    pub fn uris(&self) -> Vec<&'a str> {
        self.names.uris()
    }

    /// The serial number in hexadecimal with colons.
    pub fn serial_text(&self) -> String {
        super::key::colons(self.serial)
    }

    /// The same of the bytes that a certificate was made with.
    pub fn serial_of(bytes: &[u8]) -> String {
        let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len().saturating_sub(1));
        super::key::colons(&bytes[start..])
    }

    /// The identifier of the public key in hexadecimal with colons.
    pub fn key_id_text(&self) -> String {
        super::key::colons(self.key_id.unwrap_or_default())
    }

    /// `ec` or `rsa`, and the length of the key in bits.
    pub fn key_kind(&self) -> Option<(&'static str, i64)> {
        let mut public = Reader::new(self.public).expect(tag::SEQUENCE)?.inside();
        let mut algorithm = public.expect(tag::SEQUENCE)?.inside();
        let key = public.expect(tag::BIT_STRING)?.content.strip_prefix(&[0])?;
        let kind = algorithm.expect(tag::OID)?.whole;
        if kind == der::oid(oids::RSA) {
            let modulus = Reader::new(key).expect(tag::SEQUENCE)?.inside().expect(tag::INTEGER)?.content;
            let bytes = modulus.strip_prefix(&[0]).unwrap_or(modulus).len();
            return Some(("rsa", i64::try_from(bytes).ok()? * 8));
        }
        let curve = algorithm.expect(tag::OID)?.whole;
        let known = [(oids::P256, 256), (oids::P384, 384)];
        known.into_iter().find(|(oid, _)| der::oid(oid) == curve).map(|(_, bits)| ("ec", bits))
    }
}

/// Identifiers (DER) and contents of a list of extensions.
pub(super) fn extensions_of(list: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut list = Reader::new(list).expect(tag::SEQUENCE)?.inside();
    let mut found = Vec::new();
    while !list.is_empty() {
        let mut extension = list.expect(tag::SEQUENCE)?.inside();
        let oid = extension.expect(tag::OID)?.whole;
        extension.optional(tag::BOOLEAN);
        found.push((oid, extension.expect(tag::OCTET_STRING)?.content));
    }
    Some(found)
}
