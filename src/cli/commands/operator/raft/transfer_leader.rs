//! `operator raft transfer-leader` (`spec/cli.md` 21.2).

use crate::cli::connect::connect_saying;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches};
use crate::client::{Error, Method, Params};
use serde_json::Value;

/// The command.
pub static COMMAND: Command = Command {
    path: &["operator", "raft", "transfer-leader"],
    synopsis: "Transfer raft leadership to another node",
    usage: "Usage: {program} operator raft transfer-leader [options]

  Hands leadership to another server, chosen by the leader unless -id says
  which.",
    groups: Groups::CS,
    flags: &[Flag::string("id", "Node id of the server that is to lead.")],
    flag_error: Some("Failed to parse args: "),
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect_saying(cx, m, "Error initializing client")?;
    let id = m.text("id");
    let params = Params::new().with_if(!id.is_empty(), "id", id).with_if(m.flag("stale"), "stale", "");
    let answer = cx
        .block_on(client.send(Method::POST, "/v1/operator/raft/transfer-leader", params, None))
        .and_then(|answer| answer.success()?.json::<Value>());
    let failed = |error: &dyn std::fmt::Display| {
        // The words are the reference's, spelling included.
        Exit::error(format!("Error transfering leadership: Failed to transfer leadership {error}"))
    };
    let answer = answer.map_err(|error: Error| failed(&error))?;
    if answer["Success"].as_bool() != Some(true) {
        return Err(failed(&"the server did not confirm it"));
    }
    cx.output("Success");
    Ok(())
}
