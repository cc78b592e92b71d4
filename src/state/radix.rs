//! A persistent radix tree: ordered by key bytes, cloned in O(1), changed in place where nothing else holds the nodes.
//!
//! Entries know their own key, so a leaf is nothing but the entry inside its parent's edge list: no node, no copy of the key.
//! A clone shares everything; the first change after it copies the nodes on the path, later changes of the same owner find
//! them unshared and edit them in place. A batch of writes between two clones therefore pays one path copy per touched node.
//! No operation recurses, so the depth that hostile keys can reach costs no stack.

use smallvec::SmallVec;
use std::sync::Arc;

/// What a tree holds: something cheap to clone that knows its key.
pub trait Entry: Clone {
    /// The key; the same for as long as the entry lives.
    fn key(&self) -> &[u8];
}

/// An entry for rows that do not hold their key.
#[derive(Clone, Debug)]
pub struct Slot<T> {
    key: Arc<[u8]>,
    /// The row.
    pub value: T,
}

impl<T> Slot<T> {
    /// A row under a key.
    pub fn new(key: &[u8], value: T) -> Self {
        Slot { key: key.into(), value }
    }
}

impl<T: Clone> Entry for Slot<T> {
    fn key(&self) -> &[u8] {
        &self.key
    }
}

/// The tree.
#[derive(Clone)]
pub struct Tree<E> {
    root: Option<Edge<E>>,
    len: usize,
}

/// The way from a node to what is below it. `label` is the key byte behind the node's prefix (unused at the root).
#[derive(Clone)]
enum Edge<E> {
    Leaf { label: u8, entry: E },
    Inner { label: u8, node: Arc<Inner<E>> },
}

/// A branching point: the entry whose key ends here, and two or more ways down (one suffices beside an entry).
#[derive(Clone)]
struct Inner<E> {
    prefix: SmallVec<[u8; 16]>,
    here: Option<E>,
    edges: Vec<Edge<E>>,
}

impl<E> Edge<E> {
    fn label(&self) -> u8 {
        match self {
            Edge::Leaf { label, .. } | Edge::Inner { label, .. } => *label,
        }
    }
}

impl<E> Drop for Inner<E> {
    /// Dropping a deep tree must not recurse.
    fn drop(&mut self) {
        if !self.edges.iter().any(|edge| matches!(edge, Edge::Inner { .. })) {
            return;
        }
        let mut pending = std::mem::take(&mut self.edges);
        while let Some(edge) = pending.pop() {
            if let Edge::Inner { node, .. } = edge
                && let Some(mut node) = Arc::into_inner(node)
            {
                pending.append(&mut node.edges);
            }
        }
    }
}

impl<E: Entry> Inner<E> {
    fn find(&self, label: u8) -> Result<usize, usize> {
        self.edges.binary_search_by_key(&label, Edge::label)
    }

    fn add(&mut self, edge: Edge<E>) {
        if self.edges.len() == self.edges.capacity() {
            // A quarter more, not the double: most nodes stop growing early.
            self.edges.reserve_exact(1 + self.edges.len() / 4);
        }
        let at = self.find(edge.label()).expect_err("labels are unique in a node");
        self.edges.insert(at, edge);
    }

    /// Puts an entry below this node; `depth` is the length of the key up to the end of this node's prefix.
    fn place(&mut self, depth: usize, entry: E) {
        match entry.key().get(depth).copied() {
            None => self.here = Some(entry),
            Some(label) => self.add(Edge::Leaf { label, entry }),
        }
    }
}

fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

impl<E> Default for Tree<E> {
    fn default() -> Self {
        Tree { root: None, len: 0 }
    }
}

impl<E: Entry> Tree<E> {
    /// Number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The entry under a key.
    pub fn get(&self, key: &[u8]) -> Option<&E> {
        let mut edge = self.root.as_ref()?;
        let mut depth = 0;
        loop {
            match edge {
                Edge::Leaf { entry, .. } => return (entry.key() == key).then_some(entry),
                Edge::Inner { node, .. } => {
                    let rest = key[depth..].strip_prefix(&node.prefix[..])?;
                    let Some((label, _)) = rest.split_first() else { return node.here.as_ref() };
                    edge = &node.edges[node.find(*label).ok()?];
                    depth = key.len() - rest.len() + 1;
                }
            }
        }
    }

    /// The entry with the longest key that `text` begins with.
    pub fn longest_prefix(&self, text: &[u8]) -> Option<&E> {
        let (mut edge, mut depth, mut found) = (self.root.as_ref()?, 0, None);
        loop {
            match edge {
                Edge::Leaf { entry, .. } => return if text.starts_with(entry.key()) { Some(entry) } else { found },
                Edge::Inner { node, .. } => {
                    let Some(rest) = text[depth..].strip_prefix(&node.prefix[..]) else { return found };
                    found = node.here.as_ref().or(found);
                    let Some((label, _)) = rest.split_first() else { return found };
                    let Ok(at) = node.find(*label) else { return found };
                    edge = &node.edges[at];
                    depth = text.len() - rest.len() + 1;
                }
            }
        }
    }

    /// True when the key has an entry.
    pub fn contains(&self, key: &[u8]) -> bool {
        self.get(key).is_some()
    }

    /// Stores an entry under its key and returns the one it replaces.
    pub fn insert(&mut self, entry: E) -> Option<E> {
        let Some(mut edge) = self.root.as_mut() else {
            self.root = Some(Edge::Leaf { label: 0, entry });
            self.len = 1;
            return None;
        };
        let mut depth = 0;
        loop {
            match edge {
                Edge::Leaf { label, entry: old } => {
                    if old.key() == entry.key() {
                        return Some(std::mem::replace(old, entry));
                    }
                    let shared = common(&old.key()[depth..], &entry.key()[depth..]);
                    let prefix = SmallVec::from_slice(&entry.key()[depth..depth + shared]);
                    let mut node = Inner { prefix, here: None, edges: Vec::with_capacity(2) };
                    node.place(depth + shared, old.clone());
                    node.place(depth + shared, entry);
                    *edge = Edge::Inner { label: *label, node: Arc::new(node) };
                    break;
                }
                Edge::Inner { node, .. } => {
                    let node = Arc::make_mut(node);
                    let shared = common(&node.prefix, &entry.key()[depth..]);
                    depth += shared;
                    if shared < node.prefix.len() {
                        let mut below = Inner {
                            prefix: SmallVec::from_slice(&node.prefix[shared + 1..]),
                            here: None,
                            edges: std::mem::take(&mut node.edges),
                        };
                        below.here = node.here.take();
                        let label = node.prefix[shared];
                        node.prefix.truncate(shared);
                        node.edges.reserve_exact(2);
                        node.add(Edge::Inner { label, node: Arc::new(below) });
                        node.place(depth, entry);
                        break;
                    }
                    let Some(&label) = entry.key().get(depth) else {
                        let old = node.here.replace(entry);
                        self.len += usize::from(old.is_none());
                        return old;
                    };
                    match node.find(label) {
                        Ok(at) => edge = &mut node.edges[at],
                        Err(_) => {
                            node.add(Edge::Leaf { label, entry });
                            break;
                        }
                    }
                    depth += 1;
                }
            }
        }
        self.len += 1;
        None
    }

    /// Removes the entry under a key.
    pub fn remove(&mut self, key: &[u8]) -> Option<E> {
        if !self.contains(key) {
            return None;
        }
        self.len -= 1;
        if let Some(Edge::Leaf { .. }) = &self.root {
            return match self.root.take() {
                Some(Edge::Leaf { entry, .. }) => Some(entry),
                _ => unreachable!("just seen a leaf"),
            };
        }
        let mut edge = self.root.as_mut().expect("it contains the key");
        let mut depth = 0;
        loop {
            let Edge::Inner { node, .. } = edge else { unreachable!("leaves are taken from their parent") };
            let inner = Arc::make_mut(node);
            depth += inner.prefix.len();
            let removed = match key.get(depth) {
                None => inner.here.take(),
                Some(&label) => {
                    let at = inner.find(label).expect("it contains the key");
                    if let Edge::Inner { .. } = &inner.edges[at] {
                        depth += 1;
                        let Edge::Inner { node, .. } = edge else { unreachable!("just matched") };
                        edge = &mut Arc::get_mut(node).expect("made unique above").edges[at];
                        continue;
                    }
                    match inner.edges.remove(at) {
                        Edge::Leaf { entry, .. } => Some(entry),
                        Edge::Inner { .. } => unreachable!("just seen a leaf"),
                    }
                }
            };
            collapse(edge);
            return removed;
        }
    }

    /// Removes every entry whose key starts with `prefix` and returns them as a tree of their own.
    pub fn remove_prefix(&mut self, prefix: &[u8]) -> Tree<E> {
        let taken = self.detach(prefix);
        let mut taken = Tree { root: taken, len: 0 };
        taken.len = taken.iter().count();
        self.len -= taken.len;
        taken
    }

    fn detach(&mut self, prefix: &[u8]) -> Option<Edge<E>> {
        let first = self.iter_prefix(prefix).next()?.clone();
        let whole = match self.root.as_ref()? {
            Edge::Leaf { .. } => true,
            Edge::Inner { node, .. } => prefix.len() <= node.prefix.len(),
        };
        if whole {
            return self.root.take();
        }
        let key = first.key();
        let mut edge = self.root.as_mut()?;
        let mut depth = 0;
        loop {
            let Edge::Inner { node, .. } = edge else { unreachable!("leaves are taken from their parent") };
            let inner = Arc::make_mut(node);
            depth += inner.prefix.len();
            // The prefix ends behind this node, so the subtree hangs on one of its edges.
            let at = inner.find(key[depth]).expect("an entry with the prefix is below");
            let ends_below = match &inner.edges[at] {
                Edge::Leaf { .. } => true,
                Edge::Inner { node, .. } => prefix.len() <= depth + 1 + node.prefix.len(),
            };
            if ends_below {
                // The detached subtree keeps its shape: its keys are whole in its entries, so it is rebuilt on its own.
                let taken = inner.edges.remove(at);
                collapse(edge);
                return Some(rooted(taken, &key[..depth + 1]));
            }
            depth += 1;
            let Edge::Inner { node, .. } = edge else { unreachable!("just matched") };
            edge = &mut Arc::get_mut(node).expect("made unique above").edges[at];
        }
    }

    /// All entries in key order.
    pub fn iter(&self) -> Iter<'_, E> {
        Iter::new(self.root.as_ref())
    }

    /// The entries whose key starts with `prefix`, in key order.
    pub fn iter_prefix(&self, prefix: &[u8]) -> Iter<'_, E> {
        let mut edge = self.root.as_ref();
        let mut rest = prefix;
        while let Some(current) = edge {
            match current {
                Edge::Leaf { entry, .. } => {
                    edge = edge.filter(|_| entry.key().starts_with(prefix));
                    break;
                }
                Edge::Inner { node, .. } => {
                    if rest.len() <= node.prefix.len() {
                        edge = edge.filter(|_| node.prefix.starts_with(rest));
                        break;
                    }
                    edge = match rest.strip_prefix(&node.prefix[..]).and_then(<[u8]>::split_first) {
                        Some((label, below)) => {
                            rest = below;
                            // With nothing left every entry below the label matches.
                            node.find(*label).ok().map(|at| &node.edges[at])
                        }
                        None => None,
                    };
                    if rest.is_empty() {
                        break;
                    }
                }
            }
        }
        Iter::new(edge)
    }
}

/// Restores the shape of a node that lost an entry or an edge: one thing left is no branching point.
fn collapse<E: Entry>(edge: &mut Edge<E>) {
    let Edge::Inner { label, node } = edge else { return };
    let label = *label;
    let inner = Arc::get_mut(node).expect("changed, so unshared");
    let replacement = match (inner.here.take(), inner.edges.len()) {
        (Some(entry), 0) => Edge::Leaf { label, entry },
        (None, 1) => match inner.edges.pop().expect("one edge") {
            Edge::Leaf { entry, .. } => Edge::Leaf { label, entry },
            Edge::Inner { label: below, mut node } => {
                let prefix = [&inner.prefix[..], &[below], &node.prefix[..]].concat();
                Arc::make_mut(&mut node).prefix = SmallVec::from_vec(prefix);
                Edge::Inner { label, node }
            }
        },
        (here, _) => {
            inner.here = here;
            return;
        }
    };
    *edge = replacement;
}

/// A detached subtree as a root: its first node's prefix takes in the path above it.
fn rooted<E: Entry>(edge: Edge<E>, path: &[u8]) -> Edge<E> {
    match edge {
        Edge::Leaf { entry, .. } => Edge::Leaf { label: 0, entry },
        Edge::Inner { mut node, .. } => {
            let prefix = [path, &node.prefix[..]].concat();
            Arc::make_mut(&mut node).prefix = SmallVec::from_vec(prefix);
            Edge::Inner { label: 0, node }
        }
    }
}

/// Entries in key order.
pub struct Iter<'a, E> {
    next: Option<&'a Edge<E>>,
    stack: Vec<std::slice::Iter<'a, Edge<E>>>,
}

impl<'a, E> Iter<'a, E> {
    fn new(start: Option<&'a Edge<E>>) -> Self {
        Iter { next: start, stack: Vec::new() }
    }
}

impl<'a, E> Iterator for Iter<'a, E> {
    type Item = &'a E;

    fn next(&mut self) -> Option<&'a E> {
        loop {
            let edge = match self.next.take() {
                Some(edge) => edge,
                None => match self.stack.last_mut()?.next() {
                    Some(edge) => edge,
                    None => {
                        self.stack.pop();
                        continue;
                    }
                },
            };
            match edge {
                Edge::Leaf { entry, .. } => return Some(entry),
                Edge::Inner { node, .. } => {
                    self.stack.push(node.edges.iter());
                    if let Some(entry) = &node.here {
                        return Some(entry);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    type Bytes = Vec<u8>;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(Bytes, u32),
        Remove(Bytes),
        RemovePrefix(Bytes),
        Snapshot,
    }

    fn keys() -> impl Strategy<Value = Bytes> {
        prop_oneof![
            prop::collection::vec(prop::sample::select(&b"ab/\0"[..]), 0..8),
            prop::collection::vec(any::<u8>(), 0..40),
            Just(b"service/app/config/a-rather-long-shared-prefix".to_vec()),
            Just(b"service/app/config/a-rather-long-shared-prefix/and-more".to_vec()),
        ]
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            6 => (keys(), any::<u32>()).prop_map(|(key, value)| Step::Insert(key, value)),
            3 => keys().prop_map(Step::Remove),
            1 => keys().prop_map(|mut key| { key.truncate(3); Step::RemovePrefix(key) }),
            1 => Just(Step::Snapshot),
        ];
        prop::collection::vec(step, 0..120)
    }

    fn rows<'a>(entries: impl Iterator<Item = &'a Slot<u32>>) -> Vec<(Bytes, u32)> {
        entries.map(|slot| (slot.key().to_vec(), slot.value)).collect()
    }

    fn same(tree: &Tree<Slot<u32>>, model: &BTreeMap<Bytes, u32>) {
        let expected: Vec<_> = model.iter().map(|(key, value)| (key.clone(), *value)).collect();
        assert_eq!(rows(tree.iter()), expected);
        assert_eq!(tree.len(), model.len());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn a_tree_is_a_sorted_map_and_old_versions_stay_as_they_were(steps in steps(), probes in prop::collection::vec(keys(), 8)) {
            let mut tree = Tree::default();
            let mut model = BTreeMap::new();
            let mut versions = Vec::new();
            for step in steps {
                match step {
                    Step::Insert(key, value) => {
                        let old = tree.insert(Slot::new(&key, value)).map(|slot| slot.value);
                        prop_assert_eq!(old, model.insert(key, value));
                    }
                    Step::Remove(key) => {
                        prop_assert_eq!(tree.remove(&key).map(|slot| slot.value), model.remove(&key));
                    }
                    Step::RemovePrefix(prefix) => {
                        let taken = tree.remove_prefix(&prefix);
                        let (gone, kept) = model.into_iter().partition(|(key, _)| key.starts_with(&prefix));
                        model = kept;
                        same(&taken, &gone);
                        for key in gone.keys() {
                            prop_assert!(taken.contains(key));
                        }
                    }
                    Step::Snapshot => versions.push((tree.clone(), model.clone())),
                }
            }
            versions.push((tree, model));
            for (tree, model) in &versions {
                same(tree, model);
                for probe in &probes {
                    prop_assert_eq!(tree.get(probe).map(|slot| slot.value), model.get(probe).copied());
                    let expected: Vec<_> = model.iter().filter(|(key, _)| key.starts_with(probe))
                        .map(|(key, value)| (key.clone(), *value)).collect();
                    prop_assert_eq!(rows(tree.iter_prefix(probe)), expected);
                    let expected = model.iter().rfind(|(key, _)| probe.starts_with(key)).map(|(_, value)| *value);
                    prop_assert_eq!(tree.longest_prefix(probe).map(|slot| slot.value), expected);
                }
            }
        }
    }

    #[test]
    fn a_very_deep_tree_is_built_read_and_dropped_without_deep_recursion() {
        let mut tree = Tree::default();
        let key = vec![b'a'; 3_000];
        for len in (0..key.len()).step_by(2) {
            tree.insert(Slot::new(&key[..len], len));
        }
        assert_eq!(tree.iter().count(), key.len() / 2);
        assert_eq!(tree.get(&key[..2_998]).expect("deepest").value, 2_998);
        assert_eq!(tree.remove(&key[..1_000]).expect("present").value, 1_000);
    }

    #[test]
    fn changes_between_two_clones_edit_unshared_nodes_in_place() {
        let mut tree = Tree::default();
        for i in 0..100u32 {
            tree.insert(Slot::new(format!("key/{i:03}").as_bytes(), i));
        }
        let node = |tree: &Tree<Slot<u32>>| match tree.root.as_ref() {
            Some(Edge::Inner { node, .. }) => Arc::as_ptr(node),
            _ => unreachable!("a hundred keys branch"),
        };
        let before = node(&tree);
        tree.insert(Slot::new(b"key/050", 1));
        assert_eq!(node(&tree), before, "nobody else holds the nodes");
        let old = tree.clone();
        tree.insert(Slot::new(b"key/050", 2));
        assert_ne!(node(&tree), before, "the clone keeps the old path");
        assert_eq!((old.get(b"key/050").expect("kept").value, tree.get(b"key/050").expect("new").value), (1, 2));
    }
}
