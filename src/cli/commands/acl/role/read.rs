//! `acl role read`.

use super::super::lookup::role_id;
use super::super::{FORMAT, META, show};
use super::{ID, NAME, pretty};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};
use crate::client::acl::By;

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "role", "read"],
    synopsis: "Read an ACL role",
    usage: "Usage: {program} acl role read [options]

  Prints a role.

      $ {program} acl role read -id fdabbcb5-9de5-4b1a-961f-77214ae88cba
      $ {program} acl role read -name my-role",
    groups: Groups::CSN,
    flags: &[FORMAT, ID, META, NAME],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let (id, name) = (m.text("id"), m.text("name"));
    if id.is_empty() && name.is_empty() {
        return Err(Exit::error("Must specify either the -id or -name parameters"));
    }
    let client = connect(cx, m)?;
    let whole = match id {
        "" => String::new(),
        id => role_id(cx, &client, id).or_exit("Error determining role ID")?,
    };
    let (by, shown, absent) = match id {
        "" => (By::Name(name), name, format!("Role not found with name {name:?}")),
        _ => (By::Id(&whole), whole.as_str(), format!("Role not found with ID {whole:?}")),
    };
    let found = cx.block_on(client.acl_role(by)).or_exit(&format!("Error reading role {shown:?}"))?;
    show(cx, m, &found.ok_or_else(|| Exit::error(absent))?, pretty::role)
}
