//! `acl auth-method delete`.

use super::NAME;
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "auth-method", "delete"],
    synopsis: "Delete an ACL auth method",
    usage: "Usage: {program} acl auth-method delete -name NAME [options]

  Deletes an auth method with its binding rules and all tokens of its logins.

      $ {program} acl auth-method delete -name my-method",
    groups: Groups::CSN,
    flags: &[NAME],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let name = m.text("name");
    if name.is_empty() {
        return Err(Exit::error("Must specify the -name parameter"));
    }
    let client = connect(cx, m)?;
    cx.block_on(client.acl_auth_method_delete(name)).or_exit(&format!("Error deleting auth method {name:?}"))?;
    cx.output(format!("Auth method {name:?} deleted successfully"));
    Ok(())
}
