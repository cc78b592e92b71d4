//! `operator raft remove-peer` (`spec/cli.md` 21.2).

use crate::cli::connect::connect_saying;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::{Method, Params};

/// The command.
pub static COMMAND: Command = Command {
    path: &["operator", "raft", "remove-peer"],
    synopsis: "Remove a Consul server from the Raft configuration",
    usage: "Usage: {program} operator raft remove-peer [options]

  Removes a server from the raft configuration. Meant for one that is gone
  but is still counted; if `members` still shows it, use force-leave instead.",
    groups: Groups::CS,
    flags: &[
        Flag::string("address", "Address of the server, `ip:port`."),
        Flag::string("id", "Node id of the server."),
    ],
    flag_error: Some("Failed to parse args: "),
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect_saying(cx, m, "Error initializing client")?;
    let refused = "Error removing peer";
    let (name, value) = match (m.text("address"), m.text("id")) {
        ("", "") => return Err(Exit::error(format!("{refused}: an address or id is required for the peer to remove"))),
        (address, "") => ("address", address),
        ("", id) => ("id", id),
        _ => return Err(Exit::error(format!("{refused}: cannot give both an address and id"))),
    };
    let params = Params::new().with(name, value);
    cx.block_on(client.send(Method::DELETE, "/v1/operator/raft/peer", params, None))
        .and_then(|answer| answer.success())
        .or_exit(refused)?;
    cx.output(format!("Removed peer with {name} {value:?}"));
    Ok(())
}
