//! Go-style flags (`spec/cli.md` 2): one or two dashes, values after `=` or as the next word, parsing ends at the first
//! word that is no flag. A command's table of [`Flag`]s drives parsing, error listings, help and completion.

use crate::types::GoDuration;
use crate::types::secret::hidden;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

/// What a flag takes and how its errors and listings look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A boolean that takes no separate word.
    Bool,
    /// A boolean of the "pointer" style: errors carry the conversion text.
    BoolValue,
    /// A signed integer, base prefixes allowed.
    Int,
    /// An unsigned integer, base prefixes allowed.
    Uint,
    /// A decimal integer of the "pointer" style (agent flags).
    IntValue,
    /// An unsigned integer of the "pointer" style.
    UintValue,
    /// A text.
    String,
    /// A text of the "pointer" style (listed as `value`).
    StringValue,
    /// A duration such as `1h30m`.
    Duration,
    /// A duration of the "pointer" style.
    DurationValue,
    /// A text that may be given several times.
    List,
    /// `key=value`, may be given several times.
    Map,
    /// `key:value`, may be given several times (the agent's `-node-meta`).
    ColonMap,
}

impl Kind {
    /// True for flags that do not consume the next word.
    pub const fn is_bool(self) -> bool {
        matches!(self, Kind::Bool | Kind::BoolValue)
    }

    /// The value word of listings when the help text names none.
    const fn word(self) -> &'static str {
        match self {
            Kind::Bool | Kind::BoolValue => "",
            Kind::Int => "int",
            Kind::Uint => "uint",
            Kind::String => "string",
            Kind::Duration => "duration",
            _ => "value",
        }
    }

    /// Checks a value; the error is the reason part of the message.
    fn check(self, value: &str) -> Result<(), String> {
        match self {
            Kind::Bool => parse_bool(value).map(drop).map_err(|_| "parse error".to_string()),
            Kind::BoolValue => parse_bool(value).map(drop),
            Kind::Int => parse_int(value).map(drop).map_err(NumberError::short),
            Kind::Uint => parse_uint(value).map(drop).map_err(NumberError::short),
            Kind::IntValue => check_decimal(value),
            Kind::UintValue => parse_uint(value).map(drop).map_err(|error| error.long("ParseUint", value)),
            Kind::Duration => value.parse::<GoDuration>().map(drop).map_err(|_| "parse error".to_string()),
            Kind::DurationValue => value.parse::<GoDuration>().map(drop),
            Kind::Map if !value.contains('=') => Err(format!("Missing \"=\" value in argument: {value}")),
            Kind::ColonMap if !value.contains(':') => Err(format!("Missing \":\" value in argument: {value}")),
            _ => Ok(()),
        }
    }
}

/// One flag of a command.
#[derive(Clone, Copy, Debug)]
pub struct Flag {
    /// Name without dashes.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// Default, as text; empty = the kind's zero.
    pub default: &'static str,
    /// Description; the first back-quoted word is the value word.
    pub help: &'static str,
    /// Accepted but not listed in help.
    pub hidden: bool,
}

impl Flag {
    /// A flag of any kind.
    pub const fn new(name: &'static str, kind: Kind, help: &'static str) -> Flag {
        Flag { name, kind, default: "", help, hidden: false }
    }

    /// A boolean.
    pub const fn bool(name: &'static str, help: &'static str) -> Flag {
        Flag::new(name, Kind::Bool, help)
    }

    /// A text.
    pub const fn string(name: &'static str, help: &'static str) -> Flag {
        Flag::new(name, Kind::String, help)
    }

    /// A signed integer.
    pub const fn int(name: &'static str, help: &'static str) -> Flag {
        Flag::new(name, Kind::Int, help)
    }

    /// An unsigned integer.
    pub const fn uint(name: &'static str, help: &'static str) -> Flag {
        Flag::new(name, Kind::Uint, help)
    }

    /// A duration.
    pub const fn duration(name: &'static str, help: &'static str) -> Flag {
        Flag::new(name, Kind::Duration, help)
    }

    /// A repeatable text.
    pub const fn list(name: &'static str, help: &'static str) -> Flag {
        Flag::new(name, Kind::List, help)
    }

    /// Repeatable `key=value`.
    pub const fn map(name: &'static str, help: &'static str) -> Flag {
        Flag::new(name, Kind::Map, help)
    }

    /// With a default that listings show.
    pub const fn default(mut self, value: &'static str) -> Flag {
        self.default = value;
        self
    }

    /// Accepted but not shown in help.
    pub const fn hidden(mut self) -> Flag {
        self.hidden = true;
        self
    }

    /// The word for the value in listings; empty for booleans.
    pub fn value_word(&self) -> &str {
        match self.help.split('`').nth(1) {
            Some(word) if self.help.matches('`').count() >= 2 => word,
            _ => self.kind.word(),
        }
    }

    /// ` (default X)` of the listing after a parse error.
    fn default_note(&self) -> String {
        let zero = match self.kind {
            Kind::Bool | Kind::BoolValue => self.default == "false",
            Kind::Int | Kind::Uint | Kind::IntValue | Kind::UintValue => self.default == "0",
            Kind::Duration | Kind::DurationValue => self.default == "0s",
            _ => false,
        };
        match (self.default, self.kind) {
            ("", _) => String::new(),
            _ if zero => String::new(),
            (default, Kind::String) => format!(" (default {default:?})"),
            (default, _) => format!(" (default {default})"),
        }
    }
}

/// The listing that follows a parse error.
pub fn listing(flags: &[Flag]) -> String {
    let mut sorted: Vec<&Flag> = flags.iter().collect();
    sorted.sort_by_key(|flag| flag.name);
    let mut text = String::from("Usage:\n");
    for flag in sorted {
        let word = flag.value_word();
        let separator = if word.is_empty() { "" } else { " " };
        let help = flag.help.replacen('`', "", 2).replace('\n', "\n    \t");
        text.push_str(&format!("  -{}{separator}{word}\n    \t{help}{}\n", flag.name, flag.default_note()));
    }
    text
}

/// Parsed flags and the words after them.
#[derive(Clone, derive_more::Debug, Default)]
pub struct Matches {
    #[debug("{}", hidden(values))]
    values: BTreeMap<&'static str, Vec<String>>,
    defaults: BTreeMap<&'static str, &'static str>,
    #[debug("{}", hidden(order))]
    order: Vec<(&'static str, String)>,
    #[debug("{}", hidden(words))]
    words: Vec<OsString>,
    #[debug("{}", hidden(args))]
    args: Vec<String>,
}

impl Matches {
    /// True when the flag stood on the command line.
    pub fn is_set(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The last value given, none when the flag was not given.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.values.get(name).and_then(|values| values.last()).map(String::as_str)
    }

    /// The value or the default as text.
    pub fn text(&self, name: &str) -> &str {
        self.given(name).or_else(|| self.defaults.get(name).copied()).unwrap_or("")
    }

    /// A boolean.
    pub fn flag(&self, name: &str) -> bool {
        parse_bool(self.text(name)).unwrap_or(false)
    }

    /// A signed integer; 0 without value and default.
    pub fn int(&self, name: &str) -> i64 {
        parse_int(self.text(name)).unwrap_or(0)
    }

    /// An unsigned integer; 0 without value and default.
    pub fn uint(&self, name: &str) -> u64 {
        parse_uint(self.text(name)).unwrap_or(0)
    }

    /// A duration; zero without value and default.
    pub fn duration(&self, name: &str) -> GoDuration {
        self.text(name).parse().unwrap_or(GoDuration::ZERO)
    }

    /// All values of a repeatable flag, in order.
    pub fn list(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// Every flag given, with its value, in command-line order.
    pub fn in_order(&self) -> &[(&'static str, String)] {
        &self.order
    }

    /// The pairs of a map flag; a later key replaces an earlier one.
    pub fn map(&self, name: &str) -> BTreeMap<String, String> {
        self.pairs(name, '=')
    }

    /// The pairs of a `key:value` flag.
    pub fn colon_map(&self, name: &str) -> BTreeMap<String, String> {
        self.pairs(name, ':')
    }

    fn pairs(&self, name: &str, separator: char) -> BTreeMap<String, String> {
        let split = |pair: &String| pair.split_once(separator).map(|(key, value)| (key.to_string(), value.to_string()));
        self.list(name).iter().filter_map(split).collect()
    }

    /// The words after the flags, as text.
    pub fn args(&self) -> &[String] {
        &self.args
    }

    /// One word after the flags, byte for byte.
    pub fn raw_arg(&self, position: usize) -> Option<&OsStr> {
        self.words.get(position).map(OsString::as_os_str)
    }
}

/// Parses `words` by the table; the error is the first line of the message.
pub fn parse(flags: &[Flag], words: &[OsString]) -> Result<Matches, String> {
    let mut matches = Matches {
        defaults: flags.iter().filter(|flag| !flag.default.is_empty()).map(|flag| (flag.name, flag.default)).collect(),
        ..Matches::default()
    };
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        let text = word.to_string_lossy();
        if text.len() < 2 || !text.starts_with('-') {
            break;
        }
        rest = after;
        if text == "--" {
            break;
        }
        let body = text.strip_prefix("--").unwrap_or(&text[1..]);
        if body.is_empty() || body.starts_with('-') || body.starts_with('=') {
            return Err(format!("bad flag syntax: {text}"));
        }
        let (name, inline) = match body.split_once('=') {
            Some((name, value)) => (name, Some(value.to_string())),
            None => (body, None),
        };
        let flag = flags
            .iter()
            .find(|flag| flag.name == name)
            .ok_or_else(|| format!("flag provided but not defined: -{name}"))?;
        let value = match inline {
            Some(value) => value,
            None if flag.kind.is_bool() => "true".to_string(),
            None => {
                let (next, after) =
                    rest.split_first().ok_or_else(|| format!("flag needs an argument: -{}", flag.name))?;
                rest = after;
                next.to_string_lossy().into_owned()
            }
        };
        flag.kind.check(&value).map_err(|reason| match flag.kind.is_bool() {
            true => format!("invalid boolean value {value:?} for -{}: {reason}", flag.name),
            false => format!("invalid value {value:?} for flag -{}: {reason}", flag.name),
        })?;
        matches.order.push((flag.name, value.clone()));
        matches.values.entry(flag.name).or_default().push(value);
    }
    matches.words = rest.to_vec();
    matches.args = rest.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    Ok(matches)
}

/// Go's `strconv.ParseBool`.
pub fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {text:?}: invalid syntax")),
    }
}

/// Why a number was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberError {
    /// Not a number.
    Syntax,
    /// A number that does not fit.
    Range,
}

impl NumberError {
    fn short(self) -> String {
        match self {
            NumberError::Syntax => "parse error".into(),
            NumberError::Range => "value out of range".into(),
        }
    }

    /// The text of `strconv`.
    pub fn long(self, function: &str, text: &str) -> String {
        let reason = match self {
            NumberError::Syntax => "invalid syntax",
            NumberError::Range => "value out of range",
        };
        format!("strconv.{function}: parsing {text:?}: {reason}")
    }
}

/// Go's `strconv.ParseUint(text, 0, 64)`: `0x`, `0o`, `0b` and leading-zero octal prefixes, `_` between digits.
pub fn parse_uint(text: &str) -> Result<u64, NumberError> {
    let lower = text.to_ascii_lowercase();
    let (base, digits) = match lower.as_bytes() {
        [b'0', b'x', ..] => (16, &lower[2..]),
        [b'0', b'o', ..] => (8, &lower[2..]),
        [b'0', b'b', ..] => (2, &lower[2..]),
        [b'0', _, ..] => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    let prefixed = digits.len() != lower.len();
    let misplaced = |d: &str| d.ends_with('_') || d.contains("__") || (!prefixed && d.contains('_'));
    if digits.is_empty() || misplaced(digits) {
        return Err(NumberError::Syntax);
    }
    let digits = digits.replace('_', "");
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return Err(NumberError::Syntax);
    }
    u64::from_str_radix(&digits, base).map_err(|_| NumberError::Range)
}

/// Go's `strconv.ParseInt(text, 0, 64)`.
pub fn parse_int(text: &str) -> Result<i64, NumberError> {
    let (negative, digits) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = i128::from(parse_uint(digits)?);
    i64::try_from(if negative { -magnitude } else { magnitude }).map_err(|_| NumberError::Range)
}

fn check_decimal(text: &str) -> Result<(), String> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let error = if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        NumberError::Syntax
    } else if text.parse::<i64>().is_err() {
        NumberError::Range
    } else {
        return Ok(());
    };
    Err(error.long("Atoi", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLAGS: &[Flag] = &[
        Flag::bool("detailed", "Show more. The default value is false."),
        Flag::string("separator", "String to `cut` at.").default("/"),
        Flag::uint("modify-index", "Index."),
        Flag::new("cleanup", Kind::BoolValue, "Clean."),
        Flag::new("max", Kind::UintValue, "Most."),
        Flag::duration("wait", "Time.").default("2s"),
        Flag::list("tag", "Tag."),
        Flag::map("meta", "Pairs."),
    ];

    fn parsed(words: &[&str]) -> Result<Matches, String> {
        parse(FLAGS, &words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn dashes_and_equals_are_interchangeable() {
        for words in [&["-separator", "x"][..], &["-separator=x"], &["--separator", "x"], &["--separator=x"]] {
            assert_eq!(parsed(words).expect("valid").text("separator"), "x");
        }
        assert_eq!(parsed(&[]).expect("valid").text("separator"), "/");
    }

    #[test]
    fn booleans_do_not_eat_the_next_word() {
        let matches = parsed(&["-detailed", "false"]).expect("valid");
        assert!(matches.flag("detailed"));
        assert_eq!(matches.args(), ["false"]);
        assert!(!parsed(&["-detailed=F"]).expect("valid").flag("detailed"));
    }

    #[test]
    fn flags_end_at_the_first_other_word() {
        assert_eq!(parsed(&["a", "-detailed"]).expect("valid").args(), ["a", "-detailed"]);
        assert_eq!(parsed(&["-", "x"]).expect("valid").args(), ["-", "x"]);
        assert_eq!(parsed(&["--", "-detailed"]).expect("valid").args(), ["-detailed"]);
        assert_eq!(parsed(&["-separator", "-x", "k"]).expect("valid").text("separator"), "-x");
    }

    #[test]
    fn repeatable_flags_accumulate_and_scalars_keep_the_last() {
        let words = ["-tag", "a", "-tag=b", "-meta", "k=v=w", "-separator=1", "-separator=2"];
        let matches = parsed(&words).expect("valid");
        assert_eq!(matches.list("tag"), ["a", "b"]);
        assert_eq!(matches.map("meta").get("k").map(String::as_str), Some("v=w"));
        assert_eq!(matches.text("separator"), "2");
    }

    #[test]
    fn errors_are_in_gos_words() {
        let cases = [
            (&["--nosuch"][..], "flag provided but not defined: -nosuch"),
            (&["-separator"], "flag needs an argument: -separator"),
            (&["-modify-index=abc"], "invalid value \"abc\" for flag -modify-index: parse error"),
            (
                &["-modify-index=99999999999999999999"],
                "invalid value \"99999999999999999999\" for flag -modify-index: value out of range",
            ),
            (&["-max=abc"], "invalid value \"abc\" for flag -max: strconv.ParseUint: parsing \"abc\": invalid syntax"),
            (&["-detailed=maybe"], "invalid boolean value \"maybe\" for -detailed: parse error"),
            (
                &["-cleanup=x"],
                "invalid boolean value \"x\" for -cleanup: strconv.ParseBool: parsing \"x\": invalid syntax",
            ),
            (&["-wait=10"], "invalid value \"10\" for flag -wait: parse error"),
            (&["-meta=k"], "invalid value \"k\" for flag -meta: Missing \"=\" value in argument: k"),
            (&["---x"], "bad flag syntax: ---x"),
            (&["-=x"], "bad flag syntax: -=x"),
        ];
        for (words, error) in cases {
            assert_eq!(parsed(words).expect_err(error), error);
        }
    }

    #[test]
    fn numbers_take_base_prefixes() {
        for (text, value) in [("0x10", 16), ("0b11", 3), ("0o17", 15), ("017", 15), ("0", 0), ("42", 42)] {
            assert_eq!(parse_uint(text), Ok(value), "{text}");
        }
        assert_eq!(parse_int("-0x10"), Ok(-16));
        assert_eq!(parse_uint("1_000"), Err(NumberError::Syntax));
    }

    #[test]
    fn the_listing_is_sorted_and_unquoted() {
        let text = listing(FLAGS);
        assert!(text.starts_with("Usage:\n  -cleanup\n    \tClean.\n  -detailed\n"), "{text}");
        assert!(text.contains("  -separator cut\n    \tString to cut at. (default \"/\")\n"), "{text}");
        assert!(text.contains("  -wait duration\n    \tTime. (default 2s)\n"), "{text}");
        assert!(text.contains("  -tag value\n    \tTag.\n"), "{text}");
    }
}
