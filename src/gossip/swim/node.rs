//! A member as the failure detector sees it.

use super::{Time, Versions};
use bytes::Bytes;
use std::net::SocketAddr;
use std::sync::Arc;

/// What we believe of a member; the numbers are those of the wire (`spec/gossip.md` 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum State {
    /// It answers.
    Alive = 0,
    /// It did not answer somebody; it has time to refute.
    Suspect = 1,
    /// It did not refute in time.
    Dead = 2,
    /// It said that it goes.
    Left = 3,
}

impl State {
    /// Decodes a `State` of a push/pull.
    pub fn from_code(code: i64) -> Option<State> {
        [State::Alive, State::Suspect, State::Dead, State::Left].into_iter().find(|state| *state as i64 == code)
    }

    /// Dead or left.
    pub fn is_gone(self) -> bool {
        matches!(self, State::Dead | State::Left)
    }
}

/// A member.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its name.
    pub name: Arc<str>,
    /// Where it is.
    pub address: SocketAddr,
    /// Its meta data (tags as bytes).
    pub meta: Bytes,
    /// Its versions.
    pub versions: Versions,
    /// The newest incarnation that we heard of.
    pub incarnation: u32,
    /// What we believe of it.
    pub state: State,
    /// When it came into that state.
    pub since: Time,
}

impl Node {
    /// Highest protocol version that it understands.
    pub fn protocol_max(&self) -> u8 {
        self.versions[1]
    }

    /// It understands packets with a checksum (`spec/gossip.md` 2.5).
    pub(super) fn takes_checksum(&self) -> bool {
        self.protocol_max() >= 5
    }
}
