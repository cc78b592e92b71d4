//! `catalog nodes` (`spec/cli.md` 11).

use crate::cli::connect::connect;
use crate::cli::output::{columns, pairs};
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit, at_most, data};
use crate::client::Params;
use crate::row;
use crate::types::value::null_default;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ffi::OsStr;

/// The command.
pub static COMMAND: Command = Command {
    path: &["catalog", "nodes"],
    synopsis: "Lists all nodes in the given datacenter",
    usage: "Usage: {program} catalog nodes [options]

  Lists the nodes of a datacenter.

      $ {program} catalog nodes

  With their tagged addresses and metadata:

      $ {program} catalog nodes -detailed

  Only those that run a service, the nearest to a node first:

      $ {program} catalog nodes -service=redis -near=web1",
    groups: Groups::CSP,
    flags: &[
        Flag::bool("detailed", "Print tagged addresses and metadata as well."),
        Flag::string("filter", "Filter `expression` that a node must match; @FILE and - (stdin) are read."),
        Flag::string("near", "Sort by round-trip time from this node; _agent stands for the queried agent's node."),
        Flag::map("node-meta", "Metadata `key=value` that a node must have. Can be given several times."),
        Flag::string("service", "The `id or name` of a service; only nodes that run it are listed."),
    ],
    flag_error: None,
    run,
};

/// A node, or the node of a service instance.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Row {
    #[serde(rename = "ID")]
    id: String,
    node: String,
    address: String,
    datacenter: String,
    #[serde(deserialize_with = "null_default")]
    tagged_addresses: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_default")]
    meta: BTreeMap<String, String>,
    #[serde(deserialize_with = "null_default")]
    node_meta: BTreeMap<String, String>,
}

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    at_most(0, m)?;
    let client = connect(cx, m)?;
    let filter = data::load(OsStr::new(m.text("filter"))).or_exit("Could not process filter argument")?;
    let filter = String::from_utf8_lossy(&filter).into_owned();
    let near = m.text("near");
    let mut params =
        Params::new().with_if(!near.is_empty(), "near", near).with_if(!filter.is_empty(), "filter", filter);
    for (key, value) in m.map("node-meta") {
        params = params.with("node-meta", format!("{key}:{value}"));
    }
    let service = m.text("service");
    let mut rows: Vec<Row> = if service.is_empty() {
        cx.block_on(client.get("/v1/catalog/nodes", params)).or_exit("Error listing nodes")?
    } else {
        let path = format!("/v1/catalog/service/{service}");
        cx.block_on(client.get(&path, params)).or_exit("Error listing nodes for service")?
    };
    if !service.is_empty() {
        rows.iter_mut().for_each(|row| row.meta = std::mem::take(&mut row.node_meta));
    }
    if rows.is_empty() {
        cx.error("No nodes match the given query - try expanding your search.");
        return Ok(());
    }
    cx.output(columns(&table(&rows, m.flag("detailed"))));
    Ok(())
}

fn table(rows: &[Row], detailed: bool) -> Vec<Vec<String>> {
    let header = if detailed {
        row!["Node", "ID", "Address", "DC", "TaggedAddresses", "Meta"]
    } else {
        row!["Node", "ID", "Address", "DC"]
    };
    let body = rows.iter().map(|node| {
        if !detailed {
            let short = node.id.split('-').next().unwrap_or("");
            return row![node.node, short, node.address, node.datacenter];
        }
        let tagged = pairs(&node.tagged_addresses, ", ");
        row![node.node, node.id, node.address, node.datacenter, tagged, pairs(&node.meta, ", ")]
    });
    std::iter::once(header).chain(body).collect()
}
