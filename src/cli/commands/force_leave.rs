//! `force-leave`: a failed member is declared left (`spec/cli.md` 15).

use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::Params;

/// The command.
pub static COMMAND: Command = Command {
    path: &["force-leave"],
    synopsis: "Forces a member of the cluster to enter the \"left\" state",
    usage: "Usage: {program} force-leave [options] name

  Declares a member of the cluster as left. Meant for nodes that failed and
  will not come back: the cluster stops trying to reach them. A member that
  is alive after all joins again by itself.",
    groups: Groups::CP,
    flags: &[
        Flag::bool("prune", "Remove the member from the list of members at once."),
        Flag::bool("wan", "Also in the pool of servers of all datacenters. The default is false."),
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let [node] = m.args() else {
        return Err(Exit::usage("A single node name must be specified to force leave."));
    };
    let client = connect(cx, m)?;
    let params = Params::new().with_if(m.flag("prune"), "prune", 1).with_if(m.flag("wan"), "wan", 1);
    cx.block_on(client.put(&format!("/v1/agent/force-leave/{node}"), params, None)).or_exit("Error force leaving")?;
    Ok(())
}
