//! `acl binding-rule read`.

use super::super::lookup::rule_id;
use super::super::{FORMAT, META, show};
use super::{ID, pretty};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "binding-rule", "read"],
    synopsis: "Read an ACL binding rule",
    usage: "Usage: {program} acl binding-rule read -id ID [options]

  Prints a binding rule.

      $ {program} acl binding-rule read -id fdabbcb5-9de5-4b1a-961f-77214ae88cba",
    groups: Groups::CSN,
    flags: &[FORMAT, ID, META],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    if m.text("id").is_empty() {
        return Err(Exit::error("Must specify the -id parameter."));
    }
    let client = connect(cx, m)?;
    let id = rule_id(cx, &client, m.text("id")).or_exit("Error determining binding rule ID")?;
    let found = cx.block_on(client.acl_binding_rule(&id)).or_exit(&format!("Error reading binding rule {id:?}"))?;
    let rule = found.ok_or_else(|| Exit::error(format!("Binding rule not found with ID {id:?}")))?;
    show(cx, m, &rule, pretty::rule)
}
