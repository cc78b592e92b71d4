//! Network coordinates: Vivaldi with height, adjustment and gravity (`spec/gossip.md` 5).

use crate::types::Coordinate;
use std::time::Duration;

/// Our own coordinate and what it learned from.
pub struct Client {
    coordinate: Coordinate,
}

impl Client {
    /// A client at the origin. `seed` is for the direction in which two nodes at the same point are pushed apart.
    pub fn new(seed: u64) -> Self {
        let _ = seed;
        Client { coordinate: Coordinate::default() }
    }

    /// Our coordinate.
    pub fn coordinate(&self) -> &Coordinate {
        &self.coordinate
    }

    /// Learns from a round trip to a node whose coordinate is `other`; returns our new coordinate. Unusable input is an
    /// error and changes nothing.
    pub fn update(&mut self, node: &str, other: &Coordinate, rtt: Duration) -> Result<&Coordinate, String> {
        let _ = (node, other, rtt);
        todo!()
    }

    /// The newest coordinate of a node that we learned from.
    pub fn of(&self, node: &str) -> Option<&Coordinate> {
        let _ = node;
        todo!()
    }

    /// Forgets a node.
    pub fn forget(&mut self, node: &str) {
        let _ = node;
        todo!()
    }

    /// How often our coordinate became invalid and started again.
    pub fn resets(&self) -> u64 {
        todo!()
    }
}

/// Estimated round trip between two coordinates, whole nanoseconds.
pub fn distance(a: &Coordinate, b: &Coordinate) -> Duration {
    let _ = (a, b);
    todo!()
}

/// Encodes the payload of an ack: version 1 and the coordinate.
pub fn encode_payload(coordinate: &Coordinate) -> Vec<u8> {
    let _ = coordinate;
    todo!()
}

/// Decodes the payload of an ack; `None` when it is of another version or no coordinate.
pub fn decode_payload(payload: &[u8]) -> Option<Coordinate> {
    let _ = payload;
    todo!()
}
