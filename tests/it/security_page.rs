//! docs/security.md, command by command: its configuration, its commands, three servers and a client agent.

use crate::support::cluster::member;
use crate::support::*;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

const PAGE: &str = include_str!("../../docs/security.md");

/// Blocks of the page: language and text, in order.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    let mut rest = PAGE;
    while let Some((_, after)) = rest.split_once("\n```") {
        let (language, after) = after.split_once('\n').expect("a block has lines");
        let (text, after) = after.split_once("\n```").expect("a block ends");
        found.push((language, text));
        rest = after;
    }
    found
}

/// The machines of the page and where they are here.
struct Machines {
    work: tempfile::TempDir,
    addresses: BTreeMap<&'static str, String>,
    agents: Vec<TestAgent>,
}

impl Machines {
    fn new() -> Machines {
        let named =
            [("server-1", "10.0.0.1"), ("server-2", "10.0.0.2"), ("server-3", "10.0.0.3"), ("web-1", "10.0.1.1")];
        let work = tempfile::tempdir().expect("a folder");
        fs::create_dir(work.path().join("bin")).expect("a folder");
        std::os::unix::fs::symlink(BINARY, work.path().join("bin/tribune")).expect("a link");
        let addresses = named.map(|(name, _)| (name, own_address())).into();
        Machines { work, addresses, agents: Vec::new() }
    }

    /// The text with the addresses that the machines have here.
    fn placed(&self, text: &str) -> String {
        let client = &self.addresses["web-1"];
        text.replace("10.0.0.1", &self.addresses["server-1"])
            .replace("10.0.0.2", &self.addresses["server-2"])
            .replace("10.0.0.3", &self.addresses["server-3"])
            .replace("10.0.1.1", client)
            .replace("@127.0.0.1", &format!("@{client}"))
    }

    /// The configuration of a machine: the page's, with its own name, address and folders.
    fn configuration(&self, machine: &'static str, text: &str) -> String {
        let work = self.work.path();
        let key = fs::read_to_string(work.join("gossip.key")).expect("the page made a key");
        let own = &self.addresses[machine];
        let text = text
            .replace(r#"bind_addr        = "10.0.0.1""#, &format!("bind_addr = {own:?}"))
            .replace(r#"https = "10.0.0.1""#, &format!("https = {own:?}"))
            .replace(r#"dns = "127.0.0.1""#, &format!("dns = {own:?}"))
            .replace(r#"node_name        = "server-1""#, &format!("node_name = {machine:?}"))
            .replace("what gossip.key holds", key.trim())
            .replace("/etc/tribune.d/tls", &work.join(machine).display().to_string())
            .replace("/var/lib/tribune", &work.join(machine).join("data").display().to_string());
        self.placed(&text)
    }

    fn start(&mut self, server: &str, client: &str) {
        for machine in ["server-1", "server-2", "server-3", "web-1"] {
            let text = self.configuration(machine, if machine == "web-1" { client } else { server });
            let agent = member(machine).address(&self.addresses[machine]).hcl(&text).no_wait();
            self.agents.push(agent.start());
        }
    }

    /// Runs a block as it stands, with the variables that blocks before it exported.
    fn run(&self, text: &str) -> Result<(), String> {
        let work = self.work.path();
        let variables = work.join("exported");
        let script = format!(
            "set -eu\n[ ! -e '{0}' ] || . '{0}'\n{1}\nexport -p > '{0}'\n",
            variables.display(),
            self.placed(text)
        );
        let path = format!("{}:{}", work.join("bin").display(), std::env::var("PATH").expect("a path"));
        let mut command = Command::new("sh");
        command.arg("-c").arg(&script).current_dir(work);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CONSUL_")) {
            command.env_remove(name);
        }
        let output = command.env("PATH", path).output().expect("sh runs");
        if output.status.success() {
            return Ok(());
        }
        Err(format!("{text}\n-- {} --\n{}{}", output.status, stdout(&output), stderr(&output)))
    }

    /// Runs a line without its `!`, which a shell with `-e` does not look at.
    fn must_fail(&self, line: &str) {
        let command = line.strip_prefix("! ").expect("a line that must fail");
        match self.run(command) {
            Ok(()) => panic!("this succeeded: {command}"),
            Err(error) => assert!(!error.contains("not found"), "{error}"),
        }
    }

    /// Runs a block until it succeeds: what it asks for may take a moment to be true.
    fn run_in_time(&self, text: &str) {
        let start = Instant::now();
        while let Err(error) = self.run(text) {
            assert!(start.elapsed() < PATIENCE, "{error}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

/// Blocks that ask for what comes with time: an election, a registration that travels.
fn waits(text: &str) -> bool {
    ["export ", "tribune members", "tribune catalog"].iter().any(|start| text.starts_with(start))
}

fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| Path::new(&folder).join(program).exists())
}

#[test]
fn the_steps_of_the_security_page_lead_to_a_secured_cluster() {
    let mut machines = Machines::new();
    let blocks = blocks();
    let configuration = |kind: &str| {
        let head = format!("# {kind}\n");
        blocks.iter().find(|(language, text)| *language == "hcl" && text.starts_with(&head)).expect("the page has it").1
    };
    let (server, client) = (configuration("server"), configuration("client"));
    let mut ran = 0;
    for (language, text) in &blocks {
        match *language {
            "sh" if text.starts_with("systemctl") => machines.start(server, client),
            "sh" if text.starts_with("dig") && !has("dig") => {
                let client = &machines.agents[3];
                let found = || client.resolve("web.service.consul.").is_some_and(|found| !found.is_empty());
                wait_until("the service in DNS", found);
            }
            "sh" if text.contains("dig ") => machines.run_in_time(&format!("test -n \"$({text})\"")),
            "sh" if waits(text) => machines.run_in_time(text),
            "sh" if text.starts_with("! ") => text.lines().for_each(|line| machines.must_fail(line)),
            "sh" => {
                machines.run(text).unwrap_or_else(|error| panic!("{error}"));
            }
            _ => continue,
        }
        ran += 1;
    }
    assert!(ran >= 12, "{ran} blocks");
    // a member without the gossip key, and one without a certificate, stay outside
    let stranger =
        member("stranger").retry_join(std::slice::from_ref(&machines.addresses["server-1"])).no_wait().start();
    wait_until("the refusal of the stranger", || {
        stranger.log().contains("Failed to join") || stranger.log().contains("failed to join")
    });
    assert!(!machines.agents[0].log().contains("EventMemberJoin: stranger"));
}
