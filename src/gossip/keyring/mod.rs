//! Keys of a pool: the first one encrypts, all of them decrypt (`spec/gossip.md` 2.6, 4.5, 6.7).

mod file;
#[cfg(test)]
mod tests;

pub use file::create_file;

use crate::gossip::wire::Cipher;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
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

/// A ring of keys, shared by everything that seals or opens. There is always a primary key.
pub struct Keyring {
    /// Replaced as a whole: who seals or opens holds no lock meanwhile.
    ciphers: RwLock<Arc<[Arc<Cipher>]>>,
}

impl Keyring {
    /// A ring of these keys; the first is the primary one. There must be at least one.
    pub fn new<K: AsRef<[u8]>>(keys: &[K]) -> Result<Self, Error> {
        let mut ciphers: Vec<Arc<Cipher>> = Vec::with_capacity(keys.len());
        for key in keys {
            let cipher = Cipher::new(key.as_ref()).ok_or(Error::KeySize)?;
            if ciphers.iter().all(|other| other.key() != cipher.key()) {
                ciphers.push(Arc::new(cipher));
            }
        }
        if ciphers.is_empty() {
            return Err(Error::Malformed("keyring holds no keys".into()));
        }
        Ok(Keyring { ciphers: RwLock::new(ciphers.into()) })
    }

    /// A ring from base64 texts, the first primary.
    pub fn from_base64<T: AsRef<str>>(texts: &[T]) -> Result<Self, Error> {
        let keys = texts.iter().map(|text| decode_key(text.as_ref())).collect::<Result<Vec<_>, _>>()?;
        Keyring::new(&keys)
    }

    /// Raw keys, the primary one first.
    pub fn keys(&self) -> Vec<Vec<u8>> {
        self.ciphers().iter().map(|cipher| cipher.key().to_vec()).collect()
    }

    /// Base64 of the keys, the primary one first.
    pub fn base64(&self) -> Vec<String> {
        self.ciphers().iter().map(|cipher| encode_key(cipher.key())).collect()
    }

    /// The key that encrypts.
    pub fn primary(&self) -> Vec<u8> {
        self.primary_cipher().key().to_vec()
    }

    /// The key that encrypts, ready for use.
    pub fn primary_cipher(&self) -> Arc<Cipher> {
        self.ciphers.read()[0].clone()
    }

    /// Keys in the order in which they are tried.
    pub fn ciphers(&self) -> Arc<[Arc<Cipher>]> {
        self.ciphers.read().clone()
    }

    /// Adds a key; one that is there already is fine.
    pub fn install(&self, key: &[u8]) -> Result<(), Error> {
        let cipher = Cipher::new(key).ok_or(Error::KeySize)?;
        let mut ciphers = self.ciphers.write();
        if ciphers.iter().all(|other| other.key() != key) {
            *ciphers = ciphers.iter().cloned().chain([Arc::new(cipher)]).collect();
        }
        Ok(())
    }

    /// Makes an installed key the primary one.
    pub fn use_key(&self, key: &[u8]) -> Result<(), Error> {
        let mut ciphers = self.ciphers.write();
        let wanted = ciphers.iter().find(|cipher| cipher.key() == key).cloned().ok_or(Error::UnknownKey)?;
        let others = ciphers.iter().filter(|cipher| cipher.key() != key).cloned();
        let reordered = [wanted].into_iter().chain(others).collect();
        *ciphers = reordered;
        Ok(())
    }

    /// Removes a key that is not the primary one; an absent one is fine.
    pub fn remove(&self, key: &[u8]) -> Result<(), Error> {
        let mut ciphers = self.ciphers.write();
        if ciphers[0].key() == key {
            return Err(Error::PrimaryKey);
        }
        let kept = ciphers.iter().filter(|cipher| cipher.key() != key).cloned().collect();
        *ciphers = kept;
        Ok(())
    }

    /// Reads a keyring file: a JSON array of base64 keys, the primary one first.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Keyring::from_base64(&file::read(path)?)
            .map_err(|error| Error::Malformed(format!("keyring file {}: {error}", path.display())))
    }

    /// Writes the keyring file as it looks after a change: two spaces of indent, mode 0600, replaced atomically.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        file::write(path, &self.base64())
    }
}

impl fmt::Debug for Keyring {
    /// Never shows a key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({} keys)", self.ciphers().len())
    }
}

/// Decodes a base64 key and checks its size.
pub fn decode_key(text: &str) -> Result<Vec<u8>, Error> {
    let key = STANDARD.decode(text.trim()).map_err(|error| Error::Malformed(format!("key is not base64: {error}")))?;
    if matches!(key.len(), 16 | 24 | 32) { Ok(key) } else { Err(Error::KeySize) }
}

/// Base64 of a key.
pub fn encode_key(key: &[u8]) -> String {
    STANDARD.encode(key)
}
