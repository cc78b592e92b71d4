//! `acl templated-policy` (`spec/cli.md` 9.7).

pub mod list;
pub mod preview;
pub mod read;

use crate::cli::{Command, Exit, Matches};

/// The group.
pub static COMMAND: Command = Command::group(
    &["acl", "templated-policy"],
    "Show ACL templated policies",
    "Usage: {program} acl templated-policy <subcommand> [options] [args]

  Templated policies are built-in rules with a name to fill in. Some examples:

      $ {program} acl templated-policy list
      $ {program} acl templated-policy read -name builtin/service
      $ {program} acl templated-policy preview -name builtin/service -var name:api",
);

/// Refuses formats that do not exist.
fn check_format(m: &Matches) -> Result<(), Exit> {
    match m.text("format") {
        "pretty" | "json" => Ok(()),
        other => Err(Exit::error(format!("unknown format: {other:?}"))),
    }
}
