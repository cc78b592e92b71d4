//! Keys of a pool: the first one encrypts, all of them decrypt (`spec/gossip.md` 2.6, 4.5, 6.7).

use crate::gossip::wire::Cipher;
use parking_lot::RwLock;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Why a key or a change of the ring is refused; the texts are what peers and users see.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not 16, 24 or 32 bytes.
    #[error("key size must be 16, 24 or 32 bytes")]
    KeySize,
    /// Use of a key that is not there.
    #[error("Requested key is not in the keyring")]
    UnknownKey,
    /// Removal of the key in use.
    #[error("Removing the primary key is not allowed")]
    PrimaryKey,
    /// A file or a text that holds no keys.
    #[error("{0}")]
    Malformed(String),
    /// A file could not be read or written.
    #[error("{0}")]
    File(String),
}

/// A ring of keys, shared by everything that seals or opens.
pub struct Keyring {
    ciphers: RwLock<Vec<Arc<Cipher>>>,
}

impl Keyring {
    /// A ring of these keys; the first is the primary one. There must be at least one.
    pub fn new(keys: &[Vec<u8>]) -> Result<Self, Error> {
        let _ = keys;
        todo!()
    }

    /// A ring from base64 texts, the first primary.
    pub fn from_base64<T: AsRef<str>>(texts: &[T]) -> Result<Self, Error> {
        let _ = texts.len();
        todo!()
    }

    /// Raw keys, the primary one first.
    pub fn keys(&self) -> Vec<Vec<u8>> {
        self.ciphers.read().iter().map(|cipher| cipher.key().to_vec()).collect()
    }

    /// Base64 of the keys, the primary one first.
    pub fn base64(&self) -> Vec<String> {
        todo!()
    }

    /// The key that encrypts.
    pub fn primary(&self) -> Vec<u8> {
        todo!()
    }

    /// Adds a key; one that is there already is fine.
    pub fn install(&self, key: &[u8]) -> Result<(), Error> {
        let _ = key;
        todo!()
    }

    /// Makes an installed key the primary one.
    pub fn use_key(&self, key: &[u8]) -> Result<(), Error> {
        let _ = key;
        todo!()
    }

    /// Removes a key that is not the primary one; an absent one is fine.
    pub fn remove(&self, key: &[u8]) -> Result<(), Error> {
        let _ = key;
        todo!()
    }

    /// Keys in trial order.
    pub fn ciphers(&self) -> Vec<Arc<Cipher>> {
        self.ciphers.read().clone()
    }

    /// Reads a keyring file: a JSON array of base64 keys, the primary one first.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let _ = path;
        todo!()
    }

    /// Writes the keyring file as it looks after a change: two spaces of indent, mode 0600, replaced atomically.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let _ = path;
        todo!()
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} keys)", self.ciphers.read().len())
    }
}

/// Creates a keyring file with one key, as an agent does at its first start: compact JSON, mode 0600, directory 0700. An
/// existing file is left alone. True when it was created.
pub fn create_file(path: &Path, key: &[u8]) -> Result<bool, Error> {
    let _ = (path, key);
    todo!()
}

/// Decodes a base64 key and checks its size.
pub fn decode_key(text: &str) -> Result<Vec<u8>, Error> {
    let _ = text;
    todo!()
}

/// Base64 of a key.
pub fn encode_key(key: &[u8]) -> String {
    let _ = key;
    todo!()
}
