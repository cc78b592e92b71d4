//! The payload of acks: a version byte and the coordinate (`spec/gossip.md` 5).

use crate::types::{Coordinate, msgpack};

/// The only version there is.
const VERSION: u8 = 1;
/// Longest payload that is decoded; a coordinate has 130 bytes.
const MAX_PAYLOAD: usize = 1024;

/// Encodes the payload of an ack: version 1 and the coordinate.
pub fn encode_payload(coordinate: &Coordinate) -> Vec<u8> {
    let mut out = Vec::with_capacity(130);
    out.push(VERSION);
    msgpack::to_end_of(&mut out, coordinate).expect("numbers have an encoding");
    out
}

/// Decodes the payload of an ack; `None` when it is of another version or no coordinate.
pub fn decode_payload(payload: &[u8]) -> Option<Coordinate> {
    let (&VERSION, body) = payload.split_first()? else { return None };
    if body.len() > MAX_PAYLOAD {
        return None;
    }
    msgpack::from_prefix(body).ok().map(|(coordinate, _)| coordinate)
}
