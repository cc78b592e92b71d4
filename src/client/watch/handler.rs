//! What a watch does with a change: a child process or an HTTP request (`spec/semantics.md` 21.3).

use crate::client::child::{self, script_command};
use crate::client::os_text;
use crate::types::GoDuration;
use crate::types::secret::hidden;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::process::Stdio;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;

/// Bytes of a handler's output that are kept for the log.
const TAIL: usize = 4096;

/// Where the output of a child goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// To this process's own stdout and stderr.
    Inherit,
    /// Its last 4 KiB are kept.
    Tail,
}

/// How a change is told.
#[derive(Clone, Debug, PartialEq)]
pub enum Handler {
    /// A text for the shell.
    Shell(String),
    /// A program and its arguments.
    Args(Vec<String>),
    /// An HTTP request.
    Http(HttpHandler),
}

/// Settings of an HTTP handler.
#[derive(Clone, derive_more::Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct HttpHandler {
    /// URL.
    pub path: String,
    /// Method, `POST` when empty.
    pub method: String,
    /// Time limit, 10 s when zero.
    pub timeout: GoDuration,
    /// Headers.
    #[debug("{}", hidden(header))]
    pub header: BTreeMap<String, Vec<String>>,
    /// Do not verify the server's certificate.
    pub tls_skip_verify: bool,
}

impl Handler {
    /// Reads the handler of a watch in an agent's configuration.
    ///
    /// # Errors
    /// No handler, more than one, an unknown type, an HTTP handler without `path`.
    pub fn parse(params: &Map<String, Value>) -> Result<Handler, String> {
        let kind = params.get("handler_type").and_then(Value::as_str).unwrap_or("script");
        let args = params.get("args").filter(|args| !args.is_null());
        let script = params.get("handler").filter(|script| !script.is_null());
        match (kind, args, script) {
            ("http", None, None) => {
                let config = params
                    .get("http_handler_config")
                    .ok_or("Handler type 'http' requires 'http_handler_config' to be set")?;
                let handler: HttpHandler = serde_json::from_value(config.clone())
                    .map_err(|error| format!("Failed to parse 'http_handler_config': {error}"))?;
                match handler.path.is_empty() {
                    true => Err("Requires 'path' to be set".into()),
                    false => Ok(Handler::Http(handler)),
                }
            }
            ("http", ..) | ("script" | "", Some(_), Some(_)) => Err("Only one watch handler allowed".into()),
            ("script" | "", None, None) => Err("Must define a watch handler".into()),
            ("script" | "", Some(args), None) => {
                let words = args.as_array().map(|words| words.iter().map(|word| word.as_str().map(str::to_string)));
                let words: Option<Vec<String>> = words.and_then(Iterator::collect);
                words
                    .filter(|words| !words.is_empty())
                    .map(Handler::Args)
                    .ok_or_else(|| "Watch args must be a list of strings".into())
            }
            ("script" | "", None, Some(script)) => script
                .as_str()
                .map(|text| Handler::Shell(text.into()))
                .ok_or_else(|| "Watch handler must be a string".into()),
            (other, ..) => Err(format!("Handler type '{other}' not recognized")),
        }
    }

    /// Tells a change; returns what a child printed (empty with [`Output::Inherit`]) or the answer to a request.
    ///
    /// # Errors
    /// The child cannot be started or ends with a failure (`exit status 1`), the request fails or is answered with
    /// another status than 2xx.
    pub async fn run(&self, index: u64, data: &Value, output: Output) -> Result<String, String> {
        match self {
            Handler::Shell(script) => run_child(script_command(script), index, data, output).await,
            Handler::Args(words) => {
                let (program, args) = words.split_first().ok_or("need an executable to run")?;
                let mut command = Command::new(program);
                command.args(args);
                run_child(command, index, data, output).await
            }
            Handler::Http(handler) => handler.send(index, data).await,
        }
    }
}

async fn run_child(mut command: Command, index: u64, data: &Value, output: Output) -> Result<String, String> {
    let stream = || if output == Output::Inherit { Stdio::inherit() } else { Stdio::piped() };
    command
        .env("CONSUL_INDEX", index.to_string())
        .stdin(Stdio::piped())
        .stdout(stream())
        .stderr(stream())
        .kill_on_drop(true);
    let mut child = child::spawn(&mut command).map_err(|error| child::start_error(&command, &error))?;
    let mut input = super::super::go_json(data);
    input.push('\n');
    let stdin = child.stdin.take();
    let feed = async {
        if let Some(mut stdin) = stdin {
            // A child that does not read its input is free to do so.
            let _ = stdin.write_all(input.as_bytes()).await;
        }
    };
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let (status, (), stdout, stderr) = tokio::join!(child.wait(), feed, tail(stdout), tail(stderr));
    let status = status.map_err(|error| os_text(&error))?;
    if status.success() { Ok(stdout + &stderr) } else { Err(child::describe(status)) }
}

/// The end of a stream; says so when the beginning was dropped.
async fn tail(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let (mut kept, mut total, mut chunk) = (Vec::new(), 0, [0u8; 4096]);
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        total += read;
        kept.extend_from_slice(&chunk[..read]);
        let surplus = kept.len().saturating_sub(TAIL);
        kept.drain(..surplus);
    }
    let text = String::from_utf8_lossy(&kept).into_owned();
    if total > TAIL { format!("Captured {TAIL} of {total} bytes\n...\n{text}") } else { text }
}

impl HttpHandler {
    async fn send(&self, index: u64, data: &Value) -> Result<String, String> {
        let timeout = if self.timeout.is_zero() { GoDuration::secs(10) } else { self.timeout };
        let client = super::super::plain_http(self.tls_skip_verify, timeout.to_std())?;
        let method = if self.method.is_empty() { "POST" } else { &self.method };
        let method = reqwest::Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
        let mut request = client
            .request(method, &self.path)
            .header("Content-Type", "application/json")
            .header("X-Consul-Index", index.to_string())
            .body(super::super::go_json(data) + "\n");
        for (name, values) in &self.header {
            for value in values {
                request = request.header(name, value);
            }
        }
        let response = request.send().await.map_err(|error| error.without_url().to_string())?;
        let status = response.status();
        let body = response.text().await.unwrap_or_default();
        if status.is_success() { Ok(body) } else { Err(format!("unexpected status {}: {body}", status.as_u16())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(params: Value) -> Result<Handler, String> {
        Handler::parse(params.as_object().expect("an object"))
    }

    #[test]
    fn exactly_one_handler_is_wanted() {
        assert_eq!(parse(json!({})), Err("Must define a watch handler".into()));
        assert_eq!(parse(json!({"args": ["a"], "handler": "b"})), Err("Only one watch handler allowed".into()));
        assert_eq!(parse(json!({"handler_type": "x"})), Err("Handler type 'x' not recognized".into()));
        assert_eq!(parse(json!({"args": ["a", "b"]})), Ok(Handler::Args(vec!["a".into(), "b".into()])));
        let http = parse(json!({"handler_type": "http", "http_handler_config": {"path": "http://h", "timeout": "1s"}}));
        let expected = HttpHandler { path: "http://h".into(), timeout: GoDuration::secs(1), ..HttpHandler::default() };
        assert_eq!(http, Ok(Handler::Http(expected)));
    }

    #[tokio::test]
    async fn a_child_reads_json_and_the_index() {
        let script = Handler::Args(["sh", "-c", "cat; echo $CONSUL_INDEX"].map(String::from).to_vec());
        let printed = script.run(7, &json!({"a": "<"}), Output::Tail).await;
        assert_eq!(printed, Ok("{\"a\":\"\\u003c\"}\n7\n".into()));
    }

    #[tokio::test]
    async fn a_failing_child_is_described() {
        let fail = |script: &str| Handler::Args(["sh", "-c", script].map(String::from).to_vec());
        assert_eq!(fail("exit 3").run(1, &json!(null), Output::Tail).await, Err("exit status 3".into()));
        assert_eq!(fail("kill -9 $$").run(1, &json!(null), Output::Tail).await, Err("signal: killed".into()));
    }

    #[tokio::test]
    async fn long_output_keeps_its_end() {
        let script =
            Handler::Args(["sh", "-c", "head -c 5000 /dev/zero | tr '\\0' x; echo end"].map(String::from).to_vec());
        let printed = script.run(1, &json!(null), Output::Tail).await.expect("success");
        assert!(printed.starts_with("Captured 4096 of 5004 bytes\n"), "{}", &printed[..40]);
        assert!(printed.ends_with("xend\n"));
    }
}
