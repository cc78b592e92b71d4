//! Items to values: labels become nested objects, repeated keys merge, literals get their type.

use super::SyntaxError;
use super::parser::{Item, Node};
use super::scanner::{Kind, Token};
use hcl::{Map, Value};

/// Builds one object. `name` is the path that messages show.
pub fn object(name: &str, items: Vec<Item<'_>>) -> Result<Map<String, Value>, SyntaxError> {
    let mut map = Map::new();
    for item in items {
        let mut keys = item.keys.iter();
        let first = keys.next().expect("the parser gives every item a key");
        let key = key_text(first)?;
        let path = format!("{name}.{key}");
        let position = item.value.position();
        let kind = node_type(&item.value);
        let mut value = node(&path, item.value, false)?;
        for label in keys.rev() {
            let inner = Map::from_iter([(key_text(label)?, value)]);
            value = Value::Array(vec![Value::Object(inner)]);
        }
        match (map.get_mut(&key), value) {
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
            (Some(Value::Array(_)), _) => {
                return Err(SyntaxError::at(position, format!("unknown slice type: {kind}")));
            }
            (Some(Value::String(_)), Value::Array(_)) => {
                return Err(SyntaxError::at(position, format!("{path}: unknown type for string {kind}")));
            }
            (Some(_), Value::Array(_)) => {
                return Err(SyntaxError::at(position, format!("{path}: unknown type {kind}")));
            }
            (_, value) => {
                map.insert(key, value);
            }
        }
    }
    Ok(map)
}

/// The reference's name of a node's type, which its messages show.
fn node_type(node: &Node<'_>) -> &'static str {
    match node {
        Node::Literal(_) => "*ast.LiteralType",
        Node::List(..) => "*ast.ListType",
        Node::Object(..) => "*ast.ObjectType",
    }
}

fn node(path: &str, node: Node<'_>, in_list: bool) -> Result<Value, SyntaxError> {
    Ok(match node {
        Node::Literal(token) => literal(&token)?,
        Node::List(_, nodes) => {
            let values = nodes.into_iter().map(|item| self::node(path, item, true));
            Value::Array(values.collect::<Result<_, _>>()?)
        }
        Node::Object(_, items) => {
            let map = Value::Object(object(path, items)?);
            if in_list { map } else { Value::Array(vec![map]) }
        }
    })
}

pub fn key_text(token: &Token<'_>) -> Result<String, SyntaxError> {
    if token.kind == Kind::Text { unquote(token) } else { Ok(token.text.to_string()) }
}

fn literal(token: &Token<'_>) -> Result<Value, SyntaxError> {
    match token.kind {
        Kind::Bool => Ok(Value::Bool(token.text == "true")),
        Kind::Number => integer(token.text).map(Value::from).map_err(SyntaxError::plain),
        Kind::Float => float(token.text).map(Value::from).map_err(SyntaxError::plain),
        _ => text(token).map(Value::String),
    }
}

/// The text of a quoted literal or a heredoc.
pub fn text(token: &Token<'_>) -> Result<String, SyntaxError> {
    if token.kind == Kind::Heredoc { Ok(heredoc(token.text)) } else { unquote(token) }
}

/// Go's `strconv.ParseInt(text, 0, 64)` for what the scanner lets through.
fn integer(text: &str) -> Result<i64, String> {
    let fail = |why: &str| format!("strconv.ParseInt: parsing {text:?}: {why}");
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |digits| ("-", digits));
    let (base, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if !digits.chars().all(|c| c.is_digit(base)) {
        return Err(fail("invalid syntax"));
    }
    i64::from_str_radix(&format!("{sign}{digits}"), base).map_err(|_| fail("value out of range"))
}

fn float(text: &str) -> Result<f64, String> {
    let fail = |why: &str| format!("strconv.ParseFloat: parsing {text:?}: {why}");
    let number: f64 = text.parse().map_err(|_| fail("invalid syntax"))?;
    if number.is_infinite() { Err(fail("value out of range")) } else { Ok(number) }
}

/// The text between the anchors; `<<-` removes the indentation of the closing anchor if every line has it.
fn heredoc(text: &str) -> String {
    let (head, rest) = text.split_once('\n').expect("the scanner ends the anchor with a newline");
    let body = rest.strip_suffix('\n').unwrap_or(rest);
    let (lines, closing) = match body.rfind('\n') {
        Some(at) => body.split_at(at + 1),
        None => ("", body),
    };
    if !head.starts_with("<<-") {
        return lines.to_string();
    }
    let indent = &closing[..closing.len() - closing.trim_start().len()];
    let stripped: Option<String> = lines.split_inclusive('\n').map(|line| line.strip_prefix(indent)).collect();
    stripped.unwrap_or_else(|| lines.to_string())
}

/// The text of a quoted literal; `${...}` is left alone.
fn unquote(token: &Token<'_>) -> Result<String, SyntaxError> {
    let invalid = || SyntaxError::at(token.position, "invalid syntax in string");
    let inner = token.text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).ok_or_else(invalid)?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut chars = inner.chars().peekable();
    let mut braces = 0usize;
    while let Some(c) = chars.next() {
        let mut push = |c: char| bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        if braces > 0 {
            match c {
                '{' => braces += 1,
                '}' => braces -= 1,
                _ => {}
            }
            push(c);
            continue;
        }
        match c {
            '$' if chars.peek() == Some(&'{') => {
                chars.next();
                push('$');
                push('{');
                braces = 1;
            }
            '\\' => match escape(&mut chars).ok_or_else(invalid)? {
                Escape::Char(c) => push(c),
                Escape::Byte(byte) => bytes.push(byte),
            },
            c => push(c),
        }
    }
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

enum Escape {
    Char(char),
    /// `\x` and octal escapes give one byte.
    Byte(u8),
}

/// What follows a backslash.
fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<Escape> {
    let rune = |code: u32| Escape::Char(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
    let first = chars.next()?;
    let mut number = |first: u32, count: usize, base: u32| {
        (0..count).try_fold(first, |sum, _| sum.checked_mul(base)?.checked_add(chars.next()?.to_digit(base)?))
    };
    Some(match first {
        'a' => Escape::Char('\x07'),
        'b' => Escape::Char('\x08'),
        'f' => Escape::Char('\x0c'),
        'n' => Escape::Char('\n'),
        'r' => Escape::Char('\r'),
        't' => Escape::Char('\t'),
        'v' => Escape::Char('\x0b'),
        '\\' | '"' => Escape::Char(first),
        '0'..='7' => Escape::Byte(u8::try_from(number(first.to_digit(8)?, 2, 8)?).ok()?),
        'x' => Escape::Byte(u8::try_from(number(0, 2, 16)?).ok()?),
        'u' => rune(number(0, 4, 16)?),
        'U' => rune(number(0, 8, 16)?),
        _ => return None,
    })
}

/// Reads a JSON object as HCL shapes it: objects under keys are lists of one, null is empty text.
pub fn from_json(object: Map<String, Value>) -> Map<String, Value> {
    fn shape(value: Value, in_list: bool) -> Value {
        match value {
            Value::Null => Value::String(String::new()),
            Value::Array(values) => Value::Array(values.into_iter().map(|value| shape(value, true)).collect()),
            Value::Object(map) if in_list => Value::Object(from_json(map)),
            Value::Object(map) => Value::Array(vec![Value::Object(from_json(map))]),
            other => other,
        }
    }
    object.into_iter().map(|(key, value)| (key, shape(value, false))).collect()
}
