//! `acl binding-rule delete`.

use super::super::lookup::rule_id;
use super::ID;
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "binding-rule", "delete"],
    synopsis: "Delete an ACL binding rule",
    usage: "Usage: {program} acl binding-rule delete -id ID [options]

  Deletes a binding rule. Tokens of earlier logins stay.

      $ {program} acl binding-rule delete -id b6b85",
    groups: Groups::CSN,
    flags: &[ID],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    if m.text("id").is_empty() {
        return Err(Exit::error("Must specify the -id parameter"));
    }
    let client = connect(cx, m)?;
    let id = rule_id(cx, &client, m.text("id")).or_exit("Error determining binding rule ID")?;
    cx.block_on(client.acl_binding_rule_delete(&id)).or_exit(&format!("Error deleting binding rule {id:?}"))?;
    cx.output(format!("Binding rule {id:?} deleted successfully"));
    Ok(())
}
