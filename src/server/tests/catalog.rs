//! Catalog and health: refusals, normalisation, the leader's own registration, filters and sorting.

use super::*;

#[tokio::test]
async fn register_refuses_in_the_words_and_order_of_the_reference() {
    let server = server().await;
    type Fill = fn(&mut RegisterRequest);
    let cases: [(Fill, &str); 11] = [
        (|r| r.peer_name = "p".into(), "cannot register requests with PeerName in them"),
        (|r| r.node.clear(), "Must provide node"),
        (|r| r.id = "abc".into(), "Bad node ID: uuid string is wrong length"),
        (|r| r.address.clear(), "Must provide address if SkipNodeUpdate is not set"),
        (|r| r.service = service(""), "Must provide service name (Service.Service)"),
        (
            |r| r.service = Some(Arc::new(NodeService { id: "a".into(), ..Default::default() })),
            "Must provide service name (Service.Service) when service ID is provided",
        ),
        (
            |r| {
                let any = NodeService { service: "web".into(), address: "0.0.0.0".into(), ..Default::default() };
                r.service = Some(Arc::new(any));
            },
            "Invalid service address",
        ),
        (
            |r| {
                let proxy = NodeService { service: "p".into(), kind: "connect-proxy".into(), ..Default::default() };
                r.service = Some(Arc::new(proxy));
            },
            "2 errors occurred:\n\t* Proxy.DestinationServiceName must be non-empty for Connect proxy services\n\t* Port or \
             SocketPath must be set for a connect-proxy\n\n",
        ),
        (
            |r| r.check = Some(Arc::new(HealthCheck { name: "c".into(), node: "n9".into(), ..Default::default() })),
            "Node 'n9' for check 'c' doesn't match register request node 'n2'",
        ),
        (
            |r| {
                r.check = Some(Arc::new(HealthCheck { name: "c".into(), service_id: "q".into(), ..Default::default() }))
            },
            "Unknown service ID 'q' for check ID 'c'",
        ),
        (
            |r| {
                let meta = Some(BTreeMap::from([("consul-x".to_owned(), "1".to_owned())]));
                r.service = Some(Arc::new(NodeService { service: "web".into(), meta, ..Default::default() }));
            },
            "failed inserting service: Invalid Service Meta for node n2 and serviceID web: Couldn't load metadata pair \
             ('consul-x', '1'): Key prefix 'consul-' is reserved for internal use",
        ),
    ];
    for (fill, expected) in cases {
        assert_eq!(refusal(register(&server, fill).await), expected);
    }
    let nodes = server.call::<CatalogListNodes>(DcRequest::default()).await.expect("listed").nodes;
    assert!(nodes.iter().all(|node| node.node != "n2"), "nothing of a refused request is stored");
}

#[tokio::test]
async fn another_datacenter_has_no_path() {
    let server = server().await;
    let request = DcRequest { datacenter: "dc9".into(), ..Default::default() };
    assert_eq!(refusal(server.call::<CatalogListNodes>(request).await), "No path to datacenter");
}

#[tokio::test]
async fn a_registration_is_completed_before_it_is_stored() {
    let server = server().await;
    register(&server, |r| {
        r.service = service("web");
        r.check = Some(Arc::new(HealthCheck { name: "up".into(), service_id: "web".into(), ..Default::default() }));
    })
    .await
    .expect("registered");
    let reply = server.call::<HealthServiceNodes>(health("web")).await.expect("found");
    let row = &reply.nodes[0];
    assert_eq!((row.node.node.as_str(), row.node.datacenter.as_str()), ("n2", "dc1"));
    assert_eq!((row.service.id.as_str(), row.service.weights), ("web", Some(Weights::default())));
    let check = row.checks.last().expect("one check");
    assert_eq!(
        (check.check_id.as_str(), check.status.as_str(), check.service_name.as_str(), check.node.as_str()),
        ("up", "critical", "web", "n2")
    );
}

#[tokio::test]
async fn a_request_may_ask_for_healthy_instances_only() {
    let server = server().await;
    let states = [("a", CheckStatus::Passing), ("b", CheckStatus::Warning), ("c", CheckStatus::Critical)];
    for (node, status) in states {
        register(&server, |r| {
            r.node = node.into();
            r.service = service("web");
            r.check = Some(check("up", status));
        })
        .await
        .expect("registered");
    }
    for (filter, expected) in [(0, &["a", "b", "c"][..]), (1, &["a", "b"]), (2, &["a"])] {
        let request = ServiceRequest { health_filter_type: filter, ..health("web") };
        let reply = server.call::<HealthServiceNodes>(request).await.expect("found");
        let mut nodes: Vec<_> = reply.nodes.iter().map(|row| row.node.node.clone()).collect();
        nodes.sort();
        assert_eq!(nodes, expected);
    }
}

#[tokio::test]
async fn the_leader_registers_itself_and_removes_members_that_are_gone() {
    let (server, members) = server_with(|_| {}).await;
    let row = until(&server, |state, watch| {
        let (_, rows) = state.check_service_nodes(watch, "consul", &[], &BTreeMap::new());
        rows.into_iter().next()
    })
    .await;
    assert_eq!((row.node.node.as_str(), row.node.id.as_str(), row.service.port), ("n1", NODE_ID, 8300));
    assert_eq!(row.node.meta, Some(BTreeMap::from([("consul-version".to_owned(), "1.21.4".to_owned())])));
    let serf = &row.checks[0];
    assert_eq!(
        (serf.check_id.as_str(), serf.name.as_str(), serf.status.as_str(), serf.output.as_str()),
        ("serfHealth", "Serf Health Status", "passing", "Agent alive and reachable")
    );

    register(&server, |_| {}).await.expect("an external node");
    let mut second = member("n3", OTHER_ID);
    second.server = None;
    members.set(vec![member("n1", NODE_ID), second]);
    until(&server, |state, watch| state.node(watch, "n3").1).await;
    members.set(vec![member("n1", NODE_ID)]);
    until(&server, |state, watch| state.node(watch, "n3").1.is_none().then_some(())).await;
    assert!(server.store().snapshot().node_by_name("n2").is_some(), "external nodes are left alone");
}

#[tokio::test]
async fn a_failed_member_turns_critical_and_keeps_its_node() {
    let (server, members) = server_with(|_| {}).await;
    let mut second = member("n3", OTHER_ID);
    second.server = None;
    members.set(vec![member("n1", NODE_ID), second.clone()]);
    until(&server, |state, watch| state.node(watch, "n3").1).await;
    second.status = MemberStatus::Failed;
    members.set(vec![member("n1", NODE_ID), second]);
    let check = until(&server, |state, watch| {
        let (_, checks) = state.node_checks(watch, "n3");
        checks.into_iter().find(|check| check.status == "critical")
    })
    .await;
    assert_eq!(check.output, "Agent not live or unreachable");
}

#[tokio::test]
async fn deregistering_what_is_absent_succeeds() {
    let server = server().await;
    let request = |node: &str| DeregisterRequest { node: node.into(), service_id: "x".into(), ..Default::default() };
    server.call::<CatalogDeregister>(request("nope")).await.expect("silently done");
    assert_eq!(refusal(server.call::<CatalogDeregister>(request("")).await), "Must provide node");
}

#[tokio::test]
async fn filters_apply_to_rows_and_bad_ones_are_refused() {
    let server = server().await;
    register(&server, |r| r.service = service("web")).await.expect("registered");
    let filtered = |filter: &str| {
        let mut request = DcRequest::default();
        request.query.filter = filter.into();
        server.call::<CatalogListServices>(request)
    };
    let reply = filtered("ServiceName == web").await.expect("valid");
    assert_eq!(reply.services.keys().collect::<Vec<_>>(), ["web"]);
    assert_eq!(
        refusal(filtered("Foo == 1").await),
        "Failed to create boolean expression evaluator: Selector \"Foo\" is not valid"
    );
}

#[tokio::test]
async fn nodes_are_sorted_by_distance_from_the_source() {
    let (server, _) = server_with(|config| config.coordinate_update_period = Duration::from_millis(1)).await;
    let position = |x: f64| {
        let mut coordinate = crate::types::Coordinate::default();
        coordinate.vec[0] = x;
        Some(Arc::new(coordinate))
    };
    for (name, x) in [("a", 0.9), ("b", 0.1), ("c", 0.5)] {
        register(&server, |r| r.node = name.into()).await.expect("registered");
        let update = NodeCoordinate { node: name.into(), segment: String::new(), coord: position(x) };
        let request = CoordinateUpdateRequest { update, ..Default::default() };
        server.call::<CoordinateUpdate>(request).await.expect("taken");
    }
    until(&server, |state, watch| (state.coordinates(watch).1.len() == 3).then_some(())).await;
    let source = QuerySource { node: "b".into(), datacenter: "dc1".into(), ..Default::default() };
    let reply = server.call::<CatalogListNodes>(DcRequest { source, ..Default::default() }).await.expect("listed");
    let names: Vec<&str> = reply.nodes.iter().map(|node| node.node.as_str()).collect();
    assert_eq!(names, ["b", "c", "a", "n1"]);
}

#[tokio::test]
async fn coordinates_must_be_finite_and_of_eight_dimensions() {
    let server = server().await;
    let text = async |coordinate: Option<crate::types::Coordinate>| {
        let update = NodeCoordinate { node: "n1".into(), segment: String::new(), coord: coordinate.map(Arc::new) };
        refusal(server.call::<CoordinateUpdate>(CoordinateUpdateRequest { update, ..Default::default() }).await)
    };
    let infinite = crate::types::Coordinate { height: f64::INFINITY, ..Default::default() };
    let short = crate::types::Coordinate { vec: vec![1.0], ..Default::default() };
    assert_eq!(text(Some(infinite)).await, "invalid coordinate");
    assert_eq!(text(None).await, "invalid coordinate");
    assert_eq!(text(Some(short)).await, "incompatible coordinate");
}
