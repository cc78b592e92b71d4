//! The one table of configuration keys: name, type, and what is special about it (`spec/agent-config.md` 3 and 7).

/// Type of a value.
#[derive(Clone, Copy)]
pub enum Kind {
    /// true or false.
    Bool,
    /// A signed integer.
    Int,
    /// An unsigned 32-bit integer.
    Uint,
    /// A number.
    Float,
    /// Text, which durations are too until they are used.
    Text,
    /// A list of texts.
    Texts,
    /// A map of texts.
    TextMap,
    /// A map of lists of texts.
    HeaderMap,
    /// An object without fixed keys.
    Free,
    /// A list of objects without fixed keys.
    FreeList,
    /// An object.
    Object(&'static [Key]),
    /// A list of objects.
    Objects(&'static [Key]),
    /// A map of objects.
    ObjectMap(&'static [Key]),
}

/// What a key is besides its type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Note {
    /// Nothing.
    Plain,
    /// Another spelling of this key of the same object.
    Alias(&'static str),
    /// Replaced by this path; setting it warns.
    Deprecated(&'static str),
    /// Without effect; setting it warns.
    Ignored,
    /// Accepted and reported as an enterprise feature under this label.
    Enterprise(&'static str),
}

/// A key of an object.
#[derive(Clone, Copy)]
pub struct Key {
    /// Name, lower case.
    pub name: &'static str,
    /// Type.
    pub kind: Kind,
    /// Specialty.
    pub note: Note,
}

const fn key(name: &'static str, kind: Kind) -> Key {
    Key { name, kind, note: Note::Plain }
}

const fn alias(name: &'static str, kind: Kind, of: &'static str) -> Key {
    Key { name, kind, note: Note::Alias(of) }
}

const fn old(name: &'static str, kind: Kind, new: &'static str) -> Key {
    Key { name, kind, note: Note::Deprecated(new) }
}

const fn enterprise(name: &'static str, kind: Kind, label: &'static str) -> Key {
    Key { name, kind, note: Note::Enterprise(label) }
}

use Kind::{Bool, Float, Free, FreeList, HeaderMap, Int, Object, ObjectMap, Objects, Text, TextMap, Texts, Uint};

/// `keys![Kind: "a" "b"; Kind: "c"; => special, special]`
macro_rules! keys {
    ($($kind:expr => $($name:literal)+);* $(;; $($special:expr),* $(,)?)?) => {
        &[$($(key($name, $kind),)+)* $($($special,)*)?]
    };
}

/// A check definition (`spec/services-and-checks.md` 3.1).
pub static CHECK: &[Key] = keys![
    Text => "id" "name" "notes" "service_id" "token" "status" "http" "method" "body" "tcp" "udp" "interval" "alias_node"
        "alias_service" "docker_container_id" "shell" "grpc" "h2ping" "os_service" "tls_server_name" "timeout" "ttl"
        "deregister_critical_service_after" "namespace" "partition";
    Texts => "args";
    HeaderMap => "header";
    Bool => "disable_redirects" "tcp_use_tls" "grpc_use_tls" "h2ping_use_tls" "tls_skip_verify";
    Int => "output_max_size" "success_before_passing" "failures_before_warning" "failures_before_critical";;
    alias("scriptargs", Texts, "args"),
    alias("serviceid", Text, "service_id"),
    alias("dockercontainerid", Text, "docker_container_id"),
    alias("tlsskipverify", Bool, "tls_skip_verify"),
    alias("deregistercriticalserviceafter", Text, "deregister_critical_service_after"),
];

static ADDRESS: &[Key] = keys![Text => "address"; Int => "port"];
static WEIGHTS: &[Key] = keys![Int => "passing" "warning"];
static LOCALITY: &[Key] = keys![Text => "region" "zone"];
static MESH_GATEWAY: &[Key] = keys![Text => "mode"];
static EXPOSE_PATH: &[Key] = keys![Text => "path" "protocol"; Int => "listener_port" "local_path_port"];
static EXPOSE: &[Key] = keys![Bool => "checks"; Objects(EXPOSE_PATH) => "paths"];
static TRANSPARENT: &[Key] = keys![Int => "outbound_listener_port"; Bool => "dialed_directly"];
static ACCESS_LOGS: &[Key] =
    keys![Bool => "enabled" "disable_listener_logs"; Text => "type" "path" "json_format" "text_format"];
static EXTENSION: &[Key] =
    keys![Text => "name" "consul_version" "envoy_version"; Bool => "required"; Free => "arguments"];
static UPSTREAM: &[Key] = keys![
    Text => "destination_type" "destination_namespace" "destination_partition" "destination_peer" "destination_name"
        "datacenter" "local_bind_address" "local_bind_socket_path" "local_bind_socket_mode";
    Int => "local_bind_port"; Free => "config"; Object(MESH_GATEWAY) => "mesh_gateway"; Texts => "ingress_hosts"
];

/// A proxy configuration.
pub static PROXY: &[Key] = keys![
    Text => "destination_service_name" "destination_service_id" "local_service_address" "local_service_socket_path"
        "mode" "mutual_tls_mode";
    Int => "local_service_port";
    Free => "config";
    Objects(UPSTREAM) => "upstreams";
    Objects(EXTENSION) => "envoy_extensions";
    Object(MESH_GATEWAY) => "mesh_gateway";
    Object(EXPOSE) => "expose";
    Object(TRANSPARENT) => "transparent_proxy";
    Object(ACCESS_LOGS) => "access_logs"
];

macro_rules! service_keys {
    ($connect:expr) => {
        keys![
            Text => "kind" "id" "name" "address" "socket_path" "token" "namespace" "partition";
            Texts => "tags";
            TextMap => "meta";
            Int => "port";
            Bool => "enable_tag_override";
            ObjectMap(ADDRESS) => "tagged_addresses";
            Object(WEIGHTS) => "weights";
            Object(LOCALITY) => "locality";
            Object(CHECK) => "check";
            Objects(CHECK) => "checks";
            Object(PROXY) => "proxy";
            Object($connect) => "connect"
        ]
    };
}

static NESTED_CONNECT: &[Key] = keys![Bool => "native"; Free => "sidecar_service"];
static SIDECAR: &[Key] = service_keys!(NESTED_CONNECT);
static SERVICE_CONNECT: &[Key] = keys![Bool => "native"; Object(SIDECAR) => "sidecar_service"];

/// A service definition (`spec/services-and-checks.md` 1.2).
pub static SERVICE: &[Key] = service_keys!(SERVICE_CONNECT);

static ACL_TOKENS: &[Key] = keys![
    Text => "initial_management" "agent" "agent_recovery" "default" "replication" "config_file_service_registration" "dns";;
    old("agent_master", Text, "acl.tokens.agent_recovery"),
    old("master", Text, "acl.tokens.initial_management"),
    enterprise("managed_service_provider", FreeList, "acl.tokens.managed_service_provider"),
];

static ACL: &[Key] = keys![
    Bool => "enabled" "enable_key_list_policy" "enable_token_persistence" "enable_token_replication";
    Text => "default_policy" "down_policy" "policy_ttl" "token_ttl" "role_ttl";
    Object(ACL_TOKENS) => "tokens";;
    enterprise("msp_disable_bootstrap", Bool, "acl.msp_disable_bootstrap"),
];

static ADDRESSES: &[Key] = keys![Text => "dns" "http" "https" "grpc" "grpc_tls"];
static PORTS: &[Key] = keys![
    Int => "dns" "http" "https" "grpc" "grpc_tls" "serf_lan" "serf_wan" "server" "sidecar_min_port" "sidecar_max_port"
        "expose_min_port" "expose_max_port" "proxy_min_port" "proxy_max_port"
];
static AUTOPILOT: &[Key] = keys![
    Bool => "cleanup_dead_servers"; Text => "last_contact_threshold" "server_stabilization_time";
    Int => "max_trailing_logs" "min_quorum";;
    enterprise("redundancy_zone_tag", Text, "autopilot.redundancy_zone_tag"),
    enterprise("upgrade_version_tag", Text, "autopilot.upgrade_version_tag"),
    enterprise("disable_upgrade_migration", Bool, "autopilot.disable_upgrade_migration"),
];
static SOA: &[Key] = keys![Uint => "refresh" "retry" "expire" "min_ttl"];
static DNS: &[Key] = keys![
    Bool => "allow_stale" "enable_truncate" "only_passing" "disable_compression" "enable_additional_node_meta_txt" "use_cache";
    Text => "max_stale" "node_ttl" "recursor_timeout" "recursor_strategy" "cache_max_age";
    Int => "udp_answer_limit" "a_record_limit";
    TextMap => "service_ttl";
    Object(SOA) => "soa";;
    enterprise("prefer_namespace", Bool, "dns_config.prefer_namespace"),
];
static HTTP: &[Key] = keys![
    Texts => "block_endpoints" "allow_write_http_from"; TextMap => "response_headers"; Bool => "use_cache"; Int => "max_header_bytes"
];
static REQUEST_LIMITS: &[Key] = keys![Text => "mode"; Float => "read_rate" "write_rate"];
static LIMITS: &[Key] = keys![
    Int => "http_max_conns_per_client" "rpc_max_burst" "rpc_max_conns_per_client" "kv_max_value_size" "txn_max_req_len";
    Text => "https_handshake_timeout" "rpc_handshake_timeout" "rpc_client_timeout";
    Float => "rpc_rate";
    Object(REQUEST_LIMITS) => "request_limits"
];
static AUDIT_SINK: &[Key] = keys![
    Text => "type" "format" "path" "delivery_guarantee" "mode" "rotate_duration"; Int => "rotate_bytes" "rotate_max_files"
];
static AUDIT: &[Key] = keys![Bool => "enabled" "rpc_enabled" "include_reads"; ObjectMap(AUDIT_SINK) => "sink"];
static PERFORMANCE: &[Key] = keys![
    Int => "raft_multiplier"; Bool => "enable_xds_load_balancing";
    Text => "leave_drain_time" "rpc_hold_timeout" "grpc_keepalive_interval" "grpc_keepalive_timeout"
];
static BOLTDB: &[Key] = keys![Bool => "no_freelist_sync";; alias("nofreelistsync", Bool, "no_freelist_sync")];
static RAFT_LOGSTORE: &[Key] = keys![
    Text => "backend"; Bool => "disable_log_cache";
    Object(keys![Bool => "enabled"; Text => "interval"]) => "verification";
    Object(BOLTDB) => "boltdb";
    Object(keys![Int => "segment_size_mb"]) => "wal"
];
static GOSSIP: &[Key] = keys![
    Int => "gossip_nodes" "suspicion_mult" "retransmit_mult"; Text => "gossip_interval" "probe_interval" "probe_timeout"
];
static TLS_PROTOCOL: &[Key] = keys![
    Text => "ca_file" "ca_path" "cert_file" "key_file" "tls_min_version" "tls_cipher_suites";
    Bool => "verify_incoming" "verify_outgoing" "verify_server_hostname" "use_auto_cert"
];
static TLS: &[Key] = keys![Object(TLS_PROTOCOL) => "defaults" "internal_rpc" "https" "grpc"];
static TELEMETRY: &[Key] = keys![
    Text => "metrics_prefix" "prometheus_retention_time" "statsd_address" "statsite_address" "dogstatsd_addr"
        "circonus_api_token" "circonus_api_app" "circonus_api_url" "circonus_submission_interval" "circonus_submission_url"
        "circonus_check_id" "circonus_check_force_metric_activation" "circonus_check_instance_id" "circonus_check_search_tag"
        "circonus_check_display_name" "circonus_check_tags" "circonus_broker_id" "circonus_broker_select_tag";
    Bool => "disable_hostname" "filter_default" "disable_per_tenancy_usage_metrics" "enable_host_metrics" "retry_failed_connection";
    Texts => "prefix_filter" "dogstatsd_tags"
];
static METRICS_PROXY: &[Key] = keys![
    Text => "base_url"; Texts => "path_allowlist"; Objects(keys![Text => "name" "value"]) => "add_headers"
];
/// Constants of the reference: a file may name them, to no effect.
static CONSTANTS: &[Key] = keys![
    Object(keys![Int => "update_batch_size" "update_max_batches"; Text => "update_period"]) => "coordinate";
    Object(keys![Text => "election_timeout" "heartbeat_timeout" "leader_lease_timeout"]) => "raft";
    Object(keys![Text => "health_interval"]) => "server"
];
static UI: &[Key] = keys![
    Bool => "enabled"; Text => "dir" "content_path" "metrics_provider" "metrics_provider_options_json";
    Texts => "metrics_provider_files"; TextMap => "dashboard_url_templates"; Object(METRICS_PROXY) => "metrics_proxy"
];
static STATIC_AUTHORIZER: &[Key] = keys![
    Bool => "allow_reuse"; Texts => "claim_assertions" "jwt_supported_algs" "bound_audiences" "jwt_validation_pub_keys";
    TextMap => "claim_mappings" "list_claim_mappings";
    Text => "oidc_discovery_url" "oidc_discovery_ca_cert" "jwks_url" "jwks_ca_cert" "bound_issuer" "expiration_leeway"
        "not_before_leeway" "clock_skew_leeway"
];
static AUTO_CONFIG: &[Key] = keys![
    Bool => "enabled"; Text => "intro_token" "intro_token_file"; Texts => "server_addresses" "dns_sans" "ip_sans";
    Object(keys![Bool => "enabled"; Object(STATIC_AUTHORIZER) => "static"]) => "authorization"
];

/// The keys of a configuration file.
pub static ROOT: &[Key] = keys![
    Bool => "auto_reload_config" "bootstrap" "disable_anonymous_signature" "disable_coordinates" "disable_host_node_id"
        "disable_http_unprintable_char_filter" "disable_keyring_file" "disable_remote_exec" "disable_update_check"
        "discard_check_output" "enable_agent_tls_for_checks" "enable_central_service_config" "enable_debug"
        "enable_local_script_checks" "enable_script_checks" "enable_syslog" "encrypt_verify_incoming" "encrypt_verify_outgoing"
        "leave_on_terminate" "log_json" "raft_prevote_disabled" "rejoin_after_leave" "server" "skip_leave_on_interrupt"
        "translate_wan_addrs" "use_streaming_backend";
    Int => "bootstrap_expect" "check_output_max_size" "log_rotate_bytes" "log_rotate_max_files" "protocol" "raft_protocol"
        "raft_snapshot_threshold" "raft_trailing_logs" "retry_max" "retry_max_wan";
    Text => "advertise_addr" "advertise_addr_ipv4" "advertise_addr_ipv6" "advertise_addr_wan" "advertise_addr_wan_ipv4"
        "advertise_addr_wan_ipv6" "advertise_reconnect_timeout" "alt_domain" "bind_addr" "check_update_interval" "client_addr"
        "data_dir" "datacenter" "default_intention_policy" "default_query_time" "discovery_max_stale" "domain" "encrypt" "log_file"
        "log_level" "log_rotate_duration" "max_query_time" "node_id" "node_name" "pid_file" "primary_datacenter"
        "primary_gateways_interval" "raft_snapshot_interval" "reconnect_timeout" "reconnect_timeout_wan" "retry_interval"
        "retry_interval_wan" "serf_lan" "serf_wan" "server_name" "server_rejoin_age_max" "session_ttl_min" "syslog_facility";
    Texts => "experiments" "primary_gateways" "recursors" "retry_join" "retry_join_wan" "serf_lan_allowed_cidrs"
        "serf_wan_allowed_cidrs";
    TextMap => "node_meta" "tagged_addresses";
    Free => "snapshot_agent";
    FreeList => "watches";
    Object(CHECK) => "check";
    Objects(CHECK) => "checks";
    Object(SERVICE) => "service";
    Objects(SERVICE) => "services";
    Object(ACL) => "acl";
    Object(ADDRESSES) => "addresses";
    Object(PORTS) => "ports";
    Object(AUTOPILOT) => "autopilot";
    Object(AUTO_CONFIG) => "auto_config";
    Object(keys![Bool => "tls" "allow_tls"; Texts => "dns_san" "ip_san"]) => "auto_encrypt";
    Object(keys![Int => "entry_fetch_max_burst"; Float => "entry_fetch_rate"]) => "cache";
    Object(keys![Text => "resource_id" "client_id" "client_secret" "hostname" "auth_url" "scada_address" "node_id" "node_name"]) => "cloud";
    Object(keys![FreeList => "bootstrap"]) => "config_entries";
    Object(keys![Bool => "enabled" "enable_mesh_gateway_wan_federation" "enable_serverless_plugin"; Text => "ca_provider"; Free => "ca_config"])
        => "connect";
    Object(CONSTANTS) => "consul";
    Object(DNS) => "dns_config";
    Object(HTTP) => "http_config";
    Object(GOSSIP) => "gossip_lan" "gossip_wan";
    Object(LIMITS) => "limits";
    Object(AUDIT) => "audit";
    Object(LOCALITY) => "locality";
    Object(keys![Bool => "enabled" "test_allow_peer_registrations"]) => "peering";
    Object(PERFORMANCE) => "performance";
    Object(RAFT_LOGSTORE) => "raft_logstore";
    Object(keys![Bool => "enable_streaming"]) => "rpc";
    Object(TELEMETRY) => "telemetry";
    Object(TLS) => "tls";
    Object(UI) => "ui_config";
    Object(keys![Text => "user" "group" "mode"]) => "unix_sockets";
    Object(keys![Float => "update_max_per_second"]) => "xds";;
    // constants that a file may name, to no effect
    key("ae_interval", Text),
    key("check_deregister_interval_min", Text),
    key("check_reap_interval", Text),
    key("segment_limit", Int),
    key("segment_name_limit", Int),
    key("sync_coordinate_interval_min", Text),
    key("sync_coordinate_rate_target", Float),
    key("revision", Text),
    key("version", Text),
    key("version_prerelease", Text),
    // keys with a note
    old("acl_agent_master_token", Text, "acl.tokens.agent_recovery"),
    old("acl_agent_token", Text, "acl.tokens.agent"),
    old("acl_token", Text, "acl.tokens.default"),
    old("acl_master_token", Text, "acl.tokens.initial_management"),
    old("acl_replication_token", Text, "acl.tokens.replication"),
    old("enable_acl_replication", Bool, "acl.enable_token_replication"),
    old("acl_datacenter", Text, "primary_datacenter"),
    old("acl_default_policy", Text, "acl.default_policy"),
    old("acl_down_policy", Text, "acl.down_policy"),
    old("acl_ttl", Text, "acl.token_ttl"),
    old("acl_enable_key_list_policy", Bool, "acl.enable_key_list_policy"),
    old("ca_file", Text, "tls.defaults.ca_file"),
    old("ca_path", Text, "tls.defaults.ca_path"),
    old("cert_file", Text, "tls.defaults.cert_file"),
    old("key_file", Text, "tls.defaults.key_file"),
    old("tls_cipher_suites", Text, "tls.defaults.tls_cipher_suites"),
    old("tls_min_version", Text, "tls.defaults.tls_min_version"),
    old("verify_incoming", Bool, "tls.defaults.verify_incoming"),
    old("verify_outgoing", Bool, "tls.defaults.verify_outgoing"),
    old("verify_incoming_https", Bool, "tls.https.verify_incoming"),
    old("verify_incoming_rpc", Bool, "tls.internal_rpc.verify_incoming"),
    old("verify_server_hostname", Bool, "tls.internal_rpc.verify_server_hostname"),
    Key { name: "tls_prefer_server_cipher_suites", kind: Bool, note: Note::Ignored },
    old("start_join", Texts, "retry_join"),
    old("start_join_wan", Texts, "retry_join_wan"),
    old("raft_boltdb", Object(BOLTDB), "raft_logstore.boltdb"),
    old("ui", Bool, "ui_config.enabled"),
    old("ui_dir", Text, "ui_config.dir"),
    old("ui_content_path", Text, "ui_config.content_path"),
    enterprise("read_replica", Bool, "read_replica (or the deprecated non_voting_server)"),
    alias("non_voting_server", Bool, "read_replica"),
    enterprise("segment", Text, "segment"),
    enterprise("segments", FreeList, "segments"),
    enterprise("partition", Text, "partition"),
    enterprise("license_path", Text, "license_path"),
    enterprise("reporting", Free, "reporting.license.enabled"),
];

/// The key of that name in a table, whatever its letter case; aliases give the key that they stand for.
pub fn find(keys: &'static [Key], name: &str) -> Option<&'static Key> {
    let key = keys.iter().find(|key| key.name.eq_ignore_ascii_case(name))?;
    match key.note {
        Note::Alias(of) => keys.iter().find(|key| key.name == of),
        _ => Some(key),
    }
}

/// The key of a dotted path from [`ROOT`].
pub fn find_path(path: &str) -> Option<&'static Key> {
    let mut keys = ROOT;
    let mut parts = path.split('.').peekable();
    loop {
        let key = find(keys, parts.next()?)?;
        if parts.peek().is_none() {
            return Some(key);
        }
        match key.kind {
            Object(inner) => keys = inner,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn visit(path: &str, keys: &'static [Key], seen: &mut dyn FnMut(String, &'static Key)) {
        for key in keys {
            seen(format!("{path}{}", key.name), key);
            if let Object(inner) | Objects(inner) | ObjectMap(inner) = key.kind {
                visit(&format!("{path}{}.", key.name), inner, seen);
            }
        }
    }

    #[test]
    fn every_key_is_in_its_table_once_and_every_note_names_a_key() {
        let mut known = BTreeSet::new();
        visit("", ROOT, &mut |path, key| {
            assert!(known.insert(path.clone()), "{path} is twice in the table");
            if let Note::Deprecated(new) = key.note {
                assert!(find_path(new).is_some(), "{path} is replaced by the unknown {new}");
            }
        });
        assert!(known.len() > 400, "the table has {} keys", known.len());
    }
}
