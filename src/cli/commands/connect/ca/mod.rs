//! `connect ca`: the certificate authority (`spec/cli.md` 13.1).

pub mod get_config;
pub mod set_config;

use crate::cli::Command;

/// Path of the configuration.
const CONFIGURATION: &str = "/v1/connect/ca/configuration";

/// The group.
pub static COMMAND: Command = Command::group(
    &["connect", "ca"],
    "Interact with the Consul Connect Certificate Authority (CA)",
    "Usage: {program} connect ca <subcommand> [options]

  Shows and changes the configuration of the certificate authority. With ACLs
  on, a token with operator permissions is needed.

      $ {program} connect ca get-config
      $ {program} connect ca set-config -config-file ca.json",
);
