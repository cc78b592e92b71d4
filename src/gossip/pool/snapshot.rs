//! The record of members and clocks that a pool finds at its next start (`spec/gossip.md` 4.7).
//!
//! An append-only text file, one record per line, rewritten when it has grown too far.

use crate::gossip::serf::{Clocks, Event, Layer, Logger, Member};
use crate::telemetry::metrics;
use crate::types::error::os_text;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Size up to which a file is never rewritten, bytes.
const MIN_COMPACT_SIZE: u64 = 128 * 1024;
/// Estimated size of a member's record, bytes.
const BYTES_PER_NODE: u64 = 128;
/// How many times its smallest form a file may be.
const COMPACT_FACTOR: u64 = 2;
/// Time between tries to get out of an error by rewriting.
const RECOVERY_INTERVAL: Duration = Duration::from_secs(30);
/// Largest file that is read back, bytes; far beyond what rewriting leaves.
const MAX_FILE: u64 = 256 << 20;

/// One thing to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A member is alive.
    Alive(String, String),
    /// A member is not.
    NotAlive(String),
    /// Member clock.
    Clock(u64),
    /// Newest user event.
    EventClock(u64),
    /// Newest query.
    QueryClock(u64),
    /// This node leaves.
    Leave,
}

impl Record {
    /// The records of an event.
    pub fn of(event: &Event) -> Vec<Record> {
        let gone = |members: &[_]| {
            members.iter().map(|member: &std::sync::Arc<Member>| Record::NotAlive(member.name.clone())).collect()
        };
        match event {
            Event::Join(members) => {
                members.iter().map(|member| Record::Alive(member.name.clone(), member.socket().to_string())).collect()
            }
            Event::Leave(members) | Event::Failed(members) => gone(members),
            Event::User(event) => vec![Record::EventClock(event.ltime)],
            Event::Query(query) => vec![Record::QueryClock(query.ltime)],
            Event::Update(_) | Event::Reap(_) => Vec::new(),
        }
    }

    /// Recorded even after a leave.
    fn survives_leave(&self) -> bool {
        matches!(self, Record::Clock(_))
    }
}

/// Members and clocks as the file tells them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Address by name.
    pub alive: BTreeMap<String, String>,
    /// Clocks.
    pub clocks: Clocks,
}

impl State {
    /// Reads records; an incomplete last line is ignored, and those that mean nothing are returned.
    pub fn replay(text: &str, rejoin_after_leave: bool) -> (State, Vec<String>) {
        let mut state = State::default();
        let mut strange = Vec::new();
        let complete = text.rfind('\n').map_or("", |end| &text[..end]);
        for line in complete.lines() {
            if !state.read(line, rejoin_after_leave) {
                strange.push(line.to_owned());
            }
        }
        (state, strange)
    }

    fn read(&mut self, line: &str, rejoin_after_leave: bool) -> bool {
        if line == "leave" {
            if !rejoin_after_leave {
                *self = State::default();
            }
            return true;
        }
        let Some((kind, value)) = line.split_once(": ") else { return line.starts_with('#') };
        let clock = match kind {
            "alive" => {
                let Some((name, address)) = value.rsplit_once(' ') else { return false };
                self.alive.insert(name.to_owned(), address.to_owned());
                return true;
            }
            "not-alive" => {
                self.alive.remove(value);
                return true;
            }
            "clock" => &mut self.clocks.member,
            "event-clock" => &mut self.clocks.event,
            "query-clock" => &mut self.clocks.query,
            "coordinate" => return true,
            _ => return line.starts_with('#'),
        };
        let Ok(time) = value.parse() else { return false };
        *clock = time;
        true
    }

    /// Takes a record in and appends its line; what is known already needs none.
    fn take(&mut self, record: &Record, lines: &mut String) {
        if let Record::Alive(name, _) | Record::NotAlive(name) = record
            && name.contains(['\n', '\r'])
        {
            return;
        }
        let newer = |seen: &mut u64, time: u64| time > *seen && std::mem::replace(seen, time) != time;
        let written = match record {
            Record::Alive(name, address) => {
                self.alive.insert(name.clone(), address.clone());
                writeln!(lines, "alive: {name} {address}")
            }
            Record::NotAlive(name) => {
                self.alive.remove(name);
                writeln!(lines, "not-alive: {name}")
            }
            Record::Clock(time) if newer(&mut self.clocks.member, *time) => writeln!(lines, "clock: {time}"),
            Record::EventClock(time) if newer(&mut self.clocks.event, *time) => writeln!(lines, "event-clock: {time}"),
            Record::QueryClock(time) if newer(&mut self.clocks.query, *time) => writeln!(lines, "query-clock: {time}"),
            Record::Leave => writeln!(lines, "leave"),
            Record::Clock(_) | Record::EventClock(_) | Record::QueryClock(_) => Ok(()),
        };
        written.expect("a string takes everything");
    }

    /// The shortest file that says the same.
    fn compact(&self) -> String {
        let mut text = String::new();
        for (name, address) in &self.alive {
            writeln!(text, "alive: {name} {address}").expect("a string takes everything");
        }
        let Clocks { member, event, query } = self.clocks;
        writeln!(text, "clock: {member}\nevent-clock: {event}\nquery-clock: {query}")
            .expect("a string takes everything");
        text
    }
}

/// The file of a running pool. Its methods touch the disk.
#[derive(Debug)]
pub struct Snapshot {
    path: PathBuf,
    file: File,
    size: u64,
    state: State,
    rejoin_after_leave: bool,
    leaving: bool,
    last_recovery: Option<Instant>,
    log: Logger,
}

impl Snapshot {
    /// Opens the file, creates it when it is missing, and reads it back.
    ///
    /// # Errors
    /// It cannot be opened or read.
    pub fn open(path: &Path, rejoin_after_leave: bool, log: Logger) -> io::Result<Snapshot> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)?;
        }
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path)?;
        let mut bytes = Vec::new();
        (&mut file).take(MAX_FILE).read_to_end(&mut bytes)?;
        let (state, strange) = State::replay(&String::from_utf8_lossy(&bytes), rejoin_after_leave);
        for line in strange {
            log.warn(Layer::Serf, format_args!("Unrecognized snapshot line: {line}"));
        }
        // A line that was cut short would swallow the next record.
        let size = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end as u64 + 1);
        if size < bytes.len() as u64 {
            file.set_len(size)?;
        }
        let path = path.to_owned();
        Ok(Snapshot { path, file, size, state, rejoin_after_leave, leaving: false, last_recovery: None, log })
    }

    /// What the file told.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Records what happened. An error of the disk is logged; the file is then rewritten from memory, now and then, until
    /// that works.
    pub fn append(&mut self, records: &[Record]) {
        let started = Instant::now();
        let mut lines = String::new();
        let mut sync = false;
        for record in records {
            if self.leaving && !record.survives_leave() {
                continue;
            }
            self.state.take(record, &mut lines);
            if *record == Record::Leave {
                self.leaving = true;
                sync = true;
                if !self.rejoin_after_leave {
                    self.state.alive.clear();
                }
            }
        }
        if lines.is_empty() {
            return;
        }
        let written = self.write(lines.as_bytes(), sync);
        metrics::measure_since("serf.snapshot.appendLine", started);
        if let Err(error) = written {
            self.log.error(Layer::Serf, format_args!("Failed to update snapshot: {}", os_text(&error)));
            self.recover();
        }
    }

    fn write(&mut self, lines: &[u8], sync: bool) -> io::Result<()> {
        self.file.write_all(lines)?;
        self.size += lines.len() as u64;
        if sync {
            self.file.sync_all()?;
        }
        let smallest = BYTES_PER_NODE * self.state.alive.len() as u64;
        if self.size > MIN_COMPACT_SIZE.max(COMPACT_FACTOR * smallest) { self.compact() } else { Ok(()) }
    }

    fn recover(&mut self) {
        if self.last_recovery.is_some_and(|last| last.elapsed() < RECOVERY_INTERVAL) {
            return;
        }
        self.last_recovery = Some(Instant::now());
        self.log.info(Layer::Serf, format_args!("Attempting compaction to recover from error..."));
        match self.compact() {
            Ok(()) => {
                let text = format_args!("Finished compaction, successfully recovered from error state");
                self.log.info(Layer::Serf, text);
            }
            Err(error) => {
                let text = format_args!("Compaction failed, will reattempt after {RECOVERY_INTERVAL:?}: {error}");
                self.log.error(Layer::Serf, text);
            }
        }
    }

    /// Replaces the file by its shortest form.
    fn compact(&mut self) -> io::Result<()> {
        let started = Instant::now();
        let mut other = self.path.clone().into_os_string();
        other.push(".compact");
        let text = self.state.compact();
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&other)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&other, &self.path)?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.size = text.len() as u64;
        metrics::measure_since("serf.snapshot.compact", started);
        Ok(())
    }
}
