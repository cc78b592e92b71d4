//! `event`: fires a user event (`spec/cli.md` 14.2).

use crate::cli::connect::connect;
use crate::cli::pattern;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::{Body, Params};
use std::os::unix::ffi::OsStrExt;

/// The command.
pub static COMMAND: Command = Command {
    path: &["event"],
    synopsis: "Fire a new event",
    usage: "Usage: {program} event [options] [payload]

  Sends a user event to the agents of a datacenter. It has a name and, if
  given, a payload; filters choose the agents by node name, service and tag.",
    groups: Groups::C,
    flags: &[
        Flag::string("name", "Name of the event."),
        Flag::string("node", "Regular expression for node names."),
        Flag::string("service", "Regular expression for services that a node must run."),
        Flag::string("tag", "Regular expression for tags of such a service; needs -service."),
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let name = m.text("name");
    if m.args().len() > 1 {
        return Err(Exit::usage("Too many command line arguments."));
    }
    if name.is_empty() {
        return Err(Exit::usage("Event name must be specified"));
    }
    for filter in ["node", "service", "tag"] {
        pattern::compile(m.text(filter)).or_exit(&format!("Failed to compile {filter} filter regexp"))?;
    }
    if !m.text("tag").is_empty() && m.text("service").is_empty() {
        return Err(Exit::error("Cannot provide tag filter without service filter."));
    }
    let client = connect(cx, m)?;
    cx.block_on(super::node_name(&client)).or_exit("Error querying Consul agent")?;
    let params = ["node", "service", "tag"]
        .into_iter()
        .fold(Params::new(), |params, filter| params.with_if(!m.text(filter).is_empty(), filter, m.text(filter)));
    let payload = m.raw_arg(0).map(|payload| Body::bytes(payload.as_bytes().to_vec()));
    let answer =
        cx.block_on(client.put(&format!("/v1/event/fire/{name}"), params, payload)).or_exit("Error firing event")?;
    let event: serde_json::Value = serde_json::from_slice(&answer).or_exit("Error firing event")?;
    cx.output(format!("Event ID: {}", event["ID"].as_str().unwrap_or_default()));
    Ok(())
}
