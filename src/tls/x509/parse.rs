//! What is read out of a certificate.

use super::der::{self, Reader, tag};
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
    /// Alternative names: the extension's content.
    names: Option<&'a [u8]>,
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
        let mut parsed = Parsed { serial, issuer, not_before, not_after, subject, public, key_id: None, names: None };
        body.optional(tag::context(1));
        body.optional(tag::context(2));
        if let Some(extensions) = body.optional(tag::inside(3)) {
            for (oid, content) in extensions_of(extensions.content)? {
                if oid == der::oid(oids::SUBJECT_KEY_ID) {
                    parsed.key_id = Some(Reader::new(content).expect(tag::OCTET_STRING)?.content);
                } else if oid == der::oid(oids::ALTERNATIVE_NAME) {
                    parsed.names = Some(content);
                }
            }
        }
        Some(parsed)
    }

    fn named(&self, kind: u8) -> Vec<&'a [u8]> {
        let names = self.names.and_then(|names| Reader::new(names).expect(tag::SEQUENCE));
        let mut found = Vec::new();
        let Some(mut names) = names.map(|names| names.inside()) else { return found };
        while let Some(name) = names.any() {
            if name.tag == tag::context(kind) {
                found.push(name.content);
            }
        }
        found
    }

    fn texts(&self, kind: u8) -> Vec<&'a str> {
        self.named(kind).into_iter().filter_map(|name| std::str::from_utf8(name).ok()).collect()
    }

    /// DNS names.
    pub fn dns(&self) -> Vec<&'a str> {
        self.texts(2)
    }

    /// URIs.
    pub fn uris(&self) -> Vec<&'a str> {
        self.texts(6)
    }

    /// The serial number in hexadecimal with colons.
    pub fn serial_text(&self) -> String {
        super::key::colons(self.serial)
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
