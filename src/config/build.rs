//! A merged tree to a [`RuntimeConfig`]: types, defaults that depend on other values, resolved addresses.

use super::address::{self, Resolver};
use super::decode::Tree;
use super::definition;
use super::reader::Reader;
use super::*;
use crate::types::GoDuration;
use serde_json::Value;
use std::net::IpAddr;

/// Builds the configuration. Errors of single values are collected beside it; the caller reports them after the rules.
pub fn build(load: &Load, tree: &Tree, resolver: &Resolver) -> Result<(RuntimeConfig, Vec<String>), ConfigError> {
    let mut r = Reader::new(tree);
    let mut config = RuntimeConfig { dev_mode: load.dev, server: r.bool("server"), ..RuntimeConfig::default() };
    if r.objects("segments").next().is_some() || r.some_text("segment").is_some() {
        return Err(ConfigError("Network segments are not supported in this version of Consul".to_string()));
    }
    identity(&mut r, &mut config);
    address::resolve(&mut r, resolver, &mut config)?;
    networks(&mut r, &mut config)?;
    doors(&mut r, resolver, &mut config)?;
    logs(&mut r, &mut config);
    telemetry(&mut r, &mut config);
    definitions(&mut r, &mut config);
    raft(&mut r, &mut config);
    cluster(&mut r, resolver, &mut config);
    timing(&mut r, &mut config);
    security(&mut r, &mut config);
    later_rooms(&mut r, resolver, &mut config);
    Ok((config, r.errors))
}

fn identity(r: &mut Reader<'_>, config: &mut RuntimeConfig) {
    config.node_name = match r.get("node_name") {
        Some(_) => r.text("node_name").trim().to_string(),
        None => nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok()).unwrap_or_default(),
    };
    config.node_id = r.text("node_id").to_lowercase();
    config.disable_host_node_id = r.bool("disable_host_node_id");
    config.datacenter = r.text("datacenter").to_lowercase();
    config.primary_datacenter =
        r.some_text("primary_datacenter").map_or_else(|| config.datacenter.clone(), |name| name.to_lowercase());
    config.node_meta = r.text_map("node_meta");
    config.locality = definition::locality(r);
    config.data_dir = r.some_text("data_dir").map(PathBuf::from).filter(|_| !config.dev_mode);
    config.pid_file = r.some_text("pid_file").map(PathBuf::from);
    let expect = r.int("bootstrap_expect");
    // One expected server is bootstrap mode; the warning about it is made with the rules.
    config.bootstrap = r.bool("bootstrap") || expect == 1;
    config.bootstrap_expect = if expect == 1 { 0 } else { u32::try_from(expect).unwrap_or(0) };
    config.protocol = r.int("protocol");
}

fn networks(r: &mut Reader<'_>, config: &mut RuntimeConfig) -> Result<(), ConfigError> {
    let parse = |key: &str| {
        let (mut errors, mut networks): (Vec<String>, Vec<Cidr>) = (Vec::new(), Vec::new());
        for text in r.texts(key) {
            match text.parse() {
                Ok(network) => networks.push(network),
                Err(_) => errors.push(format!("invalid cidr: {text}")),
            }
        }
        (networks, errors)
    };
    let strict = |key: &str| match parse(key) {
        (networks, errors) if errors.is_empty() => Ok(networks),
        (_, errors) => Err(ConfigError(format!("{key}: {}", decode::error_list(errors)))),
    };
    config.serf_lan_allowed_cidrs = strict("serf_lan_allowed_cidrs")?;
    config.serf_wan_allowed_cidrs = strict("serf_wan_allowed_cidrs")?;
    let (networks, errors) = parse("http_config.allow_write_http_from");
    config.http_config.allow_write_http_from = networks;
    r.errors.extend(errors.iter().map(|error| format!("allow_write_http_from: {error}")));
    Ok(())
}

fn doors(r: &mut Reader<'_>, resolver: &Resolver, config: &mut RuntimeConfig) -> Result<(), ConfigError> {
    let fqdn = |text: String| match text.to_lowercase() {
        text if text.is_empty() || text.ends_with('.') => text,
        text => text + ".",
    };
    config.domain = fqdn(r.text("domain"));
    config.alt_domain = fqdn(r.text("alt_domain"));
    config.recursors = address::recursors(r, resolver)?;
    config.translate_wan_addrs = r.bool("translate_wan_addrs");
    config.unix_sockets = UnixSockets {
        user: r.text("unix_sockets.user"),
        group: r.text("unix_sockets.group"),
        mode: r.text("unix_sockets.mode"),
    };
    config.dns_config = dns(r)?;
    config.http_config.block_endpoints = r.texts("http_config.block_endpoints");
    config.http_config.response_headers = r.text_map("http_config.response_headers");
    config.http_config.use_cache = r.bool("http_config.use_cache");
    config.http_config.max_header_bytes = r.count("http_config.max_header_bytes");
    config.limits = limits(r);
    config.audit = audit(r);
    config.ui_config = ui(r);
    config.enable_debug = r.bool("enable_debug");
    config.disable_http_unprintable_char_filter = r.bool("disable_http_unprintable_char_filter");
    config.default_query_time = r.duration("default_query_time");
    config.max_query_time = r.duration("max_query_time");
    config.discovery_max_stale = r.duration("discovery_max_stale");
    Ok(())
}

fn dns(r: &mut Reader<'_>) -> Result<DnsConfig, ConfigError> {
    let mut service_ttl = BTreeMap::new();
    for (name, text) in r.text_map("dns_config.service_ttl") {
        let ttl = r.parse_duration(&text, &format!("dns_config.service_ttl[{name:?}]"));
        service_ttl.insert(name, ttl);
    }
    let strategy = r.text("dns_config.recursor_strategy");
    let recursor_strategy = match strategy.as_str() {
        "" | "sequential" => RecursorStrategy::Sequential,
        "random" => RecursorStrategy::Random,
        other => return Err(ConfigError(format!("dns_config.recursor_strategy: invalid strategy: {other:?}"))),
    };
    for key in ["udp_answer_limit", "a_record_limit"] {
        let value = r.int(&format!("dns_config.{key}"));
        if value < 0 {
            let text = format!("dns_config.{key} cannot be {value}. Must be greater than or equal to zero");
            return Err(ConfigError(text));
        }
    }
    Ok(DnsConfig {
        allow_stale: r.bool("dns_config.allow_stale"),
        max_stale: r.duration("dns_config.max_stale"),
        node_ttl: r.duration("dns_config.node_ttl"),
        service_ttl,
        enable_truncate: r.bool("dns_config.enable_truncate"),
        only_passing: r.bool("dns_config.only_passing"),
        udp_answer_limit: r.count::<u32>("dns_config.udp_answer_limit") as usize,
        a_record_limit: r.count::<u32>("dns_config.a_record_limit") as usize,
        disable_compression: r.bool("dns_config.disable_compression"),
        recursor_timeout: r.duration("dns_config.recursor_timeout"),
        recursor_strategy,
        enable_additional_node_meta_txt: r.bool("dns_config.enable_additional_node_meta_txt"),
        soa: Soa {
            refresh: r.count("dns_config.soa.refresh"),
            retry: r.count("dns_config.soa.retry"),
            expire: r.count("dns_config.soa.expire"),
            min_ttl: r.count("dns_config.soa.min_ttl"),
        },
        use_cache: r.bool("dns_config.use_cache"),
        cache_max_age: r.duration("dns_config.cache_max_age"),
    })
}

fn limits(r: &mut Reader<'_>) -> Limits {
    Limits {
        http_max_conns_per_client: r.count("limits.http_max_conns_per_client"),
        https_handshake_timeout: r.duration("limits.https_handshake_timeout"),
        request_limits_mode: r.text("limits.request_limits.mode"),
        request_limits_read_rate: r.float("limits.request_limits.read_rate"),
        request_limits_write_rate: r.float("limits.request_limits.write_rate"),
        rpc_handshake_timeout: r.duration("limits.rpc_handshake_timeout"),
        rpc_client_timeout: r.duration("limits.rpc_client_timeout"),
        rpc_rate: r.float("limits.rpc_rate"),
        rpc_max_burst: r.count("limits.rpc_max_burst"),
        rpc_max_conns_per_client: r.count("limits.rpc_max_conns_per_client"),
        kv_max_value_size: r.count("limits.kv_max_value_size"),
        txn_max_req_len: r.count("limits.txn_max_req_len"),
    }
}

/// Life of an audit file that names none.
const AUDIT_ROTATION: GoDuration = GoDuration::secs(24 * 3600);

/// `audit`. What is wrong with a sink is found by the rules.
fn audit(r: &mut Reader<'_>) -> AuditConfig {
    let mut sinks = Vec::new();
    for (name, sink) in r.object("audit.sink") {
        let Value::Object(tree) = sink else { continue };
        let mut inner = Reader::new(&tree);
        let mode = inner.some_text("mode").unwrap_or_else(|| "0600".to_owned());
        let at = format!("audit.sink[{name:?}].rotate_duration");
        sinks.push(AuditSink {
            path: inner.text("path"),
            mode: u32::from_str_radix(&mode, 8).unwrap_or(0),
            rotate_duration: match inner.is_set("rotate_duration") {
                true => inner.duration_named("rotate_duration", &at),
                false => AUDIT_ROTATION,
            },
            rotate_bytes: inner.count("rotate_bytes"),
            rotate_max_files: inner.int("rotate_max_files"),
            name,
        });
        r.errors.append(&mut inner.errors);
    }
    AuditConfig {
        enabled: r.bool("audit.enabled"),
        rpc_enabled: r.bool("audit.rpc_enabled") || !r.is_set("audit.rpc_enabled"),
        include_reads: r.bool("audit.include_reads"),
        sinks,
    }
}

fn ui(r: &Reader<'_>) -> UiConfig {
    let path = r.text("ui_config.content_path");
    let headers = r.objects("ui_config.metrics_proxy.add_headers");
    let provider = r.text("ui_config.metrics_provider");
    let mut allowlist = r.texts("ui_config.metrics_proxy.path_allowlist");
    if allowlist.is_empty() && provider == "prometheus" {
        allowlist = vec!["/api/v1/query".to_string(), "/api/v1/query_range".to_string()];
    }
    UiConfig {
        enabled: r.bool("ui_config.enabled"),
        dir: r.text("ui_config.dir"),
        content_path: match path.trim_matches('/') {
            "" => "/".to_string(),
            inner => format!("/{inner}/"),
        },
        metrics_provider: provider,
        metrics_provider_files: r.texts("ui_config.metrics_provider_files"),
        metrics_provider_options_json: r.text("ui_config.metrics_provider_options_json"),
        metrics_proxy_base_url: r.text("ui_config.metrics_proxy.base_url"),
        metrics_proxy_path_allowlist: allowlist,
        metrics_proxy_add_headers: headers
            .map(|header| {
                let r = Reader::new(header);
                (r.text("name"), r.text("value"))
            })
            .collect(),
        dashboard_url_templates: r.text_map("ui_config.dashboard_url_templates"),
    }
}

fn logs(r: &mut Reader<'_>, config: &mut RuntimeConfig) {
    config.log = LogConfig {
        log_level: r.text("log_level"),
        log_json: r.bool("log_json"),
        log_file: r.some_text("log_file"),
        log_rotate_duration: r.duration("log_rotate_duration"),
        log_rotate_bytes: r.count("log_rotate_bytes"),
        log_rotate_max_files: r.int("log_rotate_max_files"),
        enable_syslog: r.bool("enable_syslog"),
        syslog_facility: r.text("syslog_facility"),
    };
}

fn telemetry(r: &mut Reader<'_>, config: &mut RuntimeConfig) {
    let mut telemetry = TelemetryConfig {
        metrics_prefix: r.text("telemetry.metrics_prefix"),
        disable_hostname: r.bool("telemetry.disable_hostname"),
        filter_default: r.bool("telemetry.filter_default"),
        prometheus_retention_time: r.duration_named("telemetry.prometheus_retention_time", "prometheus_retention_time"),
        statsd_address: r.text("telemetry.statsd_address"),
        statsite_address: r.text("telemetry.statsite_address"),
        dogstatsd_addr: r.text("telemetry.dogstatsd_addr"),
        dogstatsd_tags: r.texts("telemetry.dogstatsd_tags"),
        disable_per_tenancy_usage_metrics: r.bool("telemetry.disable_per_tenancy_usage_metrics"),
        enable_host_metrics: r.bool("telemetry.enable_host_metrics"),
        retry_failed_connection: r.bool("telemetry.retry_failed_connection"),
        circonus: r.text_map("telemetry").into_iter().filter(|(key, _)| key.starts_with("circonus_")).collect(),
        ..TelemetryConfig::default()
    };
    for rule in r.texts("telemetry.prefix_filter") {
        match rule.split_at_checked(1) {
            Some(("+", prefix)) => telemetry.allowed_prefixes.push(prefix.to_string()),
            Some(("-", prefix)) => telemetry.blocked_prefixes.push(prefix.to_string()),
            // Rules without a sign are reported with the warnings.
            _ => {}
        }
    }
    let costly = format!("{}.rpc.server.call", telemetry.metrics_prefix);
    if !telemetry.allowed_prefixes.contains(&costly) && !telemetry.blocked_prefixes.contains(&costly) {
        telemetry.blocked_prefixes.push(costly);
    }
    config.telemetry = telemetry;
}

fn definitions(r: &mut Reader<'_>, config: &mut RuntimeConfig) {
    for tree in r.objects("services") {
        let (service, errors) = definition::service(tree);
        config.services.push(service);
        r.errors.extend(errors);
    }
    for tree in r.objects("checks") {
        let (check, errors) = definition::check_file(tree);
        config.checks.push(check);
        r.errors.extend(errors);
    }
    config.watches = r.objects("watches").cloned().collect();
    config.enable_script_checks = r.bool("enable_script_checks");
    config.enable_local_script_checks = match r.is_set("enable_local_script_checks") {
        true => r.bool("enable_local_script_checks") || config.enable_script_checks,
        false => config.enable_script_checks,
    };
    config.discard_check_output = r.bool("discard_check_output");
    config.check_output_max_size = r.int("check_output_max_size");
    config.check_update_interval = r.duration("check_update_interval");
    config.disable_remote_exec = r.bool("disable_remote_exec");
    config.enable_central_service_config = r.bool("enable_central_service_config");
}

fn raft(r: &mut Reader<'_>, config: &mut RuntimeConfig) {
    config.raft = RaftSettings {
        raft_protocol: r.int("raft_protocol"),
        raft_snapshot_threshold: r.count("raft_snapshot_threshold"),
        raft_snapshot_interval: r.duration("raft_snapshot_interval"),
        raft_trailing_logs: r.count("raft_trailing_logs"),
        raft_prevote_disabled: r.bool("raft_prevote_disabled"),
        raft_logstore: r.object("raft_logstore"),
    };
    let multiplier: u32 = r.count("performance.raft_multiplier");
    // Base times of the reference, in milliseconds; dev mode has shorter ones of its own.
    let (election, heartbeat, lease) = if config.dev_mode { (52, 35, 20) } else { (1000, 1000, 500) };
    let scaled = |base: i64| GoDuration::millis(base * i64::from(multiplier));
    config.performance = PerformanceConfig {
        raft_multiplier: multiplier,
        leave_drain_time: r.duration("performance.leave_drain_time"),
        rpc_hold_timeout: r.duration("performance.rpc_hold_timeout"),
        grpc_keepalive_interval: r.duration_at_least("performance.grpc_keepalive_interval", GoDuration::secs(1)),
        grpc_keepalive_timeout: r.duration_at_least("performance.grpc_keepalive_timeout", GoDuration::secs(1)),
        enable_xds_load_balancing: r.bool("performance.enable_xds_load_balancing"),
        raft_election_timeout: scaled(election),
        raft_heartbeat_timeout: scaled(heartbeat),
        raft_leader_lease_timeout: scaled(lease),
    };
    config.autopilot = AutopilotSettings {
        cleanup_dead_servers: r.bool("autopilot.cleanup_dead_servers"),
        last_contact_threshold: r.duration("autopilot.last_contact_threshold"),
        max_trailing_logs: r.count("autopilot.max_trailing_logs"),
        min_quorum: r.count("autopilot.min_quorum"),
        server_stabilization_time: r.duration("autopilot.server_stabilization_time"),
    };
}

fn gossip(r: &mut Reader<'_>, pool: &str) -> GossipConfig {
    let key = |name: &str| format!("{pool}.{name}");
    GossipConfig {
        gossip_nodes: r.count(&key("gossip_nodes")),
        gossip_interval: r.duration(&key("gossip_interval")),
        probe_interval: r.duration(&key("probe_interval")),
        probe_timeout: r.duration(&key("probe_timeout")),
        suspicion_mult: r.count(&key("suspicion_mult")),
        retransmit_mult: r.count(&key("retransmit_mult")),
    }
}

fn cluster(r: &mut Reader<'_>, resolver: &Resolver, config: &mut RuntimeConfig) {
    config.gossip_lan = gossip(r, "gossip_lan");
    config.gossip_wan = gossip(r, "gossip_wan");
    let mut words = |key: &str| {
        let texts = r.texts(key);
        resolver.all_words(key, &texts, &mut r.errors)
    };
    let (retry_join, retry_join_wan) = (words("retry_join"), words("retry_join_wan"));
    let primary_gateways = words("primary_gateways");
    config.join = JoinConfig {
        retry_join,
        retry_join_wan,
        retry_interval: r.duration("retry_interval"),
        retry_interval_wan: r.duration("retry_interval_wan"),
        retry_max: r.count("retry_max"),
        retry_max_wan: r.count("retry_max_wan"),
        rejoin_after_leave: r.bool("rejoin_after_leave"),
        primary_gateways,
        primary_gateways_interval: r.duration("primary_gateways_interval"),
    };
    let or_default = |key: &str, default: bool| if r.is_set(key) { r.bool(key) } else { default };
    config.leave_on_terminate = or_default("leave_on_terminate", !config.server);
    config.skip_leave_on_interrupt = or_default("skip_leave_on_interrupt", config.server);
    config.disable_coordinates = r.bool("disable_coordinates");
    config.disable_update_check = r.bool("disable_update_check");
    config.disable_anonymous_signature = r.bool("disable_anonymous_signature");
    config.auto_reload_config = r.bool("auto_reload_config");
}

fn timing(r: &mut Reader<'_>, config: &mut RuntimeConfig) {
    config.reconnect_timeout = r.duration("reconnect_timeout");
    config.reconnect_timeout_wan = r.duration("reconnect_timeout_wan");
    config.advertise_reconnect_timeout = r.duration("advertise_reconnect_timeout");
    config.server_rejoin_age_max = r.duration_at_least("server_rejoin_age_max", GoDuration::secs(6 * 3600));
    config.session_ttl_min = r.duration("session_ttl_min");
    // Constants that no source changes (`spec/agent-config.md` 3.1).
    config.ae_interval = GoDuration::secs(60);
    config.check_deregister_interval_min = GoDuration::secs(60);
    config.check_reap_interval = GoDuration::secs(30);
    config.sync_coordinate_rate_target = 64.0;
    config.sync_coordinate_interval_min = GoDuration::secs(15);
    config.server_health_interval = if config.dev_mode { GoDuration::millis(10) } else { GoDuration::secs(2) };
}

fn security(r: &mut Reader<'_>, config: &mut RuntimeConfig) {
    config.encrypt = r.text("encrypt");
    config.encrypt_verify_incoming = r.bool("encrypt_verify_incoming");
    config.encrypt_verify_outgoing = r.bool("encrypt_verify_outgoing");
    config.disable_keyring_file = r.bool("disable_keyring_file");
    let token = |name: &str| r.text(&format!("acl.tokens.{name}"));
    let tokens = AclTokens {
        initial_management: token("initial_management"),
        agent: token("agent"),
        agent_recovery: token("agent_recovery"),
        default: token("default"),
        replication: token("replication"),
        config_file_service_registration: token("config_file_service_registration"),
        dns: token("dns"),
    };
    config.acl = AclConfig {
        enabled: r.bool("acl.enabled"),
        default_policy: r.text("acl.default_policy"),
        down_policy: r.text("acl.down_policy"),
        policy_ttl: r.duration("acl.policy_ttl"),
        token_ttl: r.duration("acl.token_ttl"),
        role_ttl: r.duration("acl.role_ttl"),
        enable_key_list_policy: r.bool("acl.enable_key_list_policy"),
        enable_token_persistence: r.bool("acl.enable_token_persistence"),
        enable_token_replication: r.bool("acl.enable_token_replication"),
        tokens,
    };
    config.tls = TlsConfig {
        internal_rpc: tls(r, "internal_rpc"),
        https: tls(r, "https"),
        grpc: tls(r, "grpc"),
        server_name: r.text("server_name"),
        enable_agent_tls_for_checks: r.bool("enable_agent_tls_for_checks"),
    };
}

/// One protocol's TLS settings: its own value, else the one of `tls.defaults`.
fn tls(r: &Reader<'_>, protocol: &str) -> TlsProtocol {
    let path = |key: &str| {
        let own = format!("tls.{protocol}.{key}");
        if r.is_set(&own) { own } else { format!("tls.defaults.{key}") }
    };
    let text = |key: &str| r.text(&path(key));
    let on = |key: &str| r.bool(&path(key));
    let suites = text("tls_cipher_suites");
    let verify_server_hostname = protocol == "internal_rpc" && on("verify_server_hostname");
    TlsProtocol {
        ca_file: text("ca_file"),
        ca_path: text("ca_path"),
        cert_file: text("cert_file"),
        key_file: text("key_file"),
        tls_min_version: r.some_text(&path("tls_min_version")).unwrap_or_else(|| "TLSv1_2".to_string()),
        tls_cipher_suites: suites
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_string)
            .collect(),
        verify_incoming: on("verify_incoming"),
        verify_outgoing: protocol != "grpc" && (on("verify_outgoing") || verify_server_hostname),
        verify_server_hostname,
        use_auto_cert: on("use_auto_cert"),
    }
}

/// Addresses of a list; others are left out, with a warning where that is told.
fn ips(texts: &[String]) -> Vec<IpAddr> {
    texts.iter().filter_map(|text| text.parse().ok()).collect()
}

fn certificates_of_agents(r: &mut Reader<'_>, resolver: &Resolver, config: &mut RuntimeConfig) {
    config.auto_encrypt = AutoEncrypt {
        tls: r.bool("auto_encrypt.tls"),
        allow_tls: r.bool("auto_encrypt.allow_tls"),
        dns_san: r.texts("auto_encrypt.dns_san"),
        ip_san: ips(&r.texts("auto_encrypt.ip_san")),
    };
    let from_environment = std::env::var("CONSUL_INTRO_TOKEN").ok().filter(|token| !token.is_empty());
    let addresses = r.texts("auto_config.server_addresses");
    config.auto_config = AutoConfig {
        enabled: r.bool("auto_config.enabled"),
        intro_token: from_environment.unwrap_or_else(|| r.text("auto_config.intro_token")),
        intro_token_file: r.text("auto_config.intro_token_file"),
        server_addresses: resolver.all_words("auto_config.server_addresses", &addresses, &mut r.errors),
        dns_sans: r.texts("auto_config.dns_sans"),
        ip_sans: ips(&r.texts("auto_config.ip_sans")),
        authorization: authorization(r),
    };
}

fn authorization(r: &mut Reader<'_>) -> AutoConfigAuthorization {
    let key = |name: &str| format!("auto_config.authorization.static.{name}");
    AutoConfigAuthorization {
        enabled: r.bool("auto_config.authorization.enabled"),
        claim_assertions: r.texts(&key("claim_assertions")),
        jwt_validation_pub_keys: r.texts(&key("jwt_validation_pub_keys")),
        jwks_url: r.text(&key("jwks_url")),
        jwks_ca_cert: r.text(&key("jwks_ca_cert")),
        oidc_discovery_url: r.text(&key("oidc_discovery_url")),
        oidc_discovery_ca_cert: r.text(&key("oidc_discovery_ca_cert")),
        jwt_supported_algs: r.texts(&key("jwt_supported_algs")),
        bound_audiences: r.texts(&key("bound_audiences")),
        bound_issuer: r.text(&key("bound_issuer")),
        claim_mappings: r.text_map(&key("claim_mappings")),
        list_claim_mappings: r.text_map(&key("list_claim_mappings")),
        expiration_leeway: r.duration(&key("expiration_leeway")),
        not_before_leeway: r.duration(&key("not_before_leeway")),
        clock_skew_leeway: r.duration(&key("clock_skew_leeway")),
    }
}

fn later_rooms(r: &mut Reader<'_>, resolver: &Resolver, config: &mut RuntimeConfig) {
    config.default_intention_policy = r.text("default_intention_policy");
    // who hands out certificates needs the authority
    config.connect_enabled = ["connect.enabled", "auto_encrypt.allow_tls", "auto_config.authorization.enabled"]
        .iter()
        .any(|key| r.bool(key));
    config.connect = r.object("connect");
    config.peering_enabled = r.bool("peering.enabled");
    certificates_of_agents(r, resolver, config);
    config.config_entries_bootstrap = r.objects("config_entries.bootstrap").cloned().collect();
    config.cache_entry_fetch_rate =
        if r.is_set("cache.entry_fetch_rate") { r.float("cache.entry_fetch_rate") } else { f64::INFINITY };
    config.cache_entry_fetch_max_burst = r.count("cache.entry_fetch_max_burst");
    config.rpc_enable_streaming =
        if r.is_set("rpc.enable_streaming") { r.bool("rpc.enable_streaming") } else { config.server };
    config.use_streaming_backend = r.bool("use_streaming_backend");
    config.xds_update_max_per_second = r.float("xds.update_max_per_second");
    config.experiments = r.texts("experiments");
}
