//! `acl token delete`.

use super::{ACCESSOR_ID, ID, typed, whole};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "token", "delete"],
    synopsis: "Delete an ACL token",
    usage: "Usage: {program} acl token delete [options] -accessor-id TOKEN

  Deletes a token. The beginning of its Accessor ID is enough.

      $ {program} acl token delete -accessor-id b6b85",
    groups: Groups::CSN,
    flags: &[ACCESSOR_ID, ID],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let typed = typed(cx, m, "Use the -accessor-id parameter to specify token by Accessor ID.");
    if typed.is_empty() {
        return Err(Exit::error("Must specify the -accessor-id parameter"));
    }
    let client = connect(cx, m)?;
    let id = whole(cx, &client, typed)?;
    cx.block_on(client.acl_token_delete(&id)).or_exit(&format!("Error deleting token {id:?}"))?;
    cx.output(format!("Token {id:?} deleted successfully"));
    Ok(())
}
