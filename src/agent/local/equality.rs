//! When two rows say the same (`spec/semantics.md` 2.2). Absent and empty lists and maps are the same thing here, or a
//! service without tags would be pushed for ever.

use crate::types::{CheckStatus, HealthCheck, NodeService};
use std::collections::BTreeMap;

/// Equal as maps, absent being empty.
pub fn same_map<V: PartialEq>(a: &Option<BTreeMap<String, V>>, b: &Option<BTreeMap<String, V>>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a == b,
        (Some(map), None) | (None, Some(map)) => map.is_empty(),
        (None, None) => true,
    }
}

/// Equal services; indexes are not compared.
pub fn same_service(a: &NodeService, b: &NodeService) -> bool {
    a.id == b.id
        && a.service == b.service
        && a.kind == b.kind
        && a.tags.as_deref().unwrap_or_default() == b.tags.as_deref().unwrap_or_default()
        && (&a.address, a.port, &a.socket_path) == (&b.address, b.port, &b.socket_path)
        && same_map(&a.tagged_addresses, &b.tagged_addresses)
        && same_map(&a.meta, &b.meta)
        && a.weights.unwrap_or_default() == b.weights.unwrap_or_default()
        && a.enable_tag_override == b.enable_tag_override
        && a.locality == b.locality
        && a.proxy == b.proxy
        && a.connect == b.connect
        && a.peer_name == b.peer_name
}

/// Equal checks; type, display copies and indexes are not compared.
pub fn same_check(a: &HealthCheck, b: &HealthCheck) -> bool {
    same_check_but_output(a, b) && a.output == b.output
}

/// Equal but for the output.
pub fn same_check_but_output(a: &HealthCheck, b: &HealthCheck) -> bool {
    a.node.eq_ignore_ascii_case(&b.node)
        && a.check_id == b.check_id
        && a.name == b.name
        && status_of(a) == status_of(b)
        && a.notes == b.notes
        && a.service_id == b.service_id
        && a.service_name == b.service_name
        && a.service_tags == b.service_tags
        && a.definition == b.definition
        && a.peer_name == b.peer_name
}

/// The catalog stores an empty status as critical.
fn status_of(check: &HealthCheck) -> &str {
    if check.status.is_empty() { CheckStatus::Critical.as_str() } else { &check.status }
}
