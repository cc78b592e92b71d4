//! Pools that come back with their record (`spec/gossip.md` 4.7).

use super::*;
use std::path::PathBuf;

fn recorded(name: &str, bind: SocketAddr, path: PathBuf, rejoin_after_leave: bool) -> PoolConfig {
    let config = config(name, &bind.ip().to_string());
    PoolConfig { bind, snapshot_path: Some(path), rejoin_after_leave, ..config }
}

#[tokio::test]
async fn a_pool_finds_back_to_the_members_of_its_last_life() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("serf/local.snapshot");
    let a = start(config("a", "127.63.1.1")).await;
    let any = "127.63.1.2:0".parse().unwrap();
    let b = start(recorded("b", any, path.clone(), false)).await;
    join(&b, &a).await.unwrap();
    a.user_event("deploy", Vec::new().into(), false).await.unwrap();
    let mut events = b.subscribe();
    until_status(&a, "b", MemberStatus::Alive).await;
    if b.stats()["event_time"] == "1" {
        event(&mut events, |event| matches!(event, Event::User(_)).then_some(())).await;
    }
    let address = b.address();
    b.shutdown().await;
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(&format!("alive: a {}\n", a.address())) && text.contains("event-clock: 1\n"), "{text}");
    until_status(&a, "b", MemberStatus::Failed).await;

    let b = start(recorded("b", address, path.clone(), false)).await;
    let mut events = b.subscribe();
    until_status(&b, "a", MemberStatus::Alive).await;
    until_status(&a, "b", MemberStatus::Alive).await;
    a.user_event("restart", Vec::new().into(), false).await.unwrap();
    let name = event(&mut events, |event| match event {
        Event::User(user) => Some(user.name),
        _ => None,
    });
    assert_eq!(name.await, "restart", "deploy was told in the last life");
    shutdown(&[a, b]).await;
}

#[tokio::test]
async fn after_a_leave_a_pool_stays_alone_unless_told_otherwise() {
    for (octet, rejoin) in [(1, false), (2, true)] {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("local.snapshot");
        let a = start(config("a", &format!("127.63.2.{octet}"))).await;
        let any = format!("127.63.3.{octet}:0").parse().unwrap();
        let b = start(recorded("b", any, path.clone(), rejoin)).await;
        join(&b, &a).await.unwrap();
        until_status(&a, "b", MemberStatus::Alive).await;
        b.leave().await.unwrap();
        until_status(&a, "b", MemberStatus::Left).await;
        let address = b.address();
        b.shutdown().await;
        let b = start(recorded("b", address, path, rejoin)).await;
        if rejoin {
            until_status(&a, "b", MemberStatus::Alive).await;
        } else {
            assert_eq!(join(&b, &a).await, Ok(1), "it is not on its way by itself");
            assert!(b.member("a").is_some());
        }
        shutdown(&[a, b]).await;
    }
}

#[tokio::test]
async fn a_record_that_cannot_be_opened_stops_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file");
    std::fs::write(&path, "").unwrap();
    let below = PoolConfig { snapshot_path: Some(path.join("local.snapshot")), ..config("a", "127.63.4.1") };
    let error = Pool::start(below).await.err().unwrap().text;
    assert!(error.starts_with("Failed to setup snapshot: failed to open snapshot:"), "{error}");
}
