//! `acl set-agent-token`: a token for the agent's own work (`spec/cli.md` 9.8).

use crate::cli::connect::connect_saying;
use crate::cli::{Command, Context, Exit, Groups, Matches, data};

/// The command.
pub static COMMAND: Command = Command {
    path: &["acl", "set-agent-token"],
    synopsis: "Assign tokens to the agent's own work",
    usage: "Usage: {program} acl set-agent-token [options] TYPE TOKEN

  Gives the agent a token. It is used until the agent restarts, or for good
  when acl.enable_token_persistence is set. TYPE is one of

      default     requests that come without a token
      agent       the agent's own requests to the servers
      recovery    emergency access to this agent
      replication copying tokens, policies and roles from another datacenter
      config_file_service_registration
                  services of configuration files without a token
      dns         questions over DNS

  TOKEN is the secret; @file reads it from a file, - from stdin.

      $ {program} acl set-agent-token default c4d0f8df-3aba-4ab6-a7a0-35b760dc29a1",
    groups: Groups::CS,
    flags: &[],
    flag_error: None,
    run,
};

/// Names of the command line, and what agents of all versions call them.
const TYPES: &[(&str, &[&str])] = &[
    ("default", &["default", "acl_token"]),
    ("agent", &["agent", "acl_agent_token"]),
    ("recovery", &["agent_recovery", "agent_master", "acl_agent_master_token"]),
    ("replication", &["replication", "acl_replication_token"]),
    ("config_file_service_registration", &["config_file_service_registration"]),
    ("dns", &["dns"]),
];

/// One of these alone is a type whose token is missing; anything else alone is taken for a token.
const ALONE: [&str; 4] = ["default", "agent", "recovery", "replication"];

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let (kind, token) = arguments(m).map_err(|error| Exit::error(format!("Error! {error}")))?;
    let client = connect_saying(cx, m, "Error connecting to Consul Agent")?;
    let known = TYPES.iter().find(|(name, _)| *name == kind);
    let (_, names) = known.ok_or_else(|| Exit::error("Unknown token type"))?;
    cx.block_on(client.agent_set_token(names, &token))
        .map_err(|error| Exit::error(format!("Failed to set ACL token {kind:?}: {error}")))?;
    cx.output(format!("ACL token {kind:?} set successfully"));
    Ok(())
}

fn arguments(m: &Matches) -> Result<(String, String), String> {
    match m.args() {
        [] => Err("Missing TYPE and TOKEN arguments".into()),
        [only] if ALONE.contains(&only.as_str()) => Err("Missing TOKEN argument".into()),
        [_] => Err("MISSING TYPE argument".into()),
        [kind, _] => {
            let token = data::load(m.raw_arg(1).expect("there are two words"))?;
            Ok((kind.clone(), String::from_utf8_lossy(&token).into_owned()))
        }
        more => Err(format!("Too many arguments: expected 2 got {}", more.len())),
    }
}
