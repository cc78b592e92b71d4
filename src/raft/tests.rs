//! Whole servers in one process, talking over channels: elections, replication, snapshots, restores, crashes.

use super::*;
use crate::state::WatchSet;
use crate::types::{DirEntry, KvOp, KvRequest};
use async_trait::async_trait;
use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use tokio::time::timeout;

/// Longest wait for a condition; only a failing test waits that long.
const LIMIT: Duration = Duration::from_secs(30);

fn set(key: &str, value: &str) -> Command {
    let dir_ent = DirEntry { key: key.into(), value: value.into(), ..DirEntry::default() };
    Command::Kvs(KvRequest { op: KvOp::Set, dir_ent, ..KvRequest::default() })
}

fn entry(store: &Store, key: &str) -> Option<DirEntry> {
    let (_, found) = store.snapshot().kv_get(&mut WatchSet::none(), key);
    found.map(|found| (*found).clone())
}

fn value(store: &Store, key: &str) -> Option<String> {
    entry(store, key).map(|entry| String::from_utf8_lossy(&entry.value.0).into_owned())
}

/// Waits until something is true, looking again every few milliseconds.
async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = timeout(LIMIT, async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "never: {what}");
}

fn config(n: u128, dir: Option<&Path>) -> RaftConfig {
    RaftConfig {
        data_dir: dir.map(Path::to_owned),
        node_id: Uuid::from_u128(n).to_string(),
        address: format!("127.0.0.{n}:8300"),
        multiplier: 1,
        trailing_logs: 10,
        ..RaftConfig::default()
    }
}

async fn alone(dir: Option<&Path>) -> (Raft, Arc<Store>) {
    let store = Arc::new(Store::new());
    let raft = Raft::start(RaftConfig { bootstrap: true, ..config(1, dir) }, store.clone()).await.unwrap();
    raft.leadership().wait_for(|leads| *leads).await.unwrap();
    (raft, store)
}

/// Carries messages between the servers of one process, except over cut links.
#[derive(Default)]
struct Switch {
    servers: Mutex<HashMap<String, Raft>>,
    isolated: Mutex<HashSet<String>>,
}

struct Wire(Arc<Switch>, String);

impl Wire {
    fn other(&self, to: &Peer) -> std::io::Result<Raft> {
        let isolated = self.0.isolated.lock();
        let there = self.0.servers.lock().get(&to.id).cloned();
        match there {
            Some(there) if !isolated.contains(&to.id) && !isolated.contains(&self.1) => Ok(there),
            _ => Err(std::io::ErrorKind::NotConnected.into()),
        }
    }
}

#[async_trait]
impl Transport for Wire {
    async fn call(&self, to: &Peer, request: Bytes) -> std::io::Result<Bytes> {
        let answer = self.other(to)?.handle(request).await;
        self.other(to).map(|_| answer)
    }

    async fn send_snapshot(&self, to: &Peer, header: Bytes, archive: File) -> std::io::Result<Bytes> {
        Ok(self.other(to)?.handle_snapshot(header, tokio::fs::File::from_std(archive)).await)
    }
}

struct Member {
    raft: Raft,
    store: Arc<Store>,
    dir: tempfile::TempDir,
}

struct Cluster {
    switch: Arc<Switch>,
    members: Vec<Member>,
}

impl Cluster {
    async fn member(switch: &Arc<Switch>, n: u128, dir: tempfile::TempDir) -> Member {
        let store = Arc::new(Store::new());
        let config = config(n, Some(dir.path()));
        let id = config.node_id.clone();
        let wire = Arc::new(Wire(switch.clone(), id.clone()));
        let raft = Raft::start_with(config, store.clone(), wire).await.unwrap();
        switch.servers.lock().insert(id, raft.clone());
        Member { raft, store, dir }
    }

    /// Three servers with a leader.
    async fn start() -> Cluster {
        let switch = Arc::new(Switch::default());
        let mut members = Vec::new();
        for n in 1..=3 {
            members.push(Cluster::member(&switch, n, tempfile::tempdir().unwrap()).await);
        }
        let peers: Vec<Peer> = (1..=3)
            .map(|n| config(n, None))
            .map(|config| Peer { id: config.node_id, address: config.address, voter: true })
            .collect();
        for member in &members {
            member.raft.bootstrap(&peers).await.unwrap();
        }
        let cluster = Cluster { switch, members };
        cluster.leader(&[]).await;
        cluster
    }

    /// Waits for a leader that is none of these.
    async fn leader(&self, except: &[usize]) -> usize {
        let mut found = None;
        until("a leader", || {
            found = (0..self.members.len()).find(|at| !except.contains(at) && self.members[*at].raft.is_leader());
            found.is_some()
        })
        .await;
        found.expect("just found")
    }

    fn id(&self, at: usize) -> String {
        self.members[at].raft.0.id.to_string()
    }

    async fn write(&self, at: usize, key: &str, value: &str) {
        self.members[at].raft.propose(set(key, value)).await.unwrap();
    }

    async fn everywhere(&self, key: &str, expected: &str) {
        for member in &self.members {
            until(&format!("{key} is {expected}"), || value(&member.store, key).as_deref() == Some(expected)).await;
        }
    }
}

#[tokio::test]
async fn a_lone_server_leads_at_once_and_indexes_begin_at_one() {
    let (raft, store) = alone(None).await;
    assert_eq!(raft.propose(set("a", "1")).await.unwrap(), Outcome::Bool(true));
    assert!(raft.is_leader() && raft.has_lease());
    let (index, peers) = raft.configuration();
    assert_eq!(index, 1);
    assert_eq!(peers, [Peer { id: Uuid::from_u128(1).to_string(), address: "127.0.0.1:8300".into(), voter: true }]);
    // configuration, the leader's own entry, the write
    assert_eq!((entry(&store, "a").unwrap().modify_index, raft.applied_index()), (3, 3));
    assert_eq!(raft.leader().unwrap().address, "127.0.0.1:8300");
    raft.verify_leader().await.unwrap();
    raft.barrier().await.unwrap();
    assert_eq!(raft.last_log_index(), 4);
    raft.shutdown().await;
    assert_eq!(raft.propose(set("a", "2")).await.unwrap_err(), Error::no_leader());
}

#[tokio::test]
async fn stats_have_the_keys_that_tools_read() {
    let (raft, _) = alone(None).await;
    raft.propose(set("a", "1")).await.unwrap();
    let stats = raft.stats();
    let keys: Vec<_> = stats.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "applied_index",
            "commit_index",
            "fsm_pending",
            "last_contact",
            "last_log_index",
            "last_log_term",
            "last_snapshot_index",
            "last_snapshot_term",
            "latest_configuration",
            "latest_configuration_index",
            "num_peers",
            "protocol_version",
            "protocol_version_max",
            "protocol_version_min",
            "snapshot_version_max",
            "snapshot_version_min",
            "state",
            "term"
        ]
    );
    let expected = [
        ("applied_index", "3"),
        ("last_contact", "0"),
        ("last_log_index", "3"),
        ("last_log_term", "1"),
        ("num_peers", "0"),
        ("state", "Leader"),
        ("term", "1"),
        ("fsm_pending", "0"),
        ("latest_configuration", "[{Suffrage:Voter ID:00000000-0000-0000-0000-000000000001 Address:127.0.0.1:8300}]"),
    ];
    for (key, value) in expected {
        assert_eq!(stats[key], value, "{key}");
    }
}

#[tokio::test]
async fn concurrent_proposals_are_applied_each_once_with_an_index_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let (raft, store) = alone(Some(dir.path())).await;
    let writers = (0..200).map(|n| {
        let raft = raft.clone();
        async move { raft.propose(set(&format!("k{n}"), "v")).await.unwrap() }
    });
    futures::future::join_all(writers).await;
    let indexes: HashSet<u64> = (0..200).map(|n| entry(&store, &format!("k{n}")).unwrap().modify_index).collect();
    assert_eq!(indexes.len(), 200);
    raft.shutdown().await;
}

#[tokio::test]
async fn a_server_comes_back_with_what_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let (raft, _) = alone(Some(dir.path())).await;
    for n in 0..30 {
        raft.propose(set("n", &n.to_string())).await.unwrap();
        if n == 20 {
            assert_eq!(raft.save_snapshot().await.unwrap().index, raft.applied_index());
        }
    }
    let (index, term) = (raft.applied_index(), raft.term());
    raft.shutdown().await;
    drop(raft);
    let (raft, store) = alone(Some(dir.path())).await;
    raft.verify_leader().await.unwrap();
    assert_eq!(value(&store, "n").as_deref(), Some("29"));
    assert_eq!((raft.applied_index(), raft.term()), (index + 1, term + 1));
    raft.shutdown().await;
}

/// Child of the next test: acknowledges numbers until it is killed.
#[tokio::test]
#[ignore = "runs as a child process of the crash test"]
async fn child_that_writes_until_it_is_killed() {
    let dir = PathBuf::from(std::env::var("TRIBUNE_CRASH_DIR").expect("set by the crash test"));
    let (raft, store) = alone(Some(&dir)).await;
    raft.verify_leader().await.unwrap();
    let mut next: u64 = value(&store, "n").map_or(0, |n| n.parse().unwrap());
    let archive = format!("{}/tests/vectors/snapshot-acl.snap", env!("CARGO_MANIFEST_DIR"));
    if std::env::var("TRIBUNE_CRASH_RESTORE").is_ok() {
        raft.restore_snapshot(Path::new(&archive)).await.unwrap();
        println!("ack restored");
    }
    loop {
        next += 1;
        let keys = (0..8).map(|writer| raft.propose(set(&format!("w{writer}"), &next.to_string())).boxed());
        futures::future::join_all(keys.chain([raft.propose(set("n", &next.to_string())).boxed()])).await;
        println!("ack {next}");
        std::io::stdout().flush().unwrap();
    }
}

use futures::FutureExt;

/// Runs the child until `enough` acknowledgements, kills it, and returns the last one.
fn run_child_and_kill(dir: &Path, restore: bool, enough: usize) -> String {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command
        .args(["raft::tests::child_that_writes_until_it_is_killed", "--exact", "--ignored", "--nocapture"])
        .env("TRIBUNE_CRASH_DIR", dir)
        .stdout(std::process::Stdio::piped());
    if restore {
        command.env("TRIBUNE_CRASH_RESTORE", "1");
    }
    let starting = crate::client::child::starting();
    let mut child = command.spawn().unwrap();
    drop(starting);
    let mut acks = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.split_once("ack ").map(|(_, ack)| ack.to_owned()));
    let mut last = acks.by_ref().take(enough).last().expect("the child acknowledges something");
    child.kill().unwrap();
    if let Some(later) = acks.last() {
        last = later;
    }
    child.wait().unwrap();
    last
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    for enough in [1, 7, 40] {
        let path = dir.path().to_owned();
        let last = tokio::task::spawn_blocking(move || run_child_and_kill(&path, false, enough)).await.unwrap();
        let (raft, store) = alone(Some(dir.path())).await;
        raft.verify_leader().await.unwrap();
        let acknowledged: u64 = last.parse().unwrap();
        for key in ["n", "w0", "w7"] {
            let found: u64 = value(&store, key).unwrap().parse().unwrap();
            assert!(found == acknowledged || found == acknowledged + 1, "{key}: {found} after {acknowledged}");
        }
        raft.shutdown().await;
    }
}

#[tokio::test]
async fn an_acknowledged_restore_survives_a_kill() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    let last = tokio::task::spawn_blocking(move || run_child_and_kill(&path, true, 1)).await.unwrap();
    let (raft, store) = alone(Some(dir.path())).await;
    raft.verify_leader().await.unwrap();
    assert!(value(&store, "app/lock").is_some(), "a key of the archive, after {last}");
    assert!(raft.applied_index() > 66, "above the index of the archive");
    raft.shutdown().await;
}

#[tokio::test]
async fn three_servers_replicate_and_outlive_their_leader() {
    let cluster = Cluster::start().await;
    let first = cluster.leader(&[]).await;
    cluster.write(first, "a", "1").await;
    cluster.everywhere("a", "1").await;
    let follower = (first + 1) % 3;
    let refused = cluster.members[follower].raft.propose(set("a", "2")).await;
    assert_eq!(refused.unwrap_err(), Error::no_leader());
    assert_eq!(cluster.members[follower].raft.leader().unwrap().id, cluster.id(first));
    assert!(cluster.members[follower].raft.last_contact().is_some());
    assert!(cluster.members[first].raft.has_lease() && !cluster.members[follower].raft.has_lease());

    cluster.switch.servers.lock().remove(&cluster.id(first));
    cluster.members[first].raft.shutdown().await;
    let second = cluster.leader(&[first]).await;
    cluster.write(second, "a", "3").await;
    for at in (0..3).filter(|at| *at != first) {
        until("the others have it", || value(&cluster.members[at].store, "a").as_deref() == Some("3")).await;
    }
}

#[tokio::test]
async fn an_isolated_leader_stops_leading_and_follows_when_it_is_back() {
    let cluster = Cluster::start().await;
    let first = cluster.leader(&[]).await;
    let mut leadership = cluster.members[first].raft.leadership();
    leadership.wait_for(|leads| *leads).await.unwrap();
    cluster.switch.isolated.lock().insert(cluster.id(first));
    let lost = timeout(LIMIT, leadership.wait_for(|leads| !*leads)).await;
    lost.expect("it notices").unwrap();
    assert!(!cluster.members[first].raft.has_lease());
    assert_eq!(cluster.members[first].raft.leader(), None);
    let second = cluster.leader(&[first]).await;
    cluster.write(second, "a", "1").await;
    assert_eq!(value(&cluster.members[first].store, "a"), None);
    cluster.switch.isolated.lock().clear();
    cluster.everywhere("a", "1").await;
}

#[tokio::test]
async fn leadership_can_be_handed_over() {
    let cluster = Cluster::start().await;
    let first = cluster.leader(&[]).await;
    let target = (first + 1) % 3;
    let unknown = Uuid::from_u128(99).to_string();
    let raft = &cluster.members[first].raft;
    assert_eq!(raft.transfer_leader(Some(&unknown)).await.unwrap_err().text, "cannot find peer");
    cluster.write(first, "a", "1").await;
    raft.transfer_leader(Some(&cluster.id(target))).await.unwrap();
    until("the target leads", || cluster.members[target].raft.is_leader()).await;
    cluster.members[target].raft.transfer_leader(None).await.unwrap();
    cluster.leader(&[target]).await;
}

#[tokio::test]
async fn a_term_that_was_given_up_has_no_lease_any_more() {
    let cluster = Cluster::start().await;
    let first = cluster.leader(&[]).await;
    let target = (first + 1) % 3;
    let raft = cluster.members[first].raft.clone();
    cluster.write(first, "a", "1").await;
    until("the lease", || raft.has_lease()).await;
    let term = raft.term();
    // the target never hears that it is to lead
    cluster.switch.isolated.lock().insert(cluster.id(target));
    let handing = tokio::spawn({
        let (raft, target) = (raft.clone(), cluster.id(target));
        async move { raft.transfer_leader(Some(&target)).await }
    });
    until("no lease", || !raft.has_lease()).await;
    let mut looks = 0;
    while raft.term() == term {
        assert!(!raft.has_lease() || raft.term() > term);
        looks += 1;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(looks > 0);
    let told = handing.await.unwrap().unwrap_err().text;
    assert!(["leadership went to another server", "leadership was not taken over"].contains(&&*told), "{told}");
    let next = cluster.leader(&[target]).await;
    cluster.write(next, "a", "2").await;
    until("a lease in the next term", || cluster.members[next].raft.has_lease()).await;
}

#[tokio::test]
async fn a_server_that_lags_behind_the_log_receives_a_snapshot() {
    let mut cluster = Cluster::start().await;
    let leader = cluster.leader(&[]).await;
    let away = (leader + 1) % 3;
    cluster.switch.isolated.lock().insert(cluster.id(away));
    for round in 0..3 {
        for n in 0..40 {
            cluster.write(leader, &format!("k{n}"), &round.to_string()).await;
        }
        duties::snapshot_and_purge(&cluster.members[leader].raft.0).await;
    }
    let log = cluster.members[leader].raft.0.log.clone();
    until("the log was purged", || log.first_index() > 60).await;
    assert_eq!(
        cluster.members[leader].raft.0.snapshots.newest().unwrap().meta.index,
        cluster.members[leader].raft.applied_index()
    );
    cluster.switch.isolated.lock().clear();
    cluster.everywhere("k39", "2").await;
    let received = cluster.members[away].raft.0.snapshots.newest().expect("a snapshot came");
    assert_eq!(received.meta.configuration.servers.len(), 3);
    cluster.write(leader, "after", "1").await;
    cluster.everywhere("after", "1").await;

    // and it starts from that snapshot
    let (id, n) = (cluster.id(away), away as u128 + 1);
    cluster.switch.servers.lock().remove(&id);
    let Member { raft, dir, .. } = cluster.members.remove(away);
    raft.shutdown().await;
    drop(raft);
    let back = Cluster::member(&cluster.switch, n, dir).await;
    until("it has all again", || value(&back.store, "after").as_deref() == Some("1")).await;
    assert_eq!(value(&back.store, "k0").as_deref(), Some("2"));
}

#[tokio::test]
async fn servers_join_and_are_removed() {
    let cluster = Cluster::start().await;
    let leader = cluster.leader(&[]).await;
    let raft = &cluster.members[leader].raft;
    let fourth = Cluster::member(&cluster.switch, 4, tempfile::tempdir().unwrap()).await;
    cluster.write(leader, "a", "1").await;
    let id = fourth.raft.0.id.to_string();
    raft.add_peer(&id, "127.0.0.4:8300", false).await.unwrap();
    until("it follows", || value(&fourth.store, "a").as_deref() == Some("1")).await;
    raft.add_peer(&id, "127.0.0.4:8300", true).await.unwrap();
    assert_eq!(raft.configuration().1.iter().filter(|peer| peer.voter).count(), 4);
    raft.add_peer(&id, "127.0.0.44:8300", true).await.unwrap();
    assert!(raft.configuration().1.iter().any(|peer| peer.id == id && peer.address == "127.0.0.44:8300"));
    raft.remove_peer(&id).await.unwrap();
    assert_eq!(raft.configuration().1.len(), 3);
    assert_eq!(
        raft.remove_peer(&id).await.unwrap_err().text,
        format!("id {id:?} was not found in the Raft configuration")
    );
}

#[tokio::test]
async fn a_restore_replaces_the_state_of_every_server_and_continues_above_the_archive() {
    let cluster = Cluster::start().await;
    let leader = cluster.leader(&[]).await;
    cluster.write(leader, "before", "1").await;
    let peers = cluster.members[leader].raft.configuration().1;
    let archive = PathBuf::from(format!("{}/tests/vectors/snapshot-acl.snap", env!("CARGO_MANIFEST_DIR")));
    cluster.members[leader].raft.restore_snapshot(&archive).await.unwrap();
    cluster.write(leader, "after", "1").await;
    cluster.everywhere("after", "1").await;
    for member in &cluster.members {
        assert_eq!(value(&member.store, "before"), None);
        assert!(value(&member.store, "app/lock").is_some());
        assert!(entry(&member.store, "after").unwrap().modify_index > 67);
        assert_eq!(member.raft.configuration().1, peers);
    }
    let saved = cluster.members[leader].raft.save_snapshot().await.unwrap();
    assert_eq!(saved.index, cluster.members[leader].raft.applied_index());
    assert_eq!(archive::verify(saved.file).unwrap(), saved.meta);
}

#[tokio::test]
async fn a_broken_archive_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (raft, store) = alone(None).await;
    raft.propose(set("a", "1")).await.unwrap();
    let mut bytes = std::fs::read(format!("{}/tests/vectors/snapshot-acl.snap", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let path = dir.path().join("archive");
    std::fs::write(&path, b"nonsense that is long enough").unwrap();
    assert_eq!(
        raft.restore_snapshot(&path).await.unwrap_err().text,
        "failed to decompress snapshot: gzip: invalid header"
    );
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0xff;
    std::fs::write(&path, &bytes).unwrap();
    assert!(raft.restore_snapshot(&path).await.is_err());
    assert_eq!(value(&store, "a").as_deref(), Some("1"));
}

#[tokio::test]
async fn a_damaged_snapshot_is_put_aside_and_the_older_one_used() {
    let dir = tempfile::tempdir().unwrap();
    let (raft, _) = alone(Some(dir.path())).await;
    for round in 0..3 {
        for n in 0..50 {
            raft.propose(set(&format!("k{n}"), &round.to_string())).await.unwrap();
        }
        duties::snapshot_and_purge(&raft.0).await;
    }
    until("the log was purged", || raft.0.log.first_index() > 0).await;
    raft.shutdown().await;
    let newest = raft.0.snapshots.newest().unwrap().describe();
    drop(raft);
    let bytes = std::fs::read(&newest).unwrap();
    std::fs::write(&newest, &bytes[..bytes.len() - 20]).unwrap();

    let (raft, store) = alone(Some(dir.path())).await;
    raft.verify_leader().await.unwrap();
    assert_eq!(value(&store, "k49").as_deref(), Some("2"));
    assert!(Path::new(&format!("{newest}.damaged")).exists() && !Path::new(&newest).exists());
    raft.shutdown().await;
    let older = raft.0.snapshots.newest().unwrap().describe();
    drop(raft);
    std::fs::write(&older, b"").unwrap();
    let refused =
        Raft::start(config(1, Some(dir.path())), Arc::new(Store::new())).await.err().expect("no state any more");
    assert!(refused.to_string().contains("no usable snapshot reaches raft entry"), "{refused}");
    assert!(refused.to_string().contains("raft/snapshots"), "{refused}");
}

#[tokio::test]
async fn a_snapshot_under_a_temporary_name_does_not_count() {
    let dir = tempfile::tempdir().unwrap();
    let (raft, _) = alone(Some(dir.path())).await;
    raft.propose(set("a", "1")).await.unwrap();
    raft.shutdown().await;
    drop(raft);
    let half = dir.path().join("raft/snapshots/1-9-9-abc.tmp");
    std::fs::write(&half, b"half").unwrap();
    let (raft, store) = alone(Some(dir.path())).await;
    raft.verify_leader().await.unwrap();
    assert_eq!(value(&store, "a").as_deref(), Some("1"));
    assert!(!half.exists());
    raft.shutdown().await;
}

#[tokio::test]
async fn peers_json_gives_a_server_a_new_configuration() {
    let cluster = Cluster::start().await;
    let leader = cluster.leader(&[]).await;
    cluster.write(leader, "a", "1").await;
    cluster.everywhere("a", "1").await;
    for member in &cluster.members {
        member.raft.shutdown().await;
    }
    let Cluster { members, .. } = cluster;
    let Member { raft, dir, .. } = members.into_iter().next().unwrap();
    drop(raft);
    let peers = dir.path().join("raft/peers.json");
    std::fs::write(&peers, "[{\"id\":\"nonsense\",\"address\":\"127.0.0.1:8300\"}]").unwrap();
    let refused = Raft::start(config(1, Some(dir.path())), Arc::new(Store::new())).await.err().expect("a bad file");
    assert!(refused.to_string().starts_with("recovery failed to parse peers.json: "), "{refused}");

    let id = Uuid::from_u128(1);
    std::fs::write(&peers, format!("[{{\"id\":\"{id}\",\"address\":\"127.0.0.1:8300\",\"non_voter\":false}}]"))
        .unwrap();
    let store = Arc::new(Store::new());
    let raft = Raft::start(config(1, Some(dir.path())), store.clone()).await.unwrap();
    raft.leadership().wait_for(|leads| *leads).await.unwrap();
    raft.propose(set("b", "2")).await.unwrap();
    assert_eq!(value(&store, "a").as_deref(), Some("1"));
    assert_eq!(raft.configuration().1.len(), 1);
    assert!(!peers.exists());
    raft.shutdown().await;
    drop(raft);
    let (raft, store) = alone(Some(dir.path())).await;
    raft.verify_leader().await.unwrap();
    assert_eq!(value(&store, "b").as_deref(), Some("2"));
    raft.shutdown().await;
}
