//! Clusters of real agents: servers and client agents with fast gossip, each on a loopback address of its own, and the
//! conditions that tests wait for.

use super::*;
use hickory_proto::op::{Message, MessageType, OpCode, Query};
use hickory_proto::rr::{Name, RecordType};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::collections::BTreeSet;

/// A loss is noticed in about a second, a request without a leader fails after one.
const FAST: &str = r#"
performance {
  raft_multiplier = 1
  leave_drain_time = "100ms"
  rpc_hold_timeout = "2s"
}
gossip_lan {
  gossip_interval = "50ms"
  probe_interval = "300ms"
  probe_timeout = "150ms"
  suspicion_mult = 3
}
gossip_wan {
  gossip_interval = "50ms"
  probe_interval = "500ms"
  probe_timeout = "250ms"
  suspicion_mult = 3
}
autopilot {
  server_stabilization_time = "200ms"
}
limits {
  http_max_conns_per_client = 2000
  rpc_max_conns_per_client = 2000
}
retry_interval = "200ms"
retry_interval_wan = "200ms"
disable_update_check = true
"#;

/// How long one request of a condition may take; a paused agent accepts connections and answers nothing.
const ASK: Duration = Duration::from_secs(4);

/// A member of a cluster that is not started yet: a client agent unless [`AgentBuilder::server_of`] is called.
pub fn member(name: &str) -> AgentBuilder {
    member_of(&under_test(), name)
}

/// [`member`] with any binary that takes this command line.
pub fn member_of(binary: &str, name: &str) -> AgentBuilder {
    AgentBuilder::member(binary, name).file("fast.hcl", FAST)
}

/// A list as configuration files write it.
pub fn hcl_list(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| format!("{item:?}")).collect();
    format!("[{}]", items.join(", "))
}

impl AgentBuilder {
    /// A server that expects `count` servers before the first election; 0 waits to be added.
    pub fn server_of(self, count: usize) -> Self {
        let builder = self.arg("-server");
        if count > 0 { builder.arg(format!("-bootstrap-expect={count}")) } else { builder }
    }

    /// Further configuration.
    pub fn hcl(mut self, text: &str) -> Self {
        let name = format!("extra-{}.hcl", self.files.len());
        self.files.push((name, text.to_owned()));
        self
    }

    /// Joins these addresses by itself.
    pub fn retry_join(self, addresses: &[String]) -> Self {
        let content = format!("retry_join = {}", hcl_list(addresses));
        self.file("join.hcl", &content)
    }
}

/// Servers of one datacenter.
pub struct Cluster {
    /// The servers, `s1` and so on, running or not.
    pub servers: Vec<TestAgent>,
}

/// Starts `count` servers that find each other and waits until they lead, vote and see each other.
#[track_caller]
pub fn cluster(count: usize) -> Cluster {
    cluster_with(count, |builder| builder)
}

/// [`cluster`] with further configuration for each server.
#[track_caller]
pub fn cluster_with(count: usize, edit: impl Fn(AgentBuilder) -> AgentBuilder) -> Cluster {
    cluster_of(&under_test(), count, edit)
}

/// [`cluster`] with any binary and further configuration.
#[track_caller]
pub fn cluster_of(binary: &str, count: usize, edit: impl Fn(AgentBuilder) -> AgentBuilder) -> Cluster {
    let builders = (1..=count).map(|number| member_of(binary, &format!("s{number}"))).collect();
    start_together(builders, |builder| edit(builder.server_of(count)))
}

/// [`cluster`] with a server in each place of a network.
#[track_caller]
pub fn cluster_in(network: &network::Network) -> Cluster {
    let count = network.places();
    let place = |number: usize| {
        let builder = member(&format!("s{}", number + 1)).server_of(count);
        builder.address(&network.address(number)).namespace(network.holder(number))
    };
    start_together((0..count).map(place).collect(), |builder| builder)
}

/// Starts servers that know each other's addresses, all at once.
#[track_caller]
pub fn start_together(builders: Vec<AgentBuilder>, edit: impl Fn(AgentBuilder) -> AgentBuilder) -> Cluster {
    let addresses: Vec<String> = builders.iter().map(|builder| builder.planned_address().to_owned()).collect();
    let count = builders.len();
    let starting: Vec<AgentBuilder> =
        builders.into_iter().map(|builder| edit(builder.retry_join(&addresses)).no_wait()).collect();
    let mut cluster = Cluster { servers: starting.into_iter().map(AgentBuilder::start).collect() };
    for server in &mut cluster.servers {
        server.wait_ready();
    }
    cluster.wait_voters(count);
    cluster.wait_alive(count);
    cluster
}

impl Cluster {
    /// Addresses of all servers.
    pub fn addresses(&self) -> Vec<String> {
        self.servers.iter().map(|server| server.address.clone()).collect()
    }

    /// A client agent that is not started yet and joins these servers.
    pub fn client(&self, name: &str) -> AgentBuilder {
        self.client_of(&under_test(), name)
    }

    /// [`Cluster::client`] with any binary.
    pub fn client_of(&self, binary: &str, name: &str) -> AgentBuilder {
        member_of(binary, name).retry_join(&self.addresses())
    }

    /// Starts a client agent and waits until it is in the catalog with a passing `serfHealth`.
    #[track_caller]
    pub fn start_client(&self, name: &str) -> TestAgent {
        let agent = self.client(name).start();
        wait_until("the client agent in the catalog", || agent.health_of_node(name) == "passing");
        agent
    }

    /// Another server that is not started yet and joins these.
    pub fn joining_server(&self, name: &str) -> AgentBuilder {
        member(name).server_of(0).retry_join(&self.addresses())
    }

    /// Waits until one server leads and a majority of all servers says so; its position.
    #[track_caller]
    pub fn leader(&self) -> usize {
        wait_for("a leader that a majority knows", || self.leader_now())
    }

    /// The leader by the word of a majority.
    pub fn leader_now(&self) -> Option<usize> {
        let known: Vec<String> = self.servers.iter().filter_map(TestAgent::known_leader).collect();
        (0..self.servers.len()).find(|number| {
            let own = format!("{}:8300", self.servers[*number].address);
            self.servers[*number].known_leader().as_deref() == Some(own.as_str())
                && known.iter().filter(|leader| **leader == own).count() > self.servers.len() / 2
        })
    }

    /// Some server that follows.
    #[track_caller]
    pub fn follower(&self) -> usize {
        (self.leader() + 1) % self.servers.len()
    }

    /// Waits until the leader lists `count` voters and no other server.
    #[track_caller]
    pub fn wait_voters(&self, count: usize) {
        wait_until(&format!("{count} voters"), || {
            self.leader_now().is_some_and(|leader| {
                let peers = self.servers[leader].raft_servers();
                peers.len() == count && peers.iter().all(|peer| peer["Voter"] == true)
            })
        });
    }

    /// Waits until every server sees `count` living members.
    #[track_caller]
    pub fn wait_alive(&self, count: usize) {
        for server in &self.servers {
            server.wait_alive(count);
        }
    }

    /// Waits until every server answers a stale read of this key with this value.
    #[track_caller]
    pub fn wait_replicated(&self, key: &str, value: &str) {
        for server in &self.servers {
            wait_until("the value on every server", || {
                server.ask(&format!("/v1/kv/{key}?raw&stale")).is_some_and(|answer| answer.text() == value)
            });
        }
    }
}

impl TestAgent {
    /// GET with little patience; `None` when nothing answers.
    pub fn ask(&self, target: &str) -> Option<Response> {
        request_within(ASK, &self.http_address(), "GET", target, &self.token_header(), b"").ok()
    }

    /// GET that must be JSON and 200; otherwise null.
    pub fn ask_json(&self, target: &str) -> Value {
        let answer = self.ask(target).filter(|answer| answer.status == 200);
        answer.and_then(|answer| serde_json::from_slice(&answer.body).ok()).unwrap_or(Value::Null)
    }

    /// The leader that this agent knows, `address:port`.
    pub fn known_leader(&self) -> Option<String> {
        self.ask_json("/v1/status/leader").as_str().filter(|leader| !leader.is_empty()).map(str::to_owned)
    }

    /// Servers of the raft configuration.
    pub fn raft_servers(&self) -> Vec<Value> {
        self.ask_json("/v1/operator/raft/configuration?stale")["Servers"].as_array().cloned().unwrap_or_default()
    }

    /// Status word by member name, of the LAN pool.
    pub fn members(&self) -> BTreeMap<String, &'static str> {
        self.members_of("/v1/agent/members")
    }

    /// Status word by member name, of the WAN pool.
    pub fn wan_members(&self) -> BTreeMap<String, &'static str> {
        self.members_of("/v1/agent/members?wan=1")
    }

    fn members_of(&self, target: &str) -> BTreeMap<String, &'static str> {
        let list = self.ask_json(target);
        let words = ["none", "alive", "leaving", "left", "failed"];
        let status = |row: &Value| row["Status"].as_u64().and_then(|status| words.get(status as usize).copied());
        let rows = list.as_array().into_iter().flatten();
        rows.map(|row| (row["Name"].as_str().unwrap_or("").to_owned(), status(row).unwrap_or("unknown"))).collect()
    }

    /// Waits until this agent sees `count` living members.
    #[track_caller]
    pub fn wait_alive(&self, count: usize) {
        wait_until(&format!("{count} living members on {}", self.name), || {
            self.members().values().filter(|status| **status == "alive").count() == count
        });
    }

    /// Waits until this agent sees a member with a status; `""` for a member that is forgotten.
    #[track_caller]
    pub fn wait_member(&self, name: &str, status: &str) {
        wait_until(&format!("{name} {status:?} on {}", self.name), || {
            self.known_member(name) == status && self.ask("/v1/agent/members").is_some()
        });
    }

    /// Status of a member, `""` when unknown.
    pub fn known_member(&self, name: &str) -> &'static str {
        self.members().get(name).copied().unwrap_or("")
    }

    /// `serfHealth` of a node in the catalog, `""` when the node is not there.
    pub fn health_of_node(&self, node: &str) -> String {
        let checks = self.ask_json(&format!("/v1/health/node/{node}"));
        let health = checks.as_array().into_iter().flatten().find(|check| check["CheckID"] == "serfHealth");
        health.and_then(|check| check["Status"].as_str()).unwrap_or("").to_owned()
    }

    /// Whether the catalog lists a node.
    pub fn lists_node(&self, node: &str) -> bool {
        let nodes = self.ask_json("/v1/catalog/nodes");
        nodes.as_array().into_iter().flatten().any(|row| row["Node"] == node)
    }

    /// Nodes with passing instances of a service.
    pub fn passing(&self, service: &str) -> BTreeSet<String> {
        let rows = self.ask_json(&format!("/v1/health/service/{service}?passing"));
        let rows = rows.as_array().cloned().unwrap_or_default();
        rows.iter().filter_map(|row| row["Node"]["Node"].as_str().map(str::to_owned)).collect()
    }

    /// Addresses that DNS answers for a name; `None` when DNS says nothing.
    pub fn resolve(&self, name: &str) -> Option<BTreeSet<String>> {
        let mut question = Message::new(rand::random(), MessageType::Query, OpCode::Query);
        question.add_query(Query::query(Name::from_ascii(name).expect("a name"), RecordType::A));
        let answer = self.dns_udp(&question.to_vec().expect("a packet"))?;
        let message = Message::from_vec(&answer).ok()?;
        Some(message.answers.iter().map(|record| record.data.to_string()).collect())
    }

    /// Writes a key until it is acknowledged.
    #[track_caller]
    pub fn write(&self, key: &str, value: &str) {
        let (address, target) = (self.http_address(), format!("/v1/kv/{key}"));
        wait_until(&format!("an acknowledged write through {}", self.name), || {
            let answer = request_within(ASK, &address, "PUT", &target, &[], value.as_bytes());
            answer.is_ok_and(|answer| answer.status == 200 && answer.body == b"true")
        });
    }

    /// A PUT with little patience.
    pub fn try_put(&self, target: &str, body: &str) -> std::io::Result<Response> {
        request_within(Duration::from_secs(15), &self.http_address(), "PUT", target, &[], body.as_bytes())
    }

    /// The value of a key by a consistent read.
    #[track_caller]
    pub fn read(&self, key: &str) -> Option<String> {
        let answer = wait_for(&format!("a consistent read through {}", self.name), || {
            self.ask(&format!("/v1/kv/{key}?raw&consistent")).filter(|answer| matches!(answer.status, 200 | 404))
        });
        (answer.status == 200).then(|| answer.text())
    }

    /// Runs a command that must succeed; its output.
    #[track_caller]
    pub fn cli_ok(&self, args: &[&str]) -> String {
        let output = self.cli(args);
        assert!(output.status.success(), "{args:?}: {}{}", stdout(&output), stderr(&output));
        stdout(&output)
    }

    /// Stops the process where it stands.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets a paused process go on.
    pub fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Starts it again, waiting only for HTTP.
    #[track_caller]
    pub fn restart_member(&mut self) {
        self.restart_no_wait();
        self.wait_ready();
    }
}
