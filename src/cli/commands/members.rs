//! `members`: who is in the cluster (`spec/cli.md` 15).

use crate::cli::connect::connect;
use crate::cli::output::{columns, pairs};
use crate::cli::pattern;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::Params;
use crate::row;
use crate::types::value::null_default;
use serde::Deserialize;
use std::collections::BTreeMap;

/// The command.
pub static COMMAND: Command = Command {
    path: &["members"],
    synopsis: "Lists the members of a Consul cluster",
    usage: "Usage: {program} members [options]

  Lists the members of the cluster as the agent knows them.",
    groups: Groups::CP,
    flags: &[
        Flag::bool("detailed", "Print all tags of every member."),
        Flag::string("filter", "Filter `expression` that a member must match."),
        Flag::string("segment", "Network segment of the members.").default("_all"),
        Flag::string("status", "Regular expression that a member's status must match.").default(".*"),
        Flag::bool("wan", "List the servers of all datacenters instead."),
    ],
    flag_error: None,
    run,
};

/// Status words by number.
const STATUS: [&str; 5] = ["none", "alive", "leaving", "left", "failed"];

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Member {
    name: String,
    addr: String,
    port: u16,
    #[serde(deserialize_with = "null_default")]
    tags: BTreeMap<String, String>,
    status: usize,
}

impl Member {
    fn tag(&self, name: &str) -> &str {
        self.tags.get(name).map_or("", String::as_str)
    }

    fn status(&self) -> &'static str {
        STATUS.get(self.status).copied().unwrap_or("unknown")
    }

    fn address(&self) -> String {
        if self.addr.contains(':') {
            format!("[{}]:{}", self.addr, self.port)
        } else {
            format!("{}:{}", self.addr, self.port)
        }
    }

    /// Fills in partition and segment, which community members do not carry.
    fn complete(&mut self, all_segments: bool) {
        if self.tag("ap").is_empty() {
            self.tags.insert("ap".into(), "default".into());
        }
        if self.tag("segment").is_empty() {
            self.tags.insert("segment".into(), "<default>".into());
        }
        if self.tag("role") == "consul" && all_segments {
            self.tags.insert("segment".into(), "<all>".into());
        }
    }
}

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let status = pattern::compile(m.text("status")).or_exit("Failed to compile status regexp")?;
    let client = connect(cx, m)?;
    let (segment, filter) = (m.text("segment"), m.text("filter"));
    let params = Params::new()
        .with_if(!segment.is_empty(), "segment", segment)
        .with_if(m.flag("wan"), "wan", 1)
        .with_if(!filter.is_empty(), "filter", filter);
    let mut members: Vec<Member> =
        cx.block_on(client.get("/v1/agent/members", params)).or_exit("Error retrieving members")?;
    members.retain(|member| status.is_match(member.status()));
    if members.is_empty() {
        return Err(Exit::code(2));
    }
    members.iter_mut().for_each(|member| member.complete(segment == "_all"));
    members.sort_by_cached_key(|member| {
        let order = (member.tag("role") != "consul", member.tag("ap") != "default");
        (order, member.tag("segment").to_string(), member.tag("ap").to_string(), member.name.clone())
    });
    let rows = if m.flag("detailed") { detailed(&members) } else { standard(&members) };
    cx.output(columns(&rows));
    Ok(())
}

fn standard(members: &[Member]) -> Vec<Vec<String>> {
    let header = row!["Node", "Address", "Status", "Type", "Build", "Protocol", "DC", "Partition", "Segment"];
    let body = members.iter().map(|member| {
        let kind = match member.tag("role") {
            "consul" => "server",
            "node" => "client",
            _ => return row![member.name, member.address(), member.status(), "unknown", "", "", "", "", ""],
        };
        let build = member.tag("build").split(':').next().filter(|text| !text.is_empty()).unwrap_or("< 0.3");
        row![
            member.name,
            member.address(),
            member.status(),
            kind,
            build,
            member.tag("vsn"),
            member.tag("dc"),
            member.tag("ap"),
            member.tag("segment"),
        ]
    });
    std::iter::once(header).chain(body).collect()
}

fn detailed(members: &[Member]) -> Vec<Vec<String>> {
    let header = row!["Node", "Address", "Status", "Tags"];
    let body = members.iter().map(|m| row![m.name, m.address(), m.status(), pairs(&m.tags, ",")]);
    std::iter::once(header).chain(body).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str, tags: &[(&str, &str)]) -> Member {
        let tags = tags.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect();
        Member { name: name.into(), addr: "::1".into(), port: 8301, tags, status: 1 }
    }

    #[test]
    fn a_server_spans_all_segments_and_a_stranger_is_unknown() {
        let mut server = member("s", &[("role", "consul"), ("build", "1.21.4:abc"), ("vsn", "2"), ("dc", "dc1")]);
        server.complete(true);
        let mut other = member("x", &[]);
        other.complete(true);
        let rows = standard(&[server, other]);
        assert_eq!(rows[1], ["s", "[::1]:8301", "alive", "server", "1.21.4", "2", "dc1", "default", "<all>"]);
        assert_eq!(rows[2], ["x", "[::1]:8301", "alive", "unknown", "", "", "", "", ""]);
    }
}
