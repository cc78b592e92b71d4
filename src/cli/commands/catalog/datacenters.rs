//! `catalog datacenters` (`spec/cli.md` 11).

use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit, at_most};
use crate::client::Params;

/// The command.
pub static COMMAND: Command = Command {
    path: &["catalog", "datacenters"],
    synopsis: "Lists all known datacenters for this agent",
    usage: "Usage: {program} catalog datacenters [options]

  Lists the datacenters that the agent's servers know, the nearest first.

      $ {program} catalog datacenters",
    groups: Groups::CS,
    flags: &[],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    at_most(0, m)?;
    let client = connect(cx, m)?;
    let names: Vec<String> =
        cx.block_on(client.get("/v1/catalog/datacenters", Params::new())).or_exit("Error listing datacenters")?;
    names.iter().for_each(|name| cx.output(name));
    Ok(())
}
