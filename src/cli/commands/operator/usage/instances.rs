//! `operator usage instances` (`spec/cli.md` 21.3).

use crate::cli::connect::connect;
use crate::cli::output::wide_columns;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit, at_most};
use crate::client::Params;
use crate::row;
use crate::types::operator::ServiceUsage;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The command.
pub static COMMAND: Command = Command {
    path: &["operator", "usage", "instances"],
    synopsis: "Display service instance usage information",
    usage: "Usage: {program} operator usage instances [options]

  Prints how many services, instances and nodes there are; mesh instances by
  kind.",
    groups: Groups::CS,
    flags: &[
        Flag::bool("all-datacenters", "Count in all datacenters. The default is false."),
        Flag::bool("billable", "Print only billable instances. The default is false."),
        Flag::bool("connect", "Print only mesh instances. The default is false."),
    ],
    flag_error: None,
    run,
};

type Usage = BTreeMap<String, ServiceUsage>;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Report {
    usage: Usage,
}

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    at_most(0, m)?;
    let (billable, connected, everywhere) = (m.flag("billable"), m.flag("connect"), m.flag("all-datacenters"));
    if billable && connected {
        return Err(Exit::error("Cannot specify both -billable and -connect flags"));
    }
    let client = connect(cx, m)?;
    let params = Params::new().with_if(everywhere, "global", "");
    let report: Report =
        cx.block_on(client.get("/v1/operator/usage", params)).or_exit("Error fetching usage information")?;
    let usage = report.usage;
    if !connected {
        let total: u64 = usage.values().map(|counts| counts.billable_service_instances).sum();
        cx.output(format!("Billable Service Instances Total: {total}"));
        for (datacenter, counts) in &usage {
            cx.output(format!("{datacenter} Billable Service Instances: {}", counts.billable_service_instances));
        }
        cx.output(format!("\nBillable Services\n{}", block(&billable_rows(&usage, everywhere))));
        cx.output(format!("\n\nNodes\n{}", block(&node_rows(&usage))));
    }
    if !billable {
        let gap = if connected { "" } else { "\n\n" };
        cx.output(format!("{gap}Connect Services\n{}", block(&connect_rows(&usage, everywhere))));
    }
    Ok(())
}

fn block(rows: &[Vec<String>]) -> String {
    wide_columns(rows).trim().to_string()
}

fn billable_rows(usage: &Usage, everywhere: bool) -> Vec<Vec<String>> {
    let counts = |c: &ServiceUsage| (c.services, c.billable_service_instances);
    if !everywhere {
        let body = usage.values().map(|c| row![counts(c).0, counts(c).1]);
        return std::iter::once(row!["Services", "Service instances"]).chain(body).collect();
    }
    let mut rows = vec![row!["Datacenter", "Services", "Service instances"]];
    rows.extend(usage.iter().map(|(dc, c)| row![dc, counts(c).0, counts(c).1]));
    let sum = |of: fn(&ServiceUsage) -> u64| usage.values().map(of).sum::<u64>();
    rows.push(row!["", "", ""]);
    rows.push(row!["Total", sum(|c| c.services), sum(|c| c.billable_service_instances)]);
    rows
}

/// Every line of this block ends in a padded cell, hence the empty last column.
fn node_rows(usage: &Usage) -> Vec<Vec<String>> {
    let mut rows = vec![row!["Datacenter", "Count", ""]];
    rows.extend(usage.iter().map(|(datacenter, counts)| row![datacenter, counts.nodes, ""]));
    rows.push(row!["", "", ""]);
    rows.push(row!["Total", usage.values().map(|counts| counts.nodes).sum::<u64>(), ""]);
    rows
}

fn connect_rows(usage: &Usage, everywhere: bool) -> Vec<Vec<String>> {
    let mut rows = if everywhere {
        vec![row!["Datacenter", "Type", "Service instances"]]
    } else {
        vec![row!["Type", "Service instances"]]
    };
    for (datacenter, counts) in usage {
        for (kind, count) in &counts.connect_service_instances {
            rows.push(if everywhere { row![datacenter, kind, count] } else { row![kind, count] });
        }
    }
    if everywhere {
        let total: u64 = usage.values().flat_map(|counts| counts.connect_service_instances.values()).sum();
        rows.push(row!["", "", ""]);
        rows.push(row!["Total", "", total]);
    }
    rows
}
