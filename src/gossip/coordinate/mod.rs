//! Network coordinates: Vivaldi with height, adjustment and gravity (`spec/gossip.md` 5).
//!
//! Every sum is taken in the order of the reference, so that equal input gives equal bits.

mod payload;
#[cfg(test)]
mod tests;

pub use payload::{decode_payload, encode_payload};

use crate::types::Coordinate;
use crate::types::coordinate::DIMENSIONS;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::HashMap;
use std::time::Duration;

/// Largest error estimate, also that of a new node.
const ERROR_MAX: f64 = 1.5;
/// Part of an observation that the error estimate takes over.
const CE: f64 = 0.25;
/// Part of an observation that the position takes over.
const CC: f64 = 0.25;
/// Observations behind the adjustment.
const ADJUSTMENT_WINDOW: usize = 20;
/// Smallest height, seconds.
const HEIGHT_MIN: f64 = 10.0e-6;
/// Round trips of one node of which the median counts.
const LATENCY_FILTER: usize = 3;
/// Pull towards the origin; larger is weaker.
const GRAVITY_RHO: f64 = 150.0;
/// What counts as no distance.
const ZERO: f64 = 1.0e-6;
/// Longest round trip that is believed.
const MAX_RTT: Duration = Duration::from_secs(10);
/// Nodes remembered; the oldest pools that the protocol carries are smaller.
const MAX_NODES: usize = 65_536;

/// What is kept of a node.
struct Peer {
    latencies: Vec<f64>,
    coordinate: Coordinate,
}

/// Our own coordinate and what it learned from.
pub struct Client {
    coordinate: Coordinate,
    origin: Coordinate,
    adjustments: [f64; ADJUSTMENT_WINDOW],
    next_adjustment: usize,
    peers: HashMap<String, Peer>,
    resets: u64,
    rng: StdRng,
}

impl Client {
    /// A client at the origin. `seed` is for the direction in which two nodes at the same point are pushed apart.
    pub fn new(seed: u64) -> Self {
        Client {
            coordinate: Coordinate::default(),
            origin: Coordinate::default(),
            adjustments: [0.0; ADJUSTMENT_WINDOW],
            next_adjustment: 0,
            peers: HashMap::new(),
            resets: 0,
            rng: StdRng::seed_from_u64(seed),
        }
    }

    /// Our coordinate.
    pub fn coordinate(&self) -> &Coordinate {
        &self.coordinate
    }

    /// Moves us somewhere.
    pub fn set_coordinate(&mut self, coordinate: Coordinate) -> Result<(), String> {
        check(&coordinate)?;
        self.coordinate = coordinate;
        Ok(())
    }

    /// Learns from a round trip to a node whose coordinate is `other`; returns our new coordinate. Unusable input is an
    /// error and changes nothing.
    pub fn update(&mut self, node: &str, other: &Coordinate, rtt: Duration) -> Result<&Coordinate, String> {
        check(other)?;
        if rtt > MAX_RTT {
            return Err(format!(
                "round trip time not in valid range, duration {rtt:?} is not a positive value less than {MAX_RTT:?}"
            ));
        }
        let rtt = self.median(node, rtt.as_secs_f64());
        self.vivaldi(other, rtt);
        self.adjust(other, rtt);
        self.pull();
        if !self.coordinate.is_valid() {
            self.resets += 1;
            self.coordinate = Coordinate::default();
        }
        if let Some(peer) = self.peers.get_mut(node) {
            peer.coordinate.clone_from(other);
        }
        Ok(&self.coordinate)
    }

    /// The newest coordinate of a node that we learned from.
    pub fn of(&self, node: &str) -> Option<&Coordinate> {
        self.peers.get(node).map(|peer| &peer.coordinate)
    }

    /// Forgets a node.
    pub fn forget(&mut self, node: &str) {
        self.peers.remove(node);
    }

    /// How often our coordinate became invalid and started again.
    pub fn resets(&self) -> u64 {
        self.resets
    }

    /// The median of the node's last round trips.
    fn median(&mut self, node: &str, rtt: f64) -> f64 {
        if !self.peers.contains_key(node) {
            if self.peers.len() >= MAX_NODES {
                return rtt;
            }
            let peer = Peer { latencies: Vec::with_capacity(LATENCY_FILTER + 1), coordinate: Coordinate::default() };
            self.peers.insert(node.to_owned(), peer);
        }
        let latencies = &mut self.peers.get_mut(node).expect("just inserted").latencies;
        latencies.push(rtt);
        if latencies.len() > LATENCY_FILTER {
            latencies.remove(0);
        }
        let mut sorted = latencies.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    fn vivaldi(&mut self, other: &Coordinate, rtt: f64) {
        let distance = seconds(distance(&self.coordinate, other));
        let rtt = rtt.max(ZERO);
        let wrongness = (distance - rtt).abs() / rtt;
        let total_error = (self.coordinate.error + other.error).max(ZERO);
        let weight = self.coordinate.error / total_error;
        let error = CE * weight * wrongness + self.coordinate.error * (1.0 - CE * weight);
        self.coordinate.error = error.min(ERROR_MAX);
        let force = CC * weight * (rtt - distance);
        apply_force(&mut self.coordinate, force, other, &mut self.rng);
    }

    fn adjust(&mut self, other: &Coordinate, rtt: f64) {
        self.adjustments[self.next_adjustment] = rtt - raw_distance(&self.coordinate, other);
        self.next_adjustment = (self.next_adjustment + 1) % ADJUSTMENT_WINDOW;
        let sum = self.adjustments.iter().fold(0.0, |sum, sample| sum + sample);
        self.coordinate.adjustment = sum / (2.0 * ADJUSTMENT_WINDOW as f64);
    }

    fn pull(&mut self) {
        let far = seconds(distance(&self.origin, &self.coordinate));
        let force = -(far / GRAVITY_RHO).powi(2);
        apply_force(&mut self.coordinate, force, &self.origin, &mut self.rng);
    }
}

/// Estimated round trip between two coordinates, whole nanoseconds.
pub fn distance(a: &Coordinate, b: &Coordinate) -> Duration {
    let raw = raw_distance(a, b);
    let adjusted = raw + a.adjustment + b.adjustment;
    let seconds = if adjusted > 0.0 { adjusted } else { raw };
    // A cast to an integer truncates; what is no number or negative becomes 0.
    Duration::from_nanos((seconds * 1.0e9) as u64)
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs() as f64 + f64::from(duration.subsec_nanos()) / 1.0e9
}

fn raw_distance(a: &Coordinate, b: &Coordinate) -> f64 {
    magnitude(&difference(&a.vec, &b.vec)) + a.height + b.height
}

fn difference(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn magnitude(vec: &[f64]) -> f64 {
    vec.iter().fold(0.0, |sum, part| sum + part * part).sqrt()
}

/// Moves `coordinate` by `force` away from `other`.
fn apply_force(coordinate: &mut Coordinate, force: f64, other: &Coordinate, rng: &mut StdRng) {
    let (direction, magnitude) = direction(&coordinate.vec, &other.vec, rng);
    for (part, unit) in coordinate.vec.iter_mut().zip(direction) {
        *part += unit * force;
    }
    if magnitude > ZERO {
        let height = (coordinate.height + other.height) * force / magnitude + coordinate.height;
        coordinate.height = height.max(HEIGHT_MIN);
    }
}

/// The unit vector from `from` to `to` and their distance; a random one and 0 when they are at the same point.
fn direction(to: &[f64], from: &[f64], rng: &mut StdRng) -> (Vec<f64>, f64) {
    let scaled = |vec: Vec<f64>, factor: f64| vec.into_iter().map(|part| part * factor).collect::<Vec<_>>();
    let away = difference(to, from);
    let length = magnitude(&away);
    if length > ZERO {
        return (scaled(away, 1.0 / length), length);
    }
    let random: Vec<f64> = to.iter().map(|_| rng.random::<f64>() - 0.5).collect();
    let length = magnitude(&random);
    if length > ZERO {
        return (scaled(random, 1.0 / length), 0.0);
    }
    let mut axis = vec![0.0; to.len()];
    axis[0] = 1.0;
    (axis, 0.0)
}

fn check(coordinate: &Coordinate) -> Result<(), String> {
    if coordinate.vec.len() != DIMENSIONS {
        return Err("dimensions aren't compatible".into());
    }
    if !coordinate.is_valid() {
        return Err("coordinate is invalid".into());
    }
    Ok(())
}
