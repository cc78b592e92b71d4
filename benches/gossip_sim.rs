//! Simulates pools of members in one process and prints how fast they notice a death, what loss makes them believe, and
//! what they send. `docs/gossip.md` shows the table and how to run this.
//!
//! Arguments: sizes of pools (default 10 100 1000; 5000 takes some minutes and 4 GiB).

#[path = "../src/gossip/swim/tests/pool.rs"]
#[allow(dead_code)]
mod pool;

use pool::{Pool, Said, lan, name_of};
use std::collections::HashSet;
use std::time::Duration;
use tribune::gossip::swim::{
    Config, Delegate, Dial, Exchange, Node, Output, State, Swim, Time, Timing, push_pull_interval, suspicion_timeout,
};

const SECOND: Duration = Duration::from_secs(1);
const MILLI: Duration = Duration::from_millis(1);
const LOSSES: [f64; 3] = [0.0, 0.05, 0.20];

/// What one run came to.
struct Figures {
    /// From the death to the first suspicion, to the first member that buries it, to the last one.
    suspected: Option<Duration>,
    first: Option<Duration>,
    all: Option<Duration>,
    /// Per minute of the quiet time before: suspicions of the living, and living declared dead by somebody.
    suspicions: f64,
    buried: f64,
    /// Bytes of packets per member and second in the quiet time.
    packets: f64,
    /// Bytes of full exchanges per member and second over a long time, uncompressed.
    exchanges: f64,
}

fn main() {
    let mut sizes: Vec<usize> = std::env::args().skip(1).filter_map(|size| size.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![10, 100, 1000];
    }
    println!(
        "{}",
        row(&[
            "members",
            "loss",
            "suspected",
            "dead at first",
            "dead at all",
            "predicted",
            "false susp./min",
            "false deaths/min",
            "packets B/s",
            "exchanges B/s"
        ])
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for &n in &sizes {
        for loss in LOSSES {
            let runs: Vec<Figures> = (0..repetitions(n, loss)).map(|seed| death(n, loss, seed)).collect();
            println!("{}", death_row(n, loss, &runs));
        }
    }
    println!();
    println!("{}", row(&["members", "loss", "one joins: known to all", "predicted", "all join one: all know all"]));
    println!("|---|---|---|---|---|");
    for &n in &sizes {
        for loss in LOSSES {
            println!("{}", join_row(n, loss));
        }
    }
}

/// Fewer for what takes long: a fifth of the packets lost keeps a big pool busy.
fn repetitions(n: usize, loss: f64) -> u64 {
    match n {
        0..=200 => 20,
        201..=2000 if loss < 0.1 => 3,
        _ => 1,
    }
}

/// Kills a member of a pool in its middle age.
fn death(n: usize, loss: f64, seed: u64) -> Figures {
    let (warm_up, quiet) = (5 * SECOND, if n > 200 { 20 } else { 60 } * SECOND);
    let mut pool = Pool::acquainted(n, seed + 1, lan);
    pool.loss = loss;
    pool.run(warm_up);
    let sent_before: u64 = pool.members.iter().map(|member| member.packets).sum();
    pool.said.clear();
    pool.run(warm_up + quiet);
    let sent: u64 = pool.members.iter().map(|member| member.packets).sum();
    let minutes = quiet.as_secs_f64() / 60.0;
    let suspicions = pool.said.iter().filter(|(_, _, said, _)| *said == Said::Suspects).count();
    let buried: HashSet<u32> =
        pool.members.iter().flat_map(|member| member.witness.gone.iter().map(|(_, whom)| *whom)).collect();

    let victim = n as u32 / 2;
    let killed = pool.now;
    for member in &mut pool.members {
        member.witness.gone.clear();
    }
    pool.said.clear();
    pool.members[victim as usize].up = false;
    let name = name_of(victim);
    let limit = killed + 7 * suspicion_timeout(4, n, SECOND) + 60 * SECOND;
    let saw = |pool: &Pool| -> Vec<Option<Time>> {
        let time =
            |member: &pool::Member| member.witness.gone.iter().find(|(_, whom)| *whom == victim).map(|(time, _)| *time);
        pool.members.iter().filter(|member| member.up).map(time).collect()
    };
    pool.until(limit, 100 * MILLI, |pool| saw(pool).iter().all(Option::is_some));
    let times = saw(&pool);
    let since = |time: Time| time - killed;
    Figures {
        suspected: pool
            .said
            .iter()
            .find(|(_, _, said, whom)| *said == Said::Suspects && *whom == name)
            .map(|(time, ..)| since(*time)),
        first: times.iter().flatten().min().copied().map(since),
        all: times.iter().copied().collect::<Option<Vec<_>>>().and_then(|times| times.into_iter().max()).map(since),
        suspicions: suspicions as f64 / minutes,
        buried: buried.len() as f64 / minutes,
        packets: (sent - sent_before) as f64 / n as f64 / quiet.as_secs_f64(),
        exchanges: exchange_bytes(&mut pool),
    }
}

fn death_row(n: usize, loss: f64, runs: &[Figures]) -> String {
    let mean = |figure: fn(&Figures) -> Option<Duration>| {
        let found: Vec<f64> = runs.iter().filter_map(figure).map(|time| time.as_secs_f64()).collect();
        match found.len() {
            0 => "-".to_owned(),
            len => format!("{:.1} s", found.iter().sum::<f64>() / len as f64),
        }
    };
    let average = |figure: fn(&Figures) -> f64| runs.iter().map(figure).sum::<f64>() / runs.len() as f64;
    row(&[
        &n.to_string(),
        &percent(loss),
        &mean(|run| run.suspected),
        &mean(|run| run.first),
        &mean(|run| run.all),
        &format!("{:.1} s", predicted_death(n)),
        &format!("{:.1}", average(|run| run.suspicions)),
        &format!("{:.1}", average(|run| run.buried)),
        &format!("{:.0}", average(|run| run.packets)),
        &format!("{:.0}", average(|run| run.exchanges)),
    ])
}

/// Every member sends its state once per interval by itself and once, on average, as an answer.
fn exchange_bytes(pool: &mut Pool) -> f64 {
    let member = &mut pool.members[0];
    let state = member.swim.stream_request(&Exchange::PushPull { join: false }, &mut member.witness).len();
    let interval = push_pull_interval(member.swim.config().timing.push_pull_interval, member.swim.member_count());
    2.0 * state as f64 / interval.as_secs_f64()
}

/// SWIM and Lifeguard without loss: a probe comes after one period on average (every member is probed by somebody with
/// probability 1 - 1/e per period, so 1/(1 - 1/e) periods less half of one), takes one period to fail, then the shortest
/// suspicion runs, then the news spread.
fn predicted_death(n: usize) -> f64 {
    let wait = 1.0 / (1.0 - (-1.0f64).exp()) - 0.5;
    wait + 1.0 + suspicion_timeout(4, n, SECOND).as_secs_f64() + predicted_spread(n)
}

/// Push gossip with fan-out 3 every 200 ms: log of n to the base 4 rounds until it is common, ln(n)/3 more for the last.
fn predicted_spread(n: usize) -> f64 {
    let ln = (n as f64).ln();
    0.2 * (ln / 4.0f64.ln() + ln / 3.0)
}

fn join_row(n: usize, loss: f64) -> String {
    let mut pool = Pool::acquainted(n, 77, lan);
    pool.loss = loss;
    pool.run(2 * SECOND);
    let (start, new) = (pool.now, pool.add());
    pool.join(new, 0);
    let name = name_of(new);
    let known = pool.until(start + 120 * SECOND, 20 * MILLI, |pool| {
        pool.members.iter().all(|member| member.swim.node(&name).is_some())
    });
    let one = if known { format!("{:.2} s", (pool.now - start).as_secs_f64()) } else { "more than 120 s".into() };
    drop(pool);

    let all = if n > 2000 {
        "not simulated".to_owned()
    } else {
        let mut pool = Pool::strangers(n, 78, lan);
        pool.loss = loss;
        for who in 1..n as u32 {
            pool.join(who, 0);
        }
        let known = pool
            .until(300 * SECOND, 50 * MILLI, |pool| pool.members.iter().all(|member| member.swim.member_count() == n));
        if known { format!("{:.2} s", pool.now.as_secs_f64()) } else { "more than 300 s".into() }
    };
    row(&[&n.to_string(), &percent(loss), &one, &format!("{:.2} s", predicted_spread(n)), &all])
}

fn percent(loss: f64) -> String {
    format!("{:.0} %", loss * 100.0)
}

fn row(cells: &[&str]) -> String {
    format!("| {} |", cells.join(" | "))
}
