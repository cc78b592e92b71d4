//! The three parts of a signed token in compact form (RFC 7515 7.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

/// A token that is taken apart; nothing of it is verified.
pub(super) struct Token<'a> {
    /// `alg` of the header.
    pub(super) algorithm: String,
    /// `kid` of the header, empty when absent.
    pub(super) key_id: String,
    /// The claims.
    pub(super) claims: Map<String, Value>,
    /// The bytes that are signed.
    pub(super) signed: &'a str,
    /// The signature.
    pub(super) signature: Vec<u8>,
}

impl Token<'_> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// It is none.
    pub(super) fn parse(text: &str) -> Result<Token<'_>, String> {
        let malformed = |what: &str| format!("error parsing token: {what}");
        let (signed, signature) = text.rsplit_once('.').ok_or_else(|| malformed("it must have three parts"))?;
        let (header, payload) = signed.split_once('.').ok_or_else(|| malformed("it must have three parts"))?;
        if payload.contains('.') {
            return Err(malformed("it must have three parts"));
        }
        let object = |part: &str, what: &str| -> Result<Map<String, Value>, String> {
            let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| malformed(&format!("its {what} is not base64url")))?;
            serde_json::from_slice(&bytes).map_err(|_| malformed(&format!("its {what} is not a JSON object")))
        };
        let header = object(header, "header")?;
        let claims = object(payload, "payload")?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| malformed("its signature is not base64url"))?;
        let text_of = |name: &str| header.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        if header.contains_key("crit") {
            return Err(malformed("it has critical header parameters"));
        }
        Ok(Token { algorithm: text_of("alg"), key_id: text_of("kid"), claims, signed, signature })
    }
}

/// Whether a text has the form of a signed token.
///
/// # Errors
/// What is wrong with it.
pub fn is_token(text: &str) -> Result<(), String> {
    Token::parse(text).map(drop)
}
