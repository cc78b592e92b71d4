//! The msgpack dialect of server RPC, raft entries and snapshots (`spec/rpc.md` 5).
//!
//! Old msgpack rules on output (strings and bytes both in the raw family, floats always 64 bits, structs as maps sorted by
//! field name); on input every newer form is read as well, `nil` is the zero of any type, and unknown fields are skipped.
//! Nesting and lengths are bounded before anything is allocated, because the bytes come from outside.

mod de;
pub(crate) mod fuzzing;
mod read;
mod ser;
#[cfg(test)]
mod tests;

pub(crate) use read::Shape;
pub use read::{RECORD_LIMIT, read_value};

use serde::Serialize;
use serde::de::Deserialize;
use std::fmt;

/// Deepest nesting of arrays and maps that is read.
pub const MAX_DEPTH: usize = 128;

/// Why bytes are no value of the wanted type, or a value cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("msgpack: {0}")]
pub struct Error(pub String);

impl serde::ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Error(message.to_string())
    }
}

impl serde::de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Error(message.to_string())
    }
}

/// Encodes a value.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let mut out = Vec::with_capacity(256);
    to_end_of(&mut out, value)?;
    Ok(out)
}

/// Encodes a value behind what `out` already holds.
pub fn to_end_of<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), Error> {
    value.serialize(&mut ser::Encoder::new(out))
}

/// Decodes one value; bytes after it are an error.
pub fn from_slice<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, Error> {
    let (value, len) = from_prefix(bytes)?;
    if len == bytes.len() { Ok(value) } else { Err(Error(format!("{} bytes after the value", bytes.len() - len))) }
}

/// Decodes the first value and tells how many bytes it took.
pub fn from_prefix<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<(T, usize), Error> {
    let mut decoder = de::Decoder::new(bytes);
    let value = T::deserialize(&mut decoder)?;
    Ok((value, decoder.position()))
}

/// Length of the first value.
pub fn value_len(bytes: &[u8]) -> Result<usize, Error> {
    let mut decoder = de::Decoder::new(bytes);
    decoder.skip()?;
    Ok(decoder.position())
}
