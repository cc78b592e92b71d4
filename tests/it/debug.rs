//! `debug`: what a recording holds, and that it survives an interruption.

use crate::support::*;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

/// Files of an archive by name without the folder.
fn unpack(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let file = std::fs::File::open(path).expect("the archive");
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    let mut files = BTreeMap::new();
    for entry in archive.entries().expect("a tar") {
        let mut entry = entry.expect("whole");
        let name = entry.path().expect("a name").to_string_lossy().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("whole");
        if entry.header().entry_type().is_file() {
            files.insert(name.split_once('/').expect("in a folder").1.to_owned(), content);
        }
    }
    files
}

#[test]
fn an_interrupted_recording_is_written_with_what_there_is() {
    let agent = dev().start();
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("rec");
    let mut child = Command::new(BINARY)
        .args(["debug", "-capture=host", "-capture=agent", "-capture=cluster", "-capture=logs", "-duration=10m"])
        .arg(format!("-output={}", output.display()))
        .env("CONSUL_HTTP_ADDR", agent.http_address())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut printed = BufReader::new(child.stdout.take().expect("piped"));
    let mut text = String::new();
    while !text.contains("Beginning capture interval") {
        assert!(printed.read_line(&mut text).expect("a pipe") > 0, "{text}");
    }
    let log = output.join("consul.log");
    wait_until("the log to be followed", || {
        agent.get("/v1/kv/noise");
        std::fs::read_to_string(&log).is_ok_and(|text| text.contains("/v1/kv/noise"))
    });
    let pid = nix::unistd::Pid::from_raw(child.id().cast_signed());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGINT).expect("it runs");
    printed.read_to_string(&mut text).expect("text");
    let mut errors = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut errors).expect("text");
    assert_eq!(child.wait().expect("it ends").code(), Some(0), "{text}{errors}");
    assert_eq!(errors, "Error encountered during collection: stopping collection due to shutdown signal\n");
    let start = format!(
        "Starting debugger and capturing static information...\n Agent Version: '1.21.4'\n      Interval: '30s'\n      \
         Duration: '10m0s'\n        Output: '{0}.tar.gz'\n       Capture: 'host, agent, members, logs'\n",
        output.display()
    );
    assert!(text.starts_with(&start), "{text}");
    assert!(text.ends_with(&format!("Saved debug archive: {}.tar.gz\n", output.display())), "{text}");
    let files = unpack(&folder.path().join("rec.tar.gz"));
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(names, ["agent.json", "consul.log", "host.json", "index.json", "listpeers.json", "members.json"]);
    let json = |name: &str| serde_json::from_slice::<serde_json::Value>(&files[name]).expect("JSON");
    assert_eq!(json("agent.json")["Config"]["NodeName"], "node1");
    assert_eq!(json("members.json")[0]["Name"], "node1.dc1");
    assert_eq!((&json("index.json")["Version"], &json("index.json")["Interval"]), (&1.into(), &"30s".into()));
    assert!(json("host.json")["CPU"].is_array());
    assert!(String::from_utf8_lossy(&files["listpeers.json"]).starts_with("Node   ID "));
    assert!(!output.exists(), "the folder is packed and gone");
}

#[test]
fn what_cannot_be_recorded_is_refused_first() {
    let agent = dev().start();
    let folder = tempfile::tempdir().expect("a folder");
    let exists = format!("-output={}", folder.path().display());
    let existing = format!("output directory already exists: {}", folder.path().display());
    let cases: [(&[&str], &str); 5] = [
        (&["-duration=1s"], "duration must be longer than 10s"),
        (&["-interval=1s"], "interval must be longer than 10s"),
        (&["-duration=10s", "-interval=20s"], "duration (10s) must be longer than interval (20s)"),
        (&["-capture=nope"], "target not found: nope"),
        (&[&exists], &existing),
    ];
    for (flags, error) in cases {
        let output = agent.cli(&[&["debug"], flags].concat());
        assert_eq!(stderr(&output), format!("Capture validation failed: {error}\n"), "{flags:?}");
        assert_eq!(output.status.code(), Some(1));
    }
    let words = agent.cli(&["debug", "x"]);
    assert_eq!(stderr(&words), "debug: Too many arguments provided, expected 0\n");
}
