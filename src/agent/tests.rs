//! Registrations on an agent without a server: what becomes of definitions, what is undone, what survives a restart.

use super::*;
use crate::config::{CheckDefinitionFile, ServiceDefinition};
use crate::types::{GoDuration, HealthCheck};
use std::path::Path;
use std::time::Duration;

async fn agent_with(config: RuntimeConfig) -> Agent {
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    let lan = Pool::start(crate::gossip::PoolConfig::new(&config.node_name, any)).await.expect("a pool");
    let servers = crate::rpc::Servers::new(crate::rpc::CallSettings::default());
    let connections = crate::rpc::Connections::new(crate::rpc::ConnectionSettings::default());
    let delegate = Delegate::Client(Client::new("dc1", servers, connections));
    Agent::new(Parts {
        config,
        load: Load::default(),
        node_id: "id".into(),
        tokens: Arc::default(),
        kept_tokens: KeptTokens::default(),
        lan,
        wan: None,
        delegate,
        tls: Arc::new(crate::tls::Configurator::plain()),
    })
}

fn config(data_dir: &Path) -> RuntimeConfig {
    let mut config = RuntimeConfig {
        node_name: "n1".into(),
        data_dir: Some(data_dir.to_owned()),
        check_output_max_size: 4096,
        check_deregister_interval_min: GoDuration::secs(60),
        ..RuntimeConfig::default()
    };
    (config.ports.sidecar_min_port, config.ports.sidecar_max_port) = (21000, 21255);
    config
}

fn ttl(id: &str) -> CheckType {
    CheckType { check_id: id.into(), ttl: GoDuration::secs(3600), ..CheckType::default() }
}

fn web(checks: Vec<CheckType>) -> ServiceRegistration {
    ServiceRegistration {
        service: NodeService { service: "web".into(), address: "10.0.0.1".into(), port: 80, ..NodeService::default() },
        checks,
        token: "t".into(),
        source: Source::Remote,
        replace_existing_checks: false,
    }
}

fn ids<T>(map: BTreeMap<String, T>) -> Vec<String> {
    map.into_keys().collect()
}

#[tokio::test]
async fn checks_of_a_service_get_ids_names_and_the_service_gets_addresses() {
    let directory = tempfile::tempdir().expect("a directory");
    let agent = agent_with(config(directory.path())).await;
    agent.register_service(web(vec![ttl("")])).await.expect("valid");
    assert_eq!(ids(agent.local().checks()), ["service:web"]);
    agent.register_service(web(vec![ttl(""), ttl("own")])).await.expect("valid");
    assert_eq!(ids(agent.local().checks()), ["own", "service:web", "service:web:1"]);
    let replacing = ServiceRegistration { replace_existing_checks: true, ..web(vec![ttl("own")]) };
    agent.register_service(replacing).await.expect("valid");
    assert_eq!(ids(agent.local().checks()), ["own"]);
    let check = agent.local().check("own").expect("there");
    assert_eq!((check.name.as_str(), check.kind.as_str()), ("Service 'web' check", "ttl"));
    assert_eq!((check.status.as_str(), check.interval.as_str()), ("critical", ""));
    let service = agent.local().service("web").expect("its id is its name");
    let addresses = service.tagged_addresses.clone().expect("generated");
    assert_eq!(ids(addresses), ["lan_ipv4", "wan_ipv4"]);
}

#[tokio::test]
async fn a_definition_that_fails_midway_leaves_nothing_behind() {
    let directory = tempfile::tempdir().expect("a directory");
    let agent = agent_with(config(directory.path())).await;
    let script =
        CheckType { script_args: Some(vec!["true".into()]), interval: GoDuration::secs(10), ..CheckType::default() };
    let error = agent.register_service(web(vec![ttl("first"), script])).await.expect_err("scripts are off");
    assert!(error.text.starts_with("Scripts are disabled on this agent"), "{error}");
    assert!(agent.local().services().is_empty() && agent.local().checks().is_empty());
    assert!(agent.inner.persistence.load_services().expect("readable").is_empty());
}

#[tokio::test]
async fn a_ttl_check_keeps_its_state_when_it_is_registered_again_and_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let agent = agent_with(config(directory.path())).await;
    agent.register_service(web(vec![ttl("c")])).await.expect("valid");
    agent.update_ttl_check("c", CheckStatus::Passing, "fine").expect("a TTL check");
    agent.register_service(web(vec![ttl("c")])).await.expect("valid");
    let state = |agent: &Agent| {
        let check = agent.local().check("c").expect("there");
        (check.status.clone(), check.output.clone())
    };
    assert_eq!(state(&agent), ("passing".into(), "fine".into()));
    agent.set_service_maintenance("web", true, "", "").await.expect("known");
    let restarted = agent_with(config(directory.path())).await;
    restarted.load_definitions(&restarted.config()).expect("readable");
    assert_eq!(state(&restarted), ("passing".into(), "fine".into()));
    assert_eq!(restarted.local().service_token("web").as_deref(), Some("t"));
    assert_eq!(ids(restarted.local().checks()), ["_service_maintenance:web", "c"]);
    restarted.deregister_service("web").await.expect("known");
    let again = agent_with(config(directory.path())).await;
    again.load_definitions(&again.config()).expect("readable");
    assert!(again.local().services().is_empty() && again.local().checks().is_empty());
}

#[tokio::test]
async fn updates_of_checks_without_ttl_are_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let agent = agent_with(config(directory.path())).await;
    let tcp = CheckType { tcp: "127.0.0.1:1".into(), interval: GoDuration::secs(3600), ..CheckType::default() };
    let check = HealthCheck { check_id: "tcp".into(), name: "tcp".into(), ..HealthCheck::default() };
    agent.register_check(check, tcp, "", Source::Remote).await.expect("valid");
    let update = |id| agent.update_ttl_check(id, CheckStatus::Passing, "").expect_err("not a TTL check");
    assert_eq!(update("tcp").text, "CheckID \"tcp\" does not have associated TTL");
    assert_eq!(update("nope").status, Some(404));
}

#[tokio::test]
async fn a_sidecar_comes_and_goes_with_its_service() {
    let directory = tempfile::tempdir().expect("a directory");
    let agent = agent_with(config(directory.path())).await;
    let mut registration = web(Vec::new());
    registration.service.connect.sidecar_service = Some(Box::new(serde_json::json!({})));
    agent.register_service(registration).await.expect("valid");
    assert_eq!(ids(agent.local().services()), ["web", "web-sidecar-proxy"]);
    assert_eq!(agent.local().service("web-sidecar-proxy").expect("there").port, 21000);
    let restarted = agent_with(config(directory.path())).await;
    restarted.load_definitions(&restarted.config()).expect("readable");
    restarted.deregister_service("web").await.expect("known");
    assert!(restarted.local().services().is_empty() && restarted.local().checks().is_empty());
}

#[tokio::test]
async fn maintenance_keeps_its_first_reason() {
    let directory = tempfile::tempdir().expect("a directory");
    let agent = agent_with(config(directory.path())).await;
    agent.set_node_maintenance(true, "upgrade", "").await.expect("stored");
    agent.set_node_maintenance(true, "other", "").await.expect("nothing to do");
    assert_eq!(agent.local().check(maintenance::NODE_CHECK).expect("on").notes, "upgrade");
    agent.set_node_maintenance(false, "", "").await.expect("removed");
    assert!(agent.local().check(maintenance::NODE_CHECK).is_none());
    assert_eq!(agent.set_service_maintenance("nope", true, "", "").await.expect_err("unknown").status, Some(404));
}

#[tokio::test]
async fn files_win_over_what_was_stored_and_a_reload_drops_what_they_no_longer_say() {
    let directory = tempfile::tempdir().expect("a directory");
    let agent = agent_with(config(directory.path())).await;
    agent.register_service(web(vec![ttl("old")])).await.expect("valid");
    let mut api_only = web(Vec::new());
    api_only.service.service = "api".into();
    agent.register_service(api_only).await.expect("valid");

    let mut with_files = config(directory.path());
    with_files.services = vec![ServiceDefinition {
        service: NodeService { id: "web".into(), service: "web".into(), port: 81, ..NodeService::default() },
        checks: vec![ttl("")],
        token: String::new(),
    }];
    with_files.checks = vec![CheckDefinitionFile {
        id: "node".into(),
        name: "node".into(),
        check: ttl(""),
        ..CheckDefinitionFile::default()
    }];
    let restarted = agent_with(with_files.clone()).await;
    restarted.load_definitions(&with_files).expect("readable");
    assert_eq!(restarted.local().service("web").expect("there").port, 81);
    assert_eq!(ids(restarted.inner.persistence.load_services().expect("readable")), ["api"]);
    assert_eq!(ids(restarted.local().checks()), ["node", "old", "service:web"]);

    with_files.services.clear();
    with_files.checks.clear();
    restarted.reload_definitions(&with_files).expect("valid");
    assert_eq!(ids(restarted.local().services()), ["api"], "what the API registered stays");
    assert!(restarted.local().checks().is_empty());
}

#[tokio::test]
async fn services_critical_for_too_long_are_overdue() {
    let directory = tempfile::tempdir().expect("a directory");
    let agent = agent_with(config(directory.path())).await;
    let check = CheckType { deregister_critical_service_after: GoDuration::secs(1), ..ttl("c") };
    agent.register_service(web(vec![check])).await.expect("valid");
    let at = |seconds| Instant::now() + Duration::from_secs(seconds);
    assert!(agent.overdue_services(at(59)).is_empty(), "a minute is the least");
    assert_eq!(agent.overdue_services(at(61)), [("web".into(), "c".into(), GoDuration::secs(60))]);
    agent.update_ttl_check("c", CheckStatus::Passing, "").expect("a TTL check");
    assert!(agent.overdue_services(at(3000)).is_empty());
}
