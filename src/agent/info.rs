//! What the agent tells about itself: `/v1/agent/self`, members, figures, version (`spec/http-api.md` 3.2).

use super::checks::CheckKind;
use super::{Agent, Delegate, Member};
use crate::types::version;
use serde_json::{Value, json};
use std::collections::BTreeMap;

type Group = BTreeMap<String, String>;

fn group<const N: usize>(rows: [(&str, String); N]) -> Group {
    rows.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

impl Agent {
    /// Members of the LAN pool.
    pub fn members(&self) -> Vec<Member> {
        self.lan().members().iter().map(|member| Member::from(&**member)).collect()
    }

    /// Members of the WAN pool; empty on a client agent.
    pub fn members_wan(&self) -> Vec<Member> {
        let Some(wan) = self.wan() else { return Vec::new() };
        wan.members().iter().map(|member| Member::from(&**member)).collect()
    }

    /// This agent as a member.
    pub fn member(&self) -> Member {
        Member::from(&*self.lan().local())
    }

    /// The document of `/v1/agent/self`.
    pub fn self_info(&self) -> Value {
        let config = self.config();
        let coordinate = (!config.disable_coordinates).then(|| self.coordinate());
        let meta = super::local_settings(&config, &self.tokens().get(), self.node_id()).node.meta;
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
            ("serf_lan".to_owned(), self.lan().stats()),
        ]);
        match self.delegate() {
            Delegate::Server(server) => {
                stats.insert("consul".to_owned(), server.stats());
                stats.insert("raft".to_owned(), server.raft().stats());
                if let Some(wan) = self.wan() {
                    stats.insert("serf_wan".to_owned(), wan.stats());
                }
            }
            Delegate::Client(client) => {
                let rows = group([
                    ("acl", if self.config().acl.enabled { "enabled" } else { "disabled" }.to_owned()),
                    ("known_servers", client.servers().len().to_string()),
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
