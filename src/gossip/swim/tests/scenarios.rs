//! Pools with an injected clock: what must hold under loss, delay, partitions and deaths.

use super::pool::{Pool, Said, index_of, lan, name_of};
use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A LAN pool without back-up by streams, so that loss is felt.
fn packets_only(name: String, address: SocketAddr) -> Config {
    let timing = Timing { push_pull_interval: Duration::from_secs(10), ..Timing::lan() };
    Config { timing, stream_pings: false, ..lan(name, address) }
}

fn deaths(pool: &Pool) -> usize {
    pool.members.iter().map(|member| member.witness.gone.len()).sum()
}

#[test]
fn nobody_dies_without_loss() {
    for (n, seed) in [(2, 1), (3, 2), (10, 3), (60, 4)] {
        let mut pool = Pool::acquainted(n, seed, lan);
        pool.run(120 * SECOND);
        assert_eq!(deaths(&pool), 0, "{n} members");
        assert_eq!(pool.said, [], "{n} members");
        assert!(pool.is_converged());
        assert!(pool.members.iter().all(|member| member.swim.health_score() == 0));
    }
}

#[test]
fn strangers_become_a_pool_through_one_of_them() {
    for (n, loss) in [(5, 0.0), (50, 0.0), (50, 0.05), (30, 0.20)] {
        let mut pool = Pool::strangers(n, 5, lan);
        pool.loss = loss;
        for who in 1..n as u32 {
            pool.join(who, 0);
        }
        let limit = if loss > 0.1 { 120 } else { 30 };
        let done = pool
            .until(limit * SECOND, ms(100), |pool| pool.members.iter().all(|member| member.swim.member_count() == n));
        assert!(done, "{n} members at loss {loss}");
    }
}

#[test]
fn a_killed_member_is_dead_for_everybody_in_time() {
    // The shortest and the longest suspicion, a round of probes before it, dissemination after it.
    for (n, loss, seed) in [(3, 0.0, 1), (10, 0.0, 2), (10, 0.05, 3), (100, 0.0, 4), (100, 0.05, 5)] {
        let mut pool = Pool::acquainted(n, seed, lan);
        pool.loss = loss;
        pool.run(10 * SECOND);
        pool.members[1].up = false;
        let min = suspicion_timeout(4, n, SECOND);
        let start = pool.now;
        assert!(pool.until(start + 7 * min + 30 * SECOND, ms(50), |pool| {
            pool.members
                .iter()
                .filter(|member| member.up)
                .all(|member| member.swim.node(&name_of(1)).is_none_or(|node| node.state == State::Dead))
        }));
        let first = pool
            .members
            .iter()
            .flat_map(|member| &member.witness.gone)
            .filter(|(_, whom)| *whom == 1)
            .map(|(time, _)| *time)
            .min();
        assert!(first.expect("somebody saw it") - start >= min, "{n} members: not before the shortest suspicion");
        assert!(pool.said.iter().any(|(_, _, said, whom)| *said == Said::Suspects && *whom == name_of(1)));
    }
}

#[test]
fn the_living_refute_what_loss_makes_of_them() {
    let mut pool = Pool::acquainted(40, 6, packets_only);
    pool.loss = 0.2;
    pool.run(120 * SECOND);
    let suspicions = pool.said.iter().filter(|(_, _, said, _)| *said == Said::Suspects).count();
    assert!(suspicions > 20, "a fifth of the packets lost must be felt: {suspicions}");
    let refuted = pool.members.iter().filter(|member| member.swim.local().incarnation > 1).count();
    assert!(refuted > 5, "{refuted} members refuted");
    pool.loss = 0.0;
    assert!(pool.until(pool.now + 120 * SECOND, SECOND, Pool::is_converged));
}

#[test]
fn sides_that_were_parted_find_together_again() {
    for (n, seed) in [(8, 7), (30, 8)] {
        let mut pool = Pool::acquainted(n, seed, packets_only);
        pool.run(5 * SECOND);
        for member in pool.members.iter_mut().take(n / 3) {
            member.side = 1;
        }
        let parted = pool.now;
        let each_alone = |pool: &Pool| {
            pool.members
                .iter()
                .enumerate()
                .all(|(index, member)| member.swim.live_count() == if index < n / 3 { n / 3 } else { n - n / 3 })
        };
        assert!(pool.until(parted + 120 * SECOND, SECOND, each_alone), "{n} members parted");
        for member in &mut pool.members {
            member.side = 0;
        }
        // The dead hear gossip for 30 s only; then somebody has to join again, as `serf` does every 30 s.
        pool.join(0, n as u32 - 1);
        let healed = pool.now;
        assert!(pool.until(healed + 60 * SECOND, SECOND, Pool::is_converged), "{n} members healed");
    }
}

#[test]
fn a_short_partition_heals_by_itself() {
    let mut pool = Pool::acquainted(20, 9, lan);
    pool.run(5 * SECOND);
    for member in pool.members.iter_mut().take(5) {
        member.side = 1;
    }
    pool.run(pool.now + 4 * SECOND);
    for member in &mut pool.members {
        member.side = 0;
    }
    assert!(pool.until(pool.now + 60 * SECOND, SECOND, Pool::is_converged));
}

#[test]
fn incarnations_of_a_member_never_fall_anywhere() {
    let mut pool = Pool::acquainted(15, 10, packets_only);
    pool.loss = 0.3;
    let mut seen = vec![vec![0; 15]; 15];
    for _ in 0..120 {
        pool.run(pool.now + SECOND);
        for (member, seen) in pool.members.iter().zip(&mut seen) {
            for node in member.swim.members() {
                let last = &mut seen[index_of(node.address) as usize];
                assert!(node.incarnation >= *last, "{} fell from {last} to {}", node.name, node.incarnation);
                *last = node.incarnation;
            }
        }
    }
}

#[test]
fn a_slow_member_doubts_itself_and_not_the_others() {
    let mut pool = Pool::acquainted(20, 11, packets_only);
    pool.run(5 * SECOND);
    // Whatever it sends is lost: it is alone on its side, but its neighbours are not suspected by each other.
    pool.members[0].side = 1;
    pool.run(pool.now + 20 * SECOND);
    assert!(pool.members[0].swim.health_score() > 3, "score {}", pool.members[0].swim.health_score());
    assert!(pool.members[1..].iter().all(|member| member.swim.health_score() <= 2));
    let accused: Vec<_> = pool.said.iter().filter(|(_, who, _, whom)| *who != 0 && *whom != name_of(0)).collect();
    assert!(accused.is_empty(), "{accused:?}");
}

#[test]
fn a_member_that_leaves_is_left_for_everybody_and_forgotten_later() {
    let mut pool = Pool::acquainted(20, 12, lan);
    pool.run(2 * SECOND);
    let now = pool.now;
    let member = &mut pool.members[3];
    member.swim.leave(now, &mut member.witness);
    assert!(pool.until(now + 10 * SECOND, ms(20), |pool| {
        pool.members.iter().all(|member| member.swim.node(&name_of(3)).is_some_and(|node| node.state == State::Left))
    }));
    assert!(
        pool.get(3).swim.is_leave_done()
            || pool.until(pool.now + 10 * SECOND, ms(20), |pool| pool.get(3).swim.is_leave_done())
    );
    pool.members[3].up = false;
    assert!(pool.until(now + 120 * SECOND, SECOND, |pool| {
        pool.members.iter().enumerate().all(|(index, member)| index == 3 || member.swim.member_count() == 19)
    }));
    assert_eq!(pool.said, [], "nobody suspects who said goodbye");
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let history = |seed| {
        let mut pool = Pool::acquainted(12, seed, packets_only);
        pool.loss = 0.2;
        pool.run(60 * SECOND);
        let sent: Vec<_> = pool.members.iter().map(|member| (member.packets, member.streams)).collect();
        (pool.said, sent)
    };
    assert_eq!(history(1), history(1));
    assert_ne!(history(1), history(2));
}
