use super::*;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// Numbers stay texts: the JSON parser may miss a float by its last bit, the standard library does not.
type Raw<'a> = &'a RawValue;

#[derive(Deserialize)]
struct Vectors<'a> {
    #[serde(borrow)]
    vivaldi: Vivaldi<'a>,
    #[serde(borrow)]
    coordinate_encoding: HashMap<&'a str, Raw<'a>>,
}

#[derive(Deserialize)]
struct Vivaldi<'a> {
    #[serde(borrow)]
    start: Raw<'a>,
    #[serde(borrow)]
    steps: Vec<HashMap<&'a str, Raw<'a>>>,
    #[serde(borrow)]
    distances: Vec<HashMap<&'a str, Raw<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Exact<'a> {
    #[serde(borrow)]
    vec: Vec<Raw<'a>>,
    #[serde(borrow)]
    error: Raw<'a>,
    #[serde(borrow)]
    adjustment: Raw<'a>,
    #[serde(borrow)]
    height: Raw<'a>,
}

fn vectors() -> Vectors<'static> {
    serde_json::from_str(include_str!("../../../tests/vectors/gossip-vectors.json")).expect("JSON")
}

fn number(raw: Raw) -> f64 {
    raw.get().parse().expect("a number")
}

fn coordinate(raw: Raw) -> Coordinate {
    let exact: Exact = serde_json::from_str(raw.get()).expect("a coordinate");
    Coordinate {
        vec: exact.vec.into_iter().map(number).collect(),
        error: number(exact.error),
        adjustment: number(exact.adjustment),
        height: number(exact.height),
    }
}

fn bits(coordinate: &Coordinate) -> Vec<u64> {
    let parts = coordinate.vec.iter().chain([&coordinate.error, &coordinate.adjustment, &coordinate.height]);
    parts.map(|part| part.to_bits()).collect()
}

#[test]
fn the_recorded_trace_is_reproduced_bit_for_bit() {
    let trace = vectors().vivaldi;
    let mut client = Client::new(1);
    client.set_coordinate(coordinate(trace.start)).expect("valid");
    for (position, step) in trace.steps.iter().enumerate() {
        let rtt = Duration::from_nanos(number(step["RTTns"]) as u64);
        match client.update(step["Node"].get(), &coordinate(step["Other"]), rtt) {
            Ok(after) => assert_eq!(bits(after), bits(&coordinate(step["After"])), "step {position}"),
            Err(error) => assert_eq!(error, step["Err"].get().trim_matches('"').trim_end(), "step {position}"),
        }
    }
    assert_eq!(trace.steps.len(), 34);
}

#[test]
fn recorded_distances_are_reproduced() {
    for case in vectors().vivaldi.distances {
        let found = distance(&coordinate(case["a"]), &coordinate(case["b"]));
        assert_eq!(found.as_nanos().to_string(), case["ns"].get());
    }
}

#[test]
fn payloads_are_those_of_the_reference() {
    let vector = vectors().coordinate_encoding;
    let hex = vector["ack_payload_hex"].get().trim_matches('"');
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex")).collect();
    let decoded = decode_payload(&bytes).expect("a payload");
    assert_eq!(bits(&decoded), bits(&coordinate(vector["decoded"])));
    assert_eq!(encode_payload(&decoded), bytes);
    assert_eq!(encode_payload(&Coordinate::default()).len(), 130);
    for bad in [&[][..], &[2], &bytes[..40], &[1, 0x93, 1, 2]] {
        assert_eq!(decode_payload(bad), None);
    }
}

#[test]
fn unusable_observations_are_refused() {
    let mut client = Client::new(1);
    let usable = Coordinate::default();
    let flat = Coordinate { vec: vec![0.0; 3], ..usable.clone() };
    let nowhere = Coordinate { height: f64::NAN, ..usable.clone() };
    for (other, rtt) in [(&flat, 1), (&nowhere, 1), (&usable, 10_001)] {
        assert!(client.update("n", other, Duration::from_millis(rtt)).is_err());
    }
    assert_eq!(client.coordinate(), &usable);
    assert_eq!(client.of("n"), None);
    client.update("n", &usable, Duration::ZERO).expect("no time at all is a time");
    assert_eq!(client.of("n"), Some(&usable));
    client.forget("n");
    assert_eq!(client.of("n"), None);
}

#[test]
fn nodes_of_a_line_find_their_order() {
    let places: [f64; 3] = [0.0, 0.010, 0.030];
    let mut clients: Vec<Client> = (0..3).map(|seed| Client::new(seed as u64)).collect();
    for round in 0..600 {
        let (me, peer) = (round % 3, (round + 1 + round / 3 % 2) % 3);
        let rtt = Duration::from_secs_f64((places[me] - places[peer]).abs());
        let other = clients[peer].coordinate().clone();
        clients[me].update(&peer.to_string(), &other, rtt).expect("valid");
    }
    let between = |a: usize, b: usize| distance(clients[a].coordinate(), clients[b].coordinate());
    assert!(
        between(0, 1) < between(1, 2) && between(1, 2) < between(0, 2),
        "{:?} {:?} {:?}",
        between(0, 1),
        between(1, 2),
        between(0, 2)
    );
}

#[test]
fn an_overflow_starts_again_at_the_origin() {
    let mut client = Client::new(1);
    let far = Coordinate { vec: vec![f64::MAX; DIMENSIONS], ..Coordinate::default() };
    client.update("n", &far, Duration::from_millis(1)).expect("finite");
    assert!(client.coordinate().is_valid());
    assert_eq!(client.resets(), 1);
}
