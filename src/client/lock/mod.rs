//! Locks and semaphores over keys, in the form that other client libraries use, so that all can share a key
//! (`spec/semantics.md` 20).

mod mutex;
mod semaphore;

pub use mutex::Mutex;
pub use semaphore::Semaphore;

use super::session::{Session, Wanted};
use super::{Client, Error, Params};
use crate::types::GoDuration;
use std::fmt;
use std::future::Future;
use std::time::{Duration, Instant};

/// Time to live of the session behind a lock.
const SESSION_TTL: Duration = Duration::from_secs(15);
/// Longest single wait for a lock to become free.
const WAIT: Duration = Duration::from_secs(15);
/// Pause while a lock delay keeps a free lock from being taken.
const DELAYED: Duration = Duration::from_secs(5);

/// What a lock is made with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Name of the session.
    pub session_name: String,
    /// Give up after this time; none waits for ever.
    pub patience: Option<Duration>,
    /// Failed looks at a held lock that are forgiven in a row.
    pub monitor_retries: u32,
    /// Pause before each of them.
    pub monitor_pause: Duration,
}

/// Why a lock is not there, or not taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Others hold it.
    InUse,
    /// Anything else.
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::InUse => f.write_str("Lock in use"),
            Failure::Other(text) => f.write_str(text),
        }
    }
}

/// Words in front of an error.
fn failed(what: &str) -> impl Fn(Error) -> Failure {
    move |error| Failure::Other(format!("{what}: {error}"))
}

/// Result of an operation on a lock.
pub type Result<T> = std::result::Result<T, Failure>;

/// A lock, or a place in a semaphore, while it is held.
#[derive(Debug)]
pub struct Held {
    session: Session,
}

/// What one holder, or a limited number of holders, can have at a time.
pub trait Exclusion {
    /// Waits for it and takes it; none when the patience is over.
    fn acquire(&self) -> impl Future<Output = Result<Option<Held>>>;
    /// Returns when it is no longer held.
    fn lost(&self, held: &Held) -> impl Future<Output = ()>;
    /// Gives it back.
    fn release(&self, held: Held) -> impl Future<Output = Result<()>>;
    /// Removes what is stored for it, if nobody has it.
    fn destroy(&self) -> impl Future<Output = Result<()>>;
}

/// Creates the session of a lock.
async fn session(client: &Client, options: &Options, delete: bool) -> Result<Session> {
    let wanted = Wanted { name: options.session_name.clone(), ttl: SESSION_TTL, delete, ..Wanted::default() };
    Session::create(client, &wanted, None).await.map_err(failed("failed to create session"))
}

/// Ends the session of an attempt that did not lead to a held lock.
async fn settle(session: Session, attempt: Result<bool>) -> Result<Option<Held>> {
    if let Ok(true) = attempt {
        return Ok(Some(Held { session }));
    }
    // Failing to destroy it is no news: it ends with its time to live.
    let _ = session.end().await;
    attempt.map(|_| None)
}

/// The time that an attempt has left.
struct Patience {
    start: Instant,
    most: Option<Duration>,
    attempts: u32,
}

impl Patience {
    fn new(most: Option<Duration>) -> Patience {
        Patience { start: Instant::now(), most, attempts: 0 }
    }

    /// How long the next wait may take; none when the time is over. The first attempt is always made.
    fn next(&mut self) -> Option<Duration> {
        self.attempts += 1;
        let Some(most) = self.most else { return Some(WAIT) };
        if self.attempts == 1 {
            return Some(most);
        }
        most.checked_sub(self.start.elapsed()).filter(|left| !left.is_zero())
    }

    /// Sleeps, but not beyond the end.
    async fn sleep(&self, pause: Duration) {
        let left = self.most.map_or(pause, |most| most.saturating_sub(self.start.elapsed()));
        tokio::time::sleep(pause.min(left)).await;
    }
}

/// Parameters of a blocking read.
fn blocking(index: u64, wait: Option<Duration>) -> Params {
    let wait_text = wait.map(|wait| GoDuration(wait.as_millis().max(1) as i64 * 1_000_000).to_string());
    Params::new().with_if(index > 0, "index", index).with_if(wait.is_some(), "wait", wait_text.unwrap_or_default())
}

/// Follows something that is held with consistent blocking reads; returns when `look` says that it is lost, or when it fails
/// more often in a row than allowed.
async fn monitor<T>(
    options: &Options,
    read: impl AsyncFn(Params) -> super::Result<(u64, T)>,
    still_held: impl Fn(T) -> bool,
) {
    let (mut index, mut retries) = (0, options.monitor_retries);
    loop {
        match read(blocking(index, None).with("consistent", "")).await {
            Ok((next, found)) => {
                if !still_held(found) {
                    return;
                }
                (index, retries) = (next, options.monitor_retries);
            }
            Err(error) => {
                let retryable = error.status().is_none_or(|status| status >= 500);
                if retries == 0 || !retryable {
                    return;
                }
                retries -= 1;
                index = 0;
                tokio::time::sleep(options.monitor_pause).await;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn one_attempt_is_made_whatever_the_patience() {
        let mut none = Patience::new(Some(Duration::ZERO));
        assert_eq!(none.next(), Some(Duration::ZERO));
        assert_eq!(none.next(), None);
        let mut forever = Patience::new(None);
        assert_eq!((forever.next(), forever.next()), (Some(WAIT), Some(WAIT)));
    }

    #[tokio::test]
    async fn a_held_lock_survives_as_many_failures_in_a_row_as_are_allowed() {
        let options = |retries| Options {
            session_name: String::new(),
            patience: None,
            monitor_retries: retries,
            monitor_pause: Duration::ZERO,
        };
        let broken = || Err(Error::Status { code: 500, body: String::new() });
        let reads = AtomicU32::new(0);
        // fails twice, then is held once, then fails for ever
        let read = async |_: Params| match reads.fetch_add(1, Ordering::Relaxed) {
            2 => Ok((7, true)),
            _ => broken(),
        };
        monitor(&options(2), read, |held| held).await;
        assert_eq!(reads.load(Ordering::Relaxed), 6);
        let reads = AtomicU32::new(0);
        let forbidden = async |_: Params| {
            reads.fetch_add(1, Ordering::Relaxed);
            Err::<(u64, bool), _>(Error::Status { code: 403, body: String::new() })
        };
        monitor(&options(2), forbidden, |held| held).await;
        assert_eq!(reads.load(Ordering::Relaxed), 1);
    }
}
