//! Raft's own snapshots: archives in `raft/snapshots`, the newest two, written under another name first.

use super::archive::{self, Configuration, LogPosition, Meta, Server, State};
use super::engine::{LogId, Membership, ServerNode, SnapshotMeta, StoredMembership, log_id, term_of};
use super::error::RaftError;
use super::log::disk::create_dir;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// Snapshots that stay on disk.
const RETAINED: usize = 2;
/// Ending of a complete snapshot.
const ENDING: &str = "snap";
/// Ending of one that is being written or received.
const TEMPORARY: &str = "tmp";
/// What is added to a name when a file turned out to be damaged.
const DAMAGED: &str = "damaged";
/// Distance of the first index from the first position in the log: indexes begin at 1.
pub(crate) const FIRST_OFFSET: u64 = 1;

/// The state a snapshot is of.
#[derive(Clone, Debug)]
pub(crate) struct Position {
    /// Last applied entry.
    pub applied: LogId,
    /// How far indexes are ahead of positions in the log.
    pub offset: u64,
    /// Configuration at that entry.
    pub membership: StoredMembership,
}

impl Position {
    /// Index of the state.
    pub fn index(&self) -> u64 {
        self.applied.index + self.offset
    }

    /// The metadata of an archive of this state.
    pub fn to_meta(&self, size: u64) -> Meta {
        let term = term_of(&self.applied);
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis());
        let membership = self.membership.membership();
        let voters: BTreeSet<Uuid> = membership.voter_ids().collect();
        let servers: Vec<Server> = membership
            .nodes()
            .map(|(id, node)| Server {
                suffrage: if voters.contains(id) { 0 } else { 1 },
                id: id.to_string(),
                address: node.address.clone(),
            })
            .collect();
        let configured = *self.membership.log_id();
        let configuration_term = configured.as_ref().map_or(0, term_of);
        let sets = membership.get_joint_config();
        let joint = match sets.len() {
            0 | 1 => Vec::new(),
            _ => sets.iter().map(|set| set.iter().map(Uuid::to_string).collect()).collect(),
        };
        let usual = self.offset == FIRST_OFFSET && configuration_term == term && joint.is_empty();
        Meta {
            version: archive::meta::VERSION,
            id: format!("{term}-{}-{millis}", self.index()),
            index: self.index(),
            term,
            peers: Meta::encode_peers(&servers.iter().map(|server| server.address.as_str()).collect::<Vec<_>>()),
            configuration: Configuration { servers },
            configuration_index: configured.map_or(0, |id| id.index + self.offset),
            size,
            log_position: (!usual).then_some(LogPosition { offset: self.offset, configuration_term, joint }),
        }
    }

    /// The position that [`Position::to_meta`] described.
    pub fn from_meta(meta: &Meta) -> Result<Position, String> {
        let place = meta.log_position.clone().unwrap_or(LogPosition {
            offset: FIRST_OFFSET,
            configuration_term: meta.term,
            joint: Vec::new(),
        });
        let below = |index: u64| index.checked_sub(place.offset).ok_or("index below the beginning of the log");
        let uuid = |id: &str| Uuid::parse_str(id).map_err(|_| format!("server id {id:?} is no UUID"));
        let mut nodes = BTreeMap::new();
        let mut voters = BTreeSet::new();
        for server in &meta.configuration.servers {
            let id = uuid(&server.id)?;
            nodes.insert(id, ServerNode { address: server.address.clone() });
            if server.suffrage == 0 {
                voters.insert(id);
            }
        }
        let mut sets = vec![voters];
        if !place.joint.is_empty() {
            sets = place
                .joint
                .iter()
                .map(|set| set.iter().map(|id| uuid(id)).collect())
                .collect::<Result<Vec<BTreeSet<Uuid>>, String>>()?;
        }
        let membership = Membership::new(sets, nodes).map_err(|error| error.to_string())?;
        let configured = match meta.configuration_index {
            0 => None,
            index => Some(log_id(place.configuration_term, below(index)?)),
        };
        Ok(Position {
            applied: log_id(meta.term, below(meta.index)?),
            offset: place.offset,
            membership: StoredMembership::new(configured, membership),
        })
    }

    /// The same for the consensus library.
    pub fn snapshot_meta(&self) -> SnapshotMeta {
        SnapshotMeta { last_log_id: Some(self.applied), last_membership: self.membership.clone() }
    }
}

/// Where the bytes of a snapshot are.
#[derive(Clone, Debug)]
enum Place {
    File(PathBuf),
    Memory(Bytes),
}

/// A complete snapshot.
#[derive(Clone, Debug)]
pub(crate) struct StoredSnapshot {
    pub meta: Meta,
    place: Place,
}

impl StoredSnapshot {
    /// The archive from its start.
    pub fn open(&self) -> io::Result<Box<dyn Read + Send>> {
        match &self.place {
            Place::File(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) => Err(io::Error::new(error.kind(), format!("snapshot {}: {error}", path.display()))),
            },
            Place::Memory(bytes) => Ok(Box::new(io::Cursor::new(bytes.clone()))),
        }
    }

    /// The archive as a file.
    pub fn file(&self) -> io::Result<File> {
        match &self.place {
            Place::File(path) => File::open(path),
            Place::Memory(bytes) => {
                let mut file = unnamed_file(&std::env::temp_dir())?;
                file.write_all(bytes)?;
                io::Seek::rewind(&mut file)?;
                Ok(file)
            }
        }
    }

    /// Where it is, for messages.
    pub fn describe(&self) -> String {
        match &self.place {
            Place::File(path) => path.display().to_string(),
            Place::Memory(_) => format!("snapshot {} in memory", self.meta.id),
        }
    }
}

/// A file without a name in `dir`: it is gone when it is closed.
fn unnamed_file(dir: &Path) -> io::Result<File> {
    let path = dir.join(format!("tribune-{}.{TEMPORARY}", Uuid::new_v4()));
    let file = File::options().read(true).write(true).create_new(true).open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

/// The snapshots of this server.
pub(crate) struct Snapshots {
    dir: Option<PathBuf>,
    /// Oldest first.
    kept: Mutex<Vec<StoredSnapshot>>,
}

impl Snapshots {
    /// Snapshots in `dir`, or in memory. What was being written when the server stopped is removed.
    pub fn open(dir: Option<PathBuf>) -> Result<Snapshots, RaftError> {
        if let Some(dir) = &dir {
            create_dir(dir)?;
            for path in list(dir, TEMPORARY)? {
                fs::remove_file(&path).map_err(|error| RaftError::access(&path, error))?;
            }
        }
        Ok(Snapshots { dir, kept: Mutex::default() })
    }

    /// Goes through the snapshots on disk, newest first, until `restore` accepts one. A damaged one is reported and put
    /// aside under another name, never deleted.
    pub fn recover(
        &self,
        restore: impl Fn(&StoredSnapshot) -> Result<(), String>,
    ) -> Result<Option<StoredSnapshot>, RaftError> {
        let Some(dir) = &self.dir else { return Ok(None) };
        let mut found: Vec<(u64, u64, u128, PathBuf)> = list(dir, ENDING)?
            .into_iter()
            .filter_map(|path| {
                parse_id(path.file_stem()?.to_str()?).map(|(term, index, millis)| (term, index, millis, path))
            })
            .collect();
        found.sort();
        let mut newest = None;
        for (.., path) in found.into_iter().rev() {
            let usable = match read_meta(&path) {
                Ok(meta) if newest.is_some() => Ok(StoredSnapshot { meta, place: Place::File(path.clone()) }),
                Ok(meta) => {
                    let snapshot = StoredSnapshot { meta, place: Place::File(path.clone()) };
                    restore(&snapshot).map(|()| snapshot)
                }
                Err(error) => Err(error),
            };
            match usable {
                Ok(snapshot) => {
                    newest.get_or_insert_with(|| snapshot.clone());
                    self.kept.lock().insert(0, snapshot);
                }
                Err(reason) => {
                    let aside = path.with_extension(format!("{ENDING}.{DAMAGED}"));
                    tracing::error!(
                        target: "agent.server.raft",
                        "a raft snapshot is damaged; it is put aside and an older one is used with more of the log: path={} error={reason} renamed={}",
                        path.display(), aside.display()
                    );
                    fs::rename(&path, &aside).map_err(|error| RaftError::access(&path, error))?;
                }
            }
        }
        Ok(newest)
    }

    /// The newest snapshot.
    pub fn newest(&self) -> Option<StoredSnapshot> {
        self.kept.lock().last().cloned()
    }

    /// The oldest one, when all that shall be kept are there: the log is needed from here on.
    pub fn oldest_retained(&self) -> Option<StoredSnapshot> {
        let kept = self.kept.lock();
        match &self.dir {
            Some(_) if kept.len() < RETAINED => None,
            _ => kept.first().cloned(),
        }
    }

    /// Writes a snapshot. It counts once this returns.
    pub fn write(
        &self,
        meta: Meta,
        state: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<StoredSnapshot> {
        let Some(dir) = &self.dir else {
            let bytes = archive::write(Vec::new(), &meta, state)?;
            return Ok(self.keep(StoredSnapshot { meta, place: Place::Memory(bytes.into()) }));
        };
        let incoming = Incoming::new(dir, &meta.id)?;
        archive::write(&incoming.file, &meta, state)?;
        self.adopt(incoming, meta)
    }

    /// A place for a snapshot that another server sends.
    pub fn receive(&self, id: &str) -> io::Result<Receiving> {
        match &self.dir {
            Some(dir) => Ok(Receiving::File(Incoming::new(dir, &format!("{id}-received"))?)),
            None => Ok(Receiving::Memory(Vec::new())),
        }
    }

    /// Verifies what was received and keeps it.
    pub fn finish(&self, received: Receiving) -> io::Result<StoredSnapshot> {
        match received {
            Receiving::File(incoming) => {
                let meta = archive::verify(File::open(&incoming.path)?)?;
                self.adopt(incoming, meta)
            }
            Receiving::Memory(bytes) => {
                let meta = archive::verify(&bytes[..])?;
                Ok(self.keep(StoredSnapshot { meta, place: Place::Memory(bytes.into()) }))
            }
        }
    }

    /// Makes a written file durable and gives it its name.
    fn adopt(&self, mut incoming: Incoming, meta: Meta) -> io::Result<StoredSnapshot> {
        let dir = self.dir.as_ref().expect("files are only written with a directory");
        incoming.file.sync_all()?;
        let path = dir.join(format!("{}.{ENDING}", meta.id));
        fs::rename(&incoming.path, &path)?;
        incoming.named = true;
        File::open(dir)?.sync_all()?;
        Ok(self.keep(StoredSnapshot { meta, place: Place::File(path) }))
    }

    fn keep(&self, snapshot: StoredSnapshot) -> StoredSnapshot {
        let mut kept = self.kept.lock();
        kept.retain(|other| other.meta.id != snapshot.meta.id);
        kept.push(snapshot.clone());
        kept.sort_by_key(|snapshot| parse_id(&snapshot.meta.id));
        let retained = if self.dir.is_some() { RETAINED } else { 1 };
        while kept.len() > retained {
            if let Place::File(path) = &kept.remove(0).place
                && let Err(error) = fs::remove_file(path)
            {
                tracing::warn!(target: "agent.server.raft", "an old raft snapshot cannot be removed: path={} error={error}", path.display());
            }
        }
        snapshot
    }
}

/// A snapshot on its way from another server.
pub(crate) enum Receiving {
    /// To disk.
    File(Incoming),
    /// To memory.
    Memory(Vec<u8>),
}

impl Write for Receiving {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Receiving::File(incoming) => (&incoming.file).write(bytes),
            Receiving::Memory(memory) => memory.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A file under a temporary name; removed unless it gets its real one.
pub(crate) struct Incoming {
    file: File,
    path: PathBuf,
    named: bool,
}

impl Incoming {
    fn new(dir: &Path, id: &str) -> io::Result<Incoming> {
        let path = dir.join(format!("{id}-{}.{TEMPORARY}", Uuid::new_v4().simple()));
        let file = File::options().write(true).create_new(true).open(&path)?;
        Ok(Incoming { file, path, named: false })
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        if !self.named {
            // a leftover is removed at the next start
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Term, index and time of an id.
fn parse_id(id: &str) -> Option<(u64, u64, u128)> {
    let mut parts = id.split('-');
    let id = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    parts.next().is_none().then_some(id)
}

fn list(dir: &Path, ending: &str) -> Result<Vec<PathBuf>, RaftError> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir).map_err(|error| RaftError::access(dir, error))? {
        let path = entry.map_err(|error| RaftError::access(dir, error))?.path();
        if path.extension().is_some_and(|found| found == ending) {
            paths.push(path);
        }
    }
    Ok(paths)
}

/// The metadata at the beginning of an archive.
fn read_meta(path: &Path) -> Result<Meta, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    State::open(file).map(|state| state.meta().clone()).map_err(|error| error.to_string())
}
