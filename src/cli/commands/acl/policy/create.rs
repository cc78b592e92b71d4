//! `acl policy create`.

use super::super::{FORMAT, META, required, show};
use super::{RULES, VALID_DATACENTER, pretty};
use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit, data};
use crate::client::acl::Policy;
use std::ffi::OsStr;

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "policy", "create"],
    synopsis: "Create an ACL policy",
    usage: "Usage: {program} acl policy create -name NAME [options]

  Creates a policy and prints it. The rules are read from a file with @, from
  stdin with -, or are the text itself.

      $ {program} acl policy create -name \"new-policy\" \\
                  -description \"This is an example policy\" \\
                  -valid-datacenter \"dc1\" -rules @rules.hcl",
    groups: Groups::CSN,
    flags: &[
        Flag::string("description", "Text that says what the policy is for."),
        FORMAT,
        META,
        Flag::string("name", "Name of the new policy. This flag is required."),
        RULES,
        VALID_DATACENTER,
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let name = required(m, "name")?;
    let client = connect(cx, m)?;
    let rules = data::load(OsStr::new(m.text("rules"))).or_exit("Error loading rules")?;
    let policy = Policy {
        name: name.to_owned(),
        description: m.text("description").to_owned(),
        datacenters: Some(m.list("valid-datacenter").to_vec()).filter(|names| !names.is_empty()),
        rules: String::from_utf8_lossy(&rules).into_owned(),
        ..Policy::default()
    };
    let created = cx.block_on(client.acl_policy_set(&policy)).or_exit("Failed to create new policy")?;
    show(cx, m, &created, pretty::policy)
}
