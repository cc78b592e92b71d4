//! Shared reads: any number of readers and watchers of the same query share one evaluation and one body.
//!
//! The cache maps (method, arguments without index and wait, permissions, encoding) to the last result and the watches of
//! what it was made from. A result is served as long as its watches say that a new evaluation would give the same. When
//! it is outdated the first who asks evaluates and the others wait for that one. Nothing here decides who may read: the
//! consistency mode of every request is honoured before it gets here.

use super::blocking::Evaluated;
use super::question::Question;
use crate::acl::Authorizer;
use crate::types::Result;
use ahash::RandomState;
use arc_swap::ArcSwapOption;
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// Number of independently locked parts; a power of two.
const SHARDS: usize = 16;
/// Most entries of a shard.
const SHARD_ENTRIES: usize = 256;
/// Most bytes of the bodies of a shard.
const SHARD_BYTES: usize = 4 << 20;
/// Sweeps that an unused entry survives.
const IDLE_SWEEPS: u64 = 2;

/// One query and its last result.
pub struct Entry {
    authorizer: Authorizer,
    question: Box<dyn Question>,
    hash: u64,
    current: ArcSwapOption<Evaluated>,
    gate: Mutex<()>,
    started: AtomicU64,
    used: AtomicU64,
}

impl Entry {
    /// The question, without index, wait and mode.
    pub fn question(&self) -> &dyn Question {
        &*self.question
    }

    /// The permissions under which it is evaluated.
    pub fn authorizer(&self) -> &Authorizer {
        &self.authorizer
    }

    fn is_for(&self, authorizer: &Authorizer, question: &dyn Question) -> bool {
        self.authorizer == *authorizer && self.question.is_same(question)
    }

    /// The current result, from an evaluation that is still current or that began after this call did.
    fn get(&self, evaluate: impl FnOnce() -> Result<Evaluated>) -> Result<(Arc<Evaluated>, bool)> {
        let seen = self.started.load(Ordering::Acquire);
        if let Some(version) = &*self.current.load()
            && version.watch.is_current()
        {
            return Ok((Arc::clone(version), false));
        }
        let _evaluating = self.gate.lock();
        if let Some(version) = &*self.current.load()
            && (version.generation > seen || version.watch.is_current())
        {
            return Ok((Arc::clone(version), false));
        }
        let generation = self.started.fetch_add(1, Ordering::AcqRel) + 1;
        let version = Arc::new(Evaluated { generation, ..evaluate()? });
        self.current.store(Some(Arc::clone(&version)));
        Ok((version, true))
    }
}

struct Slot {
    /// Keeps the entry alive between uses; none for an entry with a large body.
    kept: Option<Arc<Entry>>,
    entry: Weak<Entry>,
    bytes: usize,
}

impl Slot {
    /// Nobody is using the entry now.
    fn is_idle(&self) -> bool {
        self.entry.strong_count() <= usize::from(self.kept.is_some())
    }
}

/// The key is a good hash already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("keys are u64");
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[derive(Default)]
struct Shard {
    slots: HashMap<u64, Slot, BuildHasherDefault<Identity>>,
    bytes: usize,
}

impl Shard {
    fn remove(&mut self, hash: u64) {
        if let Some(slot) = self.slots.remove(&hash) {
            self.bytes -= slot.bytes;
        }
    }

    /// Drops idle entries, the longest unused first, until the shard is within its bounds.
    fn shrink(&mut self) {
        while self.slots.len() > SHARD_ENTRIES || self.bytes > SHARD_BYTES {
            let age = |slot: &Slot| slot.kept.as_ref().map_or(0, |entry| entry.used.load(Ordering::Relaxed));
            let oldest = self.slots.iter().filter(|(_, slot)| slot.is_idle()).min_by_key(|(_, slot)| age(slot));
            let Some((&hash, _)) = oldest else { return };
            self.remove(hash);
        }
    }
}

/// The results of recent queries.
pub struct Cache {
    hasher: RandomState,
    shards: [RwLock<Shard>; SHARDS],
    /// Advances with every sweep.
    clock: AtomicU64,
    evaluations: AtomicU64,
}

impl Default for Cache {
    fn default() -> Self {
        Cache {
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| RwLock::default()),
            clock: AtomicU64::new(1),
            evaluations: AtomicU64::new(0),
        }
    }
}

impl Cache {
    fn shard(&self, hash: u64) -> &RwLock<Shard> {
        &self.shards[(hash >> 32) as usize % SHARDS]
    }

    /// The entry of a query; the same one for everyone who asks the same.
    pub fn entry(&self, authorizer: &Authorizer, question: Box<dyn Question>) -> Arc<Entry> {
        let hash = self.hasher.hash_one((question.digest(), authorizer));
        let now = self.clock.load(Ordering::Relaxed);
        let found = self.shard(hash).read().slots.get(&hash).and_then(|slot| slot.entry.upgrade());
        if let Some(entry) = found.filter(|entry| entry.is_for(authorizer, &*question)) {
            entry.used.store(now, Ordering::Relaxed);
            return entry;
        }
        self.insert(Entry {
            authorizer: authorizer.clone(),
            question,
            hash,
            current: ArcSwapOption::empty(),
            gate: Mutex::new(()),
            started: AtomicU64::new(0),
            used: AtomicU64::new(now),
        })
    }

    /// Stores a new entry, or finds that another request has just done so. A different query with the same hash keeps its
    /// place, and the new entry lives as long as its users.
    fn insert(&self, new: Entry) -> Arc<Entry> {
        let mut shard = self.shard(new.hash).write();
        if let Some(entry) = shard.slots.get(&new.hash).and_then(|slot| slot.entry.upgrade()) {
            return if entry.is_for(&new.authorizer, &*new.question) { entry } else { Arc::new(new) };
        }
        let hash = new.hash;
        let entry = Arc::new(new);
        shard.remove(hash);
        shard.slots.insert(hash, Slot { entry: Arc::downgrade(&entry), kept: Some(entry.clone()), bytes: 0 });
        shard.shrink();
        entry
    }

    /// The current result of an entry; `evaluate` runs at most once for all who wait. A body above the limit of its method is
    /// shared by those who ask for it at the same time and forgotten with the last of them.
    pub fn get(&self, entry: &Arc<Entry>, evaluate: impl FnOnce() -> Result<Evaluated>) -> Result<Arc<Evaluated>> {
        let (version, fresh) = entry.get(evaluate)?;
        if fresh {
            self.evaluations.fetch_add(1, Ordering::Relaxed);
            self.account(entry, version.value.weight());
        }
        Ok(version)
    }

    /// Books the size of a new result.
    fn account(&self, entry: &Arc<Entry>, bytes: usize) {
        let mut shard = self.shard(entry.hash).write();
        let Shard { slots, bytes: total } = &mut *shard;
        let Some(slot) = slots.get_mut(&entry.hash) else { return };
        if !std::ptr::eq(slot.entry.as_ptr(), Arc::as_ptr(entry)) {
            return;
        }
        let kept = (bytes <= entry.question.about().kept_bytes).then(|| Arc::clone(entry));
        let counted = if kept.is_some() { bytes } else { 0 };
        *total = *total - slot.bytes + counted;
        slot.bytes = counted;
        slot.kept = kept;
        if *total > SHARD_BYTES {
            shard.shrink();
        }
    }

    /// Forgets what nobody has asked for since the sweep before the last one.
    pub fn sweep(&self) {
        let now = self.clock.fetch_add(1, Ordering::Relaxed) + 1;
        for shard in &self.shards {
            let mut shard = shard.write();
            let Shard { slots, bytes } = &mut *shard;
            slots.retain(|_, slot| {
                let unused =
                    slot.kept.as_ref().is_none_or(|entry| entry.used.load(Ordering::Relaxed) + IDLE_SWEEPS <= now);
                let keep = !(unused && slot.is_idle());
                if !keep {
                    *bytes -= slot.bytes;
                }
                keep
            });
            slots.shrink_to_fit();
        }
    }

    /// Evaluations so far: what the answers have cost.
    pub fn evaluations(&self) -> u64 {
        self.evaluations.load(Ordering::Relaxed)
    }
}
