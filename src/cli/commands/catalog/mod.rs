//! `catalog`: what the servers know about nodes and services.

pub mod datacenters;
pub mod nodes;
pub mod services;

use crate::cli::Command;

/// The group.
pub static COMMAND: Command = Command::group(
    &["catalog"],
    "Interact with the catalog",
    "Usage: {program} catalog <subcommand> [options] [args]

  Lists what the catalog holds. Some examples; each subcommand has more in its
  own help.

  All datacenters:

      $ {program} catalog datacenters

  All nodes:

      $ {program} catalog nodes

  All services:

      $ {program} catalog services",
);
