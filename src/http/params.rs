//! The query string: decoding, presence flags, options of reads (`spec/http-api.md` 1.7 to 1.14).

use crate::types::{Error, GoDuration, QueryOptions, Result};
use percent_encoding::percent_decode_str;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The parameters of a request in their order.
#[derive(Debug, Default)]
pub struct Params<'a>(SmallVec<[(Cow<'a, str>, Cow<'a, str>); 4]>);

/// A `%` is followed by two hex digits everywhere.
pub fn escapes_are_valid(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    !bytes.contains(&b'%') || (0..bytes.len()).all(|at| bytes[at] != b'%' || (digit(at + 1) && digit(at + 2)))
}

/// Decodes escapes; bytes that are not UTF-8 become U+FFFD.
pub fn unescape(text: &str) -> Cow<'_, str> {
    if text.contains('%') { percent_decode_str(text).decode_utf8_lossy() } else { Cow::Borrowed(text) }
}

fn unescape_query(text: &str) -> Cow<'_, str> {
    if text.contains('+') { Cow::Owned(unescape(&text.replace('+', " ")).into_owned()) } else { unescape(text) }
}

impl<'a> Params<'a> {
    /// Splits and decodes a query string; `None` when it is malformed (a bad escape, a semicolon).
    pub fn parse(query: Option<&'a str>) -> Option<Params<'a>> {
        let query = query.unwrap_or("");
        if query.contains(';') || !escapes_are_valid(query) {
            return None;
        }
        let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (unescape_query(name), unescape_query(value))
        });
        Some(Params(pairs.collect()))
    }

    /// The first value of a parameter; `None` when it is absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// The first value, empty when absent.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or("")
    }

    /// The parameter is there, whatever its value.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// All parameters.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// All values of a parameter.
    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// The parameters as Go encodes them again: sorted by name.
    pub fn encode(&self) -> String {
        let mut pairs: Vec<_> = self.0.iter().collect();
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        let escape =
            |text: &str| percent_encoding::utf8_percent_encode(text, QUERY_ESCAPES).to_string().replace("%20", "+");
        let encoded: Vec<String> =
            pairs.into_iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
        encoded.join("&")
    }

    /// Target datacenter; empty for the agent's own.
    pub fn datacenter(&self) -> &str {
        match self.text("datacenter") {
            "" => self.text("dc"),
            datacenter => datacenter,
        }
    }

    /// `?node-meta=k:v`, repeated.
    pub fn node_meta(&self) -> BTreeMap<String, String> {
        let pair = |text: &str| {
            let (key, value) = text.split_once(':').unwrap_or((text, ""));
            (key.to_owned(), value.to_owned())
        };
        self.all("node-meta").map(pair).collect()
    }

    /// Options of a read: consistency, then blocking.
    ///
    /// # Errors
    /// 400 with the texts of sections 1.8 and 1.10.
    pub fn options(&self, discovery_max_stale: GoDuration) -> Result<QueryOptions> {
        let mut options = QueryOptions {
            allow_stale: self.has("stale"),
            require_consistent: self.has("consistent"),
            ..QueryOptions::default()
        };
        let cached = self.has("cached");
        let mut defaults = !(options.allow_stale || options.require_consistent || cached || self.has("leader"));
        match self.text("max_stale") {
            "" => {}
            text => {
                let bound: GoDuration = text
                    .parse()
                    .map_err(|_| Error::bad_request(format!("Invalid max_stale value {}", go_quote(text))))?;
                options.max_stale_duration = bound;
                options.allow_stale |= bound.0 > 0;
                defaults &= bound.0 <= 0;
            }
        }
        if defaults && discovery_max_stale.0 > 0 {
            options.allow_stale = true;
            options.max_stale_duration = discovery_max_stale;
        }
        let conflict =
            |flag| Err(Error::bad_request(format!("Cannot specify ?{flag} with ?consistent, conflicting semantics.")));
        match (options.require_consistent, options.allow_stale, cached) {
            (true, true, _) => return conflict("stale"),
            (true, _, true) => return conflict("cached"),
            _ => {}
        }
        match self.text("wait") {
            "" => {}
            text => options.max_query_time = text.parse().map_err(|_| Error::bad_request("Invalid wait time"))?,
        }
        match self.text("index") {
            "" => {}
            text => options.min_query_index = text.parse().map_err(|_| Error::bad_request("Invalid index"))?,
        }
        Ok(options)
    }
}

/// `max-age`, `must-revalidate` and `stale-if-error` of a `Cache-Control` header.
///
/// # Errors
/// 400 when a number of seconds is none.
pub fn cache_control(header: &str) -> Result<(GoDuration, bool, GoDuration)> {
    let seconds = |text: &str| -> Result<GoDuration> {
        let seconds: i64 = text.parse().map_err(|_| Error::bad_request("Invalid Cache-Control header."))?;
        Ok(GoDuration(seconds.clamp(0, i64::MAX / 1_000_000_000) * 1_000_000_000))
    };
    let (mut max_age, mut must_revalidate, mut stale_if_error) = (GoDuration::ZERO, false, GoDuration::ZERO);
    for directive in header.to_ascii_lowercase().split(',') {
        let directive = directive.trim();
        if directive == "must-revalidate" {
            must_revalidate = true;
        } else if let Some(age) = directive.strip_prefix("max-age=") {
            max_age = seconds(age)?;
            must_revalidate |= max_age.is_zero();
        } else if let Some(age) = directive.strip_prefix("stale-if-error=") {
            stale_if_error = seconds(age)?;
        }
    }
    Ok((max_age, must_revalidate, stale_if_error))
}

/// What Go escapes in a query component, with the space, which becomes `+`.
const QUERY_ESCAPES: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

use super::decode::shape::go_quote;

/// Go's `strconv.ParseBool`.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// Go's `strconv.ParseUint` in base 10.
///
/// # Errors
/// Its text, without a status.
pub fn parse_uint(text: &str) -> Result<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let reason = if digits { "value out of range" } else { "invalid syntax" };
    match text.parse() {
        Ok(number) if digits => Ok(number),
        _ => Err(Error::new(format!("strconv.ParseUint: parsing {}: {reason}", go_quote(text)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(query: &str) -> Result<QueryOptions> {
        Params::parse(Some(query)).expect("well formed").options(GoDuration::ZERO)
    }

    #[test]
    fn a_query_is_decoded_and_a_malformed_one_is_refused() {
        let params = Params::parse(Some("a=1&b=%2Fx+y&raw&a=2&=z")).expect("well formed");
        assert_eq!((params.get("a"), params.get("b"), params.get("raw")), (Some("1"), Some("/x y"), Some("")));
        assert_eq!(params.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert!(!params.has("c"));
        for bad in ["a=%zz", "a=%2", "a;b"] {
            assert!(Params::parse(Some(bad)).is_none(), "{bad}");
        }
    }

    #[test]
    fn options_of_reads_and_their_errors() {
        let read = options("stale&index=7&wait=10s").expect("valid");
        assert!(read.allow_stale && !read.require_consistent);
        assert_eq!((read.min_query_index, read.max_query_time), (7, GoDuration::secs(10)));
        assert!(options("max_stale=5s").expect("valid").allow_stale);
        assert!(!options("max_stale=0s").expect("valid").allow_stale);
        let cases = [
            ("index=-1", "Invalid index"),
            ("wait=10", "Invalid wait time"),
            ("wait=x&index=x", "Invalid wait time"),
            ("stale&consistent", "Cannot specify ?stale with ?consistent, conflicting semantics."),
            ("cached&consistent", "Cannot specify ?cached with ?consistent, conflicting semantics."),
            ("max_stale=xx", "Invalid max_stale value \"xx\""),
        ];
        for (query, text) in cases {
            assert_eq!(options(query), Err(Error::bad_request(text)), "{query}");
        }
    }

    #[test]
    fn discovery_reads_become_stale_unless_a_mode_is_asked_for() {
        let bound = GoDuration::secs(3);
        let allow = |query| Params::parse(Some(query)).expect("well formed").options(bound).expect("valid").allow_stale;
        assert!(allow(""));
        for query in ["leader", "consistent", "cached"] {
            assert!(!allow(query), "{query}");
        }
    }

    #[test]
    fn caching_is_told_in_a_header() {
        let (zero, five) = (GoDuration::ZERO, GoDuration::secs(5));
        let cases = [
            ("", (zero, false, zero)),
            ("no-cache", (zero, false, zero)),
            ("Max-Age=5", (five, false, zero)),
            ("max-age=0", (zero, true, zero)),
            ("must-revalidate, stale-if-error=5,max-age=5", (five, true, five)),
        ];
        for (header, expected) in cases {
            assert_eq!(cache_control(header), Ok(expected), "{header}");
        }
        for header in ["max-age=", "max-age=1s", "stale-if-error=x"] {
            assert_eq!(cache_control(header), Err(Error::bad_request("Invalid Cache-Control header.")), "{header}");
        }
    }

    #[test]
    fn parameters_are_encoded_again_in_order_of_their_names() {
        let params = Params::parse(Some("cas=0&acquire=a%2Fb&x")).expect("well formed");
        assert_eq!(params.encode(), "acquire=a%2Fb&cas=0&x=");
    }

    #[test]
    fn numbers_are_refused_in_gos_words() {
        assert_eq!(parse_uint("18446744073709551615"), Ok(u64::MAX));
        let cases =
            [("abc", "invalid syntax"), ("+1", "invalid syntax"), ("99999999999999999999", "value out of range")];
        for (text, reason) in cases {
            let expected = format!("strconv.ParseUint: parsing \"{text}\": {reason}");
            assert_eq!(parse_uint(text), Err(Error::new(expected)));
        }
    }
}
