//! Figures of a pool for readers that must not wait (`spec/http-api.md` 3.2, `info`).

use crate::gossip::serf::Clocks;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

const NAMES: [&str; 8] = [
    "member_time",
    "event_time",
    "query_time",
    "intent_queue",
    "query_queue",
    "event_queue",
    "health_score",
    "coordinate_resets",
];

/// The newest figures of the core.
#[derive(Debug, Default)]
pub(super) struct Figures([AtomicU64; NAMES.len()]);

impl Figures {
    pub fn store(&self, clocks: Clocks, queues: [usize; 3], health_score: u32, resets: u64) {
        let [intents, queries, events] = queues.map(|len| len as u64);
        let values =
            [clocks.member, clocks.event, clocks.query, intents, queries, events, u64::from(health_score), resets];
        for (place, value) in self.0.iter().zip(values) {
            place.store(value, Relaxed);
        }
    }

    pub fn rows(&self) -> BTreeMap<String, String> {
        NAMES.iter().zip(&self.0).map(|(name, value)| ((*name).to_owned(), value.load(Relaxed).to_string())).collect()
    }
}
