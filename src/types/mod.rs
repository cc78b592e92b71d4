//! Domain structs with one serde shape: JSON for HTTP (human readable), msgpack for server RPC and snapshots.
//!
//! Field names are the reference's (`spec/snapshot.md` 3.3, `spec/http-api.md` 2); declaration order is the order of the
//! JSON. What differs between the two encodings (durations, bytes, times) asks `is_human_readable`. This room knows
//! nothing of tables, sockets or the agent.

pub mod acl;
pub mod ca;
pub mod check;
pub mod cluster;
pub mod coordinate;
pub mod duration;
pub mod error;
pub mod kv;
pub mod msgpack;
pub mod node;
pub mod operator;
pub mod places;
pub mod prepared_query;
pub mod query;
pub mod quote;
pub mod requests;
pub mod secret;
pub mod service;
pub mod session;
pub mod spiffe;
pub mod system;
pub mod time;
pub mod txn;
pub mod validate;
pub mod value;
pub mod version;

pub use check::{CheckDefinition, CheckStatus, CheckType, HealthCheck, ServiceCheckRef};
pub use coordinate::{Coordinate, NodeCoordinate};
pub use duration::GoDuration;
pub use error::{Error, Result};
pub use kv::{DirEntry, KvOp, KvRequest};
pub use node::{DeregisterRequest, Locality, Node, RegisterRequest};
pub use prepared_query::{PreparedQuery, PreparedQueryOp, PreparedQueryRequest};
pub use query::{QueryMeta, QueryOptions, QuerySource};
pub use quote::{PATH_SEGMENT, go_quote};
pub use service::{CheckServiceNode, NodeService, ServiceAddress, ServiceKind, ServiceNode, Weights};
pub use session::{Session, SessionBehavior, SessionOp, SessionRequest};
pub use system::{SystemMetadataEntry, SystemMetadataOp, SystemMetadataRequest, TombstoneRequest};
pub use time::Timestamp;
pub use value::{Blob, StringMap};

/// A raft log index; 0 means "never".
pub type Index = u64;
