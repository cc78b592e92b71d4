//! The end of a server: a graceful leave (`spec/semantics.md` 12.5) and the shutdown.

use super::Server;
use crate::rpc::method::StatusPeers;
use crate::types::Result;
use crate::types::requests::DcRequest;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// How long a server that left waits until the others have taken it out of the configuration, and the pause between looks.
const REMOVAL: (Duration, Duration) = (Duration::from_secs(5), Duration::from_millis(100));

/// How long a server that stops waits for the end of the connections to its port.
const PORT_END: Duration = Duration::from_secs(1);

impl Server {
    /// Leaves the cluster gracefully: hands the leadership over, says goodbye in both gossip pools, goes on answering for a
    /// while, and waits until the others have removed it.
    ///
    /// # Errors
    /// What prevented it; the caller stops anyway.
    pub async fn leave(&self) -> Result<()> {
        tracing::info!(target: "agent.server", "server starting leave");
        self.hand_over().await;
        let gossip = self.gossip();
        for (pool, name) in [(&gossip.wan, "WAN"), (&gossip.lan, "LAN")] {
            if let Some(pool) = pool
                && let Err(error) = pool.leave().await
            {
                tracing::error!(target: "agent.server", "failed to leave {name} Serf cluster: error={:?}", error.text);
            }
        }
        self.inner.leaving.send_replace(true);
        self.inner.stopping.send_replace(true);
        if gossip.lan.is_none() {
            return Ok(());
        }
        let drain = self.config().leave_drain_time;
        tracing::info!(target: "agent.server", "Waiting to drain RPC traffic: drain_time={drain:?}");
        sleep(drain).await;
        if !self.raft().is_leader() {
            self.await_removal().await;
        }
        Ok(())
    }

    /// The leader of a cluster with other voters makes one of them leader, or removes itself. A server that can do neither
    /// leaves all the same.
    async fn hand_over(&self) {
        let voters = self.raft().configuration().1.iter().filter(|peer| peer.voter).count();
        if voters < 2 || !self.raft().is_leader() {
            return;
        }
        let Err(error) = self.transfer_leader(None).await else {
            tracing::info!(target: "agent.server", "successfully transferred leadership");
            return;
        };
        if !self.raft().is_leader() {
            tracing::info!(target: "agent.server", "another server took the leadership: error={:?}", error.text);
            return;
        }
        tracing::error!(target: "agent.server", "failed to transfer leadership, removing the server: error={:?}", error.text);
        if let Err(error) = self.raft().remove_peer(&self.config().node_id).await {
            tracing::error!(target: "agent.server", "failed to remove ourself as raft peer: error={:?}", error.text);
        }
    }

    /// Waits until the configuration does not list this server any more. A removed server may never be sent the entry that
    /// removes it, so the others are asked too.
    async fn await_removal(&self) {
        let (limit, pause) = REMOVAL;
        let deadline = Instant::now() + limit;
        while Instant::now() < deadline {
            let (_, peers) = self.raft().configuration();
            if !peers.iter().any(|peer| peer.id == self.config().node_id) || self.is_removed().await {
                return;
            }
            sleep(pause).await;
        }
        tracing::warn!(target: "agent.server", "failed to leave Raft configuration gracefully, timeout");
    }

    /// Another server has a configuration without this one.
    async fn is_removed(&self) -> bool {
        let own = self.config().address.to_string();
        let servers = self.inner.directory.servers();
        let others = servers.values().filter(|member| member.id != self.config().node_id && member.status.is_here());
        let asked = others.filter_map(|member| member.server_address()).map(|address| async move {
            self.connections().call::<StatusPeers>(address, &DcRequest::default(), Duration::from_secs(1)).await
        });
        let lists_others = |peers: &Vec<String>| !peers.is_empty() && !peers.contains(&own);
        futures::future::join_all(asked).await.into_iter().flatten().any(|peers| lists_others(&peers))
    }

    /// Stops all duties and raft; the state on disk is complete when it returns.
    pub async fn shutdown(&self) {
        // first, so that callers see a connection that broke, and ask others what they may ask again: what calls would answer
        // that end with the rest of this server looks like the word of another one
        self.inner.stop_port.send_replace(true);
        if timeout(PORT_END, self.inner.stop_port.closed()).await.is_err() {
            tracing::warn!(target: "agent.server", "connections to the server port are still open");
        }
        self.inner.leaving.send_replace(true);
        self.inner.stopping.send_replace(true);
        for task in self.inner.tasks.lock().drain(..) {
            task.abort();
        }
        self.inner.ready.send_replace(false);
        self.connections().close();
        self.raft().shutdown().await;
    }
}
