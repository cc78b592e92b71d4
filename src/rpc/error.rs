//! Why a call to another server did not bring a reply.

use crate::types::Error;
use crate::types::error::os_text;

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No connection could be made: nothing was sent.
    #[error("rpc error getting client: failed to get conn: {0}")]
    Unreachable(String),
    /// Somebody else was making the connection, in vain: nothing was sent.
    #[error("rpc error: lead thread didn't get connection")]
    LeadFailed,
    /// The session took no further stream: nothing was sent.
    #[error("rpc error getting client: failed to start stream: {0}")]
    NoStream(String),
    /// This side is shutting down: nothing was sent.
    #[error("rpc error: shutdown")]
    Closed,
    /// The connection broke or its bytes made no sense; the call may have been served.
    #[error("rpc error making call: {0}")]
    Broken(String),
    /// The request could not be encoded, or the reply is of another shape.
    #[error("rpc error making call: {0}")]
    Undecodable(String),
    /// No answer in time; the call may have been served.
    #[error("rpc error making call: i/o deadline reached")]
    Timeout,
    /// The method's own refusal.
    #[error("rpc error making call: {0}")]
    Remote(String),
}

/// Refusals that prove that nothing was applied, with which another server may be tried.
const RETRYABLE: [&str; 3] = [
    "No cluster leader",
    "please resubmit call for rechunking",
    "rate limit exceeded, try again later or against a different server",
];

impl CallError {
    /// Whether another attempt is safe: always when nothing was sent or applied, after a broken connection only for a read.
    pub fn is_retryable(&self, read: bool) -> bool {
        match self {
            CallError::Unreachable(_) | CallError::LeadFailed | CallError::NoStream(_) => true,
            CallError::Broken(_) => read,
            CallError::Timeout | CallError::Closed | CallError::Undecodable(_) => false,
            CallError::Remote(text) => RETRYABLE.iter().any(|known| text.contains(known)),
        }
    }

    /// The connection is of no use any more.
    pub fn is_broken(&self) -> bool {
        matches!(self, CallError::Broken(_) | CallError::NoStream(_))
    }
}

/// An I/O error in the words of the reference.
pub(super) fn io_text(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "EOF".into(),
        _ => os_text(error),
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        Error::new(error.to_string())
    }
}
