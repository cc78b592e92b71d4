//! docs/security.md, command by command: its configuration, its commands, three servers and a client agent; what is changed
//! afterwards, and how a cluster without all of it gets there, while clients go on.

use crate::support::cluster::*;
use crate::support::page::{Block, Desk, blocks, has};
use crate::support::tls::{Files, Tls, trusting_client};
use crate::support::traffic::{Downtimes, Traffic, Way};
use crate::support::*;
use nix::sys::signal::Signal;
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

const PAGE: &str = include_str!("../../docs/security.md");

/// What may change on the running cluster of the page.
const CHANGES: [&str; 3] = ["A new gossip key", "New certificates", "A new CA"];
/// How a cluster without security gets there.
const STEPS: [&str; 3] = ["Gossip in three restarts", "TLS in three reloads", "Access control in two restarts"];

const NAMES: [&str; 4] = ["server-1", "server-2", "server-3", "web-1"];

fn under(headings: &[&str]) -> Vec<Block> {
    blocks(PAGE).into_iter().filter(|block| headings.contains(&block.heading)).collect()
}

/// Name in the certificate of a machine.
fn server_name(machine: &str) -> String {
    format!("{}.dc1.consul", if machine == "web-1" { "client" } else { "server" })
}

/// The machines of the page and where they are here.
struct Machines {
    desk: Desk,
    addresses: BTreeMap<&'static str, String>,
    agents: Vec<TestAgent>,
}

impl Machines {
    fn new() -> Machines {
        let desk = Desk::new();
        let addresses: BTreeMap<_, _> = NAMES.map(|name| (name, own_address())).into();
        for (name, address) in NAMES.iter().zip(["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.1.1"]) {
            desk.place(address, &addresses[name]);
        }
        desk.place("@127.0.0.1", &format!("@{}", addresses["web-1"]));
        Machines { desk, addresses, agents: Vec::new() }
    }

    /// The configuration of a machine: the page's, with its own name, address and folders.
    fn configuration(&self, machine: &'static str, text: &str) -> String {
        let work = self.desk.path();
        let key = fs::read_to_string(work.join("gossip.key")).expect("the page made a key");
        let own = &self.addresses[machine];
        let text = text
            .replace(r#"bind_addr        = "10.0.0.1""#, &format!("bind_addr = {own:?}"))
            .replace(r#"https = "10.0.0.1""#, &format!("https = {own:?}"))
            .replace(r#"dns = "127.0.0.1""#, &format!("dns = {own:?}"))
            .replace(r#"node_name        = "server-1""#, &format!("node_name = {machine:?}"))
            .replace("what gossip.key holds", key.trim())
            .replace("/etc/tribune.d/tls", &work.join(machine).display().to_string())
            .replace("/var/log/tribune", &work.join(machine).display().to_string())
            .replace("/var/lib/tribune", &work.join(machine).join("data").display().to_string());
        self.desk.placed(&text)
    }

    fn start(&mut self, server: &str, client: &str) {
        for machine in NAMES {
            let text = self.configuration(machine, if machine == "web-1" { client } else { server });
            let agent = member(machine).address(&self.addresses[machine]).hcl(&text).no_wait();
            self.agents.push(agent.start());
        }
    }

    #[track_caller]
    fn run(&self, text: &str) -> String {
        self.desk.run(text).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Runs a line without its `!`, which a shell with `-e` does not look at.
    fn must_fail(&self, line: &str) {
        let command = line.strip_prefix("! ").expect("a line that must fail");
        match self.desk.run(command) {
            Ok(_) => panic!("this succeeded: {command}"),
            Err(error) => assert!(!error.contains("not found"), "{error}"),
        }
    }

    /// Commands of which some must fail.
    fn run_lines(&self, text: &str) {
        for line in text.lines() {
            match line.starts_with("! ") {
                true => self.must_fail(line),
                false => drop(self.run(line)),
            }
        }
    }

    /// A secret of a token in a file of the page.
    fn secret(&self, file: &str) -> String {
        self.run(&format!("awk '/^SecretID/ {{ print $2 }}' {file}")).trim().to_owned()
    }

    /// The TLS configuration of somebody with the variables that the page exported.
    fn exported(&self) -> Arc<rustls::ClientConfig> {
        let printed = self.run("echo $CONSUL_CACERT $CONSUL_CLIENT_CERT $CONSUL_CLIENT_KEY");
        let paths: Vec<PathBuf> = printed.split_whitespace().map(|path| self.desk.path().join(path)).collect();
        let file = |number: usize| paths[number].display().to_string();
        trusting_client(&paths[0], &Files { cert: file(1), key: file(2) })
    }

    /// A client agent that has nothing but the gossip key, and is in the pool.
    fn gossiping(&self, name: &str) -> TestAgent {
        let key = self.run("cat gossip.key");
        let join = [self.addresses["server-1"].clone()];
        let agent = member(name).file("key.hcl", &format!("encrypt = {:?}", key.trim())).retry_join(&join).start();
        self.desk.run_in_time(&format!("tribune members | grep '^{name} .* alive '"));
        agent
    }

    /// An agent that was away while the gossip key changed stays outside until its keyring is removed.
    fn returns(&self, away: &mut TestAgent) {
        let keyring = away.dir.join("data/serf/local.keyring");
        assert!(keyring.exists());
        let key = self.run("cat new-gossip.key");
        away.write_config("key.hcl", &format!("encrypt = {:?}", key.trim()));
        let before = away.log().len();
        away.restart_member();
        wait_until("a join that fails", || away.log()[before..].contains("will retry"));
        let listed = self.desk.run("tribune members | grep '^away .* alive '");
        assert!(listed.is_err(), "{listed:?}");
        away.stop();
        fs::remove_file(keyring).expect("a keyring");
        away.restart_member();
        self.desk.run_in_time("tribune members | grep '^away .* alive '");
    }

    /// How clients reach the agents of the secured cluster.
    fn ways(&self, config: &Arc<RwLock<Arc<rustls::ClientConfig>>>) -> Vec<Way> {
        let way = |machine: &&'static str| Way {
            name: (*machine).to_owned(),
            address: format!("{}:8501", self.addresses[machine]),
            tls: Some((config.clone(), server_name(machine))),
        };
        NAMES.iter().map(way).collect()
    }
}

/// Blocks that ask for what comes with time: an election, a registration that travels.
fn waits(text: &str) -> bool {
    ["export ", "tribune members", "tribune catalog"].iter().any(|start| text.starts_with(start))
}

/// The first part of the page: a secured cluster.
fn secured() -> Machines {
    let mut machines = Machines::new();
    let all = blocks(PAGE);
    let first: Vec<&Block> =
        all.iter().take_while(|block| !CHANGES.contains(&block.heading) && !STEPS.contains(&block.heading)).collect();
    let configuration = |kind: &str| {
        let found = first.iter().find(|block| block.language == "hcl" && block.title() == kind);
        found.expect("the page has it").text
    };
    let (server, client) = (configuration("server"), configuration("client"));
    let mut ran = 0;
    for block in &first {
        let text = block.text;
        match block.language {
            "sh" if text.starts_with("systemctl") => machines.start(server, client),
            "sh" if text.starts_with("dig") && !has("dig") => {
                let client = &machines.agents[3];
                let found = || client.resolve("web.service.consul.").is_some_and(|found| !found.is_empty());
                wait_until("the service in DNS", found);
            }
            "sh" if text.contains("dig ") => drop(machines.desk.run_in_time(&format!("test -n \"$({text})\""))),
            "sh" if waits(text) => drop(machines.desk.run_in_time(text)),
            "sh" if text.starts_with("! ") => machines.run_lines(text),
            "sh" => drop(machines.run(text)),
            _ => continue,
        }
        ran += 1;
    }
    assert!(ran >= 12, "{ran} blocks");
    machines
}

#[test]
fn the_steps_of_the_security_page_lead_to_a_secured_cluster() {
    let machines = secured();
    // a member without the gossip key, and one without a certificate, stay outside
    let stranger =
        member("stranger").retry_join(std::slice::from_ref(&machines.addresses["server-1"])).no_wait().start();
    wait_until("the refusal of the stranger", || {
        stranger.log().contains("Failed to join") || stranger.log().contains("failed to join")
    });
    assert!(!machines.agents[0].log().contains("EventMemberJoin: stranger"));
}

/// Reloads every agent by its signal and waits until it shows the certificate that its file has now.
fn reload(machines: &Machines, ways: &[Way], token: &str) {
    for (agent, way) in machines.agents.iter().zip(ways) {
        agent.signal(Signal::SIGHUP);
        let file = machines.desk.path().join(&way.name).join("agent.pem").display().to_string();
        let (config, name) = way.tls.as_ref().expect("over TLS");
        let wanted = Files { cert: file, key: String::new() }.der();
        wait_until("the certificate of the file", || {
            let shown = Tls::connect(&config.read().clone(), &way.address, name, &[]);
            shown.is_ok_and(|tls| tls.server_certificate() == wanted)
        });
        // a change of the authority alone shows nowhere: a second reload ends after it was taken in
        let again = way.ask(token, "PUT", "/v1/agent/reload", b"").expect("an answer");
        assert_eq!(again.status, 200, "{}", again.text());
    }
}

#[test]
fn keys_certificates_and_the_authority_are_replaced_while_clients_go_on() {
    let mut machines = secured();
    let config = Arc::new(RwLock::new(machines.exported()));
    let token = machines.secret("bootstrap.txt");
    let ways = machines.ways(&config);
    let mut away = machines.gossiping("away");
    away.stop();
    let traffic = Traffic::start_with(ways.clone(), &token);
    let mut kept: Vec<Tls> = ways
        .iter()
        .map(|way| Tls::connect(&config.read().clone(), &way.address, &server_name(&way.name), &[]).expect("connected"))
        .collect();
    for block in under(&CHANGES) {
        match block.text {
            text if text.starts_with("systemctl reload") => reload(&machines, &ways, &token),
            text if text.contains("\n! ") => machines.run_lines(text),
            text => drop(machines.run(text)),
        }
        *config.write() = machines.exported();
        traffic.wait_more(5);
        for (tls, way) in kept.iter_mut().zip(&ways) {
            let answer = tls.get("/v1/status/leader").unwrap_or_else(|error| {
                panic!("the connection to {} that was open before {:?}: {error}", way.name, block.text)
            });
            assert_eq!(answer.status, 200);
        }
    }
    Downtimes::default().explain(&traffic.finish(&ways[0]));
    let listed = machines.run("tribune keyring -list");
    let old = machines.run("cat gossip.key");
    assert!(!listed.contains(old.trim()) && listed.contains(machines.run("cat new-gossip.key").trim()));
    machines.returns(&mut away);
    // what is new is all that an agent needs that starts now
    for number in [1, 3] {
        machines.agents[number].stop();
        machines.agents[number].restart_no_wait();
        let name = NAMES[number];
        machines.desk.run_in_time(&format!("tribune members | grep '^{name} .* alive '"));
        machines.desk.run_in_time("tribune operator autopilot state | grep -E '^Healthy: +true'");
        let way = &ways[number];
        wait_until("a write through it", || {
            way.ask(&token, "PUT", "/v1/kv/again", b"1").is_ok_and(|answer| answer.status == 200)
        });
    }
    machines.desk.run_in_time("tribune catalog services | grep web");
}

/// Each agent takes in what its configuration says now: servers that follow first, the leader after it has handed over.
fn restart_in_turn(cluster: &mut Cluster, client: &mut TestAgent, down: &mut Downtimes) {
    let leader = cluster.leader();
    for number in (0..3).filter(|number| *number != leader).chain([leader]) {
        if number == leader {
            down.during("the leader", || {
                cluster.servers[leader].cli_ok(&["operator", "raft", "transfer-leader"]);
                wait_until("another leader", || cluster.leader_now().is_some_and(|now| now != leader));
            });
        }
        let server = &mut cluster.servers[number];
        let name = server.name.clone();
        down.during(&name, || {
            server.stop();
            server.start_again();
        });
        wait_until("a healthy cluster", || {
            let health = cluster.servers[number].ask_json("/v1/operator/autopilot/health");
            health["Healthy"] == true && health["FailureTolerance"] == 1
        });
        cluster.wait_alive(4);
    }
    down.during("web-1", || {
        client.stop();
        client.start_again();
    });
    cluster.wait_alive(4);
}

#[test]
fn security_is_switched_on_in_a_running_cluster_while_clients_go_on() {
    let machines = Machines::new();
    let made: Vec<Block> = under(&["1. Secrets", "2. A folder for each machine"]);
    made.iter().for_each(|block| drop(machines.run(block.text)));
    let builders = NAMES[..3].iter().map(|name| member(name).address(&machines.addresses[name])).collect();
    let mut cluster = start_together(builders, |builder| builder.server_of(3));
    let mut client = cluster.client("web-1").address(&machines.addresses["web-1"]).start();
    cluster.wait_alive(4);
    client.put_ok("/v1/agent/service/register", r#"{"Name":"web","Port":80}"#);
    let ways: Vec<Way> = cluster.servers.iter().chain([&client]).map(Way::plain).collect();
    let traffic = Traffic::start(ways.clone());
    let mut down = Downtimes::default();
    let mut deny = String::new();
    for block in under(&STEPS) {
        if block.language == "sh" {
            if block.text.starts_with("grep") {
                find_who_has_no_token(&machines, block.text, &traffic);
            } else {
                machines.run(block.text);
                let secret = machines.secret("bootstrap.txt");
                cluster.servers.iter_mut().chain([&mut client]).for_each(|agent| agent.use_token(&secret));
                deny = secret;
            }
            continue;
        }
        let (part, how) = block.title().split_once(": ").expect("a part and how it is taken in");
        for agent in cluster.servers.iter().chain([&client]) {
            let name = NAMES.iter().find(|name| **name == agent.name).expect("a machine of the page");
            agent.write_config(&format!("{part}.hcl"), &machines.configuration(name, block.text));
        }
        if block.text.contains("\"deny\"") {
            traffic.use_token(&deny);
            traffic.wait_more(3);
        }
        match how {
            "restart" => restart_in_turn(&mut cluster, &mut client, &mut down),
            "reload" => {
                for agent in cluster.servers.iter().chain([&client]) {
                    agent.signal(Signal::SIGHUP);
                    agent.cli_ok(&["reload"]);
                    traffic.wait_more(3);
                }
            }
            other => panic!("not known: {other}"),
        }
        traffic.wait_more(5);
        let server = &cluster.servers[0];
        wait_until("the service", || server.passing("web").contains("web-1"));
    }
    let seen = traffic.finish(&ways[0]);
    down.explain(&seen);
    assert_is_secured(&machines, &cluster, &client);
}

/// Requests of clients that have no token yet stand in the audit log.
fn find_who_has_no_token(machines: &Machines, command: &str, traffic: &Traffic) {
    traffic.wait_more(5);
    for name in NAMES {
        let log = machines.desk.path().join(name).display().to_string();
        let found = machines.run(&command.replace("/var/log/tribune", &log));
        assert!(found.contains("/v1/kv/traffic/") && found.contains("remote_addr"), "{name}: {found}");
    }
}

fn assert_is_secured(machines: &Machines, cluster: &Cluster, client: &TestAgent) {
    for agent in cluster.servers.iter().chain([client]) {
        assert_eq!(agent.send_as("", "PUT", "/v1/kv/stranger", "1").status, 403, "{}", agent.name);
        assert!(agent.cli_ok(&["info"]).contains("encrypted = true"), "{}", agent.name);
    }
    // a client agent with the key and without a certificate, and one with a certificate and without the key
    let join = [cluster.servers[0].address.clone()];
    let key = fs::read_to_string(machines.desk.path().join("gossip.key")).expect("the key");
    let plain = member("plain").hcl(&format!("encrypt = {:?}", key.trim())).retry_join(&join).start();
    cluster.servers[0].wait_member("plain", "alive");
    assert_eq!(plain.get("/v1/kv/a").status, 500, "it gets no answer from servers");
    let open = member("open").start();
    assert!(!open.cli(&["join", &join[0]]).status.success());
}
