//! `info`: the agent's statistics (`spec/cli.md` 15).

use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};
use crate::client::Params;
use std::collections::BTreeMap;

/// The command.
pub static COMMAND: Command = Command {
    path: &["info"],
    synopsis: "Provides debugging information for operators.",
    usage: "Usage: {program} info [options]

  Prints the statistics of the agent, by section.",
    groups: Groups::C,
    flags: &[],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect(cx, m)?;
    let found: serde_json::Value =
        cx.block_on(client.get("/v1/agent/self", Params::new())).or_exit("Error querying agent")?;
    let stats: Option<BTreeMap<String, BTreeMap<String, String>>> =
        found.get("Stats").and_then(|stats| serde_json::from_value(stats.clone()).ok());
    let stats = stats.ok_or_else(|| Exit::error(format!("Agent response did not contain 'Stats' key: {found}")))?;
    for (section, values) in stats {
        cx.output(format!("{section}:"));
        values.iter().for_each(|(key, value)| cx.output(format!("\t{key} = {value}")));
    }
    Ok(())
}
