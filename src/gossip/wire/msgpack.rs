//! Reading and writing of the codec (`spec/gossip.md` 1), by hand: the messages are few and their decoding is hot.

use super::Error;

/// Appends values to a buffer.
pub struct Writer<'a>(pub &'a mut Vec<u8>);

impl Writer<'_> {
    /// Begin of a map of `fields` fields; keys in ascending order follow.
    pub fn map(&mut self, fields: usize) -> &mut Self {
        debug_assert!(fields < 16, "the maps of the protocol are small");
        self.0.push(0x80 | fields as u8);
        self
    }

    /// A text.
    pub fn str(&mut self, value: &str) -> &mut Self {
        self.raw(value.as_bytes())
    }

    /// Bytes, in the same family as texts.
    pub fn raw(&mut self, value: &[u8]) -> &mut Self {
        match value.len() {
            len @ 0..32 => self.0.push(0xa0 | len as u8),
            len @ 32..0x1_0000 => {
                self.0.push(0xda);
                self.0.extend((len as u16).to_be_bytes());
            }
            len => {
                self.0.push(0xdb);
                self.0.extend((len as u32).to_be_bytes());
            }
        }
        self.0.extend_from_slice(value);
        self
    }

    /// Bytes, nil when empty.
    pub fn raw_or_nil(&mut self, value: &[u8]) -> &mut Self {
        if value.is_empty() {
            self.0.push(0xc0);
            return self;
        }
        self.raw(value)
    }

    /// A number, as short as it can be.
    pub fn uint(&mut self, value: u64) -> &mut Self {
        match value {
            0..0x80 => self.0.push(value as u8),
            0x80..0x100 => self.0.extend([0xcc, value as u8]),
            0x100..0x1_0000 => {
                self.0.push(0xcd);
                self.0.extend((value as u16).to_be_bytes());
            }
            0x1_0000..0x1_0000_0000 => {
                self.0.push(0xce);
                self.0.extend((value as u32).to_be_bytes());
            }
            _ => {
                self.0.push(0xcf);
                self.0.extend(value.to_be_bytes());
            }
        }
        self
    }

    /// A truth value.
    pub fn bool(&mut self, value: bool) -> &mut Self {
        self.0.push(0xc2 | u8::from(value));
        self
    }
}

/// Reads values. After [`Error::Short`], `position` is where the value begins that is not complete.
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

/// What a marker says.
enum Marker {
    Nil,
    Bool(bool),
    Int(i128),
    Float,
    Text(usize),
    Binary(usize),
    Array(usize),
    Map(usize),
    Extension(usize),
}

const INVALID: Error = Error::Malformed("invalid value");

impl<'a> Reader<'a> {
    /// Reads from the begin of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Reader { bytes, position: 0 }
    }

    /// Bytes read.
    pub fn position(&self) -> usize {
        self.position
    }

    /// What was not read yet.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.position..]
    }

    /// Calls `field` for each entry of a map (nil counts as an empty one) with its key; `field` returns false for keys that
    /// it does not know, whose values are skipped then.
    pub fn fields(&mut self, mut field: impl FnMut(&[u8], &mut Self) -> Result<bool, Error>) -> Result<(), Error> {
        let count = match self.marker()? {
            Marker::Nil => 0,
            Marker::Map(count) => count,
            _ => return Err(Error::Malformed("expected a map")),
        };
        for _ in 0..count {
            let begin = self.position;
            let key = self.raw_value()?;
            match field(key, self) {
                Ok(true) => {}
                Ok(false) => self.skip()?,
                Err(error) => {
                    self.position = begin;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// A text; not from the binary family, as the reference has it.
    pub fn str(&mut self) -> Result<&'a str, Error> {
        std::str::from_utf8(self.text()?).map_err(|_| Error::Malformed("text is not UTF-8"))
    }

    /// A text in whatever encoding.
    pub fn text(&mut self) -> Result<&'a [u8], Error> {
        match self.marker()? {
            Marker::Nil => Ok(&[]),
            Marker::Text(len) => self.take(len),
            _ => Err(Error::Malformed("expected a text")),
        }
    }

    /// Bytes.
    pub fn raw(&mut self) -> Result<&'a [u8], Error> {
        self.raw_value()
    }

    /// A number that fits.
    pub fn int<T: TryFrom<i128>>(&mut self) -> Result<T, Error> {
        let value = match self.marker()? {
            Marker::Nil => 0,
            Marker::Int(value) => value,
            _ => return Err(Error::Malformed("expected a number")),
        };
        T::try_from(value).map_err(|_| Error::Malformed("number out of range"))
    }

    /// A truth value.
    pub fn bool(&mut self) -> Result<bool, Error> {
        match self.marker()? {
            Marker::Nil | Marker::Int(0) => Ok(false),
            Marker::Int(1) => Ok(true),
            Marker::Bool(value) => Ok(value),
            _ => Err(Error::Malformed("expected a truth value")),
        }
    }

    /// Skips a value without recursion: the count of values still to come is all the state there is.
    pub fn skip(&mut self) -> Result<(), Error> {
        let mut pending = 1u64;
        while pending > 0 {
            pending -= 1;
            match self.marker()? {
                Marker::Nil | Marker::Bool(_) | Marker::Int(_) | Marker::Float => {}
                Marker::Text(len) | Marker::Binary(len) | Marker::Extension(len) => {
                    self.take(len)?;
                }
                Marker::Array(count) => pending += count as u64,
                Marker::Map(count) => pending += 2 * count as u64,
            }
        }
        Ok(())
    }

    fn raw_value(&mut self) -> Result<&'a [u8], Error> {
        match self.marker()? {
            Marker::Nil => Ok(&[]),
            Marker::Text(len) | Marker::Binary(len) => self.take(len),
            _ => Err(Error::Malformed("expected bytes")),
        }
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let taken = self.rest().get(..len).ok_or(Error::Short)?;
        self.position += len;
        Ok(taken)
    }

    fn number<const N: usize>(&mut self) -> Result<u64, Error> {
        let bytes = self.take(N)?;
        Ok(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn marker(&mut self) -> Result<Marker, Error> {
        let marker = self.take(1)?[0];
        Ok(match marker {
            0x00..=0x7f => Marker::Int(marker.into()),
            0x80..=0x8f => Marker::Map((marker & 0x0f).into()),
            0x90..=0x9f => Marker::Array((marker & 0x0f).into()),
            0xa0..=0xbf => Marker::Text((marker & 0x1f).into()),
            0xc0 => Marker::Nil,
            0xc1 => return Err(INVALID),
            0xc2 | 0xc3 => Marker::Bool(marker == 0xc3),
            0xc4 => Marker::Binary(self.number::<1>()? as usize),
            0xc5 => Marker::Binary(self.number::<2>()? as usize),
            0xc6 => Marker::Binary(self.number::<4>()? as usize),
            0xc7 => Marker::Extension(self.number::<1>()? as usize + 1),
            0xc8 => Marker::Extension(self.number::<2>()? as usize + 1),
            0xc9 => Marker::Extension(self.number::<4>()? as usize + 1),
            0xca => self.number::<4>().map(|_| Marker::Float)?,
            0xcb => self.number::<8>().map(|_| Marker::Float)?,
            0xcc => Marker::Int(self.number::<1>()?.into()),
            0xcd => Marker::Int(self.number::<2>()?.into()),
            0xce => Marker::Int(self.number::<4>()?.into()),
            0xcf => Marker::Int(self.number::<8>()?.into()),
            0xd0 => Marker::Int((self.number::<1>()? as i8).into()),
            0xd1 => Marker::Int((self.number::<2>()? as i16).into()),
            0xd2 => Marker::Int((self.number::<4>()? as i32).into()),
            0xd3 => Marker::Int((self.number::<8>()? as i64).into()),
            0xd4..=0xd8 => Marker::Extension((1 << (marker - 0xd4)) + 1),
            0xd9 => Marker::Text(self.number::<1>()? as usize),
            0xda => Marker::Text(self.number::<2>()? as usize),
            0xdb => Marker::Text(self.number::<4>()? as usize),
            0xdc => Marker::Array(self.number::<2>()? as usize),
            0xdd => Marker::Array(self.number::<4>()? as usize),
            0xde => Marker::Map(self.number::<2>()? as usize),
            0xdf => Marker::Map(self.number::<4>()? as usize),
            0xe0..=0xff => Marker::Int((marker as i8).into()),
        })
    }
}
