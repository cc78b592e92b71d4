//! The layers around a message, outside in (`spec/gossip.md` 2.6): label, encryption, checksum, compression.

use super::{Cipher, Error, MAX_PACKET, Message, StreamReader, compress, crypt, kind};
use crate::gossip::keyring::Keyring;
use std::borrow::Cow;
use std::sync::Arc;

/// How messages are wrapped and unwrapped. Cheap to clone: transports keep one and do the heavy work on their own task.
#[derive(Clone, Debug)]
pub struct Layers {
    /// Keys; `None` without encryption.
    pub keyring: Option<Arc<Keyring>>,
    /// Refuse plaintext although we hold keys.
    pub verify_incoming: bool,
    /// Encrypt when we hold keys.
    pub verify_outgoing: bool,
    /// Compress.
    pub compression: bool,
    /// Label of the pool; empty for none.
    pub label: Arc<str>,
}

impl Layers {
    /// No compression, no encryption, no label.
    pub fn plain() -> Self {
        Layers { keyring: None, verify_incoming: true, verify_outgoing: true, compression: false, label: "".into() }
    }

    /// Bytes that wrapping adds to a packet at most.
    pub fn packet_overhead(&self) -> usize {
        let label = if self.label.is_empty() { 0 } else { 2 + self.label.len() };
        label + if self.verify_outgoing && self.keyring.is_some() { crypt::OVERHEAD } else { 0 }
    }

    /// Wraps a message or compound as a datagram. `checksum`: the receiver understands one.
    pub fn seal_packet(&self, message: &[u8], checksum: bool) -> Vec<u8> {
        let packed = self.compression.then(|| compress(message)).filter(|packed| packed.len() < message.len());
        let message = packed.as_deref().unwrap_or(message);
        let mut out = Vec::with_capacity(message.len() + self.packet_overhead() + CHECKSUM);
        if !self.label.is_empty() {
            out.extend([kind::LABEL, self.label.len() as u8]);
            out.extend_from_slice(self.label.as_bytes());
        }
        let Some(cipher) = self.cipher() else {
            if checksum {
                put_checksum(message, &mut out);
            }
            out.extend_from_slice(message);
            return out;
        };
        if checksum {
            let mut content = Vec::with_capacity(message.len() + CHECKSUM);
            put_checksum(message, &mut content);
            content.extend_from_slice(message);
            cipher.seal(&content, self.label.as_bytes(), &mut out);
        } else {
            cipher.seal(message, self.label.as_bytes(), &mut out);
        }
        out
    }

    /// Unwraps a datagram up to its checksum: label, encryption, checksum. What is left is a message, perhaps a compound
    /// or a compressed one.
    pub fn open_packet<'a>(&self, datagram: &'a [u8]) -> Result<Cow<'a, [u8]>, Error> {
        if datagram.len() > MAX_PACKET {
            return Err(Error::TooLong { what: "packet", size: datagram.len(), limit: MAX_PACKET });
        }
        let content = self.strip_label(datagram)?.ok_or(Error::Label)?;
        let plain = match &self.keyring {
            None => Cow::Borrowed(content),
            Some(keyring) => match crypt::open(&keyring.ciphers(), content, self.label.as_bytes()) {
                Ok(plain) => Cow::Owned(plain),
                Err(_) if !self.verify_incoming => Cow::Borrowed(content),
                Err(error) => return Err(if is_plain(content) { Error::Plaintext } else { error }),
            },
        };
        if plain.first() != Some(&kind::CRC) || plain.len() < CHECKSUM {
            return Ok(plain);
        }
        let (head, message) = plain.split_at(CHECKSUM);
        if head[1..] != crc32fast::hash(message).to_be_bytes() {
            return Err(Error::Checksum);
        }
        Ok(match plain {
            Cow::Borrowed(plain) => Cow::Borrowed(&plain[CHECKSUM..]),
            Cow::Owned(mut plain) => {
                plain.drain(..CHECKSUM);
                Cow::Owned(plain)
            }
        })
    }

    /// Wraps a message as the bytes of a stream. `dialing`: we opened the stream.
    pub fn seal_stream(&self, message: &[u8], dialing: bool) -> Vec<u8> {
        let packed = self.compression.then(|| compress(message));
        let message = packed.as_deref().unwrap_or(message);
        let mut out = Vec::with_capacity(message.len() + self.packet_overhead() + STREAM_HEAD);
        if dialing && !self.label.is_empty() {
            out.extend([kind::LABEL, self.label.len() as u8]);
            out.extend_from_slice(self.label.as_bytes());
        }
        let Some(cipher) = self.cipher() else {
            out.extend_from_slice(message);
            return out;
        };
        let head = stream_head(message.len() + crypt::OVERHEAD);
        out.extend(head);
        cipher.seal(message, &self.stream_associated(head), &mut out);
        out
    }

    /// A reader for one message of a stream. `dialing`: we opened the stream.
    pub fn stream_reader(&self, dialing: bool) -> StreamReader {
        StreamReader::new(self.clone(), dialing)
    }

    /// Opens the block behind the head of an encrypted stream.
    pub(super) fn open_stream(&self, head: [u8; STREAM_HEAD], block: &[u8]) -> Result<Vec<u8>, Error> {
        let keyring = self.keyring.as_ref().ok_or(Error::Encrypted)?;
        crypt::open(&keyring.ciphers(), block, &self.stream_associated(head))
    }

    /// The bytes behind the label, if the label is ours; `None` while it is cut short.
    pub(super) fn strip_label<'a>(&self, bytes: &'a [u8]) -> Result<Option<&'a [u8]>, Error> {
        match bytes {
            [kind::LABEL, 0, ..] => Err(Error::Label),
            [kind::LABEL, len, rest @ ..] => match rest.split_at_checked((*len).into()) {
                Some((label, rest)) if label == self.label.as_bytes() => Ok(Some(rest)),
                Some(_) => Err(Error::Label),
                None => Ok(None),
            },
            [kind::LABEL] => Ok(None),
            _ if !self.label.is_empty() => Err(Error::Label),
            _ => Ok(Some(bytes)),
        }
    }

    fn stream_associated(&self, head: [u8; STREAM_HEAD]) -> Vec<u8> {
        [&head, self.label.as_bytes()].concat()
    }

    fn cipher(&self) -> Option<Arc<Cipher>> {
        self.keyring.as_ref().filter(|_| self.verify_outgoing).map(|keyring| keyring.primary_cipher())
    }
}

/// Type byte and sum of a checked packet.
const CHECKSUM: usize = 5;
/// Type byte and length of an encrypted stream.
pub(super) const STREAM_HEAD: usize = 5;

fn put_checksum(message: &[u8], out: &mut Vec<u8>) {
    out.push(kind::CRC);
    out.extend(crc32fast::hash(message).to_be_bytes());
}

fn stream_head(block: usize) -> [u8; STREAM_HEAD] {
    let [a, b, c, d] = (block as u32).to_be_bytes();
    [kind::ENCRYPT, a, b, c, d]
}

/// Does this look like a message that nobody encrypted?
fn is_plain(content: &[u8]) -> bool {
    matches!(content.first(), Some(2..=kind::ERR)) || Message::decode(content).is_ok()
}
