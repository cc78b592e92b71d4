//! Who may answer a request now: the leader under its lease, the leader after asking a quorum, or anyone
//! (`spec/semantics.md` 11).

use super::Server;
use crate::telemetry::metrics::{Counter, Sample};
use crate::types::requests::Request;
use crate::types::{Error, GoDuration, Index, QueryMeta, QueryOptions, Result};
use tokio::time::{Instant, timeout_at};

static QUERY: Counter = Counter::new("rpc.query");
static CONSISTENT_READ: Sample = Sample::new("rpc.consistentRead");

/// What a request needs of this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// To have heard of a leader at least once.
    Contact,
    /// To lead.
    Lead,
    /// To lead, and to have caught up and to hold the lease, or to confirm the leadership.
    Read {
        /// A quorum must confirm it now, lease or not.
        confirm: bool,
    },
}

impl Server {
    /// Refuses requests for other datacenters.
    ///
    /// # Errors
    /// `No path to datacenter`.
    pub(super) fn check_datacenter(&self, args: &impl Request) -> Result<()> {
        match args.datacenter() {
            "" => Ok(()),
            own if own == self.config().datacenter => Ok(()),
            _ => Err(Error::new("No path to datacenter")),
        }
    }

    /// Lets a read pass as soon as this server may answer it in the mode that it asks for.
    ///
    /// # Errors
    /// After the hold time: `No cluster leader`, `Not ready to serve consistent reads`.
    pub(super) async fn admit(&self, options: &QueryOptions) -> Result<()> {
        QUERY.add(1);
        if options.allow_stale {
            return self.await_need(Need::Contact).await;
        }
        if !options.require_consistent && self.is_ready() && self.raft().has_lease() {
            return Ok(());
        }
        let start = std::time::Instant::now();
        let admitted = self.await_need(Need::Read { confirm: options.require_consistent }).await;
        if options.require_consistent {
            CONSISTENT_READ.since(start);
        }
        admitted
    }

    /// Lets a write pass as soon as this server leads.
    ///
    /// # Errors
    /// `No cluster leader` after the hold time.
    pub(super) async fn admit_write(&self) -> Result<()> {
        if self.raft().is_leader() { Ok(()) } else { self.await_need(Need::Lead).await }
    }

    async fn await_need(&self, need: Need) -> Result<()> {
        let raft = self.raft();
        let deadline = Instant::now() + self.config().rpc_hold_timeout;
        let mut leadership = raft.leadership();
        let mut ready = self.readiness();
        loop {
            let leads = *leadership.borrow_and_update();
            let is_ready = *ready.borrow_and_update();
            match need {
                Need::Contact if leads || raft.last_contact().is_some() => return Ok(()),
                Need::Lead if leads => return Ok(()),
                Need::Read { confirm } if leads && is_ready => {
                    if !confirm && raft.has_lease() {
                        return Ok(());
                    }
                    match timeout_at(deadline, raft.verify_leader()).await {
                        Ok(Ok(())) => return Ok(()),
                        Ok(Err(error)) if *leadership.borrow() => return Err(error),
                        Ok(Err(_)) => continue,
                        Err(_) => return Err(Error::no_leader()),
                    }
                }
                _ => {}
            }
            let change = async {
                tokio::select! {
                    changed = leadership.changed() => changed.is_ok(),
                    changed = ready.changed() => changed.is_ok(),
                }
            };
            if !matches!(timeout_at(deadline, change).await, Ok(true)) {
                let waiting_for_start = leads && matches!(need, Need::Read { .. });
                return Err(if waiting_for_start {
                    Error::new("Not ready to serve consistent reads")
                } else {
                    Error::no_leader()
                });
            }
        }
    }

    /// What an answer says about itself. `token` is the caller's: the anonymous one is not told of filtered rows.
    pub(super) fn meta(&self, index: Index, filtered: bool, token: &str) -> QueryMeta {
        let raft = self.raft();
        let leads = raft.is_leader();
        let contact = if leads { None } else { raft.last_contact() };
        QueryMeta {
            index,
            last_contact: contact.map_or(GoDuration::ZERO, GoDuration::from),
            known_leader: leads || raft.leader().is_some(),
            results_filtered_by_acls: filtered && !token.is_empty(),
            ..QueryMeta::default()
        }
    }
}
