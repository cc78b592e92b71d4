use super::nodes::SERF_CHECK;
use super::*;
use crate::types::service::{ConnectProxyConfig, ServiceConnect};

const OLD: &str = "11111111-1111-1111-1111-111111111111";
const NEW: &str = "22222222-2222-2222-2222-222222222222";

fn none() -> MetaFilter {
    MetaFilter::new()
}

fn nodes_index(scene: &Scene) -> Index {
    scene.index_of(|snapshot, ws| snapshot.nodes(ws, &none()))
}

fn services_index(scene: &Scene) -> Index {
    scene.index_of(|snapshot, ws| snapshot.services(ws, &none()))
}

fn checks_index(scene: &Scene) -> Index {
    scene.index_of(|snapshot, ws| snapshot.checks_in_state(ws, "any", &none()))
}

fn health_index(scene: &Scene, name: &str) -> Index {
    scene.index_of(|snapshot, ws| snapshot.check_service_nodes(ws, name, &[], &none()))
}

fn instances(scene: &Scene, name: &str, tags: &[&str]) -> (Index, usize) {
    let tags: Vec<String> = tags.iter().map(|tag| tag.to_string()).collect();
    let (index, rows) = scene.ask(|snapshot, ws| snapshot.service_nodes(ws, name, &tags, &none()));
    (index, rows.len())
}

fn with_id(name: &str, id: &str) -> RegisterRequest {
    RegisterRequest { id: id.into(), ..node(name) }
}

fn proxy(id: &str, name: &str, destination: &str) -> NodeService {
    let config = ConnectProxyConfig { destination_service_name: destination.into(), ..Default::default() };
    NodeService { kind: "connect-proxy".into(), id: id.into(), proxy: config, ..service(name) }
}

#[test]
fn registering_the_same_content_again_moves_no_index() {
    let mut scene = Scene::new();
    let first = scene.done(with_service("n", service("web")));
    let checked = scene.done(with_check("n", check("n", "c", "passing")));
    scene.done(with_service("N", service("web")));
    scene.done(with_check("n", check("n", "c", "passing")));
    assert_eq!((nodes_index(&scene), services_index(&scene)), (first, first));
    assert_eq!((health_index(&scene, "web"), checks_index(&scene)), (checked, checked));
}

#[test]
fn a_node_change_moves_its_services_health_but_not_the_services_table() {
    let mut scene = Scene::new();
    scene.done(with_service("other", service("db")));
    let registered = scene.done(with_service("n", service("web")));
    let moved = scene.done(register(RegisterRequest { address: "10.0.0.9".into(), ..node("n") }));
    assert_eq!(health_index(&scene, "WEB"), moved);
    assert_eq!(nodes_index(&scene), moved);
    assert_eq!(services_index(&scene), registered);
    assert!(health_index(&scene, "db") < registered, "services on other nodes stay");
    let row = scene.ask(|snapshot, ws| snapshot.node(ws, "n")).1.expect("stored");
    assert_eq!((row.create_index, row.modify_index), (registered, moved));
}

#[test]
fn a_registration_can_leave_the_node_alone() {
    let mut scene = Scene::new();
    let first = scene.done(register(node("n")));
    let other = RegisterRequest { address: "10.0.0.9".into(), skip_node_update: true, ..node("n") };
    scene.done(register(other.clone()));
    assert_eq!(nodes_index(&scene), first);
    scene.done(register(RegisterRequest { node: "fresh".into(), ..other }));
    assert!(scene.store.snapshot().node_by_name("FRESH").is_some(), "a missing node is created all the same");
}

#[test]
fn a_check_output_moves_health_and_checks_but_neither_services_nor_nodes() {
    let mut scene = Scene::new();
    let registered = scene.done(with_service("n", service("web")));
    let of_web = HealthCheck { service_id: "web".into(), ..check("n", "c", "passing") };
    scene.done(with_check("n", of_web.clone()));
    let changed = scene.done(with_check("n", HealthCheck { output: "slow".into(), ..of_web }));
    assert_eq!((health_index(&scene, "web"), checks_index(&scene)), (changed, changed));
    assert_eq!((services_index(&scene), nodes_index(&scene)), (registered, registered));
}

#[test]
fn a_service_check_touches_its_own_service_and_a_node_check_all_on_the_node() {
    let mut scene = Scene::new();
    scene.done(with_service("n", service("web")));
    let db = scene.done(with_service("n", service("db")));
    let web = scene.done(with_check("n", HealthCheck { service_id: "web".into(), ..check("n", "c", "passing") }));
    assert_eq!((health_index(&scene, "web"), health_index(&scene, "db")), (web, db));
    let both = scene.done(with_check("n", check("n", "node-check", "passing")));
    assert_eq!((health_index(&scene, "web"), health_index(&scene, "db")), (both, both));
    let rows = scene.ask(|snapshot, ws| snapshot.check_service_nodes(ws, "web", &[], &none())).1;
    let ids: Vec<_> = rows[0].checks.iter().map(|check| check.check_id.as_str()).collect();
    assert_eq!(ids, ["node-check", "c"], "those of the node come first");
}

#[test]
fn deleting_a_node_check_also_moves_the_services_table() {
    let mut scene = Scene::new();
    scene.done(with_service("n", service("web")));
    scene.done(with_check("n", check("n", "c", "passing")));
    let deleted = scene.done(deregister("n", "", "c"));
    assert_eq!(services_index(&scene), deleted);
    assert_eq!(health_index(&scene, "web"), deleted);
}

#[test]
fn a_service_that_lost_its_last_instance_has_the_extinction_index() {
    let mut scene = Scene::new();
    scene.done(with_service("n", service("web")));
    scene.done(with_service("n", service("db")));
    assert_eq!(instances(&scene, "never", &[]), (scene.index, 0), "the tables, before any extinction");
    let gone = scene.done(deregister("n", "web", ""));
    scene.done(with_service("n", service("cache")));
    assert_eq!(instances(&scene, "web", &[]), (gone, 0));
    assert_eq!(instances(&scene, "never", &[]), (gone, 0));
    assert_eq!(health_index(&scene, "web"), gone);
    assert_eq!(checks_index(&scene), gone, "moved by the removal though it had no check");
}

#[test]
fn a_service_with_instances_left_moves_when_one_goes() {
    let mut scene = Scene::new();
    scene.done(with_service("n", service("web")));
    scene.done(with_service("m", service("web")));
    let gone = scene.done(deregister("n", "web", ""));
    scene.done(register(node("elsewhere")));
    assert_eq!(instances(&scene, "web", &[]), (gone, 1));
}

#[test]
fn a_tag_filter_without_a_match_still_reports_the_services_index() {
    let mut scene = Scene::new();
    let tagged = NodeService { tags: Some(vec!["Primary".into(), "v1".into()]), ..service("web") };
    let registered = scene.done(with_service("n", tagged));
    scene.done(register(node("elsewhere")));
    assert_eq!(instances(&scene, "web", &["primary", "V1"]), (registered, 1), "tags are compared without case");
    assert_eq!(instances(&scene, "web", &["v1", "v2"]), (registered, 0));
}

#[test]
fn an_instance_that_changes_its_name_leaves_its_former_service() {
    let mut scene = Scene::new();
    scene.done(with_service("n", service("old")));
    let renamed = scene.done(with_service("n", NodeService { id: "old".into(), ..service("new") }));
    scene.done(register(node("elsewhere")));
    assert_eq!(instances(&scene, "old", &[]), (renamed, 0));
    assert_eq!(instances(&scene, "new", &[]), (renamed, 1));
    assert_eq!(scene.store.snapshot().usage().services, 1);
}

#[test]
fn a_registration_with_a_bad_check_stores_nothing_of_it() {
    let mut scene = Scene::new();
    let before = scene.done(register(node("first")));
    let mut request = node("n");
    request.service = Some(Arc::new(service("web")));
    request.checks = Some(vec![Arc::new(HealthCheck { service_id: "nope".into(), ..check("n", "c", "") })]);
    let error = "failed inserting check: Missing service registration on node \"n\"";
    assert_eq!(scene.apply(register(request.clone())), Outcome::Error(error.into()));
    assert!(scene.store.snapshot().node_by_name("n").is_none());
    assert_eq!((nodes_index(&scene), services_index(&scene)), (before, 0));
    request.checks = Some(vec![Arc::new(check("other", "c", ""))]);
    let error = "check node \"other\" does not match node \"n\"";
    assert_eq!(scene.apply(register(request)), Outcome::Error(error.into()));
    assert_eq!(scene.store.snapshot().last_index(), scene.index, "the raft index is consumed all the same");
}

#[test]
fn a_name_is_reserved_while_the_other_nodes_gossip_health_is_not_critical() {
    let mut scene = Scene::new();
    scene.done(register(with_id("n", OLD)));
    scene.done(with_check_of(with_id("n", OLD), check("n", SERF_CHECK, "passing")));
    let error = format!(
        "failed inserting node: Error while renaming Node ID: {NEW:?}: \
         Node name n is reserved by node {OLD} with name n (10.0.0.1)"
    );
    assert_eq!(scene.apply(register(with_id("n", NEW))), Outcome::Error(error));
    scene.done(with_check_of(with_id("n", OLD), check("n", SERF_CHECK, "critical")));
    scene.done(register(with_id("n", NEW)));
    let row = scene.ask(|snapshot, ws| snapshot.node(ws, "n")).1.expect("stored");
    assert_eq!((row.id.as_str(), row.create_index), (NEW, 10), "the row is taken over");
    assert!(scene.ask(|snapshot, ws| snapshot.node(ws, "1111")).1.is_none(), "the old id is forgotten");
}

fn with_check_of(mut request: RegisterRequest, check: HealthCheck) -> Command {
    request.check = Some(Arc::new(check));
    register(request)
}

#[test]
fn a_rename_onto_a_live_name_is_refused_with_the_address() {
    let mut scene = Scene::new();
    scene.done(with_check_of(with_id("taken", OLD), check("taken", SERF_CHECK, "passing")));
    scene.done(register(with_id("n", NEW)));
    let error = format!(
        "failed inserting node: Error while renaming Node ID: {NEW:?} (10.0.0.1): \
         Node name taken is reserved by node {OLD} with name taken (10.0.0.1)"
    );
    assert_eq!(scene.apply(register(with_id("taken", NEW))), Outcome::Error(error));
    assert!(scene.store.snapshot().node_by_name("n").is_some());
}

#[test]
fn a_row_without_an_id_gains_the_one_that_registers_its_name() {
    let mut scene = Scene::new();
    scene.done(with_check("n", check("n", SERF_CHECK, "passing")));
    scene.done(register(with_id("n", NEW)));
    assert_eq!(scene.store.snapshot().node_by_name("n").expect("stored").id, NEW);
}

#[test]
fn a_renamed_node_loses_what_was_on_it_and_keeps_its_create_index() {
    let mut scene = Scene::new();
    let created = scene.done(register(with_id("before", OLD)));
    let mut with_web = with_id("before", OLD);
    with_web.service = Some(Arc::new(service("web")));
    scene.done(register(with_web));
    scene.done(create(session("before", "s")));
    let renamed = scene.done(register(with_id("after", OLD)));
    let row = scene.store.snapshot().node_by_name("after").expect("stored");
    assert_eq!((row.create_index, row.modify_index), (created, renamed));
    assert!(scene.store.snapshot().node_by_name("before").is_none());
    assert_eq!(instances(&scene, "web", &[]), (renamed, 0));
    assert!(scene.ask(|snapshot, ws| snapshot.sessions(ws)).1.is_empty());
}

#[test]
fn nodes_are_found_by_an_id_prefix_that_is_unique_and_long_enough() {
    let mut scene = Scene::new();
    scene.done(register(with_id("a", "1abc0000-0000-0000-0000-000000000000")));
    let second = scene.done(register(with_id("b", "1abd0000-0000-0000-0000-000000000000")));
    let found = |text: &str| {
        let (index, node) = scene.ask(|snapshot, ws| snapshot.node_services(ws, text));
        (index, node.map(|(node, _)| node.node.clone()))
    };
    assert_eq!(found("1ABD"), (second, Some("b".into())));
    assert_eq!(found("1abd0"), (second, Some("b".into())), "an odd last digit is ignored");
    assert_eq!(found("1a"), (0, None), "ambiguous");
    assert_eq!(found("1"), (0, None), "too short");
    assert_eq!(found("unknown"), (0, None));
}

#[test]
fn an_unknown_node_has_the_index_of_the_last_removal() {
    let mut scene = Scene::new();
    scene.done(register(node("gone")));
    let kept = scene.done(register(node("kept")));
    let removed = scene.done(deregister("gone", "", ""));
    assert_eq!(scene.index_of(|snapshot, ws| snapshot.node_services(ws, "gone")), removed);
    assert_eq!(scene.index_of(|snapshot, ws| snapshot.node_services(ws, "x")), 0, "too short for an id");
    assert_eq!(nodes_index(&scene), removed);
    assert_eq!(scene.index_of(|snapshot, ws| snapshot.node(ws, "kept")), kept);
}

#[test]
fn deregistering_what_is_absent_is_fine_and_moves_nothing() {
    let mut scene = Scene::new();
    let first = scene.done(with_service("n", service("web")));
    for removal in [deregister("x", "", ""), deregister("n", "x", ""), deregister("n", "", "x")] {
        scene.done(removal);
    }
    assert_eq!((nodes_index(&scene), services_index(&scene)), (first, first));
}

#[test]
fn a_check_copies_name_and_tags_of_its_service_when_it_is_stored() {
    let mut scene = Scene::new();
    let tagged = |tag: &str| NodeService { tags: Some(vec![tag.into()]), ..service("web") };
    scene.done(with_service("n", tagged("one")));
    let of_web = HealthCheck { service_id: "web".into(), ..check("n", "c", "") };
    scene.done(with_check("n", of_web.clone()));
    scene.done(with_service("n", tagged("two")));
    let stored = || scene.ask(|snapshot, ws| snapshot.service_checks(ws, "web", &none())).1[0].clone();
    assert_eq!((stored().service_tags.clone(), stored().status.as_str()), (vec!["one".to_string()], "critical"));
    scene.done(with_check("n", of_web));
    let rows = scene.ask(|snapshot, ws| snapshot.service_checks(ws, "web", &none())).1;
    assert_eq!(rows[0].service_tags, ["two"]);
}

#[test]
fn mesh_queries_find_proxies_and_native_instances_and_follow_the_proxys_name() {
    let mut scene = Scene::new();
    scene.done(with_service("n", service("web")));
    let connect = |scene: &Scene| {
        let (index, rows) = scene.ask(|snapshot, ws| snapshot.connect_check_service_nodes(ws, "web", &[], &none()));
        (index, rows.into_iter().map(|row| row.service.id.clone()).collect::<Vec<_>>())
    };
    assert_eq!(connect(&scene).1.len(), 0);
    let sidecar = scene.done(with_service("n", proxy("p", "web-proxy", "web")));
    scene.done(with_service("n", service("other")));
    assert_eq!(connect(&scene), (sidecar, vec!["p".to_string()]));
    let native = NodeService { connect: ServiceConnect { native: true, ..Default::default() }, ..service("web") };
    let native = scene.done(with_service("m", native));
    assert_eq!(connect(&scene), (native, vec!["web".to_string(), "p".to_string()]));
    let usage = scene.store.snapshot().usage();
    assert_eq!((usage.nodes, usage.services, usage.service_instances), (2, 3, 4));
    assert_eq!(usage.connect_service_instances["connect-proxy"], 1);
    assert_eq!(usage.connect_service_instances["connect-native"], 1);
    assert_eq!(usage.billable_service_instances, 3);
    let dump = scene.ask(|snapshot, ws| snapshot.service_dump(ws, Some("connect-proxy")));
    assert_eq!((dump.0, dump.1.len()), (sidecar, 1));
    assert_eq!(scene.ask(|snapshot, ws| snapshot.service_dump(ws, None)).1.len(), 4);
}

#[test]
fn node_metadata_filters_every_listing() {
    let mut scene = Scene::new();
    let meta: MetaFilter = [("rack".to_string(), "r1".to_string())].into();
    let mut tagged = node("n");
    tagged.node_meta = Some(meta.clone());
    tagged.service = Some(Arc::new(service("web")));
    tagged.check = Some(Arc::new(check("n", "c", "passing")));
    scene.done(register(tagged));
    scene.done(with_service("m", service("web")));
    scene.done(with_service("m", service("db")));
    let snapshot = scene.store.snapshot();
    let mut ws = WatchSet::none();
    assert_eq!(snapshot.nodes(&mut ws, &meta).1.len(), 1);
    assert_eq!(snapshot.services(&mut ws, &meta).1.keys().collect::<Vec<_>>(), ["web"]);
    assert_eq!(snapshot.service_nodes(&mut ws, "web", &[], &meta).1.len(), 1);
    assert_eq!(snapshot.check_service_nodes(&mut ws, "web", &[], &meta).1.len(), 1);
    assert_eq!(snapshot.checks_in_state(&mut ws, "passing", &meta).1.len(), 1);
    assert_eq!(snapshot.service_checks(&mut ws, "web", &meta).1.len(), 0);
    assert_eq!(snapshot.all_service_nodes(&mut ws, &none()).1.len(), 3);
    assert_eq!(snapshot.service_names(&mut ws).1, ["db", "web"]);
    assert_eq!(snapshot.node_dump(&mut ws).1.len(), 2);
    assert_eq!(snapshot.node_info(&mut ws, "M").1.expect("known").services.len(), 2);
}

#[test]
fn coordinates_of_unknown_nodes_are_passed_over_and_go_with_their_node() {
    use crate::types::NodeCoordinate;
    let mut scene = Scene::new();
    scene.done(register(node("n")));
    let row = |node: &str| NodeCoordinate { node: node.into(), coord: Some(Default::default()), ..Default::default() };
    let stored = scene.done(Command::CoordinateBatch(vec![row("n"), row("ghost")]));
    let (index, rows) = scene.ask(|snapshot, ws| snapshot.coordinates(ws));
    assert_eq!((index, rows.len()), (stored, 1));
    assert!(scene.store.snapshot().coordinate_of("N").is_some());
    let removed = scene.done(deregister("n", "", ""));
    assert_eq!(scene.index_of(|snapshot, ws| snapshot.node_coordinates(ws, "n")), removed);
    assert!(scene.store.snapshot().coordinate_of("n").is_none());
}

#[test]
fn autopilot_settings_and_system_metadata_keep_their_create_index() {
    use crate::types::requests::AutopilotSetRequest;
    use crate::types::{SystemMetadataEntry, SystemMetadataRequest};
    let mut scene = Scene::new();
    let first = scene.done(Command::Autopilot(AutopilotSetRequest::default()));
    let mut stale = AutopilotSetRequest { cas: true, ..Default::default() };
    stale.config.modify_index = first + 1;
    assert_eq!(scene.apply(Command::Autopilot(stale.clone())), Outcome::Bool(false));
    stale.config.modify_index = first;
    let second = scene.done(Command::Autopilot(stale));
    let stored = scene.store.snapshot().autopilot_config().expect("stored");
    assert_eq!((stored.create_index, stored.modify_index), (first, second));

    let entry = SystemMetadataEntry { key: "virtual-ips".into(), value: "true".into(), ..Default::default() };
    let first = scene.done(Command::SystemMetadata(SystemMetadataRequest { entry, ..Default::default() }));
    let stored = scene.store.snapshot().system_metadata("virtual-ips").expect("stored");
    assert_eq!((stored.value.as_str(), stored.create_index), ("true", first));
}
