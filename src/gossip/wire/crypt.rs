//! AES-GCM blocks (`spec/gossip.md` 2.6).

use super::Error;

/// Bytes that encryption adds: version, nonce, tag.
pub const OVERHEAD: usize = 29;

/// A key, ready for use.
pub struct Cipher {
    key: Vec<u8>,
}

impl Cipher {
    /// A key of 16, 24 or 32 bytes.
    pub fn new(key: &[u8]) -> Result<Self, Error> {
        Ok(Cipher { key: key.to_vec() })
    }

    /// The raw key.
    pub fn key(&self) -> &[u8] {
        &self.key
    }
}
