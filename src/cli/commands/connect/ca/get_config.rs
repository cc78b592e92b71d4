//! `connect ca get-config` (`spec/cli.md` 13.1).

use super::CONFIGURATION;
use crate::cli::connect::{connect_saying, read_params};
use crate::cli::output::json;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};
use serde_json::Value;

/// The command.
pub static COMMAND: Command = Command {
    path: &["connect", "ca", "get-config"],
    synopsis: "Display the current Connect Certificate Authority (CA) configuration",
    usage: "Usage: {program} connect ca get-config [options]

  Prints the configuration of the certificate authority.",
    groups: Groups::CS,
    flags: &[],
    flag_error: Some("Failed to parse args: "),
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect_saying(cx, m, "Error initializing client")?;
    let config: Value =
        cx.block_on(client.get(CONFIGURATION, read_params(m))).or_exit("Error querying CA configuration")?;
    cx.output(json(&config, "\t"));
    Ok(())
}
