//! Why an archive was refused, in the reference's words (`spec/snapshot.md` 1).

/// An archive that cannot be read, or does not hold what its sums say.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Not gzip, or cut inside the gzip stream.
    #[error("failed to decompress snapshot: {0}")]
    Decompress(String),
    /// The tar stream is broken.
    #[error("failed to read snapshot file: failed reading snapshot: {0}")]
    Tar(String),
    /// A member that does not belong.
    #[error("failed to read snapshot file: unexpected file {0:?} in snapshot")]
    UnexpectedFile(String),
    /// `meta.json` is not JSON of the right shape.
    #[error("failed to read snapshot file: failed to decode snapshot metadata: {0}")]
    Metadata(String),
    /// The sums do not hold.
    #[error("failed to read snapshot file: failed checking integrity of snapshot: {0}")]
    Integrity(String),
    /// Bytes behind the end of the tar.
    #[error("{0} unread uncompressed bytes remain")]
    Remaining(u64),
    /// `state.bin` does not hold records.
    #[error("failed to read snapshot file: {0}")]
    State(String),
    /// The sink for the state failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}
