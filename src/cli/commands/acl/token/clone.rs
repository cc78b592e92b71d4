//! `acl token clone`.

use super::super::lookup::token_id;
use super::super::{FORMAT, META, show};
use super::{ACCESSOR_ID, ID, pretty, typed};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "token", "clone"],
    synopsis: "Clone an ACL token",
    usage: "Usage: {program} acl token clone [options]

  Makes a new token with the policies, roles and identities of another one.

      $ {program} acl token clone -accessor-id abcd -description \"replication\"",
    groups: Groups::CSN,
    flags: &[
        ACCESSOR_ID,
        Flag::string("description", "Description of the new token; that of the old one without it."),
        FORMAT,
        ID,
        META.hidden(),
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let typed = typed(cx, m, "The -id parameter is deprecated. Use the -accessor-id parameter instead.");
    if typed.is_empty() {
        return Err(Exit::error("Cannot update a token without specifying the -accessor-id parameter"));
    }
    let client = connect(cx, m)?;
    let id = token_id(cx, &client, typed).or_exit("Error determining token Accessor ID")?;
    let token = cx.block_on(client.acl_token_clone(&id, m.text("description"))).or_exit("Error cloning token")?;
    show(cx, m, &token, pretty::token)
}
