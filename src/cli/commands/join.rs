//! `join`: the agent contacts members of a cluster (`spec/cli.md` 15).

use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches};
use crate::client::Params;

/// The command.
pub static COMMAND: Command = Command {
    path: &["join"],
    synopsis: "Tell Consul agent to join cluster",
    usage: "Usage: {program} join [options] address ...

  Makes a running agent join a cluster through at least one of its members.",
    groups: Groups::CP,
    flags: &[Flag::bool("wan", "Join the servers of another datacenter over the WAN. The default is false.")],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    if m.args().is_empty() {
        return Err(Exit::usage("At least one address to join must be specified."));
    }
    let client = connect(cx, m)?;
    let mut joined = 0;
    for address in m.args() {
        let params = Params::new().with_if(m.flag("wan"), "wan", 1);
        match cx.block_on(client.put(&format!("/v1/agent/join/{address}"), params, None)) {
            Ok(_) => joined += 1,
            Err(error) => cx.error(format!("Error joining address '{address}': {error}")),
        }
    }
    if joined == 0 {
        return Err(Exit::error("Failed to join any nodes."));
    }
    cx.output(format!("Successfully joined cluster by contacting {joined} nodes."));
    Ok(())
}
