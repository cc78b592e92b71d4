//! Who may answer a request now: the leader under its lease, the leader after asking a quorum, or anyone
//! (`spec/semantics.md` 11).

use super::Server;
use crate::telemetry::metrics::{Counter, Sample};
use crate::types::{Error, GoDuration, Index, QueryMeta, QueryOptions, Result};
use tokio::time::{Instant, timeout_at};

static QUERY: Counter = Counter::new("rpc.query");
static CONSISTENT_READ: Sample = Sample::new("rpc.consistentRead");

impl Server {
    /// Lets a read pass as soon as this server may answer it in the mode that it asks for.
    ///
    /// # Errors
    /// `No cluster leader` when this server does not lead, or before it has heard of a leader; `Not ready to serve consistent
    /// reads` after the hold time.
    pub(super) async fn admit(&self, options: &QueryOptions) -> Result<()> {
        QUERY.add(1);
        let raft = self.raft();
        if options.allow_stale {
            let contact = raft.is_leader() || raft.last_contact().is_some();
            return if contact { Ok(()) } else { Err(Error::no_leader()) };
        }
        if !options.require_consistent && self.is_ready() && raft.has_lease() {
            return Ok(());
        }
        let start = std::time::Instant::now();
        let admitted = self.confirm(options.require_consistent).await;
        if options.require_consistent {
            CONSISTENT_READ.since(start);
        }
        admitted
    }

    /// Waits until this server has caught up as the leader, and either holds the lease or has been confirmed by a quorum.
    async fn confirm(&self, always: bool) -> Result<()> {
        let raft = self.raft();
        let deadline = Instant::now() + self.config().rpc_hold_timeout;
        let mut leadership = raft.leadership();
        let mut ready = self.readiness();
        loop {
            if !*leadership.borrow_and_update() {
                return Err(Error::no_leader());
            }
            if *ready.borrow_and_update() {
                if !always && raft.has_lease() {
                    return Ok(());
                }
                let confirmed = tokio::select! {
                    confirmed = timeout_at(deadline, raft.verify_leader()) => confirmed,
                    _ = leadership.wait_for(|leads| !leads) => return Err(Error::no_leader()),
                };
                return confirmed.unwrap_or_else(|_| Err(Error::no_leader()));
            }
            let change = async {
                tokio::select! {
                    changed = leadership.changed() => changed.is_ok(),
                    changed = ready.changed() => changed.is_ok(),
                }
            };
            if !matches!(timeout_at(deadline, change).await, Ok(true)) {
                return Err(Error::new("Not ready to serve consistent reads"));
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
