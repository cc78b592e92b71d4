//! `acl role` (`spec/cli.md` 9.4).

pub mod create;
pub mod delete;
pub mod list;
mod pretty;
pub mod read;
pub mod update;

use crate::cli::{Command, Flag};

/// The group.
pub static COMMAND: Command = Command::group(
    &["acl", "role"],
    "Manage ACL roles",
    "Usage: {program} acl role <subcommand> [options] [args]

  Roles are named sets of policies and identities. Some examples:

      $ {program} acl role create -name web -policy-name web
      $ {program} acl role list
      $ {program} acl role read -name web
      $ {program} acl role update -id abcd -policy-name logs
      $ {program} acl role delete -name web",
);

/// `-id`.
const ID: Flag = Flag::string("id", "Id of the role. A prefix is enough when no other role has it too.");
/// `-name`.
const NAME: Flag = Flag::string("name", "Name of the role.");
/// `-description`.
const DESCRIPTION: Flag = Flag::string("description", "Text that says what the role is for.");
/// `-policy-id`.
const POLICY_ID: Flag = Flag::list("policy-id", "Policy, by the beginning of its id. May be given several times.");
/// `-policy-name`.
const POLICY_NAME: Flag = Flag::list("policy-name", "Policy, by name. May be given several times.");
