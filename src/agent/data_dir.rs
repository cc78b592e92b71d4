//! The data directory of an agent: made and locked at start, with the node id and the mark that guards a server's return
//! (`spec/agent-config.md` 5, `spec/semantics.md` 12.4).

use super::persist::write_file;
use crate::types::{Error, GoDuration, Result};
use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha512};
use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

const NODE_ID: &str = "node-id";
const LOCK: &str = ".lock";
const SERVER_METADATA: &str = "server_metadata.json";

/// An agent's hold on its data directory; another agent cannot take it while this lives.
pub struct DataDir {
    path: PathBuf,
    _lock: Flock<File>,
}

/// A failure that names the path, the system's reason and what to do.
fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Error {
    let user = nix::unistd::geteuid();
    let advice = match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            format!("; the directory must belong to the user that the agent runs as (uid {user})")
        }
        std::io::ErrorKind::ReadOnlyFilesystem => "; mount the file system read-write".to_owned(),
        std::io::ErrorKind::StorageFull => "; free some space".to_owned(),
        _ => String::new(),
    };
    Error::new(format!("failed to {what} {}: {error}{advice}", path.display()))
}

impl DataDir {
    /// Makes the directory when it is missing, proves that it can be written to, and locks it.
    ///
    /// # Errors
    /// What is in the way: no permission, a read-only file system, another agent.
    pub fn open(path: &Path) -> Result<DataDir> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o755).create(path);
        made.map_err(|error| cannot("create data_dir", path, &error))?;
        let lock_path = path.join(LOCK);
        let file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&lock_path);
        let file = file.map_err(|error| cannot("write to data_dir", &lock_path, &error))?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|_| {
            let path = path.display();
            Error::new(format!(
                "data_dir {path} is in use by another agent; stop that agent or give this one a data_dir of its own"
            ))
        })?;
        Ok(DataDir { path: path.to_owned(), _lock: lock })
    }

    /// The node id: the configured one, else the stored one, else a new one that is stored.
    ///
    /// # Errors
    /// `specified NodeID is invalid: ...`, `NodeID in <file> is invalid: ...`, or that the file cannot be written.
    pub fn node_id(&self, configured: &str, random: bool) -> Result<String> {
        let path = self.path.join(NODE_ID);
        if !configured.is_empty() {
            let id = valid_id(configured).map_err(|error| error.prefixed("specified NodeID is invalid: "))?;
            self.store_node_id(&path, &id)?;
            return Ok(id);
        }
        match fs::read_to_string(&path) {
            Ok(text) => valid_id(text.trim())
                .map_err(|error| error.prefixed(&format!("NodeID in {} is invalid: ", path.display()))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let id = new_node_id(random);
                self.store_node_id(&path, &id)?;
                Ok(id)
            }
            Err(error) => Err(cannot("read", &path, &error)),
        }
    }

    fn store_node_id(&self, path: &Path, id: &str) -> Result<()> {
        write_file(path, id.as_bytes(), true).map_err(|error| cannot("write NodeID to disk at", path, &error))
    }

    /// Refuses the directory of a server of another make: its log cannot be read here, and starting beside it would begin an
    /// empty cluster that takes its place.
    ///
    /// # Errors
    /// The file that was found, and the way to bring its state over.
    pub fn check_foreign_log(&self) -> Result<()> {
        let raft = self.path.join("raft");
        let foreign = ["raft.db", "wal"].map(|name| raft.join(name)).into_iter().find(|path| path.exists());
        match foreign.filter(|_| !raft.join("log").exists()) {
            Some(found) => Err(Error::new(format!(
                "{} is the log of a Consul server, which cannot be read here; start with an empty data_dir and bring the state \
                 over with 'snapshot save' there and 'snapshot restore' here",
                found.display()
            ))),
            None => Ok(()),
        }
    }

    /// Refuses a server that was away for longer than `max_age`: the cluster may have moved on without it.
    ///
    /// # Errors
    /// The reference's advice, or an unreadable file.
    pub fn check_absence(&self, max_age: GoDuration, now: SystemTime) -> Result<()> {
        let path = self.path.join(SERVER_METADATA);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(cannot("read", &path, &error)),
        };
        let metadata: ServerMetadata = serde_json::from_str(&text)
            .map_err(|error| Error::new(format!("failed to parse {}: {error}", path.display())))?;
        if unix_secs(now) - metadata.last_seen_unix > max_age.0 / 1_000_000_000 {
            return Err(Error::new(format!(
                "refusing to rejoin cluster because server has been offline for more than the configured \
                 server_rejoin_age_max ({max_age}) - consider wiping your data dir"
            )));
        }
        Ok(())
    }

    /// Marks that the server is here; done at start and every hour.
    ///
    /// # Errors
    /// That the file cannot be written.
    pub fn mark_presence(&self, now: SystemTime) -> Result<()> {
        mark_presence(&self.path, now)
    }
}

/// See [`DataDir::mark_presence`].
///
/// # Errors
/// That the file cannot be written.
pub fn mark_presence(data_dir: &Path, now: SystemTime) -> Result<()> {
    let path = data_dir.join(SERVER_METADATA);
    let text = serde_json::to_vec(&ServerMetadata { last_seen_unix: unix_secs(now) }).expect("a number is JSON");
    write_file(&path, &text, true).map_err(|error| cannot("write", &path, &error))
}

#[derive(Serialize, Deserialize)]
struct ServerMetadata {
    last_seen_unix: i64,
}

fn unix_secs(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64
}

/// A new node id: random, or derived from the host so that it survives a lost data directory.
pub fn new_node_id(random: bool) -> String {
    match host_id().filter(|_| !random) {
        Some(host) => {
            let digest = Sha512::digest(host.to_lowercase().as_bytes());
            let bytes: [u8; 16] = digest[..16].try_into().expect("a digest has 64 bytes");
            uuid::Uuid::from_bytes(bytes).to_string()
        }
        None => uuid::Uuid::new_v4().to_string(),
    }
}

/// The machine's id as a UUID: that of the board, else of the installation.
pub fn host_id() -> Option<String> {
    let files = ["/sys/class/dmi/id/product_uuid", "/etc/machine-id", "/proc/sys/kernel/random/boot_id"];
    let ids = files.into_iter().filter_map(|file| fs::read_to_string(file).ok());
    ids.filter_map(|text| uuid::Uuid::parse_str(text.trim()).ok()).map(|id| id.to_string()).next()
}

/// A configured or stored id, in lower case.
///
/// # Errors
/// The reference's words for what is not a UUID.
pub fn valid_id(text: &str) -> Result<String> {
    let text = text.to_lowercase();
    if text.len() != 36 {
        return Err(Error::new("uuid string is wrong length"));
    }
    match uuid::Uuid::parse_str(&text) {
        Ok(_) => Ok(text),
        Err(_) => Err(Error::new("uuid is improperly formatted")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn open(directory: &tempfile::TempDir) -> DataDir {
        DataDir::open(&directory.path().join("data")).expect("a fresh directory")
    }

    #[test]
    fn two_agents_cannot_share_a_directory() {
        let directory = tempfile::tempdir().expect("a directory");
        let first = open(&directory);
        let error = DataDir::open(&first.path).err().expect("it is taken");
        assert!(error.text.contains("is in use by another agent"), "{error}");
        drop(first);
        open(&directory);
    }

    #[test]
    fn a_node_id_stays_until_another_is_configured() {
        let directory = tempfile::tempdir().expect("a directory");
        let data = open(&directory);
        let id = data.node_id("", true).expect("a new id");
        assert_eq!(data.node_id("", true), Ok(id.clone()));
        assert_eq!(fs::read_to_string(data.path.join(NODE_ID)).expect("stored"), id);
        let configured = "ADF4238A-882B-9DDC-4A9D-5B6758E4159E";
        assert_eq!(data.node_id(configured, true), Ok(configured.to_lowercase()));
        assert_eq!(data.node_id("", true), Ok(configured.to_lowercase()));
    }

    #[test]
    fn a_bad_node_id_is_named() {
        let directory = tempfile::tempdir().expect("a directory");
        let data = open(&directory);
        let error = data.node_id("nope", true).expect_err("not a UUID");
        assert_eq!(error.text, "specified NodeID is invalid: uuid string is wrong length");
        fs::write(data.path.join(NODE_ID), "nope\n").expect("written");
        let error = data.node_id("", true).expect_err("not a UUID");
        assert!(error.text.starts_with("NodeID in ") && error.text.ends_with("uuid string is wrong length"), "{error}");
    }

    #[test]
    fn the_directory_of_a_consul_server_is_refused_and_left_as_it_is() {
        for name in ["raft.db", "wal"] {
            let directory = tempfile::tempdir().expect("a directory");
            let data = open(&directory);
            assert_eq!(data.check_foreign_log(), Ok(()));
            let raft = data.path.join("raft");
            fs::create_dir(&raft).expect("made");
            fs::write(raft.join(name), "theirs").expect("written");
            let error = data.check_foreign_log().expect_err("not ours");
            assert!(error.text.contains(&format!("raft/{name} is the log of a Consul server")), "{error}");
            fs::create_dir(raft.join("log")).expect("made");
            assert_eq!(data.check_foreign_log(), Ok(()), "one that already is ours may keep the old file");
        }
    }

    #[test]
    fn a_server_that_was_away_for_too_long_stays_away() {
        let directory = tempfile::tempdir().expect("a directory");
        let data = open(&directory);
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let week = GoDuration::secs(7 * 24 * 3600);
        assert_eq!(data.check_absence(week, now), Ok(()), "a new server has no mark");
        data.mark_presence(now).expect("written");
        assert_eq!(data.check_absence(week, now + week.to_std()), Ok(()));
        let error = data.check_absence(week, now + week.to_std() + Duration::from_secs(1)).expect_err("too long");
        assert_eq!(
            error.text,
            "refusing to rejoin cluster because server has been offline for more than the configured \
             server_rejoin_age_max (168h0m0s) - consider wiping your data dir"
        );
    }
}
