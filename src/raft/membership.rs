//! Changes of who takes part: servers are added and removed one at a time, and the leadership is handed over.

use super::engine::ServerNode;
use super::{LEADERSHIP_LOST, Metrics, Raft, parse_id, write_error};
use crate::types::Error;
use openraft::ChangeMembers;
use openraft::errors::{ChangeMembershipError, ClientWriteError, RaftError as EngineError};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// How long a change of the configuration waits for the one before it, and the pause between looks.
const CHANGE_LIMIT: (Duration, Duration) = (Duration::from_secs(10), Duration::from_millis(50));

/// How long the other server has at least to take the leadership over.
const SHORTEST_TRANSFER: Duration = Duration::from_secs(5);

impl Raft {
    /// Removes a server from the configuration.
    pub async fn remove_peer(&self, id: &str) -> Result<(), Error> {
        let unknown = || Error::new(format!("id {id:?} was not found in the Raft configuration"));
        let peer = self.configuration().1.into_iter().find(|peer| peer.id == id).ok_or_else(unknown)?;
        let doomed = BTreeSet::from([parse_id(id)?]);
        let change = if peer.voter { ChangeMembers::RemoveVoters(doomed) } else { ChangeMembers::RemoveNodes(doomed) };
        self.change(change).await
    }

    /// Adds a server, or updates its address.
    pub async fn add_peer(&self, id: &str, address: &str, voter: bool) -> Result<(), Error> {
        let uuid = parse_id(id)?;
        let node = ServerNode { address: address.to_owned() };
        match self.configuration().1.into_iter().find(|peer| peer.id == id) {
            None => self.change(ChangeMembers::AddNodes(BTreeMap::from([(uuid, node)]))).await?,
            Some(peer) if peer.address != address => {
                self.change(ChangeMembers::SetNodes(BTreeMap::from([(uuid, node)]))).await?;
            }
            Some(_) => {}
        }
        let votes = self.configuration().1.iter().any(|peer| peer.id == id && peer.voter);
        match (voter, votes) {
            (true, false) => self.change(ChangeMembers::AddVoterIds(BTreeSet::from([uuid]))).await,
            _ => Ok(()),
        }
    }

    /// Brings a change of the voters to its end that an earlier leader has begun.
    pub async fn finish_change(&self) -> Result<(), Error> {
        if self.metrics(|metrics| metrics.membership_config.membership().get_joint_config().len() < 2) {
            return Ok(());
        }
        self.change(ChangeMembers::AddVoterIds(BTreeSet::new())).await
    }

    /// Changes the configuration, one change after the other.
    pub(crate) async fn change(&self, change: ChangeMembers<Uuid, ServerNode>) -> Result<(), Error> {
        let (limit, pause) = CHANGE_LIMIT;
        let deadline = Instant::now() + limit;
        let _one_at_a_time = self.0.changing.lock().await;
        loop {
            let changing = self.0.engine.change_membership(change.clone(), false);
            let changed = tokio::select! {
                changed = changing => changed,
                () = self.deposed() => return Err(Error::new(LEADERSHIP_LOST)),
            };
            match changed {
                Err(EngineError::APIError(ClientWriteError::ChangeMembershipError(
                    ChangeMembershipError::InProgress(_),
                ))) if Instant::now() < deadline => tokio::time::sleep(pause).await,
                changed => return changed.map(drop).map_err(write_error),
            }
        }
    }

    /// Hands leadership to the given server, or to the one that is furthest.
    pub async fn transfer_leader(&self, id: Option<&str>) -> Result<(), Error> {
        if !self.is_leader() {
            return Err(Error::new("cannot transfer leadership: not the leader"));
        }
        let target = self.metrics(|metrics| {
            let voters: BTreeSet<Uuid> = metrics.membership_config.voter_ids().collect();
            let replication = metrics.replication.iter().flatten();
            let others = replication.filter(|(peer, _)| **peer != self.0.id && voters.contains(peer));
            match id {
                Some(id) => others.map(|(peer, _)| *peer).find(|peer| peer.to_string() == id),
                None => others.max_by_key(|(_, stored)| **stored).map(|(peer, _)| *peer),
            }
        });
        let target = target.ok_or_else(|| Error::new("cannot find peer"))?;
        let term = self.metrics(|metrics| metrics.current_term);
        // no reads under the lease from here on: a vote on behalf of the next leader does not wait for it
        self.0.given_up.fetch_max(term, Ordering::AcqRel);
        self.0.engine.trigger().transfer_leader(target).await.map_err(|error| Error::new(error.to_string()))?;
        let limit = (self.0.config.election_limit() * 2).max(SHORTEST_TRANSFER);
        let elected = |metrics: &Metrics| metrics.current_term > term && metrics.current_leader.is_some();
        match self.0.engine.wait(Some(limit)).metrics(elected, "leadership transfer").await {
            Ok(metrics) if metrics.current_leader == Some(target) => Ok(()),
            Ok(metrics) if metrics.current_leader == Some(self.0.id) => {
                Err(Error::new("leadership was not taken over"))
            }
            Ok(_) if id.is_none() => Ok(()),
            Ok(_) => Err(Error::new("leadership went to another server")),
            Err(_) => Err(Error::new("leadership transfer timeout")),
        }
    }
}
