//! Commands that `exec` sends to agents (`spec/semantics.md` 19.3): read the job under the session's keys, run it, and write
//! acknowledgement, output and exit code beside it. Off unless `disable_remote_exec` is false.

use super::Agent;
use super::events::Event;
use crate::client::child;
use crate::rpc::method::{KvsApply, KvsGet};
use crate::types::requests::KeyRequest;
use crate::types::{Blob, DirEntry, Error, GoDuration, KvOp, KvRequest, QueryOptions, Result};
use bytes::{Bytes, BytesMut};
use nix::fcntl::OFlag;
use nix::unistd::pipe2;
use serde::Deserialize;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout_at};

/// Output is sent at the latest when it has this size.
const CHUNK: usize = 4096;
/// Output is sent when nothing more came for this time.
const IDLE: Duration = Duration::from_millis(500);
/// Shortest time between heartbeats, whatever the job says.
const MIN_HEARTBEAT: Duration = Duration::from_millis(100);
/// Exit code of what could not be started, or not be reported.
const BROKEN: i32 = 255;

/// Where the job is, from the event's payload.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Call {
    prefix: String,
    session: String,
}

/// What is to run: exactly one of the first three.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Job {
    command: String,
    args: Vec<String>,
    script: Blob,
    /// Time without output after which a heartbeat is sent.
    wait: GoDuration,
}

/// Runs the job that an event announces; returns when its exit code is written.
pub async fn handle(agent: &Agent, event: &Event) {
    tracing::debug!(target: "agent", id = event.id, "received remote exec event");
    let call: Call = match serde_json::from_slice(&event.payload.0) {
        Ok(call) => call,
        Err(error) => return tracing::error!(target: "agent", error = %error, "failed to decode remote exec payload"),
    };
    let execution = Execution { agent, call };
    let job = match execution.job().await {
        Ok(Some(job)) => job,
        Ok(None) => return,
        Err(error) => return tracing::error!(target: "agent", error = %error, "failed to read remote exec job"),
    };
    if let Err(error) = execution.write("ack", Bytes::new()).await {
        return tracing::error!(target: "agent", error = %error, "failed to write remote exec ack");
    }
    let code = execution.run(&job).await;
    if let Err(error) = execution.write("exit", Bytes::from(code.to_string())).await {
        tracing::error!(target: "agent", error = %error, "failed to write remote exec exit code");
    }
}

/// A job with the agent that runs it.
struct Execution<'a> {
    agent: &'a Agent,
    call: Call,
}

impl Execution<'_> {
    fn key(&self, rest: &str) -> String {
        format!("{}/{}/{rest}", self.call.prefix.trim_end_matches('/'), self.call.session)
    }

    fn token(&self) -> String {
        self.agent.tokens().agent()
    }

    /// The job; none when it is gone already. Any server may know it; if it does not, the leader is asked.
    async fn job(&self) -> Result<Option<Job>> {
        for allow_stale in [true, false] {
            let query = QueryOptions {
                token: self.token(),
                allow_stale,
                require_consistent: !allow_stale,
                ..QueryOptions::default()
            };
            let request = KeyRequest { key: self.key("job"), query, ..KeyRequest::default() };
            let found = self.agent.call::<KvsGet>(request).await?.entries.unwrap_or_default();
            if let Some(entry) = found.first() {
                return serde_json::from_slice(&entry.value.0).map(Some).map_err(|error| Error::new(error.to_string()));
            }
        }
        Ok(None)
    }

    /// Writes one of this node's keys under the job's session, so that it ends with it.
    async fn write(&self, name: &str, value: Bytes) -> Result<()> {
        let dir_ent = DirEntry {
            key: self.key(&format!("{}/{name}", self.agent.config().node_name)),
            value: Blob(value),
            session: self.call.session.clone(),
            ..DirEntry::default()
        };
        let request = KvRequest { op: KvOp::Lock, dir_ent, token: self.token(), ..KvRequest::default() };
        if self.agent.call::<KvsApply>(request).await? { Ok(()) } else { Err(Error::new("session is gone")) }
    }

    /// Runs the job and sends its output; returns the exit code.
    async fn run(&self, job: &Job) -> i32 {
        let mut running = match start(job) {
            Ok(running) => running,
            Err(error) => {
                tracing::error!(target: "agent", error, "failed to start remote exec");
                return BROKEN;
            }
        };
        if let Err(error) = self.send_output(&mut running.output, job.wait.to_std().max(MIN_HEARTBEAT)).await {
            tracing::error!(target: "agent", error = %error, "failed to write output for remote exec");
            return BROKEN;
        }
        running.child.wait().await.map_or(1, exit_code)
    }

    /// Sends output in pieces until there is no more; an empty piece says that the command is still at work.
    async fn send_output(&self, output: &mut pipe::Receiver, heartbeat: Duration) -> Result<()> {
        let mut number = 0;
        let mut pieces = Pieces::new(output, heartbeat, IDLE);
        while let Some(piece) = pieces.next().await? {
            self.write(&format!("out/{number:05x}"), piece).await?;
            number += 1;
        }
        Ok(())
    }
}

/// Output cut into pieces.
struct Pieces<'a> {
    output: &'a mut pipe::Receiver,
    /// Silence after which an empty piece is due.
    heartbeat: Duration,
    /// Silence after which a piece is complete.
    idle: Duration,
    held: BytesMut,
    ended: bool,
}

impl<'a> Pieces<'a> {
    fn new(output: &'a mut pipe::Receiver, heartbeat: Duration, idle: Duration) -> Self {
        Pieces { output, heartbeat, idle, held: BytesMut::with_capacity(CHUNK), ended: false }
    }

    /// The next piece: full, or followed by silence, or the last; empty as a heartbeat; none at the end.
    async fn next(&mut self) -> std::io::Result<Option<Bytes>> {
        while !self.ended && self.held.len() < CHUNK {
            let patience = if self.held.is_empty() { self.heartbeat } else { self.idle };
            let mut buffer = [0; CHUNK];
            let room = CHUNK - self.held.len();
            let read = self.output.read(&mut buffer[..room]);
            match timeout_at(Instant::now() + patience, read).await {
                Ok(Ok(0)) => self.ended = true,
                Ok(Ok(length)) => self.held.extend_from_slice(&buffer[..length]),
                Ok(Err(error)) => return Err(error),
                Err(_) => return Ok(Some(self.held.split().freeze())),
            }
        }
        Ok((!self.held.is_empty()).then(|| self.held.split().freeze()))
    }
}

/// A command with its output; dropping it kills the command.
struct Running {
    child: Child,
    output: pipe::Receiver,
    /// Holds the script while it runs.
    _script: Option<tempdir::Folder>,
}

fn start(job: &Job) -> Result<Running, String> {
    let text = |error: std::io::Error| crate::types::error::os_text(&error);
    let (mut command, script) = match (job.script.is_empty(), job.command.is_empty(), job.args.split_first()) {
        (false, ..) => {
            let folder = tempdir::Folder::new().map_err(text)?;
            let path = folder.path().join("script");
            child::write_program(&path, &job.script.0).map_err(text)?;
            (child::script_command(&path.to_string_lossy()), Some(folder))
        }
        (_, false, _) => (child::script_command(&job.command), None),
        (_, _, Some((program, arguments))) => {
            let mut command = Command::new(program);
            command.args(arguments);
            (command, None)
        }
        _ => return Err("need an executable to run".into()),
    };
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC).map_err(|error| text(error.into()))?;
    command.stdin(Stdio::null()).stdout(writer.try_clone().map_err(text)?).stderr(writer).kill_on_drop(true);
    let child = child::spawn(&mut command).map_err(text)?;
    let output = pipe::Receiver::from_owned_fd(reader).map_err(text)?;
    Ok(Running { child, output, _script: script })
}

/// 1 for a command that ended without a code of its own.
fn exit_code(status: ExitStatus) -> i32 {
    status.code().unwrap_or(1)
}

/// A folder of our own that goes away with its owner.
mod tempdir {
    use std::io;
    use std::os::unix::fs::DirBuilderExt;
    use std::path::{Path, PathBuf};

    /// The folder.
    pub struct Folder(PathBuf);

    impl Folder {
        /// A new one that nobody else can enter.
        pub fn new() -> io::Result<Folder> {
            let path = std::env::temp_dir().join(format!("rexec-{}", uuid::Uuid::new_v4()));
            std::fs::DirBuilder::new().mode(0o700).create(&path)?;
            Ok(Folder(path))
        }

        /// Where it is.
        pub fn path(&self) -> &Path {
            &self.0
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn job(text: &str) -> Job {
        serde_json::from_str(text).expect("a job")
    }

    /// What a job prints, in one piece, and its exit code.
    async fn outcome(text: &str) -> (String, i32) {
        let mut running = start(&job(text)).expect("starts");
        let mut pieces = Pieces::new(&mut running.output, Duration::from_secs(60), IDLE);
        let mut printed = Vec::new();
        while let Some(piece) = pieces.next().await.expect("a pipe") {
            printed.extend_from_slice(&piece);
        }
        (String::from_utf8(printed).expect("text"), running.child.wait().await.map_or(1, exit_code))
    }

    #[tokio::test]
    async fn commands_scripts_and_plain_words_run() {
        let cases = [
            (r#"{"Command":"echo a; echo b >&2; exit 3"}"#, "a\nb\n", 3),
            (r#"{"Args":["printf","%s","$HOME"]}"#, "$HOME", 0),
            // printf x; exit 4
            (r#"{"Script":"IyEvYmluL3NoCnByaW50ZiB4OyBleGl0IDQK"}"#, "x", 4),
            (r#"{"Args":["sh","-c","kill $$"]}"#, "", 1),
        ];
        for (text, printed, code) in cases {
            assert_eq!(outcome(text).await, (printed.to_owned(), code), "{text}");
        }
    }

    #[test]
    fn what_cannot_start_is_told() {
        let error = |text: &str| start(&job(text)).map(drop).err();
        assert_eq!(error("{}").as_deref(), Some("need an executable to run"));
        assert_eq!(error(r#"{"Args":["/nonexistent/x"]}"#).as_deref(), Some("no such file or directory"));
    }

    #[tokio::test]
    async fn silence_flushes_and_then_beats() {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC).expect("a pipe");
        let mut output = pipe::Receiver::from_owned_fd(reader).expect("a pipe");
        let mut writer = std::fs::File::from(writer);
        let (soon, never) = (Duration::from_millis(1), Duration::from_secs(600));
        writer.write_all(b"ab").expect("room");
        let mut pieces = Pieces::new(&mut output, never, soon);
        assert_eq!(pieces.next().await.expect("a pipe"), Some(Bytes::from("ab")));
        let mut pieces = Pieces::new(&mut output, soon, never);
        assert_eq!(pieces.next().await.expect("a pipe"), Some(Bytes::new()), "a heartbeat");
        let mut pieces = Pieces::new(&mut output, never, never);
        writer.write_all(&[b'x'; CHUNK + 1]).expect("room");
        drop(writer);
        assert_eq!(pieces.next().await.expect("a pipe").map(|piece| piece.len()), Some(CHUNK));
        assert_eq!(pieces.next().await.expect("a pipe"), Some(Bytes::from("x")));
        assert_eq!(pieces.next().await.expect("a pipe"), None);
    }
}
