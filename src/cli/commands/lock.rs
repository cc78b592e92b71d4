//! `lock`: a child process that runs while a lock is held (`spec/cli.md` 19.1, `spec/semantics.md` 20).

use crate::cli::connect::connect;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::child::{describe, script_command, spawn, start_error};
use crate::client::lock::{Exclusion, Failure, Held, Mutex, Options, Semaphore};
use crate::client::os_text;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::process::Child;
use tokio::signal::unix::{SignalKind, signal};

/// The command.
pub static COMMAND: Command = Command {
    path: &["lock"],
    synopsis: "Execute a command holding a lock",
    usage: "Usage: {program} lock [options] prefix child...

  Takes a lock under a prefix of keys and runs a child process while it is
  held. When the lock is lost, or the agent cannot be reached any more, the
  child gets a SIGTERM and, 5 seconds later, a SIGKILL.

  With -n=1 there is one holder at a time; a larger value makes the lock a
  semaphore with that many holders. All who share a prefix must agree on it.

  The token needs write permission on the prefix.",
    groups: Groups::CS,
    flags: &[
        Flag::bool("child-exit-code", "Exit with 2 if the child fails. The default is false."),
        Flag::int(
            "monitor-retry",
            "Failed looks at the held lock that are forgiven, 1 second apart. The default is 3; 0 forgives none.",
        )
        .default("3"),
        Flag::int("n", "Most holders at a time; more than 1 makes a semaphore. The default is 1.").default("1"),
        Flag::string("name", "Name of the lock's session; made from the child's command if not given."),
        Flag::bool("pass-stdin", "Give this process's standard input to the child."),
        Flag::bool("shell", "Run the child through a shell ($SHELL or /bin/sh). The default is true.").default("true"),
        Flag::duration("timeout", "Longest wait for the lock, such as \"1s\" or \"3h\". The default is 0: no limit."),
        Flag::duration("try", "DEPRECATED. Use -timeout instead."),
        Flag::bool("verbose", "Tell every step."),
    ],
    flag_error: None,
    run,
};

/// Pause before another look at a held lock.
const MONITOR_PAUSE: Duration = Duration::from_secs(1);
/// Time between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

/// The flags and words, checked.
struct Plan<'a> {
    cx: &'a Context,
    prefix: String,
    child: Vec<String>,
    limit: i64,
    shell: bool,
    pass_stdin: bool,
    child_exit_code: bool,
    verbose: bool,
    options: Options,
}

impl<'a> Plan<'a> {
    fn read(cx: &'a Context, m: &Matches) -> Result<Plan<'a>, Exit> {
        let limit = m.int("n");
        if limit <= 0 {
            return Err(Exit::error("Lock holder limit must be positive"));
        }
        let [prefix, child @ ..] = m.args() else {
            return Err(Exit::error("Key prefix and child command must be specified"));
        };
        if child.is_empty() {
            return Err(Exit::error("Key prefix and child command must be specified"));
        }
        // Both names set one value: the later one wins.
        let timeout = m.in_order().iter().rfind(|(name, _)| matches!(*name, "timeout" | "try"));
        let timeout = timeout.map_or_else(Default::default, |(name, _)| m.duration(name));
        if timeout.0 < 0 {
            return Err(Exit::error("Timeout must be positive"));
        }
        let Ok(monitor_retries) = u32::try_from(m.int("monitor-retry")) else {
            return Err(Exit::error("Number for 'monitor-retry' must be >= 0"));
        };
        let prefix = prefix.strip_prefix('/').unwrap_or(prefix).to_string();
        let session_name = match m.text("name") {
            "" => format!("Consul lock for '{}' at '{prefix}'", child.join(" ")),
            name => name.to_string(),
        };
        let patience = (!timeout.is_zero()).then(|| timeout.to_std());
        Ok(Plan {
            cx,
            prefix,
            child: child.to_vec(),
            limit,
            shell: m.flag("shell"),
            pass_stdin: m.flag("pass-stdin"),
            child_exit_code: m.flag("child-exit-code"),
            verbose: m.flag("verbose"),
            options: Options { session_name, patience, monitor_retries, monitor_pause: MONITOR_PAUSE },
        })
    }

    fn tell(&self, text: impl AsRef<str>) {
        if self.verbose {
            self.cx.output(text.as_ref());
        }
    }
}

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let plan = Plan::read(cx, m)?;
    let client = connect(cx, m)?;
    cx.block_on(super::node_name(&client)).or_exit("Error querying Consul agent")?;
    let key_prefix = plan.prefix.trim_end_matches('/');
    if plan.limit == 1 {
        let key = format!("{key_prefix}/.lock");
        plan.tell(format!("Setting up lock at path: {key}"));
        let mutex = Mutex::new(client, key, plan.options.clone());
        return cx.block_on(guard(&plan, &mutex));
    }
    plan.tell(format!("Setting up semaphore (limit {}) at prefix: {}", plan.limit, plan.prefix));
    let semaphore = Semaphore::new(client, plan.prefix.clone(), plan.limit, plan.options.clone());
    cx.block_on(guard(&plan, &semaphore))
}

/// Takes the lock, runs the child, gives the lock back.
async fn guard(plan: &Plan<'_>, lock: &impl Exclusion) -> Result<(), Exit> {
    let stopped = |_| Exit::error("Lock setup failed: signals cannot be received");
    let mut signals = Signals::new().map_err(stopped)?;
    plan.tell("Attempting lock acquisition");
    let acquired = tokio::select! {
        acquired = lock.acquire() => acquired.or_exit("Lock acquisition failed")?,
        _ = signals.next() => None,
    };
    let Some(held) = acquired else {
        return Err(Exit::error("Shutdown triggered or timeout during lock acquisition"));
    };
    let child_failed = attend(plan, lock, &held, &mut signals).await;
    lock.release(held).await.or_exit("Lock release failed")?;
    match lock.destroy().await {
        Ok(()) => plan.tell("Cleanup succeeded"),
        Err(Failure::InUse) => plan.tell("Cleanup aborted, lock in use"),
        Err(error) => return Err(Exit::error(format!("Lock cleanup failed: {error}"))),
    }
    Exit::from_code(if child_failed && plan.child_exit_code { 2 } else { 0 })
}

/// Runs the child until it ends, the lock is lost, or a signal asks for the end; true when it failed by itself.
async fn attend(plan: &Plan<'_>, lock: &impl Exclusion, held: &Held, signals: &mut Signals) -> bool {
    plan.tell("Starting handler");
    let mut child = match start(plan) {
        Ok(child) => child,
        Err(error) => {
            plan.cx.error(format!("Error starting handler: {error}"));
            return true;
        }
    };
    let reason = tokio::select! {
        status = child.wait() => {
            let failed = report(plan, status);
            plan.tell("Child terminated, releasing lock");
            return failed;
        }
        () = lock.lost(held) => "Lock lost, killing child",
        signal = signals.next() => {
            // The child hears what we heard, whatever comes next.
            let _ = child.id().map(|pid| send(pid, signal));
            "Shutdown triggered, killing child"
        }
    };
    plan.tell(reason);
    end(plan, &mut child).await;
    false
}

fn start(plan: &Plan<'_>) -> Result<Child, String> {
    let mut command = match plan.child.split_first() {
        Some((program, arguments)) if !plan.shell => {
            let mut command = tokio::process::Command::new(program);
            command.args(arguments);
            command
        }
        _ => script_command(&plan.child.join(" ")),
    };
    command.env("CONSUL_LOCK_HELD", "true").stdin(if plan.pass_stdin { Stdio::inherit() } else { Stdio::null() });
    if plan.pass_stdin {
        plan.tell("Stdin passed to handler process");
    }
    spawn(&mut command).map_err(|error| start_error(&command, &error))
}

/// Tells how the child ended; true when it failed.
fn report(plan: &Plan<'_>, status: std::io::Result<ExitStatus>) -> bool {
    let error = match status {
        Ok(status) if status.success() => return false,
        Ok(status) => describe(status),
        Err(error) => os_text(&error),
    };
    plan.cx.error(format!("Error running handler: {error}"));
    true
}

fn send(pid: u32, signal: Signal) -> Result<(), String> {
    kill(Pid::from_raw(pid.cast_signed()), signal).map_err(|error| error.desc().to_lowercase())
}

/// SIGTERM, and SIGKILL for a child that does not end.
async fn end(plan: &Plan<'_>, child: &mut Child) {
    let Some(pid) = child.id() else { return };
    plan.tell(format!("Terminating child pid {pid}"));
    if let Err(error) = send(pid, Signal::SIGTERM) {
        return plan.cx.error(format!("Failed to terminate {pid}: {error}"));
    }
    if let Ok(status) = tokio::time::timeout(GRACE, child.wait()).await {
        report(plan, status);
        return plan.tell("Child terminated");
    }
    plan.tell(format!("Child did not exit after grace period of {}", crate::types::GoDuration::from(GRACE)));
    plan.tell(format!("Killing child pid {pid}"));
    if let Err(error) = send(pid, Signal::SIGKILL) {
        return plan.cx.error(format!("Failed to kill {pid}: {error}"));
    }
    report(plan, child.wait().await);
}

/// SIGINT and SIGTERM.
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        Ok(Signals { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::SIGINT,
            _ = self.terminate.recv() => Signal::SIGTERM,
        }
    }
}
