//! Sources to configurations: values, merge order, every refusal and every warning with its text.

use super::*;
use crate::types::GoDuration;
use std::fs;

/// Loads one text with a data directory in front.
fn load_text(text: &str, format: Format) -> Result<Loaded, ConfigError> {
    let dir = tempfile::tempdir().expect("a directory");
    let name = if format == Format::Hcl { "t.hcl" } else { "t.json" };
    let path = dir.path().join(name);
    fs::write(&path, text).expect("written");
    let hcl = vec!["bind_addr = \"127.0.0.1\"".to_string()];
    let needs_bind = !text.contains("bind_addr");
    let result = load(&Load { files: vec![path], hcl: if needs_bind { hcl } else { Vec::new() }, ..Load::default() });
    let place = dir.path().display().to_string() + "/";
    result.map_err(|error| ConfigError(error.0.replace(&place, "")))
}

fn loaded(text: &str) -> Loaded {
    load_text(&format!("data_dir = \"/nowhere/tribune\"\n{text}"), Format::Hcl)
        .unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn config(text: &str) -> RuntimeConfig {
    loaded(text).config
}

/// The sample of issue 2.
const SAMPLE: &str = r#"
node_name = "192.168.1.164"
server = true
bootstrap = true
ui_config { enabled = true }
datacenter = "beijing-c"
data_dir = "/data01/consul"
log_level = "INFO"
log_file = "/opt/soft/consul/log/"
addresses { http = "0.0.0.0" }
client_addr = "0.0.0.0"
bind_addr = "192.168.1.164"
connect { enabled = true }
leave_on_terminate = true
"#;

#[test]
fn the_sample_file_loads_as_it_stands() {
    let Loaded { config, warnings } = load_text(SAMPLE, Format::Hcl).expect("a valid file");
    assert_eq!(config.node_name, "192.168.1.164");
    assert!(config.server && config.bootstrap && config.ui_config.enabled && config.leave_on_terminate);
    assert_eq!(config.datacenter, "beijing-c");
    assert_eq!(config.data_dir.as_deref(), Some(Path::new("/data01/consul")));
    assert_eq!(config.http_addrs, [ListenAddr::Ip("0.0.0.0:8500".parse().expect("an address"))]);
    assert_eq!(config.dns_addrs, ["0.0.0.0:8600".parse().expect("an address")]);
    assert_eq!(config.tagged_addresses["lan_ipv4"], "192.168.1.164");
    assert_eq!(
        warnings,
        [
            "Node name \"192.168.1.164\" will not be discoverable via DNS due to invalid characters. Valid characters include \
             all alpha-numerics and dashes.",
            "bootstrap = true: do not enable unless necessary",
        ]
    );
}

#[test]
fn defaults_and_dev_defaults_are_those_of_the_sheet() {
    let plain = config("");
    assert_eq!((plain.ports.dns, plain.ports.http, plain.ports.https, plain.ports.grpc_tls), (8600, 8500, -1, -1));
    assert_eq!((plain.domain.as_str(), plain.datacenter.as_str()), ("consul.", "dc1"));
    assert_eq!(plain.max_query_time, GoDuration::secs(600));
    assert_eq!(plain.performance.raft_election_timeout, GoDuration::secs(5));
    assert!(plain.leave_on_terminate && !plain.skip_leave_on_interrupt && !plain.server);
    assert_eq!(plain.dns_config.udp_answer_limit, 3);
    assert_eq!(config("server = true").ports.grpc_tls, 8503);

    let dev = RuntimeConfig::dev();
    assert!(dev.dev_mode && dev.server && dev.ui_config.enabled && dev.enable_debug && dev.disable_keyring_file);
    assert_eq!((dev.ports.grpc, dev.ports.grpc_tls), (8502, 8503));
    assert_eq!(dev.bind_addr, "127.0.0.1".parse().ok());
    assert_eq!((dev.log.log_level.as_str(), dev.data_dir), ("DEBUG", None));
    assert_eq!(dev.performance.raft_election_timeout, GoDuration::millis(52));
    assert!(!dev.leave_on_terminate && dev.skip_leave_on_interrupt && !dev.bootstrap);
}

#[test]
fn later_sources_win_lists_append_and_list_flags_come_first() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(
        dir.path().join("b.hcl"),
        "node_name = \"b\" node_meta { x = \"b\" y = \"b\" } recursors = [\"10.0.0.2\"]",
    )
    .expect("written");
    fs::write(dir.path().join("a.json"), "{\"node_name\": \"a\", \"node_meta\": {\"x\": \"a\", \"z\": \"a\"}, \"recursors\": [\"10.0.0.1\"], \"ports\": {\"http\": 1}}")
        .expect("written");
    fs::write(dir.path().join("c.txt"), "nonsense").expect("written");
    fs::write(dir.path().join("d.hcl"), " \n").expect("written");
    fs::create_dir(dir.path().join("e.hcl")).expect("a directory");
    let flags = serde_json::json!({"recursors": ["10.0.0.3"], "datacenter": "flags", "ports": {"dns": 2}, "node_meta": {"y": "flag"}});
    let load_one = |hcl: &str| {
        load(&Load {
            dev: true,
            files: vec![dir.path().to_path_buf()],
            flags: flags.as_object().expect("an object").clone(),
            hcl: vec![hcl.to_string()],
            ..Load::default()
        })
        .expect("valid")
    };
    let Loaded { config, warnings } = load_one("datacenter = \"frag\"");
    assert_eq!(config.node_name, "b");
    assert_eq!(config.datacenter, "frag");
    assert_eq!(config.recursors, ["10.0.0.3:53", "10.0.0.1:53", "10.0.0.2:53"]);
    let meta: Vec<_> = config.node_meta.iter().map(|(key, value)| format!("{key}={value}")).collect();
    assert_eq!(meta, ["x=b", "y=flag", "z=a"]);
    assert_eq!((config.ports.http, config.ports.dns), (1, 2));
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].ends_with("c.txt, extension must be .hcl or .json, or config format must be set"),
        "{warnings:?}"
    );
}

#[test]
fn services_and_checks_of_all_forms_are_read() {
    let text = r#"
      service { name = "a" port = 1 tags = ["v1"] check { id = "c" http = "http://x" interval = "10s" header { A = ["b"] } } }
      services { name = "b" id = "b1" checks = [{ tcp = "x:1" interval = "5s" timeout = "1s" }, { ttl = "9s" }] token = "t" }
      services { Name = "c" PORT = 7 meta { k = "v" } weights { passing = 3 warning = 2 }
        tagged_addresses { lan { address = "10.0.0.1" port = 80 } } connect { sidecar_service {} } }
      check { name = "mem" ScriptArgs = ["/bin/true"] interval = "1m" DeregisterCriticalServiceAfter = "2m" serviceid = "b1" }
      checks = [{ id = "d", name = "disk", h2ping = "x:1", interval = "30s", failures_before_critical = 4 }]
    "#;
    let config = config(text);
    let names: Vec<_> = config.services.iter().map(|s| (s.service.id.as_str(), s.checks.len())).collect();
    assert_eq!(names, [("b1", 2), ("c", 0), ("a", 1)]);
    let (b, c, a) = (&config.services[0], &config.services[1], &config.services[2]);
    assert_eq!(
        (b.token.as_str(), b.checks[0].timeout, b.checks[1].ttl),
        ("t", GoDuration::secs(1), GoDuration::secs(9))
    );
    assert_eq!(c.service.weights.map(|w| (w.passing, w.warning)), Some((3, 2)));
    assert_eq!(c.service.tagged_addresses.as_ref().map(|map| map["lan"].port), Some(80));
    assert!(c.service.connect.sidecar_service.is_some());
    assert_eq!(a.service.tags.as_deref(), Some(&["v1".to_string()][..]));
    assert_eq!(a.checks[0].header.as_ref().map(|map| map["A"].clone()), Some(vec!["b".to_string()]));
    let (disk, mem) = (&config.checks[0], &config.checks[1]);
    assert_eq!((disk.id.as_str(), disk.check.h2ping_use_tls, disk.check.failures_before_warning), ("d", true, 4));
    assert_eq!((mem.id.as_str(), mem.service_id.as_str()), ("mem", "b1"));
    assert_eq!(mem.check.deregister_critical_service_after, GoDuration::secs(120));
}

#[test]
fn a_nested_sidecar_has_the_names_of_the_api() {
    let config = config(
        "service { name = \"a\" port = 1 connect { sidecar_service { port = 2 tagged_addresses { lan_ipv4 { address = \"10.0.0.1\" } }
         check { id = \"c\" tcp = \"x:1\" interval = \"10s\" } proxy { local_service_port = 3 config { max_connections = 5 } } } } }",
    );
    let sidecar = config.services[0].service.connect.sidecar_service.as_deref().expect("given");
    assert_eq!(sidecar["Port"], 2);
    assert_eq!(sidecar["TaggedAddresses"]["lan_ipv4"]["Address"], "10.0.0.1");
    assert_eq!((&sidecar["Check"]["CheckID"], &sidecar["Check"]["TCP"]), (&"c".into(), &"x:1".into()));
    assert_eq!(sidecar["Check"]["Interval"], 10_000_000_000_i64);
    assert_eq!(sidecar["Proxy"]["LocalServicePort"], 3);
    assert_eq!(sidecar["Proxy"]["Config"]["max_connections"], 5);
}

#[test]
fn json_and_hcl_of_the_same_services_are_equal() {
    let dir = tempfile::tempdir().expect("a directory");
    let hcl = r#"service { name = "redis01" address = "127.0.0.1" port = 6379 tags = ["primary"]
      checks = [{ id = "redis", name = "Redis TCP on port 6379", tcp = "127.0.0.1:63790", interval = "10s", timeout = "1s" }] }"#;
    let json = r#"{"service": {"name": "redis01", "address": "127.0.0.1", "port": 6379, "tags": ["primary"],
      "checks": [{"id": "redis", "name": "Redis TCP on port 6379", "tcp": "127.0.0.1:63790", "interval": "10s", "timeout": "1s"}]}}"#;
    let file = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::write(&path, text).expect("written");
        service_file(&path).expect("a valid file")
    };
    let services = file("a.hcl", hcl);
    assert_eq!(services, file("a.json", json));
    assert_eq!((services.len(), services[0].service.port), (1, 6379));
}

/// Text and the error that refuses it; each text has a data directory.
const ERRORS: &[(&str, &str)] = &[
    (
        "server = \"true\"",
        "failed to parse t.hcl: 1 error(s) decoding:\n\n* 'server' expected type 'bool', got unconvertible type 'string'",
    ),
    (
        "ports { dns = \"8600\" }",
        "failed to parse t.hcl: 1 error(s) decoding:\n\n* 'ports.dns' expected type 'int', got unconvertible type 'string'",
    ),
    ("ports = 3", "failed to parse t.hcl: 1 error(s) decoding:\n\n* 'ports' expected a map, got 'int'"),
    (
        "retry_join = \"x\"",
        "failed to parse t.hcl: 1 error(s) decoding:\n\n* 'retry_join': source data must be an array or slice, got string",
    ),
    (
        "retry_join = [1]",
        "failed to parse t.hcl: 1 error(s) decoding:\n\n* 'retry_join[0]' expected type 'string', got unconvertible type 'int'",
    ),
    (
        "node_meta { a = 1 }",
        "failed to parse t.hcl: 1 error(s) decoding:\n\n* 'node_meta[a]' expected type 'string', got unconvertible type 'int'",
    ),
    (
        "service { name = \"a\" }\nservice { name = \"b\" }",
        "failed to parse t.hcl: 1 error(s) decoding:\n\n* 'service' expected a map, got 'slice'",
    ),
    (
        "service { name = \"x\" check { args = \"x\" } }",
        "failed to parse t.hcl: 1 error(s) decoding:\n\n* 'service.check.args': source data must be an array or slice, got string",
    ),
    (
        "service { name = \"x\" check { header = { a = \"x\" } } }",
        "failed to parse t.hcl: 1 error(s) decoding:\n\n* 'service.check.header[a]': source data must be an array or slice, got string",
    ),
    (
        "dns_config { soa { refresh = -1 } }",
        "failed to parse t.hcl: 1 error(s) decoding:\n\n* cannot parse 'dns_config.soa.refresh', -1 overflows uint",
    ),
    (
        "bogus = 1\nports { zz = 1 }",
        "failed to parse t.hcl: 2 errors occurred:\n\t* invalid config key ports.zz\n\t* invalid config key bogus\n\n",
    ),
    ("NodeName = \"x\"", "failed to parse t.hcl: 1 error occurred:\n\t* invalid config key NodeName\n\n"),
    (
        "service { name = \"a\" EnableTagOverride = true }",
        "failed to parse t.hcl: 1 error occurred:\n\t* invalid config key service.EnableTagOverride\n\n",
    ),
    ("a = [1", "failed to parse t.hcl: At 2:9: error parsing list, expected comma or list end, got: EOF"),
    (
        "check_update_interval = \"abc\"",
        "1 error occurred:\n\t* check_update_interval: invalid duration: \"abc\": time: invalid duration \"abc\"\n\n",
    ),
    (
        "reconnect_timeout = \"10\"",
        "1 error occurred:\n\t* reconnect_timeout: invalid duration: \"10\": time: missing unit in duration \"10\"\n\n",
    ),
    (
        "server_rejoin_age_max = \"1h\"",
        "1 error occurred:\n\t* server_rejoin_age_max: duration '1h' cannot be less than: 6h0m0s\n\n",
    ),
    (
        "service { name = \"x\" check { id = \"c\" http = \"x\" interval = \"abc\" } }",
        "1 error occurred:\n\t* check[c].interval: invalid duration: \"abc\": time: invalid duration \"abc\"\n\n",
    ),
    ("ports { http = 70000 }", "1 error occurred:\n\t* ports.http: invalid port: 70000\n\n"),
    ("ports { http = 70000 }\nbootstrap = true", "'bootstrap = true' requires 'server = true'"),
    ("bind_addr = \"foo\"", "bind_addr cannot be empty"),
    ("bind_addr = \"\"", "bind_addr cannot be empty"),
    (
        "bind_addr = \"10.0.0.1 10.0.0.2\"",
        "bind_addr cannot contain multiple addresses. Use 'addresses.{dns,http,https}' instead.",
    ),
    ("bind_addr = \"unix:///x\"", "bind_addr cannot be a unix socket"),
    (
        "advertise_addr = \"foo\"",
        "2 errors occurred:\n\t* advertise_addr: invalid ip address: foo\n\t* advertise_addr: invalid ip address: foo\n\n",
    ),
    (
        "advertise_addr = \"10.0.0.1 10.0.0.2\"",
        "2 errors occurred:\n\t* advertise_addr: multiple addresses found: 10.0.0.1 10.0.0.2\n\t* advertise_addr: multiple addresses found: 10.0.0.1 10.0.0.2\n\n",
    ),
    (
        "advertise_addr = \"unix:///x\"",
        "2 errors occurred:\n\t* advertise_addr cannot be a unix socket\n\t* advertise_addr cannot be a unix socket\n\n",
    ),
    ("advertise_addr = \"0.0.0.0\"", "Advertise address cannot be 0.0.0.0, :: or [::]"),
    ("advertise_addr_wan = \"::\"", "Advertise WAN address cannot be 0.0.0.0, :: or [::]"),
    ("advertise_addr_ipv4 = \"::1\"", "advertise_addr_ipv4 must be an ipv4 address"),
    ("advertise_addr_wan_ipv6 = \"127.0.0.1\"", "advertise_addr_wan_ipv6 must be an ipv6 address"),
    ("client_addr = \"127.0.0.1 bar\"", "1 error occurred:\n\t* client_addr: invalid ip address: bar\n\n"),
    ("addresses { http = \"127.0.0.1 foo\" }", "1 error occurred:\n\t* addresses.http: invalid ip address: foo\n\n"),
    ("addresses { dns = \"unix:///x\" }", "DNS address cannot be a unix socket"),
    (
        "serf_lan = \"foo\"\nserf_wan = \"bar\"",
        "2 errors occurred:\n\t* serf_lan: invalid ip address: foo\n\t* serf_wan: invalid ip address: bar\n\n",
    ),
    ("recursors = [\"8.8.8.8\", \"0.0.0.0\"]", "DNS recursor address cannot be 0.0.0.0, :: or [::]"),
    ("recursors = [\"unix://x\"]", "DNS Recursors cannot be unix sockets: unix://x"),
    ("recursors = [\"a:b\"]", "Invalid recursor address: a:b"),
    ("ports { dns = 8500 }", "HTTP address 127.0.0.1:8500 already configured for DNS"),
    ("ports { server = 8500 }\nserver = true", "RPC Advertise address 127.0.0.1:8500 already configured for HTTP"),
    ("ports { serf_lan = -1 }", "serf-lan-port must be greater than zero"),
    ("ports { server = 0 }", "server-port must be greater than zero"),
    (
        "ports { sidecar_min_port = 10 sidecar_max_port = 9 }",
        "sidecar_min_port must be less than sidecar_max_port. To disable, set both to zero.",
    ),
    ("bootstrap = true", "'bootstrap = true' requires 'server = true'"),
    ("bootstrap_expect = 3", "'bootstrap_expect > 0' requires 'server = true'"),
    ("bootstrap_expect = -1", "bootstrap_expect cannot be -1. Must be greater than or equal to zero"),
    (
        "server = true\nbootstrap = true\nbootstrap_expect = 3",
        "'bootstrap_expect > 0' and 'bootstrap = true' are mutually exclusive",
    ),
    ("advertise_reconnect_timeout = \"1s\"\nserver = true", "advertise_reconnect_timeout can only be used on a client"),
    ("primary_gateways = [\"a\"]", "'primary_gateways' requires 'server = true'"),
    (
        "primary_gateways = [\"a\"]\nserver = true",
        "'primary_gateways' should only be configured in a secondary datacenter",
    ),
    ("node_name = \"  \"", "node_name cannot be empty"),
    (
        "datacenter = \"dc.1\"",
        "datacenter can only contain lowercase alphanumeric, - or _ characters. received: \"dc.1\"",
    ),
    (
        "node_meta { \"consul-a\" = \"b\" }",
        "node_meta invalid: Couldn't load metadata pair ('consul-a', 'b'): Key prefix 'consul-' is reserved for internal use",
    ),
    ("encrypt = \"abc\"", "encrypt has invalid key: illegal base64 data at input byte 0"),
    ("encrypt = \"AAAA\"", "encrypt has invalid key: key size must be 16, 24 or 32 bytes"),
    ("alt_domain = \"service.foo\"", "alt_domain cannot start with {service,connect,node,query,addr,dc1}"),
    ("segment = \"x\"", "Network segments are not supported in this version of Consul"),
    ("raft_protocol = 2", "raft_protocol version 2 is not supported by this version of Consul"),
    ("performance { raft_multiplier = 11 }", "performance.raft_multiplier cannot be 11. Must be between 1 and 10"),
    ("raft_logstore { backend = \"x\" }", "raft_logstore.backend must be one of 'boltdb' or 'wal'"),
    ("raft_logstore { wal { segment_size_mb = 0 } }", "raft_logstore.wal.segment_size_mb cannot be less than 1MB"),
    ("serf_lan_allowed_cidrs = [\"x\"]", "serf_lan_allowed_cidrs: 1 error occurred:\n\t* invalid cidr: x\n\n"),
    (
        "http_config { allow_write_http_from = [\"x\"] }",
        "1 error occurred:\n\t* allow_write_http_from: invalid cidr: x\n\n",
    ),
    (
        "dns_config { udp_answer_limit = -1 }",
        "dns_config.udp_answer_limit cannot be -1. Must be greater than or equal to zero",
    ),
    ("dns_config { recursor_strategy = \"x\" }", "dns_config.recursor_strategy: invalid strategy: \"x\""),
    (
        "check_output_max_size = 0",
        "check_output_max_size must be positive, to discard check output use the discard_check_output flag",
    ),
    (
        "autopilot { max_trailing_logs = -1 }",
        "autopilot.max_trailing_logs cannot be -1. Must be greater than or equal to zero",
    ),
    (
        "ui_config { content_path = \"/a b/\" }",
        "ui-content-path can only contain alphanumeric, -, _, or /. received: \"/a b/\"",
    ),
    ("ui_config { content_path = \"/v1/\" }", "ui-content-path cannot have 'v[0-9]'. received: \"/v1/\""),
    ("connect { ca_provider = \"x\" }", "x is not a valid CA provider"),
    ("locality { zone = \"z\" }", "locality is invalid: zone cannot be set without region"),
    ("limits { request_limits { mode = \"x\" } }", "limits.request_limits.mode: invalid mode: \"x\""),
    ("cache { entry_fetch_rate = 0 }", "cache.entry_fetch_rate must be strictly positive, was: 0"),
    ("tls { grpc { verify_outgoing = true } }", "verify_outgoing is not valid in the tls.grpc stanza"),
    (
        "tls { https { verify_server_hostname = true } }",
        "verify_server_hostname is only valid in the tls.defaults and tls.internal_rpc stanzas",
    ),
    ("tls { https { use_auto_cert = true } }", "use_auto_cert is only valid in the tls.grpc stanza"),
    ("auto_encrypt { tls = true }\nserver = true", "auto_encrypt.tls can only be used on a client."),
    ("auto_encrypt { allow_tls = true }", "auto_encrypt.allow_tls can only be used on a server."),
    (
        "auto_config { enabled = true }",
        "auto_config.enabled cannot be set without configuring TLS for server communications",
    ),
    ("service { port = 1 }", "service \"\": Service name missing"),
    (
        "service { name = \"a\" meta { \"consul-x\" = \"y\" } }",
        "1 error occurred:\n\t* invalid meta for service a: Couldn't load metadata pair ('consul-x', 'y'): Key prefix 'consul-' is reserved for internal use\n\n",
    ),
    (
        "service { name = \"a\" weights { passing = 0 } }",
        "1 error occurred:\n\t* Invalid weight definition for service a: Passing must be greater than 0\n\n",
    ),
    (
        "service { name = \"a\" connect { sidecar_service { id = \"x\" } } }",
        "1 error occurred:\n\t* sidecar_service can't specify an ID\n\n",
    ),
    (
        "service { name = \"a\" check { interval = \"10s\" ttl = \"10s\" } }",
        "service \"a\": check \"\": Interval and TTL cannot both be specified",
    ),
    (
        "check { name = \"x\" http = \"y\" }",
        "check \"x\": Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks",
    ),
    (
        "watches = [{ type = \"connect_leaf\" args = [\"x\"] }]",
        "Watch type connect_leaf is not allowed in agent config",
    ),
    ("watches = [{ type = \"key\" key = \"k\" handler_type = \"x\" }]", "Handler type 'x' not recognized"),
    (
        "ports { http = -1 }\nwatches = [{ type = \"key\" key = \"k\" args = [\"x\"] }]",
        "watch plans require an HTTP or HTTPS endpoint",
    ),
];

#[test]
fn refusals_have_the_words_of_the_reference() {
    let wrong: Vec<String> = ERRORS
        .iter()
        .filter_map(|(text, expected)| {
            let result = load_text(&format!("data_dir = \"/nowhere/tribune\"\n{text}"), Format::Hcl);
            let got = result.map_or_else(|error| error.0, |_| "valid".to_string());
            (got != *expected).then(|| format!("{text}\n  expected {expected:?}\n  got      {got:?}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn json_errors_have_gos_words_and_a_place() {
    let cases = [
        (
            "{\n bad}",
            "failed to parse t.json: invalid character 'b' looking for beginning of object key string (at 2:2)",
        ),
        ("{\"a\" 1}", "failed to parse t.json: invalid character '1' after object key (at 1:6)"),
        ("{\"a\":1 \"b\"}", "failed to parse t.json: invalid character '\"' after object key:value pair (at 1:8)"),
        ("{\"a\":[1 2]}", "failed to parse t.json: invalid character '2' after array element (at 1:9)"),
        ("{\"a\":", "failed to parse t.json: unexpected end of JSON input (at 1:6)"),
        ("{\"a\":tru}", "failed to parse t.json: invalid character '}' in literal true (expecting 'e') (at 1:9)"),
        ("{} x", "failed to parse t.json: invalid character 'x' after top-level value (at 1:4)"),
        ("[1]", "failed to parse t.json: json: cannot unmarshal array into Go value of type map[string]interface {}"),
        (
            "{\"services\": {\"name\": \"x\"}}",
            "failed to parse t.json: 1 error(s) decoding:\n\n* 'services': source data must be an array or slice, got map",
        ),
        ("{\"node_name\": null}", "data_dir cannot be empty"),
    ];
    for (text, expected) in cases {
        assert_eq!(load_text(text, Format::Json).expect_err(text).0, expected, "{text}");
    }
}

#[test]
fn paths_that_cannot_be_read_are_named() {
    let error = |load_: Load| load(&load_).expect_err("refused").0;
    let of = |path: &Path| Load { files: vec![path.to_path_buf()], ..Load::default() };
    assert_eq!(
        error(of(Path::new("/nowhere/x.hcl"))),
        "config: Open failed on /nowhere/x.hcl. open /nowhere/x.hcl: no such file or directory"
    );
    let dir = tempfile::tempdir().expect("a directory");
    let text = dir.path().join("a.txt");
    fs::write(&text, "data_dir = \"/nowhere\"").expect("written");
    assert_eq!(
        error(of(&text)),
        format!("file {} has unknown extension; must be .hcl or .json, or config format must be set", text.display())
    );
    let forced = Load { config_format: Some(Format::Hcl), ..of(&text) };
    load(&Load { hcl: vec!["bind_addr = \"127.0.0.1\"".to_string()], ..forced }).expect("valid with a forced format");
    let no_dir = format!("data_dir = {:?}", text.display().to_string());
    assert_eq!(
        error(Load { hcl: vec![no_dir, "bind_addr = \"127.0.0.1\"".to_string()], ..Load::default() }),
        format!("data_dir {:?} is not a directory", text.display().to_string())
    );
    assert_eq!(
        error(Load { hcl: vec!["bogus = 1".to_string()], ..Load::default() }),
        "failed to parse flags-0.hcl: 1 error occurred:\n\t* invalid config key bogus\n\n"
    );
    let expect = Load { dev: true, hcl: vec!["bootstrap_expect = 3".to_string()], ..Load::default() };
    assert_eq!(error(expect), "'bootstrap_expect > 0' not allowed in dev mode");
}

#[test]
fn warnings_have_the_words_of_the_reference() {
    let deprecated = |old: &str, new: &str| format!("The '{old}' field is deprecated. Use the '{new}' field instead.");
    let cases = [
        ("ui = true", deprecated("ui", "ui_config.enabled")),
        ("start_join = [\"a\"]", deprecated("start_join", "retry_join")),
        ("acl_datacenter = \"x\"", deprecated("acl_datacenter", "primary_datacenter")),
        ("acl { tokens { master = \"x\" } }", deprecated("acl.tokens.master", "acl.tokens.initial_management")),
        ("acl_enforce_version_8 = true", "config key \"acl_enforce_version_8\" is deprecated and should be removed".to_string()),
        ("tls_prefer_server_cipher_suites = true", "The 'tls_prefer_server_cipher_suites' field is deprecated and will be ignored.".to_string()),
        ("read_replica = true", "\"read_replica (or the deprecated non_voting_server)\" is a Consul Enterprise configuration and will have no effect".to_string()),
        ("client_addr = \"\"", "client_addr is empty, client services (DNS, HTTP, HTTPS, GRPC) will not be listening for connections".to_string()),
        ("server = true\nbootstrap_expect = 3", "bootstrap_expect > 0: expecting 3 servers".to_string()),
        ("server = true\nbootstrap_expect = 1", "BootstrapExpect is set to 1; this is the same as Bootstrap mode.".to_string()),
        ("telemetry { prefix_filter = [\"x\"] }", "Filter rule must begin with either '+' or '-': \"x\"".to_string()),
        ("datacenter = \"dc_1\"", "Datacenter : \"dc_1\" will not be PKI X.509 compatible due to invalid characters. Valid characters include lowercase alphanumeric characters with dashes in between.".to_string()),
        ("rpc { enable_streaming = true }", "rpc.enable_streaming = true has no effect when not running in server mode".to_string()),
    ];
    for (text, warning) in cases {
        let warnings = loaded(text).warnings;
        assert!(warnings.contains(&warning), "{text}: {warnings:?}");
    }
}

#[test]
fn deprecated_keys_move_to_their_new_places() {
    let config = config(
        "acl_token = \"t\" acl_replication_token = \"r\" acl_datacenter = \"P\" ui = true start_join = [\"a\"] retry_join = [\"b\"]
         verify_incoming = true tls_min_version = \"tls12\" ca_file = \"ca\" acl { tokens { agent_master = \"m\" default = \"new\" } }",
    );
    assert_eq!(config.acl.tokens.default, "new");
    assert_eq!((config.acl.tokens.replication.as_str(), config.acl.enable_token_replication), ("r", true));
    assert_eq!((config.primary_datacenter.as_str(), config.acl.enabled), ("p", true));
    assert_eq!(config.acl.tokens.agent_recovery, "m");
    assert!(config.ui_config.enabled);
    assert_eq!(config.join.retry_join, ["b", "a"]);
    assert!(
        config.tls.internal_rpc.verify_incoming && config.tls.https.verify_incoming && !config.tls.grpc.verify_incoming
    );
    assert_eq!((config.tls.https.tls_min_version.as_str(), config.tls.https.ca_file.as_str()), ("TLSv1_2", "ca"));
}

#[test]
fn a_reload_changes_reloadable_values_only() {
    let old = config("node_name = \"a\" log_level = \"INFO\" ports { http = 1 } dns_config { only_passing = false }");
    let new = config(
        "node_name = \"b\" log_level = \"DEBUG\" ports { http = 2 } dns_config { only_passing = true } service { name = \"s\" }",
    );
    let next = old.reloaded(&new);
    assert_eq!((next.node_name.as_str(), next.ports.http), ("a", 1));
    assert_eq!((next.log.log_level.as_str(), next.dns_config.only_passing, next.services.len()), ("DEBUG", true, 1));
}

#[test]
fn listeners_follow_client_addr_unless_they_have_their_own() {
    let config = config(
        "client_addr = \"127.0.0.1 127.0.0.2\" addresses { http = \"unix:///x.sock 127.0.0.3\" } ports { dns = -1 }",
    );
    let http: Vec<String> = config.http_addrs.iter().map(ToString::to_string).collect();
    assert_eq!(http, ["/x.sock", "127.0.0.3:8500"]);
    assert_eq!(config.client_addrs, ["127.0.0.1", "127.0.0.2"]);
    assert!(config.dns_addrs.is_empty() && config.https_addrs.is_empty());
}

#[test]
fn service_ttls_prefer_the_exact_name_then_the_longest_prefix() {
    let config = config("dns_config { service_ttl { \"*\" = \"5s\" \"we*\" = \"10s\" web = \"30s\" } }");
    let ttls: Vec<u32> = ["web", "webapp", "db"].iter().map(|name| config.dns_config.ttl_of(name)).collect();
    assert_eq!(ttls, [30, 10, 5]);
}

#[test]
fn networks_contain_their_addresses() {
    let network: Cidr = "10.1.0.0/16".parse().expect("a network");
    assert!(network.contains("10.1.2.3".parse().expect("an address")));
    assert!(network.contains("::ffff:10.1.2.3".parse().expect("an address")));
    assert!(!network.contains("10.2.0.1".parse().expect("an address")));
    assert_eq!("10.0.0.0/33".parse::<Cidr>().expect_err("too long"), "invalid CIDR address: 10.0.0.0/33");
}
