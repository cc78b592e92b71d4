//! Tokens and keys, for `crate::fuzzing`.

use super::claims::{self, Times};
use super::keys::{self, Key};
use super::token::Token;
use super::{JwtConfig, Leeways, sources};

/// Takes apart a token, a key set (JWKS), a key (PEM) or what an OIDC provider tells of itself, whichever the name says.
pub fn read(what: &str, data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match what {
        "token" => {
            let Ok(token) = Token::parse(text) else { return };
            let _ = Times::of(&token.claims).map(|times| times.check(Leeways::default(), 1_700_000_000));
            let _ = claims::check_audience(&token.claims, &["consul".to_owned()]);
            let config: JwtConfig = JwtConfig {
                claim_mappings: [("sub".to_owned(), "name".to_owned()), ("/a/b".to_owned(), "ab".to_owned())].into(),
                list_claim_mappings: [("groups".to_owned(), "groups".to_owned())].into(),
                ..JwtConfig::default()
            };
            let _ = claims::values(&token.claims, &config.claim_mappings);
            let _ = claims::lists(&token.claims, &config.list_claim_mappings);
        }
        "keys" => {
            for key in keys::from_set(data).unwrap_or_default() {
                for algorithm in ["RS256", "ES256", "ES384", "none"] {
                    assert!(!key.verifies(algorithm, b"signed", b"not a signature"), "a signature that is none");
                }
            }
        }
        "pem" => drop(Key::from_pem(text)),
        "discovery" => sources::fuzz(data),
        _ => {}
    }
}
