//! Network coordinates (Vivaldi; `spec/semantics.md` 16).

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A point in the latency space; distances are seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Coordinate {
    /// Euclidean part.
    pub vec: Vec<f64>,
    /// Confidence, lower is better.
    pub error: f64,
    /// Offset in seconds.
    pub adjustment: f64,
    /// Height in seconds: the part of the round trip that no position explains.
    pub height: f64,
}

/// Dimensions of the Euclidean part.
pub const DIMENSIONS: usize = 8;

impl Default for Coordinate {
    fn default() -> Self {
        Coordinate { vec: vec![0.0; DIMENSIONS], error: 1.5, adjustment: 0.0, height: 10.0e-6 }
    }
}

impl Coordinate {
    /// Estimated round trip in seconds.
    pub fn distance_to(&self, other: &Coordinate) -> f64 {
        let square: f64 = self.vec.iter().zip(&other.vec).map(|(a, b)| (a - b) * (a - b)).sum();
        let raw = square.sqrt() + self.height + other.height;
        let adjusted = raw + self.adjustment + other.adjustment;
        if adjusted > 0.0 { adjusted } else { raw }
    }

    /// All parts are finite numbers.
    pub fn is_valid(&self) -> bool {
        self.vec.iter().chain([&self.error, &self.adjustment, &self.height]).all(|part| part.is_finite())
    }
}

/// A row of the `coordinates` table, also the request that updates it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct NodeCoordinate {
    /// Node name.
    pub node: String,
    /// Network segment, empty here.
    pub segment: String,
    /// The coordinate.
    pub coord: Option<Arc<Coordinate>>,
}

/// Coordinates of the servers of a datacenter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DatacenterMap {
    /// Datacenter.
    pub datacenter: String,
    /// `wan`.
    #[serde(rename = "AreaID")]
    pub area_id: String,
    /// Its servers.
    pub coordinates: Vec<NodeCoordinate>,
}
