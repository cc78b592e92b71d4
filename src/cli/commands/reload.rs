//! `reload`: the agent reads its configuration again (`spec/cli.md` 15).

use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};
use crate::client::Params;

/// The command.
pub static COMMAND: Command = Command {
    path: &["reload"],
    synopsis: "Triggers the agent to reload configuration files",
    usage: "Usage: {program} reload

  Makes the agent read its configuration files again, as SIGHUP does.",
    groups: Groups::C,
    flags: &[],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect(cx, m)?;
    cx.block_on(client.put("/v1/agent/reload", Params::new(), None)).or_exit("Error reloading")?;
    cx.output("Configuration reload triggered");
    Ok(())
}
