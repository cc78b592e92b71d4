//! Reading and writing DER, as far as certificates need it (X.690).

/// Tags of values.
pub mod tag {
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const BIT_STRING: u8 = 0x03;
    pub const OCTET_STRING: u8 = 0x04;
    pub const NULL: u8 = 0x05;
    pub const OID: u8 = 0x06;
    pub const UTF8_STRING: u8 = 0x0c;
    pub const PRINTABLE_STRING: u8 = 0x13;
    pub const UTC_TIME: u8 = 0x17;
    pub const GENERALIZED_TIME: u8 = 0x18;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;

    /// Context-specific, primitive.
    pub const fn context(number: u8) -> u8 {
        0x80 | number
    }

    /// Context-specific, constructed.
    pub const fn inside(number: u8) -> u8 {
        0xa0 | number
    }
}

/// A value with tag and length.
pub fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        short @ 0..=0x7f => out.push(short as u8),
        long => {
            let bytes = long.to_be_bytes();
            let bytes = &bytes[bytes.iter().position(|byte| *byte != 0).unwrap_or(0)..];
            out.push(0x80 | bytes.len() as u8);
            out.extend_from_slice(bytes);
        }
    }
    out.extend_from_slice(content);
    out
}

/// A constructed value of parts.
pub fn of(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    value(tag, &parts.concat())
}

/// A sequence.
pub fn sequence(parts: &[Vec<u8>]) -> Vec<u8> {
    of(tag::SEQUENCE, parts)
}

/// A number that is not negative, from its big-endian bytes.
pub fn integer(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    let mut content = bytes[start..].to_vec();
    if content.first().is_none_or(|first| *first >= 0x80) {
        content.insert(0, 0);
    }
    value(tag::INTEGER, &content)
}

/// A bit string of whole bytes.
pub fn bit_string(bytes: &[u8]) -> Vec<u8> {
    value(tag::BIT_STRING, &[&[0], bytes].concat())
}

/// Named bits, bit 0 first, without trailing zeros.
pub fn bits(set: &[u8]) -> Vec<u8> {
    let last = set.iter().copied().max().unwrap_or(0);
    let mut bytes = vec![0u8; usize::from(last / 8) + 1];
    for bit in set {
        bytes[usize::from(bit / 8)] |= 0x80 >> (bit % 8);
    }
    value(tag::BIT_STRING, &[&[7 - last % 8], bytes.as_slice()].concat())
}

/// An object identifier.
pub fn oid(arcs: &[u32]) -> Vec<u8> {
    let mut content = vec![(arcs[0] * 40 + arcs[1]) as u8];
    for arc in &arcs[2..] {
        let mut groups = vec![(arc & 0x7f) as u8];
        let mut rest = arc >> 7;
        while rest > 0 {
            groups.push(0x80 | (rest & 0x7f) as u8);
            rest >>= 7;
        }
        content.extend(groups.iter().rev());
    }
    value(tag::OID, &content)
}

/// A text: printable if it can be.
pub fn text(text: &str) -> Vec<u8> {
    let printable = text.chars().all(|c| c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c));
    value(if printable { tag::PRINTABLE_STRING } else { tag::UTF8_STRING }, text.as_bytes())
}

/// A moment, in seconds since 1970: two digits of the year up to 2049 (RFC 5280 4.1.2.5).
pub fn time(seconds: i64) -> Vec<u8> {
    let moment = chrono::DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    match chrono::Datelike::year(&moment) {
        1950..=2049 => value(tag::UTC_TIME, moment.format("%y%m%d%H%M%SZ").to_string().as_bytes()),
        _ => value(tag::GENERALIZED_TIME, moment.format("%Y%m%d%H%M%SZ").to_string().as_bytes()),
    }
}

/// One value.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    /// Its tag.
    pub tag: u8,
    /// What is inside.
    pub content: &'a [u8],
    /// All of it.
    pub whole: &'a [u8],
}

impl<'a> Value<'a> {
    /// Reads what is inside.
    pub fn inside(&self) -> Reader<'a> {
        Reader { left: self.content }
    }

    /// Seconds since 1970 of a moment.
    pub fn seconds(&self) -> Option<i64> {
        let text = std::str::from_utf8(self.content).ok()?.strip_suffix('Z')?;
        let text = match self.tag {
            tag::UTC_TIME if text.len() == 12 => {
                let century = if text.get(..2)? < "50" { "20" } else { "19" };
                format!("{century}{text}")
            }
            tag::GENERALIZED_TIME if text.len() == 14 => text.to_owned(),
            _ => return None,
        };
        let moment = chrono::NaiveDateTime::parse_from_str(&text, "%Y%m%d%H%M%S").ok()?;
        Some(moment.and_utc().timestamp())
    }
}

/// Reads values one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    left: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Of these bytes.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { left: bytes }
    }

    /// Nothing is left.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }

    /// The next value; `None` at the end and for bytes that are no DER.
    pub fn any(&mut self) -> Option<Value<'a>> {
        let (tag, rest) = self.left.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, head) = match *first {
            short @ 0..=0x7f => (usize::from(short), 2),
            long @ 0x81..=0x84 => {
                let count = usize::from(long & 0x7f);
                let bytes = rest.get(..count)?;
                (bytes.iter().fold(0usize, |length, byte| length << 8 | usize::from(*byte)), 2 + count)
            }
            _ => return None,
        };
        let whole = self.left.get(..head.checked_add(length)?)?;
        self.left = &self.left[whole.len()..];
        Some(Value { tag: *tag, content: &whole[head..], whole })
    }

    /// The next value, which must have this tag.
    pub fn expect(&mut self, tag: u8) -> Option<Value<'a>> {
        self.any().filter(|value| value.tag == tag)
    }

    /// The next value if it has this tag; otherwise nothing is read.
    pub fn optional(&mut self, tag: u8) -> Option<Value<'a>> {
        if self.left.first() == Some(&tag) { self.any() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_they_were_written() {
        let long = vec![7; 300];
        let bytes = sequence(&[
            integer(&[0, 0, 0x80]),
            oid(&[1, 2, 840, 113_549, 1, 1, 11]),
            value(tag::OCTET_STRING, &long),
            time(1_796_000_000),
            time(4_102_444_800),
        ]);
        let mut reader = Reader::new(&bytes);
        let mut inside = reader.expect(tag::SEQUENCE).expect("a sequence").inside();
        assert!(reader.is_empty());
        assert_eq!(inside.any().expect("a number").content, [0, 0x80]);
        let known = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11];
        assert_eq!(inside.expect(tag::OID).expect("an identifier").content, known);
        assert_eq!(inside.expect(tag::OCTET_STRING).expect("bytes").content, long);
        assert_eq!(inside.expect(tag::UTC_TIME).expect("a moment").seconds(), Some(1_796_000_000));
        assert_eq!(inside.expect(tag::GENERALIZED_TIME).expect("a moment").seconds(), Some(4_102_444_800));
        assert!(inside.is_empty());
    }

    #[test]
    fn bits_have_no_trailing_zeros() {
        assert_eq!(bits(&[0, 2]), [3, 2, 5, 0xa0]);
        assert_eq!(bits(&[0, 5, 6]), [3, 2, 1, 0x86]);
    }

    #[test]
    fn broken_bytes_are_no_values() {
        let whole = sequence(&[integer(&[1]), value(tag::OCTET_STRING, &[1; 200])]);
        for end in 0..whole.len() {
            assert!(Reader::new(&whole[..end]).any().is_none(), "cut at {end}");
        }
        for broken in [&[0x30, 0x80][..], &[0x30, 0x85, 1, 1, 1, 1, 1], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]] {
            assert!(Reader::new(broken).any().is_none(), "{broken:?}");
        }
    }
}
