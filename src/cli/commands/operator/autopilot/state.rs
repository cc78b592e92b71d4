//! `operator autopilot state` (`spec/cli.md` 21.1).

use crate::cli::connect::{connect_saying, read_params};
use crate::cli::output::json;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::types::value::null_default;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The command.
pub static COMMAND: Command = Command {
    path: &["operator", "autopilot", "state"],
    synopsis: "Display the current Autopilot state",
    usage: "Usage: {program} operator autopilot state [options]

  Prints what autopilot thinks of the cluster: who leads, who votes, how many
  servers may fail, and the health of each.",
    groups: Groups::CS,
    flags: &[Flag::string("format", "Output format: {pretty|json}.").default("pretty")],
    flag_error: Some("Failed to parse args: "),
    run,
};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct State {
    healthy: bool,
    failure_tolerance: i64,
    optimistic_failure_tolerance: i64,
    leader: String,
    #[serde(deserialize_with = "null_default")]
    voters: Vec<String>,
    #[serde(deserialize_with = "null_default")]
    servers: BTreeMap<String, Server>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Server {
    name: String,
    address: String,
    version: String,
    status: String,
    node_type: String,
    node_status: String,
    healthy: bool,
    last_contact: String,
    last_term: u64,
    last_index: u64,
    redundancy_zone: String,
    upgrade_version: String,
    read_replica: bool,
    #[serde(deserialize_with = "null_default")]
    meta: BTreeMap<String, String>,
}

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect_saying(cx, m, "Error initializing client")?;
    let found: Value = cx
        .block_on(client.get("/v1/operator/autopilot/state", read_params(m)))
        .or_exit("Error querying Autopilot state")?;
    match m.text("format") {
        "json" => cx.output(json(&found, "    ")),
        "pretty" => {
            let state: State = serde_json::from_value(found).or_exit("Error querying Autopilot state")?;
            cx.output(pretty(&state));
        }
        other => return Err(Exit::error(format!("Unknown format: {other}"))),
    }
    Ok(())
}

fn pretty(state: &State) -> String {
    let mut text = format!(
        "Healthy:                      {}\nFailure Tolerance:            {}\nOptimistic Failure Tolerance: {}\nLeader:                       {}\nVoters:\n",
        state.healthy, state.failure_tolerance, state.optimistic_failure_tolerance, state.leader
    );
    for id in &state.voters {
        let _ = writeln!(text, "   {id}");
    }
    text.push_str("Servers:\n");
    for (id, server) in &state.servers {
        let _ = writeln!(text, "   {id}");
        for (label, value) in server.lines() {
            let _ = writeln!(text, "      {:<17}{value}", format!("{label}:"));
        }
        if !server.meta.is_empty() {
            text.push_str("      Meta\n");
        }
        for (key, value) in &server.meta {
            let _ = writeln!(text, "         {key:?}: {value:?}");
        }
    }
    text
}

impl Server {
    fn lines(&self) -> Vec<(&'static str, String)> {
        let mut lines = vec![
            ("Name", self.name.clone()),
            ("Address", self.address.clone()),
            ("Version", self.version.clone()),
            ("Status", self.status.clone()),
            ("Node Type", self.node_type.clone()),
            ("Node Status", self.node_status.clone()),
            ("Healthy", self.healthy.to_string()),
            ("Last Contact", self.last_contact.clone()),
            ("Last Term", self.last_term.to_string()),
            ("Last Index", self.last_index.to_string()),
        ];
        if !self.redundancy_zone.is_empty() {
            lines.push(("Redundancy Zone", self.redundancy_zone.clone()));
        }
        if !self.upgrade_version.is_empty() {
            lines.push(("Upgrade Version", self.upgrade_version.clone()));
        }
        if self.read_replica {
            lines.push(("Read Replica", "true".into()));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_described_below_its_id() {
        let state: State = serde_json::from_str(
            r#"{"Healthy":true,"Leader":"i","Voters":["i"],"Servers":{"i":{"Name":"n","LastContact":"0s","Meta":{"k":""}}}}"#,
        )
        .expect("state");
        let text = pretty(&state);
        assert!(text.starts_with("Healthy:                      true\nFailure Tolerance:            0\n"), "{text}");
        assert!(text.contains("Voters:\n   i\nServers:\n   i\n      Name:            n\n"), "{text}");
        assert!(text.contains("      Last Contact:    0s\n"), "{text}");
        assert!(text.ends_with("      Meta\n         \"k\": \"\"\n"), "{text}");
    }
}
