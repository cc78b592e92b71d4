//! The local state against a catalog in memory.

use super::*;
use crate::agent::anti_entropy::{AntiEntropy, Timings};
use crate::types::requests::{IndexedHealthChecks, IndexedNodeServiceList, NodeRequest, NodeServiceList};
use crate::types::{DeregisterRequest, Node, RegisterRequest, ServiceAddress};
use futures::FutureExt;
use futures::future::BoxFuture;
use std::collections::BTreeMap;

/// A catalog with the rows of one node.
#[derive(Default)]
struct FakeCatalog {
    rows: parking_lot::Mutex<Rows>,
    changed: Notify,
}

#[derive(Default)]
struct Rows {
    node: Option<Node>,
    services: BTreeMap<String, Arc<NodeService>>,
    checks: BTreeMap<String, Arc<HealthCheck>>,
    /// What was asked, in short.
    calls: Vec<String>,
    /// How often the services were asked for.
    comparisons: usize,
    /// What every call answers instead.
    refusal: Option<Error>,
}

impl Rows {
    fn call(&mut self, text: String) -> Result<()> {
        self.calls.push(text);
        self.refusal.clone().map_or(Ok(()), Err)
    }
}

impl Catalog for FakeCatalog {
    fn register(&self, request: RegisterRequest) -> BoxFuture<'_, Result<()>> {
        let mut rows = self.rows.lock();
        let checks: Vec<Arc<HealthCheck>> =
            request.check.into_iter().chain(request.checks.into_iter().flatten()).collect();
        let ids: Vec<&str> = checks.iter().map(|check| check.check_id.as_str()).collect();
        let service = request.service.as_ref().map_or("-", |service| service.id.as_str());
        let called = rows.call(format!("register {service} {} token={}", ids.join(","), request.token));
        if called.is_ok() {
            if !request.skip_node_update {
                rows.node = Some(Node {
                    id: request.id,
                    node: request.node,
                    address: request.address,
                    tagged_addresses: request.tagged_addresses,
                    meta: request.node_meta,
                    ..Node::default()
                });
            }
            rows.services.extend(request.service.map(|service| (service.id.clone(), service)));
            rows.checks.extend(checks.into_iter().map(|check| (check.check_id.clone(), check)));
        }
        self.changed.notify_one();
        async move { called }.boxed()
    }

    fn deregister(&self, request: DeregisterRequest) -> BoxFuture<'_, Result<()>> {
        let mut rows = self.rows.lock();
        let called = rows.call(format!("deregister {}{}", request.service_id, request.check_id));
        if called.is_ok() {
            if !request.service_id.is_empty() {
                rows.services.remove(&request.service_id);
                rows.checks.retain(|_, check| check.service_id != request.service_id);
            }
            rows.checks.remove(&request.check_id);
        }
        self.changed.notify_one();
        async move { called }.boxed()
    }

    fn node_services(&self, _: NodeRequest) -> BoxFuture<'_, Result<IndexedNodeServiceList>> {
        let mut rows = self.rows.lock();
        rows.comparisons += 1;
        self.changed.notify_one();
        let list = NodeServiceList {
            node: rows.node.clone().map(Arc::new),
            services: Some(rows.services.values().cloned().collect()),
        };
        let reply = IndexedNodeServiceList { node_services: list, ..IndexedNodeServiceList::default() };
        let result = rows.refusal.clone().map_or(Ok(reply), Err);
        async move { result }.boxed()
    }

    fn node_checks(&self, _: NodeRequest) -> BoxFuture<'_, Result<IndexedHealthChecks>> {
        let health_checks = self.rows.lock().checks.values().cloned().collect();
        async move { Ok(IndexedHealthChecks { health_checks, ..IndexedHealthChecks::default() }) }.boxed()
    }
}

impl FakeCatalog {
    fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut self.rows.lock().calls)
    }

    fn refuse(&self, text: &str) {
        self.rows.lock().refusal = Some(Error::new(text));
    }

    async fn until(&self, wanted: impl Fn(&Rows) -> bool) {
        while !wanted(&self.rows.lock()) {
            self.changed.notified().await;
        }
    }
}

fn settings(check_update_interval: Duration) -> LocalSettings {
    let node = NodeInfo { id: "id".into(), name: "n1".into(), address: "10.0.0.1".into(), ..NodeInfo::default() };
    let tokens = SyncTokens { agent: "agent".into(), default: "default".into(), config_file: "file".into() };
    LocalSettings { node, tokens, discard_check_output: false, check_update_interval }
}

fn local() -> LocalState {
    LocalState::new(settings(Duration::from_secs(300)))
}

fn web(tags: &[&str]) -> NodeService {
    NodeService {
        id: "w1".into(),
        service: "web".into(),
        tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
        weights: Some(Default::default()),
        ..NodeService::default()
    }
}

fn check(id: &str, service: &str) -> HealthCheck {
    HealthCheck {
        check_id: id.into(),
        name: id.into(),
        service_id: service.into(),
        status: "critical".into(),
        ..HealthCheck::default()
    }
}

async fn sync(local: &LocalState, catalog: &FakeCatalog) -> Result<(), SyncError> {
    local.compare(catalog).await.map_err(|error| SyncError(vec![error]))?;
    local.push(catalog).await
}

#[tokio::test]
async fn a_service_goes_to_the_catalog_in_one_request_with_its_checks() {
    let (local, catalog) = (local(), FakeCatalog::default());
    local.add_service(web(&["v1"]), "", false);
    local.add_check(check("c1", "w1"), "", false).expect("the service is there");
    local.add_check(check("c2", "w1"), "", false).expect("the service is there");
    local.add_check(check("own-token", "w1"), "secret", false).expect("the service is there");
    local.push(&catalog).await.expect("accepted");
    assert_eq!(
        catalog.take_calls(),
        ["register -  token=agent", "register w1 c1,c2 token=default", "register w1 own-token token=secret"]
    );
    assert!(!local.is_dirty());
    sync(&local, &catalog).await.expect("accepted");
    assert_eq!(catalog.take_calls(), [""; 0], "nothing differs");
    assert_eq!(catalog.rows.lock().checks["c1"].service_tags, ["v1"]);
}

#[tokio::test]
async fn items_of_files_have_their_own_default_token() {
    let (local, catalog) = (local(), FakeCatalog::default());
    local.add_service(web(&[]), "", true);
    local.push(&catalog).await.expect("accepted");
    assert_eq!(catalog.take_calls().last().expect("a call"), "register w1  token=file");
}

#[tokio::test]
async fn what_only_the_catalog_knows_is_removed_from_it_except_what_leaders_put_there() {
    let (local, catalog) = (local(), FakeCatalog::default());
    {
        let mut rows = catalog.rows.lock();
        for id in ["consul", "stranger"] {
            let service = NodeService { id: id.into(), service: id.into(), ..NodeService::default() };
            rows.services.insert(id.into(), Arc::new(service));
        }
        for (id, service) in [("serfHealth", ""), ("strange-check", ""), ("stranger-check", "stranger")] {
            rows.checks.insert(id.into(), Arc::new(check(id, service)));
        }
    }
    sync(&local, &catalog).await.expect("accepted");
    let rows = catalog.rows.lock();
    assert_eq!(rows.services.keys().collect::<Vec<_>>(), ["consul"]);
    assert_eq!(rows.checks.keys().collect::<Vec<_>>(), ["serfHealth"]);
    drop(rows);
    assert!(local.services().is_empty() && local.checks().is_empty(), "they never become local");
}

#[tokio::test]
async fn what_is_removed_here_is_removed_there() {
    let (local, catalog) = (local(), FakeCatalog::default());
    local.add_service(web(&[]), "", false);
    local.add_check(check("c1", "w1"), "", false).expect("the service is there");
    local.add_check(check("node-check", ""), "", false).expect("no service needed");
    sync(&local, &catalog).await.expect("accepted");
    catalog.take_calls();
    local.remove_service("w1").expect("it is there");
    local.remove_check("node-check").expect("it is there");
    assert!(local.services().is_empty() && local.checks().is_empty());
    local.push(&catalog).await.expect("accepted");
    assert_eq!(catalog.take_calls(), ["deregister w1", "deregister node-check"], "checks go with their service");
    assert_eq!(local.remove_service("w1"), Err(unknown_service("w1")));
    assert_eq!(
        local.remove_check("c1").expect_err("gone").text,
        "Unknown check ID \"c1\". Ensure that the check ID is passed, not the check name."
    );
}

#[tokio::test]
async fn catalog_tags_win_only_where_they_may() {
    for (enable_tag_override, expected) in [(true, ["remote"]), (false, ["local"])] {
        let (local, catalog) = (local(), FakeCatalog::default());
        let service = NodeService { enable_tag_override, ..web(&["local"]) };
        local.add_service(service.clone(), "", false);
        sync(&local, &catalog).await.expect("accepted");
        let remote = NodeService { tags: Some(vec!["remote".into()]), ..service };
        catalog.rows.lock().services.insert("w1".into(), Arc::new(remote));
        sync(&local, &catalog).await.expect("accepted");
        let tags = |service: &NodeService| service.tags.clone().expect("tags");
        assert_eq!(tags(&local.service("w1").expect("local")), expected);
        assert_eq!(tags(&catalog.rows.lock().services["w1"]), expected);
    }
}

#[tokio::test]
async fn addresses_given_by_servers_are_adopted() {
    let (local, catalog) = (local(), FakeCatalog::default());
    local.add_service(web(&[]), "", false);
    sync(&local, &catalog).await.expect("accepted");
    let virtual_ip = ServiceAddress { address: "240.0.0.1".into(), port: 80 };
    let given = BTreeMap::from([("consul-virtual".to_owned(), virtual_ip.clone())]);
    catalog
        .rows
        .lock()
        .services
        .insert("w1".into(), Arc::new(NodeService { tagged_addresses: Some(given), ..web(&[]) }));
    catalog.take_calls();
    sync(&local, &catalog).await.expect("accepted");
    assert_eq!(catalog.take_calls(), [""; 0]);
    let adopted = local.service("w1").expect("there").tagged_addresses.clone().expect("some");
    assert_eq!(adopted.get("consul-virtual"), Some(&virtual_ip));
}

#[tokio::test]
async fn a_new_status_is_pushed_at_once_and_a_new_output_later() {
    let (local, catalog) = (local(), FakeCatalog::default());
    local.add_check(check("c", ""), "", false).expect("added");
    sync(&local, &catalog).await.expect("accepted");
    catalog.take_calls();
    let now = Instant::now();
    local.update_check("c", CheckStatus::Critical, "still down", now);
    assert!(!local.is_dirty(), "an output alone waits");
    assert_eq!(local.check("c").expect("there").output, "still down", "but it is known here");
    let due = local.release_deferred(now).expect("armed");
    assert!((Duration::from_secs(150)..=Duration::from_secs(450)).contains(&(due - now)), "{:?}", due - now);
    sync(&local, &catalog).await.expect("accepted");
    assert_eq!(catalog.take_calls(), [""; 0], "a full sync does not mind the output");
    assert_eq!(local.release_deferred(due), None);
    assert!(local.is_dirty());
    local.push(&catalog).await.expect("accepted");
    assert_eq!(catalog.rows.lock().checks["c"].output, "still down");
    local.update_check("c", CheckStatus::Passing, "up", now);
    assert!(local.is_dirty(), "a status does not wait");
}

#[tokio::test]
async fn outputs_can_be_discarded() {
    let mut settings = settings(Duration::ZERO);
    settings.discard_check_output = true;
    let local = LocalState::new(settings);
    local.add_check(HealthCheck { output: "secret".into(), ..check("c", "") }, "", false).expect("added");
    local.update_check("c", CheckStatus::Passing, "more secrets", Instant::now());
    let check = local.check("c").expect("there");
    assert_eq!((check.status.as_str(), check.output.as_str()), ("passing", ""));
}

#[tokio::test]
async fn a_refusal_by_acls_is_not_repeated_until_the_next_full_sync() {
    let (local, catalog) = (local(), FakeCatalog::default());
    local.add_service(web(&[]), "", false);
    catalog.refuse("rpc error: Permission denied: token lacks permission");
    local.push(&catalog).await.expect("a refusal is no failure");
    assert!(!local.is_dirty());
    catalog.rows.lock().refusal = None;
    sync(&local, &catalog).await.expect("accepted");
    assert!(catalog.rows.lock().services.contains_key("w1"));
}

#[tokio::test]
async fn other_failures_are_reported_and_do_not_stop_the_rest() {
    let (local, catalog) = (local(), FakeCatalog::default());
    local.add_service(web(&[]), "", false);
    local.add_check(check("c", ""), "", false).expect("added");
    catalog.refuse("No cluster leader");
    let error = local.push(&catalog).await.expect_err("refused");
    assert_eq!(catalog.take_calls().len(), 3, "node, service and check were tried");
    assert_eq!(error.0, vec![Error::no_leader(); 3]);
    assert!(local.is_dirty());
}

#[tokio::test]
async fn a_check_needs_its_service() {
    let error = local().add_check(check("c", "nope"), "", false).expect_err("no service");
    assert_eq!(error.text, "Check ID \"c\" refers to non-existent service ID \"nope\"");
}

#[test]
fn critical_time_counts_from_the_first_critical_result() {
    let local = local();
    local.add_service(web(&[]), "", false);
    local.add_check(HealthCheck { status: "passing".into(), ..check("c", "w1") }, "", false).expect("added");
    let start = Instant::now();
    let at = |seconds| start + Duration::from_secs(seconds);
    local.update_check("c", CheckStatus::Critical, "", at(0));
    local.update_check("c", CheckStatus::Critical, "again", at(30));
    let critical = local.critical_for(at(60));
    assert_eq!((critical[0].0.check_id.as_str(), critical[0].1), ("c", Duration::from_secs(60)));
    local.update_check("c", CheckStatus::Passing, "", at(61));
    assert!(local.critical_for(at(62)).is_empty());
}

#[test]
fn registering_the_same_again_changes_nothing() {
    let local = local();
    local.add_service(web(&["a"]), "", false);
    let before = content_hash(&local.service("w1").expect("there"));
    local.add_service(NodeService { modify_index: 7, ..web(&["a"]) }, "", false);
    assert_eq!(content_hash(&local.service("w1").expect("there")), before);
    assert_eq!(before.len(), 16);
    local.add_service(web(&["b"]), "", false);
    assert_ne!(content_hash(&local.service("w1").expect("there")), before);
}

fn syncer(local: &Arc<LocalState>, catalog: &Arc<FakeCatalog>) -> (watch::Sender<u64>, AntiEntropy) {
    let (server_up, receiver) = watch::channel(0);
    let hour = Duration::from_secs(3600);
    let timings = Timings { full: hour, retry: hour, server_up: Duration::from_millis(1) };
    let (local, catalog) = (local.clone(), catalog.clone());
    (server_up, AntiEntropy { local, catalog, server_up: receiver, members: Box::new(|| 1), timings })
}

#[tokio::test]
async fn changes_are_pushed_as_they_come() {
    let (local, catalog) = (Arc::new(local()), Arc::new(FakeCatalog::default()));
    let (_server_up, sync) = syncer(&local, &catalog);
    let task = tokio::spawn(sync.run());
    catalog.until(|rows| rows.node.is_some()).await;
    local.add_service(web(&[]), "", false);
    catalog.until(|rows| rows.services.contains_key("w1")).await;
    let pause = local.pause();
    local.remove_service("w1").expect("it is there");
    assert!(local.is_paused());
    drop(pause);
    catalog.until(|rows| rows.services.is_empty()).await;
    task.abort();
}

#[tokio::test]
async fn an_agent_that_leaves_says_nothing_to_the_catalog_any_more() {
    let (local, catalog) = (local(), FakeCatalog::default());
    local.add_service(web(&[]), "", false);
    local.fall_silent().await;
    local.push(&catalog).await.expect("nothing to say");
    assert!(catalog.rows.lock().node.is_none() && local.is_dirty());
    local.speak_again();
    local.push(&catalog).await.expect("accepted");
    assert!(catalog.rows.lock().services.contains_key("w1"));
}

#[tokio::test]
async fn a_new_leader_makes_a_failed_sync_start_over() {
    let (local, catalog) = (Arc::new(local()), Arc::new(FakeCatalog::default()));
    catalog.refuse("No cluster leader");
    let (server_up, sync) = syncer(&local, &catalog);
    let task = tokio::spawn(sync.run());
    catalog.until(|rows| rows.comparisons == 1).await;
    catalog.rows.lock().refusal = None;
    local.add_service(web(&[]), "", false);
    server_up.send_modify(|count| *count += 1);
    catalog.until(|rows| rows.services.contains_key("w1")).await;
    task.abort();
}
