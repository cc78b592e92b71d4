//! `acl auth-method list`.

use super::super::{FORMAT, META, show};
use super::pretty;
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "auth-method", "list"],
    synopsis: "List ACL auth methods",
    usage: "Usage: {program} acl auth-method list [options]

  Prints all auth methods without their configuration.

      $ {program} acl auth-method list",
    groups: Groups::CSN,
    flags: &[FORMAT, META],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect(cx, m)?;
    let methods = cx.block_on(client.acl_auth_methods()).or_exit("Failed to retrieve the auth method list")?;
    show(cx, m, methods.as_slice(), pretty::methods)
}
