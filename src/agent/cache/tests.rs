//! The rules of the cache, on a source whose answers the test sets.

use super::*;
use crate::types::Index;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::watch;

/// What the servers would say.
struct Source {
    answer: watch::Sender<Result<(Index, &'static str)>>,
    fetches: AtomicUsize,
}

type Text = &'static str;

impl Source {
    fn new(index: Index, text: Text) -> Arc<Source> {
        Arc::new(Source { answer: watch::Sender::new(Ok((index, text))), fetches: AtomicUsize::new(0) })
    }

    fn set(&self, index: Index, text: Text) {
        let _ = self.answer.send_replace(Ok((index, text)));
    }

    fn fail(&self) {
        let _ = self.answer.send_replace(Err(Error::new("away")));
    }

    fn fetches(&self) -> usize {
        self.fetches.load(Ordering::SeqCst)
    }

    fn fetch(self: &Arc<Self>) -> Fetch {
        let source = self.clone();
        Box::new(move |seen| {
            let source = source.clone();
            Box::pin(async move {
                source.fetches.fetch_add(1, Ordering::SeqCst);
                let mut answers = source.answer.subscribe();
                let news =
                    answers.wait_for(|answer| answer.as_ref().map_or(true, |(index, _)| seen == 0 || *index > seen));
                let (index, text) = tokio::time::timeout(REFRESH_WAIT.to_std(), news).await.map_or_else(
                    |_| source.answer.borrow().clone(),
                    |news| news.expect("the source is there").clone(),
                )?;
                let meta = QueryMeta { index, ..QueryMeta::default() };
                Ok(Answer { meta, body: Body::typed(text), not_found: false })
            })
        })
    }
}

fn cache() -> Cache {
    Cache::new(f64::INFINITY, 2)
}

async fn get(cache: &Cache, source: &Arc<Source>, refreshed: bool, wanted: Wanted) -> Result<(Text, Hit)> {
    let entry = cache.entry("args", refreshed, |_| source.fetch());
    entry.get(&wanted).await.map(|(value, hit)| (*Kept::of(value).shared().body, hit))
}

const MISS: Hit = Hit { age: None };
const CURRENT: Hit = Hit { age: Some(Duration::ZERO) };

/// Reads until what it gives is as expected.
async fn until(cache: &Cache, source: &Arc<Source>, expected: impl Fn(Text, Duration) -> bool) {
    loop {
        let (text, found) = get(cache, source, true, Wanted::default()).await.expect("a value");
        if found.age.is_some_and(|age| expected(text, age)) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_refreshed_value_is_current_without_asking() {
    let (cache, source) = (cache(), Source::new(5, "old"));
    let any = Wanted::default();
    assert_eq!(get(&cache, &source, true, any).await, Ok(("old", MISS)));
    assert_eq!(get(&cache, &source, true, any).await, Ok(("old", CURRENT)));
    source.set(6, "new");
    until(&cache, &source, |text, age| text == "new" && age.is_zero()).await;
    let picky = Wanted { must_revalidate: true, max_age: Some(Duration::ZERO), ..any };
    assert_eq!(get(&cache, &source, true, picky).await, Ok(("new", CURRENT)), "always as new as it can be");
    assert!(source.fetches() <= 3 && cache.len() == 1);
}

#[tokio::test]
async fn who_waits_for_an_index_gets_it_or_the_last_value_in_the_end() {
    let (cache, source) = (cache(), Source::new(5, "old"));
    let wait = |index, millis| Wanted { index, wait: Duration::from_millis(millis), ..Wanted::default() };
    assert_eq!(get(&cache, &source, true, wait(1, 60_000)).await, Ok(("old", MISS)));
    assert_eq!(get(&cache, &source, true, wait(4, 60_000)).await, Ok(("old", CURRENT)));
    let begun = Instant::now();
    assert_eq!(get(&cache, &source, true, wait(5, 20)).await, Ok(("old", MISS)));
    assert!(begun.elapsed() >= Duration::from_millis(20));
    let (woken, ()) = tokio::join!(get(&cache, &source, true, wait(5, 60_000)), async {
        tokio::task::yield_now().await;
        source.set(9, "new");
    });
    assert_eq!(woken, Ok(("new", MISS)));
}

#[tokio::test]
async fn a_refreshed_value_outlives_its_source_and_tells_its_age() {
    let (cache, source) = (cache(), Source::new(5, "kept"));
    let wait = |millis| Wanted { index: 5, wait: Duration::from_millis(millis), ..Wanted::default() };
    get(&cache, &source, true, Wanted::default()).await.expect("fetched");
    source.fail();
    until(&cache, &source, |text, age| text == "kept" && !age.is_zero()).await;
    assert_eq!(get(&cache, &source, true, wait(60_000)).await, Err(Error::new("away")), "who waits is told");
    assert!(source.fetches() < 10, "{} fetches while the source is away", source.fetches());
    source.set(5, "kept");
    assert_eq!(get(&cache, &source, true, wait(20)).await, Ok(("kept", MISS)));
    assert_eq!(get(&cache, &source, true, Wanted::default()).await, Ok(("kept", CURRENT)), "contact is back");
}

#[tokio::test]
async fn an_error_is_told_when_there_is_no_value_and_asking_again_tries_again() {
    let (cache, source) = (cache(), Source::new(5, "late"));
    source.fail();
    for refreshed in [true, false] {
        assert_eq!(get(&cache, &source, refreshed, Wanted::default()).await, Err(Error::new("away")));
    }
    source.set(5, "late");
    for refreshed in [true, false] {
        assert_eq!(get(&cache, &source, refreshed, Wanted::default()).await, Ok(("late", MISS)));
    }
}

#[tokio::test]
async fn other_values_are_as_old_as_the_caller_bears() {
    let (cache, source) = (cache(), Source::new(1, "first"));
    let any = Wanted::default();
    let aged = |age| Wanted { max_age: Some(age), ..any };
    let hour = Duration::from_secs(3600);
    let text = |got: Result<(Text, Hit)>| got.map(|(text, hit)| (text, hit.age.is_some()));
    assert_eq!(text(get(&cache, &source, false, any).await), Ok(("first", false)));
    source.set(1, "second");
    assert_eq!(text(get(&cache, &source, false, any).await), Ok(("first", true)));
    assert_eq!(text(get(&cache, &source, false, aged(hour)).await), Ok(("first", true)));
    assert_eq!(text(get(&cache, &source, false, aged(Duration::ZERO)).await), Ok(("second", false)));
    source.set(1, "third");
    let fresh = Wanted { must_revalidate: true, ..any };
    assert_eq!(text(get(&cache, &source, false, fresh).await), Ok(("third", false)));
    source.fail();
    assert_eq!(text(get(&cache, &source, false, fresh).await), Err(Error::new("away")));
    let patient = |stale_if_error| Wanted { stale_if_error, ..fresh };
    assert_eq!(text(get(&cache, &source, false, patient(hour)).await), Ok(("third", true)));
    assert!(get(&cache, &source, false, patient(Duration::from_nanos(1))).await.is_err(), "too old");
    assert_eq!(text(get(&cache, &source, false, any).await), Ok(("third", true)), "for who takes any");
}

#[tokio::test]
async fn requests_at_the_same_time_fetch_once() {
    let (cache, source) = (cache(), Source::new(1, "x"));
    let all = futures::future::join_all((0..100).map(|_| get(&cache, &source, false, Wanted::default()))).await;
    assert!(all.iter().all(Result::is_ok));
    assert_eq!(source.fetches(), 1);
}

#[tokio::test]
async fn fetching_is_bounded_by_the_rate_in_force() {
    let (cache, source) = (Cache::new(20.0, 2), Source::new(1, "x"));
    let fresh = Wanted { must_revalidate: true, ..Wanted::default() };
    let begun = Instant::now();
    for _ in 0..4 {
        get(&cache, &source, false, fresh).await.expect("fetched");
    }
    assert!(begun.elapsed() >= Duration::from_millis(95), "two at once, two more after 50 ms each");
    cache.configure(f64::INFINITY, 1);
    for _ in 0..1000 {
        get(&cache, &source, false, fresh).await.expect("fetched, and not at 20 per second");
    }
    assert!(begun.elapsed() < Duration::from_secs(40));
}

#[tokio::test]
async fn unused_entries_and_those_that_are_too_many_are_forgotten() {
    let cache = cache();
    let source = Source::new(1, "x");
    for number in 0..=MOST_ENTRIES {
        cache.entry(number, true, |_| Box::new(|_| Box::pin(std::future::pending())));
    }
    assert!(cache.len() <= MOST_ENTRIES && cache.len() > MOST_ENTRIES / 2);
    get(&cache, &source, true, Wanted::default()).await.expect("fetched");
    let reader = cache.entry(0_usize, true, |_| Box::new(|_| Box::pin(std::future::pending())));
    let waiting = tokio::spawn(async move { reader.get(&Wanted::default()).await.is_ok() });
    while !cache.entries.lock().values().any(|entry| entry.is_read()) {
        tokio::task::yield_now().await;
    }
    cache.sweep(Duration::ZERO);
    assert_eq!(cache.len(), 1, "the one that is being read");
    while source.answer.receiver_count() > 0 {
        tokio::task::yield_now().await; // nobody refreshes a forgotten entry
    }
    waiting.abort();
    assert!(waiting.await.is_err());
    cache.sweep(Duration::ZERO);
    assert!(cache.is_empty());
}
