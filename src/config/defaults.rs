//! The built-in sources, written as configuration: defaults, dev defaults, and constants that no file can change.

/// Source 1: defaults (`spec/agent-config.md` 3). `https`, `grpc` and `grpc_tls` ports have rules of their own.
pub const DEFAULTS: &str = r#"
acl { default_policy = "allow" down_policy = "extend-cache" policy_ttl = "30s" token_ttl = "30s" role_ttl = "0s" }
autopilot {
  cleanup_dead_servers = true
  last_contact_threshold = "200ms"
  max_trailing_logs = 250
  min_quorum = 0
  server_stabilization_time = "10s"
}
bind_addr = "0.0.0.0"
cache { entry_fetch_max_burst = 2 }
check_output_max_size = 4096
check_update_interval = "5m"
client_addr = "127.0.0.1"
connect { enabled = true }
datacenter = "dc1"
default_query_time = "300s"
disable_coordinates = false
disable_host_node_id = true
disable_remote_exec = true
dns_config {
  allow_stale = true
  a_record_limit = 0
  udp_answer_limit = 3
  max_stale = "87600h"
  recursor_timeout = "2s"
  recursor_strategy = "sequential"
  enable_additional_node_meta_txt = true
  cache_max_age = "0s"
  soa { refresh = 3600 retry = 600 expire = 86400 min_ttl = 0 }
}
domain = "consul."
enable_central_service_config = true
encrypt_verify_incoming = true
encrypt_verify_outgoing = true
gossip_lan { gossip_nodes = 3 gossip_interval = "200ms" probe_interval = "1s" probe_timeout = "500ms" suspicion_mult = 4 retransmit_mult = 4 }
gossip_wan { gossip_nodes = 3 gossip_interval = "500ms" probe_interval = "5s" probe_timeout = "3s" suspicion_mult = 6 retransmit_mult = 4 }
http_config { use_cache = true }
limits {
  http_max_conns_per_client = 200
  https_handshake_timeout = "5s"
  request_limits { mode = "disabled" read_rate = -1 write_rate = -1 }
  rpc_handshake_timeout = "5s"
  rpc_client_timeout = "60s"
  rpc_rate = -1
  rpc_max_burst = 1000
  rpc_max_conns_per_client = 100
  kv_max_value_size = 524288
  txn_max_req_len = 524288
}
log_level = "INFO"
log_rotate_duration = "24h"
max_query_time = "600s"
peering { enabled = true }
performance {
  leave_drain_time = "5s"
  raft_multiplier = 5
  rpc_hold_timeout = "7s"
  grpc_keepalive_interval = "30s"
  grpc_keepalive_timeout = "20s"
  enable_xds_load_balancing = true
}
ports {
  dns = 8600
  http = 8500
  https = -1
  grpc = -1
  serf_lan = 8301
  serf_wan = 8302
  server = 8300
  sidecar_min_port = 21000
  sidecar_max_port = 21255
  expose_min_port = 21500
  expose_max_port = 21755
  proxy_min_port = 20000
  proxy_max_port = 20255
}
primary_gateways_interval = "30s"
protocol = 2
raft_protocol = 3
raft_logstore { backend = "default" wal { segment_size_mb = 64 } }
raft_snapshot_interval = "30s"
raft_snapshot_threshold = 16384
raft_trailing_logs = 10000
reconnect_timeout = "72h"
reconnect_timeout_wan = "72h"
retry_interval = "30s"
retry_interval_wan = "30s"
server = false
server_rejoin_age_max = "168h"
syslog_facility = "LOCAL0"
telemetry { metrics_prefix = "consul" filter_default = true prefix_filter = [] retry_failed_connection = true }
ui_config { content_path = "/ui/" }
use_streaming_backend = true
xds { update_max_per_second = 250 }
"#;

/// Source 2: what `-dev` changes (`spec/agent-config.md` 4.1).
pub const DEV_DEFAULTS: &str = r#"
bind_addr = "127.0.0.1"
connect { enabled = true }
disable_anonymous_signature = true
disable_keyring_file = true
disable_update_check = true
enable_debug = true
gossip_lan { gossip_interval = "100ms" probe_interval = "100ms" probe_timeout = "100ms" suspicion_mult = 3 }
gossip_wan { gossip_interval = "100ms" probe_interval = "100ms" probe_timeout = "100ms" suspicion_mult = 3 }
log_level = "DEBUG"
peering { enabled = true }
performance { raft_multiplier = 1 }
ports { grpc = 8502 grpc_tls = 8503 }
server = true
ui_config { enabled = true }
"#;
