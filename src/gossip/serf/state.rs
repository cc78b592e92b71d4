//! What two nodes tell each other in a push/pull besides their node lists (`spec/gossip.md` 4.3).

use super::message::{self, JoinIntent, Kind, LeaveIntent, PushPull, UserEventMessage};
use super::{Layer, MemberStatus, Serf};
use crate::gossip::swim::Time;
use bytes::Bytes;
use std::collections::HashSet;

impl Serf {
    pub(super) fn own_state(&self) -> Bytes {
        let left = self.members().filter(|member| member.status == MemberStatus::Left);
        let state = PushPull {
            ltime: self.member_clock.time(),
            status_ltimes: self.members.iter().map(|(name, record)| (name.clone(), record.status_ltime)).collect(),
            left_members: left.map(|member| member.name.clone()).collect(),
            event_ltime: self.event_clock.time(),
            events: self.events.ring(),
            query_ltime: self.query_clock.time(),
        };
        message::encode(Kind::PushPull, &state)
    }

    pub(super) fn merge_other_state(&mut self, now: Time, state: &[u8], join: bool) {
        let Some((kind, body)) = state.split_first() else {
            self.settings.log.error(Layer::Serf, format_args!("Remote state is zero bytes"));
            return;
        };
        if *kind != Kind::PushPull as u8 {
            self.settings.log.error(Layer::Serf, format_args!("Remote state has bad type prefix: {kind}"));
            return;
        }
        let state: PushPull = match message::decode(body) {
            Ok(state) => state,
            Err(error) => {
                self.settings.log.error(Layer::Serf, format_args!("Failed to decode remote state: {error}"));
                return;
            }
        };
        // The other side's clocks are one ahead of what it has seen.
        for (clock, time) in [
            (&mut self.member_clock, state.ltime),
            (&mut self.event_clock, state.event_ltime),
            (&mut self.query_clock, state.query_ltime),
        ] {
            if time > 0 {
                clock.witness(time - 1);
            }
        }
        self.merge_statuses(now, &state);
        if join && self.ignore_old_events > 0 {
            let start = &mut self.events.window.min_time;
            *start = (*start).max(state.event_ltime);
        }
        for (_, slot) in state.events.slots {
            for event in &slot.events {
                let (name, payload) = (event.name.clone(), event.payload.clone());
                self.handle_user_event(UserEventMessage { ltime: slot.ltime, name, payload, coalesce: false });
            }
        }
    }

    /// Members that left first: their intents must win over the times of the others.
    fn merge_statuses(&mut self, now: Time, state: &PushPull) {
        let left: HashSet<&str> = state.left_members.iter().map(String::as_str).collect();
        for name in &state.left_members {
            let ltime = state.status_ltimes.get(name).copied().unwrap_or_default().saturating_add(1);
            self.leave_intent(now, &LeaveIntent { ltime, node: name.clone(), prune: false });
        }
        for (name, ltime) in &state.status_ltimes {
            if !left.contains(name.as_str()) {
                self.join_intent(now, &JoinIntent { ltime: *ltime, node: name.clone() });
            }
        }
    }
}
