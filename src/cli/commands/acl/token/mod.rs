//! `acl token` (`spec/cli.md` 9.3).

pub mod clone;
pub mod create;
pub mod delete;
mod expanded;
pub mod list;
pub(super) mod pretty;
pub mod read;
pub mod update;

use super::lookup::token_id;
use crate::cli::{Command, Context, Exit, Flag, Matches, OrExit};
use crate::client::Client;

/// The group.
pub static COMMAND: Command = Command::group(
    &["acl", "token"],
    "Manage ACL tokens",
    "Usage: {program} acl token <subcommand> [options] [args]

  Tokens are what requests show. Some examples:

      $ {program} acl token create -description \"web servers\" -policy-name web
      $ {program} acl token list
      $ {program} acl token read -accessor-id 986193
      $ {program} acl token delete -accessor-id 986193",
);

/// `-accessor-id`.
const ACCESSOR_ID: Flag =
    Flag::string("accessor-id", "Accessor ID of the token. A prefix is enough when no other token has it too.");

/// The name that `-accessor-id` had before.
const ID: Flag = Flag::string("id", "Accessor ID of the token.").hidden();

/// What is said to those who use `-id`.
const USE_ACCESSOR_ID: &str = "Use the -accessor-id parameter to specify token by Accessor ID";

/// The accessor as it was typed; `-id` counts too, with a word on stderr.
fn typed<'a>(cx: &Context, m: &'a Matches, advice: &str) -> &'a str {
    match (m.text("accessor-id"), m.text("id")) {
        ("", "") => "",
        ("", id) => {
            cx.error(advice);
            id
        }
        (accessor, _) => accessor,
    }
}

/// The whole accessor of a typed one.
fn whole(cx: &Context, client: &Client, typed: &str) -> Result<String, Exit> {
    token_id(cx, client, typed).or_exit("Error determining token ID")
}
