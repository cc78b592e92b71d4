//! What an agent announces, and whom it accepts (`spec/gossip.md` 6.2 and 6.4).

use super::*;
use crate::gossip::Tags;
use crate::types::GoDuration;
use std::net::{IpAddr, Ipv4Addr};

fn config(server: bool) -> RuntimeConfig {
    let mut config =
        RuntimeConfig { node_name: "Own".into(), datacenter: "dc1".into(), server, ..RuntimeConfig::default() };
    (config.ports.server, config.ports.serf_wan) = (8300, 8302);
    config
}

fn member(name: &str, tags: &[(&str, &str)]) -> Member {
    let tags: Tags = tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Member {
        name: name.into(),
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        port: 8301,
        tags: Arc::new(tags),
        status: MemberStatus::Alive,
        protocol: [1, 5, 2, 2, 5, 4],
    }
}

fn names(tags: &Tags) -> Vec<&str> {
    tags.keys().map(String::as_str).collect()
}

#[test]
fn servers_and_clients_announce_different_things() {
    let client = tags(&config(false), "id");
    assert_eq!(names(&client), ["build", "dc", "id", "role", "segment", "vsn", "vsn_max", "vsn_min"]);
    assert_eq!((client["role"].as_str(), client["segment"].as_str(), client["vsn"].as_str()), ("node", "", "2"));
    let server = tags(&config(true), "id");
    let wanted = [
        "acls",
        "build",
        "dc",
        "ft_fs",
        "ft_si",
        "id",
        "port",
        "raft_vsn",
        "role",
        "segment",
        "vsn",
        "vsn_max",
        "vsn_min",
        "wan_join_port",
    ];
    assert_eq!(names(&server), wanted);
    assert_eq!((server["role"].as_str(), server["port"].as_str()), ("consul", "8300"));
}

#[test]
fn bootstrapping_is_announced_in_one_of_two_ways() {
    for (bootstrap, expect, dev, wanted) in [
        (true, 0, false, [Some("1"), None]),
        (true, 1, false, [Some("1"), None]),
        (false, 3, false, [None, Some("3")]),
        (false, 0, true, [Some("1"), None]),
        (false, 0, false, [None, None]),
    ] {
        let config = RuntimeConfig { bootstrap, bootstrap_expect: expect, dev_mode: dev, ..config(true) };
        let tags = tags(&config, "id");
        assert_eq!(["bootstrap", "expect"].map(|tag| tags.get(tag).map(String::as_str)), wanted);
    }
}

#[test]
fn a_client_tells_when_it_may_be_forgotten() {
    let config = RuntimeConfig { advertise_reconnect_timeout: GoDuration::secs(90), ..config(false) };
    assert_eq!(tags(&config, "id")["rc_tm"], "1m30s");
}

#[test]
fn the_wan_pool_has_names_with_the_datacenter_and_no_wan_port() {
    let bind = "127.0.0.1:8302".parse().ok();
    let settings =
        wan(&RuntimeConfig { serf_bind_addr_wan: bind, ..config(true) }, "id").expect("valid").expect("a server");
    assert_eq!((settings.name.as_str(), settings.tags.contains_key("wan_join_port")), ("Own.dc1", false));
    for off in [
        RuntimeConfig { serf_bind_addr_wan: None, ..config(true) },
        RuntimeConfig { serf_bind_addr_wan: bind, ..config(false) },
    ] {
        assert!(wan(&off, "id").expect("valid").is_none());
    }
}

#[test]
fn members_with_ids_of_others_or_of_other_datacenters_are_refused() {
    let check = lan_check(&config(true), "id0");
    let agent =
        |name: &str, id: &str| member(name, &[("role", "node"), ("dc", "dc1"), ("id", id), ("build", "1.8.7:")]);
    let old = |name: &str, id: &str| member(name, &[("role", "node"), ("dc", "dc1"), ("id", id), ("build", "0.8.4:")]);
    let left = Member { status: MemberStatus::Left, ..agent("c", "id0") };
    let cases = [
        (vec![agent("a", "id1"), agent("b", "id2"), agent("c", ""), agent("d", "")], Ok(())),
        (vec![agent("OWN", "id0")], Ok(())),
        (vec![left], Ok(())),
        (vec![agent("a", "id0")], Err("Member 'a' has conflicting node ID 'id0' with this agent's ID")),
        (vec![agent("a", "id1"), agent("b", "id1")], Err("Member 'b' has conflicting node ID 'id1' with member 'a'")),
        (vec![old("a", "id1"), agent("b", "id1")], Ok(())),
        (vec![member("x", &[("role", "node"), ("dc", "dc2")])], Err("Member 'x' part of wrong datacenter 'dc2'")),
        (vec![member("serf", &[])], Ok(())),
        (
            vec![member("s", &[("role", "node"), ("dc", "dc1"), ("segment", "alpha")])],
            Err("Member 's' part of segment 'alpha'; Network Segments are a Consul Enterprise feature"),
        ),
        (
            vec![member("p", &[("role", "node"), ("dc", "dc1"), ("ap", "team")])],
            Err("Member 'p' part of partition 'team'; Admin Partitions are a Consul Enterprise feature"),
        ),
    ];
    for (members, expected) in cases {
        assert_eq!(check(&members), expected.map_err(str::to_owned), "{members:?}");
    }
}

#[test]
fn only_servers_are_in_the_wan_pool_whatever_their_datacenter() {
    let tags = tags(&config(true), "id");
    let server = Member { tags: Arc::new(tags), status: MemberStatus::None, ..member("a.dc1", &[]) };
    assert_eq!(wan_check(&[server]), Ok(()), "somebody new");
    let client = member("b.dc2", &[("role", "node"), ("dc", "dc2")]);
    assert_eq!(wan_check(&[client]), Err("Member 'b.dc2' is not a server".to_owned()));
}

#[test]
fn configured_timings_replace_those_of_the_profile() {
    let settings = GossipConfig {
        gossip_nodes: 5,
        gossip_interval: GoDuration::from(std::time::Duration::from_millis(100)),
        probe_interval: GoDuration::secs(2),
        probe_timeout: GoDuration::secs(1),
        suspicion_mult: 3,
        retransmit_mult: 7,
    };
    let timing = timing(Timing::wan(), &settings);
    assert_eq!((timing.gossip_nodes, timing.suspicion_mult, timing.retransmit_mult), (5, 3, 7));
    assert_eq!((timing.probe_interval.as_secs(), timing.push_pull_interval), (2, Timing::wan().push_pull_interval));
}
