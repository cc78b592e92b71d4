//! Why an archive was refused, in the reference's words (`spec/snapshot.md` 1).

/// An archive that cannot be read, or does not hold what its sums say.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Not gzip at all.
    #[error("failed to decompress snapshot: {0}")]
    Decompress(String),
    /// Something between the gzip header and the end of the tar is wrong.
    #[error("failed to read snapshot file: {0}")]
    Content(String),
    /// Bytes behind the end of the tar, or a wrong gzip trailer.
    #[error("{0}")]
    Trailer(String),
    /// A format version that this program does not know.
    #[error("unsupported snapshot version {0}")]
    Version(u32),
    /// `state.bin` is not as long as the metadata says.
    #[error("failed to write snapshot, size didn't match ({found} != {expected})")]
    Size {
        /// Bytes of `state.bin`.
        found: u64,
        /// `Size` of `meta.json`.
        expected: u64,
    },
}

impl From<ArchiveError> for std::io::Error {
    fn from(error: ArchiveError) -> std::io::Error {
        std::io::Error::new(std::io::ErrorKind::InvalidData, error.to_string())
    }
}
