//! Shared reads: one evaluation and one body for all who ask the same.

use super::*;

static ENCODING: Encoding<IndexedCheckServiceNodes> = Encoding { name: "json", encode: json };

async fn encoded(server: &Server, request: ServiceRequest) -> Encoded {
    server.call_encoded::<HealthServiceNodes>(request, &ENCODING).await.expect("answered")
}

#[tokio::test]
async fn readers_of_an_unchanged_service_share_one_body() {
    let server = server().await;
    register(&server, |r| r.service = service("web")).await.expect("registered");
    let first = encoded(&server, health("web")).await;
    let evaluations = server.evaluations();
    for _ in 0..10 {
        let again = encoded(&server, health("web")).await;
        assert_eq!(again.body.as_ptr(), first.body.as_ptr());
    }
    assert_eq!(server.evaluations(), evaluations);
}

#[tokio::test]
async fn a_change_is_seen_by_the_next_reader() {
    let server = server().await;
    register(&server, |r| r.service = service("web")).await.expect("registered");
    let first = encoded(&server, health("web")).await;
    register(&server, |r| r.check = Some(check("disk", CheckStatus::Warning))).await.expect("registered");
    let second = encoded(&server, health("web")).await;
    assert!(second.meta.index > first.meta.index);
    assert_ne!(second.body, first.body);
}

#[tokio::test]
async fn requests_that_differ_do_not_share() {
    let server = server().await;
    register(&server, |r| r.service = service("web")).await.expect("registered");
    let all = encoded(&server, health("web")).await;
    let mut filtered = health("web");
    filtered.query.filter = "Service.ID == nope".into();
    let none = encoded(&server, filtered).await;
    assert_ne!(all.body, none.body);
    let pretty = Encoding { name: "pretty", encode: |reply| Ok(Bytes::from(format!("{reply:#?}"))) };
    let other = server.call_encoded::<HealthServiceNodes>(health("web"), &pretty).await.expect("answered");
    assert_ne!(all.body, other.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_watchers_cost_one_evaluation_a_change() {
    const WATCHERS: usize = 1000;
    let server = server().await;
    register(&server, |r| r.service = service("web")).await.expect("registered");
    let index = encoded(&server, health("web")).await.meta.index;
    let evaluations = server.evaluations();
    let watchers: Vec<_> = (0..WATCHERS)
        .map(|_| {
            let server = server.clone();
            tokio::spawn(async move {
                let mut request = health("web");
                request.query.min_query_index = index;
                encoded(&server, request).await
            })
        })
        .collect();
    while server.blocked_queries() < WATCHERS {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.evaluations(), evaluations, "all wait on the result that was there");
    register(&server, |r| r.check = Some(check("disk", CheckStatus::Warning))).await.expect("registered");
    let mut bodies = std::collections::HashSet::new();
    for watcher in watchers {
        let answer = watcher.await.expect("runs");
        assert!(answer.meta.index > index);
        bodies.insert(answer.body.as_ptr() as usize);
    }
    assert_eq!(server.evaluations(), evaluations + 1);
    assert_eq!(bodies.len(), 1);
}

#[tokio::test]
async fn typed_replies_are_shared_too() {
    let server = server().await;
    register(&server, |r| r.service = service("web")).await.expect("registered");
    let first = server.call_shared::<HealthServiceNodes>(health("web")).await.expect("answered");
    let second = server.call_shared::<HealthServiceNodes>(health("web")).await.expect("answered");
    assert!(Arc::ptr_eq(&first.body, &second.body));
    assert_eq!((first.body.nodes.len(), first.meta.known_leader), (1, true));
}

#[tokio::test]
async fn bodies_of_big_recursions_are_not_kept() {
    let server = server().await;
    let value = "x".repeat(300_000);
    for name in ["big/a", "big/b", "big/c"] {
        put(&server, name, &value).await;
    }
    let encoding = Encoding { name: "json", encode: json };
    let before = server.evaluations();
    for _ in 0..2 {
        server.call_encoded::<KvsList>(key("big/"), &encoding).await.expect("answered");
    }
    assert_eq!(server.evaluations(), before + 2);
}
