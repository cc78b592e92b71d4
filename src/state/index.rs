//! The `index` table: the raft index at which each thing last changed (`spec/semantics.md` 1.3, 2.3).

use super::radix::{Slot, Tree};
use crate::types::Index;
use std::collections::BTreeMap;

/// Things with a table-wide index; each has a watch cell of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Table {
    /// Node rows.
    Nodes,
    /// Service rows.
    Services,
    /// Check rows.
    Checks,
    /// Last time a service lost its last instance.
    ServiceLastExtinction,
    /// Last time a node was deleted.
    NodeLastExtinction,
    /// Names by kind.
    KindServiceNames,
    /// Keys.
    Kvs,
    /// Deleted keys.
    Tombstones,
    /// Sessions.
    Sessions,
    /// Coordinates.
    Coordinates,
    /// System metadata.
    SystemMetadata,
    /// Prepared queries.
    PreparedQueries,
    /// Tokens.
    AclTokens,
    /// Policies.
    AclPolicies,
    /// Roles.
    AclRoles,
    /// Binding rules.
    AclBindingRules,
    /// Auth methods.
    AclAuthMethods,
    /// Roots of the certificate authority.
    CaRoots,
    /// What its built-in provider keeps.
    CaProviderStates,
    /// Last time a leaf was signed.
    CaLeafCerts,
}

/// All of them, in the order of their numbers, with the key of their row.
pub const TABLES: [(Table, &str); 20] = [
    (Table::Nodes, "nodes"),
    (Table::Services, "services"),
    (Table::Checks, "checks"),
    (Table::ServiceLastExtinction, "service_last_extinction"),
    (Table::NodeLastExtinction, "node_last_extinction"),
    (Table::KindServiceNames, "kind-service-names"),
    (Table::Kvs, "kvs"),
    (Table::Tombstones, "tombstones"),
    (Table::Sessions, "sessions"),
    (Table::Coordinates, "coordinates"),
    (Table::SystemMetadata, "system-metadata"),
    (Table::PreparedQueries, "prepared-queries"),
    (Table::AclTokens, "acl-tokens"),
    (Table::AclPolicies, "acl-policies"),
    (Table::AclRoles, "acl-roles"),
    (Table::AclBindingRules, "acl-binding-rules"),
    (Table::AclAuthMethods, "acl-auth-methods"),
    (Table::CaRoots, "connect-ca-roots"),
    (Table::CaProviderStates, "connect-ca-builtin"),
    (Table::CaLeafCerts, "connect-ca-leaf-certs"),
];

/// The rows of the `index` table. The fixed ones are plain numbers, because every write moves some.
#[derive(Clone, Default)]
pub struct Indexes {
    fixed: [Index; TABLES.len()],
    named: Tree<Slot<Index>>,
}

impl Indexes {
    /// Index of a table; 0 when it never changed.
    pub fn table(&self, table: Table) -> Index {
        self.fixed[table as usize]
    }

    /// The highest of some tables' indexes.
    pub fn max(&self, tables: &[Table]) -> Index {
        tables.iter().map(|table| self.table(*table)).max().unwrap_or(0)
    }

    /// Index of a named thing such as `service.web`.
    pub fn named(&self, name: &[u8]) -> Option<Index> {
        self.named.get(name).map(|slot| slot.value)
    }

    /// A table changed. Indexes never go down, so that rows of a snapshot can come in any order.
    pub fn set_table(&mut self, table: Table, index: Index) {
        let slot = &mut self.fixed[table as usize];
        *slot = index.max(*slot);
    }

    /// A named thing changed.
    pub fn set_named(&mut self, name: &[u8], index: Index) {
        let index = index.max(self.named(name).unwrap_or(0));
        self.named.insert(Slot::new(name, index));
    }

    /// A named thing is gone.
    pub fn remove_named(&mut self, name: &[u8]) {
        self.named.remove(name);
    }

    /// Sets the rows of a snapshot exactly; what they do not name stays as the tables' rows made it. Rows of local objects
    /// under the local peer's prefix are those objects' own.
    pub fn restore(&mut self, rows: impl IntoIterator<Item = (String, Index)>) {
        let mut exact: BTreeMap<String, Index> = BTreeMap::new();
        for (name, index) in rows {
            let name = name.to_lowercase();
            let slot = exact.entry(name.strip_prefix(LOCAL_PEER).unwrap_or(&name).into()).or_default();
            *slot = index.max(*slot);
        }
        // an index of 0 says nothing
        for (name, index) in exact.into_iter().filter(|(_, index)| *index > 0) {
            match TABLES.iter().find(|(_, known)| *known == name) {
                Some((table, _)) => self.fixed[*table as usize] = index,
                None => drop(self.named.insert(Slot::new(name.as_bytes(), index))),
            }
        }
    }

    /// All rows by name. Those of catalog objects stand twice, since newer versions keep them under the local peer's prefix.
    pub fn rows(&self) -> Vec<(String, Index)> {
        let fixed = TABLES.iter().map(|(table, name)| (name.to_string(), self.table(*table)));
        let named = self
            .named
            .iter()
            .map(|slot| (String::from_utf8_lossy(super::radix::Entry::key(slot)).into_owned(), slot.value));
        let mut rows: Vec<_> = fixed.filter(|(_, index)| *index > 0).chain(named).collect();
        let catalog: Vec<_> = rows.iter().filter(|(name, _)| is_catalog(name)).cloned().collect();
        rows.extend(catalog.into_iter().map(|(name, index)| (format!("{LOCAL_PEER}{name}"), index)));
        rows.sort();
        rows
    }
}

/// Prefix under which newer versions keep the indexes of local catalog objects.
const LOCAL_PEER: &str = "peer.~:";

fn is_catalog(name: &str) -> bool {
    const WHOLE: [&str; 5] = ["nodes", "services", "checks", "service_last_extinction", "node_last_extinction"];
    const STARTS: [&str; 3] = ["node.", "service.", "service_kind."];
    WHOLE.contains(&name) || STARTS.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_stands_at_its_own_number() {
        for (position, (table, _)) in TABLES.iter().enumerate() {
            assert_eq!(*table as usize, position);
        }
    }

    #[test]
    fn restored_rows_are_exact_and_peer_rows_of_local_objects_are_folded_in() {
        let mut indexes = Indexes::default();
        indexes.set_table(Table::Nodes, 12);
        indexes.set_table(Table::Nodes, 11);
        let rows = [("peer.~:service.web", 7), ("service.web", 5), ("Nodes", 9), ("config-entries", 3)];
        indexes.restore(rows.map(|(name, index)| (name.to_string(), index)));
        assert_eq!(indexes.named(b"service.web"), Some(7));
        assert_eq!(indexes.table(Table::Nodes), 9);
        let names: Vec<_> = indexes.rows().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["config-entries", "nodes", "peer.~:nodes", "peer.~:service.web", "service.web"]);
    }
}
