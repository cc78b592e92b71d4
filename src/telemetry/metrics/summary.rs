//! The JSON document of an interval (`spec/http-api.md` 3.2.7).

use super::cell::Totals;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// All series of one interval, sorted.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Summary {
    /// Start of the interval, `2026-11-20 22:18:40 +0000 UTC`.
    pub timestamp: String,
    /// Gauges.
    pub gauges: Vec<GaugeValue>,
    /// Always empty: nothing emits key/value points.
    pub points: Vec<()>,
    /// Counters.
    pub counters: Vec<Aggregate>,
    /// Distributions.
    pub samples: Vec<Aggregate>,
}

/// A gauge.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GaugeValue {
    /// Full name.
    pub name: String,
    /// Its value.
    #[serde(serialize_with = "short_float")]
    pub value: f64,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// A counter or a distribution.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Aggregate {
    /// Full name.
    pub name: String,
    /// Number of values.
    pub count: u64,
    /// Sum per second of the interval.
    #[serde(serialize_with = "go_float")]
    pub rate: f64,
    /// Sum of the values.
    #[serde(serialize_with = "go_float")]
    pub sum: f64,
    /// Lowest value.
    #[serde(serialize_with = "go_float")]
    pub min: f64,
    /// Highest value.
    #[serde(serialize_with = "go_float")]
    pub max: f64,
    /// Mean.
    #[serde(serialize_with = "go_float")]
    pub mean: f64,
    /// Standard deviation of the sample.
    #[serde(serialize_with = "go_float")]
    pub stddev: f64,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

impl Aggregate {
    /// The figures of an interval.
    pub fn new(name: String, totals: &Totals, labels: BTreeMap<String, String>) -> Aggregate {
        let count = totals.count as f64;
        let degrees = count * (count - 1.0);
        let spread = count * totals.squares - totals.sum * totals.sum;
        Aggregate {
            name,
            count: totals.count,
            rate: totals.sum / super::INTERVAL.as_secs_f64(),
            sum: totals.sum,
            min: if totals.count == 0 { 0.0 } else { totals.min },
            max: if totals.count == 0 { 0.0 } else { totals.max },
            mean: if totals.count == 0 { 0.0 } else { totals.sum / count },
            stddev: if degrees > 0.0 { (spread.max(0.0) / degrees).sqrt() } else { 0.0 },
            labels,
        }
    }
}

/// Writes whole numbers without a fraction, as Go does; JSON has no NaN, so it becomes 0.
fn go_float<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if !value.is_finite() {
        serializer.serialize_i64(0)
    } else if value.fract() == 0.0 && value.abs() < 1e15 {
        serializer.serialize_i64(*value as i64)
    } else {
        serializer.serialize_f64(*value)
    }
}

/// Like [`go_float`] with single precision, which gauges have.
fn short_float<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.fract() != 0.0 && value.is_finite() {
        serializer.serialize_f32(*value as f32)
    } else {
        go_float(&f64::from(*value as f32), serializer)
    }
}
