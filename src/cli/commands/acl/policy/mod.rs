//! `acl policy` (`spec/cli.md` 9.2).

pub mod create;
pub mod delete;
pub mod list;
mod pretty;
pub mod read;
pub mod update;

pub(super) use pretty::policy as pretty_policy;

use crate::cli::{Command, Flag};

/// The group.
pub static COMMAND: Command = Command::group(
    &["acl", "policy"],
    "Manage ACL policies",
    "Usage: {program} acl policy <subcommand> [options] [args]

  Policies are named sets of rules. Some examples:

      $ {program} acl policy create -name web -rules @web.hcl
      $ {program} acl policy list
      $ {program} acl policy read -name web
      $ {program} acl policy update -name web -description \"web servers\"
      $ {program} acl policy delete -name web",
);

/// `-id`.
const ID: Flag = Flag::string("id", "Id of the policy. A prefix is enough when no other policy has it too.");
/// `-name`.
const NAME: Flag = Flag::string("name", "Name of the policy.");
/// `-rules`.
const RULES: Flag = Flag::string("rules", "The rules, HCL or JSON. @file reads them from a file, - from stdin.");
/// `-valid-datacenter`.
const VALID_DATACENTER: Flag = Flag::list(
    "valid-datacenter",
    "Datacenter in which the policy is valid; all without it. May be given several times.",
);
