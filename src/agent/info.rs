//! What the agent tells about itself: `/v1/agent/self`, members, figures, version (`spec/http-api.md` 3.2).

use super::checks::CheckKind;
use super::{Agent, Member, MemberStatus};
use crate::config::RuntimeConfig;
use crate::types::version;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Gossip protocol versions: oldest, newest, spoken.
const PROTOCOLS: (u8, u8, u8) = (1, 5, 2);

/// Delegate protocol versions: oldest, newest, spoken.
const DELEGATES: (u8, u8, u8) = (2, 5, 4);

type Group = BTreeMap<String, String>;

fn group<const N: usize>(rows: [(&str, String); N]) -> Group {
    rows.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

/// The tags that this agent announces (`spec/http-api.md` 3.2.4).
fn tags(config: &RuntimeConfig, node_id: &str) -> BTreeMap<String, String> {
    let (vsn_min, vsn_max) = version::PROTOCOL_RANGE;
    let build = format!("{}:{}", version::COMPATIBLE, &version::REVISION[..version::REVISION.len().min(8)]);
    let mut tags = group([
        ("acls", if config.acl.enabled { "1" } else { "0" }.to_owned()),
        ("build", build),
        ("dc", config.datacenter.clone()),
        ("id", node_id.to_owned()),
        ("role", if config.server { "consul" } else { "node" }.to_owned()),
        ("segment", String::new()),
        ("vsn", version::PROTOCOL.to_string()),
        ("vsn_max", vsn_max.to_string()),
        ("vsn_min", vsn_min.to_string()),
    ]);
    if !config.server {
        return tags;
    }
    tags.extend(group([
        ("ft_fs", "1".to_owned()),
        ("ft_si", "1".to_owned()),
        ("port", config.ports.server.to_string()),
        ("raft_vsn", config.raft.raft_protocol.max(3).to_string()),
        ("wan_join_port", config.ports.serf_wan.to_string()),
    ]));
    let optional = [
        ("bootstrap", config.bootstrap.then(|| "1".to_owned())),
        ("expect", (config.bootstrap_expect > 0).then(|| config.bootstrap_expect.to_string())),
        ("grpc_port", (config.ports.grpc > 0).then(|| config.ports.grpc.to_string())),
        ("grpc_tls_port", (config.ports.grpc_tls > 0).then(|| config.ports.grpc_tls.to_string())),
        ("use_tls", config.tls.internal_rpc.verify_outgoing.then(|| "1".to_owned())),
    ];
    tags.extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    tags
}

impl Agent {
    /// Members of the LAN pool: as long as there is no gossip, this agent.
    pub fn members(&self) -> Vec<Member> {
        vec![self.member()]
    }

    /// Members of the WAN pool; empty on a client agent.
    pub fn members_wan(&self) -> Vec<Member> {
        let config = self.config();
        if !config.server || config.ports.serf_wan <= 0 {
            return Vec::new();
        }
        let own = self.member();
        let port = u16::try_from(config.ports.serf_wan).unwrap_or_default();
        let address = config.advertise_addr_wan.or(config.advertise_addr);
        let addr = address.map_or(own.addr.clone(), |address| address.to_string());
        vec![Member { name: format!("{}.{}", own.name, config.datacenter), addr, port, ..own }]
    }

    /// This agent as a member.
    pub fn member(&self) -> Member {
        let config = self.config();
        Member {
            name: config.node_name.clone(),
            addr: config.advertise_addr.map(|address| address.to_string()).unwrap_or_default(),
            port: u16::try_from(config.ports.serf_lan).unwrap_or_default(),
            tags: tags(&config, self.node_id()),
            status: MemberStatus::Alive,
            protocol_min: PROTOCOLS.0,
            protocol_max: PROTOCOLS.1,
            protocol_cur: PROTOCOLS.2,
            delegate_min: DELEGATES.0,
            delegate_max: DELEGATES.1,
            delegate_cur: DELEGATES.2,
        }
    }

    /// The document of `/v1/agent/self`.
    pub fn self_info(&self) -> Value {
        let config = self.config();
        let coordinate = (!config.disable_coordinates).then(|| self.coordinate());
        let meta = super::local_settings(&config, self.node_id()).node.meta;
        json!({
            "Config": {
                "Datacenter": config.datacenter,
                "PrimaryDatacenter": config.primary_datacenter,
                "NodeName": config.node_name,
                "NodeID": self.node_id(),
                "Revision": version::REVISION,
                "Server": config.server,
                "Version": version::COMPATIBLE,
                "BuildDate": version::BUILD_DATE,
            },
            "DebugConfig": super::debug_config::document(&config, self.node_id()),
            "Coord": coordinate,
            "Member": self.member(),
            "Stats": self.stats(),
            "Meta": meta,
        })
    }

    /// The figures of `info`: group, then name.
    pub fn stats(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        let (services, checks) = self.local().counts();
        let (ttls, monitors) = {
            let running = self.inner.running.lock();
            let ttls = running.values().filter(|running| running.handle.kind() == CheckKind::Ttl).count();
            let scripts = running.values().filter(|running| running.handle.kind() == CheckKind::Script).count();
            (ttls, scripts)
        };
        let mut stats = BTreeMap::from([
            (
                "agent".to_owned(),
                group([
                    ("check_monitors", monitors.to_string()),
                    ("check_ttls", ttls.to_string()),
                    ("checks", checks.to_string()),
                    ("services", services.to_string()),
                ]),
            ),
            (
                "build".to_owned(),
                group([
                    ("prerelease", String::new()),
                    ("revision", version::REVISION[..version::REVISION.len().min(8)].to_owned()),
                    ("version", version::COMPATIBLE.to_owned()),
                    ("version_metadata", String::new()),
                ]),
            ),
            ("runtime".to_owned(), runtime()),
            ("serf_lan".to_owned(), gossip(self.members().len())),
        ]);
        match self.server() {
            Some(server) => {
                stats.insert("consul".to_owned(), server.stats());
                stats.insert("raft".to_owned(), server.raft().stats());
                stats.insert("serf_wan".to_owned(), gossip(self.members_wan().len()));
            }
            None => {
                let rows = group([
                    ("acl", "disabled".to_owned()),
                    ("known_servers", "0".to_owned()),
                    ("server", "false".to_owned()),
                ]);
                stats.insert("consul".to_owned(), rows);
            }
        }
        stats
    }

    /// The document of `/v1/agent/host`.
    pub fn host_info(&self) -> Value {
        super::host::document()
    }

    /// The document of `/v1/agent/version`.
    pub fn version_info(&self) -> Value {
        json!({
            "SHA": version::REVISION,
            "BuildDate": version::BUILD_DATE,
            "HumanVersion": version::COMPATIBLE,
            "FIPS": "",
        })
    }
}

/// Names of the platform as the reference's toolchain has them.
fn platform(name: &str) -> &str {
    match name {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn runtime() -> Group {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let handle = tokio::runtime::Handle::try_current();
    let (tasks, workers) =
        handle.map_or((0, cpus), |handle| (handle.metrics().num_alive_tasks(), handle.metrics().num_workers()));
    group([
        ("arch", platform(std::env::consts::ARCH).to_owned()),
        ("cpu_count", cpus.to_string()),
        ("goroutines", tasks.to_string()),
        ("max_procs", workers.to_string()),
        ("os", std::env::consts::OS.to_owned()),
        ("version", format!("tribune{}", version::OWN)),
    ])
}

/// Figures of a gossip pool.
fn gossip(members: usize) -> Group {
    let zeros = ["coordinate_resets", "event_queue", "failed", "health_score", "intent_queue", "left", "query_queue"];
    let ones = ["event_time", "member_time", "query_time"];
    let mut rows: Group = zeros.into_iter().map(|key| (key.to_owned(), "0".to_owned())).collect();
    rows.extend(ones.into_iter().map(|key| (key.to_owned(), "1".to_owned())));
    rows.insert("encrypted".into(), "false".into());
    rows.insert("members".into(), members.to_string());
    rows
}
