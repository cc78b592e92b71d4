//! What a body may contain, as tables, and the walk that holds a body against its table (`spec/http-api.md` 1.5):
//! keys without case, aliases, unknown fields, nulls, durations, and Go's words for values of the wrong type.

use super::scan::Json;
use crate::types::GoDuration;
pub use crate::types::go_quote;
use serde_json::{Map, Value};

/// The type of a field.
#[derive(Debug)]
pub enum Kind {
    /// A string.
    Text,
    /// A string whose Go type has a name of its own.
    Named(&'static str),
    /// A bool.
    Bool,
    /// A signed integer.
    Int,
    /// An unsigned integer.
    Uint,
    /// A float.
    Float,
    /// Text such as `10s`, or a number of nanoseconds; becomes the number. Other values are ignored.
    Duration,
    /// Bytes in base64.
    Base64,
    /// Anything, kept with sorted keys.
    Any,
    /// An object of anything.
    AnyMap,
    /// Anything, dropped.
    Ignored,
    /// An array, and its Go type.
    List(&'static Kind, &'static str),
    /// An object with free keys, and its Go type.
    Map(&'static Kind, &'static str),
    /// An object with the fields of a table.
    Object(&'static Shape),
}

/// A list of strings.
pub const TEXTS: Kind = Kind::List(&Kind::Text, "[]string");
/// A map of strings.
pub const TEXT_MAP: Kind = Kind::Map(&Kind::Text, "map[string]string");
/// HTTP headers.
pub const HEADERS: Kind = Kind::Map(&TEXTS, "map[string][]string");

/// A field of an object.
#[derive(Debug)]
pub struct Field {
    /// Canonical key; matched without case.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// Other keys for it. The canonical key wins when both are non-zero.
    pub aliases: &'static [&'static str],
}

/// A field without aliases.
pub const fn field(name: &'static str, kind: Kind) -> Field {
    Field { name, kind, aliases: &[] }
}

/// A field with aliases.
pub const fn alias(name: &'static str, kind: Kind, aliases: &'static [&'static str]) -> Field {
    Field { name, kind, aliases }
}

/// An object type.
#[derive(Debug)]
pub struct Shape {
    /// Name of the Go struct in errors about its fields; empty for those that decode themselves.
    pub name: &'static str,
    /// Go type in errors about the object itself.
    pub go_type: &'static str,
    /// The type decodes itself: errors inside are reported at the field that holds it.
    pub custom: bool,
    /// Unknown keys are ignored.
    pub lenient: bool,
    /// Absent fields are written as zero, for domain structs whose default is something else.
    pub fill: bool,
    /// The fields.
    pub fields: &'static [&'static [Field]],
}

impl Shape {
    fn find(&self, key: &str) -> Option<(&'static Field, bool)> {
        let all = || self.fields.iter().flat_map(|group| group.iter());
        let exact = all().find(|field| field.name == key).map(|field| (field, false));
        exact
            .or_else(|| all().find(|field| field.aliases.contains(&key)).map(|field| (field, true)))
            .or_else(|| all().find(|field| field.name.eq_ignore_ascii_case(key)).map(|field| (field, false)))
            .or_else(|| {
                let same = |alias: &&str| alias.eq_ignore_ascii_case(key);
                all().find(|field| field.aliases.iter().any(same)).map(|field| (field, true))
            })
    }
}

/// Where the walk is, for errors.
#[derive(Default)]
struct Place {
    /// Go struct whose field is being read.
    owner: &'static str,
    /// Fields from the root.
    path: Vec<&'static str>,
    /// Inside a type that decodes itself: the place stays as it is.
    frozen: bool,
}

impl Place {
    fn mismatch<T>(&self, value: &str, go_type: &str) -> Result<T, String> {
        if self.owner.is_empty() && self.path.is_empty() {
            return Err(format!("json: cannot unmarshal {value} into Go value of type {go_type}"));
        }
        let (owner, path) = (self.owner, self.path.join("."));
        Err(format!("json: cannot unmarshal {value} into Go struct field {owner}.{path} of type {go_type}"))
    }
}

/// Holds a body against the type of its root. `None` is a `null` body.
///
/// # Errors
/// The first thing that does not fit, in Go's words.
pub fn fit(json: Json<'_>, kind: &Kind) -> Result<Option<Value>, String> {
    walk(json, kind, &mut Place::default())
}

fn walk(json: Json<'_>, kind: &Kind, place: &mut Place) -> Result<Option<Value>, String> {
    if matches!(json, Json::Null) {
        return Ok(None);
    }
    let word = json.word();
    let value = match (kind, json) {
        (Kind::Ignored, _) => return Ok(None),
        (Kind::Any, json) => any(json),
        (Kind::AnyMap, json @ Json::Object(_)) => any(json),
        (Kind::Text | Kind::Named(_) | Kind::Base64, Json::Text(text)) => Value::String(text.into_owned()),
        (Kind::Bool, Json::Bool(flag)) => Value::Bool(flag),
        (Kind::Int, Json::Number(text)) => match text.parse::<i64>() {
            Ok(number) => number.into(),
            Err(_) => return place.mismatch(&format!("number {text}"), "int"),
        },
        (Kind::Uint, Json::Number(text)) => match text.parse::<u64>() {
            Ok(number) => number.into(),
            Err(_) => return place.mismatch(&format!("number {text}"), "uint64"),
        },
        (Kind::Float, Json::Number(text)) => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => number.into(),
            _ => return place.mismatch(&format!("number {text}"), "float64"),
        },
        (Kind::Duration, Json::Text(text)) => text.parse::<GoDuration>()?.0.into(),
        (Kind::Duration, Json::Number(text)) => (text.parse::<f64>().unwrap_or(0.0) as i64).into(),
        (Kind::Duration, _) => return Ok(None),
        (Kind::List(item, _), Json::List(items)) => return list(items, item, place).map(Some),
        (Kind::Map(item, _), Json::Object(members)) => return map(members, item, place).map(Some),
        (Kind::Object(shape), Json::Object(members)) => return object(members, shape, place).map(Some),
        (kind, _) => return place.mismatch(word, go_type(kind)),
    };
    Ok(Some(value))
}

fn go_type(kind: &Kind) -> &'static str {
    match kind {
        Kind::Text => "string",
        Kind::Named(name) | Kind::List(_, name) | Kind::Map(_, name) => name,
        Kind::Bool => "bool",
        Kind::Int => "int",
        Kind::Uint => "uint64",
        Kind::Float => "float64",
        Kind::Base64 => "[]uint8",
        Kind::AnyMap => "map[string]interface {}",
        Kind::Duration | Kind::Any | Kind::Ignored => "interface {}",
        Kind::Object(shape) => shape.go_type,
    }
}

/// What `null` is inside a list or map; `None` where it is left out.
fn zero(kind: &Kind) -> Option<Value> {
    match kind {
        Kind::Text | Kind::Named(_) => Some(Value::String(String::new())),
        Kind::Bool => Some(Value::Bool(false)),
        Kind::Int | Kind::Uint | Kind::Float | Kind::Duration => Some(0.into()),
        Kind::List(..) => Some(Value::Array(Vec::new())),
        Kind::Any => Some(Value::Null),
        Kind::Map(..) | Kind::AnyMap => Some(Value::Object(Map::new())),
        Kind::Base64 | Kind::Ignored | Kind::Object(_) => None,
    }
}

fn list(items: Vec<Json<'_>>, kind: &Kind, place: &mut Place) -> Result<Value, String> {
    let mut values = Vec::with_capacity(items.len());
    for item in items {
        values.extend(walk(item, kind, place)?.or_else(|| zero(kind)));
    }
    Ok(Value::Array(values))
}

fn map(members: Vec<(std::borrow::Cow<'_, str>, Json<'_>)>, kind: &Kind, place: &mut Place) -> Result<Value, String> {
    let mut values = Map::with_capacity(members.len());
    for (key, member) in members {
        if let Some(value) = walk(member, kind, place)?.or_else(|| zero(kind)) {
            values.insert(key.into_owned(), value);
        }
    }
    Ok(Value::Object(values))
}

fn object(
    members: Vec<(std::borrow::Cow<'_, str>, Json<'_>)>,
    shape: &'static Shape,
    place: &mut Place,
) -> Result<Value, String> {
    let mut values = Map::with_capacity(members.len());
    let mut aliased = Vec::new();
    let outer = place.owner;
    if !place.frozen {
        place.owner = shape.name;
    }
    for (key, member) in members {
        let Some((field, by_alias)) = shape.find(&key) else {
            if shape.lenient {
                continue;
            }
            return Err(format!("json: unknown field {}", go_quote(&key)));
        };
        let thawed = !place.frozen;
        if thawed {
            place.path.push(field.name);
            place.frozen = decodes_itself(&field.kind);
        }
        let value = walk(member, &field.kind, place)?;
        if thawed {
            place.path.pop();
            place.frozen = false;
        }
        if let Some(value) = value {
            if by_alias {
                aliased.push((field.name, value));
            } else {
                values.insert(field.name.to_owned(), value);
            }
        }
    }
    place.owner = outer;
    for (name, value) in aliased {
        if values.get(name).is_none_or(is_zero) {
            values.insert(name.to_owned(), value);
        }
    }
    if shape.fill {
        for field in shape.fields.iter().flat_map(|group| group.iter()) {
            if let (false, Some(value)) = (values.contains_key(field.name), zero(&field.kind)) {
                values.insert(field.name.to_owned(), value);
            }
        }
    }
    Ok(Value::Object(values))
}

/// The field's type, or the type of its items, reads itself from the bytes.
fn decodes_itself(kind: &Kind) -> bool {
    match kind {
        Kind::Object(shape) => shape.custom,
        Kind::List(item, _) | Kind::Map(item, _) => decodes_itself(item),
        _ => false,
    }
}

fn is_zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

/// An opaque value; keys sorted, as Go's maps come out again.
fn any(json: Json<'_>) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(flag) => Value::Bool(flag),
        Json::Number(text) => match (text.parse::<i64>(), text.parse::<u64>()) {
            (Ok(number), _) => number.into(),
            (_, Ok(number)) => number.into(),
            _ => text.parse::<f64>().map_or(Value::Null, Value::from),
        },
        Json::Text(text) => Value::String(text.into_owned()),
        Json::List(items) => Value::Array(items.into_iter().map(any).collect()),
        Json::Object(mut members) => {
            members.sort_by(|(a, _), (b, _)| a.cmp(b));
            Value::Object(members.into_iter().map(|(key, value)| (key.into_owned(), any(value))).collect())
        }
    }
}
