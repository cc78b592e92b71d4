//! Raw values to a tree with known keys and types, as the reference decodes (`spec/agent-config.md` 1.1).
//!
//! Keys lose their letter case and aliases; lists of one are unwrapped where one value is wanted; types are strict. All
//! errors of a source are reported together.

use super::Format;
use super::schema::{self, Key, Kind, Note};
use hcl::Value as Raw;
use serde_json::{Map, Value};

/// A decoded object: canonical keys, values of the kinds that the table gives them.
pub type Tree = Map<String, Value>;

/// What decoding found besides the values.
#[derive(Default)]
struct Findings {
    /// What messages call a whole number: JSON knows only floats.
    whole_number: &'static str,
    type_errors: Vec<String>,
    unknown: Vec<String>,
    warnings: Vec<String>,
}

/// Decodes one source. The error is the text that follows `failed to parse <name>: `.
pub fn decode(raw: hcl::Map<String, Raw>, keys: &'static [Key], format: Format) -> Result<(Tree, Vec<String>), String> {
    let whole_number = if format == Format::Json { "float64" } else { "int" };
    let mut findings = Findings { whole_number, ..Findings::default() };
    let tree = findings.object("", raw, keys);
    if !findings.type_errors.is_empty() {
        findings.type_errors.sort();
        let count = findings.type_errors.len();
        let list: Vec<String> = findings.type_errors.iter().map(|error| format!("* {error}")).collect();
        return Err(format!("{count} error(s) decoding:\n\n{}", list.join("\n")));
    }
    if !findings.unknown.is_empty() {
        return Err(error_list(findings.unknown.iter().map(|key| format!("invalid config key {key}"))));
    }
    Ok((tree, findings.warnings))
}

/// Several errors as one text: a count, then one indented line each, then an empty line.
pub fn error_list(errors: impl IntoIterator<Item = String>) -> String {
    let errors: Vec<String> = errors.into_iter().collect();
    let head = if errors.len() == 1 { "1 error".to_string() } else { format!("{} errors", errors.len()) };
    let lines: Vec<String> = errors.iter().map(|error| format!("\t* {error}")).collect();
    format!("{head} occurred:\n{}\n\n", lines.join("\n"))
}

/// The only element of a list of one; anything else as it is.
fn unwrap_single(raw: Raw) -> Raw {
    match raw {
        Raw::Array(mut values) if values.len() == 1 => values.pop().expect("one element"),
        other => other,
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_string() } else { format!("{path}.{name}") }
}

impl Findings {
    /// Name of a value's type as messages show it.
    fn type_name(&self, raw: &Raw) -> &'static str {
        match raw {
            Raw::Bool(_) => "bool",
            Raw::Number(number) if number.is_f64() => "float64",
            Raw::Number(_) => self.whole_number,
            Raw::String(_) => "string",
            Raw::Array(_) => "slice",
            Raw::Object(_) => "map",
            _ => "interface",
        }
    }

    fn object(&mut self, path: &str, raw: hcl::Map<String, Raw>, keys: &'static [Key]) -> Tree {
        let mut tree = Tree::new();
        let mut unknown = Vec::new();
        for (name, value) in raw {
            let at = join(path, &name);
            let Some(key) = schema::find(keys, &name) else {
                if at.eq_ignore_ascii_case("acl_enforce_version_8") {
                    self.warnings
                        .push("config key \"acl_enforce_version_8\" is deprecated and should be removed".to_string());
                } else {
                    unknown.push(at);
                }
                continue;
            };
            if matches!(value, Raw::Null) {
                continue;
            }
            if let Note::Enterprise(label) = key.note
                && is_set(&value)
            {
                self.warnings.push(format!("\"{label}\" is a Consul Enterprise configuration and will have no effect"));
            }
            if let Some(value) = self.value(&join(path, key.name), value, key.kind) {
                tree.insert(key.name.to_string(), value);
            }
        }
        unknown.sort();
        self.unknown.append(&mut unknown);
        tree
    }

    fn mismatch(&mut self, path: &str, expected: &str, raw: &Raw) -> Option<Value> {
        let got = self.type_name(raw);
        self.type_errors.push(format!("'{path}' expected type '{expected}', got unconvertible type '{got}'"));
        None
    }

    fn value(&mut self, path: &str, raw: Raw, kind: Kind) -> Option<Value> {
        match kind {
            Kind::Bool => match unwrap_single(raw) {
                Raw::Bool(value) => Some(Value::Bool(value)),
                raw => self.mismatch(path, "bool", &raw),
            },
            Kind::Int => match unwrap_single(raw) {
                Raw::Number(number) => Some(Value::from(whole(&number))),
                raw => self.mismatch(path, "int", &raw),
            },
            Kind::Uint => match unwrap_single(raw) {
                Raw::Number(number) => match u32::try_from(whole(&number)) {
                    Ok(value) => Some(Value::from(value)),
                    Err(_) => {
                        self.type_errors.push(format!("cannot parse '{path}', {number} overflows uint"));
                        None
                    }
                },
                raw => self.mismatch(path, "uint32", &raw),
            },
            Kind::Float => match unwrap_single(raw) {
                Raw::Number(number) => number.as_f64().map(Value::from),
                raw => self.mismatch(path, "float64", &raw),
            },
            Kind::Text => match unwrap_single(raw) {
                Raw::String(text) => Some(Value::String(text)),
                raw => self.mismatch(path, "string", &raw),
            },
            Kind::Texts => self.list(path, raw, Kind::Text),
            Kind::FreeList => self.list(path, raw, Kind::Free),
            Kind::Objects(keys) => self.list(path, raw, Kind::Object(keys)),
            Kind::TextMap => self.map(path, raw, Kind::Text),
            Kind::HeaderMap => self.map(path, raw, Kind::Texts),
            Kind::ObjectMap(keys) => self.map(path, joined(raw), Kind::Object(keys)),
            Kind::Free => match unwrap_single(raw) {
                raw @ Raw::Object(_) => Some(free(raw)),
                raw => self.no_map(path, &raw),
            },
            Kind::Object(keys) => match unwrap_single(raw) {
                Raw::Object(map) => Some(Value::Object(self.object(path, map, keys))),
                raw => self.no_map(path, &raw),
            },
        }
    }

    fn no_map(&mut self, path: &str, raw: &Raw) -> Option<Value> {
        let got = self.type_name(raw);
        self.type_errors.push(format!("'{path}' expected a map, got '{got}'"));
        None
    }

    fn list(&mut self, path: &str, raw: Raw, kind: Kind) -> Option<Value> {
        let Raw::Array(values) = raw else {
            let got = self.type_name(&raw);
            self.type_errors.push(format!("'{path}': source data must be an array or slice, got {got}"));
            return None;
        };
        let values = values.into_iter().enumerate();
        Some(values.filter_map(|(at, value)| self.value(&format!("{path}[{at}]"), value, kind)).collect())
    }

    fn map(&mut self, path: &str, raw: Raw, kind: Kind) -> Option<Value> {
        let Raw::Object(map) = unwrap_single(raw.clone()) else {
            return self.no_map(path, &raw);
        };
        let mut tree = Tree::new();
        for (name, value) in map {
            if let Some(value) = self.value(&format!("{path}[{name}]"), value, kind) {
                tree.insert(name, value);
            }
        }
        Some(Value::Object(tree))
    }
}

/// Blocks with one name and different labels stand in a list: one object that has all of them.
fn joined(raw: Raw) -> Raw {
    match raw {
        Raw::Array(blocks) if blocks.len() > 1 && blocks.iter().all(|block| matches!(block, Raw::Object(_))) => {
            let maps =
                blocks.into_iter().filter_map(|block| if let Raw::Object(map) = block { Some(map) } else { None });
            Raw::Object(maps.flatten().collect())
        }
        other => other,
    }
}

fn whole(number: &hcl::Number) -> i64 {
    number.as_i64().unwrap_or_else(|| number.as_f64().map_or(0, |float| float as i64))
}

/// False for values that leave an enterprise feature off.
fn is_set(raw: &Raw) -> bool {
    match raw {
        Raw::Bool(on) => *on,
        Raw::String(text) => !text.is_empty(),
        Raw::Array(values) => !values.is_empty(),
        _ => true,
    }
}

/// A value without known keys; a list of one object is that object, because a block cannot say which it is.
fn free(raw: Raw) -> Value {
    match raw {
        Raw::Null => Value::Null,
        Raw::Bool(value) => Value::Bool(value),
        Raw::Number(number) => match number.as_i64() {
            Some(whole) => Value::from(whole),
            None => number.as_f64().map_or(Value::Null, Value::from),
        },
        Raw::String(text) => Value::String(text),
        Raw::Array(mut values) if values.len() == 1 && matches!(values[0], Raw::Object(_)) => {
            free(values.pop().expect("one element"))
        }
        Raw::Array(values) => values.into_iter().map(free).collect(),
        Raw::Object(map) => map.into_iter().map(|(key, value)| (key, free(value))).collect(),
    }
}

/// Lays `over` on `base`: scalars replace, lists append, maps and objects merge key by key.
pub fn merge(base: &mut Tree, over: Tree, keys: &'static [Key]) {
    for (name, value) in over {
        let kind = schema::find(keys, &name).map(|key| key.kind);
        match (base.get_mut(&name), value) {
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
            (Some(Value::Object(known)), Value::Object(more)) => match kind {
                Some(Kind::Object(inner)) => merge(known, more, inner),
                _ => known.extend(more),
            },
            (_, value) => {
                base.insert(name, value);
            }
        }
    }
}
