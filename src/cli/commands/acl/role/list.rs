//! `acl role list`.

use super::super::{FORMAT, META, show};
use super::pretty;
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "role", "list"],
    synopsis: "List ACL roles",
    usage: "Usage: {program} acl role list [options]

  Prints all roles.

      $ {program} acl role list",
    groups: Groups::CSN,
    flags: &[FORMAT, META],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect(cx, m)?;
    let roles = cx.block_on(client.acl_roles()).or_exit("Failed to retrieve the role list")?;
    show(cx, m, roles.as_slice(), pretty::roles)
}
