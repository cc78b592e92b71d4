//! Reading an archive: members in any order, sums at the end, nothing behind it (`spec/snapshot.md` 1).

use super::tar::{Gunzip, TarReader};
use super::write::hex;
use super::{ArchiveError, Meta};
use crate::telemetry::limits;
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};

/// Longest `meta.json` and `SHA256SUMS`; real ones have some hundred bytes.
const SMALL_MEMBER_MAX: u64 = 1 << 20;

/// Bytes that an archive may unpack to whatever it looks like, and for each byte that it has itself. Zeros can be packed
/// a thousandfold; states are packed three to twenty times.
const UNPACKED: Bounds = Bounds { free: 1 << 30, per_byte: 200 };

/// How much an archive may unpack to.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub free: u64,
    pub per_byte: u64,
}

/// What was seen of an archive.
#[derive(Default)]
struct Seen {
    meta: Meta,
    meta_hash: Sha256,
    state_hash: Sha256,
    state_size: u64,
    sums: Vec<u8>,
}

/// Where the walk over the members stands.
enum Step {
    /// At the beginning of `state.bin`.
    State,
    /// Behind the last member.
    End,
}

/// An archive that is being read.
struct Members<R: Read> {
    tar: TarReader<Gunzip<R>>,
    seen: Seen,
    bounds: Bounds,
}

fn content(text: String) -> ArchiveError {
    ArchiveError::Content(text)
}

impl<R: Read> Members<R> {
    fn open(archive: R, bounds: Bounds) -> Result<Members<R>, ArchiveError> {
        let gunzip = Gunzip::new(archive).map_err(ArchiveError::Decompress)?;
        Ok(Members { tar: TarReader::new(gunzip), seen: Seen::default(), bounds })
    }

    /// Reads small members until the state or the end.
    fn step(&mut self) -> Result<Step, ArchiveError> {
        while let Some(member) =
            self.tar.next().map_err(|error| content(format!("failed reading snapshot: {error}")))?
        {
            match member.name.as_str() {
                "meta.json" => {
                    let json = self.small("failed to read snapshot metadata")?;
                    self.seen.meta_hash.update(&json);
                    self.seen.meta = serde_json::from_slice(&json)
                        .map_err(|error| content(format!("failed to decode snapshot metadata: {error}")))?;
                }
                "state.bin" => return Ok(Step::State),
                "SHA256SUMS" => {
                    let what = "failed to read snapshot hashes";
                    let sums = self.small(what)?;
                    if (self.seen.sums.len() + sums.len()) as u64 > SMALL_MEMBER_MAX {
                        return Err(too_long(what));
                    }
                    self.seen.sums.extend_from_slice(&sums);
                }
                other => return Err(content(format!("unexpected file {other:?} in snapshot"))),
            }
        }
        Ok(Step::End)
    }

    fn small(&mut self, what: &str) -> Result<Vec<u8>, ArchiveError> {
        let mut bytes = Vec::new();
        let read = (&mut self.tar).take(SMALL_MEMBER_MAX + 1).read_to_end(&mut bytes);
        read.map_err(|error| content(format!("{what}: {error}")))?;
        match bytes.len() as u64 > SMALL_MEMBER_MAX {
            true => Err(too_long(what)),
            false => Ok(bytes),
        }
    }

    /// Some bytes of the state; 0 at its end.
    fn read_state(&mut self, into: &mut [u8]) -> Result<usize, ArchiveError> {
        let read =
            self.tar.read(into).map_err(|error| content(format!("failed to read or write snapshot data: {error}")))?;
        self.seen.state_hash.update(&into[..read]);
        self.seen.state_size += read as u64;
        let Bounds { free, per_byte } = self.bounds;
        let packed = self.tar.get_mut().packed();
        if self.seen.state_size > free && self.seen.state_size / per_byte > packed {
            limits::SNAPSHOT_SIZE.exceeded();
            return Err(content(format!(
                "failed to read or write snapshot data: {packed} bytes of the archive unpack to more than {} bytes",
                self.seen.state_size
            )));
        }
        Ok(read)
    }

    /// Everything that can only be said at the end.
    fn conclude(mut self) -> Result<Meta, ArchiveError> {
        check_sums(&self.seen).map_err(|text| content(format!("failed checking integrity of snapshot: {text}")))?;
        let rest =
            io::copy(self.tar.get_mut(), &mut io::sink()).map_err(|error| ArchiveError::Trailer(error.to_string()))?;
        if rest > 0 {
            return Err(ArchiveError::Trailer(format!("{rest} unread uncompressed bytes remain")));
        }
        let meta = self.seen.meta;
        if meta.version > 1 {
            return Err(ArchiveError::Version(meta.version));
        }
        if meta.size != self.seen.state_size {
            return Err(ArchiveError::Size { found: self.seen.state_size, expected: meta.size });
        }
        Ok(meta)
    }
}

fn too_long(what: &str) -> ArchiveError {
    limits::SNAPSHOT_MEMBER.exceeded();
    content(format!("{what}: longer than {SMALL_MEMBER_MAX} bytes"))
}

fn check_sums(seen: &Seen) -> Result<(), String> {
    let found = [
        ("meta.json", hex(&seen.meta_hash.clone().finalize())),
        ("state.bin", hex(&seen.state_hash.clone().finalize())),
    ];
    let mut listed = [false; 2];
    for line in String::from_utf8_lossy(&seen.sums).lines().filter(|line| !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let (Some(sum), Some(name)) = (words.next(), words.next()) else {
            return Err(format!("failed to parse line {line:?}"));
        };
        let Some(at) = found.iter().position(|(member, _)| *member == name) else {
            return Err(format!("list missing hash for {name:?}"));
        };
        if found[at].1 != sum {
            return Err(format!("hash check failed for {name:?}"));
        }
        listed[at] = true;
    }
    match listed.iter().position(|listed| !listed) {
        Some(at) => Err(format!("file missing for {:?}", found[at].0)),
        None => Ok(()),
    }
}

/// Reads a whole archive, writes `state.bin` to `state`, and verifies everything.
pub fn read(archive: impl Read, state: impl Write) -> Result<Meta, ArchiveError> {
    read_within(archive, state, UNPACKED)
}

/// [`read`] within other bounds.
pub(super) fn read_within(archive: impl Read, mut state: impl Write, bounds: Bounds) -> Result<Meta, ArchiveError> {
    let mut members = Members::open(archive, bounds)?;
    let mut buffer = vec![0; 64 << 10];
    while let Step::State = members.step()? {
        loop {
            let read = members.read_state(&mut buffer)?;
            if read == 0 {
                break;
            }
            state
                .write_all(&buffer[..read])
                .map_err(|error| content(format!("failed to read or write snapshot data: {error}")))?;
        }
    }
    members.conclude()
}

/// Reads a whole archive and verifies everything.
pub fn verify(archive: impl Read) -> Result<Meta, ArchiveError> {
    read(archive, io::sink())
}

/// `state.bin` of an archive as a stream that fails instead of ending when anything in the archive is wrong: whoever reads it
/// to its end has read a verified state.
pub struct State<R: Read> {
    members: Option<Members<R>>,
    meta: Meta,
}

impl<R: Read> State<R> {
    /// Goes to the state.
    pub fn open(archive: R) -> Result<State<R>, ArchiveError> {
        let mut members = Members::open(archive, UNPACKED)?;
        match members.step()? {
            Step::State => Ok(State { meta: members.seen.meta.clone(), members: Some(members) }),
            Step::End => {
                members.conclude()?;
                Err(content("failed checking integrity of snapshot: file missing for \"state.bin\"".into()))
            }
        }
    }

    /// The metadata, if it came before the state (it does in every archive written here) or the state was read to its end.
    pub fn meta(&self) -> &Meta {
        &self.meta
    }
}

impl<R: Read> Read for State<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(members) = &mut self.members else { return Ok(0) };
        if into.is_empty() {
            return Ok(0);
        }
        let read = members.read_state(into)?;
        if read > 0 {
            return Ok(read);
        }
        let mut members = self.members.take().expect("just seen");
        match members.step()? {
            Step::State => Err(content("failed reading snapshot: second state.bin".into()).into()),
            Step::End => {
                self.meta = members.conclude()?;
                Ok(0)
            }
        }
    }
}
