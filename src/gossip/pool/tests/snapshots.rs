//! The record of a pool on disk (`spec/gossip.md` 4.7).

use crate::gossip::pool::snapshot::{Record, Snapshot, State};
use crate::gossip::serf::{Clocks, Logger};
use std::path::Path;

fn open(path: &Path, rejoin: bool) -> Snapshot {
    Snapshot::open(path, rejoin, Logger::ServerLan).unwrap()
}

fn alive(name: &str, address: &str) -> Record {
    Record::Alive(name.into(), address.into())
}

fn names(state: &State) -> Vec<&str> {
    state.alive.keys().map(String::as_str).collect()
}

/// The lines that a client agent of the reference wrote, which then left.
const RECORDED: &str = "alive: cli1 127.0.0.1:25401\nalive: srv1 127.0.0.1:25301\nclock: 1\nevent-clock: 2\n\
    alive: fake1 127.0.0.1:25600\nevent-clock: 5\nquery-clock: 3\nquery-clock: 4\nclock: 9\nnot-alive: fake1\nclock: 20\n\
    clock: 21\nclock: 22\nclock: 23\nleave\nclock: 24\n";

#[test]
fn a_recorded_file_is_replayed() {
    let (state, strange) = State::replay(RECORDED, true);
    assert_eq!(names(&state), ["cli1", "srv1"]);
    assert_eq!(state.clocks, Clocks { member: 24, event: 5, query: 4 });
    assert!(strange.is_empty());
    let (state, _) = State::replay(RECORDED, false);
    assert_eq!((names(&state), state.clocks), (vec![], Clocks { member: 24, event: 0, query: 0 }));
}

#[test]
fn strange_lines_are_told_and_half_lines_ignored() {
    let text = "# comment\ncoordinate: {}\nalive: a b 10.0.0.1:8301\nalive: x\nclock: many\nwhat\nalive: c 10.0.0.2:83";
    let (state, strange) = State::replay(text, false);
    assert_eq!(state.alive.get("a b").map(String::as_str), Some("10.0.0.1:8301"));
    assert_eq!(names(&state), ["a b"]);
    assert_eq!(strange, ["alive: x", "clock: many", "what"]);
}

#[test]
fn the_file_grows_by_what_is_new() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("serf/local.snapshot");
    let mut snapshot = open(&path, false);
    snapshot.append(&[alive("a", "127.0.0.1:1"), Record::Clock(1), alive("b\n", "127.0.0.1:2")]);
    snapshot.append(&[Record::EventClock(2), Record::EventClock(2), Record::Clock(1), Record::QueryClock(1)]);
    snapshot.append(&[Record::NotAlive("a".into()), Record::Clock(4)]);
    snapshot.append(&[Record::Leave, alive("c", "127.0.0.1:3"), Record::EventClock(9), Record::Clock(5)]);
    let lines =
        "alive: a 127.0.0.1:1\nclock: 1\nevent-clock: 2\nquery-clock: 1\nnot-alive: a\nclock: 4\nleave\nclock: 5\n";
    assert_eq!(std::fs::read_to_string(&path).unwrap(), lines);
}

#[test]
fn a_line_that_was_cut_short_does_not_swallow_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("local.snapshot");
    std::fs::write(&path, "alive: a 127.0.0.1:1\nalive: b 127.0").unwrap();
    open(&path, false).append(&[alive("c", "127.0.0.1:3")]);
    assert_eq!(names(open(&path, false).state()), ["a", "c"]);
}

#[test]
fn a_file_that_has_grown_is_rewritten() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("local.snapshot");
    let mut snapshot = open(&path, false);
    snapshot.append(&[alive("a", "127.0.0.1:1"), Record::EventClock(7)]);
    let records: Vec<Record> = (1..20_000).map(Record::Clock).collect();
    snapshot.append(&records);
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text, "alive: a 127.0.0.1:1\nclock: 19999\nevent-clock: 7\nquery-clock: 0\n");
    snapshot.append(&[alive("b", "127.0.0.1:2")]);
    assert_eq!(names(open(&path, false).state()), ["a", "b"]);
}

#[test]
fn a_disk_that_comes_back_gets_the_whole_record() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("serf").join("local.snapshot");
    let mut snapshot = open(&path, false);
    snapshot.append(&[alive("a", "127.0.0.1:1")]);
    // Rewriting is due, but the directory is gone; then it is back.
    std::fs::remove_dir_all(path.parent().unwrap()).unwrap();
    snapshot.append(&(1..20_000).map(Record::Clock).collect::<Vec<_>>());
    assert!(!path.exists());
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    snapshot.append(&[alive("b", "127.0.0.1:2")]);
    assert_eq!(names(open(&path, false).state()), ["a", "b"]);
}
