# a server
datacenter = "dc1"
node_name = "srv1"
server = true
bootstrap_expect = 3
data_dir = "/opt/consul"
bind_addr = "127.0.0.1"
client_addr = "127.0.0.1 ::1"
advertise_addr = "{{ GetInterfaceIP \"lo\" }}"
retry_join = ["10.0.0.1", "10.0.0.2:8301"]
log_level = "INFO"
encrypt = "pUqJrVyVRj5jsiYEkM/tFQYfWyJIv4s3XkvDwy7Cu5s="
ports { http = 8500, dns = 8600, grpc = -1 }
performance { raft_multiplier = 1 }
autopilot { cleanup_dead_servers = true, last_contact_threshold = "200ms" }
limits { http_max_conns_per_client = 200, rpc_rate = 100.5 }
telemetry { prometheus_retention_time = "30s", statsd_address = "127.0.0.1:8125" }
acl { enabled = false, tokens { agent = "secret" } }
tls { defaults { verify_incoming = false, tls_min_version = "TLSv1_2" } }
# ----
service {
  name = "web"
  id = "web-1"
  port = 80
  tags = ["a", "b"]
  meta { version = "1" }
  weights { passing = 2, warning = 1 }
  check { id = "http", http = "http://127.0.0.1/", interval = "10s", timeout = "1s", header { Host = ["x"] } }
  checks = [{ args = ["/bin/true"], interval = "30s" }, { ttl = "15s", status = "passing" }]
  connect { sidecar_service { proxy { upstreams = [{ destination_name = "db", local_bind_port = 9191 }] } } }
}
# ----
services = [{ name = "a" }, { name = "b", port = 0x10 }]
check = { name = "disk", alias_service = "a" }
watches = [{ type = "key", key = "x", handler_type = "script", args = ["/bin/cat"] }]
# ----
"quoted key" = <<EOF
heredoc
EOF
node_meta { "a-b" = "c" } dns_config { service_ttl { "*" = "5s" } only_passing = true, a_record_limit = 3 }
recursors = ["8.8.8.8"]
// comment
/* another */ domain = "consul."
skip_leave_on_interrupt = true
reconnect_timeout = "8h"
cache { entry_fetch_rate = 1.5, entry_fetch_max_burst = 2 }
http_config { response_headers { "X-A" = "b" }, allow_write_http_from = ["127.0.0.0/8"], block_endpoints = ["/v1/kv"] }
