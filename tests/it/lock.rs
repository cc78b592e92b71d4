//! `lock`: a child under a mutex or a semaphore, and what happens when either ends.

use crate::support::*;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

/// A `lock` in the background whose output can be read line by line.
struct Locking {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Locking {
    fn start(agent: &TestAgent, args: &[&str]) -> Locking {
        let mut child = Command::new(BINARY)
            .arg("lock")
            .args(args)
            .env("CONSUL_HTTP_ADDR", agent.http_address())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Locking { child, output }
    }

    /// Reads up to a line, which must come.
    #[track_caller]
    fn wait_line(&mut self, wanted: &str) {
        let mut line = String::new();
        loop {
            line.clear();
            let read = self.output.read_line(&mut line).expect("a pipe");
            assert!(read > 0, "{wanted:?} did not come");
            if line.trim_end() == wanted {
                return;
            }
        }
    }

    /// The rest of both outputs and the exit code.
    fn finish(mut self) -> (String, String, Option<i32>) {
        let (mut out, mut err) = (String::new(), String::new());
        self.output.read_to_string(&mut out).expect("text");
        self.child.stderr.take().expect("piped").read_to_string(&mut err).expect("text");
        (out, err, self.child.wait().expect("it ends").code())
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("it runs");
    }
}

fn sessions(agent: &TestAgent) -> usize {
    agent.get("/v1/session/list").json().as_array().expect("a list").len()
}

#[test]
fn the_child_runs_under_the_lock_and_everything_is_cleaned_up() {
    let agent = dev().start();
    let output = agent.cli(&["lock", "-verbose", "/lk/", "echo held=$CONSUL_LOCK_HELD"]);
    assert_eq!(
        stdout(&output),
        "Setting up lock at path: lk/.lock\nAttempting lock acquisition\nStarting handler\nheld=true\n\
         Child terminated, releasing lock\nCleanup succeeded\n"
    );
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
    assert_eq!(agent.get("/v1/kv/?keys").text(), "[]");
    assert_eq!(sessions(&agent), 0);
}

#[test]
fn a_failing_child_is_told_and_its_code_counts_only_when_asked_for() {
    let agent = dev().start();
    for (flags, code) in [(&["lock", "a", "exit 3"][..], 0), (&["lock", "-child-exit-code", "a", "exit 3"], 2)] {
        let output = agent.cli(flags);
        assert_eq!(output.status.code(), Some(code), "{flags:?}");
        assert_eq!(stderr(&output), "Error running handler: exit status 3\n");
    }
    let missing = agent.cli(&["lock", "-shell=false", "a", "/nonexistent"]);
    assert_eq!(stderr(&missing), "Error starting handler: fork/exec /nonexistent: no such file or directory\n");
}

#[test]
fn standard_input_reaches_the_child_only_when_asked_for() {
    let agent = dev().start();
    assert_eq!(stdout(&agent.cli_with_stdin(&["lock", "a", "cat"], b"in\n")), "");
    assert_eq!(stdout(&agent.cli_with_stdin(&["lock", "-pass-stdin", "a", "cat"], b"in\n")), "in\n");
}

#[test]
fn a_second_holder_waits_or_gives_up() {
    let agent = dev().start();
    let mut first = Locking::start(&agent, &["-verbose", "a", "exec sleep 60"]);
    first.wait_line("Starting handler");
    let refused = agent.cli(&["lock", "-timeout=50ms", "a", "true"]);
    assert_eq!(stderr(&refused), "Shutdown triggered or timeout during lock acquisition\n");
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(sessions(&agent), 1, "who gives up leaves no session behind");
    let mut second = Locking::start(&agent, &["-verbose", "a", "true"]);
    second.wait_line("Attempting lock acquisition");
    first.signal(Signal::SIGTERM);
    let (out, err, code) = first.finish();
    assert!(out.contains("Shutdown triggered, killing child\nTerminating child pid "), "{out}");
    assert_eq!((err.as_str(), code), ("Error running handler: signal: terminated\n", Some(0)));
    second.wait_line("Starting handler");
    assert_eq!(second.finish().2, Some(0));
}

#[test]
fn a_child_that_ignores_the_end_of_its_lock_is_killed() {
    let agent = dev().start();
    let mut locking = Locking::start(&agent, &["-verbose", "a", "trap '' TERM; echo ready; while :; do sleep 1; done"]);
    locking.wait_line("ready");
    let entry = agent.get("/v1/kv/a/.lock").json();
    assert_eq!(entry[0]["Flags"], 0x2ddc_cbc0_58a5_0c18_u64);
    let session = entry[0]["Session"].as_str().expect("held").to_owned();
    agent.put_ok(&format!("/v1/session/destroy/{session}"), "");
    locking.wait_line("Lock lost, killing child");
    locking.wait_line("Child did not exit after grace period of 5s");
    let (_, err, code) = locking.finish();
    assert_eq!((err.as_str(), code), ("Error running handler: signal: killed\n", Some(0)));
}

#[test]
fn a_semaphore_has_room_for_as_many_as_agreed() {
    let agent = dev().start();
    let hold = |args: &[&str]| {
        let mut locking = Locking::start(&agent, args);
        locking.wait_line("Starting handler");
        locking
    };
    let first = hold(&["-verbose", "-n=2", "sem", "exec sleep 60"]);
    let second = hold(&["-verbose", "-n=2", "sem", "exec sleep 60"]);
    let lock = agent.get("/v1/kv/sem/.lock?raw").json();
    assert_eq!((&lock["Limit"], lock["Holders"].as_object().map(|holders| holders.len())), (&2.into(), Some(2)));
    let full = agent.cli(&["lock", "-n=2", "-timeout=50ms", "sem", "true"]);
    assert_eq!(stderr(&full), "Shutdown triggered or timeout during lock acquisition\n");
    let other = agent.cli(&["lock", "-n=3", "sem", "true"]);
    assert_eq!(stderr(&other), "Lock acquisition failed: semaphore limit conflict (lock: 2, local: 3)\n");
    let mutex = agent.cli(&["lock", "sem", "true"]);
    assert_eq!(stderr(&mutex), "Lock acquisition failed: Existing key does not match lock use\n");
    first.signal(Signal::SIGINT);
    let (out, _, code) = first.finish();
    assert!(out.ends_with("Cleanup aborted, lock in use\n"), "{out}");
    assert_eq!(code, Some(0));
    assert_eq!(agent.cli(&["lock", "-n=2", "sem", "true"]).status.code(), Some(0));
    second.signal(Signal::SIGTERM);
    let (out, err, _) = second.finish();
    assert!(out.ends_with("Cleanup succeeded\n"), "{out}{err}");
    assert_eq!(agent.get("/v1/kv/sem?keys").status, 404);
}

#[test]
fn a_semaphore_is_shared_with_the_reference() {
    let Some(reference) = reference_binary() else {
        println!("skipped: CONSUL_BIN names no reference binary");
        return;
    };
    let agent = dev().start();
    let mut ours = Locking::start(&agent, &["-verbose", "-n=2", "sem", "exec sleep 60"]);
    ours.wait_line("Starting handler");
    let env = [("CONSUL_HTTP_ADDR", &*agent.http_address())];
    let theirs = run_cli(&reference, &["lock", "-verbose", "-n=2", "sem", "echo inside"], &env, b"");
    assert!(stdout(&theirs).contains("\ninside\n"), "{}", stdout(&theirs));
    let blocked = run_cli(&reference, &["lock", "-timeout=100ms", "mutex", "true"], &env, b"");
    assert_eq!(blocked.status.code(), Some(0));
    ours.signal(Signal::SIGTERM);
    assert_eq!(ours.finish().2, Some(0));
}

#[test]
fn arguments_are_checked_first() {
    let cases = [
        (&["lock", "a"][..], "Key prefix and child command must be specified\n"),
        (&["lock", "-n=0", "a", "b"], "Lock holder limit must be positive\n"),
        (&["lock", "-timeout=-1s", "a", "b"], "Timeout must be positive\n"),
        (&["lock", "-monitor-retry=-1", "a", "b"], "Number for 'monitor-retry' must be >= 0\n"),
    ];
    for (args, error) in cases {
        let output = run_cli(BINARY, args, &[], b"");
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(1), error), "{args:?}");
    }
}
