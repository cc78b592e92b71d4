//! Rules from text to decisions, for `crate::fuzzing`.

use super::{Access, Base, Permissions, Resource, Rules};

/// Reads the rules of one policy, or of two that an empty line separates, and asks about names.
pub fn rules(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let policies: Vec<Rules> = text.splitn(2, "\n\n").filter_map(|text| Rules::parse(text).ok()).collect();
    if policies.is_empty() {
        return;
    }
    let labels: Vec<&str> =
        policies.iter().flat_map(|policy| policy.labelled()).map(|rule| rule.label.as_str()).collect();
    for base in [Base::Allow, Base::Deny] {
        let permissions = Permissions::merged(base, &policies);
        for resource in Resource::ALL {
            for access in Access::ALL {
                for name in labels.iter().copied().chain(["", "web", "web-admin"]).take(24) {
                    let allowed = permissions.allows(resource, access, name);
                    assert!(!allowed || permissions.any(resource, access) || name == "*", "one, and none at all");
                    assert!(allowed || !permissions.all(resource, access) || name == "*", "all, and not this one");
                }
            }
            for prefix in labels.iter().copied().chain([""]).take(24) {
                permissions.allows_prefix_write(resource, prefix);
            }
        }
    }
}
