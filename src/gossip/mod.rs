//! Gossip: who is in the pool, is it alive, and what does everybody have to hear (`spec/gossip.md`).
//!
//! | part | what it is for |
//! |---|---|
//! | `wire` | packets and streams as bytes: codec, compound, compression, checksum, encryption |
//! | `keyring` | keys of the pool |
//! | `swim` | failure detection and membership; no sockets, no clock |
//! | `serf` | intents, events, queries, tags on top of it; no sockets, no clock |
//! | `coordinate` | network coordinates (Vivaldi) |
//! | `pool` | a running pool: sockets and timers around the parts above |

pub mod coordinate;
pub(crate) mod fuzzing;
pub mod keyring;
pub mod pool;
pub mod serf;
pub mod swim;
pub mod wire;

pub use pool::{JoinAddress, KeyReply, Pool, PoolConfig, PoolState, QueryResponses};
pub use serf::{
    Event, IncomingQuery, Logger, Member, MemberStatus, MergeCheck, QueryReply, QueryRequest, Tags, UserEvent,
};
pub use swim::Timing;
