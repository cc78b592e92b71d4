//! Which servers take part in raft: those that join are added, those that leave are removed (`spec/semantics.md` 13.2, 14.3).

use super::super::Server;
use super::super::members::Member;
use crate::gossip::MemberStatus;
use crate::raft::Peer;
use crate::types::{Error, Result};

/// Makes a living server part of the raft configuration, as one that does not vote yet, under the address that it has now.
pub(super) async fn ensure(server: &Server, member: &Member) -> Result<()> {
    let Some(address) = member.server_address() else { return Ok(()) };
    if member.id == server.config().node_id {
        return Ok(());
    }
    if let Some(other) = rival(server, member) {
        let name = &member.name;
        tracing::error!(target: "agent.server", "Two nodes are in bootstrap mode. Only one node should be in bootstrap mode, not adding Raft peer.: node_to_add={name} other={other}");
        return Ok(());
    }
    let address = address.to_string();
    let (_, peers) = server.raft().configuration();
    match peers.iter().find(|peer| peer.id == member.id) {
        Some(peer) if peer.address == address => return Ok(()),
        Some(peer) => {
            tracing::info!(target: "agent.server", "updating the address of a server: id={} from={} to={address}", peer.id, peer.address);
            return server.raft().add_peer(&member.id, &address, peer.voter).await;
        }
        None => {}
    }
    remove_at(server, &peers, &address).await?;
    tracing::info!(target: "agent.server", "adding server: id={} address={address}", member.id);
    server.raft().add_peer(&member.id, &address, false).await?;
    server.inner.health.look_soon();
    Ok(())
}

/// Another server that was told to elect itself, when this one was told so as well.
fn rival(server: &Server, member: &Member) -> Option<String> {
    let bootstraps = |member: &Member| member.server.as_ref().is_some_and(|details| details.bootstrap);
    if !bootstraps(member) {
        return None;
    }
    let members = server.members().list();
    let other =
        |other: &&std::sync::Arc<Member>| other.name != member.name && other.status.is_here() && bootstraps(other);
    members.iter().find(other).map(|other| other.name.clone())
}

/// Removes servers whose address has gone over to another one.
async fn remove_at(server: &Server, peers: &[Peer], address: &str) -> Result<()> {
    let doomed: Vec<&Peer> = peers.iter().filter(|peer| peer.address == address && is_gone(server, peer)).collect();
    let voters = peers.iter().filter(|peer| peer.voter).count();
    let removed = doomed.iter().filter(|peer| peer.voter).count();
    if removed > voters.saturating_sub(1) / 2 {
        return Err(Error::new(
            "Preventing server addition that would require removal of too many servers and cause cluster instability",
        ));
    }
    for peer in doomed {
        tracing::info!(target: "agent.server", "removing server with duplicate address: id={} address={address}", peer.id);
        server.raft().remove_peer(&peer.id).await?;
    }
    Ok(())
}

/// The server is not at the address that the log knows: gossip has it elsewhere or not at all.
fn is_gone(server: &Server, peer: &Peer) -> bool {
    server.inner.directory.server(&peer.id).is_none_or(|member| {
        !member.status.is_here() || member.server_address().is_none_or(|address| address.to_string() != peer.address)
    })
}

/// Takes a server that left out of the raft configuration, unless it is back under another name.
pub(super) async fn remove(server: &Server, id: &str) -> Result<()> {
    let back = server.inner.directory.server(id).is_some_and(|member| member.status != MemberStatus::Left);
    if back || !server.raft().configuration().1.iter().any(|peer| peer.id == id) {
        return Ok(());
    }
    tracing::info!(target: "agent.server", "removing server: id={id}");
    server.raft().remove_peer(id).await
}
