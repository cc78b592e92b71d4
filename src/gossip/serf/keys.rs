//! Key operations that the pool carries out together: what a node does with its own ring, and how it answers
//! (`spec/gossip.md` 4.5).

use super::message::{self, KeyRequest, KeyResponse, Kind};
use super::queries::{Answering, INTERNAL_PREFIX};
use crate::gossip::keyring::Keyring;
use bytes::Bytes;
use std::path::Path;

/// What to do with the keyring of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyOperation {
    /// Add this key.
    Install(Bytes),
    /// Make this key the primary one.
    Use(Bytes),
    /// Take this key away.
    Remove(Bytes),
    /// Tell all keys.
    List,
}

impl KeyOperation {
    /// The operation of an internal query, without the prefix of its name; none for other queries.
    pub fn parse(name: &str, payload: &[u8]) -> Option<KeyOperation> {
        let key = || {
            let body = payload.split_first().map_or(&[][..], |(_, body)| body);
            message::decode::<KeyRequest>(body).map(|request| request.key).unwrap_or_default()
        };
        Some(match name {
            "install-key" => KeyOperation::Install(key()),
            "use-key" => KeyOperation::Use(key()),
            "remove-key" => KeyOperation::Remove(key()),
            "list-keys" => KeyOperation::List,
            _ => return None,
        })
    }

    /// Name of its query, without the prefix.
    pub fn name(&self) -> &'static str {
        match self {
            KeyOperation::Install(_) => "install-key",
            KeyOperation::Use(_) => "use-key",
            KeyOperation::Remove(_) => "remove-key",
            KeyOperation::List => "list-keys",
        }
    }

    /// Name and payload of the query that asks the pool for it.
    pub fn query(&self) -> (String, Bytes) {
        let key = match self {
            KeyOperation::Install(key) | KeyOperation::Use(key) | KeyOperation::Remove(key) => key.clone(),
            KeyOperation::List => Bytes::new(),
        };
        let payload = message::encode(Kind::KeyRequest, &KeyRequest { key });
        (format!("{INTERNAL_PREFIX}{}", self.name()), payload)
    }

    /// Carries it out and saves the ring when it changed. Touches the disk.
    pub fn apply(&self, keyring: Option<&Keyring>, file: Option<&Path>) -> KeyResponse {
        let failed = |message: String| KeyResponse { message, ..KeyResponse::default() };
        let Some(keyring) = keyring else {
            return failed(if *self == KeyOperation::List {
                "Keyring is empty (encryption not enabled)".into()
            } else {
                "No keyring to modify (encryption not enabled)".into()
            });
        };
        let changed = match self {
            KeyOperation::Install(key) => keyring.install(key),
            KeyOperation::Use(key) => keyring.use_key(key),
            KeyOperation::Remove(key) => keyring.remove(key),
            KeyOperation::List => {
                let keys = keyring.base64();
                let primary_key = keys.first().cloned().unwrap_or_default();
                return KeyResponse { result: true, keys: Some(keys), primary_key, ..KeyResponse::default() };
            }
        };
        match changed.and_then(|()| file.map_or(Ok(()), |file| keyring.save(file))) {
            Ok(()) => KeyResponse { result: true, ..KeyResponse::default() },
            Err(error) => failed(error.to_string()),
        }
    }
}

/// The answer as it is sent; a list of keys that is too long loses its end.
///
/// # Errors
/// It is too long even so.
pub fn encode_response(query: &Answering, mut response: KeyResponse) -> Result<Bytes, String> {
    let total = response.keys.as_ref().map_or(0, Vec::len);
    loop {
        let encoded = query.encode(message::encode(Kind::KeyResponse, &response));
        let Some(keys) = response.keys.as_mut().filter(|keys| encoded.is_err() && !keys.is_empty()) else {
            return encoded;
        };
        keys.pop();
        let shown = keys.len();
        response.message = format!("truncated key list response, showing first {shown} of {total} keys");
    }
}
