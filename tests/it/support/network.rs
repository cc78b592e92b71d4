//! A network of its own for tests that cut it: every server in a network namespace, all of them on one bridge, and a
//! second bridge, the island, to which some can be moved. The test itself runs in a namespace that reaches both.
//!
//! Needs root and the tools `unshare`, `nsenter` and `ip`; without them such tests say so and pass.

use std::process::{Child, Command, Stdio};

/// Set in the process that runs inside the namespace; holds the name of the test.
const INSIDE: &str = "TRIBUNE_OWN_NETWORK";
/// The same for both bridges, so that a moved server finds the test where it was.
const BRIDGE_MAC: &str = "02:00:00:00:00:fe";

/// Servers in namespaces.
pub struct Network {
    holders: Vec<Child>,
}

/// Runs `body` inside a fresh network with `count` places for servers, or says why not. `test` is the full name of the
/// calling test: the test binary runs it again inside the namespace.
#[track_caller]
pub fn in_own_network(test: &str, count: usize, body: impl FnOnce(&Network)) {
    if std::env::var(INSIDE).is_ok_and(|name| name == test) {
        return body(&Network::build(count));
    }
    if let Some(reason) = missing() {
        println!("skipped: {reason}");
        return;
    }
    let binary = std::env::current_exe().expect("the test binary has a path");
    let status = Command::new("unshare")
        .arg("--net")
        .arg(binary)
        .args([test, "--exact", "--nocapture", "--include-ignored"])
        .env(INSIDE, test)
        .status()
        .expect("unshare was there a moment ago");
    assert!(status.success(), "{test} failed inside its network");
}

/// Why there can be no network of our own.
pub fn missing() -> Option<String> {
    if !nix::unistd::geteuid().is_root() {
        return Some("network namespaces need root".to_owned());
    }
    let script = "ip link add probe0 type bridge && ip link add probe1 type veth peer name probe2 && nsenter --version";
    match Command::new("unshare").args(["--net", "sh", "-c", script]).output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("no network namespaces here: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) => Some(format!("no network namespaces here: unshare: {error}")),
    }
}

fn ip(line: &str) {
    let output = Command::new("ip").args(line.split(' ')).output().expect("ip was there a moment ago");
    assert!(output.status.success(), "ip {line}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Network {
    fn build(count: usize) -> Network {
        ip("link set lo up");
        for bridge in ["mainland", "island"] {
            ip(&format!("link add {bridge} address {BRIDGE_MAC} type bridge"));
            ip(&format!("link set {bridge} up"));
        }
        ip("addr add 10.88.0.254/24 dev mainland");
        ip("addr add 10.88.0.254/32 dev island");
        let mut network = Network { holders: Vec::new() };
        for place in 0..count {
            let holder = Command::new("unshare").args(["--net", "sleep", "infinity"]).stdin(Stdio::null()).spawn();
            network.holders.push(holder.expect("unshare was there a moment ago"));
            network.connect(place);
        }
        network
    }

    fn connect(&self, place: usize) {
        let pid = self.holder(place);
        let own = std::fs::read_link("/proc/self/ns/net").expect("this process has a namespace");
        super::wait_until("a namespace", || {
            std::fs::read_link(format!("/proc/{pid}/ns/net")).is_ok_and(|other| other != own)
        });
        ip(&format!("link add port{place} type veth peer name eth0 netns {pid}"));
        ip(&format!("link set port{place} master mainland up"));
        let inside = |line: String| {
            let mut command = Command::new("nsenter");
            command.arg(format!("--net=/proc/{pid}/ns/net")).arg("ip").args(line.split(' '));
            assert!(command.status().expect("nsenter was there a moment ago").success(), "ip {line}");
        };
        inside("link set lo up".to_owned());
        inside(format!("addr add {}/24 dev eth0", self.address(place)));
        inside("link set eth0 up".to_owned());
    }

    /// Process that keeps the namespace of a place.
    pub fn holder(&self, place: usize) -> u32 {
        self.holders[place].id()
    }

    /// How many servers have a place.
    pub fn places(&self) -> usize {
        self.holders.len()
    }

    /// Address of a place.
    pub fn address(&self, place: usize) -> String {
        format!("10.88.0.{}", place + 1)
    }

    /// Cuts these places off from the others; they still reach each other, and the test reaches everyone.
    pub fn isolate(&self, places: &[usize]) {
        for place in places {
            ip(&format!("link set port{place} master island"));
            ip(&format!("route replace {}/32 dev island", self.address(*place)));
        }
    }

    /// Brings everyone back to the mainland.
    pub fn heal(&self) {
        for place in 0..self.holders.len() {
            ip(&format!("link set port{place} master mainland"));
            ip(&format!("route replace {}/32 dev mainland", self.address(place)));
        }
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for holder in &mut self.holders {
            let _ = holder.kill();
            let _ = holder.wait();
        }
    }
}
