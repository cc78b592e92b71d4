//! The `kvs` and `tombstones` tables: writes, locks, listings and their indexes (`spec/semantics.md` 3, 6, 9).

use super::index::Table;
use super::key::join;
use super::radix::{Entry, Slot};
use super::tables::{Rows, Tables, Writer};
use super::watch::Space;
use super::{Outcome, Snapshot, WatchSet};
use crate::types::{Blob, DirEntry, Index, KvOp, KvRequest};
use bytes::Bytes;
use std::sync::Arc;

impl Entry for Arc<DirEntry> {
    fn key(&self) -> &[u8] {
        self.key.as_bytes()
    }
}

/// Equality that decides whether an entry is written (`spec/semantics.md` 2.2).
fn is_same(a: &DirEntry, b: &DirEntry) -> bool {
    a.lock_index == b.lock_index && a.key == b.key && a.flags == b.flags && a.value == b.value && a.session == b.session
}

/// Key of `kvs_by_session`: the session, then the key as it is.
fn held_key(session: &str, key: &str) -> super::key::Key {
    let mut held = join(&[session]);
    held.extend_from_slice(key.as_bytes());
    held
}

/// A copy that owns exactly its bytes, whatever buffer the request came in.
fn compact(entry: &DirEntry) -> DirEntry {
    let mut row = entry.clone();
    row.value = Blob(Bytes::copy_from_slice(&entry.value.0));
    row
}

impl Tables {
    /// The entry of a key.
    pub fn entry(&self, key: &str) -> Option<&Arc<DirEntry>> {
        self.kvs.get(key.as_bytes())
    }
}

impl Writer {
    /// Applies a change of one key or prefix.
    pub fn apply_kv(&mut self, request: &KvRequest) -> Result<Outcome, String> {
        let entry = &request.dir_ent;
        let done = match request.op {
            KvOp::Set => {
                self.kv_set(entry);
                Ok(true)
            }
            KvOp::Cas => Ok(self.kv_cas(entry).is_some()),
            KvOp::Lock => self.kv_lock(entry).map(|row| row.is_some()),
            KvOp::Unlock => self.kv_unlock(entry).map(|row| row.is_some()),
            KvOp::Delete => {
                self.kv_delete(&entry.key);
                Ok(true)
            }
            KvOp::DeleteCas => Ok(self.kv_delete_cas(&entry.key, entry.modify_index)),
            KvOp::DeleteTree => {
                self.kv_delete_tree(&entry.key);
                Ok(true)
            }
            other => Err(format!("Invalid KVS operation '{}'", verb(other))),
        };
        done.map(Outcome::Bool)
    }

    /// Writes a key; the holder stays. Returns the stored row.
    pub fn kv_set(&mut self, entry: &DirEntry) -> Arc<DirEntry> {
        let mut row = compact(entry);
        row.session = self.tables.entry(&entry.key).map(|old| old.session.clone()).unwrap_or_default();
        self.kv_store(row)
    }

    /// Stores a row with the lock fields it has, unless nothing changes.
    fn kv_store(&mut self, mut row: DirEntry) -> Arc<DirEntry> {
        let old = self.tables.entry(&row.key);
        if let Some(old) = old.filter(|old| is_same(old, &row)) {
            return old.clone();
        }
        row.create_index = old.map_or(self.index, |old| old.create_index);
        row.modify_index = self.index;
        self.put_entry(row)
    }

    /// Stores a row as it is.
    pub fn put_entry(&mut self, row: DirEntry) -> Arc<DirEntry> {
        let row = Arc::new(row);
        let old = self.tables.kvs.insert(row.clone());
        let held_before = old.as_ref().map_or("", |old| old.session.as_str());
        if held_before != row.session {
            if !held_before.is_empty() {
                self.tables.kvs_by_session.remove(&held_key(held_before, &row.key));
            }
            if !row.session.is_empty() {
                self.tables.kvs_by_session.insert(Slot::new(&held_key(&row.session, &row.key), ()));
            }
        }
        self.move_table(Table::Kvs);
        self.touched.row(row.clone());
        row
    }

    /// Writes if the index matches: 0 wants no row, anything else a row with that ModifyIndex.
    pub fn kv_cas(&mut self, entry: &DirEntry) -> Option<Arc<DirEntry>> {
        let stored = self.tables.entry(&entry.key).map(|row| row.modify_index);
        if !super::nodes::cas_matches(stored, entry.modify_index) {
            return None;
        }
        Some(self.kv_set(entry))
    }

    /// Acquires the lock of a key for a session; `None` when another session holds it.
    pub fn kv_lock(&mut self, entry: &DirEntry) -> Result<Option<Arc<DirEntry>>, String> {
        if entry.session.is_empty() {
            return Err("missing session".into());
        }
        if self.tables.session(&entry.session).is_none() {
            return Err(format!("invalid session {:?}", entry.session));
        }
        let mut row = compact(entry);
        row.lock_index = match self.tables.entry(&entry.key) {
            None => 1,
            Some(old) if old.session == entry.session => old.lock_index,
            Some(old) if old.session.is_empty() => old.lock_index + 1,
            Some(_) => return Ok(None),
        };
        Ok(Some(self.kv_store(row)))
    }

    /// Releases the lock of a key; `None` when the session does not hold it.
    pub fn kv_unlock(&mut self, entry: &DirEntry) -> Result<Option<Arc<DirEntry>>, String> {
        if entry.session.is_empty() {
            return Err("missing session".into());
        }
        let Some(old) = self.tables.entry(&entry.key).filter(|old| old.session == entry.session) else {
            return Ok(None);
        };
        let mut row = compact(entry);
        row.session.clear();
        row.lock_index = old.lock_index;
        Ok(Some(self.kv_store(row)))
    }

    /// Removes a key and leaves a tombstone; an absent one is fine.
    pub fn kv_delete(&mut self, key: &str) {
        let Some(row) = self.tables.kvs.remove(key.as_bytes()) else { return };
        self.unlink_entry(&row);
        self.put_tombstone(key.as_bytes());
        self.move_table(Table::Kvs);
        self.touched.row(row);
    }

    fn unlink_entry(&mut self, row: &DirEntry) {
        if !row.session.is_empty() {
            self.tables.kvs_by_session.remove(&held_key(&row.session, &row.key));
        }
    }

    /// Removes a key if its index matches. True also when the key is absent.
    pub fn kv_delete_cas(&mut self, key: &str, index: Index) -> bool {
        let matches = self.tables.entry(key).is_none_or(|row| row.modify_index == index);
        if matches {
            self.kv_delete(key);
        }
        matches
    }

    /// Removes every key under a prefix and leaves one tombstone, none for the empty prefix.
    pub fn kv_delete_tree(&mut self, prefix: &str) {
        let gone = self.tables.kvs.remove_prefix(prefix.as_bytes());
        if gone.is_empty() {
            return;
        }
        for row in gone.iter() {
            self.unlink_entry(row);
            self.touched.row(row.clone());
        }
        if !prefix.is_empty() {
            self.put_tombstone(prefix.as_bytes());
        }
        self.move_table(Table::Kvs);
    }

    /// Marks a key as deleted at the current index.
    pub fn put_tombstone(&mut self, key: &[u8]) {
        self.tables.tombstones.insert(Slot::new(key, self.index));
        self.move_table(Table::Tombstones);
    }

    /// Removes tombstones with an index up to `index`. Moves no index, but listings may change theirs.
    pub fn reap_tombstones(&mut self, index: Index) {
        let old: Vec<_> = self.tables.tombstones.iter().filter(|slot| slot.value <= index).cloned().collect();
        for slot in old {
            self.tables.tombstones.remove(slot.key());
            self.touched.key(slot.key());
        }
    }

    /// Keys that a session holds.
    pub fn held_by(&self, session: &str) -> Vec<Arc<DirEntry>> {
        let start = join(&[session]);
        let keys = self.tables.kvs_by_session.iter_prefix(&start).map(|slot| &slot.key()[start.len()..]);
        keys.filter_map(|key| self.tables.kvs.get(key)).cloned().collect()
    }

    /// The session of a held key ended: the lock is released, or the key deleted.
    pub fn kv_session_ended(&mut self, row: &DirEntry, delete: bool) {
        if delete {
            self.kv_delete(&row.key);
        } else {
            self.kv_store(DirEntry { session: String::new(), ..row.clone() });
        }
    }
}

/// The wire name of an operation.
pub fn verb(op: KvOp) -> String {
    serde_json::to_value(op).ok().and_then(|name| name.as_str().map(String::from)).unwrap_or_default()
}

/// Highest tombstone index of keys under a prefix.
fn tombstone_index(tombstones: &Rows<Index>, prefix: &[u8]) -> Index {
    tombstones.iter_prefix(prefix).map(|slot| slot.value).max().unwrap_or(0)
}

const KV_TABLES: [Table; 2] = [Table::Kvs, Table::Tombstones];

impl Snapshot {
    /// The entry of a key. An absent one has the index of the tables.
    pub fn kv_get(&self, ws: &mut WatchSet, key: &str) -> (Index, Option<Arc<DirEntry>>) {
        ws.watch(Space::Kv, key.as_bytes());
        match self.tables().entry(key) {
            Some(row) => (row.modify_index, Some(row.clone())),
            None => {
                ws.depend_tables(&KV_TABLES);
                (self.tables().indexes.max(&KV_TABLES), None)
            }
        }
    }

    /// Index of a listing (`spec/semantics.md` 3): the highest of its rows and tombstones; with neither, and for the empty
    /// prefix, that of the tables.
    fn kv_list_index(&self, ws: &mut WatchSet, prefix: &str, rows: Index) -> Index {
        ws.watch(Space::KvPrefix, prefix.as_bytes());
        let own = match prefix {
            "" => 0,
            _ => rows.max(tombstone_index(&self.tables().tombstones, prefix.as_bytes())),
        };
        if own > 0 {
            return own;
        }
        ws.depend_tables(&KV_TABLES);
        self.tables().indexes.max(&KV_TABLES)
    }

    /// The entries under a prefix, in key order.
    pub fn kv_list(&self, ws: &mut WatchSet, prefix: &str) -> (Index, Vec<Arc<DirEntry>>) {
        let rows: Vec<_> = self.tables().kvs.iter_prefix(prefix.as_bytes()).cloned().collect();
        let highest = rows.iter().map(|row| row.modify_index).max().unwrap_or(0);
        (self.kv_list_index(ws, prefix, highest), rows)
    }

    /// Key names under a prefix; with a separator cut after its first occurrence behind the prefix.
    ///
    /// Only keys that `may_see` lets pass count: a name that stands for several keys is there when one of them may be seen.
    pub fn kv_keys(
        &self,
        ws: &mut WatchSet,
        prefix: &str,
        separator: &str,
        mut may_see: impl FnMut(&str) -> bool,
    ) -> (Index, Vec<String>) {
        let mut highest = 0;
        let mut names: Vec<String> = Vec::new();
        for row in self.tables().kvs.iter_prefix(prefix.as_bytes()) {
            highest = highest.max(row.modify_index);
            if !may_see(&row.key) {
                continue;
            }
            let cut = if separator.is_empty() { None } else { row.key[prefix.len()..].find(separator) };
            let name = match cut {
                Some(at) => &row.key[..prefix.len() + at + separator.len()],
                None => &row.key[..],
            };
            if names.last().is_none_or(|last| last != name) {
                names.push(name.into());
            }
        }
        (self.kv_list_index(ws, prefix, highest), names)
    }

    /// Index of the last deletion of a key; a move of it wakes the leader's reaper.
    pub fn tombstone_index(&self, ws: &mut WatchSet) -> Index {
        ws.watch_table(Table::Tombstones);
        self.tables().indexes.table(Table::Tombstones)
    }
}
