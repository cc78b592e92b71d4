//! `connect ca set-config` (`spec/cli.md` 13.1).

use super::CONFIGURATION;
use crate::cli::connect::connect_saying;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::{Body, Params, os_text};
use serde_json::{Map, Value};

/// The command.
pub static COMMAND: Command = Command {
    path: &["connect", "ca", "set-config"],
    synopsis: "Modify the current Connect CA configuration",
    usage: "Usage: {program} connect ca set-config [options]

  Changes the configuration of the certificate authority to that of a file in
  JSON, as get-config prints it. With another key or root, certificates are
  signed by the new root from then on; the old one stays trusted for a while.",
    groups: Groups::CS,
    flags: &[
        Flag::string("config-file", "Path of the file."),
        Flag::bool(
            "force-without-cross-signing",
            "Do not have the old root vouch for the new one. Connections may fail until everybody knows it.",
        ),
    ],
    flag_error: Some("Failed to parse args: "),
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect_saying(cx, m, "Error initializing client")?;
    let path = m.text("config-file");
    if path.is_empty() {
        return Err(Exit::error("The -config-file flag is required"));
    }
    let text = std::fs::read(path).map_err(|error| format!("open {path}: {}", os_text(&error)));
    let text = text.or_exit("Error reading config file")?;
    let mut config: Map<String, Value> = serde_json::from_slice(&text).or_exit("Error parsing config file")?;
    if m.flag("force-without-cross-signing") {
        config.insert("ForceWithoutCrossSigning".into(), true.into());
    }
    cx.block_on(client.put(CONFIGURATION, Params::new(), Some(Body::json(&config))))
        .or_exit("Error setting CA configuration")?;
    cx.output("Configuration updated!");
    Ok(())
}
