//! The Serf layer: members with tags and statuses, intents, user events and queries on top of SWIM (`spec/gossip.md` 4).
//!
//! Time and messages go in, messages and events come out: this part knows no sockets and no clock.

mod event;
mod log;
mod member;

pub use event::{Event, IncomingQuery, UserEvent};
pub use log::{Layer, Logger};
pub use member::{Member, MemberStatus, Tags};
