//! The certificate authority: its configuration, its roots, and what the built-in provider keeps (`spec/mesh.md` 4).

use super::index::Table;
use super::key::join;
use super::radix::Slot;
use super::tables::{Rows, Writer};
use super::{Outcome, Snapshot, WatchSet};
use crate::types::Index;
use crate::types::ca::{CaConfiguration, CaOp, CaProviderState, CaRequest, CaRoot};
use std::sync::Arc;

/// Name of the counter of serial numbers, which stands among the indexes and is none.
const SERIAL: &[u8] = b"connect-ca-builtin-serial";

/// The part of the tables that belongs to the authority.
#[derive(Clone, Default)]
pub struct CaTables {
    /// Its configuration.
    pub config: Option<Arc<CaConfiguration>>,
    /// Roots by id.
    pub roots: Rows<Arc<CaRoot>>,
    /// What the built-in provider keeps, by id.
    pub states: Rows<Arc<CaProviderState>>,
}

impl Writer {
    /// Applies a change.
    pub fn apply_ca(&mut self, request: &CaRequest) -> Result<Outcome, String> {
        let config = || request.config.as_ref().ok_or("missing CA configuration");
        let roots = || request.roots.as_deref().ok_or("missing CA roots");
        let state = || request.provider_state.as_ref().ok_or("missing CA provider state");
        let done = match request.op {
            CaOp::Nothing => return Err("Invalid CA operation ''".into()),
            CaOp::SetConfig => self.set_ca_config(config()?),
            CaOp::SetRoots => self.set_ca_roots(request.index, roots()?)?,
            CaOp::SetRootsConfig => {
                let (config, roots) = (config()?, roots()?);
                self.may_set_ca_config(config) && self.set_ca_roots(request.index, roots)? && self.set_ca_config(config)
            }
            CaOp::SetProviderState => self.set_ca_state(state()?),
            CaOp::DeleteProviderState => self.delete_ca_state(&state()?.id),
            CaOp::IncrementProviderSerial => return Ok(Outcome::Number(self.next_ca_serial())),
        };
        Ok(Outcome::Bool(done))
    }

    /// A leaf is signed: its serial number.
    pub fn sign_ca_leaf(&mut self) -> Outcome {
        self.move_table(Table::CaLeafCerts);
        Outcome::Number(self.next_ca_serial())
    }

    fn next_ca_serial(&mut self) -> u64 {
        let indexes = &mut self.tables.indexes;
        let last = indexes.named(SERIAL).unwrap_or_else(|| indexes.table(Table::CaProviderStates));
        let next = last.saturating_add(1);
        indexes.set_named(SERIAL, next);
        next
    }

    /// A configuration that names an index replaces only the one that has it.
    fn may_set_ca_config(&self, config: &CaConfiguration) -> bool {
        let stored = self.tables.ca.config.as_ref().map(|stored| stored.modify_index);
        config.modify_index == 0 || stored == Some(config.modify_index)
    }

    fn set_ca_config(&mut self, config: &CaConfiguration) -> bool {
        if !self.may_set_ca_config(config) {
            return false;
        }
        let mut row = CaConfiguration { create_index: self.index, modify_index: self.index, ..config.clone() };
        if let Some(stored) = &self.tables.ca.config {
            row.create_index = stored.create_index;
            if row.cluster_id.is_empty() {
                row.cluster_id.clone_from(&stored.cluster_id);
            }
        }
        self.put_ca_config(row);
        true
    }

    /// Stores the configuration as it is. Its own index is all that tells of it; readers of the roots depend on it.
    pub fn put_ca_config(&mut self, row: CaConfiguration) {
        self.tables.ca.config = Some(Arc::new(row));
        self.touched.table(Table::CaRoots);
    }

    fn set_ca_roots(&mut self, index: Index, roots: &[CaRoot]) -> Result<bool, String> {
        if roots.iter().filter(|root| root.active).count() != 1 {
            return Err("there must be exactly one active CA root".into());
        }
        if roots.iter().any(|root| root.id.is_empty()) {
            return Err("missing ID of a CA root".into());
        }
        if self.tables.indexes.table(Table::CaRoots) != index {
            return Ok(false);
        }
        let before = std::mem::take(&mut self.tables.ca.roots);
        for root in roots {
            let stored = before.get(&join(&[&root.id]));
            let create_index = stored.map_or(self.index, |slot| slot.value.create_index);
            self.put_ca_root(CaRoot { create_index, modify_index: self.index, ..root.clone() });
        }
        Ok(true)
    }

    /// Stores a root as it is.
    pub fn put_ca_root(&mut self, row: CaRoot) {
        self.move_table(Table::CaRoots);
        self.tables.ca.roots.insert(Slot::new(&join(&[&row.id]), Arc::new(row)));
    }

    fn set_ca_state(&mut self, state: &CaProviderState) -> bool {
        let stored = self.tables.ca.states.get(&join(&[&state.id]));
        let create_index = stored.map_or(self.index, |slot| slot.value.create_index);
        self.put_ca_state(CaProviderState { create_index, modify_index: self.index, ..state.clone() });
        true
    }

    /// Stores what the provider keeps as it is.
    pub fn put_ca_state(&mut self, row: CaProviderState) {
        self.move_table(Table::CaProviderStates);
        self.tables.ca.states.insert(Slot::new(&join(&[&row.id]), Arc::new(row)));
    }

    fn delete_ca_state(&mut self, id: &str) -> bool {
        if self.tables.ca.states.remove(&join(&[id])).is_some() {
            self.move_table(Table::CaProviderStates);
        }
        true
    }
}

impl Snapshot {
    /// The configuration, once there is one.
    pub fn ca_config(&self) -> Option<Arc<CaConfiguration>> {
        self.tables().ca.config.clone()
    }

    /// The roots. Their index also moves when the configuration changes.
    pub fn ca_roots(&self, ws: &mut WatchSet) -> (Index, Vec<Arc<CaRoot>>) {
        ws.watch_table(Table::CaRoots);
        let tables = self.tables();
        let configured = tables.ca.config.as_ref().map_or(0, |config| config.modify_index);
        let index = tables.indexes.table(Table::CaRoots).max(configured);
        (index, tables.ca.roots.iter().map(|slot| slot.value.clone()).collect())
    }

    /// Index of the roots alone, which a change of them must name.
    pub fn ca_roots_index(&self) -> Index {
        self.tables().indexes.table(Table::CaRoots)
    }

    /// Index of the last leaf that was signed.
    pub fn ca_leaf_index(&self) -> Index {
        self.tables().indexes.table(Table::CaLeafCerts)
    }

    /// What the built-in provider keeps, one row for each of its settings.
    pub fn ca_states(&self) -> Vec<Arc<CaProviderState>> {
        self.tables().ca.states.iter().map(|slot| slot.value.clone()).collect()
    }
}
