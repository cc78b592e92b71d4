//! Running pools on loopback addresses.

mod encryption;
mod lives;
mod pools;
mod restarts;
mod snapshots;
mod streams;

use crate::gossip::{Event, Member, MemberStatus, Pool, PoolConfig, Timing};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

/// Longest time for anything here; what takes longer is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// Settings for a pool on this loopback address, with the haste of tests.
fn config(name: &str, ip: &str) -> PoolConfig {
    let timing = Timing {
        probe_interval: Duration::from_millis(100),
        probe_timeout: Duration::from_millis(50),
        gossip_interval: Duration::from_millis(20),
        suspicion_mult: 2,
        // With 2, both transmissions of a broadcast may go to members that died just now.
        retransmit_mult: 4,
        ..Timing::local()
    };
    PoolConfig {
        timing,
        leave_propagate_delay: Duration::from_millis(50),
        ..PoolConfig::new(name, SocketAddr::new(ip.parse().unwrap(), 0))
    }
}

async fn start(config: PoolConfig) -> Pool {
    Pool::start(config).await.unwrap()
}

/// Pools `a`, `b`, `c`... on one address, all joined to the first.
async fn cluster<const N: usize>(ip: &str, change: impl Fn(PoolConfig) -> PoolConfig) -> [Pool; N] {
    let mut pools: Vec<Pool> = Vec::new();
    for number in 0..N {
        let name = char::from(b'a' + number as u8).to_string();
        let pool = start(change(config(&name, ip))).await;
        if let Some(first) = pools.first() {
            assert_eq!(join(&pool, first).await, Ok(1));
        }
        pools.push(pool);
    }
    for pool in &pools {
        until(pool, "all alive", |members| members.len() == N && members.iter().all(|member| member.is_alive())).await;
    }
    // Intents of the joins are still on their way; one that arrives late would outdo what a test says of its node.
    let clocks_agree =
        || pools.iter().map(|pool| pool.stats()["member_time"].clone()).collect::<HashSet<_>>().len() == 1;
    let settle = async {
        while !clocks_agree() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, settle).await.expect("all hear of all joins");
    pools.try_into().unwrap_or_else(|_| unreachable!("N pools were started"))
}

async fn join(pool: &Pool, other: &Pool) -> Result<usize, String> {
    pool.join(&[other.address().to_string()]).await.map_err(|error| error.text)
}

/// Waits until the member list is as wanted.
async fn until(pool: &Pool, what: &str, wanted: impl Fn(&[Arc<Member>]) -> bool) {
    let mut changes = pool.changes();
    let wait = async {
        while !wanted(&pool.members()) {
            changes.changed().await.unwrap();
        }
    };
    let done = timeout(PATIENCE, wait).await;
    assert!(done.is_ok(), "{}: {what} did not happen: {:?}", pool.local().name, statuses(pool));
}

async fn until_status(pool: &Pool, name: &str, status: MemberStatus) {
    let is = |members: &[Arc<Member>]| members.iter().any(|member| member.name == name && member.status == status);
    until(pool, &format!("{name} {}", status.as_str()), is).await;
}

fn statuses(pool: &Pool) -> Vec<(String, MemberStatus)> {
    pool.members().iter().map(|member| (member.name.clone(), member.status)).collect()
}

/// The next event that the filter takes.
async fn event<T>(events: &mut mpsc::Receiver<Event>, take: impl Fn(Event) -> Option<T>) -> T {
    let next = async {
        loop {
            if let Some(taken) = take(events.recv().await.expect("the pool runs")) {
                return taken;
            }
        }
    };
    timeout(PATIENCE, next).await.expect("the event did not come")
}

async fn shutdown(pools: &[Pool]) {
    for pool in pools {
        pool.shutdown().await;
    }
}
