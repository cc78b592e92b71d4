//! Members that leave, fail, are thrown out and quarrel about names.

use super::*;
use crate::gossip::{MergeCheck, PoolState};

#[tokio::test]
async fn a_member_that_leaves_has_left() {
    let [a, b, c] = cluster("127.61.1.1", |config| config).await;
    let mut events = a.subscribe();
    b.leave().await.unwrap();
    assert_eq!(b.state(), PoolState::Left);
    assert_eq!(b.local().status, MemberStatus::Left);
    for pool in [&a, &c] {
        until_status(pool, "b", MemberStatus::Left).await;
    }
    let left = event(&mut events, |event| match event {
        Event::Leave(members) => Some(members[0].name.clone()),
        _ => None,
    });
    assert_eq!(left.await, "b");
    assert_eq!(b.leave().await, Ok(()));
    let again = b.join(&[a.address().to_string()]).await.unwrap_err();
    assert_eq!(again.text, "Serf can't Join after Leave or Shutdown");
    shutdown(&[a, b, c]).await;
}

#[tokio::test]
async fn a_member_that_falls_silent_has_failed_and_may_come_back() {
    let [a, b, c] = cluster("127.61.2.1", |config| config).await;
    let address = c.address();
    c.shutdown().await;
    for pool in [&a, &b] {
        until_status(pool, "c", MemberStatus::Failed).await;
    }
    assert_eq!((a.stats()["failed"].as_str(), a.alive_count()), ("1", 2));
    let c = start(PoolConfig { bind: address, ..config("c", "127.61.2.1") }).await;
    assert_eq!(join(&c, &a).await, Ok(1));
    for pool in [&a, &b] {
        until_status(pool, "c", MemberStatus::Alive).await;
    }
    shutdown(&[a, b, c]).await;
}

#[tokio::test]
async fn a_failed_member_can_be_thrown_out() {
    let [a, b, c, d] = cluster("127.61.3.1", |config| config).await;
    shutdown(&[c, d]).await;
    for pool in [&a, &b] {
        until_status(pool, "c", MemberStatus::Failed).await;
        until_status(pool, "d", MemberStatus::Failed).await;
    }
    a.force_leave("c", false).await.unwrap();
    a.force_leave("d", true).await.unwrap();
    for pool in [&a, &b] {
        until_status(pool, "c", MemberStatus::Left).await;
        until(pool, "d forgotten", |members| members.iter().all(|member| member.name != "d")).await;
    }
    shutdown(&[a, b]).await;
}

#[tokio::test]
async fn a_pool_alone_leaves_at_once() {
    let pool = start(config("a", "127.61.4.1")).await;
    timeout(Duration::from_secs(2), pool.leave()).await.expect("there is nobody to wait for").unwrap();
    pool.shutdown().await;
    assert_eq!(pool.state(), PoolState::Shutdown);
    assert_eq!(pool.leave().await.unwrap_err().text, "Leave called after Shutdown");
    assert_eq!(pool.user_event("x", Vec::new().into(), false).await.unwrap_err().text, "gossip pool is shut down");
    let again = tokio::net::UdpSocket::bind(pool.address()).await;
    assert!(again.is_ok(), "the sockets are closed");
}

#[tokio::test]
async fn who_does_not_belong_here_is_refused_on_both_sides() {
    let ours: MergeCheck = Arc::new(|members| {
        let stranger = members.iter().find(|member| member.name.starts_with("stranger"));
        stranger.map_or(Ok(()), |member| Err(format!("Member '{}' part of wrong datacenter 'dc2'", member.name)))
    });
    let a = start(PoolConfig { merge_check: Some(ours.clone()), ..config("a", "127.61.5.1") }).await;
    let stranger = start(config("stranger", "127.61.5.2")).await;
    let refused = join(&a, &stranger).await.unwrap_err();
    assert!(refused.ends_with("Member 'stranger' part of wrong datacenter 'dc2'\n\n"), "{refused}");
    // The stranger learns of nothing wrong, but it is no member.
    join(&stranger, &a).await.unwrap();
    let b = start(PoolConfig { merge_check: Some(ours), ..config("b", "127.61.5.3") }).await;
    join(&b, &a).await.unwrap();
    until_status(&a, "b", MemberStatus::Alive).await;
    assert!(a.member("stranger").is_none() && b.member("stranger").is_none());
    shutdown(&[a, b, stranger]).await;
}

#[tokio::test]
async fn members_outside_the_allowed_networks_are_ignored() {
    let allowed = vec!["127.61.6.0/24".parse().unwrap()];
    let a = start(PoolConfig { allowed_cidrs: allowed, ..config("a", "127.61.6.1") }).await;
    let b = start(config("b", "127.61.6.2")).await;
    let outside = start(config("outside", "127.61.7.1")).await;
    // What the outsider is told is not our concern.
    let _ = join(&outside, &a).await;
    join(&b, &a).await.unwrap();
    until_status(&a, "b", MemberStatus::Alive).await;
    assert!(a.member("outside").is_none());
    shutdown(&[a, b, outside]).await;
}

#[tokio::test]
async fn the_newcomer_loses_a_quarrel_about_a_name() {
    let [a, b, c] = cluster("127.61.8.1", |config| config).await;
    let impostor = start(PoolConfig { resolve_conflicts: true, ..config("b", "127.61.8.2") }).await;
    // The pool knows another b; what comes of the join itself does not matter.
    let _ = join(&impostor, &a).await;
    let mut state = impostor.watch_state();
    let lost = timeout(PATIENCE, state.wait_for(|state| *state == PoolState::Shutdown)).await;
    assert!(lost.is_ok(), "the impostor still runs");
    assert_eq!(a.member("b").unwrap().socket(), b.address());
    shutdown(&[a, b, c]).await;
}

#[tokio::test]
async fn a_member_that_comes_back_elsewhere_is_known_by_its_id() {
    let tags = crate::gossip::Tags::from([("id".to_owned(), "dc453a6b".to_owned())]);
    let [a, b] = cluster("127.61.9.1", |config| PoolConfig { tags: tags.clone(), ..config }).await;
    b.shutdown().await;
    until_status(&a, "b", MemberStatus::Failed).await;
    let b = start(PoolConfig { tags, ..config("b", "127.61.9.2") }).await;
    join(&b, &a).await.unwrap();
    until_status(&a, "b", MemberStatus::Alive).await;
    assert_eq!(a.member("b").unwrap().socket(), b.address());
    shutdown(&[a, b]).await;
}
