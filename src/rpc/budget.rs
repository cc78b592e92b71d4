//! Bytes that requests and answers may hold: all of one session together, and all of the port together. What is small
//! passes freely, so that those who behave are served also while somebody fills the budget.

use crate::telemetry::limits;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Bytes of one port.
pub const PORT_BYTES: usize = 1 << 30;

/// Bytes of one session.
pub const SESSION_BYTES: usize = 256 << 20;

/// Requests and answers up to this size are not counted.
pub const FREE: usize = 64 << 10;

/// A number of bytes, perhaps a part of a larger number.
#[derive(Debug)]
pub struct Budget {
    limit: usize,
    used: AtomicUsize,
    whole: Option<Arc<Budget>>,
}

impl Budget {
    /// The bytes of a port.
    pub fn of_port(limit: usize) -> Arc<Budget> {
        Arc::new(Budget { limit, used: AtomicUsize::new(0), whole: None })
    }

    /// The bytes of one session of a port.
    pub fn of_session(whole: &Arc<Budget>, limit: usize) -> Arc<Budget> {
        Arc::new(Budget { limit, used: AtomicUsize::new(0), whole: Some(whole.clone()) })
    }

    fn take(&self, bytes: usize) -> bool {
        let taken = self.used.fetch_update(Relaxed, Relaxed, |used| {
            let more = used.checked_add(bytes)?;
            (more <= self.limit).then_some(more)
        });
        if taken.is_err() {
            return false;
        }
        if self.whole.as_ref().is_some_and(|whole| !whole.take(bytes)) {
            self.used.fetch_sub(bytes, Relaxed);
            return false;
        }
        true
    }

    fn give(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Relaxed);
        if let Some(whole) = &self.whole {
            whole.give(bytes);
        }
    }
}

/// What one stream holds of a budget; given back when dropped.
#[derive(Debug)]
pub struct Share {
    budget: Arc<Budget>,
    held: usize,
}

impl Share {
    /// Nothing yet.
    pub fn of(budget: &Arc<Budget>) -> Share {
        Share { budget: budget.clone(), held: 0 }
    }

    /// Holds what a stream needs that keeps so many bytes; false, with what was held before, when there are not so many.
    pub fn resize(&mut self, bytes: usize) -> bool {
        let wanted = if bytes > FREE { bytes } else { 0 };
        if wanted > self.held && !self.budget.take(wanted - self.held) {
            limits::RPC_SESSION_BYTES.exceeded();
            return false;
        }
        if wanted < self.held {
            self.budget.give(self.held - wanted);
        }
        self.held = wanted;
        true
    }

    /// Holds as many bytes more.
    pub fn grow(&mut self, bytes: usize) -> bool {
        self.resize(self.held + bytes)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.give(self.held);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_its_own_bytes_and_all_have_those_of_the_port() {
        let port = Budget::of_port(10 * FREE);
        let (one, two) = (Budget::of_session(&port, 6 * FREE), Budget::of_session(&port, 6 * FREE));
        let (mut a, mut b, mut c) = (Share::of(&one), Share::of(&one), Share::of(&two));
        assert!(a.resize(4 * FREE) && !b.resize(3 * FREE), "the session is full");
        assert!(b.resize(FREE), "small ones always pass");
        assert!(!c.resize(7 * FREE) && c.resize(6 * FREE) && !b.resize(2 * FREE), "the port is full");
        assert!(a.resize(FREE) && b.resize(2 * FREE), "what was given back can be had");
        drop((a, b, c));
        assert_eq!((port.used.load(Relaxed), one.used.load(Relaxed)), (0, 0));
    }
}
