//! What the layer above (`serf`) is asked and told.

use super::{Node, Time};
use bytes::Bytes;
use std::time::Duration;

/// The layer above a [`Swim`](super::Swim). Every call happens inside a call of the core, on the caller's thread.
pub trait Delegate {
    /// Our meta data (tags), at most 512 bytes.
    fn meta(&self) -> Bytes;

    /// A user message arrived, without its type byte.
    fn user_message(&mut self, now: Time, message: &[u8]);

    /// Messages to put into the remainder of a packet: each costs `overhead` bytes besides its own, all together at most
    /// `limit`.
    fn broadcasts(&mut self, now: Time, overhead: usize, limit: usize) -> Vec<Bytes>;

    /// Our state for a full exchange.
    fn local_state(&mut self, join: bool) -> Bytes;

    /// The other side's state of a full exchange.
    fn merge_state(&mut self, now: Time, state: &[u8], join: bool);

    /// A member came up (new, or back from the dead).
    fn joined(&mut self, now: Time, node: &Node);

    /// A member is dead or has left; `node.state` tells which.
    fn left(&mut self, now: Time, node: &Node);

    /// The meta data of a live member changed.
    fn updated(&mut self, now: Time, node: &Node);

    /// Somebody else claims the name of a member that we know at another address.
    fn conflict(&mut self, now: Time, existing: &Node, other: &Node);

    /// Are these the same member, although their addresses differ? A member that was restarted at another address then takes
    /// its name back at once, instead of after [`Timing::dead_node_reclaim`](super::Timing::dead_node_reclaim).
    fn same_identity(&self, existing: &Node, other: &Node) -> bool {
        let _ = (existing, other);
        false
    }

    /// May this member be in our pool? Asked for every `alive` message.
    fn admit(&self, node: &Node) -> Result<(), String>;

    /// May all these be in our pool? Asked for an exchange that joins; an error refuses the exchange.
    fn admit_merge(&self, nodes: &[Node]) -> Result<(), String>;

    /// Payload of our answers to direct pings (our coordinate).
    fn ack_payload(&self) -> Bytes;

    /// A direct probe was answered in time.
    fn ping_done(&mut self, now: Time, node: &Node, rtt: Duration, payload: &[u8]);
}
