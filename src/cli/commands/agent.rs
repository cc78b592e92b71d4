//! `agent`: flags to configuration sources, then the daemon runs until a signal (`spec/cli.md` 10).

use crate::agent::daemon::{self, Door};
use crate::cli::flags::{Flag, Kind, Matches};
use crate::cli::{Command, Context, Exit, Groups};
use crate::config::{Format, Load};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Starts an agent.
pub static COMMAND: Command = Command {
    path: &["agent"],
    synopsis: "Runs a Consul agent",
    usage: "Usage: {program} agent [options]

  Runs an agent in the foreground until it is interrupted. An agent stands for
  one node of the cluster: it keeps the services of the node registered, runs
  their checks and answers HTTP and DNS. With -server it also keeps a copy of
  the cluster's state.",
    groups: Groups::NONE,
    flags: &FLAGS,
    flag_error: Some("==> error parsing flags: "),
    run,
};

/// The ways into the agent.
static DOORS: [Door; 2] = [crate::http::DOOR, Door { name: "DNS", open: crate::dns::open }];

/// A flag and the configuration key that it sets; flags without a key are read by name.
struct Row(Flag, &'static str);

const fn row(name: &'static str, kind: Kind, key: &'static str, help: &'static str) -> Row {
    Row(Flag::new(name, kind, help), key)
}

use Kind::{BoolValue as Bool, ColonMap, DurationValue as Duration, IntValue as Int, List, StringValue as Text};

/// All flags of the agent.
const ROWS: [Row; 68] = [
    row(
        "advertise",
        Text,
        "advertise_addr",
        "Address that other agents use to reach this one; an IP or an address template.",
    ),
    row(
        "advertise-wan",
        Text,
        "advertise_addr_wan",
        "Address that servers of other datacenters use instead of -advertise.",
    ),
    row(
        "allow-write-http-from",
        List,
        "http_config.allow_write_http_from",
        "Network (CIDR) that may call write endpoints of the agent. May be given several times.",
    ),
    row("alt-domain", Text, "alt_domain", "Second domain that the DNS interface answers for."),
    row(
        "auto-reload-config",
        Bool,
        "auto_reload_config",
        "Watch the configuration files and reload them when they change.",
    ),
    row("bind", Text, "bind_addr", "Address to bind for traffic inside the cluster."),
    row("bootstrap", Bool, "bootstrap", "Let this server elect itself. For a single server only."),
    row("bootstrap-expect", Int, "bootstrap_expect", "Number of servers to wait for before the first election."),
    row("check_output_max_size", Int, "check_output_max_size", "Largest output of a check on this agent, in bytes."),
    row("client", Text, "client_addr", "Addresses to bind for clients: DNS, HTTP, HTTPS and gRPC."),
    row(
        "config-dir",
        List,
        "",
        "Directory with configuration files; those ending in .hcl or .json are read in the order of their names. May be given several times.",
    ),
    row(
        "config-file",
        List,
        "",
        "Configuration file in HCL or JSON, told apart by its extension. May be given several times.",
    ),
    row(
        "config-format",
        Kind::String,
        "",
        "Format of all configuration files whatever their extension: 'hcl' or 'json'.",
    ),
    row("data-dir", Text, "data_dir", "Directory that keeps the agent's state."),
    row("datacenter", Text, "datacenter", "Datacenter of the agent."),
    row("default-query-time", Duration, "default_query_time", "How long a blocking query waits when it does not say."),
    row("dev", Bool, "", "Development mode: one server on the loopback address that keeps everything in memory."),
    row(
        "disable-host-node-id",
        Bool,
        "disable_host_node_id",
        "Use a random node id instead of one made from the host's own id.",
    ),
    row("disable-keyring-file", Bool, "disable_keyring_file", "Do not keep the gossip keys in a file."),
    row("dns-port", Int, "ports.dns", "Port of the DNS interface."),
    row("domain", Text, "domain", "Domain that the DNS interface answers for."),
    row(
        "enable-local-script-checks",
        Bool,
        "enable_local_script_checks",
        "Allow script checks from configuration files.",
    ),
    row(
        "enable-script-checks",
        Bool,
        "enable_script_checks",
        "Allow script checks from configuration files and from the API.",
    ),
    row("encrypt", Text, "encrypt", "Key that encrypts gossip, in base64."),
    row("grpc-port", Int, "ports.grpc", "Port of gRPC without TLS."),
    row("grpc-tls-port", Int, "ports.grpc_tls", "Port of gRPC with TLS."),
    row("hcl", List, "", "Fragment of HCL configuration. May be given several times."),
    row("http-port", Int, "ports.http", "Port of the HTTP API."),
    row("https-port", Int, "ports.https", "Port of the HTTPS API."),
    row(
        "join",
        List,
        "retry_join",
        "Address of an agent to join at start. Deprecated, use -retry-join. May be given several times.",
    ),
    row(
        "join-wan",
        List,
        "retry_join_wan",
        "Address of a server of another datacenter to join at start. Deprecated, use -retry-join-wan. May be given several times.",
    ),
    row("log-file", Text, "log_file", "File that the log is written to."),
    row("log-json", Bool, "log_json", "Write the log as JSON."),
    row("log-level", Text, "log_level", "Least level that is logged: TRACE, DEBUG, INFO, WARN or ERROR."),
    row("log-rotate-bytes", Int, "log_rotate_bytes", "Size at which the log file is rotated, in bytes."),
    row("log-rotate-duration", Duration, "log_rotate_duration", "Age at which the log file is rotated."),
    row("log-rotate-max-files", Int, "log_rotate_max_files", "Number of rotated log files to keep."),
    row("max-query-time", Duration, "max_query_time", "Longest time that a blocking query may wait."),
    row("node", Text, "node_name", "Name of this node, unique in the cluster."),
    row(
        "node-id",
        Text,
        "node_id",
        "Id of this node, a UUID. Without one a random id is made and kept in the data directory.",
    ),
    row("node-meta", ColonMap, "node_meta", "Metadata of this node as `key:value`. May be given several times."),
    row("non-voting-server", Bool, "read_replica", "(Enterprise-only) Deprecated name of -read-replica."),
    row("pid-file", Text, "pid_file", "File that holds the agent's process id."),
    row(
        "primary-gateway",
        List,
        "primary_gateways",
        "Address of a mesh gateway of the primary datacenter. May be given several times.",
    ),
    row("protocol", Int, "protocol", "Version of the gossip protocol."),
    row("raft-protocol", Int, "raft_protocol", "Version of the raft protocol."),
    row("read-replica", Bool, "read_replica", "(Enterprise-only) Receive the replicated data without a vote."),
    row("recursor", List, "recursors", "DNS server that answers for other domains. May be given several times."),
    row("rejoin", Bool, "rejoin_after_leave", "Join the cluster again at start even after a leave."),
    row("retry-interval", Duration, "retry_interval", "Time between attempts to join."),
    row("retry-interval-wan", Duration, "retry_interval_wan", "Time between attempts to join other datacenters."),
    row(
        "retry-join",
        List,
        "retry_join",
        "Address of an agent to join, tried until it works. May be given several times.",
    ),
    row(
        "retry-join-wan",
        List,
        "retry_join_wan",
        "Address of a server of another datacenter to join, tried until it works. May be given several times.",
    ),
    row("retry-max", Int, "retry_max", "Attempts to join before the agent gives up; 0 for no end."),
    row(
        "retry-max-wan",
        Int,
        "retry_max_wan",
        "Attempts to join other datacenters before the agent gives up; 0 for no end.",
    ),
    row("segment", Text, "segment", "(Enterprise-only) Network segment to join."),
    row(
        "serf-lan-allowed-cidrs",
        List,
        "serf_lan_allowed_cidrs",
        "Network (CIDR) whose addresses may take part in LAN gossip. May be given several times.",
    ),
    row("serf-lan-bind", Text, "serf_lan", "Address to bind for LAN gossip."),
    row("serf-lan-port", Int, "ports.serf_lan", "Port of LAN gossip."),
    row(
        "serf-wan-allowed-cidrs",
        List,
        "serf_wan_allowed_cidrs",
        "Network (CIDR) whose addresses may take part in WAN gossip. May be given several times.",
    ),
    row("serf-wan-bind", Text, "serf_wan", "Address to bind for WAN gossip."),
    row("serf-wan-port", Int, "ports.serf_wan", "Port of WAN gossip."),
    row("server", Bool, "server", "Run as a server."),
    row("server-port", Int, "ports.server", "Port of the server RPC."),
    row("syslog", Bool, "enable_syslog", "Also log to syslog."),
    row("ui", Bool, "ui_config.enabled", "Serve the web UI."),
    row("ui-content-path", Text, "ui_config.content_path", "Path of the web UI."),
    row("ui-dir", Text, "ui_config.dir", "Directory with a web UI to serve instead of the built-in one."),
];

const FLAGS: [Flag; ROWS.len()] = {
    let mut flags = [ROWS[0].0; ROWS.len()];
    let mut at = 0;
    while at < ROWS.len() {
        flags[at] = ROWS[at].0;
        at += 1;
    }
    flags
};

fn run(_: &Context, matches: &Matches) -> Result<(), Exit> {
    if !matches.args().is_empty() {
        return Err(Exit::error(format!("==> Unexpected extra arguments: [{}]", matches.args().join(" "))));
    }
    let load = sources(matches).map_err(|why| Exit::error(format!("==> {why}")))?;
    Exit::from_code(daemon::run(load, &DOORS))
}

/// `-config-format` as a format; `None` when it was not given.
pub fn config_format(matches: &Matches) -> Result<Option<Format>, String> {
    match matches.text("config-format") {
        "" => Ok(None),
        "hcl" => Ok(Some(Format::Hcl)),
        "json" => Ok(Some(Format::Json)),
        _ => Err("config: -config-format must be either 'hcl' or 'json'".to_string()),
    }
}

/// The sources that the command line names.
pub fn sources(matches: &Matches) -> Result<Load, String> {
    let mut load = Load {
        dev: matches.flag("dev"),
        config_format: config_format(matches)?,
        hcl: matches.list("hcl").to_vec(),
        ..Load::default()
    };
    for (name, value) in matches.in_order() {
        if matches!(*name, "config-file" | "config-dir") {
            load.files.push(PathBuf::from(value));
        }
    }
    for Row(flag, key) in &ROWS {
        if key.is_empty() || !matches.is_set(flag.name) {
            continue;
        }
        if matches!(flag.name, "join" | "join-wan") {
            let name = flag.name;
            load.warnings.push(format!("The flag '-{name}' is deprecated. Use the '-retry-{name}' flag instead."));
        }
        put(&mut load.flags, key, value(flag, matches));
    }
    Ok(load)
}

/// The value of a flag with the type of its key.
fn value(flag: &Flag, matches: &Matches) -> Value {
    match flag.kind {
        Kind::BoolValue => Value::Bool(matches.flag(flag.name)),
        Kind::IntValue => Value::from(matches.int(flag.name)),
        Kind::List => matches.list(flag.name).iter().cloned().collect(),
        Kind::ColonMap => {
            matches.colon_map(flag.name).into_iter().map(|(key, value)| (key, Value::String(value))).collect()
        }
        _ => Value::from(matches.text(flag.name)),
    }
}

/// Sets a dotted path; two flags of one list append.
fn put(tree: &mut Map<String, Value>, path: &str, value: Value) {
    if let Some((first, rest)) = path.split_once('.') {
        let inner = tree.entry(first).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(inner) = inner {
            put(inner, rest, value);
        }
        return;
    }
    match (tree.get_mut(path), value) {
        (Some(Value::Array(known)), Value::Array(more)) => known.extend(more),
        (_, value) => {
            tree.insert(path.to_string(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::flags;
    use crate::config;

    fn load(words: &[&str]) -> Load {
        let words: Vec<_> = words.iter().map(Into::into).collect();
        sources(&flags::parse(&FLAGS, &words).expect("good flags")).expect("good sources")
    }

    #[test]
    fn the_commands_of_the_issue_are_understood() {
        let words = [
            "-dev",
            "-node=csagent",
            "-datacenter=csdc01",
            "-client=0.0.0.0",
            "-ui",
            "-log-level=info",
            "-disable-host-node-id",
        ];
        let config = config::load(&load(&words)).expect("valid").config;
        assert_eq!((config.node_name.as_str(), config.datacenter.as_str()), ("csagent", "csdc01"));
        assert_eq!(config.log.log_level, "info");
        assert_eq!(config.client_addrs, ["0.0.0.0"]);
        assert!(config.ui_config.enabled && config.disable_host_node_id && config.dev_mode);

        let words = [
            "-server",
            "-bootstrap-expect=1",
            "-data-dir=/nowhere/x",
            "-node",
            "n",
            "-bind=127.0.0.1",
            "-datacenter=Beijing-c",
        ];
        let config = config::load(&load(&words)).expect("valid").config;
        assert!(config.server && config.bootstrap);
        assert_eq!(config.datacenter, "beijing-c");
    }

    #[test]
    fn lists_maps_numbers_and_files_keep_their_order() {
        let words = [
            "-join=a",
            "-retry-join=b",
            "-node-meta=k:v:w",
            "-dns-port=53",
            "-config-dir=d",
            "-config-file=f",
            "-config-dir=e",
            "-hcl",
            "a = 1",
            "-recursor=1.1.1.1",
            "-recursor=8.8.8.8",
            "-dev",
        ];
        let load = load(&words);
        assert_eq!(load.files, [PathBuf::from("d"), PathBuf::from("f"), PathBuf::from("e")]);
        assert_eq!(load.flags["retry_join"], serde_json::json!(["a", "b"]));
        assert_eq!(load.flags["node_meta"], serde_json::json!({"k": "v:w"}));
        assert_eq!(load.flags["ports"], serde_json::json!({"dns": 53}));
        assert_eq!(load.flags["recursors"], serde_json::json!(["1.1.1.1", "8.8.8.8"]));
        assert_eq!(load.hcl, ["a = 1"]);
        assert_eq!(load.warnings, ["The flag '-join' is deprecated. Use the '-retry-join' flag instead."]);
    }

    #[test]
    fn every_flag_sets_a_key_of_the_table() {
        for Row(flag, key) in &ROWS {
            let keyless = ["config-dir", "config-file", "config-format", "dev", "hcl"].contains(&flag.name);
            assert_eq!(key.is_empty(), keyless, "{}", flag.name);
            assert!(keyless || config::is_key(key), "{} sets the unknown key {key}", flag.name);
        }
    }
}
