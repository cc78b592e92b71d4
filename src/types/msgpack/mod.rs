//! The msgpack dialect of server RPC, raft entries and snapshots (`spec/rpc.md` 5).
//!
//! Old msgpack rules on output (strings and bytes both in the raw family, floats always 64 bits, structs as maps sorted by
//! field name); on input every newer form is read as well, `nil` is the zero of any type, and unknown fields are skipped.

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io::{self, Read};

/// Why bytes are no value of the wanted type.
#[derive(Debug, thiserror::Error)]
#[error("msgpack: {0}")]
pub struct Error(pub String);

/// Encodes a value.
pub fn to_vec<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, Error> {
    let _ = value;
    todo!()
}

/// Decodes one value; bytes after it are an error.
pub fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let _ = bytes;
    todo!()
}

/// Decodes the first value and tells how many bytes it took.
pub fn from_prefix<T: DeserializeOwned>(bytes: &[u8]) -> Result<(T, usize), Error> {
    let _ = bytes;
    todo!()
}

/// Reads exactly one value from a stream and appends its raw bytes to `out`. Never reads beyond the value.
pub fn read_value(reader: &mut dyn Read, out: &mut Vec<u8>) -> io::Result<()> {
    let _ = (reader, out);
    todo!()
}
