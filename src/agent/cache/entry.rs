//! One cached request: its last value, the errors since, and the task that fetches.

use super::limit::{Rate, Turns};
use crate::server::{Answer, Body, Encoded, Encoding, Shared};
use crate::telemetry::metrics::Counter;
use crate::types::{Error, Index, Result};
use ahash::RandomState;
use bytes::Bytes;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use rand::Rng;
use std::any::Any;
use std::hash::Hash;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
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

/// What tells one request from another.
pub trait Key: Any + Send + Sync {
    /// A hash that equal keys share.
    fn digest(&self, hasher: &RandomState) -> u64;
    /// They are equal.
    fn is_same(&self, other: &dyn Key) -> bool;
}

impl<T: Hash + Eq + Any + Send + Sync> Key for T {
    fn digest(&self, hasher: &RandomState) -> u64 {
        hasher.hash_one(self)
    }

    fn is_same(&self, other: &dyn Key) -> bool {
        (other as &dyn Any).downcast_ref::<T>() == Some(self)
    }
}

/// A value with its encodings so far.
pub struct Value {
    /// A typed one.
    answer: Answer<Body>,
    fetched: Instant,
    bodies: Mutex<Vec<(&'static str, Bytes)>>,
}

impl Value {
    fn new(answer: Answer<Body>) -> Value {
        Value { answer, fetched: Instant::now(), bodies: Mutex::default() }
    }

    fn weight(&self) -> usize {
        let bodies = self.bodies.lock();
        let rows = bodies.iter().map(|(_, body)| body.len() * ROWS_PER_BODY).max().unwrap_or(UNKNOWN_WEIGHT);
        rows + bodies.iter().map(|(_, body)| body.len()).sum::<usize>()
    }
}

/// A value whose type is known to who asked for it.
pub struct Kept<R> {
    value: Arc<Value>,
    reply: PhantomData<fn() -> R>,
}

impl<R: Send + Sync + 'static> Kept<R> {
    /// The value that was kept of such a reply.
    pub fn of(value: Arc<Value>) -> Kept<R> {
        Kept { value, reply: PhantomData }
    }

    /// The answer that was fetched.
    pub fn shared(&self) -> Shared<R> {
        self.value.answer.clone().map(Body::into_reply)
    }

    /// The answer in an encoding; each is made once.
    ///
    /// # Errors
    /// Those of the encoder.
    pub fn encoded(&self, encoding: &Encoding<R>) -> Result<Encoded> {
        let Shared { meta, body: reply, not_found } = self.shared();
        let mut bodies = self.value.bodies.lock();
        let known = bodies.iter().find(|(name, _)| *name == encoding.name).map(|(_, body)| body.clone());
        let body = match known {
            Some(body) => body,
            None => {
                let body = (encoding.encode)(&reply)?;
                bodies.push((encoding.name, body.clone()));
                body
            }
        };
        Ok(Encoded { meta, body, not_found })
    }
}

/// What is known of a request.
struct State {
    value: Option<Arc<Value>>,
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
pub type Fetch = Box<dyn Fn(Index) -> BoxFuture<'static, Result<Answer<Body>>> + Send + Sync>;

/// A cached request.
pub struct Entry {
    /// The request without what does not belong to the question.
    pub key: Box<dyn Key>,
    /// The task keeps a blocking query open, and hits are always current.
    refreshed: bool,
    state: watch::Sender<State>,
    asked: Arc<Notify>,
    used: AtomicU64,
    /// Nobody has got it yet: who comes first is the one that it was fetched for.
    unasked: AtomicBool,
    readers: AtomicUsize,
    task: Mutex<Option<AbortHandle>>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.close();
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

impl Entry {
    /// An entry without a value, and the task that fetches for it.
    pub fn start(key: Box<dyn Key>, refreshed: bool, fetch: Fetch, rate: Arc<Rate>) -> Arc<Entry> {
        let state = State { value: None, error: None, failures: 0, lost: None, done: 0, fetching: true };
        let entry = Arc::new(Entry {
            key,
            refreshed,
            state: watch::Sender::new(state),
            asked: Arc::new(Notify::new()),
            used: AtomicU64::new(0),
            unasked: AtomicBool::new(true),
            readers: AtomicUsize::new(0),
            task: Mutex::default(),
        });
        let task = tokio::spawn(keep_fetching(Arc::downgrade(&entry), fetch, Turns::new(rate)));
        *entry.task.lock() = Some(task.abort_handle());
        entry
    }

    /// When it was last used, seconds since the start of the cache.
    pub fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Somebody is reading it now.
    pub fn is_read(&self) -> bool {
        self.readers.load(Ordering::Relaxed) > 0
    }

    /// Its memory, roughly, in bytes.
    pub fn weight(&self) -> usize {
        self.state.borrow().value.as_ref().map_or(0, |value| value.weight())
    }

    /// Stops fetching.
    pub fn close(&self) {
        if let Some(task) = self.task.lock().take() {
            task.abort();
        }
    }

    /// Notes a use at this second.
    pub fn touch(&self, now: u64) {
        self.used.store(now, Ordering::Relaxed);
    }

    /// The value, now or when it has come.
    ///
    /// # Errors
    /// That of the fetch, if there is no value that the caller accepts.
    pub async fn get(&self, wanted: &Wanted) -> Result<(Arc<Value>, Hit)> {
        let _reading = Reading::begin(&self.readers);
        let mut states = self.state.subscribe();
        let asked_at = if self.unasked.swap(false, Ordering::Relaxed) {
            // the fetch may have ended already
            states.mark_changed();
            0
        } else {
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
    fn acceptable<'s>(&self, state: &'s State, wanted: &Wanted) -> Option<&'s Arc<Value>> {
        let value = state.value.as_ref()?;
        let accepted = if self.refreshed {
            wanted.index == 0 || value.answer.meta.index > wanted.index
        } else {
            wanted.max_age.is_none_or(|age| value.fetched.elapsed() <= age)
        };
        accepted.then_some(value)
    }

    /// An older value for who takes one in the place of an error.
    fn rescue(&self, state: &State, wanted: &Wanted) -> Option<(Arc<Value>, Hit)> {
        let value = state.value.as_ref()?;
        let age = value.fetched.elapsed();
        (age < wanted.stale_if_error).then(|| (value.clone(), Hit { age: Some(age) }))
    }

    /// A value that is kept current ages only while fetching fails.
    fn age(&self, state: &State, value: &Value) -> Duration {
        if !self.refreshed {
            return value.fetched.elapsed();
        }
        state.lost.map_or(Duration::ZERO, |lost| lost.elapsed())
    }

    /// Books the end of a fetch.
    fn finish(&self, result: Result<Answer<Body>>) {
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
    fn holds(&self, answer: &Answer<Body>) -> bool {
        let state = self.state.borrow();
        let value = state.value.as_ref().filter(|_| self.refreshed);
        value.is_some_and(|value| {
            let held = &value.answer;
            held.meta.index == answer.meta.index && held.not_found == answer.not_found
        })
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
async fn keep_fetching(entry: Weak<Entry>, fetch: Fetch, mut turns: Turns) {
    let Some(asked) = entry.upgrade().map(|entry| entry.asked.clone()) else { return };
    let mut seen = 0;
    loop {
        turns.take().await;
        match entry.upgrade() {
            Some(entry) => entry.begin(),
            None => return,
        }
        let begun = Instant::now();
        let result = fetch(seen).await;
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
