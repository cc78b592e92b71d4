//! Why raft could not start, in words that name the file and say what to do.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Raft did not start.
#[derive(Debug)]
pub enum RaftError {
    /// Another process holds the log of this data directory.
    InUse(PathBuf),
    /// A file or directory cannot be read or written.
    Access(PathBuf, io::Error),
    /// A file does not hold what this server wrote into it.
    Corrupt {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong.
        reason: String,
        /// What an operator can do about it.
        advice: &'static str,
    },
    /// A setting cannot be used.
    Config(String),
    /// The consensus engine refused to start.
    Engine(String),
}

/// What to do about a damaged log.
pub(crate) const LOG_ADVICE: &str = "The raft log holds writes that are nowhere else on this server. In a cluster: stop this \
server, move the directory away and let it join again; the other servers send it everything. A single server: restore the \
directory from a backup of the disk, or move it away and restore the newest snapshot archive";

impl RaftError {
    pub(crate) fn corrupt(path: &Path, reason: impl Into<String>) -> RaftError {
        RaftError::Corrupt { path: path.to_owned(), reason: reason.into(), advice: LOG_ADVICE }
    }

    pub(crate) fn access(path: &Path, error: io::Error) -> RaftError {
        RaftError::Access(path.to_owned(), error)
    }
}

impl fmt::Display for RaftError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RaftError::InUse(path) => write!(
                f,
                "the raft log in {} is in use by another process: two servers cannot share one data directory",
                path.display()
            ),
            RaftError::Access(path, error) => write!(
                f,
                "cannot use {}: {error}; the data directory and everything in it must belong to the user that runs the server",
                path.display()
            ),
            RaftError::Corrupt { path, reason, advice } => {
                write!(f, "{} is damaged: {reason}. {advice}", path.display())
            }
            RaftError::Config(text) | RaftError::Engine(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for RaftError {}

impl From<RaftError> for io::Error {
    fn from(error: RaftError) -> io::Error {
        io::Error::other(error.to_string())
    }
}
