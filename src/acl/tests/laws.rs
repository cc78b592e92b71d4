//! The compiled permissions against rules that are looked at one by one.

use crate::acl::{Access, Base, Level, Permissions, Resource, Rule, Rules};
use proptest::prelude::*;

const NAMES: &[&str] = &["", "a", "a/", "a/b", "a/b/c", "ab", "b", "é", "éa", "*", "zz"];
const LABELLED: &[Resource] = &[
    Resource::Agent,
    Resource::Event,
    Resource::Key,
    Resource::Node,
    Resource::Query,
    Resource::Service,
    Resource::Session,
];

fn level() -> impl Strategy<Value = Level> {
    proptest::sample::select(vec![Level::Read, Level::List, Level::Write, Level::Deny])
}

fn rule() -> impl Strategy<Value = Rule> {
    let parts = (
        proptest::sample::select(LABELLED),
        any::<bool>(),
        proptest::sample::select(NAMES),
        level(),
        proptest::option::of(level()),
    );
    parts.prop_map(|(resource, prefix, label, level, intentions)| Rule {
        resource,
        prefix,
        label: label.to_owned(),
        level,
        intentions: intentions.filter(|_| resource == Resource::Service),
    })
}

fn policy() -> impl Strategy<Value = Rules> {
    let scalars = proptest::array::uniform5(proptest::option::of(level()));
    (scalars, proptest::collection::vec(rule(), 0..12)).prop_map(|(scalars, rules)| Rules { scalars, rules })
}

fn base() -> impl Strategy<Value = Base> {
    proptest::sample::select(vec![Base::Deny, Base::Allow, Base::Manage])
}

/// Looks at every rule of every policy for every question.
struct Slow<'a> {
    base: Base,
    policies: &'a [Rules],
}

impl Slow<'_> {
    fn fallback(&self, resource: Resource) -> bool {
        match self.base {
            Base::Manage => true,
            Base::Allow => resource != Resource::Acl,
            Base::Deny => false,
        }
    }

    /// The first of deny, write, list, read that is among them.
    fn strongest(levels: &[Level]) -> Option<Level> {
        [Level::Deny, Level::Write, Level::List, Level::Read].into_iter().find(|level| levels.contains(level))
    }

    /// What all policies together say of one label.
    fn said(&self, resource: Resource, prefix: bool, label: &str) -> Option<Level> {
        let of = |resource| {
            let rules = self.policies.iter().flat_map(|policy| &policy.rules);
            rules.filter(move |rule| rule.resource == resource && rule.prefix == prefix && rule.label == label)
        };
        if resource != Resource::Intention {
            return Self::strongest(&of(resource).map(|rule| rule.level).collect::<Vec<_>>());
        }
        let explicit: Vec<Level> = of(Resource::Service).filter_map(|rule| rule.intentions).collect();
        Self::strongest(&explicit).or_else(|| match self.said(Resource::Service, prefix, label)? {
            Level::Deny => Some(Level::Deny),
            _ => Some(Level::Read),
        })
    }

    fn grants(level: Level, access: Access) -> bool {
        match (level, access) {
            (Level::Write, _) | (Level::List, Access::Read | Access::List) | (Level::Read, Access::Read) => true,
            (Level::Deny, _) | (Level::List, Access::Write) | (Level::Read, Access::List | Access::Write) => false,
        }
    }

    /// The rule about all names with the longest beginning of this one.
    fn longest(&self, resource: Resource, name: &str) -> Option<Level> {
        let mut parts: Vec<&str> = NAMES.iter().copied().filter(|part| name.starts_with(part)).collect();
        parts.sort_by_key(|part| part.len());
        parts.into_iter().rev().find_map(|part| self.said(resource, true, part))
    }

    fn all_said(&self, resource: Resource) -> Vec<Level> {
        let labels = NAMES.iter().flat_map(|name| [(false, name), (true, name)]);
        labels.filter_map(|(prefix, label)| self.said(resource, prefix, label)).collect()
    }

    fn scalar(&self, resource: Resource, access: Access) -> bool {
        let levels: Vec<Level> = self.policies.iter().filter_map(|policy| policy.scalars[resource as usize]).collect();
        match (Self::strongest(&levels), resource) {
            (Some(level), _) => Self::grants(level, access),
            (None, Resource::Mesh | Resource::Peering) => self.scalar(Resource::Operator, access),
            (None, _) => self.fallback(resource),
        }
    }

    fn allows(&self, resource: Resource, access: Access, name: &str) -> bool {
        if !LABELLED.contains(&resource) && resource != Resource::Intention {
            return self.scalar(resource, access);
        }
        if resource == Resource::Intention && name == "*" {
            return if access == Access::Write { self.all(resource, access) } else { self.any(resource, access) };
        }
        match self.said(resource, false, name).or_else(|| self.longest(resource, name)) {
            Some(level) => Self::grants(level, access),
            None => self.fallback(resource),
        }
    }

    fn any(&self, resource: Resource, access: Access) -> bool {
        let granted = self.all_said(resource).into_iter().any(|level| Self::grants(level, access));
        granted || (self.said(resource, true, "").is_none() && self.fallback(resource))
    }

    fn all(&self, resource: Resource, access: Access) -> bool {
        let refused = self.all_said(resource).into_iter().any(|level| !Self::grants(level, access));
        !refused && (self.said(resource, true, "").is_some() || self.fallback(resource))
    }

    fn prefix_write(&self, resource: Resource, prefix: &str) -> bool {
        let covering = self.longest(resource, prefix);
        let below = NAMES
            .iter()
            .filter(|name| name.starts_with(prefix))
            .flat_map(|name| [self.said(resource, false, name), self.said(resource, true, name)]);
        if covering.into_iter().chain(below.flatten()).any(|level| level != Level::Write) {
            return false;
        }
        covering.is_some() || self.fallback(resource)
    }
}

/// Names to ask for: those of the rules, and some below them.
fn asked() -> impl Iterator<Item = String> {
    NAMES.iter().flat_map(|name| ["", "x", "/", "\u{10ffff}"].map(|tail| format!("{name}{tail}")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn decisions_are_those_of_the_rules(base in base(), policies in proptest::collection::vec(policy(), 0..4)) {
        let slow = Slow { base, policies: &policies };
        let permissions = Permissions::merged(base, &policies);
        let mut everything = true;
        for resource in Resource::ALL {
            for access in Access::ALL {
                for name in asked() {
                    let expected = slow.allows(resource, access, &name);
                    prop_assert_eq!(permissions.allows(resource, access, &name), expected, "{:?} {:?} {:?}", resource, access, name);
                    everything &= expected;
                }
                if resource as usize >= 5 {
                    prop_assert_eq!(permissions.any(resource, access), slow.any(resource, access), "any {:?} {:?}", resource, access);
                    prop_assert_eq!(permissions.all(resource, access), slow.all(resource, access), "all {:?} {:?}", resource, access);
                }
            }
        }
        prop_assert!(everything || !permissions.everything());
        for prefix in asked() {
            let expected = slow.prefix_write(Resource::Key, &prefix);
            prop_assert_eq!(permissions.allows_prefix_write(Resource::Key, &prefix), expected, "prefix {:?}", prefix);
        }
    }

    #[test]
    fn the_order_and_number_of_policies_changes_nothing(base in base(), policies in proptest::collection::vec(policy(), 1..4)) {
        let once = Permissions::merged(base, &policies);
        let mut turned: Vec<Rules> = policies.iter().rev().cloned().collect();
        turned.extend(policies.clone());
        prop_assert_eq!(once, Permissions::merged(base, &turned));
    }
}

#[test]
fn only_who_may_do_everything_passes_without_a_look() {
    let all = Rules::parse(
        r#"acl = "write" operator = "write" keyring = "write" agent_prefix "" { policy = "write" }
        event_prefix "" { policy = "write" } key_prefix "" { policy = "write" } node_prefix "" { policy = "write" }
        query_prefix "" { policy = "write" } service_prefix "" { policy = "write" intentions = "write" }
        session_prefix "" { policy = "write" }"#,
    )
    .expect("valid");
    assert!(Permissions::merged(Base::Deny, [&all]).everything());
    let but_one = Rules::parse(r#"key "x" { policy = "list" }"#).expect("valid");
    assert!(!Permissions::merged(Base::Deny, [&all, &but_one]).everything());
    assert!(Permissions::of_base(Base::Manage).everything());
    assert!(!Permissions::of_base(Base::Allow).everything());
}
