//! `acl policy delete`.

use super::super::lookup::policy_of;
use super::{ID, NAME};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "policy", "delete"],
    synopsis: "Delete an ACL policy",
    usage: "Usage: {program} acl policy delete [options] -id POLICY

  Deletes a policy. Tokens and roles that have it lose what it grants.

      $ {program} acl policy delete -id b6b85
      $ {program} acl policy delete -name my-policy",
    groups: Groups::CSN,
    flags: &[ID, NAME],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    if m.text("id").is_empty() && m.text("name").is_empty() {
        return Err(Exit::error("Must specify either the -id or -name parameters"));
    }
    let client = connect(cx, m)?;
    let id = policy_of(cx, &client, m)?;
    cx.block_on(client.acl_policy_delete(&id)).or_exit(&format!("Error deleting policy {id:?}"))?;
    cx.output(format!("Policy {id:?} deleted successfully"));
    Ok(())
}
