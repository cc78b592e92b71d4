//! Expressions over every row type, for `crate::fuzzing`.

use super::{Filter, Filterable, check_syntax, go_regex};
use crate::types::requests::NodeInfo;
use crate::types::{CheckServiceNode, HealthCheck, Node, NodeService, ServiceNode};

/// Parses an expression against a row type and evaluates it; `regexp` is for regular expressions alone.
pub fn expression(row: &str, text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let _ = check_syntax(text);
    match row {
        "node" => on::<Node>(text),
        "check" => on::<HealthCheck>(text),
        "service" => on::<NodeService>(text),
        "service-node" => on::<ServiceNode>(text),
        "health" => on::<CheckServiceNode>(text),
        "info" => on::<NodeInfo>(text),
        "regexp" => {
            let _ = go_regex::compile(text).map(|regexp| regexp.is_match("a name of_some-length.7"));
        }
        _ => {}
    }
}

fn on<T: Filterable + Default>(text: &str) {
    if let Ok(filter) = Filter::<T>::parse(text) {
        filter.matches(&T::default());
    }
}
