//! What an agent prints before its log (`spec/cli.md` 10.4).

use crate::config::{RuntimeConfig, TlsProtocol};
use crate::types::version;
use std::fmt::Write;

/// Width of the label column, without the four spaces in front.
const LABEL: usize = 18;

/// Shown for listeners that this version does not have.
const NO_LISTENER: i32 = -1;

fn min_version(tls: &TlsProtocol) -> &str {
    match tls.tls_min_version.as_str() {
        "" => "TLSv1_2",
        version => version,
    }
}

/// `2025-08-13T16:46:12Z` as `2025-08-13 16:46:12 +0000 UTC`.
fn build_date() -> String {
    let date = version::BUILD_DATE.trim_end_matches('Z').replace('T', " ");
    format!("{date} +0000 UTC")
}

/// The lines after `==> Starting Tribune agent...`.
pub fn text(config: &RuntimeConfig, node_id: &str) -> String {
    let ports = &config.ports;
    let tls = &config.tls;
    let segment = if config.server { "<all>" } else { "" };
    let address = config.advertise_addr.map(|address| address.to_string()).unwrap_or_default();
    let http =
        format!("Verify Incoming: {}, Verify Outgoing: {}", tls.https.verify_incoming, tls.https.verify_outgoing);
    let rpc = &tls.internal_rpc;
    let mut rows = vec![
        ("Version", format!("'{}'", version::COMPATIBLE)),
        ("Build Date", format!("'{}'", build_date())),
        ("Node ID", format!("'{node_id}'")),
        ("Node name", format!("'{}'", config.node_name)),
        ("Datacenter", format!("'{}' (Segment: '{segment}')", config.datacenter)),
        ("Server", format!("{} (Bootstrap: {})", config.server, config.bootstrap)),
        (
            "Client Addr",
            format!(
                "[{}] (HTTP: {}, HTTPS: {}, gRPC: {NO_LISTENER}, gRPC-TLS: {NO_LISTENER}, DNS: {})",
                config.client_addrs.join(" "),
                ports.http,
                ports.https,
                ports.dns
            ),
        ),
        ("Cluster Addr", format!("{address} (LAN: {}, WAN: {})", ports.serf_lan, ports.serf_wan)),
        ("Gossip Encryption", (!config.encrypt.is_empty()).to_string()),
        ("Auto-Encrypt-TLS", config.auto_encrypt.tls.to_string()),
        ("ACL Enabled", config.acl.enabled.to_string()),
    ];
    if config.server {
        rows.push(("Reporting Enabled", "false".to_owned()));
    }
    rows.extend([
        ("ACL Default Policy", config.acl.default_policy.clone()),
        ("HTTPS TLS", format!("{http}, Min Version: {}", min_version(&tls.https))),
        ("gRPC TLS", format!("Verify Incoming: {}, Min Version: {}", tls.grpc.verify_incoming, min_version(&tls.grpc))),
        (
            "Internal RPC TLS",
            format!(
                "Verify Incoming: {}, Verify Outgoing: {} (Verify Hostname: {}), Min Version: {}",
                rpc.verify_incoming,
                rpc.verify_outgoing,
                rpc.verify_server_hostname,
                min_version(rpc)
            ),
        ),
    ]);
    let mut text = String::new();
    for (label, value) in rows {
        let _ = writeln!(text, "    {label:>LABEL$}: {value}");
    }
    text.push_str("\n==> Log data will now stream in as it occurs:\n\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_aligned_and_clients_have_no_reporting_line() {
        let mut config = RuntimeConfig { node_name: "n1".into(), datacenter: "dc1".into(), ..RuntimeConfig::default() };
        let client = text(&config, "3258daf9-b326-b14c-b241-cf009c828ab3");
        assert!(client.contains("\n               Node ID: '3258daf9-b326-b14c-b241-cf009c828ab3'\n"), "{client}");
        assert!(client.contains("            Datacenter: 'dc1' (Segment: '')\n"), "{client}");
        assert!(!client.contains("Reporting"));
        config.server = true;
        let server = text(&config, "");
        assert!(server.contains("    Reporting Enabled: false\n"), "{server}");
        assert!(server.ends_with("\n\n==> Log data will now stream in as it occurs:\n\n"));
    }
}
