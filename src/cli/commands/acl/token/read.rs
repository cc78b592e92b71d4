//! `acl token read`.

use super::super::{FORMAT, META, show};
use super::{ACCESSOR_ID, ID, USE_ACCESSOR_ID, expanded, pretty, typed, whole};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "token", "read"],
    synopsis: "Read an ACL token",
    usage: "Usage: {program} acl token read [options] -accessor-id TOKENID

  Prints a token. The beginning of its Accessor ID is enough.

      $ {program} acl token read -accessor-id 4be56c77-8244-4c7d-b08c-667b8c71baed

  The token that the command itself uses:

      $ {program} acl token read -self

  The token with the rules of all policies and roles that it leads to:

      $ {program} acl token read -expanded -accessor-id 4be56c77",
    groups: Groups::CSN,
    flags: &[
        ACCESSOR_ID,
        Flag::bool("expanded", "Show the rules of all policies, roles and identities. The default is false."),
        FORMAT,
        ID,
        META,
        Flag::bool("self", "Read the token that the command itself uses. The default is false."),
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect(cx, m)?;
    if m.flag("self") {
        if m.flag("expanded") {
            return Err(Exit::error(
                "Cannot use both -expanded and -self. Instead, use -expanded and -accessor-id=<accessor id>.",
            ));
        }
        let token = cx.block_on(client.acl_token_self()).or_exit("Error reading token")?;
        return show(cx, m, &token, pretty::token);
    }
    let typed = typed(cx, m, USE_ACCESSOR_ID);
    if typed.is_empty() {
        return Err(Exit::error("Must specify the -accessor-id parameter"));
    }
    let id = whole(cx, &client, typed)?;
    let failure = format!("Error reading token {id:?}");
    if m.flag("expanded") {
        let token = cx.block_on(client.acl_token_expanded(&id)).or_exit(&failure)?;
        return show(cx, m, &token, expanded::token);
    }
    let token = cx.block_on(client.acl_token(&id)).or_exit(&failure)?;
    show(cx, m, &token, pretty::token)
}
