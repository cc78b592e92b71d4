//! Instants: RFC 3339 text in JSON, 15 bytes in msgpack (`spec/rpc.md` 5). [`Timestamp`] is one to reckon with; the functions
//! are for `#[serde(with)]` on texts that are only shown.

use super::GoDuration;
use chrono::{DateTime, SecondsFormat, Utc};
use serde::de::{self, Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The zero instant, before anything happened.
pub const ZERO: &str = "0001-01-01T00:00:00Z";

/// Seconds from the zero instant to the Unix epoch.
const UNIX: i64 = 62_135_596_800;

/// Seconds from the Unix epoch to the end of the year 9999.
const LAST_UNIX: i64 = 253_402_300_799;

/// Writes an RFC 3339 text; what is none, the empty text too, is the zero instant.
///
/// # Errors
/// Those of the serializer.
pub fn serialize<S: Serializer>(text: &str, serializer: S) -> Result<S::Ok, S::Error> {
    let text = if text.is_empty() { ZERO } else { text };
    if serializer.is_human_readable() {
        return serializer.serialize_str(text);
    }
    let time = DateTime::parse_from_rfc3339(text).map_or(DateTime::UNIX_EPOCH, |time| time.to_utc());
    let seconds = if text == ZERO { 0 } else { time.timestamp() + UNIX };
    let mut bytes = [0xff; 15];
    bytes[0] = 1;
    bytes[1..9].copy_from_slice(&seconds.to_be_bytes());
    bytes[9..13].copy_from_slice(&(time.timestamp_subsec_nanos() as i32).to_be_bytes());
    serializer.serialize_bytes(&bytes)
}

/// Reads what [`serialize`] writes, `nil` as the zero instant.
///
/// # Errors
/// Bytes that are no instant.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    if deserializer.is_human_readable() {
        return String::deserialize(deserializer);
    }
    deserializer.deserialize_bytes(Instant)
}

struct Instant;

impl Visitor<'_> for Instant {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("15 or 16 bytes of an instant")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<String, E> {
        let seconds = match bytes {
            [] => return Ok(ZERO.into()),
            [1, rest @ ..] if rest.len() == 14 => rest,
            [2, rest @ ..] if rest.len() == 15 => rest,
            _ => return Err(E::invalid_length(bytes.len(), &self)),
        };
        let number = |range: std::ops::Range<usize>| {
            seconds[range].iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        };
        let (seconds, nanos) = (number(0..8) as i64, number(8..12) as u32);
        let time: Option<DateTime<Utc>> =
            seconds.checked_sub(UNIX).and_then(|unix| DateTime::from_timestamp(unix, nanos));
        let time = time.ok_or_else(|| E::custom("an instant out of range"))?;
        Ok(shortest(time))
    }
}

/// RFC 3339 with as many decimals as there are.
fn shortest(time: DateTime<Utc>) -> String {
    let text = time.to_rfc3339_opts(SecondsFormat::Nanos, true);
    let (head, _) = text.split_once('Z').unwrap_or((&text, ""));
    format!("{}Z", head.trim_end_matches('0').trim_end_matches('.'))
}

/// An instant, to the nanosecond. The default is the zero instant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

impl Timestamp {
    /// This moment by the system's clock.
    pub fn now() -> Timestamp {
        Timestamp(Utc::now())
    }

    /// Seconds since 1970; the nearest instant that has four digits of a year when it would lie beyond.
    pub fn from_unix(seconds: i64) -> Timestamp {
        let seconds = seconds.clamp(-UNIX, LAST_UNIX);
        Timestamp(DateTime::from_timestamp(seconds, 0).expect("these years are in range"))
    }

    /// Seconds since 1970.
    pub fn unix(&self) -> i64 {
        self.0.timestamp()
    }

    /// Bytes that sort as instants do, from the zero instant on.
    pub fn sort_key(&self) -> [u8; 12] {
        let mut key = [0; 12];
        key[..8].copy_from_slice(&(self.0.timestamp() + UNIX).to_be_bytes());
        key[8..].copy_from_slice(&self.0.timestamp_subsec_nanos().to_be_bytes());
        key
    }

    /// Before anything happened.
    pub fn is_zero(&self) -> bool {
        *self == Timestamp::default()
    }

    /// The instant that far away; the farthest there is when it would lie beyond.
    pub fn plus(&self, duration: GoDuration) -> Timestamp {
        let far = if duration.0 < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
        Timestamp(self.0.checked_add_signed(chrono::Duration::nanoseconds(duration.0)).unwrap_or(far))
    }

    /// Time from `earlier` to here, negative when it is later; the longest there is when it does not fit.
    pub fn since(&self, earlier: Timestamp) -> GoDuration {
        let time = self.0 - earlier.0;
        let most = if time < chrono::Duration::zero() { i64::MIN } else { i64::MAX };
        GoDuration(time.num_nanoseconds().unwrap_or(most))
    }
}

impl Default for Timestamp {
    fn default() -> Self {
        Timestamp(DateTime::from_timestamp(-UNIX, 0).expect("the year one is in range"))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shortest(self.0))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Timestamp {
    type Err = String;

    /// Reads RFC 3339; an instant with another zone is the same one in UTC.
    fn from_str(text: &str) -> Result<Self, String> {
        let time = DateTime::parse_from_rfc3339(text);
        time.map(|time| Timestamp(time.to_utc())).map_err(|_| format!("parsing time {text:?}: not an RFC 3339 time"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(&shortest(self.0), serializer)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;
    use crate::types::{GoDuration, msgpack};
    use serde::{Deserialize, Serialize};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct At(#[serde(with = "super")] String);

    #[test]
    fn instants_have_fifteen_bytes() {
        let cases = [
            ("0001-01-01T00:00:00Z", "af010000000000000000 00000000ffff"),
            ("2026-11-20T22:14:11.160095564Z", "af010000000ee292bd33 098add4cffff"),
            ("2026-11-20T22:14:10Z", "af010000000ee292bd32 00000000ffff"),
        ];
        for (text, hex) in cases {
            let bytes = msgpack::to_vec(&At(text.into())).expect("encodes");
            let shown: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(shown, hex.replace(' ', ""));
            assert_eq!(msgpack::from_slice::<At>(&bytes).expect("decodes").0, text);
            let json = serde_json::to_string(&At(text.into())).expect("encodes");
            assert_eq!(json, format!("{text:?}"));
        }
        assert_eq!(msgpack::from_slice::<At>(&[0xc0]).expect("nil is zero").0, super::ZERO);
        for bad in [&[0xa3, 1, 2, 3][..], &[0xa1, 9], &[0xaf, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]] {
            assert!(msgpack::from_slice::<At>(bad).is_err());
        }
        let far = [&[0xaf, 1][..], &[0x7f; 8], &[0; 6]].concat();
        assert!(msgpack::from_slice::<At>(&far).is_err());
    }

    #[test]
    fn instants_can_be_reckoned_with() {
        let at: Timestamp = "2026-11-20T22:14:11.160095564Z".parse().expect("an instant");
        assert_eq!(at.plus(GoDuration::secs(60)).to_string(), "2026-11-20T22:15:11.160095564Z");
        assert_eq!(at.plus(GoDuration::secs(60)).since(at), GoDuration::secs(60));
        assert_eq!(at.since(at.plus(GoDuration::millis(5))), GoDuration::millis(-5));
        assert!(at.plus(GoDuration(i64::MAX)) > at && Timestamp::default() < at);
        assert_eq!("2026-11-20T23:14:11.160095564+01:00".parse::<Timestamp>().expect("an instant"), at);
        assert!("yesterday".parse::<Timestamp>().is_err());
        for time in [at, Timestamp::default()] {
            let bytes = msgpack::to_vec(&time).expect("encodes");
            assert_eq!(bytes.len(), 16);
            assert_eq!(msgpack::from_slice::<Timestamp>(&bytes).expect("decodes"), time);
            let json = serde_json::to_string(&time).expect("encodes");
            assert_eq!(serde_json::from_str::<Timestamp>(&json).expect("decodes"), time);
        }
        assert_eq!(serde_json::to_string(&Timestamp::default()).expect("encodes"), "\"0001-01-01T00:00:00Z\"");
        assert!(Timestamp::default().is_zero());
        assert_eq!(Timestamp::from_unix(1_796_000_000).to_string(), "2026-11-30T00:53:20Z");
        assert_eq!(Timestamp::from_unix(i64::MAX).to_string(), "9999-12-31T23:59:59Z");
        assert!(Timestamp::from_unix(i64::MIN).is_zero());
    }
}
