//! Lines of the log: hclog's text and JSON (`spec/cli.md` 10.5).

use chrono::{DateTime, Local};
use serde_json::{Map, Value};
use std::fmt::{self, Write};
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

/// A value of a pair. Texts are quoted where needed; an empty one is shown as `""`, an empty printed value as nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Pair {
    /// A string field.
    Text(String),
    /// What `%value` or `?value` printed.
    Printed(String),
    /// A number or a flag.
    Plain(Value),
}

/// A log record, independent of its form.
#[derive(Clone, Debug)]
pub struct Record {
    /// When.
    pub time: DateTime<Local>,
    /// How bad.
    pub level: Level,
    /// Dotted logger name.
    pub module: String,
    /// Message.
    pub message: String,
    /// Pairs in the order given.
    pub pairs: Vec<(String, Pair)>,
}

impl Record {
    /// The record of an event that happens now.
    pub fn of(event: &Event<'_>) -> Record {
        let mut record = Record {
            time: Local::now(),
            level: *event.metadata().level(),
            module: module_name(event.metadata().target()),
            message: String::new(),
            pairs: Vec::new(),
        };
        event.record(&mut record);
        record
    }

    fn add(&mut self, field: &Field, pair: Pair) {
        match (field.name(), pair) {
            ("message", Pair::Text(text) | Pair::Printed(text)) => self.message = text,
            (name, pair) => self.pairs.push((name.to_owned(), pair)),
        }
    }

    /// The text line with its newline.
    pub fn text(&self) -> String {
        let mut line = self.time.format("%Y-%m-%dT%H:%M:%S%.3f").to_string();
        line.push_str(&zone(&self.time, "%z"));
        let _ = write!(line, " {:<7} {}: {}", format!("[{}]", self.level), self.module, self.message);
        if !self.pairs.is_empty() {
            line.push(':');
        }
        for (key, pair) in &self.pairs {
            write_pair(&mut line, key, pair);
        }
        line.push('\n');
        line
    }

    /// The JSON object, its keys sorted, with a newline.
    pub fn json(&self) -> String {
        let mut time = self.time.format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
        time.push_str(&zone(&self.time, "%:z"));
        let mut keys: Vec<(&str, Value)> = vec![
            ("@level", self.level.as_str().to_ascii_lowercase().into()),
            ("@message", self.message.clone().into()),
            ("@module", self.module.clone().into()),
            ("@timestamp", time.into()),
        ];
        keys.extend(self.pairs.iter().map(|(key, pair)| {
            let value = match pair {
                Pair::Text(text) | Pair::Printed(text) => text.clone().into(),
                Pair::Plain(value) => value.clone(),
            };
            (key.as_str(), value)
        }));
        keys.sort_by_key(|(key, _)| *key);
        let object: Map<String, Value> = keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        format!("{}\n", Value::Object(object))
    }
}

impl Visit for Record {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, Pair::Plain(value.into()));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, Pair::Plain(value.into()));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, Pair::Plain(value.into()));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, Pair::Plain(value.into()));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, Pair::Text(value.to_owned()));
    }
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, Pair::Printed(format!("{value:?}")));
    }
}

/// `Z`, or the offset in the given format.
fn zone(time: &DateTime<Local>, format: &str) -> String {
    if time.offset().local_minus_utc() == 0 { "Z".into() } else { time.format(format).to_string() }
}

/// Our own targets are logger names; those of libraries become one.
fn module_name(target: &str) -> String {
    if is_own(target) { target.to_owned() } else { format!("agent.{}", target.split("::").next().unwrap_or(target)) }
}

/// The target names a logger of this house.
pub fn is_own(target: &str) -> bool {
    target == "agent" || target.starts_with("agent.")
}

fn write_pair(line: &mut String, key: &str, pair: &Pair) {
    let value = match pair {
        Pair::Text(text) if text.is_empty() => "\"\"".to_owned(),
        Pair::Text(text) | Pair::Printed(text) if text.contains('\n') => {
            let _ = write!(line, "\n  {key}=\n");
            text.lines().for_each(|part| line.extend(["  | ", part, "\n"]));
            line.push_str("  ");
            return;
        }
        Pair::Text(text) | Pair::Printed(text) if needs_quotes(text) => quote(text),
        Pair::Text(text) | Pair::Printed(text) => text.clone(),
        Pair::Plain(value) => value.to_string(),
    };
    let _ = write!(line, " {key}={value}");
}

fn needs_quotes(text: &str) -> bool {
    text.chars().any(|c| c.is_whitespace() || c == '"' || c == '=' || c.is_control())
}

/// Go's `strconv.Quote`.
fn quote(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() && (c as u32) < 0x100 => {
                let _ = write!(out, "\\x{:02x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(pairs: &[(&str, Pair)]) -> Record {
        Record {
            time: "2026-11-20T22:05:18.353Z".parse::<DateTime<chrono::Utc>>().expect("a time").into(),
            level: Level::INFO,
            module: "agent.server.raft".into(),
            message: "entering follower state".into(),
            pairs: pairs.iter().map(|(key, pair)| ((*key).to_owned(), pair.clone())).collect(),
        }
    }

    fn tail(record: &Record) -> String {
        record.text().split_once("] ").expect("a level").1.trim_start().to_owned()
    }

    #[test]
    fn text_lines_are_those_of_hclog() {
        let text = |text: &str| Pair::Text(text.into());
        let printed = |text: &str| Pair::Printed(text.into());
        let cases = [
            (vec![], "\n"),
            (
                vec![("follower", text("Node at 10.0.0.1:8300 [Follower]")), ("leader-id", printed(""))],
                ": follower=\"Node at 10.0.0.1:8300 [Follower]\" leader-id=\n",
            ),
            (vec![("error", text("a \"b\"\\\t\u{1}"))], ": error=\"a \\\"b\\\"\\\\\\t\\x01\"\n"),
            (vec![("empty", text("")), ("n", Pair::Plain(3.into()))], ": empty=\"\" n=3\n"),
            (vec![("output", text("one\ntwo")), ("a", text("b"))], ":\n  output=\n  | one\n  | two\n   a=b\n"),
        ];
        for (pairs, expected) in cases {
            assert_eq!(tail(&record(&pairs)), format!("agent.server.raft: entering follower state{expected}"));
        }
    }

    #[test]
    fn levels_are_padded_to_one_column() {
        for (level, padded) in [
            (Level::TRACE, "[TRACE] agent"),
            (Level::DEBUG, "[DEBUG] agent"),
            (Level::INFO, "[INFO]  agent"),
            (Level::WARN, "[WARN]  agent"),
            (Level::ERROR, "[ERROR] agent"),
        ] {
            let line = Record { level, ..record(&[]) }.text();
            assert!(line.contains(padded), "{line}");
        }
    }

    #[test]
    fn json_lines_have_sorted_keys_and_native_values() {
        let line = record(&[("n", Pair::Plain(3.into())), ("b", Pair::Text("x".into()))]).json();
        let value: Value = serde_json::from_str(&line).expect("JSON");
        let keys: Vec<&String> = value.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["@level", "@message", "@module", "@timestamp", "b", "n"]);
        assert_eq!((&value["@level"], &value["n"]), (&"info".into(), &3.into()));
        let time = value["@timestamp"].as_str().expect("a text");
        assert_eq!(time.len() - time.find('.').expect("a fraction") - 1, if time.ends_with('Z') { 7 } else { 12 });
    }
}
