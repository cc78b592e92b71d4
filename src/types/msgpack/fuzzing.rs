//! Values of any shape, for `crate::fuzzing`.

use super::{from_prefix, from_slice, read_value, to_vec, value_len};
use serde_json::Value;

/// Finds the end of a value in memory and in a stream, which must be the same, and decodes it.
pub fn value(data: &[u8]) {
    let length = value_len(data).ok();
    let (mut stream, mut read) = (data, Vec::new());
    let found = read_value(&mut stream, &mut read).ok().map(|()| read.len());
    // only the reader of a stream takes values of any depth: it keeps nothing of them
    assert!(length.is_none() || found == length, "where a value ends");
    if let Ok((value, taken)) = from_prefix::<Value>(data) {
        assert_eq!(Some(taken), length, "where a value ends");
        let bytes = to_vec(&value).expect("what was decoded can be encoded");
        let again: Value = from_slice(&bytes).expect("what was encoded is read");
        assert_eq!(to_vec(&again), Ok(bytes), "a value changes on its way");
    }
}
