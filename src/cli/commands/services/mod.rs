//! `services`: registration on the local agent (`spec/cli.md` 24).

pub mod deregister;
pub mod register;

use crate::cli::{Command, Exit};
use crate::config::ServiceDefinition;
use std::path::Path;

/// The group.
pub static COMMAND: Command = Command::group(
    &["services"],
    "Interact with services",
    "Usage: {program} services <subcommand> [options] [args]

  Registers services on an agent and removes them. Services of the agent's
  configuration directory need none of this: the agent reads them itself.

      $ {program} services register web.hcl
      $ {program} services deregister -id=web",
);

/// The services of files in agent configuration format.
fn from_files(paths: &[String]) -> Result<Vec<ServiceDefinition>, Exit> {
    let mut services = Vec::new();
    for path in paths {
        let found = crate::config::service_file(Path::new(path));
        services.extend(found.map_err(|error| Exit::error(format!("Error: {error}")))?);
    }
    Ok(services)
}
