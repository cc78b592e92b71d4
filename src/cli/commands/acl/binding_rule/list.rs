//! `acl binding-rule list`.

use super::super::{FORMAT, META, show};
use super::pretty;
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "binding-rule", "list"],
    synopsis: "List ACL binding rules",
    usage: "Usage: {program} acl binding-rule list [options]

  Prints all binding rules, or those of one auth method.

      $ {program} acl binding-rule list
      $ {program} acl binding-rule list -method=\"my-method\"",
    groups: Groups::CSN,
    flags: &[FORMAT, META, Flag::string("method", "Only the rules of this auth method.")],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect(cx, m)?;
    let rules =
        cx.block_on(client.acl_binding_rules(m.text("method"))).or_exit("Failed to retrieve the binding rule list")?;
    show(cx, m, rules.as_slice(), pretty::rules)
}
