//! `acl auth-method read`.

use super::super::{FORMAT, META, show};
use super::{NAME, pretty};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "auth-method", "read"],
    synopsis: "Read an ACL auth method",
    usage: "Usage: {program} acl auth-method read -name NAME [options]

  Prints an auth method with its configuration.

      $ {program} acl auth-method read -name my-method",
    groups: Groups::CSN,
    flags: &[FORMAT, META, NAME],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let name = m.text("name");
    if name.is_empty() {
        return Err(Exit::error("Must specify the -name parameter"));
    }
    let client = connect(cx, m)?;
    let found = cx.block_on(client.acl_auth_method(name)).or_exit(&format!("Error reading auth method {name:?}"))?;
    let method = found.ok_or_else(|| Exit::error(format!("Auth method not found with name {name:?}")))?;
    show(cx, m, &method, pretty::method)
}
