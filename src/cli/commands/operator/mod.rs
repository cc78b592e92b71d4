//! `operator`: tools for those who run the cluster.

pub mod autopilot;
pub mod raft;
pub mod usage;

use crate::cli::Command;

/// The group.
pub static COMMAND: Command = Command::group(
    &["operator"],
    "Provides cluster-level tools for Consul operators",
    "Usage: {program} operator <subcommand> [options]

  Tools for those who run the cluster: the consensus of the servers, their
  automatic management, and usage figures. With ACLs on, a token with
  operator permissions is needed. Use them with care.",
);
