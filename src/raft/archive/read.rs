//! Reading an archive.

use super::{ArchiveError, Meta};
use std::io::{Read, Write};

/// Reads a whole archive, writes `state.bin` to `state`, and verifies everything.
pub fn read(archive: impl Read, state: impl Write) -> Result<Meta, ArchiveError> {
    let _ = (archive, state);
    todo!()
}

/// Reads a whole archive and verifies everything.
pub fn verify(archive: impl Read) -> Result<Meta, ArchiveError> {
    read(archive, std::io::sink())
}
