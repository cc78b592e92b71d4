//! AES-GCM blocks: version, nonce, ciphertext, tag (`spec/gossip.md` 2.6).

use super::Error;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::generic_array::GenericArray;
use aes_gcm::{AeadInPlace, Aes128Gcm, Aes256Gcm, AesGcm, KeyInit};
use rand::RngCore;

const NONCE: usize = 12;
const TAG: usize = 16;
const HEAD: usize = 1 + NONCE;
/// Version 0 pads the plaintext to blocks of this size.
const PADDING: usize = 16;

/// Bytes that encryption adds: version, nonce, tag.
pub const OVERHEAD: usize = HEAD + TAG;

type Aes192Gcm = AesGcm<aes::Aes192, U12>;

enum Algorithm {
    Aes128(Aes128Gcm),
    Aes192(Aes192Gcm),
    Aes256(Aes256Gcm),
}

/// A key, ready for use.
pub struct Cipher {
    key: Vec<u8>,
    algorithm: Box<Algorithm>,
}

impl Cipher {
    /// A key of 16, 24 or 32 bytes; `None` for other sizes.
    pub fn new(key: &[u8]) -> Option<Self> {
        let algorithm = match key.len() {
            16 => Algorithm::Aes128(Aes128Gcm::new_from_slice(key).ok()?),
            24 => Algorithm::Aes192(Aes192Gcm::new_from_slice(key).ok()?),
            32 => Algorithm::Aes256(Aes256Gcm::new_from_slice(key).ok()?),
            _ => return None,
        };
        Some(Cipher { key: key.to_vec(), algorithm: Box::new(algorithm) })
    }

    /// The raw key.
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Appends a block of version 1 around `plain`, with a random nonce.
    pub fn seal(&self, plain: &[u8], associated: &[u8], out: &mut Vec<u8>) {
        let mut nonce = [0; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        self.seal_with(1, nonce, plain, associated, out);
    }

    /// Appends a block of the given version and nonce.
    pub(super) fn seal_with(
        &self,
        version: u8,
        nonce: [u8; NONCE],
        plain: &[u8],
        associated: &[u8],
        out: &mut Vec<u8>,
    ) {
        out.reserve(plain.len() + OVERHEAD + PADDING);
        out.push(version);
        out.extend(nonce);
        let begin = out.len();
        out.extend_from_slice(plain);
        if version == 0 {
            let missing = PADDING - plain.len() % PADDING;
            out.resize(out.len() + missing, missing as u8);
        }
        let (nonce, text) = (GenericArray::from(nonce), &mut out[begin..]);
        let tag = match &*self.algorithm {
            Algorithm::Aes128(aes) => aes.encrypt_in_place_detached(&nonce, associated, text),
            Algorithm::Aes192(aes) => aes.encrypt_in_place_detached(&nonce, associated, text),
            Algorithm::Aes256(aes) => aes.encrypt_in_place_detached(&nonce, associated, text),
        };
        out.extend(tag.expect("messages are far below the limit of the cipher"));
    }

    /// Opens a block; `None` when this is not its key.
    fn open(&self, block: &[u8], associated: &[u8]) -> Option<Vec<u8>> {
        let nonce = GenericArray::from_slice(&block[1..HEAD]);
        let (text, tag) = block[HEAD..].split_at(block.len() - OVERHEAD);
        let (mut text, tag) = (text.to_vec(), GenericArray::from_slice(tag));
        match &*self.algorithm {
            Algorithm::Aes128(aes) => aes.decrypt_in_place_detached(nonce, associated, &mut text, tag),
            Algorithm::Aes192(aes) => aes.decrypt_in_place_detached(nonce, associated, &mut text, tag),
            Algorithm::Aes256(aes) => aes.decrypt_in_place_detached(nonce, associated, &mut text, tag),
        }
        .ok()?;
        Some(text)
    }
}

/// Opens a block with the first key that fits.
pub fn open(ciphers: &[std::sync::Arc<Cipher>], block: &[u8], associated: &[u8]) -> Result<Vec<u8>, Error> {
    let version = *block.first().ok_or(Error::Short)?;
    let shortest = match version {
        0 => OVERHEAD + PADDING,
        1 => OVERHEAD,
        _ => return Err(Error::Malformed("unsupported encryption version")),
    };
    if block.len() < shortest {
        return Err(Error::Malformed("payload is too small to decrypt"));
    }
    let mut text = ciphers.iter().find_map(|cipher| cipher.open(block, associated)).ok_or(Error::WrongKey)?;
    if version == 0 {
        let padding = text.last().copied().map_or(0, usize::from);
        if !(1..=PADDING).contains(&padding) || padding > text.len() {
            return Err(Error::Malformed("invalid padding"));
        }
        text.truncate(text.len() - padding);
    }
    Ok(text)
}
