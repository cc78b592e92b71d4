//! All members, found by name, and their order for probing and drawing.

use super::{Node, State, Time};
use indexmap::IndexMap;
use rand::Rng;
use rand::rngs::StdRng;
use std::sync::Arc;

/// The members. Their position is their turn in the round of probes; positions change only when a member is added or
/// the round ends.
#[derive(Default)]
pub(super) struct Members {
    nodes: IndexMap<Arc<str>, Node, ahash::RandomState>,
    live: usize,
    /// Position of the next probe.
    turn: usize,
}

impl Members {
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Alive or suspect.
    pub fn live(&self) -> usize {
        self.live
    }

    pub fn get(&self, name: &str) -> Option<&Node> {
        self.nodes.get(name)
    }

    pub fn iter(&self) -> indexmap::map::Values<'_, Arc<str>, Node> {
        self.nodes.values()
    }

    /// Adds a member at a random turn.
    pub fn insert(&mut self, node: Node, rng: &mut StdRng) {
        self.live += usize::from(!node.state.is_gone());
        let (position, old) = self.nodes.insert_full(node.name.clone(), node);
        debug_assert!(old.is_none(), "only unknown members are inserted");
        self.nodes.swap_indices(position, rng.random_range(0..=position));
    }

    /// Changes a member; the count of the living follows.
    pub fn change(&mut self, name: &str, change: impl FnOnce(&mut Node)) -> Option<&Node> {
        let node = self.nodes.get_mut(name)?;
        let was_gone = node.state.is_gone();
        change(node);
        match (was_gone, node.state.is_gone()) {
            (true, false) => self.live += 1,
            (false, true) => self.live -= 1,
            _ => {}
        }
        Some(node)
    }

    /// The next member to probe: alive or suspect, not `own`. At the end of a round the dead and left whose state is older
    /// than `keep` are forgotten and the order is drawn anew.
    pub fn next_probe(&mut self, own: &str, now: Time, keep: Time, rng: &mut StdRng) -> Option<&Node> {
        // The rest of this round and the whole next one.
        let mut checked = 0;
        while checked < 2 * self.nodes.len() {
            let Some((name, node)) = self.nodes.get_index(self.turn) else {
                self.end_round(own, now, keep, rng);
                continue;
            };
            self.turn += 1;
            checked += 1;
            if !node.state.is_gone() && **name != *own {
                return self.nodes.get_index(self.turn - 1).map(|(_, node)| node);
            }
        }
        None
    }

    fn end_round(&mut self, own: &str, now: Time, keep: Time, rng: &mut StdRng) {
        self.turn = 0;
        self.nodes
            .retain(|name, node| !node.state.is_gone() || **name == *own || now.saturating_sub(node.since) <= keep);
        for position in (1..self.nodes.len()).rev() {
            self.nodes.swap_indices(position, rng.random_range(0..=position));
        }
    }

    /// Draws up to `count` different members that `fits`.
    pub fn draw(&self, count: usize, rng: &mut StdRng, fits: impl Fn(&Node) -> bool) -> Vec<&Node> {
        let n = self.nodes.len();
        let mut drawn: Vec<&Node> = Vec::with_capacity(count.min(n));
        if n <= 3 * count {
            // A small pool is looked at as a whole: every fitting member must have its chance.
            let mut positions: Vec<usize> = (0..n).collect();
            while drawn.len() < count && !positions.is_empty() {
                let (_, node) =
                    self.nodes.get_index(positions.swap_remove(rng.random_range(0..positions.len()))).expect("below n");
                if fits(node) {
                    drawn.push(node);
                }
            }
            return drawn;
        }
        for _ in 0..3 * n {
            if drawn.len() == count {
                break;
            }
            let (_, node) = self.nodes.get_index(rng.random_range(0..n)).expect("below n");
            if fits(node) && drawn.iter().all(|other| !Arc::ptr_eq(&other.name, &node.name)) {
                drawn.push(node);
            }
        }
        drawn
    }

    /// Somebody besides `own` is alive.
    pub fn has_company(&self, own: &str) -> bool {
        let own_live = self.get(own).is_some_and(|node| !node.state.is_gone());
        self.live > usize::from(own_live)
    }
}

/// A member that may hear gossip: everybody but those who left, and the dead only for a while.
pub(super) fn hears_gossip(node: &Node, now: Time, gossip_to_the_dead: Time) -> bool {
    match node.state {
        State::Alive | State::Suspect => true,
        State::Dead => now.saturating_sub(node.since) <= gossip_to_the_dead,
        State::Left => false,
    }
}
