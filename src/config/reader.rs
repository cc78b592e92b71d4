//! Typed access to a decoded tree by path; values that do not convert are collected as errors.

use super::decode::Tree;
use crate::types::GoDuration;
use serde_json::Value;
use std::collections::BTreeMap;

/// Reads one object; clones of its paths name values in messages.
pub struct Reader<'a> {
    tree: &'a Tree,
    /// Errors of values, in the order of reading.
    pub errors: Vec<String>,
}

impl<'a> Reader<'a> {
    /// A reader of this object.
    pub fn new(tree: &'a Tree) -> Self {
        Reader { tree, errors: Vec::new() }
    }

    /// The value at a dotted path.
    pub fn get(&self, path: &str) -> Option<&'a Value> {
        let mut parts = path.split('.');
        let first = self.tree.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.as_object()?.get(part))
    }

    /// True when any source set the value.
    pub fn is_set(&self, path: &str) -> bool {
        self.get(path).is_some()
    }

    /// A bool; false when not set.
    pub fn bool(&self, path: &str) -> bool {
        self.get(path).and_then(Value::as_bool).unwrap_or(false)
    }

    /// An integer; 0 when not set.
    pub fn int(&self, path: &str) -> i64 {
        self.get(path).and_then(Value::as_i64).unwrap_or(0)
    }

    /// An integer that cannot be negative; negative values become 0.
    pub fn count<T: TryFrom<i64> + Default>(&self, path: &str) -> T {
        T::try_from(self.int(path)).unwrap_or_default()
    }

    /// A number; 0 when not set.
    pub fn float(&self, path: &str) -> f64 {
        self.get(path).and_then(Value::as_f64).unwrap_or(0.0)
    }

    /// Text; empty when not set.
    pub fn text(&self, path: &str) -> String {
        self.get(path).and_then(Value::as_str).unwrap_or_default().to_string()
    }

    /// Text unless not set or empty.
    pub fn some_text(&self, path: &str) -> Option<String> {
        self.get(path).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_string)
    }

    /// A list of texts.
    pub fn texts(&self, path: &str) -> Vec<String> {
        let values = self.get(path).and_then(Value::as_array).into_iter().flatten();
        values.filter_map(|value| value.as_str().map(str::to_string)).collect()
    }

    /// A map of texts.
    pub fn text_map(&self, path: &str) -> BTreeMap<String, String> {
        let values = self.get(path).and_then(Value::as_object).into_iter().flatten();
        values.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_string()))).collect()
    }

    /// An object as it is.
    pub fn object(&self, path: &str) -> Tree {
        self.get(path).and_then(Value::as_object).cloned().unwrap_or_default()
    }

    /// A list of objects.
    pub fn objects(&self, path: &str) -> impl Iterator<Item = &'a Tree> + use<'a> {
        self.get(path).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
    }

    /// A duration; zero when not set. Errors carry the path.
    pub fn duration(&mut self, path: &str) -> GoDuration {
        self.duration_named(path, path)
    }

    /// A duration whose messages carry another name.
    pub fn duration_named(&mut self, path: &str, name: &str) -> GoDuration {
        match self.get(path).and_then(Value::as_str) {
            None => GoDuration::ZERO,
            Some(text) => self.parse_duration(text, name),
        }
    }

    /// A duration that cannot be shorter than `minimum`.
    pub fn duration_at_least(&mut self, path: &str, minimum: GoDuration) -> GoDuration {
        let before = self.errors.len();
        let duration = self.duration(path);
        if self.errors.len() == before && duration < minimum {
            let text = self.text(path);
            self.errors.push(format!("{path}: duration '{text}' cannot be less than: {minimum}"));
        }
        duration
    }

    /// Parses a text as the duration of that name.
    pub fn parse_duration(&mut self, text: &str, name: &str) -> GoDuration {
        text.parse().unwrap_or_else(|error| {
            self.errors.push(format!("{name}: invalid duration: {text:?}: {error}"));
            GoDuration::ZERO
        })
    }
}
