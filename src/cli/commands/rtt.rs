//! `rtt`: estimated round trip between two nodes (`spec/cli.md` 15).

use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::{Client, Params};
use crate::types::coordinate::{Coordinate, DatacenterMap, NodeCoordinate};
use std::sync::Arc;

/// The command.
pub static COMMAND: Command = Command {
    path: &["rtt"],
    synopsis: "Estimates network round trip time between nodes",
    usage: "Usage: {program} rtt [options] node1 [node2]

  Estimates the round trip time between two nodes from their network
  coordinates. Without a second node, the agent's own is taken.

  The names are those of `members`. With -wan they are names of servers with
  their datacenter behind a dot, as in \"myserver.dc1\".",
    groups: Groups::C,
    flags: &[Flag::bool("wan", "Use the coordinates of servers of all datacenters. The default is false.")],
    flag_error: None,
    run,
};

type Found = Option<Arc<Coordinate>>;

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    if m.args().is_empty() || m.args().len() > 2 {
        return Err(Exit::usage("One or two node names must be specified"));
    }
    let client = connect(cx, m)?;
    let wan = m.flag("wan");
    let first = m.args()[0].clone();
    let second = match m.args().get(1) {
        Some(node) => node.clone(),
        None => cx.block_on(own_name(&client, wan)).or_exit("Unable to look up agent info")?,
    };
    let (coordinates, source) = if wan {
        (across_datacenters(cx, &client, &first, &second)?, "WAN")
    } else {
        let rows: Vec<NodeCoordinate> =
            cx.block_on(client.get("/v1/coordinate/nodes", Params::new())).or_exit("Error getting coordinates")?;
        (pair(&rows, &first, &second), "LAN")
    };
    let missing = |node: &str| Exit::error(format!("Could not find a coordinate for node {node:?}"));
    let (a, b) = (coordinates.0.ok_or_else(|| missing(&first))?, coordinates.1.ok_or_else(|| missing(&second))?);
    let milliseconds = a.distance_to(&b) * 1000.0;
    cx.output(format!("Estimated {first} <-> {second} rtt: {milliseconds:.3} ms (using {source} coordinates)"));
    Ok(())
}

async fn own_name(client: &Client, wan: bool) -> Result<String, crate::client::Error> {
    let own: serde_json::Value = client.get("/v1/agent/self", Params::new()).await?;
    let field = |name: &str| own["Config"][name].as_str().unwrap_or_default().to_string();
    Ok(if wan { format!("{}.{}", field("NodeName"), field("Datacenter")) } else { field("NodeName") })
}

fn across_datacenters(cx: &Context, client: &Client, first: &str, second: &str) -> Result<(Found, Found), Exit> {
    let split = |name: &str| match name.split('.').collect::<Vec<_>>()[..] {
        [node, datacenter] => Ok((node.to_string(), datacenter.to_string())),
        _ => Err(Exit::error("Node names must be specified as <node name>.<datacenter> with -wan")),
    };
    let (first, second) = (split(first)?, split(second)?);
    let maps: Vec<DatacenterMap> =
        cx.block_on(client.get("/v1/coordinate/datacenters", Params::new())).or_exit("Error getting coordinates")?;
    let find = |(node, datacenter): &(String, String)| {
        let of_datacenter = maps.iter().filter(|map| map.datacenter == *datacenter);
        of_datacenter
            .flat_map(|map| &map.coordinates)
            .find(|row| row.node.eq_ignore_ascii_case(node))
            .and_then(|row| row.coord.clone())
    };
    Ok((find(&first), find(&second)))
}

/// Coordinates of both nodes; only those of one network segment can be compared.
fn pair(rows: &[NodeCoordinate], first: &str, second: &str) -> (Found, Found) {
    let of = |node: &str| rows.iter().filter(move |row| row.node.eq_ignore_ascii_case(node)).collect::<Vec<_>>();
    let (firsts, seconds) = (of(first), of(second));
    let both = firsts.iter().find_map(|a| seconds.iter().find(|b| a.segment == b.segment).map(|b| (*a, *b)));
    match both {
        Some((a, b)) => (a.coord.clone(), b.coord.clone()),
        None if firsts.is_empty() => (None, None),
        None => (firsts[0].coord.clone(), None),
    }
}
