//! `debug`: records what an agent knows, counts and logs for a while (`spec/cli.md` 14.1).

use super::operator::raft::list_peers;
use crate::cli::connect::connect;
use crate::cli::output::{columns, json};
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::{Client, Method, Params, os_text};
use crate::types::GoDuration;
use crate::types::operator::RaftConfiguration;
use chrono::{DateTime, Local, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The command.
pub static COMMAND: Command = Command {
    path: &["debug"],
    synopsis: "Records a debugging archive for operators",
    usage: "Usage: {program} debug [options]

  Follows an agent for a while and records what it knows about itself, its
  host and its cluster, its metrics, its log and, where the agent offers them,
  its profiles. The result is an archive in the current directory; it is also
  written when the command is interrupted.

      $ {program} debug
      $ {program} debug -duration=1m -interval=20s
      $ {program} debug -capture=metrics -capture=agent

  Tokens and other secrets are left out by the agent, but look into the
  archive before you give it away.",
    groups: Groups::C,
    flags: &[
        Flag::bool("archive", "Pack the files into one archive. The default is true.").default("true"),
        Flag::list(
            "capture",
            "What to record: metrics, logs, pprof, host, agent or members. All of it unless given. Can be given several times.",
        ),
        Flag::duration("duration", "How long to record.").default("5m0s"),
        Flag::duration("interval", "Time between two looks at what changes.").default("30s"),
        Flag::string("output", "Path of the archive, without its ending."),
        Flag::string("since", "Accepted for compatibility; what the log held before the start cannot be asked for."),
    ],
    flag_error: None,
    run,
};

/// Everything that can be recorded, in the order in which it is named.
const TARGETS: [&str; 6] = ["metrics", "logs", "pprof", "host", "agent", "members"];
/// Shortest time between two looks.
const MIN_INTERVAL: Duration = Duration::from_secs(5);
/// Shortest recording.
const MIN_DURATION: Duration = Duration::from_secs(10);
/// Added to the recording, so that the last interval is in it.
const GRACE: Duration = Duration::from_secs(2);

/// The flags, checked, and what the agent said about itself.
struct Recording<'a> {
    cx: &'a Context,
    client: Client,
    own: Value,
    interval: Duration,
    duration: Duration,
    targets: Vec<String>,
    folder: PathBuf,
    archive: bool,
    /// The agent gives profiles of itself, and they are wanted.
    profiles: bool,
}

/// Profiles can be had when debugging is on or ACLs guard it, from agents that have any.
async fn has_profiles(client: &Client, own: &Value) -> bool {
    let on = |name: &str| own["DebugConfig"][name].as_bool() == Some(true);
    (on("EnableDebug") || on("ACLsEnabled"))
        && client.send(Method::GET, "/debug/pprof/cmdline", Params::new(), None).await.is_ok_and(|a| a.status == 200)
}

type Step = Result<(), String>;

impl<'a> Recording<'a> {
    fn prepare(cx: &'a Context, m: &Matches, client: Client) -> Result<Recording<'a>, String> {
        let (duration, interval) = (m.duration("duration"), m.duration("interval"));
        if duration.to_std() < MIN_DURATION {
            return Err("duration must be longer than 10s".into());
        }
        if interval.to_std() < MIN_INTERVAL {
            return Err("interval must be longer than 10s".into());
        }
        if duration < interval {
            return Err(format!("duration ({duration}) must be longer than interval ({interval})"));
        }
        let own = cx
            .block_on(client.get("/v1/agent/self", Params::new()))
            .map_err(|error| format!("error querying target agent: {error}. verify connectivity and agent address"))?;
        let mut targets: Vec<String> = m.list("capture").to_vec();
        if targets.is_empty() {
            targets = TARGETS.map(str::to_owned).to_vec();
        }
        // The old name of the list of members.
        targets.iter_mut().filter(|target| *target == "cluster").for_each(|target| *target = "members".into());
        if let Some(unknown) = targets.iter().find(|target| !TARGETS.contains(&target.as_str())) {
            return Err(format!("target not found: {unknown}"));
        }
        let name = match m.text("output") {
            "" => format!("consul-debug-{}", file_time(Local::now())),
            name => name.to_owned(),
        };
        let (duration, interval) = (duration.to_std(), interval.to_std());
        let folder = PathBuf::from(name);
        if fs::symlink_metadata(&folder).is_ok() {
            return Err(format!("output directory already exists: {}", folder.display()));
        }
        let make = |error: std::io::Error| format!("could not create output directory: {}", os_text(&error));
        fs::create_dir_all(&folder).map_err(make)?;
        let archive = m.flag("archive");
        let pprof = targets.iter().any(|target| target == "pprof");
        let profiles = pprof && cx.block_on(has_profiles(&client, &own));
        Ok(Recording { cx, client, own, interval, duration, targets, folder, archive, profiles })
    }

    fn wants(&self, target: &str) -> bool {
        self.targets.iter().any(|wanted| wanted == target)
    }

    fn version(&self) -> &str {
        self.own["Config"]["Version"].as_str().unwrap_or_default()
    }

    /// Path of what is left at the end.
    fn output(&self) -> PathBuf {
        if self.archive { with_ending(&self.folder) } else { self.folder.clone() }
    }

    fn announce(&self) {
        let go = |duration: Duration| GoDuration::from(duration).to_string();
        let lines = [
            ("Agent Version", self.version().to_owned()),
            ("Interval", go(self.interval)),
            ("Duration", go(self.duration)),
            ("Output", self.output().display().to_string()),
            ("Capture", self.targets.join(", ")),
        ];
        self.cx.output("Starting debugger and capturing static information...");
        for (label, value) in lines {
            self.cx.output(format!("{label:>14}: '{value}'"));
        }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> Step {
        let path = self.folder.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(|error| os_text(&error))?;
        }
        fs::write(path, content).map_err(|error| os_text(&error))
    }

    fn write_json(&self, name: &str, value: &Value) -> Step {
        self.write(name, json(value, "\t"))
    }

    /// What does not change while we look.
    async fn capture_static(&self) -> Step {
        let mut errors = Vec::new();
        for (target, name, path) in
            [("host", "host.json", "/v1/agent/host"), ("members", "members.json", "/v1/agent/members")]
        {
            if !self.wants(target) {
                continue;
            }
            let params = Params::new().with_if(target == "members", "wan", 1);
            match self.client.get::<Value>(path, params).await {
                Ok(value) => self.write_json(name, &value)?,
                Err(error) => errors.push(error.to_string()),
            }
        }
        if self.wants("agent") {
            self.write_json("agent.json", &self.own)?;
        }
        if self.wants("members") {
            // Not every agent may tell; the members are there without it.
            let raft: Result<RaftConfiguration, _> =
                self.client.get("/v1/operator/raft/configuration", Params::new()).await;
            if let Ok(raft) = raft {
                self.write("listpeers.json", columns(&list_peers::table(&raft.servers)))?;
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(errors.join("\n")) }
    }

    /// What is recorded for the whole time, all at once.
    async fn capture_dynamic(&self) -> Step {
        let mut streams: Vec<std::pin::Pin<Box<dyn Future<Output = Step> + '_>>> = Vec::new();
        if self.wants("metrics") {
            streams.push(Box::pin(self.stream("metrics.json", "/v1/agent/metrics/stream", Params::new())));
        }
        if self.wants("logs") {
            let params = Params::new().with("loglevel", "TRACE");
            streams.push(Box::pin(self.stream("consul.log", "/v1/agent/monitor", params)));
        }
        if self.profiles {
            let seconds = (self.duration + GRACE).as_secs();
            for (name, path) in [("profile.prof", "/debug/pprof/profile"), ("trace.out", "/debug/pprof/trace")] {
                streams.push(Box::pin(self.profile(name.to_owned(), path, Params::new().with("seconds", seconds))));
            }
            streams.push(Box::pin(self.profiles()));
        }
        streams.push(Box::pin(self.tell_intervals()));
        let results = futures::future::join_all(streams).await;
        let errors: Vec<String> = results.into_iter().filter_map(Step::err).collect();
        if errors.is_empty() { Ok(()) } else { Err(errors.join("\n")) }
    }

    /// Copies a stream into a file until the time is over or the stream ends.
    async fn stream(&self, name: &str, path: &str, params: Params) -> Step {
        let mut file = File::create(self.folder.join(name)).map_err(|error| os_text(&error))?;
        let copy = async {
            let mut response = self.client.open(Method::GET, path, params, None).await.map_err(|e| e.to_string())?;
            if response.status() != 200 {
                let code = response.status().as_u16();
                let body = response.text().await.unwrap_or_default();
                return Err(format!("Unexpected response code: {code} ({})", body.trim()));
            }
            while let Some(piece) = response.chunk().await.map_err(|error| error.to_string())? {
                file.write_all(&piece).map_err(|error| os_text(&error))?;
            }
            Ok(())
        };
        tokio::time::timeout(self.duration + GRACE, copy).await.unwrap_or(Ok(()))
    }

    async fn profile(&self, name: String, path: &str, params: Params) -> Step {
        let answer = self.client.send(Method::GET, path, params, None).await.and_then(|answer| answer.success());
        let answer = answer.map_err(|error| format!("error collecting {name}: {error}"))?;
        self.write(&name, answer.body)
    }

    /// Heap and tasks at every interval.
    async fn profiles(&self) -> Step {
        for number in 0.. {
            if self.interval * number > self.duration {
                break;
            }
            if number > 0 {
                tokio::time::sleep(self.interval).await;
            }
            let folder = file_time(Utc::now().with_timezone(&Utc));
            for kind in ["heap", "goroutine"] {
                self.profile(format!("{folder}/{kind}.prof"), &format!("/debug/pprof/{kind}"), Params::new()).await?;
            }
        }
        Ok(())
    }

    /// Says that time passes.
    async fn tell_intervals(&self) -> Step {
        let end = tokio::time::Instant::now() + self.duration + GRACE;
        for number in 0u32.. {
            let started = tokio::time::Instant::now();
            self.cx.output(format!("Beginning capture interval {} ({number})", go_time(Utc::now())));
            let next = (started + self.interval).min(end);
            tokio::time::sleep_until(next).await;
            self.cx.output(format!("Capture successful {} ({number})", go_time(Utc::now())));
            if next == end {
                break;
            }
        }
        Ok(())
    }

    fn write_index(&self) -> Step {
        let index = json!({
            "Version": 1,
            "AgentVersion": self.version(),
            "Interval": GoDuration::from(self.interval).to_string(),
            "Duration": GoDuration::from(self.duration).to_string(),
            "Targets": self.targets,
        });
        self.write_json("index.json", &index)
    }

    /// Packs the folder and removes it.
    fn pack(&self) -> Result<(), std::io::Error> {
        let root = self.folder.file_name().map_or_else(|| self.folder.clone(), PathBuf::from);
        let partial = self.folder.with_file_name(format!(".{}.partial", root.display()));
        let mut archive = tar::Builder::new(GzEncoder::new(File::create(&partial)?, Compression::default()));
        archive.append_dir_all(root, &self.folder)?;
        archive.into_inner()?.finish()?.sync_all()?;
        fs::rename(partial, self.output())?;
        fs::remove_dir_all(&self.folder)
    }
}

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    if !m.args().is_empty() {
        return Err(Exit::error("debug: Too many arguments provided, expected 0"));
    }
    let client = connect(cx, m)?;
    let recording = Recording::prepare(cx, m, client).or_exit("Capture validation failed")?;
    recording.announce();
    if recording.wants("pprof") && !recording.profiles {
        cx.error("[WARN] Unable to capture pprof. Set enable_debug to true on target agent to enable profiling.");
    }
    let captured = cx.block_on(async {
        if let Err(error) = recording.capture_static().await {
            cx.error(format!("Static capture failed: {error}"));
        }
        tokio::select! {
            done = recording.capture_dynamic() => done,
            () = crate::cli::interrupted() => Err("stopping collection due to shutdown signal".to_owned()),
        }
    });
    if let Err(error) = captured {
        cx.error(format!("Error encountered during collection: {error}"));
    }
    recording.write_index().or_exit("Archive creation failed")?;
    if recording.archive {
        recording.pack().map_err(|error| os_text(&error)).or_exit("Archive creation failed")?;
    }
    let what = if recording.archive { "archive" } else { "directory" };
    cx.output(format!("Saved debug {what}: {}", recording.output().display()));
    Ok(())
}

/// `.tar.gz` behind the whole name.
fn with_ending(folder: &Path) -> PathBuf {
    let mut name = folder.as_os_str().to_owned();
    name.push(".tar.gz");
    PathBuf::from(name)
}

/// RFC 3339 with dashes for colons, as names of files have it.
fn file_time<Z: chrono::TimeZone<Offset: std::fmt::Display>>(time: DateTime<Z>) -> String {
    time.to_rfc3339_opts(chrono::SecondsFormat::Secs, true).replace(':', "-")
}

/// A time as Go prints it.
fn go_time(time: DateTime<Utc>) -> String {
    let text = time.format("%Y-%m-%d %H:%M:%S%.9f").to_string();
    format!("{} +0000 UTC", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_go_writes_them() {
        let time: DateTime<Utc> = "2026-11-20T22:30:01.1Z".parse().expect("a time");
        assert_eq!(go_time(time), "2026-11-20 22:30:01.1 +0000 UTC");
        assert_eq!(go_time("2026-11-20T22:30:10Z".parse().expect("a time")), "2026-11-20 22:30:10 +0000 UTC");
        assert_eq!(file_time(time), "2026-11-20T22-30-01Z");
        assert_eq!(with_ending(Path::new("a/b.c")), Path::new("a/b.c.tar.gz"));
    }
}
