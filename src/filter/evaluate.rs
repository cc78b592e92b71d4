//! Syntax to a checked program, and its evaluation on borrowed values.

use super::coerce::{parse_bool, parse_int, parse_uint};
use super::go_regex;
use super::parse::{Op, Syntax};
use super::value::{Kind, Table, Value};
use regex::Regex;
use std::net::IpAddr;

/// A checked expression.
pub enum Program {
    /// True if one is.
    Any(Vec<Program>),
    /// True if all are.
    All(Vec<Program>),
    /// The opposite.
    Not(Box<Program>),
    /// One comparison.
    Match(Comparison),
}

/// A field and what is asked of it.
pub struct Comparison {
    steps: Vec<Step>,
    test: Test,
    negated: bool,
    /// Answer when a map on the way lacks the key.
    missing: bool,
}

enum Step {
    Field(usize),
    Key(String),
}

enum Test {
    SameStr(String),
    SameBool(bool),
    SameInt(i64),
    SameUint(u64),
    /// Substring, element or key.
    Has(String),
    HasByte(u8),
    Empty,
    Regex(Regex),
}

/// Resolves selectors, checks operators and converts literals.
pub fn compile(syntax: &Syntax, table: &'static dyn Table) -> Result<Program, String> {
    let all = |terms: &[Syntax]| terms.iter().map(|term| compile(term, table)).collect::<Result<Vec<_>, _>>();
    Ok(match syntax {
        Syntax::Any(terms) => Program::Any(all(terms)?),
        Syntax::All(terms) => Program::All(all(terms)?),
        Syntax::Not(inner) => Program::Not(Box::new(compile(inner, table)?)),
        Syntax::Match(path, op, literal) => Program::Match(comparison(path, *op, literal, table)?),
    })
}

fn comparison(path: &[String], op: Op, literal: &str, table: &'static dyn Table) -> Result<Comparison, String> {
    let (steps, kind) = resolve(path, table)?;
    let selector = || path.join(".");
    let coerced = |error| format!("Failed to coerce value {literal:?} for selector {:?}: {error}", selector());
    let text = || literal.to_owned();
    let test = match (op, kind) {
        (Op::Equal | Op::NotEqual, Kind::Str) => Test::SameStr(text()),
        (Op::Equal | Op::NotEqual, Kind::Bool) => Test::SameBool(parse_bool(literal).map_err(coerced)?),
        (Op::Equal | Op::NotEqual, Kind::Int) => Test::SameInt(parse_int(literal).map_err(coerced)?),
        (Op::Equal | Op::NotEqual, Kind::Uint(bits)) => Test::SameUint(parse_uint(literal, bits).map_err(coerced)?),
        (Op::In | Op::NotIn, Kind::Str | Kind::Strs | Kind::Map(_)) => Test::Has(text()),
        (Op::In | Op::NotIn, Kind::Bytes) => Test::HasByte(parse_uint(literal, 8).map_err(coerced)? as u8),
        (Op::IsEmpty | Op::IsNotEmpty, Kind::Strs | Kind::Bytes | Kind::Map(_) | Kind::Objects(_)) => Test::Empty,
        (Op::Matches | Op::NotMatches, Kind::Str) => Test::Regex(
            go_regex::compile(literal)
                .map_err(|error| format!("Failed to compile regular expression {literal:?}: {error}"))?,
        ),
        _ => return Err(format!("Invalid match operator {:?} for selector {:?}", op.name(), selector())),
    };
    Ok(Comparison {
        steps,
        test,
        negated: matches!(op, Op::NotEqual | Op::NotIn | Op::IsNotEmpty | Op::NotMatches),
        missing: !matches!(op, Op::Equal | Op::In | Op::IsNotEmpty),
    })
}

fn resolve(path: &[String], table: &'static dyn Table) -> Result<(Vec<Step>, Kind), String> {
    let mut kind = Kind::Object(table);
    let mut steps = Vec::with_capacity(path.len());
    for (index, part) in path.iter().enumerate() {
        let invalid = || format!("Selector {:?} is not valid", path[..=index].join("."));
        match kind {
            Kind::Object(table) | Kind::Objects(table) => {
                let (field, next) = table.find(part).ok_or_else(invalid)?;
                steps.push(Step::Field(field));
                kind = next;
            }
            Kind::Map(value) => {
                steps.push(Step::Key(part.clone()));
                kind = *value;
            }
            _ => return Err(invalid()),
        }
    }
    Ok((steps, kind))
}

impl Program {
    /// Evaluates with short circuit.
    pub fn run(&self, row: Value<'_>) -> bool {
        match self {
            Program::Any(terms) => terms.iter().any(|term| term.run(row)),
            Program::All(terms) => terms.iter().all(|term| term.run(row)),
            Program::Not(inner) => !inner.run(row),
            Program::Match(comparison) => comparison.run(&comparison.steps, row),
        }
    }
}

impl Comparison {
    fn run(&self, steps: &[Step], value: Value<'_>) -> bool {
        match (steps.split_first(), value) {
            (None, value) => self.test.run(value) != self.negated,
            (Some(_), Value::Objects(rows)) => {
                (0..rows.len()).any(|index| self.run(steps, Value::Object(rows.item(index))))
            }
            (Some((Step::Field(field), rest)), Value::Object(row)) => self.run(rest, row.field(*field)),
            (Some((Step::Key(key), rest)), Value::Map(map)) => match map.and_then(|map| map.get(key)) {
                Some(value) => self.run(rest, value),
                None => self.missing,
            },
            _ => unreachable!("steps were resolved against the kinds of the row's own table"),
        }
    }
}

impl Test {
    fn run(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (Test::SameStr(wanted), Value::Str(text)) => wanted == text,
            (Test::SameBool(wanted), Value::Bool(value)) => *wanted == value,
            (Test::SameInt(wanted), Value::Int(value)) => *wanted == value,
            (Test::SameUint(wanted), Value::Uint(value)) => *wanted == value,
            (Test::Has(part), Value::Str(text)) => text.contains(part.as_str()),
            (Test::Has(item), Value::Strs(items)) => items.contains(item),
            (Test::Has(key), Value::Map(map)) => map.is_some_and(|map| map.get(key).is_some()),
            (Test::HasByte(byte), Value::Bytes(bytes)) => bytes.contains(byte),
            (Test::HasByte(byte), Value::Ip(Some(IpAddr::V4(ip)))) => ip.octets().contains(byte),
            (Test::HasByte(byte), Value::Ip(Some(IpAddr::V6(ip)))) => ip.octets().contains(byte),
            (Test::HasByte(_), Value::Ip(None)) => false,
            (Test::Empty, Value::Strs(items)) => items.is_empty(),
            (Test::Empty, Value::Bytes(bytes)) => bytes.is_empty(),
            (Test::Empty, Value::Ip(ip)) => ip.is_none(),
            (Test::Empty, Value::Map(map)) => map.is_none_or(|map| map.is_empty()),
            (Test::Empty, Value::Objects(rows)) => rows.is_empty(),
            (Test::Regex(regex), Value::Str(text)) => regex.is_match(text),
            _ => unreachable!("tests were chosen by the kind of the field"),
        }
    }
}
