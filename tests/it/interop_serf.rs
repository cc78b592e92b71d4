//! Our gossip pool and real `serf` agents in one pool (`spec/gossip.md` 8). `SERF_BIN=/usr/bin/serf cargo test` runs them.

use crate::support::{PATIENCE, own_address};
use bytes::Bytes;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tribune::gossip::keyring::{decode_key, encode_key};
use tribune::gossip::{Event, MemberStatus, Pool, PoolConfig, QueryReply, QueryRequest, Tags, Timing};

const KEYS: [&str; 2] =
    ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", "Hx4dHBsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA="];

fn serf_binary() -> Option<String> {
    let binary = std::env::var("SERF_BIN").ok().filter(|path| !path.is_empty());
    if binary.is_none() {
        eprintln!("skipped: SERF_BIN names no serf binary");
    }
    binary
}

/// A running `serf agent`; killed when dropped.
struct Serf {
    binary: String,
    ip: String,
    process: Child,
    directory: TempDir,
}

impl Serf {
    fn start(binary: &str, name: &str, arguments: &[&str]) -> Serf {
        let (ip, directory) = (own_address(), tempfile::tempdir().unwrap());
        let told = directory.path().join("told");
        let log = std::fs::File::create(directory.path().join("log")).unwrap();
        let process = Command::new(binary)
            .args(["agent", "-profile=local", "-log-level=debug", &format!("-node={name}")])
            .args([format!("-bind={ip}:7946"), format!("-rpc-addr={ip}:7373")])
            .arg(format!("-event-handler=user=echo $SERF_USER_EVENT $(cat) >> {}", told.display()))
            .arg("-event-handler=query:load=echo from-$SERF_SELF_NAME-$(cat)")
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Serf { binary: binary.to_owned(), ip, process, directory }
    }

    fn gossip(&self) -> String {
        format!("{}:7946", self.ip)
    }

    /// Runs a command of the agent; the text is what it printed, the error too.
    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let rpc = format!("-rpc-addr={}:7373", self.ip);
        let output = Command::new(&self.binary).arg(arguments[0]).arg(rpc).args(&arguments[1..]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        if output.status.success() { Ok(text) } else { Err(text) }
    }

    async fn ready(&self) {
        until("the serf agent answers", || self.run(&["info"]).is_ok()).await;
    }

    fn member(&self, name: &str) -> Option<Value> {
        let listed: Value = serde_json::from_str(&self.run(&["members", "-format=json"]).ok()?).ok()?;
        listed["members"].as_array()?.iter().find(|member| member["name"] == name).cloned()
    }

    async fn until_status(&self, name: &str, status: &str) {
        until(&format!("{name} is {status} for serf"), || {
            self.member(name).is_some_and(|member| member["status"] == status)
        })
        .await;
    }

    /// What its handler of user events was told.
    fn told(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("told")).unwrap_or_default()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Serf {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("--- log of serf at {}\n{}", self.ip, self.log());
        }
    }
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let wait = async {
        while !done() {
            sleep(Duration::from_millis(50)).await;
        }
    };
    assert!(timeout(PATIENCE, wait).await.is_ok(), "gave up waiting: {what}");
}

async fn until_status(pool: &Pool, name: &str, status: MemberStatus) {
    until(&format!("{name} is {} for us", status.as_str()), || {
        pool.member(name).is_some_and(|member| member.status == status)
    })
    .await;
}

fn config(name: &str) -> PoolConfig {
    let bind = SocketAddr::new(own_address().parse().unwrap(), 7946);
    PoolConfig {
        timing: Timing::local(),
        tags: Tags::from([("role".to_owned(), "ours".to_owned())]),
        leave_propagate_delay: Duration::from_millis(200),
        ..PoolConfig::new(name, bind)
    }
}

async fn next_user_event(events: &mut mpsc::Receiver<Event>) -> (String, Bytes, bool) {
    let next = async {
        loop {
            match events.recv().await.expect("the pool runs") {
                Event::User(event) => return (event.name, event.payload, event.coalesce),
                _ => continue,
            }
        }
    };
    timeout(PATIENCE, next).await.expect("no user event came")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serf_agents_and_our_pool_are_members_of_each_other() {
    let Some(binary) = serf_binary() else { return };
    let one = Serf::start(&binary, "one", &["-tag", "role=theirs", "-tag", "rack=7"]);
    let mut two = Serf::start(&binary, "two", &[]);
    one.ready().await;
    two.ready().await;
    let pool = Pool::start(config("ours")).await.unwrap();

    // We join them, they join us.
    assert_eq!(pool.join(&[one.gossip()]).await, Ok(1));
    two.run(&["join", &format!("ours/{}", pool.address())])
        .or_else(|_| two.run(&["join", &pool.address().to_string()]))
        .unwrap();
    for name in ["one", "two"] {
        until_status(&pool, name, MemberStatus::Alive).await;
    }
    for serf in [&one, &two] {
        serf.until_status("ours", "alive").await;
        assert_eq!(serf.member("ours").unwrap()["tags"]["role"], "ours");
    }
    let tags = &pool.member("one").unwrap().tags;
    assert_eq!((&*tags["role"], &*tags["rack"]), ("theirs", "7"));
    assert_eq!(pool.member("one").unwrap().protocol, [1, 5, 2, 2, 5, 5]);

    // News of tags, both ways.
    one.run(&["tags", "-set", "rack=8"]).unwrap();
    until("the new tag arrives here", || pool.member("one").unwrap().tag("rack") == "8").await;
    pool.set_tags(Tags::from([("role".to_owned(), "changed".to_owned())])).await.unwrap();
    until("our new tag arrives there", || two.member("ours").is_some_and(|ours| ours["tags"]["role"] == "changed"))
        .await;

    // Coordinates of both kinds fit together.
    until("probes bring coordinates", || pool.coordinate_of("one").is_some()).await;
    until("serf has ours", || one.run(&["rtt", "ours"]).is_ok()).await;
    // Serf's own reachability test: every member confirms a query.
    let reached = one.run(&["reachability"]).unwrap();
    assert!(
        reached.contains("live members: 3") && reached.contains("Successfully contacted all live nodes"),
        "{reached}"
    );

    // One dies, one leaves, one is thrown out.
    two.process.kill().unwrap();
    two.process.wait().unwrap();
    until_status(&pool, "two", MemberStatus::Failed).await;
    one.until_status("two", "failed").await;
    one.run(&["force-leave", "two"]).unwrap();
    until_status(&pool, "two", MemberStatus::Left).await;
    pool.leave().await.unwrap();
    one.until_status("ours", "left").await;
    pool.shutdown().await;

    let again = Pool::start(config("again")).await.unwrap();
    assert_eq!(again.join(&[format!("one/{}", one.gossip())]).await, Ok(1));
    one.until_status("again", "alive").await;
    assert_eq!(
        again.member("ours").map(|member| member.status),
        None,
        "left members do not come in an exchange of nodes"
    );
    again.shutdown().await;
    one.until_status("again", "failed").await;

    let last = Pool::start(config("last")).await.unwrap();
    last.join(&[one.gossip()]).await.unwrap();
    one.run(&["leave"]).unwrap();
    until_status(&last, "one", MemberStatus::Left).await;
    last.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_and_queries_flow_both_ways() {
    let Some(binary) = serf_binary() else { return };
    let one = Serf::start(&binary, "one", &["-tag", "role=theirs"]);
    one.ready().await;
    let two = Serf::start(&binary, "two", &["-join", &one.gossip()]);
    two.ready().await;
    let pool = Pool::start(config("ours")).await.unwrap();
    assert_eq!(pool.join(&[one.gossip()]).await, Ok(1));
    for name in ["one", "two"] {
        until_status(&pool, name, MemberStatus::Alive).await;
    }
    two.until_status("ours", "alive").await;
    let mut events = pool.subscribe();

    two.run(&["event", "-coalesce=false", "deploy", "v1"]).unwrap();
    assert_eq!(next_user_event(&mut events).await, ("deploy".into(), Bytes::from_static(b"v1"), false));
    pool.user_event("restart", Bytes::from_static(b"now"), false).await.unwrap();
    assert_eq!(next_user_event(&mut events).await.0, "restart");
    for serf in [&one, &two] {
        until("both events are told", || serf.told().contains("deploy v1") && serf.told().contains("restart now"))
            .await;
    }

    // We ask them.
    let request = QueryRequest {
        name: "load".into(),
        payload: Bytes::from_static(b"now"),
        request_ack: true,
        relay_factor: 1,
        timeout: PATIENCE,
        ..QueryRequest::default()
    };
    let only = QueryRequest { filter_tags: BTreeMap::from([("role".into(), "^theirs$".into())]), ..request.clone() };
    for (request, wanted) in [
        (request, &["ack one", "ack ours", "ack two", "one: from-one-now", "two: from-two-now"][..]),
        (only, &["ack one", "one: from-one-now"][..]),
    ] {
        let mut responses = pool.query(request).await.unwrap();
        let mut seen = Vec::new();
        while seen.len() < wanted.len() {
            seen.push(match responses.next().await.expect("an answer before the deadline") {
                QueryReply::Ack { from } => format!("ack {from}"),
                QueryReply::Response { from, payload } => {
                    format!("{from}: {}", String::from_utf8_lossy(&payload).trim())
                }
            });
        }
        seen.sort();
        assert_eq!(seen, wanted);
    }

    // They ask us.
    let answering = tokio::spawn(async move {
        while let Some(event) = events.recv().await {
            if let Event::Query(query) = event
                && query.name == "uptime"
            {
                query.respond(format!("{} asks, 3 days", query.source)).unwrap();
                return;
            }
        }
    });
    let answers = tokio::task::block_in_place(|| two.run(&["query", "-node=ours", "-timeout=5s", "uptime"])).unwrap();
    assert!(
        answers.contains("Ack from 'ours'") && answers.contains("Response from 'ours': two asks, 3 days"),
        "{answers}"
    );
    answering.await.unwrap();
    pool.shutdown().await;
}

fn saved_keys(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn encryption_and_rotation_of_keys_cross_over() {
    let Some(binary) = serf_binary() else { return };
    let directory = tempfile::tempdir().unwrap();
    let theirs = directory.path().join("theirs.json");
    std::fs::write(&theirs, format!("[\"{}\"]", KEYS[0])).unwrap();
    let one = Serf::start(&binary, "one", &[&format!("-keyring-file={}", theirs.display())]);
    one.ready().await;

    // Without the key, or with another, nobody gets in.
    for keys in [vec![], vec![decode_key(KEYS[1]).unwrap()]] {
        let stranger = Pool::start(PoolConfig { keys, ..config("stranger") }).await.unwrap();
        assert!(stranger.join(&[one.gossip()]).await.is_err());
        stranger.shutdown().await;
    }
    let ours: PathBuf = directory.path().join("ours.json");
    let with_key =
        PoolConfig { keys: vec![decode_key(KEYS[0]).unwrap()], keyring_file: Some(ours.clone()), ..config("ours") };
    let pool = Pool::start(with_key).await.unwrap();
    assert_eq!(pool.join(&[one.gossip()]).await, Ok(1));
    one.until_status("ours", "alive").await;
    assert!(one.member("stranger").is_none());

    // They install and use a key, we remove the old one.
    let run = |arguments: &[&str]| tokio::task::block_in_place(|| one.run(arguments));
    run(&["keys", &format!("-install={}", KEYS[1])]).unwrap();
    assert_eq!(saved_keys(&ours), KEYS);
    let listed = run(&["keys", "-list"]).unwrap();
    assert_eq!(listed.matches("[2/2]").count(), 2, "{listed}");
    run(&["keys", &format!("-use={}", KEYS[1])]).unwrap();
    assert_eq!(encode_key(&pool.keys()[0]), KEYS[1]);
    let removed = pool.remove_key(&decode_key(KEYS[0]).unwrap(), 0).await;
    assert_eq!((removed.error, removed.num_responses), (None, 2));
    assert_eq!((saved_keys(&theirs), saved_keys(&ours)), (vec![KEYS[1].to_owned()], vec![KEYS[1].to_owned()]));
    let listed = pool.list_keys(0).await;
    assert_eq!(listed.keys, BTreeMap::from([(KEYS[1].to_owned(), 2)]));

    // And the other way round.
    assert_eq!(pool.install_key(&decode_key(KEYS[0]).unwrap(), 0).await.error, None);
    assert_eq!(pool.use_key(&decode_key(KEYS[0]).unwrap(), 0).await.error, None);
    run(&["keys", &format!("-remove={}", KEYS[1])]).unwrap();
    assert_eq!(pool.keys(), [decode_key(KEYS[0]).unwrap()]);
    let refused = run(&["keys", &format!("-remove={}", KEYS[0])]).unwrap_err();
    assert!(refused.contains("2/2"), "{refused}");

    // The pool still hears itself with the last key.
    one.run(&["event", "-coalesce=false", "after"]).unwrap();
    let mut events = pool.subscribe();
    pool.user_event("before", Bytes::new(), false).await.unwrap();
    next_user_event(&mut events).await;
    until("our event arrives", || one.told().contains("before")).await;
    pool.shutdown().await;
}
