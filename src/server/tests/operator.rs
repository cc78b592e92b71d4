//! Operator, status and UI endpoints.

use super::*;

#[tokio::test]
async fn the_configuration_lists_the_only_server() {
    let server = server().await;
    let reply = server.call::<OperatorRaftGetConfiguration>(DcRequest::default()).await.expect("answered");
    let only = &reply.servers[0];
    assert_eq!((reply.servers.len(), reply.index), (1, 0));
    assert_eq!(
        (only.id.as_str(), only.node.as_str(), only.address.as_str(), only.leader, only.voter),
        (NODE_ID, "n1", "127.0.0.1:8300", true, true)
    );
    assert_eq!(only.protocol_version, "3");
    let leader = server.call::<StatusLeader>(DcRequest::default()).await.expect("answered");
    assert_eq!(leader, "127.0.0.1:8300");
    assert_eq!(server.call::<StatusPeers>(DcRequest::default()).await.expect("answered"), ["127.0.0.1:8300"]);
}

#[tokio::test]
async fn removing_an_unknown_peer_names_it() {
    let server = server().await;
    let text = async |id: &str, address: &str| {
        let request = RaftRemovePeerRequest { id: id.into(), address: address.into(), ..Default::default() };
        refusal(server.call::<OperatorRaftRemovePeer>(request).await)
    };
    assert_eq!(text("a", "").await, "id \"a\" was not found in the Raft configuration");
    assert_eq!(text("", "b").await, "address \"b\" was not found in the Raft configuration");
}

#[tokio::test]
async fn autopilot_starts_with_the_configured_settings_and_compares_before_it_sets() {
    let (server, _) = server_with(|config| config.autopilot.max_trailing_logs = 7).await;
    let stored = server.store().snapshot().autopilot_config().expect("stored by the new leader");
    assert_eq!(stored.max_trailing_logs, 7);
    let set = |modify_index: Index| {
        let config = crate::types::operator::AutopilotConfig { modify_index, ..Default::default() };
        server.call::<OperatorAutopilotSetConfiguration>(AutopilotSetRequest {
            config,
            cas: true,
            ..Default::default()
        })
    };
    assert!(!set(stored.modify_index + 1).await.expect("answered"));
    assert!(set(stored.modify_index).await.expect("answered"));
    let now = server.call::<OperatorAutopilotGetConfiguration>(DcRequest::default()).await.expect("answered");
    assert_eq!(now.max_trailing_logs, 250);
}

#[tokio::test]
async fn a_lone_server_is_healthy_and_tolerates_no_failure() {
    let (server, _) = server_with(|config| config.server_health_interval = Duration::from_millis(1)).await;
    let health = loop {
        let health = server.call::<OperatorServerHealth>(DcRequest::default()).await.expect("answered");
        if health.healthy {
            break health;
        }
        tokio::task::yield_now().await;
    };
    let only = &health.servers[0];
    assert_eq!((health.failure_tolerance, only.name.as_str(), only.serf_status.as_str()), (0, "n1", "alive"));
    assert_eq!((only.version.as_str(), only.leader, only.voter), ("1.21.4", true, true));
}

#[tokio::test]
async fn usage_counts_services_by_datacenter() {
    let server = server().await;
    register(&server, |r| r.service = service("web")).await.expect("registered");
    let usage = server.call::<OperatorUsage>(DcRequest::default()).await.expect("answered").usage;
    assert!(usage["dc1"].services >= 1);
    assert_eq!(usage["dc1"].billable_service_instances, 1);
}

#[tokio::test]
async fn the_ui_reads_nodes_with_everything_on_them() {
    let server = server().await;
    register(&server, |r| {
        r.service = service("web");
        r.check = Some(check("disk", CheckStatus::Passing));
    })
    .await
    .expect("registered");
    let request = NodeRequest { node: "n2".into(), ..Default::default() };
    let info = &server.call::<InternalNodeInfo>(request).await.expect("answered").dump[0];
    assert_eq!((info.services.len(), info.checks.len()), (1, 1));
    let mut filtered = DcRequest::default();
    filtered.query.filter = "Node == n2".into();
    assert_eq!(server.call::<InternalNodeDump>(filtered).await.expect("answered").dump.len(), 1);
    let kind = ServiceDumpRequest { use_service_kind: true, service_kind: String::new(), ..Default::default() };
    let rows = server.call::<InternalServiceDump>(kind).await.expect("answered").nodes;
    assert!(rows.iter().any(|row| row.service.service == "web"));
}
