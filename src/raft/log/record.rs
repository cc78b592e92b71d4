//! Records of the log on disk: one per group commit, cut where they would grow too large for the store underneath.
//!
//! | at | field |
//! |---|---|
//! | key | `e`, index of the first entry u64, part u32 (0, or the next piece of one large entry) |
//! | 0 | version 1 |
//! | 1 | flags: 1 another part follows, 2 the commit position is known |
//! | 2 | zero u16 |
//! | 4 | entries u32 (0 in a part that only continues one) |
//! | 8 | length of the body u32 |
//! | 12 | commit position: term u64, index u64 |
//! | 28 | CRC-32 of key, bytes 0 to 28 and body |
//! | 32 | body: entries, each behind its length u32 |

use crate::raft::codec::{self, Reader};
use crate::raft::engine::{Entry, LogId, log_id, term_of};
use bytes::{BufMut, Bytes};

/// Largest body. Sled moves what exceeds a quarter of its segment into files that it never syncs, and rewrites up to 17
/// neighbours of a leaf as one such piece; `disk.rs` chooses the segment to match.
pub(crate) const BODY_MAX: usize = 12 * 1024;

const VERSION: u8 = 1;
const HEADER: usize = 32;
const MORE: u8 = 1;
const COMMIT_KNOWN: u8 = 2;

/// Key of a record.
pub(crate) fn key(first: u64, part: u32) -> [u8; 13] {
    let mut key = [b'e'; 13];
    key[1..9].copy_from_slice(&first.to_be_bytes());
    key[9..].copy_from_slice(&part.to_be_bytes());
    key
}

/// First index and part of a key.
pub(crate) fn parse_key(key: &[u8]) -> Option<(u64, u32)> {
    let key: &[u8; 13] = key.try_into().ok().filter(|key: &&[u8; 13]| key[0] == b'e')?;
    let first = u64::from_be_bytes(key[1..9].try_into().expect("eight bytes"));
    Some((first, u32::from_be_bytes(key[9..].try_into().expect("four bytes"))))
}

fn crc(key: &[u8], head: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(head);
    hasher.update(body);
    hasher.finalize()
}

fn encode(key: &[u8; 13], more: bool, count: u32, commit: Option<LogId>, body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER + body.len());
    out.put_u8(VERSION);
    out.put_u8(if more { MORE } else { 0 } | if commit.is_some() { COMMIT_KNOWN } else { 0 });
    out.put_u16(0);
    out.put_u32(count);
    out.put_u32(body.len() as u32);
    out.put_u64(commit.as_ref().map_or(0, term_of));
    out.put_u64(commit.map_or(0, |commit| commit.index));
    let crc = crc(key, &out, body);
    out.put_u32(crc);
    out.put_slice(body);
    out
}

/// Packs consecutive entries into records.
pub(crate) fn pack(entries: &[Entry], commit: Option<LogId>) -> Vec<([u8; 13], Vec<u8>)> {
    let mut records = Vec::new();
    let mut body = Vec::with_capacity(BODY_MAX);
    let (mut first, mut count) = (0, 0);
    let mut close = |first: u64, count: u32, body: &mut Vec<u8>| {
        let parts = body.chunks(BODY_MAX).count();
        for (part, chunk) in body.chunks(BODY_MAX).enumerate() {
            let key = key(first, part as u32);
            let count = if part == 0 { count } else { 0 };
            records.push((key, encode(&key, part + 1 < parts, count, commit, chunk)));
        }
        body.clear();
    };
    for entry in entries {
        if count > 0 && body.len() + codec::entry_size(entry) + 4 > BODY_MAX {
            close(first, count, &mut body);
            count = 0;
        }
        if count == 0 {
            first = entry.log_id.index;
        }
        codec::put_sized(&mut body, |out| codec::put_entry(out, entry));
        count += 1;
        if body.len() > BODY_MAX {
            close(first, count, &mut body);
            count = 0;
        }
    }
    if count > 0 {
        close(first, count, &mut body);
    }
    records
}

/// Why a record is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// It ends too early: its write never finished.
    Incomplete,
    /// It has its length but not its content.
    Corrupt(&'static str),
}

/// One record as stored.
pub(crate) struct Record {
    /// Another part follows.
    pub more: bool,
    /// Entries that start here.
    pub count: u32,
    /// Commit position when it was written.
    pub commit: Option<LogId>,
    /// The entries.
    pub body: Bytes,
}

impl Record {
    /// Reads and verifies a record.
    pub fn parse(key: &[u8], value: &[u8]) -> Result<Record, Damage> {
        if value.len() < HEADER {
            return Err(Damage::Incomplete);
        }
        let (head, body) = value.split_at(HEADER);
        let number = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().expect("four bytes"));
        let long = |at: usize| u64::from_be_bytes(head[at..at + 8].try_into().expect("eight bytes"));
        if head[0] != VERSION {
            return Err(Damage::Corrupt("unknown version"));
        }
        if body.len() < number(8) as usize {
            return Err(Damage::Incomplete);
        }
        if number(28) != crc(key, &head[..28], body) {
            return Err(Damage::Corrupt("its checksum does not match"));
        }
        let commit = (head[1] & COMMIT_KNOWN != 0).then(|| log_id(long(12), long(20)));
        Ok(Record { more: head[1] & MORE != 0, count: number(4), commit, body: Bytes::copy_from_slice(body) })
    }
}

/// The `count` entries in a whole body.
pub(crate) fn unpack(body: Bytes, count: u32) -> Result<Vec<Entry>, Damage> {
    let mut from = Reader(body);
    let mut entries = Vec::new();
    while !from.0.is_empty() {
        let len = from.u32().map_err(|_| Damage::Incomplete)? as usize;
        let entry = from.bytes(len).map_err(|_| Damage::Incomplete)?;
        entries.push(codec::get_entry(entry).map_err(|error| Damage::Corrupt(error.0))?);
    }
    if entries.len() != count as usize {
        return Err(Damage::Corrupt("it holds another number of entries than it says"));
    }
    Ok(entries)
}
