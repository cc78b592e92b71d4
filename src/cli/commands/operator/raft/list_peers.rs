//! `operator raft list-peers` (`spec/cli.md` 21.2).

use crate::cli::connect::{connect_saying, read_params};
use crate::cli::output::columns;
use crate::cli::{Command, Context, Exit, Groups, Matches, OrExit};
use crate::row;
use crate::types::operator::{RaftConfiguration, RaftServer};

/// The command.
pub static COMMAND: Command = Command {
    path: &["operator", "raft", "list-peers"],
    synopsis: "Display the current Raft peer configuration",
    usage: "Usage: {program} operator raft list-peers [options]

  Prints the servers of the raft configuration, their state and how far they
  are behind the leader.",
    groups: Groups::CS,
    flags: &[],
    flag_error: Some("Failed to parse args: "),
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let client = connect_saying(cx, m, "Error initializing client")?;
    let found: RaftConfiguration = cx
        .block_on(client.get("/v1/operator/raft/configuration", read_params(m)))
        .or_exit("Error getting peers: Failed to retrieve raft configuration")?;
    cx.output(columns(&table(&found.servers)));
    Ok(())
}

/// The servers as rows of a table, its header first.
pub fn table(servers: &[RaftServer]) -> Vec<Vec<String>> {
    let newest = servers.iter().find(|server| server.leader).map_or(0, |leader| leader.last_index);
    let header = row!["Node", "ID", "Address", "State", "Voter", "RaftProtocol", "Commit Index", "Trails Leader By"];
    let body = servers.iter().map(|server| {
        let behind = newest.saturating_sub(server.last_index);
        let trails = match behind {
            _ if server.leader => "-".to_string(),
            0 | 1 => format!("{behind} commit"),
            _ => format!("{behind} commits"),
        };
        let state = if server.leader { "leader" } else { "follower" };
        let protocol = if server.protocol_version.is_empty() { "<=1" } else { &server.protocol_version };
        row![server.node, server.id, server.address, state, server.voter, protocol, server.last_index, trails]
    });
    std::iter::once(header).chain(body).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn followers_show_how_far_they_are_behind() {
        let server = |node: &str, leader, last_index| RaftServer {
            node: node.into(),
            leader,
            last_index,
            voter: true,
            ..RaftServer::default()
        };
        let rows = table(&[server("a", true, 9), server("b", false, 8), server("c", false, 2)]);
        let last: Vec<_> = rows.iter().map(|row| row[7].as_str()).collect();
        assert_eq!(last, ["Trails Leader By", "-", "1 commit", "7 commits"]);
        assert_eq!(rows[1][3..6], ["leader", "true", "<=1"]);
    }
}
