//! What an agent announces about itself in gossip (`spec/gossip.md` 6.2).

use crate::config::RuntimeConfig;
use crate::gossip::Tags;
use crate::types::version;

/// The tags of the pool of the datacenter.
pub(in crate::agent) fn tags(config: &RuntimeConfig, node_id: &str) -> Tags {
    let (vsn, vsn_min, vsn_max) = super::protocol_versions();
    let build = format!("{}:{}", version::COMPATIBLE, &version::REVISION[..version::REVISION.len().min(8)]);
    let one = || "1".to_owned();
    let positive = |number: i32| (number > 0).then(|| number.to_string());
    let server = [
        ("acls", Some(if config.acl.enabled { "1" } else { "0" }.to_owned())),
        ("bootstrap", (config.bootstrap || config.dev_mode).then(one)),
        ("expect", (!config.bootstrap && config.bootstrap_expect > 0).then(|| config.bootstrap_expect.to_string())),
        ("ft_fs", Some(one())),
        ("ft_si", Some(one())),
        ("grpc_port", positive(config.ports.grpc)),
        ("grpc_tls_port", positive(config.ports.grpc_tls)),
        ("port", Some(config.ports.server.to_string())),
        ("raft_vsn", Some(config.raft.raft_protocol.max(3).to_string())),
        ("use_tls", config.tls.internal_rpc.has_authority().then(one)),
        ("wan_join_port", positive(config.ports.serf_wan)),
    ];
    let client = [(
        "rc_tm",
        (!config.advertise_reconnect_timeout.is_zero()).then(|| config.advertise_reconnect_timeout.to_string()),
    )];
    let all = [
        ("build", Some(build)),
        ("dc", Some(config.datacenter.clone())),
        ("id", Some(node_id.to_owned())),
        ("role", Some(if config.server { "consul" } else { "node" }.to_owned())),
        ("segment", Some(String::new())),
        ("vsn", Some(vsn)),
        ("vsn_max", Some(vsn_max)),
        ("vsn_min", Some(vsn_min)),
    ];
    let of_kind = if config.server { server.to_vec() } else { client.to_vec() };
    all.into_iter().chain(of_kind).filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}
