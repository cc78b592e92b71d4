//! One cached request: its last value, the errors since, and the task that fetches.

use super::limit::{Bucket, Rate};
use crate::server::{Encoding, Shared};
use crate::telemetry::metrics::Counter;
use crate::types::{Error, Index, QueryMeta, Result};
use bytes::Bytes;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use rand::Rng;
use std::any::{Any, TypeId};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout_at};

/// Failures in a row that are followed by another attempt at once.
const EAGER_FAILURES: u32 = 3;

/// Longest pause after a failure, without its random part.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A wait for news that ends without any sooner than this was no wait.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// What an entry weighs for its rows when nobody has encoded them.
const UNKNOWN_WEIGHT: usize = 16 << 10;

/// Rows take about that many times the memory of their encoding.
const ROWS_PER_BODY: usize = 3;

static FETCHED: Counter = Counter::new("cache.fetch_success");
static FAILED: Counter = Counter::new("cache.fetch_error");

/// What the caller accepts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Only a value with a higher index; 0 takes any. Of values that are refreshed in the background.
    pub index: Index,
    /// How long to wait for that index.
    pub wait: Duration,
    /// Oldest value, of those that are not refreshed in the background.
    pub max_age: Option<Duration>,
    /// Fetch first, where values are not refreshed in the background.
    pub must_revalidate: bool,
    /// An older value will do when fetching fails.
    pub stale_if_error: Duration,
}

/// How a value was come by.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hit {
    /// It was there already, and this is its age.
    pub age: Option<Duration>,
}

/// A value with its encodings so far.
pub struct Value<R> {
    reply: Arc<R>,
    meta: QueryMeta,
    not_found: bool,
    fetched: Instant,
    bodies: Mutex<Vec<(&'static str, Bytes)>>,
}

impl<R> Value<R> {
    fn new(answer: Shared<R>) -> Value<R> {
        let Shared { meta, body, not_found } = answer;
        Value { reply: body, meta, not_found, fetched: Instant::now(), bodies: Mutex::default() }
    }

    /// The answer that was fetched.
    pub fn shared(&self) -> Shared<R> {
        Shared { meta: self.meta.clone(), body: self.reply.clone(), not_found: self.not_found }
    }

    /// The answer in an encoding; each is made once.
    ///
    /// # Errors
    /// Those of the encoder.
    pub fn encoded(&self, encoding: &Encoding<R>) -> Result<crate::server::Encoded> {
        let answer = |body| crate::server::Encoded { meta: self.meta.clone(), body, not_found: self.not_found };
        let mut bodies = self.bodies.lock();
        if let Some((_, body)) = bodies.iter().find(|(name, _)| *name == encoding.name) {
            return Ok(answer(body.clone()));
        }
        let body = (encoding.encode)(&self.reply)?;
        bodies.push((encoding.name, body.clone()));
        Ok(answer(body))
    }

    fn weight(&self) -> usize {
        let bodies = self.bodies.lock();
        let rows = bodies.iter().map(|(_, body)| body.len() * ROWS_PER_BODY).max().unwrap_or(UNKNOWN_WEIGHT);
        rows + bodies.iter().map(|(_, body)| body.len()).sum::<usize>()
    }
}

/// What is known of a request.
struct State<R> {
    value: Option<Arc<Value<R>>>,
    /// What went wrong since the value came.
    error: Option<Error>,
    failures: u32,
    /// When fetching began to fail.
    lost: Option<Instant>,
    /// Fetches that have ended.
    done: u64,
    fetching: bool,
}

/// Fetches the answer to a request, or the next one after an index.
pub type Fetch<A, R> = Box<dyn Fn(A, Index) -> BoxFuture<'static, Result<Shared<R>>> + Send + Sync>;

/// A cached request.
pub struct Entry<A, R> {
    /// The method.
    pub method: TypeId,
    /// The request without what does not belong to the question.
    pub args: A,
    /// The task keeps a blocking query open, and hits are always current.
    refreshed: bool,
    state: watch::Sender<State<R>>,
    asked: Arc<Notify>,
    used: AtomicU64,
    readers: AtomicUsize,
    task: Mutex<Option<AbortHandle>>,
}

/// An entry whose types its users know.
pub trait Stored: Any + Send + Sync {
    /// When it was last used, seconds since the start of the cache.
    fn used(&self) -> u64;
    /// Somebody is reading it now.
    fn is_read(&self) -> bool;
    /// Its memory, roughly, in bytes.
    fn weight(&self) -> usize;
    /// Stops fetching.
    fn close(&self);
}

impl<A: Send + Sync + 'static, R: Send + Sync + 'static> Stored for Entry<A, R> {
    fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    fn is_read(&self) -> bool {
        self.readers.load(Ordering::Relaxed) > 0
    }

    fn weight(&self) -> usize {
        self.state.borrow().value.as_ref().map_or(0, |value| value.weight())
    }

    fn close(&self) {
        if let Some(task) = self.task.lock().take() {
            task.abort();
        }
    }
}

impl<A, R> Drop for Entry<A, R> {
    fn drop(&mut self) {
        if let Some(task) = self.task.get_mut().take() {
            task.abort();
        }
    }
}

/// Counts a reader while it lives.
struct Reading<'a>(&'a AtomicUsize);

impl<'a> Reading<'a> {
    fn begin(readers: &'a AtomicUsize) -> Self {
        readers.fetch_add(1, Ordering::Relaxed);
        Reading(readers)
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<A, R> Entry<A, R>
where
    A: Clone + Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    /// An entry without a value, and the task that fetches for it.
    pub fn start(
        (method, args): (TypeId, A),
        refreshed: bool,
        fetch: Fetch<A, R>,
        rate: Arc<Rate>,
    ) -> Arc<Entry<A, R>> {
        let state = State { value: None, error: None, failures: 0, lost: None, done: 0, fetching: true };
        let entry = Arc::new(Entry {
            method,
            args,
            refreshed,
            state: watch::Sender::new(state),
            asked: Arc::new(Notify::new()),
            used: AtomicU64::new(0),
            readers: AtomicUsize::new(0),
            task: Mutex::default(),
        });
        let task = tokio::spawn(keep_fetching(Arc::downgrade(&entry), fetch, Bucket::new(rate)));
        *entry.task.lock() = Some(task.abort_handle());
        entry
    }

    /// Notes a use at this second.
    pub fn touch(&self, now: u64) {
        self.used.store(now, Ordering::Relaxed);
    }

    /// The value, now or when it has come.
    ///
    /// # Errors
    /// That of the fetch, if there is no value that the caller accepts.
    pub async fn get(&self, wanted: &Wanted) -> Result<(Arc<Value<R>>, Hit)> {
        let _reading = Reading::begin(&self.readers);
        let mut states = self.state.subscribe();
        let asked_at = {
            let state = states.borrow_and_update();
            if let Some(value) = self.acceptable(&state, wanted).filter(|_| self.refreshed || !wanted.must_revalidate) {
                return Ok((value.clone(), Hit { age: Some(self.age(&state, value)) }));
            }
            if !state.fetching {
                self.asked.notify_one();
            }
            state.done
        };
        let blocks = self.refreshed && wanted.index > 0;
        let deadline = blocks.then(|| Instant::now() + wanted.wait);
        loop {
            let changed = match deadline {
                Some(deadline) => timeout_at(deadline, states.changed()).await,
                None => Ok(states.changed().await),
            };
            let state = states.borrow_and_update();
            if changed.is_err() {
                let held = state.value.clone().map(|value| (value, Hit::default()));
                return held.ok_or_else(|| state.error.clone().unwrap_or_else(|| Error::new("no value in time")));
            }
            if state.done == asked_at {
                continue;
            }
            match (&state.error, self.acceptable(&state, wanted)) {
                (None, Some(value)) => return Ok((value.clone(), Hit::default())),
                // it was fetched for this caller, however long ago that is by now
                (None, None) if !self.refreshed => {
                    if let Some(value) = &state.value {
                        return Ok((value.clone(), Hit::default()));
                    }
                }
                // of a value that is kept current any is better than none
                (Some(_), Some(value)) if self.refreshed => return Ok((value.clone(), Hit::default())),
                (Some(error), _) if !blocks || state.value.is_none() || state.failures > 1 => {
                    return self.rescue(&state, wanted).ok_or_else(|| error.clone());
                }
                _ => {}
            }
        }
    }

    /// The value, if the caller takes it as it is.
    fn acceptable<'s>(&self, state: &'s State<R>, wanted: &Wanted) -> Option<&'s Arc<Value<R>>> {
        let value = state.value.as_ref()?;
        let accepted = if self.refreshed {
            wanted.index == 0 || value.meta.index > wanted.index
        } else {
            wanted.max_age.is_none_or(|age| value.fetched.elapsed() <= age)
        };
        accepted.then_some(value)
    }

    /// An older value for who takes one in the place of an error.
    fn rescue(&self, state: &State<R>, wanted: &Wanted) -> Option<(Arc<Value<R>>, Hit)> {
        let value = state.value.as_ref()?;
        let age = value.fetched.elapsed();
        (age < wanted.stale_if_error).then(|| (value.clone(), Hit { age: Some(age) }))
    }

    /// A value that is kept current ages only while fetching fails.
    fn age(&self, state: &State<R>, value: &Value<R>) -> Duration {
        if !self.refreshed {
            return value.fetched.elapsed();
        }
        state.lost.map_or(Duration::ZERO, |lost| lost.elapsed())
    }

    /// Books the end of a fetch.
    fn finish(&self, result: Result<Shared<R>>) {
        self.state.send_modify(|state| {
            state.done += 1;
            state.fetching = false;
            match result {
                Ok(answer) => {
                    FETCHED.add(1);
                    state.value = Some(Arc::new(Value::new(answer)));
                    (state.error, state.failures, state.lost) = (None, 0, None);
                }
                Err(error) => {
                    FAILED.add(1);
                    state.error = Some(error);
                    state.failures += 1;
                    state.lost.get_or_insert_with(Instant::now);
                }
            }
        });
    }

    /// Books that a wait brought nothing new: the value is current.
    fn confirm(&self) {
        self.state.send_if_modified(|state| {
            let failed = state.error.take().is_some();
            (state.failures, state.lost, state.fetching) = (0, None, false);
            failed
        });
    }

    /// An answer that is the value already.
    fn holds(&self, answer: &Shared<R>) -> bool {
        let state = self.state.borrow();
        let value = state.value.as_ref().filter(|_| self.refreshed);
        value.is_some_and(|value| value.meta.index == answer.meta.index && value.not_found == answer.not_found)
    }

    fn begin(&self) {
        self.state.send_if_modified(|state| {
            state.fetching = true;
            false
        });
    }
}

/// How the task goes on after a fetch.
enum Next {
    /// At once.
    Now,
    /// After a pause, or when somebody asks.
    Pause(Duration),
    /// When somebody asks.
    Asked,
}

/// Fetches for an entry until it is dropped.
async fn keep_fetching<A, R>(entry: Weak<Entry<A, R>>, fetch: Fetch<A, R>, mut bucket: Bucket)
where
    A: Clone + Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    let Some(asked) = entry.upgrade().map(|entry| entry.asked.clone()) else { return };
    let mut seen = 0;
    loop {
        bucket.take().await;
        let Some(args) = entry.upgrade().map(|entry| {
            entry.begin();
            entry.args.clone()
        }) else {
            return;
        };
        let begun = Instant::now();
        let result = fetch(args, seen).await;
        let Some(entry) = entry.upgrade() else { return };
        let next = match &result {
            Ok(_) if !entry.refreshed => Next::Asked,
            Ok(answer) => {
                let same = seen > 0 && answer.meta.index == seen;
                // an index that went down is that of another state: begin anew
                seen = if answer.meta.index < seen { 0 } else { answer.meta.index.max(1) };
                if same && begun.elapsed() < SHORTEST_WAIT { Next::Pause(SHORTEST_WAIT) } else { Next::Now }
            }
            Err(error) => {
                // what is read next without a wait tells that the servers are back
                seen = 0;
                let gives_up = !entry.refreshed || error.text.contains("ACL not found");
                if gives_up { Next::Asked } else { Next::Pause(pause(entry.state.borrow().failures + 1)) }
            }
        };
        match result {
            Ok(answer) if entry.holds(&answer) => entry.confirm(),
            result => entry.finish(result),
        }
        drop(entry);
        match next {
            Next::Now => {}
            Next::Asked => asked.notified().await,
            Next::Pause(time) => tokio::select! {
                () = sleep(time) => {}
                () = asked.notified() => {}
            },
        }
    }
}

/// The pause after that many failures in a row.
fn pause(failures: u32) -> Duration {
    let Some(doublings) = failures.checked_sub(EAGER_FAILURES + 1) else { return Duration::ZERO };
    let base = Duration::from_secs(1 << (doublings + 1).min(6)).min(LONGEST_PAUSE);
    base + rand::rng().random_range(Duration::ZERO..base)
}
