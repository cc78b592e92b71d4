//! The deserializer: reads every form of a value, takes `nil` for the zero of any type.

use super::read::Shape;
use super::{Error, MAX_DEPTH};
use serde::de::{self, DeserializeSeed, IntoDeserializer, Visitor};

type Result<T, E = Error> = std::result::Result<T, E>;

/// Reads values from a slice.
pub struct Decoder<'de> {
    input: &'de [u8],
    pos: usize,
    depth: usize,
}

/// One value's head, with its payload unless it is a container.
enum Token<'de> {
    Nil,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Raw(&'de [u8]),
    Array(usize),
    Map(usize),
    Extension,
}

impl Token<'_> {
    fn name(&self) -> &'static str {
        match self {
            Token::Nil => "nil",
            Token::Bool(_) => "a boolean",
            Token::Unsigned(_) | Token::Signed(_) => "an integer",
            Token::Float(_) => "a float",
            Token::Raw(_) => "a string",
            Token::Array(_) => "an array",
            Token::Map(_) => "a map",
            Token::Extension => "an extension",
        }
    }
}

fn mismatch<T>(token: &Token, wanted: &str) -> Result<T> {
    Err(Error(format!("found {} instead of {wanted}", token.name())))
}

impl<'de> Decoder<'de> {
    pub fn new(input: &'de [u8]) -> Self {
        Decoder { input, pos: 0, depth: 0 }
    }

    /// Bytes read so far.
    pub fn position(&self) -> usize {
        self.pos
    }

    fn bytes(&mut self, len: usize) -> Result<&'de [u8]> {
        let rest = &self.input[self.pos..];
        if len > rest.len() {
            return Err(Error("unexpected end of input".into()));
        }
        self.pos += len;
        Ok(&rest[..len])
    }

    fn number(&mut self, len: usize) -> Result<u64> {
        Ok(self.bytes(len)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn peek(&self) -> Result<u8> {
        self.input.get(self.pos).copied().ok_or_else(|| Error("unexpected end of input".into()))
    }

    /// A length whose elements, at one byte each or more, still fit into the input.
    fn elements(&mut self, count: u64, values_per_element: u64) -> Result<usize> {
        if count.saturating_mul(values_per_element) > (self.input.len() - self.pos) as u64 {
            return Err(Error("length beyond the end of input".into()));
        }
        Ok(count as usize)
    }

    fn token(&mut self) -> Result<Token<'de>> {
        let marker = self.bytes(1)?[0];
        let shape = Shape::of(marker);
        let count = match shape.length_bytes {
            0 => shape.fixed,
            bytes => self.number(bytes.into())?,
        };
        if shape.container {
            let count = self.elements(count, shape.per_element)?;
            return Ok(if shape.per_element == 2 { Token::Map(count) } else { Token::Array(count) });
        }
        let len = usize::try_from(count + shape.extra).map_err(|_| Error("length beyond the end of input".into()))?;
        Ok(match marker {
            0x00..=0x7f => Token::Unsigned(marker.into()),
            0xe0..=0xff => Token::Signed((marker as i8).into()),
            0xc2 | 0xc3 => Token::Bool(marker == 0xc3),
            0xcc..=0xcf => Token::Unsigned(self.number(len)?),
            0xd0..=0xd3 => {
                let shift = 64 - 8 * len as u32;
                match (self.number(len)? << shift) as i64 >> shift {
                    value @ 0.. => Token::Unsigned(value as u64),
                    value => Token::Signed(value),
                }
            }
            0xca => Token::Float(f32::from_bits(self.number(4)? as u32).into()),
            0xcb => Token::Float(f64::from_bits(self.number(8)?)),
            0xa0..=0xbf | 0xd9..=0xdb | 0xc4..=0xc6 => Token::Raw(self.bytes(len)?),
            0xc7..=0xc9 | 0xd4..=0xd8 => {
                self.bytes(len)?;
                Token::Extension
            }
            // 0xc0, and 0xc1 which no writer uses; containers were handled above.
            _ => Token::Nil,
        })
    }

    /// Passes over one value.
    pub fn skip(&mut self) -> Result<()> {
        let mut pending: u64 = 1;
        while pending > 0 {
            pending -= 1;
            match self.token()? {
                Token::Array(len) => pending += len as u64,
                Token::Map(len) => pending += 2 * len as u64,
                _ => {}
            }
        }
        Ok(())
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.depth >= MAX_DEPTH {
            return Err(Error(format!("nested deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn seq<V: Visitor<'de>>(&mut self, len: usize, visitor: V) -> Result<V::Value> {
        self.nested(|decoder| {
            let mut items = Items { decoder, left: len };
            let value = visitor.visit_seq(&mut items)?;
            items.drain()?;
            Ok(value)
        })
    }

    fn map<V: Visitor<'de>>(&mut self, len: usize, visitor: V) -> Result<V::Value> {
        self.nested(|decoder| {
            let mut items = Items { decoder, left: len };
            let value = visitor.visit_map(&mut items)?;
            items.left *= 2;
            items.drain()?;
            Ok(value)
        })
    }

    fn any<V: Visitor<'de>>(&mut self, token: Token<'de>, visitor: V) -> Result<V::Value> {
        match token {
            Token::Nil => visitor.visit_unit(),
            Token::Bool(value) => visitor.visit_bool(value),
            Token::Unsigned(value) => visitor.visit_u64(value),
            Token::Signed(value) => visitor.visit_i64(value),
            Token::Float(value) => visitor.visit_f64(value),
            Token::Raw(bytes) => text(bytes, visitor),
            Token::Array(len) => self.seq(len, visitor),
            Token::Map(len) => self.map(len, visitor),
            Token::Extension => mismatch(&token, "a value"),
        }
    }

    fn integer<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.token()? {
            Token::Nil => visitor.visit_u64(0),
            Token::Unsigned(value) => visitor.visit_u64(value),
            Token::Signed(value) => visitor.visit_i64(value),
            // Numbers of free maps arrive as floats; only whole ones are integers.
            Token::Float(value) if value.fract() == 0.0 && value.abs() < 9.0e15 => visitor.visit_i64(value as i64),
            token => mismatch(&token, "an integer"),
        }
    }

    fn float<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value> {
        match self.token()? {
            Token::Nil => visitor.visit_f64(0.0),
            Token::Unsigned(value) => visitor.visit_f64(value as f64),
            Token::Signed(value) => visitor.visit_f64(value as f64),
            Token::Float(value) => visitor.visit_f64(value),
            token => mismatch(&token, "a float"),
        }
    }
}

/// Strings are text for us but any bytes for the writers; what is not UTF-8 is replaced, as their JSON does.
fn text<'de, V: Visitor<'de>>(bytes: &'de [u8], visitor: V) -> Result<V::Value> {
    match std::str::from_utf8(bytes) {
        Ok(text) => visitor.visit_borrowed_str(text),
        Err(_) => visitor.visit_string(String::from_utf8_lossy(bytes).into_owned()),
    }
}

macro_rules! forward {
    ($target:ident: $($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
            self.$target(visitor)
        }
    )*};
}

impl<'de> de::Deserializer<'de> for &mut Decoder<'de> {
    type Error = Error;

    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        let token = self.token()?;
        self.any(token, visitor)
    }

    forward!(integer: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64);
    forward!(float: deserialize_f32 deserialize_f64);
    forward!(deserialize_str: deserialize_char deserialize_string deserialize_identifier);
    forward!(deserialize_bytes: deserialize_byte_buf);

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.token()? {
            Token::Nil => visitor.visit_bool(false),
            Token::Bool(value) => visitor.visit_bool(value),
            token => mismatch(&token, "a boolean"),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.token()? {
            Token::Nil => visitor.visit_borrowed_str(""),
            Token::Raw(bytes) => text(bytes, visitor),
            token => mismatch(&token, "a string"),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.token()? {
            Token::Nil => visitor.visit_borrowed_bytes(&[]),
            Token::Raw(bytes) => visitor.visit_borrowed_bytes(bytes),
            token => mismatch(&token, "a byte string"),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        if matches!(self.peek()?, 0xc0 | 0xc1) {
            self.pos += 1;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.skip()?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.token()? {
            Token::Nil => self.seq(0, visitor),
            Token::Array(len) => self.seq(len, visitor),
            token => mismatch(&token, "an array"),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, _: usize, visitor: V) -> Result<V::Value> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self.token()? {
            Token::Nil => self.map(0, visitor),
            Token::Map(len) => self.map(len, visitor),
            token => mismatch(&token, "a map"),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.token()? {
            Token::Nil => self.map(0, visitor),
            Token::Map(len) => self.map(len, visitor),
            Token::Array(len) => self.seq(len, visitor),
            token => mismatch(&token, "a map"),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value> {
        match self.token()? {
            Token::Raw(bytes) => {
                let name = std::str::from_utf8(bytes).map_err(|_| Error("a variant name that is not text".into()))?;
                visitor.visit_enum(name.into_deserializer())
            }
            Token::Map(1) => self.nested(|decoder| visitor.visit_enum(Variant { decoder })),
            token => mismatch(&token, "a variant"),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        self.skip()?;
        visitor.visit_unit()
    }
}

/// The elements of an array or the entries of a map.
struct Items<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
    left: usize,
}

impl Items<'_, '_> {
    /// Passes over what the visitor did not want.
    fn drain(self) -> Result<()> {
        (0..self.left).try_for_each(|_| self.decoder.skip())
    }
}

impl<'de> de::SeqAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.decoder).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'de> de::MapAccess<'de> for &mut Items<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        seed.deserialize(&mut *self.decoder).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        seed.deserialize(&mut *self.decoder)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// A variant with content: a map of one entry.
struct Variant<'a, 'de> {
    decoder: &'a mut Decoder<'de>,
}

impl<'a, 'de> de::EnumAccess<'de> for Variant<'a, 'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self)> {
        let name = seed.deserialize(&mut *self.decoder)?;
        Ok((name, self))
    }
}

impl<'de> de::VariantAccess<'de> for Variant<'_, 'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<()> {
        self.decoder.skip()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value> {
        seed.deserialize(self.decoder)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value> {
        de::Deserializer::deserialize_seq(self.decoder, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value> {
        de::Deserializer::deserialize_map(self.decoder, visitor)
    }
}
