//! `maint`: maintenance mode of a node or service (`spec/cli.md` 20).

use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::{Client, Params};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The command.
pub static COMMAND: Command = Command {
    path: &["maint"],
    synopsis: "Controls node or service maintenance mode",
    usage: "Usage: {program} maint [options]

  Puts the agent's node, or one of its services, into maintenance mode and
  out of it. In maintenance mode a critical check keeps it out of DNS answers
  and of health queries. The mode survives a restart of the agent.

  Without an action, prints what is in maintenance mode, and why.

      $ {program} maint -enable -reason='disk swap'
      $ {program} maint -disable -service=web",
    groups: Groups::C,
    flags: &[
        Flag::bool("disable", "Leave maintenance mode."),
        Flag::bool("enable", "Enter maintenance mode."),
        Flag::string("reason", "Why, for those who look at the check."),
        Flag::string("service", "Id of the service that is meant, instead of the node."),
    ],
    flag_error: None,
    run,
};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Check {
    #[serde(rename = "CheckID")]
    check_id: String,
    #[serde(rename = "ServiceID")]
    service_id: String,
    notes: String,
}

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let (enable, disable) = (m.flag("enable"), m.flag("disable"));
    let (reason, service) = (m.text("reason"), m.text("service"));
    let refusals = [
        (enable && disable, "Only one of -enable or -disable may be provided"),
        (!enable && !reason.is_empty(), "Reason may only be provided with -enable"),
        (!enable && !disable && !service.is_empty(), "Service requires either -enable or -disable"),
    ];
    if let Some((_, refusal)) = refusals.iter().find(|(applies, _)| *applies) {
        return Err(Exit::error(*refusal));
    }
    let client = connect(cx, m)?;
    if !enable && !disable {
        return list(cx, &client);
    }
    let (verb, state) = if enable { ("enabling", "enabled") } else { ("disabling", "disabled") };
    let params = Params::new().with("enable", enable).with_if(enable, "reason", reason);
    if service.is_empty() {
        cx.block_on(client.put("/v1/agent/maintenance", params, None))
            .or_exit(&format!("Error {verb} node maintenance"))?;
        cx.output(format!("Node maintenance is now {state}"));
    } else {
        let path = format!("/v1/agent/service/maintenance/{service}");
        cx.block_on(client.put(&path, params, None)).or_exit(&format!("Error {verb} service maintenance"))?;
        cx.output(format!("Service maintenance is now {state} for {service:?}"));
    }
    Ok(())
}

fn list(cx: &Context, client: &Client) -> Result<(), Exit> {
    let node = cx.block_on(super::node_name(client)).or_exit("Error querying Consul agent")?;
    let checks: BTreeMap<String, Check> =
        cx.block_on(client.get("/v1/agent/checks", Params::new())).or_exit("Error getting checks")?;
    for check in checks.values() {
        if check.check_id == "_node_maintenance" {
            cx.output(format!("Node:\n  Name:   {node}\n  Reason: {}\n", check.notes));
        } else if check.check_id.starts_with("_service_maintenance:") {
            cx.output(format!("Service:\n  ID:     {}\n  Reason: {}\n", check.service_id, check.notes));
        }
    }
    Ok(())
}
