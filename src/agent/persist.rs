//! Services and checks on disk, so that what was registered through the API survives a restart
//! (`spec/services-and-checks.md` 2).

use super::Source;
use crate::types::secret::hidden;
use crate::types::{CheckStatus, CheckType, HealthCheck, NodeService};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A service as stored.
#[derive(Clone, derive_more::Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PersistedService {
    /// Registration token.
    #[serde(default)]
    #[debug("{}", hidden(token))]
    pub token: String,
    /// The instance.
    pub service: NodeService,
    /// `local` or `remote`.
    #[serde(default)]
    pub source: String,
    /// True for a sidecar registered through its parent.
    #[serde(default, skip_serializing_if = "crate::types::value::is_zero")]
    pub locally_registered_as_sidecar: bool,
}

/// A check as stored.
#[derive(Clone, derive_more::Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PersistedCheck {
    /// The row.
    pub check: HealthCheck,
    /// How it runs; null for maintenance checks.
    #[serde(default)]
    pub chk_type: Option<CheckType>,
    /// Registration token.
    #[serde(default)]
    #[debug("{}", hidden(token))]
    pub token: String,
    /// `local` or `remote`.
    #[serde(default)]
    pub source: String,
}

/// State of a TTL check as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PersistedCheckState {
    /// Check id.
    #[serde(rename = "CheckID")]
    pub check_id: String,
    /// Output.
    pub output: String,
    /// Status.
    pub status: String,
    /// When it expires, seconds since 1970.
    pub expires: i64,
}

/// Text of a source in a file.
pub fn source_text(source: Source) -> &'static str {
    match source {
        Source::Local => "local",
        Source::Remote => "remote",
    }
}

/// The source of a text, `None` for an unknown one.
pub fn parse_source(text: &str) -> Option<Source> {
    match text {
        "local" => Some(Source::Local),
        "remote" | "" => Some(Source::Remote),
        _ => None,
    }
}

const SERVICES: &str = "services";
const CHECKS: &str = "checks";
const CHECK_STATE: &str = "checks/state";
/// Length of the file names of old versions (MD5 in hex).
const OLD_NAME: usize = 32;

/// The files of an agent; without a data directory nothing is stored.
#[derive(Clone, Debug)]
pub struct Persistence {
    root: Option<PathBuf>,
}

fn file_name(id: &str) -> String {
    Sha256::digest(id.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn now_secs() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() as i64
}

impl Persistence {
    /// Below this directory; states of checks that an old version left there get the names by which they are looked for.
    pub fn new(root: Option<PathBuf>) -> Persistence {
        let persistence = Persistence { root };
        if let Err(error) = persistence.rename_states() {
            tracing::error!(target: "agent", error = %error, "failed renaming check states");
        }
        persistence
    }

    fn path(&self, directory: &str, id: &str) -> Option<PathBuf> {
        Some(self.root.as_ref()?.join(directory).join(file_name(id)))
    }

    fn store<T: Serialize>(&self, directory: &str, id: &str, value: &T, durable: bool) -> io::Result<()> {
        let Some(path) = self.path(directory, id) else { return Ok(()) };
        write_file(&path, &serde_json::to_vec(value)?, durable)
    }

    fn purge(&self, directory: &str, id: &str) -> io::Result<()> {
        match self.path(directory, id).map(fs::remove_file) {
            Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Stores a service; on disk when it returns.
    pub fn store_service(&self, service: &PersistedService) -> io::Result<()> {
        self.store(SERVICES, &service.service.id, service, true)
    }

    /// Forgets a service.
    pub fn purge_service(&self, id: &str) -> io::Result<()> {
        self.purge(SERVICES, id)
    }

    /// Stores a check; on disk when it returns.
    pub fn store_check(&self, check: &PersistedCheck) -> io::Result<()> {
        self.store(CHECKS, &check.check.check_id, check, true)
    }

    /// Forgets a check and its TTL state.
    pub fn purge_check(&self, id: &str) -> io::Result<()> {
        self.purge(CHECKS, id).and(self.purge(CHECK_STATE, id))
    }

    /// Stores the state of a TTL check, which is worth nothing after `ttl`.
    pub fn store_check_state(&self, id: &str, status: CheckStatus, output: &str, ttl: Duration) -> io::Result<()> {
        let state = PersistedCheckState {
            check_id: id.to_owned(),
            output: output.to_owned(),
            status: status.as_str().to_owned(),
            expires: now_secs() + ttl.as_secs() as i64,
        };
        self.store(CHECK_STATE, id, &state, false)
    }

    /// The state of a TTL check that has not expired; an expired one is deleted.
    pub fn load_check_state(&self, id: &str) -> Option<PersistedCheckState> {
        let path = self.path(CHECK_STATE, id)?;
        let bytes = fs::read(&path).ok()?;
        let state: PersistedCheckState = match serde_json::from_slice(&bytes) {
            Ok(state) => state,
            Err(error) => {
                tracing::error!(target: "agent", file = %path.display(), error = %error, "failed decoding check state");
                return None;
            }
        };
        if state.expires > now_secs() {
            return Some(state);
        }
        tracing::debug!(target: "agent", check = id, "check state expired, not restoring");
        let _ = fs::remove_file(path);
        None
    }

    /// All stored services by id.
    pub fn load_services(&self) -> io::Result<BTreeMap<String, PersistedService>> {
        self.load(SERVICES, "service", |service: &PersistedService| service.service.id.clone())
    }

    /// All stored checks by id.
    pub fn load_checks(&self) -> io::Result<BTreeMap<String, PersistedCheck>> {
        self.load(CHECKS, "check", |check: &PersistedCheck| check.check.check_id.clone())
    }

    /// Old versions named the state of a check by a shorter hash of its id.
    fn rename_states(&self) -> io::Result<()> {
        let Some(directory) = self.root.as_ref().map(|root| root.join(CHECK_STATE)) else { return Ok(()) };
        let Ok(entries) = fs::read_dir(&directory) else { return Ok(()) };
        for entry in entries {
            let path = entry?.path();
            if name_of(&path).len() != OLD_NAME {
                continue;
            }
            let Ok(state) = serde_json::from_slice::<PersistedCheckState>(&fs::read(&path)?) else { continue };
            let expected = directory.join(file_name(&state.check_id));
            if !expected.exists() {
                fs::rename(&path, &expected)?;
            }
        }
        Ok(())
    }

    /// Reads a directory. Files that are not ours to read are reported and left where they are; files with an old name get
    /// the new one.
    fn load<T>(&self, directory: &str, what: &str, id_of: impl Fn(&T) -> String) -> io::Result<BTreeMap<String, T>>
    where
        T: for<'de> Deserialize<'de>,
    {
        let mut found = BTreeMap::new();
        let Some(root) = &self.root else { return Ok(found) };
        let entries = match fs::read_dir(root.join(directory)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                continue;
            }
            if path.as_os_str().to_string_lossy().ends_with("tmp") {
                tracing::warn!(target: "agent", file = %path.display(), "Ignoring temporary {what} file");
                continue;
            }
            let bytes = fs::read(&path)?;
            let value: T = match serde_json::from_slice(&bytes) {
                Ok(value) => value,
                Err(error) => {
                    tracing::error!(target: "agent", file = %path.display(), error = %error, "failed decoding {what} file");
                    continue;
                }
            };
            let id = id_of(&value);
            let expected = root.join(directory).join(file_name(&id));
            if path != expected {
                fs::rename(&path, &expected)?;
            }
            found.insert(id, value);
        }
        Ok(found)
    }
}

/// Writes a file under a temporary name and renames it; `durable` flushes the file and its directory first.
pub fn write_file(path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
    let directory = path.parent().expect("the file is in a directory");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let temporary = match durable {
        true => path.with_file_name(format!("{}-{}.tmp", name_of(path), uuid::Uuid::new_v4())),
        false => path.with_file_name(format!("{}.tmp", name_of(path))),
    };
    let written = (|| {
        let mut file = fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(bytes)?;
        if durable {
            file.sync_all()?;
        }
        fs::rename(&temporary, path)?;
        if durable { fs::File::open(directory)?.sync_all() } else { Ok(()) }
    })();
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(id: &str) -> PersistedService {
        let service = NodeService { id: id.into(), service: "web".into(), ..NodeService::default() };
        PersistedService { token: "t".into(), service, source: "remote".into(), locally_registered_as_sidecar: false }
    }

    fn persistence() -> (tempfile::TempDir, Persistence) {
        let directory = tempfile::tempdir().expect("a directory");
        let persistence = Persistence::new(Some(directory.path().to_owned()));
        (directory, persistence)
    }

    #[test]
    fn what_is_stored_is_loaded_and_what_is_purged_is_gone() {
        let (_directory, persistence) = persistence();
        persistence.store_service(&service("w1")).expect("stored");
        persistence.store_service(&service("w2")).expect("stored");
        persistence.purge_service("w1").expect("purged");
        persistence.purge_service("w1").expect("purging twice is fine");
        let loaded = persistence.load_services().expect("loaded");
        assert_eq!(loaded.into_iter().collect::<Vec<_>>(), [("w2".to_owned(), service("w2"))]);
    }

    #[test]
    fn files_have_the_reference_names_and_shapes() {
        let (directory, persistence) = persistence();
        persistence.store_service(&service("w1")).expect("stored");
        let path = directory.path().join("services").join(file_name("w1"));
        let text = fs::read_to_string(&path).expect("the file");
        assert!(text.starts_with(r#"{"Token":"t","Service":{"ID":"w1","Service":"web","Tags":null,"#), "{text}");
        assert!(text.ends_with(r#""CreateIndex":0,"ModifyIndex":0},"Source":"remote"}"#), "{text}");
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().expect("a directory"))), (0o600, 0o700));
    }

    #[test]
    fn bad_files_are_skipped_and_old_names_replaced() {
        let (directory, persistence) = persistence();
        persistence.store_service(&service("good")).expect("stored");
        let services = directory.path().join("services");
        fs::rename(services.join(file_name("good")), services.join("0123456789abcdef0123456789abcdef"))
            .expect("renamed");
        fs::write(services.join("bad"), b"{\"Token\":").expect("written");
        fs::write(services.join("left-over.tmp"), b"{").expect("written");
        fs::create_dir(services.join("configs")).expect("made");
        let loaded = persistence.load_services().expect("loaded");
        assert_eq!(loaded.keys().collect::<Vec<_>>(), ["good"]);
        assert!(services.join(file_name("good")).exists());
        assert!(services.join("bad").exists(), "a file that cannot be read is not destroyed");
    }

    #[test]
    fn a_check_of_a_node_that_consul_1_8_stored_is_loaded() {
        let (directory, persistence) = persistence();
        let recorded = concat!(
            r#"{"Check":{"Node":"x","CheckID":"disk","Name":"disk","Status":"critical","Notes":"","Output":"","#,
            r#""ServiceID":"","ServiceName":"","ServiceTags":null,"Type":"ttl","Definition":{},"#,
            r#""CreateIndex":0,"ModifyIndex":0},"#,
            r#""ChkType":{"CheckID":"disk","Name":"disk","Status":"","Notes":"","ScriptArgs":null,"HTTP":"","#,
            r#""Header":null,"Method":"","Body":"","TCP":"","#,
            r#""Interval":0,"AliasNode":"","AliasService":"","DockerContainerID":"","Shell":"","GRPC":"","#,
            r#""GRPCUseTLS":false,"TLSSkipVerify":false,"Timeout":0,"TTL":3600000000000,"#,
            r#""SuccessBeforePassing":0,"FailuresBeforeCritical":0,"ProxyHTTP":"","ProxyGRPC":"","#,
            r#""DeregisterCriticalServiceAfter":0,"OutputMaxSize":0},"Token":"","Source":"remote"}"#
        );
        fs::create_dir(directory.path().join("checks")).expect("made");
        fs::write(directory.path().join("checks/75688b0220ad16c4e02152b6c2b56424"), recorded).expect("written");
        let loaded = persistence.load_checks().expect("loaded");
        let (check, runner) = (&loaded["disk"].check, loaded["disk"].chk_type.as_ref().expect("it runs"));
        assert_eq!((check.name.as_str(), check.service_tags.len(), runner.ttl.to_std().as_secs()), ("disk", 0, 3600));
    }

    #[test]
    fn states_under_old_names_are_found() {
        let (directory, persistence) = persistence();
        persistence.store_check_state("c", CheckStatus::Warning, "fine", Duration::from_secs(60)).expect("stored");
        let states = directory.path().join("checks/state");
        // MD5 of the id
        let old = states.join("4a8a08f09d37b73795649038408b5f33");
        fs::rename(states.join(file_name("c")), &old).expect("renamed");
        fs::write(states.join("0123456789abcdef0123456789abcdef"), b"no state").expect("written");
        let again = || Persistence::new(Some(directory.path().to_owned())).load_check_state("c").expect("found").status;
        assert_eq!(persistence.load_check_state("c"), None);
        assert_eq!(again(), "warning");
        // a newer state stays
        fs::write(&old, br#"{"CheckID":"c","Output":"","Status":"critical","Expires":9999999999}"#).expect("written");
        assert_eq!(again(), "warning");
    }

    #[test]
    fn ttl_state_is_worth_its_ttl() {
        let (directory, persistence) = persistence();
        let store = |ttl| persistence.store_check_state("c", CheckStatus::Warning, "fine", Duration::from_secs(ttl));
        store(60).expect("stored");
        let state = persistence.load_check_state("c").expect("not expired");
        assert_eq!((state.status.as_str(), state.output.as_str()), ("warning", "fine"));
        store(0).expect("stored");
        assert_eq!(persistence.load_check_state("c"), None);
        assert!(!directory.path().join("checks/state").join(file_name("c")).exists());
    }

    #[test]
    fn without_a_data_directory_nothing_is_stored() {
        let persistence = Persistence::new(None);
        persistence.store_service(&service("w1")).expect("ignored");
        assert!(persistence.load_services().expect("empty").is_empty());
    }
}
