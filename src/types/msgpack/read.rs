//! One raw value from a stream, for records that stand one behind the other without a length.

use std::io::{self, ErrorKind, Read};

/// Longest value of a stream of records. A record holds what came in one request, and those are shorter.
pub const RECORD_LIMIT: usize = 128 << 20;

/// Reads exactly one value from a stream and appends its raw bytes to `out`, which may grow to [`RECORD_LIMIT`]. Never reads
/// beyond the value; memory grows only with bytes that have really arrived.
pub fn read_value(reader: &mut dyn Read, out: &mut Vec<u8>) -> io::Result<()> {
    let mut pending: u64 = 1;
    while pending > 0 {
        pending -= 1;
        let marker = take(reader, 1, out)?;
        let shape = Shape::of(marker as u8);
        let count = match shape.length_bytes {
            0 => shape.fixed,
            bytes => take(reader, bytes.into(), out)?,
        };
        if shape.container {
            pending = pending.checked_add(count * shape.per_element).ok_or(ErrorKind::InvalidData)?;
        } else {
            take(reader, count + shape.extra, out)?;
        }
    }
    Ok(())
}

/// How the bytes behind a marker are laid out.
pub(crate) struct Shape {
    /// Bytes of the big-endian length behind the marker; 0 when the marker says it all.
    pub length_bytes: u8,
    /// Payload bytes or elements when there is no length.
    pub fixed: u64,
    /// Payload bytes beside the length (the type of an extension).
    pub extra: u64,
    /// The length counts elements, not bytes.
    pub container: bool,
    /// Values per element: 2 in a map.
    pub per_element: u64,
}

impl Shape {
    pub fn of(marker: u8) -> Shape {
        let payload =
            |length_bytes, fixed, extra| Shape { length_bytes, fixed, extra, container: false, per_element: 0 };
        let container =
            |length_bytes, fixed, per_element| Shape { length_bytes, fixed, extra: 0, container: true, per_element };
        match marker {
            0x80..=0x8f => container(0, (marker & 0x0f).into(), 2),
            0x90..=0x9f => container(0, (marker & 0x0f).into(), 1),
            0xa0..=0xbf => payload(0, (marker & 0x1f).into(), 0),
            0xc4 | 0xd9 => payload(1, 0, 0),
            0xc5 | 0xda => payload(2, 0, 0),
            0xc6 | 0xdb => payload(4, 0, 0),
            0xc7 => payload(1, 0, 1),
            0xc8 => payload(2, 0, 1),
            0xc9 => payload(4, 0, 1),
            0xca | 0xce | 0xd2 => payload(0, 4, 0),
            0xcb | 0xcf | 0xd3 => payload(0, 8, 0),
            0xcc | 0xd0 => payload(0, 1, 0),
            0xcd | 0xd1 => payload(0, 2, 0),
            0xd4..=0xd8 => payload(0, 1 << (marker - 0xd4), 1),
            0xdc => container(2, 0, 1),
            0xdd => container(4, 0, 1),
            0xde => container(2, 0, 2),
            0xdf => container(4, 0, 2),
            0x00..=0x7f | 0xe0..=0xff | 0xc0..=0xc3 => payload(0, 0, 0),
        }
    }
}

/// Copies `len` bytes to `out`; for up to eight of them also returns their big-endian number.
fn take(reader: &mut dyn Read, len: u64, out: &mut Vec<u8>) -> io::Result<u64> {
    let start = out.len();
    if len.saturating_add(start as u64) > RECORD_LIMIT as u64 {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("a record above {RECORD_LIMIT} bytes")));
    }
    if len <= 8 {
        out.resize(start + len as usize, 0);
        reader.read_exact(&mut out[start..])?;
        return Ok(out[start..].iter().fold(0, |number, byte| number << 8 | u64::from(*byte)));
    }
    if reader.take(len).read_to_end(out)? as u64 != len {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok(0)
}
