//! `catalog services` (`spec/cli.md` 11).

use crate::cli::connect::connect;
use crate::cli::output::wide_columns;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit, at_most};
use crate::client::Params;
use crate::row;
use crate::types::value::null_default;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The command.
pub static COMMAND: Command = Command {
    path: &["catalog", "services"],
    synopsis: "Lists all registered services in a datacenter",
    usage: "Usage: {program} catalog services [options]

  Lists the names of the services of a datacenter.

      $ {program} catalog services

  With their tags, or only those of a node:

      $ {program} catalog services -tags
      $ {program} catalog services -node=web1",
    groups: Groups::CSN,
    flags: &[
        Flag::string("node", "The `id or name` of a node; only its services are listed."),
        Flag::map(
            "node-meta",
            "Metadata `key=value` that the node of a service must have. Can be given several times.",
        ),
        Flag::bool("tags", "Print each service's tags. The default is false."),
    ],
    flag_error: None,
    run,
};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct NodeServices {
    #[serde(deserialize_with = "null_default")]
    services: BTreeMap<String, Instance>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Instance {
    service: String,
    #[serde(deserialize_with = "null_default")]
    tags: Vec<String>,
}

type Tags = BTreeMap<String, BTreeSet<String>>;

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    at_most(0, m)?;
    let client = connect(cx, m)?;
    let params = m
        .map("node-meta")
        .into_iter()
        .fold(Params::new(), |params, (key, value)| params.with("node-meta", format!("{key}:{value}")));
    let node = m.text("node");
    let mut services = Tags::new();
    if node.is_empty() {
        let found: BTreeMap<String, Option<Vec<String>>> =
            cx.block_on(client.get("/v1/catalog/services", params)).or_exit("Error listing services")?;
        services.extend(found.into_iter().map(|(name, tags)| (name, tags.into_iter().flatten().collect())));
    } else {
        let path = format!("/v1/catalog/node/{node}");
        let found: Option<NodeServices> =
            cx.block_on(client.get(&path, params)).or_exit("Error listing services for node")?;
        for instance in found.unwrap_or_default().services.into_values() {
            services.entry(instance.service).or_default().extend(instance.tags);
        }
    }
    if services.is_empty() {
        cx.error("No services match the given query - try expanding your search.");
    } else if m.flag("tags") {
        let joined = |tags: &BTreeSet<String>| tags.iter().cloned().collect::<Vec<_>>().join(",");
        let rows: Vec<_> = services.iter().map(|(name, tags)| row![name, joined(tags)]).collect();
        cx.output(wide_columns(&rows).trim());
    } else {
        services.keys().for_each(|name| cx.output(name));
    }
    Ok(())
}
