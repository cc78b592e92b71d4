//! The layers around a message, outside in (`spec/gossip.md` 2.6): label, encryption, checksum, compression.

use super::{Error, MAX_PACKET, StreamReader, compress, crypt, kind};
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
        label + if self.encrypts() { crypt::OVERHEAD } else { 0 }
    }

    /// Wraps a message or compound as a datagram. `checksum`: the receiver understands it.
    pub fn seal_packet(&self, message: &[u8], checksum: bool) -> Vec<u8> {
        let _ = (message, checksum, compress as fn(&[u8]) -> Vec<u8>, kind::LABEL);
        todo!()
    }

    /// Unwraps a datagram up to its checksum: label, encryption, checksum. What is left is a message, perhaps a compound
    /// or a compressed one.
    pub fn open_packet<'a>(&self, datagram: &'a [u8]) -> Result<Cow<'a, [u8]>, Error> {
        let _ = (datagram, MAX_PACKET);
        todo!()
    }

    /// Wraps a message as the bytes of a stream. `dialing`: we opened the stream.
    pub fn seal_stream(&self, message: &[u8], dialing: bool) -> Vec<u8> {
        let _ = (message, dialing);
        todo!()
    }

    /// A reader for one message of a stream. `dialing`: we opened the stream.
    pub fn stream_reader(&self, dialing: bool) -> StreamReader {
        StreamReader::new(self.clone(), dialing)
    }

    fn encrypts(&self) -> bool {
        self.verify_outgoing && self.keyring.is_some()
    }
}
