//! Small values whose JSON and msgpack forms differ: byte strings and nullable maps.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::collections::BTreeMap;
use std::fmt;

/// A map of strings that may be absent: `null` in JSON, `nil` in msgpack. Absent and empty are different in answers
/// (`spec/http-api.md` 2.1), so the distinction is kept.
pub type StringMap = Option<BTreeMap<String, String>>;

/// A byte string: base64 in JSON (`null` when empty), a raw string in msgpack.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Blob(pub Bytes);

impl Blob {
    /// True when there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({})", self.0.escape_ascii())
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Blob(Bytes::from(bytes))
    }
}

impl From<&str> for Blob {
    fn from(text: &str) -> Self {
        Blob(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            serializer.serialize_bytes(&self.0)
        } else if self.0.is_empty() {
            serializer.serialize_none()
        } else {
            serializer.serialize_str(&STANDARD.encode(&self.0))
        }
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Blob;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a base64 string or null")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Blob, E> {
                let bytes = STANDARD.decode(text).map_err(|error| E::custom(base64_error(&error)))?;
                Ok(Blob(Bytes::from(bytes)))
            }
            fn visit_none<E: de::Error>(self) -> Result<Blob, E> {
                Ok(Blob::default())
            }
            fn visit_unit<E: de::Error>(self) -> Result<Blob, E> {
                Ok(Blob::default())
            }
            fn visit_some<D: Deserializer<'de>>(self, d: D) -> Result<Blob, D::Error> {
                d.deserialize_str(self)
            }
        }
        struct Raw;
        impl<'de> Visitor<'de> for Raw {
            type Value = Blob;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a byte string or nil")
            }
            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Blob, E> {
                Ok(Blob(Bytes::copy_from_slice(bytes)))
            }
            fn visit_byte_buf<E: de::Error>(self, bytes: Vec<u8>) -> Result<Blob, E> {
                Ok(Blob(Bytes::from(bytes)))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Blob, E> {
                Ok(Blob(Bytes::copy_from_slice(text.as_bytes())))
            }
            fn visit_unit<E: de::Error>(self) -> Result<Blob, E> {
                Ok(Blob::default())
            }
            fn visit_none<E: de::Error>(self) -> Result<Blob, E> {
                Ok(Blob::default())
            }
        }
        if deserializer.is_human_readable() {
            deserializer.deserialize_option(Text)
        } else {
            deserializer.deserialize_byte_buf(Raw)
        }
    }
}

/// The reference's wording for a bad base64 text.
pub fn base64_error(error: &base64::DecodeError) -> String {
    use base64::DecodeError::*;
    let at = match error {
        InvalidByte(offset, _) | InvalidLastSymbol(offset, _) => *offset,
        InvalidLength(length) => *length,
        InvalidPadding => 0,
    };
    format!("illegal base64 data at input byte {at}")
}

/// Reads `null` as the type's default, as Go does for slices, maps, strings and numbers.
pub fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// `skip_serializing_if` for numbers.
pub fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// `skip_serializing_if` for nullable maps that JSON omits when empty.
pub fn map_is_empty<V>(map: &Option<BTreeMap<String, V>>) -> bool {
    map.as_ref().is_none_or(BTreeMap::is_empty)
}
