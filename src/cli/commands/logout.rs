//! `logout`: destroys the token of a login (`spec/cli.md` 20).

use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};

/// The command.
pub static COMMAND: Command = Command {
    path: &["logout"],
    synopsis: "Destroy a token that login made",
    usage: "Usage: {program} logout [options]

  Destroys the token that the command uses. Only tokens of {program} login can
  be destroyed like this.",
    groups: Groups::CS,
    flags: &[],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    if !m.args().is_empty() {
        return Err(Exit::error("Should have no non-flag arguments."));
    }
    let client = connect(cx, m)?;
    cx.block_on(client.acl_logout()).or_exit("Error destroying token")
}
