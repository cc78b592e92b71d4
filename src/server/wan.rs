//! Brings the servers of the datacenter into the WAN pool, so that joining one of them to it suffices
//! (`spec/gossip.md` 6.5).

use super::Server;
use super::members::Member;
use crate::gossip::MemberStatus;
use crate::gossip::pool::Pool;
use std::collections::HashSet;
use std::net::SocketAddr;
use tokio::time::sleep;

/// Joins servers that are missing in the WAN pool, now, when the members change and from time to time.
pub(super) async fn flood(server: Server, wan: Pool) {
    let mut changes = server.members().changes();
    loop {
        changes.borrow_and_update();
        let missing = missing(&server, &wan);
        if !missing.is_empty() {
            tracing::debug!(target: "agent.server", "flooding the WAN pool: servers={}", missing.join(","));
            if let Err(error) = wan.join(&missing).await {
                tracing::debug!(target: "agent.server", "Failed to flood-join servers at addresses: error={:?}", error.text);
            }
        }
        tokio::select! {
            () = sleep(server.config().wan_flood_interval) => {}
            changed = changes.changed() => if changed.is_err() {
                sleep(server.config().wan_flood_interval).await;
            },
        }
    }
}

/// What to join: `<node>.<dc>/<ip>:<port>` of every living server that the WAN pool does not know.
fn missing(server: &Server, wan: &Pool) -> Vec<String> {
    let datacenter = &server.config().datacenter;
    let members = wan.members();
    let known: HashSet<&str> = members.iter().map(|member| member.name.as_str()).collect();
    let address = |member: &Member| {
        let port = member.server.as_ref()?.wan_join_port?;
        let name = format!("{}.{datacenter}", member.name);
        let wanted = member.status == MemberStatus::Alive && !known.contains(name.as_str());
        wanted.then(|| format!("{name}/{}", SocketAddr::new(member.address, port)))
    };
    server.members().list().iter().filter_map(|member| address(member)).collect()
}
