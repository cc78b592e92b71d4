use super::*;
use futures::FutureExt;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// Watches a query; says whether it was woken and whether its result is current.
fn watch<T>(scene: &Scene, query: impl Fn(&Snapshot, &mut WatchSet) -> T) -> WatchSet {
    scene.store.read(|snapshot, ws| drop(query(snapshot, ws))).1
}

fn woken(ws: &WatchSet) -> bool {
    ws.changed().now_or_never().is_some()
}

fn none() -> MetaFilter {
    MetaFilter::new()
}

#[test]
fn a_watched_key_wakes_for_itself_alone() {
    let mut scene = Scene::new();
    scene.done(set("a", "1"));
    let ws = watch(&scene, |snapshot, ws| snapshot.kv_get(ws, "a"));
    assert!(!woken(&ws) && ws.is_current());
    scene.done(set("ab", "1"));
    scene.done(set("a", "1"));
    assert!(!woken(&ws) && ws.is_current());
    scene.done(set("a", "2"));
    assert!(woken(&ws) && !ws.is_current());
}

#[test]
fn a_missing_key_is_not_woken_by_a_sibling_but_its_index_is_no_longer_current() {
    let mut scene = Scene::new();
    let ws = watch(&scene, |snapshot, ws| snapshot.kv_get(ws, "a"));
    scene.done(set("b", "1"));
    assert!(!woken(&ws) && !ws.is_current());
    scene.done(set("a", "1"));
    assert!(woken(&ws));
}

#[test]
fn a_prefix_wakes_for_every_key_below_it_and_for_deleted_trees() {
    let mut scene = Scene::new();
    scene.done(set("app/x/1", "1"));
    let prefixes = ["", "a", "app/", "app/x/1"];
    let sets = prefixes.map(|prefix| watch(&scene, |snapshot, ws| snapshot.kv_list(ws, prefix)));
    let other = watch(&scene, |snapshot, ws| snapshot.kv_list(ws, "app/x/1/2"));
    scene.done(kv(KvOp::DeleteTree, entry("app/x", "")));
    for (ws, prefix) in sets.iter().zip(prefixes) {
        assert!(woken(ws), "{prefix}");
    }
    assert!(!woken(&other));
}

#[test]
fn reaped_tombstones_make_listings_stale() {
    let mut scene = Scene::new();
    scene.done(set("a/1", "1"));
    scene.done(set("a/2", "1"));
    let deleted = scene.done(kv(KvOp::Delete, entry("a/2", "")));
    let ws = watch(&scene, |snapshot, ws| snapshot.kv_list(ws, "a/"));
    scene.done(Command::TombstoneReap(deleted));
    assert!(!ws.is_current());
}

#[test]
fn a_health_query_wakes_for_its_service_and_nodes_only() {
    let mut scene = Scene::new();
    scene.done(with_service("n", service("web")));
    scene.done(with_service("m", service("db")));
    let health = |scene: &Scene| watch(scene, |snapshot, ws| snapshot.check_service_nodes(ws, "Web", &[], &none()));
    let mut ws = health(&scene);
    for quiet in [
        with_check("m", check("m", "c", "critical")),
        with_service("m", service("cache")),
        deregister("m", "db", ""),
        set("k", "v"),
    ] {
        scene.done(quiet);
        assert!(!woken(&ws) && ws.is_current());
    }
    for loud in [
        with_check("n", check("n", "c", "critical")),
        register(RegisterRequest { address: "10.9.9.9".into(), ..node("n") }),
        with_service("m", service("web")),
        deregister("n", "", ""),
        deregister("m", "web", ""),
    ] {
        scene.done(loud);
        assert!(woken(&ws) && !ws.is_current());
        ws = health(&scene);
    }
    scene.done(with_service("x", service("other")));
    assert!(!woken(&ws), "a missing service waits for its registration");
    scene.done(with_service("x", service("web")));
    assert!(woken(&ws));
}

#[test]
fn a_catalog_query_sleeps_through_check_flaps_but_is_no_longer_current() {
    let mut scene = Scene::new();
    scene.done(with_service("n", service("web")));
    let ws = watch(&scene, |snapshot, ws| snapshot.service_nodes(ws, "web", &[], &none()));
    scene.done(with_check("n", check("n", "c", "critical")));
    assert!(!woken(&ws) && !ws.is_current(), "the index moved, the rows did not");
    scene.done(register(RegisterRequest { address: "10.9.9.9".into(), ..node("n") }));
    assert!(woken(&ws));
}

#[test]
fn every_other_query_wakes_for_what_it_shows() {
    type Case = (&'static str, fn(&Snapshot, &mut WatchSet), Command);
    let cases: Vec<Case> = vec![
        ("node", |s, ws| drop(s.node_services(ws, "n")), with_service("n", service("x"))),
        ("unknown node", |s, ws| drop(s.node(ws, "fresh")), register(node("FRESH"))),
        ("nodes", |s, ws| drop(s.nodes(ws, &none())), register(node("fresh"))),
        ("services", |s, ws| drop(s.services(ws, &none())), with_service("n", service("x"))),
        ("node checks", |s, ws| drop(s.node_checks(ws, "N")), with_check("n", check("n", "c", "warning"))),
        (
            "service checks",
            |s, ws| drop(s.service_checks(ws, "web", &none())),
            with_check("n", HealthCheck { service_id: "web".into(), ..check("n", "c", "") }),
        ),
        ("state", |s, ws| drop(s.checks_in_state(ws, "warning", &none())), with_check("n", check("n", "c", "warning"))),
        ("kind", |s, ws| drop(s.service_dump(ws, Some(""))), with_check("n", check("n", "c", "warning"))),
        ("dump", |s, ws| drop(s.node_dump(ws)), with_check("n", check("n", "c", "warning"))),
        ("session", |s, ws| drop(s.session(ws, "S")), create(session("n", "s"))),
        ("node sessions", |s, ws| drop(s.node_sessions(ws, "n")), create(session("n", "s"))),
        ("sessions", |s, ws| drop(s.sessions(ws)), create(session("n", "s"))),
        ("mesh", |s, ws| drop(s.connect_service_nodes(ws, "web")), {
            let mut native = service("web");
            native.connect.native = true;
            with_service("n", native)
        }),
    ];
    for (name, query, command) in cases {
        let mut scene = Scene::new();
        scene.done(with_service("n", service("web")));
        let ws = watch(&scene, query);
        scene.done(set("unrelated", "v"));
        scene.done(register(node("elsewhere-entirely")));
        if !["nodes", "dump", "services"].contains(&name) {
            assert!(!woken(&ws), "{name}");
        }
        scene.done(command);
        assert!(woken(&ws) && !ws.is_current(), "{name}");
    }
}

#[test]
fn a_failed_entry_wakes_nobody() {
    let mut scene = Scene::new();
    scene.done(with_service("n", service("web")));
    let ws = watch(&scene, |snapshot, ws| snapshot.node_services(ws, "n"));
    let mut request = node("n");
    request.service = Some(Arc::new(service("db")));
    request.check = Some(Arc::new(HealthCheck { service_id: "nope".into(), ..check("n", "c", "") }));
    assert!(matches!(scene.apply(register(request)), Outcome::Error(_)));
    assert!(!woken(&ws) && ws.is_current());
}

#[test]
fn a_restore_wakes_and_abandons_every_watcher() {
    let mut scene = Scene::new();
    scene.done(set("a", "1"));
    let mut dump = Vec::new();
    scene.store.snapshot().write_to(&mut dump).expect("memory");
    let queries: [fn(&Snapshot, &mut WatchSet); 3] = [
        |snapshot, ws| drop(snapshot.kv_get(ws, "a")),
        |snapshot, ws| drop(snapshot.kv_list(ws, "x")),
        |snapshot, ws| drop(snapshot.nodes(ws, &none())),
    ];
    let sets = queries.map(|query| watch(&scene, query));
    scene.store.restore(&mut dump.as_slice()).expect("restores");
    assert!(sets.iter().all(|ws| woken(ws) && ws.is_abandoned() && !ws.is_current()));
}

#[test]
fn cells_live_as_long_as_somebody_watches() {
    let mut scene = Scene::new();
    let sets: Vec<_> = (0..10).map(|i| watch(&scene, |snapshot, ws| snapshot.kv_list(ws, &format!("p{i}")))).collect();
    let again = watch(&scene, |snapshot, ws| snapshot.kv_list(ws, "p0"));
    let key = watch(&scene, |snapshot, ws| snapshot.kv_get(ws, "k"));
    assert_eq!(scene.store.cell_count(), 11);
    drop(sets);
    assert_eq!(scene.store.cell_count(), 2);
    scene.done(set("p0/x", "1"));
    assert!(woken(&again) && !woken(&key));
    drop((again, key));
    assert_eq!(scene.store.cell_count(), 0);
}

#[test]
fn a_read_that_is_overtaken_by_a_commit_runs_again() {
    let scene = Scene::new();
    let mut runs = 0;
    let (row, ws) = scene.store.read(|snapshot, ws| {
        runs += 1;
        if runs == 1 {
            scene.store.apply(&[(10, set("k", "v"))]);
        }
        snapshot.kv_get(ws, "k").1
    });
    assert!(row.is_some() && ws.is_current());
    assert_eq!(runs, 2);
}

/// Writers and readers at full speed: a result that says it is current is never older than what was already visible, and a
/// sleeper is never left behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_watcher_misses_a_change_and_no_stale_result_calls_itself_current() {
    const WRITES: u64 = 3_000;
    let store = Arc::new(Store::new());
    let finished = Arc::new(AtomicBool::new(false));
    let value = |snapshot: &Snapshot, ws: &mut WatchSet| snapshot.kv_get(ws, "k").1.map_or(0, |row| row.modify_index);

    let mut sleepers = Vec::new();
    for _ in 0..8 {
        let store = store.clone();
        sleepers.push(tokio::spawn(async move {
            loop {
                let (seen, ws) = store.read(value);
                if seen == WRITES {
                    return;
                }
                ws.changed().await;
            }
        }));
    }
    let mut checkers = Vec::new();
    for _ in 0..2 {
        let (store, finished) = (store.clone(), finished.clone());
        checkers.push(tokio::task::spawn_blocking(move || {
            let mut cached = store.read(value);
            while !finished.load(SeqCst) {
                let visible = store.snapshot().kv_get(&mut WatchSet::none(), "k").1.map_or(0, |row| row.modify_index);
                if cached.1.is_current() {
                    assert!(cached.0 >= visible, "{} was already visible, {} called itself current", visible, cached.0);
                } else {
                    cached = store.read(value);
                }
            }
        }));
    }
    let writer = store.clone();
    tokio::task::spawn_blocking(move || {
        for index in 1..=WRITES {
            writer.apply(&[(index, set("k", &index.to_string()))]);
            if index % 64 == 0 {
                std::thread::yield_now();
            }
        }
    })
    .await
    .expect("writes");
    let all = futures::future::join_all(sleepers);
    tokio::time::timeout(std::time::Duration::from_secs(30), all).await.expect("a sleeper missed the last write");
    finished.store(true, SeqCst);
    for checker in checkers {
        checker.await.expect("no stale result");
    }
}
