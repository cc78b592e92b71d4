//! How many requests per second this server takes up (`limits.request_limits`, `spec/acl-and-tls.md` 19). Every request
//! counts once on each server that it comes to: on the one that was asked, and on the leader if it is passed on.

use super::{Server, wire};
use crate::rpc::Bucket;
use crate::telemetry::metrics::counter_labels;
use crate::types::{Error, Result};
use parking_lot::Mutex;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Instant;

/// What a method is to the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It reads.
    Read,
    /// It changes something.
    Write,
    /// It is never refused: what keeps a cluster running or repairs it.
    Exempt,
}

/// What passes: whole services, and methods that servers call among themselves.
const EXEMPT: [&str; 3] = ["Status.", "Operator.", "Internal.KeyringOperation"];

impl Class {
    /// The class of a method; `read` says that it changes nothing.
    pub fn of(method: &str, read: bool) -> Class {
        match read {
            _ if EXEMPT.iter().any(|exempt| method.starts_with(exempt)) => Class::Exempt,
            true => Class::Read,
            false => Class::Write,
        }
    }
}

/// What happens to a request beyond the rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing is counted.
    #[default]
    Disabled,
    /// It is counted and logged.
    Permissive,
    /// It is refused.
    Enforcing,
}

impl Mode {
    /// The mode of this name; unknown names were refused before.
    pub fn named(name: &str) -> Mode {
        match name {
            "permissive" => Mode::Permissive,
            "enforcing" => Mode::Enforcing,
            _ => Mode::Disabled,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Mode::Disabled => "disabled",
            Mode::Permissive => "permissive",
            Mode::Enforcing => "enforcing",
        }
    }
}

/// `limits.request_limits`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RequestLimits {
    /// What happens beyond a rate.
    pub mode: Mode,
    /// Reads per second; negative for no limit.
    pub read_rate: f64,
    /// Writes per second; negative for no limit.
    pub write_rate: f64,
}

impl Default for RequestLimits {
    fn default() -> Self {
        RequestLimits { mode: Mode::Disabled, read_rate: -1.0, write_rate: -1.0 }
    }
}

/// One may pass now; so many per second do, and as many at once. A negative rate lets all pass.
fn pass(bucket: &mut Bucket, rate: f64, now: Instant) -> bool {
    // a rate below one a second still lets one pass now and then
    rate < 0.0 || bucket.pass(rate, rate.max(1.0), now)
}

struct State {
    limits: RequestLimits,
    read: Bucket,
    write: Bucket,
}

/// The limits of a server with what is left of them.
pub(super) struct Limiter {
    /// The mode is not [`Mode::Disabled`].
    active: AtomicBool,
    state: Mutex<State>,
}

impl Limiter {
    pub fn new(limits: RequestLimits) -> Limiter {
        Limiter { active: AtomicBool::new(limits.mode != Mode::Disabled), state: Mutex::new(State::new(limits)) }
    }

    /// Applies other limits; the same ones change nothing.
    pub fn configure(&self, limits: RequestLimits) {
        let mut state = self.state.lock();
        if state.limits != limits {
            *state = State::new(limits);
        }
        self.active.store(limits.mode != Mode::Disabled, Relaxed);
    }

    /// The mode in which a request is beyond the rate, if it is.
    fn exceeded(&self, class: Class, now: Instant) -> Option<Mode> {
        let mut state = self.state.lock();
        let State { limits, read, write } = &mut *state;
        if limits.mode == Mode::Disabled {
            return None;
        }
        let passes = match class {
            Class::Exempt => true,
            Class::Read => pass(read, limits.read_rate, now),
            Class::Write => pass(write, limits.write_rate, now),
        };
        (!passes).then_some(limits.mode)
    }
}

impl State {
    fn new(limits: RequestLimits) -> State {
        let now = Instant::now();
        State { limits, read: Bucket::full(limits.read_rate, now), write: Bucket::full(limits.write_rate, now) }
    }
}

impl Server {
    /// Counts a request of a method of the table. `from` is where it comes from, none for the agent of this server.
    ///
    /// # Errors
    /// The refusal: it tells whether another server may be asked.
    pub(super) fn limit(&self, method: &str, from: Option<SocketAddr>) -> Result<()> {
        if !self.inner.limiter.active.load(Relaxed) {
            return Ok(());
        }
        let class = Class::of(method, wire::is_read(method));
        let Some(mode) = self.inner.limiter.exceeded(class, Instant::now()) else { return Ok(()) };
        let limit_type = if class == Class::Write { "global/write" } else { "global/read" };
        let from = from.unwrap_or(self.config().address);
        let enforced = mode == Mode::Enforcing;
        tracing::debug!(
            target: "agent.server.rpc-rate-limit",
            "RPC exceeded allowed rate limit: rpc={method} source_addr={from} limit_type={limit_type} limit_enforced={enforced}"
        );
        let labels = [("limit_type", limit_type), ("op", method), ("mode", mode.name())];
        counter_labels("rpc.rate_limit.exceeded", 1, &labels);
        match (enforced, class) {
            (false, _) => Ok(()),
            (true, Class::Write) if self.raft().is_leader() => Err(Error::with_status(
                503,
                "rate limit exceeded for operation that can only be performed by the leader, try again later",
            )),
            (true, _) => {
                Err(Error::with_status(429, "rate limit exceeded, try again later or against a different server"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_rate_lets_as_many_pass_at_once() {
        let start = Instant::now();
        // rate, how many of 20 pass at once, how many after two seconds
        for (rate, at_once, later) in [(10.0, 10, 10), (-1.0, 20, 20), (0.0, 0, 0), (0.5, 0, 1)] {
            let mut bucket = Bucket::full(rate, start);
            let mut passed = |now| (0..20).filter(|_| pass(&mut bucket, rate, now)).count();
            assert_eq!((passed(start), passed(start + Duration::from_secs(2))), (at_once, later), "{rate}");
        }
    }

    #[test]
    fn classes_have_buckets_of_their_own_and_some_methods_always_pass() {
        let limits = RequestLimits { mode: Mode::Enforcing, read_rate: 1.0, write_rate: 2.0 };
        let limiter = Limiter::new(limits);
        let now = Instant::now();
        let refused = |class, count: usize| (0..count).filter(|_| limiter.exceeded(class, now).is_some()).count();
        assert_eq!((refused(Class::Read, 3), refused(Class::Write, 3), refused(Class::Exempt, 3)), (2, 1, 0));
        limiter.configure(limits);
        assert!(limiter.exceeded(Class::Read, now).is_some(), "the same limits give nothing back");
        limiter.configure(RequestLimits { mode: Mode::Disabled, ..limits });
        assert!(limiter.exceeded(Class::Read, now).is_none());
        let classes = ["Status.Leader", "Operator.RaftRemovePeerByID", "KVS.Get", "KVS.Apply"]
            .map(|method| Class::of(method, method == "KVS.Get"));
        assert_eq!(classes, [Class::Exempt, Class::Exempt, Class::Read, Class::Write]);
    }
}
