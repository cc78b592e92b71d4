//! `acl role delete`.

use super::super::lookup::{role_by_name, role_id};
use super::{ID, NAME};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "role", "delete"],
    synopsis: "Delete an ACL role",
    usage: "Usage: {program} acl role delete [options] -id ROLE

  Deletes a role. Tokens that have it lose what it grants.

      $ {program} acl role delete -id b6b85
      $ {program} acl role delete -name my-role",
    groups: Groups::CSN,
    flags: &[ID, NAME],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let (id, name) = (m.text("id"), m.text("name"));
    if id.is_empty() && name.is_empty() {
        return Err(Exit::error("Must specify the -id or -name parameters"));
    }
    let client = connect(cx, m)?;
    let id = match id {
        "" => role_by_name(cx, &client, name),
        id => role_id(cx, &client, id),
    }
    .or_exit("Error determining role ID")?;
    cx.block_on(client.acl_role_delete(&id)).or_exit(&format!("Error deleting role {id:?}"))?;
    cx.output(format!("Role {id:?} deleted successfully"));
    Ok(())
}
