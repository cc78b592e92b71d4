//! The serializer: smallest integers, raw strings, sorted struct fields.

use super::Error;
use serde::ser::{self, Serialize};
use std::ops::Range;

type Result<T, E = Error> = std::result::Result<T, E>;

/// Appends values to a buffer.
pub struct Encoder<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Encoder<'a> {
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Encoder { out }
    }

    fn raw(&mut self, bytes: &[u8]) -> Result<()> {
        let len = u32::try_from(bytes.len()).map_err(|_| Error("string over 4 GiB".into()))?;
        match len {
            0..32 => self.out.push(0xa0 | len as u8),
            32..=0xffff => self.sized(0xda, &(len as u16).to_be_bytes()),
            _ => self.sized(0xdb, &len.to_be_bytes()),
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn sized(&mut self, marker: u8, bytes: &[u8]) {
        self.out.push(marker);
        self.out.extend_from_slice(bytes);
    }
}

/// Header of an array (`fix` 0x90) or a map (`fix` 0x80).
fn header(out: &mut Vec<u8>, fix: u8, len: usize) -> Result<()> {
    let long = if fix == 0x90 { 0xdc } else { 0xde };
    match u32::try_from(len).map_err(|_| Error("more than 4 G elements".into()))? {
        len @ 0..16 => out.push(fix | len as u8),
        len @ 16..=0xffff => {
            out.push(long);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(long + 1);
            out.extend_from_slice(&len.to_be_bytes());
        }
    }
    Ok(())
}

impl<'a, 'b> ser::Serializer for &'a mut Encoder<'b> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Seq<'a, 'b>;
    type SerializeTuple = Seq<'a, 'b>;
    type SerializeTupleStruct = Seq<'a, 'b>;
    type SerializeTupleVariant = Seq<'a, 'b>;
    type SerializeMap = Map<'a, 'b>;
    type SerializeStruct = Fields<'a, 'b>;
    type SerializeStructVariant = Fields<'a, 'b>;

    fn is_human_readable(&self) -> bool {
        false
    }
    fn serialize_bool(self, v: bool) -> Result<()> {
        self.out.push(0xc2 | v as u8);
        Ok(())
    }
    fn serialize_i8(self, v: i8) -> Result<()> {
        self.serialize_i64(v.into())
    }
    fn serialize_i16(self, v: i16) -> Result<()> {
        self.serialize_i64(v.into())
    }
    fn serialize_i32(self, v: i32) -> Result<()> {
        self.serialize_i64(v.into())
    }
    fn serialize_i64(self, v: i64) -> Result<()> {
        match v {
            0.. => return self.serialize_u64(v as u64),
            -32..0 => self.out.push(v as u8),
            -0x80..-32 => self.sized(0xd0, &(v as i8).to_be_bytes()),
            -0x8000..-0x80 => self.sized(0xd1, &(v as i16).to_be_bytes()),
            -0x8000_0000..-0x8000 => self.sized(0xd2, &(v as i32).to_be_bytes()),
            _ => self.sized(0xd3, &v.to_be_bytes()),
        }
        Ok(())
    }
    fn serialize_u8(self, v: u8) -> Result<()> {
        self.serialize_u64(v.into())
    }
    fn serialize_u16(self, v: u16) -> Result<()> {
        self.serialize_u64(v.into())
    }
    fn serialize_u32(self, v: u32) -> Result<()> {
        self.serialize_u64(v.into())
    }
    fn serialize_u64(self, v: u64) -> Result<()> {
        match v {
            0..0x80 => self.out.push(v as u8),
            0x80..0x100 => self.sized(0xcc, &(v as u8).to_be_bytes()),
            0x100..0x1_0000 => self.sized(0xcd, &(v as u16).to_be_bytes()),
            0x1_0000..0x1_0000_0000 => self.sized(0xce, &(v as u32).to_be_bytes()),
            _ => self.sized(0xcf, &v.to_be_bytes()),
        }
        Ok(())
    }
    fn serialize_f32(self, v: f32) -> Result<()> {
        self.serialize_f64(v.into())
    }
    fn serialize_f64(self, v: f64) -> Result<()> {
        self.sized(0xcb, &v.to_be_bytes());
        Ok(())
    }
    fn serialize_char(self, v: char) -> Result<()> {
        self.raw(v.encode_utf8(&mut [0; 4]).as_bytes())
    }
    fn serialize_str(self, v: &str) -> Result<()> {
        self.raw(v.as_bytes())
    }
    fn serialize_bytes(self, v: &[u8]) -> Result<()> {
        self.raw(v)
    }
    fn serialize_none(self) -> Result<()> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<()> {
        self.out.push(0xc0);
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<()> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<()> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<()> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        header(self.out, 0x80, 1)?;
        self.raw(variant.as_bytes())?;
        value.serialize(self)
    }
    fn serialize_seq(self, len: Option<usize>) -> Result<Seq<'a, 'b>> {
        let start = self.out.len();
        if let Some(len) = len {
            header(self.out, 0x90, len)?;
        }
        Ok(Seq { encoder: self, count_at: len.is_none().then_some((start, 0)) })
    }
    fn serialize_tuple(self, len: usize) -> Result<Seq<'a, 'b>> {
        self.serialize_seq(Some(len))
    }
    fn serialize_tuple_struct(self, _: &'static str, len: usize) -> Result<Seq<'a, 'b>> {
        self.serialize_seq(Some(len))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Seq<'a, 'b>> {
        header(self.out, 0x80, 1)?;
        self.raw(variant.as_bytes())?;
        self.serialize_seq(Some(len))
    }
    fn serialize_map(self, len: Option<usize>) -> Result<Map<'a, 'b>> {
        if let Some(len) = len {
            header(self.out, 0x80, len)?;
        }
        let sorter = len.is_none().then(|| Sorter::new(self.out.len()));
        Ok(Map { encoder: self, sorter })
    }
    fn serialize_struct(self, _: &'static str, len: usize) -> Result<Fields<'a, 'b>> {
        let sorter = Sorter::new(self.out.len());
        let _ = len;
        Ok(Fields { encoder: self, sorter })
    }
    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Fields<'a, 'b>> {
        header(self.out, 0x80, 1)?;
        self.raw(variant.as_bytes())?;
        self.serialize_struct(name, len)
    }
}

/// An array whose length may be known only at its end.
pub struct Seq<'a, 'b> {
    encoder: &'a mut Encoder<'b>,
    count_at: Option<(usize, usize)>,
}

impl Seq<'_, '_> {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        if let Some((_, count)) = &mut self.count_at {
            *count += 1;
        }
        value.serialize(&mut *self.encoder)
    }

    fn finish(self) -> Result<()> {
        if let Some((start, count)) = self.count_at {
            let mut head = Vec::with_capacity(5);
            header(&mut head, 0x90, count)?;
            self.encoder.out.splice(start..start, head);
        }
        Ok(())
    }
}

macro_rules! seq_like {
    ($($name:ident $method:ident),*) => {$(
        impl ser::$name for Seq<'_, '_> {
            type Ok = ();
            type Error = Error;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.element(value)
            }
            fn end(self) -> Result<()> {
                self.finish()
            }
        }
    )*};
}

seq_like!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

/// Fields written one after another, brought into name order at the end.
struct Sorter {
    start: usize,
    /// Where each encoded field (name and value) stands in the buffer, and where its name ends.
    fields: Vec<(Range<usize>, usize)>,
}

impl Sorter {
    fn new(start: usize) -> Self {
        Sorter { start, fields: Vec::with_capacity(16) }
    }

    fn begin(&mut self, out: &[u8]) {
        self.fields.push((out.len()..out.len(), out.len()));
    }

    fn named(&mut self, out: &[u8]) {
        self.fields.last_mut().expect("begun").1 = out.len();
    }

    fn finish_field(&mut self, out: &[u8]) {
        self.fields.last_mut().expect("begun").0.end = out.len();
    }

    /// Sorts by name; the text of a short name stands behind one marker byte.
    fn finish(mut self, out: &mut Vec<u8>) -> Result<()> {
        let name = |out: &[u8], field: &(Range<usize>, usize)| -> (usize, usize) {
            let head = match out[field.0.start] {
                0xda => 3,
                0xdb => 5,
                _ => 1,
            };
            (field.0.start + head, field.1)
        };
        self.fields.sort_by(|a, b| {
            let (a, b) = (name(out, a), name(out, b));
            out[a.0..a.1].cmp(&out[b.0..b.1])
        });
        let mut sorted = Vec::with_capacity(out.len() - self.start + 5);
        header(&mut sorted, 0x80, self.fields.len())?;
        for (range, _) in &self.fields {
            sorted.extend_from_slice(&out[range.clone()]);
        }
        out.truncate(self.start);
        out.extend_from_slice(&sorted);
        Ok(())
    }
}

/// The fields of a struct.
pub struct Fields<'a, 'b> {
    encoder: &'a mut Encoder<'b>,
    sorter: Sorter,
}

impl ser::SerializeStruct for Fields<'_, '_> {
    type Ok = ();
    type Error = Error;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        self.sorter.begin(self.encoder.out);
        self.encoder.raw(key.as_bytes())?;
        self.sorter.named(self.encoder.out);
        value.serialize(&mut *self.encoder)?;
        self.sorter.finish_field(self.encoder.out);
        Ok(())
    }
    fn end(self) -> Result<()> {
        self.sorter.finish(self.encoder.out)
    }
}

impl ser::SerializeStructVariant for Fields<'_, '_> {
    type Ok = ();
    type Error = Error;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        ser::SerializeStruct::serialize_field(self, key, value)
    }
    fn end(self) -> Result<()> {
        ser::SerializeStruct::end(self)
    }
}

/// A map; one of unknown length is a struct with flattened parts and is sorted like a struct.
pub struct Map<'a, 'b> {
    encoder: &'a mut Encoder<'b>,
    sorter: Option<Sorter>,
}

impl ser::SerializeMap for Map<'_, '_> {
    type Ok = ();
    type Error = Error;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        if let Some(sorter) = &mut self.sorter {
            sorter.begin(self.encoder.out);
        }
        key.serialize(&mut *self.encoder)?;
        if let Some(sorter) = &mut self.sorter {
            sorter.named(self.encoder.out);
        }
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        value.serialize(&mut *self.encoder)?;
        if let Some(sorter) = &mut self.sorter {
            sorter.finish_field(self.encoder.out);
        }
        Ok(())
    }
    fn end(self) -> Result<()> {
        match self.sorter {
            Some(sorter) => sorter.finish(self.encoder.out),
            None => Ok(()),
        }
    }
}
