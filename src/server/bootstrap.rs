//! The first election of a cluster: servers wait for each other and form it together (`spec/semantics.md` 12.2).

use super::Server;
use super::members::Member;
use crate::raft::Peer;
use crate::rpc::method::StatusPeers;
use crate::types::requests::DcRequest;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// How often the others are asked whether there is a cluster already, and the pause after the first time; it doubles.
const ASK: (u32, Duration) = (6, Duration::from_secs(1));
/// Longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Pause before a round is repeated that failed for no fault of the members' list.
const AGAIN: Duration = Duration::from_secs(1);
/// Time that a server gives each one whose turn comes before its own.
const TURN: Duration = Duration::from_secs(10);

/// What a look at the members came to.
enum Round {
    /// There is a cluster, or there will be one without our doing.
    Over,
    /// The members must change first.
    Wait,
    /// Another server's turn comes first, or one did not answer; ours comes after this time.
    Later(Duration),
}

/// Waits until enough servers are there and forms the cluster with them, unless there is one. Ends when there is.
pub(super) async fn expect(server: Server) {
    let mut changes = server.members().changes();
    let mut waited = Duration::ZERO;
    loop {
        changes.borrow_and_update();
        let pause = match round(&server, waited).await {
            Round::Over => return,
            Round::Wait => None,
            Round::Later(pause) => Some(pause),
        };
        match pause {
            None => {
                waited = Duration::ZERO;
                if changes.changed().await.is_err() {
                    return;
                }
            }
            Some(pause) => {
                sleep_or_change(&mut changes, pause.min(Duration::from_secs(1))).await;
                waited += pause.min(Duration::from_secs(1));
            }
        }
    }
}

async fn sleep_or_change(changes: &mut watch::Receiver<u64>, pause: Duration) {
    // a list that cannot change any more is looked at by the clock
    let _ = timeout(pause, async {
        if changes.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    })
    .await;
}

async fn round(server: &Server, waited: Duration) -> Round {
    if server.raft().has_state().await {
        tracing::info!(target: "agent.server", "Raft data found, disabling bootstrap mode");
        return Round::Over;
    }
    let Some(servers) = gathered(server) else { return Round::Wait };
    let config = server.config();
    let voters: Vec<&Arc<Member>> = servers.iter().filter(|member| votes(member)).collect();
    if voters.len() < config.bootstrap_expect as usize {
        return Round::Wait;
    }
    for member in servers.iter().filter(|member| member.id != config.node_id) {
        match has_peers(server, member).await {
            Some(false) => {}
            Some(true) => {
                let name = &member.name;
                tracing::info!(target: "agent.server", "Existing Raft peers reported by server, disabling bootstrap mode: server={name}");
                return Round::Over;
            }
            None => return Round::Later(AGAIN),
        }
    }
    // One forms the cluster: two that see different servers at this moment would form different ones.
    let turn = voters.iter().filter(|member| member.id < config.node_id).count() as u32;
    if waited < TURN * turn {
        return Round::Later(TURN * turn - waited);
    }
    form(server, &servers).await
}

fn votes(member: &Member) -> bool {
    member.server.as_ref().is_some_and(|details| !details.non_voter)
}

/// The living servers; `None` when one of them forbids to go on.
fn gathered(server: &Server) -> Option<Vec<Arc<Member>>> {
    let config = server.config();
    let mut servers = Vec::new();
    for member in server.members().list() {
        let Some(details) = &member.server else { continue };
        if !member.status.is_here() || member.id.is_empty() {
            continue;
        }
        let name = &member.name;
        if details.expect != 0 && details.expect != config.bootstrap_expect {
            tracing::error!(target: "agent.server", "Member has a conflicting expect value. All nodes should expect the same number.: member={name}");
            return None;
        }
        if details.bootstrap {
            tracing::error!(target: "agent.server", "Member has bootstrap mode. Expect disabled.: member={name}");
            return None;
        }
        servers.push(member);
    }
    Some(servers)
}

/// Whether a server belongs to a cluster; `None` when it does not answer.
async fn has_peers(server: &Server, member: &Member) -> Option<bool> {
    let address = member.server_address()?;
    let (tries, mut pause) = ASK;
    for attempt in 1..=tries {
        match server.connections().call::<StatusPeers>(address, &DcRequest::default(), ANSWER).await {
            Ok(peers) => return Some(!peers.is_empty()),
            Err(error) => {
                let name = &member.name;
                tracing::error!(target: "agent.server", "Failed to confirm peer status for server (will retry).: server={name} nextRetryInterval={pause:?} error={error:?}");
            }
        }
        if attempt < tries {
            sleep(pause).await;
            pause *= 2;
        }
    }
    None
}

async fn form(server: &Server, servers: &[Arc<Member>]) -> Round {
    let peer = |member: &Arc<Member>| {
        let address = member.server_address()?.to_string();
        Some(Peer { id: member.id.clone(), address, voter: votes(member) })
    };
    let peers: Vec<Peer> = servers.iter().filter_map(peer).collect();
    let addresses: Vec<&str> = peers.iter().map(|peer| peer.address.as_str()).collect();
    tracing::info!(target: "agent.server", "Found expected number of peers, attempting bootstrap: peers={}", addresses.join(","));
    match server.raft().bootstrap(&peers).await {
        Ok(()) => Round::Over,
        Err(error) => {
            tracing::error!(target: "agent.server", "Failed to bootstrap cluster: error={:?}", error.text);
            Round::Later(AGAIN)
        }
    }
}
