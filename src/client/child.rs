//! Child processes of commands and handlers: how they are started and how their end is told, in Go's words.

use super::os_text;
use parking_lot::{RwLock, RwLockReadGuard};
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use tokio::process::{Child, Command};

/// Shared by whoever starts a child, held alone by whoever writes a program. A child that is forked in between holds the
/// program open for writing until its own `exec`, and the kernel refuses to run it (`ETXTBSY`).
static STARTING: RwLock<()> = RwLock::new(());

/// Held while a child is started; it has left our descriptors behind when the start returns.
pub fn starting() -> RwLockReadGuard<'static, ()> {
    STARTING.read()
}

/// What systemd tells a service about itself. A child is another process: it must not speak for us.
const SERVICE_VARIABLES: [&str; 3] = ["NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"];

/// Starts a child.
///
/// # Errors
/// See [`start_error`].
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    for variable in SERVICE_VARIABLES {
        command.env_remove(variable);
    }
    let _starting = starting();
    command.spawn()
}

/// Writes a new program that its owner and group may run, at once.
///
/// # Errors
/// The file exists, or cannot be written.
pub fn write_program(path: &Path, text: &[u8]) -> io::Result<()> {
    let _alone = STARTING.write();
    OpenOptions::new().write(true).create_new(true).mode(0o750).open(path)?.write_all(text)
}

/// A text as a command of `$SHELL`, `/bin/sh` when it is unset.
pub fn script_command(script: &str) -> Command {
    let shell = std::env::var("SHELL").ok().filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into());
    let mut command = Command::new(shell);
    command.arg("-c").arg(script);
    command
}

/// Why a command did not start.
pub fn start_error(command: &Command, error: &std::io::Error) -> String {
    let program = command.as_std().get_program().to_string_lossy();
    match error.kind() {
        ErrorKind::NotFound if !program.contains('/') => {
            format!("exec: {program:?}: executable file not found in $PATH")
        }
        _ => format!("fork/exec {program}: {}", os_text(error)),
    }
}

/// How a process ended that did not succeed: `exit status 1`, `signal: killed`.
pub fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => {
            let name = nix::sys::signal::Signal::try_from(signal).map_or("unknown", |signal| match signal.as_str() {
                "SIGKILL" => "killed",
                "SIGTERM" => "terminated",
                "SIGINT" => "interrupt",
                other => other,
            });
            format!("signal: {name}")
        }
        (None, None) => status.to_string(),
    }
}
