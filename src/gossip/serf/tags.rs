//! Tags as the metadata of a node (`spec/gossip.md` 4.1).

use super::member::Tags;
use crate::types::msgpack;
use bytes::Bytes;

/// Longest encoded form, bytes: the limit of a node's metadata.
pub const MAX_ENCODED: usize = 512;

/// First byte of encoded tags; anything else is the role of an old node.
const MAGIC: u8 = 0xff;

/// Encodes tags.
///
/// # Errors
/// They are longer than [`MAX_ENCODED`].
pub fn encode(tags: &Tags) -> Result<Bytes, String> {
    let mut out = vec![MAGIC];
    msgpack::to_end_of(&mut out, tags).map_err(|error| error.to_string())?;
    if out.len() > MAX_ENCODED {
        return Err(format!("Encoded length of tags exceeds limit of {MAX_ENCODED} bytes"));
    }
    Ok(out.into())
}

/// Decodes the metadata of a node; what cannot be read counts as no tags.
pub fn decode(meta: &[u8]) -> Tags {
    match meta.split_first() {
        None => Tags::from([("role".to_owned(), String::new())]),
        Some((&MAGIC, encoded)) => msgpack::from_prefix(encoded).map(|(tags, _)| tags).unwrap_or_default(),
        Some(_) => Tags::from([("role".to_owned(), String::from_utf8_lossy(meta).into_owned())]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_survive_the_wire() {
        let tags = Tags::from([("role".into(), "db".into()), ("version".into(), "2".into())]);
        let encoded = encode(&tags).unwrap();
        assert_eq!(encoded[..2], [0xff, 0x82]);
        assert_eq!(decode(&encoded), tags);
        assert_eq!(encode(&Tags::new()).unwrap()[..], [0xff, 0x80]);
    }

    #[test]
    fn metadata_of_other_kinds_is_a_role_or_nothing() {
        let role = |value: &str| Tags::from([("role".to_owned(), value.to_owned())]);
        for (meta, tags) in [
            (&b"webserver"[..], role("webserver")),
            (b"", role("")),
            (b"\xff\x80", Tags::new()),
            (b"\xff\x91\x01", Tags::new()),
            (b"\xff\xdf\xff\xff\xff\xff", Tags::new()),
        ] {
            assert_eq!(decode(meta), tags, "{meta:?}");
        }
    }

    #[test]
    fn more_than_512_bytes_are_refused() {
        let tags = |len| Tags::from([("t".to_owned(), "x".repeat(len))]);
        assert_eq!(encode(&tags(505)).unwrap().len(), 512);
        assert_eq!(encode(&tags(506)).unwrap_err(), "Encoded length of tags exceeds limit of 512 bytes");
    }
}
