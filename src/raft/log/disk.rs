//! The log on disk, in one sled database under `raft/log`.
//!
//! Why the odd settings: `flush` of sled 0.34 waits for its writes but neither empties the disk's cache nor writes file
//! metadata, so every commit ends with an `fdatasync` of our own on a second descriptor of the same file. Values above a
//! quarter of a segment would go to files of their own that are not synced at all; records are cut so that a whole leaf of
//! them stays below. The periodic flusher is off: it would only add flushes that nobody waits for.

use super::backend::{Change, LogBackend, LogSource, Recovered};
use super::mark::Mark;
use super::record::{self, Damage, Record};
use crate::raft::RaftError;
use crate::raft::codec::{self, Reader};
use crate::raft::engine::{Entry, LogId};
use crate::telemetry::metrics::Sample;
use bytes::{Bytes, BytesMut};
use parking_lot::RwLock;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Time until a group of changes is on the disk.
static WRITE: Sample = Sample::new("raft.log.write");

/// A leaf holds up to 17 records before it splits; a quarter of this must exceed that.
const SEGMENT: usize = 1 << 20;
const _: () = assert!(17 * (record::BODY_MAX + 128) < SEGMENT / 4 - 64);
/// Memory that sled may use for pages.
const CACHE: u64 = 8 << 20;
/// Below this much free space the log is not written any more: sled does not survive a failed write.
const SPACE_RESERVE: u64 = 8 << 20;
/// Records that one round of purging removes, so that commits do not wait long behind it.
const PURGE_ROUND: usize = 256;

const VOTE: &[u8] = b"m/vote";
const PURGED: &[u8] = b"m/purged";

/// The database, replaced when it had to be opened again.
struct Shared {
    dir: PathBuf,
    db: RwLock<Option<sled::Db>>,
}

/// The log on disk.
pub(crate) struct DiskLog {
    shared: Arc<Shared>,
    /// Second descriptor of sled's file, for `fdatasync`.
    file: File,
    mark: Mark,
    /// Records below this index wait for their removal.
    purge_below: u64,
    /// An earlier commit failed; the database must be opened again.
    failed: bool,
}

fn sled_error(error: sled::Error) -> io::Error {
    match error {
        sled::Error::Io(error) => error,
        other => io::Error::other(other.to_string()),
    }
}

/// How long a taken lock is asked for again: a child that was just forked keeps a copy of every descriptor until it
/// executes its program, so a lock may outlive its owner for an instant.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

fn open_db(dir: &Path) -> Result<sled::Db, RaftError> {
    let start = Instant::now();
    loop {
        match try_open_db(dir) {
            Err(RaftError::InUse(_)) if start.elapsed() < LOCK_PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            outcome => return outcome,
        }
    }
}

fn try_open_db(dir: &Path) -> Result<sled::Db, RaftError> {
    let config = sled::Config::new()
        .path(dir)
        .segment_size(SEGMENT)
        .cache_capacity(CACHE)
        .flush_every_ms(None)
        .use_compression(false)
        .mode(sled::Mode::HighThroughput);
    // sled asserts on what it reads: a damaged file must end in a message, not in a panic
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| config.open())) {
        Ok(Ok(db)) => Ok(db),
        Ok(Err(sled::Error::Io(error))) if error.to_string().contains("could not acquire lock") => {
            Err(RaftError::InUse(dir.to_owned()))
        }
        Ok(Err(sled::Error::Io(error))) => Err(RaftError::access(dir, error)),
        Ok(Err(error)) => Err(RaftError::corrupt(&dir.join("db"), error.to_string())),
        Err(_) => Err(RaftError::corrupt(&dir.join("db"), "the database under the log cannot be read")),
    }
}

/// Creates `dir` and its parents and makes their names durable.
pub(crate) fn create_dir(dir: &Path) -> Result<(), RaftError> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir).map_err(|error| RaftError::access(dir, error))?;
    for parent in dir.ancestors().skip(1).take(3).filter(|parent| !parent.as_os_str().is_empty()) {
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(|error| RaftError::access(parent, error))?;
    }
    Ok(())
}

impl DiskLog {
    /// Opens or creates the log in `dir` and verifies every record of it. The newest entries up to `cache` bytes are handed
    /// out.
    pub fn open(dir: &Path, cache: usize) -> Result<(DiskLog, Recovered), RaftError> {
        create_dir(dir)?;
        let db = open_db(dir)?;
        let path = dir.join("db");
        let file = File::options().write(true).open(&path).map_err(|error| RaftError::access(&path, error))?;
        file.sync_all().map_err(|error| RaftError::access(&path, error))?;
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| RaftError::access(dir, error))?;
        let mut mark = Mark::open(&dir.join("end"))?;
        let recovered = recover(&db, &path, cache, &mark)?;
        mark.lower(recovered.last).map_err(|error| RaftError::access(&dir.join("end"), error))?;
        let purge_below = recovered.purged.map_or(0, |purged| purged.index + 1);
        let shared = Arc::new(Shared { dir: dir.to_owned(), db: RwLock::new(Some(db)) });
        Ok((DiskLog { shared, file, mark, purge_below, failed: false }, recovered))
    }

    /// Sled stays unusable after a failed write; opening it again keeps what had been written.
    fn reopen(&mut self) -> io::Result<()> {
        let mut db = self.shared.db.write();
        drop(db.take());
        *db = Some(open_db(&self.shared.dir)?);
        self.file = File::options().write(true).open(self.shared.dir.join("db"))?;
        self.failed = false;
        Ok(())
    }

    fn write(&mut self, changes: &[Change], committed: Option<LogId>) -> io::Result<()> {
        let db = self.shared.db()?;
        let (mut last, mut vote) = (self.mark.last, self.mark.vote);
        let mut run: Vec<Entry> = Vec::new();
        let insert_run = |run: &mut Vec<Entry>| -> io::Result<()> {
            for (key, value) in record::pack(run, committed) {
                db.insert(key, value).map_err(sled_error)?;
            }
            run.clear();
            Ok(())
        };
        for change in changes {
            match change {
                Change::Append(entries) => {
                    run.extend_from_slice(entries);
                    last = entries.last().map(|entry| entry.log_id).or(last);
                }
                Change::Vote(new) => {
                    insert_run(&mut run)?;
                    db.insert(VOTE, codec::encode_vote(new)).map_err(sled_error)?;
                    vote = Some(*new);
                }
                Change::TruncateAfter(new) => {
                    insert_run(&mut run)?;
                    last = *new;
                    if self.mark.last > last {
                        self.mark.lower(last)?;
                    }
                    truncate(&db, &self.shared.dir, last.map(|last| last.index), committed)?;
                }
                Change::Purge(upto) => {
                    insert_run(&mut run)?;
                    let mut value = vec![1];
                    codec::put_log_id(&mut value, upto);
                    db.insert(PURGED, value).map_err(sled_error)?;
                    last = last.max(Some(*upto));
                    self.purge_below = self.purge_below.max(upto.index + 1);
                }
            }
        }
        insert_run(&mut run)?;
        db.flush().map_err(sled_error)?;
        self.file.sync_data()?;
        self.mark.write(last, vote)
    }
}

impl Drop for DiskLog {
    /// Closes the database although readers may still hold on to it: the directory is free from here on.
    fn drop(&mut self) {
        drop(self.shared.db.write().take());
    }
}

impl Shared {
    fn db(&self) -> io::Result<sled::Db> {
        self.db.read().clone().ok_or_else(|| io::Error::other("the raft log is closed"))
    }
}

impl LogBackend for DiskLog {
    fn commit(&mut self, changes: &[Change], committed: Option<LogId>) -> io::Result<()> {
        let started = Instant::now();
        if self.failed {
            self.reopen()?;
        }
        let result = self.write(changes, committed);
        self.failed = result.is_err();
        WRITE.since(started);
        result
    }

    fn tidy(&mut self) -> io::Result<bool> {
        if self.purge_below == 0 || self.failed {
            return Ok(false);
        }
        let db = self.shared.db()?;
        let below = record::key(self.purge_below, 0);
        let keys: Vec<_> = db
            .range(record::key(0, 0)..below)
            .keys()
            .take(PURGE_ROUND + 1)
            .collect::<Result<_, _>>()
            .map_err(sled_error)?;
        // the last record may reach past the purged entries: it goes when the next one starts at or before them
        let next = db.range(below..record::key(u64::MAX, u32::MAX)).next().transpose().map_err(sled_error)?;
        let next_is_adjacent =
            next.and_then(|(key, _)| record::parse_key(&key)).is_some_and(|(first, _)| first == self.purge_below);
        let whole = if keys.len() > PURGE_ROUND || next_is_adjacent { keys.len() } else { last_record(&keys) };
        for key in keys.iter().take(whole.min(PURGE_ROUND)) {
            db.remove(key).map_err(sled_error)?;
        }
        let more = keys.len() > PURGE_ROUND;
        if !more {
            self.purge_below = 0;
        }
        Ok(more)
    }

    fn has_space(&self) -> bool {
        free_space(&self.shared.dir).is_none_or(|free| free >= SPACE_RESERVE)
    }

    fn source(&self) -> Arc<dyn LogSource> {
        self.shared.clone()
    }

    fn path(&self) -> PathBuf {
        self.shared.dir.clone()
    }
}

/// Position of the first part of the last record among `keys`.
fn last_record(keys: &[sled::IVec]) -> usize {
    let first = |key: &sled::IVec| record::parse_key(key).map(|(first, _)| first);
    let last = keys.last().and_then(first);
    keys.iter().position(|key| first(key) == last).unwrap_or(0)
}

/// Bytes that an unprivileged writer may still use in the file system of `dir`.
pub(crate) fn free_space(dir: &Path) -> Option<u64> {
    let stat = nix::sys::statvfs::statvfs(dir).ok()?;
    Some(stat.blocks_available() as u64 * stat.fragment_size() as u64)
}

/// Key range of all records.
fn records() -> Range<[u8; 13]> {
    record::key(0, 0)..record::key(u64::MAX, u32::MAX)
}

fn damaged(dir: &Path, first: u64, damage: Damage) -> io::Error {
    let reason = describe(first, damage);
    RaftError::corrupt(&dir.join("db"), reason).into()
}

fn describe(first: u64, damage: Damage) -> String {
    match damage {
        Damage::Incomplete => format!("the record of raft entry {first} is cut short"),
        Damage::Corrupt(what) => format!("the record of raft entry {first} cannot be used: {what}"),
    }
}

/// A record put together from its parts.
struct Whole {
    first: u64,
    parts: u32,
    commit: Option<LogId>,
    entries: Vec<Entry>,
}

/// A record of which more parts are to come.
struct Parts {
    first: u64,
    count: u32,
    entries: u32,
    commit: Option<LogId>,
    body: BytesMut,
}

/// Walks the records of `range` in order.
fn walk(
    db: &sled::Db,
    range: Range<[u8; 13]>,
    mut visit: impl FnMut(u64, Result<Whole, Damage>) -> io::Result<bool>,
) -> io::Result<()> {
    let mut open: Option<Parts> = None;
    for item in db.range(range) {
        let (key, value) = item.map_err(sled_error)?;
        let Some((first, part)) = record::parse_key(&key) else { continue };
        let parsed = Record::parse(&key, &value);
        let cut = open.as_ref().filter(|parts| (parts.first, parts.count) != (first, part)).map(|parts| parts.first);
        if let Some(begun) = cut {
            open = None;
            if !visit(begun, Err(Damage::Incomplete))? {
                return Ok(());
            }
        }
        let record = match parsed {
            Ok(record) => record,
            Err(damage) => {
                open = None;
                if !visit(first, Err(damage))? {
                    return Ok(());
                }
                continue;
            }
        };
        let mut parts = match open.take() {
            Some(parts) => parts,
            None if part == 0 => {
                Parts { first, count: 0, entries: record.count, commit: record.commit, body: BytesMut::new() }
            }
            None => {
                if !visit(first, Err(Damage::Corrupt("its beginning is missing")))? {
                    return Ok(());
                }
                continue;
            }
        };
        parts.count += 1;
        parts.body.extend_from_slice(&record.body);
        if record.more {
            open = Some(parts);
            continue;
        }
        let Parts { count, entries, commit, body, .. } = parts;
        let whole =
            record::unpack(body.freeze(), entries).map(|entries| Whole { first, parts: count, commit, entries });
        if !visit(first, whole)? {
            return Ok(());
        }
    }
    match open {
        Some(parts) => visit(parts.first, Err(Damage::Incomplete)).map(drop),
        None => Ok(()),
    }
}

/// Verifies everything and finds where the log begins and ends.
fn recover(db: &sled::Db, path: &Path, cache: usize, mark: &Mark) -> Result<Recovered, RaftError> {
    let access = |error: sled::Error| RaftError::corrupt(path, error.to_string());
    let malformed = |error: codec::Malformed| RaftError::corrupt(path, error.to_string());
    let mut found = Recovered::default();
    if let Some(value) = db.get(VOTE).map_err(access)? {
        found.vote = Some(codec::get_vote(&mut Reader(Bytes::copy_from_slice(&value))).map_err(malformed)?);
    }
    if let Some(value) = db.get(PURGED).map_err(access)? {
        let mut from = Reader(Bytes::copy_from_slice(&value));
        from.version().map_err(malformed)?;
        found.purged = Some(from.log_id().map_err(malformed)?);
    }
    found.last = found.purged;
    let mut cached = 0;
    let mut tail = std::collections::VecDeque::new();
    let mut broken: Option<(u64, Damage)> = None;
    walk(db, records(), |first, whole| {
        if let Some((bad, damage)) = broken {
            // something follows it, so it was written and synced before
            return Err(RaftError::corrupt(path, describe(bad, damage)).into());
        }
        let whole = match whole {
            Ok(whole) => whole,
            Err(damage) => {
                broken = Some((first, damage));
                return Ok(true);
            }
        };
        found.committed = found.committed.max(whole.commit);
        for entry in whole.entries {
            let index = entry.log_id.index;
            if found.purged.is_some_and(|purged| index <= purged.index) {
                continue;
            }
            let expected = found.last.map_or(0, |last| last.index + 1);
            if index != expected {
                return Err(
                    RaftError::corrupt(path, format!("raft entry {expected} is missing, {index} follows")).into()
                );
            }
            found.last = Some(entry.log_id);
            cached += codec::entry_size(&entry);
            tail.push_back(entry);
            while cached > cache {
                cached -= tail.pop_front().map_or(cached, |entry: Entry| codec::entry_size(&entry));
            }
        }
        Ok(true)
    })
    .map_err(|error| RaftError::Engine(error.to_string()))?;
    found.tail = tail.into();
    drop_torn_end(db, path, &found, mark.last.max(found.committed), broken)?;
    if mark.vote.is_some_and(|vote| found.vote.is_none_or(|found| found.leader_id.term < vote.leader_id.term)) {
        return Err(RaftError::corrupt(path, "it holds an older vote than this server gave"));
    }
    Ok(found)
}

/// The last record may be one whose write was cut off: it was never acknowledged and goes. Anything else is damage.
fn drop_torn_end(
    db: &sled::Db,
    path: &Path,
    found: &Recovered,
    acknowledged: Option<LogId>,
    broken: Option<(u64, Damage)>,
) -> Result<(), RaftError> {
    let acknowledged = acknowledged.map(|last| last.index);
    if let Some((first, damage)) = broken {
        if damage != Damage::Incomplete || Some(first) <= acknowledged {
            return Err(RaftError::corrupt(path, describe(first, damage)));
        }
        tracing::warn!(
            target: "agent.server.raft",
            "the last record of the raft log was not written to its end and never acknowledged: it is dropped: path={} index={first}",
            path.display()
        );
        for key in db.range(record::key(first, 0)..records().end).keys() {
            let key = key.map_err(|error| RaftError::corrupt(path, error.to_string()))?;
            db.remove(key).map_err(|error| RaftError::corrupt(path, error.to_string()))?;
        }
    }
    let last = found.last.map(|last| last.index);
    match acknowledged {
        Some(acknowledged) if last < Some(acknowledged) => {
            let last = last.map_or("there is no raft entry".into(), |last| format!("the last raft entry is {last}"));
            Err(RaftError::corrupt(path, format!("{last}, but {acknowledged} had been acknowledged")))
        }
        _ => Ok(()),
    }
}

/// Removes every entry behind `last`, from the end backward, so that no crash leaves a hole.
fn truncate(db: &sled::Db, dir: &Path, last: Option<u64>, committed: Option<LogId>) -> io::Result<()> {
    let from = last.map_or(0, |last| last + 1);
    let doomed: Vec<_> =
        db.range(record::key(from, 0)..records().end).keys().collect::<Result<_, _>>().map_err(sled_error)?;
    for key in doomed.iter().rev() {
        db.remove(key).map_err(sled_error)?;
    }
    let Some(last) = last else { return Ok(()) };
    let Some(first) = record_of(db, last)? else { return Ok(()) };
    walk(db, record::key(first, 0)..record::key(last, u32::MAX), |first, whole| {
        let whole = whole.map_err(|damage| damaged(dir, first, damage))?;
        if whole.entries.last().is_none_or(|entry| entry.log_id.index <= last) {
            return Ok(true);
        }
        let keep: Vec<_> = whole.entries.into_iter().filter(|entry| entry.log_id.index <= last).collect();
        for (key, value) in record::pack(&keep, committed.or(whole.commit)) {
            db.insert(key, value).map_err(sled_error)?;
        }
        debug_assert!(whole.parts == 1 && whole.first == first, "only single entries are cut into parts");
        Ok(true)
    })
}

/// First index of the record that holds `index`.
fn record_of(db: &sled::Db, index: u64) -> io::Result<Option<u64>> {
    let found =
        db.range(record::key(0, 0)..=record::key(index, u32::MAX)).next_back().transpose().map_err(sled_error)?;
    Ok(found.and_then(|(key, _)| record::parse_key(&key)).map(|(first, _)| first))
}

impl LogSource for Shared {
    fn read(&self, from: u64, to: u64) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        if from >= to {
            return Ok(entries);
        }
        let db = self.db()?;
        let first = record_of(&db, from)?.unwrap_or(from);
        walk(&db, record::key(first, 0)..record::key(to, 0), |first, whole| {
            let whole = whole.map_err(|damage| damaged(&self.dir, first, damage))?;
            entries.extend(whole.entries.into_iter().filter(|entry| (from..to).contains(&entry.log_id.index)));
            Ok(true)
        })?;
        if entries.len() as u64 != to - from {
            let reason = format!("raft entries {from} to {} are not all there", to - 1);
            return Err(RaftError::corrupt(&self.dir.join("db"), reason).into());
        }
        Ok(entries)
    }
}
