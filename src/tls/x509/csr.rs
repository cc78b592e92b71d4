//! Requests for certificates (PKCS 10, RFC 2986): made by who wants one, read and checked by who signs.

use super::der::{self, Reader, tag};
use super::issue::{Request, extension};
use super::key::{Key, pem_text};
use super::names::Names;
use super::oids;
use super::parse::extensions_of;
use crate::tls::provider;
use rustls::pki_types::pem::{self, SectionKind};

/// Longest request that is looked at, bytes of PEM.
pub const MAX_CSR: usize = 64 << 10;

/// A request whose holder has proven to have the key.
#[derive(Clone, Debug)]
pub struct Csr {
    /// Public key, DER.
    public: Vec<u8>,
    names: Option<Vec<u8>>,
}

impl Csr {
    /// A request for these names, PEM.
    ///
    /// # Errors
    /// A key that cannot sign.
    pub fn make(key: &Key, names: &Request) -> Result<String, String> {
        let extensions = names.names().map(|names| extension(oids::ALTERNATIVE_NAME, false, &names));
        let extensions = der::sequence(&extensions.into_iter().collect::<Vec<_>>());
        let wanted = der::sequence(&[der::oid(oids::EXTENSION_REQUEST), der::of(tag::SET, &[extensions])]);
        let info = der::sequence(&[
            der::integer(&[0]),
            names.subject(),
            key.public().to_vec(),
            der::of(tag::inside(0), &[wanted]),
        ]);
        let (algorithm, signature) = key.sign(&info)?;
        Ok(pem_text("CERTIFICATE REQUEST", &der::sequence(&[info, algorithm, der::bit_string(&signature)])))
    }

    /// Reads a request and checks its signature.
    ///
    /// # Errors
    /// No request, a malformed one, or one that its key did not sign.
    pub fn from_pem(text: &str) -> Result<Csr, String> {
        if text.len() > MAX_CSR {
            return Err(format!("CSR is longer than {MAX_CSR} bytes"));
        }
        match pem::from_buf(&mut text.as_bytes()) {
            Ok(Some((SectionKind::Csr, bytes))) => Csr::from_der(&bytes),
            Ok(Some(_)) => Err("first PEM-block should be CERTIFICATE REQUEST type".into()),
            _ => Err("no PEM-encoded data found".into()),
        }
    }

    /// The same from DER.
    ///
    /// # Errors
    /// As [`Csr::from_pem`].
    pub fn from_der(bytes: &[u8]) -> Result<Csr, String> {
        let parts = Parts::read(bytes).ok_or("x509: malformed certificate request")?;
        if !parts.is_signed() {
            return Err("x509: the certificate request is not signed by its key".into());
        }
        Ok(Csr { public: parts.public.to_vec(), names: parts.names.map(<[u8]>::to_vec) })
    }

    /// Public key, DER.
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// The names that are wanted.
    pub fn names(&self) -> Names<'_> {
        Names(self.names.as_deref())
    }
}

/// Parts of a request that nobody has checked yet.
struct Parts<'a> {
    /// What is signed.
    info: &'a [u8],
    /// Public key with its algorithm.
    public: &'a [u8],
    /// Algorithm of the signature, the inside of its sequence.
    algorithm: &'a [u8],
    signature: &'a [u8],
    names: Option<&'a [u8]>,
}

impl<'a> Parts<'a> {
    fn read(bytes: &'a [u8]) -> Option<Parts<'a>> {
        let mut whole = Reader::new(bytes);
        let mut outer = whole.expect(tag::SEQUENCE)?.inside();
        let info = outer.expect(tag::SEQUENCE)?;
        let algorithm = outer.expect(tag::SEQUENCE)?.content;
        let signature = outer.expect(tag::BIT_STRING)?.content.strip_prefix(&[0])?;
        let mut inner = info.inside();
        inner.expect(tag::INTEGER)?;
        inner.expect(tag::SEQUENCE)?;
        let public = inner.expect(tag::SEQUENCE)?.whole;
        let mut names = None;
        let mut attributes = inner.optional(tag::inside(0)).map_or(Reader::new(&[]), |list| list.inside());
        while !attributes.is_empty() {
            let mut attribute = attributes.expect(tag::SEQUENCE)?.inside();
            let wanted = attribute.expect(tag::OID)?.whole == der::oid(oids::EXTENSION_REQUEST);
            let values = attribute.expect(tag::SET)?.content;
            if wanted {
                let found = extensions_of(values)?;
                let oid = der::oid(oids::ALTERNATIVE_NAME);
                names = found.into_iter().find(|(name, _)| *name == oid).map(|(_, content)| content).or(names);
            }
        }
        (whole.is_empty() && outer.is_empty()).then_some(Parts {
            info: info.whole,
            public,
            algorithm,
            signature,
            names,
        })
    }

    /// Whether the holder of the key made the request.
    fn is_signed(&self) -> bool {
        let key = || {
            let mut key = Reader::new(self.public).expect(tag::SEQUENCE)?.inside();
            Some((key.expect(tag::SEQUENCE)?.content, key.expect(tag::BIT_STRING)?.content.strip_prefix(&[0])?))
        };
        let Some((key_algorithm, key)) = key() else { return false };
        let algorithms = provider().signature_verification_algorithms;
        let fitting = algorithms.all.iter().filter(|algorithm| {
            algorithm.public_key_alg_id().as_ref() == key_algorithm
                && algorithm.signature_alg_id().as_ref() == self.algorithm
        });
        fitting.into_iter().any(|algorithm| algorithm.verify_signature(key, self.info, self.signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::x509::Usage;
    use std::net::IpAddr;

    fn wanted() -> Request {
        Request {
            dns: vec!["localhost".into()],
            ips: vec![IpAddr::from([127, 0, 0, 1]), "::1".parse().expect("an address")],
            uris: vec!["spiffe://unknown/agent/client/dc/dc1/id/web-1".into()],
            ..Request::new(Usage::Mesh, 0, 0)
        }
    }

    #[test]
    fn a_request_is_read_as_it_was_made() {
        let (key, _) = Key::generate().expect("a key");
        let csr = Csr::from_pem(&Csr::make(&key, &wanted()).expect("a request")).expect("readable");
        assert_eq!(csr.public(), key.public());
        let names = csr.names();
        assert_eq!((names.dns(), names.uris()), (vec!["localhost"], vec![wanted().uris[0].as_str()]));
        assert_eq!((names.ips(), names.emails()), (wanted().ips, Vec::new()));
        let bare = Csr::make(&key, &Request::new(Usage::Mesh, 0, 0)).expect("a request");
        assert!(Csr::from_pem(&bare).expect("readable").names().uris().is_empty());
    }

    #[test]
    fn requests_of_another_library_are_read() {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut params = rcgen::CertificateParams::new(vec!["a.example".to_owned()]).expect("names");
        params.subject_alt_names.push(rcgen::SanType::URI("spiffe://a/b".try_into().expect("ASCII")));
        let text = params.serialize_request(&key).and_then(|made| made.pem()).expect("a request");
        let csr = Csr::from_pem(&text).expect("readable");
        assert_eq!((csr.names().dns(), csr.names().uris()), (vec!["a.example"], vec!["spiffe://a/b"]));
    }

    #[test]
    fn cut_and_changed_requests_are_refused() {
        let (key, _) = Key::generate().expect("a key");
        let text = Csr::make(&key, &wanted()).expect("a request");
        let (_, bytes) = pem::from_buf(&mut text.as_bytes()).expect("PEM").expect("a block");
        for end in 0..bytes.len() {
            assert!(Csr::from_der(&bytes[..end]).is_err(), "cut at {end}");
            let mut changed = bytes.clone();
            changed[end] ^= 1;
            assert!(Csr::from_der(&changed).is_err(), "changed at {end}");
        }
        assert_eq!(Csr::from_pem("x").map(drop), Err("no PEM-encoded data found".into()));
        let other = pem_text("CERTIFICATE", &bytes);
        assert_eq!(
            Csr::from_pem(&other).map(drop),
            Err("first PEM-block should be CERTIFICATE REQUEST type".to_owned())
        );
        assert!(Csr::from_pem(&"x".repeat(MAX_CSR + 1)).is_err());
    }
}
