//! Autopilot settings and system metadata: small tables that the servers keep for themselves.

use super::index::Table;
use super::key::{join, lower};
use super::radix::Slot;
use super::tables::Writer;
use super::watch::Space;
use super::{Outcome, Snapshot, WatchSet};
use crate::types::operator::AutopilotConfig;
use crate::types::requests::AutopilotSetRequest;
use crate::types::{SystemMetadataEntry, SystemMetadataOp, SystemMetadataRequest};
use std::sync::Arc;

impl Writer {
    /// Stores autopilot settings; with `cas` only over the row that has the request's ModifyIndex.
    pub fn set_autopilot(&mut self, request: &AutopilotSetRequest) -> Outcome {
        let stored = self.tables.autopilot.as_ref();
        if request.cas && stored.map(|row| row.modify_index) != Some(request.config.modify_index) {
            return Outcome::Bool(false);
        }
        let create_index = stored.map_or(self.index, |row| row.create_index);
        let row = AutopilotConfig { create_index, modify_index: self.index, ..request.config.clone() };
        self.tables.autopilot = Some(Arc::new(row));
        Outcome::Bool(true)
    }

    /// Stores or removes a fact the servers agree on.
    pub fn set_system_metadata(&mut self, request: &SystemMetadataRequest) -> Result<Outcome, String> {
        let key = join(&[&request.entry.key]);
        match request.op {
            SystemMetadataOp::Upsert => {
                if request.entry.key.is_empty() {
                    return Err("missing key on system metadata".into());
                }
                let stored = self.tables.system_metadata.get(&key);
                let create_index = stored.map_or(self.index, |slot| slot.value.create_index);
                let entry = request.entry.clone();
                self.put_system_metadata(SystemMetadataEntry { create_index, modify_index: self.index, ..entry });
            }
            SystemMetadataOp::Delete => {
                if self.tables.system_metadata.remove(&key).is_some() {
                    self.move_table(Table::SystemMetadata);
                    self.touch(Space::SystemMetadata, &request.entry.key);
                }
            }
        }
        Ok(Outcome::Done)
    }

    /// Stores a row as it is.
    pub fn put_system_metadata(&mut self, row: SystemMetadataEntry) {
        self.move_table(Table::SystemMetadata);
        self.touch(Space::SystemMetadata, &row.key);
        self.tables.system_metadata.insert(Slot::new(&join(&[&row.key]), Arc::new(row)));
    }
}

impl Snapshot {
    /// Autopilot settings, once stored.
    pub fn autopilot_config(&self) -> Option<Arc<AutopilotConfig>> {
        self.tables().autopilot.clone()
    }

    /// A fact the servers agreed on.
    pub fn system_metadata(&self, key: &str) -> Option<Arc<SystemMetadataEntry>> {
        self.tables().system_metadata.get(&join(&[key])).map(|slot| slot.value.clone())
    }

    /// The same, for a reader who wants to know when it changes.
    pub fn system_metadata_watched(&self, ws: &mut WatchSet, key: &str) -> Option<Arc<SystemMetadataEntry>> {
        ws.watch(Space::SystemMetadata, lower(key).as_bytes());
        self.system_metadata(key)
    }
}
