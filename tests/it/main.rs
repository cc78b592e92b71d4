//! Whole-binary tests. One test binary: every further one would cost a full link.
//!
//! Each agent gets a loopback address of its own (127.x.y.z), so all of them use the default ports side by side.
//! `CONSUL_BIN=/path/to/consul cargo test` also runs the comparisons with a real one and, with
//! `SERF_BIN=/path/to/serf`, pools and clusters of both makes. `TRIBUNE_UNDER_TEST=/path/to/consul`
//! runs the tests of clusters on that binary instead of ours, which tests the tests.

mod support;

mod abuse;
mod acl;
mod acl_login;
mod acl_state;
mod agent;
mod audit;
mod auto_config;
mod auto_encrypt;
mod bad_input;
mod blocking;
mod cached;
mod checks;
mod cli;
mod clients;
mod cluster;
mod compare;
mod completion;
mod config;
mod connect_ca;
mod datacenters;
mod debug;
mod dns;
mod durability;
mod encryption;
mod events;
mod exec;
mod failures;
mod faults;
mod http;
mod hygiene;
mod interop;
mod interop_serf;
mod kv;
mod limits;
mod linearizability;
mod lock;
mod matrix;
mod migration;
mod monitoring;
mod notify;
mod operations;
mod partitions;
mod query;
mod security_page;
mod services;
mod sessions;
mod tls;
mod tls_cluster;
mod tls_commands;
