//! `watch`: a view printed once, or a child process per change (`spec/cli.md` 19.2).

use crate::cli::connect::connect;
use crate::cli::output::json;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::watch::{Handler, Output, Plan};
use crate::client::{Client, Params};
use serde_json::{Map, Value, json};
use std::ops::ControlFlow;

/// The command.
pub static COMMAND: Command = Command {
    path: &["watch"],
    synopsis: "Watch for changes in Consul",
    usage: "Usage: {program} watch [options] [child...]

  Follows one view of the data. With a child process, runs it for every
  change with the view as JSON on stdin and CONSUL_INDEX in the environment;
  without one, prints the view once.

      $ {program} watch -type=key -key=app/config ./reload.sh
      $ {program} watch -type=service -service=web -passingonly=true",
    groups: Groups::CS,
    flags: &[
        Flag::string("filter", "Filter `expression`; for services, nodes, service and checks."),
        Flag::string("key", "Key to follow; for key."),
        Flag::string("name", "Name of the events to follow; for event."),
        Flag::string("passingonly", "Only passing instances, `[true|false]`; for service."),
        Flag::string("prefix", "Prefix of the keys to follow; for keyprefix."),
        Flag::string("service", "Service to follow; for service, optional for checks."),
        Flag::bool("shell", "Run the child through a shell. The default is true.").default("true"),
        Flag::string("state", "State of the checks to follow; for checks."),
        Flag::list("tag", "Tag that instances must have; for service. Can be given several times."),
        Flag::string("type", "What to follow: key, keyprefix, services, nodes, service, checks or event."),
    ],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    if m.text("type").is_empty() {
        return Err(Exit::usage("Watch type must be specified"));
    }
    let plan = Plan::parse(&parameters(m)?).map_err(Exit::error)?;
    if plan.kind.starts_with("connect_") || plan.kind.starts_with("agent_") {
        return Err(Exit::error(format!("Type {} is not supported in the CLI tool", plan.kind)));
    }
    let client = connect(cx, m)?;
    cx.block_on(client.get::<Value>("/v1/status/leader", Params::new())).or_exit("Error querying Consul agent")?;
    cx.block_on(async {
        tokio::select! {
            end = follow(cx, m, &plan, &client) => end,
            () = crate::cli::interrupted() => Ok(()),
        }
    })
}

/// The flags as the parameters of a watch definition.
fn parameters(m: &Matches) -> Result<Map<String, Value>, Exit> {
    let mut params = Map::new();
    for name in ["type", "datacenter", "token", "key", "prefix", "service", "state", "name", "filter"] {
        if !m.text(name).is_empty() {
            params.insert(name.into(), json!(m.text(name)));
        }
    }
    if !m.list("tag").is_empty() {
        params.insert("tag".into(), json!(m.list("tag")));
    }
    if m.flag("stale") {
        params.insert("stale".into(), json!(true));
    }
    let passing = m.text("passingonly");
    if !passing.is_empty() {
        let parsed = crate::cli::flags::parse_bool(passing).or_exit("Failed to parse passingonly flag")?;
        params.insert("passingonly".into(), json!(parsed));
    }
    Ok(params)
}

async fn follow(cx: &Context, m: &Matches, plan: &Plan, client: &Client) -> Result<(), Exit> {
    let child = match m.args() {
        [] => None,
        words if m.flag("shell") => Some(Handler::Shell(words.join(" "))),
        words => Some(Handler::Args(words.to_vec())),
    };
    let on_change = async |index: u64, data: &Value| match &child {
        None => {
            cx.output(json(data, "    "));
            ControlFlow::Break(Ok(()))
        }
        Some(child) => match child.run(index, data, Output::Inherit).await {
            Ok(_) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(Err(Exit::error(format!("Error executing handler: {error}")))),
        },
    };
    let on_failure = |line: &str| {
        let time = chrono::Local::now().format("%Y-%m-%dT%H:%M:%S%.3f%z");
        cx.error(format!("{time} [ERROR] {line}"));
    };
    plan.run(client, on_change, on_failure).await
}
