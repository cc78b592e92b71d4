//! `operator usage`: counts of what is registered (`spec/cli.md` 21.3).

pub mod instances;

use crate::cli::Command;

/// The group.
pub static COMMAND: Command = Command::group(
    &["operator", "usage"],
    "Provides cluster-level usage information",
    "Usage: {program} operator usage <subcommand> [options]

  Prints how many services and instances are registered.",
);
