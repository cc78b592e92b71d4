//! JSON as Go writes it: `<`, `>`, `&`, U+2028 and U+2029 escaped, floats in Go's form (`spec/http-api.md` 1.4).
//!
//! Map keys are sorted by the types (`BTreeMap`); opaque values are sorted when they are read (`decode`).

use crate::types::{Error, Result};
use bytes::Bytes;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};
use std::io::{self, Write};

/// How a document is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// No white space.
    Compact,
    /// Four spaces a level: what agents in dev mode answer.
    Indented,
    /// Four spaces a level and a final newline: `?pretty`.
    Pretty,
}

/// One indentation step.
const INDENT: &[u8] = b"    ";

/// Encodes a value.
///
/// # Errors
/// When a value refuses to be written, which only non-finite floats do.
pub fn to_bytes<T: Serialize + ?Sized>(value: &T, style: Style) -> Result<Bytes> {
    let mut out = Vec::with_capacity(256);
    write(&mut out, value, style)?;
    Ok(Bytes::from(out))
}

/// Encodes a value to the end of `out`.
///
/// # Errors
/// As [`to_bytes`].
pub fn write<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T, style: Style) -> Result<()> {
    let result = match style {
        Style::Compact => {
            value.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, GoFormat(CompactFormatter)))
        }
        Style::Indented | Style::Pretty => {
            let format = GoFormat(PrettyFormatter::with_indent(INDENT));
            value.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, format))
        }
    };
    result.map_err(|error| Error::new(format!("json: {error}")))?;
    if style == Style::Pretty {
        out.push(b'\n');
    }
    Ok(())
}

/// Adds Go's escapes and floats to a layout.
struct GoFormat<F>(F);

/// The escape of the character at `bytes[at..]` and its length in bytes, for characters that Go escapes for HTML.
fn html_escape(bytes: &[u8], at: usize) -> Option<(&'static [u8], usize)> {
    match bytes[at] {
        b'<' => Some((b"\\u003c", 1)),
        b'>' => Some((b"\\u003e", 1)),
        b'&' => Some((b"\\u0026", 1)),
        0xe2 => match bytes.get(at + 1..at + 3) {
            Some([0x80, 0xa8]) => Some((b"\\u2028", 3)),
            Some([0x80, 0xa9]) => Some((b"\\u2029", 3)),
            _ => None,
        },
        _ => None,
    }
}

/// Writes a finite number as `encoding/json` does; `plain` and `scientific` are Rust's two renderings of it.
fn write_float<W: ?Sized + Write>(out: &mut W, magnitude: f64, plain: &str, scientific: &str) -> io::Result<()> {
    if magnitude == 0.0 || (1e-6..1e21).contains(&magnitude) {
        return out.write_all(plain.as_bytes());
    }
    match scientific.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => write!(out, "{mantissa}e+{exponent}"),
        _ => out.write_all(scientific.as_bytes()),
    }
}

macro_rules! delegate {
    ($($name:ident($($arg:ident: $ty:ty),*);)*) => {$(
        #[inline]
        fn $name<W: ?Sized + Write>(&mut self, writer: &mut W $(, $arg: $ty)*) -> io::Result<()> {
            self.0.$name(writer $(, $arg)*)
        }
    )*};
}

impl<F: Formatter> Formatter for GoFormat<F> {
    delegate! {
        begin_array();
        end_array();
        begin_array_value(first: bool);
        end_array_value();
        begin_object();
        end_object();
        begin_object_key(first: bool);
        end_object_key();
        begin_object_value();
        end_object_value();
    }

    #[inline]
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let bytes = fragment.as_bytes();
        let (mut start, mut at) = (0, 0);
        while at < bytes.len() {
            match html_escape(bytes, at) {
                Some((escape, length)) => {
                    writer.write_all(&bytes[start..at])?;
                    writer.write_all(escape)?;
                    at += length;
                    start = at;
                }
                None => at += 1,
            }
        }
        writer.write_all(&bytes[start..])
    }

    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        write_float(writer, value.abs(), &value.to_string(), &format!("{value:e}"))
    }

    fn write_f32<W: ?Sized + Write>(&mut self, writer: &mut W, value: f32) -> io::Result<()> {
        write_float(writer, f64::from(value.abs()), &value.to_string(), &format!("{value:e}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn text(value: &serde_json::Value, style: Style) -> String {
        String::from_utf8(to_bytes(value, style).expect("plain values can be written").to_vec()).expect("JSON is text")
    }

    #[test]
    fn strings_are_escaped_for_html_as_go_does() {
        let value = json!("a<b>&\"c\"\\ \u{2028}\u{2029}\n\u{1f}é\u{20ac}");
        let expected = "\"a\\u003cb\\u003e\\u0026\\\"c\\\"\\\\ \\u2028\\u2029\\n\\u001fé\u{20ac}\"";
        assert_eq!(text(&value, Style::Compact), expected);
    }

    #[test]
    fn floats_have_gos_form() {
        let cases = [(0.0, "0"), (1.5, "1.5"), (0.00001, "0.00001"), (1e-7, "1e-7"), (1e21, "1e+21"), (-2.0, "-2")];
        for (value, expected) in cases {
            assert_eq!(text(&json!(value), Style::Compact), expected);
        }
    }

    #[test]
    fn pretty_has_four_spaces_and_a_newline_and_indented_has_none() {
        let value = json!({"A": [1, {}], "B": []});
        let expected = "{\n    \"A\": [\n        1,\n        {}\n    ],\n    \"B\": []\n}";
        assert_eq!(text(&value, Style::Indented), expected);
        assert_eq!(text(&value, Style::Pretty), format!("{expected}\n"));
    }
}
