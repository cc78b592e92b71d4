//! The table of commands. A command is one file with a `COMMAND`; it exists when it stands in [`ALL`].

pub mod keygen;

use crate::cli::Command;

/// Every command, groups included; order does not matter.
pub static ALL: &[&Command] = &[&keygen::COMMAND];
