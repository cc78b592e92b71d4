//! The twelve bytes in front of every frame.

/// Length of a header.
pub const HEADER: usize = 12;

/// Opens a stream; asks, on a ping.
pub const SYN: u16 = 1;
/// Accepts a stream; answers, on a ping.
pub const ACK: u16 = 2;
/// No more data from this side.
pub const FIN: u16 = 4;
/// Aborts or refuses a stream.
pub const RST: u16 = 8;

/// Types of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Carries payload.
    Data,
    /// Raises the receiver's grant; with length 0 only flags count.
    Window,
    /// Keep-alive.
    Ping,
    /// No more streams.
    GoAway,
}

const KINDS: [Kind; 4] = [Kind::Data, Kind::Window, Kind::Ping, Kind::GoAway];

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Type.
    pub kind: Kind,
    /// Set of [`SYN`], [`ACK`], [`FIN`], [`RST`].
    pub flags: u16,
    /// Stream, 0 for the session itself.
    pub stream: u32,
    /// Payload bytes, granted bytes, ping value or reason.
    pub length: u32,
}

impl Header {
    /// The bytes on the wire.
    pub fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[1] = self.kind as u8;
        bytes[2..4].copy_from_slice(&self.flags.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.stream.to_be_bytes());
        bytes[8..].copy_from_slice(&self.length.to_be_bytes());
        bytes
    }

    /// Reads a header; `None` for another version or an unknown type.
    pub fn decode(bytes: &[u8; HEADER]) -> Option<Header> {
        let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let kind = *KINDS.get(usize::from(bytes[1]))?;
        let flags = u16::from_be_bytes([bytes[2], bytes[3]]);
        (bytes[0] == 0).then(|| Header { kind, flags, stream: number(4), length: number(8) })
    }
}
