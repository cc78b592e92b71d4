//! Rules over the whole configuration, each with the reference's text, and the warnings (`spec/agent-config.md` 2-4, 7).

use super::definition;
use super::reader::Reader;
use super::{ConfigError, RuntimeConfig, decode};
use crate::tls::settings as tls;
use crate::types::validate;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::HashMap;
use std::net::SocketAddr;

type Outcome = Result<(), ConfigError>;

fn fail(text: impl Into<String>) -> Outcome {
    Err(ConfigError(text.into()))
}

/// What a rule looks at.
struct Case<'a> {
    config: &'a RuntimeConfig,
    r: &'a Reader<'a>,
}

/// The rules in the order in which they are reported.
const RULES: [fn(&Case<'_>) -> Outcome; 14] = [
    names,
    limits,
    audit,
    ui,
    data_dir,
    advertise,
    alt_domain,
    bootstrap,
    numbers,
    encryption,
    collisions,
    required_ports,
    tls_blocks,
    features,
];

/// Checks all rules, then reports the errors of single values, then checks services and checks; adds the warnings.
pub fn check(config: &RuntimeConfig, r: &Reader<'_>, errors: Vec<String>, warnings: &mut Vec<String>) -> Outcome {
    let case = Case { config, r };
    RULES.iter().try_for_each(|rule| rule(&case))?;
    if !errors.is_empty() {
        return fail(decode::error_list(errors));
    }
    definitions(&case)?;
    add_warnings(&case, warnings);
    Ok(())
}

fn names(case: &Case<'_>) -> Outcome {
    let config = case.config;
    if config.node_name.is_empty() {
        return fail("node_name cannot be empty");
    }
    for (key, value) in [("datacenter", &config.datacenter), ("primary_datacenter", &config.primary_datacenter)] {
        if value.is_empty() {
            return fail(format!("{key} cannot be empty"));
        }
        if !value.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_')) {
            return fail(format!(
                "{key} can only contain lowercase alphanumeric, - or _ characters. received: {value:?}"
            ));
        }
    }
    if let Some(why) = validate::meta_error(&config.node_meta, false, "") {
        return fail(format!("node_meta invalid: {why}"));
    }
    if config.locality.as_ref().is_some_and(|place| place.region.is_empty() && !place.zone.is_empty()) {
        return fail("locality is invalid: zone cannot be set without region");
    }
    Ok(())
}

fn limits(case: &Case<'_>) -> Outcome {
    let r = case.r;
    let trailing = r.int("autopilot.max_trailing_logs");
    if trailing < 0 {
        return fail(format!(
            "autopilot.max_trailing_logs cannot be {trailing}. Must be greater than or equal to zero"
        ));
    }
    let connections = r.int("limits.http_max_conns_per_client");
    if let Ok((_, maximum)) = nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE) {
        let needed = u64::try_from(connections).unwrap_or(0) + 20;
        if connections > 0 && needed > maximum {
            return fail(format!(
                "system allows a max of {maximum} file descriptors, but limits.http_max_conns_per_client: {connections} \
                 needs at least {needed}"
            ));
        }
    }
    let mode = &case.config.limits.request_limits_mode;
    if !matches!(mode.as_str(), "" | "disabled" | "permissive" | "enforcing") {
        return fail(format!("limits.request_limits.mode: invalid mode: {mode:?}"));
    }
    if r.is_set("cache.entry_fetch_rate") && r.float("cache.entry_fetch_rate") <= 0.0 {
        let rate = r.float("cache.entry_fetch_rate");
        return fail(format!("cache.entry_fetch_rate must be strictly positive, was: {rate}"));
    }
    if r.int("cache.entry_fetch_max_burst") <= 0 {
        let burst = r.int("cache.entry_fetch_max_burst");
        return fail(format!("cache.entry_fetch_max_burst must be strictly positive, was: {burst}"));
    }
    Ok(())
}

/// The audit log is not started by halves: what cannot be done is refused.
fn audit(case: &Case<'_>) -> Outcome {
    const KNOWN: [(&str, &str); 3] = [("type", "file"), ("format", "json"), ("delivery_guarantee", "best-effort")];
    let sinks = case.r.object("audit.sink");
    if case.r.bool("audit.enabled") && sinks.is_empty() {
        return fail("audit.enabled needs at least one sink");
    }
    for (name, sink) in &sinks {
        let Some(tree) = sink.as_object() else { continue };
        let inner = Reader::new(tree);
        for (key, known) in KNOWN {
            let value = inner.text(key);
            if value != known && (inner.is_set(key) || key == "type") {
                return fail(format!("audit.sink[{name:?}].{key}: invalid value {value:?}, it can only be {known:?}"));
            }
        }
        if inner.text("path").is_empty() {
            return fail(format!("audit.sink[{name:?}].path cannot be empty"));
        }
        let mode = inner.text("mode");
        let digits = mode.chars().all(|digit| digit.is_digit(8));
        if inner.is_set("mode") && !(digits && u32::from_str_radix(&mode, 8).is_ok_and(|mode| mode <= 0o777)) {
            return fail(format!("audit.sink[{name:?}].mode: invalid file mode {mode:?}"));
        }
    }
    Ok(())
}

fn ui(case: &Case<'_>) -> Outcome {
    let path = case.r.text("ui_config.content_path");
    if !path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '/')) {
        return fail(format!("ui-content-path can only contain alphanumeric, -, _, or /. received: {path:?}"));
    }
    let bytes = path.as_bytes();
    if bytes.windows(2).any(|pair| pair[0] == b'v' && pair[1].is_ascii_digit()) {
        return fail(format!("ui-content-path cannot have 'v[0-9]'. received: {path:?}"));
    }
    let ui = &case.config.ui_config;
    if ui.enabled && !ui.dir.is_empty() {
        return fail(
            "Both the ui_config.enabled and ui_config.dir (or -ui and -ui-dir) were specified, please provide only one.\n\
             If trying to use your own web UI resources, use ui_config.dir or the -ui-dir flag.\n\
             The web UI is included in the binary so use ui_config.enabled or the -ui flag to enable it",
        );
    }
    let provider = &ui.metrics_provider;
    if !provider.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_')) {
        return fail(format!(
            "ui_config.metrics_provider can only contain lowercase alphanumeric, - or _ characters. received: {provider:?}"
        ));
    }
    let options = &ui.metrics_provider_options_json;
    if !options.is_empty() && !serde_json::from_str::<serde_json::Value>(options).is_ok_and(|value| value.is_object()) {
        return fail(format!(
            "ui_config.metrics_provider_options_json must be empty or a string containing a valid JSON object. received: \
             {options:?}"
        ));
    }
    Ok(())
}

fn data_dir(case: &Case<'_>) -> Outcome {
    if case.config.dev_mode {
        return Ok(());
    }
    let Some(path) = &case.config.data_dir else { return fail("data_dir cannot be empty") };
    match std::fs::metadata(path) {
        Ok(metadata) if !metadata.is_dir() => {
            fail(format!("data_dir {:?} is not a directory", path.display().to_string()))
        }
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            fail(format!("Error getting info on data_dir: stat {}: {}", path.display(), super::source::reason(&error)))
        }
        _ => Ok(()),
    }
}

fn advertise(case: &Case<'_>) -> Outcome {
    let config = case.config;
    for (what, ip) in [("Advertise", config.advertise_addr), ("Advertise WAN", config.advertise_addr_wan)] {
        if ip.is_some_and(|ip| ip.is_unspecified()) {
            return fail(format!("{what} address cannot be 0.0.0.0, :: or [::]"));
        }
    }
    Ok(())
}

fn alt_domain(case: &Case<'_>) -> Outcome {
    let first = case.config.alt_domain.split('.').next().unwrap_or_default();
    let dc = &case.config.datacenter;
    if !first.is_empty() && (["service", "connect", "node", "query", "addr"].contains(&first) || first == dc) {
        return fail(format!("alt_domain cannot start with {{service,connect,node,query,addr,{dc}}}"));
    }
    Ok(())
}

fn bootstrap(case: &Case<'_>) -> Outcome {
    let (config, r) = (case.config, case.r);
    // Waiting for one server is the same as bootstrap mode.
    let (alone, expect) = match r.int("bootstrap_expect") {
        1 => (true, 0),
        expect => (r.bool("bootstrap"), expect),
    };
    if alone && !config.server {
        return fail("'bootstrap = true' requires 'server = true'");
    }
    if expect < 0 {
        return fail(format!("bootstrap_expect cannot be {expect}. Must be greater than or equal to zero"));
    }
    if expect > 0 && !config.server {
        return fail("'bootstrap_expect > 0' requires 'server = true'");
    }
    if expect > 0 && config.dev_mode {
        return fail("'bootstrap_expect > 0' not allowed in dev mode");
    }
    if expect > 0 && alone {
        return fail("'bootstrap_expect > 0' and 'bootstrap = true' are mutually exclusive");
    }
    if config.advertise_reconnect_timeout.0 != 0 && config.server {
        return fail("advertise_reconnect_timeout can only be used on a client");
    }
    if !config.join.primary_gateways.is_empty() {
        if !config.server {
            return fail("'primary_gateways' requires 'server = true'");
        }
        if config.primary_datacenter == config.datacenter {
            return fail("'primary_gateways' should only be configured in a secondary datacenter");
        }
    }
    Ok(())
}

fn numbers(case: &Case<'_>) -> Outcome {
    let (config, r) = (case.config, case.r);
    if config.check_output_max_size < 1 {
        return fail(
            "check_output_max_size must be positive, to discard check output use the discard_check_output flag",
        );
    }
    let multiplier = r.int("performance.raft_multiplier");
    if !(1..=10).contains(&multiplier) {
        return fail(format!("performance.raft_multiplier cannot be {multiplier}. Must be between 1 and 10"));
    }
    if config.raft.raft_protocol != 3 {
        let version = config.raft.raft_protocol;
        return fail(format!("raft_protocol version {version} is not supported by this version of Consul"));
    }
    if !matches!(r.text("raft_logstore.backend").as_str(), "default" | "boltdb" | "wal") {
        return fail("raft_logstore.backend must be one of 'boltdb' or 'wal'");
    }
    match r.int("raft_logstore.wal.segment_size_mb") {
        ..=0 => return fail("raft_logstore.wal.segment_size_mb cannot be less than 1MB"),
        1025.. => return fail("raft_logstore.wal.segment_size_mb cannot be greater than 1024MB"),
        _ => {}
    }
    for name in ["proxy", "sidecar", "expose"] {
        let port = |end: &str| r.int(&format!("ports.{name}_{end}_port"));
        if port("max") < port("min") {
            return fail(format!("{name}_min_port must be less than {name}_max_port. To disable, set both to zero."));
        }
    }
    Ok(())
}

fn encryption(case: &Case<'_>) -> Outcome {
    let key = &case.config.encrypt;
    if key.is_empty() {
        return Ok(());
    }
    match STANDARD.decode(key) {
        Err(error) => fail(format!("encrypt has invalid key: {}", crate::types::value::base64_error(&error))),
        Ok(bytes) if !matches!(bytes.len(), 16 | 24 | 32) => {
            fail("encrypt has invalid key: key size must be 16, 24 or 32 bytes")
        }
        Ok(_) => Ok(()),
    }
}

fn collisions(case: &Case<'_>) -> Outcome {
    let config = case.config;
    let mut known: HashMap<String, &str> = HashMap::new();
    let mut claim = |address: String, owner: &'static str| match known.insert(address.clone(), owner) {
        Some(other) => fail(format!("{owner} address {address} already configured for {other}")),
        None => Ok(()),
    };
    let text = |address: &SocketAddr| address.to_string();
    for address in &config.dns_addrs {
        claim(text(address), "DNS")?;
    }
    let listeners = [
        ("HTTP", &config.http_addrs),
        ("HTTPS", &config.https_addrs),
        ("GRPC", &config.grpc_addrs),
        ("GRPC TLS", &config.grpc_tls_addrs),
    ];
    for (owner, addresses) in listeners {
        for address in addresses {
            claim(address.to_string(), owner)?;
        }
    }
    let advertised = [
        ("RPC Advertise", config.rpc_advertise_addr.filter(|_| config.server)),
        ("Serf Advertise LAN", config.serf_advertise_addr_lan),
        ("Serf Advertise WAN", config.serf_advertise_addr_wan.filter(|_| config.server)),
    ];
    for (owner, address) in advertised {
        if let Some(address) = address {
            claim(text(&address), owner)?;
        }
    }
    Ok(())
}

fn required_ports(case: &Case<'_>) -> Outcome {
    let ports = &case.config.ports;
    // A port that is no port is reported with the other values, not as missing.
    let missing = |name: &str, port: i32| port <= 0 && case.r.int(&format!("ports.{name}")) <= 0;
    if missing("server", ports.server) {
        return fail("server-port must be greater than zero");
    }
    if missing("serf_lan", ports.serf_lan) {
        return fail("serf-lan-port must be greater than zero");
    }
    Ok(())
}

fn tls_blocks(case: &Case<'_>) -> Outcome {
    let r = case.r;
    if r.is_set("tls.grpc.verify_outgoing") {
        return fail("verify_outgoing is not valid in the tls.grpc stanza");
    }
    for protocol in ["https", "grpc"] {
        if r.is_set(&format!("tls.{protocol}.verify_server_hostname")) {
            return fail("verify_server_hostname is only valid in the tls.defaults and tls.internal_rpc stanzas");
        }
    }
    for protocol in ["defaults", "internal_rpc", "https"] {
        if r.bool(&format!("tls.{protocol}.use_auto_cert")) {
            return fail("use_auto_cert is only valid in the tls.grpc stanza");
        }
    }
    for protocol in ["defaults", "internal_rpc", "https", "grpc"] {
        let key = format!("tls.{protocol}.tls_min_version");
        let version = r.text(&key);
        if !version.is_empty() && !tls::VERSIONS.contains(&version.as_str()) {
            return fail(format!("{key}: invalid TLS version: {version:?}"));
        }
        let key = format!("tls.{protocol}.tls_cipher_suites");
        let suites = r.text(&key);
        if version == "TLSv1_3" && !suites.is_empty() {
            return fail(format!("{key}: TLS 1.3 cipher suites are not configurable"));
        }
        cipher_suites(&key, &suites)?;
    }
    let grpc = &case.config.tls.grpc;
    let wants_tls = !grpc.cert_file.is_empty() || grpc.use_auto_cert;
    if wants_tls && case.config.ports.grpc > 0 && case.config.ports.grpc_tls <= 0 {
        return fail(
            "the `ports.grpc` listener no longer supports TLS. Use `ports.grpc_tls` instead. This message is appearing \
             because GRPC is configured to use TLS, but `ports.grpc_tls` is not defined",
        );
    }
    Ok(())
}

/// The names of a list of cipher suites.
fn suite_names(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|name| !name.is_empty())
}

fn cipher_suites(key: &str, list: &str) -> Outcome {
    if let Some(unknown) = suite_names(list).find(|name| tls::suite(name).is_none()) {
        return fail(format!("{key}: invalid tls cipher suites: unsupported cipher {unknown:?}"));
    }
    let spoken = |name| tls::suite(name).flatten().is_some();
    if suite_names(list).next().is_some() && !suite_names(list).any(spoken) {
        return fail(format!("{key}: none of these cipher suites is spoken; add one with GCM or CHACHA20"));
    }
    Ok(())
}

/// What a configuration asks of TLS that is not done: versions before 1.2 and suites with CBC.
fn tls_warnings(r: &Reader<'_>, warn: &mut impl FnMut(String)) {
    for protocol in ["defaults", "internal_rpc", "https", "grpc"] {
        let key = format!("tls.{protocol}.tls_min_version");
        let version = r.text(&key);
        if matches!(version.as_str(), "TLSv1_0" | "TLSv1_1") {
            warn(format!("{key}: versions before TLSv1_2 are never spoken; {version} is taken as TLSv1_2"));
        }
        let key = format!("tls.{protocol}.tls_cipher_suites");
        for name in suite_names(&r.text(&key)).filter(|name| tls::suite(name) == Some(None)) {
            warn(format!("{key}: {name} is not spoken and left out"));
        }
    }
}

fn features(case: &Case<'_>) -> Outcome {
    let (config, r) = (case.config, case.r);
    let provider = r.text("connect.ca_provider");
    if config.connect_enabled && !matches!(provider.as_str(), "" | "consul" | "vault" | "aws-pca") {
        return fail(format!("{provider} is not a valid CA provider"));
    }
    if r.bool("connect.enable_mesh_gateway_wan_federation") && !config.join.retry_join_wan.is_empty() {
        return fail("'retry_join_wan' is incompatible with 'connect.enable_mesh_gateway_wan_federation = true'");
    }
    if r.bool("auto_encrypt.tls") && config.server {
        return fail("auto_encrypt.tls can only be used on a client.");
    }
    if r.bool("auto_encrypt.allow_tls") && !config.server {
        return fail("auto_encrypt.allow_tls can only be used on a server.");
    }
    if r.bool("auto_config.enabled") {
        auto_config(case)?;
    }
    if r.bool("auto_config.authorization.enabled") && !config.server {
        return fail("auto_config.authorization.enabled cannot be set to true for client agents");
    }
    for (at, entry) in config.config_entries_bootstrap.iter().enumerate() {
        let has = |key: &str| entry.iter().any(|(name, value)| name.eq_ignore_ascii_case(key) && value.is_string());
        if !has("kind") {
            return fail(format!(
                "config_entries.bootstrap[{at}]: Payload does not contain a kind/Kind key at the top level"
            ));
        }
    }
    Ok(())
}

fn auto_config(case: &Case<'_>) -> Outcome {
    let (config, r) = (case.config, case.r);
    if config.server {
        return fail("auto_config.enabled cannot be set to true for server agents.");
    }
    if r.bool("auto_encrypt.tls") {
        return fail("both auto_encrypt.tls and auto_config.enabled cannot be set to true.");
    }
    if !config.tls.internal_rpc.verify_outgoing {
        return fail("auto_config.enabled cannot be set without configuring TLS for server communications");
    }
    let has_token = std::env::var("CONSUL_INTRO_TOKEN").is_ok_and(|token| !token.is_empty());
    if !has_token && r.text("auto_config.intro_token").is_empty() && r.text("auto_config.intro_token_file").is_empty() {
        return fail(
            "One of auto_config.intro_token, auto_config.intro_token_file or the CONSUL_INTRO_TOKEN environment variable \
             must be set to enable auto_config",
        );
    }
    if r.texts("auto_config.server_addresses").is_empty() {
        return fail("auto_config.enabled is set without providing a list of addresses");
    }
    Ok(())
}

fn definitions(case: &Case<'_>) -> Outcome {
    let config = case.config;
    for service in &config.services {
        if let Some(why) = definition::service_error(service) {
            return fail(why);
        }
    }
    for check in &config.checks {
        if let Some(why) = definition::check_error(check) {
            return fail(why);
        }
    }
    if !config.watches.is_empty() && config.http_addrs.is_empty() && config.https_addrs.is_empty() {
        return fail("watch plans require an HTTP or HTTPS endpoint");
    }
    config.watches.iter().try_for_each(watch)
}

/// Kinds of watches that an agent runs.
const WATCH_TYPES: [&str; 8] = ["key", "keyprefix", "services", "nodes", "service", "checks", "event", "agent_service"];

fn watch(plan: &decode::Tree) -> Outcome {
    let text = |key: &str| plan.get(key).and_then(serde_json::Value::as_str).unwrap_or_default();
    let kind = text("type");
    if kind.is_empty() {
        return fail("Failed to parse watch: Watch type must be specified");
    }
    if kind.starts_with("connect_") {
        return fail(format!("Watch type {kind} is not allowed in agent config"));
    }
    if !WATCH_TYPES.contains(&kind) {
        return fail(format!("Failed to parse watch: Unsupported watch type: {kind}"));
    }
    let (has_args, has_handler) = (plan.contains_key("args"), plan.contains_key("handler"));
    match text("handler_type") {
        "http" => match plan.get("http_handler_config").and_then(|config| config.get("path")) {
            Some(_) => Ok(()),
            None => fail("Handler type 'http' requires 'http_handler_config' to be set"),
        },
        "" | "script" if has_args && has_handler => fail("Only one watch handler allowed"),
        "" | "script" if !has_args && !has_handler => fail("Must define a watch handler"),
        "" | "script" => Ok(()),
        other => fail(format!("Handler type '{other}' not recognized")),
    }
}

const DEPLOYMENT_TABLE: &str = "See https://developer.hashicorp.com/docs/internals/consensus.html#deployment-table";

/// True for a name that DNS cannot carry because of its characters.
fn not_dns(name: &str) -> bool {
    !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
}

fn add_warnings(case: &Case<'_>, warnings: &mut Vec<String>) {
    let (config, r) = (case.config, case.r);
    let mut warn = |text: String| warnings.push(text);
    if config.client_addrs.is_empty() {
        warn(
            "client_addr is empty, client services (DNS, HTTP, HTTPS, GRPC) will not be listening for connections"
                .to_string(),
        );
    }
    node_name_warnings(&config.node_name, r.bool("auto_config.enabled"), &mut warn);
    if not_dns(&config.datacenter) {
        let dc = &config.datacenter;
        warn(format!(
            "Datacenter : {dc:?} will not be PKI X.509 compatible due to invalid characters. Valid characters include \
             lowercase alphanumeric characters with dashes in between."
        ));
    }
    for rule in r.texts("telemetry.prefix_filter") {
        if rule.is_empty() {
            warn("Cannot have empty filter rule in prefix_filter".to_string());
        } else if !rule.starts_with(['+', '-']) {
            warn(format!("Filter rule must begin with either '+' or '-': {rule:?}"));
        }
    }
    let expect = r.int("bootstrap_expect");
    match expect {
        1 => warn("BootstrapExpect is set to 1; this is the same as Bootstrap mode.".to_string()),
        2 => warn(format!(
            "bootstrap_expect = 2: A cluster with 2 servers will provide no failure tolerance. {DEPLOYMENT_TABLE}"
        )),
        even if even > 0 && even % 2 == 0 => warn(format!(
            "bootstrap_expect is even number: A cluster with an even number of servers does not achieve optimum fault \
             tolerance. {DEPLOYMENT_TABLE}"
        )),
        _ => {}
    }
    if expect > 1 {
        warn(format!("bootstrap_expect > 0: expecting {expect} servers"));
    }
    if config.bootstrap {
        warn("bootstrap = true: do not enable unless necessary".to_string());
    }
    if r.bool("rpc.enable_streaming") && !config.server {
        warn("rpc.enable_streaming = true has no effect when not running in server mode".to_string());
    }
    if config.server && config.use_streaming_backend && !config.rpc_enable_streaming {
        warn("use_streaming_backend = true requires rpc.enable_streaming on servers to work properly".to_string());
    }
    if r.bool("auto_encrypt.allow_tls") && !config.tls.internal_rpc.verify_incoming {
        warn(
            "if auto_encrypt.allow_tls is turned on, tls.internal_rpc.verify_incoming should be enabled (either explicitly \
             or via tls.defaults.verify_incoming). It is necessary to turn it off during a migration to TLS, but it should \
             definitely be turned on afterwards."
                .to_string(),
        );
    }
    tls_warnings(r, &mut warn);
    for ip in r.texts("auto_encrypt.ip_san") {
        if ip.parse::<std::net::IpAddr>().is_err() {
            warn(format!("Cannot parse ip {ip:?} from AutoEncrypt.IPSAN"));
        }
    }
    if config.enable_script_checks && !config.acl.enabled && config.http_config.allow_write_http_from.is_empty() {
        warn(
            "using enable-script-checks without ACLs and without allow_write_http_from is DANGEROUS, use \
             enable-local-script-checks instead, see \
             https://www.hashicorp.com/blog/protecting-consul-from-rce-risk-in-specific-configurations/"
                .to_string(),
        );
    }
}

fn node_name_warnings(name: &str, auto_config: bool, warn: &mut impl FnMut(String)) {
    if not_dns(name) {
        warn(format!(
            "Node name {name:?} will not be discoverable via DNS due to invalid characters. Valid characters include all \
             alpha-numerics and dashes."
        ));
    } else if name.len() > 63 {
        warn(format!(
            "Node name {name:?} will not be discoverable via DNS due to it being too long. Valid lengths are between 1 and \
             63 bytes."
        ));
    }
    if auto_config && name.contains(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | '`')) {
        warn(format!(
            "Found invalid characters in node name {name:?} - whitespace and quotes (', \", `) cannot be used with \
             auto-config."
        ));
    }
}
