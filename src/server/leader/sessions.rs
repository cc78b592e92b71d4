//! Session timers (`spec/semantics.md` 7.4): they live in the leader's memory alone, renewing writes nothing.

use super::super::Server;
use crate::state::{Command, Snapshot, WatchSet};
use crate::telemetry::metrics::{Gauge, Sample};
use crate::types::session::SessionOp;
use crate::types::{GoDuration, Session, SessionRequest};
use parking_lot::Mutex;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};

static INVALIDATE: Sample = Sample::new("session_ttl.invalidate");
static ACTIVE: Gauge = Gauge::new("session_ttl.active");

/// A session lives this many times its TTL without renewal: the owner's clock and network may be slow.
const TTL_FACTOR: u32 = 2;
/// Attempts to end an expired session.
const ATTEMPTS: u32 = 6;
/// Pause after the first failed attempt; it doubles.
const RETRY: Duration = Duration::from_secs(10);
/// Sleep while there is no timer at all.
const IDLE: Duration = Duration::from_secs(3600);

/// The time of an unrenewed session, `None` when it has no limit.
fn lifetime(session: &Session) -> Option<Duration> {
    let ttl = session.ttl.parse::<GoDuration>().ok()?.to_std();
    (!ttl.is_zero()).then(|| ttl * TTL_FACTOR)
}

/// Deadlines by session. Every session has one entry in the heap, which may be older than its deadline: renewing touches
/// the map alone.
#[derive(Default)]
struct Timers {
    deadlines: HashMap<String, Instant>,
    heap: BinaryHeap<Reverse<(Instant, String)>>,
}

impl Timers {
    /// Sets a deadline; true when it is now the first to come.
    fn set(&mut self, id: &str, deadline: Instant) -> bool {
        if let Some(known) = self.deadlines.get_mut(id) {
            *known = deadline;
            return false;
        }
        self.deadlines.insert(id.to_owned(), deadline);
        self.heap.push(Reverse((deadline, id.to_owned())));
        self.heap.peek().is_some_and(|Reverse((_, first))| first == id)
    }

    fn clear(&mut self, id: &str) {
        self.deadlines.remove(id);
    }

    /// Takes the sessions whose deadline has passed; also when to look again.
    fn due(&mut self, now: Instant) -> (Vec<String>, Option<Instant>) {
        let mut due = Vec::new();
        while let Some(Reverse((at, _))) = self.heap.peek() {
            if *at > now {
                return (due, Some(*at));
            }
            let Reverse((_, id)) = self.heap.pop().expect("just seen");
            match self.deadlines.get(&id) {
                Some(deadline) if *deadline > now => self.heap.push(Reverse((*deadline, id))),
                Some(_) => {
                    self.deadlines.remove(&id);
                    due.push(id);
                }
                None => {}
            }
        }
        (due, None)
    }
}

/// The timers of a leader; none on other servers.
#[derive(Default)]
pub(in crate::server) struct SessionTimers {
    timers: Mutex<Option<Timers>>,
    sooner: Notify,
}

impl SessionTimers {
    /// Starts a full timer for every session that has a TTL.
    pub(super) fn start(&self, state: &Snapshot) {
        *self.timers.lock() = Some(Timers::default());
        for session in state.sessions(&mut WatchSet::none()).1 {
            self.reset(&session);
        }
    }

    /// Drops all timers.
    pub(super) fn stop(&self) {
        *self.timers.lock() = None;
        ACTIVE.set(0.0);
    }

    /// Gives a session its full time again.
    pub(in crate::server) fn reset(&self, session: &Session) {
        let Some(lifetime) = lifetime(session) else { return };
        if let Some(timers) = &mut *self.timers.lock()
            && timers.set(&session.id, Instant::now() + lifetime)
        {
            self.sooner.notify_one();
        }
    }

    /// Forgets a session.
    pub(in crate::server) fn clear(&self, id: &str) {
        if let Some(timers) = &mut *self.timers.lock() {
            timers.clear(id);
        }
    }

    fn due(&self) -> (Vec<String>, Option<Instant>) {
        let mut timers = self.timers.lock();
        let Some(timers) = &mut *timers else { return (Vec::new(), None) };
        let due = timers.due(Instant::now());
        ACTIVE.set(timers.deadlines.len() as f64);
        due
    }
}

/// Ends sessions when their time is over; runs while this server leads.
pub(super) async fn expire(server: Server) {
    let timers = &server.inner.session_timers;
    let mut ending = JoinSet::new();
    loop {
        let (due, next) = timers.due();
        for id in due {
            ending.spawn(end(server.clone(), id));
        }
        while ending.try_join_next().is_some() {}
        tokio::select! {
            () = sleep_until(next.unwrap_or_else(|| Instant::now() + IDLE)) => {}
            () = timers.sooner.notified() => {}
        }
    }
}

/// Destroys one expired session, again and again if it must.
async fn end(server: Server, id: String) {
    for attempt in 0..ATTEMPTS {
        if server.store().snapshot().session(&mut WatchSet::none(), &id).1.is_none() {
            return;
        }
        let start = std::time::Instant::now();
        let session = Session { id: id.clone(), ..Session::default() };
        let datacenter = server.config().datacenter.clone();
        let request = SessionRequest { datacenter, op: SessionOp::Destroy, session, token: String::new() };
        let result = server.apply(Command::Session(request), "").await;
        INVALIDATE.since(start);
        match result {
            Ok(_) => {
                tracing::debug!(target: "agent.server", "Session TTL expired: session={id}");
                return;
            }
            Err(error) => {
                tracing::error!(target: "agent.server", "Invalidation failed: error={:?} session={id}", error.text);
                sleep(RETRY * 2u32.pow(attempt)).await;
            }
        }
    }
    tracing::error!(target: "agent.server", "maximum revoke attempts reached for session: session={id}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(start: Instant, seconds: u64) -> Instant {
        start + Duration::from_secs(seconds)
    }

    #[test]
    fn a_renewed_session_is_due_at_its_new_deadline_only() {
        let start = Instant::now();
        let mut timers = Timers::default();
        assert!(timers.set("a", after(start, 20)));
        assert!(!timers.set("b", after(start, 40)));
        assert!(!timers.set("a", after(start, 30)), "renewed");
        assert_eq!(timers.due(after(start, 20)), (vec![], Some(after(start, 30))));
        assert_eq!(timers.due(after(start, 30)), (vec!["a".to_owned()], Some(after(start, 40))));
        timers.clear("b");
        assert_eq!(timers.due(after(start, 50)), (vec![], None));
    }

    #[test]
    fn the_lifetime_is_twice_the_ttl_and_zero_means_none() {
        let session = |ttl: &str| Session { ttl: ttl.into(), ..Session::default() };
        assert_eq!(lifetime(&session("10s")), Some(Duration::from_secs(20)));
        for none in ["", "0", "0s", "0m", "0h"] {
            assert_eq!(lifetime(&session(none)), None, "{none:?}");
        }
    }
}
