//! Tells systemd what the process is doing (sd_notify(3)), when systemd asked to be told.

use super::{Agent, Delegate};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// Longest time between two looks at what `systemctl status` should show.
const STATUS_INTERVAL: Duration = Duration::from_secs(5);

/// What a start may take beyond the next try of a join: systemd's own default for a whole start.
const START_ALLOWANCE: Duration = Duration::from_secs(90);

/// How far the process is; there is one process and one socket.
static PHASE: AtomicU8 = AtomicU8::new(STARTING);
const STARTING: u8 = 0;
const RUNNING: u8 = 1;
const STOPPING: u8 = 2;

/// Sends a state such as `READY=1`; without `$NOTIFY_SOCKET` nothing happens.
fn send(state: &str) {
    let Some(path) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let address = match path.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(&path),
    };
    let sent = address.and_then(|address| UnixDatagram::unbound()?.send_to_addr(state.as_bytes(), &address));
    if let Err(error) = sent {
        tracing::debug!(target: "agent", error = %error, "systemd notify failed");
    }
}

/// A `STATUS=` assignment; it ends at the first line break, so there is none in it.
fn status(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    format!("STATUS={}", words.join(" "))
}

/// The agent listens, and has joined if it was told to. Said again after each join, as the reference does.
pub fn ready() {
    if PHASE.fetch_max(RUNNING, Ordering::Relaxed) != STOPPING {
        send("READY=1");
    }
}

/// The agent is told to join and has not managed yet: systemd is to wait for the next try as well.
pub fn joining(pool: &str, attempt: u64, error: &str, interval: Duration) {
    try_again(&format!("Joining the {pool} pool, try {attempt} failed: {error}"), interval);
}

/// The agent asks servers for what it needs to start, and has not got it yet.
pub fn asking(what: &str, attempt: u64, error: &str, interval: Duration) {
    try_again(&format!("Asking for {what}, try {attempt} failed: {error}"), interval);
}

fn try_again(failure: &str, interval: Duration) {
    if PHASE.load(Ordering::Relaxed) == STARTING {
        let allowed = (interval + START_ALLOWANCE).as_micros();
        send(&format!("EXTEND_TIMEOUT_USEC={allowed}\n{}", status(failure)));
    }
}

/// The configuration is being read again, with the monotonic time that systemd wants beside it. [`reloaded`] ends it.
pub fn reloading() {
    if PHASE.load(Ordering::Relaxed) == RUNNING {
        let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC);
        let micros = now.map_or(0, |now| now.tv_sec() as u128 * 1_000_000 + now.tv_nsec() as u128 / 1_000);
        send(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }
}

/// The configuration was read again, or refused. An agent that has not joined yet is no readier than before.
pub fn reloaded() {
    if PHASE.load(Ordering::Relaxed) == RUNNING {
        send("READY=1");
    }
}

/// The agent ends.
pub fn stopping() {
    PHASE.store(STOPPING, Ordering::Relaxed);
    send(&format!("STOPPING=1\n{}", status("Stopping")));
}

/// How long systemd waits for a sign of life, if it watches this process.
fn watchdog() -> Option<Duration> {
    let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
    let ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
    number("WATCHDOG_USEC").filter(|micros| *micros > 0 && ours).map(Duration::from_micros)
}

/// Shows signs of life and the agent's state until the process ends. A sign of life means that the timer fired, that a new
/// task was run, and that what the status line is made of (members, leader, services) could be read: a runtime that hangs
/// or a lock that nobody gives back keeps it from being sent.
pub async fn keep_informed(agent: Agent) {
    if std::env::var_os("NOTIFY_SOCKET").is_none() {
        return;
    }
    let watchdog = watchdog();
    let every = watchdog.map_or(STATUS_INTERVAL, |limit| (limit / 3).clamp(Duration::from_millis(1), STATUS_INTERVAL));
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut shown = String::new();
    loop {
        ticks.tick().await;
        let looking = agent.clone();
        let Ok(line) = tokio::spawn(async move { looking.status_line() }).await else { continue };
        if watchdog.is_some() {
            send("WATCHDOG=1");
        }
        if line != shown && PHASE.load(Ordering::Relaxed) == RUNNING {
            send(&status(&line));
            shown = line;
        }
    }
}

impl Agent {
    /// What the agent is and how it does, in a line.
    fn status_line(&self) -> String {
        let datacenter = self.config().datacenter.clone();
        let role = match self.delegate() {
            Delegate::Client(_) => format!("Client of {datacenter}"),
            Delegate::Server(server) => match server.leader_address() {
                _ if *server.raft().leadership().borrow() => format!("Leader of {datacenter}"),
                leader if leader.is_empty() => format!("Server of {datacenter}, no leader"),
                leader => format!("Server of {datacenter}, leader {leader}"),
            },
        };
        let (alive, members) = (self.lan().alive_count(), self.lan().members().len());
        let (services, checks) = self.local().counts();
        format!("{role}; {alive} of {members} members alive; services {services}, checks {checks}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_one_line() {
        assert_eq!(status("1 error occurred:\n\t* refused\n"), "STATUS=1 error occurred: * refused");
    }
}
