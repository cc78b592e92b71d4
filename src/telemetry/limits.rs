//! The bounds on what others may ask of an agent, and how often each was reached: counter `limits.exceeded` with the label
//! `limit` (`docs/limits.md` has them all with their values).
//!
//! A bound that is a setting has the name of its key. The value stands where the bound is kept; here are the names alone.

use super::metrics;

/// A bound whose use is counted.
#[derive(Debug)]
pub struct Limit {
    /// The label.
    pub name: &'static str,
}

impl Limit {
    /// Somebody asked for more and did not get it.
    pub fn exceeded(&self) {
        metrics::counter_labels("limits.exceeded", 1, &[("limit", self.name)]);
    }
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $label:literal;)*) => {
        $($(#[$doc])* pub static $name: Limit = Limit { name: $label };)*

        /// All of them.
        pub static ALL: &[&Limit] = &[$(&$name),*];
    };
}

limits! {
    /// Connections of one client address to the HTTP API.
    HTTP_CONNECTIONS = "limits.http_max_conns_per_client";
    /// Time of the TLS handshake of the HTTP API.
    HTTPS_HANDSHAKE_TIME = "limits.https_handshake_timeout";
    /// Requests of one client address to the HTTP API that are under way.
    HTTP_REQUESTS = "http.requests_per_client";
    /// Bytes and number of the headers of a request.
    HTTP_HEADERS = "http_config.max_header_bytes";
    /// Time from the first byte of a request to the end of its headers.
    HTTP_HEADER_TIME = "http.header_time";
    /// Pauses and pace of a request's body.
    HTTP_BODY_TIME = "http.body_time";
    /// Time in which a client takes nothing of its answer.
    HTTP_WRITE_TIME = "http.write_time";
    /// Bytes of a body without a limit of its own.
    HTTP_BODY_BYTES = "http.body_bytes";
    /// Nesting of a JSON body.
    HTTP_JSON_DEPTH = "http.json_depth";
    /// Bytes of a key's value.
    KV_VALUE = "limits.kv_max_value_size";
    /// Bytes of a transaction.
    TXN_BYTES = "limits.txn_max_req_len";
    /// Operations of a transaction.
    TXN_OPERATIONS = "http.txn_operations";
    /// Endpoints that are switched off.
    BLOCKED_ENDPOINTS = "http_config.block_endpoints";
    /// Networks that may write.
    WRITE_NETWORKS = "http_config.allow_write_http_from";
    /// Log lines that wait for one who watches the log.
    MONITOR_LINES = "log.monitor_lines";
    /// Time of the first byte and of the TLS handshake on the server port.
    RPC_HANDSHAKE_TIME = "limits.rpc_handshake_timeout";
    /// Connections of one address to the server port.
    RPC_CONNECTIONS = "limits.rpc_max_conns_per_client";
    /// Bytes of one request on the server port.
    RPC_REQUEST_BYTES = "rpc.request_bytes";
    /// Nesting of a request on the server port.
    RPC_REQUEST_DEPTH = "rpc.request_depth";
    /// Time from the first to the last byte of a request on the server port.
    RPC_REQUEST_TIME = "rpc.request_time";
    /// Time of a connection to the server port without a certificate, for a first one.
    RPC_JOINING_TIME = "rpc.joining_time";
    /// Certificates that are signed in a second.
    CA_SIGNING = "connect.ca_config.csr_max_per_second";
    /// Streams of one session on the server port, and those that wait to be taken up.
    RPC_SESSION_STREAMS = "rpc.session_streams";
    /// Bytes that a session's requests and answers hold.
    RPC_SESSION_BYTES = "rpc.session_bytes";
    /// Time in which a peer takes nothing, or too little, of what it asked for.
    RPC_WRITE_TIME = "rpc.write_time";
    /// What a gossip packet unpacks to.
    GOSSIP_PACKET = "gossip.packet_bytes";
    /// Nesting of a gossip packet.
    GOSSIP_NESTING = "gossip.packet_nesting";
    /// Streams to the gossip port, of all and of one source.
    GOSSIP_STREAMS = "gossip.streams";
    /// Bytes of one stream to the gossip port, and of all of them together.
    GOSSIP_STREAM_BYTES = "gossip.stream_bytes";
    /// Time that a stream to the gossip port may take.
    GOSSIP_STREAM_TIME = "gossip.stream_time";
    /// Messages that wait to be passed on.
    GOSSIP_QUEUE = "gossip.queue";
    /// Members that a pool knows.
    GOSSIP_MEMBERS = "gossip.members";
    /// Questions that wait for a leader or a recursor.
    DNS_WAITING = "dns.waiting";
    /// TCP connections to the DNS server, of all and of one client.
    DNS_CONNECTIONS = "dns.connections";
    /// Time that a TCP client of the DNS server may stay silent.
    DNS_IDLE = "dns.tcp_idle";
    /// Bytes of one record of a snapshot.
    SNAPSHOT_RECORD = "snapshot.record_bytes";
    /// Bytes of the small members of a snapshot archive.
    SNAPSHOT_MEMBER = "snapshot.member_bytes";
    /// How much a snapshot archive unpacks to.
    SNAPSHOT_SIZE = "snapshot.unpacked_bytes";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_limit_has_a_name_of_its_own_and_is_in_the_documentation() {
        let page = include_str!("../../docs/limits.md");
        let names: BTreeSet<&str> = ALL.iter().map(|limit| limit.name).collect();
        assert_eq!(names.len(), ALL.len());
        for name in names {
            assert!(page.contains(&format!("`{name}`")), "{name} is not in docs/limits.md");
        }
    }
}
