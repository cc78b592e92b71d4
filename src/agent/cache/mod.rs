//! The agent cache (`spec/semantics.md` 24): answers to discovery reads are kept where they are asked for.
//!
//! What can block is refreshed in the background by a blocking query that stays open, so that a hit is current as long as
//! servers are heard of, and still there when they are not. Anything else is fetched again when it is too old for the
//! caller. Equal requests share the value and its encodings. Entries nobody has used for three days are dropped, the
//! longest unused ones sooner when there are too many.

mod entry;
mod limit;
#[cfg(test)]
mod tests;

pub use entry::{Hit, Kept, Wanted};

use super::Agent;
use crate::server::{Answer, Body, Endpoint, Question, ReadEndpoint, question};
use crate::telemetry::metrics;
use crate::types::requests::ReadRequest;
use crate::types::{Error, GoDuration, Index, QueryMeta, QueryOptions, Result};
use ahash::RandomState;
use entry::{Entry, Fetch, Key, Value};
use limit::Rate;
use parking_lot::Mutex;
use rand::Rng;
use std::any::TypeId;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How long a blocking query stays open.
const REFRESH_WAIT: GoDuration = GoDuration::secs(600);

/// How long an unused entry is kept.
const IDLE: Duration = Duration::from_secs(72 * 3600);

/// Time between looks for unused entries.
const SWEEP: Duration = Duration::from_secs(60);

/// Most entries.
const MOST_ENTRIES: usize = 8192;

/// Most memory of the values, bytes, as far as that can be told.
const MOST_BYTES: usize = 256 << 20;

static EXPIRED: metrics::Counter = metrics::Counter::new("cache.evict_expired");
static ENTRIES: metrics::Gauge = metrics::Gauge::new("cache.entries_count");

/// The cached requests of an agent.
pub struct Cache {
    hasher: RandomState,
    entries: Mutex<HashMap<u64, Arc<Entry>>>,
    rate: Arc<Rate>,
    started: Instant,
}

/// A cached answer and how it was come by.
pub type Cached<R> = (Kept<R>, Hit);

impl Cache {
    /// An empty cache whose entries fetch at most that often per second, and that often at once.
    pub fn new(per_second: f64, burst: usize) -> Cache {
        let rate = Arc::new(Rate::new(per_second, burst));
        Cache { hasher: RandomState::new(), entries: Mutex::default(), rate, started: Instant::now() }
    }

    /// Changes how often entries may fetch.
    pub fn configure(&self, per_second: f64, burst: usize) {
        self.rate.set(per_second, burst);
    }

    /// Forgets everything and stops fetching.
    pub fn close(&self) {
        for (_, entry) in self.entries.lock().drain() {
            entry.close();
        }
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.entries.lock().len()
    }

    /// There are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn now(&self) -> u64 {
        self.started.elapsed().as_secs()
    }

    fn hash(&self, key: &dyn Key, refreshed: bool) -> u64 {
        self.hasher.hash_one((key.digest(&self.hasher), refreshed))
    }

    /// The entry of a request, which is refreshed in the background or not.
    fn entry<K: Key>(&self, key: K, refreshed: bool, fetch: impl FnOnce(&K) -> Fetch) -> Arc<Entry> {
        let hash = self.hash(&key, refreshed);
        let now = self.now();
        let mut entries = self.entries.lock();
        let found = entries.get(&hash).cloned();
        let taken = found.is_some();
        if let Some(entry) = found.filter(|entry| entry.key.is_same(&key)) {
            entry.touch(now);
            return entry;
        }
        let fetch = fetch(&key);
        let entry = Entry::start(Box::new(key), refreshed, fetch, self.rate.clone());
        entry.touch(now);
        // a different request with the same hash keeps its place
        if !taken {
            if entries.len() >= MOST_ENTRIES {
                make_room(&mut entries, MOST_ENTRIES / 16, 0);
            }
            entries.insert(hash, entry.clone());
            ENTRIES.set(entries.len() as f64);
        }
        entry
    }

    /// Forgets the answer to a request.
    fn forget(&self, key: &dyn Key, refreshed: bool) {
        let hash = self.hash(key, refreshed);
        self.entries.lock().remove(&hash);
    }

    /// Forgets what has not been used for long, and what is too much.
    fn sweep(&self, idle: Duration) {
        let now = self.now();
        let mut entries = self.entries.lock();
        let before = entries.len();
        entries.retain(|_, entry| entry.is_read() || now.saturating_sub(entry.used()) < idle.as_secs());
        EXPIRED.add((before - entries.len()) as u64);
        let weight: usize = entries.values().map(|entry| entry.weight()).sum();
        if weight > MOST_BYTES {
            make_room(&mut entries, 0, weight - MOST_BYTES);
        }
        ENTRIES.set(entries.len() as f64);
    }
}

/// Takes out the longest unused entries that nobody reads: `count` of them and those that weigh `bytes` too much.
fn make_room(entries: &mut HashMap<u64, Arc<Entry>>, count: usize, bytes: usize) -> Vec<Arc<Entry>> {
    let unread = entries.iter().filter(|(_, entry)| !entry.is_read());
    let mut oldest: Vec<(u64, u64)> = unread.map(|(hash, entry)| (entry.used(), *hash)).collect();
    oldest.sort_unstable();
    let (mut dropped, mut freed) = (Vec::new(), 0);
    for (_, hash) in oldest {
        if dropped.len() >= count && freed >= bytes {
            break;
        }
        if let Some(entry) = entries.remove(&hash) {
            freed += entry.weight();
            dropped.push(entry);
        }
    }
    dropped
}

/// What the caller of a read accepts.
fn wanted(options: &QueryOptions, default_wait: Duration, longest_wait: Duration) -> Wanted {
    let asked = options.max_query_time.to_std();
    let wait = if asked.is_zero() { default_wait } else { asked.min(longest_wait) };
    let spread = (wait / 16).max(Duration::from_nanos(1));
    Wanted {
        index: options.min_query_index,
        wait: wait + rand::rng().random_range(Duration::ZERO..spread),
        max_age: (!options.max_age.is_zero()).then(|| options.max_age.to_std()),
        must_revalidate: options.must_revalidate,
        stale_if_error: options.stale_if_error.to_std(),
    }
}

/// Leaves of the options what belongs to the question; any server may answer it.
fn bare(options: &mut QueryOptions) {
    let QueryOptions { token, filter, .. } = std::mem::take(options);
    *options = QueryOptions { token, filter, allow_stale: true, ..QueryOptions::default() };
}

impl Agent {
    /// The agent cache.
    pub fn cache(&self) -> &Cache {
        &self.inner.cache
    }

    /// Reads through the cache, where a blocking query keeps the answer current. Index, wait and what the options say of the
    /// cache are honoured; consistency is not.
    ///
    /// # Errors
    /// As [`Agent::call`], when there is no value for the caller.
    pub async fn cached<M: ReadEndpoint>(&self, args: M::Args) -> Result<Cached<M::Reply>> {
        let (value, hit) = self.cached_answer(question::typed::<M>(args)).await?;
        Ok((Kept::of(value), hit))
    }

    async fn cached_answer(&self, mut question: Box<dyn Question>) -> Result<(Arc<Value>, Hit)> {
        let wanted = self.wanted(question.options());
        bare(question.options_mut());
        self.forget_unless_known(&question.options().token, &question, true).await;
        let entry = self.cache().entry(question, true, |question| {
            let (agent, question) = (Arc::downgrade(&self.inner), question.clone());
            Box::new(move |seen: Index| {
                let (agent, mut question) = (agent.clone(), question.clone());
                let options = question.options_mut();
                options.min_query_index = seen;
                options.max_query_time = if seen > 0 { REFRESH_WAIT } else { GoDuration::ZERO };
                Box::pin(async move { upgrade(&agent)?.ask(question).await })
            })
        });
        entry.get(&wanted).await
    }

    /// Calls a method that cannot block through the cache.
    ///
    /// # Errors
    /// As [`Agent::call`], when there is no value for the caller.
    pub async fn cached_call<M>(&self, mut args: M::Args) -> Result<Cached<M::Reply>>
    where
        M: Endpoint,
        M::Args: ReadRequest + Hash + Eq,
    {
        let wanted = self.wanted(args.options());
        bare(args.options_mut());
        let key = (TypeId::of::<M>(), args);
        self.forget_unless_known(&key.1.options().token, &key, false).await;
        let entry = self.cache().entry(key, false, |(_, args)| {
            let (agent, args) = (Arc::downgrade(&self.inner), args.clone());
            Box::new(move |_| {
                let (agent, args) = (agent.clone(), args.clone());
                Box::pin(async move {
                    let reply = upgrade(&agent)?.call::<M>(args).await?;
                    Ok(Answer { meta: QueryMeta::default(), body: Body::typed(reply), not_found: false })
                })
            })
        });
        let (value, hit) = entry.get(&wanted).await?;
        Ok((Kept::of(value), hit))
    }

    /// An answer that was kept is for who asked, not for whoever has a secret that is no longer that of a token: servers are to
    /// refuse it themselves.
    async fn forget_unless_known(&self, token: &str, key: &dyn Key, refreshed: bool) {
        if self.resolve(token).await.is_err() {
            self.cache().forget(key, refreshed);
        }
    }

    fn wanted(&self, options: &QueryOptions) -> Wanted {
        let config = self.config();
        wanted(options, config.default_query_time.to_std(), config.max_query_time.to_std())
    }
}

fn upgrade(agent: &Weak<super::Inner>) -> Result<Agent> {
    let inner = agent.upgrade().ok_or_else(|| Error::new("the agent is shutting down"))?;
    Ok(Agent { inner })
}

/// Lets the cache of an agent forget what is not used, as long as the agent is there.
pub(super) async fn sweep(agent: Weak<super::Inner>) {
    let mut ticks = tokio::time::interval(SWEEP);
    loop {
        ticks.tick().await;
        let Some(agent) = agent.upgrade() else { return };
        agent.cache.sweep(IDLE);
    }
}
