//! `snapshot decode`: the records of an archive as JSON lines (`spec/cli.md` 25).

use super::{file_argument, open};
use crate::cli::output::json;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};
use crate::raft::archive::{Records, State, type_name};
use crate::types::msgpack;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;
use std::io::BufReader;

/// The command.
pub static COMMAND: Command = Command {
    path: &["snapshot", "decode"],
    synopsis: "Decodes a Consul snapshot file as JSON",
    usage: "Usage: {program} snapshot decode [options] FILE

  Prints every record of a snapshot file as one line of JSON, with its type.
  The first line describes the snapshot itself.

      $ {program} snapshot decode backup.snap",
    groups: Groups::NONE,
    flags: &[],
    flag_error: Some(""),
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let path = file_argument(m)?;
    let failure = "Error extracting snapshot data";
    let mut state = State::open(BufReader::new(open(&path)?)).or_exit("Error reading snapshot")?;
    let meta = serde_json::to_value(state.meta()).expect("metadata is a plain struct");
    cx.output(json(&json!({"Data": meta, "Type": "SnapshotHeader"}), ""));
    let mut records = Records::open(&mut state).or_exit(failure)?;
    while let Some((kind, record)) = records.read().or_exit(failure)? {
        let Loose(data) = msgpack::from_slice(record).or_exit(failure)?;
        cx.output(json(&json!({"Data": data, "Type": type_name(kind)}), ""));
    }
    Ok(())
}

/// Any msgpack value as JSON: maps sorted by key, byte strings as text.
struct Loose(Value);

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Loose, D::Error> {
        deserializer.deserialize_any(LooseVisitor).map(Loose)
    }
}

struct LooseVisitor;

impl<'de> Visitor<'de> for LooseVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(json!(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(json!(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(json!(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(json!(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(json!(text))
    }

    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(json!(String::from_utf8_lossy(bytes)))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Loose(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut sorted = BTreeMap::new();
        while let Some((Loose(key), Loose(value))) = entries.next_entry()? {
            let key = key.as_str().map_or_else(|| key.to_string(), str::to_string);
            sorted.insert(key, value);
        }
        Ok(Value::Object(sorted.into_iter().collect::<Map<_, _>>()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_record_becomes_sorted_json() {
        let record = json!({"b": [1, -1, null, true], "a": {"x": "text"}});
        let bytes = msgpack::to_vec(&record).expect("encodes");
        let Loose(value) = msgpack::from_slice(&bytes).expect("decodes");
        assert_eq!(value.to_string(), r#"{"a":{"x":"text"},"b":[1,-1,null,true]}"#);
    }
}
