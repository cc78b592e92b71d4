//! The settings in force as `/v1/agent/self` shows them: the reference's names, sorted, without secrets.

use crate::config::{ListenAddr, RuntimeConfig};
use serde_json::{Map, Value, json};
use std::fmt::Display;
use std::net::SocketAddr;

const HIDDEN: &str = "hidden";

/// Parts of names whose values are secrets.
const SECRET_WORDS: [&str; 4] = ["Token", "Secret", "Password", "EncryptKey"];

fn shown(value: impl Display) -> Value {
    Value::String(value.to_string())
}

fn address(address: Option<SocketAddr>) -> Value {
    address.map_or_else(|| json!(""), |address| shown(format_args!("tcp://{address}")))
}

fn addresses(addresses: &[ListenAddr]) -> Value {
    let text = |address: &ListenAddr| match address {
        ListenAddr::Ip(address) => format!("tcp://{address}"),
        ListenAddr::Unix(path) => format!("unix://{}", path.display()),
    };
    addresses.iter().map(text).collect()
}

fn dns_addresses(addresses: &[SocketAddr]) -> Value {
    ["tcp", "udp"].iter().flat_map(|network| addresses.iter().map(move |a| format!("{network}://{a}"))).collect()
}

fn texts<T: Display>(items: &[T]) -> Value {
    items.iter().map(ToString::to_string).collect()
}

/// The document.
pub fn document(config: &RuntimeConfig, node_id: &str) -> Value {
    let mut rows = cluster(config, node_id);
    rows.extend(doors(config));
    rows.extend(duties(config));
    rows.sort_by_key(|(name, _)| *name);
    let secret = |name: &str, value: &Value| value.is_string() && SECRET_WORDS.iter().any(|word| name.contains(word));
    let hide = |name: &str, value| if secret(name, &value) { json!(HIDDEN) } else { value };
    let map: Map<String, Value> = rows.into_iter().map(|(name, value)| (name.to_owned(), hide(name, value))).collect();
    Value::Object(map)
}

type Rows = Vec<(&'static str, Value)>;

fn cluster(c: &RuntimeConfig, node_id: &str) -> Rows {
    let ip = |ip: Option<std::net::IpAddr>| ip.map_or_else(|| json!(""), shown);
    vec![
        ("AdvertiseAddrLAN", ip(c.advertise_addr)),
        ("AdvertiseAddrWAN", ip(c.advertise_addr_wan)),
        ("AdvertiseReconnectTimeout", shown(c.advertise_reconnect_timeout)),
        ("AutopilotCleanupDeadServers", json!(c.autopilot.cleanup_dead_servers)),
        ("AutopilotLastContactThreshold", shown(c.autopilot.last_contact_threshold)),
        ("AutopilotMaxTrailingLogs", json!(c.autopilot.max_trailing_logs)),
        ("AutopilotMinQuorum", json!(c.autopilot.min_quorum)),
        ("AutopilotServerStabilizationTime", shown(c.autopilot.server_stabilization_time)),
        ("BindAddr", ip(c.bind_addr)),
        ("Bootstrap", json!(c.bootstrap)),
        ("BootstrapExpect", json!(c.bootstrap_expect)),
        ("ConsulRaftElectionTimeout", shown(c.performance.raft_election_timeout)),
        ("ConsulRaftHeartbeatTimeout", shown(c.performance.raft_heartbeat_timeout)),
        ("ConsulRaftLeaderLeaseTimeout", shown(c.performance.raft_leader_lease_timeout)),
        ("ConsulServerHealthInterval", shown(c.server_health_interval)),
        ("DataDir", json!(c.data_dir)),
        ("Datacenter", json!(c.datacenter)),
        ("DevMode", json!(c.dev_mode)),
        ("DisableAnonymousSignature", json!(c.disable_anonymous_signature)),
        ("DisableCoordinates", json!(c.disable_coordinates)),
        ("DisableHostNodeID", json!(c.disable_host_node_id)),
        ("DisableKeyringFile", json!(c.disable_keyring_file)),
        ("DisableUpdateCheck", json!(c.disable_update_check)),
        ("EncryptKey", json!(c.encrypt)),
        ("EncryptVerifyIncoming", json!(c.encrypt_verify_incoming)),
        ("EncryptVerifyOutgoing", json!(c.encrypt_verify_outgoing)),
        ("GossipLANGossipInterval", shown(c.gossip_lan.gossip_interval)),
        ("GossipLANGossipNodes", json!(c.gossip_lan.gossip_nodes)),
        ("GossipLANProbeInterval", shown(c.gossip_lan.probe_interval)),
        ("GossipLANProbeTimeout", shown(c.gossip_lan.probe_timeout)),
        ("GossipLANRetransmitMult", json!(c.gossip_lan.retransmit_mult)),
        ("GossipLANSuspicionMult", json!(c.gossip_lan.suspicion_mult)),
        ("GossipWANGossipInterval", shown(c.gossip_wan.gossip_interval)),
        ("GossipWANGossipNodes", json!(c.gossip_wan.gossip_nodes)),
        ("GossipWANProbeInterval", shown(c.gossip_wan.probe_interval)),
        ("GossipWANProbeTimeout", shown(c.gossip_wan.probe_timeout)),
        ("GossipWANRetransmitMult", json!(c.gossip_wan.retransmit_mult)),
        ("GossipWANSuspicionMult", json!(c.gossip_wan.suspicion_mult)),
        ("LeaveDrainTime", shown(c.performance.leave_drain_time)),
        ("LeaveOnTerm", json!(c.leave_on_terminate)),
        ("NodeID", json!(node_id)),
        ("NodeMeta", json!(c.node_meta)),
        ("NodeName", json!(c.node_name)),
        ("PidFile", json!(c.pid_file)),
        ("PrimaryDatacenter", json!(c.primary_datacenter)),
        ("PrimaryGateways", texts(&c.join.primary_gateways)),
        ("PrimaryGatewaysInterval", shown(c.join.primary_gateways_interval)),
        ("RPCAdvertiseAddr", address(c.rpc_advertise_addr)),
        ("RPCBindAddr", address(c.rpc_bind_addr)),
        ("RPCHoldTimeout", shown(c.performance.rpc_hold_timeout)),
        ("RPCProtocol", json!(c.protocol)),
        ("RaftProtocol", json!(c.raft.raft_protocol)),
        ("RaftSnapshotInterval", shown(c.raft.raft_snapshot_interval)),
        ("RaftSnapshotThreshold", json!(c.raft.raft_snapshot_threshold)),
        ("RaftTrailingLogs", json!(c.raft.raft_trailing_logs)),
        ("ReconnectTimeoutLAN", shown(c.reconnect_timeout)),
        ("ReconnectTimeoutWAN", shown(c.reconnect_timeout_wan)),
        ("RejoinAfterLeave", json!(c.join.rejoin_after_leave)),
        ("RetryJoinIntervalLAN", shown(c.join.retry_interval)),
        ("RetryJoinIntervalWAN", shown(c.join.retry_interval_wan)),
        ("RetryJoinLAN", texts(&c.join.retry_join)),
        ("RetryJoinMaxAttemptsLAN", json!(c.join.retry_max)),
        ("RetryJoinMaxAttemptsWAN", json!(c.join.retry_max_wan)),
        ("RetryJoinWAN", texts(&c.join.retry_join_wan)),
        ("Revision", json!(crate::types::version::REVISION)),
        ("SerfAdvertiseAddrLAN", address(c.serf_advertise_addr_lan)),
        ("SerfAdvertiseAddrWAN", address(c.serf_advertise_addr_wan)),
        ("SerfAllowedCIDRsLAN", texts(&c.serf_lan_allowed_cidrs)),
        ("SerfAllowedCIDRsWAN", texts(&c.serf_wan_allowed_cidrs)),
        ("SerfBindAddrLAN", address(c.serf_bind_addr_lan)),
        ("SerfBindAddrWAN", address(c.serf_bind_addr_wan)),
        ("SerfPortLAN", json!(c.ports.serf_lan)),
        ("SerfPortWAN", json!(c.ports.serf_wan)),
        ("ServerMode", json!(c.server)),
        ("ServerName", json!(c.tls.server_name)),
        ("ServerPort", json!(c.ports.server)),
        ("ServerRejoinAgeMax", shown(c.server_rejoin_age_max)),
        ("SessionTTLMin", shown(c.session_ttl_min)),
        ("SkipLeaveOnInt", json!(c.skip_leave_on_interrupt)),
        ("TaggedAddresses", json!(c.tagged_addresses)),
        ("TranslateWANAddrs", json!(c.translate_wan_addrs)),
        ("Version", json!(crate::types::version::COMPATIBLE)),
    ]
}

fn doors(c: &RuntimeConfig) -> Rows {
    let dns = &c.dns_config;
    let ttls: Map<String, Value> = dns.service_ttl.iter().map(|(name, ttl)| (name.clone(), shown(*ttl))).collect();
    let soa = json!({"Expire": dns.soa.expire, "Minttl": dns.soa.min_ttl, "Refresh": dns.soa.refresh, "Retry": dns.soa.retry});
    vec![
        ("AllowWriteHTTPFrom", texts(&c.http_config.allow_write_http_from)),
        ("ClientAddrs", texts(&c.client_addrs)),
        ("DNSARecordLimit", json!(dns.a_record_limit)),
        ("DNSAddrs", dns_addresses(&c.dns_addrs)),
        ("DNSAllowStale", json!(dns.allow_stale)),
        ("DNSAltDomain", json!(c.alt_domain)),
        ("DNSCacheMaxAge", shown(dns.cache_max_age)),
        ("DNSDisableCompression", json!(dns.disable_compression)),
        ("DNSDomain", json!(c.domain)),
        ("DNSEnableTruncate", json!(dns.enable_truncate)),
        ("DNSMaxStale", shown(dns.max_stale)),
        ("DNSNodeMetaTXT", json!(dns.enable_additional_node_meta_txt)),
        ("DNSNodeTTL", shown(dns.node_ttl)),
        ("DNSOnlyPassing", json!(dns.only_passing)),
        ("DNSPort", json!(c.ports.dns)),
        ("DNSRecursorTimeout", shown(dns.recursor_timeout)),
        ("DNSRecursors", texts(&c.recursors)),
        ("DNSSOA", soa),
        ("DNSServiceTTL", Value::Object(ttls)),
        ("DNSUDPAnswerLimit", json!(dns.udp_answer_limit)),
        ("DNSUseCache", json!(dns.use_cache)),
        ("DefaultQueryTime", shown(c.default_query_time)),
        ("DisableHTTPUnprintableCharFilter", json!(c.disable_http_unprintable_char_filter)),
        ("DiscoveryMaxStale", shown(c.discovery_max_stale)),
        ("EnableDebug", json!(c.enable_debug)),
        ("GRPCAddrs", addresses(&c.grpc_addrs)),
        ("GRPCPort", json!(c.ports.grpc)),
        ("GRPCTLSAddrs", addresses(&c.grpc_tls_addrs)),
        ("GRPCTLSPort", json!(c.ports.grpc_tls)),
        ("HTTPAddrs", addresses(&c.http_addrs)),
        ("HTTPBlockEndpoints", texts(&c.http_config.block_endpoints)),
        ("HTTPMaxConnsPerClient", json!(c.limits.http_max_conns_per_client)),
        ("HTTPMaxHeaderBytes", json!(c.http_config.max_header_bytes)),
        ("HTTPPort", json!(c.ports.http)),
        ("HTTPResponseHeaders", json!(c.http_config.response_headers)),
        ("HTTPSAddrs", addresses(&c.https_addrs)),
        ("HTTPSHandshakeTimeout", shown(c.limits.https_handshake_timeout)),
        ("HTTPSPort", json!(c.ports.https)),
        ("HTTPUseCache", json!(c.http_config.use_cache)),
        ("KVMaxValueSize", json!(c.limits.kv_max_value_size)),
        ("MaxQueryTime", shown(c.max_query_time)),
        ("RPCClientTimeout", shown(c.limits.rpc_client_timeout)),
        ("RPCHandshakeTimeout", shown(c.limits.rpc_handshake_timeout)),
        ("RPCMaxBurst", json!(c.limits.rpc_max_burst)),
        ("RPCMaxConnsPerClient", json!(c.limits.rpc_max_conns_per_client)),
        ("RPCRateLimit", json!(c.limits.rpc_rate)),
        ("TxnMaxReqLen", json!(c.limits.txn_max_req_len)),
        (
            "UIConfig",
            json!({"ContentPath": c.ui_config.content_path, "Dir": c.ui_config.dir, "Enabled": c.ui_config.enabled}),
        ),
        ("UnixSocketGroup", json!(c.unix_sockets.group)),
        ("UnixSocketMode", json!(c.unix_sockets.mode)),
        ("UnixSocketUser", json!(c.unix_sockets.user)),
    ]
}

fn duties(c: &RuntimeConfig) -> Rows {
    let logging = json!({
        "EnableSyslog": c.log.enable_syslog,
        "LogFilePath": c.log.log_file.clone().unwrap_or_default(),
        "LogJSON": c.log.log_json,
        "LogLevel": c.log.log_level,
        "LogRotateBytes": c.log.log_rotate_bytes,
        "LogRotateDuration": shown(c.log.log_rotate_duration),
        "LogRotateMaxFiles": c.log.log_rotate_max_files,
        "SyslogFacility": c.log.syslog_facility,
    });
    let telemetry = json!({
        "AllowedPrefixes": c.telemetry.allowed_prefixes,
        "BlockedPrefixes": c.telemetry.blocked_prefixes,
        "DisableHostname": c.telemetry.disable_hostname,
        "DogstatsdAddr": c.telemetry.dogstatsd_addr,
        "DogstatsdTags": c.telemetry.dogstatsd_tags,
        "FilterDefault": c.telemetry.filter_default,
        "MetricsPrefix": c.telemetry.metrics_prefix,
        "PrometheusOpts": {"Expiration": shown(c.telemetry.prometheus_retention_time)},
        "StatsdAddr": c.telemetry.statsd_address,
        "StatsiteAddr": c.telemetry.statsite_address,
    });
    vec![
        ("ACLDefaultPolicy", json!(c.acl.default_policy)),
        ("ACLDownPolicy", json!(c.acl.down_policy)),
        ("ACLEnableKeyListPolicy", json!(c.acl.enable_key_list_policy)),
        ("ACLEnableTokenPersistence", json!(c.acl.enable_token_persistence)),
        ("ACLPolicyTTL", shown(c.acl.policy_ttl)),
        ("ACLRoleTTL", shown(c.acl.role_ttl)),
        ("ACLTokens", json!(HIDDEN)),
        ("ACLsEnabled", json!(c.acl.enabled)),
        ("AEInterval", shown(c.ae_interval)),
        ("AutoReloadConfig", json!(c.auto_reload_config)),
        ("CheckDeregisterIntervalMin", shown(c.check_deregister_interval_min)),
        ("CheckOutputMaxSize", json!(c.check_output_max_size)),
        ("CheckReapInterval", shown(c.check_reap_interval)),
        ("CheckUpdateInterval", shown(c.check_update_interval)),
        ("Checks", c.checks.iter().map(|check| check.name.clone()).collect()),
        ("ConnectEnabled", json!(c.connect_enabled)),
        ("ConnectSidecarMaxPort", json!(c.ports.sidecar_max_port)),
        ("ConnectSidecarMinPort", json!(c.ports.sidecar_min_port)),
        ("DisableRemoteExec", json!(c.disable_remote_exec)),
        ("DiscardCheckOutput", json!(c.discard_check_output)),
        ("EnableAgentTLSForChecks", json!(c.tls.enable_agent_tls_for_checks)),
        ("EnableCentralServiceConfig", json!(c.enable_central_service_config)),
        ("EnableLocalScriptChecks", json!(c.enable_local_script_checks)),
        ("EnableRemoteScriptChecks", json!(c.enable_script_checks)),
        ("ExposeMaxPort", json!(c.ports.expose_max_port)),
        ("ExposeMinPort", json!(c.ports.expose_min_port)),
        ("Logging", logging),
        ("PeeringEnabled", json!(c.peering_enabled)),
        ("Services", c.services.iter().map(|service| service.service.service.clone()).collect()),
        ("SyncCoordinateIntervalMin", shown(c.sync_coordinate_interval_min)),
        ("SyncCoordinateRateTarget", json!(c.sync_coordinate_rate_target)),
        ("Telemetry", telemetry),
        ("UseStreamingBackend", json!(c.use_streaming_backend)),
        ("Watches", json!(c.watches.len())),
    ]
}
