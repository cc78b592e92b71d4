//! Tribune: a service registry, health checker, key/value store and cluster coordinator, compatible with Consul.
//!
//! One binary is both the agent and its command line. The rooms, from the street to the cellar; a room may use only those
//! below it (`docs/architecture.md` tells how data flows through them):
//!
//! | room | what it is for |
//! |---|---|
//! | [`cli`] | the command tree and its output |
//! | [`client`] | the HTTP client that the commands use |
//! | [`http`], [`dns`], [`ui`] | the doors of an agent |
//! | [`agent`] | the daemon, local services and checks, anti-entropy |
//! | [`server`] | endpoint handlers, blocking queries, leader duties |
//! | [`rpc`] | the server port: method table, multiplexing, connection pool |
//! | [`gossip`] | membership, failure detection, events and queries |
//! | [`raft`] | consensus, log on disk, snapshots |
//! | [`state`] | tables, indexes, watches |
//! | [`auth`] | who a caller is in another system: JSON web tokens, Kubernetes, AWS |
//! | [`filter`] | the expression language of `?filter=` |
//! | [`acl`] | who may do what |
//! | [`config`] | files and flags to `RuntimeConfig` |
//! | [`tls`] | certificates, verifiers, the configurations of ports |
//! | [`telemetry`] | metrics and logs |
//! | [`types`] | domain structs |

pub mod acl;
pub mod agent;
pub mod auth;
pub mod cli;
pub mod client;
pub mod config;
pub mod dns;
pub mod filter;
#[doc(hidden)]
pub mod fuzzing;
pub mod gossip;
pub mod http;
pub mod raft;
pub mod rpc;
pub mod server;
pub mod state;
pub mod telemetry;
pub mod tls;
pub mod types;
pub mod ui;
