//! Keys of tables and indexes: parts lower-cased, each ended by a NUL, so that a leading part is a prefix of the whole.

use smallvec::SmallVec;
use std::borrow::Cow;

/// A key under construction; rarely long enough for the heap.
pub type Key = SmallVec<[u8; 96]>;

/// Lower case, as all catalog names are compared.
pub fn lower(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

/// A composite key. Bytes 0 and 1 inside a part are escaped, so that no name can imitate the end of a part.
pub fn join(parts: &[&str]) -> Key {
    let mut key = Key::new();
    for part in parts {
        for &byte in lower(part).as_bytes() {
            match byte {
                0 => key.extend_from_slice(&[1, 1]),
                1 => key.extend_from_slice(&[1, 2]),
                _ => key.push(byte),
            }
        }
        key.push(0);
    }
    key
}

/// The parts of a composite key, each with its end mark: a part is itself a key or the start of one.
pub fn parts(key: &[u8]) -> impl Iterator<Item = &[u8]> {
    key.split_inclusive(|byte| *byte == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leading_part_is_a_prefix_and_names_cannot_imitate_the_end_of_a_part() {
        assert!(join(&["Node", "svc"]).starts_with(&join(&["node"])));
        assert!(!join(&["node\0evil", "svc"]).starts_with(&join(&["node"])));
        assert_ne!(join(&["a\0b"]), join(&["a", "b"]));
        let key = join(&["web", "Node-1", ""]);
        assert_eq!(parts(&key).collect::<Vec<_>>(), [&b"web\0"[..], b"node-1\0", b"\0"]);
    }
}
