//! What systemd is told (sd_notify), on a socket of the test's own.

use crate::support::*;
use nix::sys::signal::Signal::{SIGHUP, SIGTERM};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The other end of `$NOTIFY_SOCKET`.
struct Listener {
    socket: UnixDatagram,
    path: PathBuf,
    _folder: tempfile::TempDir,
}

impl Listener {
    fn new() -> Listener {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(100))).expect("a timeout can be set");
        Listener { socket, path, _folder: folder }
    }

    fn path(&self) -> &str {
        self.path.to_str().expect("a plain path")
    }

    /// The next message, if one comes soon.
    fn next(&self) -> Option<String> {
        let mut buffer = [0; 4096];
        let length = self.socket.recv(&mut buffer).ok()?;
        Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
    }

    /// Messages up to the first that `wanted` takes, which is the last of them.
    #[track_caller]
    fn until(&self, what: &str, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let start = Instant::now();
        let mut seen = Vec::new();
        loop {
            let message = self.next();
            let found = message.as_deref().is_some_and(&wanted);
            seen.extend(message);
            if found {
                return seen;
            }
            assert!(start.elapsed() < PATIENCE, "no {what} in {seen:?}");
        }
    }

    /// What has come so far.
    fn drain(&self) -> Vec<String> {
        std::iter::from_fn(|| self.next()).collect()
    }
}

fn is_ready(message: &str) -> bool {
    message == "READY=1"
}

fn is_reloading(message: &str) -> bool {
    message.lines().any(|line| line == "RELOADING=1")
}

#[test]
fn a_server_says_when_it_serves_reads_its_configuration_again_and_stops() {
    let listener = Listener::new();
    let mut agent = server().env("NOTIFY_SOCKET", listener.path()).no_wait().start();
    listener.until("READY", is_ready);
    // ready means that it listens: the first request is answered
    assert_eq!(agent.get("/v1/agent/self").status, 200);
    listener.until("the leader's status", |message| message.starts_with("STATUS=Leader of dc1; 1 of 1 members alive"));

    agent.signal(SIGHUP);
    let reloading = listener.until("RELOADING", is_reloading).pop().expect("found");
    let micros = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")?.parse::<u64>().ok());
    assert!(micros.is_some_and(|micros| micros > 0), "{reloading}");
    listener.until("READY after the reload", is_ready);

    agent.write_config("broken.hcl", "service {");
    agent.signal(SIGHUP);
    listener.until("RELOADING of a refused configuration", is_reloading);
    listener.until("READY after the refusal", is_ready);
    wait_until("the refusal in the log", || agent.log().contains("Reload config failed"));

    agent.signal(SIGTERM);
    listener.until("STOPPING", |message| message == "STOPPING=1\nSTATUS=Stopping");
    agent.wait_exit();
    assert_eq!(listener.drain(), [""; 0], "the last word is that it stops");
}

#[test]
fn an_agent_that_is_told_to_join_is_ready_when_it_has_joined() {
    let listener = Listener::new();
    let other = server();
    let address = other.planned_address().to_owned();
    let client = AgentBuilder::member(BINARY, "client1")
        .arg(format!("-retry-join={address}"))
        .arg("-retry-interval=1s")
        .env("NOTIFY_SOCKET", listener.path())
        .start();
    let asking = |message: &str| message.contains("STATUS=Joining the LAN pool, try 2 failed: ");
    let before = listener.until("a second failed join", asking);
    let tries: Vec<&String> = before.iter().filter(|message| message.contains("STATUS=Joining")).collect();
    assert!(tries.iter().all(|message| message.starts_with("EXTEND_TIMEOUT_USEC=91000000\n")), "{tries:?}");
    assert!(tries.iter().all(|message| message.lines().count() == 2), "{tries:?}");
    // listens, but is not ready; a reload does not make it so
    client.signal(SIGHUP);
    wait_until("the reload", || client.log().contains("Caught: signal=hangup"));
    let since = listener.until("another failed join", |message| message.contains("STATUS=Joining"));
    assert!(!before.iter().chain(&since).any(|message| is_ready(message) || is_reloading(message)), "{since:?}");

    let _server = other.start();
    listener.until("READY", is_ready);
    listener
        .until("the status of a client", |message| message.starts_with("STATUS=Client of dc1; 2 of 2 members alive"));
}

#[test]
fn the_watchdog_hears_of_an_agent_that_lives_and_not_of_one_that_hangs() {
    let listener = Listener::new();
    let agent = dev().env("NOTIFY_SOCKET", listener.path()).env("WATCHDOG_USEC", "600000").start();
    let alive = |message: &str| message == "WATCHDOG=1";
    for _ in 0..3 {
        listener.until("a sign of life", alive);
    }
    agent.signal(nix::sys::signal::Signal::SIGSTOP);
    let stat = format!("/proc/{}/stat", agent.child.id());
    wait_until("the agent to stand still", || {
        std::fs::read_to_string(&stat).is_ok_and(|stat| stat.rsplit(')').next().unwrap_or("").trim().starts_with('T'))
    });
    listener.drain();
    assert_eq!(listener.next(), None);
    agent.signal(nix::sys::signal::Signal::SIGCONT);
    listener.until("a sign of life after going on", alive);
}

#[test]
fn a_watchdog_that_waits_for_another_process_hears_nothing() {
    let listener = Listener::new();
    let agent =
        dev().env("NOTIFY_SOCKET", listener.path()).env("WATCHDOG_USEC", "30000").env("WATCHDOG_PID", "1").start();
    let seen = listener.until("a status", |message| message.starts_with("STATUS=Leader"));
    agent.put_ok("/v1/kv/a", "b");
    let all = [seen, listener.drain()].concat();
    assert!(!all.iter().any(|message| message.contains("WATCHDOG")), "{all:?}");
}

#[test]
fn scripts_of_an_agent_do_not_inherit_what_systemd_told_it() {
    let listener = Listener::new();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let script = folder.path().join("check");
    write_script(&script, "#!/bin/sh\nenv\n");
    let hcl = format!(
        "enable_local_script_checks = true check {{ id = \"env\" name = \"env\" args = [\"{}\"] interval = \"1s\" }}",
        script.display()
    );
    let agent = dev()
        .env("NOTIFY_SOCKET", listener.path())
        .env("WATCHDOG_USEC", "30000000")
        .env("KEPT", "yes")
        .file("check.hcl", &hcl)
        .start();
    let output = wait_for("the check's output", || {
        let checks = agent.get("/v1/agent/checks").json();
        let output = checks["env"]["Output"].as_str()?.to_owned();
        output.contains("KEPT=yes").then_some(output)
    });
    assert!(!output.contains("NOTIFY_SOCKET") && !output.contains("WATCHDOG"), "{output}");
}

fn write_script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, text).expect("a script");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
}
