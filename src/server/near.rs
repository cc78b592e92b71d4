//! Sorting by distance from a node (`spec/semantics.md` 16.2).

use super::{ReadContext, Server};
use crate::state::Snapshot;
use crate::types::QuerySource;
use std::collections::HashMap;

/// The request asks for sorting. Coordinates change all the time and wake nobody, so such answers are not shared.
pub(super) fn sort_key_near(source: &QuerySource) -> bool {
    !source.node.is_empty()
}

/// Sorts rows by the round trip from the source node, nearest first; rows of nodes without a coordinate go last and keep
/// their order. Does nothing without a source node, for a source in another datacenter, or when the source has no coordinate.
pub(super) fn sort_by_distance<T>(
    cx: &ReadContext<'_>,
    source: &QuerySource,
    rows: &mut [T],
    node: impl Fn(&T) -> &str,
) {
    sort_nodes(cx.server, cx.state, source, rows, node);
}

/// The same outside of a read.
pub(super) fn sort_nodes<T>(
    server: &Server,
    state: &Snapshot,
    source: &QuerySource,
    rows: &mut [T],
    node: impl Fn(&T) -> &str,
) {
    let own = &server.config().datacenter;
    if source.node.is_empty() || !(source.datacenter.is_empty() || source.datacenter == *own) {
        return;
    }
    let Some(from) = state.coordinate_of(&source.node) else { return };
    let mut distances: HashMap<&str, f64> = HashMap::new();
    for row in rows.iter() {
        let name = node(row);
        distances.entry(name).or_insert_with(|| {
            state.coordinate_of(name).map_or(f64::INFINITY, |coordinate| from.distance_to(&coordinate))
        });
    }
    let mut keyed: Vec<(f64, usize)> = rows.iter().enumerate().map(|(at, row)| (distances[node(row)], at)).collect();
    drop(distances);
    keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
    permute(rows, &keyed);
}

/// Puts row `order[i].1` at place `i`.
fn permute<T>(rows: &mut [T], order: &[(f64, usize)]) {
    let mut place: Vec<usize> = vec![0; rows.len()];
    for (to, (_, from)) in order.iter().enumerate() {
        place[*from] = to;
    }
    for at in 0..place.len() {
        while place[at] != at {
            let to = place[at];
            rows.swap(at, to);
            place.swap(at, to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::permute;

    #[test]
    fn rows_land_in_the_order_that_was_sorted() {
        let mut rows = vec!["a", "b", "c", "d"];
        permute(&mut rows, &[(0.0, 2), (0.1, 0), (0.2, 3), (f64::INFINITY, 1)]);
        assert_eq!(rows, ["c", "a", "d", "b"]);
    }
}
