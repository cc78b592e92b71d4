//! `operator autopilot`: automatic management of servers (`spec/cli.md` 21.1).

pub mod get_config;
pub mod set_config;
pub mod state;

use crate::cli::Command;

/// Path of the configuration.
const CONFIGURATION: &str = "/v1/operator/autopilot/configuration";

/// The group.
pub static COMMAND: Command = Command::group(
    &["operator", "autopilot"],
    "Provides tools for modifying Autopilot configuration",
    "Usage: {program} operator autopilot <subcommand> [options]

  Shows and changes how the leader manages the servers: removal of dead ones,
  promotion of new ones, what counts as healthy.",
);
