//! `acl templated-policy preview`.

use super::super::policy::pretty_policy;
use super::super::templates::{VAR_HELP, from_file, single};
use super::super::{FORMAT, META, show};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "templated-policy", "preview"],
    synopsis: "Preview the policy of an ACL templated policy",
    usage: "Usage: {program} acl templated-policy preview [options]

  Prints the policy that a templated policy stands for.

      $ {program} acl templated-policy preview -name builtin/service -var name:api
      $ {program} acl templated-policy preview -file templated-policy.hcl",
    groups: Groups::CSN,
    flags: &[
        Flag::string("file", "File with one templated policy and its variables, HCL or JSON."),
        FORMAT,
        META,
        Flag::string("name", "Name of the templated policy."),
        Flag::list("var", VAR_HELP),
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let (name, file) = (m.text("name"), m.text("file"));
    if name.is_empty() && file.is_empty() {
        return Err(Exit::error("Cannot preview a templated policy without specifying -name or -file"));
    }
    let one_only = || Exit::error("Can only preview a single templated policy at a time.");
    if !name.is_empty() && !file.is_empty() {
        return Err(one_only());
    }
    let policy = if file.is_empty() {
        single(name, m.list("var"))?
    } else {
        let mut found = from_file(file)?;
        if found.len() != 1 {
            return Err(one_only());
        }
        found.remove(0)
    };
    let client = connect(cx, m)?;
    let preview =
        cx.block_on(client.acl_template_preview(&policy)).or_exit("Failed to generate the templated policy preview")?;
    show(cx, m, &preview, pretty_policy)
}
