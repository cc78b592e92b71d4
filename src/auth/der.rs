//! The few bits of DER that public keys need: `SubjectPublicKeyInfo`, alone or inside a certificate (RFC 5280 4.1).

/// What a public key is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    /// RSA.
    Rsa,
    /// ECDSA on P-256.
    P256,
    /// ECDSA on P-384.
    P384,
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_ID: u8 = 0x06;
/// `[0]`, the version of a certificate.
const VERSION: u8 = 0xa0;

const RSA_ENCRYPTION: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC_PUBLIC_KEY: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const PRIME256V1: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const SECP384R1: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];

/// The next element if it has this tag: its content, and what follows.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    if *found != tag {
        return None;
    }
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match *first {
        short @ 0..=0x7f => (usize::from(short), rest),
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        0x82 => (usize::from(*rest.first()?) << 8 | usize::from(*rest.get(1)?), &rest[2..]),
        _ => return None,
    };
    (length <= rest.len()).then(|| rest.split_at(length))
}

/// The key of a `SubjectPublicKeyInfo`: for RSA the `RSAPublicKey`, for curves the point.
pub(super) fn public_key(spki: &[u8]) -> Option<(KeyKind, Vec<u8>)> {
    let (body, _) = element(spki, SEQUENCE)?;
    let (algorithm, rest) = element(body, SEQUENCE)?;
    let (kind, parameters) = element(algorithm, OBJECT_ID)?;
    let (bits, _) = element(rest, BIT_STRING)?;
    let (unused, key) = bits.split_first()?;
    let kind = match kind {
        RSA_ENCRYPTION => KeyKind::Rsa,
        EC_PUBLIC_KEY => match element(parameters, OBJECT_ID)?.0 {
            PRIME256V1 => KeyKind::P256,
            SECP384R1 => KeyKind::P384,
            _ => return None,
        },
        _ => return None,
    };
    (*unused == 0).then(|| (kind, key.to_vec()))
}

/// The `SubjectPublicKeyInfo` of a certificate.
pub(super) fn certificate_key(certificate: &[u8]) -> Option<&[u8]> {
    let (body, _) = element(certificate, SEQUENCE)?;
    let (mut rest, _) = element(body, SEQUENCE)?;
    if let Some((_, after)) = element(rest, VERSION) {
        rest = after;
    }
    rest = element(rest, INTEGER)?.1;
    // Algorithm, issuer, validity, subject.
    for _ in 0..4 {
        rest = element(rest, SEQUENCE)?.1;
    }
    element(rest, SEQUENCE).map(|_| rest)
}

/// An `RSAPublicKey` of modulus and exponent, big-endian.
pub(super) fn rsa_public_key(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    let integer = |bytes: &[u8]| {
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        let mut content = bytes[zeros..].to_vec();
        if content.first().is_none_or(|byte| byte & 0x80 != 0) {
            content.insert(0, 0);
        }
        wrap(INTEGER, &content)
    };
    wrap(SEQUENCE, &[integer(modulus), integer(exponent)].concat())
}

fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut out = vec![tag];
    match length {
        0..=0x7f => out.push(length as u8),
        0x80..=0xff => out.extend([0x81, length as u8]),
        _ => out.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    out.extend_from_slice(content);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_in_certificates_of_all_kinds() {
        let algorithms =
            [(&rcgen::PKCS_ECDSA_P256_SHA256, KeyKind::P256, 65), (&rcgen::PKCS_ECDSA_P384_SHA384, KeyKind::P384, 97)];
        for (algorithm, kind, length) in algorithms {
            let key = rcgen::KeyPair::generate_for(algorithm).expect("a key");
            let params = rcgen::CertificateParams::new(vec!["a".to_owned()]).expect("parameters");
            let certificate = params.self_signed(&key).expect("a certificate");
            let spki = certificate_key(certificate.der()).expect("a key inside");
            let (found, point) = public_key(spki).expect("a known kind");
            assert_eq!((found, point.len()), (kind, length));
        }
    }

    #[test]
    fn damaged_bytes_are_refused_without_panics() {
        let key = rcgen::KeyPair::generate().expect("a key");
        let params = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        let certificate = params.self_signed(&key).expect("a certificate");
        for end in 0..certificate.der().len() {
            let _ = certificate_key(&certificate.der()[..end]).and_then(public_key);
        }
        for bad in [&[][..], &[0x30], &[0x30, 0x84, 1, 1, 1, 1], &[0x30, 0x82, 0xff], &[0x30, 3, 2, 0, 0]] {
            assert_eq!(public_key(bad), None);
        }
    }

    #[test]
    fn numbers_become_a_key_in_the_form_of_pkcs1() {
        let key = rsa_public_key(&[0, 0x80, 1], &[1, 0, 1]);
        assert_eq!(key, [0x30, 10, 2, 3, 0, 0x80, 1, 2, 3, 1, 0, 1]);
    }
}
