//! The claims of a token: times, audience, and those that are taken over.

use super::Leeways;
use crate::types::GoDuration;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Life of a token without `exp`, and begin of one without `nbf` and `iat`, seconds.
const DEFAULT_LEEWAY: i64 = 150;
/// How far clocks may differ, seconds.
const DEFAULT_SKEW: i64 = 60;

/// When a token is valid, in seconds since 1970; 0 is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// `exp`.
    pub expiry: i64,
    /// `nbf`.
    pub not_before: i64,
    /// `iat`.
    pub issued_at: i64,
}

impl Times {
    /// The times of claims.
    ///
    /// # Errors
    /// One is no number.
    pub fn of(claims: &Map<String, Value>) -> Result<Times, String> {
        let time = |name: &str| match claims.get(name) {
            None | Some(Value::Null) => Ok(0),
            Some(value) => value
                .as_f64()
                .filter(|seconds| seconds.abs() < 1e15)
                .map(|seconds| seconds as i64)
                .ok_or_else(|| format!("error validating claims: claim {name:?} is not a time")),
        };
        Ok(Times { expiry: time("exp")?, not_before: time("nbf")?, issued_at: time("iat")? })
    }

    /// Checks that `now` is a moment at which the token is valid. Times that are absent follow from the others.
    ///
    /// # Errors
    /// It is over, not begun, or made in the future.
    pub fn check(mut self, leeways: Leeways, now: i64) -> Result<(), String> {
        if self == Times::default() {
            return Err("no issue time, notBefore, or expiration time encoded in token".to_owned());
        }
        let seconds = |given: GoDuration, default: i64| match given.0 {
            0 => default,
            negative if negative < 0 => 0,
            nanos => nanos / 1_000_000_000,
        };
        if self.expiry == 0 {
            self.expiry = self.issued_at.max(self.not_before) + seconds(leeways.expiration, DEFAULT_LEEWAY);
        }
        if self.not_before == 0 {
            self.not_before = match self.issued_at {
                0 => self.expiry - seconds(leeways.not_before, DEFAULT_LEEWAY),
                issued_at => issued_at,
            };
        }
        let skew = seconds(leeways.clock_skew, DEFAULT_SKEW);
        let refuse = |why: &str| Err(format!("error validating claims: {why}"));
        if now + skew < self.not_before {
            return refuse("token not valid yet (nbf)");
        }
        if now - skew > self.expiry {
            return refuse("token is expired (exp)");
        }
        if self.issued_at != 0 && now + skew < self.issued_at {
            return refuse("token issued in the future (iat)");
        }
        Ok(())
    }
}

/// One of the bound audiences must be an audience of the token.
///
/// # Errors
/// None is.
pub(super) fn check_audience(claims: &Map<String, Value>, bound: &[String]) -> Result<(), String> {
    if bound.is_empty() {
        return Ok(());
    }
    let is_bound = |value: &Value| value.as_str().is_some_and(|name| bound.iter().any(|wanted| wanted == name));
    let found = match claims.get("aud") {
        Some(Value::Array(names)) => names.iter().any(is_bound),
        Some(value) => is_bound(value),
        None => false,
    };
    if found { Ok(()) } else { Err("error validating claims: aud claim does not match any bound audience".to_owned()) }
}

/// A claim by its name, or by a JSON pointer when it begins with a slash.
fn claim<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let Some(pointer) = path.strip_prefix('/') else { return claims.get(path) };
    let unescape = |part: &str| part.replace("~1", "/").replace("~0", "~");
    let mut parts = pointer.split('/');
    let mut value = claims.get(&unescape(parts.next().unwrap_or_default()))?;
    for part in parts {
        value = match value {
            Value::Object(members) => members.get(&unescape(part))?,
            Value::Array(items) => items.get(part.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(value)
}

/// A single value as text.
fn text(path: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(match number.as_f64() {
            Some(whole) if whole.fract() == 0.0 && whole.abs() < 9e15 => (whole as i64).to_string(),
            _ => number.to_string(),
        }),
        _ => Err(format!("error converting claim '{path}' to string from unknown type")),
    }
}

/// The claims that are single values, under their new names; absent ones are empty.
///
/// # Errors
/// One is a list or an object.
pub(super) fn values(
    claims: &Map<String, Value>,
    mappings: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, String> {
    let value = |path: &str| match claim(claims, path) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(value) => text(path, value),
    };
    mappings.iter().map(|(path, name)| Ok((name.clone(), value(path)?))).collect()
}

/// The claims that are lists, under their new names; absent ones are empty, a single text is a list of one.
///
/// # Errors
/// One is something else.
pub(super) fn lists(
    claims: &Map<String, Value>,
    mappings: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Vec<String>>, String> {
    let list = |path: &str| match claim(claims, path) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items.iter().map(|item| text(path, item)).collect(),
        Some(Value::String(text)) => Ok(vec![text.clone()]),
        Some(_) => Err(format!("{path:?} list claim could not be converted to string list")),
    };
    mappings.iter().map(|(path, name)| Ok((name.clone(), list(path)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).expect("an object")
    }

    #[test]
    fn times_that_are_absent_follow_from_the_others() {
        let times = |expiry, not_before, issued_at| Times { expiry, not_before, issued_at };
        let (none, tight) = (
            Leeways::default(),
            Leeways { expiration: GoDuration(-1), not_before: GoDuration(-1), clock_skew: GoDuration(-1) },
        );
        // Times, leeways, now, valid.
        let cases = [
            (times(1000, 0, 0), none, 1000, true),
            (times(1000, 0, 0), none, 1060, true),
            (times(1000, 0, 0), none, 1061, false),
            (times(1000, 0, 0), none, 790, true),
            (times(1000, 0, 0), none, 789, false),
            (times(0, 0, 1000), none, 1000 + 150 + 60, true),
            (times(0, 0, 1000), none, 1000 + 150 + 61, false),
            (times(0, 1000, 0), none, 939, false),
            (times(0, 1000, 0), none, 940, true),
            (times(2000, 1000, 1500), none, 1439, false),
            (times(2000, 1000, 1500), none, 1440, true),
            (times(1000, 900, 0), tight, 1000, true),
            (times(1000, 900, 0), tight, 1001, false),
            (times(1000, 900, 0), tight, 899, false),
        ];
        for (times, leeways, now, valid) in cases {
            assert_eq!(times.check(leeways, now).is_ok(), valid, "{times:?} at {now}");
        }
        assert!(Times::default().check(none, 0).is_err());
        assert!(Times::of(&map(json!({"exp": "x"}))).is_err());
        assert!(Times::of(&map(json!({"exp": 1e300}))).is_err());
    }

    #[test]
    fn claims_are_found_by_name_or_pointer() {
        let claims = map(json!({"sub": "bob", "n": 7, "f": 1.5, "t": true, "a/b": "x", "o": {"k": ["p", {"q": "r"}]}}));
        let mappings = |paths: &[&str]| paths.iter().map(|path| ((*path).to_owned(), (*path).to_owned())).collect();
        let found = values(&claims, &mappings(&["sub", "n", "f", "t", "/a~1b", "/o/k/1/q", "/o/k/9", "none"]));
        let found: Vec<String> = found.expect("values").into_values().collect();
        assert_eq!(found, ["x", "r", "", "1.5", "7", "", "bob", "true"]);
        assert!(values(&claims, &mappings(&["o"])).is_err());
        let found = lists(&map(json!({"g": ["a", 1], "s": "one"})), &mappings(&["g", "s", "none"])).expect("lists");
        let found: Vec<Vec<String>> = found.into_values().collect();
        assert_eq!(found, [vec!["a".to_owned(), "1".to_owned()], vec![], vec!["one".to_owned()]]);
        assert!(lists(&claims, &mappings(&["n"])).is_err());
    }

    #[test]
    fn one_audience_must_be_bound() {
        let bound = ["a".to_owned(), "b".to_owned()];
        for (claims, fine) in [
            (json!({"aud": "a"}), true),
            (json!({"aud": ["x", "b"]}), true),
            (json!({"aud": "x"}), false),
            (json!({}), false),
        ] {
            assert_eq!(check_audience(&map(claims.clone()), &bound).is_ok(), fine, "{claims}");
        }
        assert!(check_audience(&map(json!({})), &[]).is_ok());
    }
}
