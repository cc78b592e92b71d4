//! User events (`spec/gossip.md` 4.4).

use super::message::{self, Kind, SlotEvent, UserEventMessage};
use super::{Event, Serf, UserEvent};
use bytes::Bytes;

/// Longest user event that any configuration allows, bytes.
pub const MAX_SIZE: usize = 9 * 1024;

impl Serf {
    /// Tells every member something.
    ///
    /// # Errors
    /// It is too long.
    pub fn user_event(&mut self, name: &str, payload: Bytes, coalesce: bool) -> Result<(), String> {
        let limit = self.settings.event_size_limit;
        let size = name.len() + payload.len();
        if size > limit {
            return Err(format!("user event exceeds configured limit of {limit} bytes before encoding"));
        }
        if size > MAX_SIZE {
            return Err(format!("user event exceeds sane limit of {MAX_SIZE} bytes before encoding"));
        }
        let event = UserEventMessage { ltime: self.event_clock.time(), name: name.to_owned(), payload, coalesce };
        let encoded = message::encode(Kind::UserEvent, &event);
        if encoded.len() > limit {
            return Err(format!("encoded user event exceeds configured limit of {limit} bytes after encoding"));
        }
        if encoded.len() > MAX_SIZE {
            return Err(format!("encoded user event exceeds sane limit of {MAX_SIZE} bytes after encoding"));
        }
        self.event_clock.take();
        self.handle_user_event(event);
        self.event_queue.queue(None, encoded);
        Ok(())
    }

    /// Delivers an event that is new; true when others have to hear it.
    pub(super) fn handle_user_event(&mut self, event: UserEventMessage) -> bool {
        self.event_clock.witness(event.ltime);
        if event.name.len() + event.payload.len() > MAX_SIZE {
            return false;
        }
        let seen = SlotEvent { name: event.name.clone(), payload: event.payload.clone() };
        if !self.events.insert(self.event_clock.time(), event.ltime, seen) {
            return false;
        }
        self.count("serf.events");
        let UserEventMessage { ltime, name, payload, coalesce } = event;
        self.event(Event::User(UserEvent { ltime, name, payload, coalesce }));
        true
    }
}
