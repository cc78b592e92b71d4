//! A parsed text before it is shaped into values: for decoders that show places and tell blocks from assignments.

use super::parser::{self, Item, Node, Repeated};
use super::scanner::Kind;
use super::{Position, SyntaxError, as_text, is_json, value};
use crate::config::json;
use crate::types::secret::hidden;
use std::fmt;

/// A value with its place. Values that came from JSON have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub kind: TreeKind,
}

/// The forms of a value. A text may be a secret: `Debug` tells its length alone.
#[derive(Clone, derive_more::Debug, PartialEq, Eq)]
pub enum TreeKind {
    /// A string, or a number as it was written; JSON's `null` is empty.
    #[debug("Text({}, {} bytes)", hidden(_0), _0.len())]
    Text(String),
    /// `true` or `false`.
    Bool,
    /// A list.
    List(Vec<Tree>),
    /// An object.
    Object(Vec<Entry>),
}

/// One assignment or block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Key and labels; at least one.
    pub keys: Vec<String>,
    /// Where it begins.
    pub place: Place,
    /// What it holds.
    pub value: Tree,
}

/// A position, if there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place(pub Option<Position>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(position) => position.fmt(f),
            None => f.write_str("-"),
        }
    }
}

/// Parses HCL 1, or JSON when the text starts with `{`. An argument that is set twice in one object is an error.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse(source: &[u8]) -> Result<Vec<Entry>, SyntaxError> {
    let text = as_text(source)?;
    if is_json(text) {
        return Ok(match from_json(json::parse_unique(text)?).kind {
            TreeKind::Object(entries) => entries,
            _ => unreachable!("the text begins with a brace"),
        });
    }
    let text = text.replace("\r\n", "\n");
    parser::parse(&text, Repeated::Refused)?.into_iter().map(entry).collect()
}

fn entry(item: Item<'_>) -> Result<Entry, SyntaxError> {
    let keys: Result<Vec<String>, SyntaxError> = item.keys.iter().map(value::key_text).collect();
    Ok(Entry { keys: keys?, place: Place(Some(item.keys[0].position)), value: node(item.value)? })
}

fn node(node: Node<'_>) -> Result<Tree, SyntaxError> {
    let place = Place(Some(node.position()));
    let kind = match node {
        Node::Literal(token) => match token.kind {
            Kind::Bool => TreeKind::Bool,
            Kind::Number | Kind::Float => TreeKind::Text(token.text.to_owned()),
            _ => TreeKind::Text(value::text(&token)?),
        },
        Node::List(_, nodes) => TreeKind::List(nodes.into_iter().map(self::node).collect::<Result<_, _>>()?),
        Node::Object(_, items) => TreeKind::Object(items.into_iter().map(entry).collect::<Result<_, _>>()?),
    };
    Ok(Tree { place, kind })
}

fn from_json(value: hcl::Value) -> Tree {
    let nowhere = Place(None);
    let kind = match value {
        hcl::Value::Null => TreeKind::Text(String::new()),
        hcl::Value::Bool(_) => TreeKind::Bool,
        hcl::Value::Number(number) => TreeKind::Text(number.to_string()),
        hcl::Value::String(text) => TreeKind::Text(text),
        hcl::Value::Array(values) => TreeKind::List(values.into_iter().map(from_json).collect()),
        hcl::Value::Object(map) => TreeKind::Object(
            map.into_iter()
                .map(|(key, value)| Entry { keys: vec![key], place: nowhere, value: from_json(value) })
                .collect(),
        ),
    };
    Tree { place: nowhere, kind }
}
