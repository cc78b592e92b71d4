//! The log on disk: what comes back after a crash, a torn end, damage in the middle, a second process.

use super::backend::{Change, LogBackend, LogSource, Recovered};
use super::disk::DiskLog;
use super::record::{self, Damage, Record};
use super::*;
use crate::raft::RaftError;
use crate::raft::engine::{Payload, Proposal, ProposalKind, log_id};
use bytes::Bytes;
use openraft::impls::leader_id_std::LeaderId;
use openraft::type_config::TypeConfigExt;
use std::path::Path;
use uuid::Uuid;

fn entry(term: u64, index: u64, size: usize) -> Entry {
    let bytes = Bytes::from(vec![(index % 251) as u8; size]);
    Entry { log_id: log_id(term, index), payload: Payload::Normal(Proposal::encoded(ProposalKind::Command, bytes)) }
}

fn entries(term: u64, range: std::ops::Range<u64>, size: usize) -> Vec<Entry> {
    range.map(|index| entry(term, index, size)).collect()
}

fn vote(term: u64) -> Vote {
    Vote { leader_id: LeaderId { term, voted_for: Uuid::from_u128(5) }, committed: true }
}

fn open(dir: &Path) -> (DiskLog, Recovered) {
    DiskLog::open(dir, CACHE_BYTES).unwrap()
}

/// Tries until no process holds the lock of the directory: a child that another test has just forked keeps a copy of every
/// descriptor until it executes its program, so a lock may outlive its owner for an instant.
fn when_free<T, E: std::fmt::Display>(mut attempt: impl FnMut() -> Result<T, E>) -> Result<T, E> {
    let start = std::time::Instant::now();
    loop {
        match attempt() {
            Err(error) if start.elapsed().as_secs() < 10 && error.to_string().contains("could not acquire lock") => {
                std::thread::yield_now()
            }
            outcome => return outcome,
        }
    }
}

/// Index, term and payload length of each entry.
fn shape(entries: &[Entry]) -> Vec<(u64, u64, usize)> {
    let len = |entry: &Entry| match &entry.payload {
        Payload::Normal(proposal) => {
            assert!(proposal.bytes.iter().all(|byte| *byte == (entry.log_id.index % 251) as u8));
            proposal.bytes.len()
        }
        _ => 0,
    };
    entries.iter().map(|entry| (entry.log_id.index, entry.log_id.leader_id.term, len(entry))).collect()
}

fn expected(term: u64, range: std::ops::Range<u64>, size: usize) -> Vec<(u64, u64, usize)> {
    range.map(|index| (index, term, size)).collect()
}

/// Changes the stored record of a key by hand.
fn tamper(dir: &Path, key: &[u8], change: impl FnOnce(&mut Vec<u8>) -> bool) {
    let db = when_free(|| sled::Config::new().path(dir).segment_size(1 << 20).open()).unwrap();
    let mut value = db.get(key).unwrap().expect("the record is there").to_vec();
    match change(&mut value) {
        true => db.insert(key, value).map(drop).unwrap(),
        false => db.remove(key).map(drop).unwrap(),
    }
    db.flush().unwrap();
}

#[test]
fn what_was_committed_is_there_after_the_process_is_gone() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, found) = open(dir.path());
    assert!(found.last.is_none() && found.vote.is_none());
    log.commit(&[Change::Vote(vote(3)), Change::Append(entries(3, 0..100, 64))], None).unwrap();
    log.commit(&[Change::Append(entries(3, 100..101, 64))], Some(log_id(3, 99))).unwrap();
    drop(log);
    let (log, found) = open(dir.path());
    assert_eq!(found.vote, Some(vote(3)));
    assert_eq!(found.committed, Some(log_id(3, 99)));
    assert_eq!(found.last, Some(log_id(3, 100)));
    assert_eq!(shape(&found.tail), expected(3, 0..101, 64));
    assert_eq!(shape(&log.source().read(40, 60).unwrap()), expected(3, 40..60, 64));
}

#[test]
fn large_and_small_entries_share_a_log() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = open(dir.path());
    let sizes = [10, record::BODY_MAX * 3, 5, record::BODY_MAX, 0, 900_000, 7];
    let all: Vec<_> = sizes.iter().enumerate().map(|(index, size)| entry(1, index as u64, *size)).collect();
    log.commit(&[Change::Append(all)], None).unwrap();
    drop(log);
    let (log, found) = open(dir.path());
    let lens: Vec<_> = shape(&found.tail).into_iter().map(|(.., len)| len).collect();
    assert_eq!(lens, sizes);
    for index in 0..sizes.len() as u64 {
        assert_eq!(shape(&log.source().read(index, index + 1).unwrap())[0].2, sizes[index as usize]);
    }
    // nothing may go to files that the store never syncs
    assert_eq!(std::fs::read_dir(dir.path().join("blobs")).unwrap().count(), 0);
}

#[test]
fn many_full_records_stay_in_the_synced_file() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = open(dir.path());
    for batch in 0..300 {
        log.commit(&[Change::Append(entries(1, batch * 40..batch * 40 + 40, 280))], None).unwrap();
    }
    assert_eq!(std::fs::read_dir(dir.path().join("blobs")).unwrap().count(), 0);
}

#[test]
fn truncation_rewrites_the_record_that_it_cuts() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = open(dir.path());
    log.commit(&[Change::Append(entries(1, 0..10, 16)), Change::TruncateAfter(Some(log_id(1, 4)))], None).unwrap();
    log.commit(&[Change::Append(entries(2, 5..8, 32))], None).unwrap();
    drop(log);
    let (mut log, found) = open(dir.path());
    let mut both = expected(1, 0..5, 16);
    both.extend(expected(2, 5..8, 32));
    assert_eq!(shape(&found.tail), both);
    log.commit(&[Change::TruncateAfter(None)], None).unwrap();
    drop(log);
    assert!(open(dir.path()).1.last.is_none());
}

#[test]
fn purging_keeps_what_is_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = open(dir.path());
    for batch in 0..1000 {
        log.commit(&[Change::Append(entries(1, batch * 3..batch * 3 + 3, 8))], None).unwrap();
    }
    log.commit(&[Change::Purge(log_id(1, 2000))], None).unwrap();
    while log.tidy().unwrap() {}
    log.commit(&[Change::Append(entries(1, 3000..3001, 8))], None).unwrap();
    drop(log);
    let (log, found) = open(dir.path());
    assert_eq!((found.purged, found.last), (Some(log_id(1, 2000)), Some(log_id(1, 3000))));
    assert_eq!(shape(&found.tail), expected(1, 2001..3001, 8));
    assert_eq!(shape(&log.source().read(2001, 2003).unwrap()), expected(1, 2001..2003, 8));
    drop(log);
    let db = when_free(|| sled::Config::new().path(dir.path()).segment_size(1 << 20).open()).unwrap();
    assert_eq!(db.scan_prefix(b"e").count(), 334);
}

#[test]
fn a_purge_beyond_the_end_starts_the_log_anew() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = open(dir.path());
    log.commit(&[Change::Append(entries(1, 0..5, 8)), Change::Purge(log_id(4, 90))], None).unwrap();
    log.commit(&[Change::Append(entries(4, 91..93, 8))], None).unwrap();
    drop(log);
    let (_, found) = open(dir.path());
    assert_eq!((found.purged, shape(&found.tail)), (Some(log_id(4, 90)), expected(4, 91..93, 8)));
}

#[test]
fn a_record_that_was_not_written_to_its_end_is_dropped() {
    let cases: [fn(&mut Vec<u8>) -> bool; 3] = [
        |value| {
            value.truncate(40);
            true
        },
        |value| {
            value.truncate(7);
            true
        },
        |_| false,
    ];
    for (case, cut) in cases.into_iter().enumerate() {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) = open(dir.path());
        log.commit(&[Change::Append(entries(1, 0..5, 16))], None).unwrap();
        log.commit(&[Change::Append(vec![entry(1, 5, record::BODY_MAX * 2)])], Some(log_id(1, 4))).unwrap();
        drop(log);
        // the process ended before the acknowledgement, and so before the mark was written
        let mut mark = mark::Mark::open(&dir.path().join("end")).unwrap();
        mark.lower(Some(log_id(1, 4))).unwrap();
        tamper(dir.path(), &record::key(5, 2), cut);
        let (mut log, found) = open(dir.path());
        assert_eq!(shape(&found.tail), expected(1, 0..5, 16), "case {case}");
        log.commit(&[Change::Append(entries(2, 5..7, 16))], None).unwrap();
        drop(log);
        assert_eq!(open(dir.path()).1.last, Some(log_id(2, 6)));
    }
}

fn refusal(dir: &Path) -> String {
    match DiskLog::open(dir, CACHE_BYTES) {
        Ok(_) => panic!("a damaged log was opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn damage_stops_the_start_and_names_file_and_remedy() {
    let flip = |value: &mut Vec<u8>| {
        let at = value.len() - 3;
        value[at] ^= 1;
        true
    };
    let cut = |value: &mut Vec<u8>| {
        value.truncate(50);
        true
    };
    let gone = |_: &mut Vec<u8>| false;
    type Tampering = dyn Fn(&mut Vec<u8>) -> bool;
    let cases: [(&str, u64, &Tampering); 5] = [
        ("the record of raft entry 5 cannot be used: its checksum does not match", 5, &flip),
        ("the record of raft entry 5 is cut short", 5, &cut),
        ("raft entry 5 is missing, 10 follows", 5, &gone),
        ("the record of raft entry 15 cannot be used: its checksum does not match", 15, &flip),
        ("raft entry 0 is missing, 5 follows", 0, &gone),
    ];
    for (words, first, change) in cases {
        let dir = tempfile::tempdir().unwrap();
        let (mut log, _) = open(dir.path());
        for first in [0, 5, 10, 15] {
            log.commit(&[Change::Append(entries(1, first..first + 5, 16))], None).unwrap();
        }
        drop(log);
        tamper(dir.path(), &record::key(first, 0), change);
        let text = refusal(dir.path());
        assert!(text.contains(words), "{text}");
        assert!(text.contains(&dir.path().join("db").display().to_string()), "{text}");
        assert!(text.contains("let it join again"), "{text}");
    }
}

#[test]
fn a_log_that_lost_committed_entries_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = open(dir.path());
    log.commit(&[Change::Append(entries(1, 0..5, 16))], None).unwrap();
    log.commit(&[Change::Append(entries(1, 5..6, 16))], Some(log_id(1, 9))).unwrap();
    drop(log);
    assert!(refusal(dir.path()).contains("the last raft entry is 5, but 9 had been acknowledged"));
}

#[test]
fn a_second_server_in_the_same_directory_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (_log, _) = open(dir.path());
    let error = DiskLog::open(dir.path(), CACHE_BYTES).err().expect("the directory is taken");
    assert!(matches!(error, RaftError::InUse(_)), "{error}");
    assert!(error.to_string().contains("two servers cannot share one data directory"));
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("data");
    std::fs::write(&file, "").unwrap();
    let error = DiskLog::open(&file.join("raft/log"), CACHE_BYTES).err().expect("a file is in the way");
    assert!(matches!(&error, RaftError::Access(..)), "{error}");
    assert!(
        error.to_string().contains("data/raft/log") && error.to_string().contains("must belong to the user"),
        "{error}"
    );
}

#[test]
fn every_cut_of_a_record_is_incomplete_and_every_flipped_bit_is_noticed() {
    let (key, value) = record::pack(&entries(7, 3..6, 20), Some(log_id(7, 2))).remove(0);
    let whole = Record::parse(&key, &value).unwrap();
    assert_eq!((whole.more, whole.count, whole.commit), (false, 3, Some(log_id(7, 2))));
    for len in 0..value.len() {
        assert_eq!(Record::parse(&key, &value[..len]).err(), Some(Damage::Incomplete), "{len}");
    }
    for bit in 0..value.len() * 8 {
        let mut bad = value.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(Record::parse(&key, &bad).is_err(), "bit {bit}");
    }
    let other = record::key(4, 0);
    assert!(Record::parse(&other, &value).is_err(), "a record under another key");
}

async fn append(log: &mut LogStore, entries: Vec<Entry>) {
    let (told, done) = TypeConfig::oneshot();
    log.append(entries, IOFlushed::signal(told)).await.unwrap();
    done.await.unwrap().unwrap();
}

fn store(dir: &Path) -> LogStore {
    let (backend, found) = open(dir);
    LogStore::new(Box::new(backend), found).unwrap()
}

#[tokio::test]
async fn readers_see_memory_and_disk_as_one_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = store(dir.path());
    for batch in 0..40u64 {
        append(&mut log, entries(1, batch * 300..batch * 300 + 300, 4)).await;
    }
    let first = log.0.tail.read().first();
    assert!(first > 0, "memory holds only the newest entries");
    let all = log.try_get_log_entries(..).await.unwrap();
    assert_eq!(shape(&all), expected(1, 0..12_000, 4));
    let across = log.try_get_log_entries(first - 5..first + 5).await.unwrap();
    assert_eq!(shape(&across), expected(1, first - 5..first + 5, 4));

    log.truncate_after(Some(log_id(1, first - 10))).await.unwrap();
    append(&mut log, entries(2, first - 9..first + 3, 6)).await;
    let seam = log.try_get_log_entries(first - 12..=first + 2).await.unwrap();
    let mut both = expected(1, first - 12..first - 9, 4);
    both.extend(expected(2, first - 9..first + 3, 6));
    assert_eq!(shape(&seam), both);

    log.purge(log_id(1, 20)).await.unwrap();
    assert_eq!(log.try_get_log_entries(..25).await.unwrap().first().unwrap().log_id, log_id(1, 21));
    log.save_vote(&vote(9)).await.unwrap();
    log.close();
    drop(log);

    let mut log = store(dir.path());
    assert_eq!(log.read_vote().await.unwrap(), Some(vote(9)));
    let state = log.get_log_state().await.unwrap();
    assert_eq!((state.last_purged_log_id, state.last_log_id), (Some(log_id(1, 20)), Some(log_id(2, first + 2))));
}

#[tokio::test]
async fn appends_that_arrive_during_a_sync_share_the_next_one() {
    /// Says how many changes came, then waits to be let on.
    struct Slow(std::sync::mpsc::Sender<usize>, std::sync::mpsc::Receiver<()>);
    impl LogBackend for Slow {
        fn commit(&mut self, changes: &[Change], _committed: Option<LogId>) -> io::Result<()> {
            self.0.send(changes.len()).unwrap();
            self.1.recv().unwrap();
            Ok(())
        }
        fn source(&self) -> Arc<dyn LogSource> {
            backend::MemoryLog::default().source()
        }
    }
    let (count, counts) = std::sync::mpsc::channel();
    let (go, gate) = std::sync::mpsc::channel();
    let mut log = LogStore::new(Box::new(Slow(count, gate)), Recovered::default()).unwrap();
    let mut waiting = Vec::new();
    for index in 0..50 {
        let (told, done) = TypeConfig::oneshot();
        log.append(vec![entry(1, index, 1)], IOFlushed::signal(told)).await.unwrap();
        waiting.push(done);
        if index == 0 {
            assert_eq!(counts.recv().unwrap(), 1);
        }
    }
    go.send(()).unwrap();
    go.send(()).unwrap();
    for done in waiting {
        done.await.unwrap().unwrap();
    }
    assert_eq!(counts.try_iter().collect::<Vec<_>>(), [49]);
}

#[tokio::test]
async fn a_full_disk_is_waited_for() {
    #[derive(Default)]
    struct Full(std::sync::atomic::AtomicBool);
    impl LogBackend for Full {
        fn commit(&mut self, _changes: &[Change], _committed: Option<LogId>) -> io::Result<()> {
            match self.0.swap(true, std::sync::atomic::Ordering::SeqCst) {
                false => Err(io::Error::from(io::ErrorKind::StorageFull)),
                true => Ok(()),
            }
        }
        fn source(&self) -> Arc<dyn LogSource> {
            backend::MemoryLog::default().source()
        }
    }
    let mut log = LogStore::new(Box::new(Full::default()), Recovered::default()).unwrap();
    let mut refusal = log.refusal();
    let (told, done) = TypeConfig::oneshot();
    log.append(vec![entry(1, 0, 1)], IOFlushed::signal(told)).await.unwrap();
    let reason = refusal.wait_for(Option::is_some).await.unwrap().clone().unwrap();
    assert!(reason.contains("read-only until there is space again"), "{reason}");
    done.await.unwrap().unwrap();
    assert!(log.refusal().borrow().is_none());
}

#[test]
fn a_flipped_byte_anywhere_in_the_file_never_shortens_the_log_in_silence() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = open(dir.path());
    log.commit(&[Change::Vote(vote(4))], None).unwrap();
    for index in 0..300 {
        log.commit(&[Change::Append(vec![entry(4, index, 200)])], None).unwrap();
    }
    drop(log);
    let good = std::fs::read(dir.path().join("db")).unwrap();
    let mut refused = 0;
    for case in 0..24 {
        let copy = tempfile::tempdir().unwrap();
        std::fs::create_dir(copy.path().join("blobs")).unwrap();
        for name in ["conf", "end"] {
            std::fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
        }
        let mut bad = good.clone();
        bad[good.len() * case / 24 + 777] ^= 0x55;
        std::fs::write(copy.path().join("db"), bad).unwrap();
        match DiskLog::open(copy.path(), CACHE_BYTES) {
            // the byte belonged to a page that was written again later
            Ok((_, found)) => {
                assert_eq!((found.last, found.vote), (Some(log_id(4, 299)), Some(vote(4))), "case {case}")
            }
            Err(RaftError::Corrupt { .. } | RaftError::Engine(_)) => refused += 1,
            Err(other) => panic!("case {case}: {other}"),
        }
    }
    assert!(refused > 0, "none of the flipped bytes mattered");
}

#[test]
fn truncation_and_a_lost_mark_do_not_stop_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = open(dir.path());
    log.commit(&[Change::Append(entries(1, 0..10, 16))], None).unwrap();
    log.commit(&[Change::TruncateAfter(Some(log_id(1, 3)))], None).unwrap();
    drop(log);
    assert_eq!(open(dir.path()).1.last, Some(log_id(1, 3)));
    std::fs::remove_file(dir.path().join("end")).unwrap();
    assert_eq!(open(dir.path()).1.last, Some(log_id(1, 3)));
    std::fs::write(dir.path().join("end"), [9; 64]).unwrap();
    assert_eq!(open(dir.path()).1.last, Some(log_id(1, 3)));
}

#[test]
fn an_older_vote_than_the_one_given_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = open(dir.path());
    log.commit(&[Change::Vote(vote(4))], None).unwrap();
    drop(log);
    tamper(dir.path(), b"m/vote", |value| {
        *value = codec::encode_vote(&vote(3));
        true
    });
    assert!(refusal(dir.path()).contains("older vote"));
}
