//! The audit log: who did what, when, from where, and with which result, one JSON object a line (`docs/audit.md`).
//!
//! An operation that changes something is written twice, when it begins and when it is complete; one that was denied at
//! least when it is complete. Callers are named by the accessor id of their token, never by the secret.

use super::logging::{LogFile, Rotation};
use super::metrics::{self, Counter};
use arc_swap::ArcSwapOption;
use chrono::{DateTime, Local, SecondsFormat};
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

static EVENTS: Counter = Counter::new("audit.events");

/// What to write, and where to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Calls that arrive at the server port are written as well.
    pub rpc: bool,
    /// Operations that change nothing are written too, and not only when they are denied.
    pub reads: bool,
    /// The files by name; without one nothing is written.
    pub sinks: Vec<(String, Rotation)>,
}

/// Who asks for what.
#[derive(Clone, Debug, Serialize)]
pub struct Request {
    /// HTTP method, or `read` or `write` for a call.
    pub operation: String,
    /// Path without parameters, or the name of the called method.
    pub endpoint: String,
    /// Address of the caller, or of the server that passes a call on; `@` on unix sockets.
    pub remote_addr: String,
    /// What the client says it is.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub user_agent: String,
    /// The host that the client asked.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Parameters, without the token.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub query_params: BTreeMap<String, Vec<String>>,
}

/// The way by which an operation came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Kind {
    /// The HTTP API.
    #[serde(rename = "HTTPEvent")]
    Http,
    /// The server port.
    #[serde(rename = "RPCEvent")]
    Rpc,
}

#[derive(Serialize)]
struct Line<'a> {
    created_at: &'a str,
    event_type: &'static str,
    payload: Payload<'a>,
}

#[derive(Serialize)]
struct Payload<'a> {
    id: &'a str,
    version: &'static str,
    r#type: Kind,
    timestamp: &'a str,
    auth: Auth<'a>,
    request: &'a Request,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response<'a>>,
    stage: &'static str,
}

#[derive(Serialize)]
struct Auth<'a> {
    accessor_id: &'a str,
}

#[derive(Serialize)]
struct Response<'a> {
    status: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    error: &'a str,
}

struct Sink {
    name: String,
    file: LogFile,
    /// The last line could not be written.
    failing: bool,
}

/// An open audit log.
pub struct Auditor {
    settings: Settings,
    sinks: Mutex<Vec<Sink>>,
}

static CURRENT: ArcSwapOption<Auditor> = ArcSwapOption::const_empty();

impl Auditor {
    /// Opens all files.
    ///
    /// # Errors
    /// `audit sink "x": open /var/log/audit.json: permission denied`
    pub fn open(settings: Settings) -> Result<Auditor, String> {
        let sinks = settings.sinks.iter().map(|(name, rotation)| {
            let file = LogFile::open(rotation.clone()).map_err(|error| format!("audit sink {name:?}: {error}"))?;
            Ok(Sink { name: name.clone(), file, failing: false })
        });
        let sinks = Mutex::new(sinks.collect::<Result<_, String>>()?);
        Ok(Auditor { settings, sinks })
    }

    /// Whether operations of this kind are written from their beginning on.
    pub fn follows(&self, kind: Kind, write: bool) -> bool {
        self.covers(kind) && (write || self.settings.reads)
    }

    /// Whether denied operations of this kind are written.
    pub fn covers(&self, kind: Kind) -> bool {
        kind == Kind::Http || self.settings.rpc
    }

    fn write(&self, line: &Line<'_>) {
        let mut text = serde_json::to_vec(line).expect("texts are JSON");
        text.push(b'\n');
        EVENTS.add(1);
        for sink in self.sinks.lock().iter_mut() {
            let name = &sink.name;
            match sink.file.write(&text, SystemTime::now()) {
                Ok(()) if sink.failing => {
                    sink.failing = false;
                    tracing::info!(target: "agent.audit", sink = %name, "audit log can be written again");
                }
                Ok(()) => {}
                Err(error) => {
                    metrics::counter_labels("audit.sink.failed", 1, &[("sink", name)]);
                    if !sink.failing {
                        tracing::error!(target: "agent.audit", sink = %name, error = %error, "audit log cannot be written");
                    }
                    sink.failing = true;
                }
            }
        }
    }
}

/// Opens the audit log of this process in place of the one that was open; without sinks there is none.
///
/// # Errors
/// As [`Auditor::open`]; the old one stays.
pub fn configure(settings: Settings) -> Result<(), String> {
    let unchanged = CURRENT.load().as_ref().is_some_and(|current| current.settings == settings);
    if !unchanged {
        let auditor = if settings.sinks.is_empty() { None } else { Some(Arc::new(Auditor::open(settings)?)) };
        CURRENT.store(auditor);
    }
    Ok(())
}

/// The audit log, while there is one.
pub fn current() -> Option<Arc<Auditor>> {
    CURRENT.load_full()
}

/// One operation in the audit log.
pub struct Trail {
    auditor: Arc<Auditor>,
    id: String,
    kind: Kind,
    began: String,
    accessor: String,
    request: Request,
}

/// The present time as the lines have it.
fn now() -> String {
    DateTime::<Local>::from(SystemTime::now()).to_rfc3339_opts(SecondsFormat::Micros, false)
}

impl Trail {
    /// An operation that is written when it ends.
    pub fn new(auditor: Arc<Auditor>, kind: Kind, accessor: String, request: Request) -> Trail {
        Trail { auditor, id: uuid::Uuid::new_v4().to_string(), kind, began: now(), accessor, request }
    }

    /// Writes that it begins.
    pub fn begin(self) -> Trail {
        self.write(&self.began, "OperationStart", None);
        self
    }

    /// Writes how it ended; `error` is empty for success.
    pub fn end(self, status: &str, error: &str) {
        self.write(&now(), "OperationComplete", Some(Response { status, error }));
    }

    fn write(&self, created_at: &str, stage: &'static str, response: Option<Response<'_>>) {
        let payload = Payload {
            id: &self.id,
            version: "1",
            r#type: self.kind,
            timestamp: &self.began,
            auth: Auth { accessor_id: &self.accessor },
            request: &self.request,
            response,
            stage,
        };
        self.auditor.write(&Line { created_at, event_type: "audit", payload });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use std::path::Path;
    use std::time::Duration;

    fn settings(path: &Path) -> Settings {
        let rotation =
            Rotation { path: path.to_owned(), duration: Duration::ZERO, bytes: 0, max_files: 0, mode: 0o600 };
        Settings { rpc: false, reads: false, sinks: vec![("main".to_owned(), rotation)] }
    }

    fn request() -> Request {
        Request {
            operation: "PUT".into(),
            endpoint: "/v1/kv/a".into(),
            remote_addr: "127.0.0.1:4000".into(),
            user_agent: String::new(),
            host: "localhost".into(),
            query_params: BTreeMap::from([("dc".to_owned(), vec!["dc1".to_owned()])]),
        }
    }

    #[test]
    fn an_operation_is_two_lines_with_one_id() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.json");
        let auditor = Arc::new(Auditor::open(settings(&path)).expect("a file"));
        assert!(auditor.follows(Kind::Http, true) && !auditor.follows(Kind::Http, false));
        assert!(!auditor.covers(Kind::Rpc));
        Trail::new(auditor, Kind::Http, "some-accessor".into(), request()).begin().end("500", "no \"luck\"");
        let text = std::fs::read_to_string(&path).expect("written");
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        let [start, end] = &lines[..] else { panic!("{text}") };
        assert_eq!((&start["event_type"], &start["payload"]["stage"]), (&"audit".into(), &"OperationStart".into()));
        assert_eq!(start["payload"]["auth"]["accessor_id"], "some-accessor");
        assert_eq!(start["payload"]["request"]["query_params"]["dc"][0], "dc1");
        assert_eq!(start["payload"]["response"], Value::Null);
        assert_eq!(end["payload"]["response"], serde_json::json!({"status": "500", "error": "no \"luck\""}));
        assert_eq!(start["payload"]["id"], end["payload"]["id"]);
        let time = start["created_at"].as_str().expect("a time");
        assert!(DateTime::parse_from_rfc3339(time).is_ok(), "{time}");
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_file_that_cannot_be_opened_is_named_with_its_sink() {
        let error = Auditor::open(settings(Path::new("/nonexistent/audit.json"))).err().expect("no such folder");
        assert_eq!(error, "audit sink \"main\": open /nonexistent/audit.json: no such file or directory");
    }
}
