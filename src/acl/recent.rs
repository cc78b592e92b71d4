//! A bounded map that forgets what has not been used for longest.

use ahash::AHashMap;
use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

/// One part in this many is forgotten at a time, so that forgetting costs little per insert.
const FORGOTTEN_PART: usize = 8;

/// The map. Looking something up needs no exclusive access.
#[derive(Debug)]
pub struct Recent<K, V> {
    bound: usize,
    clock: AtomicU64,
    entries: AHashMap<K, (V, AtomicU64)>,
}

impl<K: Hash + Eq + Clone, V> Recent<K, V> {
    /// Keeps up to `bound` entries, at least one.
    pub fn new(bound: usize) -> Recent<K, V> {
        Recent { bound: bound.max(1), clock: AtomicU64::new(0), entries: AHashMap::new() }
    }

    /// The value of a key, which is now the one used last.
    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        let (value, used) = self.entries.get(key)?;
        let now = self.clock.load(Ordering::Relaxed);
        if used.load(Ordering::Relaxed) != now {
            used.store(now, Ordering::Relaxed);
        }
        Some(value)
    }

    /// Stores a value.
    pub fn insert(&mut self, key: K, value: V) {
        if self.entries.len() >= self.bound && !self.entries.contains_key(&key) {
            self.forget();
        }
        let now = self.clock.fetch_add(1, Ordering::Relaxed) + 1;
        self.entries.insert(key, (value, AtomicU64::new(now)));
    }

    /// Removes a value.
    pub fn remove<Q: Hash + Eq + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        self.entries.remove(key).map(|(value, _)| value)
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    fn forget(&mut self) {
        let mut times: Vec<u64> = self.entries.values().map(|(_, used)| used.load(Ordering::Relaxed)).collect();
        let most = (times.len() / FORGOTTEN_PART).max(1);
        let (_, limit, _) = times.select_nth_unstable(most - 1);
        let (limit, mut left) = (*limit, most);
        self.entries.retain(|_, (_, used)| {
            let keep = left == 0 || *used.get_mut() > limit;
            left -= usize::from(!keep);
            keep
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_last_stays() {
        let mut recent = Recent::new(16);
        for key in 0..16 {
            recent.insert(key, key);
        }
        recent.insert(100, 100);
        assert_eq!((recent.get(&0), recent.get(&2)), (None, Some(&2)));
        for key in 101..1000 {
            assert!(recent.get(&2).is_some(), "{key}");
            recent.insert(key, key);
            assert!(recent.len() <= 16 && recent.get(&key).is_some());
        }
        assert_eq!(recent.remove(&2), Some(2));
        assert_eq!(recent.get(&2), None);
    }

    #[test]
    fn one_entry_is_the_least() {
        let mut recent = Recent::new(0);
        recent.insert("a", 1);
        recent.insert("b", 2);
        assert_eq!((recent.len(), recent.get("b"), recent.is_empty()), (1, Some(&2), false));
    }
}
