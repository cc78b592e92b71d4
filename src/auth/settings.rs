//! Reads the free-form configuration of an auth method: keys match without case, values are converted where that loses
//! nothing, unknown keys are an error.

use crate::types::GoDuration;
use serde_json::Value;
use std::collections::BTreeMap;

/// The configuration, from which known keys are taken one by one.
pub(super) struct Settings<'a> {
    left: BTreeMap<String, (&'a str, &'a Value)>,
}

/// Result of taking a key.
type Taken<T> = Result<T, String>;

impl<'a> Settings<'a> {
    /// All of it.
    pub(super) fn new(config: &'a BTreeMap<String, Value>) -> Settings<'a> {
        let pairs = config.iter().map(|(key, value)| (key.to_ascii_lowercase(), (key.as_str(), value)));
        Settings { left: pairs.collect() }
    }

    fn take(&mut self, key: &str) -> Option<&'a Value> {
        self.left.remove(&key.to_ascii_lowercase()).map(|(_, value)| value).filter(|value| !value.is_null())
    }

    fn refuse<T>(key: &str, expected: &str, value: &Value) -> Taken<T> {
        let found = match value {
            Value::Null => "nil",
            Value::Bool(_) => "bool",
            Value::Number(_) => "float64",
            Value::String(_) => "string",
            Value::Array(_) => "[]interface {}",
            Value::Object(_) => "map[string]interface {}",
        };
        Err(decoding(&format!("'{key}' expected type '{expected}', got unconvertible type '{found}'")))
    }

    fn scalar(key: &str, value: &Value) -> Taken<String> {
        match value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            Value::Bool(flag) => Ok(if *flag { "1" } else { "0" }.to_owned()),
            other => Self::refuse(key, "string", other),
        }
    }

    /// A text.
    pub(super) fn text(&mut self, key: &str) -> Taken<String> {
        self.take(key).map_or(Ok(String::new()), |value| Self::scalar(key, value))
    }

    /// A list of texts; a single one counts as a list.
    pub(super) fn texts(&mut self, key: &str) -> Taken<Vec<String>> {
        match self.take(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => items.iter().map(|item| Self::scalar(key, item)).collect(),
            Some(Value::String(text)) if text.is_empty() => Ok(Vec::new()),
            Some(value) => Self::scalar(key, value).map(|text| vec![text]),
        }
    }

    /// A map of texts.
    pub(super) fn map(&mut self, key: &str) -> Taken<BTreeMap<String, String>> {
        match self.take(key) {
            None => Ok(BTreeMap::new()),
            Some(Value::Object(members)) => {
                members.iter().map(|(name, value)| Ok((name.clone(), Self::scalar(key, value)?))).collect()
            }
            Some(value) => Self::refuse(key, "map[string]string", value),
        }
    }

    /// A truth value.
    pub(super) fn flag(&mut self, key: &str) -> Taken<bool> {
        match self.take(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::Number(number)) => Ok(number.as_f64() != Some(0.0)),
            Some(Value::String(text)) => match text.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
                "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
                other => Err(decoding(&format!("cannot parse '{key}' as bool: {other:?}"))),
            },
            Some(value) => Self::refuse(key, "bool", value),
        }
    }

    /// A whole number.
    pub(super) fn number(&mut self, key: &str) -> Taken<i64> {
        let Some(value) = self.take(key) else { return Ok(0) };
        let text = Self::scalar(key, value)?;
        let whole = text.parse::<f64>().ok().filter(|number| number.fract() == 0.0).map(|number| number as i64);
        whole.ok_or_else(|| decoding(&format!("cannot parse '{key}' as int: {text:?}")))
    }

    /// A duration: text, or a number of nanoseconds.
    pub(super) fn duration(&mut self, key: &str) -> Taken<GoDuration> {
        match self.take(key) {
            None => Ok(GoDuration::ZERO),
            Some(Value::String(text)) if text.is_empty() => Ok(GoDuration::ZERO),
            Some(Value::String(text)) => text.parse().map_err(|why: String| decoding(&format!("'{key}': {why}"))),
            Some(Value::Number(number)) => Ok(GoDuration(number.as_f64().unwrap_or(0.0) as i64)),
            Some(value) => Self::refuse(key, "time.Duration", value),
        }
    }

    /// The key is there and not empty.
    pub(super) fn is_set(&mut self, key: &str) -> bool {
        match self.take(key) {
            None | Some(Value::Bool(false)) => false,
            Some(Value::String(text)) => !text.is_empty(),
            Some(Value::Array(items)) => !items.is_empty(),
            Some(_) => true,
        }
    }

    /// Refuses what was not taken.
    pub(super) fn finish(self) -> Taken<()> {
        if self.left.is_empty() {
            return Ok(());
        }
        let keys: Vec<&str> = self.left.values().map(|(key, _)| *key).collect();
        Err(decoding(&format!("'' has invalid keys: {}", keys.join(", "))))
    }
}

fn decoding(what: &str) -> String {
    format!("error decoding config: 1 error(s) decoding:\n\n* {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> BTreeMap<String, Value> {
        serde_json::from_str(text).expect("an object")
    }

    #[test]
    fn keys_match_without_case_and_values_are_converted() {
        let config = config(
            r#"{"host":"h","LIST":["a",1],"one":"x","Map":{"k":true},"f":"true","n":"3","d":"2s","e":1000,"z":null}"#,
        );
        let mut settings = Settings::new(&config);
        assert_eq!(settings.text("Host"), Ok("h".into()));
        assert_eq!(settings.texts("List"), Ok(vec!["a".into(), "1".into()]));
        assert_eq!(settings.texts("One"), Ok(vec!["x".into()]));
        assert_eq!(settings.map("map"), Ok(BTreeMap::from([("k".into(), "1".into())])));
        assert_eq!((settings.flag("F"), settings.number("N")), (Ok(true), Ok(3)));
        assert_eq!((settings.duration("D"), settings.duration("E")), (Ok(GoDuration::secs(2)), Ok(GoDuration(1000))));
        assert!(!settings.is_set("z") && settings.finish().is_ok());
    }

    #[test]
    fn unknown_keys_and_values_that_do_not_fit_are_errors() {
        let config = config(r#"{"Nope":1,"host":[1]}"#);
        let mut settings = Settings::new(&config);
        let error = settings.text("Host").expect_err("a list");
        assert!(error.ends_with("* 'Host' expected type 'string', got unconvertible type '[]interface {}'"), "{error}");
        assert_eq!(
            settings.finish(),
            Err("error decoding config: 1 error(s) decoding:\n\n* '' has invalid keys: Nope".into())
        );
    }
}
