//! Rings that tell new events and queries from those already seen (`spec/gossip.md` 4.4, 4.5).

use super::message::{EventRing, EventSlot, SlotEvent};
use crate::telemetry::limits;
use std::sync::Arc;

/// Lamport times that a ring remembers.
pub const SIZE: usize = 512;

/// Most entries of one Lamport time. Honest nodes reach it only with as many senders that know nothing of each other.
const MAX_PER_SLOT: usize = 1024;

/// Bytes of all entries of a ring. Honest events have some hundred.
const MAX_BYTES: usize = 32 << 20;

/// What every ring knows about time: where it starts, and how far back it reaches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Window {
    /// Older times are ignored.
    pub min_time: u64,
}

impl Window {
    fn place(self, clock: u64, ltime: u64) -> Option<usize> {
        let too_old = clock > SIZE as u64 && ltime < clock - SIZE as u64;
        (ltime >= self.min_time && !too_old).then_some((ltime % SIZE as u64) as usize)
    }
}

/// User events by Lamport time.
#[derive(Clone, Debug, Default)]
pub struct EventBuffer {
    /// Times that are looked at.
    pub window: Window,
    slots: Vec<Option<Arc<EventSlot>>>,
    bytes: usize,
}

impl EventBuffer {
    /// An empty ring that ignores what is older.
    pub fn starting_at(min_time: u64) -> Self {
        EventBuffer { window: Window { min_time }, slots: Vec::new(), bytes: 0 }
    }

    /// Remembers an event; false when it is known or too old, or when there are too many.
    pub fn insert(&mut self, clock: u64, ltime: u64, event: SlotEvent) -> bool {
        let Some(place) = self.window.place(clock, ltime) else { return false };
        if self.slots.is_empty() {
            self.slots.resize(SIZE, None);
        }
        let size = |event: &SlotEvent| event.name.len() + event.payload.len();
        let same = self.slots[place].as_ref().filter(|slot| slot.ltime == ltime);
        if same.is_some_and(|slot| slot.events.contains(&event)) {
            return false;
        }
        let full = same.is_some_and(|slot| slot.events.len() >= MAX_PER_SLOT);
        if full || self.bytes + size(&event) > MAX_BYTES {
            limits::GOSSIP_QUEUE.exceeded();
            return false;
        }
        self.bytes += size(&event);
        match &mut self.slots[place] {
            Some(slot) if slot.ltime == ltime => Arc::make_mut(slot).events.push(event),
            slot => {
                let old = slot.replace(Arc::new(EventSlot { ltime, events: vec![event] }));
                self.bytes -= old.map_or(0, |old| old.events.iter().map(size).sum());
            }
        }
        true
    }

    /// The ring as a push/pull carries it.
    pub fn ring(&self) -> EventRing {
        let filled =
            self.slots.iter().enumerate().filter_map(|(place, slot)| Some((place, Arc::clone(slot.as_ref()?))));
        EventRing { len: SIZE, slots: filled.collect() }
    }
}

/// Numbers of queries by Lamport time.
#[derive(Clone, Debug, Default)]
pub struct QueryBuffer {
    window: Window,
    slots: Vec<(u64, Vec<u32>)>,
}

impl QueryBuffer {
    /// An empty ring that ignores what is older.
    pub fn starting_at(min_time: u64) -> Self {
        QueryBuffer { window: Window { min_time }, slots: Vec::new() }
    }

    /// Remembers a query; false when it is known or too old.
    pub fn insert(&mut self, clock: u64, ltime: u64, id: u32) -> bool {
        let Some(place) = self.window.place(clock, ltime) else { return false };
        if self.slots.is_empty() {
            self.slots.resize(SIZE, (0, Vec::new()));
        }
        let (time, ids) = &mut self.slots[place];
        if *time != ltime {
            *time = ltime;
            ids.clear();
        }
        let new = ids.len() < MAX_PER_SLOT && !ids.contains(&id);
        if new {
            ids.push(id);
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn event(name: &str) -> SlotEvent {
        SlotEvent { name: name.into(), payload: Bytes::new() }
    }

    #[test]
    fn an_event_is_new_once_per_lamport_time() {
        let mut buffer = EventBuffer::default();
        for (clock, ltime, name, new) in [
            (2, 1, "deploy", true),
            (2, 1, "deploy", false),
            (2, 1, "restart", true),
            (3, 2, "deploy", true),
            (514, 513, "deploy", true), // takes the place of time 1
            (514, 1, "deploy", false),  // too old by now
            (514, 2, "deploy", false),
            (514, 2, "restart", true),
        ] {
            assert_eq!(buffer.insert(clock, ltime, event(name)), new, "{name} at {ltime}, clock {clock}");
        }
        let ring = buffer.ring();
        assert_eq!(ring.len, SIZE);
        let times: Vec<_> = ring.slots.iter().map(|(place, slot)| (*place, slot.ltime, slot.events.len())).collect();
        assert_eq!(times, [(1, 513, 1), (2, 2, 2)]);
    }

    #[test]
    fn what_is_older_than_the_start_is_ignored() {
        let mut events = EventBuffer::starting_at(5);
        assert!(!events.insert(6, 4, event("old")));
        assert!(events.insert(6, 5, event("new")));
        let mut queries = QueryBuffer::starting_at(5);
        assert!(!queries.insert(6, 4, 1));
        assert!(queries.insert(6, 5, 1));
    }

    #[test]
    fn a_query_is_known_by_its_time_and_number() {
        let mut buffer = QueryBuffer::default();
        for (clock, ltime, id, new) in [
            (2, 1, 7, true),
            (2, 1, 7, false),
            (2, 1, 8, true),
            (3, 2, 7, true),
            (600, 513, 7, true),
            (600, 1, 7, false),
        ] {
            assert_eq!(buffer.insert(clock, ltime, id), new, "query {id} at {ltime}, clock {clock}");
        }
    }

    #[test]
    fn one_lamport_time_holds_a_bounded_number() {
        let mut buffer = QueryBuffer::default();
        assert_eq!((0..5000).filter(|id| buffer.insert(2, 1, *id)).count(), MAX_PER_SLOT);
    }
}
