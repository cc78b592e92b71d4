//! `operator raft`: the servers that agree on every write (`spec/cli.md` 21.2).

pub mod list_peers;
pub mod remove_peer;
pub mod transfer_leader;

use crate::cli::Command;

/// The group.
pub static COMMAND: Command = Command::group(
    &["operator", "raft"],
    "Provides cluster-level tools for Consul operators",
    "Usage: {program} operator raft <subcommand> [options]

  Shows and changes the raft configuration: which servers vote, which one
  leads.",
);
