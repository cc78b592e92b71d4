//! Durations with Go's text form: the one parser and printer of the whole house.

use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A signed duration in nanoseconds, as Go's `time.Duration`.
///
/// JSON writes text (`1m30s`) and reads text or a number of nanoseconds; msgpack carries the number.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration(pub i64);

impl GoDuration {
    /// No time at all.
    pub const ZERO: GoDuration = GoDuration(0);

    /// From whole seconds.
    pub const fn secs(seconds: i64) -> Self {
        GoDuration(seconds * 1_000_000_000)
    }

    /// From whole milliseconds.
    pub const fn millis(millis: i64) -> Self {
        GoDuration(millis * 1_000_000)
    }

    /// True for zero.
    pub const fn is_zero(&self) -> bool {
        self.0 == 0
    }

    /// As a std duration; negative values become zero.
    pub const fn to_std(self) -> Duration {
        Duration::from_nanos(if self.0 < 0 { 0 } else { self.0 as u64 })
    }
}

impl From<Duration> for GoDuration {
    fn from(duration: Duration) -> Self {
        GoDuration(i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX))
    }
}

/// Units and their nanoseconds, longest names first so that `ms` is not read as `m`.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("\u{b5}s", 1_000),
    ("\u{3bc}s", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

impl FromStr for GoDuration {
    type Err = String;

    /// Parses what Go's `time.ParseDuration` accepts, with its error texts.
    fn from_str(text: &str) -> Result<Self, String> {
        let quoted = || format!("{text:?}");
        let invalid = || format!("time: invalid duration {}", quoted());
        let (negative, mut rest) = match text.as_bytes().first() {
            Some(b'-') => (true, &text[1..]),
            Some(b'+') => (false, &text[1..]),
            _ => (false, text),
        };
        if rest == "0" {
            return Ok(GoDuration(0));
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let whole_len = rest.bytes().take_while(u8::is_ascii_digit).count();
            let whole_text = &rest[..whole_len];
            rest = &rest[whole_len..];
            let mut fraction = "";
            if let Some(after) = rest.strip_prefix('.') {
                let len = after.bytes().take_while(u8::is_ascii_digit).count();
                fraction = &after[..len];
                rest = &after[len..];
            }
            if whole_text.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }
            let unit_len = rest.bytes().take_while(|b| *b != b'.' && !b.is_ascii_digit()).count();
            if unit_len == 0 {
                return Err(format!("time: missing unit in duration {}", quoted()));
            }
            let unit = &rest[..unit_len];
            rest = &rest[unit_len..];
            let nanos = UNITS
                .iter()
                .find(|(name, _)| *name == unit)
                .map(|(_, nanos)| *nanos)
                .ok_or_else(|| format!("time: unknown unit {unit:?} in duration {}", quoted()))?;
            let whole: u64 = if whole_text.is_empty() { 0 } else { whole_text.parse().map_err(|_| invalid())? };
            let mut value = whole.checked_mul(nanos).ok_or_else(invalid)?;
            if !fraction.is_empty() {
                let scaled = format!("0.{fraction}").parse::<f64>().map_err(|_| invalid())? * nanos as f64;
                value = value.checked_add(scaled as u64).ok_or_else(invalid)?;
            }
            total = total.checked_add(value).ok_or_else(invalid)?;
            if total > 1 << 63 {
                return Err(invalid());
            }
        }
        match (negative, total) {
            (true, total) => Ok(GoDuration((total as i64).wrapping_neg())),
            (false, total) if total > i64::MAX as u64 => Err(invalid()),
            (false, total) => Ok(GoDuration(total as i64)),
        }
    }
}

impl fmt::Display for GoDuration {
    /// Prints as Go does: `1h0m0s`, `1.5s`, `200ms`, `0s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.unsigned_abs();
        if self.0 < 0 {
            f.write_str("-")?;
        }
        if nanos == 0 {
            return f.write_str("0s");
        }
        if nanos < 1_000_000_000 {
            let (unit, scale) = match nanos {
                0..1_000 => ("ns", 1),
                1_000..1_000_000 => ("\u{b5}s", 1_000),
                _ => ("ms", 1_000_000),
            };
            return write!(f, "{}{unit}", decimal(nanos, scale));
        }
        let seconds = nanos / 1_000_000_000;
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        let last = decimal(nanos % 60_000_000_000, 1_000_000_000);
        match (hours, minutes) {
            (0, 0) => write!(f, "{last}s"),
            (0, minutes) => write!(f, "{minutes}m{last}s"),
            (hours, minutes) => write!(f, "{hours}h{minutes}m{last}s"),
        }
    }
}

/// `value / scale` with as many decimals as needed and no more.
fn decimal(value: u64, scale: u64) -> String {
    let (whole, fraction) = (value / scale, value % scale);
    if fraction == 0 {
        return whole.to_string();
    }
    let width = scale.ilog10() as usize;
    let digits = format!("{fraction:0width$}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

impl fmt::Debug for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for GoDuration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_i64(self.0) }
    }
}

impl<'de> Deserialize<'de> for GoDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyForm;
        impl Visitor<'_> for AnyForm {
            type Value = GoDuration;
            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a duration such as \"10s\" or a number of nanoseconds")
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<GoDuration, E> {
                if text.is_empty() { Ok(GoDuration(0)) } else { text.parse().map_err(E::custom) }
            }
            fn visit_i64<E: de::Error>(self, nanos: i64) -> Result<GoDuration, E> {
                Ok(GoDuration(nanos))
            }
            fn visit_u64<E: de::Error>(self, nanos: u64) -> Result<GoDuration, E> {
                i64::try_from(nanos).map(GoDuration).map_err(|_| E::custom("duration out of range"))
            }
            fn visit_f64<E: de::Error>(self, nanos: f64) -> Result<GoDuration, E> {
                Ok(GoDuration(nanos as i64))
            }
            fn visit_unit<E: de::Error>(self) -> Result<GoDuration, E> {
                Ok(GoDuration(0))
            }
        }
        deserializer.deserialize_any(AnyForm)
    }
}

/// `#[serde(with = "nanos")]`: always the number of nanoseconds, also in JSON (`LockDelay`, persisted check types).
pub mod nanos {
    use super::*;

    /// Writes the number.
    pub fn serialize<S: Serializer>(duration: &GoDuration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(duration.0)
    }

    /// Reads a number or text.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<GoDuration, D::Error> {
        GoDuration::deserialize(deserializer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_as_go_prints_it() {
        let cases = [
            ("1h30m", "1h30m0s"),
            ("90s", "1m30s"),
            ("1.5s", "1.5s"),
            ("200ms", "200ms"),
            ("0", "0s"),
            ("1500us", "1.5ms"),
            ("-2m", "-2m0s"),
            ("100ns", "100ns"),
            ("72h", "72h0m0s"),
        ];
        for (input, printed) in cases {
            assert_eq!(input.parse::<GoDuration>().expect(input).to_string(), printed);
        }
    }

    #[test]
    fn bad_text_gets_gos_words() {
        let cases = [
            ("bogus", "time: invalid duration \"bogus\""),
            ("10", "time: missing unit in duration \"10\""),
            ("10x", "time: unknown unit \"x\" in duration \"10x\""),
            ("", "time: invalid duration \"\""),
        ];
        for (input, error) in cases {
            assert_eq!(input.parse::<GoDuration>().expect_err(input), error);
        }
    }
}
