//! Certificates that are made must be accepted by those who verify them, and read back as they were wanted.

use super::*;
use crate::tls::verify::proves_role;
use crate::tls::{Certificate, pem};
use std::net::IpAddr;
use std::sync::Arc;

const NOW: i64 = 1_796_000_000;

fn now() -> i64 {
    chrono::Utc::now().timestamp()
}

fn authority() -> (Vec<u8>, Key) {
    let (key, _) = Key::generate().expect("a key");
    let request =
        Request { common_name: "Test CA".into(), ..Request::new(Usage::Authority(None), now() - 60, now() + 3600) };
    (request.self_signed(&key).expect("a certificate"), key)
}

#[test]
fn a_leaf_is_read_back_as_it_was_wanted() {
    let (ca, key) = authority();
    let issuer = Issuer::new(&ca, key).expect("an authority");
    let (leaf_key, _) = Key::generate().expect("a key");
    let request = Request {
        common_name: "server.dc1.consul".into(),
        dns: vec!["server.dc1.consul".into(), "localhost".into()],
        ips: vec![IpAddr::from([127, 0, 0, 1])],
        uris: vec!["spiffe://x/agent".into()],
        ..Request::new(Usage::Server, NOW, NOW + 100)
    };
    let leaf = issuer.issue(&request, leaf_key.public()).expect("a certificate");
    let (parsed, parent) = (Parsed::of(&leaf).expect("a certificate"), Parsed::of(&ca).expect("a certificate"));
    assert_eq!((parsed.not_before, parsed.not_after), (NOW, NOW + 100));
    assert_eq!(parsed.dns(), ["server.dc1.consul", "localhost"]);
    assert_eq!(parsed.uris(), ["spiffe://x/agent"]);
    assert_eq!(parsed.issuer, parent.subject);
    assert_eq!(parsed.key_id, Some(leaf_key.id().as_slice()));
    assert_eq!(parsed.public, leaf_key.public());
}

#[test]
fn chains_are_accepted_by_the_verifier_and_roles_are_told_apart() {
    let (ca, key) = authority();
    let issuer = Issuer::new(&ca, key).expect("an authority");
    let (leaf_key, _) = Key::generate().expect("a key");
    let leaf = |name: &str, usage, until| {
        let request =
            Request { common_name: name.into(), dns: vec![name.into()], ..Request::new(usage, now() - 60, until) };
        vec![Certificate::from(issuer.issue(&request, leaf_key.public()).expect("a certificate"))]
    };
    let roots = Arc::new(pem::store(&[Certificate::from(ca)]));
    let wanted = "server.dc1.consul";
    let later = now() + 3600;
    assert_eq!(proves_role(&leaf(wanted, Usage::Server, later), &roots, wanted), Ok(()));
    assert_eq!(proves_role(&leaf(wanted, Usage::Unspecified, later), &roots, wanted), Ok(()));
    let failures = [
        (
            leaf("client.dc1.consul", Usage::Client, later),
            "x509: certificate is valid for client.dc1.consul, not server.dc1.consul",
        ),
        (
            leaf("server.dc2.consul", Usage::Server, later),
            "x509: certificate is valid for server.dc2.consul, not server.dc1.consul",
        ),
        (leaf(wanted, Usage::Server, now() - 1), "x509: certificate has expired or is not yet valid"),
        (Vec::new(), "tls: client didn't provide a certificate"),
    ];
    for (chain, text) in failures {
        assert_eq!(proves_role(&chain, &roots, wanted), Err(text.to_owned()));
    }
    let strangers = Arc::new(pem::store(&[Certificate::from(authority().0)]));
    assert_eq!(
        proves_role(&leaf(wanted, Usage::Server, later), &strangers, wanted),
        Err("x509: certificate signed by unknown authority".to_owned())
    );
}

#[test]
fn keys_come_back_from_their_pem_and_belong_to_one_certificate() {
    let (ca, key) = authority();
    let (other, text) = Key::generate().expect("a key");
    assert!(text.starts_with("-----BEGIN EC PRIVATE KEY-----\n"));
    assert_eq!(Key::from_pem(text.as_bytes()).expect("a key").public(), other.public());
    let wrong = Issuer::new(&ca, other).map(drop).expect_err("another key");
    assert_eq!(wrong, "x509: provided PrivateKey doesn't match parent's PublicKey");
    assert!(Issuer::new(&ca, key).is_ok());
    let certificate = pem_text("CERTIFICATE", &ca);
    let wrong = Key::from_pem(certificate.as_bytes()).map(drop).expect_err("no key");
    assert_eq!(wrong, "unknown PEM block type for signing key: CERTIFICATE");
}

#[test]
fn cut_certificates_are_refused() {
    let (ca, _) = authority();
    for end in 0..ca.len() {
        assert!(Parsed::of(&ca[..end]).is_err(), "cut at {end}");
    }
}
