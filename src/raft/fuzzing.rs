//! Messages of the consensus and snapshot archives, for `crate::fuzzing`.

use super::archive::{self, KvOptions, Records};
use super::codec::{Request, Response};
use crate::state;
use bytes::Bytes;

/// Decodes a request (even first byte) or an answer (odd).
pub fn message(data: &[u8]) {
    let Some((side, bytes)) = data.split_first() else { return };
    let bytes = Bytes::copy_from_slice(bytes);
    let recode = |bytes: Bytes| match side & 1 {
        0 => Request::decode(bytes).map(|request| request.encode()).ok(),
        _ => Response::decode(bytes).map(|response| response.encode()).ok(),
    };
    if let Some(encoded) = recode(bytes) {
        assert_eq!(recode(encoded.clone()), Some(encoded), "a message changes on its way");
    }
}

/// Verifies and inspects a snapshot file, and reads its state.
pub fn archive(data: &[u8]) {
    let verified = archive::verify(data);
    let mut records = Vec::new();
    let read = archive::read(data, &mut records);
    assert_eq!(verified.is_ok(), read.is_ok(), "two readers of one file");
    let options = KvOptions { depth: 2, filter: String::new() };
    let _ = archive::inspect(data, Some(&options));
}

/// Reads the records of a state and restores them.
pub fn records(data: &[u8]) {
    if let Ok(mut records) = Records::open(data) {
        while let Ok(Some(_)) = records.read() {}
    }
    state::fuzzing::restore(data);
}

/// One message of every kind.
#[cfg(test)]
pub fn seeds() -> Vec<Vec<u8>> {
    super::codec::tests::samples().into_iter().map(|(side, bytes)| [&[side], &bytes[..]].concat()).collect()
}
