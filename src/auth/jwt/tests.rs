//! Tokens that are signed here and checked as those of a provider.

use super::*;
use crate::auth::der;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{self as sig, EcdsaKeyPair, KeyPair};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// A key that signs ES256.
struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Signer {
        let (how, random) = (&sig::ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let document = EcdsaKeyPair::generate_pkcs8(how, &random).expect("a key");
        Signer(EcdsaKeyPair::from_pkcs8(how, document.as_ref(), &random).expect("a key"))
    }

    fn pem(&self) -> String {
        // SubjectPublicKeyInfo of a P-256 key: a fixed head and the point.
        const HEAD: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
        let head: Vec<u8> =
            (0..HEAD.len() / 2).map(|at| u8::from_str_radix(&HEAD[at * 2..at * 2 + 2], 16).expect("hex")).collect();
        let spki = [&head, self.0.public_key().as_ref()].concat();
        assert!(der::public_key(&spki).is_some());
        let text = base64::engine::general_purpose::STANDARD.encode(spki);
        format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
    }

    fn jwk(&self, id: &str) -> Value {
        let point = self.0.public_key().as_ref();
        let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"kty": "EC", "crv": "P-256", "use": "sig", "kid": id, "x": part(&point[1..33]), "y": part(&point[33..])})
    }

    fn sign(&self, header: Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).expect("signs");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn token(&self, claims: &Value) -> String {
        self.sign(json!({"alg": "ES256", "kid": "k1"}), claims)
    }
}

fn validator(config: Value) -> Result<Validator, String> {
    Validator::new(&serde_json::from_value(config).expect("an object"))
}

fn fixed(signer: &Signer) -> Validator {
    validator(json!({
        "JWTValidationPubKeys": [signer.pem()],
        "JWTSupportedAlgs": ["ES256"],
        "BoundIssuer": "me",
        "BoundAudiences": ["a"],
        "ClaimMappings": {"sub": "user", "/nested/name": "name"},
        "ListClaimMappings": {"groups": "groups"},
    }))
    .expect("valid")
}

const NOW: i64 = 1_700_000_000;

#[tokio::test]
async fn a_token_of_a_known_key_becomes_an_identity() {
    let signer = Signer::new();
    let validator = fixed(&signer);
    let claims = json!({"iss": "me", "aud": ["a", "b"], "exp": NOW + 60, "sub": "Bob", "groups": ["x", "y"],
        "nested": {"name": "n"}});
    let identity = validator.validate_at(&signer.token(&claims), NOW).await.expect("accepted");
    assert_eq!(identity.variables["value.user"], "Bob");
    assert_eq!(identity.variables["value.name"], "n");
    assert_eq!(identity.fields.matches("value.user == Bob and x in list.groups"), Ok(true));
    let blank = validator.blank();
    assert_eq!(blank.variables.keys().collect::<Vec<_>>(), ["value.name", "value.user"]);
}

#[tokio::test]
async fn what_is_wrong_with_a_token_is_told() {
    let (signer, other) = (Signer::new(), Signer::new());
    let validator = fixed(&signer);
    let good = json!({"iss": "me", "aud": "a", "exp": NOW + 60});
    let with = |key: &str, value: Value| {
        let mut claims = good.clone();
        claims[key] = value;
        claims
    };
    let es = |claims: &Value| signer.token(claims);
    let mut torn = es(&good);
    torn.replace_range(torn.len() - 4.., "AAAA");
    let none = format!("{}.{}.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#), URL_SAFE_NO_PAD.encode(good.to_string()));
    let cases = [
        (other.token(&good), "no known key successfully validated"),
        (torn, "no known key successfully validated"),
        (none, "unsupported algorithm, expected [\"ES256\"] got \"none\""),
        (signer.sign(json!({"alg": "HS256"}), &good), "unsupported algorithm"),
        (signer.sign(json!({"alg": "ES256", "crit": ["x"]}), &good), "critical"),
        (es(&with("iss", json!("you"))), "invalid issuer"),
        (es(&with("aud", json!("z"))), "bound audience"),
        (es(&with("exp", json!(NOW - 61))), "expired"),
        (es(&with("nbf", json!(NOW + 61))), "not valid yet"),
        (es(&json!({"iss": "me", "aud": "a"})), "no issue time"),
        (es(&with("sub", json!({"a": 1}))), "error converting claim 'sub'"),
        ("a.b".to_owned(), "three parts"),
        ("a.b.c.d".to_owned(), "three parts"),
        ("!.b.c".to_owned(), "base64url"),
        (String::new(), "three parts"),
    ];
    for (token, reason) in cases {
        let error = validator.validate_at(&token, NOW).await.expect_err(reason);
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn configurations_are_refused_in_the_words_of_the_reference() {
    let pem = Signer::new().pem();
    let cases = [
        (
            json!({}),
            "exactly one of 'JWTValidationPubKeys', 'JWKSURL', or 'OIDCDiscoveryURL' must be set for type \"jwt\"",
        ),
        (
            json!({"JWTValidationPubKeys": [pem], "JWKSURL": "http://x"}),
            "exactly one of 'JWTValidationPubKeys', 'JWKSURL', or 'OIDCDiscoveryURL' must be set for type \"jwt\"",
        ),
        (json!({"JWTValidationPubKeys": [pem], "JWTSupportedAlgs": ["x"]}), "Invalid supported algorithm: x"),
        (
            json!({"JWTValidationPubKeys": [pem], "JWTSupportedAlgs": ["ES512"]}),
            "JWTSupportedAlgs names ES512 alone, and signatures on P-521 cannot be verified",
        ),
        (
            json!({"JWTValidationPubKeys": [pem], "JWKSCACert": "x"}),
            "'JWKSCACert' should not be set unless 'JWKSURL' is set",
        ),
        (
            json!({"JWTValidationPubKeys": [pem], "OIDCClientID": "x"}),
            "'OIDCClientID' must not be set for type \"jwt\"",
        ),
        (
            json!({"JWTValidationPubKeys": [pem], "ClaimMappings": {"a": "x", "b": "x"}}),
            "ClaimMappings contains multiple mappings for key \"x\"",
        ),
        (
            json!({"JWTValidationPubKeys": [pem], "Nope": 1}),
            "error decoding config: 1 error(s) decoding:\n\n* '' has invalid keys: Nope",
        ),
        (
            json!({"JWTValidationPubKeys": ["x"]}),
            "error parsing public key: the PEM text holds no RSA, P-256 or P-384 public key",
        ),
    ];
    for (config, text) in cases {
        assert_eq!(validator(config).err().as_deref(), Some(text));
    }
}

/// Serves answers by path and counts the requests.
async fn serve(answer: impl Fn(&str, &str) -> Option<String> + Send + Sync + 'static) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("an address"));
    let count = Arc::new(AtomicUsize::new(0));
    let (own, seen) = (base.clone(), Arc::clone(&count));
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            seen.fetch_add(1, Ordering::SeqCst);
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap_or(0);
            let line = String::from_utf8_lossy(&request[..length]).into_owned();
            let path = line.split(' ').nth(1).unwrap_or_default();
            let (status, body) = match answer(path, &own) {
                Some(body) => ("200 OK", body),
                None => ("404 Not Found", String::new()),
            };
            let text =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
            let _ = stream.write_all(text.as_bytes()).await;
        }
    });
    (base, count)
}

#[tokio::test]
async fn a_key_set_is_read_once_and_again_only_now_and_then() {
    let (signer, other) = (Signer::new(), Signer::new());
    let set = json!({"keys": [{"kty": "oct", "k": "x"}, {"kty": 1}, signer.jwk("k1")]}).to_string();
    let (base, count) = serve(move |path, _| (path == "/keys").then(|| set.clone())).await;
    let validator =
        validator(json!({"JWKSURL": format!("{base}/keys"), "JWTSupportedAlgs": ["ES256"]})).expect("valid");
    validator.check_sources().await.expect("readable");
    let claims = json!({"exp": NOW + 60});
    for _ in 0..3 {
        validator.validate_at(&signer.token(&claims), NOW).await.expect("accepted");
    }
    for header in [json!({"alg": "ES256", "kid": "new"}), json!({"alg": "ES256", "kid": "k1"})] {
        validator.validate_at(&other.sign(header, &claims), NOW).await.expect_err("an unknown key");
    }
    assert_eq!(count.load(Ordering::SeqCst), 1, "unknown keys do not make us ask at will");
}

#[tokio::test]
async fn a_provider_tells_where_its_keys_are_and_must_be_the_issuer() {
    let signer = Signer::new();
    let set = json!({"keys": [signer.jwk("k1")]}).to_string();
    let (base, _) = serve(move |path, own| match path {
        "/.well-known/openid-configuration" => {
            Some(json!({"issuer": own, "jwks_uri": format!("{own}/certs")}).to_string())
        }
        "/certs" => Some(set.clone()),
        _ => None,
    })
    .await;
    let validator = validator(json!({"OIDCDiscoveryURL": base, "JWTSupportedAlgs": ["ES256"]})).expect("valid");
    let token = |issuer: &str| signer.token(&json!({"iss": issuer, "exp": NOW + 60}));
    validator.validate_at(&token(&base), NOW).await.expect("accepted");
    let error = validator.validate_at(&token("else"), NOW).await.expect_err("another issuer");
    assert!(error.contains("invalid issuer"), "{error}");
}

#[tokio::test]
async fn a_source_that_cannot_be_read_is_told_when_it_is_configured() {
    let (base, _) = serve(|path, _| (path == "/text").then(|| "no JSON".to_owned())).await;
    for (config, text) in [
        (json!({"JWKSURL": format!("{base}/none")}), "error checking JWKSURL: GET"),
        (json!({"JWKSURL": format!("{base}/text")}), "error checking JWKSURL: failed to decode keys"),
        (json!({"OIDCDiscoveryURL": base}), "error checking OIDCDiscoveryURL: GET"),
    ] {
        let error = validator(config).expect("valid").check_sources().await.expect_err(text);
        assert!(error.starts_with(text), "{error}");
    }
}
