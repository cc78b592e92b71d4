//! `acl`: tokens, policies, roles, auth methods and binding rules (`spec/cli.md` 9).

pub mod auth_method;
pub mod binding_rule;
pub mod bootstrap;
mod identities;
mod lookup;
pub mod policy;
mod pretty;
pub mod role;
pub mod set_agent_token;
pub mod templated_policy;
mod templates;
pub mod token;

use crate::cli::output::json;
use crate::cli::{Command, Context, Exit, Flag, Matches};
use serde::Serialize;

/// The group.
pub static COMMAND: Command = Command::group(
    &["acl"],
    "Interact with access control lists",
    "Usage: {program} acl <subcommand> [options] [args]

  Manages who may do what. Some examples; each subcommand has more in its
  own help.

  Create the first management token of a cluster:

      $ {program} acl bootstrap

  Create a policy, and a token that has it:

      $ {program} acl policy create -name web -rules @web.hcl
      $ {program} acl token create -policy-name web

  List all tokens:

      $ {program} acl token list

  Give the agent a token for its own work:

      $ {program} acl set-agent-token agent 0bc6bc46-f25e-4262-b2d9-ffbe1d96be6f",
);

/// `-format` of all commands that print objects.
const FORMAT: Flag = Flag::string("format", "Output format: {pretty|json}.").default("pretty");

/// `-meta` of all commands that print objects.
const META: Flag = Flag::bool("meta", "Also print the hash of the content and the raft indexes. The default is false.");

/// What is printed of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    /// For humans; with hash and indexes or without.
    Pretty { meta: bool },
    /// As the API has it.
    Json,
}

impl Format {
    /// What the flags ask for.
    ///
    /// # Errors
    /// `Unknown format: <f>`.
    fn of(m: &Matches) -> Result<Format, Exit> {
        match m.text("format") {
            "pretty" => Ok(Format::Pretty { meta: m.flag("meta") }),
            "json" => Ok(Format::Json),
            other => Err(Exit::error(format!("Unknown format: {other}"))),
        }
    }
}

/// Prints an object as the flags ask for. The format is looked at after the call, as the reference does.
///
/// # Errors
/// `Unknown format: <f>`.
fn show<T: Serialize + ?Sized>(
    cx: &Context,
    m: &Matches,
    object: &T,
    pretty: fn(&T, bool) -> String,
) -> Result<(), Exit> {
    let text = match Format::of(m)? {
        Format::Pretty { meta } => pretty(object, meta),
        Format::Json => json(&object, "    "),
    };
    if !text.is_empty() {
        cx.output(text);
    }
    Ok(())
}

/// A message followed by the command's help, for flags that must be there.
fn missing(message: &str) -> Exit {
    Exit { code: 1, message: Some(message.to_owned()), help: true }
}

/// The value of a required flag.
///
/// # Errors
/// `Missing required '-<name>' flag` and the help.
fn required<'a>(m: &'a Matches, name: &str) -> Result<&'a str, Exit> {
    match m.text(name) {
        "" => Err(missing(&format!("Missing required '-{name}' flag"))),
        text => Ok(text),
    }
}
