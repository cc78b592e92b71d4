//! `acl token list`.

use super::super::{FORMAT, META, show};
use super::pretty;
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "token", "list"],
    synopsis: "List ACL tokens",
    usage: "Usage: {program} acl token list [options]

  Prints all tokens that the caller may see. Secrets are shown to those who
  may write tokens.

      $ {program} acl token list",
    groups: Groups::CSN,
    flags: &[FORMAT, META],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect(cx, m)?;
    let tokens = cx.block_on(client.acl_tokens()).or_exit("Failed to retrieve the token list")?;
    show(cx, m, tokens.as_slice(), pretty::tokens)
}
