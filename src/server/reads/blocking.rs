//! The read engine: evaluates a query once, or until its index passes the one that the caller has already seen
//! (`spec/semantics.md` 4).

use super::question::Body;
use crate::acl::Authorizer;
use crate::server::endpoint::{Found, ReadContext, ReadEndpoint};
use crate::server::{Server, ServerConfig};
use crate::state::WatchSet;
use crate::types::requests::{ReadReply, shown_index};
use crate::types::{Index, QueryOptions, Result};
use rand::Rng;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// The wait is stretched by a random part of up to this fraction, so that watchers do not come back all at once.
const JITTER_FRACTION: u32 = 16;

/// The result of one evaluation.
pub struct Evaluated {
    /// Index of the result, at least 1.
    pub index: Index,
    /// What was found.
    pub found: Found,
    /// The result has no rows.
    pub empty: bool,
    /// Rows were dropped for lack of permission.
    pub filtered: bool,
    /// What the result depends on.
    pub watch: WatchSet,
    /// The result.
    pub value: Body,
    /// Number of the evaluation among those of the same query, when shared.
    pub generation: u64,
}

impl Evaluated {
    /// A result that everyone may see.
    pub fn plain(index: Index, watch: WatchSet, value: Body) -> Self {
        let (found, index) = (Found::Rows, shown_index(index));
        Evaluated { index, found, empty: false, filtered: false, watch, value, generation: 0 }
    }
}

/// Evaluates a query against the newest state and turns its reply into what is kept.
pub fn evaluate<M: ReadEndpoint>(
    server: &Server,
    args: &M::Args,
    authorizer: &Authorizer,
    keep: impl FnOnce(M::Reply) -> Result<Body>,
) -> Result<Evaluated> {
    let (result, watch) = server.store().read(|state, watch| {
        let mut cx =
            ReadContext { server, state, watch, authorizer, found: Found::Rows, empty: false, filtered: false };
        let reply = M::read(&mut cx, args);
        reply.map(|reply| (reply, cx.found, cx.empty, cx.filtered))
    });
    let (reply, found, empty, filtered) = result?;
    let index = shown_index(reply.meta().index);
    Ok(Evaluated { index, found, empty, filtered, watch, value: keep(reply)?, generation: 0 })
}

/// Time after which a waiting query answers what it has.
pub fn wait_time(config: &ServerConfig, asked: Duration) -> Duration {
    let base = if asked.is_zero() { config.default_query_time } else { asked.min(config.max_query_time) };
    let most = base / JITTER_FRACTION;
    if most.is_zero() { base } else { base + rand::rng().random_range(Duration::ZERO..most) }
}

/// Runs `evaluate` until its index passes the caller's, or the time is over, or the state was replaced, or the server stops.
/// The request has been admitted.
pub async fn run(
    server: &Server,
    options: &QueryOptions,
    evaluate: &mut (dyn FnMut() -> Result<Arc<Evaluated>> + Send),
) -> Result<Arc<Evaluated>> {
    let mut seen = options.min_query_index;
    let mut result = evaluate()?;
    if seen == 0 || result.index > seen {
        return Ok(result);
    }
    let _waiting = Waiting::begin(&server.inner.blocked);
    let deadline = Instant::now() + wait_time(server.config(), options.max_query_time.to_std());
    let mut absent = result.found == Found::Absent;
    let mut stopping = server.inner.stopping.subscribe();
    loop {
        tokio::select! {
            changed = timeout_at(deadline, result.watch.changed()) => if changed.is_err() || result.watch.is_abandoned() {
                break;
            },
            _ = stopping.wait_for(|stopping| *stopping) => break,
        }
        if options.require_consistent {
            server.admit(options).await?;
        }
        result = evaluate()?;
        if result.found == Found::Absent {
            if absent {
                seen = result.index;
            }
            absent = true;
        }
        if result.index > seen {
            break;
        }
    }
    Ok(result)
}

/// Counts a query as waiting while it lives.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Server {
    /// Queries that wait at this moment.
    pub fn blocked_queries(&self) -> usize {
        self.inner.blocked.load(Ordering::Relaxed)
    }
}
