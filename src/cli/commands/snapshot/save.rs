//! `snapshot save`: fetch, verify, rename (`spec/cli.md` 25).

use super::file_argument;
use crate::cli::connect::{connect, read_params};
use crate::cli::{Command, Context, Exit, Flag, Groups, Matches, OrExit};
use crate::client::{Client, Error, Method, Params, os_text};
use crate::raft::archive;
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io::{BufReader, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The command.
pub static COMMAND: Command = Command {
    path: &["snapshot", "save"],
    synopsis: "Saves snapshot of Consul server state",
    usage: "Usage: {program} snapshot save [options] FILE

  Saves the state of the servers at one moment: keys, catalog, sessions, ACLs
  and all else. The file appears under its name only after it was verified.

      $ {program} snapshot save backup.snap

  From any server, for times without a leader:

      $ {program} snapshot save -stale backup.snap",
    groups: Groups::CS,
    flags: &[Flag::string(
        "append-filename",
        "`List` of what to add to the file name, in front of its extension: version, dc.",
    )],
    flag_error: None,
    run,
};

fn run(cx: &Context, m: &Matches) -> Result<(), Exit> {
    let file = file_argument(m)?;
    let client = connect(cx, m)?;
    let file = with_details(cx, &client, file, m.text("append-filename"))?;
    let unverified = with_suffix(&file, ".unverified");
    let index = cx.block_on(fetch(&client, read_params(m), &unverified))?;
    if let Err(exit) = verify(&unverified) {
        // A file that failed its check is of no use to anybody.
        let _ = std::fs::remove_file(&unverified);
        return Err(exit);
    }
    std::fs::rename(&unverified, &file)
        .map_err(|error| Exit::error(format!("Error renaming {unverified:?} to {file:?}: {}", os_text(&error))))?;
    cx.output(format!("Saved and verified snapshot to index {index}"));
    Ok(())
}

/// Streams the archive into a file that only its owner can read; returns the index of the answer.
async fn fetch(client: &Client, params: Params, path: &Path) -> Result<u64, Exit> {
    let saving = |error: Error| Exit::error(format!("Error saving snapshot: {error}"));
    let mut response = client.open(Method::GET, "/v1/snapshot", params, None).await.map_err(saving)?;
    if response.status() != 200 {
        let code = response.status().as_u16();
        let body = response.text().await.unwrap_or_default().trim().to_string();
        return Err(saving(Error::Status { code, body }));
    }
    let index = response.headers().get("x-consul-index").and_then(|value| value.to_str().ok()?.parse().ok());
    let index = index.ok_or_else(|| saving(Error::Other("the answer names no index".into())))?;
    let writing = |error: std::io::Error| {
        Exit::error(format!("Error writing unverified snapshot file: open {}: {}", path.display(), os_text(&error)))
    };
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path).map_err(writing)?;
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => file.write_all(&chunk).map_err(writing)?,
            Ok(None) => break,
            Err(_) => return Err(Exit::error("Error writing unverified snapshot file: unexpected EOF")),
        }
    }
    file.sync_all().map_err(writing)?;
    Ok(index)
}

fn verify(path: &Path) -> Result<(), Exit> {
    let failed = |error: &dyn std::fmt::Display| Exit::error(format!("Error verifying snapshot file: {error}"));
    let file = File::open(path).map_err(|error| failed(&os_text(&error)))?;
    archive::verify(BufReader::new(file)).map(drop).map_err(|error| failed(&error))
}

/// Adds the leader's version and the datacenter to the name, as asked for.
fn with_details(cx: &Context, client: &Client, file: PathBuf, wanted: &str) -> Result<PathBuf, Exit> {
    let asks = |what: &str| wanted.split(',').any(|word| word.trim() == what);
    let mut suffix = String::new();
    if asks("version") {
        let failure = "Error fetching version of Consul agent Leader";
        let health: Value = cx.block_on(client.get("/v1/operator/autopilot/health", Params::new())).or_exit(failure)?;
        let servers = health["Servers"].as_array().cloned().unwrap_or_default();
        let leader = servers.iter().find(|server| server["Leader"].as_bool() == Some(true));
        let version = leader.and_then(|server| server["Version"].as_str());
        suffix.push_str(&format!("-{}", version.ok_or_else(|| Exit::error(format!("{failure}: no leader")))?));
    }
    if asks("dc") {
        let own: Value = cx
            .block_on(client.get("/v1/agent/self", Params::new()))
            .or_exit("Error fetching datacenter of Consul agent")?;
        suffix.push_str(&format!("-{}", own["Config"]["Datacenter"].as_str().unwrap_or_default()));
    }
    if suffix.is_empty() {
        return Ok(file);
    }
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let extension = file.extension().map(|text| format!(".{}", text.to_string_lossy())).unwrap_or_default();
    Ok(file.with_file_name(format!("{stem}{suffix}{extension}")))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
