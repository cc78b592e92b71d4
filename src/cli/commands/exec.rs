//! `exec`: runs a command on many agents, which meet under a prefix of keys (`spec/cli.md` 14.3, `spec/semantics.md` 19).

use crate::cli::connect::connect;
use crate::cli::pattern;
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::session::{Session, Wanted};
use crate::client::{Body, Client, Error, Params};
use crate::types::{Blob, GoDuration};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::Read;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// The command.
pub static COMMAND: Command = Command {
    path: &["exec"],
    synopsis: "Executes a command on Consul nodes",
    usage: "Usage: {program} exec [options] [-|command...]

  Runs a command on the nodes of a datacenter and prints what it says there.
  Regular expressions choose the nodes by name, service and tag. With the
  command '-' a script is read from standard input.

  Agents take part only when their configuration has
  disable_remote_exec = false.",
    groups: Groups::CS,
    flags: &[
        Flag::string("node", "Regular expression for node names."),
        Flag::string("prefix", "Prefix of the keys over which the nodes are told and answer.").default("_rexec"),
        Flag::string("service", "Regular expression for services that a node must run."),
        Flag::bool("shell", "Run the command through a shell. The default is true.").default("true"),
        Flag::string("tag", "Regular expression for tags of such a service; needs -service."),
        Flag::bool("verbose", "Tell every step."),
        Flag::duration("wait", "Silence after which the command ends; doubled while nodes are at work.").default("2s"),
        Flag::duration("wait-repl", "Pause before the nodes are told, so that they can read from any server.")
            .default("200ms"),
    ],
    flag_error: None,
    run,
};

/// Time to live of the session under which everything is written.
const TTL: Duration = Duration::from_secs(15);
/// Time between renewals.
const RENEWAL: Duration = Duration::from_secs(5);
/// News that may wait to be printed.
const QUEUE: usize = 128;

/// What the nodes are to run.
#[derive(Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Job {
    #[serde(skip_serializing_if = "String::is_empty")]
    command: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    args: Vec<String>,
    #[serde(skip_serializing_if = "Blob::is_empty")]
    script: Blob,
    wait: i64,
}

impl Job {
    fn read(m: &Matches) -> Result<Job, Exit> {
        let (words, shell) = (m.args(), m.flag("shell"));
        let mut job = Job { wait: m.duration("wait").0, ..Job::default() };
        match words {
            [only] if only == "-" => {
                if !shell {
                    return Err(Exit::error("Cannot configure -shell=false when reading from stdin"));
                }
                let mut script = Vec::new();
                std::io::stdin().read_to_end(&mut script).or_exit("Failed to read stdin")?;
                job.script = Blob::from(script);
            }
            words if shell => job.command = words.join(" "),
            words => job.args = words.to_vec(),
        }
        if job.command.is_empty() && job.args.is_empty() && job.script.is_empty() {
            return Err(Exit::usage("Must specify a command to execute"));
        }
        Ok(job)
    }
}

/// One thing that a node has told.
#[derive(Debug, PartialEq)]
enum News {
    Acknowledged(String),
    Heartbeat(String),
    Output(String, String),
    Exit(String, i32),
    /// Told to the user as it is.
    Trouble(String),
}

/// What a key under the job's folder is about.
#[derive(Debug, PartialEq)]
enum Key<'a> {
    Job,
    Acknowledged(&'a str),
    Output(&'a str),
    Exit(&'a str),
    Unknown,
}

impl Key<'_> {
    fn parse(key: &str) -> Key<'_> {
        if key == "job" {
            Key::Job
        } else if let Some(node) = key.strip_suffix("/ack") {
            Key::Acknowledged(node)
        } else if let Some(node) = key.strip_suffix("/exit") {
            Key::Exit(node)
        } else if let Some((node, _)) = key.rsplit_once("/out/") {
            Key::Output(node)
        } else {
            Key::Unknown
        }
    }
}

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let job = Job::read(m)?;
    for filter in ["node", "service", "tag"] {
        pattern::compile(m.text(filter)).or_exit(&format!("Failed to compile {filter} filter regexp"))?;
    }
    if !m.text("tag").is_empty() && m.text("service").is_empty() {
        return Err(Exit::error("Cannot provide tag filter without service filter."));
    }
    let client = connect(cx, m)?;
    let own: Value = cx.block_on(client.get("/v1/agent/self", Params::new())).or_exit("Error querying Consul agent")?;
    let run = Run { cx, m, client, own };
    cx.block_on(run.all(&job))
}

/// One run of the command.
struct Run<'a> {
    cx: &'a Context,
    m: &'a Matches,
    client: Client,
    /// `/v1/agent/self`.
    own: Value,
}

impl Run<'_> {
    fn tell(&self, text: impl AsRef<str>) {
        if self.m.flag("verbose") {
            self.cx.output(text.as_ref());
        }
    }

    async fn all(&self, job: &Job) -> Result<(), Exit> {
        let session = self.session().await?;
        self.tell(format!("Created remote execution session: {}", session.id()));
        let folder = format!("{}/{}", self.m.text("prefix").trim_end_matches('/'), session.id());
        let end = tokio::select! {
            end = self.with_session(&session, &folder, job) => end,
            () = crate::cli::interrupted() => Err(Exit::code(1)),
        };
        // What is left over ends with the session; the answers are known already.
        let _ = self.client.kv_delete(&folder, Params::new().with("recurse", "")).await;
        let _ = session.end().await;
        end
    }

    /// A session here, or on a server of another datacenter.
    async fn session(&self) -> Result<Session, Exit> {
        let field = |name: &str| self.own["Config"][name].as_str().unwrap_or_default();
        let (datacenter, local) = (self.m.text("datacenter"), field("Datacenter"));
        let mut wanted = Wanted { name: "Remote Exec".into(), ttl: TTL, delete: true, ..Wanted::default() };
        if !datacenter.is_empty() && datacenter != local {
            self.tell("Remote exec in foreign datacenter, using Session TTL");
            let none = "Failed to create session: Failed to find Consul server in remote datacenter";
            let params = Params::new().with("passing", 1);
            let found: Vec<Value> = self.client.get("/v1/health/service/consul", params).await.or_exit(none)?;
            let server = found.first().and_then(|row| row["Node"]["Node"].as_str());
            wanted.node = Some(server.ok_or_else(|| Exit::error(none))?.to_owned());
            wanted.name = format!("Remote Exec via {}@{local}", field("NodeName"));
        }
        Session::create(&self.client, &wanted, Some(RENEWAL)).await.or_exit("Failed to create session")
    }

    async fn with_session(&self, session: &Session, folder: &str, job: &Job) -> Result<(), Exit> {
        let spec = serde_json::to_vec(job).expect("texts and a number are JSON");
        let params = Params::new().with("acquire", session.id());
        let stored = self.client.kv_put(&format!("{folder}/job"), spec, params).await;
        if !stored.or_exit("Failed to create job file")? {
            return Err(Exit::error("Failed to create job file: failed to write job file"));
        }
        self.tell("Uploaded remote execution spec");
        tokio::time::sleep(self.m.duration("wait-repl").to_std()).await;
        let event = self.fire(session.id()).await.or_exit("Failed to fire event")?;
        self.tell(format!("Fired remote execution event: {event}"));
        self.collect(folder).await
    }

    async fn fire(&self, session: &str) -> Result<String, Error> {
        let params = ["node", "service", "tag"].into_iter().fold(Params::new(), |params, filter| {
            params.with_if(!self.m.text(filter).is_empty(), filter, self.m.text(filter))
        });
        let payload = json!({ "Prefix": self.m.text("prefix"), "Session": session });
        let answer = self.client.put("/v1/event/fire/_rexec", params, Some(Body::json(&payload))).await?;
        let event: Value = serde_json::from_slice(&answer).map_err(|error| Error::Other(error.to_string()))?;
        Ok(event["ID"].as_str().unwrap_or_default().to_owned())
    }

    /// Prints what the nodes tell until they are done and silent.
    async fn collect(&self, folder: &str) -> Result<(), Exit> {
        let start = Instant::now();
        let (sender, mut news) = mpsc::channel(QUEUE);
        let reading = self.read(folder, sender);
        tokio::pin!(reading);
        let (mut acknowledged, mut exited, mut failed) = (0, 0, false);
        loop {
            let working = if acknowledged > exited { 2 } else { 1 };
            let silence = self.m.duration("wait").to_std() * working;
            let told = tokio::select! {
                biased;
                Some(told) = news.recv() => told,
                error = &mut reading => return Err(Exit::error(format!("Failed to read results: {error}"))),
                () = tokio::time::sleep(silence) => break,
            };
            match told {
                News::Acknowledged(node) => {
                    acknowledged += 1;
                    self.tell(prefixed("==> ", &node, "acknowledged"));
                }
                News::Heartbeat(node) => self.tell(prefixed("==> ", &node, "heartbeat received")),
                News::Output(node, text) => self.cx.output(prefixed("    ", &node, &text)),
                News::Exit(node, code) => {
                    exited += 1;
                    failed |= code != 0;
                    self.cx.output(prefixed("==> ", &node, &format!("finished with exit code {code}")));
                }
                News::Trouble(text) => self.cx.error(text),
            }
        }
        self.cx.output(format!("{exited} / {acknowledged} node(s) completed / acknowledged"));
        self.tell(format!("Completed in {:.2} seconds", start.elapsed().as_secs_f64()));
        Exit::from_code(if failed || exited < acknowledged { 2 } else { 0 })
    }

    /// Follows the folder and reports each key once; ends only with an error.
    async fn read(&self, folder: &str, news: mpsc::Sender<News>) -> Error {
        let folder = format!("{folder}/");
        let wait = GoDuration(self.m.duration("wait").0.max(1_000_000)).to_string();
        let (mut index, mut seen) = (0, HashSet::new());
        loop {
            let params = Params::new().with("wait", &wait).with_if(index > 0, "index", index);
            let (next, keys) = match self.client.kv_keys_indexed(&folder, params).await {
                Ok(found) => found,
                Err(error) => return error,
            };
            if next == index {
                continue;
            }
            index = next;
            for key in keys {
                if !seen.contains(&key)
                    && let Some(told) = self.look(&folder, &key).await
                    && news.send(told).await.is_err()
                {
                    return Error::Other("nobody listens".into());
                }
                seen.insert(key);
            }
        }
    }

    /// What a key says.
    async fn look(&self, folder: &str, full: &str) -> Option<News> {
        let key = full.strip_prefix(folder).unwrap_or(full);
        let value = async || match self.client.kv_get(full, Params::new()).await {
            Ok(pair) => Ok(pair.map(|pair| String::from_utf8_lossy(&pair.value.0).into_owned()).unwrap_or_default()),
            Err(error) => Err(News::Trouble(format!("Failed to read key '{full}': {error}"))),
        };
        Some(match Key::parse(key) {
            Key::Job => return None,
            Key::Acknowledged(node) => News::Acknowledged(node.to_owned()),
            Key::Exit(node) => match value().await {
                Ok(text) => match text.trim().parse() {
                    Ok(code) => News::Exit(node.to_owned(), code),
                    Err(_) => News::Trouble(format!("Failed to parse exit code '{text}'")),
                },
                Err(trouble) => trouble,
            },
            Key::Output(node) => match value().await {
                Ok(text) if text.is_empty() => News::Heartbeat(node.to_owned()),
                Ok(text) => News::Output(node.to_owned(), text),
                Err(trouble) => trouble,
            },
            Key::Unknown => News::Trouble(format!("Unknown key '{key}', ignoring.")),
        })
    }
}

/// Every line of a text with the node in front; blanks at the end of the whole are left out.
fn prefixed(mark: &str, node: &str, text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(|line| format!("{mark}{node}: {line}")).collect();
    lines.join("\n").trim_end_matches([' ', '\n']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_who_says_what() {
        let cases = [
            ("job", Key::Job),
            ("n1/ack", Key::Acknowledged("n1")),
            ("n1/exit", Key::Exit("n1")),
            ("a/b/out/0000f", Key::Output("a/b")),
            ("n1/other", Key::Unknown),
        ];
        for (key, expected) in cases {
            assert_eq!(Key::parse(key), expected, "{key}");
        }
    }

    #[test]
    fn output_is_prefixed_line_by_line() {
        assert_eq!(prefixed("    ", "n1", "Linux\n"), "    n1: Linux\n    n1:");
        assert_eq!(prefixed("    ", "n1", "x  \n\n"), "    n1: x  \n    n1: \n    n1:");
        assert_eq!(prefixed("==> ", "n1", "acknowledged"), "==> n1: acknowledged");
    }

    #[test]
    fn a_job_leaves_out_what_it_has_not() {
        let job = Job { command: "uptime".into(), wait: 2_000_000_000, ..Job::default() };
        assert_eq!(serde_json::to_string(&job).expect("JSON"), r#"{"Command":"uptime","Wait":2000000000}"#);
        let job = Job { script: "x".into(), ..Job::default() };
        assert_eq!(serde_json::to_string(&job).expect("JSON"), r#"{"Script":"eA==","Wait":0}"#);
    }
}
