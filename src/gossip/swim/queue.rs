//! Messages waiting to be passed on, each a limited number of times (`spec/gossip.md` 3.12).

use bytes::Bytes;
use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Names a queued message for [`Broadcasts::is_queued`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BroadcastId(u64);

/// Order of the queue: fewer transmits first, then longer, then newer.
type Key = (u32, Reverse<usize>, Reverse<u64>);

struct Entry {
    name: Option<Arc<str>>,
    message: Bytes,
}

/// A transmit-limited queue.
#[derive(Default)]
pub struct Broadcasts {
    queue: BTreeMap<Key, Entry>,
    keys: HashMap<u64, Key>,
    names: HashMap<Arc<str>, u64>,
    last_id: u64,
    bytes: usize,
}

impl Broadcasts {
    /// An empty queue.
    pub fn new() -> Self {
        Self::default()
    }

    /// Queues a message. A named one replaces the one that was queued under the same name.
    pub fn queue(&mut self, name: Option<&str>, message: Bytes) -> BroadcastId {
        self.last_id += 1;
        let id = self.last_id;
        let name: Option<Arc<str>> = name.map(Arc::from);
        if let Some(name) = &name
            && let Some(old) = self.names.insert(name.clone(), id)
            && let Some(&key) = self.keys.get(&old)
        {
            self.remove(key);
        }
        self.put((0, Reverse(message.len()), Reverse(id)), Entry { name, message });
        BroadcastId(id)
    }

    /// Takes messages that fit: each costs `overhead` bytes besides its own, all together at most `room`. A message that
    /// was taken `limit` times is gone.
    pub fn pull(&mut self, overhead: usize, room: usize, limit: u32) -> Vec<Bytes> {
        let mut out = Vec::new();
        self.pull_into(overhead, room, limit, &mut out);
        out
    }

    /// As [`Broadcasts::pull`], appending to `out`. Returns the bytes used, overhead included.
    pub fn pull_into(&mut self, overhead: usize, room: usize, limit: u32, out: &mut Vec<Bytes>) -> usize {
        let Some((last, _)) = self.queue.last_key_value() else { return 0 };
        let (last_tier, mut used) = (last.0, 0);
        let mut again: Vec<(Key, Entry)> = Vec::new();
        let mut tier = self.queue.first_key_value().map_or(0, |(key, _)| key.0);
        while tier <= last_tier && used + overhead < room {
            let free = room - used - overhead;
            let fitting = (tier, Reverse(free), Reverse(u64::MAX));
            let Some((&key, _)) = self.queue.range(fitting..).next() else { break };
            if key.0 != tier {
                tier = key.0;
                continue;
            }
            let entry = self.remove(key);
            used += overhead + entry.message.len();
            out.push(entry.message.clone());
            if key.0 + 1 < limit {
                again.push(((key.0 + 1, key.1, key.2), entry));
            } else if let Some(name) = &entry.name {
                self.names.remove(name);
            }
        }
        for (key, entry) in again {
            self.put(key, entry);
        }
        used
    }

    /// True until the message was sent as often as it should, was replaced or pruned.
    pub fn is_queued(&self, id: BroadcastId) -> bool {
        self.keys.contains_key(&id.0)
    }

    /// Messages waiting.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Nothing waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Bytes of the messages waiting.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Drops the most transmitted messages beyond `max`, and beyond `max_bytes` of them together.
    pub fn prune(&mut self, max: usize, max_bytes: usize) {
        while self.queue.len() > max || self.bytes > max_bytes {
            let Some((&key, _)) = self.queue.last_key_value() else { return };
            if let Some(name) = self.remove(key).name {
                self.names.remove(&name);
            }
        }
    }

    fn put(&mut self, key: Key, entry: Entry) {
        self.bytes += entry.message.len();
        self.keys.insert(key.2.0, key);
        self.queue.insert(key, entry);
    }

    fn remove(&mut self, key: Key) -> Entry {
        self.keys.remove(&key.2.0);
        let entry = self.queue.remove(&key).expect("a key of the queue");
        self.bytes -= entry.message.len();
        entry
    }
}
