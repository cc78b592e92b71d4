//! Child processes of commands and handlers: how they are started and how their end is told, in Go's words.

use super::os_text;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use tokio::process::Command;

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
