//! Equal questions to another server that are under way at the same time are asked once.

use crate::types::Index;
use ahash::RandomState;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use std::any::Any;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Weak};
use tokio::time::{Instant, timeout_at};

/// The questions under way, by the hash of their keys.
type Running = Mutex<HashMap<u64, Weak<dyn Any + Send + Sync>>>;

/// One question under way. It is given up when nobody waits for its answer any more.
struct Flight<K, V: Clone> {
    key: K,
    answer: Shared<BoxFuture<'static, V>>,
    hash: u64,
    running: Arc<Running>,
}

impl<K, V: Clone> Drop for Flight<K, V> {
    fn drop(&mut self) {
        let mut running = self.running.lock();
        if running.get(&self.hash).is_some_and(|flight| flight.strong_count() == 0) {
            running.remove(&self.hash);
        }
    }
}

/// Lets equal questions share one answer. Clones share what is under way.
#[derive(Clone, Default)]
pub struct Flights {
    hasher: RandomState,
    running: Arc<Running>,
}

impl Flights {
    /// The answer to the question `key`: that of an equal question under way, or that of `ask`. A question whose hash is
    /// taken by a different one is asked by itself.
    pub async fn share<K, V>(&self, key: K, ask: impl FnOnce(&K) -> BoxFuture<'static, V>) -> V
    where
        K: Hash + Eq + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        let flight = self.flight(key, ask);
        flight.answer.clone().await
    }

    /// The answer to a read that waits until the index passes `seen`, or for `deadline`. Equal reads share one question; its
    /// answer may come before a reader has waited long enough, who then asks on.
    ///
    /// # Errors
    /// Those of `ask`.
    pub async fn wait<K, V, E>(
        &self,
        key: K,
        seen: Index,
        deadline: Instant,
        ask: impl Fn(&K) -> BoxFuture<'static, Result<V, E>>,
        index: impl Fn(&V) -> Index,
    ) -> Result<V, E>
    where
        K: Clone + Hash + Eq + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
        E: Clone + Send + Sync + 'static,
    {
        let mut last = None;
        loop {
            let flight = self.share(key.clone(), &ask);
            let answer = match last.take() {
                None => flight.await?,
                Some(before) => match timeout_at(deadline, flight).await {
                    Ok(answer) => answer?,
                    Err(_) => return Ok(before),
                },
            };
            if index(&answer) != seen || Instant::now() >= deadline {
                return Ok(answer);
            }
            last = Some(answer);
        }
    }

    fn flight<K, V>(&self, key: K, ask: impl FnOnce(&K) -> BoxFuture<'static, V>) -> Arc<Flight<K, V>>
    where
        K: Hash + Eq + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        let hash = self.hasher.hash_one(&key);
        // a flight that is dropped takes the lock, so what was found outlives it
        let found;
        {
            let mut running = self.running.lock();
            found = running.get(&hash).and_then(Weak::upgrade);
            if found.is_none() {
                let answer = ask(&key).shared();
                let flight = Arc::new(Flight { key, answer, hash, running: Arc::clone(&self.running) });
                let known: Arc<dyn Any + Send + Sync> = flight.clone();
                running.insert(hash, Arc::downgrade(&known));
                return flight;
            }
        }
        if let Some(Ok(flight)) = found.map(Arc::downcast::<Flight<K, V>>)
            && flight.key == key
        {
            return flight;
        }
        let answer = ask(&key).shared();
        Arc::new(Flight { key, answer, hash, running: Arc::clone(&self.running) })
    }

    /// Questions under way.
    pub fn len(&self) -> usize {
        self.running.lock().len()
    }

    /// Nothing is under way.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tokio::sync::watch;

    #[tokio::test]
    async fn equal_questions_are_asked_once_and_given_up_with_the_last_who_waits() {
        let flights = Flights::default();
        let asked = Arc::new(AtomicUsize::new(0));
        let go = watch::Sender::new(false);
        let question = |key: &'static str| {
            let (asked, mut go) = (Arc::clone(&asked), go.subscribe());
            let flights = flights.clone();
            async move {
                let ask = move |_: &&str| -> BoxFuture<'static, usize> {
                    Box::pin(async move {
                        let number = asked.fetch_add(1, Ordering::SeqCst);
                        let _ = go.wait_for(|go| *go).await;
                        number
                    })
                };
                flights.share(key, ask).await
            }
        };
        let (first, second, other) =
            (tokio::spawn(question("a")), tokio::spawn(question("a")), tokio::spawn(question("b")));
        while asked.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        assert_eq!(flights.len(), 2);
        other.abort();
        assert!(other.await.is_err());
        assert_eq!(flights.len(), 1, "nobody waits for the second question any more");
        go.send_replace(true);
        let (first, second) = (first.await.expect("runs"), second.await.expect("runs"));
        assert_eq!(first, second);
        assert!(flights.is_empty());
    }
}
