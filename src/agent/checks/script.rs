//! Script checks: a command of this machine, its exit code and the end of its output
//! (`spec/services-and-checks.md` 4, script).

use super::dial::errno_text;
use super::output::Tail;
use super::runner::{Outcome, Probe};
use crate::client::child;
use crate::types::{CheckStatus, GoDuration};
use futures::future::BoxFuture;
use nix::fcntl::OFlag;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::{Pid, pipe2};
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

/// A command and its limits.
pub struct Script {
    /// Program and arguments; at least the program.
    pub args: Vec<String>,
    /// Time limit of a run.
    pub timeout: Duration,
    /// Output limit, bytes.
    pub output_max_size: usize,
}

impl Probe for Script {
    fn run<'a>(&'a self, report: &'a mut (dyn FnMut(Outcome) + Send)) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let mut running = match Running::start(&self.args) {
                Ok(running) => running,
                Err(error) => return report(broken(error)),
            };
            let mut output = Tail::new(self.output_max_size);
            match tokio::time::timeout(self.timeout, running.finish(&mut output)).await {
                Ok(Ok(exit)) => report(Outcome::new(status_of(exit), output.captured())),
                Ok(Err(error)) => report(broken(errno_text(&error))),
                Err(_) => {
                    running.kill();
                    let limit = GoDuration::from(self.timeout);
                    let text = output.captured();
                    let gap = if text.is_empty() { "" } else { "\n\n" };
                    report(broken(format!("Timed out ({limit}) running check{gap}{text}")));
                    // The next run must not meet this one.
                    let _ = running.finish(&mut output).await;
                }
            }
        })
    }
}

fn broken(output: String) -> Outcome {
    Outcome { status: CheckStatus::Critical, output, broken: true }
}

fn status_of(exit: ExitStatus) -> CheckStatus {
    match exit.code() {
        Some(0) => CheckStatus::Passing,
        Some(1) => CheckStatus::Warning,
        _ => CheckStatus::Critical,
    }
}

/// A command in a process group of its own. Dropping it kills the group.
struct Running {
    child: Child,
    /// Id of the group, which is that of the child, until the child has been reaped: from then on the number may
    /// belong to somebody else.
    group: Option<Pid>,
    output: pipe::Receiver,
}

impl Running {
    fn start(args: &[String]) -> Result<Running, String> {
        let program = args[0].as_str();
        let missing = || format!("exec: {program:?}: executable file not found in $PATH");
        if program.is_empty() {
            return Err("exec: no command".to_owned());
        }
        if !program.contains('/') && !in_path(program) {
            return Err(missing());
        }
        let failed = |error: io::Error| format!("fork/exec {program}: {}", errno_text(&error));
        let (read, write) = pipe2(OFlag::O_CLOEXEC).map_err(|errno| failed(errno.into()))?;
        let also = write.try_clone().map_err(failed)?;
        let output = pipe::Receiver::from_owned_fd(read).map_err(failed)?;
        let mut command = Command::new(program);
        command.args(&args[1..]).stdin(Stdio::null()).stdout(write).stderr(also).process_group(0);
        let child = child::spawn(&mut command).map_err(failed)?;
        let group = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Ok(Running { child, group, output })
    }

    /// Reads until nobody can write any more, then waits for the exit. In this order the child stays unreaped, and its
    /// group killable, as long as anything of it holds the output.
    async fn finish(&mut self, output: &mut Tail) -> io::Result<ExitStatus> {
        let mut buffer = [0; 4096];
        loop {
            let len = self.output.read(&mut buffer).await?;
            if len == 0 {
                break;
            }
            output.write(&buffer[..len]);
        }
        let exit = self.child.wait().await?;
        self.group = None;
        Ok(exit)
    }

    fn kill(&self) {
        if let Some(group) = self.group {
            // It may have gone in the meantime, which is as well.
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

fn in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| is_executable(&dir.join(program)))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
