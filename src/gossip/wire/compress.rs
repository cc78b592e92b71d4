//! LZW as Go's `compress/lzw` has it: least significant bit first, literals of 8 bits (`spec/gossip.md` 2.4).

use super::msgpack::{Reader, Writer};
use super::{Error, kind};
use weezl::{BitOrder, LzwStatus, decode::Decoder, encode::Encoder};

/// Wraps a message as a compressed one.
pub fn compress(plain: &[u8]) -> Vec<u8> {
    let packed = lzw(plain);
    let mut out = Vec::with_capacity(packed.len() + 20);
    out.push(kind::COMPRESS);
    Writer(&mut out).map(2).str("Algo").uint(0).str("Buf").raw(&packed);
    out
}

/// Unpacks the body of a compressed message (without its type byte) to at most `limit` bytes.
pub fn decompress(body: &[u8], limit: usize) -> Result<Vec<u8>, Error> {
    unlzw(compressed_content(&mut Reader::new(body))?, limit)
}

/// The packed bytes in the body of a compressed message.
pub(super) fn compressed_content<'a>(reader: &mut Reader<'a>) -> Result<&'a [u8], Error> {
    let (mut algorithm, mut packed) = (0u8, &[][..]);
    reader.fields(|key, reader| {
        match key {
            b"Algo" => algorithm = reader.int()?,
            b"Buf" => packed = reader.raw()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    if algorithm != 0 {
        return Err(Error::Malformed("unknown compression algorithm"));
    }
    Ok(packed)
}

pub(super) fn lzw(plain: &[u8]) -> Vec<u8> {
    Encoder::new(BitOrder::Lsb, 8).encode(plain).expect("every byte is a literal of 8 bits")
}

pub(super) fn unlzw(mut packed: &[u8], limit: usize) -> Result<Vec<u8>, Error> {
    const STEP: usize = 16 << 10;
    let mut decoder = Decoder::new(BitOrder::Lsb, 8);
    let (mut out, mut len) = (vec![0; STEP.min(4 * packed.len() + 64)], 0);
    loop {
        if len == out.len() {
            out.resize((2 * len).min(limit + 1), 0);
        }
        let step = decoder.decode_bytes(packed, &mut out[len..]);
        packed = &packed[step.consumed_in..];
        len += step.consumed_out;
        if len > limit {
            return Err(Error::TooLong { what: "decompressed content", size: len, limit });
        }
        match step.status.map_err(|_| Error::Malformed("invalid LZW code"))? {
            LzwStatus::Done => break,
            LzwStatus::NoProgress => return Err(Error::Malformed("compressed data is cut short")),
            LzwStatus::Ok => {}
        }
    }
    out.truncate(len);
    Ok(out)
}
