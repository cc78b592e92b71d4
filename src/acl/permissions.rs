//! Rules merged and laid out for looking up (`spec/acl-and-tls.md` 4).
//!
//! A list of 100,000 rows asks twice for each of them, so a decision costs no allocation and no hash: what all names have in
//! common is known beforehand, and the rest is a binary search.

use super::resource::{Access, Level, NAMED, Resource, SCALARS};
use super::rules::Rules;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// What is decided where no rule speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Base {
    /// Nothing is allowed.
    Deny,
    /// Everything but the ACL system and snapshots is allowed.
    Allow,
    /// Everything is allowed.
    Manage,
}

impl Base {
    fn allows(self, resource: Resource) -> bool {
        match self {
            Base::Deny => false,
            Base::Allow => resource != Resource::Acl,
            Base::Manage => true,
        }
    }

    /// The base of a configured `default_policy`.
    pub fn of_policy(policy: &str) -> Base {
        if policy.eq_ignore_ascii_case("deny") { Base::Deny } else { Base::Allow }
    }
}

/// A rule about all names that begin with `label`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Prefix {
    label: Box<str>,
    level: Level,
    /// The longest shorter rule whose label this label begins with.
    parent: Option<u32>,
}

/// The rules about one resource with names, and what follows from them for all names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Table {
    /// By name.
    exact: Box<[(Box<str>, Level)]>,
    /// By label.
    prefix: Box<[Prefix]>,
    /// What is decided for every name, where that is the same; by access.
    uniform: [Option<bool>; 3],
    /// Some rule grants; by access.
    any: [bool; 3],
    /// Some rule refuses; by access.
    refused: [bool; 3],
}

impl Table {
    fn new(resource: Resource, base: Base, exact: Vec<(Box<str>, Level)>, prefix: Vec<(Box<str>, Level)>) -> Table {
        let rooted = prefix.first().is_some_and(|(label, _)| label.is_empty());
        let levels: Vec<Level> = exact.iter().chain(&prefix).map(|(_, level)| *level).collect();
        let by_access = |decide: &dyn Fn(Access) -> bool| Access::ALL.map(decide);
        let any = by_access(&|access| levels.iter().any(|level| level.grants(access)));
        let refused = by_access(&|access| levels.iter().any(|level| !level.grants(access)));
        let mut uniform = [None; 3];
        for (at, uniform) in uniform.iter_mut().enumerate() {
            let fallback = (!rooted).then(|| base.allows(resource));
            let (yes, no) = (any[at] || fallback == Some(true), refused[at] || fallback == Some(false));
            *uniform = (yes != no).then_some(yes);
        }
        Table { exact: exact.into(), prefix: linked(prefix), uniform, any, refused }
    }

    /// The level of the longest rule about all names that begin with a part of `name`.
    fn longest(&self, name: &str) -> Option<Level> {
        let mut at = self.prefix.partition_point(|rule| *rule.label <= *name).checked_sub(1);
        // What stands between a label and the name begins with that label too, so labels of `name` are among its parents.
        while let Some(index) = at {
            let rule = &self.prefix[index];
            if name.as_bytes().starts_with(rule.label.as_bytes()) {
                return Some(rule.level);
            }
            at = rule.parent.map(|parent| parent as usize);
        }
        None
    }

    fn level(&self, name: &str) -> Option<Level> {
        match self.exact.binary_search_by(|(label, _)| (**label).cmp(name)) {
            Ok(at) => Some(self.exact[at].1),
            Err(_) => self.longest(name),
        }
    }

    /// The level of the rule about all names.
    fn root(&self) -> Option<Level> {
        self.prefix.first().filter(|rule| rule.label.is_empty()).map(|rule| rule.level)
    }

    /// Everything that begins with `prefix` may be written; none where no rule speaks.
    fn write_below(&self, prefix: &str) -> Option<bool> {
        let covering = self.longest(prefix);
        if covering.is_some_and(|level| level != Level::Write) {
            return Some(false);
        }
        let exact = &self.exact[self.exact.partition_point(|(label, _)| **label < *prefix)..];
        let prefixes = &self.prefix[self.prefix.partition_point(|rule| *rule.label < *prefix)..];
        let mut below = exact
            .iter()
            .map(|(label, level)| (label, *level))
            .take_while(|(label, _)| label.starts_with(prefix))
            .chain(
                prefixes
                    .iter()
                    .map(|rule| (&rule.label, rule.level))
                    .take_while(|(label, _)| label.starts_with(prefix)),
            );
        match below.any(|(_, level)| level != Level::Write) {
            true => Some(false),
            false => covering.map(|_| true),
        }
    }
}

/// Gives every label the place of the longest shorter one that it begins with.
fn linked(sorted: Vec<(Box<str>, Level)>) -> Box<[Prefix]> {
    let mut linked: Vec<Prefix> = Vec::with_capacity(sorted.len());
    for (label, level) in sorted {
        let mut parent = linked.len().checked_sub(1).map(|last| last as u32);
        while let Some(at) = parent {
            let candidate = &linked[at as usize];
            if label.starts_with(&*candidate.label) {
                break;
            }
            parent = candidate.parent;
        }
        linked.push(Prefix { label, level, parent });
    }
    linked.into()
}

/// The merged rules of a caller; equal when they say the same.
#[derive(Clone, Debug)]
pub struct Permissions {
    base: Base,
    scalars: [Option<Level>; SCALARS],
    tables: [Table; NAMED],
    /// Everything is allowed, whatever is asked.
    everything: bool,
    digest: u64,
}

impl PartialEq for Permissions {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
            && self.base == other.base
            && self.scalars == other.scalars
            && self.tables == other.tables
    }
}

impl Eq for Permissions {}

impl Hash for Permissions {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.digest);
    }
}

/// Levels by resource, kind and label, while policies are merged.
type Merged = BTreeMap<(usize, bool, Box<str>), Level>;

fn merge(merged: &mut Merged, key: (usize, bool, &str), level: Level) {
    let (table, prefix, label) = key;
    let entry = merged.entry((table, prefix, label.into())).or_insert(level);
    *entry = level.max(*entry);
}

impl Permissions {
    /// Merges the rules of several policies.
    pub fn merged<'a>(base: Base, policies: impl IntoIterator<Item = &'a Rules>) -> Permissions {
        let named = |resource: Resource| resource.named().expect("rules with labels are about names");
        let (service, intention) = (named(Resource::Service), named(Resource::Intention));
        let mut scalars = [None; SCALARS];
        let mut merged = Merged::new();
        for policy in policies {
            for (scalar, said) in scalars.iter_mut().zip(policy.scalars) {
                *scalar = said.max(*scalar);
            }
            for rule in &policy.rules {
                merge(&mut merged, (named(rule.resource), rule.prefix, &rule.label), rule.level);
                if let Some(level) = rule.intentions {
                    merge(&mut merged, (intention, rule.prefix, &rule.label), level);
                }
            }
        }
        let services: Vec<_> = merged.iter().filter(|((table, ..), _)| *table == service).collect();
        let derived: Vec<_> = services
            .into_iter()
            .map(|((_, prefix, label), level)| {
                let level = if *level == Level::Deny { Level::Deny } else { Level::Read };
                ((intention, *prefix, label.clone()), level)
            })
            .collect();
        for (key, level) in derived {
            merged.entry(key).or_insert(level);
        }
        Permissions::compiled(base, scalars, merged)
    }

    /// What a base allows when there are no rules at all.
    pub fn of_base(base: Base) -> Permissions {
        Permissions::compiled(base, [None; SCALARS], Merged::new())
    }

    fn compiled(base: Base, scalars: [Option<Level>; SCALARS], merged: Merged) -> Permissions {
        let mut rows: [(Vec<_>, Vec<_>); NAMED] = Default::default();
        for ((table, prefix, label), level) in merged {
            let (exact, prefixes) = &mut rows[table];
            if prefix {
                prefixes.push((label, level))
            } else {
                exact.push((label, level))
            };
        }
        let mut resources = Resource::ALL[SCALARS..].iter();
        let tables = rows.map(|(exact, prefix)| {
            Table::new(*resources.next().expect("as many tables as resources with names"), base, exact, prefix)
        });
        let mut permissions = Permissions { base, scalars, tables, everything: false, digest: 0 };
        permissions.everything = Resource::ALL
            .into_iter()
            .all(|resource| Access::ALL.into_iter().all(|access| permissions.uniform(resource, access) == Some(true)));
        let mut hasher = DefaultHasher::new();
        (base, scalars, &permissions.tables).hash(&mut hasher);
        permissions.digest = hasher.finish();
        permissions
    }

    /// What is decided for every name, where that is the same.
    pub fn uniform(&self, resource: Resource, access: Access) -> Option<bool> {
        match resource.named() {
            Some(at) => self.tables[at].uniform[access as usize],
            None => Some(self.scalar(resource, access)),
        }
    }

    /// Nothing is ever refused.
    pub fn everything(&self) -> bool {
        self.everything
    }

    fn scalar(&self, resource: Resource, access: Access) -> bool {
        match (self.scalars[resource as usize], resource) {
            (Some(level), _) => level.grants(access),
            (None, Resource::Mesh | Resource::Peering) => self.scalar(Resource::Operator, access),
            (None, _) => self.base.allows(resource),
        }
    }

    /// Whether `access` to the named resource is granted. For intentions the name `*` stands for all services: some of them
    /// for reading, each of them for writing.
    pub fn allows(&self, resource: Resource, access: Access, name: &str) -> bool {
        let Some(at) = resource.named() else { return self.scalar(resource, access) };
        let table = &self.tables[at];
        if let Some(decided) = table.uniform[access as usize] {
            return decided;
        }
        if resource == Resource::Intention && name == "*" {
            return if access == Access::Write { self.all(resource, access) } else { self.any(resource, access) };
        }
        match table.level(name) {
            Some(level) => level.grants(access),
            None => self.base.allows(resource),
        }
    }

    /// Whether everything whose name begins with `prefix` may be written (`spec/acl-and-tls.md` 4.5).
    pub fn allows_prefix_write(&self, resource: Resource, prefix: &str) -> bool {
        let Some(at) = resource.named() else { return self.scalar(resource, Access::Write) };
        self.tables[at].write_below(prefix).unwrap_or_else(|| self.base.allows(resource))
    }

    /// Whether `access` is granted to at least one name.
    pub fn any(&self, resource: Resource, access: Access) -> bool {
        let Some(at) = resource.named() else { return self.scalar(resource, access) };
        let table = &self.tables[at];
        table.any[access as usize] || (table.root().is_none() && self.base.allows(resource))
    }

    /// Whether `access` is granted to each name.
    pub fn all(&self, resource: Resource, access: Access) -> bool {
        let Some(at) = resource.named() else { return self.scalar(resource, access) };
        let table = &self.tables[at];
        !table.refused[access as usize] && (table.root().is_some() || self.base.allows(resource))
    }
}
