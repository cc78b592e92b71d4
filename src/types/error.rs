//! The error of every server endpoint: a text, because both ends of an RPC match on words (`spec/rpc.md` 6).

use std::fmt;

/// Result of an endpoint.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An endpoint's refusal. Crosses the wire as its text alone; `status` is a hint for HTTP when it was decided locally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What a user reads.
    pub text: String,
    /// HTTP status that the error carries explicitly, if any (`spec/http-api.md` 1.3).
    pub status: Option<u16>,
}

impl Error {
    /// An error without an explicit status (HTTP decides from its words, otherwise 500).
    pub fn new(text: impl Into<String>) -> Self {
        Error { text: text.into(), status: None }
    }

    /// An error that answers with this HTTP status.
    pub fn with_status(status: u16, text: impl Into<String>) -> Self {
        Error { text: text.into(), status: Some(status) }
    }

    /// 400.
    pub fn bad_request(text: impl Into<String>) -> Self {
        Self::with_status(400, text)
    }

    /// 404.
    pub fn not_found(text: impl Into<String>) -> Self {
        Self::with_status(404, text)
    }

    /// The same error with words in front.
    pub fn prefixed(mut self, prefix: &str) -> Self {
        self.text.insert_str(0, prefix);
        self
    }

    /// No leader is known; callers retry within the hold time.
    pub fn no_leader() -> Self {
        Self::new("No cluster leader")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        Error::new(error.to_string())
    }
}

/// The system's words for an error as Go prints them: `address already in use`, without number, lower case.
pub fn os_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}
