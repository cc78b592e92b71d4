//! `leave`: the agent leaves its cluster and ends (`spec/cli.md` 15).

use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit, commands, help};
use crate::client::Params;

/// The command.
pub static COMMAND: Command = Command {
    path: &["leave"],
    synopsis: "Gracefully leaves the Consul cluster and shuts down",
    usage: "Usage: {program} leave [options]

  Makes the agent leave the cluster gracefully and shut down.",
    groups: Groups::C,
    flags: &[],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    if !m.args().is_empty() {
        cx.error(format!("Error found unexpected args: [{}]", m.args().join(" ")));
        cx.output(help::command(&cx.program, &COMMAND, commands::ALL));
        return Err(Exit::code(1));
    }
    let client = connect(cx, m)?;
    cx.block_on(client.put("/v1/agent/leave", Params::new(), None)).or_exit("Error leaving")?;
    cx.output("Graceful leave complete");
    Ok(())
}
