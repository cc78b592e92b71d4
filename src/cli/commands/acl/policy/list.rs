//! `acl policy list`.

use super::super::{FORMAT, META, show};
use super::pretty;
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "policy", "list"],
    synopsis: "List ACL policies",
    usage: "Usage: {program} acl policy list [options]

  Prints all policies without their rules.

      $ {program} acl policy list",
    groups: Groups::CSN,
    flags: &[FORMAT, META],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect(cx, m)?;
    let policies = cx.block_on(client.acl_policies()).or_exit("Failed to retrieve the policy list")?;
    show(cx, m, policies.as_slice(), pretty::policies)
}
