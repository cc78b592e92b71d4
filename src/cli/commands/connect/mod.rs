//! `connect`: the service mesh (`spec/cli.md` 13).

pub mod ca;

use crate::cli::Command;

/// The group.
pub static COMMAND: Command = Command::group(
    &["connect"],
    "Interact with Consul Connect",
    "Usage: {program} connect <subcommand> [options]

  Shows and changes the certificate authority, which signs the certificates
  of agents (auto_encrypt, auto_config).",
);
