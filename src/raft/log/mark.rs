//! How far the log was acknowledged, kept beside the database.
//!
//! Sled takes the first unreadable message of its file for the end of what was written: damage in the middle would silently
//! shorten the log and could bring back an older vote. This mark is written after every sync, without a sync of its own, so
//! it never says more than what is durable; a log that ends before it was damaged. It is lowered, and synced, before a
//! truncation.
//!
//! Layout, 64 bytes: version 1, flag and log id (17), flag and vote (27), zeros, CRC-32 of the first 60.

use crate::raft::RaftError;
use crate::raft::codec::{self, Reader};
use crate::raft::engine::{LogId, Vote};
use bytes::{BufMut, Bytes};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

const LEN: usize = 64;
const VERSION: u8 = 1;
const VOTE_LEN: usize = 26;

/// The mark of an opened log.
pub(super) struct Mark {
    file: File,
    pub last: Option<LogId>,
    pub vote: Option<Vote>,
}

impl Mark {
    /// Opens or creates the mark. One that cannot be read is reported and written anew: it is only a check.
    pub fn open(path: &Path) -> Result<Mark, RaftError> {
        let access = |error: io::Error| RaftError::access(path, error);
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path).map_err(access)?;
        let mut bytes = [0; LEN];
        let len = file.metadata().map_err(access)?.len();
        let (mut last, mut vote) = (None, None);
        if len > 0 {
            match file.read_exact_at(&mut bytes, 0).ok().and_then(|()| decode(&bytes)) {
                Some(found) => (last, vote) = found,
                None => tracing::warn!(
                    target: "agent.server.raft",
                    "the end mark of the raft log cannot be read; whether the log is complete cannot be checked: path={}",
                    path.display()
                ),
            }
        }
        Ok(Mark { file, last, vote })
    }

    /// Writes it, without waiting for the disk.
    pub fn write(&mut self, last: Option<LogId>, vote: Option<Vote>) -> io::Result<()> {
        (self.last, self.vote) = (last, vote);
        self.file.write_all_at(&encode(last, vote), 0)
    }

    /// Lowers it before entries are removed from the end.
    pub fn lower(&mut self, last: Option<LogId>) -> io::Result<()> {
        self.write(last, self.vote)?;
        self.file.sync_data()
    }
}

fn encode(last: Option<LogId>, vote: Option<Vote>) -> [u8; LEN] {
    let mut out = Vec::with_capacity(LEN);
    out.put_u8(VERSION);
    out.put_u8(last.is_some() as u8);
    match &last {
        Some(last) => codec::put_log_id(&mut out, last),
        None => out.put_bytes(0, 16),
    }
    out.put_u8(vote.is_some() as u8);
    match &vote {
        Some(vote) => codec::put_vote(&mut out, vote),
        None => out.put_bytes(0, VOTE_LEN),
    }
    out.resize(LEN - 4, 0);
    let crc = crc32fast::hash(&out);
    out.put_u32(crc);
    out.try_into().expect("the parts fill it")
}

fn decode(bytes: &[u8; LEN]) -> Option<(Option<LogId>, Option<Vote>)> {
    let (content, crc) = bytes.split_at(LEN - 4);
    if crc32fast::hash(content).to_be_bytes() != crc {
        return None;
    }
    let mut from = Reader(Bytes::copy_from_slice(content));
    from.version().ok()?;
    let has_last = from.u8().ok()? == 1;
    let last = from.log_id().ok()?;
    let has_vote = from.u8().ok()? == 1;
    let vote = if has_vote { Some(codec::get_vote(&mut from).ok()?) } else { None };
    Some((has_last.then_some(last), vote))
}
