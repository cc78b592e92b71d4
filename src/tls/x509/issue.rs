//! What goes into a certificate, and who signs it.

use super::der::{self, tag};
use super::key::{Key, key_id};
use super::oids;
use super::parse::Parsed;
use rand::RngCore;
use std::net::IpAddr;

/// What a certificate may be used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Usage {
    /// Signs certificates and lists of revoked ones; with the number of authorities that may stand below it, if that is
    /// limited.
    Authority(Option<u8>),
    /// A server that also dials others.
    Server,
    /// A client that also listens.
    Client,
    /// Nothing is said.
    Unspecified,
    /// A leaf of the mesh: client and server, keys may be agreed upon and data encrypted.
    Mesh,
}

/// Bits of the key usage (RFC 5280 4.2.1.3).
mod bit {
    pub const DIGITAL_SIGNATURE: u8 = 0;
    pub const KEY_ENCIPHERMENT: u8 = 2;
    pub const DATA_ENCIPHERMENT: u8 = 3;
    pub const KEY_AGREEMENT: u8 = 4;
    pub const CERT_SIGN: u8 = 5;
    pub const CRL_SIGN: u8 = 6;
}

impl Usage {
    fn key_usage(self) -> &'static [u8] {
        match self {
            Usage::Authority(_) => &[bit::DIGITAL_SIGNATURE, bit::CERT_SIGN, bit::CRL_SIGN],
            Usage::Mesh => &[bit::DIGITAL_SIGNATURE, bit::KEY_ENCIPHERMENT, bit::DATA_ENCIPHERMENT, bit::KEY_AGREEMENT],
            _ => &[bit::DIGITAL_SIGNATURE, bit::KEY_ENCIPHERMENT],
        }
    }

    fn extended(self) -> &'static [&'static [u32]] {
        match self {
            Usage::Server => &[oids::SERVER_AUTH, oids::CLIENT_AUTH],
            Usage::Client | Usage::Mesh => &[oids::CLIENT_AUTH, oids::SERVER_AUTH],
            Usage::Authority(_) | Usage::Unspecified => &[],
        }
    }
}

/// A certificate that is wanted.
#[derive(Clone, Debug)]
pub struct Request {
    /// The subject as it stands in another certificate, DER; the two names below are not looked at then.
    pub raw_subject: Option<Vec<u8>>,
    /// Organization of the subject; empty for none.
    pub organization: String,
    /// Common name of the subject; empty for none.
    pub common_name: String,
    /// Serial number, big endian.
    pub serial: Vec<u8>,
    /// Valid from, seconds since 1970.
    pub not_before: i64,
    /// Valid until, seconds since 1970.
    pub not_after: i64,
    /// What it may be used for.
    pub usage: Usage,
    /// DNS names.
    pub dns: Vec<String>,
    /// Addresses.
    pub ips: Vec<IpAddr>,
    /// URIs.
    pub uris: Vec<String>,
    /// An authority: DNS domains below which it may sign; empty for all.
    pub permitted: Vec<String>,
}

impl Request {
    /// A request with a random serial number of 128 bits and no names.
    pub fn new(usage: Usage, not_before: i64, not_after: i64) -> Request {
        let mut serial = vec![0; 16];
        rand::rng().fill_bytes(&mut serial);
        Request {
            raw_subject: None,
            organization: String::new(),
            common_name: String::new(),
            serial,
            not_before,
            not_after,
            usage,
            dns: Vec::new(),
            ips: Vec::new(),
            uris: Vec::new(),
            permitted: Vec::new(),
        }
    }

    pub(super) fn subject(&self) -> Vec<u8> {
        if let Some(subject) = &self.raw_subject {
            return subject.clone();
        }
        let attribute =
            |oid: &[u32], text: &str| der::of(tag::SET, &[der::sequence(&[der::oid(oid), der::text(text)])]);
        let attributes = [(oids::ORGANIZATION, &self.organization), (oids::COMMON_NAME, &self.common_name)];
        let set = attributes.iter().filter(|(_, text)| !text.is_empty());
        der::sequence(&set.map(|(oid, text)| attribute(oid, text)).collect::<Vec<_>>())
    }

    /// The names as the extension carries them; none if there are none.
    pub(super) fn names(&self) -> Option<Vec<u8>> {
        let dns = self.dns.iter().map(|name| der::value(tag::context(2), name.as_bytes()));
        let ips = self.ips.iter().map(|ip| match ip {
            IpAddr::V4(ip) => der::value(tag::context(7), &ip.octets()),
            IpAddr::V6(ip) => der::value(tag::context(7), &ip.octets()),
        });
        let uris = self.uris.iter().map(|uri| der::value(tag::context(6), uri.as_bytes()));
        let names: Vec<Vec<u8>> = dns.chain(ips).chain(uris).collect();
        (!names.is_empty()).then(|| der::sequence(&names))
    }

    /// The extensions in the order of the reference.
    fn extensions(&self, key_id: &[u8], issuer_id: &[u8]) -> Vec<u8> {
        let mut all = vec![extension(oids::KEY_USAGE, true, &der::bits(self.usage.key_usage()))];
        if !self.usage.extended().is_empty() {
            let purposes: Vec<Vec<u8>> = self.usage.extended().iter().map(|purpose| der::oid(purpose)).collect();
            all.push(extension(oids::EXTENDED_KEY_USAGE, false, &der::sequence(&purposes)));
        }
        let constraints = match self.usage {
            Usage::Authority(below) => {
                let mut parts = vec![der::value(tag::BOOLEAN, &[0xff])];
                parts.extend(below.map(|below| der::integer(&[below])));
                parts
            }
            _ => Vec::new(),
        };
        all.push(extension(oids::BASIC_CONSTRAINTS, true, &der::sequence(&constraints)));
        all.push(extension(oids::SUBJECT_KEY_ID, false, &der::value(tag::OCTET_STRING, key_id)));
        if !issuer_id.is_empty() {
            let id = der::sequence(&[der::value(tag::context(0), issuer_id)]);
            all.push(extension(oids::AUTHORITY_KEY_ID, false, &id));
        }
        if let Some(names) = self.names() {
            let nameless = self.subject() == der::sequence(&[]);
            all.push(extension(oids::ALTERNATIVE_NAME, nameless, &names));
        }
        if !self.permitted.is_empty() {
            let domain = |name: &String| der::sequence(&[der::value(tag::context(2), name.as_bytes())]);
            let domains: Vec<Vec<u8>> = self.permitted.iter().map(domain).collect();
            let permitted = der::sequence(&[der::of(tag::inside(0), &domains)]);
            all.push(extension(oids::NAME_CONSTRAINTS, true, &permitted));
        }
        der::sequence(&all)
    }

    /// Makes a self-signed certificate; DER.
    ///
    /// # Errors
    /// A key that cannot sign.
    pub fn self_signed(&self, key: &Key) -> Result<Vec<u8>, String> {
        let issuer = Issuer { name: self.subject(), key_id: key.id(), key: key.clone() };
        issuer.issue(self, key.public())
    }
}

pub(super) fn extension(oid: &[u32], critical: bool, content: &[u8]) -> Vec<u8> {
    let mut parts = vec![der::oid(oid)];
    if critical {
        parts.push(der::value(tag::BOOLEAN, &[0xff]));
    }
    parts.push(der::value(tag::OCTET_STRING, content));
    der::sequence(&parts)
}

/// An authority that signs.
#[derive(Clone, Debug)]
pub struct Issuer {
    name: Vec<u8>,
    key_id: Vec<u8>,
    key: Key,
}

impl Issuer {
    /// The authority of this certificate.
    ///
    /// # Errors
    /// A certificate that does not decode, or a key of another one.
    pub fn new(certificate: &[u8], key: Key) -> Result<Issuer, String> {
        let parsed = Parsed::of(certificate)?;
        if parsed.public != key.public() {
            return Err("x509: provided PrivateKey doesn't match parent's PublicKey".into());
        }
        Ok(Issuer { name: parsed.subject.to_vec(), key_id: parsed.key_id.unwrap_or_default().to_vec(), key })
    }

    /// Signs a certificate for a public key; DER.
    ///
    /// # Errors
    /// A key that cannot sign.
    pub fn issue(&self, request: &Request, public: &[u8]) -> Result<Vec<u8>, String> {
        // the algorithm stands inside of what is signed, so it has to be known before
        let (algorithm, _) = self.key.sign(&[])?;
        let body = der::sequence(&[
            der::value(tag::inside(0), &der::integer(&[2])),
            der::integer(&request.serial),
            algorithm.clone(),
            self.name.clone(),
            der::sequence(&[der::time(request.not_before), der::time(request.not_after)]),
            request.subject(),
            public.to_vec(),
            der::value(tag::inside(3), &request.extensions(&key_id(public), &self.key_id)),
        ]);
        let (_, signature) = self.key.sign(&body)?;
        Ok(der::sequence(&[body, algorithm, der::bit_string(&signature)]))
    }
}
