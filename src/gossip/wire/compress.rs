//! LZW (`spec/gossip.md` 2.4).

use super::Error;

/// Compresses.
pub fn compress(plain: &[u8]) -> Vec<u8> {
    let _ = plain;
    todo!()
}

/// Unpacks at most `limit` bytes.
pub fn decompress(packed: &[u8], limit: usize) -> Result<Vec<u8>, Error> {
    let _ = (packed, limit);
    todo!()
}
