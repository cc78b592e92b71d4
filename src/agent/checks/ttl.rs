//! TTL checks: clients say how they do, silence is critical (`spec/services-and-checks.md` 4.2, ttl).

use super::CheckSink;
use super::output::cut_note;
use crate::types::CheckStatus;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// A check that clients keep alive.
pub struct Ttl {
    check_id: Arc<str>,
    ttl: Duration,
    output_max_size: usize,
    sink: Arc<dyn CheckSink>,
    state: Mutex<State>,
    updated: Notify,
}

struct State {
    deadline: Instant,
    last_output: String,
}

impl Ttl {
    /// A check whose time starts now.
    pub fn new(check_id: Arc<str>, ttl: Duration, output_max_size: usize, sink: Arc<dyn CheckSink>) -> Ttl {
        let state = Mutex::new(State { deadline: Instant::now() + ttl, last_output: String::new() });
        Ttl { check_id, ttl, output_max_size, sink, state, updated: Notify::new() }
    }

    /// Takes a client's word, restarts the time and returns the output as it was told.
    pub fn set(&self, status: CheckStatus, output: &str) -> String {
        let output = cut_note(output, self.output_max_size);
        {
            let mut state = self.state.lock();
            state.deadline = Instant::now() + self.ttl;
            state.last_output.clone_from(&output);
            // Under the lock, so that an expiry at the same moment is told before and not after.
            self.sink.update(&self.check_id, status, output.clone());
        }
        self.updated.notify_one();
        output
    }

    /// Watches the time for ever. After an expiry the check stays critical until the next update.
    pub async fn run(self: Arc<Self>) {
        loop {
            let deadline = self.state.lock().deadline;
            tokio::select! {
                () = sleep_until(deadline) => {}
                () = self.updated.notified() => continue,
            }
            if self.expire() {
                self.updated.notified().await;
            }
        }
    }

    /// Tells the expiry, unless an update came first.
    fn expire(&self) -> bool {
        let state = self.state.lock();
        if Instant::now() < state.deadline {
            return false;
        }
        tracing::warn!(target: "agent", check = %self.check_id, "Check missed TTL, is now critical");
        let output = match state.last_output.as_str() {
            "" => "TTL expired".to_owned(),
            last => format!("TTL expired (last output before timeout follows): {last}"),
        };
        self.sink.update(&self.check_id, CheckStatus::Critical, output);
        true
    }
}
