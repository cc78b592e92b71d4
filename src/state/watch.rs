//! Watches: which parts of the state a result depends on, and who sleeps until one of them changes.
//!
//! A [`Cell`] stands for one thing that can change. Cells exist only while some [`WatchSet`] holds them. A commit publishes its
//! root first and bumps the touched cells after that, all inside a window marked by an odd sequence number; whoever asks within
//! the window whether a result is current is told no. So a set that says it is current is never older than a root that
//! somebody has already seen, and a set whose cells were read before its root misses no commit.

use super::index::{TABLES, Table};
use crate::types::DirEntry;
use ahash::AHashMap;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Weak};
use std::task::Poll;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// What kind of thing a cell stands for; with its name it is the cell's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Space {
    /// A node, or what is on it.
    Node,
    /// The `service.<name>` index.
    Service,
    /// Instances of a service and the node rows under them.
    ServiceRows,
    /// Mesh-capable endpoints of a service.
    ConnectRows,
    /// Services of a kind.
    Kind,
    /// Checks of a node.
    NodeChecks,
    /// Checks of a service.
    ServiceChecks,
    /// Checks in a state.
    StateChecks,
    /// A key.
    Kv,
    /// A session.
    Session,
    /// Sessions of a node.
    NodeSessions,
    /// Coordinates of a node.
    NodeCoordinates,
    /// A prepared query.
    Query,
    /// A token, by accessor.
    AclToken,
    /// A policy.
    AclPolicy,
    /// A role.
    AclRole,
    /// A binding rule.
    AclBindingRule,
    /// An auth method.
    AclAuthMethod,
    /// A fact the servers agree on.
    SystemMetadata,
    /// All keys under a prefix.
    KvPrefix,
    /// A whole table.
    Table,
}

/// Spaces whose cells are found by their whole name.
const NAMED_SPACES: usize = Space::KvPrefix as usize;

/// One thing that can change.
struct Cell {
    version: AtomicU64,
    waiters: Notify,
    space: Space,
    name: Box<[u8]>,
    registry: Weak<Registry>,
}

impl Drop for Cell {
    fn drop(&mut self) {
        let Some(registry) = self.registry.upgrade() else { return };
        let dead = |cell: &Weak<Cell>| cell.strong_count() == 0;
        match self.space {
            Space::Table => {}
            Space::KvPrefix => {
                let mut prefixes = registry.prefixes.lock();
                if let Some(cells) = prefixes.get_mut(&self.name.len()) {
                    if cells.get(&self.name).is_some_and(dead) {
                        cells.remove(&self.name);
                    }
                    if cells.is_empty() {
                        prefixes.remove(&self.name.len());
                    }
                }
            }
            space => {
                let mut cells = registry.named[space as usize].lock();
                if cells.get(&self.name).is_some_and(dead) {
                    cells.remove(&self.name);
                }
            }
        }
    }
}

type Cells = AHashMap<Box<[u8]>, Weak<Cell>>;

/// All cells that somebody holds.
pub struct Registry {
    /// Odd while a commit is being published.
    sequence: AtomicU64,
    /// Moves when the whole state is replaced.
    epoch: AtomicU64,
    tables: Vec<Arc<Cell>>,
    named: [Mutex<Cells>; NAMED_SPACES],
    /// Prefix cells by the length of the prefix: a key asks once per length.
    prefixes: Mutex<BTreeMap<usize, Cells>>,
}

impl Registry {
    /// No cells but those of the tables.
    pub fn new() -> Arc<Registry> {
        Arc::new_cyclic(|registry| Registry {
            sequence: AtomicU64::new(0),
            epoch: AtomicU64::new(0),
            tables: (0..TABLES.len()).map(|_| new_cell(registry, Space::Table, &[])).collect(),
            named: std::array::from_fn(|_| Mutex::default()),
            prefixes: Mutex::default(),
        })
    }

    /// Makes a new root visible through `swap` and wakes who watches what it changed.
    pub fn publish(&self, touched: &Touched, swap: impl FnOnce()) {
        self.sequence.fetch_add(1, SeqCst);
        swap();
        let cells = self.find(touched);
        self.finish(&cells);
    }

    /// Replaces everything: every cell changes.
    pub fn publish_all(&self, swap: impl FnOnce()) {
        self.sequence.fetch_add(1, SeqCst);
        swap();
        self.epoch.fetch_add(1, SeqCst);
        let mut cells = self.tables.clone();
        for space in &self.named {
            cells.extend(space.lock().values().filter_map(Weak::upgrade));
        }
        cells.extend(self.prefixes.lock().values().flat_map(|cells| cells.values()).filter_map(Weak::upgrade));
        self.finish(&cells);
    }

    fn finish(&self, cells: &[Arc<Cell>]) {
        for cell in cells {
            cell.version.fetch_add(1, SeqCst);
        }
        self.sequence.fetch_add(1, SeqCst);
        for cell in cells {
            cell.waiters.notify_waiters();
        }
    }

    /// The cells of what was touched. They are collected first, because dropping the last holder of one takes its lock.
    fn find(&self, touched: &Touched) -> Vec<Arc<Cell>> {
        let mut found = Vec::new();
        for (table, _) in TABLES {
            if touched.tables & 1 << table as u32 != 0 {
                found.push(self.tables[table as usize].clone());
            }
        }
        for (space, range) in &touched.names {
            let cells = self.named[*space as usize].lock();
            found.extend(cells.get(&touched.text[range.clone()]).and_then(Weak::upgrade));
        }
        if !touched.keys.is_empty() {
            let cells = self.named[Space::Kv as usize].lock();
            if !cells.is_empty() {
                found.extend(touched.keys.iter().filter_map(|key| cells.get(key.bytes())).filter_map(Weak::upgrade));
            }
            drop(cells);
            let prefixes = self.prefixes.lock();
            for key in touched.keys.iter().map(TouchedKey::bytes) {
                for (len, cells) in prefixes.range(..=key.len()) {
                    found.extend(cells.get(&key[..*len]).and_then(Weak::upgrade));
                }
            }
        }
        found
    }

    fn cell(self: &Arc<Self>, space: Space, name: &[u8]) -> Arc<Cell> {
        let lookup = |cells: &mut Cells| {
            if let Some(cell) = cells.get(name).and_then(Weak::upgrade) {
                return cell;
            }
            let cell = new_cell(&Arc::downgrade(self), space, name);
            cells.insert(name.into(), Arc::downgrade(&cell));
            cell
        };
        match space {
            Space::KvPrefix => lookup(self.prefixes.lock().entry(name.len()).or_default()),
            space => lookup(&mut self.named[space as usize].lock()),
        }
    }

    /// Number of cells beside those of the tables.
    #[cfg(test)]
    pub fn cell_count(&self) -> usize {
        let named: usize = self.named.iter().map(|cells| cells.lock().len()).sum();
        named + self.prefixes.lock().values().map(|cells| cells.len()).sum::<usize>()
    }
}

fn new_cell(registry: &Weak<Registry>, space: Space, name: &[u8]) -> Arc<Cell> {
    Arc::new(Cell {
        version: AtomicU64::new(0),
        waiters: Notify::new(),
        space,
        name: name.into(),
        registry: registry.clone(),
    })
}

/// A key that a batch touched.
enum TouchedKey {
    Row(Arc<DirEntry>),
    Name(Box<[u8]>),
}

impl TouchedKey {
    fn bytes(&self) -> &[u8] {
        match self {
            TouchedKey::Row(row) => row.key.as_bytes(),
            TouchedKey::Name(name) => name,
        }
    }
}

/// What a batch of commands changed.
#[derive(Default)]
pub struct Touched {
    tables: u32,
    text: Vec<u8>,
    names: Vec<(Space, Range<usize>)>,
    keys: Vec<TouchedKey>,
}

/// A point that [`Touched::rewind`] returns to.
pub struct Mark(u32, usize, usize, usize);

impl Touched {
    /// A table's index moved.
    pub fn table(&mut self, table: Table) {
        self.tables |= 1 << table as u32;
    }

    /// A named thing changed.
    pub fn name(&mut self, space: Space, name: &[u8]) {
        let start = self.text.len();
        self.text.extend_from_slice(name);
        self.names.push((space, start..self.text.len()));
    }

    /// A key changed; the row holds its name.
    pub fn row(&mut self, row: Arc<DirEntry>) {
        self.keys.push(TouchedKey::Row(row));
    }

    /// Something about a key changed that has no row.
    pub fn key(&mut self, key: &[u8]) {
        self.keys.push(TouchedKey::Name(key.into()));
    }

    /// Where we are.
    pub fn mark(&self) -> Mark {
        Mark(self.tables, self.text.len(), self.names.len(), self.keys.len())
    }

    /// Forgets what came after the mark.
    pub fn rewind(&mut self, mark: Mark) {
        self.tables = mark.0;
        self.text.truncate(mark.1);
        self.names.truncate(mark.2);
        self.keys.truncate(mark.3);
    }
}

#[derive(Clone)]
struct Watched {
    cell: Arc<Cell>,
    version: u64,
    wakes: bool,
}

/// The parts of the state that a result was made from.
///
/// Some only decide whether the result is [current](WatchSet::is_current); a change of the others also
/// [wakes](WatchSet::changed) who waits. A blocking read of an absent key for example reports the index of the whole table,
/// but only the key itself wakes it.
#[derive(Clone, Default)]
pub struct WatchSet {
    registry: Option<Arc<Registry>>,
    epoch: u64,
    watched: Vec<Watched>,
}

impl WatchSet {
    /// A set that records nothing: for reads that nobody waits on. It is never current and never changes.
    pub fn none() -> WatchSet {
        WatchSet::default()
    }

    pub(super) fn new(registry: &Arc<Registry>) -> WatchSet {
        WatchSet { registry: Some(registry.clone()), epoch: registry.epoch.load(SeqCst), watched: Vec::new() }
    }

    /// True while a result made under this set is what a new evaluation would give. A set that is current is never older than
    /// a root that any reader has already seen.
    pub fn is_current(&self) -> bool {
        let Some(registry) = &self.registry else { return false };
        registry.sequence.load(SeqCst) & 1 == 0 && !self.is_abandoned() && self.watched.iter().all(Watched::is_fresh)
    }

    /// True when the whole state was replaced by a restore since the set was made; blocking queries answer at once.
    pub fn is_abandoned(&self) -> bool {
        self.registry.as_ref().is_some_and(|registry| registry.epoch.load(SeqCst) != self.epoch)
    }

    /// Sleeps until something that wakes a blocking query has changed; returns at once if it already has.
    pub async fn changed(&self) {
        let mut sleeping: Vec<Pin<Box<Notified<'_>>>> = self
            .watched
            .iter()
            .filter(|watched| watched.wakes)
            .map(|watched| Box::pin(watched.cell.waiters.notified()))
            .collect();
        for waiter in &mut sleeping {
            waiter.as_mut().enable();
        }
        if self.watched.iter().any(|watched| watched.wakes && !watched.is_fresh()) {
            return;
        }
        std::future::poll_fn(|cx| {
            let woken = sleeping.iter_mut().any(|waiter| waiter.as_mut().poll(cx).is_ready());
            if woken { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// A change of this thing wakes.
    pub(super) fn watch(&mut self, space: Space, name: &[u8]) {
        self.add(space, name, true);
    }

    /// The result depends on this thing.
    pub(super) fn depend(&mut self, space: Space, name: &[u8]) {
        self.add(space, name, false);
    }

    /// A change of this table wakes.
    pub(super) fn watch_table(&mut self, table: Table) {
        self.add_table(table, true);
    }

    /// The result depends on this table.
    pub(super) fn depend_tables(&mut self, tables: &[Table]) {
        tables.iter().for_each(|table| self.add_table(*table, false));
    }

    fn add(&mut self, space: Space, name: &[u8], wakes: bool) {
        let Some(registry) = &self.registry else { return };
        let same = |watched: &&mut Watched| watched.cell.space == space && *watched.cell.name == *name;
        match self.watched.iter_mut().find(same) {
            Some(watched) => watched.wakes |= wakes,
            None => self.watched.push(Watched::new(registry.cell(space, name), wakes)),
        }
    }

    fn add_table(&mut self, table: Table, wakes: bool) {
        let Some(registry) = &self.registry else { return };
        let cell = &registry.tables[table as usize];
        match self.watched.iter_mut().find(|watched| Arc::ptr_eq(&watched.cell, cell)) {
            Some(watched) => watched.wakes |= wakes,
            None => self.watched.push(Watched::new(cell.clone(), wakes)),
        }
    }

    /// Number of recorded parts.
    pub(super) fn len(&self) -> usize {
        self.watched.len()
    }

    /// Takes the cells as they are now; the caller loads the root it evaluates after this.
    pub(super) fn refresh(&mut self) {
        if let Some(registry) = &self.registry {
            self.epoch = registry.epoch.load(SeqCst);
        }
        for watched in &mut self.watched {
            watched.version = watched.cell.version.load(SeqCst);
        }
    }
}

impl Watched {
    fn new(cell: Arc<Cell>, wakes: bool) -> Watched {
        let version = cell.version.load(SeqCst);
        Watched { cell, version, wakes }
    }

    fn is_fresh(&self) -> bool {
        self.cell.version.load(SeqCst) == self.version
    }
}

impl std::fmt::Debug for WatchSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts =
            self.watched.iter().map(|watched| (watched.cell.space, watched.cell.name.escape_ascii().to_string()));
        f.debug_list().entries(parts).finish()
    }
}
