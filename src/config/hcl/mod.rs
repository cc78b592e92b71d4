//! HCL 1: scanner, parser and conversion to [`hcl::Value`].
//!
//! HCL 1 is not a subset of HCL 2: attributes may share a line, keys may be quoted, repeated keys merge, a block is a list
//! of one object, and numbers may be octal. Messages and positions are those that operators know from the reference.

mod parser;
mod scanner;
pub mod tree;
mod value;

pub(super) use parser::{Repeated, already_set};

use super::json;
use std::fmt;

/// Deepest nesting of lists and objects that is read.
pub const MAX_DEPTH: usize = 128;

/// Line and column, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A syntax error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// Where, if the message belongs to one place.
    pub position: Option<Position>,
    /// What.
    pub message: String,
}

impl SyntaxError {
    fn at(position: Position, message: impl Into<String>) -> Self {
        SyntaxError { position: Some(position), message: message.into() }
    }

    fn plain(message: impl Into<String>) -> Self {
        SyntaxError { position: None, message: message.into() }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some(position) => write!(f, "At {position}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for SyntaxError {}

/// Parses HCL 1, or JSON when the text starts with `{`, into an ordered map.
///
/// A block or object under a key is a list with one map; repeated keys append to that list.
pub fn parse(source: &[u8]) -> Result<hcl::Map<String, hcl::Value>, SyntaxError> {
    let text = as_text(source)?;
    if is_json(text) {
        return json::parse_object(text).map(value::from_json).map_err(SyntaxError::plain);
    }
    let text = text.replace("\r\n", "\n");
    let items = parser::parse(&text, Repeated::Allowed)?;
    value::object("root", items)
}

fn as_text(source: &[u8]) -> Result<&str, SyntaxError> {
    std::str::from_utf8(source).map_err(|error| {
        let valid = std::str::from_utf8(&source[..error.valid_up_to()]).expect("valid_up_to ends a valid prefix");
        let line = valid.matches('\n').count() + 1;
        let column = valid.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        SyntaxError::at(Position { line, column }, "illegal UTF-8 encoding")
    })
}

fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

#[cfg(test)]
mod tests;
